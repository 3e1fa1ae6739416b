//! Records → block.

use super::bytes::put_varint;
use super::dictionary::{Dictionary, secret_seed};
use super::group::{
    Activities, Coverages, Endpoints, Events, Facts, Flows, Headers, Parties, Services, UnparsedLines,
    VlanLines,
};
use super::{LINES_MAX, RECORDS_MAX, TEXT_BYTES_MAX, VERSION, column, number};
use crate::error::{Result, StoreError};
use model::{
    Activity, Address, Coverage, EndpointKey, Event, Fact, Flow, Header, Protocol, Record, Role, Transport,
    Vlan,
};
use std::net::{IpAddr, Ipv6Addr};

/// Sensors whose last sequence numbers are remembered, by number modulo this; must stay as it is for version 1.
pub(super) const SENSOR_SLOTS: usize = 64;
/// Services for which there is room at once.
const SERVICES: usize = 32;

/// A block of these records.
///
/// # Errors
/// [`StoreError::Refused`] for more than [`RECORDS_MAX`] records, [`LINES_MAX`] lines of Coverage or [`TEXT_BYTES_MAX`].
pub fn encode(records: &[Record]) -> Result<Vec<u8>> {
    within("records", records.len(), RECORDS_MAX)?;
    let mut block = Block::new(records);
    records.iter().for_each(|record| block.add(record));
    within("lines of coverage", block.unparsed.count.len(), LINES_MAX)?;
    within("lines of coverage", block.vlans.frames.len(), LINES_MAX)?;
    within("bytes of text", block.texts.values().iter().map(|text| text.len()).sum(), TEXT_BYTES_MAX)?;
    Ok(block.write(records.len()))
}

fn within(what: &str, found: usize, most: usize) -> Result<()> {
    if found <= most {
        return Ok(());
    }
    Err(StoreError::Refused(format!("{found} {what} for one block; at most {most}: make several blocks")))
}

/// What one end of a flow was: an endpoint under an address.
type Party = (EndpointKey, IpAddr);
type Service = (Protocol, Transport, u16);

/// A block in the making. `'a` are the records, whose texts are not copied.
struct Block<'a> {
    headers: Headers,
    observed_at: Vec<i64>,
    received_at: Vec<i64>,
    sequences: [i64; SENSOR_SLOTS],
    protocols: Dictionary<Protocol>,
    endpoints: Dictionary<EndpointKey>,
    parties: Dictionary<Party>,
    party_endpoints: Vec<i64>,
    services: Dictionary<Service>,
    texts: Dictionary<&'a str>,
    facts: Facts,
    events: Events,
    activities: Activities,
    spans: Vec<i64>,
    flows: Flows,
    /// From the first packet to the last.
    durations: Vec<i64>,
    coverages: Coverages,
    unparsed: UnparsedLines,
    vlans: VlanLines,
}

impl<'a> Block<'a> {
    fn new(records: &[Record]) -> Self {
        let seed = secret_seed();
        let of = |is: fn(&Record) -> bool| records.iter().filter(|record| is(record)).count();
        let flows = of(|record| matches!(record, Record::Flow(_)));
        let activities = of(|record| matches!(record, Record::Activity(_)));
        Self {
            headers: Headers::with_capacity(records.len()),
            observed_at: Vec::with_capacity(records.len()),
            received_at: Vec::with_capacity(records.len()),
            sequences: [0; SENSOR_SLOTS],
            protocols: Dictionary::new(seed, SERVICES),
            endpoints: Dictionary::new(seed, records.len()),
            parties: Dictionary::new(seed, flows),
            party_endpoints: Vec::with_capacity(flows),
            services: Dictionary::new(seed, SERVICES),
            texts: Dictionary::new(seed, records.len() - flows),
            facts: Facts::with_capacity(of(|record| matches!(record, Record::Fact(_)))),
            events: Events::with_capacity(of(|record| matches!(record, Record::Event(_)))),
            activities: Activities::with_capacity(activities),
            spans: Vec::with_capacity(activities),
            flows: Flows::with_capacity(flows),
            durations: Vec::with_capacity(flows),
            coverages: Coverages::with_capacity(of(|record| matches!(record, Record::Coverage(_)))),
            unparsed: UnparsedLines::with_capacity(0),
            vlans: VlanLines::with_capacity(0),
        }
    }

    fn add(&mut self, record: &'a Record) {
        let kind = match record {
            Record::Fact(fact) => {
                self.add_fact(fact);
                number::FACT
            }
            Record::Event(event) => {
                self.add_event(event);
                number::EVENT
            }
            Record::Activity(activity) => {
                self.add_activity(activity);
                number::ACTIVITY
            }
            Record::Flow(flow) => {
                self.add_flow(flow);
                number::FLOW
            }
            Record::Coverage(coverage) => {
                self.add_coverage(coverage);
                number::COVERAGE
            }
        };
        self.headers.kind.push(kind);
        self.add_header(record.header());
    }

