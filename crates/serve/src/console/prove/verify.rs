//! Verification: the button, how far it is, and what came of it in words, with every lie by its place.

use super::Known;
use crate::console::parts::{badge, count, duration, grouped, unknown, when};
use crate::console::{Visit, job};
use crate::jobs::{Job, State};
use maud::{Markup, html};
use serde::Deserialize;

/// Rows that a second of verification reads at least, on two cores (docs/perf.md, `ledger verify`).
const ROWS_A_SECOND: u64 = 200_000;

/// What a verification found, as the store tells it (`store::verify::Verified`).
#[derive(Debug, Deserialize)]
struct Outcome {
    leaves: u64,
    rows: u64,
    root: String,
    checkpoint: u64,
    witnessed: Witnessed,
    lies: Vec<Lie>,
    lies_total: u64,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "witness", rename_all = "kebab-case")]
enum Witnessed {
    NotWitnessed,
    Witnessed { size: u64, of: u64, by: Vec<String> },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "lie", rename_all = "kebab-case")]
enum Lie {
    Leaf { leaf: u64, why: String },
    Tile { path: String, leaf: u64 },
    Checkpoint { size: u64, why: String },
    Changed { table: String, row: i64, leaf: u64 },
    Missing { table: String, row: i64, leaf: u64 },
    Unknown { table: String, row: i64 },
    Schema { object: String, why: String },
    Unreadable { place: String, rows: u64, why: String },
}

/// How many lies a verification that has ended found.
pub(super) fn lies_total(job: &Job) -> Option<u64> {
    outcome(job).map(|outcome| outcome.lies_total)
}

fn outcome(job: &Job) -> Option<Outcome> {
    match &job.state {
        State::Done(_, outcome) => Outcome::deserialize(outcome).ok(),
        State::Running | State::Failed(..) => None,
    }
}

/// The card.
pub(super) fn card(visit: &Visit, known: &Known, newest: Option<&Job>) -> Markup {
    let is_running = newest.is_some_and(|job| job.state == State::Running);
    html! {
        section.card #verify {
            h2 { "Verify everything" }
            @match newest {
                None => p { (unknown("since Ward was started nobody has asked here, and what was found before is not kept")) ": not verified since Ward was started." },
                Some(newest) => (told(visit, newest)),
            }
            @if !is_running {
                p { "Ward reads every row and every entry again, recomputes every hash and signature, and names what is not as the ledger says. Nothing is changed, and listening goes on." }
                p.muted { (how_long(known, newest)) }
                form method="post" action="/prove/verify" data-verify {
                    button.primary { @if newest.is_some() { "Verify again" } @else { "Verify everything" } }
                }
            }
        }
    }
}

/// About how long it takes: by the last time where there was one.
fn how_long(known: &Known, newest: Option<&Job>) -> Markup {
    let last = newest.and_then(|job| match &job.state {
        State::Done(at, _) => Some((at.since(job.started_at), outcome(job)?.rows)),
        State::Running | State::Failed(..) => None,
    });
    html! {
        @match last {
            Some((took, rows)) => { "The last time took " (duration(took)) " for " (grouped(rows)) " rows." }
            None => {
                "There are " (grouped(known.entries)) " entries; a second is enough for about " (grouped(ROWS_A_SECOND)) " rows, so this takes seconds for a small house and minutes for a large one."
            }
        }
    }
}

fn told(visit: &Visit, job: &Job) -> Markup {
    let at = |at| when(at, visit.now, &visit.house.site.zone);
    match &job.state {
        State::Running => job::progress(visit, job),
        State::Failed(ended, why) => html! {
            p { (badge("unknown", "could not verify")) " " (at(*ended)) }
            p { "Nothing is said of any row: " (why) }
        },
        State::Done(ended, _) => match outcome(job) {
            None => {
                html! { p { (unknown("the outcome is not one that this page can read")) " " (at(*ended)) ": " code { "ward ledger verify" } " says it in the terminal." } }
            }
            Some(outcome) if outcome.lies_total == 0 => html! {
                p { (badge("ok", "verified")) " " (at(*ended)) ", asked for by " (job.asked_by) }
                p { strong { (grouped(outcome.rows)) " rows and " (grouped(outcome.leaves)) " entries verified: every row is what the ledger says." } }
                (facts(&outcome))
            },
            Some(outcome) => html! {
                p { (badge("bad", &count(usize::try_from(outcome.lies_total).unwrap_or(usize::MAX), "lie"))) " " (at(*ended)) ", asked for by " (job.asked_by) }
                p { strong { (grouped(outcome.rows)) " rows and " (grouped(outcome.leaves)) " entries were read, and not all of it is what the ledger says. " (first(&outcome)) } }
                (lies(&outcome))
                (meaning())
                (facts(&outcome))
            },
        },
    }
}

