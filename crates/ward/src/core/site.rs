//! Looking at the whole site: which endpoints are which device, what each device's card says, what is worth attention.

mod conclude;

use super::publish::Touched;
use super::words::Words;
use super::zoning::Zoning;
use super::{Core, Due};
use conclude::ips;
use judge::inventory::{
    Digest, SubjectKey, between_devices, card, device_findings, joined, says_it_is, spoken_for,
};
use judge::site::{Assigned, Change, Decision, Drawn, Known, SiteView, site};
use model::{Card, Device, DeviceId, DeviceKey, Finding, FindingKind, Protocol, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::{Duration, Instant};
use store::decisions::DecisionRow;
use store::devices::{BindingRow, DeviceRow, UNREVIEWED};
use store::happenings::FindingRow;
use store::table::{BINDINGS, DEVICES, FINDINGS, OUTBOX};
use store::{StoreError, Tx, endpoints};

/// A look may take at most this share of the time: the next one waits ten times as long as the last took.
const REST_PER_LOOK: u32 = 10;
/// The effect that tells people of a finding.
pub const EFFECT_NOTIFY: &str = "notify";
/// Cards drawn in one transaction; the others wait for the next.
const CARDS_PER_TX: usize = 500;
/// Decisions that were not followed, named in a message.
const UNHEEDED_NAMED: usize = 5;

/// What is remembered between looks.
#[derive(Default)]
pub(super) struct SiteViews {
    digests: BTreeMap<SubjectKey, Digest>,
    assigned: Assigned,
    bindings: BTreeMap<SubjectKey, BindingRow>,
    devices: BTreeMap<DeviceId, DeviceRow>,
    findings: BTreeMap<(DeviceId, FindingKind, Protocol), FindingRow>,
    drawn: BTreeMap<DeviceId, Drawn>,
    /// What each gateway says of the devices it speaks for.
    told: BTreeMap<DeviceId, Vec<Device>>,
    /// What people decided and holds, oldest first; and which of it the last look could not follow, by row.
    decisions: Vec<DecisionRow>,
    unheeded: Vec<i64>,
    due: Due,
    /// What people say of devices, and what follows from their words and the zones' rules is not drawn yet.
    pub(super) words: Words,
    unconcluded: Due,
    zoning: Zoning,
    /// Which devices turned out to be which one.
    merged: BTreeMap<DeviceId, Due>,
    /// When a gateway last spoke of a device.
    spoken: BTreeMap<DeviceId, Timestamp>,
    pub(super) touched: Touched,
    look: bool,
    looked: Option<(Instant, Duration)>,
    fresh_look: Option<Duration>,
    lapsed_until: Option<SubjectKey>,
}

impl SiteViews {
    pub(super) fn note(&mut self, key: SubjectKey, digest: Digest) {
        self.digests.insert(key, digest);
        self.note_claim(&key);
    }

    pub(super) fn note_claim(&mut self, key: &SubjectKey) {
        self.due.extend(self.assigned.subjects.get(key));
    }

    pub(super) fn note_due(&mut self, due: Due) {
        self.due.extend(due);
    }

    pub(super) fn ask_look(&mut self) {
        self.look = true;
    }

    pub(super) fn all_due(&mut self) {
        self.due.extend(self.assigned.subjects.values());
    }

    pub(super) fn owner(&self, key: &SubjectKey) -> Option<DeviceId> {
        self.assigned.subjects.get(key).copied()
    }

    pub(super) fn devices(&self) -> usize {
        self.drawn.len() + self.told.values().map(Vec::len).sum::<usize>()
    }

    pub(super) fn bytes(&self) -> usize {
        let digests: usize = self.digests.values().map(Digest::memory_bytes).sum();
        digests
            + self.digests.len() * (2 * size_of::<SubjectKey>() + size_of::<BindingRow>())
            + self.devices.len() * size_of::<DeviceRow>()
    }

    pub(super) fn load_device(&mut self, row: DeviceRow) {
        if let Ok(key) = endpoints::parse(&row.key) {
            self.assigned.devices.insert(row.device, Known { key, since: row.first_seen });
        }
        if let Some(into) = row.merged_into {
            self.merged.entry(into).or_default().insert(row.device);
        }
        self.devices.insert(row.device, row);
    }

    pub(super) fn load_binding(&mut self, row: BindingRow) {
        self.assigned.subjects.insert(row.endpoint, row.device);
        self.bindings.insert(row.endpoint, row);
    }

    pub(super) fn load_finding(&mut self, row: FindingRow) {
        let key = (row.finding.device, row.finding.kind, row.finding.protocol);
        self.findings.insert(key, row);
    }

    pub(super) fn load_decisions(&mut self, rows: Vec<DecisionRow>) {
        self.decisions = rows;
    }

    /// Takes over a decision that is new, or leaves out one that was taken back.
    pub(super) fn note_decision(&mut self, row: DecisionRow) {
        self.decisions.retain(|known| known.id != row.id);
        if row.reverted_at.is_none() {
            self.decisions.push(row);
        }
    }

    pub(super) fn decisions(&self) -> &[DecisionRow] {
        &self.decisions
    }

    pub(super) fn unheeded(&self) -> &[i64] {
        &self.unheeded
    }

    pub(super) fn known(&self, device: DeviceId) -> Option<&Known> {
        self.assigned.devices.get(&device)
    }

    pub(super) fn subjects_of(&self, device: DeviceId) -> impl Iterator<Item = SubjectKey> + '_ {
        self.assigned.subjects.iter().filter(move |(_, owner)| **owner == device).map(|(key, _)| *key)
    }

    /// Remembers which decisions were not followed, and says so where that is news.
    fn note_unheeded(&mut self, indexes: &[usize]) {
        let rows: Vec<i64> =
            indexes.iter().filter_map(|index| self.decisions.get(*index)).map(|row| row.id).collect();
        if rows.iter().any(|row| !self.unheeded.contains(row)) {
            tracing::warn!(
                count = rows.len(),
                rows = ?rows.iter().take(UNHEEDED_NAMED).collect::<Vec<_>>(),
                "decisions about devices cannot be followed: they name what is not there, or others contradict them; see ward devices decisions"
            );
        }
        self.unheeded = rows;
    }

    /// The next endpoints in a round over all of them.
    pub(super) fn next_keys(&mut self, count: usize) -> Vec<SubjectKey> {
        let from = self.lapsed_until.map_or(Bound::Unbounded, Bound::Excluded);
        let keys: Vec<SubjectKey> =
            self.digests.range((from, Bound::Unbounded)).take(count).map(|(key, _)| *key).collect();
        self.lapsed_until = keys.last().copied().filter(|_| keys.len() == count);
        keys
    }

    fn may_look(&self, every: Duration) -> bool {
        let rested = self.looked.is_none_or(|(at, took)| at.elapsed() >= every.max(took * REST_PER_LOOK));
        rested && self.is_restless()
    }

    /// How long the look took that was made since the last call.
    pub(super) fn take_look(&mut self) -> Option<Duration> {
        self.fresh_look.take()
    }

    /// Something is there to look at.
    pub(super) fn is_restless(&self) -> bool {
        self.look || !self.due.is_empty() || !self.unconcluded.is_empty()
    }
}

