//! What a finding means and what to do first, by its kind, in plain words. Data, with its language, so that a translation is a table.
//!
//! It must not name a maker or a product, and it must not promise what Ward cannot see.

use model::FindingKind;

/// What is said about a kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Of which kind.
    pub(crate) kind: FindingKind,
    /// Language of the words, as in HTML.
    pub(crate) lang: &'static str,
    /// A few words for lists.
    pub(crate) title: &'static str,
    /// Why it matters.
    pub(crate) why: &'static str,
    /// What to do, the first thing first.
    pub(crate) steps: &'static [&'static str],
    /// What would show that it is settled.
    pub(crate) settled: &'static str,
}

/// What is said about `kind`.
pub(crate) fn advice(kind: FindingKind) -> &'static Advice {
    match kind {
        FindingKind::PhiInClear => &PHI_IN_CLEAR,
        FindingKind::CredentialsInClear => &CREDENTIALS_IN_CLEAR,
        FindingKind::DuplicateAddress => &DUPLICATE_ADDRESS,
        FindingKind::WeakProtocol => &WEAK_PROTOCOL,
        FindingKind::LeavesSite => &LEAVES_SITE,
        FindingKind::Conflict => &CONFLICT,
        FindingKind::AddressSpoofing => &ADDRESS_SPOOFING,
        FindingKind::CertificateExpired => &CERTIFICATE_EXPIRED,
    }
}

const PHI_IN_CLEAR: Advice = Advice {
    kind: FindingKind::PhiInClear,
    lang: "en",
    title: "Patient data in clear",
    why: "Names, numbers or results of patients cross the network without encryption. Anybody who can listen on the way can read \
          them, and could change them. Ward has kept none of that data, only which fields it saw.",
    steps: &[
        "Find out which interface sends it: the evidence names the protocol and the peer.",
        "Ask the maker, or who runs the receiving system, whether this interface can use TLS; many can and have it off.",
        "Until then keep both ends in one closed zone, so that nobody else is on the way.",
        "Where it has to stay so for now, write an exception with a date and an owner.",
    ],
    settled: "The same two ends talk, and Ward sees TLS instead of readable messages.",
};

const CREDENTIALS_IN_CLEAR: Advice = Advice {
    kind: FindingKind::CredentialsInClear,
    lang: "en",
    title: "Password in clear",
    why: "A name and a password, or something that works like one, crosses the network so that anybody on the way can read it and \
          use it.",
    steps: &[
        "Treat that password as known: change it, and do not reuse it elsewhere.",
        "Before you change it, ask who depends on it: a device in use may stop working.",
        "Switch the service to its encrypted form, or switch it off where nobody needs it.",
    ],
    settled: "Logins to this service are encrypted, or there are none any more.",
};

const DUPLICATE_ADDRESS: Advice = Advice {
    kind: FindingKind::DuplicateAddress,
    lang: "en",
    title: "Address used twice",
    why: "Two devices use one network address. Messages for one may reach the other: alarms and results can get lost, in a way that \
          comes and goes and is hard to find.",
    steps: &[
        "Look where both devices are; the evidence names their link addresses.",
        "If one is in use with a patient, do not touch that one: give the other a new address.",
        "See whether the address is both set by hand and given out by DHCP: reserve it or take it out of the range.",
    ],
    settled: "Only one of the two answers for the address for a day.",
};

const WEAK_PROTOCOL: Advice = Advice {
    kind: FindingKind::WeakProtocol,
    lang: "en",
    title: "Old, weak protocol",
    why: "The device speaks a version of a protocol whose protection is known to be broken or missing. By itself nothing has \
          happened; it makes other attacks easier.",
    steps: &[
        "Ask whether the newer version can be switched on; the evidence names the version that was seen.",
        "Check first what else talks to it in the old version, so that nothing stops working.",
        "Where the device cannot do better, keep it in a zone with few ways in.",
    ],
    settled: "The old version is not heard any more.",
};

const LEAVES_SITE: Advice = Advice {
    kind: FindingKind::LeavesSite,
    lang: "en",
    title: "Medical data leaves the site",
    why: "A medical protocol, or patient data, goes to an address outside of this hospital's networks. That may be an agreed \
          service, or a mistake in a configuration, or worse.",
    steps: &[
        "Ask who owns the address in the evidence, and whether there is an agreement that covers it.",
        "If nobody knows it, bring it to whoever handles security incidents, today.",
        "If the address is yours after all, add its network to the site's own networks.",
        "If it is agreed, write an exception that names the agreement and its end.",
    ],
    settled: "The traffic has stopped, or the address belongs to the site's own networks.",
};

const CONFLICT: Advice = Advice {
    kind: FindingKind::Conflict,
    lang: "en",
    title: "Says two things of itself",
    why: "What the device says of itself in one message does not agree with another. It may be two devices that look like one, a \
          part that was replaced, or a device that forwards what others say.",
    steps: &[
        "Open the device and compare the claims: each has its source and its time.",
        "Look at the device, or its entry in the equipment list, and see which is true.",
        "If they are two devices, split the address off; if one is wrong by mistake, a person's word settles it.",
    ],
    settled: "Only one of the values is heard any more, or somebody has decided.",
};

const ADDRESS_SPOOFING: Advice = Advice {
    kind: FindingKind::AddressSpoofing,
    lang: "en",
    title: "Answers for another's address",
    why: "A device announces a network address under a link address that is not its own. Some routers and clusters do that by \
          design; it is also how somebody gets between two devices to read or change what they say.",
    steps: &[
        "See whether the sender is a router, a firewall pair or a cluster: then it is by design.",
        "If it is not, find its switch port and who put it there, before you disconnect anything.",
        "If nobody knows the device, bring it to whoever handles security incidents, now.",
    ],
    settled: "Each address is announced only under its own link address.",
};

const CERTIFICATE_EXPIRED: Advice = Advice {
    kind: FindingKind::CertificateExpired,
    lang: "en",
    title: "Certificate has run out",
    why: "The device proves who it is with a certificate whose date has passed. Who checks it will refuse to talk; who does not \
          check it would not notice an impostor either.",
    steps: &[
        "See what connects to it, and whether that still works.",
        "Check the clock of the device: a wrong clock often comes with it.",
        "Renew the certificate as its maker describes, when the device is not in use.",
    ],
    settled: "It presents a certificate that is valid.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_words() {
        for kind in FindingKind::ALL {
            let advice = advice(kind);
            assert_eq!(advice.kind, kind);
            assert!(!advice.steps.is_empty() && advice.why.len() > 80 && advice.lang == "en");
        }
    }
}
