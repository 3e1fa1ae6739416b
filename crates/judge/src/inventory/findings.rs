//! What a one-shot scan finds worth a person's attention. Judgements with baselines come with their own capability.

use super::SiteNetworks;
use super::digest::{AddressConflicts, EVIDENCE_MAX};
use crate::catalog::Catalog;
use model::{
    Address, Attribute, Claim, Device, DeviceId, Finding, FindingKind, MacAddr, Protocol, Talk, TalkEnd,
    Timestamp,
};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What is wrong with one device. `talks` are those it takes part in; others are passed over. Duplicate addresses and
/// spoofing concern several devices: the site finds them ([`crate::site::SiteStep::findings`]).
pub fn device_findings(device: &Device, talks: &[Talk], catalog: &Catalog) -> Vec<Finding> {
    let mut findings = of_device(device);
    findings.extend(leaving_site(talks, &catalog.networks).into_iter().filter(|f| f.device == device.id));
    findings.sort_by_key(|f| (f.kind, f.protocol, f.device));
    findings
}

/// The same of all devices at once, not in order yet.
pub(super) fn of_all(devices: &[Device], talks: &[Talk], networks: &SiteNetworks) -> Vec<Finding> {
    let mut findings: Vec<Finding> = devices.iter().flat_map(of_device).collect();
    findings.extend(leaving_site(talks, networks));
    findings
}

/// Findings that the claims of one device carry, grouped by kind and protocol.
fn of_device(device: &Device) -> Vec<Finding> {
    let mut grouped: BTreeMap<(FindingKind, Protocol), Vec<&Claim>> = BTreeMap::new();
    for claim in &device.claims {
        if let Some(kind) = kind_of(claim) {
            grouped.entry((kind, claim.source)).or_default().push(claim);
        }
    }
    let mut findings: Vec<Finding> = grouped
        .into_iter()
        .map(|((kind, protocol), claims)| finding(device, kind, protocol, &claims))
        .collect();
    findings.extend(expired_certificates(device));
    for conflict in &device.conflicts {
        let others: Vec<&str> = conflict.others.iter().map(|v| v.as_str()).collect();
        findings.push(Finding {
            kind: FindingKind::Conflict,
            device: device.id,
            summary: format!(
                "It gives more than one {}: shown is {}, but it also says {}.",
                conflict.attribute.name(),
                conflict.chosen,
                others.join(", ")
            ),
            evidence: vec![conflict.reason.to_string()],
            protocol: Protocol::Unknown,
            first_seen: device.first_seen,
            last_seen: device.last_seen,
        });
    }
    findings
}

/// Certificates that were past their not-after when they were last presented.
fn expired_certificates(device: &Device) -> Option<Finding> {
    let is_expired = |claim: &&Claim| {
        claim.attribute == Attribute::CertificateExpiry
            && seconds_of(&claim.value).is_some_and(|expiry| expiry < claim.last_seen.as_secs())
    };
    let expired: Vec<&Claim> = device.claims.iter().filter(is_expired).collect();
    let source = expired.first()?.source;
    Some(finding(device, FindingKind::CertificateExpired, source, &expired))
}

/// Seconds since the epoch of an RFC 3339 instant in UTC, `YYYY-MM-DDTHH:MM:SSZ`; `None` before 1970.
fn seconds_of(instant: &str) -> Option<u64> {
    let mut numbers = instant.split(|c: char| !c.is_ascii_digit()).map(str::parse::<i64>);
    let mut next = || numbers.next()?.ok();
    let (year, month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 24 || minute > 60 || second > 60 {
        return None;
    }
    // Days since 1970-01-01 in the proleptic Gregorian calendar, years counted from March (leap days come last).
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, day_of_year) = (y.div_euclid(400), (153 * m + 2) / 5 + day - 1);
    let year_of_era = y.rem_euclid(400);
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second).ok()
}

fn kind_of(claim: &Claim) -> Option<FindingKind> {
    match claim.attribute {
        Attribute::PhiInClear => Some(FindingKind::PhiInClear),
        Attribute::BasicAuth => Some(FindingKind::CredentialsInClear),
        Attribute::TlsVersion if is_old_tls(&claim.value) => Some(FindingKind::WeakProtocol),
        // Chosen, or offered alone: clients that know better ones list it first for old servers' sake.
        Attribute::SmbDialect if claim.value == "NT LM 0.12" => Some(FindingKind::WeakProtocol),
        Attribute::SnmpVersion if !claim.value.contains('3') => Some(FindingKind::WeakProtocol),
        _ => None,
    }
}

/// Retired by RFC 8996 and RFC 7568.
fn is_old_tls(version: &str) -> bool {
    ["SSL", "TLS 1.0", "TLS 1.1", "TLSv1.0", "TLSv1.1"].iter().any(|old| version.contains(old))
}