impl Core {
    /// Looks at the site when it is asked for and time.
    pub(super) fn look(&mut self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        if self.site.may_look(self.settings.site_every) { self.look_now(tx, now) } else { Ok(()) }
    }

    /// Looks at the site.
    pub(super) fn look_now(&mut self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        let begun = Instant::now();
        let known_from = now.max(self.store.newest());
        if std::mem::take(&mut self.site.look) {
            self.draw(tx, known_from);
            self.totals.looks += 1;
        }
        self.draw_cards(tx, known_from)?;
        self.conclude(tx, known_from);
        self.site.looked = Some((Instant::now(), begun.elapsed()));
        self.site.fresh_look = Some(begun.elapsed());
        Ok(())
    }

    /// Which endpoints are which device.
    fn draw(&mut self, tx: &mut Tx, known_from: Timestamp) {
        let decisions: Vec<Decision> = self.site.decisions.iter().map(|row| row.decision).collect();
        let view =
            SiteView { digests: &self.site.digests, assigned: &self.site.assigned, decisions: &decisions };
        let step = site(&view, self.observed, &self.catalog);
        self.site.note_unheeded(&step.unheeded);
        for change in &step.changes {
            self.put_change(tx, change, known_from);
        }
        for finding in &step.findings {
            self.put_finding(tx, finding, known_from);
        }
        self.site.assigned.apply(&step);
        let before = std::mem::take(&mut self.site.drawn);
        for drawn in step.devices {
            if before.get(&drawn.id) != Some(&drawn) {
                self.site.due.insert(drawn.id);
            }
            self.site.drawn.insert(drawn.id, drawn);
        }
        let drawn = &self.site.drawn;
        self.site.told.retain(|gateway, _| drawn.contains_key(gateway));
    }

