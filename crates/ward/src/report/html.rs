//! The report as one self-contained page: no script, no outside file; light and dark; prints well.

use super::document::{DeviceReport, Document, FindingReport};
use super::picture::talks_picture;
use super::table::{by_network, empty_hint, end_name, headline, honesty_lines, merged_hours, names, service};
use super::units::{bytes, count};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Talks in the page's table.
const TALKS_SHOWN: usize = 200;
/// Devices that get their own opened-up claims; beyond it the page would be too heavy, and `--json` has all.
const DETAILS_MAX: usize = 2000;

/// Addresses listed in a device's row.
const ADDRESSES_SHOWN: usize = 3;

const STYLE: &str = include_str!("report.css");

/// The whole page.
pub fn page(document: &Document) -> String {
    let title = if document.redacted { "Ward scan (redacted)" } else { "Ward scan" };
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing is loaded and nothing runs: hostile names in a capture stay text.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.brand { "Ward " span { "scan" @if document.redacted { ", redacted" } } }
                    h1 { (headline(document)) }
                    p.sub { (period(document)) }
                }
                main {
                    (honesty(document))
                    (findings(document))
                    (devices(document))
                    (talks(document))
                }
                footer {
                    p { "Made by Ward " (document.ward) ". Names are what devices say of themselves; a maker in grey is only that of the network interface. "
                        "This scan listened to copies of packets and sent nothing." }
                }
            }
        }
    };
    body.into_string()
}

fn period(document: &Document) -> String {
    let capture = &document.capture;
    let sources: Vec<&str> = capture.sources.iter().map(|s| s.name.as_str()).collect();
    format!(
        "{} to {} (UTC) · {}",
        spaced(&capture.first_packet),
        spaced(&capture.last_packet),
        sources.join(", ")
    )
}

fn spaced(instant: &str) -> String {
    instant.replace('T', " ").replace('Z', "")
}

fn honesty(document: &Document) -> Markup {
    let class = if document.capture.missed_nothing() { "honest" } else { "honest partly" };
    html! {
        section class=(class) aria-labelledby="rests" {
            h2 #rests { "What this rests on" @if !document.capture.missed_nothing() { " " span.badge.unknown { "not everything could be read" } } }
            ul { @for line in honesty_lines(document) { li { (line) } } }
        }
    }
}

fn findings(document: &Document) -> Markup {
    let names = names(document);
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "Findings" }
            @if document.findings.is_empty() {
                p.empty { @if document.capture.missed_nothing() { "Nothing that this scan looks for: patient data or passwords in clear, weak protocol versions, duplicate addresses, medical messages leaving the site." }
                    @else { "None in what could be read. What could not be read was not checked." } }
            } @else {
                div.scroll { table {
                    thead { tr { th { "What" } th { "Device" } th { "Why" } th { "Evidence" } } }
                    tbody { @for finding in &document.findings {
                        tr {
                            td { span class={"badge " (severity(finding))} { (words(&finding.kind)) } }
                            td { a href={"#" (finding.device)} { (names.get(finding.device.as_str()).copied().unwrap_or(&finding.device)) } }
                            td { (finding.summary) }
                            td.small { @for line in &finding.evidence { div { (line) } } }
                        }
                    } }
                } }
            }
        }
    }
}

fn severity(finding: &FindingReport) -> &'static str {
    match finding.kind.as_str() {
        "phi-in-clear" | "leaves-site" => "high",
        "credentials-in-clear" | "duplicate-address" | "address-spoofing" => "medium",
        _ => "low",
    }
}

fn words(kind: &str) -> String {
    kind.replace("phi", "PHI").replace('-', " ")
}

fn devices(document: &Document) -> Markup {
    html! {
        section aria-labelledby="devices" {
            h2 #devices { "Devices " span.count { (count(document.devices.len() as u64)) } }
            @if document.devices.is_empty() {
                p.empty { (empty_hint(document)) }
            } @else {
                div.scroll { table.devices {
                    thead { tr { th { "Name" } th { "Address" } th { "Says it is" } th { "Speaks" } th { "PHI in clear" } th.num { "Sent" } } }
                    tbody { @for (i, device) in by_network(document).into_iter().enumerate() { (device_row(document, device, i < DETAILS_MAX)) } }
                } }
            }
        }
    }
}

