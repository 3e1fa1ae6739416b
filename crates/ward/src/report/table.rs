//! The report for a terminal: fits 80 columns and uses 200.

use super::document::{CaptureReport, DeviceReport, Document, EndReport, TalkReport, UnparsedReport};
use super::units::{bytes, count, plural, span};
use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, TableComponent, Width, presets,
};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Talks listed.
const TALKS_SHOWN: usize = 12;
/// Findings listed per kind.
const FINDINGS_SHOWN: usize = 12;
/// VLANs listed.
const VLANS_SHOWN: usize = 24;
/// Longest text in the column "says it is".
const SAYS_CHARS_MAX: usize = 66;
const SAYS_CHARS_WIDE_MAX: usize = 110;
/// The narrow layout is made for this.
const NARROW_COLUMNS: u16 = 80;
/// Protocols named in the column "speaks"; the rest is counted.
const SPOKEN_MAX: usize = 4;
/// Narrowest terminal that gets the wide columns.
const WIDE_COLUMNS: u16 = 120;

/// Writes the whole report, `columns` wide.
///
/// # Errors
/// Those of the writer (a closed pipe).
pub fn print(document: &Document, columns: u16, out: &mut dyn Write) -> io::Result<()> {
    wrap(&headline(document), usize::from(columns)).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    writeln!(out)?;
    if document.devices.is_empty() {
        wrap(empty_hint(document), usize::from(columns))
            .iter()
            .try_for_each(|line| writeln!(out, "{line}"))?;
        writeln!(out)?;
    } else {
        writeln!(out, "DEVICES\n{}\n", devices_table(document, columns))?;
    }
    findings(document, columns, out)?;
    if !document.talks.is_empty() {
        writeln!(out, "TOP TALKS\n{}\n", talks_table(document, columns))?;
    }
    honesty(document, columns, out)
}

/// The answer in one sentence.
pub(super) fn headline(document: &Document) -> String {
    let devices = document.devices.len() as u64;
    let silent = document.devices.iter().filter(|d| d.says_it_is.is_none()).count() as u64;
    let mut text = format!(
        "{} seen, {} known by what they say, {} unknown.",
        plural(devices, "device", "devices"),
        count(devices - silent),
        count(silent)
    );
    let concerned: std::collections::BTreeSet<&str> =
        document.findings.iter().map(|f| f.device.as_str()).collect();
    match (document.findings.len() as u64, document.capture.missed_nothing()) {
        (0, true) => text.push_str(" Nothing that this scan looks for was found."),
        (0, false) => text.push_str(" Nothing was found in what could be read; not all could (see below)."),
        (n, _) => {
            let found = plural(n, "finding", "findings");
            text.push_str(&format!(" {found} on {}.", plural(concerned.len() as u64, "device", "devices")));
        }
    }
    text
}

pub(super) fn empty_hint(document: &Document) -> &'static str {
    if document.capture.packets == 0 {
        "No packets were read. Is the mirror session on, and is this the right interface or file?"
    } else {
        "Packets were read, but none names a device of this site: only off-site addresses, or link types that Ward does \
         not read (see below)."
    }
}

/// One row per device.
pub fn devices_table(document: &Document, columns: u16) -> Table {
    let is_wide = columns >= WIDE_COLUMNS;
    let mut table = new_table(columns);
    let mut header = vec!["Name", "Address"];
    if is_wide {
        header.extend(["MAC", "VLAN", "Maker of interface"]);
    }
    header.extend(["Says it is", "Speaks", "PHI"]);
    if is_wide {
        header.extend(["Sent", "First seen", "Last seen"]);
    }
    table.set_header(header);
    for device in by_network(document) {
        table.add_row(device_row(device, is_wide));
    }
    // Between 80 columns and the wide layout, "says it is" and "speaks" share what is to spare.
    let spare = columns.saturating_sub(NARROW_COLUMNS);
    let narrow = [17, 16, 24 + spare / 2, 15 + spare / 2, 4];
    let wide = [26, 22, 17, 6, 22, 40, 26, 4, 9, 20, 20];
    limit_columns(&mut table, if is_wide { &wide } else { &narrow });
    table
}

