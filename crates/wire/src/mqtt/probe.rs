//! Is this MQTT? By content only: brokers listen on any port.

use super::PROBE_PACKETS_MAX;
use super::parse::{FixedHeader, check_flags, fixed_header, kind, parse};
use crate::{Framed, Probe};

/// Whether a conversation that starts with `head` is MQTT. A CONNECT with its protocol name is certain. A capture that
/// begins in mid-session is certain only when several packets fit the bytes, or a PUBLISH with a readable topic does.
pub fn probe(head: &[u8]) -> Probe {
    match head {
        [] => Probe::Unsure,
        [0x10, ..] => probe_connect(head),
        _ => match walk(head) {
            None => Probe::NotForUs,
            Some(walk) if walk.exact && (walk.topics > 0 || walk.telling >= 2) => Probe::Certain,
            Some(walk) if walk.topics >= 2 => Probe::Certain,
            Some(_) => Probe::Unsure,
        },
    }
}

/// Whether packets begin at `head`, in a conversation already known to be MQTT: after a gap, reading may resume there.
pub fn begins_packets(head: &[u8]) -> bool {
    match walk(head) {
        Some(walk) => walk.packets >= 2 || (walk.exact && walk.packets == 1) || walk.topics > 0,
        None => false,
    }
}

/// What can be said about the packets in a head.
#[derive(Default)]
struct Walk {
    /// Packets that are there whole.
    packets: usize,
    /// Of those, the ones with more to check than a type and a zero length.
    telling: usize,
    /// PUBLISH packets whose topic is there and readable; the last one's payload may reach past the head.
    topics: usize,
    /// The last packet ends where the head does.
    exact: bool,
}

/// Walks the packets in `head`; `None` as soon as one is not MQTT.
fn walk(head: &[u8]) -> Option<Walk> {
    let mut walk = Walk::default();
    let mut rest = head;
    for _ in 0..PROBE_PACKETS_MAX {
        let header = match fixed_header(rest) {
            Ok(Some(header)) => header,
            Ok(None) => return first_byte_fits(rest).then_some(walk),
            Err(_) => return None,
        };
        if !is_minimal(header) {
            return None;
        }
        if header.kind == kind::PUBLISH {
            match topic(header, rest)? {
                Topic::Readable => walk.topics += 1,
                Topic::CutOff => return Some(walk),
            }
        }
        let length = match parse(rest).ok()? {
            Framed::Whole { length, .. } => length,
            Framed::Partial { .. } => return Some(walk),
        };
        rest = match rest.get(length..) {
            Some(rest) => rest,
            None => return Some(walk),
        };
        walk.packets += 1;
        walk.telling += usize::from(header.remaining > 0);
        if rest.is_empty() {
            walk.exact = true;
            return Some(walk);
        }
    }
    Some(walk)
}

fn first_byte_fits(rest: &[u8]) -> bool {
    rest.first().is_none_or(|&b| {
        check_flags(FixedHeader { kind: b >> 4, flags: b & 0x0f, bytes: 1, remaining: 0 }).is_ok()
    })
}

/// v5 §1.5.5: the remaining length takes as few bytes as it can. Real senders do so in every version.
const fn is_minimal(header: FixedHeader) -> bool {
    header.bytes == 2 || header.remaining >> (7 * (header.bytes - 2)) > 0
}

enum Topic {
    Readable,
    CutOff,
}

/// §3.3.2.1: a topic name is UTF-8 without wildcards; that it is printable and not empty is what senders do.
fn topic(header: FixedHeader, packet: &[u8]) -> Option<Topic> {
    let Some((bytes, rest)) = packet.get(header.bytes..).and_then(|body| body.split_first_chunk::<2>())
    else {
        return (header.remaining >= 3).then_some(Topic::CutOff);
    };
    let bytes = usize::from(u16::from_be_bytes(*bytes));
    if bytes == 0 || 2 + bytes > header.remaining {
        return None;
    }
    let at_hand = rest.get(..bytes).unwrap_or(rest);
    if at_hand.iter().any(|&b| matches!(b, 0..0x20 | 0x7f | b'#' | b'+')) {
        return None;
    }
    if at_hand.len() < bytes {
        return Some(Topic::CutOff);
    }
    std::str::from_utf8(at_hand).is_ok().then_some(Topic::Readable)
}

/// §3.1.2: fixed header, then the protocol name with its length, the level and the flags.
fn probe_connect(head: &[u8]) -> Probe {
    let header = match fixed_header(head) {
        Ok(Some(header)) if is_minimal(header) && header.remaining >= 12 => header,
        Ok(None) => return Probe::Unsure,
        _ => return Probe::NotForUs,
    };
    let body = head.get(header.bytes..).unwrap_or_default();
    for (name, levels) in [(&b"\0\x04MQTT"[..], [4, 5]), (b"\0\x06MQIsdp", [3, 3])] {
        let Some(rest) = body.strip_prefix(name) else {
            if name.starts_with(body) {
                return Probe::Unsure;
            }
            continue;
        };
        return match rest {
            [] | [_] if rest.iter().all(|level| levels.contains(&(level & 0x7f))) => Probe::Unsure,
            [level, flags, ..] if levels.contains(&(level & 0x7f)) && flags & 1 == 0 => Probe::Certain,
            _ => Probe::NotForUs,
        };
    }
    Probe::NotForUs
}
