//! Whether bytes are DNS, by content. DNS has no magic number: what convinces is that everything adds up.

use super::parse::head;
use super::{Flags, HEADER_BYTES, Message, Name, Opcode, Question, Record, RecordType};
use crate::{Error, Probe, Reader};

/// Smallest question: root name, type, class.
const QUESTION_BYTES_MIN: usize = 5;
/// Smallest record: root name, type, class, TTL, data length.
const RECORD_BYTES_MIN: usize = 11;
/// Records read before the verdict.
const RECORDS_PROBED_MAX: usize = 32;

/// Whether a datagram (DNS, mDNS or LLMNR; NetBIOS names are refused) is ours. `Certain` when every entry parses with
/// known classes and the message ends where the datagram does; `Unsure` when header and first question hold but not all
/// of the rest does, so that a well-known port may decide.
pub fn probe(datagram: &[u8]) -> Probe {
    match plausible_header(datagram) {
        Some(strict) => verdict(datagram, strict),
        None => Probe::NotForUs,
    }
}

/// Whether a TCP stream is ours. `Unsure` while the first message is not whole.
pub fn probe_tcp(head: &[u8]) -> Probe {
    let Some((prefix, body)) = head.split_first_chunk::<2>() else {
        return Probe::Unsure;
    };
    let bytes = usize::from(u16::from_be_bytes(*prefix));
    if bytes < HEADER_BYTES {
        return Probe::NotForUs;
    }
    if let Some(message) = body.get(..bytes) {
        return probe(message);
    }
    if body.len() < HEADER_BYTES {
        return if early_flags(body) { Probe::Unsure } else { Probe::NotForUs };
    }
    match (counts_fit(body, bytes), first_question_holds(body)) {
        (Some(_), Ok(true) | Err(Error::Truncated { .. })) => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

/// Reads nothing but the header: `None` for foreign traffic, else whether even reserved bits are as they should be.
fn plausible_header(datagram: &[u8]) -> Option<bool> {
    counts_fit(datagram, datagram.len())
}

fn counts_fit(bytes: &[u8], message_bytes: usize) -> Option<bool> {
    let mut reader = Reader::new(bytes);
    reader.skip(2, "identifier").ok()?;
    let flags = Flags(reader.u16_be("flags").ok()?);
    if !opcode_in_use(flags) {
        return None;
    }
    let questions = usize::from(reader.u16_be("questions").ok()?);
    let mut records = 0;
    for _ in 0..3 {
        records += usize::from(reader.u16_be("records").ok()?);
    }
    if questions + records == 0 {
        return None;
    }
    let least = HEADER_BYTES + questions * QUESTION_BYTES_MIN + records * RECORD_BYTES_MIN;
    if least > message_bytes && !(flags.is_response() && flags.is_truncated()) {
        return None;
    }
    // Z is zero (RFC 6895 §2.1), and a query carries neither RA nor an error.
    let z_is_zero = flags.0 & 0x0040 == 0;
    let query_is_clean = flags.is_response() || flags.0 & 0x008f == 0;
    Some(z_is_zero && query_is_clean)
}

fn opcode_in_use(flags: Flags) -> bool {
    matches!(flags.opcode(), Opcode::Query | Opcode::Status | Opcode::Notify | Opcode::Update)
}

fn early_flags(body: &[u8]) -> bool {
    match body {
        [_, _, high, low, ..] => opcode_in_use(Flags(u16::from_be_bytes([*high, *low]))),
        _ => true,
    }
}

fn verdict(datagram: &[u8], strict: bool) -> Probe {
    let Ok(message) = head(datagram) else {
        let first_holds = first_question_holds(datagram) == Ok(true);
        return if first_holds { Probe::Unsure } else { Probe::NotForUs };
    };
    if message.questions().next().is_some_and(|question| is_netbios(&question)) {
        return Probe::NotForUs;
    }
    if !message.questions().all(|question| question_holds(&question)) {
        return Probe::NotForUs;
    }
    match end_of_records(&message) {
        Ok(end) if end == datagram.len() && strict => Probe::Certain,
        Ok(_) => Probe::Unsure,
        // Without a question nothing vouches for it any more.
        Err(_) if message.questions().next().is_none() => Probe::NotForUs,
        Err(_) => Probe::Unsure,
    }
}

fn end_of_records(message: &Message<'_>) -> Result<usize, Error> {
    let mut records = message.records();
    for _ in 0..RECORDS_PROBED_MAX.min(records.left()) {
        let record = records.step()?;
        // A node status reply has no question (RFC 1002 §4.2.18).
        if matches!(record.kind.0, 32 | 33) && is_netbios_name(record.name.first()) {
            return Err(Error::Malformed { what: "record name", at: records.at() });
        }
        if !record_holds(&record) {
            return Err(Error::Malformed { what: "record", at: records.at() });
        }
    }
    // Past so many records the end stays unknown: a well-known port may decide.
    Ok(if records.left() == 0 { records.at() } else { 0 })
}

/// Whether the first question is one of ours; an error when it is cut off or no name.
fn first_question_holds(bytes: &[u8]) -> Result<bool, Error> {
    let mut reader = Reader::new(bytes);
    reader.skip(4, "identifier and flags")?;
    if reader.u16_be("questions")? == 0 {
        return Ok(false);
    }
    let (name, end) = Name::read(bytes, HEADER_BYTES)?;
    let mut reader = Reader::new(bytes);
    reader.skip(end, "question")?;
    let kind = RecordType(reader.u16_be("question type")?);
    let question = Question { name, kind, class: reader.u16_be("question class")? };
    Ok(question_holds(&question) && !is_netbios(&question))
}

fn question_holds(question: &Question<'_>) -> bool {
    // IN, CH, HS, NONE, ANY; the top bit is mDNS's "answer by unicast".
    matches!(question.class & 0x7fff, 1 | 3 | 4 | 254 | 255) && type_in_use(question.kind)
}

fn record_holds(record: &Record<'_>) -> bool {
    match record.kind {
        // OPT carries a payload size in its class and flags in its TTL (RFC 6891 §6.1.2); its owner is the root.
        RecordType::OPT => record.name.labels().next().is_none(),
        kind => matches!(record.class & 0x7fff, 1 | 3 | 4 | 254 | 255) && type_in_use(kind),
    }
}

/// Assigned types end at 263 but for TA and DLV; 65280 and on is private use (RFC 6895 §3.1).
fn type_in_use(kind: RecordType) -> bool {
    matches!(kind.0, 1..=263 | 32768 | 32769 | 65280..=65534)
}

/// NetBIOS name service borrows the format; its names are 16 bytes spelled with the letters A to P (RFC 1002 §4.1).
fn is_netbios(question: &Question<'_>) -> bool {
    matches!(question.kind.0, 32 | 33) && is_netbios_name(question.name.first())
}

fn is_netbios_name(label: &[u8]) -> bool {
    label.len() == 32 && label.iter().all(|letter| matches!(letter, b'A'..=b'P'))
}