/// Devices as a network plan lists them: by VLAN, then address; those behind a gateway last.
pub(super) fn by_network(document: &Document) -> Vec<&DeviceReport> {
    let mut devices: Vec<&DeviceReport> = document.devices.iter().collect();
    let place = |device: &DeviceReport| {
        let vlan = device.addresses.iter().find_map(|a| a.vlan);
        let ip: Option<std::net::IpAddr> =
            device.addresses.iter().filter_map(|a| a.ip.as_deref()).filter_map(|ip| ip.parse().ok()).min();
        (device.kind == "equipment", vlan, ip.is_none(), ip, device.name.clone())
    };
    devices.sort_by_cached_key(|device| place(device));
    devices
}

fn device_row(device: &DeviceReport, is_wide: bool) -> Vec<Cell> {
    let text = |text: &str| Cell::new(text);
    let ips = shorten(device.addresses.iter().filter_map(|a| a.ip.as_deref()));
    let macs = shorten(device.addresses.iter().filter_map(|a| a.mac.as_deref()));
    let address = if ips.is_empty() { macs.clone() } else { ips };
    let address = if address.is_empty() { "via gateway".to_owned() } else { address };
    let name = if device.names.is_empty() { "–" } else { device.name.as_str() };
    let role = if device.router { "router" } else { "" };
    let says = device.says_it_is.clone().unwrap_or_else(|| match (&device.vendor, is_wide) {
        (Some(vendor), false) => format!("? (interface: {vendor})"),
        _ => "?".to_owned(),
    });
    let says = if role.is_empty() { says } else { format!("{role}, {says}") };
    let says = capped(&says, if is_wide { SAYS_CHARS_WIDE_MAX } else { SAYS_CHARS_MAX });
    let mut row = vec![text(name), text(&address)];
    if is_wide {
        let vlans: std::collections::BTreeSet<u16> = device.addresses.iter().filter_map(|a| a.vlan).collect();
        let vlans: Vec<String> = vlans.iter().map(ToString::to_string).collect();
        row.extend([text(&macs), text(&vlans.join(" ")), text(device.vendor.as_deref().unwrap_or("–"))]);
    }
    row.extend([
        text(&says),
        text(&spoken(device, is_wide)),
        text(if device.phi_in_clear { "YES" } else { "no" }),
    ]);
    if is_wide {
        let sent = Cell::new(bytes(device.bytes_sent)).set_alignment(CellAlignment::Right);
        row.extend([sent, text(&device.first_seen), text(&device.last_seen)]);
    }
    row
}

/// What it speaks, telling protocols first; where there is little room only those.
fn spoken(device: &DeviceReport, is_wide: bool) -> String {
    const TELLING: [&str; 8] = ["dicom", "hl7v2", "mqtt", "smb", "snmp", "http", "ssh", "tls"];
    let rank = |protocol: &str| TELLING.iter().position(|known| *known == protocol).unwrap_or(TELLING.len());
    let mut protocols: Vec<&str> = device.protocols.iter().map(String::as_str).collect();
    protocols.sort_by_key(|protocol| rank(protocol));
    let shown = if is_wide { protocols.len() } else { SPOKEN_MAX };
    let more = protocols.len().saturating_sub(shown);
    let named = protocols.into_iter().take(shown).collect::<Vec<_>>().join(" ");
    if more > 0 { format!("{named} +{more}") } else { named }
}

/// At most this many characters, with a sign that there was more.
fn capped(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default().trim_end()),
    }
}

/// The first of several, and how many more there are.
fn shorten<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let distinct: std::collections::BTreeSet<&str> = values.collect();
    // IPv4 first: that is what people know a device by.
    let best = distinct.iter().find(|v| v.contains('.')).or_else(|| distinct.iter().next());
    match (best, distinct.len()) {
        (None, _) => String::new(),
        (Some(only), 1) => (*only).to_owned(),
        (Some(first), n) => format!("{first} +{}", n - 1),
    }
}

fn findings(document: &Document, columns: u16, out: &mut dyn Write) -> io::Result<()> {
    if document.findings.is_empty() {
        return Ok(());
    }
    let names = names(document);
    writeln!(out, "FINDINGS")?;
    let mut table = new_table(columns);
    table.set_header(vec!["What", "Device", "Why", "Evidence"]);
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &document.findings {
        let seen = shown.entry(&finding.kind).or_default();
        *seen += 1;
        if *seen > FINDINGS_SHOWN {
            continue;
        }
        let device = names.get(finding.device.as_str()).copied().unwrap_or(&finding.device);
        table.add_row(vec![&finding.kind, device, &finding.summary, &finding.evidence.join("; ")]);
    }
    limit_columns(&mut table, if columns >= WIDE_COLUMNS { &[22, 26, 60, 80] } else { &[13, 17, 25, 22] });
    writeln!(out, "{table}")?;
    for (kind, seen) in shown.iter().filter(|(_, seen)| **seen > FINDINGS_SHOWN) {
        writeln!(out, "… and {} more {kind}: see --json or --html", seen - FINDINGS_SHOWN)?;
    }
    writeln!(out)
}

