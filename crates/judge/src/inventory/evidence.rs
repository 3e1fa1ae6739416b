//! What was heard of one address.

use model::{Activity, Attribute, Event, EventKind, Fact, FlowSide, Protocol, Timestamp, Vlan};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Claims kept of one address; further ones are dropped and counted on the device.
const CLAIMS_MAX: usize = 512;
/// IP addresses kept of one link address. A router to the Internet fronts more: those are peers, not devices.
const BOUND_ADDRESSES_MAX: usize = 65_536;
/// VLANs kept of one address.
const VLANS_MAX: usize = 16;

/// How a link address relates to an IP address it sent from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Binding {
    /// A protocol that never crosses a router says so (ARP, neighbour discovery, DHCP).
    pub(super) confirmed: bool,
    /// Packets came with an initial hop count.
    pub(super) on_link: bool,
    /// Packets came with fewer hops left than any system starts with.
    pub(super) forwarded: bool,
    /// VLAN of the first frame that said so.
    pub(super) vlan: Option<Vlan>,
    pub(super) first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
}

/// A claim as heard.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) attribute: Attribute,
    pub(super) source: Protocol,
    pub(super) value: SmolStr,
    pub(super) first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
}

/// Everything heard of one address.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
    /// It sent frames or packets: without that it is only spoken of.
    pub(super) sent: bool,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) claims: Vec<Heard>,
    pub(super) claims_dropped: u64,
    pub(super) bindings: BTreeMap<IpAddr, Binding>,
    pub(super) bindings_dropped: u64,
    pub(super) vlans: Vec<Vlan>,
    /// Protocols it took part in, a bit each.
    protocols: u64,
    pub(super) address_conflicts: Vec<(SmolStr, Timestamp)>,
    pub(super) logins_refused: u64,
}

impl Evidence {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            first_seen: at,
            last_seen: Timestamp::ZERO,
            sent: false,
            packets: 0,
            bytes: 0,
            claims: Vec::new(),
            claims_dropped: 0,
            bindings: BTreeMap::new(),
            bindings_dropped: 0,
            vlans: Vec::new(),
            protocols: 0,
            address_conflicts: Vec::new(),
            logins_refused: 0,
        }
    }

    pub(super) fn note_vlan(&mut self, vlan: Option<Vlan>) {
        if let Some(vlan) = vlan
            && self.vlans.len() < VLANS_MAX
            && !self.vlans.contains(&vlan)
        {
            self.vlans.push(vlan);
            self.vlans.sort_unstable();
        }
    }

    pub(super) fn fact(&mut self, fact: &Fact) {
        let at = fact.header.observed_at;
        self.first_seen = self.first_seen.min(at);
        // A fact is repeated once a minute, by whoever of several workers hears it first.
        self.last_seen = self.last_seen.max(at.minute_start());
        match fact.attribute {
            Attribute::Presence => self.sent = true,
            Attribute::Ipv4Address | Attribute::Ipv6Address => {
                let Ok(ip) = fact.value.parse() else { return };
                // `Ip` is the frame itself; the others are protocols that speak of addresses.
                let by_frame = fact.source == Protocol::Ip;
                self.sent |= by_frame;
                let binding = Binding {
                    confirmed: !by_frame,
                    on_link: by_frame,
                    vlan: fact.endpoint.vlan,
                    ..Binding::default()
                };
                self.bind(ip, binding, at);
            }
            Attribute::RoutedAddress => {
                self.sent = true;
                let Some((ip, hops)) = fact.value.split_once(" hops=") else { return };
                let Ok(ip) = ip.parse() else { return };
                self.bind(ip, Binding { forwarded: hops != "?", ..Binding::default() }, at);
            }
            _ => self.claim(fact, at),
        }
        self.took_part(fact.source);
    }

    pub(super) fn event(&mut self, event: &Event) {
        let at = event.header.observed_at;
        self.seen(at);
        self.took_part(event.protocol);
        match event.kind {
            EventKind::AddressConflict => self.address_conflict(event, at),
            EventKind::LoginRefused => self.logins_refused += 1,
            _ => {}
        }
    }

    pub(super) fn activity(&mut self, activity: &Activity) {
        self.sent = true;
        self.took_part(activity.protocol);
        self.seen(activity.header.observed_at);
    }

    pub(super) fn flow(&mut self, first: Timestamp, last: Timestamp, side: &FlowSide) {
        self.sent = true;
        self.packets += side.packets;
        self.bytes += side.bytes;
        self.seen(first);
        self.seen(last);
    }

    fn address_conflict(&mut self, event: &Event, at: Timestamp) {
        let is_known = self.address_conflicts.iter().any(|(detail, _)| *detail == event.detail);
        if !is_known && self.address_conflicts.len() < CLAIMS_MAX {
            self.address_conflicts.push((event.detail.clone(), at));
        }
    }

    /// The protocols it took part in, in declaration order.
    pub(super) fn protocols(&self) -> impl Iterator<Item = Protocol> + '_ {
        Protocol::ALL.iter().copied().filter(|p| self.protocols & (1 << *p as u32) != 0)
    }

    fn took_part(&mut self, protocol: Protocol) {
        if !matches!(protocol, Protocol::Ip | Protocol::Unknown) {
            self.protocols |= 1 << protocol as u32;
        }
    }

    fn seen(&mut self, at: Timestamp) {
        self.first_seen = self.first_seen.min(at);
        self.last_seen = self.last_seen.max(at);
    }

    fn bind(&mut self, ip: IpAddr, binding: Binding, at: Timestamp) {
        if self.bindings.len() >= BOUND_ADDRESSES_MAX && !self.bindings.contains_key(&ip) {
            self.bindings_dropped += 1;
            return;
        }
        let known = self.bindings.entry(ip).or_insert(Binding { first_seen: at, last_seen: at, ..binding });
        known.confirmed |= binding.confirmed;
        known.on_link |= binding.on_link;
        known.forwarded |= binding.forwarded;
        // The earliest frame decides, whatever order records come in.
        if at < known.first_seen || known.vlan.is_none() {
            known.vlan = binding.vlan.or(known.vlan);
        } else if at == known.first_seen {
            known.vlan = known.vlan.min(binding.vlan.or(known.vlan));
        }
        known.first_seen = known.first_seen.min(at);
        known.last_seen = known.last_seen.max(at);
    }

    fn claim(&mut self, fact: &Fact, at: Timestamp) {
        let has_room = self.claims.len() < CLAIMS_MAX;
        let known = self
            .claims
            .iter_mut()
            .find(|c| c.attribute == fact.attribute && c.source == fact.source && c.value == fact.value);
        match known {
            Some(known) => {
                known.first_seen = known.first_seen.min(at);
                known.last_seen = known.last_seen.max(at);
            }
            None if has_room => self.claims.push(Heard {
                attribute: fact.attribute,
                source: fact.source,
                value: fact.value.clone(),
                first_seen: at,
                last_seen: at,
            }),
            None => self.claims_dropped += 1,
        }
    }
}
