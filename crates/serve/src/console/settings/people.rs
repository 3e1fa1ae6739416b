//! What Ward stores about patients and staff, in plain words, and how many rows of what there are.
//!
//! It must stay true: every table of the store has its words here, which a test checks.

use crate::console::parts::{grouped, unknown};
use crate::console::{Failed, Page, Room, Shown, Visit};
use maud::{Markup, html};
use store::table::{self, Table};

/// Rows of one table that are counted for the page; of more it says so.
const COUNTED_MAX: u32 = 100_000;

/// A table in plain words, whether names of people may stand in it, and which rule says how long it is kept.
struct Words {
    table: &'static str,
    what: &'static str,
    people: &'static str,
    /// Empty: no rule deletes it.
    rule: &'static str,
}

const fn of(table: &'static str, what: &'static str, people: &'static str, rule: &'static str) -> Words {
    Words { table, what, people, rule }
}

/// Whose names people type, or are told by.
const TYPED: &str = "who wrote it, and what they wrote";
/// What devices call themselves.
const ANNOUNCED: &str = "names that devices announce, which may be a person's";

const WORDS: [Words; 33] = [
    of("sites", "name and time zone of this site", "", ""),
    of("deciders", "which build and catalogs judged, by hash", "", ""),
    of("acts", "keys by which a repeated act is recognised", "", "acts"),
    of("cursors", "how far each source was read", "", "cursors"),
    of("marks", "how far views reflect what was heard", "", ""),
    of("policies", "retention and legal holds", TYPED, ""),
    of("outbox", "effects to be performed", "", "outbox"),
    of("blocks", "records of what was heard, as they came", ANNOUNCED, "flows"),
    of("subjects", "addresses and what was heard of each", ANNOUNCED, "inventory"),
    of("devices", "devices", ANNOUNCED, "inventory"),
    of("bindings", "which address is which device's", "", "inventory"),
    of("claims", "what is claimed of a device, and by what", ANNOUNCED, "inventory"),
    of("decisions", "devices that people merged or split", TYPED, "inventory"),
    of("findings", "findings: device, protocol, fields; never content", "", "findings"),
    of("events", "logins, exams, errors, leases: that they happened, without user or patient", "", "events"),
    of("pairs", "which two addresses talk", "", "inventory"),
    of("talks", "how much they talk, by the hour", "", "flows"),
    of("talk_days", "the same by the day", "", "aggregates"),
    of("coverage", "what sensors saw and missed", "", "coverage"),
    of("gaps", "when nobody listened", "", "gaps"),
    of("subject_keys", "wrapped keys of sealed values", "", ""),
    of("sealed", "values that were sealed for a subject, as ciphertext", "only under their key", ""),
    of("tasks", "what somebody has to do", TYPED, ""),
    of("exceptions", "what is allowed for a while", TYPED, ""),
    of("windows", "when something may be done", TYPED, ""),
    of("notes", "notes", TYPED, ""),
    of("saved_views", "lists saved under a name", TYPED, ""),
    of("reports", "lists written out by schedule", TYPED, ""),
    of("report_copies", "what they wrote; the newest copies of each are kept", "whatever the list held", ""),
    of("edits", "edits of many devices at once", TYPED, ""),
    of("edit_items", "what each edit changed", "", ""),
    of("zones", "zones of the network", TYPED, ""),
    of("zone_rules", "what puts an address into a zone", TYPED, ""),
];

