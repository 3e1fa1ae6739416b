//! Bytes → records, records → handshake messages.

use super::{
    ContentType, HANDSHAKE_BYTES_MAX, Handshake, HandshakeType, Message, RECORD_BYTES_MAX, Record, Version,
};
use crate::{Error, Framed, Probe, Reader};

const RECORD_HEADER_BYTES: usize = 5;
const HANDSHAKE_HEADER_BYTES: usize = 4;
/// Smallest ClientHello body: version, random, empty session id, one cipher suite, one compression method.
const HELLO_BYTES_MIN: usize = 2 + 32 + 1 + 2 + 2 + 1;

/// Reads the record (or SSL 2.0 hello) at the front of `stream`. Application data is not waited for.
///
/// # Errors
/// `Malformed` when the content type, version or length is not one of the standard's.
pub fn parse(stream: &[u8]) -> Result<Framed<Message<'_>>, Error> {
    let Some(&header) = stream.first_chunk::<RECORD_HEADER_BYTES>() else {
        return Ok(Framed::Partial { need: RECORD_HEADER_BYTES });
    };
    if header[0] & 0x80 != 0 {
        return parse_ssl2(stream);
    }
    let (content_type, version, fragment_bytes) = record_header(header)?;
    let length = RECORD_HEADER_BYTES + fragment_bytes;
    let rest = stream.get(RECORD_HEADER_BYTES..).unwrap_or_default();
    let fragment = match rest.get(..fragment_bytes) {
        Some(fragment) => fragment,
        None if content_type == ContentType::ApplicationData => rest,
        None => return Ok(Framed::Partial { need: length }),
    };
    let message = Message::Record(Record { content_type, version, fragment });
    Ok(Framed::Whole { message, length })
}

fn record_header(header: [u8; RECORD_HEADER_BYTES]) -> Result<(ContentType, Version, usize), Error> {
    let [content_type, major, minor, length @ ..] = header;
    let content_type = match content_type {
        20 => ContentType::ChangeCipherSpec,
        21 => ContentType::Alert,
        22 => ContentType::Handshake,
        23 => ContentType::ApplicationData,
        24 => ContentType::Heartbeat,
        _ => return Err(Error::Malformed { what: "content type", at: 0 }),
    };
    // Drafts of TLS 1.3 put 0x7fNN here for a while; nothing but 3.0 to 3.4 was ever released.
    if major != 3 || minor > 4 {
        return Err(Error::Malformed { what: "record version", at: 1 });
    }
    let length = usize::from(u16::from_be_bytes(length));
    // RFC 8446 §5.1: only application data may be empty.
    if length > RECORD_BYTES_MAX || (length == 0 && content_type != ContentType::ApplicationData) {
        return Err(Error::Malformed { what: "record length", at: 3 });
    }
    Ok((content_type, Version(u16::from_be_bytes([major, minor])), length))
}

/// The SSL 2.0 CLIENT-HELLO with a two-byte header, RFC 5246 appendix E.2.
fn parse_ssl2(stream: &[u8]) -> Result<Framed<Message<'_>>, Error> {
    const HEADER_BYTES: usize = 2;
    const FIXED_BYTES: usize = 9;
    let mut reader = Reader::new(stream);
    let length = usize::from(reader.u16_be("length")? & 0x7fff);
    if reader.u8("message type")? != 1 {
        return Err(Error::Malformed { what: "message type", at: 2 });
    }
    let version = Version(reader.u16_be("version")?);
    if version != Version::SSL_2_0 && !(Version::SSL_3_0..=Version::TLS_1_3).contains(&version) {
        return Err(Error::Malformed { what: "version", at: 3 });
    }
    let Ok(lengths) = reader.array::<6>("lengths") else {
        return Ok(Framed::Partial { need: HEADER_BYTES + FIXED_BYTES });
    };
    let [ciphers, session, challenge] =
        [[lengths[0], lengths[1]], [lengths[2], lengths[3]], [lengths[4], lengths[5]]]
            .map(|pair| usize::from(u16::from_be_bytes(pair)));
    if ciphers == 0
        || !ciphers.is_multiple_of(3)
        || !(session == 0 || session == 16)
        || !(16..=32).contains(&challenge)
        || FIXED_BYTES + ciphers + session + challenge != length
    {
        return Err(Error::Malformed { what: "lengths", at: 5 });
    }
    if stream.len() < HEADER_BYTES + length {
        return Ok(Framed::Partial { need: HEADER_BYTES + length });
    }
    Ok(Framed::Whole { message: Message::Ssl2ClientHello(version), length: HEADER_BYTES + length })
}

/// Reads the handshake message at the front of `bytes`, the joined fragments of handshake records. Of a message longer
/// than [`HANDSHAKE_BYTES_MAX`] only that much is asked for and given.
///
/// # Errors
/// None today: a message of an unknown kind is [`HandshakeType::Unknown`].
pub fn handshake(bytes: &[u8]) -> Result<Framed<Handshake<'_>>, Error> {
    let Some((&[kind, high, mid, low], rest)) = bytes.split_first_chunk::<HANDSHAKE_HEADER_BYTES>() else {
        return Ok(Framed::Partial { need: HANDSHAKE_HEADER_BYTES });
    };
    let body_bytes = u32::from_be_bytes([0, high, mid, low]) as usize;
    let seen_bytes = body_bytes.min(HANDSHAKE_BYTES_MAX - HANDSHAKE_HEADER_BYTES);
    let kind = HandshakeType::from(kind);
    if let HandshakeType::Unknown(_) = kind {
        let message = Handshake { kind, body: &[] };
        return Ok(Framed::Whole { message, length: HANDSHAKE_HEADER_BYTES });
    }
    match rest.get(..seen_bytes) {
        Some(body) => Ok(Framed::Whole {
            message: Handshake { kind, body },
            length: HANDSHAKE_HEADER_BYTES + body_bytes,
        }),
        None => Ok(Framed::Partial { need: HANDSHAKE_HEADER_BYTES + seen_bytes }),
    }
}

