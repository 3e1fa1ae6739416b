//! What people can do on a device's page: tags, review, decisions. Each says what will happen and how to undo it.

use super::super::{Failed, Visit, parts};
use super::{Shown, named_device_id};
use crate::api::Problem;
use crate::dossier::acts::{Decided, Said, decide as have_decided, say};
use crate::dossier::address;
use axum::Form;
use axum::extract::Path;
use axum::extract::rejection::FormRejection;
use axum::response::Redirect;
use judge::site::Decision;
use maud::{Markup, html};
use model::{DeviceId, Tag};
use store::decisions::DecisionRow;

/// What the page says after an act, by the word in its address.
pub(super) fn said(word: &str) -> Option<&'static str> {
    Some(match word {
        "tagged" => "The tag is on the device. Take it off again below.",
        "untagged" => "The tag is off.",
        "accepted" => "The device counts as reviewed. Below you can ask for another review.",
        "to-review" => "The device waits for a review.",
        "decided" => "Decided. Under Decisions you can take it back.",
        "unheeded" => {
            "Decided, but it cannot be followed now: the devices are not as the decision expects. It stays on record."
        }
        "reverted" => "Taken back. The devices are drawn as if it had never been decided.",
        "unchanged" => "It was so already: nothing has changed.",
        _ => return None,
    })
}

/// Tags and review.
pub(super) fn section(shown: &Shown<'_>) -> Markup {
    let (id, facts) = (shown.dossier.id, &shown.dossier.facts);
    html! {
        section.card #acts {
            h2 { "Tags and review" }
            @if !facts.tags.is_empty() {
                ul.chips { @for tag in &facts.tags {
                    li { form.inline method="post" action=(format!("/devices/{id}/tags")) {
                        input type="hidden" name="remove" value=(tag);
                        span.chip { (tag) } " "
                        button.quiet type="submit" aria-label={ "Take off tag " (tag) } { "Take off" }
                    } }
                } }
            }
            form.inline method="post" action=(format!("/devices/{id}/tags")) {
                label { span { "New tag" } input name="tag" required maxlength=(model::TAG_CHARS_MAX) pattern="[A-Za-z0-9_.:\\-]+" title="letters, digits, - _ . and :"; }
                button.primary type="submit" { "Add" }
            }
            form method="post" action=(format!("/devices/{id}/review")) {
                @if facts.is_reviewed {
                    input type="hidden" name="review" value="again";
                    p { (parts::badge("ok", "reviewed")) " Somebody has looked at this device and accepted it." }
                    button.quiet type="submit" { "Ask for another review" }
                } @else {
                    input type="hidden" name="review" value="accepted";
                    p { (parts::badge("unknown", "not reviewed")) " To accept it says: this device belongs here, and what Ward believes of it is right. Nothing on the network changes; it can be taken back." }
                    button.primary type="submit" { "Accept" }
                }
            }
        }
    }
}

/// Decisions in force and taken back, and forms for new ones.
pub(super) fn decisions(shown: &Shown<'_>) -> Markup {
    let (id, dossier) = (shown.dossier.id, shown.dossier);
    html! {
        section.card #decisions {
            h2 { "Decisions" }
            p.muted { "Ward draws devices from what it hears. Where it is wrong, a person decides: two devices are one, or an address is not this device's. Only Ward's picture changes, nothing on the network." }
            @if dossier.decisions.is_empty() { p { "Nobody has decided anything about this device." } } @else { (decided(shown)) }
            details open[shown.state.is_open] {
                summary { "Another device is this one (merge)" }
                form method="post" action=(format!("/devices/{id}/decisions")) {
                    input type="hidden" name="act" value="merge";
                    p { "From then on both are one device: claims, addresses, findings and talks of both stand on one page; the id of the older one stays, the other leads to it. Undo: take the decision back, and they part again under the ids they had." }
                    label { span { "Id of the other device" } input name="other" required pattern="d-[0-9a-f]{16}" placeholder="d-0123456789abcdef"; }
                    label { span { "Why" } input name="reason" required minlength="3" maxlength="500"; }
                    button.primary type="submit" { "Merge" }
                }
            }
            @let endpoints = shown.dossier.facts.macs.iter().chain(&shown.dossier.facts.ips);
            details open[shown.state.is_open] {
                summary { "An address is not this device's (split)" }
                form method="post" action=(format!("/devices/{id}/decisions")) {
                    input type="hidden" name="act" value="split";
                    p { "From then on the address is a device of its own, with what is said of it. The address that names this device cannot be split off. Undo: take the decision back." }
                    label { span { "Address" } select name="endpoint" required { @for endpoint in endpoints { option value=(endpoint) { (endpoint) } } } }
                    label { span { "Why" } input name="reason" required minlength="3" maxlength="500"; }
                    button.primary type="submit" { "Split off" }
                }
            }
        }
    }
}

