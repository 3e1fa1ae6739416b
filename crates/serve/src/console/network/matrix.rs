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
                    @for (place, (side, _)) in matrix.sides.iter().enumerate() { th scope="col" title=(side.title()) { (heading(side, place)) } }
                } }
                tbody { @for (client, (side, devices)) in matrix.sides.iter().enumerate() {
                    tr {
                        th scope="row" title=(side.title()) {
                            (heading(side, client))
                            @if side.has_devices() { " " span.muted { (parts::grouped(*devices as u64)) } }
                        }
                        @for server in 0..matrix.sides.len() { (cell(matrix, range, client, server)) }
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
        return html! { td { span.muted title={ "nothing heard from " (from.title()) " to " (to.title()) } { "·" } } };
    }
    let said = format!("{} → {}: {}", from.title(), to.title(), words(sum));
    let shade = shade(sum.bytes, matrix.most());
    // What stands for many zones has no list of its own.
    let is_listed = *from != Side::OtherZones && *to != Side::OtherZones;
    html! {
        td class={ "level-" (shade) } title=(said) {
            @if is_listed {
                a href={ "/network/talks?range=" (range.token()) "&from=" (encoded(&from.token())) "&to=" (encoded(&to.token())) } aria-label=(said) { (parts::bytes(sum.bytes)) }
            } @else {
                span { (parts::bytes(sum.bytes)) }
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

/// 1 to 5, by the logarithm.
fn shade(bytes: u64, most: u64) -> u64 {
    let share = (bytes.max(1) as f64).ln() / (most.max(2) as f64).ln();
    ((share * SHADES as f64).ceil() as u64).clamp(1, SHADES)
}
