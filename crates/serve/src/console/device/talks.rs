//! With whom the device talks: a picture of its peers by zone or type, and the same as a table.

use super::super::parts;
use super::Shown;
use crate::dossier::{Peer, PeerTalk, Range};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Peers on each side of the picture; the others are added up.
const PEERS_A_SIDE_MAX: usize = 12;
/// Protocols named beside one peer.
const PROTOCOLS_MAX: usize = 3;
/// Rows of the table on the page; the files have all.
const ROWS_MAX: usize = 200;
/// Characters of a name in the picture.
const LABEL_CHARS_MAX: usize = 34;

const WIDTH: f64 = 960.0;
const BOX_WIDTH: f64 = 180.0;
const BOX_HEIGHT: f64 = 56.0;
const SIDE: f64 = 290.0;
/// Between a line and its label.
const BESIDE: f64 = 10.0;
const ROW: f64 = 38.0;
const HEADING: f64 = 26.0;
const TOP: f64 = 30.0;

/// The section.
pub(super) fn section(shown: &Shown<'_>) -> Markup {
    let (state, talking) = (shown.state, shown.talking);
    html! {
        section.card #talks {
            h2 { "Who it talks with" }
            div.toolbar {
                span.chips {
                    @for range in [Range::Day, Range::Week] {
                        a.chip href=(state.ranged(range)) aria-current=[(range == state.range).then_some("true")] { "Last " (range.title()) }
                    }
                }
                (parts::exports(&export(shown)))
            }
            @if talking.talks.is_empty() {
                (parts::empty("Nothing was heard between it and others.", html! {
                    p.muted { "Within the last " (state.range.title()) ", as far as the mirror port shows. " @if state.range == Range::Day { a href=(state.ranged(Range::Week)) { "Look at 7 days" } } }
                }))
            } @else {
                (summary(shown))
                div.scroll { (picture(shown)) }
                details open[state.is_open] { summary { "As a table" } (table(shown)) }
            }
            @if talking.left_out > 0 {
                p.muted { (parts::grouped(talking.left_out)) " older pairs of peer and service were not looked at: it has too many for one page." }
            }
        }
    }
}

fn export(shown: &Shown<'_>) -> String {
    let at = shown.state.query_at();
    let mark = if at.is_empty() { "?" } else { "&" };
    format!("/devices/{}/talks{at}{mark}range={}", shown.dossier.id, shown.state.range.name())
}

fn summary(shown: &Shown<'_>) -> Markup {
    let talks = &shown.talking.talks;
    let bytes = talks.iter().map(PeerTalk::bytes).fold(0, u64::saturating_add);
    let mut peers: Vec<&Peer> = talks.iter().map(|talk| &talk.peer).collect();
    peers.sort_unstable();
    peers.dedup();
    let outside = peers.iter().filter(|peer| matches!(peer, Peer::Address(_))).count();
    html! {
        p {
            (parts::count(peers.len(), "peer")) ", " (parts::bytes(bytes)) " in the last " (shown.state.range.title())
            @if outside > 0 { "; " (parts::count(outside, "peer")) (if outside == 1 { " is" } else { " are" }) " no device of this site" }
            "."
        }
    }
}

/// A peer on one side, with all its services.
struct Node<'t> {
    first: &'t PeerTalk,
    bytes: u64,
    protocols: Vec<&'t str>,
}

/// One side of the picture: groups of peers, those with most bytes first; and what did not fit.
struct Side<'t> {
    groups: Vec<(&'t str, Vec<Node<'t>>)>,
    rest: usize,
    rest_bytes: u64,
}