fn talks_table(document: &Document, columns: u16) -> Table {
    let names = names(document);
    let mut table = new_table(columns);
    table.set_header(vec!["Client", "Server", "Service", "Bytes", "Said"]);
    for talk in merged_hours(&document.talks).into_iter().take(TALKS_SHOWN) {
        let verbs: Vec<String> =
            talk.verbs.iter().take(3).map(|v| format!("{} {}", count(v.count), v.verb)).collect();
        table.add_row(vec![
            Cell::new(end_name(&talk.client, &names)),
            Cell::new(end_name(&talk.server, &names)),
            Cell::new(service(&talk)),
            Cell::new(bytes(talk.client_bytes + talk.server_bytes)).set_alignment(CellAlignment::Right),
            Cell::new(verbs.join(", ")),
        ]);
    }
    limit_columns(
        &mut table,
        if columns >= WIDE_COLUMNS { &[30, 30, 22, 9, 60] } else { &[18, 18, 14, 9, 19] },
    );
    table
}

/// Talks of all hours as one, largest first.
pub(super) fn merged_hours(talks: &[TalkReport]) -> Vec<TalkReport> {
    let key = |t: &TalkReport| {
        let end = |e: &EndReport| (e.device.clone(), e.address.clone());
        (end(&t.client), end(&t.server), t.protocol.clone(), t.transport.clone(), t.port)
    };
    let mut merged: BTreeMap<_, TalkReport> = BTreeMap::new();
    for talk in talks {
        match merged.entry(key(talk)) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(talk.clone())),
            std::collections::btree_map::Entry::Occupied(mut entry) => add_talk(entry.get_mut(), talk),
        }
    }
    let mut merged: Vec<TalkReport> = merged.into_values().collect();
    merged.sort_by_key(|t| std::cmp::Reverse(t.client_bytes + t.server_bytes));
    merged
}

fn add_talk(sum: &mut TalkReport, talk: &TalkReport) {
    sum.client_packets += talk.client_packets;
    sum.server_packets += talk.server_packets;
    sum.client_bytes += talk.client_bytes;
    sum.server_bytes += talk.server_bytes;
    for verb in &talk.verbs {
        match sum.verbs.iter_mut().find(|known| known.verb == verb.verb) {
            Some(known) => known.count += verb.count,
            None => sum.verbs.push(verb.clone()),
        }
    }
    sum.verbs.sort_by_key(|v| std::cmp::Reverse(v.count));
}

pub(super) fn service(talk: &TalkReport) -> String {
    match (talk.protocol.as_str(), talk.port) {
        ("unknown", 0) => talk.transport.clone(),
        ("unknown", port) => format!("{} {port}", talk.transport),
        (protocol, 0) => protocol.to_owned(),
        (protocol, port) => format!("{protocol} {port}"),
    }
}

pub(super) fn names(document: &Document) -> BTreeMap<&str, &str> {
    document.devices.iter().map(|d| (d.id.as_str(), d.name.as_str())).collect()
}

pub(super) fn end_name<'d>(end: &'d EndReport, names: &BTreeMap<&str, &'d str>) -> &'d str {
    let device = end.device.as_deref().and_then(|id| names.get(id).copied());
    device.or(end.address.as_deref()).unwrap_or("?")
}

/// What was read and what was not: without it silence would look like cleanliness.
fn honesty(document: &Document, columns: u16, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "WHAT THIS RESTS ON")?;
    for line in honesty_lines(document) {
        for (i, part) in wrap(&line, usize::from(columns).saturating_sub(4)).into_iter().enumerate() {
            writeln!(out, "{} {part}", if i == 0 { "  •" } else { "   " })?;
        }
    }
    Ok(())
}

