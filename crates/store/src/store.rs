//! The writer: opens the store, holds its lock, commits transactions with their leaves.

use crate::db::{Cell, Db, Mode, Value, sqlite::Sqlite};
use crate::error::{Result, StoreError};
use crate::leaf::{self, Leaf, RowChange, SALT_BYTES};
use crate::migration;
use crate::table::{ACTS, TABLES, Table};
use crate::tx::Tx;
use model::Timestamp;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// File of the database within its folder.
pub const DATABASE_FILE: &str = "store.db";
/// Leaves that one statement inserts.
const LEAVES_PER_INSERT: usize = 32;
/// Hashes of leaves kept in memory until tiles are made of them; further ones are read again from the leaves.
const HASHES_KEPT_MAX: usize = 16 * 1024;
/// File whose lock says that somebody writes.
const LOCK_FILE: &str = "lock";

/// Where the rows are.
#[derive(Clone)]
pub enum Place {
    /// A SQLite database in a folder, under a 32-byte key.
    Folder {
        /// The folder; the lock is there as well.
        path: PathBuf,
        /// The key.
        key: Zeroizing<[u8; 32]>,
    },
    /// A PostgreSQL database.
    #[cfg(feature = "postgres")]
    Postgres {
        /// Connection string or URL.
        url: String,
    },
}

impl Place {
    /// A folder and its key.
    pub fn folder(path: &Path, key: [u8; 32]) -> Self {
        Self::Folder { path: path.to_path_buf(), key: Zeroizing::new(key) }
    }

    /// The name to use in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Folder { path, .. } => path.join(DATABASE_FILE).display().to_string(),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => "the PostgreSQL database".into(),
        }
    }

    /// The database's file, where it is one.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Folder { path, .. } => Some(path.join(DATABASE_FILE)),
            #[cfg(feature = "postgres")]
            Self::Postgres { .. } => None,
        }
    }

    /// Another connection.
    ///
    /// # Errors
    /// By cause.
    pub fn connect(&self, mode: Mode) -> Result<Db> {
        match self {
            Self::Folder { path, key } => Ok(Db::Sqlite(Sqlite::open(&path.join(DATABASE_FILE), key, mode)?)),
            #[cfg(feature = "postgres")]
            Self::Postgres { url } => Ok(Db::Postgres(crate::db::postgres::Postgres::open(url, mode)?)),
        }
    }
}

/// What a failing medium does to a commit: for tests of both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The commit fails, and nothing is stored.
    NotStored,
    /// The commit is stored, but reported as failed.
    StoredButReported,
}

/// A transaction that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Index of its leaf, from 0.
    pub leaf: u64,
    /// The act had been done before, under the same key: nothing was changed now.
    pub repeated: bool,
}

/// A leaf on its way into the table.
struct PendingLeaf {
    index: u64,
    data: Vec<u8>,
    changes: Vec<u8>,
}

/// The one writer.
pub struct Store {
    pub(crate) place: Place,
    pub(crate) db: Db,
    /// Leaves committed.
    leaves: u64,
    /// Time of the newest leaf.
    newest: Timestamp,
    pub(crate) builder: Option<trust::tlog::TileBuilder>,
    /// Hashes of the newest leaves, up to the last: what tiles are made of next.
    hashes: Vec<trust::tlog::Hash>,
    /// Leaves of the transaction that is going on, not inserted yet.
    pending: Vec<PendingLeaf>,
    next_ids: Vec<i64>,
    put_sql: Vec<String>,
    /// A commit was reported failed: what is in memory may not be what is stored.
    unsure: bool,
    fault: Option<Fault>,
    _lock: Option<File>,
}

