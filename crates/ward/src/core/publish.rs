//! What lists, maps and open pages are told: which devices became what, who talks to whom, how the site stands.
//!
//! It must not tell what is not so: it tells from memory, and only while memory is what the store says. It must not cost more
//! than it is worth: only what changed is told, in shares, and when a device was last seen at most once a minute.

use super::{Core, Due};
use judge::sight::{Completeness, SensorHour, Sight};
use model::{DeviceId, SensorId, Timestamp};
use serde::Serialize;
use serve::inventory::{Change, Entry, FindingTotals, Inventory, Summary, midnight};
use serve::network::Network;
use serve::stream::Stream;
use serve::when::{Zone, rfc3339};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// Devices told at once beside those that were only seen again; the others wait for the next second.
const DEVICES_PER_BEAT: usize = 5_000;
/// Seconds in which all that were seen again are told so.
const SEEN_WITHIN_S: usize = 60;
/// Least devices told at once that were only seen again.
const SEEN_PER_BEAT_MIN: usize = 64;

/// Where the core publishes to.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// Devices.
    pub inventory: Arc<Inventory>,
    /// Who talks to whom.
    pub network: Arc<Network>,
    /// Open pages.
    pub stream: Arc<Stream>,
    /// The site's clock: it says what is new today.
    pub zone: Zone,
}

/// What is to be told. Bounded by the devices of the site.
#[derive(Default)]
pub(super) struct Touched {
    /// Everything: it has been read again.
    pub(super) all: bool,
    /// These.
    pub(super) devices: Due,
    /// These were seen again, and nothing else became of them.
    pub(super) seen: Due,
}

/// What was told.
pub(super) struct Publication {
    pub(super) rooms: Rooms,
    /// Devices that lists have.
    listed: BTreeSet<DeviceId>,
    /// Where the round over those seen again goes on.
    seen_until: Option<DeviceId>,
    /// Of which revision and which day, and what.
    counted: Option<((u64, Timestamp), Summary)>,
    /// Who talked to whom before the start is read and told.
    pub(super) backlog: super::heard::Backlog,
}

/// How the site stands: one line for every open page.
#[derive(Serialize)]
struct Standing {
    revision: u64,
    devices: u64,
    known: u64,
    in_doubt: u64,
    unknown: u64,
    new_today: u64,
    findings: FindingTotals,
    /// Nothing was missed in the newest hour; `null`: no sensor has told, or it could not be checked.
    coverage_complete: Option<bool>,
    /// Newest time that any record told, RFC 3339; empty: none.
    observed: String,
}

impl Core {
    /// Tells `rooms` everything now, and what changes from now on.
    pub fn publish_to(&mut self, rooms: Rooms, now: Timestamp) {
        self.site.touched.all = true;
        self.publication = Some(Publication {
            rooms,
            listed: BTreeSet::new(),
            seen_until: None,
            counted: None,
            backlog: super::heard::Backlog::default(),
        });
        self.publish_changes(now);
    }

    /// Once a second: what changed, who was seen again, who talks to whom, how the site stands.
    pub fn publish(&mut self, now: Timestamp) {
        self.publishing(|core, publication| {
            let mut changes = core.changes(publication);
            changes.extend(core.seen_again(publication));
            publication.apply(changes);
            core.tell_heard(publication, now);
            core.tell_standing(publication, now);
        });
    }

    /// What changed, at once: whoever changed it looks at it now.
    pub(super) fn publish_changes(&mut self, now: Timestamp) {
        self.publishing(|core, publication| {
            let changes = core.changes(publication);
            publication.apply(changes);
            core.tell_standing(publication, now);
        });
    }

    fn publishing(&mut self, tell: impl FnOnce(&mut Self, &mut Publication)) {
        if !self.is_whole() {
            return;
        }
        if let Some(mut publication) = self.publication.take() {
            tell(self, &mut publication);
            self.publication = Some(publication);
        }
    }

    /// What became of the devices that something became of.
    fn changes(&mut self, publication: &Publication) -> Vec<Change> {
        let is_drawn = self.site.is_drawn();
        if std::mem::take(&mut self.site.touched.all) || (!is_drawn && !self.site.touched.devices.is_empty())
        {
            self.site.touched.devices.clear();
            return self.all_changes(publication);
        }
        let mut changes = Vec::new();
        for _ in 0..DEVICES_PER_BEAT {
            let Some(device) = self.site.touched.devices.pop_first() else { break };
            self.site.touched.seen.remove(&device);
            let entry = self.site.published(device, self.site.endpoints_of(device), &self.views);
            changes.extend(publication.change(device, entry));
        }
        changes
    }

