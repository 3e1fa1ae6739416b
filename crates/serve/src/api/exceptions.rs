//! Exceptions: what is allowed for a while although a rule says otherwise.

use super::endpoint::Endpoint;
use super::query::Told;
use super::rows::{self, ID, Placed, Rows, about, act, filled, scope};
use super::{Day, Problem, moment};
use crate::house::{House, LOCAL};
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use model::{Exception, PERSON_CHARS_MAX, REASON_CHARS_MAX, RuleName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::db::Db;
use store::exceptions::{self, ExceptionFilter, ExceptionRow, ExceptionState};
use store::{Cursor, Page};

/// How exceptions stand that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StateAsked {
    /// They hold.
    InForce,
    /// Their time has passed.
    Expired,
    /// They were ended before their time.
    Revoked,
    /// All.
    All,
}

/// Which exceptions.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionsAsked {
    /// How they stand; in force where it is left out.
    pub(crate) state: Option<StateAsked>,
    /// What they are for: `site`, `device|d-…`, `finding|12`, `zone|3`.
    pub(crate) about: Option<String>,
    /// From which rule.
    pub(crate) rule: Option<String>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// An exception.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ExceptionItem {
    /// Its number.
    pub(crate) id: i64,
    /// What it is for.
    pub(crate) about: String,
    /// The rule that does not hold.
    pub(crate) rule: String,
    /// Why.
    pub(crate) reason: String,
    /// Who asked.
    pub(crate) asked_by: String,
    /// Who approved.
    pub(crate) approver: String,
    /// `in-force`, `expired` or `revoked`.
    pub(crate) state: String,
    /// When it was made, RFC 3339.
    pub(crate) created_at: String,
    /// Until when it holds.
    pub(crate) expires_at: String,
    /// When it was ended before its time.
    pub(crate) revoked_at: Option<String>,
    /// By whom.
    pub(crate) revoked_by: Option<String>,
}

/// An exception to be made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionBody {
    /// What it is for: `site`, `device|d-…`, `finding|12`, `zone|3`.
    pub(crate) about: String,
    /// The rule, or the kind of finding.
    #[schemars(regex(pattern = RuleName::PATTERN))]
    pub(crate) rule: String,
    /// Why.
    #[schemars(length(min = 1, max = REASON_CHARS_MAX))]
    pub(crate) reason: String,
    /// Who asks.
    #[schemars(length(min = 1, max = PERSON_CHARS_MAX))]
    pub(crate) asked_by: String,
    /// Who approves: somebody else.
    #[schemars(length(min = 1, max = PERSON_CHARS_MAX))]
    pub(crate) approver: String,
    /// Until when, at most 366 days from now: a date of the site (its end), or RFC 3339.
    pub(crate) expires_at: String,
}

impl ExceptionItem {
    pub(crate) fn of(row: &ExceptionRow, now: Timestamp) -> Self {
        let exception = &row.exception;
        Self {
            id: row.id,
            about: exception.about().to_string(),
            rule: exception.rule().to_string(),
            reason: exception.reason().to_string(),
            asked_by: exception.asked_by().to_string(),
            approver: exception.approver().to_string(),
            state: row.state(now).name().to_owned(),
            created_at: rfc3339(row.created_at),
            expires_at: rfc3339(exception.expires_at()),
            revoked_at: row.revoked_at.map(rfc3339),
            revoked_by: row.revoked_by.clone(),
        }
    }
}

