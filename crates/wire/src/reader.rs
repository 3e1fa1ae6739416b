//! A total cursor over bytes: every read either succeeds or says what was cut off and where.

use crate::Error;

/// Reads numbers and slices off the front of a message. Never panics; an error leaves it where it was.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

macro_rules! numbers {
    ($($name:ident, $number:ty, $from:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[inline]
        pub fn $name(&mut self, what: &'static str) -> Result<$number, Error> {
            self.array(what).map(<$number>::$from)
        }
    )*};
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// Bytes consumed so far.
    #[inline]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// What is left.
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes are left.
    #[inline]
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Nothing is left.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte, not consumed.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Error> {
        let (head, rest) =
            self.rest.split_first_chunk::<N>().ok_or(Error::Truncated { what, at: self.at })?;
        self.rest = rest;
        self.at += N;
        Ok(*head)
    }

    /// The next `count` bytes, borrowed.
    #[inline]
    pub fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Error> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(Error::Truncated { what, at: self.at })?;
        self.rest = rest;
        self.at += count;
        Ok(head)
    }

    /// A reader over the next `count` bytes that keeps counting offsets from the message start.
    #[inline]
    pub fn sub(&mut self, count: usize, what: &'static str) -> Result<Self, Error> {
        let at = self.at;
        self.take(count, what).map(|rest| Self { rest, at })
    }

    /// Passes over `count` bytes.
    #[inline]
    pub fn skip(&mut self, count: usize, what: &'static str) -> Result<(), Error> {
        self.take(count, what).map(drop)
    }

    /// "Not valid here", for the parser that reads from this.
    #[inline]
    pub const fn malformed(&self, what: &'static str) -> Error {
        Error::Malformed { what, at: self.at }
    }

    numbers! {
        u8, u8, from_be_bytes, "The next byte.";
        u16_be, u16, from_be_bytes, "The next 16 bits, network order.";
        u16_le, u16, from_le_bytes, "The next 16 bits, little-endian.";
        u32_be, u32, from_be_bytes, "The next 32 bits, network order.";
        u32_le, u32, from_le_bytes, "The next 32 bits, little-endian.";
        u64_be, u64, from_be_bytes, "The next 64 bits, network order.";
        u64_le, u64, from_le_bytes, "The next 64 bits, little-endian.";
    }

    /// The next 24 bits, network order.
    #[inline]
    pub fn u24_be(&mut self, what: &'static str) -> Result<u32, Error> {
        self.array::<3>(what).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_moves_nothing_and_says_where() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16_be("length"), Ok(0x0102));
        assert_eq!(reader.u32_le("value"), Err(Error::Truncated { what: "value", at: 2 }));
        assert_eq!(reader.u8("value"), Ok(3));
        assert!(reader.is_empty());
    }

    #[test]
    fn a_sub_reader_counts_from_the_message_start() {
        let mut reader = Reader::new(&[0, 0, 9, 9, 7]);
        reader.skip(2, "head").unwrap();
        let mut sub = reader.sub(2, "body").unwrap();
        sub.skip(2, "body").unwrap();
        assert_eq!(sub.u8("more"), Err(Error::Truncated { what: "more", at: 4 }));
        assert_eq!(reader.rest(), [7]);
    }
}
