//! Records made up for tests: by hand, and at random from a world so small that things happen in it.

use crate::inventory::{SiteNetworks, Subject, SubjectKey, VendorRegistry};
use crate::step::{Step, View, step, subjects};
use crate::{Catalog, site::SiteView};
use model::{
    Activity, Address, Attribute, DomainId, Duration, EndpointKey, Event, EventKind, Fact, Flow, FlowEnd,
    FlowSide, Header, Protocol, Record, Role, SiteId, Timestamp, Transport, Vlan,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(crate) const A: &str = "02:00:00:00:00:0a";
pub(crate) const B: &str = "02:00:00:00:00:0b";
pub(crate) const C: &str = "02:00:00:00:00:0c";
pub(crate) const R: &str = "02:00:00:00:00:ff";

/// When everything happens that [`at`] does not move.
pub(crate) const START_S: u64 = 1_000_000_000;
pub(crate) const HOUR_S: u64 = 3600;
pub(crate) const DAY_S: u64 = 24 * HOUR_S;

pub(crate) fn time(seconds: u64) -> Timestamp {
    Timestamp::from_secs(START_S + seconds)
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().map_or_else(|_| Address::Ip(text.parse().unwrap()), Address::Mac)
}

pub(crate) fn endpoint(text: &str) -> EndpointKey {
    EndpointKey { site: SiteId(1), domain: DomainId(0), vlan: None, address: address(text) }
}

pub(crate) fn key(text: &str) -> SubjectKey {
    SubjectKey::from(&endpoint(text))
}

fn header() -> Header {
    Header { observed_at: time(0), ..Header::default() }
}

pub(crate) fn fact(whose: &str, attribute: Attribute, value: &str, source: Protocol) -> Record {
    let (header, endpoint) = (header(), endpoint(whose));
    Record::Fact(Fact { header, endpoint, attribute, value: value.into(), source })
}

/// A frame of `mac` from `ip`.
pub(crate) fn sent(mac: &str, ip: &str) -> Record {
    fact(mac, Attribute::Ipv4Address, ip, Protocol::Ip)
}

/// A frame of `mac` from `ip`, which lies behind a router.
pub(crate) fn routed(mac: &str, ip: &str) -> Record {
    fact(mac, Attribute::RoutedAddress, &format!("{ip} hops=1"), Protocol::Ip)
}

pub(crate) fn arp(mac: &str, ip: &str) -> Record {
    fact(mac, Attribute::Ipv4Address, ip, Protocol::Arp)
}

pub(crate) fn lease(mac: &str, ip: &str) -> Record {
    fact(mac, Attribute::Ipv4Address, ip, Protocol::Dhcpv4)
}

/// Model and serial number, which together no two devices share.
pub(crate) fn serial(whose: &str, serial: &str) -> [Record; 2] {
    [
        fact(whose, Attribute::Model, "CT 9000", Protocol::Lldp),
        fact(whose, Attribute::SerialNumber, serial, Protocol::Lldp),
    ]
}

pub(crate) fn event(whose: &str, kind: EventKind, detail: &str) -> Record {
    let (header, endpoint, protocol) = (header(), endpoint(whose), Protocol::Arp);
    Record::Event(Event { header, endpoint, peer: None, kind, protocol, detail: detail.into() })
}

pub(crate) fn activity(from: &str, to: &str) -> Record {
    Record::Activity(Box::new(Activity {
        header: header(),
        endpoint: endpoint(from),
        peer: endpoint(to),
        role: Role::Client,
        protocol: Protocol::Dicom,
        transport: Transport::Tcp,
        service_port: 104,
        verb: "C-STORE-RQ".into(),
        span: Duration::from_secs(1),
        count: 3,
        bytes: 300,
        retransmitted_bytes: 0,
        gap_bytes: 0,
    }))
}

pub(crate) fn flow(client: &str, server: &str, packets: [u64; 2]) -> Record {
    let side = |packets| FlowSide { packets, bytes: packets * 100, ..FlowSide::default() };
    Record::Flow(Box::new(Flow {
        header: header(),
        client: endpoint(client),
        server: endpoint(server),
        client_ip: [10, 0, 0, 1].into(),
        server_ip: [10, 0, 0, 2].into(),
        client_port: 40_000,
        server_port: 104,
        transport: Transport::Tcp,
        protocol: Protocol::Dicom,
        first_seen: header().observed_at,
        from_client: side(packets[0]),
        from_server: side(packets[1]),
        complete_start: true,
        one_sided: false,
        duplicate_packets: 0,
        end: FlowEnd::Closed,
    }))
}

/// The same, `seconds` after the start.
pub(crate) fn at(mut record: Record, seconds: u64) -> Record {
    record.header_mut().observed_at = time(seconds);
    if let Record::Flow(flow) = &mut record {
        flow.first_seen = time(seconds);
    }
    record
}

/// The same in another address domain.
pub(crate) fn in_domain(mut record: Record, domain: u32) -> Record {
    let ends = match &mut record {
        Record::Fact(fact) => vec![&mut fact.endpoint],
        Record::Event(event) => vec![&mut event.endpoint],
        Record::Activity(activity) => {
            let Activity { endpoint, peer, .. } = activity.as_mut();
            vec![endpoint, peer]
        }
        Record::Flow(flow) => {
            let Flow { client, server, .. } = flow.as_mut();
            vec![client, server]
        }
        Record::Coverage(_) => vec![],
    };
    ends.into_iter().for_each(|end| end.domain = DomainId(domain));
    record
}

pub(crate) fn catalog() -> Catalog {
    let vendors = VendorRegistry::load("").unwrap();
    Catalog { vendors, networks: SiteNetworks::default(), hash: [0; 32] }
}

/// Steps `record` into a store of subjects; the last of its steps.
pub(crate) fn stepped(store: &mut BTreeMap<SubjectKey, Subject>, record: &Record) -> Step {
    let now = record.header().observed_at;
    let keys = subjects(record);
    let steps = keys.map(|key| step(View::new(key, store.entry(key).or_default()), record, now, &catalog()));
    steps.last().unwrap_or_default()
}

/// All of it folded.
pub(crate) fn folded(records: &[Record]) -> BTreeMap<SubjectKey, Subject> {
    let mut store = BTreeMap::new();
    records.iter().for_each(|record| drop(stepped(&mut store, record)));
    store
}

/// A platform in small: subjects, what was assigned, what was decided.
#[derive(Default)]
pub(crate) struct Platform {
    pub(crate) subjects: BTreeMap<SubjectKey, Subject>,
    pub(crate) assigned: crate::site::Assigned,
    pub(crate) decisions: Vec<crate::site::Decision>,
    pub(crate) now_s: u64,
}

impl Platform {
    pub(crate) fn hears(&mut self, records: &[Record]) {
        for record in records {
            stepped(&mut self.subjects, record);
        }
    }

    /// Looks at the site, a minute after the last look.
    pub(crate) fn looks(&mut self) -> crate::site::SiteStep {
        self.now_s += 60;
        let digests = self.subjects.iter().map(|(key, subject)| (*key, subject.digest())).collect();
        let view = SiteView { digests: &digests, assigned: &self.assigned, decisions: &self.decisions };
        let step = crate::site::site(&view, time(self.now_s), &catalog());
        self.assigned.apply(&step);
        step
    }
}

/// Records of a few devices in two domains, over a few hours or days, with everything that the inventory folds.
pub(crate) fn records() -> impl Strategy<Value = Vec<Record>> {
    const MACS: [&str; 5] = [A, B, C, R, "02:00:00:00:00:0d"];
    const IPS: [&str; 8] =
        ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.7.0.4", "8.8.8.8", "1.1.1.1", "169.254.1.1", "192.168.0.9"];
    let mac = || prop::sample::select(MACS.to_vec());
    let ip = || prop::sample::select(IPS.to_vec());
    let whose = || prop_oneof![mac(), ip()];
    let said = prop::sample::select(vec![
        (Attribute::SerialNumber, "SN-12345", Protocol::Lldp),
        (Attribute::SerialNumber, "SN-67890", Protocol::Snmp),
        (Attribute::Model, "CT 9000", Protocol::Lldp),
        (Attribute::Model, "MR 70", Protocol::Dicom),
        (Attribute::HostName, "ct-1", Protocol::Dhcpv4),
        (Attribute::ServiceInstance, "urn:uuid:1111", Protocol::WsDiscovery),
        (Attribute::ServiceType, "ipv6 router", Protocol::Icmpv6),
        (Attribute::EquipmentId, "PUMP1^^02000000000D^EUI-48", Protocol::Hl7v2),
        (Attribute::EquipmentId, "ct-1.bed4", Protocol::Hl7v2),
        (Attribute::TlsVersion, "TLS 1.0", Protocol::Tls),
        (Attribute::Presence, "ethernet", Protocol::Ip),
    ]);
    let kinds =
        prop::sample::select(vec![EventKind::AddressConflict, EventKind::LoginRefused, EventKind::Exam]);
    let one = prop_oneof![
        4 => (mac(), ip()).prop_map(|(mac, ip)| sent(mac, ip)),
        2 => (mac(), ip()).prop_map(|(mac, ip)| routed(mac, ip)),
        2 => (mac(), ip()).prop_map(|(mac, ip)| arp(mac, ip)),
        2 => (mac(), ip()).prop_map(|(mac, ip)| lease(mac, ip)),
        4 => (whose(), said).prop_map(|(whose, (a, v, s))| fact(whose, a, v, s)),
        1 => (whose(), kinds, "[ab]").prop_map(|(whose, kind, detail)| event(whose, kind, &detail)),
        2 => (ip(), ip()).prop_map(|(from, to)| activity(from, to)),
        2 => (ip(), ip(), 0..3_u64, 0..3_u64).prop_map(|(c, s, n, m)| flow(c, s, [n, m])),
    ];
    let when = prop_oneof![0..HOUR_S, 0..3 * DAY_S];
    let placed = (one, when, 0..4_u32, 0..3_u16).prop_map(|(record, seconds, domain, vlan)| {
        let mut record = in_domain(at(record, seconds), domain / 3);
        if let Record::Fact(fact) = &mut record {
            fact.endpoint.vlan = Vlan::new(vlan);
        }
        record
    });
    prop::collection::vec(placed, 1..60)
}
