//! Bubbles on a ring, side by side in their zones, with what they say to each other across it.
//!
//! Every label has a place of its own on the ring, so none can cover another, however many there are. Laid out by order alone: the
//! same talks make the same picture.

use crate::console::parts;
use crate::console::visit::encoded;
use crate::network::{Bubble, Map, Range, Side};
use maud::{Markup, html};
use std::f64::consts::PI;

/// Radius of the ring, at least, in pixels.
const RADIUS_MIN: f64 = 250.0;
/// Pixels of the ring's edge that a label needs.
const SLOT: f64 = 15.0;
/// Pixels that labels reach out of the ring.
const LABEL: f64 = 212.0;
/// Characters of a label; longer ones are cut, and whole on hover.
const LABEL_CHARS_MAX: usize = 26;
/// Radius of the largest bubble and of the smallest.
const BUBBLE: [f64; 2] = [11.0, 3.0];

/// A picture in the making.
pub(super) struct Ring<'m> {
    map: &'m Map,
    range: Range,
    /// Angle of each bubble.
    angles: Vec<f64>,
    /// Angle of each side's heading, with its place and the first and last angle of its bubbles.
    headings: Vec<(usize, f64, [f64; 2])>,
    radius: f64,
    /// Pixels of the ring that each label has.
    slot: f64,
    most_devices: f64,
    bytes: [f64; 2],
}

/// The class that colours a side.
pub(super) fn colour(side: &Side, place: usize) -> String {
    match side {
        Side::Zone(_) => format!("zone-{}", place % 12 + 1),
        _ => "zone-none".to_owned(),
    }
}

impl<'m> Ring<'m> {
    pub(super) fn new(map: &'m Map, range: Range) -> Self {
        let mut slots: Vec<Slot> = Vec::new();
        let (mut last, mut sides_alone) = (None, Vec::new());
        for (at, bubble) in map.bubbles.iter().enumerate() {
            if last != Some(bubble.side) {
                if last.is_some() {
                    slots.push(Slot::Gap);
                }
                // A bubble that is all of its side needs no heading beside it.
                match is_side(map, bubble) {
                    true => sides_alone.push(at),
                    false => slots.push(Slot::Heading(bubble.side)),
                }
                last = Some(bubble.side);
            }
            slots.push(Slot::Bubble(at));
        }
        slots.push(Slot::Gap);
        let count = slots.len() as f64;
        let angle = |slot: usize| (slot as f64 + 0.5) / count * 2.0 * PI - PI / 2.0;
        let (mut angles, mut headings) = (vec![0.0; map.bubbles.len()], Vec::<(usize, f64, [f64; 2])>::new());
        for (slot, what) in slots.iter().enumerate() {
            match what {
                Slot::Bubble(at) => {
                    if sides_alone.contains(at) {
                        let side = map.bubbles.get(*at).map_or(0, |bubble| bubble.side);
                        headings.push((side, angle(slot), [angle(slot), angle(slot)]));
                    }
                    if let Some(place) = angles.get_mut(*at) {
                        *place = angle(slot);
                    }
                    if let Some((_, _, [_, end])) = headings.last_mut() {
                        *end = angle(slot);
                    }
                }
                Slot::Heading(side) => headings.push((*side, angle(slot), [angle(slot), angle(slot)])),
                Slot::Gap => {}
            }
        }
        let radius = (count * SLOT / (2.0 * PI)).max(RADIUS_MIN);
        let most_devices = map.bubbles.iter().map(|bubble| bubble.devices).max().unwrap_or(1).max(1) as f64;
        let of = |bytes: u64| (bytes.max(1) as f64).ln();
        let least = map.edges.iter().map(|(_, _, sum)| of(sum.bytes)).fold(f64::INFINITY, f64::min);
        let most = map.edges.iter().map(|(_, _, sum)| of(sum.bytes)).fold(0.0, f64::max);
        let slot = 2.0 * PI * radius / count;
        Self { map, range, angles, headings, radius, slot, most_devices, bytes: [least, most] }
    }

