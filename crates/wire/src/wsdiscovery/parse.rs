//! Datagram → [`Message`].

use super::xml::{DEPTH_MAX, Scanner, Token};
use super::{Endpoint, Kind, Message};
use crate::{Error, Probe};
use memchr::memmem;

/// Both namespaces in use, and so the prefixes of their actions: 1.1 and the 2005/04 draft (Windows, ONVIF, printers).
const NAMESPACES: [&[u8]; 2] = [
    b"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01",
    b"http://schemas.xmlsoap.org/ws/2005/04/discovery",
];
/// Within this many bytes an envelope shows its namespaces.
const PROBE_BYTES_MAX: usize = 2_048;

/// This many bytes tell text from other bytes that happen to start with `<`.
const PRINTABLE_BYTES: usize = 16;

/// Whether `head` begins a message of ours: XML, an envelope, and one of the two namespaces.
pub fn probe(head: &[u8]) -> Probe {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if !looks_like_a_tag(text) {
        return Probe::NotForUs;
    }
    let window = text.get(..PROBE_BYTES_MAX).unwrap_or(text);
    let enveloped = memmem::find(window, b"Envelope").is_some();
    let named = NAMESPACES.iter().any(|namespace| memmem::find(window, namespace).is_some());
    match (enveloped, named) {
        (true, true) => Probe::Certain,
        _ if window.len() < PROBE_BYTES_MAX && memmem::find(window, b"</").is_none() => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

/// `<`, a name, and text: all printable, as far as the first bytes go.
fn looks_like_a_tag(text: &[u8]) -> bool {
    let Some((b'<', rest)) = text.split_first() else { return false };
    rest.first().is_none_or(|b| matches!(b, b'?' | b'!' | b'_' | b'a'..=b'z' | b'A'..=b'Z'))
        && rest.iter().take(PRINTABLE_BYTES).all(|b| (b' '..0x7f).contains(b) || b.is_ascii_whitespace())
}

/// Reads the message that fills `datagram`.
///
/// # Errors
/// `Malformed` when it is not an envelope with an action or uses XML that is refused, `Truncated` when it ends early,
/// `Limit` when it is nested too deep or too long.
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    let mut scanner = Scanner::new(datagram.strip_prefix(b"\xef\xbb\xbf").unwrap_or(datagram));
    let mut message = Message::default();
    let mut action: Option<&[u8]> = None;
    let mut path = Path::default();
    while let Some(token) = scanner.next()? {
        match token {
            Token::Open(name, 1) if name != b"Envelope" => {
                return Err(Error::Malformed { what: "envelope", at: 0 });
            }
            Token::Open(name, depth) => path.enter(name, depth, &mut message),
            Token::Close(_) => {}
            Token::Text(text) if path.is(&[b"Envelope", b"Header", b"Action"]) => action = Some(text),
            Token::Text(text) => note(&mut message, &path, text),
        }
        if let Token::Close(depth) = token {
            path.depth = depth.saturating_sub(1);
        }
    }
    message.kind = kind(action.ok_or(Error::Malformed { what: "action", at: 0 })?);
    Ok(message)
}

/// The names of the elements that are open.
#[derive(Default)]
struct Path<'a> {
    names: [&'a [u8]; DEPTH_MAX],
    depth: usize,
}

impl<'a> Path<'a> {
    fn enter(&mut self, name: &'a [u8], depth: usize, message: &mut Message<'a>) {
        self.depth = depth;
        if let Some(slot) = self.names.get_mut(depth.saturating_sub(1)) {
            *slot = name;
        }
        // Each Hello, Bye or match speaks of one endpoint; so does what a Probe or Resolve asks for.
        if self.is_described() {
            message.endpoints += 1;
        }
    }

    fn open(&self) -> &[&'a [u8]] {
        self.names.get(..self.depth).unwrap_or_default()
    }

    fn is(&self, names: &[&[u8]]) -> bool {
        self.open() == names
    }

    /// The innermost open element describes an endpoint.
    fn is_described(&self) -> bool {
        describes(self.open())
    }
}

fn describes(open: &[&[u8]]) -> bool {
    matches!(
        open,
        [b"Envelope", b"Body", b"Hello" | b"Bye" | b"Probe" | b"Resolve"]
            | [b"Envelope", b"Body", b"ProbeMatches", b"ProbeMatch"]
            | [b"Envelope", b"Body", b"ResolveMatches", b"ResolveMatch"]
    )
}

/// Takes text of the first endpoint described.
fn note<'a>(message: &mut Message<'a>, path: &Path<'a>, text: &'a [u8]) {
    if message.endpoints != 1 {
        return;
    }
    let Endpoint { address, types, scopes, transports } = &mut message.endpoint;
    let slot = match path.open() {
        [outer @ .., b"EndpointReference", b"Address"] if describes(outer) => address,
        [outer @ .., b"Types"] if describes(outer) => types,
        [outer @ .., b"Scopes"] if describes(outer) => scopes,
        [outer @ .., b"XAddrs"] if describes(outer) => transports,
        _ => return,
    };
    if slot.is_empty() {
        *slot = text;
    }
}

fn kind(action: &[u8]) -> Kind {
    let name = NAMESPACES.iter().find_map(|namespace| action.strip_prefix(*namespace)?.strip_prefix(b"/"));
    match name {
        Some(b"Hello") => Kind::Hello,
        Some(b"Bye") => Kind::Bye,
        Some(b"Probe") => Kind::Probe,
        Some(b"ProbeMatches") => Kind::ProbeMatches,
        Some(b"Resolve") => Kind::Resolve,
        Some(b"ResolveMatches") => Kind::ResolveMatches,
        _ => Kind::Other,
    }
}
