//! Bytes → [`Message`].

use super::{
    ENTRIES_MAX, Flags, HEADER_BYTES, Message, Name, Question, Record, RecordType, Section,
    TCP_WHOLE_BYTES_MAX,
};
use crate::{Error, Framed, Reader};

const TCP_PREFIX_BYTES: usize = 2;

/// Reads the message in `datagram`, walking every question and record once.
///
/// Bytes behind the last record are let be. A message marked truncated (TC) may end inside a record.
///
/// # Errors
/// `Truncated` when announced entries are missing, `Malformed` for a bad name or a query without any entry, `Limit` for
/// more than [`ENTRIES_MAX`] entries or a name over its bounds.
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    let message = head(datagram)?;
    let mut records = message.records();
    while records.left() > 0 {
        match records.step() {
            Ok(_) => {}
            Err(Error::Truncated { .. }) if message.flags.is_truncated() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(message)
}

/// Reads the message at the front of a TCP stream (RFC 1035 §4.2.2). Of one longer than [`TCP_WHOLE_BYTES_MAX`] only
/// header and questions are read: its records end early and the rest is to be skipped.
///
/// # Errors
/// As [`parse`].
pub fn parse_tcp(stream: &[u8]) -> Result<Framed<Message<'_>>, Error> {
    let Some((prefix, rest)) = stream.split_first_chunk::<TCP_PREFIX_BYTES>() else {
        return Ok(Framed::Partial { need: TCP_PREFIX_BYTES });
    };
    let bytes = usize::from(u16::from_be_bytes(*prefix));
    if bytes < HEADER_BYTES {
        return Err(Error::Malformed { what: "message length", at: 0 });
    }
    let length = TCP_PREFIX_BYTES + bytes;
    let wanted = bytes.min(TCP_WHOLE_BYTES_MAX);
    let Some(body) = rest.get(..wanted) else {
        return Ok(Framed::Partial { need: TCP_PREFIX_BYTES + wanted });
    };
    let message = if wanted == bytes { parse(body)? } else { head(body)? };
    Ok(Framed::Whole { message, length })
}

/// Header and questions.
pub(super) fn head(bytes: &[u8]) -> Result<Message<'_>, Error> {
    let mut reader = Reader::new(bytes);
    let id = reader.u16_be("identifier")?;
    let flags = Flags(reader.u16_be("flags")?);
    let mut counts = [0; 4];
    for count in &mut counts {
        *count = reader.u16_be("section counts")?;
    }
    let entries = counts.iter().map(|&count| usize::from(count)).sum::<usize>();
    if entries > ENTRIES_MAX {
        return Err(Error::Limit { what: "entries", max: ENTRIES_MAX });
    }
    // A server may refuse with a bare header, and nothing else says anything without a question or a record.
    if entries == 0 && !flags.is_response() {
        return Err(Error::Malformed { what: "section counts", at: 4 });
    }
    let mut message = Message { id, flags, counts, bytes, records_at: HEADER_BYTES };
    let mut questions = message.questions();
    while questions.left > 0 {
        questions.step()?;
    }
    message.records_at = questions.at;
    Ok(message)
}

/// The questions of a message.
#[derive(Clone, Copy, Debug)]
pub struct Questions<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u16,
}

impl<'a> Questions<'a> {
    pub(super) const fn new(message: &Message<'a>) -> Self {
        let [left, ..] = message.counts;
        Self { bytes: message.bytes, at: HEADER_BYTES, left }
    }

    fn step(&mut self) -> Result<Question<'a>, Error> {
        let (name, end) = Name::read(self.bytes, self.at)?;
        let mut reader = Reader::new(self.bytes);
        reader.skip(end, "question")?;
        let kind = RecordType(reader.u16_be("question type")?);
        let class = reader.u16_be("question class")?;
        self.at = reader.at();
        self.left -= 1;
        Ok(Question { name, kind, class })
    }
}

impl<'a> Iterator for Questions<'a> {
    type Item = Question<'a>;

    fn next(&mut self) -> Option<Question<'a>> {
        if self.left == 0 {
            return None;
        }
        let step = self.step();
        if step.is_err() {
            self.left = 0;
        }
        step.ok()
    }
}

/// The resource records of a message.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    left: [u16; 3],
}

impl<'a> Records<'a> {
    pub(super) const fn new(message: &Message<'a>) -> Self {
        let [_, answers, authority, additional] = message.counts;
        Self { bytes: message.bytes, at: message.records_at, left: [answers, authority, additional] }
    }

    /// Where the next record begins, from the start of the message.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn left(&self) -> usize {
        self.left.iter().map(|&left| usize::from(left)).sum()
    }

    pub(super) fn step(&mut self) -> Result<Record<'a>, Error> {
        let section = match self.left {
            [0, 0, _] => Section::Additional,
            [0, _, _] => Section::Authority,
            _ => Section::Answer,
        };
        let (name, end) = Name::read(self.bytes, self.at)?;
        let mut reader = Reader::new(self.bytes);
        reader.skip(end, "record")?;
        let kind = RecordType(reader.u16_be("record type")?);
        let class = reader.u16_be("record class")?;
        let ttl_s = reader.u32_be("record TTL")?;
        let data_bytes = usize::from(reader.u16_be("record data length")?);
        let data_at = reader.at();
        reader.skip(data_bytes, "record data")?;
        self.at = reader.at();
        if let Some(left) = self.left.iter_mut().find(|left| **left > 0) {
            *left -= 1;
        }
        Ok(Record { section, name, kind, class, ttl_s, message: self.bytes, data_at, data_bytes })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        if self.left() == 0 {
            return None;
        }
        let step = self.step();
        if step.is_err() {
            self.left = [0; 3];
        }
        step.ok()
    }
}
