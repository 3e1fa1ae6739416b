//! Reading: a pool of connections that cannot write, what a reader may see, and cursors to go on from.

use crate::db::{Cell, Db, Mode};
use crate::error::{Result, StoreError};
use crate::store::Place;
use model::SiteId;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of the longest cursor that is read.
const CURSOR_BYTES_MAX: usize = 256;

/// What a reader may see; every query takes one. `None` is "all".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Sites.
    pub sites: Option<Vec<SiteId>>,
    /// Zones of devices, by name; devices without a zone are not seen then.
    pub zones: Option<Vec<String>>,
    /// Classes of devices, by name; devices of unknown class are not seen then.
    pub classes: Option<Vec<String>>,
}

impl Scope {
    /// Everything: Ward's own.
    pub fn all() -> Self {
        Self::default()
    }

    /// One site, whole.
    pub fn site(site: SiteId) -> Self {
        Self { sites: Some(vec![site]), ..Self::default() }
    }

    /// A condition on table (or alias) `of`, which has the column `site` and, with `devices`, `zone` and `class`. Parameters
    /// are appended to `parameters`.
    pub(crate) fn condition<'s>(&'s self, of: &str, devices: bool, parameters: &mut Vec<Cell<'s>>) -> String {
        let mut conditions = vec!["1 = 1".to_owned()];
        if let Some(sites) = &self.sites {
            let cells = sites.iter().map(|site| Cell::Int(i64::from(site.0)));
            conditions.push(one_of(&format!("{of}.site"), cells, parameters));
        }
        let named = [("zone", &self.zones), ("class", &self.classes)];
        for (column, names) in named.into_iter().filter(|_| devices) {
            if let Some(names) = names {
                let cells = names.iter().map(|name| Cell::Text(name));
                conditions.push(one_of(&format!("{of}.{column}"), cells, parameters));
            }
        }
        conditions.join(" AND ")
    }
}

fn one_of<'s>(column: &str, cells: impl Iterator<Item = Cell<'s>>, parameters: &mut Vec<Cell<'s>>) -> String {
    let mut marks = Vec::new();
    for cell in cells {
        parameters.push(cell);
        marks.push(format!("?{}", parameters.len()));
    }
    // Nothing allowed is nothing seen.
    if marks.is_empty() { "1 = 0".into() } else { format!("{column} IN ({})", marks.join(", ")) }
}

/// Where a list goes on: the key of the last row seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub i64);

