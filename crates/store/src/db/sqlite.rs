//! SQLite with SQLCipher (4.x file format, raw 256-bit key, HMAC-SHA-256 a page), WAL, `synchronous=FULL`.

use super::{Cell, Mode, Row};
use crate::error::{Result, StoreError};
use rusqlite::{Connection, OpenFlags, types::ToSqlOutput, types::ValueRef};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Memory of a connection's page cache, KiB.
const CACHE_KIB: i64 = 32 * 1024;
/// Pages the log may hold before it is copied into the database: 64 MiB.
const LOG_PAGES: i64 = 16_384;
/// Bytes of a page.
const PAGE_BYTES: u64 = 4096;
/// How long a connection waits for another's lock, milliseconds.
const BUSY_MS: u64 = 10_000;
/// Prepared statements kept.
const STATEMENTS: usize = 256;

/// One connection.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// A statement of the open transaction failed: it can only be undone, as on PostgreSQL.
    spoilt: bool,
    /// Commits are not flushed: for a transaction over what derives from other rows.
    unflushed: bool,
}

impl Sqlite {
    /// Opens the database at `path` with its 32-byte `key`; a writer creates it where there is none.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] and the others by cause.
    pub fn open(path: &Path, key: &[u8; 32], mode: Mode) -> Result<Self> {
        refuse_cut(path)?;
        let access = match mode {
            Mode::Writer => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Mode::Reader => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|e| error(path, &e))?;
        let db = Self { connection, path: path.to_path_buf(), spoilt: false, unflushed: false };
        db.unlock(key)?;
        db.settle(mode)?;
        Ok(db)
    }

    fn unlock(&self, key: &[u8; 32]) -> Result<()> {
        let mut pragma = Zeroizing::new(String::with_capacity(256));
        // Its own log goes to standard error; what matters of it comes back as an error.
        pragma.push_str("PRAGMA cipher_log_level = NONE; PRAGMA key = \"x'");
        key.iter().for_each(|byte| {
            for digit in [byte >> 4, byte & 15] {
                pragma.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        });
        pragma.push_str("'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256;");
        self.connection.execute_batch(&pragma).map_err(|e| error(&self.path, &e))?;
        // The first read of a page tells whether the key fits.
        let read =
            self.connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0));
        read.map(|_| ()).map_err(|e| match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => {
                StoreError::WrongKey { store: self.path.display().to_string() }
            }
            _ => error(&self.path, &e),
        })
    }

    fn settle(&self, mode: Mode) -> Result<()> {
        let c = &self.connection;
        let settle = || -> rusqlite::Result<()> {
            c.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
            c.set_prepared_statement_cache_capacity(STATEMENTS);
            if mode == Mode::Writer {
                c.pragma_update(None, "journal_mode", "WAL")?;
                c.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
                // A long reader (a backup, a verification) lets the log grow; once it is over, the room is given back.
                c.pragma_update(None, "journal_size_limit", LOG_PAGES * PAGE_BYTES.cast_signed())?;
                c.pragma_update(None, "secure_delete", "ON")?;
            } else {
                c.pragma_update(None, "query_only", "ON")?;
            }
            c.pragma_update(None, "synchronous", "FULL")?;
            c.pragma_update(None, "cache_size", -CACHE_KIB)?;
            c.pragma_update(None, "temp_store", "MEMORY")?;
            c.pragma_update(None, "trusted_schema", "OFF")?;
            c.pragma_update(None, "cell_size_check", "ON")
        };
        settle().map_err(|e| error(&self.path, &e))
    }

    pub(super) fn execute(&mut self, sql: &str, parameters: &[Cell<'_>]) -> Result<u64> {
        let run = || -> rusqlite::Result<usize> {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.execute(rusqlite::params_from_iter(parameters.iter().map(Bound)))
        };
        let result = run();
        result.map(|rows| rows as u64).map_err(|e| self.spoil(&e))
    }

    /// The cause; what was begun can only be undone.
    fn spoil(&mut self, e: &rusqlite::Error) -> StoreError {
        self.spoilt |= !self.connection.is_autocommit();
        error(&self.path, e)
    }

    pub(super) fn query(
        &mut self,
        sql: &str,
        parameters: &[Cell<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut broken = None;
        let mut run = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(parameters.iter().map(Bound)))?;
            while let Some(row) = rows.next()? {
                if let Err(error) = each(&Row::Sqlite(row)) {
                    broken = Some(error);
                    break;
                }
            }
            Ok(())
        };
        let result = run();
        result.map_err(|e| self.spoil(&e))?;
        broken.map_or(Ok(()), Err)
    }

    pub(super) fn define(&mut self, script: &str) -> Result<()> {
        let result = self.connection.execute_batch(&dialect(script));
        result.map_err(|e| self.spoil(&e))
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        self.begin_with(true)
    }

    /// The log keeps the order of commits, so one that is not flushed can be lost, and none before it.
    pub(super) fn begin_derived(&mut self) -> Result<()> {
        self.begin_with(false)
    }

    fn begin_with(&mut self, flushed: bool) -> Result<()> {
        self.flush_commits(flushed)?;
        self.connection.execute_batch("BEGIN").map_err(|e| error(&self.path, &e))?;
        self.spoilt = false;
        Ok(())
    }

    /// Between transactions: whether commits are flushed from now on.
    fn flush_commits(&mut self, flushed: bool) -> Result<()> {
        if self.unflushed != flushed {
            return Ok(());
        }
        let pragma = if flushed { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        self.connection.execute_batch(pragma).map_err(|e| error(&self.path, &e))?;
        self.unflushed = !flushed;
        Ok(())
    }

    pub(super) fn commit(&mut self) -> Result<()> {
        if std::mem::take(&mut self.spoilt) {
            self.roll_back();
            return Err(StoreError::Ours { detail: "a statement of the transaction failed before".into() });
        }
        self.connection.execute_batch("COMMIT").map_err(|e| error(&self.path, &e))?;
        self.flush_commits(true)
    }

    pub(super) fn roll_back(&mut self) {
        self.spoilt = false;
        let _ = self.connection.execute_batch("ROLLBACK");
        // Should it fail, the next transaction tries it again before it begins.
        let _ = self.flush_commits(true);
    }

    /// Copies the log into the database and empties it, so that what was deleted is nowhere any more.
    ///
    /// # Errors
    /// By cause.
    pub fn empty_log(&mut self) -> Result<()> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|e| error(&self.path, &e))
    }

    /// Numbers of the pages whose authentication code is wrong, and the tables that cannot be read whole.
    ///
    /// # Errors
    /// By cause, when not even that can be found out.
    pub fn damage(&mut self) -> Result<Vec<String>> {
        let mut damage = Vec::new();
        let failed = |e: rusqlite::Error| error(&self.path, &e);
        let mut check = self.connection.prepare("PRAGMA cipher_integrity_check").map_err(failed)?;
        let mut rows = check.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            damage.push(row.get::<_, String>(0).map_err(failed)?);
        }
        Ok(damage)
    }

    /// Everything that is defined in the database, by kind and name, except statistics.
    ///
    /// # Errors
    /// By cause.
    pub(crate) fn objects(&mut self) -> Result<BTreeMap<String, String>> {
        objects(&self.connection).map_err(|e| error(&self.path, &e))
    }

    /// The same of a database that these scripts have made.
    ///
    /// # Errors
    /// [`StoreError::Ours`].
    pub(crate) fn objects_of(scripts: &[&str]) -> Result<BTreeMap<String, String>> {
        let made = || {
            let connection = Connection::open_in_memory()?;
            scripts.iter().try_for_each(|script| connection.execute_batch(&dialect(script)))?;
            objects(&connection)
        };
        made().map_err(|e| StoreError::Ours { detail: e.to_string() })
    }

    /// Encrypts the whole database under a new key. No other connection may be open.
    ///
    /// # Errors
    /// By cause; the old key holds until the engine's own commit inside.
    pub fn rekey(&mut self, key: &[u8; 32]) -> Result<()> {
        let digits: Zeroizing<String> = Zeroizing::new(key.iter().map(|b| format!("{b:02x}")).collect());
        let pragma = Zeroizing::new(format!("PRAGMA rekey = \"x'{}'\";", *digits));
        self.connection.execute_batch(&pragma).map_err(|e| error(&self.path, &e))
    }

    /// The most pages the file may have: lets a test fill it.
    ///
    /// # Errors
    /// By cause.
    pub fn limit_pages(&mut self, pages: i64) -> Result<()> {
        self.connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .map_err(|e| error(&self.path, &e))
    }
}

