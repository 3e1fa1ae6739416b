//! The records of a backup, bytes to cells and back. Writing is canonical, reading is total and bounded: every length is held
//! against what has come, never allocated for.
//!
//! A record is its kind (1 byte), the length of its body (LEB128), its body. Numbers are LEB128 in the fewest bytes; text and bytes
//! stand after their length.

use crate::db::{Cell, Value};
use crate::error::{Result, StoreError};
use aws_lc_rs::digest::{Context, SHA256};

/// Bytes of one record: the longest row that can be kept in a backup.
pub const RECORD_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of one cell.
pub const CELL_BYTES_MAX: usize = RECORD_BYTES_MAX - 64 * 1024;
/// Tables of a backup.
const SECTIONS_MAX: usize = 1024;
/// Columns of a table.
const COLUMNS_MAX: usize = 64;
/// Bytes of a table's or column's name: what PostgreSQL tells apart.
const NAME_BYTES_MAX: usize = 63;
/// Bytes of a checkpoint.
const CHECKPOINT_BYTES_MAX: usize = 64 * 1024;

const SECTION: u8 = 1;
const ROW: u8 = 2;
const END: u8 = 3;

/// A table whose rows follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Its number; they ascend.
    pub(super) number: u16,
    /// Its name in SQL.
    pub(super) name: String,
    /// How many of its first columns are its key, which are numbers; rows ascend by it.
    pub(super) key: usize,
    /// All columns.
    pub(super) columns: Vec<String>,
}

/// What a backup ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    /// Rows of each section, by its number.
    pub(super) rows: Vec<(u16, u64)>,
    /// Leaves of the ledger.
    pub(super) leaves: u64,
    /// The newest checkpoint.
    pub(super) checkpoint: Option<String>,
    /// SHA-256 of every record before this one, and of its body as far as the digest.
    pub(super) digest: [u8; 32],
}

/// One record of a table, read.
pub(super) enum Record<'a> {
    Section(&'a Section),
    Row(&'a [Cell<'a>]),
}

/// Makes records, and counts what goes into them.
pub(super) struct Writer {
    body: Vec<u8>,
    out: Vec<u8>,
    digest: Context,
    rows: Vec<(u16, u64)>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { body: Vec::new(), out: Vec::new(), digest: Context::new(&SHA256), rows: Vec::new() }
    }

    /// The bytes of a section's head.
    pub(super) fn section(&mut self, section: &Section) -> &[u8] {
        self.body.clear();
        put_varint(&mut self.body, u64::from(section.number));
        put_varint(&mut self.body, section.key as u64);
        put_sized(&mut self.body, section.name.as_bytes());
        put_varint(&mut self.body, section.columns.len() as u64);
        section.columns.iter().for_each(|column| put_sized(&mut self.body, column.as_bytes()));
        self.rows.push((section.number, 0));
        self.record(SECTION)
    }

    /// The bytes of a row of the section at hand.
    pub(super) fn row<'a>(&mut self, cells: impl Iterator<Item = Result<Cell<'a>>>) -> Result<&[u8]> {
        self.body.clear();
        for cell in cells {
            put_cell(&mut self.body, &cell?);
        }
        if self.body.len() > RECORD_BYTES_MAX {
            let bytes = self.body.len();
            return Err(StoreError::Refused(format!(
                "a row of {bytes} bytes cannot be backed up: at most {RECORD_BYTES_MAX}"
            )));
        }
        if let Some((_, rows)) = self.rows.last_mut() {
            *rows += 1;
        }
        Ok(self.record(ROW))
    }

    /// What the backup ends with, and its bytes.
    pub(super) fn end(mut self, leaves: u64, checkpoint: Option<String>) -> (Trailer, Vec<u8>) {
        self.body.clear();
        put_varint(&mut self.body, self.rows.len() as u64);
        for (number, rows) in &self.rows {
            put_varint(&mut self.body, u64::from(*number));
            put_varint(&mut self.body, *rows);
        }
        put_varint(&mut self.body, leaves);
        put_cell(&mut self.body, &checkpoint.as_deref().map_or(Cell::Null, Cell::Text));
        let digest = digest_of(&self.digest, &self.body);
        self.body.extend_from_slice(&digest);
        let bytes = self.record(END).to_vec();
        (Trailer { rows: self.rows, leaves, checkpoint, digest }, bytes)
    }

    fn record(&mut self, kind: u8) -> &[u8] {
        self.out.clear();
        self.out.push(kind);
        put_varint(&mut self.out, self.body.len() as u64);
        self.out.extend_from_slice(&self.body);
        self.digest.update(&self.out);
        &self.out
    }
}

