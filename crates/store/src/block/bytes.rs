//! A block being read, byte by byte, and the variable-length numbers that it is made of (LEB128).

use super::BlockError;

/// Appends `value` in LEB128.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Signed to unsigned, small amounts to small numbers.
pub(super) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// What is left of a block.
pub(super) struct Bytes<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    pub(super) const fn left(&self) -> usize {
        self.data.len() - self.at
    }

    pub(super) const fn malformed(&self, what: &'static str) -> BlockError {
        BlockError::Malformed { at: self.at, what }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], BlockError> {
        let cut = BlockError::Cut { at: self.at };
        let end = self.at.checked_add(count).ok_or(cut.clone())?;
        let taken = self.data.get(self.at..end).ok_or(cut)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, BlockError> {
        let byte = self.data.get(self.at).ok_or(BlockError::Cut { at: self.at })?;
        self.at += 1;
        Ok(*byte)
    }

    /// LEB128, in the fewest bytes.
    pub(super) fn varint(&mut self) -> Result<u64, BlockError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part.leading_zeros() < shift || (byte == 0 && shift > 0) {
                return Err(self.malformed("a number of too many bytes"));
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.malformed("a number of too many bytes"))
    }

    /// How many of something follow.
    pub(super) fn count(&mut self, what: &'static str, most: usize) -> Result<usize, BlockError> {
        let found = self.varint()?;
        usize::try_from(found).ok().filter(|count| *count <= most).ok_or(BlockError::TooMany {
            what,
            found,
            most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_have_one_spelling() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::MAX >> 1, u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(Bytes::new(&out).varint(), Ok(value));
            let cut = &out[..out.len() - 1];
            assert_eq!(Bytes::new(cut).varint(), Err(BlockError::Cut { at: cut.len() }));
        }
        for padded in
            [&[0x80, 0x00][..], &[0xff; 10], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]]
        {
            assert!(matches!(Bytes::new(padded).varint(), Err(BlockError::Malformed { .. })), "{padded:x?}");
        }
        for value in [0, 1, -1, 63, -64, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!([zigzag(0), zigzag(-1), zigzag(1)], [0, 1, 2]);
    }
}
