//! Prove: where the ledger stands, whether everything is what it says, and what others need to check it without us.
//!
//! It must not call anything proved that was not: a signature by Ward alone is Ward's own word, and the page says so.

mod entries;
mod entry;
mod verify;

use super::form::Filled;
use super::parts::{count, grouped, when};
use super::{Failed, Page, Room, Shown, Visit, job};
use crate::api::Problem;
use crate::house::House;
use crate::jobs::{Job, State};
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use store::leaves::{self, Found, Wanted};
use store::ledger::{self, StoredCheckpoint};
use trust::tlog::{Note, TILE_WIDTH};

/// Where the room is.
const PATH: &str = "/prove";
/// Entries that the room's first page shows.
const ENTRIES_SHOWN: usize = 8;

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route(PATH, get(page))
        .route("/prove/verify", post(verify_now))
        .route("/prove/checkpoint", post(checkpoint_now))
        .route("/prove/entries", get(entries::page))
        .route("/prove/entries/{number}", get(entry::page))
}

/// How the page was opened.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened {
    /// The piece of work that was begun here.
    job: Option<String>,
}

/// What the page shows.
struct Known {
    entries: u64,
    newest: Option<StoredCheckpoint>,
    witnessed: Option<StoredCheckpoint>,
    latest: Found,
}

async fn page(visit: Visit) -> Shown {
    let opened: Opened = visit.state()?;
    let asked = job::asked(&visit, opened.job.as_deref())?;
    let is_forgotten = asked.is_none() && opened.job.as_deref().is_some_and(|number| !number.is_empty());
    let known = visit.house.read(|db| {
        Ok(Known {
            entries: leaves::count(db)?,
            newest: ledger::newest(db)?,
            witnessed: ledger::newest_witnessed(db)?,
            latest: leaves::list(db, &Wanted::default(), ENTRIES_SHOWN)?,
        })
    });
    let known = known.await.map_err(|error| Failed::on(&visit, error))?;
    let verified = asked.clone().filter(|job| job.kind == "verify").or_else(|| job::newest(&visit, "verify"));
    let sent = asked.filter(|job| job.kind == "checkpoint");
    let body = html! {
        @if is_forgotten {
            p.notice role="note" { "That piece of work is not known any more: what was begun is forgotten when Ward stops, and the oldest when much follows." }
        }
        div.grid {
            (verify::card(&visit, &known, verified.as_ref()))
            (checkpoint_card(&visit, &known, sent.as_ref()))
        }
        section.card {
            header { h2 { "Newest entries" } a href="/prove/entries" { "All entries, with filters and files" } }
            @if known.latest.leaves.is_empty() {
                (super::parts::empty("Nothing is written yet.", html! { p { "Everything that Ward writes leaves an entry here: what it heard, what it judged, what people did." } }))
            } @else { (entries::table(&visit, &known.latest.leaves)) }
        }
        (elsewhere(known.newest.as_ref()))
    };
    Ok(Page::new(&visit, Some(Room::Prove), "Prove", answer(&visit, &known, verified.as_ref()), body))
}

/// `2 301 entries; the newest checkpoint covers all of them and was signed 3 s ago; no witness has cosigned: it is Ward's own word.`
fn answer(visit: &Visit, known: &Known, verified: Option<&Job>) -> Markup {
    let zone = &visit.house.site.zone;
    html! {
        @if let Some(lies) = verified.and_then(verify::lies_total).filter(|lies| *lies > 0) {
            strong { a href="#verify" { "The store is not what the ledger says: " (count(usize::try_from(lies).unwrap_or(usize::MAX), "lie")) "." } } " "
        }
        @match known.entries {
            0 => "The ledger has no entry yet: nothing has been written.",
            1 => "1 entry",
            entries => { (grouped(entries)) " entries" }
        }
        @if known.entries > 0 {
            @match &known.newest {
                None => "; no checkpoint is signed yet, so nothing can be shown to others.",
                Some(newest) => {
                    "; the newest checkpoint covers "
                    @if newest.size >= known.entries { "all of them" } @else { (grouped(newest.size)) " of them" }
                    " and was signed " (when(newest.signed_at, visit.now, zone)) "; "
                    @match &known.witnessed {
                        None => "no witness has cosigned: it is Ward's own word.",
                        Some(witnessed) if witnessed.size == newest.size => { (names(visit, witnessed)) " cosigned it." }
                        Some(witnessed) => { (names(visit, witnessed)) " cosigned the first " (grouped(witnessed.size)) " entries, " (when(witnessed.signed_at, visit.now, zone)) "." }
                    }
                }
            }
        }
    }
}

/// Who signed beside the ledger itself, by name.
fn cosigners(visit: &Visit, checkpoint: &StoredCheckpoint) -> Vec<String> {
    let note = Note::parse(checkpoint.note.as_bytes());
    let names = note.iter().flat_map(|note| note.signatures()).map(|signature| signature.name().to_owned());
    names.filter(|name| *name != visit.house.site.origin).collect()
}

