//! The room Network: who talks to whom, as a matrix of zones, as a map of groups, and talk by talk.

mod matrix;
mod ring;
mod talks;

use super::visit::encoded;
use super::{Failed, Page, Room, Shown, Visit, parts};
use crate::api::{Problem, range, side};
use crate::house::House;
use crate::network::{Map, Matrix, PAIRS_MAX, Range, Side};
use axum::Router;
use axum::routing::get;
use maud::{Markup, html};
use ring::Ring;
use serde::Deserialize;
use std::sync::Arc;

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/network", get(show)).route("/network/talks", get(talks::show))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    range: Option<String>,
    zone: Option<String>,
}

async fn show(visit: Visit) -> Shown {
    let state: State = visit.state()?;
    let asked = || -> Result<_, Problem> {
        Ok((range(state.range.as_deref())?, side("zone", state.zone.as_deref())?))
    };
    let (range, zone) = asked().map_err(|problem| Failed::on(&visit, problem))?;
    let (house, now, of) = (visit.house.clone(), visit.now, zone.clone());
    let drawn = visit.house.blocking.run(move || {
        let matrix = house.network.matrix(&house.inventory, range, now);
        Ok((matrix, house.network.map(&house.inventory, range, of.as_ref(), now)))
    });
    let (matrix, map) = drawn.await?;
    let is_known = zone.as_ref().is_none_or(|zone| map.sides.iter().any(|(side, _)| side == zone));
    if !is_known {
        let said = "there is no device in that zone now: /network shows those there are";
        return Err(Failed::on(&visit, Problem::missing(said)));
    }
    let seen = Seen { matrix, map, range, zone };
    let title =
        seen.zone.as_ref().map_or_else(|| "Network".into(), |zone| format!("Network of {}", zone.title()));
    Ok(Page::new(&visit, Some(Room::Network), &title, seen.answer(&visit.house), seen.body(&visit.house)))
}

/// What one page shows.
struct Seen {
    matrix: Arc<Matrix>,
    map: Arc<Map>,
    range: Range,
    zone: Option<Side>,
}

impl Seen {
    fn is_empty(&self) -> bool {
        self.matrix.said().next().is_none()
    }

    fn answer(&self, house: &House) -> Markup {
        if self.is_empty() {
            return html! { "Nothing was heard between devices " (self.range.words()) "." };
        }
        if let Some(zone) = &self.zone {
            return self.zone_answer(zone);
        }
        let sides = &self.matrix.sides;
        let side = |place: usize| sides.get(place).map(|(side, _)| side);
        let is_zone = |place: usize| matches!(side(place), Some(Side::Zone(_) | Side::OtherZones));
        let zones = sides.iter().filter(|(side, _)| matches!(side, Side::Zone(_))).count();
        let (mut paths, mut crossing) = (0, 0);
        for (client, server, _) in self.matrix.said() {
            paths += usize::from(client != server);
            let outside = |place| side(place) == Some(&Side::Outside);
            crossing += usize::from((outside(client) || outside(server)) && client != server);
        }
        let within =
            self.matrix.said().filter(|(client, server, _)| client == server && is_zone(*client)).count();
        let unzoned =
            sides.iter().find(|(side, _)| *side == Side::Unzoned).map_or(0, |(_, devices)| *devices);
        html! {
            @if zones == 0 {
                (parts::count(house.inventory.len(), "device")) " in no zone talk"
            } @else {
                "Devices in " (parts::count(zones, "zone")) " talk over " (parts::count(paths, "path")) " between zones"
            }
            @if within > 0 { ", in " (within) " of them among themselves" }
            "; " @if crossing == 0 { "none crosses" } @else { (crossing) @if crossing == 1 { " crosses" } @else { " cross" } } " into the internet. "
            @if unzoned > 0 && zones > 0 { (parts::count(unzoned, "device")) " " @if unzoned == 1 { "is" } @else { "are" } " in no zone." }
        }
    }

    fn zone_answer(&self, zone: &Side) -> Markup {
        let of =
            |place: &usize| self.map.bubbles.get(*place).and_then(|bubble| self.map.sides.get(bubble.side));
        let mut others = std::collections::BTreeSet::new();
        for (client, server, _) in &self.map.edges {
            others.extend(
                [client, server]
                    .into_iter()
                    .filter_map(of)
                    .map(|(side, _)| side)
                    .filter(|side| *side != zone),
            );
        }
        let devices = self.map.sides.iter().find(|(side, _)| side == zone).map_or(0, |(_, devices)| *devices);
        let zones = others.iter().filter(|side| matches!(side, Side::Zone(_))).count();
        html! {
            (parts::count(devices, "device")) " in " (zone.title()) " talk with " (parts::count(zones, "other zone"))
            @if others.contains(&&Side::Outside) { " and with the internet" } @else { "; nothing crosses into the internet" }
            " " (self.range.words()) "."
        }
    }

