//! The honesty box: what Ward saw, what it missed, and whether it can know.

use super::{HOURS_BACK, Known};
use crate::console::Visit;
use crate::console::parts::{badge, bytes, count, duration, grouped, share, when};
use judge::sight::{Cause, Completeness, Sight};
use maud::{Markup, html};
use model::{Coverage, Timestamp, UnparsedReason};

/// Kinds of what could not be read that are listed; the rest is summed up.
const UNPARSED_SHOWN: usize = 20;
/// VLANs that are listed.
const VLANS_SHOWN: usize = 64;
/// Gaps that are listed.
const GAPS_SHOWN: usize = 20;
/// Seconds after which a source that told nothing is called silent.
const SILENT_S: u64 = 7_200;

/// `Capture is complete.`, or what else there is to say.
pub(super) fn sentence(sight: &Sight) -> Markup {
    html! {
        @match &sight.completeness {
            Completeness::Complete => "Capture is complete.",
            Completeness::NotComplete(_) => { a href="#honesty" { "Capture is not complete" } ": " (reasons(sight)) }
            Completeness::Unchecked(_) => { a href="#honesty" { "Whether capture is complete could not be checked" } ": " (reasons(sight)) }
        }
    }
}

/// The first reasons, in words.
pub(super) fn reasons(sight: &Sight) -> Markup {
    let (Completeness::NotComplete(causes) | Completeness::Unchecked(causes)) = &sight.completeness else {
        return html! {};
    };
    let rest = causes.len().saturating_sub(2);
    html! {
        @for (index, cause) in causes.iter().take(2).enumerate() { @if index > 0 { "; " } (words(cause)) }
        @if rest > 0 { "; " (count(rest, "more reason")) }
        "."
    }
}

fn words(cause: &Cause) -> String {
    match cause {
        Cause::Dropped(sensor, frames) => {
            format!("sensor {} dropped {}", sensor.0, count(*frames as usize, "frame"))
        }
        Cause::Cut(sensor, frames) => {
            format!("sensor {} got {} cut short", sensor.0, count(*frames as usize, "frame"))
        }
        Cause::StreamGaps(sensor, missed) => {
            format!("{} of streams never came by sensor {}", bytes(*missed), sensor.0)
        }
        Cause::Evicted(sensor, flows) => format!(
            "sensor {} had to forget {} because too many were open",
            sensor.0,
            count(*flows as usize, "conversation")
        ),
        Cause::OneSided(sensor, one_sided, flows) => format!(
            "sensor {} saw one direction only of {} of the conversations: does the mirror copy both?",
            sensor.0,
            share(*one_sided, *flows)
        ),
        Cause::Gaps(gaps) => format!("{} when nobody listened", count(*gaps, "gap")),
        Cause::CannotTell(sensor) => {
            format!("the source of sensor {} cannot tell whether frames were dropped", sensor.0)
        }
        Cause::Silent(sensor, _) => format!("sensor {} has told nothing for hours", sensor.0),
        Cause::Nobody => format!("no sensor has told anything in the last {HOURS_BACK} hours"),
    }
}

fn verdict(sight: &Sight) -> Markup {
    match sight.completeness {
        Completeness::Complete => badge("ok", "complete"),
        Completeness::NotComplete(_) => badge("warn", "not complete"),
        Completeness::Unchecked(_) => badge("unknown", "could not check"),
    }
}

