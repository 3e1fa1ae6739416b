//! The inventory: which devices are there, what is claimed of them, who talks to whom.
//!
//! [`Inventory::fold`] takes records in any order (sensors and workers are not in step) and only adds up evidence;
//! [`Inventory::resolve`] draws the conclusions from the whole of it. A device is not an address: one MAC may carry many
//! IP addresses, one MAC may forward for a whole hospital, one address may speak for many devices.

mod conclude;
mod equipment;
mod evidence;
mod findings;
mod identity;
mod talks;
pub mod vendor;

#[cfg(test)]
mod tests;

pub use conclude::Resolved;
pub use identity::FORWARDED_CONFIDENCE;
pub use vendor::VendorRegistry;

use evidence::Evidence;
use hashbrown::HashMap;
use model::{Address, Coverage, EndpointKey, Record, Timestamp};
use talks::TalkTable;

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
    endpoints: HashMap<Address, Evidence, foldhash::fast::FixedState>,
    talks: TalkTable,
    coverage: Vec<Coverage>,
    dropped_records: u64,
}

impl Inventory {
    /// An empty inventory. `seed` is secret entropy for its maps; conclusions do not depend on it.
    pub fn new(seed: u64) -> Self {
        let state = foldhash::fast::FixedState::with_seed(seed);
        Self { endpoints: HashMap::with_hasher(state), talks: TalkTable::new(seed), ..Self::default() }
    }

    /// Adds one record to the evidence.
    pub fn fold(&mut self, record: &Record) {
        match record {
            Record::Fact(fact) => {
                if let Some(evidence) = self.evidence(&fact.endpoint, fact.header.observed_at) {
                    evidence.fact(fact);
                }
            }
            Record::Event(event) => {
                if let Some(evidence) = self.evidence(&event.endpoint, event.header.observed_at) {
                    evidence.event(event);
                }
            }
            Record::Activity(activity) => {
                if let Some(evidence) = self.evidence(&activity.endpoint, activity.header.observed_at) {
                    evidence.activity(activity);
                }
                self.talks.activity(activity);
            }
            Record::Flow(flow) => {
                let sides = [(&flow.client, &flow.from_client), (&flow.server, &flow.from_server)];
                for (endpoint, side) in sides.into_iter().filter(|(_, side)| side.packets > 0) {
                    if let Some(evidence) = self.evidence(endpoint, flow.header.observed_at) {
                        evidence.flow(flow.first_seen, flow.header.observed_at, side);
                    }
                }
            }
            Record::Coverage(coverage) => self.coverage.push((**coverage).clone()),
        }
    }

    /// Records that were dropped because a bound was reached.
    pub fn dropped_records(&self) -> u64 {
        self.dropped_records + self.talks.dropped()
    }

    fn evidence(&mut self, endpoint: &EndpointKey, at: Timestamp) -> Option<&mut Evidence> {
        if self.endpoints.len() >= ENDPOINTS_MAX && !self.endpoints.contains_key(&endpoint.address) {
            self.dropped_records += 1;
            return None;
        }
        let evidence = self.endpoints.entry(endpoint.address).or_insert_with(|| Evidence::new(at));
        evidence.note_vlan(endpoint.vlan);
        Some(evidence)
    }
}
