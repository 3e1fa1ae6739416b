//! Retention: the rules as they hold with their reasons, legal holds, and changes of both. A change is shown with what it will do
//! before it is made.

use super::status::{self, Status};
use crate::api::retention::{amend as make, policy, would_amend};
use crate::api::{Day, Problem, maybe};
use crate::console::form::Filled;
use crate::console::parts::{badge, count, empty, exports, grouped};
use crate::console::{Failed, Page, Room, Shown, Visit};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use model::Timestamp;
use store::retention::{Amendment, HOLDS_MAX, Keep, LegalHold, Policy, RULES};

/// Where the page is.
const PATH: &str = "/settings/retention";
/// Nanoseconds of a day.
const DAY_NS: u64 = 86_400 * 1_000_000_000;
/// Days of the longest rule.
const DAYS_MAX: u32 = 36_525;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 500;
/// Characters of a hold's name.
const NAME_CHARS_MAX: usize = 60;

/// For the room's answer.
pub(super) fn in_short(policy: &Policy) -> Markup {
    let set = policy.keeps().iter().filter(|keep| keep.is_set).count();
    html! {
        (count(policy.keeps().len(), "rule")) " of retention"
        @if set == 0 { ", all as by default" } @else { ", " (set) " set here" }
        @if !policy.holds().is_empty() { ", " (count(policy.holds().len(), "legal hold")) }
    }
}

/// The card of the room's first page.
pub(super) fn card(policy: &Result<Policy, Problem>) -> Markup {
    html! {
        section.card {
            h2 { "Retention" }
            @match policy {
                Err(problem) => (stands_still(problem)),
                Ok(policy) => dl.facts { @for keep in policy.keeps() {
                    dt { (keep.rule.name) } dd { (grouped(keep.days.into())) " days" @if keep.is_set { " " (badge("plain", "set here")) } }
                } },
            }
            p { a href=(PATH) { "Rules, their reasons, legal holds, and how to change them" } }
        }
    }
}

fn stands_still(problem: &Problem) -> Markup {
    html! { p.notice.bad role="alert" { "Nothing is deleted: a row of the policy cannot be understood, and it might be a hold. " (problem.detail) } }
}

/// The page.
pub(super) async fn page(visit: Visit) -> Shown {
    let (known, status) = (policy(&visit.house).await, status::read(&visit).await);
    let answer = match &known {
        Ok(policy) => {
            html! { (in_short(policy)) "; what is past its time goes with the next sweep, " (status.next_sweep()) "." }
        }
        Err(_) => html! { strong { "Nothing is deleted at the moment." } },
    };
    let body = html! {
        div.toolbar { a href="/settings/stored" { "What is stored, table by table" } (exports("/retention")) }
        @match &known {
            Ok(policy) => { (rules(policy)) (holds(policy)) }
            Err(problem) => { (stands_still(problem)) (put_right()) }
        }
        (hold_form())
        section.card {
            h2 { "How it goes" }
            ul {
                li { "Once an hour, in small transactions between what is heard. Each deletion is an entry of the ledger, with the cause “retention” and the rule." }
                li { "What is deleted is overwritten in the database. Backups keep it for as long as you keep them." }
                li { "The ledger's entries are never deleted. Sealed values stay until their subject is shredded." }
                li { "Tasks, notes, exceptions, windows, views, reports and edits have no rule: they stay." }
            }
        }
    };
    Ok(Page::new(&visit, Some(Room::Settings), "Retention", answer, body))
}

fn rules(policy: &Policy) -> Markup {
    html! {
        section.card {
            h2 { "Rules" }
            div.scroll { table.data {
                caption.visually-hidden { "Rules of retention" }
                thead { tr { th scope="col" { "Rule" } th scope="col" { "What" } th.num scope="col" { "Kept, days" } th.num scope="col" { "Default" } th scope="col" { "Counted from" } th scope="col" { "Law and reason" } th scope="col" { "Change a rule" } } }
                tbody { @for keep in policy.keeps() { (rule_row(keep)) } }
            } }
        }
    }
}