    /// The same of all of them, also before they were drawn.
    fn all_changes(&self, publication: &Publication) -> Vec<Change> {
        let endpoints = self.site.by_device();
        let (mut changes, mut gone) = (Vec::new(), publication.listed.clone());
        for row in self.site.rows() {
            let its = endpoints.get(&row.device).map_or(&[][..], Vec::as_slice);
            let mut entry = self.site.published(row.device, its, &self.views);
            // When a gateway last spoke of a device is known again only when its card is drawn.
            if let Some(entry) = entry.as_mut().filter(|_| its.is_empty())
                && let Some(told) = publication.rooms.inventory.get(row.device)
            {
                entry.last_seen = entry.last_seen.max(told.last_seen);
            }
            gone.remove(&row.device);
            changes.extend(publication.change(row.device, entry));
        }
        changes.extend(gone.into_iter().map(Change::Gone));
        changes
    }

    /// A share of the devices that were seen again: all of them within a minute.
    fn seen_again(&mut self, publication: &mut Publication) -> Vec<Change> {
        let share = (publication.listed.len() / SEEN_WITHIN_S).max(SEEN_PER_BEAT_MIN);
        let from = publication.seen_until.map_or(Bound::Unbounded, Bound::Excluded);
        let due: Vec<DeviceId> =
            self.site.touched.seen.range((from, Bound::Unbounded)).take(share).copied().collect();
        publication.seen_until = due.last().copied().filter(|_| due.len() == share);
        due.into_iter().filter_map(|device| self.seen_change(device, publication)).collect()
    }

    fn seen_change(&mut self, device: DeviceId, publication: &Publication) -> Option<Change> {
        self.site.touched.seen.remove(&device);
        let known = publication.rooms.inventory.get(device)?;
        let last_seen = self.site.seen_at(device, &self.views)?;
        let is_news = last_seen != known.last_seen;
        is_news.then(|| Change::Is(Box::new(Entry { last_seen, ..(*known).clone() })))
    }

    fn tell_standing(&self, publication: &mut Publication, now: Timestamp) {
        let revision = publication.rooms.inventory.revision();
        let summary = publication.summary(revision, now);
        let standing = Standing {
            revision,
            devices: summary.devices,
            known: summary.known,
            in_doubt: summary.in_doubt,
            unknown: summary.unknown,
            new_today: summary.new_today,
            findings: summary.findings,
            coverage_complete: self.is_coverage_complete(now),
            observed: rfc3339(self.observed),
        };
        if let Ok(line) = serde_json::to_string(&standing) {
            publication.rooms.stream.tell(&line);
        }
    }

    /// Whether the sensors missed nothing in the newest hour that they told of; `None`: that could not be checked. Gaps, and hours
    /// before, are for the page that asks the store.
    fn is_coverage_complete(&self, now: Timestamp) -> Option<bool> {
        // What a clock that is ahead tells is of no hour yet.
        let told = || self.coverage.iter().filter(|((_, hour), _)| *hour <= now.hour());
        let newest = told().map(|((_, hour), _)| *hour).max()?;
        let hour = |((sensor, hour), seen): (&(SensorId, u32), &super::Seen)| SensorHour {
            sensor: *sensor,
            hour: *hour,
            coverage: seen.coverage.clone(),
        };
        match Sight::of(told().map(hour).collect(), Vec::new(), newest, now).completeness {
            Completeness::Complete => Some(true),
            Completeness::NotComplete(_) => Some(false),
            Completeness::Unchecked(_) => None,
        }
    }
}

impl Publication {
    /// What lists must be told of a device; `None`: they have it so.
    fn change(&self, device: DeviceId, entry: Option<Entry>) -> Option<Change> {
        match entry {
            None => self.listed.contains(&device).then_some(Change::Gone(device)),
            Some(entry) => {
                let known = self.rooms.inventory.get(device);
                known.is_none_or(|known| *known != entry).then(|| Change::Is(Box::new(entry)))
            }
        }
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for change in &changes {
            match change {
                Change::Is(entry) => drop(self.listed.insert(entry.id)),
                Change::Gone(device) => drop(self.listed.remove(device)),
            }
        }
        if !changes.is_empty() {
            self.rooms.inventory.apply(changes);
        }
    }

    /// Counted anew where something changed, or another day began.
    fn summary(&mut self, revision: u64, now: Timestamp) -> Summary {
        let of = (revision, midnight(&self.rooms.zone, now));
        match self.counted {
            Some((counted, summary)) if counted == of => summary,
            _ => {
                let summary = Summary::of(&self.rooms.inventory, &self.rooms.zone, now);
                self.counted = Some((of, summary));
                summary
            }
        }
    }
}