    /// The picture; `title` and `description` are for who does not see it.
    pub(super) fn draw(&self, title: &str, description: &str) -> Markup {
        let size = number((self.radius + LABEL) * 2.0);
        let middle = number(self.radius + LABEL);
        html! {
            svg.chart.map role="group" aria-labelledby="map-title map-description" viewBox={ "0 0 " (size) " " (size) } width=(size) height=(size) {
                title #map-title { (title) }
                desc #map-description { (description) }
                g transform={ "translate(" (middle) " " (middle) ")" } {
                    @for (side, _, [from, to]) in &self.headings { (self.arc(*side, *from, *to)) }
                    @for edge in self.map.edges.iter().rev() { (self.edge(edge.0, edge.1, edge.2.bytes, edge.2.talks)) }
                    @for (side, at, _) in &self.headings { @if !self.angles.contains(at) { (self.heading(*side, *at)) } }
                    @for (at, bubble) in self.map.bubbles.iter().enumerate() { (self.bubble(at, bubble)) }
                }
            }
        }
    }

    fn side(&self, place: usize) -> Option<&Side> {
        self.map.sides.get(place).map(|(side, _)| side)
    }

    fn class(&self, place: usize) -> String {
        self.side(place).map_or_else(|| "zone-none".to_owned(), |side| colour(side, place))
    }

    /// The band behind a side's bubbles; broken where it is no zone.
    fn arc(&self, side: usize, from: f64, to: f64) -> Markup {
        let half = PI / (self.angles.len() + 2 * self.headings.len()).max(1) as f64;
        let (from, to) = (from - half * 0.9, to + half * 0.9);
        let ([x1, y1], [x2, y2]) = (at(from, self.radius), at(to, self.radius));
        let radius = number(self.radius);
        let large = u8::from(to - from > PI);
        let path = format!("M{x1} {y1} A{radius} {radius} 0 {large} 1 {x2} {y2}");
        let is_zone = matches!(self.side(side), Some(Side::Zone(_)));
        html! {
            path class=(self.class(side)) d=(path) fill="none" stroke="currentColor" stroke-width="24" stroke-opacity=(if is_zone { "0.16" } else { "0.28" }) stroke-dasharray=[(!is_zone).then_some("3 4")] {}
        }
    }

    fn heading(&self, side: usize, angle: f64) -> Markup {
        let Some((one, devices)) = self.map.sides.get(side) else { return html! {} };
        let said = if one.has_devices() {
            format!("{}: {}", one.title(), parts::count(*devices, "device"))
        } else {
            one.title().to_string()
        };
        let text = html! {
            g class=(self.class(side)) {
                title { (said) }
                (self.label(angle, &one.title(), true))
            }
        };
        match one {
            Side::Zone(_) => {
                html! { a href={ "/network?range=" (self.range.token()) "&zone=" (encoded(&one.token())) } { (text) } }
            }
            _ => text,
        }
    }

    fn label(&self, angle: f64, text: &str, is_heading: bool) -> Markup {
        let is_beside = self.angles.contains(&angle);
        let is_left = angle.cos() < 0.0;
        let degrees = angle.to_degrees() + if is_left { 180.0 } else { 0.0 };
        let away = self.radius + if is_beside { 18.0 } else { -8.0 };
        let x = if is_left { -away } else { away };
        let anchor = if is_left { "end" } else { "start" };
        let weight = is_heading.then_some("700");
        html! {
            text transform={ "rotate(" (number(degrees)) ")" } x=(number(x)) y="4" text-anchor=(anchor) font-weight=[weight] { (cut(text)) }
        }
    }

    fn bubble(&self, place: usize, bubble: &Bubble) -> Markup {
        let angle = self.angles.get(place).copied().unwrap_or(0.0);
        let [x, y] = at(angle, self.radius);
        let [largest, smallest] = BUBBLE;
        let share = (bubble.devices as f64 / self.most_devices).sqrt();
        let largest = largest.min(0.48 * self.slot);
        let radius = number(smallest + (largest - smallest).max(0.0) * share);
        let side = self.side(bubble.side).map(Side::title).unwrap_or_default();
        let said = match (bubble.device, bubble.devices) {
            (Some(_), _) => format!("{} in {side}", bubble.label),
            (None, 0) => bubble.label.to_string(),
            (None, devices) => format!("{} in {side}: {}", bubble.label, parts::count(devices, "device")),
        };
        let label = match bubble.devices {
            0 | 1 => bubble.label.to_string(),
            // The number must stay: words are cut before it.
            devices => {
                format!("{} · {}", cut_to(&bubble.label, LABEL_CHARS_MAX - 7), parts::grouped(devices as u64))
            }
        };
        html! {
            a href=(self.href(bubble)) {
                title { (said) }
                circle class=(self.class(bubble.side)) cx=(x) cy=(y) r=(radius) fill="currentColor" {}
                (self.label(angle, &label, is_side(self.map, bubble)))
            }
        }
    }

