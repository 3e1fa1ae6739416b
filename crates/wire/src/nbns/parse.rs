//! Bytes → [`Message`].

use super::{DatagramService, Message, NameService, NetbiosName, Operation, browser};
use crate::{Error, Probe, Reader};

const TYPE_NB: u16 = 0x20;
const TYPE_NBSTAT: u16 = 0x21;
const CLASS_IN: u16 = 1;
/// Where the first name of either service begins, and the length that stands there.
const NAME_SERVICE_NAME_AT: usize = 12;
const DATAGRAM_SERVICE_NAME_AT: usize = 14;
const NAME_LENGTH: u8 = NetbiosName::ENCODED_BYTES as u8;
/// Resource records announced in one message; the standard has one, in a redirect two. Only the first is read.
const RECORDS_MAX: u16 = 4;

/// Whether `datagram` is of the name or the datagram service: a name in first-level encoding stands where it must.
pub fn probe(datagram: &[u8]) -> Probe {
    if datagram.get(NAME_SERVICE_NAME_AT) != Some(&NAME_LENGTH)
        && datagram.get(DATAGRAM_SERVICE_NAME_AT) != Some(&NAME_LENGTH)
    {
        return Probe::NotForUs;
    }
    match parse(datagram) {
        Ok(_) => Probe::Certain,
        Err(_) => Probe::NotForUs,
    }
}

/// Reads the message in `datagram`.
///
/// # Errors
/// `Truncated` when a field is cut off, `Malformed` for what is no NetBIOS name or no message of the two services.
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    // A letter of an encoded name is never its length, so at most one of the two can hold.
    if datagram.get(NAME_SERVICE_NAME_AT) == Some(&NAME_LENGTH) {
        name_service(datagram).map(Message::NameService)
    } else {
        datagram_service(datagram).map(Message::DatagramService)
    }
}

fn name_service(datagram: &[u8]) -> Result<NameService<'_>, Error> {
    let mut reader = Reader::new(datagram);
    let transaction = reader.u16_be("transaction")?;
    let flags = reader.u16_be("flags")?;
    let operation = match (flags >> 11) & 0xf {
        0 => Operation::Query,
        5 | 15 => Operation::Registration,
        6 => Operation::Release,
        7 => Operation::WaitForAcknowledgement,
        // RFC 1002 says both in different places.
        8 | 9 => Operation::Refresh,
        _ => return Err(Error::Malformed { what: "opcode", at: 2 }),
    };
    let questions = reader.u16_be("questions")?;
    let mut records = 0u16;
    for _ in 0..3 {
        records = records.saturating_add(reader.u16_be("records")?);
    }
    if questions > 1 || records > RECORDS_MAX || questions + records == 0 {
        return Err(Error::Malformed { what: "section counts", at: 4 });
    }
    let name = NetbiosName::read(&mut reader)?;
    let mut kind = kind_and_class(&mut reader)?;
    let mut data: &[u8] = &[];
    if records > 0 {
        // A reply's record begins with the name just read; a request's additional record points to it.
        if questions > 0 {
            skip_name(&mut reader)?;
            kind = kind_and_class(&mut reader)?;
        }
        reader.skip(4, "TTL")?;
        let bytes = usize::from(reader.u16_be("data length")?);
        data = reader.take(bytes, "record data")?;
    }
    let message = NameService {
        transaction,
        operation,
        is_response: flags & 0x8000 != 0,
        from_name_server: flags & 0x8080 == 0x8080,
        rcode: (flags & 0xf) as u8,
        name,
        is_node_status: kind == TYPE_NBSTAT,
        data,
    };
    Ok(message)
}

/// NB, NBSTAT, or of a refusal or redirect A, NS or NULL (RFC 1002 §4.2.1.3).
fn kind_and_class(reader: &mut Reader<'_>) -> Result<u16, Error> {
    let malformed = reader.malformed("type and class");
    let kind = reader.u16_be("type")?;
    let class = reader.u16_be("class")?;
    match (kind, class) {
        (TYPE_NB | TYPE_NBSTAT | 1 | 2 | 10, CLASS_IN) => Ok(kind),
        _ => Err(malformed),
    }
}

/// Passes over the name of a record: a pointer, or a name in full.
fn skip_name(reader: &mut Reader<'_>) -> Result<(), Error> {
    match reader.peek() {
        Some(0xc0..) => reader.skip(2, "name pointer"),
        _ => NetbiosName::read(reader).map(drop),
    }
}

fn datagram_service(datagram: &[u8]) -> Result<DatagramService<'_>, Error> {
    let mut reader = Reader::new(datagram);
    let kind = reader.u8("message type")?;
    let flags = reader.u8("flags")?;
    if !(0x10..=0x16).contains(&kind) || flags & 0xf0 != 0 {
        return Err(Error::Malformed { what: "message type", at: 0 });
    }
    reader.skip(2, "datagram identifier")?;
    let source_address = reader.array::<4>("source address")?.into();
    reader.skip(2, "source port")?;
    let mut message = DatagramService { source_address, source: None, destination: None, browser: None };
    match kind {
        // Error.
        0x13 => reader.skip(1, "error code")?,
        // Queries to a datagram distribution server, and its replies.
        0x14..=0x16 => message.destination = Some(NetbiosName::read(&mut reader)?),
        _ => {
            let bytes = usize::from(reader.u16_be("datagram length")?);
            let offset = reader.u16_be("packet offset")?;
            let mut body = reader.sub(bytes, "datagram")?;
            message.source = Some(NetbiosName::read(&mut body)?);
            message.destination = Some(NetbiosName::read(&mut body)?);
            // Of a datagram in several packets only the first could be read, and not to its end.
            message.browser = if offset == 0 { browser::read(body.rest()) } else { None };
        }
    }
    Ok(message)
}
