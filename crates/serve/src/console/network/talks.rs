//! Talk by talk: which device, which other, over what, how much, from when to when.

use crate::api::{Problem, after, cursor, range, side};
use crate::console::visit::encoded;
use crate::console::{Failed, Page, Room, Shown, Visit, parts};
use crate::inventory::Text;
use crate::network::{Between, Range, Side, TalkAfter, Talking};
use maud::{Markup, html};
use model::{DeviceId, TalkEnd, Timestamp};
use serde::Deserialize;

/// Talks on a page.
const PAGE_ROWS: usize = 100;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    range: Option<String>,
    from: Option<String>,
    to: Option<String>,
    from_group: Option<String>,
    to_group: Option<String>,
    with: Option<String>,
    group: Option<String>,
    device: Option<String>,
    after: Option<String>,
}

impl State {
    fn between(&self) -> Result<Between, Problem> {
        let device = self.device.as_deref().map(str::parse::<DeviceId>).transpose();
        let text = |word: &Option<String>| word.as_deref().map(Text::from);
        Ok(Between {
            from: side("from", self.from.as_deref())?,
            to: side("to", self.to.as_deref())?,
            from_group: text(&self.from_group),
            to_group: text(&self.to_group),
            with: side("with", self.with.as_deref())?,
            with_group: text(&self.group),
            device: device.map_err(|error| Problem::bad(error.to_string()))?,
        })
    }

    /// The address of this list with one part changed.
    fn href(&self, range: Range, after: Option<&str>) -> String {
        let mut href = format!("/network/talks?range={}", range.token());
        let parts = [
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("from_group", self.from_group.as_deref()),
            ("to_group", self.to_group.as_deref()),
            ("with", self.with.as_deref()),
            ("group", self.group.as_deref()),
            ("device", self.device.as_deref()),
            ("after", after),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                href.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        href
    }
}

pub(super) async fn show(visit: Visit) -> Shown {
    let state: State = visit.state()?;
    let asked = || -> Result<_, Problem> {
        Ok((range(state.range.as_deref())?, state.between()?, after::<TalkAfter>(state.after.as_deref())?))
    };
    let (range, between, after) = asked().map_err(|problem| Failed::on(&visit, problem))?;
    let (house, now, of) = (visit.house.clone(), visit.now, between.clone());
    let found = visit.house.blocking.run(move || {
        Ok(house.network.talks(&house.inventory, &of, (range, after.as_ref(), PAGE_ROWS + 1), now))
    });
    let mut talks = found.await?;
    let has_more = talks.len() > PAGE_ROWS;
    talks.truncate(PAGE_ROWS);
    let next = talks.last().filter(|_| has_more).map(|last| state.href(range, Some(&cursor(&last.after()))));
    let answer = html! {
        @if talks.is_empty() { "Nothing was heard " } @else if has_more || state.after.is_some() { "Talks " } @else { (parts::count(talks.len(), "talk")) " " }
        (words(&between, &visit)) (range.words()) "."
    };
    let body = html! {
        div.toolbar {
            nav.chips aria-label="Time" {
                @for one in Range::ALL {
                    a.chip href=(state.href(one, None)) aria-current=[(one == range).then_some("true")] { (one.words().trim_start_matches("in the ")) }
                }
            }
            a href={ "/network?range=" (range.token()) } { "Map and matrix" }
            (parts::exports(&state.href(range, None)))
        }
        @if talks.is_empty() {
            (parts::empty("No talks", html! { p { "Choose a longer time, or " a href="/network/talks?range=7d" { "look at all talks of seven days" } "." } }))
        } @else {
            (table(&talks, &visit))
            @if let Some(next) = next { p.pager { a.button href=(next) rel="next" { "More" } } }
        }
    };
    Ok(Page::new(&visit, Some(Room::Network), "Talks", answer, body))
}

/// From whom to whom, for the sentence.
fn words(between: &Between, visit: &Visit) -> String {
    let mut words = String::new();
    let mut say = |before: &str, group: &Option<Text>, side: &Option<Side>| {
        let place = side.as_ref().map(Side::title);
        match (group, place) {
            (Some(group), Some(place)) => words.push_str(&format!("{before} {group} in {place} ")),
            (Some(what), None) => words.push_str(&format!("{before} {what} ")),
            (None, Some(place)) => words.push_str(&format!("{before} {place} ")),
            (None, None) => {}
        }
    };
    say("from", &between.from_group, &between.from);
    say("to", &between.to_group, &between.to);
    say("from or to", &between.with_group, &between.with);
    if let Some(device) = between.device {
        let title = visit.house.inventory.get(device).map(|entry| entry.title());
        words.push_str(&format!("with {} ", title.unwrap_or_else(|| device.to_string().into())));
    }
    words
}

fn table(talks: &[Talking], visit: &Visit) -> Markup {
    html! {
        div.scroll { table.data {
            caption.visually-hidden { "Talks, the most bytes first" }
            thead { tr {
                th scope="col" { "Asks" } th scope="col" { "Zone" } th scope="col" { "Answers" } th scope="col" { "Zone" }
                th scope="col" { "Protocol" } th.num scope="col" { "Port" } th.num scope="col" { "Bytes" } th scope="col" { "First" } th scope="col" { "Last" }
            } }
            tbody { @for talk in talks {
                @let [client, server] = &talk.titles;
                @let [from, to] = &talk.sides;
                tr {
                    td { (end(&talk.client, client)) } td { (place(from.as_ref())) }
                    td { (end(&talk.server, server)) } td { (place(to.as_ref())) }
                    td { (talk.protocol.title()) }
                    td.num { @if talk.port == 0 { span.muted title="this protocol has no ports" { "none" } } @else { (talk.port) } }
                    td.num title=(parts::grouped(talk.bytes)) { (parts::bytes(talk.bytes)) }
                    @for hour in talk.hours { td { (hour_of(hour, visit)) } }
                }
            } }
        } }
    }
}

fn end(end: &TalkEnd, title: &Text) -> Markup {
    match end {
        TalkEnd::Device(device) => html! { a href={ "/devices/" (device) } { (title) } },
        TalkEnd::Address(_) => html! { code { (title) } },
    }
}

fn place(side: Option<&Side>) -> Markup {
    match side {
        Some(Side::Unzoned) => parts::unknown("no rule puts it into a zone"),
        Some(side) => html! { (side.title()) },
        None => parts::unknown("it is not in the inventory any more"),
    }
}

fn hour_of(hour: u32, visit: &Visit) -> Markup {
    let at = Timestamp::from_secs(u64::from(hour) * 3_600);
    parts::when(at.min(visit.now), visit.now, &visit.house.site.zone)
}
