//! Now: what needs somebody, worst first, and how much of the network Ward could see. On an empty site: how to begin.
//!
//! It must not call silence clean: whether capture was complete is `judge::sight`'s answer, and there are three.

mod honesty;
mod needs;
mod start;

use super::parts::count;
use super::{Failed, Page, Room, Shown, Visit};
use crate::house::House;
use crate::inventory::Summary;
use axum::Router;
use axum::routing::get;
use judge::sight::Sight;
use maud::{Markup, html};
use model::{Duration, TaskState, Timestamp};
use needs::Need;
use store::cursors::CursorRow;
use store::db::Db;
use store::exceptions::{self, ExceptionFilter, ExceptionRow, ExceptionState};
use store::sight::{self, OpenKind};
use store::tasks::{self, TaskFilter};
use store::{Cursor, Scope};

/// Hours that the honesty box looks back.
const HOURS_BACK: u32 = 24;
/// Days ahead in which a task counts as due soon.
const DUE_SOON_DAYS: u64 = 3;
/// Days ahead in which an exception counts as ending soon.
const EXPIRING_DAYS: u64 = 14;
/// Exceptions in force that are looked through, the newest first.
const EXCEPTIONS_MAX: usize = 500;

/// What the page is made of beside what is in memory.
struct Known {
    sight: Sight,
    kinds: Vec<OpenKind>,
    overdue: usize,
    due_soon: usize,
    expiring: Vec<ExceptionRow>,
    sources: Vec<CursorRow>,
}

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/", get(show))
}

async fn show(visit: Visit) -> Shown {
    let (site, now) = (visit.house.site.id, visit.now);
    let scope = Scope::site(site);
    let known = visit.house.read(move |db| Known::read(db, &scope, site, now)).await;
    let known = known.map_err(|error| Failed::on(&visit, error))?;
    let summary = Summary::of(&visit.house.inventory, &visit.house.site.zone, now);
    if summary.devices == 0 {
        return Ok(start::page(&visit, &known));
    }
    let needs = needs::ranked(&visit, &summary, &known);
    let body = html! {
        div.split {
            (needs::list(&needs))
            div.beside {
                (honesty::aside(&visit, &known))
                (numbers(&summary))
            }
        }
        (honesty::detail(&visit, &known))
    };
    Ok(Page::new(&visit, Some(Room::Now), "Now", answer(&summary, &needs, &known), body))
}

impl Known {
    fn read(db: &mut Db, scope: &Scope, site: model::SiteId, now: Timestamp) -> store::Result<Self> {
        let from_hour = now.hour().saturating_sub(HOURS_BACK - 1);
        let from = Timestamp::from_secs(u64::from(from_hour) * 3_600);
        let hours = sight::hours(db, scope, from_hour)?;
        let gaps = sight::gaps(db, scope, from)?;
        let due = |before| TaskFilter {
            state: Some(TaskState::Open),
            due_before: Some(before),
            ..TaskFilter::default()
        };
        let overdue = tasks::count(db, scope, &due(now))?;
        let soon = tasks::count(db, scope, &due(after_days(now, DUE_SOON_DAYS)))?;
        let in_force =
            ExceptionFilter { state: Some((ExceptionState::InForce, now)), ..ExceptionFilter::default() };
        let in_force = exceptions::list(db, scope, &in_force, None::<Cursor>, EXCEPTIONS_MAX)?;
        let end = after_days(now, EXPIRING_DAYS);
        let ends_soon = |row: &ExceptionRow| row.exception.expires_at() <= end;
        Ok(Self {
            sight: Sight::of(hours, gaps, from_hour, now),
            kinds: sight::open_kinds(db, scope)?,
            overdue,
            due_soon: soon.saturating_sub(overdue),
            expiring: in_force.items.into_iter().filter(ends_soon).collect(),
            sources: CursorRow::all(db, site)?,
        })
    }
}

fn after_days(now: Timestamp, days: u64) -> Timestamp {
    now.plus(Duration::from_secs(days * 86_400))
}

/// One sentence that answers the page.
fn answer(summary: &Summary, needs: &[Need], known: &Known) -> Markup {
    let urgent = needs.iter().filter(|need| need.is_urgent()).count();
    let later = needs.len() - urgent;
    html! {
        @match urgent {
            0 => "Nothing needs you now",
            1 => "1 thing needs you now",
            more => { (more) " things need you now" }
        }
        @if later > 0 { ", " (later) " can wait" }
        ". "
        (count(summary.devices as usize, "device")) " seen, " (super::parts::grouped(summary.known)) " known, "
        (super::parts::grouped(summary.in_doubt)) " in doubt, " (super::parts::grouped(summary.new_today)) " new today. "
        (honesty::sentence(&known.sight))
    }
}

/// The devices in numbers, each a link to the list of them.
fn numbers(summary: &Summary) -> Markup {
    let rows = [
        ("All devices", summary.devices, "/devices"),
        ("Known: what they say they are, or a class", summary.known, "/devices?state=known"),
        ("In doubt: what they say contradicts itself", summary.in_doubt, "/devices?state=in-doubt"),
        ("Unknown: they say too little", summary.unknown, "/devices?state=unknown"),
        ("Nobody has accepted them yet", summary.unreviewed, "/devices?review=unreviewed"),
        ("In no zone", summary.unzoned, "/devices?zone=unknown"),
        ("New today", summary.new_today, "/devices?new=today"),
    ];
    html! {
        section.card {
            h2 { "Devices in numbers" }
            table.data {
                thead { tr { th scope="col" { "Which" } th.num scope="col" { "Devices" } th scope="col" { "Share" } } }
                tbody {
                    @for (words, number, path) in rows {
                        tr {
                            th scope="row" { a href=(path) { (words) } }
                            td.num { (super::parts::grouped(number)) }
                            td { (super::parts::bar(number, summary.devices)) }
                        }
                    }
                }
            }
        }
    }
}