/// The same lines for every kind of report.
pub(super) fn honesty_lines(document: &Document) -> Vec<String> {
    let capture = &document.capture;
    let read = format!(
        "{} ({}) read over {}, in {}.",
        plural(capture.packets, "packet", "packets"),
        bytes(capture.bytes),
        span(capture.duration_s),
        plural(capture.flows.total, "conversation", "conversations")
    );
    let mut lines = vec![read];
    lines.push(match capture.dropped {
        Some(0) => "The capture reports no lost packets.".to_owned(),
        Some(n) => format!("Lost while capturing: {}.", plural(n, "packet", "packets")),
        None => "Whether packets were lost while capturing cannot be told from the source.".to_owned(),
    });
    let mut say = |n: u64, text: String| {
        if n > 0 {
            lines.push(text);
        }
    };
    say(capture.cut, format!("Cut short when captured: {}.", plural(capture.cut, "packet", "packets")));
    say(
        capture.duplicated,
        format!("Seen twice and counted once: {}.", plural(capture.duplicated, "packet", "packets")),
    );
    let flows = &capture.flows;
    say(
        flows.without_start + flows.one_sided,
        format!(
            "Begun before the capture: {}; seen from one side only: {}.",
            plural(flows.without_start, "conversation", "conversations"),
            plural(flows.one_sided, "conversation", "conversations")
        ),
    );
    say(capture.gap_bytes, format!("Sent over TCP but not captured: {}.", bytes(capture.gap_bytes)));
    say(
        flows.evicted + capture.dropped_records,
        format!(
            "Dropped for want of room: {} and {}.",
            plural(flows.evicted, "conversation", "conversations"),
            plural(capture.dropped_records, "record", "records")
        ),
    );
    let unparsed: u64 = capture.unparsed.iter().map(|u| u.count).sum();
    let reasons: Vec<String> = capture.unparsed.iter().take(6).map(unparsed_words).collect();
    say(unparsed, format!("Not read: {}.", reasons.join(", ")));
    lines.push(vlans_line(capture));
    if capture.routed_view {
        lines.push(
            "Routed view: some devices were seen only behind a router; they are told apart by IP address."
                .to_owned(),
        );
    }
    for source in capture.sources.iter().filter(|s| !s.notes.is_empty()) {
        lines.push(format!("{}: {}.", source.name, source.notes.join("; ")));
    }
    lines
}

/// `68 packets of IP protocols that Ward does not read`.
fn unparsed_words(unparsed: &UnparsedReport) -> String {
    let protocol = if unparsed.protocol == "unknown" { "" } else { unparsed.protocol.as_str() };
    let what = match unparsed.reason.as_str() {
        "link-type" => "frames of a link type that Ward does not read".to_owned(),
        "link-protocol" => "frames of link protocols that Ward does not read".to_owned(),
        "ip-protocol" => "packets of IP protocols that Ward does not read".to_owned(),
        "truncated" => format!("{protocol} packets cut short"),
        "malformed" => format!("{protocol} packets that contradict themselves"),
        "too-deep" => "packets nested too deep".to_owned(),
        "fragment" => "fragments without their fellows".to_owned(),
        "stream-gap" => format!("{protocol} messages with missing bytes"),
        "limit" => format!("{protocol} messages over a bound"),
        _ => format!("{protocol} messages that break their standard"),
    };
    format!("{} {}", count(unparsed.count), what.trim_start())
}

fn vlans_line(capture: &CaptureReport) -> String {
    if capture.vlans.is_empty() {
        return "No VLAN tags: the mirror removes them, or the network has none.".to_owned();
    }
    let vlans: Vec<String> = capture.vlans.iter().take(VLANS_SHOWN).map(|v| v.id.to_string()).collect();
    let more = capture.vlans.len().saturating_sub(VLANS_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("VLANs seen: {}{more}. Anything not mirrored here was not checked.", vlans.join(", "))
}

fn new_table(columns: u16) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─');
    table.set_width(columns);
    table
}

fn limit_columns(table: &mut Table, widths: &[u16]) {
    for (column, &width) in table.column_iter_mut().zip(widths) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width + 2)));
    }
}

/// Breaks a line at spaces, and a word that is wider than a line where it must.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let columns = |text: &str| console::measure_text_width(text);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ if columns(word) <= width => lines.push(word.to_owned()),
            _ => lines.extend(pieces(word, width)),
        }
    }
    lines
}

/// A long word (the name of a file) in pieces of at most `width` columns.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in word.chars() {
        let is_full = pieces.last().is_some_and(|piece| {
            !piece.is_empty() && console::measure_text_width(&format!("{piece}{c}")) > width
        });
        if is_full {
            pieces.push(String::new());
        }
        pieces.last_mut().into_iter().for_each(|piece| piece.push(c));
    }
    pieces
}
