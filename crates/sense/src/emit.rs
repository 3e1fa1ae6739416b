//! Where records are made: deduplicated, counted, numbered, and kept until the pipeline takes them.

use crate::activity::{Activities, Amount, Key};
use crate::dedupe::Dedupe;
use crate::dissect::Ip;
use model::{
    Address, Attribute, Coverage, DomainId, EndpointKey, Event, EventKind, Fact, Flow, Header, MacAddr,
    Protocol, Record, SCHEMA_VERSION, SensorId, SiteId, Timestamp, Unparsed, UnparsedReason, Vlan,
};
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeMap;

/// Longest value of a Fact, in bytes of UTF-8; longer ones are cut at a character.
pub const FACT_VALUE_BYTES_MAX: usize = 256;

/// Makes the records of one sensor. INVARIANT: sequence numbers run on without gaps, from 1 unless told.
pub struct Emitter {
    site: SiteId,
    sensor: SensorId,
    domain: DomainId,
    sequence: u64,
    dedupe: Dedupe,
    activities: Activities,
    unparsed: BTreeMap<(Protocol, UnparsedReason), u64>,
    records: Vec<Record>,
    clean: String,
}

impl Emitter {
    /// An emitter for one sensor. `seed` is secret entropy for its maps; records do not depend on it.
    pub fn new(site: SiteId, sensor: SensorId, domain: DomainId, seed: u64) -> Self {
        Self {
            site,
            sensor,
            domain,
            sequence: 0,
            dedupe: Dedupe::new(seed),
            activities: Activities::new(seed),
            unparsed: BTreeMap::new(),
            records: Vec::new(),
            clean: String::new(),
        }
    }

    /// Numbers the records from `first` on.
    #[must_use]
    pub fn starting_at(mut self, first: u64) -> Self {
        self.sequence = first.saturating_sub(1);
        self
    }

    /// The key of `address` at this sensor. An IP address is unique in its domain whatever VLAN its frames crossed, so
    /// only link addresses carry the VLAN (docs/design/0003-endpoint-keys.md).
    pub fn key(&self, address: Address, vlan: Option<Vlan>) -> EndpointKey {
        let vlan = vlan.filter(|_| matches!(address, Address::Mac(_)));
        EndpointKey { site: self.site, domain: self.domain, vlan, address }
    }

    /// States a fact, unless it was stated within the last minute.
    pub fn fact(
        &mut self,
        about: (Address, Option<Vlan>),
        attribute: Attribute,
        value: &[u8],
        source: Protocol,
        now: Timestamp,
    ) {
        let endpoint = self.key(about.0, about.1);
        if value.is_empty()
            || !self.dedupe.due((endpoint.vlan, endpoint.address, attribute, source, value), now)
        {
            return;
        }
        clean_text(value, &mut self.clean);
        if self.clean.is_empty() {
            return;
        }
        let value = SmolStr::new(&self.clean);
        let header = self.header(now);
        self.records.push(Record::Fact(Fact { header, endpoint, attribute, value, source }));
    }

    /// States that `link` sent from `ip`, which is `hops` routers away (`None`: cannot tell).
    pub(crate) fn address(
        &mut self,
        mac: MacAddr,
        vlan: Option<Vlan>,
        ip: Ip,
        hops: Option<u8>,
        now: Timestamp,
    ) {
        if !self.dedupe.due((mac, vlan, ip, hops), now) {
            return;
        }
        let addr = ip.addr();
        let (attribute, value) = match hops {
            Some(0) if addr.is_ipv4() => (Attribute::Ipv4Address, format_smolstr!("{addr}")),
            Some(0) => (Attribute::Ipv6Address, format_smolstr!("{addr}")),
            Some(hops) => (Attribute::RoutedAddress, format_smolstr!("{addr} hops={hops}")),
            None => (Attribute::RoutedAddress, format_smolstr!("{addr} hops=?")),
        };
        let endpoint = self.key(Address::Mac(mac), vlan);
        let header = self.header(now);
        self.records.push(Record::Fact(Fact { header, endpoint, attribute, value, source: Protocol::Ip }));
    }