impl Rows for ExceptionsAsked {
    type Filter = ExceptionFilter;
    type Item = ExceptionItem;
    const NOUN: &'static str = "exceptions";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "about",
        "rule",
        "reason",
        "asked_by",
        "approver",
        "state",
        "created_at",
        "expires_at",
        "revoked_at",
        "revoked_by",
    ];

    fn filter(&self, house: &House) -> Result<ExceptionFilter, Problem> {
        let state = match self.state.unwrap_or(StateAsked::InForce) {
            StateAsked::InForce => Some(ExceptionState::InForce),
            StateAsked::Expired => Some(ExceptionState::Expired),
            StateAsked::Revoked => Some(ExceptionState::Revoked),
            StateAsked::All => None,
        };
        Ok(ExceptionFilter {
            state: state.map(|state| (state, house.now())),
            about: filled(self.about.as_deref()).map(about).transpose()?,
            rule: filled(self.rule.as_deref()).map(str::to_owned),
        })
    }

    fn place(&self) -> (Option<&str>, Option<u32>) {
        (self.after.as_deref(), self.limit)
    }

    fn read(
        house: &House,
        db: &mut Db,
        filter: &ExceptionFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<ExceptionItem>> {
        let (now, page) = (house.now(), exceptions::list(db, &scope(house), filter, after, limit)?);
        Ok(Page {
            items: page.items.iter().map(|row| ExceptionItem::of(row, now)).collect(),
            next: page.next,
        })
    }
}

/// Has an exception made.
///
/// # Errors
/// [`Problem`] names the field.
pub(crate) async fn create(house: &House, body: ExceptionBody) -> Result<ExceptionItem, Problem> {
    let expires_at = moment("expires_at", &body.expires_at, &house.site.zone, Day::Ends)?;
    let people = (body.asked_by.as_str(), body.approver.as_str());
    let what = about(&body.about)?;
    let exception = Exception::new(what, &body.rule, &body.reason, people, expires_at, house.now())?;
    let site = house.site.id;
    act(house, move |store, now| {
        let (row, tx) = exceptions::plan_create(store, site, LOCAL, now, exception)?;
        Ok((ExceptionItem::of(&row, now), tx))
    })
    .await
}

/// Has an exception ended before its time.
///
/// # Errors
/// [`Problem`] where there is none, or it holds no longer.
pub(crate) async fn revoke(house: &House, id: i64) -> Result<ExceptionItem, Problem> {
    let _ = find(house, id).await?;
    let site = house.site.id;
    act(house, move |store, now| {
        let (row, tx) = exceptions::plan_revoke(store, site, LOCAL, now, id)?;
        Ok((ExceptionItem::of(&row, now), tx))
    })
    .await
}

async fn find(house: &House, id: i64) -> Result<ExceptionRow, Problem> {
    let (scope, site) = (scope(house), house.site.id);
    let found = house.read(move |db| ExceptionRow::find(db, &scope, site, id)).await?;
    found.ok_or_else(|| Problem::missing(format!("there is no exception {id}")))
}

async fn made(
    State(house): State<House>,
    Told(body): Told<ExceptionBody>,
) -> Result<(StatusCode, Json<ExceptionItem>), Problem> {
    Ok((StatusCode::CREATED, Json(create(&house, body).await?)))
}

async fn one(State(house): State<House>, placed: Placed) -> Result<Json<ExceptionItem>, Problem> {
    let row = find(&house, placed.number(0)?).await?;
    Ok(Json(ExceptionItem::of(&row, house.now())))
}

async fn revoked(State(house): State<House>, placed: Placed) -> Result<Json<ExceptionItem>, Problem> {
    Ok(Json(revoke(&house, placed.number(0)?).await?))
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let (all, path, tag) = ("/api/v1/exceptions", "/api/v1/exceptions/{id}", "exceptions");
    let list = rows::endpoints::<ExceptionsAsked>(
        [all, "/api/v1/exceptions.csv", "/api/v1/exceptions.json"],
        ["listExceptions", "exceptionsAsCsv", "exceptionsAsJson"],
        [tag, "Exceptions, newest first."],
    );
    let own = [
        Endpoint::new("post", all, "createException", tag, "Makes an exception.", post(made))
            .taking::<ExceptionBody>()
            .answering::<ExceptionItem>(201),
        Endpoint::get::<ExceptionItem>(path, "getException", tag, "An exception.", get(one)).at(&[ID]),
        Endpoint::new(
            "delete",
            path,
            "revokeException",
            tag,
            "Ends an exception now; it stays on record.",
            delete(revoked),
        )
        .at(&[ID])
        .answering::<ExceptionItem>(200),
    ];
    list.into_iter().chain(own).collect()
}