fn rule_row(keep: &Keep) -> Markup {
    let rule = keep.rule;
    html! {
        tr {
            th scope="row" { (rule.name) @if keep.is_set { " " (badge("plain", "set here")) } }
            td { (rule.what) }
            td.num { (grouped(keep.days.into())) }
            td.num { (grouped(rule.days.into())) }
            td { (rule.from) }
            td {
                @if let Some(minimum) = rule.minimum { "At least " (grouped(minimum.into())) " days: " (rule.law) } @else { span.muted { "no law asks for it" } }
                @if let Some(reason) = &keep.reason { br; "Here: " (reason) }
            }
            td {
                details {
                    summary aria-label={ "Change rule " (rule.name) } { "Change" }
                    form method="post" action=(PATH) {
                        input type="hidden" name="act" value="set"; input type="hidden" name="rule" value=(rule.name);
                        label { span { "Days" } input type="number" name="days" min="1" max=(DAYS_MAX) required value=(keep.days); }
                        label { span { "Why" @if rule.minimum.is_some() { ", where it is fewer than the law says" } } input name="reason" maxlength=(REASON_CHARS_MAX) value=(keep.reason.as_deref().unwrap_or("")); }
                        button { "Show what it would do" }
                    }
                    @if keep.is_set {
                        form method="post" action=(PATH) {
                            input type="hidden" name="act" value="default"; input type="hidden" name="rule" value=(rule.name);
                            button.quiet { "As by default again" }
                        }
                    }
                }
            }
        }
    }
}

