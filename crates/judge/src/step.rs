//! One record into one endpoint: what changed, and what follows from it (docs/design/0007-step-and-site.md).
//!
//! [`step`] changes the [`Subject`] it is handed and nothing else, and allocates only where something noteworthy
//! happened. Folding a record twice adds packets, bytes and counts twice and changes nothing else: a caller that replays
//! records after a crash must know which of them the saved subject already holds.

use crate::catalog::Catalog;
use crate::inventory::{
    Ended, Heard, Noted, SiteNetworks, Subject, SubjectKey, bears_on_identity, confidence,
};
use model::{Address, Attribute, Duration, Protocol, Record, Timestamp};
use smol_str::SmolStr;

/// A claim that has not been heard for this long has ended.
pub const CLAIM_LAPSES_AFTER: Duration = Duration::from_secs(30 * 86_400);
/// A value that can only be one has ended when another one from the same source was heard this long after it.
pub const CLAIM_SUPERSEDED_AFTER: Duration = Duration::from_secs(86_400);
/// Addresses off site that a link address forwards for, beyond which more of them tell nothing new.
const FORWARDED_OFF_SITE_TELLING: usize = 2;

/// What a step may see and change: one endpoint. Later capabilities add what else they need.
#[derive(Debug)]
#[non_exhaustive]
pub struct View<'a> {
    /// Which endpoint.
    pub key: SubjectKey,
    /// What is known of it.
    pub subject: &'a mut Subject,
}

impl<'a> View<'a> {
    /// A view of `subject`, which is known as `key`.
    pub fn new(key: SubjectKey, subject: &'a mut Subject) -> Self {
        Self { key, subject }
    }
}

/// What a step did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How much of the subject changed.
    pub changed: Changed,
    /// What follows. Empty, without allocation, nearly always.
    pub effects: Vec<Effect>,
}

/// How much of a subject changed, and so when it must be saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// Nothing.
    #[default]
    Nothing,
    /// Only when it was last seen, and sums: may be saved later, with others.
    Counters,
    /// Something that a restart must not lose. Who keeps its [`crate::site::Digest`] draws it anew.
    Evidence,
}

/// What follows from a step or a lapse, all about the one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It says this for the first time, or again after the claim had ended.
    ClaimHeard {
        /// What is claimed.
        attribute: Attribute,
        /// The value in its own words.
        value: SmolStr,
        /// The protocol that carried it.
        source: Protocol,
        /// 0–100 (docs/design/0004-evidence.md).
        confidence: u8,
        /// True from here on, as far as is known.
        from: Timestamp,
    },
    /// A claim that held is history. It can be heard again.
    ClaimEnded {
        /// What was claimed.
        attribute: Attribute,
        /// The value in its own words.
        value: SmolStr,
        /// The protocol that carried it.
        source: Protocol,
        /// True until here.
        last_heard: Timestamp,
    },
    /// The devices of the site may look different now.
    LookAtSite(Look),
    /// The record is an Event, to be kept as a row of its own.
    Happened,
}

/// Why the site should be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// An endpoint that had never been heard of.
    NewSubject,
    /// An endpoint that others had spoken of sends now.
    BeganToSend,
    /// A link address has an IP address in a way that it had not.
    Binding,
    /// A serial number, a model or a device UUID came or was superseded.
    Identity,
    /// It says that it routes.
    Routes,
    /// It announces addresses under a foreign link address.
    AddressConflict,
}

/// Whom a record concerns: who is stated, who did it, who sent packets. Coverage concerns nobody.
pub fn subjects(record: &Record) -> impl Iterator<Item = SubjectKey> {
    let both = match record {
        Record::Fact(fact) => [Some(SubjectKey::from(&fact.endpoint)), None],
        Record::Event(event) => [Some(SubjectKey::from(&event.endpoint)), None],
        Record::Activity(activity) => [Some(SubjectKey::from(&activity.endpoint)), None],
        Record::Flow(flow) => {
            let client = (flow.from_client.packets > 0).then(|| SubjectKey::from(&flow.client));
            let server = (flow.from_server.packets > 0).then(|| SubjectKey::from(&flow.server));
            // A host that talks to itself is one subject; its step takes both sides.
            [client, server.filter(|server| Some(*server) != client)]
        }
        Record::Coverage(_) => [None, None],
    };
    both.into_iter().flatten()
}

/// Folds `record` into the subject in view; a record that does not concern it changes nothing.
///
/// `now` is for capabilities that judge by time; the inventory goes by the times of the records.
pub fn step(view: View<'_>, record: &Record, _now: Timestamp, catalog: &Catalog) -> Step {
    let noted = view.subject.fold(&view.key, record);
    let is_noteworthy = noted.changed == Changed::Evidence || noted.claim || noted.event;
    let effects = if is_noteworthy { effects(&view, &noted, record, &catalog.networks) } else { Vec::new() };
    Step { changed: noted.changed, effects }
}

fn effects(view: &View<'_>, noted: &Noted, record: &Record, networks: &SiteNetworks) -> Vec<Effect> {
    let mut effects = Vec::new();
    if noted.event {
        effects.push(Effect::Happened);
    }
    if let Record::Fact(fact) = record
        && noted.claim
    {
        effects.push(Effect::ClaimHeard {
            attribute: fact.attribute,
            value: fact.value.clone(),
            source: fact.source,
            confidence: confidence(fact.attribute, fact.source),
            from: fact.header.observed_at,
        });
    }
    effects.extend(look(view, noted, record, networks).map(Effect::LookAtSite));
    effects
}