    fn add_header(&mut self, header: &Header) {
        self.headers.schema.push(i64::from(header.schema));
        self.headers.site.push(i64::from(header.site.0));
        self.headers.sensor.push(i64::from(header.sensor.0));
        let sequence = header.sequence.cast_signed();
        if let Some(before) = self.sequences.get_mut(header.sensor.0 as usize % SENSOR_SLOTS) {
            self.headers.sequence.push(sequence.wrapping_sub(*before));
            *before = sequence;
        }
        self.observed_at.push(header.observed_at.as_nanos().cast_signed());
        self.received_at.push(header.received_at.as_nanos().cast_signed());
    }

    fn add_fact(&mut self, fact: &'a Fact) {
        self.facts.endpoint.push(self.endpoints.place(fact.endpoint));
        self.facts.attribute.push(number::attribute(fact.attribute));
        self.facts.value.push(self.texts.place(&fact.value));
        self.facts.source.push(self.protocols.place(fact.source));
    }

    fn add_event(&mut self, event: &'a Event) {
        self.events.endpoint.push(self.endpoints.place(event.endpoint));
        self.events.peer.push(event.peer.map_or(0, |peer| self.endpoints.place(peer) + 1));
        self.events.kind.push(number::event_kind(event.kind));
        self.events.protocol.push(self.protocols.place(event.protocol));
        self.events.detail.push(self.texts.place(&event.detail));
    }

    fn add_activity(&mut self, activity: &'a Activity) {
        let service = (activity.protocol, activity.transport, activity.service_port);
        self.activities.endpoint.push(self.endpoints.place(activity.endpoint));
        self.activities.peer.push(self.endpoints.place(activity.peer));
        self.activities.role.push(i64::from(activity.role == Role::Server));
        self.activities.service.push(self.services.place(service));
        self.activities.verb.push(self.texts.place(&activity.verb));
        self.activities.count.push(activity.count.cast_signed());
        self.activities.bytes.push(activity.bytes.cast_signed());
        self.activities.retransmitted_bytes.push(activity.retransmitted_bytes.cast_signed());
        self.activities.gap_bytes.push(activity.gap_bytes.cast_signed());
        self.spans.push(activity.span.as_nanos().cast_signed());
    }

    fn add_flow(&mut self, flow: &Flow) {
        let client = self.party((flow.client, flow.client_ip));
        let server = self.party((flow.server, flow.server_ip));
        let service = self.services.place((flow.protocol, flow.transport, flow.server_port));
        let flows = &mut self.flows;
        flows.client.push(client);
        flows.server.push(server);
        flows.service.push(service);
        flows.client_port.push(i64::from(flow.client_port));
        flows.flags.push(number::flow_flags(flow.end, flow.complete_start, flow.one_sided));
        flows.client_packets.push(flow.from_client.packets.cast_signed());
        flows.client_bytes.push(flow.from_client.bytes.cast_signed());
        flows.client_retransmitted_bytes.push(flow.from_client.retransmitted_bytes.cast_signed());
        flows.client_gap_bytes.push(flow.from_client.gap_bytes.cast_signed());
        flows.server_packets.push(flow.from_server.packets.cast_signed());
        flows.server_bytes.push(flow.from_server.bytes.cast_signed());
        flows.server_retransmitted_bytes.push(flow.from_server.retransmitted_bytes.cast_signed());
        flows.server_gap_bytes.push(flow.from_server.gap_bytes.cast_signed());
        flows.duplicate_packets.push(flow.duplicate_packets.cast_signed());
        let (last, first) = (flow.header.observed_at.as_nanos(), flow.first_seen.as_nanos());
        self.durations.push(last.wrapping_sub(first).cast_signed());
    }

    /// How far back the party was first mentioned, in parties; 0 for one that is mentioned now: clients mostly are.
    fn party(&mut self, party: Party) -> i64 {
        let known = self.parties.values().len() as i64;
        let (place, is_new) = self.parties.place_of(party);
        if is_new {
            self.party_endpoints.push(self.endpoints.place(party.0));
        }
        known - place
    }

    fn add_coverage(&mut self, coverage: &Coverage) {
        let lines = &mut self.coverages;
        lines.frames.push(coverage.frames.cast_signed());
        lines.bytes.push(coverage.bytes.cast_signed());
        lines.cut_frames.push(coverage.cut_frames.cast_signed());
        lines.tells_dropped.push(i64::from(coverage.dropped_frames.is_some()));
        lines.dropped_frames.push(coverage.dropped_frames.unwrap_or(0).cast_signed());
        lines.duplicate_frames.push(coverage.duplicate_frames.cast_signed());
        lines.flows.push(coverage.flows.cast_signed());
        lines.flows_without_start.push(coverage.flows_without_start.cast_signed());
        lines.flows_one_sided.push(coverage.flows_one_sided.cast_signed());
        lines.flows_evicted.push(coverage.flows_evicted.cast_signed());
        lines.gap_bytes.push(coverage.gap_bytes.cast_signed());
        lines.unparsed.push(coverage.unparsed.len() as i64);
        lines.vlans.push(coverage.vlans.len() as i64);
        for unparsed in &coverage.unparsed {
            self.unparsed.protocol.push(self.protocols.place(unparsed.protocol));
            self.unparsed.reason.push(number::reason(unparsed.reason));
            self.unparsed.count.push(unparsed.count.cast_signed());
        }
        for (vlan, frames) in &coverage.vlans {
            self.vlans.vlan.push(i64::from(*vlan));
            self.vlans.frames.push(frames.cast_signed());
        }
    }

