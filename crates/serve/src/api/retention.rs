//! Retention: what is kept how long and why, which holds there are, and changes of both.
//!
//! It must not delete: a change is a row of the policy, and what goes by it goes with the next sweep, each deletion in the ledger.

use super::query::Told;
use super::{CSV_PLAIN, Csv, Endpoint, Listing, Problem, json_file};
use crate::house::{Concerns, House, LOCAL, Planned};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::retention::{Amendment, Keep, LegalHold, Policy};

/// A rule, as it holds here.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct RuleTold {
    /// Its name.
    rule: &'static str,
    /// What it is about.
    what: &'static str,
    /// From when the days count.
    counted_from: &'static str,
    /// Days that are kept.
    days: u32,
    /// Days by default.
    default_days: u32,
    /// Whether somebody has set it.
    set: bool,
    /// Why it is not the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Fewer days ask for a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_days: Option<u32>,
    /// Where the minimum comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    law: Option<&'static str>,
}

/// A legal hold: whatever lies in its days stays.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct HoldTold {
    name: String,
    /// The first day, UTC.
    from: String,
    /// The last day; absent: until it is released.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    reason: String,
}

/// A change of the policy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum AmendmentBody {
    /// A rule keeps this many days from now on.
    Set {
        /// Its name.
        rule: String,
        /// 1 to 36525.
        days: u32,
        /// Why; asked for below the minimum.
        #[serde(default)]
        reason: Option<String>,
    },
    /// A rule is as by default again.
    Default {
        /// Its name.
        rule: String,
    },
    /// Whatever lies in these days stays.
    Hold {
        /// 1 to 60 letters, digits, `-`, `_` and `.`.
        name: String,
        /// The first day, `2026-01-31`, UTC.
        from: String,
        /// The last day; without it until it is released.
        #[serde(default)]
        to: Option<String>,
        /// Why, in ten characters or more.
        reason: String,
    },
    /// A hold is lifted.
    Release {
        /// Its name.
        name: String,
    },
}

impl From<AmendmentBody> for Amendment {
    fn from(body: AmendmentBody) -> Self {
        match body {
            AmendmentBody::Set { rule, days, reason } => Self::Set { rule, days, reason },
            AmendmentBody::Default { rule } => Self::Default { rule },
            AmendmentBody::Hold { name, from, to, reason } => Self::Hold { name, from, to, reason },
            AmendmentBody::Release { name } => Self::Release { name },
        }
    }
}

/// What became of a change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct AmendedTold {
    /// False: it was so already.
    changed: bool,
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let list =
        |path, id, summary, handler| Endpoint::get::<Listing<RuleTold>>(path, id, TAG, summary, handler);
    let held =
        |path, id, summary, handler| Endpoint::get::<Listing<HoldTold>>(path, id, TAG, summary, handler);
    let csv = |path, id, summary, handler| {
        Endpoint::new("get", path, id, TAG, summary, handler).answering_text(200, CSV_PLAIN)
    };
    vec![
        list("/api/v1/retention", "listRetentionRules", "How long what is kept, and why.", get(rules)),
        list(
            "/api/v1/retention.json",
            "exportRetentionRulesJson",
            "The rules as a JSON file.",
            get(rules_json),
        ),
        csv("/api/v1/retention.csv", "exportRetentionRulesCsv", "The rules as CSV.", get(rules_csv)),
        held(
            "/api/v1/retention/holds",
            "listLegalHolds",
            "Legal holds: what lies in their days stays.",
            get(holds),
        ),
        held(
            "/api/v1/retention/holds.json",
            "exportLegalHoldsJson",
            "Legal holds as a JSON file.",
            get(holds_json),
        ),
        csv("/api/v1/retention/holds.csv", "exportLegalHoldsCsv", "Legal holds as CSV.", get(holds_csv)),
        Endpoint::new(
            "post",
            "/api/v1/retention/amendments",
            "amendRetention",
            TAG,
            "Changes a rule or a legal hold. What goes by it goes with the next sweep, within the hour.",
            post(amended),
        )
        .taking::<AmendmentBody>()
        .answering::<AmendedTold>(200),
    ]
}

const TAG: &str = "retention";

