//! The inventory as it was, by what was known then, and of devices of which Ward learned later by that: made from the store when asked for, and kept for a while.
//!
//! It must not grow: few moments are kept, of so many bytes in all, and the one not looked at for longest goes first. Who asks for a
//! moment that is being made waits for it instead of making it again.

use super::{Change, Entry, FindingCounts, Inventory, Known};
use crate::error::{Result, ServeError};
use crate::house::House;
use judge::inventory::SubjectKey;
use model::{DeviceId, Duration, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::devices::DeviceRow;
use store::past::{self, Piece};
use store::word::{Said, Word};
use tokio::sync::OnceCell;

/// Moments kept.
const MOMENTS_MAX: usize = 4;
/// Bytes of all moments kept; the newest stays whatever it takes.
const BYTES_MAX: usize = 512 << 20;
/// Seconds until all of a moment is surely written, so that it may be kept.
const SETTLED_S: u64 = 120;
/// Seconds after which a moment is read again: retention may have taken some of it.
const KEPT_S: u64 = 900;

/// Moments that were looked at.
#[derive(Debug, Default)]
pub struct Past {
    /// The one looked at last is last.
    kept: Mutex<Vec<Kept>>,
}

#[derive(Clone, Debug)]
struct Kept {
    at: Timestamp,
    made: Timestamp,
    inventory: Arc<OnceCell<Arc<Inventory>>>,
}

impl Past {
    fn moments(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a moment, which is made by the first who comes.
    fn place(&self, at: Timestamp, now: Timestamp) -> Arc<OnceCell<Arc<Inventory>>> {
        let mut moments = self.moments();
        let is_stale = |kept: &Kept| now.since(kept.made) > Duration::from_secs(KEPT_S);
        moments.retain(|kept| !is_stale(kept));
        let found = moments.iter().position(|kept| kept.at == at).map(|place| moments.remove(place));
        let kept = found.unwrap_or_else(|| Kept { at, made: now, inventory: Arc::default() });
        let place = Arc::clone(&kept.inventory);
        moments.push(kept);
        let over = moments.len().saturating_sub(MOMENTS_MAX);
        moments.drain(..over);
        place
    }

    /// Lets the oldest go until the rest is small enough.
    fn shrink(&self) {
        let mut moments = self.moments();
        let mut sizes: Vec<usize> = moments
            .iter()
            .map(|kept| kept.inventory.get().map_or(0, |inventory| inventory.bytes()))
            .collect();
        while moments.len() > 1 && sizes.iter().sum::<usize>() > BYTES_MAX {
            sizes.remove(0);
            moments.remove(0);
        }
    }

    fn forget(&self, at: Timestamp) {
        self.moments().retain(|kept| kept.at != at);
    }
}

impl House {
    /// The devices as they were known at `at`, to the minute.
    ///
    /// # Errors
    /// [`ServeError::Asked`] for a moment that is to come, or of which nothing is known; else as the store.
    pub(crate) async fn devices_at(&self, at: Timestamp) -> Result<Arc<Inventory>> {
        let now = self.now();
        if at > now {
            let why = format!("{} is to come: Ward knows what was, and what is", self.site.zone.show(at));
            return Err(ServeError::Asked(why));
        }
        let at = at.minute_start();
        let place = self.inventory.past.place(at, now);
        let made = place.get_or_try_init(|| self.remember(at)).await.cloned();
        if made.is_err() || now.since(at) < Duration::from_secs(SETTLED_S) {
            self.inventory.past.forget(at);
        }
        self.inventory.past.shrink();
        made
    }

    async fn remember(&self, at: Timestamp) -> Result<Arc<Inventory>> {
        let (site, zone) = (self.site.id, self.site.zone.clone());
        let made = self
            .read(move |db| match past::begins(db, site)? {
                Some(begins) if begins <= at => Remembered::read(db, site, at).map(Ok),
                begins => Ok(Err(begins)),
            })
            .await?;
        made.map(Arc::new).map_err(|begins| {
            ServeError::Asked(match begins {
                Some(begins) => format!(
                    "nothing is known of {}: the first device that Ward knows of was seen at {}",
                    zone.show(at),
                    zone.show(begins)
                ),
                None => format!("nothing is known of {}: Ward has not seen any device yet", zone.show(at)),
            })
        })
    }
}

/// What was known, while it is read.
#[derive(Default)]
struct Remembered {
    devices: Vec<DeviceRow>,
    endpoints: HashMap<DeviceId, Vec<SubjectKey>>,
    last_seen: HashMap<SubjectKey, Timestamp>,
    words: HashMap<DeviceId, Vec<Word>>,
    findings: BTreeMap<DeviceId, FindingCounts>,
}

impl Remembered {
    fn read(db: &mut store::db::Db, site: model::SiteId, at: Timestamp) -> store::Result<Inventory> {
        let mut known = Self::default();
        past::each(db, site, at, &mut |piece| {
            known.take(piece);
            Ok(())
        })?;
        let inventory = Inventory::new();
        let devices = std::mem::take(&mut known.devices);
        let entries = devices.iter().filter_map(|row| known.entry(row));
        inventory.apply(entries.map(|entry| Change::Is(Box::new(entry))).collect());
        Ok(inventory)
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Device(row) => self.devices.push(*row),
            Piece::Endpoint(device, endpoint) => self.endpoints.entry(device).or_default().push(endpoint),
            Piece::LastSeen(endpoint, at) => drop(self.last_seen.insert(endpoint, at)),
            Piece::Word(word) => self.words.entry(word.device).or_default().push(word),
            Piece::Finding(device, kind) => self.findings.entry(device).or_default().add(kind.severity()),
        }
    }

    fn entry(&mut self, row: &DeviceRow) -> Option<Entry> {
        let mut endpoints = self.endpoints.remove(&row.device).unwrap_or_default();
        endpoints.sort_unstable();
        endpoints.dedup();
        // Known only where none of its endpoints has been seen since.
        let times: Option<Vec<_>> =
            endpoints.iter().map(|endpoint| self.last_seen.get(endpoint).copied()).collect();
        let known = Known {
            row,
            endpoints: &endpoints,
            said: &Said::of(self.words.get(&row.device).into_iter().flatten()),
            findings: self.findings.get(&row.device).copied().unwrap_or_default(),
            last_seen: times.and_then(|times| times.into_iter().max()).unwrap_or(Timestamp::ZERO),
        };
        known.is_listed().then(|| Entry::of(&known))
    }
}
