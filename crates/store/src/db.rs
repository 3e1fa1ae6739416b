//! The thin line between Ward's SQL and the engine: SQLite (SQLCipher) or PostgreSQL.
//!
//! SQL is written once, in the common subset: parameters `?1 ?2 …` in order of first appearance, integers are 64 bits
//! signed, text is UTF-8 without NUL, no dialect functions, no `?` in literals, `CAST(sum(…) AS BIGINT)` and the like where an
//! answer would be of another type. `{id}`, `{int}`, `{blob}` and `{strict}` stand for what the engines spell differently in
//! table definitions. Everything here blocks: call it from threads that may.

#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;

use crate::error::{Result, StoreError};

/// A value as the engines hold it, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// 64 bits, signed.
    Int(i64),
    /// UTF-8.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// A value of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// 64 bits, signed.
    Int(i64),
    /// UTF-8.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// The value, borrowed.
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Int(int) => Cell::Int(*int),
            Self::Text(text) => Cell::Text(text),
            Self::Blob(blob) => Cell::Blob(blob),
        }
    }

    /// Text, or nothing.
    pub fn optional_text(text: Option<&str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.into()))
    }

    /// A number, or nothing.
    pub fn optional_int(int: Option<i64>) -> Self {
        int.map_or(Self::Null, Self::Int)
    }
}

impl Cell<'_> {
    /// A copy.
    pub fn to_value(&self) -> Value {
        match *self {
            Self::Null => Value::Null,
            Self::Int(int) => Value::Int(int),
            Self::Text(text) => Value::Text(text.into()),
            Self::Blob(blob) => Value::Blob(blob.into()),
        }
    }
}

macro_rules! into_value {
    ($($from:ty => $variant:ident($map:expr)),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                #[allow(clippy::redundant_closure_call, reason = "one form for all")]
                Self::$variant(($map)(value))
            }
        })*
    };
}
into_value! {
    i64 => Int(|v| v),
    u32 => Int(i64::from),
    bool => Int(i64::from),
    &str => Text(|v: &str| v.into()),
    String => Text(|v| v),
    Vec<u8> => Blob(|v| v),
    &[u8] => Blob(|v: &[u8]| v.into()),
}

/// One row of an answer; columns are counted from 0.
pub enum Row<'a> {
    /// Of SQLite.
    Sqlite(&'a rusqlite::Row<'a>),
    /// Of PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(&'a ::postgres::Row),
}

impl Row<'_> {
    /// Column `index`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the column is of a kind that Ward never writes.
    pub fn cell(&self, index: usize) -> Result<Cell<'_>> {
        match self {
            Self::Sqlite(row) => sqlite::cell(row, index),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => postgres::cell(row, index),
        }
    }

    /// A number that must be there.
    pub fn int(&self, index: usize) -> Result<i64> {
        match self.cell(index)? {
            Cell::Int(int) => Ok(int),
            other => Err(unexpected(index, "a number", &other)),
        }
    }

    /// A number, or nothing.
    pub fn optional_int(&self, index: usize) -> Result<Option<i64>> {
        match self.cell(index)? {
            Cell::Null => Ok(None),
            Cell::Int(int) => Ok(Some(int)),
            other => Err(unexpected(index, "a number or nothing", &other)),
        }
    }

    /// Text that must be there.
    pub fn text(&self, index: usize) -> Result<&str> {
        match self.cell(index)? {
            Cell::Text(text) => Ok(text),
            other => Err(unexpected(index, "text", &other)),
        }
    }

    /// Text, or nothing.
    pub fn optional_text(&self, index: usize) -> Result<Option<&str>> {
        match self.cell(index)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            other => Err(unexpected(index, "text or nothing", &other)),
        }
    }

    /// Bytes that must be there.
    pub fn blob(&self, index: usize) -> Result<&[u8]> {
        match self.cell(index)? {
            Cell::Blob(blob) => Ok(blob),
            other => Err(unexpected(index, "bytes", &other)),
        }
    }

    /// Bytes, or nothing.
    pub fn optional_blob(&self, index: usize) -> Result<Option<&[u8]>> {
        match self.cell(index)? {
            Cell::Null => Ok(None),
            Cell::Blob(blob) => Ok(Some(blob)),
            other => Err(unexpected(index, "bytes or nothing", &other)),
        }
    }
}

fn unexpected(index: usize, wanted: &str, found: &Cell<'_>) -> StoreError {
    let found = kind(found);
    StoreError::damaged(format!("column {index} of a row holds {found} where {wanted} belongs"))
}

