//! Bytes → [`Message`].

use super::options::{Cut, OptionFields, next_option};
use super::{HEADER_BYTES, Message, MessageType, Op, option};
use crate::{Error, Probe, Reader};

const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];
/// RFC 1542 §4.1.1: relays discard beyond this.
const HOPS_MAX: u8 = 16;
const CHADDR_BYTES: u8 = 16;

/// Whether `datagram` is a DHCP message, or a BOOTP message with vendor extensions.
pub fn probe(datagram: &[u8]) -> Probe {
    match datagram {
        [1 | 2, htype, hlen, hops, ..] if *hops <= HOPS_MAX && hardware_holds(*htype, *hlen) => {}
        _ => return Probe::NotForUs,
    }
    match datagram.get(HEADER_BYTES - MAGIC_COOKIE.len()..HEADER_BYTES) {
        Some(cookie) if cookie == MAGIC_COOKIE => Probe::Certain,
        _ => Probe::NotForUs,
    }
}

const fn hardware_holds(htype: u8, hlen: u8) -> bool {
    match htype {
        1 => hlen == 6,
        _ => hlen <= CHADDR_BYTES,
    }
}

/// Reads the message in `datagram` and walks its options once. What stands behind the `end` option is padding.
///
/// # Errors
/// `Truncated` when the header, an option or the `end` option is cut off, `Malformed` for a bad operation, hardware
/// length or magic cookie.
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    let mut reader = Reader::new(datagram);
    let op = match reader.u8("op")? {
        1 => Op::Request,
        2 => Op::Reply,
        _ => return Err(Error::Malformed { what: "op", at: 0 }),
    };
    let [htype, hlen, hops] = reader.array("hardware type, length and hops")?;
    if hlen > CHADDR_BYTES {
        return Err(Error::Malformed { what: "hardware length", at: 2 });
    }
    let xid = reader.u32_be("xid")?;
    reader.skip(4, "secs and flags")?;
    let ciaddr = reader.array::<4>("ciaddr")?.into();
    let yiaddr = reader.array::<4>("yiaddr")?.into();
    reader.skip(4, "siaddr")?;
    let giaddr = reader.array::<4>("giaddr")?.into();
    let chaddr = reader.array("chaddr")?;
    let sname = reader.take(64, "sname")?;
    let file = reader.take(128, "file")?;
    if reader.array("magic cookie")? != MAGIC_COOKIE {
        return Err(Error::Malformed { what: "magic cookie", at: HEADER_BYTES - MAGIC_COOKIE.len() });
    }
    let (kind, fields) = option_fields(reader.rest(), file, sname)?;
    Ok(Message { op, htype, hlen, hops, xid, ciaddr, yiaddr, giaddr, chaddr, kind, fields })
}

/// Walks the options field to its end, noting the message type and which other fields hold options.
fn option_fields<'a>(
    options: &'a [u8],
    file: &'a [u8],
    sname: &'a [u8],
) -> Result<(Option<MessageType>, OptionFields<'a>), Error> {
    let (mut rest, mut kind, mut overload) = (options, None, 0);
    loop {
        let at = HEADER_BYTES + options.len() - rest.len();
        match next_option(&mut rest) {
            Ok(Some((option::MESSAGE_TYPE, [code]))) if kind.is_none() => {
                kind = Some(MessageType::from_code(*code));
            }
            Ok(Some((option::OVERLOAD, [which]))) => overload = *which,
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(Cut) => return Err(Error::Truncated { what: "option", at }),
        }
    }
    // RFC 2132 §9.3: 1 `file`, 2 `sname`, 3 both.
    let holds = |bit: u8| overload <= 3 && overload & bit != 0;
    let fields = OptionFields {
        options,
        file: if holds(1) { file } else { &[] },
        sname: if holds(2) { sname } else { &[] },
    };
    Ok((kind, fields))
}