impl<'t> Side<'t> {
    fn new(talks: &'t [PeerTalk], is_client: bool) -> Self {
        let mut peers: BTreeMap<&Peer, Node<'t>> = BTreeMap::new();
        for talk in talks.iter().filter(|talk| talk.is_client == is_client) {
            let node = peers.entry(&talk.peer);
            let node = node.or_insert_with(|| Node { first: talk, bytes: 0, protocols: Vec::new() });
            node.bytes = node.bytes.saturating_add(talk.bytes());
            if !node.protocols.contains(&talk.protocol.as_str()) {
                node.protocols.push(&talk.protocol);
            }
        }
        let mut nodes: Vec<Node<'t>> = peers.into_values().collect();
        nodes.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.first.peer.cmp(&b.first.peer)));
        let rest = nodes.split_off(PEERS_A_SIDE_MAX.min(nodes.len()));
        let rest_bytes = rest.iter().map(|node| node.bytes).fold(0, u64::saturating_add);
        let mut groups: Vec<(&str, Vec<Node<'t>>)> = Vec::new();
        for node in nodes {
            match groups.iter_mut().find(|(group, _)| *group == node.first.group) {
                Some((_, members)) => members.push(node),
                None => groups.push((&node.first.group, vec![node])),
            }
        }
        Self { groups, rest: rest.len(), rest_bytes }
    }

    fn height(&self) -> f64 {
        let peers: usize = self.groups.iter().map(|(_, nodes)| nodes.len()).sum();
        let rest = if self.rest > 0 { HEADING } else { 0.0 };
        TOP + HEADING * self.groups.len() as f64 + ROW * peers as f64 + rest
    }
}

fn picture(shown: &Shown<'_>) -> Markup {
    let talks = &shown.talking.talks;
    let (asking, asked) = (Side::new(talks, false), Side::new(talks, true));
    let most = talks.iter().map(PeerTalk::bytes).max().unwrap_or(1);
    let height = asking.height().max(asked.height()).max(TOP + BOX_HEIGHT + 20.0);
    let middle = height / 2.0;
    let (left, top) = ((WIDTH - BOX_WIDTH) / 2.0, middle - BOX_HEIGHT / 2.0);
    html! {
        svg.chart width=(WIDTH) height=(height) viewBox=(format!("0 0 {WIDTH} {height}")) role="group" aria-labelledby="talks-title talks-desc" {
            title #talks-title { "Who " (shown.dossier.facts.title()) " talks with" }
            desc #talks-desc { "On the left those who ask it, on the right those it asks, by zone or type; the table beneath says the same" }
            text x=(SIDE - BESIDE) y="14" font-size="12" fill="currentColor" fill-opacity="0.7" text-anchor="end" { "Ask it" }
            text x=(WIDTH - SIDE + BESIDE) y="14" font-size="12" fill="currentColor" fill-opacity="0.7" { "It asks" }
            (side(shown, &asking, (false, left, middle, most)))
            (side(shown, &asked, (true, left + BOX_WIDTH, middle, most)))
            rect.node x=(left) y=(top) width=(BOX_WIDTH) height=(BOX_HEIGHT) rx="6" fill="none" stroke="currentColor" stroke-width="2" {}
            text x=(WIDTH / 2.0) y=(middle - 4.0) font-size="14" fill="currentColor" text-anchor="middle" { (cut(shown.dossier.facts.title(), 22)) }
            text x=(WIDTH / 2.0) y=(middle + 15.0) font-size="12" fill="currentColor" fill-opacity="0.7" text-anchor="middle" { "this device" }
        }
    }
}

/// One side, with lines to the device's box at `edge`.
fn side(shown: &Shown<'_>, side: &Side<'_>, (is_right, edge, middle, most): (bool, f64, f64, u64)) -> Markup {
    let mut y = TOP;
    let (text_x, anchor) = if is_right { (WIDTH - SIDE + BESIDE, "start") } else { (SIDE - BESIDE, "end") };
    let line_x = if is_right { WIDTH - SIDE } else { SIDE };
    html! {
        @for (group, nodes) in &side.groups {
            text x=(text_x) y=(y + 18.0) font-size="12" font-weight="600" fill="currentColor" fill-opacity="0.7" text-anchor=(anchor) { (cut(group, LABEL_CHARS_MAX)) }
            (down(&mut y, HEADING))
            @for node in nodes {
                @let at = y + 12.0;
                path.edge d=(curve((edge, middle), (line_x, at))) fill="none" stroke="currentColor" stroke-opacity="0.35" stroke-width=(width(node.bytes, most)) {
                    title { (node.first.name) ": " (node.protocols.join(", ")) ", " (parts::bytes(node.bytes)) }
                }
                (label(shown, node, (text_x, y, anchor)))
                (down(&mut y, ROW))
            }
        }
        @if side.rest > 0 {
            text x=(text_x) y=(y + 16.0) font-size="12" fill="currentColor" text-anchor=(anchor) { "and " (parts::count(side.rest, "other")) ", " (parts::bytes(side.rest_bytes)) }
        }
    }
}

