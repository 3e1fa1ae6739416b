//! What the words of the roster mean on the wire: ports, transports, verbs and volumes, and how often a device speaks so.
//! Protocols that Ward does not read are [`Protocol::Unknown`] on their own port.

use super::roster::{File, Row, Seen};
use model::{EventKind, Protocol, Transport};
use std::net::Ipv4Addr;

/// A way to talk.
#[derive(Debug)]
pub(super) struct Kind {
    word: &'static str,
    pub(super) protocol: Protocol,
    pub(super) transport: Transport,
    /// The port of the server; 0: each server has its own.
    port: u16,
    /// How often, in the background and at work.
    weights: [u16; 2],
    /// Bytes of one conversation that the client and the server send, from and to.
    pub(super) bytes: [(u32, u32); 2],
    /// Longest conversation, in seconds.
    pub(super) seconds_max: u32,
    /// Verbs of the client and the server; empty: no verbs are read.
    pub(super) verbs: [&'static str; 2],
    /// What is worth an event at work.
    pub(super) event: Option<(EventKind, &'static str)>,
}

#[expect(clippy::too_many_arguments, reason = "one row of the table below")]
const fn kind(
    word: &'static str,
    protocol: Protocol,
    transport: Transport,
    port: u16,
    weights: [u16; 2],
    bytes: [(u32, u32); 2],
    seconds_max: u32,
    verbs: [&'static str; 2],
) -> Kind {
    Kind { word, protocol, transport, port, weights, bytes, seconds_max, verbs, event: None }
}

const fn telling(kind: Kind, event: EventKind, detail: &'static str) -> Kind {
    Kind { event: Some((event, detail)), ..kind }
}

use Protocol as P;
use Transport::{Tcp, Udp};

const MIB: u32 = 1 << 20;

/// Every way to talk. Sizes are those of the captured day of the roster, rounded; images are those of the modality.
static KINDS: &[Kind] = &[
    kind("dhcp", P::Dhcpv4, Udp, 67, [1, 0], [(300, 342), (300, 342)], 1, ["REQUEST", "ACK"]),
    kind("dns", P::Dns, Udp, 53, [10, 3], [(55, 90), (80, 320)], 1, ["QUERY A", "RESPONSE A"]),
    kind("ntp", P::Ntp, Udp, 123, [2, 0], [(76, 76), (76, 76)], 1, ["CLIENT", "SERVER"]),
    kind("ws-discovery", P::WsDiscovery, Udp, 3702, [1, 0], [(900, 1400), (0, 0)], 1, ["HELLO", ""]),
    kind("mdns", P::Mdns, Udp, 5353, [2, 0], [(90, 600), (0, 0)], 1, ["RESPONSE PTR", ""]),
    kind("ssdp", P::Ssdp, Udp, 1900, [1, 0], [(300, 420), (0, 0)], 1, ["ALIVE", ""]),
    kind("llmnr", P::Llmnr, Udp, 5355, [1, 0], [(55, 70), (0, 0)], 1, ["QUERY A", ""]),
    kind("nbns", P::Nbns, Udp, 137, [1, 0], [(78, 96), (0, 0)], 1, ["NAME QUERY", ""]),
    kind("bacnet", P::Unknown, Udp, 47808, [20, 0], [(40, 90), (0, 0)], 1, ["", ""]),
    kind("syslog", P::Unknown, Udp, 514, [6, 0], [(120, 400), (0, 0)], 1, ["", ""]),
    kind("astm", P::Unknown, Tcp, 3001, [4, 20], [(900, 9000), (400, 1500)], 20, ["", ""]),
    kind("rtsp", P::Unknown, Tcp, 554, [20, 0], [(4000, 9000), (2 * MIB, 20 * MIB)], 58, ["", ""]),
    kind("modbus", P::Unknown, Tcp, 502, [20, 10], [(400, 900), (400, 1200)], 10, ["", ""]),
    kind("ftp", P::Unknown, Tcp, 21, [1, 20], [(90_000, 400_000), (600, 1500)], 12, ["", ""]),
    kind("raw-print", P::Unknown, Tcp, 9100, [2, 20], [(4000, 90_000), (200, 900)], 15, ["", ""]),
    kind("raw-serial", P::Unknown, Tcp, 4001, [20, 0], [(900, 2500), (9000, 30_000)], 58, ["", ""]),
    kind("sip", P::Unknown, Udp, 5060, [10, 20], [(500, 1400), (400, 1200)], 30, ["", ""]),
    kind("sdc-tls", P::Tls, Tcp, 0, [24, 0], [(4000, 20_000), (9000, 120_000)], 3600, ["CLIENT-HELLO", ""]),
    kind(
        "sdc-notify",
        P::Tls,
        Tcp,
        6464,
        [30, 0],
        [(20_000, 200_000), (3000, 9000)],
        3600,
        ["CLIENT-HELLO", ""],
    ),
    kind("sdc-http", P::Http, Tcp, 0, [24, 0], [(4000, 20_000), (9000, 120_000)], 3600, ["POST", "2xx"]),
    kind(
        "dicom-tls",
        P::Tls,
        Tcp,
        2762,
        [2, 20],
        [(MIB / 2, 8 * MIB), (9000, 40_000)],
        50,
        ["CLIENT-HELLO", ""],
    ),
    kind("mqtt-tls", P::Tls, Tcp, 8883, [20, 0], [(1500, 4000), (2500, 5000)], 58, ["CLIENT-HELLO", ""]),
    kind(
        "https",
        P::Tls,
        Tcp,
        443,
        [10, 20],
        [(1500, 30_000), (5000, 600_000)],
        40,
        ["CLIENT-HELLO", "SERVER-HELLO"],
    ),
    kind("http", P::Http, Tcp, 80, [4, 8], [(400, 2000), (1500, 60_000)], 10, ["GET", "2xx"]),
    kind("snmp", P::Snmp, Udp, 161, [6, 0], [(90, 400), (100, 900)], 5, ["GETBULK", "RESPONSE"]),
    telling(
        kind("smb", P::Smb, Tcp, 445, [4, 12], [(3000, 90_000), (3000, 400_000)], 45, ["READ", "READ"]),
        EventKind::Login,
        "ntlm",
    ),
    telling(
        kind("ssh", P::Ssh, Tcp, 22, [2, 2], [(3000, 12_000), (3000, 30_000)], 30, ["KEXINIT", "KEXINIT"]),
        EventKind::Login,
        "ssh",
    ),
    telling(
        kind(
            "dicom",
            P::Dicom,
            Tcp,
            104,
            [1, 20],
            [(300_000, 4 * MIB), (3000, 9000)],
            50,
            ["C-STORE-RQ", "C-STORE-RSP"],
        ),
        EventKind::Association,
        "accepted",
    ),
    telling(
        kind("mqtt", P::Mqtt, Tcp, 1883, [20, 0], [(300, 1400), (200, 600)], 58, ["PUBLISH", "PUBACK"]),
        EventKind::Login,
        "mqtt user name and password",
    ),
    telling(
        kind(
            "hl7-mllp",
            P::Hl7v2,
            Tcp,
            2575,
            [12, 20],
            [(700, 4000), (250, 600)],
            20,
            ["ORU^R01", "ACK^R01"],
        ),
        EventKind::ErrorReply,
        "ORU^R01 AE",
    ),
];

fn of_word(word: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.word == word)
}

/// With whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peers {
    /// Devices of the same building, by their entry in the roster.
    Entries(Vec<u16>),
    /// A multicast group.
    Group(Ipv4Addr),
    /// Everybody on the network.
    Broadcast,
    /// Somewhere on the Internet.
    Outside(Vec<Ipv4Addr>),
}

/// One way a device talks.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) kind: &'static Kind,
    /// 0: each server has its own.
    pub(super) port: u16,
    pub(super) peers: Peers,
    /// The device is the server.
    pub(super) is_asked: bool,
}

