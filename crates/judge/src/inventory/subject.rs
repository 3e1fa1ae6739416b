//! What was heard of one endpoint: the piece that a store loads, [`crate::step`] changes, and a store saves.
//!
//! It only adds up evidence and draws no conclusion. Folding is idempotent but for the sums (packets, bytes, refused
//! logins, what was dropped), so records may come in any order, and twice where a caller keeps count of the sums.

use super::identity;
use crate::step::Changed;
use model::{
    Activity, Address, Attribute, Claim, DomainId, Duration, EndpointKey, Event, EventKind, Fact, FlowSide,
    Protocol, Record, Timestamp, Vlan,
};
use smol_str::SmolStr;
use std::collections::{BTreeMap, btree_map};
use std::net::IpAddr;

/// Claims kept of one endpoint; further ones take the place of ended ones, or are dropped and counted.
pub(super) const CLAIMS_MAX: usize = 512;
/// IP addresses kept of one link address. A router to the Internet fronts more: those are peers, not devices.
pub(super) const BOUND_ADDRESSES_MAX: usize = 65_536;
/// VLANs kept of one endpoint.
pub(super) const VLANS_MAX: usize = 16;
/// Longest value kept, in bytes. Sensors send at most 256; what is longer did not come from one.
pub(super) const VALUE_BYTES_MAX: usize = 4096;
/// A digest's word on when an address was last used is at most this old: half of what tells a lease that moved on from
/// an address that is contested.
const BINDING_STALE_MAX: Duration = Duration::from_secs(1800);

/// Which endpoint: an address within its domain. VLANs are evidence, not identity (docs/design/0003-endpoint-keys.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectKey {
    /// The routing realm in which the address means one endpoint.
    pub domain: DomainId,
    /// The address.
    pub address: Address,
}

impl From<&EndpointKey> for SubjectKey {
    fn from(endpoint: &EndpointKey) -> Self {
        Self { domain: endpoint.domain, address: endpoint.address }
    }
}

/// How a link address relates to an IP address it sent from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Binding {
    /// A protocol that never crosses a router says so (ARP, neighbour discovery, DHCP).
    pub(crate) confirmed: bool,
    /// Packets came with an initial hop count.
    pub(crate) on_link: bool,
    /// Packets came with fewer hops left than any system starts with.
    pub(crate) forwarded: bool,
    /// VLAN of the first frame that said so.
    pub(crate) vlan: Option<Vlan>,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
}

/// Why a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Not heard for long.
    Silent,
    /// Another value took its place.
    Superseded,
}

/// A claim as heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) attribute: Attribute,
    pub(crate) source: Protocol,
    pub(crate) ended: Option<Ended>,
    pub(crate) value: SmolStr,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
}

/// Everything heard of one endpoint. The default has heard nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
    /// It sent frames or packets: without that it is only spoken of.
    pub(crate) sent: bool,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) claims: Vec<Heard>,
    pub(crate) claims_dropped: u64,
    pub(crate) bindings: BTreeMap<IpAddr, Binding>,
    pub(crate) bindings_dropped: u64,
    /// Ascending.
    pub(crate) vlans: Vec<Vlan>,
    /// Protocols it took part in, a bit each.
    pub(super) protocols: u64,
    pub(crate) address_conflicts: Vec<(SmolStr, Timestamp)>,
    pub(super) logins_refused: u64,
}

impl Default for Subject {
    fn default() -> Self {
        Self {
            first_seen: Timestamp::MAX,
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
}

/// What one record changed, before it is told as effects.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub(crate) changed: Changed,
    /// Nothing had been heard of it before.
    pub(crate) is_new: bool,
    pub(crate) began_to_send: bool,
    /// The claim of this Fact is new, or came back.
    pub(crate) claim: bool,
    /// A binding is new or is known in a new way.
    pub(crate) binding: Option<IpAddr>,
    pub(crate) address_conflict: bool,
    pub(crate) event: bool,
}

impl Noted {
    fn raise(&mut self, changed: Changed) {
        self.changed = self.changed.max(changed);
    }
}

impl Subject {
    /// First heard of; [`Timestamp::MAX`] while nothing was.
    pub fn first_seen(&self) -> Timestamp {
        self.first_seen
    }