fn kind(cell: &Cell<'_>) -> &'static str {
    match cell {
        Cell::Null => "nothing",
        Cell::Int(_) => "a number",
        Cell::Text(_) => "text",
        Cell::Blob(_) => "bytes",
    }
}

/// Refuses what one of the engines cannot keep, on both: text with a NUL in it.
fn storable(parameters: &[Cell<'_>]) -> Result<()> {
    for (number, cell) in (1..).zip(parameters) {
        if let Cell::Text(text) = cell
            && let Some(at) = text.bytes().position(|byte| byte == 0)
        {
            let shown: String = text.chars().take(QUOTED_CHARACTERS_MAX).collect();
            return Err(StoreError::Refused(format!(
                "value {number}, {shown:?}, has a NUL at byte {at}, which text in the store cannot have: store it as bytes, or without"
            )));
        }
    }
    Ok(())
}

/// Characters of a value that a message quotes.
const QUOTED_CHARACTERS_MAX: usize = 80;

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The one writer.
    Writer,
    /// One of the readers: the engine refuses writes.
    Reader,
}

/// A connection to either engine.
pub enum Db {
    /// SQLite, encrypted.
    Sqlite(sqlite::Sqlite),
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Postgres>),
}

impl Db {
    /// Runs one statement; the number of rows it changed. After an error inside a transaction, that can only be undone
    /// ([`Self::roll_back`]).
    ///
    /// # Errors
    /// By cause, see [`StoreError`]; [`StoreError::Refused`] for text with a NUL in it.
    pub fn execute(&mut self, sql: &str, parameters: &[Cell<'_>]) -> Result<u64> {
        storable(parameters)?;
        match self {
            Self::Sqlite(db) => db.execute(sql, parameters),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.execute(sql, parameters),
        }
    }

    /// Runs a query and hands each row over as it comes; a large answer is never held whole.
    ///
    /// # Errors
    /// By cause, or what `each` returns.
    pub fn query(
        &mut self,
        sql: &str,
        parameters: &[Cell<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        storable(parameters)?;
        match self {
            Self::Sqlite(db) => db.query(sql, parameters, each),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.query(sql, parameters, each),
        }
    }

    /// The first row's first column as a number, if there is a row.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn number(&mut self, sql: &str, parameters: &[Cell<'_>]) -> Result<Option<i64>> {
        let mut number = None;
        self.query(sql, parameters, &mut |row| {
            if number.is_none() {
                number = row.optional_int(0)?;
            }
            Ok(())
        })?;
        Ok(number)
    }

    /// Runs several statements of a migration, with the placeholders of the module's head.
    ///
    /// # Errors
    /// By cause.
    pub fn define(&mut self, script: &str) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.define(script),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.define(script),
        }
    }

    /// Opens a transaction; a reader's sees one state of the database from its first question until its end.
    ///
    /// # Errors
    /// By cause.
    pub fn begin(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.begin(),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.begin(),
        }
    }

    /// Opens a transaction over what derives from other rows: as [`Self::begin`], but its commit may lag behind on the medium. A
    /// power cut may undo it, and nothing that was committed before it; the next flush, of whatever, includes it.
    ///
    /// # Errors
    /// By cause.
    pub fn begin_derived(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.begin_derived(),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.begin(),
        }
    }

    /// Commits: durable once this returns `Ok`. After an error the state is not known ([`StoreError::Unsure`]).
    ///
    /// # Errors
    /// By cause.
    pub fn commit(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.commit(),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.commit(),
        }
    }

    /// Undoes the transaction; used when something before the commit failed, so its own failure is of no interest.
    pub fn roll_back(&mut self) {
        match self {
            Self::Sqlite(db) => db.roll_back(),
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.roll_back(),
        }
    }

    /// Gives up the connection and what the server holds for it, a writer's lock above all; to be replaced by another.
    pub fn close(&mut self) {
        match self {
            // The folder's lock is held by a file of its own, and a connection in WAL mode bars no other.
            Self::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Self::Postgres(db) => db.close(),
        }
    }

    /// Copies SQLite's log into the database and empties it; PostgreSQL sees to its own.
    ///
    /// # Errors
    /// By cause.
    pub fn empty_log(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(db) => db.empty_log(),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Names of all tables, in order.
    ///
    /// # Errors
    /// By cause.
    pub fn tables(&mut self) -> Result<Vec<String>> {
        let sql = match self {
            Self::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
                 WHERE table_schema = current_schema() ORDER BY table_name"
            }
        };
        let mut tables = Vec::new();
        self.query(sql, &[], &mut |row| {
            let name = row.text(0)?;
            // The engine's own, such as statistics.
            if !name.starts_with("sqlite_") {
                tables.push(name.to_owned());
            }
            Ok(())
        })?;
        Ok(tables)
    }

    /// Whether a table of this name exists.
    ///
    /// # Errors
    /// By cause.
    pub fn has_table(&mut self, name: &str) -> Result<bool> {
        let sql = match self {
            Self::Sqlite(_) => "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {
                "SELECT count(*) FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND CAST(table_name AS TEXT) = ?1"
            }
        };
        Ok(self.number(sql, &[Cell::Text(name)])?.unwrap_or(0) > 0)
    }
}