    fn put_change(&mut self, tx: &mut Tx, change: &Change, known_from: Timestamp) {
        match change {
            Change::Appeared { device, key }
            | Change::SplitOff { device, key, .. }
            | Change::Rekeyed { device, key } => {
                let first_seen = self.site.digests.get(key).map_or(self.observed, |digest| digest.first_seen);
                let fresh = DeviceRow {
                    id: 0,
                    device: *device,
                    key: endpoints::text(key),
                    name: None,
                    vendor: None,
                    class: None,
                    zone: None,
                    review: UNREVIEWED.to_owned(),
                    router: false,
                    behind: None,
                    merged_into: None,
                    card: Card::default(),
                    first_seen,
                    known_from,
                };
                let known = self.site.devices.get(device).cloned();
                let key = fresh.key.clone();
                let next = known.map_or(fresh, |known| DeviceRow { key, merged_into: None, ..known });
                self.revise(tx, next, known_from);
            }
            Change::Merged { from, into, .. } => {
                if let Some(known) = self.site.devices.get(from).cloned() {
                    self.revise(tx, DeviceRow { merged_into: Some(*into), ..known }, known_from);
                }
            }
            Change::Unbound { subject, device, .. } => {
                self.site.touched.devices.insert(*device);
                if let Some(binding) = self.site.bindings.remove(subject) {
                    tx.put(&BINDINGS, binding.id, binding.cells(Some(known_from)));
                    let id = self.store.next_id(&BINDINGS);
                    let true_to = Some(self.observed.max(binding.true_from));
                    let ended = BindingRow { id, true_to, known_from, ..binding };
                    tx.put(&BINDINGS, id, ended.cells(None));
                }
            }
            Change::Bound { subject, device, from } => {
                self.site.touched.devices.insert(*device);
                // Its addresses may put it into another zone.
                self.site.unconcluded.insert(*device);
                let first_seen = self.site.digests.get(subject).map(|digest| digest.first_seen);
                let true_from = first_seen.filter(|_| from.is_none()).unwrap_or(self.observed);
                let id = self.store.next_id(&BINDINGS);
                let binding = BindingRow {
                    id,
                    endpoint: *subject,
                    device: *device,
                    true_from,
                    true_to: None,
                    known_from,
                };
                tx.put(&BINDINGS, id, binding.cells(None));
                self.site.bindings.insert(*subject, binding);
            }
        }
    }

    /// Closes what was known of a device and writes what is, if it differs.
    fn revise(&mut self, tx: &mut Tx, next: DeviceRow, known_from: Timestamp) {
        let known = self.site.devices.get(&next.device);
        if let Some(known) = known {
            let same = DeviceRow { id: known.id, known_from: known.known_from, ..next.clone() };
            if same == *known {
                return;
            }
            tx.put(&DEVICES, known.id, known.cells(Some(known_from)));
        }
        let id = self.store.next_id(&DEVICES);
        let next = DeviceRow { id, known_from, ..next };
        tx.put(&DEVICES, id, next.cells(None));
        self.note_merged(&next);
        self.site.touched.devices.insert(next.device);
        self.site.devices.insert(next.device, next);
    }