/// The policy as it holds.
///
/// # Errors
/// [`Problem`] where a row of it cannot be understood: nothing is deleted until it is put right.
pub(crate) async fn policy(house: &House) -> Result<Policy, Problem> {
    let site = house.site.id;
    Ok(house.read(move |db| Policy::read(db, site)).await?)
}

/// Makes a change; false where it was so already.
///
/// # Errors
/// [`Problem`] with the way out.
pub(crate) async fn amend(house: &House, amendment: Amendment) -> Result<bool, Problem> {
    plan(house, amendment, true).await
}

/// Whether a change would be one, without making it.
///
/// # Errors
/// As [`amend`].
pub(crate) async fn would_amend(house: &House, amendment: Amendment) -> Result<bool, Problem> {
    plan(house, amendment, false).await
}

async fn plan(house: &House, amendment: Amendment, is_made: bool) -> Result<bool, Problem> {
    let site = house.site.id;
    let answer = house.write(move |store, now| {
        let tx = amendment.plan(store, site, LOCAL, now)?;
        let answer = tx.is_some();
        Ok(Planned { tx: tx.filter(|_| is_made), concerns: Concerns::Nothing, answer })
    });
    Ok(answer.await?)
}

async fn rules_told(house: &House) -> Result<Vec<RuleTold>, Problem> {
    Ok(policy(house).await?.keeps().iter().map(rule_told).collect())
}

async fn holds_told(house: &House) -> Result<Vec<HoldTold>, Problem> {
    Ok(policy(house).await?.holds().iter().map(hold_told).collect())
}

fn rule_told(keep: &Keep) -> RuleTold {
    let rule = keep.rule;
    RuleTold {
        rule: rule.name,
        what: rule.what,
        counted_from: rule.from,
        days: keep.days,
        default_days: rule.days,
        set: keep.is_set,
        reason: keep.reason.clone(),
        minimum_days: rule.minimum,
        law: Some(rule.law).filter(|law| !law.is_empty()),
    }
}

fn hold_told(hold: &LegalHold) -> HoldTold {
    HoldTold {
        name: hold.name.clone(),
        from: hold.first_day(),
        to: hold.last_day(),
        reason: hold.reason.clone(),
    }
}

async fn rules(State(house): State<House>) -> Result<Listing<RuleTold>, Problem> {
    Ok(Listing::whole(rules_told(&house).await?))
}

async fn rules_json(State(house): State<House>) -> Result<Response, Problem> {
    Ok(json_file(&house, "retention", rules_told(&house).await?))
}

async fn rules_csv(State(house): State<House>) -> Result<Csv, Problem> {
    let columns =
        ["rule", "what", "counted_from", "days", "default_days", "set", "reason", "minimum_days", "law"];
    let mut table = Csv::new(&house, "retention", &columns);
    for told in rules_told(&house).await? {
        let minimum = told.minimum_days.map_or_else(String::new, |days| days.to_string());
        let (days, default_days) = (told.days.to_string(), told.default_days.to_string());
        let (set, reason) = (told.set.to_string(), told.reason.unwrap_or_default());
        let (rule, what, from) = (told.rule.to_owned(), told.what.to_owned(), told.counted_from.to_owned());
        let law = told.law.unwrap_or_default().to_owned();
        table.row([rule, what, from, days, default_days, set, reason, minimum, law]);
    }
    Ok(table)
}

async fn holds(State(house): State<House>) -> Result<Listing<HoldTold>, Problem> {
    Ok(Listing::whole(holds_told(&house).await?))
}

async fn holds_json(State(house): State<House>) -> Result<Response, Problem> {
    Ok(json_file(&house, "legal-holds", holds_told(&house).await?))
}

async fn holds_csv(State(house): State<House>) -> Result<Csv, Problem> {
    let mut table = Csv::new(&house, "legal-holds", &["name", "from", "to", "reason"]);
    for told in holds_told(&house).await? {
        table.row([told.name, told.from, told.to.unwrap_or_default(), told.reason]);
    }
    Ok(table)
}

async fn amended(
    State(house): State<House>,
    Told(body): Told<AmendmentBody>,
) -> Result<Json<AmendedTold>, Problem> {
    Ok(Json(AmendedTold { changed: amend(&house, body.into()).await? }))
}
