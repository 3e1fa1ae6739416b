//! The state of a device's page, which is its address: moment, range of talks, kind of timeline, place in it.

use super::super::Visit;
use super::{Day, Problem, Range, Wanted, maybe};
use crate::api::after;
use crate::when::rfc3339;
use model::{DeviceId, Timestamp};
use store::timeline::{Kind, Place};

/// What the address says.
pub(super) struct State {
    pub(super) id: DeviceId,
    pub(super) at: Option<Timestamp>,
    pub(super) range: Range,
    pub(super) kind: Option<Kind>,
    pub(super) after: Option<Place>,
    /// Everything is opened, for paper.
    pub(super) is_open: bool,
}

impl State {
    /// Reads it.
    ///
    /// # Errors
    /// [`Problem`] for what cannot be understood.
    pub(super) fn read(visit: &Visit, id: DeviceId, wanted: &Wanted) -> Result<Self, Problem> {
        let at = maybe("at", wanted.at.as_deref(), &visit.house.site.zone, Day::Ends)?;
        Ok(Self {
            id,
            at: at.filter(|at| *at < visit.now),
            range: range(wanted.range.as_deref())?,
            kind: kind(wanted.kind.as_deref())?,
            after: after(wanted.after.as_deref().filter(|after| !after.is_empty()))?,
            is_open: wanted.view.as_deref() == Some("print"),
        })
    }

    /// The page with another range.
    pub(super) fn ranged(&self, range: Range) -> String {
        self.address(&[("range", range.name())], "#talks")
    }

    /// The page with another kind of timeline.
    pub(super) fn of_kind(&self, kind: Option<Kind>) -> String {
        self.address(&[("range", self.range.name()), ("kind", kind.map_or("", Kind::name))], "#timeline")
    }

    /// The page with the next lines of the timeline.
    pub(super) fn further(&self, after: &str) -> String {
        let kind = self.kind.map_or("", Kind::name);
        self.address(&[("range", self.range.name()), ("kind", kind), ("after", after)], "#timeline")
    }

    /// The page as the device is now.
    pub(super) fn now(&self) -> String {
        format!("/devices/{}", self.id)
    }

    /// The page for paper.
    pub(super) fn printed(&self) -> String {
        self.address(&[("range", self.range.name()), ("view", "print")], "")
    }

    /// The same page of the device that this one turned out to be.
    pub(super) fn of_survivor(&self, survivor: DeviceId) -> String {
        let at = self.at.map(|at| format!("&at={}", rfc3339(at))).unwrap_or_default();
        format!("/devices/{survivor}?merged={}{at}", self.id)
    }

    /// `?at=…` where the page is of the past.
    pub(super) fn query_at(&self) -> String {
        self.at.map(|at| format!("?at={}", rfc3339(at))).unwrap_or_default()
    }

    /// What the field for a moment holds: the site's wall clock, to the minute.
    pub(super) fn at_field(&self, visit: &Visit) -> Option<String> {
        let instant = jiff::Timestamp::from_nanosecond(i128::from(self.at?.as_nanos())).ok()?;
        let local = instant.to_zoned(visit.house.site.zone.time_zone().clone());
        Some(local.strftime("%Y-%m-%dT%H:%M").to_string())
    }

    /// Values are words of ours, RFC 3339 in UTC or a cursor: nothing in them has to be escaped.
    fn address(&self, parts: &[(&str, &str)], place: &str) -> String {
        let at = self.at.map(rfc3339).unwrap_or_default();
        let all = [("at", at.as_str())];
        let given = all.iter().chain(parts).filter(|(name, value)| {
            !value.is_empty() && (*name, *value) != ("range", Range::default().name())
        });
        let query: Vec<String> = given.map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/devices/{}{mark}{}{place}", self.id, query.join("&"))
    }
}

/// A range by its name.
///
/// # Errors
/// [`Problem`] for any other.
pub(crate) fn range(asked: Option<&str>) -> Result<Range, Problem> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(Range::default()) };
    let wrong = || Problem::bad(format!("range is \"{}\": it is 24h or 7d", crate::error::quote(asked)));
    Range::named(asked).ok_or_else(wrong)
}

/// A kind of timeline by its name; none: all.
///
/// # Errors
/// [`Problem`] for any other.
pub(crate) fn kind(asked: Option<&str>) -> Result<Option<Kind>, Problem> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(None) };
    let names = Kind::ALL.map(Kind::name).join(", ");
    let wrong = || Problem::bad(format!("kind is \"{}\": it is one of {names}", crate::error::quote(asked)));
    Kind::ALL.into_iter().find(|kind| kind.name() == asked).map(Some).ok_or_else(wrong)
}
