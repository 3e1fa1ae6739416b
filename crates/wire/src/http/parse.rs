//! Stream → [`Head`].

use super::method::{METHOD_BYTES_MAX, is_method_byte};
use super::{
    Clinical, FIELDS_MAX, HEAD_BYTES_MAX, Head, Lines, Method, Scheme, Start, Target, body, field, media,
};
use crate::{Error, Framed, Probe};
use memchr::{memchr, memrchr};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const VERSION: &[u8] = b"HTTP/1.";
/// Empty lines that may stand before a request line (RFC 9112 §2.2), in bytes.
const EMPTY_LINES_BYTES_MAX: usize = 8;
/// A request line that has not ended after this many bytes, with no sign of another protocol, is believed.
const BELIEVED_BYTES: usize = 64;

/// Whether a conversation that starts with `head` is ours: by its first line, version included, since SIP, RTSP and ICY
/// write theirs alike.
pub fn probe(head: &[u8]) -> Probe {
    let head = head.get(empty_lines_bytes(head)..).unwrap_or_default();
    let mut lines = Lines::new(head.get(..HEAD_BYTES_MAX).unwrap_or(head));
    match lines.next() {
        Some(line) if start_line(line).is_ok() => Probe::Certain,
        Some(_) => Probe::NotForUs,
        None => probe_cut_line(head),
    }
}

/// What the beginning of a first line tells.
fn probe_cut_line(cut: &[u8]) -> Probe {
    if cut.len() >= HEAD_BYTES_MAX {
        return Probe::NotForUs;
    }
    if cut.starts_with(b"HTTP/1.1 ") || cut.starts_with(b"HTTP/1.0 ") {
        return Probe::Certain;
    }
    if VERSION.starts_with(cut) || cut.starts_with(VERSION) || PREFACE.starts_with(cut) {
        return Probe::Unsure;
    }
    let method_bytes = cut.iter().take_while(|&&b| is_method_byte(b)).count();
    let (method, rest) = cut.split_at_checked(method_bytes).unwrap_or((cut, &[]));
    match rest {
        [] if method_bytes <= METHOD_BYTES_MAX => Probe::Unsure,
        [b' ', target @ ..] if (1..=METHOD_BYTES_MAX).contains(&method_bytes) => {
            probe_cut_target(method, target)
        }
        _ => Probe::NotForUs,
    }
}

fn probe_cut_target(method: &[u8], target: &[u8]) -> Probe {
    let known = Method::named(method) != Method::Other;
    // The last byte may be the CR of a line end that is cut off.
    let text = target.strip_suffix(b"\r").unwrap_or(target);
    if text.iter().any(|b| b.is_ascii_control()) {
        return Probe::NotForUs;
    }
    match text.first() {
        None => Probe::Unsure,
        Some(b'/') if known && text.len() >= BELIEVED_BYTES => Probe::Certain,
        Some(b'/' | b'*' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'[') => Probe::Unsure,
        Some(_) => Probe::NotForUs,
    }
}

/// Reads the head at the front of `stream`. Its length is that of the head alone: what follows it is told by
/// [`Head::body`], which must know what a response answers.
///
/// # Errors
/// `Malformed` when the first line is not one of HTTP/1.x or the lengths contradict each other, `Limit` beyond
/// [`HEAD_BYTES_MAX`] or [`FIELDS_MAX`].
pub fn parse(stream: &[u8]) -> Result<Framed<Head<'_>>, Error> {
    let skipped = empty_lines_bytes(stream);
    let bounded = stream.get(..HEAD_BYTES_MAX).unwrap_or(stream);
    let message = bounded.get(skipped..).unwrap_or_default();
    let mut lines = Lines::new(message);
    let Some(line) = lines.next() else {
        return match probe_cut_line(message) {
            _ if message.is_empty() && skipped >= EMPTY_LINES_BYTES_MAX => Err(START_LINE),
            Probe::NotForUs => Err(START_LINE),
            _ => partial(stream),
        };
    };
    let start = start_line(line)?;
    if start == Start::Http2 {
        return preface(message, skipped, stream);
    }
    let mut head = bare_head(start);
    for _ in 0..=FIELDS_MAX {
        match lines.next() {
            Some([]) => return Ok(Framed::Whole { message: head, length: skipped + lines.at() }),
            Some(line) => {
                if let Some((name, value)) = field(line) {
                    note(&mut head, name, value)?;
                }
            }
            None => return partial(stream),
        }
    }
    Err(Error::Limit { what: "fields", max: FIELDS_MAX })
}

const fn bare_head<'a>(start: Start) -> Head<'a> {
    Head {
        start,
        host: None,
        user_agent: None,
        server: None,
        credentials: None,
        clinical: None,
        xml: false,
        framing: body::Framing::NONE,
    }
}

const START_LINE: Error = Error::Malformed { what: "start line", at: 0 };

