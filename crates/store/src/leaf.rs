//! What one transaction leaves in the ledger: who did it, why, what decided, and the hash of a list with a salted commitment to
//! every row it wrote.
//!
//! A leaf is public (others' clients read it through the tiles), so it holds no value; the list stays with the store. The
//! bytes are specified in docs/operate/ledger.md and never change for a version; reading is total.

use crate::db::Cell;
use crate::table::Table;
use aws_lc_rs::digest::SHA256;
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
    /// How many rows it wrote or deleted.
    pub rows: u64,
    /// SHA-256 of the list of them ([`encode_rows`]), which stays with the store.
    pub rows_hash: [u8; 32],
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
    /// The bytes of the leaf, under 2 KiB: an entry of the log.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.at.as_nanos().to_be_bytes());
        put_varint(&mut out, u64::from(self.site.0));
        for text in [&self.actor, &self.cause, &self.key] {
            let text = capped(text);
            put_varint(&mut out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&self.decided);
        put_varint(&mut out, self.rows);
        out.extend_from_slice(&self.rows_hash);
        out
    }

    /// Reads a leaf.
    ///
    /// # Errors
    /// [`LeafError`] with the place.
    pub fn decode(data: &[u8]) -> Result<Self, LeafError> {
        let mut bytes = Bytes { data, at: 0 };
        if bytes.take(MAGIC.len())? != MAGIC {
            return Err(LeafError::Version);
        }
        let at = Timestamp::from_nanos(u64::from_be_bytes(bytes.array()?));
        let site = SiteId(u32::try_from(bytes.varint()?).map_err(|_| LeafError::Malformed(bytes.at))?);
        let (actor, cause, key) = (bytes.text()?, bytes.text()?, bytes.text()?);
        let (decided, rows, rows_hash) = (bytes.array()?, bytes.varint()?, bytes.array()?);
        if bytes.at != data.len() {
            return Err(LeafError::Malformed(bytes.at));
        }
        Ok(Self { at, site, actor, cause, key, decided, rows, rows_hash })
    }
}

/// The list of rows that a leaf answers for, as bytes: a number that is twice the table's, plus one for a deletion; the row's;
/// the commitment, unless deleted.
pub fn encode_rows(rows: &[RowChange]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 38);
    for row in rows {
        put_varint(&mut out, u64::from(row.table) << 1 | u64::from(row.commitment.is_none()));
        put_varint(&mut out, row.id.cast_unsigned());
        if let Some(commitment) = &row.commitment {
            out.extend_from_slice(commitment);
        }
    }
    out
}

/// Reads a list of rows, each handed to `row` as it comes; how many there were.
///
/// # Errors
/// [`LeafError`] with the place.
pub fn visit_rows(data: &[u8], mut row: impl FnMut(RowChange)) -> Result<u64, LeafError> {
    let mut bytes = Bytes { data, at: 0 };
    let mut count = 0;
    while bytes.at < data.len() {
        row(bytes.row()?);
        count += 1;
    }
    Ok(count)
}

/// SHA-256 of a list of rows.
pub fn rows_hash(rows: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&SHA256, rows).as_ref());
    hash
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
    rows_hash(&image)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::BLOCKS;

    fn leaf() -> Leaf {
        Leaf {
            at: Timestamp::from_secs(1_790_000_000),
            site: SiteId(7),
            actor: "sensor:1".into(),
            cause: "records".into(),
            key: String::new(),
            decided: [3; 32],
            rows: 2,
            rows_hash: [9; 32],
        }
    }

    #[test]
    fn a_leaf_reads_back_and_no_prefix_is_one() {
        let bytes = leaf().encode();
        assert_eq!(Leaf::decode(&bytes), Ok(leaf()));
        for end in 0..bytes.len() {
            assert!(Leaf::decode(&bytes[..end]).is_err(), "prefix of {end} bytes");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Leaf::decode(&longer), Err(LeafError::Malformed(bytes.len())));
    }

    #[test]
    fn version_1_keeps_its_bytes() {
        let hex: String = leaf().encode().iter().map(|b| format!("{b:02x}")).collect();
        let head = "574c0118d75b8423f30000070873656e736f723a31077265636f72647300";
        assert_eq!(hex, format!("{head}{}02{}", "03".repeat(32), "09".repeat(32)));
    }

    #[test]
    fn row_lists_read_back() {
        let rows = [
            RowChange { table: 8, id: 1, commitment: Some([1; 32]) },
            RowChange { table: 9, id: i64::MAX, commitment: None },
            RowChange { table: 300, id: -1, commitment: Some([2; 32]) },
        ];
        let mut read = Vec::new();
        assert_eq!(visit_rows(&encode_rows(&rows), |row| read.push(row)), Ok(3));
        assert_eq!(read, rows);
        assert_eq!(
            visit_rows(&[0x80, 0x00, 1], |_| {}),
            Err(LeafError::Malformed(0)),
            "not the shortest form"
        );
        assert!(visit_rows(&[0xff; 12], |_| {}).is_err());
    }

    #[test]
    fn a_commitment_tells_cells_apart() {
        let commit = |cells: &[Cell<'_>]| commit_to(&BLOCKS, 1, 1, &[0; 16], cells.iter().copied());
        let all = [
            commit(&[Cell::Null, Cell::Text("")]),
            commit(&[Cell::Text(""), Cell::Null]),
            commit(&[Cell::Text("ab"), Cell::Text("c")]),
            commit(&[Cell::Text("a"), Cell::Text("bc")]),
            commit(&[Cell::Blob(b"a"), Cell::Text("bc")]),
            commit(&[Cell::Int(0)]),
            commit(&[Cell::Int(-1)]),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|b| a != b), "{i}");
        }
        assert_ne!(
            commit_to(&BLOCKS, 1, 1, &[1; 16], std::iter::empty()),
            commit_to(&BLOCKS, 1, 1, &[0; 16], std::iter::empty())
        );
    }
}