/// In short, beside what needs somebody.
pub(super) fn aside(visit: &Visit, known: &Known) -> Markup {
    let (total, zone) = (known.sight.total(), &visit.house.site.zone);
    html! {
        aside aria-labelledby="sees" {
            section.card {
                header { h2 #sees { "What Ward sees" } (verdict(&known.sight)) }
                p.muted { "The last " (HOURS_BACK) " hours. " a href="#honesty" { "In full" } }
                @if total.frames == 0 { p { (crate::console::parts::unknown("no sensor has told anything in this time")) ": nothing was heard, so nothing can be called clean." } }
                @else { dl.facts {
                    dt { "Frames" } dd { (grouped(total.frames)) " (" (bytes(total.bytes)) ")" }
                    dt { "Dropped" } dd { (dropped(&total)) }
                    dt { "Cut short" } dd { (grouped(total.cut_frames)) }
                    dt { "Conversations" } dd { (grouped(total.flows)) }
                    dt { "One direction only" } dd { (share(total.flows_one_sided, total.flows)) }
                    dt { "Not read" } dd { (grouped(total.unparsed.iter().map(|one| one.count).sum())) }
                    dt { "VLANs" } dd { (grouped(total.vlans.len() as u64)) }
                    dt { "Gaps" } dd { (grouped(known.sight.gaps.len() as u64)) }
                } }
            }
            section.card {
                h2 { "Sources" }
                @if let Some(newest) = known.sources.iter().map(|source| source.observed_at).max() {
                    p { "Newest packet " (when(newest, visit.now, zone)) "." }
                }
                (sources(visit, known))
            }
        }
    }
}

fn sources(visit: &Visit, known: &Known) -> Markup {
    let configured = &visit.house.site.sources;
    let is_silent = |at: Timestamp| visit.now.since(at).as_nanos() / 1_000_000_000 > SILENT_S;
    html! {
        @if configured.is_empty() && known.sources.is_empty() {
            p { "None is configured: " a href="/help/mirror" { "how to mirror a port" } "." }
        }
        @if !configured.is_empty() {
            ul { @for source in configured { li { (source.kind) " " span.mono { (source.name) } } } }
        }
        @if !known.sources.is_empty() {
            details open[configured.is_empty()] {
                summary { "How far each is kept" }
                ul {
                    @for source in known.sources.iter().rev().take(GAPS_SHOWN) {
                        li {
                            span.mono { (source.source) } ": " (when(source.observed_at, visit.now, &visit.house.site.zone))
                            @if is_silent(source.observed_at) { " " (badge("plain", "ended or silent")) }
                        }
                    }
                }
            }
        }
    }
}

/// A number, or that it cannot be known.
fn dropped(counted: &Coverage) -> Markup {
    match counted.dropped_frames {
        Some(frames) => html! { (grouped(frames)) },
        None => crate::console::parts::unknown(
            "the source of at least one sensor keeps no count of what it drops",
        ),
    }
}

/// In full, at the end of the page.
pub(super) fn detail(visit: &Visit, known: &Known) -> Markup {
    let sight = &known.sight;
    html! {
        section.card #honesty {
            header { h2 { "What Ward sees, and what it does not" } (verdict(sight)) }
            @match &sight.completeness {
                Completeness::Complete => p { "Every sensor told its counters, none of them missed anything, and somebody listened all the time." },
                Completeness::NotComplete(causes) | Completeness::Unchecked(causes) => {
                    ul { @for cause in causes { li { (words(cause)) "." } } }
                }
            }
            (sensors(visit, sight))
            div.grid {
                (gaps(visit, sight))
                @if sight.total().frames > 0 { (unparsed(sight)) (vlans(sight)) }
            }
            p.muted { "Two devices on one switch may talk without passing the mirror: that is not in any of these numbers, and Ward does not call it clean." }
        }
    }
}

