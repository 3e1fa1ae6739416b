//! The document of a scan: what `--json` writes. Its shape is a promise (docs/scan.schema.json); model types never go
//! out directly.

use super::units::rfc3339;
use crate::capture::Counters;
use judge::inventory::{Resolved, says_it_is};
use model::{Address, Attribute, Device, DeviceKey, Finding, Talk, TalkEnd, Transport};
use serde::Serialize;

/// Version of the document's shape; the number grows when a reader must change.
const SCHEMA: &str = "ward-scan/1";

/// A whole scan.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of Ward.
    pub ward: String,
    /// Names, addresses and places are pseudonyms.
    pub redacted: bool,
    /// What was read, and what could not be.
    pub capture: CaptureReport,
    /// The devices, by first seen.
    pub devices: Vec<DeviceReport>,
    /// Who talked to whom, largest first.
    pub talks: Vec<TalkReport>,
    /// What deserves attention.
    pub findings: Vec<FindingReport>,
}

/// One file, pipe or interface that was read.
#[derive(Clone, Debug)]
pub struct SourceRead {
    /// Its name as given.
    pub name: String,
    /// Its totals.
    pub counters: Counters,
}

/// The honesty box.
#[derive(Clone, Debug, Serialize)]
pub struct CaptureReport {
    pub sources: Vec<SourceReport>,
    /// Every source was read to its end and nothing was dropped for want of room.
    pub complete: bool,
    pub first_packet: String,
    pub last_packet: String,
    pub duration_s: f64,
    pub packets: u64,
    pub bytes: u64,
    /// Packets shorter than on the wire.
    pub cut: u64,
    /// Packets the kernel or the capturing program lost; null when it does not say.
    pub dropped: Option<u64>,
    /// Packets seen twice and counted once.
    pub duplicated: u64,
    pub flows: FlowsReport,
    /// TCP bytes that were sent but not captured.
    pub gap_bytes: u64,
    pub unparsed: Vec<UnparsedReport>,
    pub vlans: Vec<VlanReport>,
    /// A router stands between the tap and some devices.
    pub routed_view: bool,
    /// Records dropped because a bound was reached.
    pub dropped_records: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct SourceReport {
    pub name: String,
    pub packets: u64,
    pub bytes: u64,
    pub complete: bool,
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FlowsReport {
    pub total: u64,
    pub without_start: u64,
    pub one_sided: u64,
    pub evicted: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct UnparsedReport {
    pub protocol: String,
    pub reason: String,
    pub count: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct VlanReport {
    pub id: u16,
    pub packets: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct DeviceReport {
    pub id: String,
    /// The best name, or the address when it gave none.
    pub name: String,
    pub names: Vec<String>,
    /// Maker of the network interface by the IEEE registry; null when randomised or unlisted.
    pub vendor: Option<String>,
    /// What it claims to be, in one line; null when it said nothing.
    pub says_it_is: Option<String>,
    pub addresses: Vec<AddressReport>,
    pub protocols: Vec<String>,
    pub phi_in_clear: bool,
    pub router: bool,
    /// The device it is reached through.
    pub behind: Option<String>,
    /// `address` or `equipment` (known only through the gateway that speaks for it).
    pub kind: &'static str,
    pub first_seen: String,
    pub last_seen: String,
    pub packets_sent: u64,
    pub bytes_sent: u64,
    pub claims: Vec<ClaimReport>,
    pub conflicts: Vec<ConflictReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct AddressReport {
    pub mac: Option<String>,
    pub ip: Option<String>,
    pub vlan: Option<u16>,
    pub first_seen: String,
    pub last_seen: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct ClaimReport {
    pub attribute: String,
    pub value: String,
    pub source: String,
    pub confidence: u8,
    pub first_seen: String,
    pub last_seen: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct ConflictReport {
    pub attribute: String,
    pub chosen: String,
    pub others: Vec<String>,
    pub reason: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct TalkReport {
    pub client: EndReport,
    pub server: EndReport,
    pub protocol: String,
    pub transport: String,
    /// The server's port; 0 for several or none.
    pub port: u16,
    /// Start of the hour.
    pub hour: String,
    pub client_packets: u64,
    pub server_packets: u64,
    pub client_bytes: u64,
    pub server_bytes: u64,
    pub verbs: Vec<VerbReport>,
}

/// One end of a talk: a device of the inventory, or an address outside it. Exactly one is set.
#[derive(Clone, Debug, Serialize)]
pub struct EndReport {
    pub device: Option<String>,
    pub address: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct VerbReport {
    pub verb: String,
    pub count: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct FindingReport {
    pub kind: String,
    pub device: String,
    pub summary: String,
    pub evidence: Vec<String>,
    pub protocol: String,
    pub first_seen: String,
    pub last_seen: String,
}

impl CaptureReport {
    /// Nothing is known to have been missed: only then may a report say that nothing was found without adding "in what
    /// could be read". Losses that a source cannot tell of are said beside it.
    pub(super) fn missed_nothing(&self) -> bool {
        let lost = self.dropped.unwrap_or(0) + self.cut + self.gap_bytes + self.flows.one_sided;
        self.complete && lost == 0 && self.unparsed.is_empty() && self.packets > 0
    }
}

/// Puts a resolved inventory and the totals of its sources into the document's shape.
pub fn build(resolved: &Resolved, sources: &[SourceRead]) -> Document {
    Document {
        schema: SCHEMA.to_owned(),
        ward: env!("CARGO_PKG_VERSION").to_owned(),
        redacted: false,
        capture: capture(resolved, sources),
        devices: resolved.devices.iter().map(device).collect(),
        talks: resolved.talks.iter().map(talk).collect(),
        findings: resolved.findings.iter().map(finding).collect(),
    }
}

fn capture(resolved: &Resolved, sources: &[SourceRead]) -> CaptureReport {
    let counters: Vec<Counters> = sources.iter().map(|s| s.counters.clone()).collect();
    let total = crate::pipeline::sum(&counters);
    let coverage = &resolved.coverage;
    let first =
        resolved.devices.iter().map(|d| d.first_seen).filter(|t| t.as_nanos() > 0).min().unwrap_or_default();
    let last = resolved.devices.iter().map(|d| d.last_seen).max().unwrap_or_default();
    CaptureReport {
        complete: !total.partly_read && resolved.dropped_records == 0 && coverage.flows_evicted == 0,
        first_packet: rfc3339(first),
        last_packet: rfc3339(last),
        duration_s: (last.since(first).as_secs_f64() * 1000.0).round() / 1000.0,
        packets: total.frames,
        bytes: total.bytes,
        cut: total.cut_frames,
        dropped: total.dropped,
        duplicated: coverage.duplicate_frames,
        flows: FlowsReport {
            total: coverage.flows,
            without_start: coverage.flows_without_start,
            one_sided: coverage.flows_one_sided,
            evicted: coverage.flows_evicted,
        },
        gap_bytes: coverage.gap_bytes,
        unparsed: coverage.unparsed.iter().map(unparsed).collect(),
        vlans: coverage.vlans.iter().map(|&(id, packets)| VlanReport { id, packets }).collect(),
        routed_view: resolved.routed_view,
        dropped_records: resolved.dropped_records,
        sources: sources.iter().map(source).collect(),
    }
}

fn source(source: &SourceRead) -> SourceReport {
    SourceReport {
        name: source.name.clone(),
        packets: source.counters.frames,
        bytes: source.counters.bytes,
        complete: !source.counters.partly_read,
        notes: source.counters.notes.clone(),
    }
}

fn unparsed(unparsed: &model::Unparsed) -> UnparsedReport {
    let reason = match unparsed.reason {
        model::UnparsedReason::LinkType => "link-type",
        model::UnparsedReason::Truncated => "truncated",
        model::UnparsedReason::Malformed => "malformed",
        model::UnparsedReason::TooDeep => "too-deep",
        model::UnparsedReason::Fragment => "fragment",
        model::UnparsedReason::LinkProtocol => "link-protocol",
        model::UnparsedReason::IpProtocol => "ip-protocol",
        model::UnparsedReason::BadMessage => "bad-message",
        model::UnparsedReason::StreamGap => "stream-gap",
        model::UnparsedReason::Limit => "limit",
    };
    UnparsedReport {
        protocol: unparsed.protocol.name().to_owned(),
        reason: reason.to_owned(),
        count: unparsed.count,
    }
}

fn device(device: &Device) -> DeviceReport {
    let address = device.addresses.iter().find_map(|a| a.ip.map(|ip| ip.to_string()));
    let mac = device.addresses.iter().find_map(|a| a.mac.map(|mac| mac.to_string()));
    let name = device.names.first().map(ToString::to_string).or(address).or(mac);
    let text = |value: &smol_str::SmolStr| value.to_string();
    DeviceReport {
        id: device.id.to_string(),
        name: name.unwrap_or_else(|| device.id.to_string()),
        names: device.names.iter().map(text).collect(),
        vendor: device.vendor.as_ref().map(text),
        says_it_is: says_it_is(device),
        addresses: device.addresses.iter().map(address_report).collect(),
        protocols: device.protocols.iter().map(|p| p.name().to_owned()).collect(),
        phi_in_clear: device.phi_in_clear,
        router: device.is_router,
        behind: device.behind.map(|id| id.to_string()),
        kind: match device.key {
            DeviceKey::Address(_) => "address",
            DeviceKey::Equipment(_) => "equipment",
        },
        first_seen: rfc3339(device.first_seen),
        last_seen: rfc3339(device.last_seen),
        packets_sent: device.packets_sent,
        bytes_sent: device.bytes_sent,
        claims: device.claims.iter().map(claim).collect(),
        conflicts: device
            .conflicts
            .iter()
            .map(|c| ConflictReport {
                attribute: c.attribute.name().to_owned(),
                chosen: text(&c.chosen),
                others: c.others.iter().map(text).collect(),
                reason: text(&c.reason),
            })
            .collect(),
    }
}

fn address_report(address: &model::DeviceAddress) -> AddressReport {
    AddressReport {
        mac: address.mac.map(|mac| mac.to_string()),
        ip: address.ip.map(|ip| ip.to_string()),
        vlan: address.vlan.map(model::Vlan::id),
        first_seen: rfc3339(address.first_seen),
        last_seen: rfc3339(address.last_seen),
    }
}

fn claim(claim: &model::Claim) -> ClaimReport {
    ClaimReport {
        attribute: Attribute::name(claim.attribute).to_owned(),
        value: claim.value.to_string(),
        source: claim.source.name().to_owned(),
        confidence: claim.confidence,
        first_seen: rfc3339(claim.first_seen),
        last_seen: rfc3339(claim.last_seen),
    }
}

fn talk(talk: &Talk) -> TalkReport {
    let [client_packets, server_packets] = talk.packets;
    let [client_bytes, server_bytes] = talk.bytes;
    TalkReport {
        client: end(talk.client),
        server: end(talk.server),
        protocol: talk.protocol.name().to_owned(),
        transport: transport(talk.transport),
        port: talk.service_port,
        hour: rfc3339(talk.hour),
        client_packets,
        server_packets,
        client_bytes,
        server_bytes,
        verbs: talk
            .verbs
            .iter()
            .map(|(verb, count)| VerbReport { verb: verb.to_string(), count: *count })
            .collect(),
    }
}

fn end(end: TalkEnd) -> EndReport {
    match end {
        TalkEnd::Device(id) => EndReport { device: Some(id.to_string()), address: None },
        TalkEnd::Address(Address::Mac(mac)) => EndReport { device: None, address: Some(mac.to_string()) },
        TalkEnd::Address(Address::Ip(ip)) => EndReport { device: None, address: Some(ip.to_string()) },
    }
}

fn transport(transport: Transport) -> String {
    match transport {
        Transport::Tcp => "tcp".to_owned(),
        Transport::Udp => "udp".to_owned(),
        Transport::Icmp => "icmp".to_owned(),
        Transport::Ip(number) => format!("ip-{number}"),
        Transport::Link(number) => format!("link-{number:04x}"),
    }
}

fn finding(finding: &Finding) -> FindingReport {
    let kind = match finding.kind {
        model::FindingKind::PhiInClear => "phi-in-clear",
        model::FindingKind::CredentialsInClear => "credentials-in-clear",
        model::FindingKind::DuplicateAddress => "duplicate-address",
        model::FindingKind::WeakProtocol => "weak-protocol",
        model::FindingKind::LeavesSite => "leaves-site",
        model::FindingKind::Conflict => "conflict",
        model::FindingKind::AddressSpoofing => "address-spoofing",
        model::FindingKind::CertificateExpired => "certificate-expired",
    };
    FindingReport {
        kind: kind.to_owned(),
        device: finding.device.to_string(),
        summary: finding.summary.clone(),
        evidence: finding.evidence.clone(),
        protocol: finding.protocol.name().to_owned(),
        first_seen: rfc3339(finding.first_seen),
        last_seen: rfc3339(finding.last_seen),
    }
}