impl From<u8> for HandshakeType {
    fn from(kind: u8) -> Self {
        match kind {
            1 => Self::ClientHello,
            2 => Self::ServerHello,
            11 => Self::Certificate,
            12 => Self::ServerKeyExchange,
            0 | 4..=6 | 8 | 13..=16 | 20..=26 | 67 => Self::Unread(kind),
            _ => Self::Unknown(kind),
        }
    }
}

/// Whether a conversation that starts with `head` is TLS. Also true of one that is seen from its middle on, when the
/// records follow each other without a gap.
pub fn probe(head: &[u8]) -> Probe {
    match head {
        [20..=24, 3, 0..=4, rest @ ..] => probe_record(head, rest),
        [20..=24] | [20..=24, 3] => Probe::Unsure,
        [first, ..] if first & 0x80 != 0 => probe_ssl2(head),
        [] => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

fn probe_record(head: &[u8], rest: &[u8]) -> Probe {
    let Some(&header) = head.first_chunk::<RECORD_HEADER_BYTES>() else {
        return Probe::Unsure;
    };
    let Ok((content_type, _, length)) = record_header(header) else {
        return Probe::NotForUs;
    };
    let fragment = rest.get(2..).unwrap_or_default();
    match (content_type, fragment) {
        (ContentType::Handshake, [1 | 2, ..]) => match probe_hello(fragment, length) {
            // An encrypted message may begin like a hello that lies about its length.
            Probe::NotForUs => probe_chain(head, length),
            answer => answer,
        },
        (ContentType::ChangeCipherSpec, [1, ..]) if length == 1 => Probe::Certain,
        (ContentType::Alert, [1 | 2, description, ..]) if length == 2 => {
            match super::names::alert(*description) {
                Some(_) => Probe::Certain,
                None => Probe::NotForUs,
            }
        }
        (ContentType::ChangeCipherSpec, []) if length == 1 => Probe::Unsure,
        (ContentType::Alert, [] | [1 | 2]) if length == 2 => Probe::Unsure,
        _ => probe_chain(head, length),
    }
}

/// A hello within the record: its own length and version must agree with what a hello can be.
fn probe_hello(fragment: &[u8], record_bytes: usize) -> Probe {
    let [_, high, mid, low, rest @ ..] = fragment else { return Probe::Unsure };
    let length = u32::from_be_bytes([0, *high, *mid, *low]) as usize;
    if !(HELLO_BYTES_MIN - 2..=HANDSHAKE_BYTES_MAX).contains(&length) || record_bytes < HANDSHAKE_HEADER_BYTES
    {
        return Probe::NotForUs;
    }
    match rest {
        [3, 0..=4, ..] | [0x7f, ..] => Probe::Certain,
        [] | [3] => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

/// Certain when the record ends where the bytes do, or where another one begins.
fn probe_chain(head: &[u8], length: usize) -> Probe {
    // Shorter than any authentication tag: nobody encrypts that little.
    const ENCRYPTED_BYTES_MIN: usize = 16;
    if length < ENCRYPTED_BYTES_MIN {
        return Probe::NotForUs;
    }
    match head.get(RECORD_HEADER_BYTES + length..) {
        None => Probe::Unsure,
        Some([]) => Probe::Certain,
        Some(next) if next.len() < RECORD_HEADER_BYTES => {
            if matches!(next, [20..=24] | [20..=24, 3, ..]) {
                Probe::Unsure
            } else {
                Probe::NotForUs
            }
        }
        Some(next) if plausible_record(next) => Probe::Certain,
        Some(_) => Probe::NotForUs,
    }
}

fn probe_ssl2(head: &[u8]) -> Probe {
    match head {
        [_, _, 1, 0, 2, ..] | [_, _, 1, 3, 0..=4, ..] => match parse_ssl2(head) {
            Ok(Framed::Whole { .. }) => Probe::Certain,
            Ok(Framed::Partial { .. }) => Probe::Unsure,
            Err(_) => Probe::NotForUs,
        },
        [_] | [_, _] | [_, _, 1] | [_, _, 1, 0 | 3] => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

/// Whether `head` begins with the header of a record: enough to go on after a gap, not enough to recognise TLS by.
pub fn plausible_record(head: &[u8]) -> bool {
    head.first_chunk::<RECORD_HEADER_BYTES>().is_some_and(|&header| record_header(header).is_ok())
}

/// Whether a datagram is DTLS 1.0 or 1.2 (RFC 6347 §4.1): its first record has a valid header and ends inside.
pub fn probe_dtls(datagram: &[u8]) -> Probe {
    const HEADER_BYTES: usize = 13;
    match datagram {
        [20..=25, 0xfe, 0xff | 0xfd, ..] if datagram.len() > HEADER_BYTES => {
            let length = match datagram {
                [_, _, _, _, _, _, _, _, _, _, _, high, low, ..] => {
                    usize::from(u16::from_be_bytes([*high, *low]))
                }
                _ => return Probe::NotForUs,
            };
            let fits = length > 0 && HEADER_BYTES + length <= datagram.len();
            if fits { Probe::Certain } else { Probe::NotForUs }
        }
        _ => Probe::NotForUs,
    }
}