impl Store {
    /// Opens the store for writing, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`] for a second instance, and the others by cause.
    pub fn open(place: Place, now: Timestamp) -> Result<Self> {
        let lock = lock(&place)?;
        let mut db = place.connect(Mode::Writer)?;
        migration::migrate(&mut db, now)?;
        let mut store = Self {
            place,
            db,
            leaves: 0,
            newest: Timestamp::ZERO,
            builder: None,
            hashes: Vec::new(),
            pending: Vec::new(),
            next_ids: Vec::new(),
            put_sql: TABLES.iter().map(|table| table.put_sql()).collect(),
            unsure: false,
            fault: None,
            _lock: lock,
        };
        store.reread()?;
        Ok(store)
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Leaves committed so far.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Time of the newest leaf: the ledger's time never goes back.
    pub fn newest(&self) -> Timestamp {
        self.newest
    }

    /// The connection, for reading what the writer needs.
    pub fn db(&mut self) -> &mut Db {
        &mut self.db
    }

    /// A number for a new row of `table`. It is used up even if its transaction fails.
    pub fn next_id(&mut self, table: &Table) -> i64 {
        match self.next_ids.get_mut(table.place()) {
            Some(next) => {
                *next += 1;
                *next - 1
            }
            None => 0,
        }
    }

    /// Lets the next commit fail.
    #[doc(hidden)]
    pub fn fail_next(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// Whether [`Self::reopen`] is needed before the next commit.
    pub fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Reads again what is stored, after a commit that was reported failed. Views in memory must be read again as well.
    ///
    /// # Errors
    /// By cause; the store stays unsure.
    pub fn reopen(&mut self) -> Result<()> {
        // Until all of it is read again: who stops in the middle has not.
        self.unsure = true;
        self.db.roll_back();
        // PostgreSQL keeps the writer's lock with the connection: the next one could not have it.
        self.db.close();
        self.db = self.place.connect(Mode::Writer)?;
        self.reread()?;
        self.unsure = false;
        Ok(())
    }

    /// Encrypts the database under another key. No reader may be open. Killed in the middle, the database has the old key or the
    /// new one, never both: try both.
    ///
    /// # Errors
    /// [`StoreError::Refused`] on PostgreSQL, whose encryption is the operator's; the others by cause.
    pub fn rekey(&mut self, key: &[u8; 32]) -> Result<()> {
        match (&mut self.db, &mut self.place) {
            (Db::Sqlite(db), Place::Folder { key: held, .. }) => {
                db.empty_log()?;
                db.rekey(key)?;
                db.empty_log()?;
                *held = Zeroizing::new(*key);
            }
            #[cfg(feature = "postgres")]
            _ => {
                let why = "the rows are in PostgreSQL: their encryption is that of its volume";
                return Err(StoreError::Refused(why.into()));
            }
        }
        self.reopen()
    }

    fn reread(&mut self) -> Result<()> {
        self.builder = None;
        self.hashes.clear();
        self.leaves = self.db.number("SELECT max(id) FROM leaves", &[])?.map_or(0, |n| n.cast_unsigned() + 1);
        self.newest = Timestamp::ZERO;
        if let Some(last) = self.leaves.checked_sub(1) {
            let mut newest = None;
            let sql = "SELECT data FROM leaves WHERE id = ?1";
            self.db.query(sql, &[Cell::Int(last.cast_signed())], &mut |row| {
                let leaf = Leaf::decode(row.blob(0)?);
                newest = Some(leaf.map_err(|e| StoreError::damaged(format!("leaf {last}: {e}")))?.at);
                Ok(())
            })?;
            self.newest = newest.unwrap_or_default();
        }
        self.next_ids.clear();
        for table in TABLES {
            let highest = self.db.number(&format!("SELECT max(id) FROM {}", table.name), &[])?;
            self.next_ids.push(highest.unwrap_or(0) + 1);
        }
        Ok(())
    }

    /// Makes one transaction durable.
    ///
    /// # Errors
    /// As [`Self::commit_all`].
    pub fn commit(&mut self, tx: Tx) -> Result<Committed> {
        let done = self.commit_all(std::slice::from_ref(&tx))?;
        done.first().copied().ok_or_else(|| StoreError::Ours { detail: "no answer to a commit".into() })
    }

    /// Makes several transactions durable with one flush, in order, each with its own leaf; all or none of them.
    ///
    /// The commit point is the engine's COMMIT. Killed before it, nothing of it is there; after it, all is, and whoever
    /// repeats the act under its key (or a source its records) is told that it is done.
    ///
    /// # Errors
    /// Before the commit point: by cause, and nothing is stored. At it: [`StoreError::Unsure`], and every further commit is
    /// refused until [`Self::reopen`].
    pub fn commit_all(&mut self, txs: &[Tx]) -> Result<Vec<Committed>> {
        if self.unsure {
            return Err(StoreError::Unsure { detail: "the store has not been read again".into() });
        }
        self.db.begin()?;
        let (leaves, newest, hashes) = (self.leaves, self.newest, self.hashes.len());
        let done = self.write_all(txs).inspect_err(|_| {
            self.db.roll_back();
            (self.leaves, self.newest) = (leaves, newest);
            self.hashes.truncate(hashes);
        })?;
        self.finish()?;
        if self.hashes.len() > HASHES_KEPT_MAX {
            self.hashes.clear();
        }
        Ok(done)
    }

    fn write_all(&mut self, txs: &[Tx]) -> Result<Vec<Committed>> {
        self.pending.clear();
        // All salts at once: asking the system's generator costs more than what it gives.
        let rows: usize = txs.iter().map(|tx| tx.writes.len() + usize::from(!tx.key.is_empty())).sum();
        let mut salts = vec![0u8; rows * SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salts)
            .map_err(|_| StoreError::Trust("no entropy from the system".into()))?;
        let mut salts = salts.chunks_exact(SALT_BYTES);
        let done = txs.iter().map(|tx| self.write(tx, &mut salts)).collect::<Result<_>>()?;
        self.insert_leaves()?;
        Ok(done)
    }

    /// Hashes of the leaves `from..to`, if they are still in memory; earlier ones are forgotten.
    pub(crate) fn take_hashes(&mut self, from: u64, to: u64) -> Option<Vec<trust::tlog::Hash>> {
        let first = self.leaves.checked_sub(self.hashes.len() as u64)?;
        let start = usize::try_from(from.checked_sub(first)?).ok()?;
        let end = usize::try_from(to.checked_sub(first)?).ok()?;
        let taken = self.hashes.get(start..end)?.to_vec();
        self.hashes.drain(..end);
        Some(taken)
    }

    fn finish(&mut self) -> Result<()> {
        let result = match self.fault.take() {
            Some(Fault::NotStored) => {
                self.db.roll_back();
                Err(StoreError::Unreachable { detail: "a fault was asked for".into() })
            }
            Some(Fault::StoredButReported) => {
                self.db.commit().and(Err(StoreError::Unreachable { detail: "a fault was asked for".into() }))
            }
            None => self.db.commit(),
        };
        result.map_err(|error| {
            self.unsure = true;
            self.hashes.clear();
            match error {
                // The way out is in these: keep the cause.
                StoreError::Full { .. } | StoreError::ReadOnly { .. } => error,
                other => StoreError::Unsure { detail: other.to_string() },
            }
        })
    }

    fn write<'s>(&mut self, tx: &Tx, salts: &mut impl Iterator<Item = &'s [u8]>) -> Result<Committed> {
        if tx.writes.len() >= leaf::ROWS_MAX {
            let rows = tx.writes.len();
            return Err(StoreError::Refused(format!(
                "{rows} rows in one transaction; at most {}",
                leaf::ROWS_MAX
            )));
        }
        if let Some(leaf) = self.done_before(tx)? {
            return Ok(Committed { leaf, repeated: true });
        }
        let mut salt =
            || salts.next().ok_or_else(|| StoreError::Ours { detail: "fewer salts than rows".into() });
        let mut rows = Vec::with_capacity(tx.writes.len() + 1);
        for write in &tx.writes {
            let salt = salt()?;
            let commitment =
                self.write_row(write.table, write.id, i64::from(write.site.0), salt, write.cells.as_deref())?;
            rows.push(RowChange { table: write.table.number, id: write.id, commitment });
        }
        if !tx.key.is_empty() {
            let id = self.next_id(&ACTS);
            let cells = [Value::Text(tx.key.clone()), Value::Int(self.leaves.cast_signed())];
            let salt = salt()?;
            let commitment = self.write_row(&ACTS, id, i64::from(tx.site.0), salt, Some(&cells))?;
            rows.push(RowChange { table: ACTS.number, id, commitment });
        }
        self.append(tx, rows)
    }

    fn done_before(&mut self, tx: &Tx) -> Result<Option<u64>> {
        if tx.key.is_empty() {
            return Ok(None);
        }
        let site = Cell::Int(i64::from(tx.site.0));
        let sql = "SELECT leaf FROM acts WHERE site = ?1 AND act_key = ?2";
        Ok(self.db.number(sql, &[site, Cell::Text(&tx.key)])?.map(i64::cast_unsigned))
    }

    fn write_row(
        &mut self,
        table: &Table,
        id: i64,
        site: i64,
        salt: &[u8],
        cells: Option<&[Value]>,
    ) -> Result<Option<leaf::Commitment>> {
        let Some(cells) = cells else {
            let sql = format!("DELETE FROM {} WHERE id = ?1", table.name);
            self.db.execute(&sql, &[Cell::Int(id)])?;
            return Ok(None);
        };
        let mut parameters = Vec::with_capacity(cells.len() + 3);
        parameters.extend([Cell::Int(id), Cell::Int(site), Cell::Blob(salt)]);
        parameters.extend(cells.iter().map(Value::cell));
        let sql = self.put_sql.get(table.place()).map_or("", String::as_str);
        self.db.execute(sql, &parameters)?;
        Ok(Some(leaf::commit_to(table, id, site, salt, cells.iter().map(Value::cell))))
    }

    fn append(&mut self, tx: &Tx, rows: Vec<RowChange>) -> Result<Committed> {
        let at = tx.now.max(self.newest);
        let changes = leaf::encode_rows(&rows);
        let leaf = Leaf {
            at,
            site: tx.site,
            actor: tx.actor.clone(),
            cause: tx.cause.clone(),
            key: tx.key.clone(),
            decided: tx.decided,
            rows: rows.len() as u64,
            rows_hash: leaf::rows_hash(&changes),
        };
        let index = self.leaves;
        let data = leaf.encode();
        self.hashes.push(trust::tlog::leaf_hash(&data));
        self.pending.push(PendingLeaf { index, data, changes });
        if self.pending.len() >= LEAVES_PER_INSERT {
            self.insert_leaves()?;
        }
        self.leaves += 1;
        self.newest = at;
        Ok(Committed { leaf: index, repeated: false })
    }

    /// Inserts the leaves that wait for it.
    fn insert_leaves(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        for some in pending.chunks(LEAVES_PER_INSERT) {
            let mut parameters = Vec::with_capacity(some.len() * 3);
            for leaf in some {
                let index = Cell::Int(leaf.index.cast_signed());
                parameters.extend([index, Cell::Blob(&leaf.data), Cell::Blob(&leaf.changes)]);
            }
            self.db.execute(&leaves_sql(some.len()), &parameters)?;
        }
        Ok(())
    }
}

/// Inserts `count` leaves.
fn leaves_sql(count: usize) -> String {
    let marks: Vec<String> =
        (0..count).map(|n| format!("(?{}, ?{}, ?{})", n * 3 + 1, n * 3 + 2, n * 3 + 3)).collect();
    format!("INSERT INTO leaves (id, data, changes) VALUES {}", marks.join(", "))
}

/// Takes the lock of a folder; PostgreSQL's is taken with the connection.
pub(crate) fn lock(place: &Place) -> Result<Option<File>> {
    let path = match place {
        Place::Folder { path, .. } => path,
        #[cfg(feature = "postgres")]
        Place::Postgres { .. } => return Ok(None),
    };
    let store = path.display().to_string();
    let file = path.join(LOCK_FILE);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&file);
    let file = opened.map_err(|e| match e.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { detail: format!("{}: {e}", file.display()) }
        }
        std::io::ErrorKind::StorageFull => StoreError::Full { detail: format!("{}: {e}", file.display()) },
        _ => StoreError::Unreachable { detail: format!("{}: {e}", file.display()) },
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { store }),
        Err(std::fs::TryLockError::Error(e)) => {
            Err(StoreError::Unreachable { detail: format!("{store}: {e}") })
        }
    }
}
