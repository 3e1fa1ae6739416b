//! Who talks to whom, drawn on the server as SVG: devices on an arc, grouped by what they speak, lines as thick as talk.

use super::document::Document;
use super::table::{end_name, merged_hours, names, service};
use super::units::bytes;
use maud::{Markup, PreEscaped, html};
use std::collections::BTreeMap;

/// Ends drawn; more would not be readable. The table below the picture has all.
const ENDS_MAX: usize = 48;
/// Height of one row.
const ROW_PX: usize = 22;
/// Width of the picture.
const WIDTH_PX: usize = 920;
/// Space for a name at either side.
const NAME_PX: usize = 260;

/// The picture, or nothing when nobody talked.
pub(super) fn talks_picture(document: &Document) -> Markup {
    let names = names(document);
    let talks = merged_hours(&document.talks);
    let (mut clients, mut servers) = (Column::default(), Column::default());
    let mut lines = Vec::new();
    // Everybody asks for names, addresses and the time: those lines would bury the others.
    for talk in talks.iter().filter(|talk| class_of(&talk.protocol) != "naming") {
        let (client, server) = (end_name(&talk.client, &names), end_name(&talk.server, &names));
        if !clients.has_room_for(client) || !servers.has_room_for(server) {
            continue;
        }
        let (from, to) = (clients.place(client), servers.place(server));
        lines.push((
            from,
            to,
            talk.client_bytes + talk.server_bytes,
            service(talk),
            talk.protocol.as_str(),
            client,
            server,
        ));
    }
    if lines.is_empty() {
        return html! {};
    }
    let rows = clients.names.len().max(servers.names.len());
    let height = rows * ROW_PX + 40;
    let most = lines.iter().map(|l| l.2).max().unwrap_or(1).max(1) as f64;
    let y =
        |row: usize, of: usize| 30.0 + (row as f64 + 0.5) * (rows as f64 / of.max(1) as f64) * ROW_PX as f64;
    let (left, right) = (NAME_PX as f64, (WIDTH_PX - NAME_PX) as f64);
    html! {
        figure.picture {
            svg role="img" aria-label="Who talks to whom; the table below has the same data" viewBox={"0 0 " (WIDTH_PX) " " (height)} {
                text.axis x=(left - 8.0) y="16" text-anchor="end" { "asks" }
                text.axis x=(right + 8.0) y="16" { "answers" }
                @for (from, to, size, service, protocol, client, server) in &lines {
                    @let (y1, y2) = (y(*from, clients.names.len()), y(*to, servers.names.len()));
                    @let width = 1.0 + 5.0 * ((*size as f64).ln_1p() / most.ln_1p());
                    path.talk.(class_of(protocol)) d={"M" (left) " " (one(y1)) " C" (left + 160.0) " " (one(y1)) " " (right - 160.0) " " (one(y2)) " " (right) " " (one(y2))}
                        stroke-width=(one(width)) { title { (client) " → " (server) ", " (service) ", " (bytes(*size)) } }
                }
                @for (row, name) in clients.names.iter().enumerate() {
                    text.name x=(left - 8.0) y=(one(y(row, clients.names.len()) + 4.0)) text-anchor="end" { (short(name)) title { (name) } }
                }
                @for (row, name) in servers.names.iter().enumerate() {
                    text.name x=(right + 8.0) y=(one(y(row, servers.names.len()) + 4.0)) { (short(name)) title { (name) } }
                }
            }
            figcaption {
                span.key.medical { "medical" } " " span.key.web { "web and TLS" } " "
                span.key.other { "other" } " " span.key.unknown { "not recognised" }
                @if talks.len() > lines.len() {
                    " · " (lines.len()) " of " (talks.len()) " talks are drawn; names, addresses and time of day are left out"
                }
            }
            (PreEscaped(""))
        }
    }
}

/// Names of one side, in the order of their busiest talk.
#[derive(Default)]
struct Column<'d> {
    names: Vec<&'d str>,
    rows: BTreeMap<&'d str, usize>,
}

impl<'d> Column<'d> {
    fn has_room_for(&self, name: &str) -> bool {
        self.names.len() < ENDS_MAX || self.rows.contains_key(name)
    }

    /// The row of `name`, a new one at the end if need be.
    fn place(&mut self, name: &'d str) -> usize {
        *self.rows.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }
}

fn class_of(protocol: &str) -> &'static str {
    match protocol {
        "hl7v2" | "dicom" | "mqtt" => "medical",
        "http" | "tls" | "ssh" | "smb" => "web",
        "dns" | "mdns" | "llmnr" | "nbns" | "dhcpv4" | "dhcpv6" | "ssdp" | "ws-discovery" | "arp"
        | "icmp" | "icmpv6" | "ntp" => "naming",
        "unknown" => "unknown",
        _ => "other",
    }
}

fn one(value: f64) -> String {
    format!("{value:.1}")
}

fn short(name: &str) -> String {
    if name.chars().count() <= 34 {
        return name.to_owned();
    }
    let kept: String = name.chars().take(33).collect();
    format!("{kept}…")
}
