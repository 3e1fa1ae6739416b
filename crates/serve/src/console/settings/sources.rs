//! Sources as they are configured, and how far each is kept.

use crate::api::Problem;
use crate::console::Visit;
use crate::console::parts::{count, grouped, when};
use maud::{Markup, html};
use store::cursors::CursorRow;

/// Cursors that the card names, the newest first.
const CURSORS_SHOWN: usize = 30;

/// How far each source is kept, the newest first.
pub(super) async fn cursors(visit: &Visit) -> Result<Vec<CursorRow>, Problem> {
    let site = visit.house.site.id;
    let mut cursors = visit.house.read(move |db| CursorRow::all(db, site)).await?;
    cursors.sort_by_key(|cursor| std::cmp::Reverse(cursor.observed_at));
    Ok(cursors)
}

/// The card.
pub(super) fn card(visit: &Visit, cursors: &[CursorRow]) -> Markup {
    let sources = &visit.house.site.sources;
    let rest = cursors.len().saturating_sub(CURSORS_SHOWN);
    html! {
        section.card {
            h2 { "Sources" }
            @if sources.is_empty() { p { "None is configured in " code { "ward.toml" } ". " a href="/help/mirror" { "How to mirror a port" } } }
            ul { @for source in sources { li { (source.kind) " " span.mono { (source.name) } } } }
            @if !cursors.is_empty() {
                details {
                    summary { "How far each is kept: " (count(cursors.len(), "source")) }
                    div.scroll { table.data {
                        thead { tr { th scope="col" { "Source" } th.num scope="col" { "Records" } th scope="col" { "Newest" } } }
                        tbody { @for cursor in cursors.iter().take(CURSORS_SHOWN) { tr {
                            th.mono scope="row" { (cursor.source) }
                            td.num { (grouped(cursor.sequence)) }
                            td { (when(cursor.observed_at, visit.now, &visit.house.site.zone)) }
                        } } }
                    } }
                    @if rest > 0 { p.muted { "and " (grouped(rest as u64)) " older." } }
                }
            }
            p.toolbar { a href="/#honesty" { "What they saw and what they missed" } }
        }
    }
}
