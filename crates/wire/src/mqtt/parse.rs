//! Bytes → [`Packet`].

use super::{
    ACKNOWLEDGEMENT_BYTES_MAX, CONNECT_HEAD_BYTES_MAX, Connect, Packet, Publish, SUBSCRIBE_HEAD_BYTES_MAX,
};
use crate::{Error, Framed, Reader};

/// The fixed header (§2.2): packet type, its flags, and how many bytes follow.
#[derive(Clone, Copy)]
pub(super) struct FixedHeader {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Bytes of the fixed header itself, 2–5.
    pub(super) bytes: usize,
    /// Bytes that follow it.
    pub(super) remaining: usize,
}

/// Control packet types (§2.2.1).
pub(super) mod kind {
    pub(in crate::mqtt) const CONNECT: u8 = 1;
    pub(in crate::mqtt) const CONNACK: u8 = 2;
    pub(in crate::mqtt) const PUBLISH: u8 = 3;
    pub(in crate::mqtt) const PUBACK: u8 = 4;
    pub(in crate::mqtt) const PUBREC: u8 = 5;
    pub(in crate::mqtt) const PUBREL: u8 = 6;
    pub(in crate::mqtt) const PUBCOMP: u8 = 7;
    pub(in crate::mqtt) const SUBSCRIBE: u8 = 8;
    pub(in crate::mqtt) const SUBACK: u8 = 9;
    pub(in crate::mqtt) const UNSUBSCRIBE: u8 = 10;
    pub(in crate::mqtt) const UNSUBACK: u8 = 11;
    pub(in crate::mqtt) const PINGREQ: u8 = 12;
    pub(in crate::mqtt) const PINGRESP: u8 = 13;
    pub(in crate::mqtt) const DISCONNECT: u8 = 14;
}

/// Reads the control packet at the front of `stream`. A PUBLISH is read as soon as its header is at hand; its length
/// reaches past the input when the payload is not there yet.
///
/// # Errors
/// `Malformed` when type, flags, lengths or the protocol name contradict the standard; `Limit` when an acknowledgement
/// is larger than [`ACKNOWLEDGEMENT_BYTES_MAX`].
#[inline]
pub fn parse(stream: &[u8]) -> Result<Framed<Packet<'_>>, Error> {
    let Some(header) = fixed_header(stream)? else {
        return Ok(Framed::Partial { need: stream.len() + 1 });
    };
    check_flags(header)?;
    if header.kind == kind::PUBLISH {
        return publish(header, stream);
    }
    let head = header.remaining.min(head_bytes_max(header)?);
    match stream.get(header.bytes..header.bytes + head) {
        None => Ok(Framed::Partial { need: header.bytes + head }),
        Some(body) => {
            let message = variable_header(header, body)?;
            Ok(Framed::Whole { message, length: header.bytes + header.remaining })
        }
    }
}

/// The fixed header at the front, or `None` when it is not whole yet.
#[inline]
pub(super) fn fixed_header(stream: &[u8]) -> Result<Option<FixedHeader>, Error> {
    let &[first, ref rest @ ..] = stream else { return Ok(None) };
    let (kind, flags) = (first >> 4, first & 0x0f);
    let mut remaining = 0_usize;
    for (place, &byte) in rest.iter().take(4).enumerate() {
        remaining |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some(FixedHeader { kind, flags, bytes: 2 + place, remaining }));
        }
    }
    if rest.len() >= 4 {
        return Err(Error::Malformed { what: "remaining length", at: 1 });
    }
    Ok(None)
}

/// §2.2.2: the flag bits each type must carry. MQTT 3.1 may set DUP on a repeated PUBREL, SUBSCRIBE or UNSUBSCRIBE.
#[inline]
pub(super) fn check_flags(header: FixedHeader) -> Result<(), Error> {
    let fine = match header.kind {
        0 => false,
        kind::PUBLISH => header.flags & 0b0110 != 0b0110,
        kind::PUBREL | kind::SUBSCRIBE | kind::UNSUBSCRIBE => header.flags & 0b0111 == 0b0010,
        _ => header.flags == 0,
    };
    if fine { Ok(()) } else { Err(Error::Malformed { what: "packet type and flags", at: 0 }) }
}

/// Only the topic's length is looked at: it must leave room for itself and the packet identifier.
#[inline]
fn publish(header: FixedHeader, stream: &[u8]) -> Result<Framed<Packet<'_>>, Error> {
    let at = header.bytes;
    let Some(topic_bytes) = stream.get(at..).and_then(|body| body.first_chunk::<2>()) else {
        return match header.remaining {
            0 | 1 => Err(Error::Malformed { what: "remaining length", at: 1 }),
            _ => Ok(Framed::Partial { need: at + 2 }),
        };
    };
    let qos = (header.flags >> 1) & 0b11;
    let identifier_bytes = if qos > 0 { 2 } else { 0 };
    if 2 + usize::from(u16::from_be_bytes(*topic_bytes)) + identifier_bytes > header.remaining {
        return Err(Error::Malformed { what: "topic length", at });
    }
    let message = Packet::Publish(Publish { qos, retain: header.flags & 1 != 0 });
    Ok(Framed::Whole { message, length: at + header.remaining })
}

