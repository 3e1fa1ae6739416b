//! What is kept how long, as data: defaults, what a site changed, and legal holds.

use super::date::{self, DAY_NS};
use crate::db::{Cell, Db};
use crate::error::{Result, StoreError};
use model::{SiteId, Timestamp};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Legal holds of one site.
pub const HOLDS_MAX: usize = 64;
/// Days that a rule may say: a hundred years.
const DAYS_MAX: u32 = 36_525;
/// Six years with their leap days.
const SIX_YEARS: u32 = 2_192;
/// Characters that a reason has at least.
const REASON_CHARS_MIN: usize = 10;
/// Rows of table `policies` that set a rule are named so, with the rule's name behind.
pub(super) const RETENTION: &str = "retention:";
/// Rows of table `policies` that are holds are named so, with a name of people's choice behind.
pub(super) const HOLD: &str = "hold:";

/// One rule and its default.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Name, as in `retention:NAME`.
    pub name: &'static str,
    /// What it is about, for people.
    pub what: &'static str,
    /// From when the days count, for people.
    pub from: &'static str,
    /// Days, unless a site says otherwise.
    pub days: u32,
    /// Fewer days ask for a reason.
    pub minimum: Option<u32>,
    /// Where the minimum comes from.
    pub law: &'static str,
}

const HIPAA: &str = "45 CFR 164.316(b)(2)(i): documentation is kept for six years";

/// Every rule, in the order in which it is applied: what refers to others goes before them.
pub static RULES: &[Rule] = &[
    Rule {
        name: "flows",
        what: "record blocks, deleted; hourly talks, summed by day",
        from: "the time on the wire",
        days: 90,
        minimum: None,
        law: "",
    },
    Rule {
        name: "aggregates",
        what: "daily sums of talks, deleted",
        from: "the day they sum",
        days: 365,
        minimum: None,
        law: "",
    },
    Rule {
        name: "events",
        what: "events, deleted; those of an incident are kept by its hold",
        from: "the time on the wire",
        days: 365,
        minimum: None,
        law: "",
    },
    Rule {
        name: "coverage",
        what: "what sensors saw and missed, deleted; never before the flows it speaks for",
        from: "the hour it tells of",
        days: 90,
        minimum: None,
        law: "",
    },
    Rule {
        name: "gaps",
        what: "times when nobody listened, deleted",
        from: "their end",
        days: SIX_YEARS,
        minimum: Some(SIX_YEARS),
        law: HIPAA,
    },
    Rule {
        name: "findings",
        what: "findings, deleted",
        from: "the last time they were seen or changed",
        days: SIX_YEARS,
        minimum: Some(SIX_YEARS),
        law: HIPAA,
    },
    Rule {
        name: "inventory",
        what: "devices, endpoints, claims, bindings and decisions, deleted",
        from: "the device's last frame and the last change",
        days: SIX_YEARS,
        minimum: Some(SIX_YEARS),
        law: HIPAA,
    },
    Rule {
        name: "acts",
        what: "keys of acts already done, deleted; their leaves stay",
        from: "their leaf",
        days: 30,
        minimum: None,
        law: "",
    },
    Rule {
        name: "outbox",
        what: "effects that were performed, deleted",
        from: "the time they were due",
        days: 30,
        minimum: None,
        law: "",
    },
    Rule {
        name: "cursors",
        what: "how far a source was durable that is gone, deleted",
        from: "its last record",
        days: 30,
        minimum: None,
        law: "",
    },
];

/// A rule as it holds at a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Which rule.
    pub rule: &'static Rule,
    /// Days.
    pub days: u32,
    /// Why it is not the default, if somebody said.
    pub reason: Option<String>,
    /// Set by a row, not by default.
    pub is_set: bool,
}

/// A legal hold: whatever lies in its time, even in part, stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalHold {
    /// Name, behind `hold:`.
    pub name: String,
    /// From here on, nanoseconds since 1970.
    pub from: i64,
    /// To before here; `i64::MAX`: until it is lifted.
    pub to: i64,
    /// Why.
    pub reason: String,
}

/// What is kept how long at one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub(super) site: SiteId,
    pub(super) keeps: Vec<Keep>,
    pub(super) holds: Vec<LegalHold>,
    /// Sources that are there; `None`: not known, so that no cursor is deleted.
    pub(super) sources: Option<BTreeSet<String>>,
}