    fn href(&self, bubble: &Bubble) -> String {
        let side = self.side(bubble.side).map(Side::token).unwrap_or_default();
        let range = self.range.token();
        match (bubble.device, self.side(bubble.side), &bubble.group) {
            (Some(device), ..) => format!("/devices/{device}"),
            (None, Some(Side::Zone(_)), None) => format!("/network?range={range}&zone={}", encoded(&side)),
            (None, _, Some(group)) => {
                format!("/network/talks?range={range}&with={}&group={}", encoded(&side), encoded(group))
            }
            _ => format!("/network/talks?range={range}&with={}", encoded(&side)),
        }
    }

    fn edge(&self, client: usize, server: usize, bytes: u64, talks: u32) -> Markup {
        let of = |place: usize| self.map.bubbles.get(place).zip(self.angles.get(place));
        let (Some((from, a)), Some((to, b))) = (of(client), of(server)) else { return html! {} };
        let [least, most] = self.bytes;
        let share = ((bytes.max(1) as f64).ln() - least) / (most - least).max(0.001);
        let inner = self.radius - 12.0;
        let ([x1, y1], [x2, y2]) = (at(*a, inner), at(*b, inner));
        let [cx, cy] = if client == server { at(*a, inner - 46.0) } else { bend(*a, *b, inner) };
        let path = if client == server {
            let ([x1, y1], [x2, y2]) = (at(*a - 0.02, inner), at(*b + 0.02, inner));
            let ([c1, d1], [c2, d2]) = (at(*a - 0.09, inner - 40.0), at(*b + 0.09, inner - 40.0));
            format!("M{x1} {y1} C{c1} {d1} {c2} {d2} {x2} {y2}")
        } else {
            format!("M{x1} {y1} Q{cx} {cy} {x2} {y2}")
        };
        let name = |bubble: &Bubble| {
            let side = self.side(bubble.side).map(Side::title).unwrap_or_default();
            if side == bubble.label { side.to_string() } else { format!("{} in {side}", bubble.label) }
        };
        let said = format!(
            "{} → {}: {}, {}",
            name(from),
            name(to),
            parts::bytes(bytes),
            parts::count(talks as usize, "talk")
        );
        // Lines can be many hundreds: those who go by keyboard open them in the table below instead of passing through all of them.
        html! {
            a href=(talks_href(self.map, self.range, from, to)) tabindex="-1" {
                path class=(self.class(from.side)) d=(path) fill="none" stroke="currentColor" stroke-width=(number(1.0 + 5.0 * share)) stroke-opacity=(number(0.22 + 0.5 * share)) stroke-linecap="round" { title { (said) } }
            }
        }
    }
}

enum Slot {
    Heading(usize),
    Bubble(usize),
    Gap,
}

/// Whether a bubble stands for all of its side.
fn is_side(map: &Map, bubble: &Bubble) -> bool {
    map.sides.get(bubble.side).is_some_and(|(side, _)| side.title() == bubble.label)
}

/// Talks between two bubbles.
pub(super) fn talks_href(map: &Map, range: Range, from: &Bubble, to: &Bubble) -> String {
    let side = |bubble: &Bubble| map.sides.get(bubble.side).map(|(side, _)| side.token()).unwrap_or_default();
    let mut href = format!(
        "/network/talks?range={}&from={}&to={}",
        range.token(),
        encoded(&side(from)),
        encoded(&side(to))
    );
    for (name, bubble) in [("from_group", from), ("to_group", to)] {
        if let Some(group) = &bubble.group {
            href.push_str(&format!("&{name}={}", encoded(group)));
        }
    }
    href
}

/// A place on a circle, for an attribute.
fn at(angle: f64, radius: f64) -> [String; 2] {
    [number(radius * angle.cos()), number(radius * angle.sin())]
}

/// Where a curve between two places is drawn to: to the middle for what lies far apart, less so for neighbours.
fn bend(a: f64, b: f64, radius: f64) -> [String; 2] {
    let apart = (a - b).abs();
    let apart = if apart > PI { 2.0 * PI - apart } else { apart };
    let (x, y) = (a.cos() + b.cos(), a.sin() + b.sin());
    let middle = y.atan2(x);
    at(middle, radius * (0.78 * (1.0 - apart / PI)).clamp(0.0, 0.7))
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

fn cut(text: &str) -> String {
    cut_to(text, LABEL_CHARS_MAX)
}

fn cut_to(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max - 1).collect();
    short.push('…');
    short
}
