//! What is allowed for a while although a rule says otherwise: with a reason, a second person, and an end.

use crate::words::{Invalid, Line, PERSON_CHARS_MAX, Prose, REASON_CHARS_MAX};
use crate::{About, Duration, Timestamp};
use std::fmt;

/// Days that an exception holds at most; after that it has to be asked for anew.
pub const EXCEPTION_DAYS_MAX: u64 = 366;
/// Characters of a rule's name.
const RULE_CHARS_MAX: usize = 100;

/// Name of a rule or a kind of finding: lower-case letters, digits, `-`, `_`, `.`, `/` and `:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName(String);

impl RuleName {
    /// What a name is made of, as a pattern for documentation.
    pub const PATTERN: &'static str = "^[a-z0-9][a-z0-9_.:/-]{0,99}$";

    /// The name, if it is one.
    ///
    /// # Errors
    /// [`Invalid`] with what it may be made of.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let fits = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && text.len() <= RULE_CHARS_MAX
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.:/-".contains(&b));
        match fits {
            true => Ok(Self(text.to_owned())),
            false => Err(Invalid::quoting(
                "rule",
                text,
                "is no rule: write the name of a rule or a kind of finding, such as weak-protocol",
            )),
        }
    }

    /// A name that was checked before it was stored.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An exception. INVARIANT: who approved is not who asked, and it ends within [`EXCEPTION_DAYS_MAX`] of its making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    about: About,
    rule: RuleName,
    reason: Prose<REASON_CHARS_MAX>,
    asked_by: Line<PERSON_CHARS_MAX>,
    approver: Line<PERSON_CHARS_MAX>,
    expires_at: Timestamp,
}

impl Exception {
    /// An exception from `rule`, made now.
    ///
    /// # Errors
    /// [`Invalid`] names the field.
    pub fn new(
        about: About,
        rule: &str,
        reason: &str,
        (asked_by, approver): (&str, &str),
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        let exception = Self {
            about,
            rule: RuleName::new(rule)?,
            reason: Prose::new("reason", reason)?,
            asked_by: Line::new("asked_by", asked_by)?,
            approver: Line::new("approver", approver)?,
            expires_at,
        };
        // Case is no second person.
        if exception.asked_by.as_str().to_lowercase() == exception.approver.as_str().to_lowercase() {
            return Err(Invalid::new("approver", "is who asked: somebody else has to approve"));
        }
        if expires_at <= now {
            return Err(Invalid::new("expires_at", "is past: write a time to come"));
        }
        if expires_at > now.plus(Duration::from_secs(EXCEPTION_DAYS_MAX * 86_400)) {
            let why = format!("is more than {EXCEPTION_DAYS_MAX} days away: ask again before it ends");
            return Err(Invalid::new("expires_at", why));
        }
        Ok(exception)
    }

    /// An exception that was checked before it was stored.
    pub fn kept(
        about: About,
        (rule, reason): (String, String),
        (asked_by, approver): (String, String),
        expires_at: Timestamp,
    ) -> Self {
        Self {
            about,
            rule: RuleName::kept(rule),
            reason: Prose::kept(reason),
            asked_by: Line::kept(asked_by),
            approver: Line::kept(approver),
            expires_at,
        }
    }

    /// What it is for.
    pub fn about(&self) -> About {
        self.about
    }

    /// The rule that does not hold.
    pub fn rule(&self) -> &RuleName {
        &self.rule
    }

    /// Why.
    pub fn reason(&self) -> &Prose<REASON_CHARS_MAX> {
        &self.reason
    }

    /// Who asked.
    pub fn asked_by(&self) -> &Line<PERSON_CHARS_MAX> {
        &self.asked_by
    }

    /// Who approved.
    pub fn approver(&self) -> &Line<PERSON_CHARS_MAX> {
        &self.approver
    }

    /// Until when.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_people_and_an_end() {
        let (now, day) = (Timestamp::from_secs(1_000), 86_400);
        let ask = |asker, approver, until| {
            let people = (asker, approver);
            Exception::new(
                About::Site,
                "weak-protocol",
                "old monitor",
                people,
                Timestamp::from_secs(until),
                now,
            )
        };
        assert!(ask("a. weber", "b. klein", 1_000 + 366 * day).is_ok());
        assert_eq!(ask("a. weber", "A. Weber ", 2_000).unwrap_err().field, "approver");
        assert_eq!(ask("a", "b", 1_000).unwrap_err().field, "expires_at");
        assert_eq!(ask("a", "b", 1_001 + 366 * day).unwrap_err().field, "expires_at");
        for rule in ["", "Weak", "-a", "a b", "ä", &"a".repeat(101)] {
            assert!(RuleName::new(rule).is_err(), "{rule:?}");
        }
    }
}