/// Reads records out of bytes as they come.
pub(super) struct Records {
    pending: Vec<u8>,
    /// Bytes of records read.
    at: u64,
    digest: Context,
    section: Option<Section>,
    /// Key of the last row.
    last: Vec<i64>,
    rows: Vec<(u16, u64)>,
    trailer: Option<Trailer>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            pending: Vec::new(),
            at: 0,
            digest: Context::new(&SHA256),
            section: None,
            last: Vec::new(),
            rows: Vec::new(),
            trailer: None,
        }
    }

    /// Takes the next bytes and hands over the records that are whole with them.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some((kind, head, body)) =
            whole(pending.get(taken..).unwrap_or_default()).map_err(|why| self.malformed(why))?
        {
            if self.trailer.is_some() {
                return Err(self.malformed("a record after the end"));
            }
            let length = head + body.len();
            if kind != END {
                self.digest.update(pending.get(taken..taken + length).unwrap_or_default());
            }
            self.record(kind, body, each)?;
            taken += length;
            self.at += length as u64;
        }
        pending.drain(..taken);
        self.pending = pending;
        Ok(())
    }

    /// What the backup ended with.
    pub(super) fn finish(mut self) -> Result<Trailer> {
        let trailer = self.trailer.take().ok_or_else(|| self.malformed("no end"))?;
        if self.pending.is_empty() { Ok(trailer) } else { Err(self.malformed("bytes after the end")) }
    }

    fn record(
        &mut self,
        kind: u8,
        body: &[u8],
        each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<()> {
        match kind {
            SECTION => {
                let section = section(body).ok_or_else(|| self.malformed("a table's head"))?;
                if self.rows.last().is_some_and(|(number, _)| *number >= section.number)
                    || self.rows.len() >= SECTIONS_MAX
                {
                    return Err(self.malformed("the order of tables"));
                }
                self.rows.push((section.number, 0));
                self.last.clear();
                each(Record::Section(&section))?;
                self.section = Some(section);
                Ok(())
            }
            ROW => self.row(body, each),
            _ => {
                let trailer = trailer(body).ok_or_else(|| self.malformed("the end"))?;
                let told = body.len().saturating_sub(trailer.digest.len());
                let digest = digest_of(&self.digest, body.get(..told).unwrap_or_default());
                if trailer.rows != self.rows || trailer.digest != digest {
                    return Err(self.malformed("the end, which does not fit what came before"));
                }
                self.trailer = Some(trailer);
                Ok(())
            }
        }
    }

    fn row(&mut self, body: &[u8], each: &mut dyn FnMut(Record<'_>) -> Result<()>) -> Result<()> {
        let (columns, key) =
            self.section.as_ref().map_or((0, 0), |section| (section.columns.len(), section.key));
        let cells = cells(body, columns).ok_or_else(|| self.malformed("a row"))?;
        let number = |cell: &Cell<'_>| if let Cell::Int(int) = cell { Some(*int) } else { None };
        let this: Option<Vec<i64>> = cells.iter().take(key).map(number).collect();
        let this = this.filter(|this| self.last.is_empty() || *this > self.last);
        self.last = this.ok_or_else(|| self.malformed("the order of rows"))?;
        if let Some((_, rows)) = self.rows.last_mut() {
            *rows += 1;
        }
        each(Record::Row(&cells))
    }

    fn malformed(&self, what: &str) -> StoreError {
        StoreError::Backup(format!(
            "the backup is malformed at byte {} of its records ({what}), although it opens with this key: the ward that made it \
             erred, or this one does; report it, and restore another",
            self.at
        ))
    }
}

fn digest_of(records: &Context, end: &[u8]) -> [u8; 32] {
    let mut all = records.clone();
    all.update(end);
    let mut digest = [0; 32];
    digest.copy_from_slice(all.finish().as_ref());
    digest
}

/// Kind, bytes before the body, and body of a record.
type Whole<'a> = (u8, usize, &'a [u8]);

