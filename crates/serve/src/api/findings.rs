//! The API of findings: all of them with filters, and each with what it means.

use super::csv::CSV_PLAIN;
use super::query::Asked;
use super::{Csv, Day, EXPORT_ROWS_MAX, Endpoint, Listing, Problem, after, bounded, json_file, limit, maybe};
use crate::advice::advice;
use crate::error::quote;
use crate::house::House;
use crate::when::rfc3339;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use model::{DeviceId, FindingKind, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::happenings::{FindingsAsked, KnownFinding, Standing};

const NOUN: &str = "finding";
const NUMBER: &[(&str, &str, &str)] = &[("id", "Number of the finding.", "^[1-9][0-9]{0,18}$")];

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let of = |path, id, summary, handler| Endpoint::new("get", path, id, NOUN, summary, handler);
    vec![
        of("/api/v1/findings", "listFindings", "Findings, newest first.", get(list))
            .asking::<FindingsQuery>()
            .answering::<Listing<FindingShown>>(200),
        of("/api/v1/findings.csv", "exportFindings", "Findings, as CSV.", get(list_csv))
            .asking::<FindingsQuery>()
            .answering_text(200, CSV_PLAIN),
        of("/api/v1/findings.json", "saveFindings", "Findings, as a file.", get(list_json))
            .asking::<FindingsQuery>()
            .answering::<Listing<FindingShown>>(200),
        of(
            "/api/v1/findings/{id}",
            "getFinding",
            "A finding, with what it means and what to do first.",
            get(one),
        )
        .at(NUMBER)
        .answering::<FindingWhole>(200),
    ]
}

/// Which findings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FindingsQuery {
    /// Of this kind only: `phi-in-clear`, `weak-protocol` and the like.
    pub(crate) kind: Option<String>,
    /// Of this severity only: `critical`, `high`, `medium` or `low`.
    pub(crate) severity: Option<String>,
    /// Of this device only.
    pub(crate) device: Option<String>,
    /// `open` (where left out), `closed` or `all`.
    pub(crate) state: Option<String>,
    /// Last seen then or later: a date, or a time of the site, or RFC 3339.
    pub(crate) since: Option<String>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of the page, 1 to 1000. Files have all rows.
    pub(crate) limit: Option<u32>,
}

/// A finding.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FindingShown {
    /// Its number.
    number: i64,
    /// Its kind.
    kind: String,
    /// Its kind, in words.
    title: String,
    /// How much it matters by itself.
    severity: String,
    /// The device it concerns.
    device: String,
    /// In one sentence.
    summary: String,
    /// Protocol fields and peers, never patient data.
    evidence: Vec<String>,
    /// The protocol that showed it.
    protocol: String,
    /// First seen.
    first_seen: String,
    /// Last seen, to the hour.
    last_seen: String,
    /// Ward knows of it since then.
    known_from: String,
    /// Closed then; absent: it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_to: Option<String>,
}

/// A finding with what it means.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FindingWhole {
    /// The finding.
    #[serde(flatten)]
    finding: FindingShown,
    /// Language of the words below.
    lang: String,
    /// Why it matters.
    why: String,
    /// What to do, the first thing first.
    steps: Vec<String>,
    /// What would show that it is settled.
    settled: String,
}

/// What a query asks of the store.
///
/// # Errors
/// [`Problem`] for a filter that means nothing.
pub(crate) fn ask(house: &House, query: &FindingsQuery) -> Result<FindingsAsked, Problem> {
    let given = |value: &'_ Option<String>| value.clone().filter(|value| !value.is_empty());
    let mut kinds = FindingKind::ALL.to_vec();
    if let Some(kind) = given(&query.kind) {
        kinds.retain(|known| known.name() == kind);
        if kinds.is_empty() {
            return Err(no_such("kind", &kind, &FindingKind::ALL.map(FindingKind::name)));
        }
    }
    if let Some(severity) = given(&query.severity) {
        let Some(severity) = Severity::ALL.into_iter().find(|known| known.name() == severity) else {
            return Err(no_such("severity", &severity, &Severity::ALL.map(Severity::name)));
        };
        kinds.retain(|kind| kind.severity() == severity);
    }
    let standing = match given(&query.state).as_deref() {
        None | Some("open") => Standing::Open,
        Some("closed") => Standing::Closed,
        Some("all") => Standing::Any,
        Some(other) => return Err(no_such("state", other, &["open", "closed", "all"])),
    };
    Ok(FindingsAsked {
        kinds,
        device: given(&query.device).map(|device| named_device("device", &device)).transpose()?,
        standing,
        since: maybe("since", query.since.as_deref(), &house.site.zone, Day::Starts)?,
        before: after(given(&query.after).as_deref())?,
        known_at: None,
        seen_by: None,
    })
}

