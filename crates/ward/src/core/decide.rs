//! What people decide about devices, as acts: checked, written by who decided, then looked at. A decision that cannot be followed
//! is said so and stays; it must never be dropped in silence, nor deleted to be taken back.

use super::Core;
use judge::site::{DECISIONS_MAX, Decision};
use model::{Address, DeviceId, Timestamp};
use serde::Serialize;
use store::decisions::DecisionRow;
use store::endpoints;
use store::table::DECISIONS;
use store::{StoreError, Tx};

/// Characters that a reason has at least and at most.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 3..=500;

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Number of the decision, by which it can be taken back.
    pub decision: i64,
    /// The look that followed heeds it. A decision that was taken back is not heeded.
    pub heeded: bool,
    /// Decisions in force that cannot be followed any more, by number: they name what is not there, or others contradict them.
    pub unheeded: Vec<i64>,
}

impl Core {
    /// Writes down a decision of `by` because of `reason`, and looks at the site by it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with the way out when it cannot be followed, nothing is written then; and by cause.
    pub fn decide(
        &mut self,
        decision: Decision,
        reason: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Decided, StoreError> {
        self.settle(now)?;
        self.check(&decision)?;
        let reason = reason.trim();
        if !REASON_CHARS.contains(&reason.chars().count()) {
            let (least, most) = (REASON_CHARS.start(), REASON_CHARS.end());
            return refuse(format!("say why, in {least} to {most} characters: others will ask"));
        }
        let id = self.store.next_id(&DECISIONS);
        let row = DecisionRow {
            id,
            decision,
            reason: reason.to_owned(),
            decided_by: by.to_owned(),
            decided_at: now.max(self.store.newest()),
            reverted_at: None,
        };
        let cause = match decision {
            Decision::Merge { .. } => "two devices are one, by decision",
            Decision::Split { .. } => "an endpoint is not a device's, by decision",
        };
        self.put_decision(row, by, cause, now)
    }

    /// Takes back decision `row`, and looks at the site without it: devices part again under the ids they had.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when there is none or it was taken back already; and by cause.
    pub fn revert(&mut self, row: i64, by: &str, now: Timestamp) -> Result<Decided, StoreError> {
        self.settle(now)?;
        let Some(known) = DecisionRow::find(self.store.db(), self.settings.site, row)? else {
            return refuse(format!("there is no decision {row}: `ward devices decisions` lists them"));
        };
        if known.reverted_at.is_some() {
            return refuse(format!("decision {row} was taken back already: nothing is to be done"));
        }
        let known = DecisionRow { reverted_at: Some(now.max(self.store.newest())), ..known };
        self.put_decision(known, by, "a decision about devices is taken back", now)
    }

    /// Numbers and views as they are stored, should the last commit have failed.
    fn settle(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.store.is_unsure() { self.recover(now) } else { Ok(()) }
    }

    fn put_decision(
        &mut self,
        row: DecisionRow,
        by: &str,
        cause: &str,
        now: Timestamp,
    ) -> Result<Decided, StoreError> {
        let (id, holds) = (row.id, row.reverted_at.is_none());
        let mut tx = Tx::new(self.settings.site, by, cause, now);
        tx.put(&DECISIONS, id, row.cells());
        self.commit_or_recover(tx, now)?;
        self.site.note_decision(row);
        // What follows from it is Ward's own conclusion, with a leaf of its own. If it fails here, the next look draws it.
        self.site.ask_look();
        let mut tx = Tx::new(self.settings.site, "ward", "a look at the site after a decision", now)
            .decided_by(self.decider);
        self.look_now(&mut tx, now).inspect_err(|_| {
            let _ = self.recover(now);
        })?;
        self.commit(tx, now)?;
        self.publish_changes(now);
        let unheeded = self.site.unheeded().to_vec();
        Ok(Decided { decision: id, heeded: holds && !unheeded.contains(&id), unheeded })
    }

    /// The endpoint of `device` that `text` names: `domain|address`, or the address alone where that is clear.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when it is none of the device's, with those that are.
    pub fn endpoint_of(
        &self,
        device: DeviceId,
        text: &str,
    ) -> Result<judge::inventory::SubjectKey, StoreError> {
        let its: Vec<_> = self.site.subjects_of(device).collect();
        let text = text.trim();
        let address = text.parse().map(Address::Mac).ok().or_else(|| text.parse().map(Address::Ip).ok());
        let wanted: Vec<_> = match address {
            Some(address) => its.iter().filter(|key| key.address == address).collect(),
            None => {
                let key = endpoints::parse(text).ok();
                its.iter().filter(|its| Some(**its) == key).collect()
            }
        };
        let listed = |keys: &[String]| if keys.is_empty() { "none now".to_owned() } else { keys.join(", ") };
        match wanted.as_slice() {
            [only] => Ok(**only),
            [] => {
                let its: Vec<String> = its.iter().take(ENDPOINTS_NAMED).map(endpoints::text).collect();
                let shown: String = text.chars().take(60).collect();
                refuse(format!(
                    "\"{}\" is no endpoint of {device}; it has: {}",
                    shown.escape_debug(),
                    listed(&its)
                ))
            }
            several => {
                let several: Vec<String> = several.iter().map(|key| endpoints::text(key)).collect();
                refuse(format!("several endpoints have this address: write {}", several.join(" or ")))
            }
        }
    }

    /// What could never be followed is not written.
    fn check(&self, decision: &Decision) -> Result<(), StoreError> {
        let devices = match decision {
            Decision::Merge { a, b } if a == b => {
                return refuse(format!("{a} is one device already: name two"));
            }
            Decision::Merge { a, b } => vec![a, b],
            Decision::Split { device, .. } => vec![device],
        };
        for device in devices {
            let Some(known) = self.site.known(*device) else {
                return refuse(format!("there is no device {device}: `ward devices` lists them"));
            };
            if let Decision::Split { subject, .. } = decision
                && known.key == *subject
            {
                let key = endpoints::text(subject);
                return refuse(format!(
                    "{key} is what names {device}: split off its other endpoints instead"
                ));
            }
        }
        if let Decision::Split { device, subject } = decision
            && self.site.owner(subject) != Some(*device)
        {
            return refuse(format!("{} is no endpoint of {device} now", endpoints::text(subject)));
        }
        let in_force = self.site.decisions();
        if let Some(same) = in_force.iter().find(|row| says_the_same(&row.decision, decision)) {
            return refuse(format!("decision {} says so already", same.id));
        }
        if in_force.len() >= DECISIONS_MAX {
            return refuse(format!(
                "{DECISIONS_MAX} decisions hold already: take back some that are not needed"
            ));
        }
        Ok(())
    }
}

/// Endpoints named in a message.
const ENDPOINTS_NAMED: usize = 20;

fn says_the_same(one: &Decision, other: &Decision) -> bool {
    match (one, other) {
        (Decision::Merge { a, b }, Decision::Merge { a: c, b: d }) => (a, b) == (c, d) || (a, b) == (d, c),
        (one, other) => one == other,
    }
}

fn refuse<T>(why: String) -> Result<T, StoreError> {
    Err(StoreError::Refused(why))
}
