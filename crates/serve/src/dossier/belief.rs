//! One value that Ward believes, with all that is claimed about it, why it won, and what would change it.

use super::{Dossier, Facts};
use model::{Attribute, Conflict};
use store::devices::ClaimRow;
use store::word;

/// What can be believed of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Name,
    Manufacturer,
    Model,
    Serial,
    Software,
    System,
    Type,
    Class,
    Zone,
    Location,
    Asset,
    Interface,
}

/// A person's name for it, then names it was heard under, in the order in which they are believed.
const NAMING: [&str; 10] = [
    word::NAME,
    "host-name",
    "snmp-name",
    "dhcp-fqdn",
    "station-name",
    "ae-title",
    "hl7-application",
    "mqtt-client-id",
    "service-instance",
    "certificate-subject",
];

/// A value and what it rests on.
pub(crate) struct Belief<'d> {
    /// What it is about.
    pub(crate) word: Word,
    /// The value; `None`: unknown.
    pub(crate) value: Option<&'d str>,
    /// Every claim about it, the most believed first; those that have ended last.
    pub(crate) claims: Vec<&'d ClaimRow>,
    /// What contradicts it.
    pub(crate) conflict: Option<&'d Conflict>,
}

impl Word {
    /// All of them, in the order of the page.
    pub(crate) const ALL: [Self; 12] = [
        Self::Name,
        Self::Manufacturer,
        Self::Model,
        Self::Serial,
        Self::Software,
        Self::System,
        Self::Type,
        Self::Class,
        Self::Zone,
        Self::Location,
        Self::Asset,
        Self::Interface,
    ];

    /// For people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Manufacturer => "Maker",
            Self::Model => "Model",
            Self::Serial => "Serial number",
            Self::Software => "Software",
            Self::System => "Operating system",
            Self::Type => "Type it announces",
            Self::Class => "Class",
            Self::Zone => "Zone",
            Self::Location => "Location",
            Self::Asset => "Asset tag",
            Self::Interface => "Network interface by",
        }
    }

    /// For programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Manufacturer => "manufacturer",
            Self::Model => "model",
            Self::Serial => "serial",
            Self::Software => "software",
            Self::System => "operating_system",
            Self::Type => "type",
            Self::Class => "class",
            Self::Zone => "zone",
            Self::Location => "location",
            Self::Asset => "asset",
            Self::Interface => "interface_maker",
        }
    }

    fn value(self, facts: &Facts) -> Option<&str> {
        let value = match self {
            Self::Name => &facts.name,
            Self::Manufacturer => &facts.manufacturer,
            Self::Model => &facts.model,
            Self::Serial => &facts.serial,
            Self::Software => &facts.software,
            Self::System => &facts.os,
            Self::Type => &facts.kind,
            Self::Class => &facts.class,
            Self::Zone => &facts.zone,
            Self::Location => &facts.location,
            Self::Asset => &facts.asset,
            Self::Interface => &facts.vendor,
        };
        value.as_deref()
    }

    /// Attributes of claims that bear on it. Names: in the order in which they are believed.
    fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::Name => &NAMING,
            Self::Manufacturer => &["manufacturer"],
            Self::Model => &["model"],
            Self::Serial => &["serial-number"],
            Self::Software => &["software-name", "software-version"],
            Self::System => &["operating-system"],
            Self::Type => &["device-type"],
            Self::Location => &[word::LOCATION],
            Self::Asset => &[word::ASSET],
            Self::Zone => &[word::ZONE],
            Self::Class | Self::Interface => &[],
        }
    }

    fn attribute(self) -> Option<Attribute> {
        match self {
            Self::Manufacturer => Some(Attribute::Manufacturer),
            Self::Model => Some(Attribute::Model),
            Self::Serial => Some(Attribute::SerialNumber),
            _ => None,
        }
    }

    /// Why nothing is known.
    pub(crate) fn why_unknown(self) -> &'static str {
        match self {
            Self::Class => "Ward does not sort devices into classes yet",
            Self::Zone => {
                "no zone's rule covers its addresses and VLANs, and nobody has said where it belongs"
            }
            Self::Interface => "its link address is not known, or random, or in no public register",
            Self::Asset => "neither the device nor anybody here has said",
            _ => "no message that Ward read says so",
        }
    }

    /// What would make Ward believe otherwise.
    pub(crate) fn what_changes_it(self) -> &'static str {
        match self {
            Self::Name => {
                "A name that a person gives counts before all. After that, host names count before names within protocols."
            }
            Self::Class => "Classes come with a later version of Ward.",
            Self::Zone => "The rules of zones, or a person's word for this device.",
            Self::Interface => {
                "Another link address: the maker follows from its first digits, by the IEEE's register."
            }
            Self::Asset | Self::Location => {
                "A person's word counts before all. After that, the message that weighs most counts; at the same weight, the one \
                 heard first."
            }
            _ => {
                "A message that weighs more: medical protocols weigh 90 of 100, network management 85, discovery 75 to 80, web \
                 and DHCP 55 to 60. At the same weight the one heard first counts. What is not heard any more ends."
            }
        }
    }
}

