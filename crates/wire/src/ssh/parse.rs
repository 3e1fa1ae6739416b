//! Bytes → lines and packets.

use super::{
    IDENTIFICATION_BYTES_MAX, Identification, KexInit, LINE_BYTES_MAX, Line, Message, NameList,
    PACKET_BYTES_MAX, Packet,
};
use crate::{Error, Framed, Probe, Reader};

const PREFIX: &[u8] = b"SSH-";

/// Whether a conversation that starts with `head` is SSH. A server that greets people first is known by its client.
pub fn probe(head: &[u8]) -> Probe {
    match head.strip_prefix(PREFIX) {
        Some([b'1' | b'2', b'.', b'0'..=b'9', ..]) => Probe::Certain,
        Some([] | [b'1' | b'2'] | [b'1' | b'2', b'.']) => Probe::Unsure,
        None if PREFIX.starts_with(head) => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

/// Reads the line at the front of `stream`, before the identification is complete.
///
/// # Errors
/// `Limit` when a line is longer than its bound, `Malformed` when an identification is not one.
pub fn parse(stream: &[u8]) -> Result<Framed<Line<'_>>, Error> {
    let is_identification = stream.starts_with(PREFIX);
    let (what, max) = if is_identification {
        ("identification", IDENTIFICATION_BYTES_MAX)
    } else {
        ("greeting", LINE_BYTES_MAX)
    };
    let Some(end) = stream.iter().take(max).position(|&byte| byte == b'\n') else {
        let need = stream.len() + 1;
        return if need > max { Err(Error::Limit { what, max }) } else { Ok(Framed::Partial { need }) };
    };
    let line = stream.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let message =
        if is_identification { Line::Identification(identification(line)?) } else { Line::Greeting };
    Ok(Framed::Whole { message, length: end + 1 })
}

fn identification(line: &[u8]) -> Result<Identification<'_>, Error> {
    let malformed = |what, at| Error::Malformed { what, at };
    let rest = line.strip_prefix(PREFIX).ok_or(malformed("prefix", 0))?;
    let dash = rest.iter().position(|&byte| byte == b'-').ok_or(malformed("protoversion", PREFIX.len()))?;
    let (version, rest) = rest.split_at_checked(dash).ok_or(malformed("protoversion", PREFIX.len()))?;
    if !version.starts_with(b"1.") && !version.starts_with(b"2.") {
        return Err(malformed("protoversion", PREFIX.len()));
    }
    let rest = rest.get(1..).unwrap_or_default();
    let (software, comments) = match rest.iter().position(|&byte| byte == b' ') {
        Some(space) => (rest.get(..space).unwrap_or_default(), rest.get(space + 1..)),
        None => (rest, None),
    };
    Ok(Identification { line, version, software, comments: comments.filter(|text| !text.is_empty()) })
}

/// Reads the unencrypted packet at the front of `stream`, after the identification: RFC 4253 §6.
///
/// # Errors
/// `Malformed` when the lengths are not those of an unencrypted packet.
pub fn parse_packet(stream: &[u8]) -> Result<Framed<Packet<'_>>, Error> {
    const HEADER_BYTES: usize = 6;
    let Some((&[a, b, c, d, padding_bytes, number], rest)) = stream.split_first_chunk::<HEADER_BYTES>()
    else {
        return Ok(Framed::Partial { need: HEADER_BYTES });
    };
    let packet_bytes = u32::from_be_bytes([a, b, c, d]) as usize;
    let padding_bytes = usize::from(padding_bytes);
    let length = packet_bytes.saturating_add(4);
    // Some senders of old pad to no multiple of 8, so only the bounds are held against them.
    if length > PACKET_BYTES_MAX {
        return Err(Error::Malformed { what: "packet length", at: 0 });
    }
    let body_bytes = packet_bytes
        .checked_sub(padding_bytes + 2)
        .filter(|_| padding_bytes >= 4)
        .ok_or(Error::Malformed { what: "padding length", at: 4 })?;
    if stream.len() < length {
        return Ok(Framed::Partial { need: length });
    }
    let body = rest.get(..body_bytes).ok_or(Error::Truncated { what: "payload", at: HEADER_BYTES })?;
    let message = match number {
        1 => Message::Disconnect,
        2..=4 | 7 => Message::Transport(number),
        20 => Message::KexInit,
        21 => Message::NewKeys,
        30..=49 => Message::KeyExchange(number),
        _ => Message::Other(number),
    };
    Ok(Framed::Whole { message: Packet { message, body }, length })
}

/// Reads the body of a KEXINIT, RFC 4253 §7.1.
///
/// # Errors
/// `Truncated` when a name-list points beyond the message.
pub fn kex_init(body: &[u8]) -> Result<KexInit<'_>, Error> {
    let mut reader = Reader::new(body);
    reader.skip(16, "cookie")?;
    let kex_algorithms = name_list(&mut reader, "kex_algorithms")?;
    let server_host_key_algorithms = name_list(&mut reader, "server_host_key_algorithms")?;
    name_list(&mut reader, "encryption_algorithms_client_to_server")?;
    let encryption_algorithms = name_list(&mut reader, "encryption_algorithms_server_to_client")?;
    name_list(&mut reader, "mac_algorithms_client_to_server")?;
    let mac_algorithms = name_list(&mut reader, "mac_algorithms_server_to_client")?;
    Ok(KexInit { kex_algorithms, server_host_key_algorithms, encryption_algorithms, mac_algorithms })
}

fn name_list<'a>(reader: &mut Reader<'a>, what: &'static str) -> Result<NameList<'a>, Error> {
    let length = reader.u32_be(what)? as usize;
    reader.take(length, what).map(NameList)
}