fn facts(outcome: &Outcome) -> Markup {
    html! {
        dl.facts {
            dt { "Root" } dd.mono { (outcome.root) }
            dt { "Checkpoint" } dd {
                @if outcome.checkpoint == 0 { "none is signed yet" }
                @else if outcome.checkpoint >= outcome.leaves { "signed over all of them" }
                @else { "signed over the first " (grouped(outcome.checkpoint)) " entries; the " (grouped(outcome.leaves - outcome.checkpoint)) " after them are not signed yet" }
            }
            dt { "Witnesses" } dd {
                @match &outcome.witnessed {
                    Witnessed::NotWitnessed => "none has cosigned: whoever holds this house's keys could have rewritten all of it, and this check would not show it. " ,
                    Witnessed::Witnessed { size, of, by } => { (by.join(", ")) " vouch for the first " (grouped(*size)) " of " (grouped(*of)) " entries; their signatures fit their keys." }
                }
                @if matches!(outcome.witnessed, Witnessed::NotWitnessed) { a href="/settings#witnesses" { "How to have witnesses" } }
            }
        }
    }
}

/// The first lying row, or, where none lies, the first lie.
fn first(outcome: &Outcome) -> Markup {
    let lie = outcome.lies.iter().find(|lie| lie.is_of_row()).or(outcome.lies.first());
    html! { @if let Some(lie) = lie { "The first: " (lie.words()) "." } }
}

fn lies(outcome: &Outcome) -> Markup {
    let (rows, ledger): (Vec<&Lie>, Vec<&Lie>) = outcome.lies.iter().partition(|lie| lie.is_of_row());
    let rest = outcome.lies_total.saturating_sub(outcome.lies.len() as u64);
    html! {
        @if !ledger.is_empty() {
            p { "The ledger itself is not as it was signed; rows that do not fit it may follow from that." }
            ul { @for lie in &ledger { li { (badge("bad", "ledger")) " " (lie.words()) } } }
        }
        @if !rows.is_empty() {
            div.scroll { table.data {
                caption { "Rows that are not what the ledger says, the one of the oldest entry first" }
                thead { tr { th scope="col" { "What" } th scope="col" { "Table" } th.num scope="col" { "Row" } th scope="col" { "Written by" } th scope="col" { "In words" } } }
                tbody { @for lie in &rows { @let (what, table, row, leaf) = lie.place(); tr {
                    td { (badge("bad", what)) }
                    th scope="row" { (table) }
                    td.num { @if let Some(row) = row { (row) } @else { "–" } }
                    td { @if let Some(leaf) = leaf { a href={ "/prove/entries/" (leaf) } { "entry " (leaf) } } @else { "no entry" } }
                    td { (lie.words()) }
                } } }
            } }
        }
        @if rest > 0 { p.muted { "and " (grouped(rest)) " more, which are counted but not named." } }
    }
}

fn meaning() -> Markup {
    html! {
        h3 { "What it means" }
        p { "Somebody or something wrote to the database past Ward: a person with its key, a program, or a medium that fails. What a changed row says cannot be relied on; rows that are not named here are as they were written." }
        h3 { "What to do" }
        ol {
            li { "Leave the store as it is and copy its folder: it is evidence." }
            li { "Find who wrote it: who had an account on this machine and the key-encryption key at that time? Was a backup or a snapshot put back?" }
            li { "Check the medium (" code { "ward doctor" } " and its own tools): damage looks the same." }
            li { "Hold the ledger against a checkpoint that somebody else kept: " code { "ward ledger verify --checkpoint FILE" } "." }
            li { "Then restore the last " a href="/settings#backup" { "backup" } " that verifies." }
        }
    }
}

impl Lie {
    fn is_of_row(&self) -> bool {
        matches!(
            self,
            Self::Changed { .. } | Self::Missing { .. } | Self::Unknown { .. } | Self::Unreadable { .. }
        )
    }

    /// What kind, where, and which entry wrote it last.
    fn place(&self) -> (&'static str, &str, Option<i64>, Option<u64>) {
        match self {
            Self::Changed { table, row, leaf } => ("changed", table, Some(*row), Some(*leaf)),
            Self::Missing { table, row, leaf } => ("gone", table, Some(*row), Some(*leaf)),
            Self::Unknown { table, row } => ("slipped in", table, Some(*row), None),
            Self::Unreadable { place, .. } => ("unreadable", place, None, None),
            Self::Leaf { leaf, .. } | Self::Tile { leaf, .. } => ("ledger", "leaves", None, Some(*leaf)),
            Self::Checkpoint { .. } => ("ledger", "checkpoints", None, None),
            Self::Schema { object, .. } => ("schema", object, None, None),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Leaf { leaf, why } => format!("entry {leaf}: {why}"),
            Self::Tile { path, leaf } => {
                format!("tile {path} is not what the entries make it, from entry {leaf} on")
            }
            Self::Checkpoint { size, why } => format!("checkpoint of {size} entries: {why}"),
            Self::Changed { table, row, leaf } => {
                format!("table {table}, row {row} was changed past Ward; entry {leaf} wrote it otherwise")
            }
            Self::Missing { table, row, leaf } => {
                format!("table {table}, row {row} is gone; entry {leaf} wrote it and none deleted it")
            }
            Self::Unknown { table, row } => {
                format!("table {table}, row {row} was put in past Ward; no entry wrote it")
            }
            Self::Schema { object, why } => format!("{object} {why}"),
            Self::Unreadable { place, rows, why } => {
                format!("{place}: {rows} rows cannot be read, and nothing is said of them: {why}")
            }
        }
    }
}