    /// Draws the cards that are due, a share at a time.
    fn draw_cards(&mut self, tx: &mut Tx, known_from: Timestamp) -> Result<(), StoreError> {
        let due: Vec<DeviceId> = self.site.due.iter().copied().take(CARDS_PER_TX).collect();
        if due.is_empty() {
            return Ok(());
        }
        let talks = {
            let wanted: BTreeSet<DeviceId> = due.iter().copied().collect();
            let owner = |key: &SubjectKey| self.site.owner(key);
            let concerns = |key: &SubjectKey| owner(key).is_some_and(|device| wanted.contains(&device));
            let some =
                self.talks.talks().iter().filter(|(key, _)| concerns(&key.client) || concerns(&key.server));
            between_devices(some, owner)
        };
        let mut gateways_changed = false;
        for id in due {
            self.site.due.remove(&id);
            let Some(drawn) = self.site.drawn.get(&id).cloned() else { continue };
            for key in &drawn.subjects {
                // Not every address of a device is an endpoint of its own.
                if self.site.digests.contains_key(key) {
                    self.views.bring(key, &mut self.store)?;
                }
            }
            let subject = |key: &SubjectKey| self.views.peek(key);
            let device = card(&drawn, subject, &self.catalog);
            let owners = &self.site.assigned.subjects;
            let told = spoken_for(&drawn, &device, subject, |mac| owners.contains_key(mac));
            for finding in device_findings(&device, &talks, &self.catalog) {
                self.put_finding(tx, &finding, known_from);
            }
            self.put_card(tx, &device, endpoints::text(&drawn.key), known_from);
            if self.site.told.get(&id).map_or(!told.is_empty(), |before| *before != told) {
                self.site.told.insert(id, told);
                gateways_changed = true;
            }
        }
        if gateways_changed {
            let all: Vec<Device> = self.site.told.values().flatten().cloned().collect();
            for device in joined(all) {
                let key = match &device.key {
                    DeviceKey::Equipment(name) => format!("equipment|{name}"),
                    DeviceKey::Address(address) => address.to_string(),
                };
                let seen = device.last_seen.minute_start();
                if self.site.spoken.insert(device.id, seen) != Some(seen) {
                    self.site.touched.devices.insert(device.id);
                }
                self.put_card(tx, &device, key, known_from);
            }
        }
        Ok(())
    }

    fn put_card(&mut self, tx: &mut Tx, device: &Device, key: String, known_from: Timestamp) {
        let known = self.site.devices.get(&device.id);
        let next = DeviceRow {
            id: 0,
            device: device.id,
            key,
            name: device.names.first().map(ToString::to_string),
            vendor: device.vendor.as_ref().map(ToString::to_string),
            class: known.and_then(|known| known.class.clone()),
            zone: None,
            review: UNREVIEWED.to_owned(),
            router: device.is_router,
            behind: device.behind,
            merged_into: None,
            card: Card { says: says_it_is(device).map(Into::into), ..Card::of(device) },
            // When it was first seen is said once; a late record does not make another device of it.
            first_seen: known.map_or(device.first_seen, |known| known.first_seen),
            known_from,
        };
        let next = self.site.concluded(next, &ips(self.site.endpoints_of(device.id)));
        self.site.unconcluded.remove(&device.id);
        self.revise(tx, next, known_from);
    }

    fn put_finding(&mut self, tx: &mut Tx, finding: &Finding, known_from: Timestamp) {
        let key = (finding.device, finding.kind, finding.protocol);
        let row = match self.site.findings.get(&key) {
            Some(known) if says_the_same(&known.finding, finding) => return,
            Some(known) => FindingRow { finding: finding.clone(), ..known.clone() },
            None => {
                let id = self.store.next_id(&FINDINGS);
                let payload =
                    serde_json::json!({ "finding": id, "kind": finding.kind, "device": finding.device });
                let effect = self.store.next_id(&OUTBOX);
                tx.effect(effect, EFFECT_NOTIFY, payload.to_string());
                FindingRow { id, finding: finding.clone(), known_from }
            }
        };
        tx.put(&FINDINGS, row.id, row.cells());
        if self.site.findings.insert(key, row).is_none() {
            let device = self.site.survivor(finding.device);
            self.site.touched.devices.insert(device);
        }
    }
}

/// When it was last seen may be an hour old.
fn says_the_same(known: &Finding, now: &Finding) -> bool {
    known.summary == now.summary
        && known.evidence == now.evidence
        && known.last_seen.hour() == now.last_seen.hour()
}