fn names(visit: &Visit, checkpoint: &StoredCheckpoint) -> String {
    let names = cosigners(visit, checkpoint);
    if names.is_empty() { "a witness".to_owned() } else { names.join(", ") }
}

fn checkpoint_card(visit: &Visit, known: &Known, sent: Option<&Job>) -> Markup {
    let zone = &visit.house.site.zone;
    html! {
        section.card #checkpoint {
            h2 { "Checkpoint" }
            p { "A checkpoint says how many entries there are and what their tree's root is, signed by the ledger's key. Whoever keeps one can tell later whether history was rewritten." }
            @match &known.newest {
                None => p { (super::parts::unknown("no entry has been covered yet")) ": the first is signed within seconds of the first entry." },
                Some(newest) => {
                    @let cosigned = cosigners(visit, newest);
                    dl.facts {
                        dt { "Entries" } dd { (grouped(newest.size)) @if newest.size < known.entries { " of " (grouped(known.entries)) } }
                        dt { "Ledger" } dd.mono { (visit.house.site.origin) }
                        dt { "Signed" } dd { (when(newest.signed_at, visit.now, zone)) " · " (zone.show(newest.signed_at)) }
                        dt { "Witnesses" } dd {
                            @if cosigned.is_empty() { "none on this one" } @else { (cosigned.join(", ")) span.muted { " (named here; “Verify everything” checks their signatures)" } }
                        }
                    }
                    pre #note { (newest.note) }
                    div.toolbar {
                        button.quiet.needs-script type="button" data-copy="note" { "Copy" }
                        a href="/ledger/checkpoint" { "The checkpoint as others fetch it" }
                    }
                }
            }
            @if let Some(job) = sent { (sent_words(visit, job)) }
            form method="post" action="/prove/checkpoint" {
                p.muted { "Each configured witness is sent the newest checkpoint and answers within seconds; nothing else about this house goes to it. Ward does so every minute by itself. " a href="/settings#witnesses" { "Witnesses" } }
                button { "Ask witnesses now" }
            }
        }
    }
}

/// What became of asking.
fn sent_words(visit: &Visit, job: &Job) -> Markup {
    match &job.state {
        State::Running => job::progress(visit, job),
        State::Done(at, _) => html! {
            p.notice.ok role="status" { "Witnesses were told " (when(*at, visit.now, &visit.house.site.zone)) ". " a href="/prove" { "Look again" } " in a few seconds for what they answered; where none is configured, nobody was asked." }
        },
        State::Failed(_, why) => {
            html! { p.notice.bad role="alert" { "Witnesses could not be asked: " (why) } }
        }
    }
}

/// How somebody else checks.
fn elsewhere(newest: Option<&StoredCheckpoint>) -> Markup {
    let size = newest.map_or(0, |newest| newest.size);
    let width = u64::from(TILE_WIDTH);
    let first = if size >= width { "000".to_owned() } else { format!("000.p/{size}") };
    html! {
        section.card {
            h2 { "Check it without Ward" }
            p { "The ledger is served as C2SP tlog-tiles, in formats that other people's programs read. An auditor needs the ledger's verifier key and those of its witnesses from you, not from this page." }
            ol {
                li { "Print the key on this machine and hand it over: " code { "ward ledger show --key" } "." }
                li { "Any client of C2SP tlog-tiles then reads " code { "/ledger/checkpoint" } @if size > 0 {
                    ", " a href={ "/ledger/tile/0/" (first) } { "tiles of hashes" } " and " a href={ "/ledger/tile/entries/" (first) } { "entries" }
                } " and recomputes the root. Entries name who did what and when, and hold salted hashes of rows, never the rows." }
                li { "This address answers on this machine only. For an auditor elsewhere, copy the files, or put a proxy that you trust in front of " code { "/ledger/" } "." }
                li { "An auditor who kept an older checkpoint: " code { "ward ledger verify --checkpoint FILE" } " holds everything against it. The key-encryption key is needed, as for a start." }
                li { "On another machine: take a " a href="/settings#backup" { "backup" } " there and " code { "ward restore FILE" } "; it verifies every row before it believes it." }
            }
        }
    }
}

async fn verify_now(visit: Visit, _: Filled) -> Result<Response, Failed> {
    job::start(&visit, "verify", None, PATH)
}

async fn checkpoint_now(visit: Visit, _: Filled) -> Result<Response, Failed> {
    job::start(&visit, "checkpoint", None, PATH)
}

/// A problem on a page of this room.
fn failed(visit: &Visit) -> impl Fn(Problem) -> Failed + '_ {
    |problem| Failed::on(visit, problem)
}