/// The record that `bytes` begin with, if it is there whole.
fn whole(bytes: &[u8]) -> Result<Option<Whole<'_>>, &'static str> {
    let Some((kind, rest)) = bytes.split_first() else { return Ok(None) };
    if !matches!(*kind, SECTION | ROW | END) {
        return Err("a record of an unknown kind");
    }
    let mut reader = Reader::new(rest);
    let Some(length) = reader.varint() else {
        return if rest.len() < VARINT_BYTES_MAX { Ok(None) } else { Err("a length") };
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= RECORD_BYTES_MAX);
    let length = length.ok_or("a record longer than any")?;
    Ok(reader.take(length).map(|body| (*kind, bytes.len() - reader.data.len() - length, body)))
}

fn section(body: &[u8]) -> Option<Section> {
    let mut reader = Reader::new(body);
    let number = u16::try_from(reader.varint()?).ok()?;
    let key = usize::try_from(reader.varint()?).ok()?;
    let name = reader.name()?;
    let count = usize::try_from(reader.varint()?).ok().filter(|count| (1..=COLUMNS_MAX).contains(count))?;
    let columns = (0..count).map(|_| reader.name()).collect::<Option<Vec<String>>>()?;
    let right = reader.is_empty() && (1..=count).contains(&key);
    right.then_some(Section { number, name, key, columns })
}

fn cells(body: &[u8], columns: usize) -> Option<Vec<Cell<'_>>> {
    let mut reader = Reader::new(body);
    let cells = (0..columns).map(|_| reader.cell()).collect::<Option<Vec<_>>>()?;
    (columns > 0 && reader.is_empty()).then_some(cells)
}

fn trailer(body: &[u8]) -> Option<Trailer> {
    let mut reader = Reader::new(body);
    let count = usize::try_from(reader.varint()?).ok().filter(|count| *count <= SECTIONS_MAX)?;
    let mut rows = Vec::new();
    for _ in 0..count {
        rows.push((u16::try_from(reader.varint()?).ok()?, reader.varint()?));
    }
    let leaves = reader.varint()?;
    let checkpoint = match reader.cell()?.to_value() {
        Value::Null => None,
        Value::Text(text) if text.len() <= CHECKPOINT_BYTES_MAX => Some(text),
        _ => return None,
    };
    let digest = reader.array()?;
    reader.is_empty().then_some(Trailer { rows, leaves, checkpoint, digest })
}

/// Bytes of the longest number.
const VARINT_BYTES_MAX: usize = 10;

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A cell: 0 nothing; 1 a number, the sign in its lowest bit; 2 text; 3 bytes.
fn put_cell(out: &mut Vec<u8>, cell: &Cell<'_>) {
    match *cell {
        Cell::Null => out.push(0),
        Cell::Int(int) => {
            out.push(1);
            put_varint(out, (int << 1 ^ int >> 63).cast_unsigned());
        }
        Cell::Text(text) => {
            out.push(2);
            put_sized(out, text.as_bytes());
        }
        Cell::Blob(blob) => {
            out.push(3);
            put_sized(out, blob);
        }
    }
}

/// Bytes being read; `None` is the end or nonsense.
pub(super) struct Reader<'a> {
    data: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.data.split_at_checked(count)?;
        self.data = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// LEB128, in the fewest bytes.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let part = u64::from(byte & 0x7f);
            if part.leading_zeros() < shift || (byte == 0 && shift > 0) {
                return None;
            }
            value |= part << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        self.take(length)
    }

    /// A name that may stand in SQL as it is.
    fn name(&mut self) -> Option<String> {
        let name = std::str::from_utf8(self.sized()?).ok()?;
        let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= NAME_BYTES_MAX
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        fits.then(|| name.to_owned())
    }

    fn cell(&mut self) -> Option<Cell<'a>> {
        Some(match self.array()? {
            [0] => Cell::Null,
            [1] => {
                let folded = self.varint()?;
                Cell::Int((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
            }
            [2] => Cell::Text(std::str::from_utf8(self.sized()?).ok()?),
            [3] => Cell::Blob(self.sized()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "record/tests.rs"]
mod tests;
