//! Datagram → [`Message`].

use super::{FIELDS_MAX, Kind, MESSAGE_BYTES_MAX, Message};
use crate::http::{Lines, field};
use crate::{Error, Probe};

const SEARCH: &[u8] = b"M-SEARCH * HTTP/1.";
const NOTIFY: &[u8] = b"NOTIFY * HTTP/1.";
const RESPONSE: &[u8] = b"HTTP/1.";

/// Whether `head`, the whole datagram, is ours: by its first line and, in an answer, the fields that only SSDP has. A search
/// without a target is one too: media servers look for each other so, on ports of their own.
pub fn probe(head: &[u8]) -> Probe {
    let begins =
        [SEARCH, NOTIFY, RESPONSE].iter().any(|line| line.starts_with(head) || head.starts_with(line));
    if head.is_empty() || !begins {
        return Probe::NotForUs;
    }
    match parse(head) {
        Ok(_) => Probe::Certain,
        Err(Error::Malformed { .. }) if head.len() > NOTIFY.len().max(SEARCH.len()) => Probe::NotForUs,
        Err(_) => Probe::Unsure,
    }
}

/// Reads the message that fills `datagram`. The empty line at its end may be missing: some devices leave it out.
///
/// # Errors
/// `Malformed` when the first line or what a search or answer must say is missing, `Truncated` inside the last line, `Limit`
/// beyond [`FIELDS_MAX`] or [`MESSAGE_BYTES_MAX`].
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    if datagram.len() > MESSAGE_BYTES_MAX {
        return Err(Error::Limit { what: "message", max: MESSAGE_BYTES_MAX });
    }
    let mut lines = Lines::new(datagram);
    let start = lines.next().ok_or(Error::Truncated { what: "start line", at: 0 })?;
    let mut message =
        Message { kind: start_line(start)?, target: &[], usn: &[], server: &[], user_agent: &[] };
    let mut subtype: &[u8] = &[];
    for read in 0.. {
        let Some(line) = lines.next() else {
            // Padding after the last line is common; text is a line cut off.
            let cut = lines.rest().iter().any(|b| !matches!(b, 0 | b' ' | b'\r'));
            if cut {
                return Err(Error::Truncated { what: "field", at: lines.at() });
            }
            break;
        };
        if line.is_empty() {
            break;
        }
        if read >= FIELDS_MAX {
            return Err(Error::Limit { what: "fields", max: FIELDS_MAX });
        }
        if let Some((name, value)) = field(line) {
            note(&mut message, &mut subtype, name, value);
        }
    }
    finish(message, subtype)
}

fn start_line(line: &[u8]) -> Result<Kind, Error> {
    let (kind, rest) = if let Some(rest) = line.strip_prefix(SEARCH) {
        (Kind::Search, rest)
    } else if let Some(rest) = line.strip_prefix(NOTIFY) {
        (Kind::OtherNotify, rest)
    } else if let Some([_, rest @ ..]) = line.strip_prefix(RESPONSE) {
        (Kind::Response, rest)
    } else {
        return Err(Error::Malformed { what: "start line", at: 0 });
    };
    let well_formed = match kind {
        Kind::Response => rest.trim_ascii_start().starts_with(b"200"),
        _ => matches!(rest.trim_ascii_end(), [b'0' | b'1']),
    };
    if well_formed { Ok(kind) } else { Err(Error::Malformed { what: "start line", at: 0 }) }
}

fn note<'a>(message: &mut Message<'a>, subtype: &mut &'a [u8], name: &[u8], value: &'a [u8]) {
    let named = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
    match name.len() {
        2 if named(b"nt") || named(b"st") => message.target = value,
        3 if named(b"nts") => *subtype = value,
        3 if named(b"usn") => message.usn = value,
        6 if named(b"server") => message.server = value,
        10 if named(b"user-agent") => message.user_agent = value,
        _ => {}
    }
}

fn finish<'a>(mut message: Message<'a>, subtype: &[u8]) -> Result<Message<'a>, Error> {
    message.kind = match (message.kind, subtype) {
        (Kind::OtherNotify, b"ssdp:alive") => Kind::Alive,
        (Kind::OtherNotify, b"ssdp:byebye") => Kind::ByeBye,
        (Kind::OtherNotify, b"ssdp:update") => Kind::Update,
        // Any HTTP server may answer 200; only SSDP names target and USN.
        (Kind::Response, _) if message.target.is_empty() || message.usn.is_empty() => {
            return Err(Error::Malformed { what: "search response", at: 0 });
        }
        (kind, _) => kind,
    };
    Ok(message)
}
