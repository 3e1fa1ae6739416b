//! From records to rows: into an empty place, checked whole before it becomes the store.

use super::file::{self, SealedFile};
use super::header::Header;
use super::record::{Record, Records, Section, Trailer};
use super::{ChunkSource, Progress, Summary};
use crate::db::{Cell, Db, Mode, Value};
use crate::error::{Result, StoreError};
use crate::migration::{self, SCHEMA};
use crate::store::{self, DATABASE_FILE, Place};
use model::Timestamp;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use trust::seal::Secret32;
use zeroize::Zeroizing;

/// Folder within the store's, where a database is made that is not the store yet. A killed restore leaves it; the next removes it.
const UNFINISHED: &str = "restore.tmp";
/// What the engine keeps beside a database.
const BESIDE: &[&str] = &["", "-wal", "-shm", "-journal"];
/// Rows of one transaction while loading a database that nobody sees yet.
const BATCH_ROWS: u64 = 50_000;
/// Cells of one statement; SQLite takes 32,766 parameters, and the time to read a statement grows with it.
const INSERT_CELLS_MAX: usize = 512;
/// Bytes after which a statement is sent with fewer.
const INSERT_BYTES: u64 = 1024 * 1024;
/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;
/// What the schema keeps of itself; not in backups.
const SCHEMA_TABLE: &str = "schema";

/// Reads a backup to its end and checks all that can be checked without a database.
///
/// # Errors
/// [`StoreError::Backup`], by what is wrong with it.
pub fn check(path: &Path, key: &Secret32) -> Result<(Header, Summary)> {
    let (header, mut source) = SealedFile::open(path)?.unlock(key)?;
    refuse_newer(&header)?;
    let mut sections = Vec::new();
    let trailer = records(&mut source, &mut |record| {
        if let Record::Section(section) = record {
            sections.push(section.clone());
        }
        Ok(())
    })?;
    Ok((header, summary(&sections, trailer)))
}

