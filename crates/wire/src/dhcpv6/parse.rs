//! Bytes → [`Message`].

use super::options::OPTION_CODE_MAX;
use super::{Head, Message, MessageType, OPTIONS_MAX, RELAY_DEPTH_MAX, option};
use crate::{Error, Probe, Reader};

/// Whether `datagram` is DHCPv6. `Certain` when its options fill it exactly and name a client or server (or wrap such a
/// message); `Unsure` when they fill it but name nobody; there is no magic number.
pub fn probe(datagram: &[u8]) -> Probe {
    // Types past 13 (lease query, failover) occur between servers only: not worth a false positive.
    if !matches!(datagram.first(), Some(1..=13)) {
        return Probe::NotForUs;
    }
    let Ok(outer) = parse(datagram) else {
        return Probe::NotForUs;
    };
    if outer.options().any(|(code, _)| code == 0 || code > OPTION_CODE_MAX) {
        return Probe::NotForUs;
    }
    match outer.head {
        Head::Relay { .. } => Probe::Certain,
        Head::ClientServer { .. } if names_someone(&outer) => Probe::Certain,
        // An anonymous Information-request is legal (RFC 8415 §18.2.6) and always tells the elapsed time.
        Head::ClientServer { .. } => match outer.option(option::ELAPSED_TIME) {
            Some([_, _]) => Probe::Unsure,
            _ => Probe::NotForUs,
        },
    }
}

fn names_someone(message: &Message<'_>) -> bool {
    let duid = |code| message.option(code).and_then(super::Duid::new).is_some_and(super::Duid::holds);
    duid(option::CLIENT_ID) || duid(option::SERVER_ID)
}

/// Reads the message in `datagram`: its options, and those of every message a relay wrapped in it.
///
/// # Errors
/// `Truncated` when a field or option is cut off, `Malformed` when a relay wraps nothing, `Limit` for more than
/// [`RELAY_DEPTH_MAX`] wrappers or [`OPTIONS_MAX`] options.
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    let outer = message(datagram)?;
    let mut inner = outer;
    for _ in 0..RELAY_DEPTH_MAX {
        if matches!(inner.head, Head::ClientServer { .. }) {
            return Ok(outer);
        }
        let wrapped = inner.option(option::RELAY_MESSAGE);
        inner = message(wrapped.ok_or(Error::Malformed { what: "relay without a message", at: 0 })?)?;
    }
    match inner.head {
        Head::ClientServer { .. } => Ok(outer),
        Head::Relay { .. } => Err(Error::Limit { what: "relays", max: RELAY_DEPTH_MAX }),
    }
}

/// One layer. Offsets in errors count from its own start.
pub(super) fn message(bytes: &[u8]) -> Result<Message<'_>, Error> {
    let mut reader = Reader::new(bytes);
    let kind = MessageType::from_code(reader.u8("message type")?);
    let head = match kind {
        MessageType::RelayForward | MessageType::RelayReply => Head::Relay {
            hops: reader.u8("hop count")?,
            link: reader.array::<16>("link address")?.into(),
            peer: reader.array::<16>("peer address")?.into(),
        },
        MessageType::Other(0) => return Err(Error::Malformed { what: "message type", at: 0 }),
        _ => Head::ClientServer { transaction: reader.u24_be("transaction")? },
    };
    let options = reader.rest();
    // Every message type requires at least one option (RFC 8415 §16).
    if options.is_empty() {
        return Err(Error::Truncated { what: "options", at: reader.at() });
    }
    let mut count = 0;
    while !reader.is_empty() {
        reader.skip(2, "option code")?;
        let length = reader.u16_be("option length")?;
        reader.skip(usize::from(length), "option")?;
        count += 1;
        if count > OPTIONS_MAX {
            return Err(Error::Limit { what: "options", max: OPTIONS_MAX });
        }
    }
    Ok(Message { kind, head, options })
}