fn partial(stream: &[u8]) -> Result<Framed<Head<'_>>, Error> {
    if stream.len() < HEAD_BYTES_MAX {
        return Ok(Framed::Partial { need: stream.len() + 1 });
    }
    Err(Error::Limit { what: "head", max: HEAD_BYTES_MAX })
}

fn preface<'a>(message: &[u8], skipped: usize, stream: &'a [u8]) -> Result<Framed<Head<'a>>, Error> {
    if message.starts_with(PREFACE) {
        return Ok(Framed::Whole { message: bare_head(Start::Http2), length: skipped + PREFACE.len() });
    }
    if PREFACE.starts_with(message) { partial(stream) } else { Err(START_LINE) }
}

fn empty_lines_bytes(stream: &[u8]) -> usize {
    stream.iter().take(EMPTY_LINES_BYTES_MAX).take_while(|b| matches!(b, b'\r' | b'\n')).count()
}

/// Reads a request line or a status line.
fn start_line(line: &[u8]) -> Result<Start, Error> {
    if let Some(rest) = line.strip_prefix(VERSION) {
        return status(rest).map(Start::Response);
    }
    if line == b"PRI * HTTP/2.0" {
        return Ok(Start::Http2);
    }
    let (method, rest) = memchr(b' ', line).and_then(|end| line.split_at_checked(end)).ok_or(START_LINE)?;
    if method.is_empty() || method.len() > METHOD_BYTES_MAX || !method.iter().copied().all(is_method_byte) {
        return Err(START_LINE);
    }
    // Targets with blanks in them are wrong and exist: what counts is the last one (sent by sloppy clients).
    let rest = rest.trim_ascii();
    let (target, version) =
        memrchr(b' ', rest).and_then(|end| rest.split_at_checked(end)).ok_or(START_LINE)?;
    let target = target.trim_ascii();
    let is_ours = matches!(version.trim_ascii_start().strip_prefix(VERSION), Some([b'0'..=b'9']));
    if !is_ours || target.is_empty() {
        return Err(START_LINE);
    }
    Ok(Start::Request { method: Method::named(method), target: Target::of(target) })
}

/// The status code after `HTTP/1.`; the reason phrase, and the blank before it, may be missing.
fn status(rest: &[u8]) -> Result<u16, Error> {
    let Some((b'0'..=b'9', rest)) = rest.split_first() else { return Err(START_LINE) };
    let rest = match rest {
        [b' ', ..] => rest.trim_ascii_start(),
        _ => return Err(START_LINE),
    };
    match rest {
        [hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9']
        | [hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b' ', ..] => {
            let digit = |byte: &u8| u16::from(byte - b'0');
            Ok(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones))
        }
        _ => Err(START_LINE),
    }
}

/// Takes note of a field that matters. Of fields that come twice the first counts, except where a sum is a lie.
fn note<'a>(head: &mut Head<'a>, name: &[u8], value: &'a [u8]) -> Result<(), Error> {
    let named = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
    let keep = |slot: &mut Option<&'a [u8]>| {
        if slot.is_none() && !value.is_empty() {
            *slot = Some(value);
        }
    };
    match name.len() {
        4 if named(b"host") => keep_host(&mut head.host, value),
        6 if named(b"server") => keep(&mut head.server),
        10 if named(b"user-agent") => keep(&mut head.user_agent),
        12 if named(b"content-type") => {
            head.clinical = head.clinical.or_else(|| Clinical::of(value));
            head.xml |= media::is_xml(value);
        }
        13 if named(b"authorization") => note_credentials(head, value),
        19 if named(b"proxy-authorization") => note_credentials(head, value),
        14 if named(b"content-length") => head.framing.note_length(value)?,
        17 if named(b"transfer-encoding") => head.framing.note_coding(value),
        _ => {}
    }
    Ok(())
}

fn keep_host<'a>(host: &mut Option<&'a [u8]>, value: &'a [u8]) {
    let name = match value.first() {
        // An IPv6 literal keeps its brackets; its colons are no port.
        Some(b'[') => value.split_inclusive(|&b| b == b']').next(),
        _ => value.split(|&b| b == b':').next(),
    };
    if host.is_none() {
        *host = name.filter(|name| !name.is_empty());
    }
}

/// Of several credentials the one that shows most counts.
fn note_credentials(head: &mut Head<'_>, value: &[u8]) {
    let scheme = value.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
    let scheme = if scheme.eq_ignore_ascii_case(b"basic") {
        Scheme::Basic
    } else if scheme.eq_ignore_ascii_case(b"bearer") {
        Scheme::Bearer
    } else {
        Scheme::Other
    };
    match head.credentials {
        Some(Scheme::Basic) => {}
        Some(Scheme::Bearer) if scheme == Scheme::Other => {}
        _ => head.credentials = Some(scheme),
    }
}
