//! What a hospital's sensors emit, in its proportions: five of six records are flows. Seeded, so that a run can be repeated.
//! Times are of nanoseconds and lose nothing by chance: the dearest case there is for a block.

use model::{
    Activity, Address, Attribute, DomainId, Duration, EndpointKey, Fact, Flow, FlowEnd, FlowSide, Header,
    MacAddr, Protocol, Record, Role, SCHEMA_VERSION, SensorId, SiteId, Timestamp, Transport, Vlan,
};
use smol_str::SmolStr;
use std::net::IpAddr;

const DEVICES: u64 = 15_000;
const SERVERS: u64 = 60;
const MAKERS: u64 = 120;
/// Nanoseconds from one record to the next, on average: 1,000 a second.
const STEP_NS: u64 = 1_000_000;
/// One device of so many is on a captured link and known by its MAC; the others are behind a router.
const LINK_SHARE: u64 = 3;

/// Protocol, transport, port, longest duration in seconds, verbs.
type Service = (Protocol, Transport, u16, u64, [&'static str; 2]);
const SERVICES: [Service; 9] = [
    (Protocol::Dns, Transport::Udp, 53, 1, ["query", "response"]),
    (Protocol::Tls, Transport::Tcp, 443, 60, ["", ""]),
    (Protocol::Hl7v2, Transport::Tcp, 2575, 300, ["ORU^R01", "ACK^R01"]),
    (Protocol::Mqtt, Transport::Tcp, 1883, 600, ["PUBLISH", "PUBACK"]),
    (Protocol::Dicom, Transport::Tcp, 104, 20, ["C-STORE-RQ", "C-STORE-RSP"]),
    (Protocol::Ntp, Transport::Udp, 123, 1, ["client", "server"]),
    (Protocol::Smb, Transport::Tcp, 445, 120, ["NEGOTIATE", "NEGOTIATE"]),
    (Protocol::Snmp, Transport::Udp, 161, 2, ["GET", "RESPONSE"]),
    (Protocol::Unknown, Transport::Tcp, 9_100, 30, ["", ""]),
];

/// SplitMix64 (Steele et al. 2014): enough to spread a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % most
    }
}

fn device(number: u64) -> (EndpointKey, IpAddr) {
    let mut random = Random(number);
    let ip = IpAddr::from([10, 20 + (number / 4096) as u8, (number / 16 % 256) as u8, (number % 250) as u8]);
    let is_on_link = random.below(LINK_SHARE) == 0;
    let maker = Random(random.below(MAKERS)).below(1 << 24).to_be_bytes();
    let unit = random.below(1 << 24).to_be_bytes();
    let mac = MacAddr::new([maker[5] & 0xfc, maker[6], maker[7], unit[5], unit[6], unit[7]]);
    let address = if is_on_link { Address::Mac(mac) } else { Address::Ip(ip) };
    let vlan = if is_on_link { Vlan::new(20 + (number % 12) as u16) } else { None };
    (EndpointKey { site: SiteId(1), domain: DomainId(0), vlan, address }, ip)
}

fn side(random: &mut Random, transport: Transport) -> FlowSide {
    // Most conversations are short, some are long.
    let scale = 1 << random.below(14);
    let bytes = 60 + random.below(200) * scale / 16;
    let is_retransmitting = transport == Transport::Tcp && random.below(30) == 0;
    FlowSide {
        packets: 1 + bytes / 900,
        bytes,
        retransmitted_bytes: if is_retransmitting { bytes / 10 } else { 0 },
        gap_bytes: 0,
    }
}

/// The next `count` records of a hospital.
pub(super) fn hospital(seed: u64, count: usize) -> Vec<Record> {
    let mut random = Random(seed);
    let mut at = 1_790_000_000_000_000_000;
    (1..=count as u64)
        .map(|sequence| {
            at += random.below(2 * STEP_NS);
            let header = Header {
                schema: SCHEMA_VERSION,
                site: SiteId(1),
                sensor: SensorId(1),
                sequence: 4_000_000 + sequence,
                observed_at: Timestamp::from_nanos(at),
                received_at: Timestamp::from_nanos(at),
            };
            match random.below(12) {
                0 => activity(&mut random, header),
                1 => fact(&mut random, header),
                _ => flow(&mut random, header),
            }
        })
        .collect()
}

fn ends(random: &mut Random) -> ((EndpointKey, IpAddr), (EndpointKey, IpAddr)) {
    let client = random.below(DEVICES);
    (device(SERVERS + client), device(random.below(SERVERS)))
}

fn service(random: &mut Random) -> Service {
    SERVICES[(random.below(9).min(random.below(9))) as usize]
}

fn fact(random: &mut Random, header: Header) -> Record {
    let endpoint = device(SERVERS + random.below(DEVICES)).0;
    let (attribute, value, source) = match random.below(3) {
        0 => (Attribute::Presence, SmolStr::new_static("ip"), Protocol::Ip),
        1 => (Attribute::HostName, SmolStr::new(format!("icu-mon-{}", random.below(900))), Protocol::Dhcpv4),
        _ => (Attribute::TlsVersion, SmolStr::new_static("TLS 1.2"), Protocol::Tls),
    };
    Record::Fact(Fact { header, endpoint, attribute, value, source })
}

fn activity(random: &mut Random, header: Header) -> Record {
    let (client, server) = ends(random);
    let (protocol, transport, service_port, _, verbs) = service(random);
    let is_server = random.below(2) == 1;
    let sent = side(random, transport);
    Record::Activity(Box::new(Activity {
        header,
        endpoint: if is_server { server.0 } else { client.0 },
        peer: if is_server { client.0 } else { server.0 },
        role: if is_server { Role::Server } else { Role::Client },
        protocol,
        transport,
        service_port,
        verb: SmolStr::new_static(verbs[usize::from(is_server)]),
        span: Duration::from_nanos(random.below(60_000_000_000)),
        count: 1 + random.below(4),
        bytes: sent.bytes,
        retransmitted_bytes: sent.retransmitted_bytes,
        gap_bytes: 0,
    }))
}

fn flow(random: &mut Random, header: Header) -> Record {
    let (client, server) = ends(random);
    let (protocol, transport, server_port, seconds, _) = service(random);
    let is_tcp = transport == Transport::Tcp;
    let duration = random.below(seconds * 1_000_000_000);
    Record::Flow(Box::new(Flow {
        header,
        client: client.0,
        server: server.0,
        client_ip: client.1,
        server_ip: server.1,
        client_port: 49_152 + random.below(16_384) as u16,
        server_port,
        transport,
        protocol,
        first_seen: Timestamp::from_nanos(header.observed_at.as_nanos() - duration),
        from_client: side(random, transport),
        from_server: if random.below(40) == 0 { FlowSide::default() } else { side(random, transport) },
        complete_start: !is_tcp || random.below(500) > 0,
        one_sided: false,
        duplicate_packets: 0,
        end: if is_tcp { FlowEnd::Closed } else { FlowEnd::Idle },
    }))
}
