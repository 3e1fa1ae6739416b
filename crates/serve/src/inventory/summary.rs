//! How many there are, and of how many what they are is known: counted once for the Now page, the API and the stream.

use super::{Entry, Inventory};
use crate::when::Zone;
use model::{Severity, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// Open findings of a site by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingTotals {
    /// Now.
    pub critical: u64,
    /// This week.
    pub high: u64,
    /// To be planned.
    pub medium: u64,
    /// Worth knowing.
    pub low: u64,
}

/// The devices of a site in numbers. `known`, `in_doubt` and `unknown` add up to `devices`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// All of them.
    pub devices: u64,
    /// It is known what they are: their class, or what they say of themselves, without contradiction.
    pub known: u64,
    /// What they say of themselves contradicts itself.
    pub in_doubt: u64,
    /// The rest.
    pub unknown: u64,
    /// Nobody has accepted them.
    pub unreviewed: u64,
    /// In no zone.
    pub unzoned: u64,
    /// First seen since midnight on the site's wall.
    pub new_today: u64,
    /// Open findings.
    pub findings: FindingTotals,
}

impl Summary {
    /// Counts all devices; `now` says what is today.
    pub fn of(inventory: &Inventory, zone: &Zone, now: Timestamp) -> Self {
        let (mut summary, today) = (Self::default(), midnight(zone, now));
        inventory.each(&mut |entry| summary.add(entry, today));
        summary
    }

    /// Counts one more; `today` is when today began.
    pub fn add(&mut self, entry: &Entry, today: Timestamp) {
        let count = |is_so: bool| u64::from(is_so);
        let (is_known, is_in_doubt) = (entry.is_known(), entry.is_in_doubt());
        self.devices += 1;
        self.known += count(is_known);
        self.in_doubt += count(is_in_doubt);
        self.unknown += count(!is_known && !is_in_doubt);
        self.unreviewed += count(!entry.reviewed);
        self.unzoned += count(entry.zone.is_none());
        self.new_today += count(entry.first_seen >= today);
        let totals = &mut self.findings;
        totals.critical += u64::from(entry.findings.critical);
        totals.high += u64::from(entry.findings.high);
        totals.medium += u64::from(entry.findings.medium);
        totals.low += u64::from(entry.findings.low);
    }
}

impl FindingTotals {
    /// Those of one severity.
    pub fn of(self, severity: Severity) -> u64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
        }
    }
}

/// When today began on the site's wall.
pub fn midnight(zone: &Zone, now: Timestamp) -> Timestamp {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(now.as_nanos())).ok();
    let local = instant.map(|instant| instant.to_zoned(zone.time_zone().clone()).datetime());
    let began = local.and_then(|local| zone.instant(local.date().to_datetime(jiff::civil::Time::midnight())));
    // Where the clock cannot be reckoned with: a day back.
    began.unwrap_or_else(|| Timestamp::from_secs(now.as_secs().saturating_sub(86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_begins_at_midnight() {
        let now = Timestamp::from_secs(1_795_357_200);
        let began = midnight(&Zone::UTC, now);
        assert_eq!(began.as_secs() % 86_400, 0);
        assert!(began <= now && now.as_secs() - began.as_secs() < 86_400);
    }
}