/// How many bytes after the fixed header are read, per type; also the sizes that the standard allows.
fn head_bytes_max(header: FixedHeader) -> Result<usize, Error> {
    let at_least = match header.kind {
        kind::CONNECT => 10,
        kind::CONNACK | kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP | kind::UNSUBACK => 2,
        kind::SUBACK => 3,
        kind::UNSUBSCRIBE => 5,
        kind::SUBSCRIBE => 6,
        _ => 0,
    };
    let pings = matches!(header.kind, kind::PINGREQ | kind::PINGRESP);
    if header.remaining < at_least || (pings && header.remaining > 0) {
        return Err(Error::Malformed { what: "remaining length", at: 1 });
    }
    match header.kind {
        kind::CONNECT => Ok(CONNECT_HEAD_BYTES_MAX),
        kind::SUBSCRIBE | kind::UNSUBSCRIBE => Ok(SUBSCRIBE_HEAD_BYTES_MAX),
        _ if header.remaining > ACKNOWLEDGEMENT_BYTES_MAX => {
            Err(Error::Limit { what: "acknowledgement", max: ACKNOWLEDGEMENT_BYTES_MAX })
        }
        kind::SUBACK => Ok(SUBSCRIBE_HEAD_BYTES_MAX),
        _ => Ok(3),
    }
}

fn variable_header(header: FixedHeader, body: &[u8]) -> Result<Packet<'_>, Error> {
    let byte = |at: usize| body.get(at).copied().unwrap_or_default();
    Ok(match header.kind {
        kind::CONNECT => Packet::Connect(connect(header, body)?),
        kind::CONNACK if byte(0) > 1 => {
            return Err(Error::Malformed { what: "connect acknowledge flags", at: header.bytes });
        }
        kind::CONNACK => Packet::ConnAck(byte(1)),
        kind::PUBACK => Packet::PubAck(byte(2)),
        kind::PUBREC => Packet::PubRec(byte(2)),
        kind::PUBREL => Packet::PubRel,
        kind::PUBCOMP => Packet::PubComp,
        kind::SUBSCRIBE => Packet::Subscribe { everything: subscribes_to_everything(body) },
        kind::SUBACK => Packet::SubAck(body.last().copied().unwrap_or_default()),
        kind::UNSUBSCRIBE => Packet::Unsubscribe,
        kind::UNSUBACK => Packet::UnsubAck,
        kind::PINGREQ => Packet::PingReq,
        kind::PINGRESP => Packet::PingResp,
        kind::DISCONNECT => Packet::Disconnect(byte(0)),
        _ => Packet::Auth,
    })
}

/// §3.1. `body` is the head of the packet, or all of it.
fn connect(header: FixedHeader, body: &[u8]) -> Result<Connect<'_>, Error> {
    let mut reader = Reader::new(body);
    let name_bytes = usize::from(reader.u16_be("protocol name length")?);
    let name = reader.take(name_bytes, "protocol name")?;
    if name != b"MQTT" && name != b"MQIsdp" {
        return Err(Error::Malformed { what: "protocol name", at: header.bytes });
    }
    let level = reader.u8("protocol level")? & 0x7f;
    let flags = reader.u8("connect flags")?;
    if flags & 1 != 0 || flags & 0b0001_1000 == 0b0001_1000 {
        return Err(Error::Malformed { what: "connect flags", at: header.bytes + reader.at() - 1 });
    }
    let keep_alive_s = reader.u16_be("keep alive")?;
    let client_id = match client_id(level, &mut reader) {
        Ok(client_id) => client_id,
        Err(_) if body.len() < header.remaining => &[],
        Err(error) => return Err(error),
    };
    let (user_name, password) = (flags & 0x80 != 0, flags & 0x40 != 0);
    Ok(Connect { level, keep_alive_s, user_name, password, client_id })
}

fn client_id<'a>(level: u8, reader: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    if level == 5 {
        let properties_bytes = variable_byte_integer(reader)?;
        reader.skip(properties_bytes, "connect properties")?;
    }
    let client_id_bytes = usize::from(reader.u16_be("client identifier length")?);
    reader.take(client_id_bytes, "client identifier")
}

/// v5 §1.5.5: seven bits a byte, at most four bytes.
fn variable_byte_integer(reader: &mut Reader<'_>) -> Result<usize, Error> {
    let mut value = 0;
    for place in 0..4 {
        let byte = reader.u8("variable byte integer")?;
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(reader.malformed("variable byte integer"))
}

/// Whether a filter in the head of a SUBSCRIBE matches every topic. v5 puts properties before the filters; which
/// version this is shows in which reading works out (a filter is never empty, options are below 0x40).
fn subscribes_to_everything(body: &[u8]) -> bool {
    let mut plain = Reader::new(body);
    let _ = plain.skip(2, "packet identifier");
    let mut version_5 = plain;
    any_filter_of_all(plain)
        || variable_byte_integer(&mut version_5)
            .and_then(|bytes| version_5.skip(bytes, "subscribe properties"))
            .is_ok_and(|()| any_filter_of_all(version_5))
}

fn any_filter_of_all(mut reader: Reader<'_>) -> bool {
    let mut found = false;
    while !reader.is_empty() {
        let Ok(bytes) = reader.u16_be("topic filter length") else { return found };
        let Ok(filter) = reader.take(usize::from(bytes), "topic filter") else { return found };
        match reader.u8("subscription options") {
            Ok(0..=0x3f) if !filter.is_empty() => found |= matches_everything(filter),
            _ => return false,
        }
    }
    found
}

/// §4.7.1.2: `#`, or single-level wildcards before it. A shared subscription (v5 §4.8.2) is read past its group.
fn matches_everything(filter: &[u8]) -> bool {
    let filter = match filter.strip_prefix(b"$share/") {
        Some(shared) => shared.splitn(2, |&b| b == b'/').nth(1).unwrap_or_default(),
        None => filter,
    };
    match filter.split_last() {
        Some((b'#', levels)) => levels.chunks(2).all(|level| level == b"+/"),
        _ => false,
    }
}