    /// Last heard of, to the minute where only Facts tell.
    pub fn last_seen(&self) -> Timestamp {
        self.last_seen
    }

    /// It sent frames or packets; otherwise others only spoke of it.
    pub fn sent(&self) -> bool {
        self.sent
    }

    /// Packets it sent, of closed flows.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes of those packets.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Claims and bindings that did not fit their bounds.
    pub fn dropped(&self) -> u64 {
        self.claims_dropped + self.bindings_dropped
    }

    /// What it says of itself now, in the order first heard; ended claims are left out.
    pub fn claims(&self) -> impl Iterator<Item = Claim> + '_ {
        self.claims
            .iter()
            .filter(|heard| heard.ended.is_none())
            .map(|heard| super::card::claim(heard, identity::confidence(heard.attribute, heard.source)))
    }

    /// The protocols it took part in, in declaration order.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> + '_ {
        Protocol::ALL.iter().copied().filter(|p| self.protocols & (1 << *p as u32) != 0)
    }

    /// Claims that a card may show. What was superseded is history. What was not repeated is, too, unless the endpoint
    /// itself has been silent since: that it is switched off says nothing of its model.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Heard> {
        let last_seen = self.last_seen;
        self.claims.iter().filter(move |heard| match heard.ended {
            None => true,
            Some(Ended::Silent) => last_seen.since(heard.last_seen) < crate::step::CLAIM_LAPSES_AFTER,
            Some(Ended::Superseded) => false,
        })
    }

    /// About how much heap it holds, in bytes, beside its own size.
    pub fn heap_bytes(&self) -> usize {
        /// Longest text that needs no heap (SmolStr).
        const INLINE_BYTES: usize = 23;
        let text = |value: &SmolStr| if value.len() > INLINE_BYTES { value.len() + 16 } else { 0 };
        let claims = self.claims.capacity() * size_of::<Heard>();
        let values: usize = self.claims.iter().map(|heard| text(&heard.value)).sum();
        // A B-tree's nodes are about two thirds full; the first one is whole.
        let entry = size_of::<IpAddr>() + size_of::<Binding>();
        let bindings = match self.bindings.len() {
            0 => 0,
            few @ 1..=11 => 11.max(few) * entry + 16,
            many => many * entry * 3 / 2,
        };
        let conflicts = self.address_conflicts.capacity() * size_of::<(SmolStr, Timestamp)>();
        let details: usize = self.address_conflicts.iter().map(|(detail, _)| text(detail)).sum();
        claims + values + bindings + conflicts + details + self.vlans.capacity() * size_of::<Vlan>()
    }

    /// Adds what `record` says of `key`; nothing where it says nothing of it.
    pub(crate) fn fold(&mut self, key: &SubjectKey, record: &Record) -> Noted {
        let mut noted = Noted::default();
        let concerns = |endpoint: &EndpointKey| SubjectKey::from(endpoint) == *key;
        match record {
            Record::Fact(fact) if concerns(&fact.endpoint) => {
                self.begin(fact.endpoint.vlan, &mut noted);
                self.fact(fact, &mut noted);
            }
            Record::Event(event) if concerns(&event.endpoint) => {
                self.begin(event.endpoint.vlan, &mut noted);
                self.event(event, &mut noted);
            }
            Record::Activity(activity) if concerns(&activity.endpoint) => {
                self.begin(activity.endpoint.vlan, &mut noted);
                self.activity(activity, &mut noted);
            }
            Record::Flow(flow) => {
                let sides = [(&flow.client, &flow.from_client), (&flow.server, &flow.from_server)];
                let its = sides.into_iter().filter(|(end, side)| side.packets > 0 && concerns(end));
                for (endpoint, side) in its {
                    self.begin(endpoint.vlan, &mut noted);
                    self.flow(flow.first_seen, flow.header.observed_at, side, &mut noted);
                }
            }
            _ => {}
        }
        noted
    }

    fn begin(&mut self, vlan: Option<Vlan>, noted: &mut Noted) {
        if self.first_seen == Timestamp::MAX {
            noted.is_new = true;
            noted.raise(Changed::Evidence);
        }
        if let Some(vlan) = vlan
            && self.vlans.len() < VLANS_MAX
            && !self.vlans.contains(&vlan)
        {
            self.vlans.push(vlan);
            self.vlans.sort_unstable();
            noted.raise(Changed::Evidence);
        }
    }

    fn fact(&mut self, fact: &Fact, noted: &mut Noted) {
        let at = fact.header.observed_at;
        self.seen(at, noted, Timestamp::minute_start);
        match fact.attribute {
            Attribute::Presence => self.sends(noted),
            Attribute::Ipv4Address | Attribute::Ipv6Address => {
                let Ok(ip) = fact.value.parse() else { return };
                // `Ip` is the frame itself; the others are protocols that speak of addresses.
                let by_frame = fact.source == Protocol::Ip;
                if by_frame {
                    self.sends(noted);
                }
                let vlan = fact.endpoint.vlan;
                let binding = Binding { confirmed: !by_frame, on_link: by_frame, vlan, ..Binding::default() };
                self.bind(ip, binding, at, noted);
            }
            Attribute::RoutedAddress => {
                self.sends(noted);
                let Some((ip, hops)) = fact.value.split_once(" hops=") else { return };
                let Ok(ip) = ip.parse() else { return };
                self.bind(ip, Binding { forwarded: hops != "?", ..Binding::default() }, at, noted);
            }
            _ => self.claim(fact, at, noted),
        }
        self.took_part(fact.source, noted);
    }

    fn event(&mut self, event: &Event, noted: &mut Noted) {
        let at = event.header.observed_at;
        noted.event = true;
        self.seen(at, noted, |at| at);
        self.took_part(event.protocol, noted);
        match event.kind {
            EventKind::AddressConflict => self.address_conflict(event, at, noted),
            EventKind::LoginRefused => {
                self.logins_refused += 1;
                noted.raise(Changed::Counters);
            }
            _ => {}
        }
    }

    fn activity(&mut self, activity: &Activity, noted: &mut Noted) {
        self.sends(noted);
        self.took_part(activity.protocol, noted);
        self.seen(activity.header.observed_at, noted, |at| at);
    }

    fn flow(&mut self, first: Timestamp, last: Timestamp, side: &FlowSide, noted: &mut Noted) {
        self.sends(noted);
        self.packets = self.packets.saturating_add(side.packets);
        self.bytes = self.bytes.saturating_add(side.bytes);
        noted.raise(Changed::Counters);
        self.seen(first, noted, |at| at);
        self.seen(last, noted, |at| at);
    }

    fn address_conflict(&mut self, event: &Event, at: Timestamp, noted: &mut Noted) {
        let has_room = self.address_conflicts.len() < CLAIMS_MAX;
        match self.address_conflicts.iter_mut().find(|(detail, _)| *detail == event.detail) {
            // The first time, whatever order records come in.
            Some((_, known)) if at < *known => {
                *known = at;
                noted.raise(Changed::Evidence);
            }
            Some(_) => {}
            None if has_room && event.detail.len() <= VALUE_BYTES_MAX => {
                self.address_conflicts.push((event.detail.clone(), at));
                noted.address_conflict = true;
                noted.raise(Changed::Evidence);
            }
            None => {}
        }
    }

    fn sends(&mut self, noted: &mut Noted) {
        if !self.sent {
            self.sent = true;
            noted.began_to_send = true;
            noted.raise(Changed::Evidence);
        }
    }

    fn took_part(&mut self, protocol: Protocol, noted: &mut Noted) {
        let bit = 1 << protocol as u32;
        if !matches!(protocol, Protocol::Ip | Protocol::Unknown) && self.protocols & bit == 0 {
            self.protocols |= bit;
            noted.raise(Changed::Evidence);
        }
    }

    /// `grain`: a Fact is repeated once a minute, by whoever of several workers hears it first.
    fn seen(&mut self, at: Timestamp, noted: &mut Noted, grain: impl Fn(Timestamp) -> Timestamp) {
        if at < self.first_seen {
            self.first_seen = at;
            noted.raise(Changed::Evidence);
        }
        let last = grain(at);
        if last > self.last_seen {
            self.last_seen = last;
            noted.raise(Changed::Counters);
        }
    }

    fn bind(&mut self, ip: IpAddr, binding: Binding, at: Timestamp, noted: &mut Noted) {
        let is_full = self.bindings.len() >= BOUND_ADDRESSES_MAX;
        match self.bindings.entry(ip) {
            btree_map::Entry::Vacant(_) if is_full => {
                self.bindings_dropped += 1;
                noted.raise(Changed::Counters);
            }
            btree_map::Entry::Vacant(vacant) => {
                vacant.insert(Binding { first_seen: at, last_seen: at, ..binding });
                noted.binding = Some(ip);
                noted.raise(Changed::Evidence);
            }
            btree_map::Entry::Occupied(mut known) => known.get_mut().again(ip, binding, at, noted),
        }
    }

    fn claim(&mut self, fact: &Fact, at: Timestamp, noted: &mut Noted) {
        let known = self
            .claims
            .iter_mut()
            .find(|c| c.attribute == fact.attribute && c.source == fact.source && c.value == fact.value);
        if let Some(known) = known {
            known.again(at, noted);
            return;
        }
        let heard = Heard {
            attribute: fact.attribute,
            source: fact.source,
            ended: None,
            value: fact.value.clone(),
            first_seen: at,
            last_seen: at,
        };
        if heard.value.len() <= VALUE_BYTES_MAX && self.keep(heard) {
            noted.claim = true;
            noted.raise(Changed::Evidence);
        } else {
            self.claims_dropped += 1;
            noted.raise(Changed::Counters);
        }
    }

    /// Whether there was room, if need be in the place of the claim that ended longest ago.
    fn keep(&mut self, heard: Heard) -> bool {
        if self.claims.len() < CLAIMS_MAX {
            self.claims.push(heard);
            return true;
        }
        let ended = self.claims.iter_mut().filter(|c| c.ended.is_some());
        let Some(oldest) = ended.min_by_key(|c| c.last_seen) else { return false };
        *oldest = heard;
        true
    }
}