fn finding(device: &Device, kind: FindingKind, protocol: Protocol, claims: &[&Claim]) -> Finding {
    let mut evidence: Vec<String> = claims.iter().take(EVIDENCE_MAX).map(|c| c.value.to_string()).collect();
    if claims.len() > EVIDENCE_MAX {
        evidence.push(format!("and {} more", claims.len() - EVIDENCE_MAX));
    }
    let summary = match kind {
        FindingKind::PhiInClear => format!("Patient data leaves it unencrypted over {}.", protocol.title()),
        FindingKind::CertificateExpired => "It presents a certificate that has expired.".to_owned(),
        FindingKind::CredentialsInClear => {
            format!("A password crossed the network unencrypted over {}.", protocol.title())
        }
        _ => format!("It speaks a version of {} that is no longer considered safe.", protocol.title()),
    };
    Finding {
        kind,
        device: device.id,
        summary,
        evidence,
        protocol,
        first_seen: claims.iter().map(|c| c.first_seen).min().unwrap_or_default(),
        last_seen: claims.iter().map(|c| c.last_seen).max().unwrap_or_default(),
    }
}

/// Medical messages in clear to or from an address that is not the site's.
fn leaving_site(talks: &[Talk], networks: &SiteNetworks) -> Vec<Finding> {
    let mut grouped: BTreeMap<(DeviceId, Protocol), (Vec<String>, Timestamp, Timestamp)> = BTreeMap::new();
    for talk in talks.iter().filter(|t| matches!(t.protocol, Protocol::Hl7v2 | Protocol::Dicom)) {
        let (device, peer) = match (talk.client, talk.server) {
            (TalkEnd::Device(device), TalkEnd::Address(Address::Ip(peer)))
            | (TalkEnd::Address(Address::Ip(peer)), TalkEnd::Device(device)) => (device, peer),
            _ => continue,
        };
        if networks.contains(peer) || model::classify_ip(peer) != model::IpClass::Global {
            continue;
        }
        let (evidence, first, last) =
            grouped.entry((device, talk.protocol)).or_insert_with(|| (Vec::new(), talk.hour, talk.hour));
        let line = format!("with {peer}, port {}", talk.service_port);
        if evidence.len() < EVIDENCE_MAX && !evidence.contains(&line) {
            evidence.push(line);
        }
        *first = (*first).min(talk.hour);
        *last = (*last).max(talk.hour);
    }
    let mut findings = Vec::new();
    for ((device, protocol), (evidence, first_seen, last_seen)) in grouped {
        let kind = FindingKind::LeavesSite;
        let name = protocol.title();
        let summary =
            format!("Medical messages ({name}) are exchanged unencrypted with an address outside the site.");
        findings.push(Finding { kind, device, summary, evidence, protocol, first_seen, last_seen });
    }
    findings
}

pub(crate) fn duplicate_addresses(conflicts: &[(DeviceId, IpAddr, MacAddr, Timestamp)]) -> Vec<Finding> {
    conflicts
        .iter()
        .map(|(device, ip, mac, at)| Finding {
            kind: FindingKind::DuplicateAddress,
            device: *device,
            summary: format!("Another device also calls {ip} its own."),
            evidence: vec![format!("{mac} announced {ip}")],
            protocol: Protocol::Arp,
            first_seen: *at,
            last_seen: *at,
        })
        .collect()
}

/// A device whose ARP or neighbour discovery speaks under another link address than its frames come from.
pub(crate) fn spoofing(device: DeviceId, conflicts: &AddressConflicts) -> Finding {
    let mut evidence: Vec<String> = conflicts.details.iter().map(SmolStr::to_string).collect();
    if conflicts.count > evidence.len() {
        evidence.push(format!("and {} more", conflicts.count - evidence.len()));
    }
    Finding {
        kind: FindingKind::AddressSpoofing,
        device,
        summary: "It announces addresses under a link address that is not its own: a bridge or load balancer does so, and so \
                  does an attack."
            .to_owned(),
        evidence,
        protocol: Protocol::Arp,
        first_seen: conflicts.first_seen,
        last_seen: conflicts.last_seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_seconds() {
        assert_eq!(seconds_of("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds_of("2026-09-21T14:13:20Z"), Some(1_790_000_000));
        assert_eq!(seconds_of("2024-02-29T00:00:00Z"), Some(1_709_164_800));
        assert_eq!(seconds_of("soon"), None);
        assert_eq!(seconds_of("9223372036854775807-01-01T00:00:00Z"), None);
        assert_eq!(seconds_of("2026-13-01T00:00:00Z"), None);
    }
}
