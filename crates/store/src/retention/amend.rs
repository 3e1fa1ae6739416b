//! Changing the policy: what people ask for, checked as a whole before any of it is written. It writes nothing itself: it
//! returns the transaction that does, by whom and why.

use super::policy::{HOLD, Policy, PolicyRow, RETENTION, RULES};
use crate::error::{Result, StoreError};
use crate::store::Store;
use crate::table::POLICIES;
use crate::tx::Tx;
use model::{SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Characters that the name of a hold has at most.
const HOLD_NAME_CHARS_MAX: usize = 60;
/// Characters that a reason has at most.
const REASON_CHARS_MAX: usize = 500;

/// One change of the policy, as people ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Amendment {
    /// A rule keeps this many days from now on.
    Set {
        /// Name of the rule.
        rule: String,
        /// Days.
        days: u32,
        /// Why; asked for below the legal minimum.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A rule is as by default again.
    Default {
        /// Name of the rule.
        rule: String,
    },
    /// Whatever lies in these days stays.
    Hold {
        /// A name of people's choice.
        name: String,
        /// First day, `YYYY-MM-DD`, UTC.
        from: String,
        /// Last day; without it until it is released.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// Why.
        reason: String,
    },
    /// A hold is lifted.
    Release {
        /// Its name.
        name: String,
    },
}

impl Amendment {
    /// Why, in words for the ledger: names and reasons of people stay in the row.
    fn cause(&self) -> &'static str {
        match self {
            Self::Set { .. } => "retention: a rule was set",
            Self::Default { .. } => "retention: a rule is as by default again",
            Self::Hold { .. } => "retention: a legal hold was placed",
            Self::Release { .. } => "retention: a legal hold was lifted",
        }
    }

    /// The row it is about, and what that says from then on; `None`: the row goes.
    fn row(&self) -> Result<(String, Option<String>)> {
        match self {
            Self::Set { rule, days, reason } => {
                reason.as_deref().map_or(Ok(()), is_bounded)?;
                let value = match reason {
                    Some(reason) => json!({ "days": days, "reason": reason }),
                    None => json!({ "days": days }),
                };
                Ok((format!("{RETENTION}{rule}"), Some(value.to_string())))
            }
            Self::Default { rule } => {
                if !RULES.iter().any(|known| known.name == rule) {
                    let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
                    return Err(refused(rule, &format!("no such rule; there are: {}", names.join(", "))));
                }
                Ok((format!("{RETENTION}{rule}"), None))
            }
            Self::Hold { name, from, to, reason } => {
                is_name(name)?;
                is_bounded(reason)?;
                let value = match to {
                    Some(to) => json!({ "from": from, "to": to, "reason": reason }),
                    None => json!({ "from": from, "reason": reason }),
                };
                Ok((format!("{HOLD}{name}"), Some(value.to_string())))
            }
            Self::Release { name } => Ok((format!("{HOLD}{name}"), None)),
        }
    }

    /// The transaction that makes it so; `None`: it is so already.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with the way out when the policy would not hold together; and by cause.
    pub fn plan(&self, store: &mut Store, site: SiteId, by: &str, now: Timestamp) -> Result<Option<Tx>> {
        let (name, value) = self.row()?;
        let rows = PolicyRow::all(store.db(), site)?;
        let known = rows.iter().find(|row| row.name == name);
        match (self, known) {
            (Self::Hold { name, .. }, Some(known)) if value.as_deref() != Some(&known.value) => {
                return Err(refused(name, "there is a hold of this name: release it first, or name another"));
            }
            (Self::Release { name }, None) => {
                let holds: Vec<&str> = rows.iter().filter_map(|row| row.name.strip_prefix(HOLD)).collect();
                let there = if holds.is_empty() {
                    "there is none".into()
                } else {
                    format!("there are: {}", holds.join(", "))
                };
                return Err(refused(name, &format!("no such hold; {there}")));
            }
            _ => {}
        }
        let others = || rows.iter().filter(|row| row.name != name).map(PolicyRow::parts);
        let fresh = value.as_deref().map(|value| (name.as_str(), value));
        let after = Policy::from_rows(site, others().chain(fresh)).map(|_| ());
        // A row that goes makes nothing worse where the policy could not be understood before.
        let was_sound = || Policy::from_rows(site, rows.iter().map(PolicyRow::parts)).is_ok();
        if let Err(error) = after
            && (value.is_some() || was_sound())
        {
            return Err(error);
        }
        let mut tx = Tx::new(site, by, self.cause(), now);
        match (known, value) {
            (None, None) => return Ok(None),
            (Some(known), Some(value)) if known.value == value => return Ok(None),
            (Some(known), None) => tx.delete(&POLICIES, known.id),
            (known, Some(value)) => {
                let id = known.map_or_else(|| store.next_id(&POLICIES), |known| known.id);
                tx.put(&POLICIES, id, vec![name.into(), value.into()]);
            }
        }
        Ok(Some(tx))
    }
}

fn is_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= HOLD_NAME_CHARS_MAX && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(refused(name, &format!("a hold is named by 1 to {HOLD_NAME_CHARS_MAX} letters, digits, -, _ and .")))
}

fn is_bounded(reason: &str) -> Result<()> {
    match reason.chars().count() {
        0..=REASON_CHARS_MAX => Ok(()),
        chars => Err(StoreError::Refused(format!(
            "the reason has {chars} characters; at most {REASON_CHARS_MAX}: keep the rest elsewhere and refer to it"
        ))),
    }
}

fn refused(name: &str, why: &str) -> StoreError {
    let name: String = name.chars().take(HOLD_NAME_CHARS_MAX).collect();
    StoreError::Refused(format!("\"{}\": {why}", name.escape_debug()))
}