fn device_row(document: &Document, device: &DeviceReport, with_details: bool) -> Markup {
    html! {
        tr id=(device.id) {
            td {
                strong { (device.name) }
                @if device.router { " " span.badge.plain { "router" } }
                @if device.kind == "equipment" { " " span.badge.plain { "behind a gateway" } }
                @if with_details { (details(document, device)) }
            }
            td.small.addr { (addresses(device)) }
            td { @match &device.says_it_is { Some(text) => (text), None => span.badge.unknown { "nothing said" } }
                @if let Some(vendor) = &device.vendor { div.vendor { "interface: " (vendor) } } }
            td.small { (device.protocols.join(", ")) }
            td { @if device.phi_in_clear { span.badge.high { "yes" } } @else { span.no { "none seen" } } }
            td.num { (bytes(device.bytes_sent)) }
        }
    }
}

fn addresses(device: &DeviceReport) -> Markup {
    let mut seen: Vec<(&str, Option<u16>)> = Vec::new();
    for address in &device.addresses {
        if let Some(text) = address.ip.as_deref().or(address.mac.as_deref())
            && !seen.iter().any(|(known, _)| *known == text)
        {
            seen.push((text, address.vlan));
        }
    }
    // IPv4 first: that is what people know a device by; link-local last.
    seen.sort_by_key(|(text, _)| (!text.contains('.'), text.starts_with("fe80")));
    let mac = device.addresses.iter().find_map(|a| a.mac.as_deref());
    html! {
        @for (text, vlan) in seen.iter().take(ADDRESSES_SHOWN) {
            div { (text) @if let Some(vlan) = vlan { span.vlan { " VLAN " (vlan) } } }
        }
        @if seen.len() > ADDRESSES_SHOWN { div { "and " (seen.len() - ADDRESSES_SHOWN) " more" } }
        @if seen.is_empty() { div { "no address of its own" } }
        @if let Some(mac) = mac { div.vendor { (mac) } }
    }
}

/// Why Ward says so: every claim with its source, and what contradicts.
fn details(document: &Document, device: &DeviceReport) -> Markup {
    let names = names(document);
    html! {
        details {
            summary { "why" }
            @if let Some(behind) = &device.behind {
                p.small { "Reached through " a href={"#" (behind)} { (names.get(behind.as_str()).copied().unwrap_or(behind)) } "." }
            }
            @for conflict in &device.conflicts {
                p.small { span.badge.medium { "conflict" } " " (conflict.attribute) ": shown is " strong { (conflict.chosen) } " because " (conflict.reason) "; also said: " (conflict.others.join(", ")) }
            }
            @if device.claims.is_empty() { p.small { "It sent packets but said nothing about itself." } }
            table.claims {
                thead { tr { th { "Claim" } th { "Value" } th { "From" } th.num { "Weight" } th { "Last heard" } } }
                tbody { @for claim in &device.claims {
                    tr { td { (claim.attribute) } td.value { (claim.value) } td { (claim.source) } td.num { (claim.confidence) } td { (spaced(&claim.last_seen)) } }
                } }
            }
        }
    }
}

fn talks(document: &Document) -> Markup {
    let names = names(document);
    let talks = merged_hours(&document.talks);
    html! {
        section aria-labelledby="talks" {
            h2 #talks { "Who talks to whom" }
            @if talks.is_empty() { p.empty { "No conversations were seen." } }
            (talks_picture(document))
            @if !talks.is_empty() {
                div.scroll { table {
                    thead { tr { th { "Client" } th { "Server" } th { "Service" } th.num { "Client sent" } th.num { "Server sent" } th { "Said" } } }
                    tbody { @for talk in talks.iter().take(TALKS_SHOWN) {
                        tr {
                            td { (end_name(&talk.client, &names)) } td { (end_name(&talk.server, &names)) } td { (service(talk)) }
                            td.num { (bytes(talk.client_bytes)) } td.num { (bytes(talk.server_bytes)) }
                            td.small { @for verb in talk.verbs.iter().take(4) { span.verb { (count(verb.count)) " " (verb.verb) } " " } }
                        }
                    } }
                } }
                @if talks.len() > TALKS_SHOWN { p.small { "The busiest " (TALKS_SHOWN) " of " (count(talks.len() as u64)) " talks are listed; --json has all." } }
            }
        }
    }
}
