//! Mode 6, the control messages of ntpq (RFC 9327).

use crate::{Error, Reader};
use memchr::{memchr, memchr2};

/// Variables read from one message.
const VARIABLES_MAX: usize = 64;
const HEADER_BYTES: usize = 12;
/// The key identifier and digest that may follow the data.
const MAC_BYTES_MAX: usize = 24;

/// A control message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control<'a> {
    /// It answers.
    pub response: bool,
    /// It answers that the request failed.
    pub error: bool,
    /// What is asked: 1 status, 2 read variables, 3 write variables, … (RFC 9327 §2).
    pub opcode: u8,
    data: &'a [u8],
    begins: bool,
}

impl<'a> Control<'a> {
    /// The variables of the answer; none in a fragment that does not begin one, where a name could be cut off.
    pub fn variables(&self) -> Variables<'a> {
        let readable = self.response && !self.error && self.begins && self.opcode == 2;
        Variables { rest: if readable { self.data } else { &[] }, left: VARIABLES_MAX }
    }
}

/// Iterates over `name="value"` pairs.
#[derive(Clone, Debug)]
pub struct Variables<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Variables<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 && !self.rest.is_empty() {
            self.left -= 1;
            let rest = self.rest.trim_ascii_start();
            let Some(end) = memchr2(b'=', b',', rest) else { break };
            let (name, rest) = rest.split_at_checked(end)?;
            match rest.split_first() {
                Some((b'=', value)) => {
                    let (value, rest) = split_value(value);
                    self.rest = rest;
                    return Some((name.trim_ascii(), value));
                }
                Some((_, rest)) => self.rest = rest,
                None => break,
            }
        }
        self.rest = &[];
        None
    }
}

/// The value up to its comma, without its quotes, and what follows. A comma inside quotes is part of the value.
fn split_value(text: &[u8]) -> (&[u8], &[u8]) {
    let quoted = text.strip_prefix(b"\"").and_then(|inside| inside.split_at_checked(memchr(b'"', inside)?));
    let (value, rest) = quoted.unwrap_or_else(|| {
        text.split_at_checked(memchr(b',', text).unwrap_or(text.len())).unwrap_or((text, &[]))
    });
    let rest = memchr(b',', rest).and_then(|comma| rest.get(comma + 1..)).unwrap_or_default();
    (value.trim_ascii(), rest)
}

pub(super) fn parse(datagram: &[u8]) -> Result<Control<'_>, Error> {
    let mut reader = Reader::new(datagram);
    reader.skip(1, "leap, version, mode")?;
    let bits = reader.u8("opcode")?;
    let opcode = bits & 0x1f;
    if !matches!(opcode, 1..=12 | 31) || (bits & 0x80 == 0 && bits & 0x60 != 0) {
        return Err(Error::Malformed { what: "opcode", at: 1 });
    }
    reader.skip(6, "sequence, status, association")?;
    let offset = reader.u16_be("offset")?;
    let count = usize::from(reader.u16_be("count")?);
    let data = reader.take(count, "data")?;
    // The data are padded to 32 bits, or to 64 in front of a MAC.
    if datagram.len() > HEADER_BYTES + count.next_multiple_of(8) + MAC_BYTES_MAX {
        return Err(Error::Malformed { what: "count", at: HEADER_BYTES - 2 });
    }
    Ok(Control { response: bits & 0x80 != 0, error: bits & 0x40 != 0, opcode, data, begins: offset == 0 })
}
