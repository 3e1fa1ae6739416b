//! The inventory: which devices are there, what is claimed of them, who talks to whom.
//!
//! A [`Subject`] holds what was heard of one endpoint and only adds up evidence; [`crate::site`] draws devices from the
//! [`Digest`]s of all, and [`card`] puts together what the endpoints of one device say. [`Inventory`] is all of it in
//! memory, for a scan. A device is not an address: one MAC may carry many IP addresses, one MAC may forward for a whole
//! hospital, one address may speak for many devices.

mod card;
mod conclude;
mod digest;
pub(crate) mod draft;
mod encoding;
mod equipment;
pub(crate) mod findings;
mod identity;
pub(crate) mod join;
mod says;
mod subject;
mod talks;
pub mod vendor;

#[cfg(test)]
mod tests;

pub use card::card;
pub use conclude::Resolved;
pub use digest::Digest;
pub use encoding::DecodeError;
pub use equipment::{joined, spoken_for};
pub use findings::device_findings;
pub use identity::FORWARDED_CONFIDENCE;
pub use says::says_it_is;
pub use subject::{Subject, SubjectKey};
pub use talks::{TALKS_MAX, TalkKey, TalkSums, Talks, between_devices};
pub use vendor::VendorRegistry;

pub(crate) use draft::MOVED_ON;
pub(crate) use identity::{bears_on_identity, confidence, device_id, says_it_routes};
pub(crate) use subject::{Ended, Heard, Noted};

use hashbrown::HashMap;
use model::{Coverage, Record};

/// Endpoints (link and network addresses, on site and off) kept; records of further ones are counted and dropped.
pub const ENDPOINTS_MAX: usize = 1 << 20;

/// Networks that belong to the site although their addresses are public.
#[derive(Clone, Debug, Default)]
pub struct SiteNetworks(Vec<(std::net::IpAddr, u8)>);

impl SiteNetworks {
    /// From prefixes such as (192.0.2.0, 24).
    pub fn new(prefixes: Vec<(std::net::IpAddr, u8)>) -> Self {
        Self(prefixes)
    }

    /// Whether `ip` is the site's own: private by the registries, or in one of the prefixes.
    pub fn contains(&self, ip: std::net::IpAddr) -> bool {
        let is_private =
            matches!(model::classify_ip(ip), model::IpClass::Private | model::IpClass::LinkLocal);
        is_private || self.0.iter().any(|(network, bits)| in_prefix(ip, *network, *bits))
    }
}

fn in_prefix(ip: std::net::IpAddr, network: std::net::IpAddr, bits: u8) -> bool {
    use std::net::IpAddr::{V4, V6};
    let (a, b, width) = match (ip, network) {
        (V4(a), V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (V6(a), V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let shift = u32::from(width - bits.min(width));
    a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
}

/// Evidence of one site, added up.
#[derive(Debug, Default)]
pub struct Inventory {
    subjects: HashMap<SubjectKey, Subject, foldhash::fast::FixedState>,
    talks: Talks,
    coverage: Vec<Coverage>,
    dropped_records: u64,
}

impl Inventory {
    /// An empty inventory. `seed` is secret entropy for its maps; conclusions do not depend on it.
    pub fn new(seed: u64) -> Self {
        let state = foldhash::fast::FixedState::with_seed(seed);
        Self { subjects: HashMap::with_hasher(state), talks: Talks::new(seed), ..Self::default() }
    }

    /// Adds one record to the evidence.
    pub fn fold(&mut self, record: &Record) {
        for key in crate::step::subjects(record) {
            if self.subjects.len() >= ENDPOINTS_MAX && !self.subjects.contains_key(&key) {
                self.dropped_records += 1;
                continue;
            }
            self.subjects.entry(key).or_default().fold(&key, record);
        }
        match record {
            Record::Activity(activity) => drop(self.talks.fold(activity)),
            Record::Coverage(coverage) => self.coverage.push((**coverage).clone()),
            Record::Fact(_) | Record::Event(_) | Record::Flow(_) => {}
        }
    }

    /// Records that were dropped because a bound was reached.
    pub fn dropped_records(&self) -> u64 {
        self.dropped_records + self.talks.dropped()
    }
}