fn decided(shown: &Shown<'_>) -> Markup {
    let (id, zone, now) = (shown.dossier.id, &shown.visit.house.site.zone, shown.visit.now);
    html! {
        div.scroll { table.data {
            caption.visually-hidden { "Decisions about it" }
            thead { tr { th scope="col" { "No." } th scope="col" { "Decision" } th scope="col" { "Why" } th scope="col" { "By" } th scope="col" { "When" } th scope="col" { "Stands" } } }
            tbody { @for row in &shown.dossier.decisions {
                tr {
                    td.num { (row.id) }
                    th scope="row" { (in_words(id, row)) }
                    td { (row.reason) }
                    td { (row.decided_by) }
                    td { (parts::when(row.decided_at, now, zone)) }
                    td { @match row.reverted_at {
                        Some(at) => { "taken back " (parts::when(at, now, zone)) },
                        None => form.inline method="post" action=(format!("/devices/{id}/decisions")) {
                            input type="hidden" name="act" value="revert";
                            input type="hidden" name="decision" value=(row.id);
                            button.quiet type="submit" { "Take back" }
                        },
                    } }
                }
            } }
        } }
    }
}

fn in_words(id: DeviceId, row: &DecisionRow) -> Markup {
    match &row.decision {
        Decision::Merge { a, b } => {
            let other = if *a == id { b } else { a };
            html! { "one with " a href=(format!("/devices/{other}")) { (other) } }
        }
        Decision::Split { subject, .. } => {
            let name = store::endpoints::text(subject);
            html! { code { (address(&name)) } " is not its address" }
        }
    }
}

/// The tag form: one of the two.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct TagForm {
    tag: Option<String>,
    remove: Option<String>,
}

/// Puts a tag on, or takes one off.
pub(super) async fn tag(
    visit: Visit,
    Path(id): Path<String>,
    form: Result<Form<TagForm>, FormRejection>,
) -> Result<Redirect, Failed> {
    let (id, form) = read(&visit, &id, form)?;
    let (said, word) = match (form.tag, form.remove) {
        (Some(tag), None) => {
            let tag: Tag = tag
                .parse()
                .map_err(|wrong: model::Invalid| Failed::on(&visit, Problem::bad(wrong.to_string())))?;
            (Said::Tagged(tag), "tagged")
        }
        (None, Some(tag)) => (Said::Untagged(tag), "untagged"),
        _ => {
            return Err(Failed::on(
                &visit,
                Problem::bad("say which tag: tag to add it, or remove to take it off"),
            ));
        }
    };
    speak(&visit, id, said, word).await
}

/// The review form.
#[derive(Debug, serde::Deserialize)]
pub(super) struct ReviewForm {
    review: String,
}

/// Accepts the device, or asks for another review.
pub(super) async fn review(
    visit: Visit,
    Path(id): Path<String>,
    form: Result<Form<ReviewForm>, FormRejection>,
) -> Result<Redirect, Failed> {
    let (id, form) = read(&visit, &id, form)?;
    match form.review.as_str() {
        "accepted" => speak(&visit, id, Said::Accepted, "accepted").await,
        "again" => speak(&visit, id, Said::NotAccepted, "to-review").await,
        _ => Err(Failed::on(&visit, Problem::bad("review is accepted or again"))),
    }
}

async fn speak(visit: &Visit, id: DeviceId, said: Said, word: &str) -> Result<Redirect, Failed> {
    let changed = say(&visit.house, id, said).await.map_err(|error| Failed::on(visit, error))?;
    Ok(back(id, if changed { word } else { "unchanged" }, "acts"))
}

/// The forms of decisions.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct DecisionForm {
    act: String,
    other: String,
    endpoint: String,
    reason: String,
    decision: String,
}

/// Merges, splits, or takes back.
pub(super) async fn decide(
    visit: Visit,
    Path(id): Path<String>,
    form: Result<Form<DecisionForm>, FormRejection>,
) -> Result<Redirect, Failed> {
    let (device, form) = read(&visit, &id, form)?;
    let fail = |why: &str| Failed::on(&visit, Problem::bad(why));
    let DecisionForm { act, other, endpoint, reason, decision } = form;
    let decided = match act.as_str() {
        "merge" => {
            let b = named_device_id(other.trim()).ok_or_else(|| {
                fail("the other device's id is written d- and 16 digits, 0 to 9 and a to f")
            })?;
            Decided::Merge { a: device, b, reason }
        }
        "split" => Decided::Split { device, endpoint, reason },
        "revert" => {
            let decision = decision.parse().map_err(|_| fail("say the number of the decision"))?;
            Decided::Revert { decision }
        }
        _ => return Err(fail("act is merge, split or revert")),
    };
    let is_revert = matches!(decided, Decided::Revert { .. });
    let outcome = have_decided(&visit.house, decided).await.map_err(|error| Failed::on(&visit, error))?;
    let is_heeded = outcome.get("heeded").and_then(serde_json::Value::as_bool).unwrap_or(true);
    let word = if is_revert {
        "reverted"
    } else if is_heeded {
        "decided"
    } else {
        "unheeded"
    };
    Ok(back(device, word, "decisions"))
}

fn read<T>(visit: &Visit, id: &str, form: Result<Form<T>, FormRejection>) -> Result<(DeviceId, T), Failed> {
    let Form(form) = form.map_err(|error| {
        Failed::on(
            visit,
            Problem::new(error.status(), format!("the form cannot be read: {}", error.body_text())),
        )
    })?;
    let wrong = || Failed::on(visit, Problem::missing("this address names no device"));
    Ok((named_device_id(id).ok_or_else(wrong)?, form))
}

fn back(id: DeviceId, word: &str, place: &str) -> Redirect {
    Redirect::to(&format!("/devices/{id}?said={word}#{place}"))
}
