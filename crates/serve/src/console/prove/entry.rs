//! One entry of the ledger: what it says, what became of which row, and the proof that it is under the newest checkpoint.

use super::failed;
use crate::api::Problem;
use crate::api::ledger::hex;
use crate::api::query::number;
use crate::console::parts::{badge, count, grouped, unknown, when};
use crate::console::{Failed, Page, Room, Shown, Visit};
use axum::extract::Path;
use maud::{Markup, html};
use store::leaves::{self, Said, Whole, table_name};
use store::ledger::StoredCheckpoint;
use trust::tlog::{Checkpoint, Hash, Note, verify_inclusion};

/// The page of one entry.
pub(super) async fn page(visit: Visit, Path(asked): Path<String>) -> Shown {
    let number = number("entry", &asked).map_err(failed(&visit))?;
    let found = visit.house.read(move |db| Ok((leaves::whole(db, number)?, leaves::count(db)?)));
    let (found, total) = found.await.map_err(|error| Failed::on(&visit, error))?;
    let missing = || Problem::missing(format!("there is no entry {number} in the ledger: it has {total}"));
    let whole = found.ok_or_else(missing).map_err(failed(&visit))?;
    let body = html! {
        nav.toolbar aria-label="Entries" {
            a href="/prove/entries" { "All entries" }
            @if let Some(before) = number.checked_sub(1) { a rel="prev" href={ "/prove/entries/" (before) } { "Entry " (before) } }
            @if number + 1 < total { a rel="next" href={ "/prove/entries/" (number + 1) } { "Entry " (number + 1) } }
            a href={ "/api/v1/ledger/entries/" (number) } { "As JSON" }
        }
        div.grid { (facts(&visit, &whole)) (proof(&visit, &whole)) }
        (changes(&whole))
    };
    let title = format!("Entry {number}");
    Ok(Page::new(&visit, Some(Room::Prove), &title, answer(&visit, &whole), body))
}

fn answer(visit: &Visit, whole: &Whole) -> Markup {
    match &whole.listed.said {
        Ok(Said { leaf, .. }) => {
            let rows = count(usize::try_from(leaf.rows).unwrap_or(usize::MAX), "row");
            html! { (leaf.actor) " wrote " (rows) " " (when(leaf.at, visit.now, &visit.house.site.zone)) ": " (leaf.cause) "." }
        }
        Err(why) => {
            html! { (badge("bad", "unreadable")) " This entry is not what an entry can be: " (why) ". " a href="/prove#verify" { "Verify everything" } }
        }
    }
}

fn facts(visit: &Visit, whole: &Whole) -> Markup {
    html! {
        section.card {
            h2 { "What it says" }
            dl.facts {
                @if let Ok(Said { leaf, tables }) = &whole.listed.said {
                    dt { "When" } dd { (visit.house.site.zone.show(leaf.at)) }
                    dt { "Who" } dd { (leaf.actor) }
                    dt { "Why" } dd { (leaf.cause) }
                    dt { "Site" } dd { (leaf.site.0) }
                    @if !leaf.key.is_empty() { dt { "Its own key" } dd.mono { (leaf.key) } }
                    @if leaf.decided != [0; 32] { dt { "Decided by" } dd.mono title="Hash of the build and its catalogs, in table deciders" { (hex(&leaf.decided)) } }
                    dt { "Rows" } dd { @for (table, rows) in tables { div { (table) ": " (grouped(*rows)) } } @if tables.is_empty() { "none" } }
                }
                dt { "Hash" } dd.mono { (hex(&whole.hash)) }
                dt { "Bytes" } dd { (grouped(whole.entry.len() as u64)) }
            }
        }
    }
}

fn proof(visit: &Visit, whole: &Whole) -> Markup {
    html! {
        section.card {
            h2 { "That it is in the ledger" }
            @match &whole.proof {
                None => p { (unknown("the newest checkpoint was signed before this entry")) ": no checkpoint covers it yet. The next one does, within seconds." },
                Some((checkpoint, hashes)) => (proved(visit, whole, checkpoint, hashes)),
            }
        }
    }
}

fn proved(visit: &Visit, whole: &Whole, checkpoint: &StoredCheckpoint, hashes: &[Hash]) -> Markup {
    let (index, size) = (whole.listed.number, checkpoint.size);
    html! {
        @match leads(whole, checkpoint, hashes) {
            Ok(root) => {
                p { (badge("ok", "in the ledger")) " "
                    @if hashes.len() == 1 { "1 hash leads" } @else { (hashes.len()) " hashes lead" } " from this entry to the root of the newest checkpoint; recomputed when this page was drawn." }
                dl.facts { dt { "Root" } dd.mono { (hex(&root)) } }
            }
            Err(why) => p { (badge("bad", "not proved")) " " (why) ". " a href="/prove#verify" { "Verify everything" } }
        }
        p.muted { "Entry " (index) " of " (grouped(size)) "; the checkpoint was signed " (when(checkpoint.signed_at, visit.now, &visit.house.site.zone)) ". Whether its signature is right, “Verify everything” says." }
        details {
            summary { "How to check it by hand" }
            p { "SHA-256 of a zero byte and the entry's bytes is its hash. Then, from the sibling upwards, SHA-256 of a one byte and the two hashes, the left one first (RFC 9162 §2.1.3.2), gives the root that the checkpoint names in base64." }
            ol { @for hash in hashes { li.mono { (hex(hash)) } } }
            pre { (checkpoint.note) }
        }
    }
}

/// The root that the proof leads to, which is the checkpoint's.
fn leads(whole: &Whole, checkpoint: &StoredCheckpoint, hashes: &[Hash]) -> Result<Hash, String> {
    let note = Note::parse(checkpoint.note.as_bytes()).map_err(|error| error.to_string())?;
    let said = Checkpoint::parse(note.text()).map_err(|error| error.to_string())?;
    let index = whole.listed.number;
    verify_inclusion(&whole.hash, index, said.size(), hashes, said.root())
        .map_err(|error| error.to_string())?;
    Ok(*said.root())
}

fn changes(whole: &Whole) -> Markup {
    let total = whole.listed.said.as_ref().map_or(0, |said| said.leaf.rows);
    let rest = total.saturating_sub(whole.rows.len() as u64);
    html! {
        section.card {
            h2 { "What became of which row" }
            p.muted { "The ledger does not hold the rows: it holds a salted hash of each, from which nothing can be read, and by which a row that was changed is found." }
            @if whole.rows.is_empty() { p { "No row." } } @else {
                div.scroll { table.data {
                    thead { tr { th scope="col" { "Table" } th.num scope="col" { "Row" } th scope="col" { "Became" } th scope="col" { "Salted hash" } } }
                    tbody { @for change in &whole.rows { tr {
                        th scope="row" { (table_name(change.table)) }
                        td.num { (change.id) }
                        td { @if change.commitment.is_some() { "written" } @else { "deleted" } }
                        td.mono { @if let Some(commitment) = &change.commitment { (hex(commitment)) } }
                    } } }
                } }
            }
            @if rest > 0 { p.muted { "and " (grouped(rest)) " more, which are counted but not named here." } }
        }
    }
}
