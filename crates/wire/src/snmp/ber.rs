//! Tag, length, value: definite lengths only (RFC 3417 §8), in any number of length octets that agents really send.

use crate::{Error, Reader};

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// The next element: its tag and a reader over its content.
pub(super) fn element<'a>(reader: &mut Reader<'a>, what: &'static str) -> Result<(u8, Reader<'a>), Error> {
    let tag = reader.u8(what)?;
    let length = length(reader, what)?;
    Ok((tag, reader.sub(length, what)?))
}

/// The content of the next element, which must bear this tag.
pub(super) fn expect<'a>(reader: &mut Reader<'a>, tag: u8, what: &'static str) -> Result<Reader<'a>, Error> {
    if reader.peek().is_some_and(|found| found != tag) {
        return Err(reader.malformed(what));
    }
    element(reader, what).map(|(_, content)| content)
}

/// The next element, which must be an INTEGER of at most 32 bits.
pub(super) fn integer(reader: &mut Reader<'_>, what: &'static str) -> Result<i64, Error> {
    let malformed = reader.malformed(what);
    let content = expect(reader, INTEGER, what)?.rest();
    let (&first, rest) = content.split_first().ok_or(malformed)?;
    if content.len() > 5 {
        return Err(malformed);
    }
    let start = i64::from(first.cast_signed());
    Ok(rest.iter().fold(start, |sum, &byte| sum << 8 | i64::from(byte)))
}

fn length(reader: &mut Reader<'_>, what: &'static str) -> Result<usize, Error> {
    let malformed = reader.malformed(what);
    match reader.u8(what)? {
        short @ 0..=0x7f => Ok(usize::from(short)),
        long @ 0x81..=0x84 => {
            let octets = reader.take(usize::from(long & 0x7f), what)?;
            Ok(octets.iter().fold(0, |sum, &octet| sum << 8 | usize::from(octet)))
        }
        _ => Err(malformed),
    }
}