/// The services of a device, out of its own words and the exchanges it takes part in.
pub(super) fn services(file: &File, row: &Row, seen: Seen) -> Vec<Service> {
    if let Seen::SpokenFor(gateway) = seen {
        return through_gateway(file, gateway);
    }
    let mut services: Vec<Service> =
        row.protocols.iter().filter_map(|word| by_word(file, row, word)).collect();
    for exchange in &file.exchange {
        let Some(kind) = of_word(&exchange.service) else { continue };
        let port = exchange.port;
        let entries = |ids: &[smol_str::SmolStr]| {
            Peers::Entries(ids.iter().filter(|id| **id != row.id).filter_map(|id| file.entry(id)).collect())
        };
        if exchange.from.contains(&row.id) {
            services.push(Service { kind, port, peers: entries(&exchange.to), is_asked: false });
        }
        if exchange.to.contains(&row.id) {
            services.push(Service { kind, port, peers: entries(&exchange.from), is_asked: true });
        }
    }
    services.extend(beyond_words(file, row));
    services.retain(|service| service.peers != Peers::Entries(Vec::new()));
    services
}

/// What a gateway sends for a device: the exchange of the gateway in HL7.
fn through_gateway(file: &File, gateway: u16) -> Vec<Service> {
    let id = file.device.get(usize::from(gateway)).map(|row| row.id.clone()).unwrap_or_default();
    let exchange = file.exchange.iter().find(|e| e.service == "hl7-mllp" && e.from.contains(&id));
    let service = exchange.and_then(|exchange| {
        let peers = Peers::Entries(exchange.to.iter().filter_map(|id| file.entry(id)).collect());
        Some(Service { kind: of_word("hl7-mllp")?, port: exchange.port, peers, is_asked: false })
    });
    service.into_iter().collect()
}

