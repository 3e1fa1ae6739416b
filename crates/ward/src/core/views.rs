//! What is known of endpoints, in memory as far as the bound allows; the rest stays in the store.

use super::{Map, Settings};
use judge::inventory::{Subject, SubjectKey};
use model::{SiteId, Timestamp};
use std::collections::VecDeque;
use store::endpoints::SubjectRow;
use store::table::SUBJECTS;
use store::{Store, StoreError, Tx};

/// Part of the memory that is made free at once when it is full: an eighth.
const FREED_SHARE: usize = 8;

/// Places in the queue that may be stale, beside as many as there are endpoints behind.
const QUEUE_SPARE: usize = 1024;

/// One endpoint in memory.
pub(super) struct Held {
    id: i64,
    /// The newest block that its row reflects.
    pub(super) folded: i64,
    pub(super) subject: Subject,
    /// The first block that its row does not reflect.
    dirty_since: Option<i64>,
    used: u64,
    bytes: usize,
}

/// When an endpoint that has a row was last seen, in minutes since 1970: also of those that are not in memory.
#[derive(Clone, Copy)]
struct Place {
    seen: u32,
}

/// Endpoints in memory, and the rows of all.
pub(super) struct Views {
    site: SiteId,
    hot: Map<SubjectKey, Held>,
    rows: Map<SubjectKey, Place>,
    /// Endpoints that are behind, the longest first; entries that are no longer true are passed over.
    queue: VecDeque<(i64, SubjectKey)>,
    behind: usize,
    bytes: usize,
    bytes_max: usize,
    subjects_max: usize,
    used: u64,
}

impl Views {
    pub(super) fn new(settings: &Settings) -> Self {
        let state = || foldhash::fast::FixedState::with_seed(settings.seed);
        Self {
            site: settings.site,
            hot: Map::with_hasher(state()),
            rows: Map::with_hasher(state()),
            queue: VecDeque::new(),
            behind: 0,
            bytes: 0,
            bytes_max: settings.views_bytes_max,
            subjects_max: settings.subjects_max,
            used: 0,
        }
    }

    /// Takes in a row as it is read at the start; it stays in memory while there is room.
    pub(super) fn load(&mut self, row: SubjectRow) {
        self.rows.insert(row.key, Place { seen: minute(row.subject.last_seen()) });
        let bytes = size(&row.subject);
        if self.bytes + bytes <= self.bytes_max {
            self.insert(row.key, row.id, row.folded, row.subject);
        }
    }

    fn insert(&mut self, key: SubjectKey, id: i64, folded: i64, subject: Subject) {
        let bytes = size(&subject);
        self.bytes += bytes;
        self.used += 1;
        self.hot.insert(key, Held { id, folded, subject, dirty_since: None, used: self.used, bytes });
    }

    /// Makes sure that `key` is in memory; `false`: there is no room for another endpoint.
    pub(super) fn bring(&mut self, key: &SubjectKey, store: &mut Store) -> Result<bool, StoreError> {
        if self.hot.contains_key(key) {
            return Ok(true);
        }
        if self.rows.contains_key(key) {
            let row = SubjectRow::find(store.db(), self.site, key)?;
            let row = row.ok_or_else(|| StoreError::Damaged {
                what: format!("table subjects: the row of {} is gone", store::endpoints::text(key)),
            })?;
            self.insert(*key, row.id, row.folded, row.subject);
            return Ok(true);
        }
        if self.rows.len() >= self.subjects_max {
            return Ok(false);
        }
        let id = store.next_id(&SUBJECTS);
        self.rows.insert(*key, Place { seen: 0 });
        self.insert(*key, id, 0, Subject::default());
        Ok(true)
    }

    pub(super) fn get_mut(&mut self, key: &SubjectKey) -> Option<&mut Held> {
        self.used += 1;
        let held = self.hot.get_mut(key)?;
        held.used = self.used;
        Some(held)
    }

    /// Takes note of when an endpoint in memory was last seen; whether that is another minute than before.
    pub(super) fn note_seen(&mut self, key: &SubjectKey, before: Timestamp) -> bool {
        let Some(held) = self.hot.get(key) else { return false };
        let seen = minute(held.subject.last_seen());
        if seen == minute(before) {
            return false;
        }
        self.rows.get_mut(key).is_some_and(|place| std::mem::replace(&mut place.seen, seen) != seen)
    }

    /// When an endpoint was last seen, to the minute; `None`: there is none such.
    pub(super) fn last_seen(&self, key: &SubjectKey) -> Option<Timestamp> {
        self.rows.get(key).map(|place| Timestamp::from_secs(u64::from(place.seen) * 60))
    }

    pub(super) fn peek(&self, key: &SubjectKey) -> Option<&Subject> {
        self.hot.get(key).map(|held| &held.subject)
    }

