//! Lines and fields: what HTTP/1.x and SSDP share.

use memchr::memchr;

/// Iterates over the whole lines at the front of a message, without their CRLF or LF.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// Bytes of the lines read so far, ends included.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// What follows the last whole line.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr(b'\n', self.rest)?;
        let (line, rest) = self.rest.split_at_checked(end + 1)?;
        self.rest = rest;
        self.at += line.len();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// Name and value of a field line; none for a folded continuation or a line without a colon.
#[inline]
pub(crate) fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return None;
    }
    let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
    // Blanks before the colon are forbidden (RFC 9112 §5.1), and seen in the wild.
    Some((name.trim_ascii_end(), value.get(1..)?.trim_ascii()))
}