fn objects(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement =
        connection.prepare("SELECT type || ' ' || name, COALESCE(sql, '') FROM sqlite_master")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let is_ours = |found: &rusqlite::Result<(String, String)>| {
        found.as_ref().map_or(true, |(name, _)| !name.starts_with("table sqlite_stat"))
    };
    rows.filter(is_ours).collect()
}

/// A script in SQLite's words.
fn dialect(script: &str) -> String {
    let script = script.replace("{id}", "INTEGER PRIMARY KEY").replace("{int}", "INTEGER");
    script.replace("{blob}", "BLOB").replace("{strict}", "STRICT")
}

/// Refuses what the engine would silently begin anew: a database shorter than its first page, and a log without a database.
fn refuse_cut(path: &Path) -> Result<()> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let (database, log) = (length(path), length(Path::new(&log)));
    if database >= PAGE_BYTES || (database == 0 && log == 0) {
        return Ok(());
    }
    let store = path.display();
    Err(StoreError::damaged(format!("{store} has {database} bytes, less than a page (and {log} in its log)")))
}

/// A cell as a parameter.
struct Bound<'a>(&'a Cell<'a>);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Int(int) => ValueRef::Integer(int),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

pub(super) fn cell<'a>(row: &'a rusqlite::Row<'_>, index: usize) -> Result<Cell<'a>> {
    let value = row.get_ref(index).map_err(|e| StoreError::Ours { detail: e.to_string() })?;
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(int) => Cell::Int(int),
        ValueRef::Text(text) => Cell::Text(
            std::str::from_utf8(text)
                .map_err(|_| StoreError::damaged(format!("column {index} is not UTF-8")))?,
        ),
        ValueRef::Blob(blob) => Cell::Blob(blob),
        ValueRef::Real(_) => return Err(StoreError::damaged(format!("column {index} holds a fraction"))),
    })
}

fn error(path: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as Code;
    let store = path.display().to_string();
    let detail = error.to_string();
    match error.sqlite_error_code() {
        // The key fitted the first page: what does not open is a page that was changed.
        Some(Code::NotADatabase | Code::DatabaseCorrupt) => {
            StoreError::Damaged { what: format!("{store}: {detail}") }
        }
        Some(Code::DiskFull) => StoreError::Full { detail: format!("{store}: {detail}") },
        Some(Code::ReadOnly | Code::PermissionDenied | Code::AuthorizationForStatementDenied) => {
            StoreError::ReadOnly { detail: format!("{store}: {detail}") }
        }
        Some(Code::DatabaseBusy | Code::DatabaseLocked | Code::CannotOpen | Code::SystemIoFailure) => {
            StoreError::Unreachable { detail: format!("{store}: {detail}") }
        }
        _ => StoreError::Ours { detail },
    }
}
