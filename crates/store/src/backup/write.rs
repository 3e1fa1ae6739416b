//! From rows to records: one snapshot of the database, table by table, while the writer goes on.

use super::file::FileSink;
use super::header::Header;
use super::record::{Section, Writer};
use super::{ChunkSink, Progress, Sealing, Summary};
use crate::db::{Db, Mode};
use crate::error::{Result, StoreError};
use crate::migration::{self, SCHEMA};
use crate::store::Place;
use crate::table::TABLES;
use model::Timestamp;
use std::path::Path;

/// The ledger's own tables, after those that it answers for: number, name, columns, how many of them are the key.
const LEDGER: &[(u16, &str, &[&str], usize)] = &[
    (LEAVES, "leaves", &["id", "data", "changes"], 1),
    (0xff02, "tiles", &["level", "number", "width", "data"], 3),
    (CHECKPOINTS, "checkpoints", &["size", "note", "signed_at", "witnesses"], 1),
];
const LEAVES: u16 = 0xff01;
const CHECKPOINTS: u16 = 0xff03;
/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

/// Writes a backup of `place` to a new file. The store may be in use.
///
/// # Errors
/// [`StoreError::Refused`] when there is such a file; the others by cause, and then there is none.
pub fn to_file(
    place: &Place,
    sealing: &Sealing<'_>,
    path: &Path,
    now: Timestamp,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Summary> {
    let mut db = place.connect(Mode::Reader)?;
    let header = Header {
        schema: SCHEMA,
        created: now,
        ward: env!("CARGO_PKG_VERSION").into(),
        keyring: sealing.keyring.to_vec(),
    };
    let mut sink = FileSink::create(path, sealing, &header)?;
    write(&mut db, &mut sink, progress)
}

/// Writes every row that a reader's connection sees at one moment, then ends the sink.
///
/// # Errors
/// [`StoreError::Refused`] for a store of another schema than this build's, [`StoreError::Damaged`] when a leaf is missing, and the
/// others by cause.
pub fn write(
    db: &mut Db,
    sink: &mut dyn ChunkSink,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Summary> {
    db.begin()?;
    let summary = all(db, sink, progress);
    db.roll_back();
    let summary = summary?;
    sink.end()?;
    Ok(summary)
}

/// Every table with rows to keep.
pub(super) fn sections() -> Vec<Section> {
    let owned = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect();
    let tables = TABLES.iter().map(|table| Section {
        number: table.number,
        name: table.name.into(),
        key: 1,
        columns: owned(&[&["id", "site", "salt"], table.columns].concat()),
    });
    let ledger = LEDGER.iter().map(|(number, name, columns, key)| Section {
        number: *number,
        name: (*name).into(),
        key: *key,
        columns: owned(columns),
    });
    tables.chain(ledger).collect()
}

fn all(db: &mut Db, sink: &mut dyn ChunkSink, progress: &mut dyn FnMut(&Progress<'_>)) -> Result<Summary> {
    let found = migration::version(db)?;
    if found != SCHEMA {
        return Err(StoreError::Refused(format!(
            "the store has schema {found} and this ward writes {SCHEMA}: back it up with the ward that runs on it, or start this \
             one once to bring it up to date"
        )));
    }
    let sections = sections();
    let mut copy = Copy { writer: Writer::new(), sink, rows: 0, bytes: 0, leaves: 0, checkpoint: None };
    for section in &sections {
        copy.section(db, section, progress)?;
    }
    let Copy { writer, sink, leaves, checkpoint, .. } = copy;
    let (trailer, bytes) = writer.end(leaves, checkpoint);
    sink.put(&bytes)?;
    let rows = sections.iter().zip(&trailer.rows).map(|(section, (_, rows))| (section.name.clone(), *rows));
    Ok(Summary {
        rows: rows.collect(),
        leaves: trailer.leaves,
        checkpoint: trailer.checkpoint,
        digest: trailer.digest,
    })
}

/// A backup in the making.
struct Copy<'a> {
    writer: Writer,
    sink: &'a mut dyn ChunkSink,
    rows: u64,
    bytes: u64,
    leaves: u64,
    checkpoint: Option<String>,
}

impl Copy<'_> {
    fn section(
        &mut self,
        db: &mut Db,
        section: &Section,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<()> {
        self.sink.put(self.writer.section(section))?;
        let columns = section.columns.len();
        let keys: Vec<&str> = section.columns.iter().take(section.key).map(String::as_str).collect();
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {}",
            section.columns.join(", "),
            section.name,
            keys.join(", ")
        );
        db.query(&sql, &[], &mut |row| {
            if section.number == LEAVES {
                self.count_leaf(row.int(0)?)?;
            }
            if section.number == CHECKPOINTS {
                self.checkpoint = Some(row.text(1)?.to_owned());
            }
            let bytes = self.writer.row((0..columns).map(|column| row.cell(column)))?;
            self.sink.put(bytes)?;
            self.rows += 1;
            self.bytes += bytes.len() as u64;
            if self.rows.is_multiple_of(PROGRESS_ROWS) {
                progress(&Progress { table: &section.name, rows: self.rows, bytes: self.bytes });
            }
            Ok(())
        })?;
        progress(&Progress { table: &section.name, rows: self.rows, bytes: self.bytes });
        Ok(())
    }

    /// Leaves are numbered from 0 without a gap: a backup with one could not be believed later.
    fn count_leaf(&mut self, id: i64) -> Result<()> {
        if u64::try_from(id) != Ok(self.leaves) {
            let missing = self.leaves;
            return Err(StoreError::damaged(format!("leaf {missing} is missing, the next is {id}")));
        }
        self.leaves += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_has_a_number_of_the_ledgers() {
        assert!(sections().is_sorted_by(|one, next| one.number < next.number));
        assert_eq!(sections().len(), TABLES.len() + LEDGER.len());
    }
}
