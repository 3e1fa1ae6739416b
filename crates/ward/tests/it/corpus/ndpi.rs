//! nDPI's verdicts on its own captures, flow by flow, against Ward's.
//!
//! Compared are flows that nDPI labels by inspecting packets ("Confidence: DPI") with a protocol that Ward reads. Who is
//! right where the two disagree is in `ndpi-disagreements.tsv`, which must name every disagreement and nothing else.

use crate::support;
use model::{Protocol, Record};
use std::collections::{BTreeMap, BTreeSet};

/// Precision and recall over all flows, and per protocol, in per cent.
const OVERALL_MIN: f64 = 95.0;
const PROTOCOL_MIN: f64 = 90.0;

/// nDPI's names for what Ward reads.
const NAMES: [(&str, Protocol); 23] = [
    ("DHCP", Protocol::Dhcpv4),
    ("DHCPV6", Protocol::Dhcpv6),
    ("DNS", Protocol::Dns),
    ("HL7", Protocol::Hl7v2),
    ("HTTP", Protocol::Http),
    ("HTTP_Connect", Protocol::Http),
    ("HTTP_Proxy", Protocol::Http),
    ("ICMP", Protocol::Icmp),
    ("ICMPV6", Protocol::Icmpv6),
    ("LLMNR", Protocol::Llmnr),
    ("MDNS", Protocol::Mdns),
    ("MQTT", Protocol::Mqtt),
    ("NetBIOS", Protocol::Nbns),
    ("NTP", Protocol::Ntp),
    ("SMBv1", Protocol::Smb),
    ("SMBv23", Protocol::Smb),
    ("SNMP", Protocol::Snmp),
    ("SSDP", Protocol::Ssdp),
    ("SSH", Protocol::Ssh),
    ("TLS", Protocol::Tls),
    ("WSD", Protocol::WsDiscovery),
    ("DICOM", Protocol::Dicom),
    ("OCSP", Protocol::Http),
];

/// `transport low:port high:port`: the same for both directions.
fn flow_key(transport: &str, a: &str, b: &str) -> String {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    format!("{transport} {low} {high}")
}

/// An end as nDPI prints it (`[v6]:port`, `v4:port`), normalised.
fn end(text: &str) -> Option<String> {
    let (address, port) = match text.strip_prefix('[') {
        Some(v6) => v6.split_once("]:")?,
        None => text.rsplit_once(':')?,
    };
    let address: std::net::IpAddr = address.parse().ok()?;
    Some(format!("{address}:{port}"))
}

/// The flows of one expected output that are labelled by DPI: key, master protocol as nDPI names it.
fn labelled(expected: &str) -> BTreeMap<String, String> {
    let mut flows = BTreeMap::new();
    for line in expected.lines() {
        let mut words = line.trim().splitn(6, [' ', '\t']);
        let (Some(number), Some(transport), Some(a), Some(_arrow), Some(b), Some(rest)) =
            (words.next(), words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if number.parse::<u64>().is_err() || !rest.contains("[Confidence: DPI]") {
            continue;
        }
        let Some((_, name)) =
            rest.split_once("[proto: ").and_then(|(_, r)| r.split_once(']')?.0.split_once('/'))
        else {
            continue;
        };
        let is_icmp = transport.starts_with("ICMP");
        let ends = if is_icmp { (bare(a), bare(b)) } else { (end(a), end(b)) };
        if let (Some(a), Some(b)) = ends {
            let transport = if is_icmp { "ICMP" } else { transport };
            flows.insert(flow_key(transport, &a, &b), name.split('.').next().unwrap_or(name).to_owned());
        }
    }
    flows
}

/// ICMP ends carry `:0` or nothing.
fn bare(text: &str) -> Option<String> {
    let address = text.strip_suffix(":0").unwrap_or(text).trim_matches(['[', ']']);
    address.parse::<std::net::IpAddr>().ok().map(|ip| format!("{ip}:0"))
}

/// Ward's flows of one capture: key, protocol (the recognised one where a key was used several times).
fn ours(records: &[Record]) -> BTreeMap<String, Protocol> {
    let mut flows: BTreeMap<String, Protocol> = BTreeMap::new();
    for record in records {
        let Record::Flow(flow) = record else { continue };
        let transport = match flow.transport {
            model::Transport::Tcp => "TCP",
            model::Transport::Udp => "UDP",
            model::Transport::Icmp => "ICMP",
            _ => continue,
        };
        let a = format!("{}:{}", flow.client_ip, flow.client_port);
        let b = format!("{}:{}", flow.server_ip, flow.server_port);
        let known = flows.entry(flow_key(transport, &a, &b)).or_insert(Protocol::Unknown);
        if flow.protocol != Protocol::Unknown {
            *known = flow.protocol;
        }
    }
    flows
}

#[derive(Default)]
struct Row {
    labelled: u64,
    agreed: u64,
    claimed: u64,
    claimed_right: u64,
}

#[test]
fn flows_agree_with_ndpi() {
    let Some(corpus) = support::corpus("flows_agree_with_ndpi") else { return };
    let folder = corpus.join("pcap/ndpi");
    let mut rows: BTreeMap<Protocol, Row> = BTreeMap::new();
    let mut disagreements: BTreeSet<String> = BTreeSet::new();
    let (adjudged, mut wider) = (adjudged(), (0_u64, 0_u64));
    for path in support::captures_below(&folder) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(expected) = std::fs::read(folder.join("expected").join(format!("{file}.out"))) else {
            continue;
        };
        let labels = labelled(&String::from_utf8_lossy(&expected));
        let Ok(mut capture) = ward::capture::open_file(&path) else { continue };
        let flows = ours(&support::read(capture.as_mut()).records);
        for (key, name) in &labels {
            let Some(&said) = flows.get(key) else {
                if let Some(wanted) = protocol_of(name, key) {
                    disagreements.insert(format!("{file}\t{key}\t{name}\tno such flow"));
                    judge(&mut rows, wanted, Protocol::Unknown);
                }
                continue;
            };
            let wanted = protocol_of(name, key);
            if wanted.is_none() && said == Protocol::Unknown {
                continue;
            }
            wider.0 += u64::from(said != Protocol::Unknown);
            wider.1 += u64::from(wanted == Some(said));
            if wanted != Some(said) {
                disagreements.insert(format!("{file}\t{key}\t{name}\t{said}"));
            }
            if let Some(wanted) = wanted {
                judge(&mut rows, wanted, said);
            }
        }
    }
    eprintln!(
        "over all flows that nDPI labels by DPI, whatever the label: {} of {} of Ward's names agree",
        wider.1, wider.0
    );
    report(&rows, &disagreements);
    check_adjudged(&disagreements, &adjudged);
}