    /// Notes that `key` is ahead of its row since `block`.
    pub(super) fn note_behind(&mut self, key: &SubjectKey, block: i64) {
        if let Some(held) = self.hot.get_mut(key)
            && held.dirty_since.is_none()
        {
            held.dirty_since = Some(block);
            self.queue.push_back((block, *key));
            self.behind += 1;
            // Those that were written out of turn leave their places behind.
            if self.queue.len() > QUEUE_SPARE + 2 * self.behind {
                let hot = &self.hot;
                self.queue
                    .retain(|(since, key)| hot.get(key).is_some_and(|held| held.dirty_since == Some(*since)));
            }
        }
    }

    /// Writes the row of `key` as of `block`.
    pub(super) fn put(&mut self, tx: &mut Tx, key: &SubjectKey, block: i64) {
        let Some(held) = self.hot.get_mut(key) else { return };
        let bytes = size(&held.subject);
        self.bytes = self.bytes + bytes - held.bytes;
        held.bytes = bytes;
        if held.dirty_since.take().is_some() {
            self.behind -= 1;
        }
        held.folded = block;
        tx.put(&SUBJECTS, held.id, SubjectRow::cells(key, block, &held.subject));
    }

    /// Writes the rows of at most `max` endpoints that are behind, the longest first.
    pub(super) fn put_behind(&mut self, tx: &mut Tx, max: usize, block: i64) -> usize {
        let mut written = 0;
        while written < max
            && let Some((since, key)) = self.queue.pop_front()
        {
            if self.hot.get(&key).is_some_and(|held| held.dirty_since == Some(since)) {
                self.put(tx, &key, block);
                written += 1;
            }
        }
        written
    }

    /// The first block that some row does not reflect.
    pub(super) fn behind_since(&mut self) -> Option<i64> {
        while let Some((since, key)) = self.queue.front() {
            if self.hot.get(key).is_some_and(|held| held.dirty_since == Some(*since)) {
                return Some(*since);
            }
            self.queue.pop_front();
        }
        None
    }

    /// When memory is full: writes the least lately used that are behind, and names all that can be forgotten once that is
    /// committed.
    pub(super) fn put_victims(&mut self, tx: &mut Tx, block: i64) -> Vec<SubjectKey> {
        if self.bytes <= self.bytes_max {
            return Vec::new();
        }
        let mut by_use: Vec<(u64, usize, SubjectKey)> =
            self.hot.iter().map(|(key, held)| (held.used, held.bytes, *key)).collect();
        by_use.sort_unstable_by_key(|(used, ..)| *used);
        let target = self.bytes_max - self.bytes_max / FREED_SHARE;
        let (mut left, mut victims) = (self.bytes, Vec::new());
        for (_, bytes, key) in by_use {
            if left <= target || tx.len() >= super::VIEW_ROWS_PER_TX_MAX * 4 {
                break;
            }
            if self.hot.get(&key).is_some_and(|held| held.dirty_since.is_some()) {
                self.put(tx, &key, block);
            }
            left -= bytes;
            victims.push(key);
        }
        victims
    }

    /// When memory is full: forgets the least lately used whose rows are up to date, without writing any.
    pub(super) fn forget_clean(&mut self) {
        if self.bytes <= self.bytes_max {
            return;
        }
        let clean = self.hot.iter().filter(|(_, held)| held.dirty_since.is_none());
        let mut by_use: Vec<(u64, usize, SubjectKey)> =
            clean.map(|(key, held)| (held.used, held.bytes, *key)).collect();
        by_use.sort_unstable_by_key(|(used, ..)| *used);
        let mut left = self.bytes;
        let enough = |(_, bytes, _): &(u64, usize, SubjectKey)| {
            let go_on = left > self.bytes_max - self.bytes_max / FREED_SHARE;
            left = left.saturating_sub(*bytes);
            go_on
        };
        let victims: Vec<SubjectKey> = by_use.into_iter().take_while(enough).map(|(.., key)| key).collect();
        self.forget(&victims);
    }

    /// Forgets endpoints whose rows are committed; how many.
    pub(super) fn forget(&mut self, victims: &[SubjectKey]) -> usize {
        let mut forgotten = 0;
        for key in victims {
            if let Some(held) = self.hot.remove(key) {
                self.bytes -= held.bytes;
                forgotten += 1;
            }
        }
        forgotten
    }

    pub(super) fn hot(&self) -> usize {
        self.hot.len()
    }

    pub(super) fn known(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn dirty(&self) -> usize {
        self.behind
    }
}

/// Memory of one endpoint, bytes, with its places in the maps.
fn size(subject: &Subject) -> usize {
    subject.heap_bytes() + size_of::<Held>() + 3 * size_of::<SubjectKey>()
}

/// Minutes since 1970.
fn minute(at: Timestamp) -> u32 {
    u32::try_from(at.as_secs() / 60).unwrap_or(u32::MAX)
}
