//! One device, as lists show it.

use judge::inventory::SubjectKey;
use model::{Address, Conflict, DeviceId, MacAddr, Protocol, Severity, Timestamp};
use smol_str::SmolStr;
use std::net::IpAddr;
use store::devices::DeviceRow;
use store::word::{ACCEPTED, Said};

/// Link and network addresses that an entry lists, each; the device's page has all.
pub const ADDRESSES_MAX: usize = 64;

/// Words as the network said them: to be shown as text, never as markup.
pub type Text = SmolStr;

/// Open findings of a device by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindingCounts {
    /// Now.
    pub critical: u16,
    /// This week.
    pub high: u16,
    /// To be planned.
    pub medium: u16,
    /// Worth knowing.
    pub low: u16,
}

impl FindingCounts {
    /// All of them.
    pub fn total(self) -> u32 {
        [self.critical, self.high, self.medium, self.low].into_iter().map(u32::from).sum()
    }

    /// The worst.
    pub fn worst(self) -> Option<Severity> {
        let counts = [self.critical, self.high, self.medium, self.low];
        Severity::ALL.into_iter().zip(counts).find(|(_, count)| *count > 0).map(|(severity, _)| severity)
    }

    /// Counts one more.
    pub fn add(&mut self, severity: Severity) {
        let count = match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
        };
        *count = count.saturating_add(1);
    }
}

/// One device.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Identity.
    pub id: DeviceId,
    /// What names it, as tables write it: `0|00:11:22:33:44:55`, `equipment|…`.
    pub key: Text,
    /// Its best name: a person's word first, then its own.
    pub name: Option<Text>,
    /// Maker of its interface by the IEEE registry.
    pub vendor: Option<Text>,
    /// What it says it is, in one line.
    pub says: Option<Text>,
    /// Maker, in its own words.
    pub manufacturer: Option<Text>,
    /// Model.
    pub model: Option<Text>,
    /// Serial number.
    pub serial: Option<Text>,
    /// Asset tag: a person's word first.
    pub asset: Option<Text>,
    /// Software and version.
    pub software: Option<Text>,
    /// Operating system.
    pub os: Option<Text>,
    /// Type that it announces.
    pub kind: Option<Text>,
    /// Where it is: a person's word first.
    pub location: Option<Text>,
    /// Its class; `None`: unknown.
    pub class: Option<Text>,
    /// Its zone; `None`: unzoned.
    pub zone: Option<Text>,
    /// Somebody has looked at it and accepted it.
    pub reviewed: bool,
    /// Forwards for others.
    pub is_router: bool,
    /// Reached through this one.
    pub behind: Option<DeviceId>,
    /// Its link addresses.
    pub macs: Vec<MacAddr>,
    /// Its network addresses.
    pub ips: Vec<IpAddr>,
    /// VLANs it was seen in.
    pub vlans: Vec<u16>,
    /// Protocols it took part in.
    pub protocols: Vec<Protocol>,
    /// Tags people gave it, ascending.
    pub tags: Vec<Text>,
    /// Claims that contradict each other.
    pub conflicts: Vec<Conflict>,
    /// Open findings.
    pub findings: FindingCounts,
    /// It sent patient data in clear.
    pub phi_in_clear: bool,
    /// First frame.
    pub first_seen: Timestamp,
    /// Newest frame, to the minute.
    pub last_seen: Timestamp,
}

/// What an entry is made of: the same whether it is now or was once.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The device as the site sees it.
    pub row: &'a DeviceRow,
    /// Its endpoints.
    pub endpoints: &'a [SubjectKey],
    /// What people say of it.
    pub said: &'a Said,
    /// Its open findings.
    pub findings: FindingCounts,
    /// Newest frame.
    pub last_seen: Timestamp,
}

impl Known<'_> {
    /// It is in lists: it is not at rest because it is another one, and it has an endpoint or is spoken for by a gateway.
    pub fn is_listed(&self) -> bool {
        let is_spoken_for = self.row.key.starts_with("equipment|");
        self.row.merged_into.is_none() && (is_spoken_for || !self.endpoints.is_empty())
    }
}

impl Entry {
    /// The entry of a device.
    pub fn of(known: &Known<'_>) -> Self {
        let Known { row, said, .. } = known;
        let (card, addresses) = (&row.card, known.endpoints.iter().map(|key| key.address));
        let word = |word: &Option<String>| word.as_deref().map(Text::from);
        let mac = |address| if let Address::Mac(mac) = address { Some(mac) } else { None };
        let ip = |address| if let Address::Ip(ip) = address { Some(ip) } else { None };
        Self {
            id: row.device,
            key: row.key.as_str().into(),
            name: word(&said.name).or_else(|| card.names.first().cloned()).or_else(|| word(&row.name)),
            vendor: word(&row.vendor),
            manufacturer: card.manufacturer.clone(),
            model: card.model.clone(),
            serial: card.serial.clone(),
            asset: word(&said.asset).or_else(|| card.asset.clone()),
            software: card.software.clone(),
            os: card.os.clone(),
            says: card.says.clone(),
            kind: card.kind.clone(),
            location: word(&said.location).or_else(|| card.location.clone()),
            class: word(&row.class),
            zone: word(&said.zone).or_else(|| word(&row.zone)),
            reviewed: said.review.as_deref().unwrap_or(&row.review) == ACCEPTED,
            is_router: row.router,
            behind: row.behind,
            macs: addresses.clone().filter_map(mac).take(ADDRESSES_MAX).collect(),
            ips: addresses.filter_map(ip).take(ADDRESSES_MAX).collect(),
            vlans: card.vlans.clone(),
            protocols: card.protocols.clone(),
            tags: said.tags.iter().map(Text::from).collect(),
            conflicts: card.conflicts.clone(),
            findings: known.findings,
            phi_in_clear: card.phi_in_clear,
            first_seen: row.first_seen,
            last_seen: known.last_seen.minute_start(),
        }
    }

    /// What it is called in lists: its name, else its address, else its key.
    pub fn title(&self) -> Text {
        let address = || self.ips.first().map(|ip| smol_str::format_smolstr!("{ip}"));
        let link = || self.macs.first().map(|mac| smol_str::format_smolstr!("{mac}"));
        self.name.clone().or_else(address).or_else(link).unwrap_or_else(|| self.key.clone())
    }

    /// Its identity is in doubt: claims contradict each other.
    pub fn is_in_doubt(&self) -> bool {
        !self.conflicts.is_empty()
    }

    /// It is known what it is: its class, or what it says of itself, without contradiction.
    pub fn is_known(&self) -> bool {
        !self.is_in_doubt() && (self.class.is_some() || self.says.is_some())
    }
}