/// Restores a backup into `place`, which must be empty.
///
/// The whole backup is checked first; then it is loaded beside the store, brought up to this build's schema, counted, and shown
/// to `verify`. The commit point is the rename of the database (SQLite), or the one COMMIT (PostgreSQL). Killed or failed
/// before it, there is no store; `restore.tmp` may be left by a kill, and goes with the next try.
///
/// # Errors
/// [`StoreError::Backup`] by what is wrong with it, [`StoreError::Refused`] when the place is not empty, what `verify` returns, and
/// the others by cause.
pub fn from_file(
    path: &Path,
    key: &Secret32,
    place: &Place,
    now: Timestamp,
    verify: &mut dyn FnMut(&mut Db) -> Result<()>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Summary> {
    check(path, key)?;
    let (header, mut source) = SealedFile::open(path)?.unlock(key)?;
    let mut load = |db: &mut Db| -> Result<Summary> {
        let summary = read(&mut source, &header, db, now, progress)?;
        verify(db)?;
        Ok(summary)
    };
    match place {
        Place::Folder { path: folder, key } => into_folder(place, folder, key, &mut load),
        #[cfg(feature = "postgres")]
        Place::Postgres { .. } => into_postgres(place, &mut load),
    }
}

/// Loads records into an empty database and brings it up to this build's schema. The caller undoes it all on an error.
///
/// # Errors
/// As [`from_file`].
pub fn read(
    source: &mut dyn ChunkSource,
    header: &Header,
    db: &mut Db,
    now: Timestamp,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Summary> {
    refuse_newer(header)?;
    if !db.tables()?.is_empty() {
        return Err(not_empty("the database"));
    }
    migration::migrate_to(db, header.schema, now)?;
    let tables = db.tables()?;
    let mut load =
        Load { db, tables, sections: Vec::new(), waiting: Vec::new(), held: 0, rows: 0, bytes: 0, progress };
    load.db.begin()?;
    let loaded = records(source, &mut |record| load.take(record));
    let loaded = loaded.and_then(|trailer| load.flush().map(|()| trailer));
    let loaded = loaded.and_then(|trailer| load.db.commit().map(|()| trailer));
    let Load { db, tables, sections, .. } = load;
    let trailer = loaded.inspect_err(|_| db.roll_back())?;
    let summary = summary(&sections, trailer);
    count(db, &tables, &summary)?;
    migration::migrate(db, now)?;
    Ok(summary)
}

fn records(source: &mut dyn ChunkSource, each: &mut dyn FnMut(Record<'_>) -> Result<()>) -> Result<Trailer> {
    let mut records = Records::new();
    source.read(&mut |plaintext| records.push(plaintext, each))?;
    records.finish()
}

fn summary(sections: &[Section], trailer: Trailer) -> Summary {
    let rows = sections.iter().zip(&trailer.rows).map(|(section, (_, rows))| (section.name.clone(), *rows));
    Summary {
        rows: rows.collect(),
        leaves: trailer.leaves,
        checkpoint: trailer.checkpoint,
        digest: trailer.digest,
    }
}

fn refuse_newer(header: &Header) -> Result<()> {
    if (1..=SCHEMA).contains(&header.schema) {
        return Ok(());
    }
    Err(StoreError::Backup(format!(
        "the backup was made by ward {} with schema {}, this ward knows 1 to {SCHEMA}: restore it with that ward or a newer one",
        header.ward.escape_debug(),
        header.schema
    )))
}

fn not_empty(what: &str) -> StoreError {
    StoreError::Refused(format!(
        "{what} is not empty, and a restore overwrites nothing: give it an empty place"
    ))
}

/// Every table of the schema is in the backup, and what was loaded is there.
fn count(db: &mut Db, tables: &[String], summary: &Summary) -> Result<()> {
    for table in tables.iter().filter(|table| *table != SCHEMA_TABLE) {
        let told = summary.rows.iter().find(|(name, _)| name == table).map(|(_, rows)| *rows);
        let found = db.number(&format!("SELECT count(*) FROM {table}"), &[])?.unwrap_or(0).cast_unsigned();
        if told != Some(found) {
            let told = told.map_or("none".into(), |rows| rows.to_string());
            return Err(StoreError::Backup(format!(
                "table {table} has {found} rows after the restore, the backup says {told}: it was made by another schema; report it"
            )));
        }
    }
    Ok(())
}

/// A database being filled.
struct Load<'a> {
    db: &'a mut Db,
    tables: Vec<String>,
    sections: Vec<Section>,
    /// Cells of rows of the section at hand that are not in the database yet; a statement each would be a round trip each.
    waiting: Vec<Value>,
    /// Bytes of them.
    held: u64,
    rows: u64,
    bytes: u64,
    progress: &'a mut dyn FnMut(&Progress<'_>),
}

impl Load<'_> {
    fn take(&mut self, record: Record<'_>) -> Result<()> {
        match record {
            Record::Section(section) => self.section(section),
            Record::Row(cells) => self.row(cells),
        }
    }

    fn section(&mut self, section: &Section) -> Result<()> {
        self.flush()?;
        let name = &section.name;
        if name == SCHEMA_TABLE || !self.tables.contains(name) {
            return Err(StoreError::Backup(format!(
                "the backup holds a table {name:?} that its schema does not have: report it"
            )));
        }
        self.sections.push(section.clone());
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        let bytes: u64 = cells.iter().map(bytes_of).sum();
        self.waiting.extend(cells.iter().map(Cell::to_value));
        self.held += bytes;
        self.bytes += bytes;
        self.rows += 1;
        if self.waiting.len() + cells.len() > INSERT_CELLS_MAX || self.held > INSERT_BYTES {
            self.flush()?;
        }
        if self.rows.is_multiple_of(BATCH_ROWS) {
            self.flush()?;
            self.db.commit()?;
            self.db.begin()?;
        }
        if self.rows.is_multiple_of(PROGRESS_ROWS) {
            let table = self.sections.last().map_or("", |section| section.name.as_str());
            (self.progress)(&Progress { table, rows: self.rows, bytes: self.bytes });
        }
        Ok(())
    }

    /// Writes the rows that wait, in one statement.
    fn flush(&mut self) -> Result<()> {
        let Some(section) = self.sections.last() else { return Ok(()) };
        let (columns, cells) = (section.columns.len(), self.waiting.len());
        if cells == 0 {
            return Ok(());
        }
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", section.name, section.columns.join(", "));
        for number in 1..=cells {
            sql.push_str(match number % columns {
                _ if columns == 1 => "(?",
                1 => "(?",
                _ => "?",
            });
            sql.push_str(&number.to_string());
            sql.push_str(match number % columns {
                0 if number == cells => ")",
                0 => "), ",
                _ => ", ",
            });
        }
        let parameters: Vec<Cell<'_>> = self.waiting.iter().map(Value::cell).collect();
        self.db.execute(&sql, &parameters)?;
        self.waiting.clear();
        self.held = 0;
        Ok(())
    }
}

