//! Bytes → session-service packets and the SMB messages in them.

use super::{MESSAGE_BYTES_MAX, Message, NetbiosName, Packets, Smb1, smb1, smb2};
use crate::{Error, Framed, Probe, Reader};

/// Header of RFC 1002 §4.3.1; over TCP 445 the length takes 24 bits (MS-SMB2 §2.1).
const HEADER_BYTES: usize = 4;
/// An SMB message begins with a four-byte protocol identifier.
const PROTOCOL_BYTES: usize = 4;
const SESSION_MESSAGE: u8 = 0x00;
const SESSION_REQUEST: u8 = 0x81;
/// Two encoded names of 34 bytes each: length 32, 32 letters, terminating zero.
const SESSION_REQUEST_BYTES: usize = 2 * (1 + 32 + 1);

/// Reads the packet at the front of `stream`. Of bulk messages only the header is waited for.
///
/// # Errors
/// `Malformed` when it is not a session-service packet, or an SMB header in it contradicts itself.
pub fn parse(stream: &[u8]) -> Result<Framed<Message<'_>>, Error> {
    let Some((&[kind, flags, high, low], rest)) = stream.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(Framed::Partial { need: HEADER_BYTES });
    };
    let body_bytes = u32::from_be_bytes([0, flags, high, low]) as usize;
    let length = HEADER_BYTES + body_bytes;
    let message = match (kind, body_bytes) {
        (SESSION_MESSAGE, _) => return session_message(rest, body_bytes),
        (SESSION_REQUEST, SESSION_REQUEST_BYTES) => {
            let Some(body) = rest.get(..body_bytes) else { return Ok(Framed::Partial { need: length }) };
            session_request(body)?
        }
        (0x82, 0) => Message::PositiveSessionResponse,
        (0x83, 1) => match rest.first() {
            Some(&code) => Message::NegativeSessionResponse(code),
            None => return Ok(Framed::Partial { need: length }),
        },
        (0x84, 6) => Message::RetargetSessionResponse,
        (0x85, 0) => Message::SessionKeepAlive,
        _ => return Err(Error::Malformed { what: "packet type", at: 0 }),
    };
    Ok(Framed::Whole { message, length })
}

fn session_message(rest: &[u8], body_bytes: usize) -> Result<Framed<Message<'_>>, Error> {
    let length = HEADER_BYTES + body_bytes;
    let more = |bytes: usize| Ok(Framed::Partial { need: HEADER_BYTES + bytes });
    // What is at hand, but never what belongs to the next packet.
    let seen = rest.get(..body_bytes.min(MESSAGE_BYTES_MAX)).unwrap_or(rest);
    let Some(protocol) = seen.first_chunk::<PROTOCOL_BYTES>() else {
        return if body_bytes < PROTOCOL_BYTES {
            Ok(Framed::Whole { message: Message::Other, length })
        } else {
            more(PROTOCOL_BYTES)
        };
    };
    let wanted = match protocol {
        b"\xffSMB" => smb1::bytes_wanted(seen),
        b"\xfeSMB" => smb2::bytes_wanted(seen),
        _ => PROTOCOL_BYTES,
    };
    let wanted = wanted.min(body_bytes).min(MESSAGE_BYTES_MAX);
    if seen.len() < wanted {
        return more(wanted);
    }
    let message = match protocol {
        b"\xffSMB" => Message::Smb1(Smb1::read(seen)?),
        b"\xfeSMB" => Message::Smb2(Packets::read(seen, body_bytes)?),
        b"\xfdSMB" => Message::Encrypted,
        b"\xfcSMB" => Message::Compressed,
        _ => Message::Other,
    };
    Ok(Framed::Whole { message, length })
}

fn session_request(body: &[u8]) -> Result<Message<'_>, Error> {
    let mut reader = Reader::new(body);
    let called = netbios_name(&mut reader)?;
    let calling = netbios_name(&mut reader)?;
    Ok(Message::SessionRequest { called, calling })
}

/// First-level encoding, RFC 1001 §14.1: each half of a byte is a letter from A on.
fn netbios_name(reader: &mut Reader<'_>) -> Result<NetbiosName, Error> {
    let malformed = reader.malformed("NetBIOS name");
    let [32, encoded @ .., 0] = reader.array::<34>("NetBIOS name")? else { return Err(malformed) };
    let mut decoded = [0; 16];
    let (pairs, _) = encoded.as_chunks();
    for (place, &[high, low]) in decoded.iter_mut().zip(pairs) {
        let (b'A'..=b'P', b'A'..=b'P') = (high, low) else { return Err(malformed) };
        *place = (high - b'A') << 4 | (low - b'A');
    }
    let [characters @ .., suffix] = decoded;
    Ok(NetbiosName { characters, suffix })
}

/// Whether a conversation that starts with `head` is SMB.
pub fn probe(head: &[u8]) -> Probe {
    match head {
        [SESSION_MESSAGE, _, _, _, 0xfc..=0xff, rest @ ..] => probe_smb(head, rest),
        [SESSION_REQUEST, 0, 0, 0x44, 32, ..] => match parse(head) {
            Ok(Framed::Whole { .. }) => Probe::Certain,
            Ok(Framed::Partial { .. }) => Probe::Unsure,
            Err(_) => Probe::NotForUs,
        },
        // What a server or an idle client says: too short to be sure of, but SMB follows.
        [0x82 | 0x85, 0, 0, 0] => Probe::Unsure,
        [0x82 | 0x85, 0, 0, 0, rest @ ..] => match rest {
            [SESSION_MESSAGE, ..] => probe(rest),
            _ => Probe::NotForUs,
        },
        [SESSION_MESSAGE] | [SESSION_MESSAGE, _] | [SESSION_MESSAGE, _, _] | [SESSION_MESSAGE, _, _, _] => {
            Probe::Unsure
        }
        [SESSION_REQUEST]
        | [SESSION_REQUEST, 0]
        | [SESSION_REQUEST, 0, 0]
        | [SESSION_REQUEST, 0, 0, 0x44] => Probe::Unsure,
        [] | [0x82 | 0x85] | [0x82 | 0x85, 0] | [0x82 | 0x85, 0, 0] => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

fn probe_smb(head: &[u8], rest: &[u8]) -> Probe {
    const NAME: &[u8] = b"SMB";
    let body_bytes = match head {
        [_, high, mid, low, ..] => u32::from_be_bytes([0, *high, *mid, *low]) as usize,
        _ => return Probe::NotForUs,
    };
    if body_bytes < smb1::HEADER_BYTES {
        return Probe::NotForUs;
    }
    match rest.strip_prefix(NAME) {
        Some(_) => Probe::Certain,
        None if NAME.starts_with(rest) => Probe::Unsure,
        None => Probe::NotForUs,
    }
}
