//! Bytes → [`Piece`]: MLLP framing, tolerant of what senders really do (no VT, LF or CRLF as segment end).

use super::{Piece, SEGMENT_BYTES_MAX, Segment};
use crate::{Error, Framed, Probe};

const VT: u8 = 0x0b;
const FS: u8 = 0x1c;
const CR: u8 = 0x0d;
const LF: u8 = 0x0a;
/// Some senders pass on a file with its UTF-8 byte order mark; it is no part of the segment.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// Reads the piece at the front of `stream`.
///
/// # Errors
/// `Malformed` when a segment would begin with a control character.
#[inline]
pub fn parse(stream: &[u8]) -> Result<Framed<Piece<'_>>, Error> {
    match stream {
        [] => Ok(Framed::Partial { need: 1 }),
        [VT, ..] => Ok(Framed::Whole { message: Piece::Start, length: 1 }),
        [FS, CR, ..] => Ok(Framed::Whole { message: Piece::End, length: 2 }),
        [FS, ..] => Ok(Framed::Whole { message: Piece::End, length: 1 }),
        [CR | LF, ..] => {
            let length = stream.iter().take_while(|b| matches!(**b, CR | LF)).count();
            Ok(Framed::Whole { message: Piece::Blank, length })
        }
        [code @ (ACK | NAK), ..] => Ok(Framed::Whole { message: Piece::Commit(*code == ACK), length: 1 }),
        [0..0x20, ..] => Err(Error::Malformed { what: "segment name", at: 0 }),
        _ => Ok(segment(stream)),
    }
}

fn segment(stream: &[u8]) -> Framed<Piece<'_>> {
    let Some(end) = segment_end(stream) else {
        let length = stream.len();
        return match length {
            0..SEGMENT_BYTES_MAX => Framed::Partial { need: length + 1 },
            _ => Framed::Whole { message: Piece::LongSegment { ended: false }, length },
        };
    };
    let (text, rest) = stream.split_at_checked(end).unwrap_or((stream, &[]));
    let end_bytes = match rest {
        [CR, LF, ..] => 2,
        [CR | LF, ..] => 1,
        _ => 0,
    };
    let piece = match end {
        0..=SEGMENT_BYTES_MAX => {
            Piece::Segment(Segment::new(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)))
        }
        _ => Piece::LongSegment { ended: true },
    };
    Framed::Whole { message: piece, length: end + end_bytes }
}

/// Where the segment that `stream` begins in ends: the offset of CR, LF, FS or VT.
#[inline]
pub fn segment_end(stream: &[u8]) -> Option<usize> {
    let ends = |b: u8| matches!(b, CR | LF | FS | VT);
    let (words, tail) = stream.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let mut controls = control_characters(u64::from_le_bytes(*word));
        while controls != 0 {
            let at = controls.trailing_zeros() as usize / 8;
            if word.get(at).is_some_and(|b| ends(*b)) {
                return Some(8 * n + at);
            }
            controls &= controls - 1;
        }
    }
    let tail_at = stream.len() - tail.len();
    tail.iter().position(|b| ends(*b)).map(|at| tail_at + at)
}

/// The top bit of each byte that is below 0x20. A borrow may also mark a byte above one that is; none is missed. Text has
/// hardly any control characters, so that eight bytes are passed at once.
const fn control_characters(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    word.wrapping_sub(0x20 * EACH) & !word & (0x80 * EACH)
}

/// Whether a conversation that starts with `head` is HL7 v2: a header segment with plausible delimiters. Without VT in
/// front a second segment with the same field separator, or a message type in its place, must bear it out.
pub fn probe(head: &[u8]) -> Probe {
    let (framed, head) = match head {
        [] | [VT] => return Probe::Unsure,
        [VT, rest @ ..] => (true, rest),
        _ => (false, head),
    };
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let Some((name, rest)) = head.split_first_chunk::<3>() else {
        let begins = [b"MSH", b"BHS", b"FHS"].iter().any(|name| name.starts_with(head));
        return if begins { Probe::Unsure } else { Probe::NotForUs };
    };
    if !matches!(name, b"MSH" | b"BHS" | b"FHS") {
        return Probe::NotForUs;
    }
    match declares_separators(rest) {
        Probe::Certain if framed || is_borne_out(head) => Probe::Certain,
        Probe::Certain => Probe::Unsure,
        other => other,
    }
}

/// MSH-1, MSH-2 and MSH-1 again: punctuation, the field separator not among the two to five encoding characters.
fn declares_separators(rest: &[u8]) -> Probe {
    let Some((&field, rest)) = rest.split_first() else { return Probe::Unsure };
    if !field.is_ascii_punctuation() {
        return Probe::NotForUs;
    }
    let encoding = rest.iter().take(6).take_while(|b| **b != field);
    let (count, fine) = encoding.fold((0, true), |(n, fine), b| (n + 1, fine && b.is_ascii_punctuation()));
    match (fine, count, rest.get(count)) {
        (true, 0..=5, None) => Probe::Unsure,
        (true, 2..=5, Some(_)) => Probe::Certain,
        _ => Probe::NotForUs,
    }
}

fn is_borne_out(head: &[u8]) -> bool {
    let field = head.get(3).copied().unwrap_or(b'|');
    let mut segments = head.split(|b| matches!(*b, CR | LF)).filter(|s| !s.is_empty());
    let first = segments.next().unwrap_or_default();
    let names_a_segment = |s: &[u8]| {
        s.split_first_chunk::<3>().is_some_and(|(name, rest)| {
            name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) && rest.first() == Some(&field)
        })
    };
    let has_type = first.split(|b| *b == field).nth(8).and_then(|kind| kind.first_chunk::<3>());
    segments.take(3).any(names_a_segment)
        || has_type.is_some_and(|kind| kind.iter().all(u8::is_ascii_uppercase))
}