/// A service that everybody who speaks the protocol has by itself.
fn by_word(file: &File, row: &Row, word: &str) -> Option<Service> {
    let to = |id: &str| {
        let entry = file.entry(id).filter(|_| row.id != id)?;
        Some(Peers::Entries(vec![entry]))
    };
    let peers = match word {
        "dhcp" | "dns" | "ntp" | "syslog" => to("it-srv-infra"),
        "astm" => to("lab-lis"),
        "ws-discovery" | "ssdp" => Some(Peers::Group(Ipv4Addr::new(239, 255, 255, 250))),
        "mdns" => Some(Peers::Group(Ipv4Addr::new(224, 0, 0, 251))),
        "llmnr" => Some(Peers::Group(Ipv4Addr::new(224, 0, 0, 252))),
        "nbns" | "bacnet" => Some(Peers::Broadcast),
        _ => None,
    };
    let kind = of_word(word)?;
    Some(Service { kind, port: kind.port, peers: peers?, is_asked: false })
}

/// What the exchanges of the roster leave out: notifications of SDC providers, video, updates and telemetry over the Internet.
fn beyond_words(file: &File, row: &Row) -> Vec<Service> {
    let speaks_sdc = row.protocols.iter().any(|word| word == "sdc-tls");
    let mut extra: Vec<(&str, Peers, bool)> = Vec::new();
    let entry = |id: &str| Peers::Entries(file.entry(id).into_iter().collect());
    match row.class.as_str() {
        "ventilator" => extra.push(("https", Peers::Outside(file.outside("connect.")), false)),
        "patient-monitor" if speaks_sdc => {
            extra.push(("https", Peers::Outside(file.outside("updates.")), false));
        }
        "camera" => extra.push(("rtsp", entry("it-srv-infra"), true)),
        "medical-refrigerator" => extra.push(("http", Peers::Outside(file.outside("cloud.")), false)),
        _ if row.id == "it-srv-infra" => {
            extra.push(("ntp", Peers::Outside(file.outside("time.")), false));
            extra.push(("dns", Peers::Outside(file.outside("time.")), false));
        }
        _ => {}
    }
    if speaks_sdc {
        extra.push(("sdc-notify", entry("icu-gateway"), false));
    }
    let service = |(word, peers, is_asked)| {
        let kind = of_word(word)?;
        Some(Service { kind, port: kind.port, peers, is_asked })
    };
    extra.into_iter().filter_map(service).collect()
}

/// Visitors look up names and read news.
pub(super) fn of_guest(file: &File) -> Vec<Service> {
    let infra = Peers::Entries(file.entry("it-srv-infra").into_iter().collect());
    let outside = |name| Peers::Outside(file.outside(name));
    let talks = [("dns", infra), ("https", outside("www.")), ("https", outside("cdn."))];
    let service = |(word, peers): (&str, Peers)| {
        let kind = of_word(word)?;
        Some(Service { kind, port: kind.port, peers, is_asked: false })
    };
    talks.into_iter().filter_map(service).collect()
}

/// Running sums of the weights, in the background and at work. Where nothing is done at work, work is as the background.
pub(super) fn weights(services: &[Service]) -> (Vec<u32>, Vec<u32>) {
    let running = |at: usize| -> Vec<u32> {
        let mut sum = 0;
        let weight = |service: &Service| service.kind.weights.get(at).copied().map_or(0, u32::from);
        services
            .iter()
            .map(|service| {
                sum += weight(service);
                sum
            })
            .collect()
    };
    let (background, clinic) = (running(0), running(1));
    let works = clinic.last().is_some_and(|sum| *sum > 0);
    let clinic = if works { clinic } else { background.clone() };
    (background, clinic)
}

/// Which service a number below the last running sum draws.
pub(super) fn draw(running: &[u32], number: u64) -> Option<usize> {
    let total = u64::from(*running.last()?);
    let drawn = u32::try_from(number % total.max(1)).unwrap_or_default();
    Some(running.partition_point(|sum| *sum <= drawn)).filter(|at| *at < running.len())
}
