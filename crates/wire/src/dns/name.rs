//! Domain names with compression (RFC 1035 §4.1.4).

use super::{HEADER_BYTES, NAME_BYTES_MAX, POINTERS_MAX};
use crate::Error;
use std::net::IpAddr;

/// A name somewhere in a message. INVARIANT: it resolved within the bounds when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Name<'a> {
    /// Reads the name `at` bytes into `message`; also tells where what follows it begins.
    pub(super) fn read(message: &'a [u8], at: usize) -> Result<(Self, usize), Error> {
        let name = Self { message, at };
        let mut labels = name.labels();
        while labels.step()?.is_some() {}
        Ok((name, labels.end.unwrap_or(at)))
    }

    /// Its labels, most specific first, without the root.
    pub const fn labels(self) -> Labels<'a> {
        Labels {
            message: self.message,
            at: self.at,
            run_at: self.at,
            bytes: 0,
            pointers: 0,
            end: None,
            done: false,
        }
    }

    /// The first label; empty for the root.
    pub fn first(self) -> &'a [u8] {
        self.labels().next().unwrap_or_default()
    }

    /// The same name, letters compared without case (RFC 1035 §2.3.3).
    pub fn is(self, other: Name<'_>) -> bool {
        if self.at == other.at && std::ptr::eq(self.message, other.message) {
            return true;
        }
        let (mut mine, mut theirs) = (self.labels(), other.labels());
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
                _ => return false,
            }
        }
    }

    /// Whether it is the name under which the owner of `ip` is looked up (in-addr.arpa, ip6.arpa).
    pub fn is_reverse_of(self, ip: IpAddr) -> bool {
        let mut labels = self.labels();
        let zone: [&[u8]; 2] = match ip {
            IpAddr::V4(v4) => {
                if !v4.octets().iter().rev().all(|&octet| labels.next().and_then(decimal) == Some(octet)) {
                    return false;
                }
                [b"in-addr", b"arpa"]
            }
            IpAddr::V6(v6) => {
                let mut nibbles = v6.octets().into_iter().rev().flat_map(|octet| [octet & 0xf, octet >> 4]);
                if !nibbles.all(|nibble| labels.next().and_then(hexadecimal) == Some(nibble)) {
                    return false;
                }
                [b"ip6", b"arpa"]
            }
        };
        zone.iter().all(|part| labels.next().is_some_and(|label| label.eq_ignore_ascii_case(part)))
            && labels.next().is_none()
    }
}

/// Labels of a name, most specific first.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    run_at: usize,
    bytes: usize,
    pointers: usize,
    end: Option<usize>,
    done: bool,
}

impl<'a> Labels<'a> {
    fn step(&mut self) -> Result<Option<&'a [u8]>, Error> {
        while !self.done {
            let length = self.byte(self.at)?;
            match length >> 6 {
                0 if length == 0 => {
                    self.end.get_or_insert(self.at + 1);
                    self.done = true;
                }
                0 => return self.label(usize::from(length)).map(Some),
                3 => self.jump(length)?,
                _ => return Err(Error::Malformed { what: "label type", at: self.at }),
            }
        }
        Ok(None)
    }

    fn label(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let from = self.at + 1;
        let label =
            self.message.get(from..from + length).ok_or(Error::Truncated { what: "label", at: self.at })?;
        self.bytes += length + 1;
        // One byte stays for the root.
        if self.bytes >= NAME_BYTES_MAX {
            return Err(Error::Limit { what: "name", max: NAME_BYTES_MAX });
        }
        self.at = from + length;
        Ok(label)
    }

    /// INVARIANT: a pointer leads before the run of labels that holds it ("a prior occurrence"), so no chain can loop.
    fn jump(&mut self, high: u8) -> Result<(), Error> {
        let low = self.byte(self.at + 1)?;
        let target = usize::from(u16::from_be_bytes([high & 0x3f, low]));
        if target >= self.run_at || target < HEADER_BYTES {
            return Err(Error::Malformed { what: "compression pointer", at: self.at });
        }
        self.pointers += 1;
        if self.pointers > POINTERS_MAX {
            return Err(Error::Limit { what: "compression pointers", max: POINTERS_MAX });
        }
        self.end.get_or_insert(self.at + 2);
        self.run_at = target;
        self.at = target;
        Ok(())
    }

    fn byte(&self, at: usize) -> Result<u8, Error> {
        self.message.get(at).copied().ok_or(Error::Truncated { what: "name", at })
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let step = self.step();
        self.done |= step.is_err();
        step.ok().flatten()
    }
}

fn decimal(label: &[u8]) -> Option<u8> {
    std::str::from_utf8(label).ok()?.parse().ok()
}

fn hexadecimal(label: &[u8]) -> Option<u8> {
    match label {
        [digit] => char::from(*digit).to_digit(16).and_then(|nibble| u8::try_from(nibble).ok()),
        _ => None,
    }
}