fn sensors(visit: &Visit, sight: &Sight) -> Markup {
    html! {
        @if sight.sensors.is_empty() {
            div.empty { p { strong { "No sensor has told anything yet." } } p { a href="/help/mirror" { "Set up a mirror port" } ", or put a capture file into a watched folder." } }
        } @else {
            div.scroll { table.data {
                thead { tr {
                    th scope="col" { "Sensor" } th.num scope="col" { "Frames" } th.num scope="col" { "Bytes" } th.num scope="col" { "Dropped" }
                    th.num scope="col" { "Cut" } th.num scope="col" { "Twice" } th.num scope="col" { "Conversations" } th.num scope="col" { "Without start" }
                    th.num scope="col" { "One direction" } th.num scope="col" { "Missing in streams" } th scope="col" { "Newest hour" }
                } }
                tbody { @for (sensor, of) in &sight.sensors {
                    tr {
                        th scope="row" { (sensor.0) }
                        td.num { (grouped(of.counted.frames)) } td.num { (bytes(of.counted.bytes)) } td.num { (dropped(&of.counted)) }
                        td.num { (grouped(of.counted.cut_frames)) } td.num { (grouped(of.counted.duplicate_frames)) }
                        td.num { (grouped(of.counted.flows)) } td.num { (grouped(of.counted.flows_without_start)) }
                        td.num { (share(of.counted.flows_one_sided, of.counted.flows)) } td.num { (bytes(of.counted.gap_bytes)) }
                        td { (when(Timestamp::from_secs(u64::from(of.newest_hour) * 3_600), visit.now, &visit.house.site.zone)) @if of.is_silent { " " (badge("unknown", "silent")) } }
                    }
                } }
            } }
        }
    }
}

fn gaps(visit: &Visit, sight: &Sight) -> Markup {
    let zone = &visit.house.site.zone;
    html! {
        div {
            h3 { "When nobody listened" }
            @if sight.gaps.is_empty() { p.muted { "No gap was noted in the last " (HOURS_BACK) " hours." } }
            ul {
                @for gap in sight.gaps.iter().take(GAPS_SHOWN) {
                    li { (zone.show(gap.from)) " for " (duration(gap.to.since(gap.from))) ": " (gap.reason) " (" span.mono { (gap.source) } ")" }
                }
            }
            @let rest = sight.gaps.len().saturating_sub(GAPS_SHOWN);
            @if rest > 0 { p.muted { "and " (count(rest, "other")) "." } }
        }
    }
}

fn unparsed(sight: &Sight) -> Markup {
    let total = sight.total();
    let rest: u64 = total.unparsed.iter().skip(UNPARSED_SHOWN).map(|one| one.count).sum();
    html! {
        div {
            h3 { "What could not be read" }
            @if total.unparsed.is_empty() { p.muted { "Nothing that was heard." } }
            ul {
                @for one in total.unparsed.iter().take(UNPARSED_SHOWN) {
                    li { (one.protocol.name()) ": " (grouped(one.count)) ", " (because(one.reason)) }
                }
            }
            @if rest > 0 { p.muted { "and " (grouped(rest)) " of other kinds." } }
        }
    }
}

fn because(reason: UnparsedReason) -> &'static str {
    match reason {
        UnparsedReason::LinkType => "a kind of link that Ward does not read",
        UnparsedReason::Truncated => "cut off",
        UnparsedReason::Malformed => "against its standard",
        UnparsedReason::TooDeep => "too many tunnels in each other",
        UnparsedReason::Fragment => "fragments whose fellows are missing",
        UnparsedReason::LinkProtocol => "a link protocol that Ward does not read",
        UnparsedReason::IpProtocol => "an IP protocol that Ward does not read",
        UnparsedReason::BadMessage => "a message against its standard",
        UnparsedReason::StreamGap => "bytes were missing",
        UnparsedReason::Limit => "a limit was reached",
    }
}

fn vlans(sight: &Sight) -> Markup {
    let total = sight.total();
    html! {
        div {
            h3 { "VLANs heard" }
            @if total.vlans.is_empty() {
                p.muted { "No frame carried a VLAN tag: either there is one network only, or the mirror takes tags off." }
            }
            ul.chips {
                @for (vlan, frames) in total.vlans.iter().take(VLANS_SHOWN) { li.chip title=(count(*frames as usize, "frame")) { (vlan) } }
            }
            @let rest = total.vlans.len().saturating_sub(VLANS_SHOWN);
            @if rest > 0 { p.muted { "and " (rest) " others." } }
        }
    }
}