fn bytes_of(cell: &Cell<'_>) -> u64 {
    match cell {
        Cell::Null => 0,
        Cell::Int(_) => 8,
        Cell::Text(text) => text.len() as u64,
        Cell::Blob(blob) => blob.len() as u64,
    }
}

fn into_folder(
    place: &Place,
    folder: &Path,
    key: &Zeroizing<[u8; 32]>,
    load: &mut dyn FnMut(&mut Db) -> Result<Summary>,
) -> Result<Summary> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| file::io(folder, &e))?;
    let _lock = store::lock(place)?;
    for beside in BESIDE {
        let present = folder.join(format!("{DATABASE_FILE}{beside}"));
        if std::fs::symlink_metadata(&present).is_ok() {
            return Err(not_empty(&format!("{} ({DATABASE_FILE}{beside})", folder.display())));
        }
    }
    let unfinished = Unfinished::create(folder.join(UNFINISHED))?;
    let inside = Place::Folder { path: unfinished.folder.clone(), key: key.clone() };
    let mut db = inside.connect(Mode::Writer)?;
    let summary = load(&mut db)?;
    db.empty_log()?;
    drop(db);
    let made = unfinished.folder.join(DATABASE_FILE);
    let log = unfinished.folder.join(format!("{DATABASE_FILE}-wal"));
    if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Err(StoreError::Ours { detail: "the restored database is still open elsewhere".into() });
    }
    std::fs::File::open(&made).and_then(|made| made.sync_all()).map_err(|e| file::io(&made, &e))?;
    let store = folder.join(DATABASE_FILE);
    std::fs::rename(&made, &store).map_err(|e| file::io(&store, &e))?;
    file::sync_folder(folder)?;
    Ok(summary)
}

/// The folder of a database that is not the store yet; gone with its owner.
struct Unfinished {
    folder: PathBuf,
}

impl Unfinished {
    /// INVARIANT: the store's lock is held, so that what is there was left by a killed restore.
    fn create(folder: PathBuf) -> Result<Self> {
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(file::io(&folder, &error));
            }
            _ => {}
        }
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(|e| file::io(&folder, &e))?;
        Ok(Self { folder })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(feature = "postgres")]
fn into_postgres(place: &Place, load: &mut dyn FnMut(&mut Db) -> Result<Summary>) -> Result<Summary> {
    let mut db = place.connect(Mode::Writer)?;
    if let Db::Postgres(postgres) = &mut db {
        postgres.enclose()?;
    }
    // On an error the connection goes, and the server undoes all of it.
    let summary = load(&mut db)?;
    if let Db::Postgres(postgres) = &mut db {
        postgres.commit_enclosed().map_err(|error| {
            StoreError::Backup(format!(
                "whether the restore was stored is not known ({error}): run it again; it refuses where the store is there"
            ))
        })?;
    }
    Ok(summary)
}