fn label(shown: &Shown<'_>, node: &Node<'_>, (x, y, anchor): (f64, f64, &str)) -> Markup {
    let mut protocols = node.protocols.clone();
    let more = protocols.len().saturating_sub(PROTOCOLS_MAX);
    protocols.truncate(PROTOCOLS_MAX);
    let name = html! {
        text x=(x) y=(y + 12.0) font-size="13" fill="currentColor" text-anchor=(anchor) { title { (node.first.name) } (cut(&node.first.name, LABEL_CHARS_MAX)) }
    };
    html! {
        @match &node.first.peer {
            Peer::Device(device) => a href=(format!("/devices/{device}{}", shown.state.query_at())) { (name) },
            Peer::Address(_) => (name),
        }
        text x=(x) y=(y + 27.0) font-size="11" fill="currentColor" fill-opacity="0.7" text-anchor=(anchor) {
            (protocols.join(", ")) @if more > 0 { " and " (more) " more" } " · " (parts::bytes(node.bytes))
        }
    }
}

/// The next thing is drawn lower by `by`.
fn down(y: &mut f64, by: f64) -> Markup {
    *y += by;
    html! {}
}

fn curve((x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> String {
    let half = (x1 + x2) / 2.0;
    format!("M{x1:.1} {y1:.1}C{half:.1} {y1:.1} {half:.1} {y2:.1} {x2:.1} {y2:.1}")
}

/// Thickness of a line, by the logarithm of its bytes.
fn width(bytes: u64, most: u64) -> String {
    let part = (bytes.max(1) as f64).ln_1p() / (most.max(1) as f64).ln_1p();
    format!("{:.1}", 1.0 + 5.0 * part.clamp(0.0, 1.0))
}

fn cut(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn table(shown: &Shown<'_>) -> Markup {
    let (zone, now) = (&shown.visit.house.site.zone, shown.visit.now);
    let talks = &shown.talking.talks;
    html! {
        div.scroll { table.data {
            caption.visually-hidden { "Talks of the last " (shown.state.range.title()) }
            thead { tr {
                th scope="col" { "Peer" } th scope="col" { "Who" } th scope="col" { "Who asks" } th scope="col" { "Protocol" } th scope="col" { "Service" }
                th.num scope="col" { "Sent" } th.num scope="col" { "Received" } th.num scope="col" { "Conversations" } th scope="col" { "Last, to the hour" }
            } }
            tbody { @for talk in talks.iter().take(ROWS_MAX) {
                tr {
                    th scope="row" { @match &talk.peer {
                        Peer::Device(device) => a href=(format!("/devices/{device}{}", shown.state.query_at())) { (talk.name) },
                        Peer::Address(address) => code { (address) },
                    } }
                    td { (talk.group) }
                    td { (if talk.is_client { "this device" } else { "the peer" }) }
                    td { (talk.protocol) }
                    td { (service(talk)) }
                    td.num { (parts::bytes(talk.bytes_out)) }
                    td.num { (parts::bytes(talk.bytes_in)) }
                    td.num { (parts::grouped(talk.flows)) }
                    td { (parts::when(talk.last_hour, now, zone)) }
                }
            } }
        } }
        @if talks.len() > ROWS_MAX { p.muted { "The " (ROWS_MAX) " with most bytes are shown; the files have all." } }
    }
}

/// `tcp 2575`.
fn service(talk: &PeerTalk) -> String {
    if talk.port == 0 { talk.transport.clone() } else { format!("{} {}", talk.transport, talk.port) }
}