impl Cursor {
    /// The cursor as it goes to a reader and comes back.
    pub fn encode(self) -> String {
        format!("c1-{:x}", self.0)
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for anything that [`Self::encode`] did not write.
    pub fn decode(text: &str) -> Result<Self> {
        let shown: String = text.chars().take(40).collect();
        let refused =
            || StoreError::Refused(format!("\"{shown}\" is no cursor: begin the list again without it"));
        let digits = Some(text)
            .filter(|text| text.len() <= CURSOR_BYTES_MAX)
            .and_then(|text| text.strip_prefix("c1-"));
        let cursor = digits.and_then(|digits| i64::from_str_radix(digits, 16).ok()).map(Self);
        cursor.filter(|cursor| cursor.encode() == text).ok_or_else(refused)
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where it goes on, if it does.
    pub next: Option<Cursor>,
}

/// Connections for reading. A caller waits while all are in use.
pub struct Readers {
    place: Mutex<Place>,
    state: Mutex<State>,
    freed: Condvar,
    connections_max: usize,
}

#[derive(Default)]
struct State {
    idle: Vec<Db>,
    open: usize,
    /// Connections opened before are stale: the key has changed.
    generation: u64,
    paused: bool,
}

impl Readers {
    /// A pool of at most `connections_max` connections, opened when first needed.
    pub fn new(place: Place, connections_max: usize) -> Self {
        Self {
            place: Mutex::new(place),
            state: Mutex::default(),
            freed: Condvar::new(),
            connections_max: connections_max.max(1),
        }
    }

    /// Runs `read` on a connection, in one transaction: all it reads is of one moment.
    ///
    /// # Errors
    /// By cause, or what `read` returns. A connection that failed is closed.
    pub fn read<T>(&self, read: impl FnOnce(&mut Db) -> Result<T>) -> Result<T> {
        let (db, generation) = self.connection()?;
        let mut lent = Lent { readers: self, db: Some(db), generation, keep: false };
        let Some(db) = &mut lent.db else { return Err(StoreError::Ours { detail: "no connection".into() }) };
        let result = db.begin().and_then(|()| read(db));
        let ended = db.commit();
        lent.keep = result.is_ok() && ended.is_ok();
        result
    }

    /// Closes all connections and runs `act` while there is none; it may change where and under which key later ones open.
    pub fn pause<T>(&self, act: impl FnOnce(&mut Place) -> T) -> T {
        let mut state = self.lock();
        while state.paused {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.paused = true;
        let _resume = Resume(self);
        state.generation += 1;
        let idle = std::mem::take(&mut state.idle);
        state.open -= idle.len();
        drop(idle);
        while state.open > 0 {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        act(&mut self.place.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn connection(&self) -> Result<(Db, u64)> {
        let mut state = self.lock();
        loop {
            if !state.paused {
                if let Some(db) = state.idle.pop() {
                    return Ok((db, state.generation));
                }
                if state.open < self.connections_max {
                    state.open += 1;
                    let generation = state.generation;
                    drop(state);
                    let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    return match place.connect(Mode::Reader) {
                        Ok(db) => Ok((db, generation)),
                        Err(error) => {
                            self.lock().open -= 1;
                            self.freed.notify_all();
                            Err(error)
                        }
                    };
                }
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is in use. It comes back, or is closed, also where its user panics: a lost one would be waited for for ever.
struct Lent<'r> {
    readers: &'r Readers,
    db: Option<Db>,
    generation: u64,
    keep: bool,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        if self.keep && state.generation == self.generation {
            state.idle.extend(self.db.take());
        } else {
            drop(state);
            // Closed before it counts as closed: who pauses relies on that.
            drop(self.db.take());
            state = self.readers.lock();
            state.open -= 1;
        }
        drop(state);
        self.readers.freed.notify_all();
    }
}

/// Ends a pause, whatever became of it.
struct Resume<'r>(&'r Readers);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        self.0.lock().paused = false;
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_loses_no_connection_and_ends_its_pause() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::folder(folder.path(), [3; 32]);
        let _store = crate::Store::open(place.clone(), model::Timestamp::from_secs(1)).unwrap();
        let readers = Readers::new(place, 1);
        let panicking =
            |act: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).unwrap_err();
        panicking(&|| readers.read(|_| -> Result<()> { panic!("a reader's") }).unwrap());
        assert_eq!(readers.read(|db| db.number("SELECT 1", &[])).unwrap(), Some(1));
        panicking(&|| readers.pause(|_| panic!("whoever paused")));
        assert_eq!(readers.read(|db| db.number("SELECT 2", &[])).unwrap(), Some(2));
    }

    #[test]
    fn cursors_read_back_and_nothing_else_is_one() {
        for key in [0, 1, i64::MAX] {
            assert_eq!(Cursor::decode(&Cursor(key).encode()).unwrap(), Cursor(key));
        }
        for text in ["", "c1-", "c1-0g", "c1-00", "c2-1", "c1-+1", "c1- 1", &"c1-1".repeat(99)] {
            assert!(Cursor::decode(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_empty_scope_sees_nothing() {
        let mut parameters = Vec::new();
        let none = Scope { sites: Some(Vec::new()), ..Scope::default() };
        assert_eq!(none.condition("d", true, &mut parameters), "1 = 1 AND 1 = 0");
        let zones = Scope { zones: Some(vec!["icu".into()]), ..Scope::site(SiteId(3)) };
        assert_eq!(
            zones.condition("d", true, &mut parameters),
            "1 = 1 AND d.site IN (?1) AND d.zone IN (?2)"
        );
        assert_eq!(parameters, [Cell::Int(3), Cell::Text("icu")]);
    }
}
