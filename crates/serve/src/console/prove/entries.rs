//! Entries of the ledger as a table: newest first, by actor, table and time, page by page.

use super::failed;
use crate::api::ledger::{EntriesAsked, FILTER_CHARS_MAX};
use crate::api::{cursor, limit};
use crate::console::parts::{badge, count, empty, exports, grouped, when};
use crate::console::{Failed, Page, Room, Shown, Visit};
use maud::{Markup, html};
use store::leaves::{self, Listed, Said};
use store::table::TABLES;

/// Tables of an entry that its row names; the entry's page has all.
const TABLES_SHOWN: usize = 4;

/// The page of entries.
pub(super) async fn page(visit: Visit) -> Shown {
    let asked: EntriesAsked = visit.state()?;
    let wanted = asked.wanted(&visit.house).map_err(failed(&visit))?;
    let limit = limit(asked.limit).map_err(failed(&visit))?;
    let is_filtered = wanted.actor.is_some() || wanted.table.is_some() || wanted.since.is_some();
    let found = visit.house.read(move |db| Ok((leaves::count(db)?, leaves::list(db, &wanted, limit)?)));
    let (total, found) = found.await.map_err(|error| Failed::on(&visit, error))?;
    let here = visit.with(&[("after", None)]);
    let query = here.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
    let body = html! {
        div.toolbar { (filters(&asked)) (exports(&format!("/ledger/entries{query}"))) }
        @if found.leaves.is_empty() {
            @if found.next.is_some() {
                p.notice role="note" { "None of the " (grouped(leaves::LOOKED_AT_MAX as u64)) " entries looked at fits. Older ones have not been looked at yet." }
            } @else if is_filtered {
                (empty("No entry fits these filters.", html! { p { a href="/prove/entries" { "Show all entries" } } }))
            } @else {
                (empty("Nothing is written yet.", html! { p { "Everything that Ward writes leaves an entry here." } }))
            }
        } @else { (table(&visit, &found.leaves)) }
        nav.pager aria-label="Pages" {
            @if asked.after.is_some() { a href=(here) { "Newest" } }
            @if let Some(next) = found.next { a rel="next" href=(visit.with(&[("after", Some(&cursor(&next)))])) { "Older" } }
        }
    };
    let answer = html! {
        @if total == 1 { "1 entry" } @else { (grouped(total)) " entries" }
        " in the ledger: one for each transaction, never changed, never deleted."
        @if is_filtered { " Shown are those that fit the filters, newest first." }
    };
    Ok(Page::new(&visit, Some(Room::Prove), "Entries of the ledger", answer, body))
}

fn filters(asked: &EntriesAsked) -> Markup {
    let text = |word: &Option<String>| word.clone().unwrap_or_default();
    let chosen = text(&asked.table);
    html! {
        form.inline method="get" action="/prove/entries" {
            label { span { "Actor, spelled exactly" } input name="actor" value=(text(&asked.actor)) maxlength=(FILTER_CHARS_MAX) placeholder="local:console"; }
            label { span { "Wrote rows of" } select name="table" {
                option value="" { "any table" }
                @for table in TABLES { option value=(table.name) selected[table.name == chosen] { (table.name) } }
            } }
            label { span { "Since" } input name="since" value=(text(&asked.since)) maxlength="40" placeholder="2026-11-22"; }
            button { "Filter" }
        }
    }
}

/// The table.
pub(super) fn table(visit: &Visit, leaves: &[Listed]) -> Markup {
    html! {
        div.scroll { table.data {
            caption.visually-hidden { "Entries of the ledger, newest first" }
            thead { tr { th.num scope="col" { "Entry" } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Why" } th.num scope="col" { "Rows" } th scope="col" { "Of tables" } } }
            tbody { @for listed in leaves { tr {
                th.num scope="row" { a href={ "/prove/entries/" (listed.number) } { (listed.number) } }
                @match &listed.said {
                    Ok(said) => (cells(visit, said)),
                    Err(why) => { td colspan="5" { (badge("bad", "unreadable")) " " (why) ". " a href="/prove#verify" { "Verify everything" } } }
                }
            } } }
        } }
    }
}

fn cells(visit: &Visit, said: &Said) -> Markup {
    let more = said.tables.len().saturating_sub(TABLES_SHOWN);
    html! {
        td { (when(said.leaf.at, visit.now, &visit.house.site.zone)) }
        td { (said.leaf.actor) }
        td { (said.leaf.cause) }
        td.num { (grouped(said.leaf.rows)) }
        td {
            @for (index, (table, rows)) in said.tables.iter().take(TABLES_SHOWN).enumerate() {
                @if index > 0 { ", " } (table) " " (grouped(*rows))
            }
            @if more > 0 { " and " (count(more, "more table")) }
        }
    }
}