    fn write(mut self, records: usize) -> Vec<u8> {
        // Before the protocols are said: services name them.
        let services = self.services();
        let mut out = Vec::with_capacity(64 + records * 32);
        out.push(VERSION);
        put_varint(&mut out, records as u64);
        self.headers.put(&mut out);
        self.put_times(&mut out);
        self.put_texts(&mut out);
        self.put_endpoints(&mut out);
        put_varint(&mut out, services.port.len() as u64);
        services.put(&mut out);
        self.facts.put(&mut out);
        self.events.put(&mut out);
        self.activities.put(&mut out);
        column::put_times(&mut out, [self.spans]);
        self.flows.put(&mut out);
        column::put_times(&mut out, [self.durations]);
        self.coverages.put(&mut out);
        self.unparsed.put(&mut out);
        self.vlans.put(&mut out);
        out
    }

    fn put_times(&mut self, out: &mut Vec<u8>) {
        let late = self.received_at.iter().zip(&self.observed_at).map(|(at, seen)| at.wrapping_sub(*seen));
        let late = late.collect();
        let received_steps = steps(&self.received_at);
        let observed = std::mem::take(&mut self.observed_at);
        column::put_times(out, [steps(&observed), observed]);
        column::put_times(out, [late, received_steps]);
    }

    /// Names of protocols, then the other texts: their lengths, then all of them.
    fn put_texts(&self, out: &mut Vec<u8>) {
        put_varint(out, self.protocols.values().len() as u64);
        for protocol in self.protocols.values() {
            put_varint(out, protocol.name().len() as u64);
            out.extend_from_slice(protocol.name().as_bytes());
        }
        put_varint(out, self.texts.values().len() as u64);
        let lengths: Vec<i64> = self.texts.values().iter().map(|text| text.len() as i64).collect();
        column::put(out, &lengths);
        self.texts.values().iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
    }

    fn services(&mut self) -> Services {
        let mut services = Services::with_capacity(self.services.values().len());
        for (protocol, transport, port) in self.services.values() {
            services.protocol.push(self.protocols.place(*protocol));
            services.transport.push(number::transport(*transport));
            services.port.push(i64::from(*port));
        }
        services
    }

    fn put_endpoints(&self, out: &mut Vec<u8>) {
        let mut endpoints = Endpoints::with_capacity(self.endpoints.values().len());
        let mut addresses = Addresses::default();
        for endpoint in self.endpoints.values() {
            endpoints.site.push(i64::from(endpoint.site.0));
            endpoints.domain.push(i64::from(endpoint.domain.0));
            endpoints.vlan.push(i64::from(endpoint.vlan.map_or(0, Vlan::id)));
            endpoints.family.push(addresses.add(endpoint.address));
        }
        put_varint(out, endpoints.family.len() as u64);
        endpoints.put(out);
        addresses.put(out);

        let mut parties = Parties::with_capacity(self.parties.values().len());
        let mut addresses = Addresses::default();
        for (endpoint, ip) in self.parties.values() {
            let is_same = endpoint.address == Address::Ip(*ip);
            parties.family.push(if is_same { number::SAME } else { addresses.add(Address::Ip(*ip)) });
        }
        parties.endpoint = steps(&self.party_endpoints);
        put_varint(out, parties.family.len() as u64);
        parties.put(out);
        addresses.put(out);
    }
}

/// Each minus the one before; the first minus zero.
fn steps(values: &[i64]) -> Vec<i64> {
    let before = std::iter::once(&0).chain(values);
    values.iter().zip(before).map(|(value, before)| value.wrapping_sub(*before)).collect()
}

/// Addresses, each family in columns of its own.
#[derive(Default)]
struct Addresses {
    mac: Vec<i64>,
    v4: Vec<i64>,
    v6_high: Vec<i64>,
    v6_low: Vec<i64>,
}

impl Addresses {
    /// Its family.
    fn add(&mut self, address: Address) -> i64 {
        match address {
            Address::Mac(mac) => {
                let octets = mac.octets();
                self.mac.push(octets.iter().fold(0, |number, octet| number << 8 | i64::from(*octet)));
                number::MAC
            }
            Address::Ip(IpAddr::V4(v4)) => {
                self.v4.push(i64::from(v4.to_bits()));
                number::V4
            }
            Address::Ip(IpAddr::V6(v6)) => {
                let bits = Ipv6Addr::to_bits(v6);
                self.v6_high.push(((bits >> 64) as u64).cast_signed());
                self.v6_low.push((bits as u64).cast_signed());
                number::V6
            }
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        [&self.mac, &self.v4, &self.v6_high, &self.v6_low].iter().for_each(|column| column::put(out, column));
    }
}