/// The card of the room's first page.
pub(super) fn card(more: Markup) -> Markup {
    html! {
        section.card #people {
            h2 { "What Ward stores about patients and staff" }
            div.grid {
                div {
                    h3 { "Patients" }
                    p { strong { "Nothing." } " Where a message carries a patient, Ward reads past the name, the number and the picture. What it keeps is a finding that patient data crossed in clear: which device, which protocol, which fields. Never what stood in them." }
                    p.muted { "What it cannot know: if your hospital puts a patient's name into a host name, an AE title or a room's description, that is kept as the name of a device. Fields in which standards put patients are left out." }
                }
                div {
                    h3 { "Staff" }
                    ul {
                        li { "Names of devices, which may be a person's (" span.mono { "anas-laptop" } "): kept as long as the device, and six years." }
                        li { "Logins: that there was one, where and over what. No user name, no password." }
                        li { "What people write here: notes, tasks, exceptions, reasons, with who wrote them. No rule deletes those; the words of a note can be erased on the page where it stands, a task's owner changed." }
                        li { "The ledger: who acted, as " span.mono { "local:console" } " or " span.mono { "os:NAME" } ", when, and in Ward's words why. For good; it holds no row and nothing that people typed." }
                    }
                }
                div {
                    h3 { "Where it goes" }
                    p { "Nowhere. Ward sends nothing to its maker or to anybody: no telemetry, no licence check, no cloud. Witnesses, where you configure them, are sent the size and the root hash of the ledger. Files leave when you copy them: exports, reports, backups." }
                    (more)
                }
            }
        }
    }
}

/// The page of what is stored, table by table.
pub(super) async fn stored(visit: Visit) -> Shown {
    let held = visit.house.read(|db| table::held(db, COUNTED_MAX)).await;
    let held = held.map_err(|error| Failed::on(&visit, error))?;
    let policy = crate::api::retention::policy(&visit.house).await.ok();
    let filled = held.iter().filter(|(_, rows)| *rows > 0).count();
    let more = held.iter().any(|(_, rows)| *rows >= COUNTED_MAX.into());
    let total: u64 = held.iter().map(|(_, rows)| rows).sum();
    let kept = |rule: &str| policy.as_ref().map(|policy| policy.days(rule));
    let body = html! {
        (card(html! {}))
        section.card {
            h2 { "Table by table" }
            div.scroll { table.data {
                caption.visually-hidden { "Tables of the store" }
                thead { tr { th scope="col" { "Table" } th scope="col" { "What" } th.num scope="col" { "Rows" } th scope="col" { "People" } th scope="col" { "Kept" } } }
                tbody { @for (table, rows) in &held { (row(table, *rows, &kept)) } }
            } }
            p.muted { "Beside these: the ledger's entries and their hashes, for good. Days count from what each rule says: " a href="/settings/retention" { "retention" } "." }
        }
    };
    let answer = html! {
        @if more { "More than " } (grouped(total)) " rows in " (filled) " of " (held.len()) " tables; none of them holds a patient's data."
    };
    Ok(Page::new(&visit, Some(Room::Settings), "What is stored", answer, body))
}

fn row(table: &Table, rows: u64, kept: &impl Fn(&str) -> Option<u32>) -> Markup {
    let words = WORDS.iter().find(|words| words.table == table.name);
    html! {
        tr {
            th.mono scope="row" { (table.name) }
            td { (words.map_or("", |words| words.what)) }
            td.num { @if rows >= COUNTED_MAX.into() { "over " } (grouped(rows)) }
            td { @match words.map(|words| words.people) { Some("") | None => span.muted { "none" }, Some(people) => (people) } }
            td {
                @match words.map(|words| words.rule) {
                    Some("") | None => "no rule deletes it",
                    Some(rule) => @match kept(rule) {
                        Some(days) => { (grouped(days.into())) " days " span.muted { "(" (rule) ")" } }
                        None => (unknown("the rules of retention cannot be understood")),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::retention::RULES;

    #[test]
    fn every_table_has_its_words_and_every_rule_is_one() {
        let tables: Vec<&str> = table::TABLES.iter().map(|table| table.name).collect();
        let worded: Vec<&str> = WORDS.iter().map(|words| words.table).collect();
        assert_eq!(tables, worded, "what a new table keeps of people is said in settings/people.rs");
        for words in WORDS {
            let is_rule = RULES.iter().any(|rule| rule.name == words.rule);
            assert!(words.rule.is_empty() || is_rule, "{}", words.table);
            assert!(!words.what.is_empty(), "{}", words.table);
        }
    }
}
