//! What one transaction leaves in the ledger: who did it, why, what decided, and a salted commitment to every row it wrote.
//!
//! A leaf is public (others' clients read it through the tiles), so it holds row numbers and hashes, never a value. The bytes
//! are specified in docs/operate/ledger.md and never change for a version; reading is total.

use crate::db::Cell;
use crate::table::Table;
use aws_lc_rs::digest::{Context, SHA256};
use model::{SiteId, Timestamp};
use thiserror::Error;

/// First bytes of every leaf of this version.
const MAGIC: [u8; 3] = *b"WL\x01";
/// Row changes in one leaf; a transaction that changes more takes several.
pub const ROWS_MAX: usize = 1 << 17;
/// Bytes of an actor, a cause or an idempotency key.
pub const TEXT_BYTES_MAX: usize = 512;
/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// A commitment: SHA-256.
pub type Commitment = [u8; 32];

/// One transaction, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When it was committed; never before an earlier leaf, whatever the clock says.
    pub at: Timestamp,
    /// Where.
    pub site: SiteId,
    /// Who acted: a person, a sensor, or Ward itself.
    pub actor: String,
    /// Why, in words without personal data.
    pub cause: String,
    /// The idempotency key, if the act had one.
    pub key: String,
    /// Hash of what decided: build, catalog and models (table `deciders`); zero where nothing was judged.
    pub decided: [u8; 32],
    /// The rows.
    pub rows: Vec<RowChange>,
}

/// What became of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Number of its table.
    pub table: u16,
    /// Its number within the table.
    pub id: i64,
    /// Commitment to the row as it is now; `None` when it was deleted.
    pub commitment: Option<Commitment>,
}

/// Why bytes are no leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LeafError {
    /// Ends too early.
    #[error("the leaf is cut off at byte {0}")]
    Cut(usize),
    /// Not of a version that this build reads.
    #[error("not a leaf of a version this ward reads")]
    Version,
    /// Says something it cannot.
    #[error("the leaf is malformed at byte {0}")]
    Malformed(usize),
}

impl Leaf {
    /// The bytes of the leaf.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96 + self.rows.len() * 38);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.at.as_nanos().to_be_bytes());
        put_varint(&mut out, u64::from(self.site.0));
        for text in [&self.actor, &self.cause, &self.key] {
            let text = capped(text);
            put_varint(&mut out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&self.decided);
        put_varint(&mut out, self.rows.len() as u64);
        for row in &self.rows {
            put_varint(&mut out, u64::from(row.table) << 1 | u64::from(row.commitment.is_none()));
            put_varint(&mut out, row.id.cast_unsigned());
            if let Some(commitment) = &row.commitment {
                out.extend_from_slice(commitment);
            }
        }
        out
    }

    /// Reads a leaf.
    ///
    /// # Errors
    /// [`LeafError`] with the place.
    pub fn decode(data: &[u8]) -> Result<Self, LeafError> {
        let mut rows = Vec::new();
        let mut leaf = Self::visit(data, |row| rows.push(row))?;
        leaf.rows = rows;
        Ok(leaf)
    }

    /// Reads a leaf without keeping its rows: each is handed to `row` as it comes.
    ///
    /// # Errors
    /// [`LeafError`] with the place.
    pub fn visit(data: &[u8], mut row: impl FnMut(RowChange)) -> Result<Self, LeafError> {
        let mut bytes = Bytes { data, at: 0 };
        if bytes.take(MAGIC.len())? != MAGIC {
            return Err(LeafError::Version);
        }
        let at = Timestamp::from_nanos(u64::from_be_bytes(bytes.array()?));
        let site = SiteId(u32::try_from(bytes.varint()?).map_err(|_| LeafError::Malformed(bytes.at))?);
        let (actor, cause, key) = (bytes.text()?, bytes.text()?, bytes.text()?);
        let decided = bytes.array()?;
        let count = bytes.varint()?;
        if count > ROWS_MAX as u64 {
            return Err(LeafError::Malformed(bytes.at));
        }
        for _ in 0..count {
            row(bytes.row()?);
        }
        if bytes.at != data.len() {
            return Err(LeafError::Malformed(bytes.at));
        }
        Ok(Self { at, site, actor, cause, key, decided, rows: Vec::new() })
    }
}

/// `text`, at most as long as a leaf keeps, cut at a character.
pub(crate) fn capped(text: &str) -> &str {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    let end = (0..=TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// The commitment to a row: SHA-256 over the salt and every cell, each with its kind and length.
pub fn commit_to<'a>(
    table: &Table,
    id: i64,
    site: i64,
    salt: &[u8],
    cells: impl Iterator<Item = Cell<'a>>,
) -> Commitment {
    let mut image = Vec::with_capacity(256);
    image.extend_from_slice(b"ward row 1\0");
    image.extend_from_slice(salt);
    image.extend_from_slice(&table.number.to_be_bytes());
    image.extend_from_slice(&id.to_be_bytes());
    image.extend_from_slice(&site.to_be_bytes());
    let mut context = Context::new(&SHA256);
    for cell in cells {
        match cell {
            Cell::Null => image.push(0),
            Cell::Int(int) => {
                image.push(1);
                image.extend_from_slice(&int.to_be_bytes());
            }
            Cell::Text(text) => sized(&mut image, 2, text.as_bytes()),
            Cell::Blob(blob) => sized(&mut image, 3, blob),
        }
    }
    context.update(&image);
    let mut commitment = [0; 32];
    commitment.copy_from_slice(context.finish().as_ref());
    commitment
}

fn sized(image: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    image.push(kind);
    image.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    image.extend_from_slice(bytes);
}

/// Appends `value` in LEB128.
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A leaf being read.
struct Bytes<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], LeafError> {
        let end = self.at.checked_add(count).ok_or(LeafError::Malformed(self.at))?;
        let taken = self.data.get(self.at..end).ok_or(LeafError::Cut(self.at))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LeafError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| LeafError::Cut(at))
    }

    /// LEB128, in the fewest bytes.
    fn varint(&mut self) -> Result<u64, LeafError> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let part = u64::from(byte & 0x7f);
            if part.leading_zeros() < shift || (byte == 0 && shift > 0) {
                return Err(LeafError::Malformed(start));
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(LeafError::Malformed(start))
    }

    fn text(&mut self) -> Result<String, LeafError> {
        let at = self.at;
        let length = usize::try_from(self.varint()?).map_err(|_| LeafError::Malformed(at))?;
        if length > TEXT_BYTES_MAX {
            return Err(LeafError::Malformed(at));
        }
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| LeafError::Malformed(at))?;
        Ok(text.to_owned())
    }

    fn row(&mut self) -> Result<RowChange, LeafError> {
        let at = self.at;
        let head = self.varint()?;
        let table = u16::try_from(head >> 1).map_err(|_| LeafError::Malformed(at))?;
        let id = self.varint()?.cast_signed();
        let commitment = if head & 1 == 0 { Some(self.array()?) } else { None };
        Ok(RowChange { table, id, commitment })
    }
}