impl LegalHold {
    /// Its first day, `YYYY-MM-DD`.
    pub fn first_day(&self) -> String {
        date::of(self.from)
    }

    /// Its last day; `None`: until it is lifted.
    pub fn last_day(&self) -> Option<String> {
        (self.to != i64::MAX).then(|| date::of(self.to - 1))
    }
}

/// A row that sets a rule or is a hold.
#[derive(Debug)]
pub(super) struct PolicyRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) value: String,
}

impl PolicyRow {
    /// Those of a site, by name.
    pub(super) fn all(db: &mut Db, site: SiteId) -> Result<Vec<Self>> {
        let mut rows = Vec::new();
        let sql = "SELECT id, name, value FROM policies WHERE site = ?1 ORDER BY name";
        db.query(sql, &[Cell::Int(site.0.into())], &mut |row| {
            let name = row.text(1)?;
            if name.starts_with(RETENTION) || name.starts_with(HOLD) {
                rows.push(Self { id: row.int(0)?, name: name.to_owned(), value: row.text(2)?.to_owned() });
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// Name and value.
    pub(super) fn parts(&self) -> (&str, &str) {
        (&self.name, &self.value)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepText {
    days: u32,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldText {
    from: String,
    to: Option<String>,
    reason: String,
}

impl Default for Policy {
    /// The defaults, for site 0.
    fn default() -> Self {
        Self::of(SiteId::default())
    }
}

impl Policy {
    /// The defaults of one site.
    pub fn of(site: SiteId) -> Self {
        let default = |rule: &'static Rule| Keep { rule, days: rule.days, reason: None, is_set: false };
        Self { site, keeps: RULES.iter().map(default).collect(), holds: Vec::new(), sources: None }
    }

    /// The policy of a site: the defaults, and what rows of table `policies` say. A row that cannot be understood is an error
    /// and not passed over, for it may be a hold.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with the row and the way out; and by cause.
    pub fn read(db: &mut Db, site: SiteId) -> Result<Self> {
        Self::from_rows(site, PolicyRow::all(db, site)?.iter().map(PolicyRow::parts))
    }

    /// The same from rows in memory: also how a row is checked before it is written.
    ///
    /// # Errors
    /// [`StoreError::Refused`].
    pub fn from_rows<'a>(site: SiteId, rows: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut policy = Self::of(site);
        for (name, value) in rows {
            if let Some(rule) = name.strip_prefix(RETENTION) {
                policy.set(rule, value)?;
            } else if let Some(hold) = name.strip_prefix(HOLD) {
                policy.hold(hold, value)?;
            }
        }
        policy.check()?;
        Ok(policy)
    }

    /// Says which sources are there: only of others may cursors be deleted.
    #[must_use]
    pub fn with_sources(mut self, sources: impl IntoIterator<Item = String>) -> Self {
        self.sources = Some(sources.into_iter().collect());
        self
    }

    /// Days that rule `name` keeps.
    pub fn days(&self, name: &str) -> u32 {
        self.keep(name).map_or(DAYS_MAX, |keep| keep.days)
    }

    /// The rules as they hold.
    pub fn keeps(&self) -> &[Keep] {
        &self.keeps
    }

    /// The holds.
    pub fn holds(&self) -> &[LegalHold] {
        &self.holds
    }

    /// The newest time that rule `name` no longer keeps, nanoseconds since 1970, exclusive.
    pub(super) fn cutoff(&self, name: &str, now: Timestamp) -> i64 {
        (crate::tx::time(now) - i64::from(self.days(name)) * DAY_NS).max(0)
    }

    fn keep(&self, name: &str) -> Option<&Keep> {
        self.keeps.iter().find(|keep| keep.rule.name == name)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if name == "ledger" {
            return Err(refused(RETENTION, name, "the ledger is append-only: remove the row"));
        }
        let names = || RULES.iter().map(|rule| rule.name).collect::<Vec<_>>().join(", ");
        let Some(keep) = self.keeps.iter_mut().find(|keep| keep.rule.name == name) else {
            return Err(refused(RETENTION, name, &format!("no such rule; there are: {}", names())));
        };
        let text: KeepText = serde_json::from_str(value).map_err(|error| {
            refused(RETENTION, name, &format!("{error}; write {{\"days\": 90, \"reason\": \"…\"}}"))
        })?;
        if text.days == 0 || text.days > DAYS_MAX {
            return Err(refused(
                RETENTION,
                name,
                &format!("{} days; from 1 to {DAYS_MAX} can be kept", text.days),
            ));
        }
        let is_reasoned = text.reason.as_deref().is_some_and(is_reason);
        if let Some(minimum) = keep.rule.minimum
            && text.days < minimum
            && !is_reasoned
        {
            let (days, law) = (text.days, keep.rule.law);
            let why = format!(
                "{days} days are fewer than {minimum} ({law}): say why in \"reason\", in {REASON_CHARS_MIN} characters or more"
            );
            return Err(refused(RETENTION, name, &why));
        }
        (keep.days, keep.reason, keep.is_set) = (text.days, text.reason, true);
        Ok(())
    }

    fn hold(&mut self, name: &str, value: &str) -> Result<()> {
        let text: HoldText = serde_json::from_str(value).map_err(|error| {
            let form = r#"{"from": "2026-01-01", "to": "2026-03-31", "reason": "…"}"#;
            refused(HOLD, name, &format!("{error}; write {form}; without \"to\" it holds until it is lifted"))
        })?;
        let day = |date: &str| {
            let shown: String = date.chars().take(40).collect();
            let why = format!("`{shown}` is no date; write YYYY-MM-DD");
            date::start_of(date).ok_or_else(|| refused(HOLD, name, &why))
        };
        let from = day(&text.from)?;
        let to = match &text.to {
            Some(date) => day(date)? + DAY_NS,
            None => i64::MAX,
        };
        if to <= from {
            return Err(refused(HOLD, name, "it ends before it begins"));
        }
        if !is_reason(&text.reason) {
            let why = format!("say why in \"reason\", in {REASON_CHARS_MIN} characters or more");
            return Err(refused(HOLD, name, &why));
        }
        if self.holds.len() == HOLDS_MAX {
            return Err(refused(HOLD, name, &format!("more than {HOLDS_MAX} holds: join some")));
        }
        self.holds.push(LegalHold { name: name.into(), from, to, reason: text.reason });
        Ok(())
    }

    /// What rules have to do with each other.
    fn check(&mut self) -> Result<()> {
        let flows = self.days("flows");
        // Unless somebody says otherwise, coverage goes with the flows it speaks for.
        for keep in self.keeps.iter_mut().filter(|keep| keep.rule.name == "coverage" && !keep.is_set) {
            keep.days = flows;
        }
        for (name, why) in [
            ("coverage", "silence in flows could not be told from not having listened"),
            ("aggregates", "sums would be gone before the hours they sum"),
        ] {
            let days = self.days(name);
            if days < flows {
                let why = format!("{days} days are fewer than the {flows} of flows: {why}");
                return Err(refused(RETENTION, name, &why));
            }
        }
        Ok(())
    }

    /// The policy in lines for people.
    pub fn explain(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.keeps.iter().map(explain_keep).collect();
        lines.push("ledger: every leaf, for good".into());
        lines.push("sealed values: until their subject is shredded".into());
        lines.extend(self.holds.iter().map(|hold| {
            let to = hold.last_day().map_or_else(|| "until it is lifted".into(), |day| format!("to {day}"));
            format!("hold {}: nothing from {} {to} is deleted ({})", hold.name, hold.first_day(), hold.reason)
        }));
        lines
    }
}

fn explain_keep(keep: &Keep) -> String {
    let Rule { name, what, from, .. } = keep.rule;
    let days = keep.days;
    let span = match days {
        SIX_YEARS => "6 years".into(),
        365 => "12 months".into(),
        days => format!("{days} days"),
    };
    let by = match (keep.is_set, &keep.reason) {
        (false, _) => "by default".into(),
        (true, None) => "set".into(),
        (true, Some(reason)) => format!("set: {reason}"),
    };
    format!("{name}: {what}, {span} after {from} ({by})")
}

fn is_reason(reason: &str) -> bool {
    reason.trim().chars().count() >= REASON_CHARS_MIN
}

fn refused(prefix: &str, name: &str, why: &str) -> StoreError {
    let name: String = name.chars().take(60).collect();
    StoreError::Refused(format!("policy `{prefix}{name}`: {why}"))
}