fn protocol_of(name: &str, key: &str) -> Option<Protocol> {
    // nDPI's NetBIOS over TCP is the session service, which carries SMB.
    if name == "NetBIOS" && key.starts_with("TCP ") {
        return Some(Protocol::Smb);
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, protocol)| *protocol)
}

/// Counts one flow. Disagreements are not excused: the adjudication explains, it does not change the figures.
fn judge(rows: &mut BTreeMap<Protocol, Row>, wanted: Protocol, said: Protocol) {
    let row = rows.entry(wanted).or_default();
    row.labelled += 1;
    row.agreed += u64::from(wanted == said);
    if said != Protocol::Unknown {
        let row = rows.entry(said).or_default();
        row.claimed += 1;
        row.claimed_right += u64::from(wanted == said);
    }
}

fn per_cent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}

fn report(rows: &BTreeMap<Protocol, Row>, disagreements: &BTreeSet<String>) {
    eprintln!(
        "{:14} {:>8} {:>8} {:>8} {:>10} {:>8}",
        "protocol", "nDPI", "Ward", "agree", "precision", "recall"
    );
    let mut sum = Row::default();
    let mut low = Vec::new();
    for (protocol, row) in rows {
        let (precision, recall) =
            (per_cent(row.claimed_right, row.claimed), per_cent(row.agreed, row.labelled));
        eprintln!(
            "{:14} {:>8} {:>8} {:>8} {precision:>9.1}% {recall:>7.1}%",
            protocol.name(),
            row.labelled,
            row.claimed,
            row.agreed
        );
        if row.labelled > 0 && (precision < PROTOCOL_MIN || recall < PROTOCOL_MIN) {
            low.push(protocol.name());
        }
        sum.labelled += row.labelled;
        sum.agreed += row.agreed;
        sum.claimed += row.claimed;
        sum.claimed_right += row.claimed_right;
    }
    let (precision, recall) = (per_cent(sum.claimed_right, sum.claimed), per_cent(sum.agreed, sum.labelled));
    eprintln!(
        "{:14} {:>8} {:>8} {:>8} {precision:>9.1}% {recall:>7.1}%",
        "all", sum.labelled, sum.claimed, sum.agreed
    );
    if std::env::var_os("WARD_DISAGREEMENTS").is_some() {
        disagreements.iter().for_each(|line| eprintln!("{line}"));
    }
    assert!(sum.labelled > 350, "only {} labelled flows", sum.labelled);
    assert!(
        precision >= OVERALL_MIN && recall >= OVERALL_MIN,
        "precision {precision:.1}, recall {recall:.1}"
    );
    assert!(low.is_empty(), "below {PROTOCOL_MIN} %: {low:?}");
}

/// `file, flow` → the whole line of the adjudication.
fn adjudged() -> BTreeMap<String, String> {
    let path = support::root().join("crates/ward/tests/it/corpus/ndpi-disagreements.tsv");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 6, "file, flow, nDPI, Ward, who is right, why: {line}");
            (format!("{}\t{}", fields[0], fields[1]), line.to_owned())
        })
        .collect()
}

fn check_adjudged(disagreements: &BTreeSet<String>, adjudged: &BTreeMap<String, String>) {
    let is_listed = |line: &&String| adjudged.values().any(|known| known.starts_with(&format!("{line}\t")));
    let unlisted: Vec<&String> = disagreements.iter().filter(|line| !is_listed(line)).collect();
    assert!(unlisted.is_empty(), "disagreements that nobody has judged yet:\n{unlisted:#?}");
    let stale: Vec<&String> = adjudged
        .values()
        .filter(|known| !disagreements.iter().any(|line| known.starts_with(&format!("{line}\t"))))
        .collect();
    assert!(stale.is_empty(), "judged, but no disagreement any more (remove the lines):\n{stale:#?}");
}