    /// Reports a happening; every call is a record.
    pub fn event(
        &mut self,
        endpoint: EndpointKey,
        peer: Option<EndpointKey>,
        kind: EventKind,
        protocol: Protocol,
        detail: &str,
        now: Timestamp,
    ) {
        clean_text(detail.as_bytes(), &mut self.clean);
        let detail = SmolStr::new(&self.clean);
        let header = self.header(now);
        self.records.push(Record::Event(Event { header, endpoint, peer, kind, protocol, detail }));
    }

    /// Counts something that could not be read.
    pub fn unparsed(&mut self, protocol: Protocol, reason: UnparsedReason) {
        *self.unparsed.entry((protocol, reason)).or_default() += 1;
    }

    /// What could not be read so far, largest first.
    pub fn unparsed_counts(&self) -> Vec<Unparsed> {
        let mut counts: Vec<Unparsed> = self
            .unparsed
            .iter()
            .map(|(&(protocol, reason), &count)| Unparsed { protocol, reason, count })
            .collect();
        counts.sort_by_key(|u| (std::cmp::Reverse(u.count), u.protocol, u.reason));
        counts
    }

    pub(crate) fn activity(&mut self, key: Key, amount: Amount, now: Timestamp) {
        self.activities.add(key, amount, now);
        if self.activities.due(now) {
            self.end_interval();
        }
    }

    pub(crate) fn flow(&mut self, mut flow: Flow) {
        flow.header = self.header(flow.header.observed_at);
        self.records.push(Record::Flow(Box::new(flow)));
    }

    /// Emits the coverage of the sensor so far.
    pub(crate) fn coverage(&mut self, mut coverage: Coverage, now: Timestamp) {
        coverage.header = self.header(now);
        coverage.unparsed = self.unparsed_counts();
        self.records.push(Record::Coverage(Box::new(coverage)));
    }

    /// Emits the Activities counted so far: called when an interval ends and when the capture does.
    pub fn end_interval(&mut self) {
        let (site, domain) = (self.site, self.domain);
        let key_of = |address| EndpointKey { site, domain, vlan: None, address };
        for mut activity in self.activities.drain(key_of) {
            activity.header = self.header(activity.header.observed_at);
            self.records.push(Record::Activity(Box::new(activity)));
        }
    }

    /// Takes the records made since the last call, oldest first. The caller's vector is reused for the next ones.
    pub fn drain_into(&mut self, records: &mut Vec<Record>) {
        records.append(&mut self.records);
    }

    pub(crate) fn header(&mut self, observed_at: Timestamp) -> Header {
        self.sequence += 1;
        Header {
            schema: SCHEMA_VERSION,
            site: self.site,
            sensor: self.sensor,
            sequence: self.sequence,
            observed_at,
            received_at: observed_at,
        }
    }
}

/// Puts `raw` into `text` as people may read it: UTF-8 (else Latin-1), no control characters, trimmed, bounded.
fn clean_text(raw: &[u8], text: &mut String) {
    text.clear();
    let push = |text: &mut String, c: char| {
        if text.len() + c.len_utf8() > FACT_VALUE_BYTES_MAX {
            return false;
        }
        text.push(if is_obeyed(c) { ' ' } else { c });
        true
    };
    match std::str::from_utf8(raw) {
        Ok(utf8) => utf8.trim_matches(is_padding).chars().all(|c| push(text, c)),
        Err(_) => raw.iter().all(|&b| push(text, char::from(b))),
    };
    let kept = text.trim_end_matches(is_padding).len();
    text.truncate(kept);
}

/// What a screen obeys instead of showing it: controls, and marks that turn the direction of text (Unicode TR 9), with
/// which one name can be made to look like another.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_padding(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_printable_and_bounded() {
        let mut text = String::new();
        clean_text(b" MR-1\x1b[31m\0\0", &mut text);
        assert_eq!(text, "MR-1 [31m");
        clean_text("fdp.\u{202e}rotinoM\u{2069}".as_bytes(), &mut text);
        assert_eq!(text, "fdp. rotinoM", "no turning of the direction");
        clean_text(&[0xe9; 300], &mut text);
        assert_eq!(text, "é".repeat(FACT_VALUE_BYTES_MAX / 2));
        clean_text(b"\x00\x01", &mut text);
        assert_eq!(text, "");
    }
}