    fn body(&self, house: &House) -> Markup {
        let holding = house.network.holding();
        html! {
            (self.toolbar())
            @if self.is_empty() {
                (parts::empty("No talks yet", html! { p { "Talks appear as soon as a source hears two devices. " a href="/settings" { "Look at the sources" } ", or choose a longer time." } }))
            } @else {
                @if self.zone.is_none() {
                    section.card { h2 { "Zone by zone" }
                        p.muted { "Bytes " (self.range.words()) ", both directions. Rows ask, columns answer. A shade darker is about ten times as much; every number opens its talks." }
                        (matrix::table(&self.matrix, self.range))
                    }
                }
                (self.map())
            }
            @if holding.dropped > 0 {
                p.notice role="note" { "There is room for " (parts::grouped(PAIRS_MAX as u64)) " pairs: " (parts::grouped(holding.dropped)) " reports of further ones are not in these pictures. The store has them." }
            }
            @if !house.inventory.is_empty() && self.matrix.sides.iter().all(|(side, _)| !matches!(side, Side::Zone(_))) {
                p { a href="/settings/zones" { "Make zones" } ": Ward proposes some from VLANs and subnets." }
            }
        }
    }

    fn toolbar(&self) -> Markup {
        let zone =
            self.zone.as_ref().map(|zone| format!("&zone={}", encoded(&zone.token()))).unwrap_or_default();
        html! {
            div.toolbar {
                nav.chips aria-label="Time" {
                    @for range in Range::ALL {
                        a.chip href={ "/network?range=" (range.token()) (zone) } aria-current=[(range == self.range).then_some("true")] { (range.words().trim_start_matches("in the ")) }
                    }
                }
                @if self.zone.is_some() { a href={ "/network?range=" (self.range.token()) } { "All zones" } }
                a href={ "/network/talks?range=" (self.range.token()) } { "All talks" }
                (parts::exports(&format!("/network/matrix?range={}", self.range.token())))
            }
        }
    }

    fn map(&self) -> Markup {
        let map = &self.map;
        let title = match &self.zone {
            Some(zone) => format!("Who in {} talks to whom, {}", zone.title(), self.range.words()),
            None => format!("Who talks to whom, {}", self.range.words()),
        };
        let description = format!(
            "{} on a ring, grouped by zone, joined by {}; the table below has the same.",
            parts::count(map.bubbles.len(), "group"),
            parts::count(map.edges.len(), "connection")
        );
        let (left, sum) = map.left_out;
        html! {
            section.card { h2 { @if self.zone.is_some() { "Who talks here" } @else { "Map" } }
                p.muted {
                    "Each bubble is a kind of device in one zone, or one device where they are few; a line is coloured by who asks and thicker the more is said. "
                    @if left > 0 { "The strongest " (map.edges.len()) " connections are drawn; " (parts::count(left, "weaker one")) " carried " (parts::bytes(sum.bytes)) " together." }
                }
                div.scroll tabindex="0" role="region" aria-label="Map" { (Ring::new(map, self.range).draw(&title, &description)) }
                details { summary { "The same as a table" } (self.table()) }
            }
        }
    }

    fn table(&self) -> Markup {
        let name = |place: usize| {
            let bubble = self.map.bubbles.get(place)?;
            let side = self.map.sides.get(bubble.side).map(|(side, _)| side.title()).unwrap_or_default();
            Some((bubble, side))
        };
        html! {
            div.scroll { table.data {
                thead { tr { th scope="col" { "Asks" } th scope="col" { "In" } th scope="col" { "Answers" } th scope="col" { "In" } th.num scope="col" { "Bytes" } th.num scope="col" { "Talks" } } }
                tbody { @for (client, server, sum) in &self.map.edges {
                    @if let (Some((from, from_side)), Some((to, to_side))) = (name(*client), name(*server)) {
                        tr {
                            td { a href=(ring::talks_href(&self.map, self.range, from, to)) { (from.label) } } td { (from_side) }
                            td { (to.label) } td { (to_side) }
                            td.num title=(parts::grouped(sum.bytes)) { (parts::bytes(sum.bytes)) } td.num { (parts::grouped(sum.talks.into())) }
                        }
                    }
                } }
            } }
        }
    }
}
