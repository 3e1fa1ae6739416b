//! What needs somebody: each with why it matters and what to do, worst first.

use super::Known;
use super::honesty;
use crate::advice::advice;
use crate::console::Visit;
use crate::console::parts::{badge, count, severity, when};
use crate::inventory::Summary;
use judge::sight::{Cause, Completeness};
use maud::{Markup, html};
use model::Severity;
use store::sight::OpenKind;

/// One thing.
pub(super) struct Need {
    /// How soon, as a finding of that severity.
    rank: Severity,
    badge: Markup,
    what: Markup,
    why: Markup,
    /// Where to do it, and what the link says.
    go: (String, &'static str),
}

impl Need {
    /// It should not wait for next week.
    pub(super) fn is_urgent(&self) -> bool {
        self.rank >= Severity::High
    }
}

/// All of them, worst first; of one rank, what concerns most first as it was put.
pub(super) fn ranked(visit: &Visit, summary: &Summary, known: &Known) -> Vec<Need> {
    let mut needs: Vec<Need> = capture(known).into_iter().collect();
    needs.extend(known.kinds.iter().map(|kind| finding(visit, kind)));
    needs.extend(tasks(known));
    needs.extend(exceptions(visit, known));
    needs.extend(devices(summary));
    needs.sort_by_key(|need| std::cmp::Reverse(need.rank));
    needs
}

fn graded(
    severity_of: Severity,
    what: Markup,
    why: Markup,
    path: impl Into<String>,
    go: &'static str,
) -> Need {
    Need { rank: severity_of, badge: severity(severity_of), what, why, go: (path.into(), go) }
}

fn capture(known: &Known) -> Option<Need> {
    let (rank, badge, what) = match &known.sight.completeness {
        Completeness::Complete => return None,
        Completeness::NotComplete(_) => {
            (Severity::Medium, badge("warn", "capture"), "Capture is not complete")
        }
        Completeness::Unchecked(causes) => {
            // That nobody listens at all should not wait.
            let rank = if causes.contains(&Cause::Nobody) { Severity::High } else { Severity::Medium };
            (rank, badge("unknown", "capture"), "Whether capture is complete could not be checked")
        }
    };
    Some(Need {
        rank,
        badge,
        what: html! { (what) },
        why: html! { (honesty::reasons(&known.sight)) " What Ward did not see it cannot call clean." },
        go: ("#honesty".into(), "What was missed"),
    })
}

fn finding(visit: &Visit, of: &OpenKind) -> Need {
    let told = advice(of.kind);
    let named: Vec<_> = of.examples.iter().map(|id| (id, visit.house.inventory.get(*id))).collect();
    let rest = of.devices.saturating_sub(named.len() as u64);
    let what = html! { span lang=(told.lang) { (told.title) } ": " (count(of.devices as usize, "device")) };
    let why = html! {
        @for (index, (id, entry)) in named.iter().enumerate() {
            @if index > 0 { ", " }
            a href={ "/devices/" (id) } { @match entry { Some(entry) => (entry.title()), None => (id) } }
        }
        @if rest > 0 { " and " (count(rest as usize, "other")) }
        ". Seen " (when(of.last_seen, visit.now, &visit.house.site.zone)) ". "
        @if let Some(step) = told.steps.first() { span lang=(told.lang) { (step) } }
    };
    graded(of.kind.severity(), what, why, format!("/findings?kind={}", of.kind.name()), "Open findings")
}

fn tasks(known: &Known) -> impl Iterator<Item = Need> {
    let overdue = (known.overdue > 0).then(|| {
        let what = html! { (count(known.overdue, "task")) " overdue" };
        let why = html! { "They were promised for a time that has passed: do them, or give them a time that holds." };
        graded(Severity::High, what, why, "/tasks?state=open", "Open tasks")
    });
    let soon = (known.due_soon > 0).then(|| {
        let what = html! { (count(known.due_soon, "task")) " due within " (super::DUE_SOON_DAYS) " days" };
        graded(
            Severity::Medium,
            what,
            html! { "Somebody has promised them." },
            "/tasks?state=open",
            "Open tasks",
        )
    });
    overdue.into_iter().chain(soon)
}

fn exceptions(visit: &Visit, known: &Known) -> Option<Need> {
    let first = known.expiring.iter().map(|row| row.exception.expires_at()).min()?;
    let what =
        html! { (count(known.expiring.len(), "exception")) " ending within " (super::EXPIRING_DAYS) " days" };
    let why = html! {
        "The first ends " (when(first, visit.now, &visit.house.site.zone))
        ". What it excuses counts again from then on: settle it, or ask anew with a reason."
    };
    Some(graded(Severity::Medium, what, why, "/tasks", "Open exceptions"))
}

fn devices(summary: &Summary) -> impl Iterator<Item = Need> {
    let of = |number: u64, rank, what: &str, why: &str, path: &'static str, go| {
        (number > 0).then(|| {
            let what = html! { (count(number as usize, "device")) " " (what) };
            graded(rank, what, html! { (why) }, path, go)
        })
    };
    [
        of(
            summary.in_doubt,
            Severity::Medium,
            "in doubt",
            "What they say of themselves contradicts itself. Until somebody decides, Ward treats them as life-sustaining.",
            "/devices?state=in-doubt",
            "Decide",
        ),
        of(
            summary.unreviewed,
            Severity::Low,
            "not reviewed",
            "Ward found them by itself. A person's look turns a guess into an inventory; until then no automatic act touches them.",
            "/devices?review=unreviewed",
            "Review",
        ),
        of(
            summary.unzoned,
            Severity::Low,
            "in no zone",
            "Zones say who may talk to whom. Ward proposes some from VLANs, subnets and DHCP scopes.",
            "/settings/zones",
            "Proposed zones",
        ),
    ]
    .into_iter()
    .flatten()
}

/// The list as a card.
pub(super) fn list(needs: &[Need]) -> Markup {
    html! {
        section.card aria-labelledby="needs" {
            h2 #needs { "What needs you" }
            @if needs.is_empty() {
                div.empty {
                    p { strong { "Nothing is open." } }
                    p { "Findings, tasks, exceptions that end and devices to review appear here, worst first." }
                }
            } @else {
                ul.needs {
                    @for need in needs {
                        li {
                            div { (need.badge) }
                            div { p { strong { (need.what) } } p.muted { (need.why) } }
                            a.go href=(need.go.0) { (need.go.1) }
                        }
                    }
                }
            }
        }
    }
}
