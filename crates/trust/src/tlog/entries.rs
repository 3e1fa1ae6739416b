//! Entry bundles: up to 256 entries, each after its length in two bytes, big-endian.
//!
//! It must not interpret entries. C2SP tlog-tiles, "Log entries".

use super::error::Error;
use super::tile::TILE_WIDTH;

/// Bytes of the longest entry that a bundle can hold.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// Appends one entry to a bundle. An entry over [`ENTRY_BYTES_MAX`] is refused and the bundle left as it was.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(entry.len())
        .map_err(|_| Error::too_large("entry", entry.len(), ENTRY_BYTES_MAX, "bytes"))?;
    bundle.extend(length.to_be_bytes());
    bundle.extend(entry);
    Ok(())
}

/// The 1 to 256 entries of a bundle, borrowed from it.
pub fn parse_bundle(bundle: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        if entries.len() == usize::from(TILE_WIDTH) {
            return Err(Error::too_large("entry bundle", entries.len() + 1, TILE_WIDTH.into(), "entries"));
        }
        let (entry, after) = first_entry(rest)
            .ok_or_else(|| Error::malformed("entry bundle", "it ends inside an entry", []))?;
        entries.push(entry);
        rest = after;
    }
    if entries.is_empty() {
        return Err(Error::malformed("entry bundle", "it is empty", []));
    }
    Ok(entries)
}

fn first_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}