impl Dossier {
    /// What is believed about `word`, with its evidence.
    pub(crate) fn belief(&self, word: Word) -> Belief<'_> {
        let attributes = word.attributes();
        let place = |claim: &ClaimRow| attributes.iter().position(|name| *name == claim.attribute);
        let mut claims: Vec<&ClaimRow> =
            self.claims.rows.iter().filter(|claim| place(claim).is_some()).collect();
        claims.sort_by_key(|claim| {
            let by_person = claim.source != word::PERSON;
            let by_name = if word == Word::Name { place(claim) } else { None };
            (
                claim.true_to.is_some(),
                by_person,
                by_name,
                std::cmp::Reverse(claim.confidence),
                claim.true_from,
            )
        });
        let conflict = word.attribute().and_then(|attribute| self.facts.conflict(attribute));
        Belief { word, value: word.value(&self.facts), claims, conflict }
    }
}

impl Belief<'_> {
    /// Whether this claim is the one that is believed, or says the same.
    pub(crate) fn is_chosen(&self, claim: &ClaimRow) -> bool {
        let says = |value: &str| match self.word {
            Word::Software => value == claim.value || value.contains(claim.value.as_str()),
            _ => value == claim.value,
        };
        claim.true_to.is_none() && self.value.is_some_and(says)
    }

    /// Why this value and no other, in a sentence.
    pub(crate) fn why(&self) -> String {
        if self.value.is_none() {
            return format!("Unknown: {}.", self.word.why_unknown());
        }
        if let Some(conflict) = self.conflict {
            return format!("Several sources disagree; this one is shown because {}.", conflict.reason);
        }
        match (self.word, self.claims.iter().find(|claim| self.is_chosen(claim))) {
            (Word::Interface, _) => {
                "The first digits of its link address belong to this maker in the IEEE's register.".into()
            }
            (_, Some(claim)) if claim.source == word::PERSON => {
                "A person said so, which counts before all else.".into()
            }
            (Word::Name, Some(claim)) => {
                format!(
                    "Its {} counts first among the names it was heard under.",
                    claim.attribute.replace('-', " ")
                )
            }
            (_, Some(claim)) => {
                format!(
                    "{} said so, which weighs {} of 100, and nothing heard weighs more.",
                    claim.source, claim.confidence
                )
            }
            (Word::Zone, None) => "A rule of this zone covers one of its addresses or VLANs.".into(),
            (_, None) => "It was said by messages whose claims are not kept any more.".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_one_that_claims_have() {
        let of_people = [word::NAME, word::ASSET, word::LOCATION, word::ZONE];
        for attribute in Word::ALL.into_iter().flat_map(Word::attributes) {
            let is_heard = Attribute::ALL.iter().any(|known| known.name() == *attribute);
            assert!(is_heard || of_people.contains(attribute), "{attribute}");
        }
    }
}
