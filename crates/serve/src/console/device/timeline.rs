//! What became of the device, newest first, a page at a time.

use super::super::{Failed, Visit, parts};
use super::{Shown, State};
use crate::advice::advice;
use crate::api::cursor;
use crate::dossier::{Dossier, address};
use maud::{Markup, html};
use model::{DeviceId, FindingKind, Timestamp};
use store::devices::device_id;
use store::timeline::{self, Asked, Kind, Moment};
use store::word::PERSON;

/// Lines of one page.
const LINES: usize = 50;

/// Reads the lines that the page's state asks for, and where the next page goes on.
pub(super) async fn read(
    visit: &Visit,
    state: &State,
    dossier: &Dossier,
) -> Result<(Vec<Moment>, Option<String>), Failed> {
    let until = state.at.unwrap_or(Timestamp::MAX);
    let asked = Asked { device: state.id, kind: state.kind, after: state.after, until };
    let (site, held) = (visit.house.site.id, dossier.held.rows.clone());
    let read = visit.house.read(move |db| timeline::page(db, site, &asked, &held, LINES + 1));
    let mut moments = read.await.map_err(|error| Failed::on(visit, error))?;
    let has_more = moments.len() > LINES;
    moments.truncate(LINES);
    let next = moments.last().filter(|_| has_more).map(|last| cursor(&last.place()));
    Ok((moments, next))
}

/// The section.
pub(super) fn section(shown: &Shown<'_>) -> Markup {
    let state = shown.state;
    html! {
        section.card #timeline {
            h2 { "Timeline" }
            div.toolbar {
                nav.chips aria-label="Kinds of lines" {
                    a.chip href=(state.of_kind(None)) aria-current=[state.kind.is_none().then_some("true")] { "All" }
                    @for kind in Kind::ALL {
                        a.chip href=(state.of_kind(Some(kind))) aria-current=[(state.kind == Some(kind)).then_some("true")] { (title(kind)) }
                    }
                }
                (parts::exports(&export(shown)))
            }
            @if shown.moments.is_empty() {
                (parts::empty("Nothing is on record.", html! { p.muted { "Lines appear when the device does something new, or somebody writes about it." } }))
            } @else {
                div.scroll { table.data {
                    caption.visually-hidden { "What became of it, newest first" }
                    thead { tr { th scope="col" { "When" } th scope="col" { "Kind" } th scope="col" { "What" } th scope="col" { "By" } } }
                    tbody { @for moment in shown.moments { (line(shown, moment)) } }
                } }
                p {
                    @if state.after.is_some() { a href=(state.of_kind(state.kind)) { "Newest" } " " }
                    @if let Some(next) = &shown.next { a rel="next" href=(state.further(next)) { "Older" } }
                }
            }
        }
    }
}

fn export(shown: &Shown<'_>) -> String {
    let path = format!("/devices/{}/timeline{}", shown.dossier.id, shown.state.query_at());
    match shown.state.kind {
        None => path,
        Some(kind) => format!("{path}{}kind={}", if path.contains('?') { "&" } else { "?" }, kind.name()),
    }
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Event => "Events",
        Kind::Finding => "Findings",
        Kind::Claim => "Claims",
        Kind::Address => "Addresses",
        Kind::Decision => "Decisions",
        Kind::Note => "Notes",
        Kind::Edit => "Edits",
    }
}

fn line(shown: &Shown<'_>, moment: &Moment) -> Markup {
    let (zone, now) = (&shown.visit.house.site.zone, shown.visit.now);
    html! {
        tr {
            td { (parts::when(moment.at, now, zone)) }
            td { (parts::badge("plain", moment.kind.name())) }
            td { (what(shown.dossier.id, moment)) }
            td { (if moment.by == PERSON { "a person" } else { moment.by.as_str() }) }
        }
    }
}

/// The line in words.
fn what(device: DeviceId, moment: &Moment) -> Markup {
    let detail = moment.detail.as_str();
    match moment.kind {
        Kind::Event => html! {
            (spoken(&moment.name)) @if !moment.other.is_empty() { " with " code { (address(&moment.other)) } }
            @if !detail.is_empty() { ": " (detail) }
        },
        Kind::Finding => html! {
            @let title = FindingKind::ALL.into_iter().find(|kind| kind.name() == moment.name).map(|kind| advice(kind).title);
            (if moment.is_end { "Closed: " } else { "Found: " })
            a href=(format!("/findings/{}", moment.row)) { (title.unwrap_or(&moment.name)) }
            ". " (detail)
        },
        Kind::Claim => html! {
            (spoken(&moment.name)) " " strong { (detail) }
            (if moment.is_end { ", not said any more" } else { ", said from here on" })
        },
        Kind::Address => html! {
            code { (address(&moment.endpoint)) } (if moment.is_end { " is its address no longer" } else { " is its address from here on" })
        },
        Kind::Decision => decision(device, moment),
        Kind::Note => html! { (detail) },
        Kind::Edit => html! {
            @let (change, value) = moment.name.split_once('|').unwrap_or((&moment.name, ""));
            (if moment.is_end { "An edit of many devices was taken back: " } else { "An edit of many devices: " })
            (spoken(change)) " " strong { (value) }
            @if !detail.is_empty() { ", because " (detail) }
        },
    }
}

fn decision(device: DeviceId, moment: &Moment) -> Markup {
    let mut ids = moment.other.split('|').filter_map(|id| id.parse().ok()).map(device_id);
    let other = ids.rfind(|id| *id != device && id.0 != 0);
    html! {
        @if moment.is_end { "Taken back: " }
        @match other {
            Some(other) => { "one device with " a href=(format!("/devices/{other}")) { (other) } },
            None => { code { (address(&moment.endpoint)) } " is not its address" },
        }
        ", because " (moment.detail)
    }
}

/// `login-refused` as people say it.
fn spoken(name: &str) -> String {
    name.replace('-', " ")
}
