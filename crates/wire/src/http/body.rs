//! How bodies are framed (RFC 9112 §6, §7): lengths and chunks are walked, content is never looked at.

use super::{Asked, BODY_BYTES_MAX, CHUNK_LINE_BYTES_MAX, FIELDS_MAX, HEAD_BYTES_MAX, Head, Lines, Start};
use crate::{Error, Framed};

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// This many bytes, perhaps none.
    Length(u64),
    /// Chunks, then a trailer.
    Chunks,
    /// Everything until the connection closes.
    UntilClose,
    /// No longer HTTP/1: a tunnel, or the protocol that was switched to.
    Tunnel,
}

/// What the fields of a head say about its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Framing {
    length: Option<u64>,
    coded: bool,
    chunked: bool,
}

impl Framing {
    pub(super) const NONE: Self = Self { length: None, coded: false, chunked: false };

    /// Takes note of a `Content-Length`. A list of equal values is one value (RFC 9110 §8.6); anything else is an attack
    /// or a fault, and guessing would let it hide a message in a body.
    pub(super) fn note_length(&mut self, value: &[u8]) -> Result<(), Error> {
        for item in value.split(|&b| b == b',') {
            let length = decimal(item.trim_ascii()).ok_or(LENGTH)?;
            if self.length.replace(length).is_some_and(|before| before != length) {
                return Err(LENGTH);
            }
        }
        Ok(())
    }

    /// Takes note of a `Transfer-Encoding`: only the last coding may be chunked, and it decides.
    pub(super) fn note_coding(&mut self, value: &[u8]) {
        for coding in value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|c| !c.is_empty()) {
            self.chunked = coding.eq_ignore_ascii_case(b"chunked");
            // "identity" was a coding until RFC 7230.
            self.coded |= !coding.eq_ignore_ascii_case(b"identity");
        }
    }
}

const LENGTH: Error = Error::Malformed { what: "Content-Length", at: 0 };

fn decimal(digits: &[u8]) -> Option<u64> {
    let digits = digits.strip_prefix(b"+").map_or(digits, |_| &[]);
    let value: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (value <= BODY_BYTES_MAX).then_some(value)
}

impl Head<'_> {
    /// What follows this head; for a response that depends on what was `asked` (RFC 9112 §6.3).
    pub fn body(&self, asked: Asked) -> Body {
        let Framing { length, coded, chunked } = self.framing;
        match (self.start, asked) {
            (Start::Http2 | Start::Response(101), _) => Body::Tunnel,
            (Start::Response(200..300), Asked::Connect) => Body::Tunnel,
            (Start::Response(100..200 | 204 | 304), _) | (Start::Response(_), Asked::Head) => Body::Length(0),
            _ if coded && chunked => Body::Chunks,
            (Start::Response(_), _) if coded => Body::UntilClose,
            (Start::Response(_), _) => length.map_or(Body::UntilClose, Body::Length),
            (Start::Request { .. }, _) => Body::Length(length.unwrap_or(0)),
        }
    }
}

/// A chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Bytes of content it carries; the chunk of none is the last, and a trailer follows.
    pub data_bytes: u64,
}

/// Reads the line that opens the chunk at the front of `stream`; the content is part of the length, unseen.
///
/// # Errors
/// `Malformed` when there is no hexadecimal size, `Limit` beyond [`CHUNK_LINE_BYTES_MAX`] or [`BODY_BYTES_MAX`].
pub fn parse_chunk(stream: &[u8]) -> Result<Framed<Chunk>, Error> {
    let mut lines = Lines::new(stream.get(..CHUNK_LINE_BYTES_MAX).unwrap_or(stream));
    let line = lines.next();
    let size = line.unwrap_or(stream);
    let digits = size.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let well_formed = match size.get(digits) {
        Some(b';' | b' ' | b'\t') => digits > 0,
        Some(b'\r') => digits > 0 && line.is_none(),
        Some(_) => false,
        None => digits > 0 || stream.is_empty(),
    };
    if !well_formed {
        return Err(Error::Malformed { what: "chunk size", at: 0 });
    }
    let data_bytes = size.iter().take(digits).try_fold(0u64, |sum, &digit| {
        let digit = char::from(digit).to_digit(16).map(u64::from)?;
        Some(sum * 16 + digit).filter(|&sum| sum <= BODY_BYTES_MAX)
    });
    let limit = Error::Limit { what: "chunk", max: usize::try_from(BODY_BYTES_MAX).unwrap_or(usize::MAX) };
    let data_bytes = data_bytes.ok_or(limit)?;
    if line.is_none() {
        if stream.len() >= CHUNK_LINE_BYTES_MAX {
            return Err(Error::Limit { what: "chunk extensions", max: CHUNK_LINE_BYTES_MAX });
        }
        return Ok(Framed::Partial { need: stream.len() + 1 });
    }
    let after = if data_bytes == 0 { 0 } else { data_bytes.saturating_add(2) };
    let length = lines.at().saturating_add(usize::try_from(after).map_err(|_| limit)?);
    Ok(Framed::Whole { message: Chunk { data_bytes }, length })
}

/// Reads the trailer at the front of `stream`, up to its empty line; what it says is not looked at.
///
/// # Errors
/// `Limit` beyond [`FIELDS_MAX`] or [`HEAD_BYTES_MAX`].
pub fn parse_trailer(stream: &[u8]) -> Result<Framed<()>, Error> {
    let mut lines = Lines::new(stream.get(..HEAD_BYTES_MAX).unwrap_or(stream));
    for _ in 0..=FIELDS_MAX {
        match lines.next() {
            Some([]) => return Ok(Framed::Whole { message: (), length: lines.at() }),
            Some(_) => {}
            None if stream.len() < HEAD_BYTES_MAX => return Ok(Framed::Partial { need: stream.len() + 1 }),
            None => return Err(Error::Limit { what: "trailer", max: HEAD_BYTES_MAX }),
        }
    }
    Err(Error::Limit { what: "trailer fields", max: FIELDS_MAX })
}