fn holds(policy: &Policy) -> Markup {
    html! {
        section.card {
            header { h2 { "Legal holds" } (exports("/retention/holds")) }
            @if policy.holds().is_empty() {
                (empty("No legal hold.", html! { p { "A hold keeps whatever lies in its days, even in part, whatever the rules say: place one below when counsel or police ask for it." } }))
            } @else {
                div.scroll { table.data {
                    thead { tr { th scope="col" { "Hold" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Why" } th scope="col" { "Act" } } }
                    tbody { @for hold in policy.holds() { tr {
                        th scope="row" { (hold.name) }
                        td.num { (hold.first_day()) } td.num { (last_day(hold)) } td { (hold.reason) }
                        td { form.inline method="post" action=(PATH) {
                            input type="hidden" name="act" value="release"; input type="hidden" name="name" value=(hold.name);
                            button.quiet aria-label={ "Release hold " (hold.name) } { "Release" }
                        } }
                    } } }
                } }
            }
        }
    }
}

fn last_day(hold: &LegalHold) -> String {
    hold.last_day().unwrap_or_else(|| "until it is released".to_owned())
}

fn hold_form() -> Markup {
    html! {
        section.card {
            h2 { "Place a legal hold" }
            form method="post" action=(PATH) {
                input type="hidden" name="act" value="hold";
                label { span { "Name" } small { "Letters, digits, -, _ and .; no person's name: at most " (NAME_CHARS_MAX) } input name="name" required maxlength=(NAME_CHARS_MAX) pattern="[A-Za-z0-9._\\-]+" placeholder="case-12"; }
                label { span { "First day (UTC)" } input type="date" name="from" required; }
                label { span { "Last day (UTC)" } small { "Empty: until it is released" } input type="date" name="to"; }
                label { span { "Why, in ten characters or more" } input name="reason" required minlength="10" maxlength=(REASON_CHARS_MAX) placeholder="letter of counsel of 2026-04-02"; }
                button { "Show what it would do" }
            }
            p.muted { "At most " (HOLDS_MAX) " holds. To correct the days of one, place a second under another name, then release the first." }
        }
    }
}

/// Where the policy cannot be understood: what can be taken away.
fn put_right() -> Markup {
    html! {
        section.card {
            h2 { "Put it right" }
            form method="post" action=(PATH) {
                input type="hidden" name="act" value="default";
                label { span { "Rule that becomes as by default" } select name="rule" { @for rule in RULES { option value=(rule.name) { (rule.name) } } } }
                button { "Show what it would do" }
            }
            form method="post" action=(PATH) {
                input type="hidden" name="act" value="release";
                label { span { "Hold that is released" } input name="name" required maxlength=(NAME_CHARS_MAX); }
                button { "Show what it would do" }
            }
        }
    }
}

/// Shows what a change will do; makes it where it was confirmed.
pub(super) async fn amend(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem| Failed::on(&visit, problem);
    let amendment = read(&visit, &form).map_err(on)?;
    if form.text("confirmed") == "yes" {
        make(&visit.house, amendment).await.map_err(on)?;
        return Ok(Redirect::to(PATH).into_response());
    }
    let changes = would_amend(&visit.house, amendment.clone()).await.map_err(on)?;
    let (known, status) = (policy(&visit.house).await.ok(), status::read(&visit).await);
    Ok(preview(&visit, &form, &amendment, changes, (known.as_ref(), &status)).into_response())
}

fn read(visit: &Visit, form: &Filled) -> Result<Amendment, Problem> {
    let text = |name: &str| form.text(name).trim().to_owned();
    let day = |name: &str| {
        maybe(name, Some(form.text(name)), &visit.house.site.zone, Day::Starts).map(|_| text(name))
    };
    match form.text("act") {
        "set" => {
            let days = text("days").parse();
            let wrong = |_| Problem::bad(format!("days is a whole number from 1 to {DAYS_MAX}"));
            Ok(Amendment::Set {
                rule: text("rule"),
                days: days.map_err(wrong)?,
                reason: form.maybe("reason"),
            })
        }
        "default" => Ok(Amendment::Default { rule: text("rule") }),
        "hold" => {
            let to = Some(day("to")?).filter(|to| !to.is_empty());
            Ok(Amendment::Hold { name: text("name"), from: day("from")?, to, reason: text("reason") })
        }
        "release" => Ok(Amendment::Release { name: text("name") }),
        _ => Err(Problem::bad("act is set, default, hold or release: go back to the page and try again")),
    }
}

fn preview(
    visit: &Visit,
    form: &Filled,
    amendment: &Amendment,
    changes: bool,
    (policy, status): (Option<&Policy>, &Status),
) -> Page {
    let body = html! {
        section.card {
            h2 { "What will happen" }
            @if changes {
                (consequences(visit, amendment, policy, status))
                form method="post" action=(PATH) {
                    @for name in ["act", "rule", "days", "name", "from", "to", "reason"] {
                        @if let Some(value) = form.maybe(name) { input type="hidden" name=(name) value=(value); }
                    }
                    div.toolbar {
                        button.primary name="confirmed" value="yes" { (button(amendment)) }
                        a href=(PATH) { "Do nothing" }
                    }
                }
            } @else {
                p { "Nothing: it is so already." } p { a href=(PATH) { "Back to retention" } }
            }
        }
    };
    let answer = html! { "Nothing is done yet: this is what the change would do." };
    Page::new(visit, Some(Room::Settings), "Change retention", answer, body)
}

fn button(amendment: &Amendment) -> String {
    match amendment {
        Amendment::Set { rule, days, .. } => format!("Keep {rule} for {days} days"),
        Amendment::Default { rule } => format!("Keep {rule} as by default"),
        Amendment::Hold { name, .. } => format!("Place hold {name}"),
        Amendment::Release { name } => format!("Release hold {name}"),
    }
}

fn consequences(visit: &Visit, amendment: &Amendment, policy: Option<&Policy>, status: &Status) -> Markup {
    let next = status.next_sweep();
    html! {
        @match amendment {
            Amendment::Set { rule, days, .. } => (days_change(visit, rule, policy, *days, &next)),
            Amendment::Default { rule } => {
                @let days = RULES.iter().find(|known| known.name == rule).map_or(0, |known| known.days);
                (days_change(visit, rule, policy, days, &next))
            }
            Amendment::Hold { from, to, reason, .. } => {
                p { "From the next step of retention on, whatever lies between " (from) " and " (to.as_deref().unwrap_or("the day on which it is released")) " (UTC), even in part, stays as it is: nothing is deleted, hours are not summed. What is gone already does not come back." }
                p { "Why: " (reason) }
                p.muted { "It can be released at any time. Name and reason are a row of the store; the ledger says that a hold was placed, by whom and when." }
            }
            Amendment::Release { name } => {
                p { "Hold " strong { (name) } " no longer keeps anything. What it kept and is past its time goes with the next sweep, " (next) ", and cannot be brought back but from a backup." }
            }
        }
    }
}

fn days_change(visit: &Visit, rule: &str, policy: Option<&Policy>, days: u32, next: &str) -> Markup {
    let before = policy.and_then(|policy| policy.keeps().iter().find(|keep| keep.rule.name == rule));
    let past = visit.now.as_nanos().saturating_sub(u64::from(days).saturating_mul(DAY_NS));
    let known = RULES.iter().find(|known| known.name == rule);
    html! {
        p {
            "Rule " strong { (rule) } " keeps " (grouped(days.into())) " days"
            @if let Some(before) = before { " instead of " (grouped(before.days.into())) } "."
            @if let Some(known) = known { " It is about " (known.what) "; days count from " (known.from) "." }
        }
        @if before.is_none_or(|before| days < before.days) {
            p { strong { "What is older than " (visit.house.site.zone.show(Timestamp::from_nanos(past))) " goes with the next sweep, " (next) ", unless a legal hold keeps it." } " It cannot be brought back but from a backup. Each deletion is an entry of the ledger." }
        } @else {
            p { "Nothing goes by this. What is gone already does not come back." }
        }
        @if let Some(known) = known && let Some(minimum) = known.minimum && days < minimum {
            p.notice { "This is fewer than " (grouped(minimum.into())) " days: " (known.law) ". The reason that you gave stands wherever the policy is shown." }
        }
        @if rule == "flows" { p.muted { "Coverage goes with flows, unless it has a number of its own." } }
    }
}
