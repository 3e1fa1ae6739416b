//! Zone by zone: who asks down, who answers across. A shade for who looks, a number for who reads.

use super::ring::colour;
use crate::console::parts;
use crate::console::visit::encoded;
use crate::network::{Matrix, Range, Side, Sum};
use maud::{Markup, html};

/// Shades of a cell.
const SHADES: u64 = 5;

/// The table.
pub(super) fn table(matrix: &Matrix, range: Range) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Who talks to whom, by zone" {
            table.matrix {
                caption.visually-hidden { "Bytes " (range.words()) ", from the zone of each row to the zone of each column" }
                thead { tr {
                    th scope="col" { "asks ↓ answers →" }
                    @for (place, (side, devices)) in shown(matrix, |a, b| matrix.cell(b, a)) { th scope="col" title=(said(side, *devices)) { (heading(side, place)) } }
                } }
                tbody { @for (client, (side, devices)) in shown(matrix, |a, b| matrix.cell(a, b)) {
                    tr {
                        th scope="row" title=(said(side, *devices)) {
                            (heading(side, client))
                        }
                        @for (server, _) in shown(matrix, |a, b| matrix.cell(b, a)) { (cell(matrix, range, client, server)) }
                    }
                } }
            }
        }
    }
}

fn heading(side: &Side, place: usize) -> Markup {
    html! {
        span class={ "swatch " (colour(side, place)) } aria-hidden="true" {}
        @match side {
            Side::Unzoned => span.unknown { (side.title()) },
            _ => (side.title()),
        }
    }
}

fn cell(matrix: &Matrix, range: Range, client: usize, server: usize) -> Markup {
    let sum = matrix.cell(client, server);
    let (Some((from, _)), Some((to, _))) = (matrix.sides.get(client), matrix.sides.get(server)) else {
        return html! { td {} };
    };
    if sum.talks == 0 {
        return html! { td.none { span.muted title={ "nothing heard from " (from.title()) " to " (to.title()) } { "·" } } };
    }
    let said = format!("{} → {}: {}", from.title(), to.title(), words(sum));
    let shade = shade(sum.bytes, matrix.most());
    // What stands for many zones has no list of its own.
    let is_listed = *from != Side::OtherZones && *to != Side::OtherZones;
    html! {
        td class={ "level-" (shade) } title=(said) {
            @if is_listed {
                a href={ "/network/talks?range=" (range.token()) "&from=" (encoded(&from.token())) "&to=" (encoded(&to.token())) } aria-label=(said) { (short(sum)) }
            } @else {
                span { (short(sum)) }
            }
        }
    }
}

/// Bytes and talks, for a sentence.
pub(super) fn words(sum: Sum) -> String {
    format!(
        "{} ({} bytes) in {}",
        parts::bytes(sum.bytes),
        parts::grouped(sum.bytes),
        parts::count(sum.talks as usize, "talk")
    )
}

/// The sides that have devices, or of which `said` with any other is something.
fn shown(
    matrix: &Matrix,
    said: impl Fn(usize, usize) -> Sum,
) -> impl Iterator<Item = (usize, &(Side, usize))> {
    let all = matrix.sides.len();
    let sides = matrix.sides.iter().enumerate();
    sides.filter(move |(at, (_, devices))| *devices > 0 || (0..all).any(|other| said(*at, other).talks > 0))
}

fn said(side: &Side, devices: usize) -> String {
    if side.has_devices() {
        format!("{}: {}", side.title(), parts::count(devices, "device"))
    } else {
        side.title().into()
    }
}

/// Bytes in one piece, so that the unit stays beside its number.
fn short(sum: Sum) -> String {
    parts::bytes(sum.bytes).replace(' ', "\u{a0}")
}

/// 5 for the most, one less for each time that it is ten times less, down to 1.
fn shade(bytes: u64, most: u64) -> u64 {
    let times = most / bytes.max(1);
    SHADES.saturating_sub(u64::from(times.max(1).ilog10())).max(1)
}