/// The first reason to look at the site, if there is one.
fn look(view: &View<'_>, noted: &Noted, record: &Record, networks: &SiteNetworks) -> Option<Look> {
    // A peer on the Internet is no device, so its coming and going draws nothing.
    let may_be_device = match view.key.address {
        Address::Mac(_) => true,
        Address::Ip(ip) => networks.contains(ip),
    };
    if noted.is_new && may_be_device {
        return Some(Look::NewSubject);
    }
    if noted.began_to_send && may_be_device {
        return Some(Look::BeganToSend);
    }
    if noted.address_conflict {
        return Some(Look::AddressConflict);
    }
    if noted.binding.is_some_and(|ip| is_telling(view.subject, ip, networks)) {
        return Some(Look::Binding);
    }
    let Record::Fact(fact) = record else { return None };
    if !noted.claim {
        return None;
    }
    let routes = crate::inventory::says_it_routes(fact.attribute, &fact.value);
    let is_identity = bears_on_identity(fact.attribute, fact.source, &fact.value);
    routes.then_some(Look::Routes).or(is_identity.then_some(Look::Identity))
}

/// A router to the Internet forwards for ever more addresses; the first few told all there is to know.
fn is_telling(subject: &Subject, ip: std::net::IpAddr, networks: &SiteNetworks) -> bool {
    let is_peer = |ip: std::net::IpAddr, may_be_own: bool| !may_be_own && !networks.contains(ip);
    let Some(binding) = subject.bindings.get(&ip) else { return false };
    let peers = || {
        // Backwards: private addresses come early, and IPv6 comes last.
        let peers = subject.bindings.iter().rev().filter(|(ip, b)| is_peer(**ip, b.may_be_own()));
        peers.take(FORWARDED_OFF_SITE_TELLING + 1).count()
    };
    !is_peer(ip, binding.may_be_own()) || peers() <= FORWARDED_OFF_SITE_TELLING
}

/// Ends the claims that no longer hold: not heard for [`CLAIM_LAPSES_AFTER`], or a value that can only be one, and
/// another one from the same source was heard [`CLAIM_SUPERSEDED_AFTER`] after it. What ended stays known as such.
///
/// To be called from a timer. A subject that is switched off keeps its identity and its place on the card: silence of
/// the whole endpoint says nothing of what it is.
pub fn lapse(subject: &mut Subject, now: Timestamp) -> Vec<Effect> {
    let mut effects = Vec::new();
    let forwards_images = forwards_images(&subject.claims);
    let mut newest: Vec<(Attribute, Protocol, Timestamp)> = Vec::new();
    for heard in subject.claims.iter().filter(|heard| is_single(heard, forwards_images)) {
        match newest.iter_mut().find(|(a, s, _)| (*a, *s) == (heard.attribute, heard.source)) {
            Some((_, _, last)) => *last = heard.last_seen.max(*last),
            None => newest.push((heard.attribute, heard.source, heard.last_seen)),
        }
    }
    let mut identity_moved = false;
    for heard in subject.claims.iter_mut().filter(|heard| heard.ended.is_none()) {
        let rival = newest.iter().find(|(a, s, _)| (*a, *s) == (heard.attribute, heard.source));
        let is_superseded = rival.is_some_and(|(_, _, last)| {
            is_single(heard, forwards_images) && last.since(heard.last_seen) >= CLAIM_SUPERSEDED_AFTER
        });
        let is_silent = now.since(heard.last_seen) >= CLAIM_LAPSES_AFTER;
        heard.ended = match (is_superseded, is_silent) {
            (true, _) => Some(Ended::Superseded),
            (false, true) => Some(Ended::Silent),
            (false, false) => continue,
        };
        identity_moved |= is_superseded && bears_on_identity(heard.attribute, heard.source, &heard.value);
        effects.push(Effect::ClaimEnded {
            attribute: heard.attribute,
            value: heard.value.clone(),
            source: heard.source,
            last_heard: heard.last_seen,
        });
    }
    if identity_moved {
        effects.push(Effect::LookAtSite(Look::Identity));
    }
    effects
}

/// Attributes of which an endpoint has one at a time. Versions that are negotiated (TLS, SMB, SNMP) are not among them:
/// they differ by peer and hold side by side.
const SINGLE: [Attribute; 15] = [
    Attribute::HostName,
    Attribute::Manufacturer,
    Attribute::Model,
    Attribute::SerialNumber,
    Attribute::SoftwareVersion,
    Attribute::OperatingSystem,
    Attribute::DhcpVendorClass,
    Attribute::DhcpParameterList,
    Attribute::DhcpFqdn,
    Attribute::SnmpDescription,
    Attribute::SnmpName,
    Attribute::SnmpObjectId,
    Attribute::StationName,
    Attribute::ChassisId,
    Attribute::AssetId,
];

/// Whether a newer value takes the place of this one.
fn is_single(heard: &Heard, forwards_images: bool) -> bool {
    let speaks_for_itself = match heard.source {
        // Several programs of one host each name their version.
        Protocol::Http => heard.attribute != Attribute::SoftwareVersion,
        // A gateway repeats what others say of themselves.
        Protocol::Hl7v2 => false,
        Protocol::Dicom => !forwards_images,
        _ => true,
    };
    speaks_for_itself && SINGLE.contains(&heard.attribute)
}

/// Several serial numbers or models out of images: they are the scanners', and none takes another's place.
fn forwards_images(claims: &[Heard]) -> bool {
    let several = |attribute| {
        claims.iter().filter(|c| c.source == Protocol::Dicom && c.attribute == attribute).count() > 1
    };
    several(Attribute::Model) || several(Attribute::SerialNumber)
}

#[cfg(test)]
mod tests;