impl Heard {
    fn again(&mut self, at: Timestamp, noted: &mut Noted) {
        if at > self.last_seen {
            self.last_seen = at;
            noted.raise(Changed::Counters);
            // A replay of what was heard before it ended does not bring it back.
            if self.ended.take().is_some() {
                noted.claim = true;
                noted.raise(Changed::Evidence);
            }
        }
        if at < self.first_seen {
            self.first_seen = at;
            noted.raise(Changed::Evidence);
        }
    }
}

impl Binding {
    fn again(&mut self, ip: IpAddr, binding: Self, at: Timestamp, noted: &mut Noted) {
        let before = *self;
        self.confirmed |= binding.confirmed;
        self.on_link |= binding.on_link;
        self.forwarded |= binding.forwarded;
        // The earliest frame decides, whatever order records come in.
        if at < self.first_seen || self.vlan.is_none() {
            self.vlan = binding.vlan.or(self.vlan);
        } else if at == self.first_seen {
            self.vlan = self.vlan.min(binding.vlan.or(self.vlan));
        }
        self.first_seen = self.first_seen.min(at);
        self.last_seen = self.last_seen.max(at);
        if before == *self {
            return;
        }
        let ways = |b: &Self| (b.confirmed, b.on_link, b.forwarded);
        if ways(&before) != ways(self) {
            noted.binding = Some(ip);
        }
        let is_settled = noted.binding.is_none()
            && before.vlan == self.vlan
            && before.first_seen == self.first_seen
            && (!self.may_be_own() || half_hour(before.last_seen) == half_hour(self.last_seen));
        noted.raise(if is_settled { Changed::Counters } else { Changed::Evidence });
    }

    /// Something more than forwarded packets speaks for it.
    pub(crate) const fn may_be_own(&self) -> bool {
        self.confirmed || self.on_link
    }
}

const fn half_hour(at: Timestamp) -> u64 {
    at.as_nanos() / BINDING_STALE_MAX.as_nanos()
}

/// What folding twice counts twice.
#[cfg(test)]
impl Subject {
    pub(crate) fn logins_refused(&self) -> u64 {
        self.logins_refused
    }

    pub(crate) fn set_sums(&mut self, sums: (u64, u64, u64, u64, u64)) {
        (self.packets, self.bytes, self.logins_refused, self.claims_dropped, self.bindings_dropped) = sums;
    }
}
