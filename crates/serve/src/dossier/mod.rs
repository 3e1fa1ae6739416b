//! Everything known of one device, read from the store in one go: what its page shows and what the API answers.
//!
//! It must not conclude anything: what is believed stands in the device's row or in the inventory; here it is put beside its evidence.

pub(crate) mod acts;
mod belief;
mod facts;
mod peers;

pub(crate) use belief::{Belief, Word};
pub(crate) use facts::Facts;
pub(crate) use peers::{Peer, PeerTalk, Range, Talking, talking};

use crate::house::House;
use model::{DeviceId, FindingKind, Timestamp};
use store::decisions::DecisionRow;
use store::device_facts::{self, Bounded, Held};
use store::devices::{AsOf, ClaimRow, DeviceRow};
use store::happenings::{FindingsAsked, KnownFinding, Standing};

/// Findings of one device that its page reads.
pub(crate) const FINDINGS_MAX: usize = 200;
/// Decisions about one device that its page reads.
const DECISIONS_MAX: u32 = 50;
/// Devices behind one gateway or router that its page names; all others are counted.
pub(crate) const BEHIND_MAX: usize = 50;

/// Everything of one device.
pub(crate) struct Dossier {
    /// Which.
    pub(crate) id: DeviceId,
    /// What is believed.
    pub(crate) facts: Facts,
    /// Its addresses over time, newest first.
    pub(crate) held: Bounded<Held>,
    /// What is claimed of it.
    pub(crate) claims: Bounded<ClaimRow>,
    /// Open findings, worst first.
    pub(crate) findings: Vec<KnownFinding>,
    /// Devices that are reached through it.
    pub(crate) behind: Bounded<DeviceRow>,
    /// What people decided about it, newest first.
    pub(crate) decisions: Vec<DecisionRow>,
    /// As it was then; `None`: now.
    pub(crate) at: Option<Timestamp>,
    /// By what was known then: at that moment, or, of a device of which Ward learned only later, now.
    known_at: Timestamp,
}

/// What became of a question for a device.
pub(crate) enum Found {
    /// Here it is.
    Here(Box<Dossier>),
    /// It turned out to be this one.
    Is(DeviceId),
    /// It was not there yet, as far as is known; it is since then.
    NotYet(Timestamp),
    /// There is no such device.
    Nowhere,
}

/// Reads what is known of `id`, or was at `at`.
///
/// # Errors
/// As the store.
pub(crate) async fn open(house: &House, id: DeviceId, at: Option<Timestamp>) -> crate::Result<Found> {
    let site = house.site.id;
    let entry = house.inventory.get(id).filter(|_| at.is_none());
    house
        .read(move |db| {
            let found = match at {
                Some(at) => device_facts::row_at(db, site, id, at)?,
                None => device_facts::row(db, site, id, Timestamp::MAX)?.map(|row| (row, Timestamp::MAX)),
            };
            let (row, known_at) = found.map_or((None, Timestamp::MAX), |(row, by)| (Some(row), by));
            if let Some(row) = &row
                && let Some(survivor) = device_facts::survivor(db, site, row, known_at)?
            {
                return Ok(Found::Is(survivor));
            }
            if row.is_none() && entry.is_none() {
                let begins = device_facts::begins(db, site, id)?;
                return Ok(begins.map_or(Found::Nowhere, Found::NotYet));
            }
            let as_of = AsOf { true_at: at.unwrap_or(Timestamp::MAX), known_at };
            let held = device_facts::held(db, site, id, as_of)?;
            let claims = device_facts::claims(db, site, id, &held.rows, as_of)?;
            let facts = match (entry, row) {
                (Some(entry), row) => Facts::now(&entry, row.as_ref()),
                (None, Some(row)) => Facts::then(&row, &held.rows, &claims.rows, as_of.true_at),
                (None, None) => return Ok(Found::Nowhere),
            };
            let mut findings = KnownFinding::list(db, site, &findings_of(id, at, known_at), FINDINGS_MAX)?;
            findings.sort_by_key(|known| std::cmp::Reverse(known.row.finding.kind.severity()));
            let behind = device_facts::behind(db, site, id, known_at, BEHIND_MAX)?;
            let mut decisions = DecisionRow::about(db, site, id, DECISIONS_MAX)?;
            decisions.retain(|decision| decision.decided_at <= as_of.true_at);
            let dossier = Dossier { id, facts, held, claims, findings, behind, decisions, at, known_at };
            Ok(Found::Here(Box::new(dossier)))
        })
        .await
}

/// The findings of a device that are open, or were at a moment.
fn findings_of(device: DeviceId, at: Option<Timestamp>, known_at: Timestamp) -> FindingsAsked {
    FindingsAsked {
        kinds: FindingKind::ALL.to_vec(),
        device: Some(device),
        standing: if at.is_some() { Standing::Any } else { Standing::Open },
        known_at: at.map(|_| known_at),
        seen_by: at,
        ..FindingsAsked::default()
    }
}

impl Dossier {
    /// What asks for its findings that are open, or were at its moment.
    pub(crate) fn findings_asked(&self) -> FindingsAsked {
        findings_of(self.id, self.at, self.known_at)
    }

    /// Its endpoints, now and before, each once, the newest first.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        let mut endpoints: Vec<String> = Vec::new();
        for held in &self.held.rows {
            if !endpoints.contains(&held.endpoint) {
                endpoints.push(held.endpoint.clone());
            }
        }
        endpoints
    }
}

/// An address as people write it, out of the name that tables give an endpoint.
pub(crate) fn address(endpoint: &str) -> &str {
    endpoint.split_once('|').map_or(endpoint, |(_, address)| address)
}