fn no_such(name: &str, asked: &str, names: &[&str]) -> Problem {
    Problem::bad(format!("{name} is \"{}\": it is one of {}", quote(asked), names.join(", ")))
}

/// A device that a parameter names.
///
/// # Errors
/// [`Problem`] where it names none.
pub(crate) fn named_device(name: &str, asked: &str) -> Result<DeviceId, Problem> {
    let wrong = || {
        let asked = quote(asked);
        Problem::bad(format!("{name} is \"{asked}\": an id is written d- and 16 digits, 0 to 9 and a to f"))
    };
    crate::console::named_device_id(asked).ok_or_else(wrong)
}

/// A finding as it goes to programs.
pub(crate) fn shown(known: &KnownFinding) -> FindingShown {
    let finding = &known.row.finding;
    FindingShown {
        number: known.row.id,
        kind: finding.kind.name().into(),
        title: advice(finding.kind).title.into(),
        severity: finding.kind.severity().name().into(),
        device: finding.device.to_string(),
        summary: finding.summary.clone(),
        evidence: finding.evidence.clone(),
        protocol: finding.protocol.name().into(),
        first_seen: rfc3339(finding.first_seen),
        last_seen: rfc3339(finding.last_seen),
        known_from: rfc3339(known.row.known_from),
        known_to: known.known_to.map(rfc3339),
    }
}

async fn rows(house: &House, asked: FindingsAsked, limit: usize) -> Result<Vec<KnownFinding>, Problem> {
    let site = house.site.id;
    Ok(house.read(move |db| KnownFinding::list(db, site, &asked, limit)).await?)
}

async fn list(
    State(house): State<House>,
    Asked(query): Asked<FindingsQuery>,
) -> Result<Listing<FindingShown>, Problem> {
    let limit = limit(query.limit)?;
    let rows = rows(&house, ask(&house, &query)?, limit + 1).await?;
    let page = Listing::page(rows, limit, |known| known.row.id);
    Ok(Listing { items: page.items.iter().map(shown).collect(), next: page.next, total: None })
}

async fn list_json(
    State(house): State<House>,
    Asked(query): Asked<FindingsQuery>,
) -> Result<Response, Problem> {
    let rows = rows(&house, ask(&house, &query)?, EXPORT_ROWS_MAX + 1).await?;
    bounded(rows.len())?;
    Ok(json_file(&house, "findings", rows.iter().map(shown).collect()))
}

async fn list_csv(State(house): State<House>, Asked(query): Asked<FindingsQuery>) -> Result<Csv, Problem> {
    let rows = rows(&house, ask(&house, &query)?, EXPORT_ROWS_MAX + 1).await?;
    bounded(rows.len())?;
    Ok(csv(&house, &rows))
}

/// Findings as a table.
pub(crate) fn csv(house: &House, rows: &[KnownFinding]) -> Csv {
    let columns = [
        "number",
        "kind",
        "title",
        "severity",
        "device",
        "name",
        "summary",
        "evidence",
        "protocol",
        "first_seen",
        "last_seen",
        "known_from",
        "known_to",
    ];
    let mut csv = Csv::new(house, "findings", &columns);
    for known in rows {
        let name = house.inventory.get(known.row.finding.device).map(|entry| entry.title().to_string());
        let finding = shown(known);
        csv.row([
            finding.number.to_string(),
            finding.kind,
            finding.title,
            finding.severity,
            finding.device,
            name.unwrap_or_default(),
            finding.summary,
            finding.evidence.join("; "),
            finding.protocol,
            finding.first_seen,
            finding.last_seen,
            finding.known_from,
            finding.known_to.unwrap_or_default(),
        ]);
    }
    csv
}

async fn one(
    State(house): State<House>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Json<FindingWhole>, Problem> {
    let wrong = || Problem::bad("the path names no finding: it ends with the number of one");
    let number = finding_number(path.ok().map(|Path(id)| id)).ok_or_else(wrong)?;
    let site = house.site.id;
    let known = house.read(move |db| KnownFinding::find(db, site, number)).await?;
    let known = known.ok_or_else(|| {
        Problem::missing(format!("there is no finding {number}: /api/v1/findings lists those there are"))
    })?;
    let advice = advice(known.row.finding.kind);
    Ok(Json(FindingWhole {
        finding: shown(&known),
        lang: advice.lang.into(),
        why: advice.why.into(),
        steps: advice.steps.iter().map(|step| (*step).to_owned()).collect(),
        settled: advice.settled.into(),
    }))
}

/// The number that a path ends with, in its one spelling.
pub(crate) fn finding_number(id: Option<String>) -> Option<i64> {
    id.and_then(|id| id.parse::<i64>().ok().filter(|number| *number > 0 && number.to_string() == id))
}
