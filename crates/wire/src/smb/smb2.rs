//! SMB 2 and 3, MS-SMB2 §2.2.

use super::{COMPOUND_MAX, DIALECTS_MAX, MESSAGE_BYTES_MAX};
use crate::{Error, Reader};

pub(super) const HEADER_BYTES: usize = 64;
const NEGOTIATE: u16 = 0;
const SESSION_SETUP: u16 = 1;
/// STATUS_SUCCESS.
const SUCCESS: u32 = 0;
/// The server wants the next leg of the authentication.
pub(super) const MORE_PROCESSING_REQUIRED: u32 = 0xc000_0016;

/// The requests or responses of one message, in order. INVARIANT: the first header was checked when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packets<'a> {
    bytes: &'a [u8],
    total_bytes: usize,
}

/// One request or response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Smb2<'a> {
    /// Command number; [`super::smb2_command`] names it.
    pub command: u16,
    /// It answers a request.
    pub is_response: bool,
    /// NT status, 0 in requests.
    pub status: u32,
    /// What Ward reads of its body.
    pub body: Smb2Body<'a>,
    /// Its length, header and what was not looked at included.
    pub bytes: usize,
}

/// The bodies that Ward reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smb2Body<'a> {
    /// NEGOTIATE request: what the client speaks.
    Offer {
        /// Dialect revisions.
        dialects: DialectList<'a>,
        /// It insists on signing.
        signing_required: bool,
    },
    /// NEGOTIATE response: what will be spoken.
    Negotiated(Negotiated<'a>),
    /// SESSION_SETUP, either way: a leg of the authentication.
    Setup {
        /// SPNEGO or bare NTLM token.
        token: &'a [u8],
    },
    /// Any other.
    Unread,
}

/// A NEGOTIATE response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated<'a> {
    /// The dialect chosen; 0x02ff: SMB 2, details in the next negotiation.
    pub dialect: u16,
    /// It insists on signing.
    pub signing_required: bool,
    /// The server's identity, made anew when it is installed.
    pub server_guid: [u8; 16],
    /// What it can do, MS-SMB2 §2.2.4.
    pub capabilities: u32,
    /// SPNEGO token: which mechanisms it takes.
    pub token: &'a [u8],
}

/// Dialect revisions, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectList<'a>(&'a [u8]);

impl DialectList<'_> {
    /// The revisions in order, at most [`DIALECTS_MAX`].
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        let (pairs, _) = self.0.as_chunks();
        pairs.iter().map(|&pair| u16::from_le_bytes(pair)).take(DIALECTS_MAX)
    }
}

/// Bytes of a message that must be at hand to read it: all of a negotiation, a session setup or a compound, else a header.
pub(super) fn bytes_wanted(seen: &[u8]) -> usize {
    match header(seen) {
        Ok(header) if header.command <= SESSION_SETUP || header.next != 0 => MESSAGE_BYTES_MAX,
        _ => HEADER_BYTES,
    }
}

struct Header {
    command: u16,
    is_response: bool,
    status: u32,
    next: usize,
}

fn header(bytes: &[u8]) -> Result<Header, Error> {
    const IS_RESPONSE: u32 = 1;
    let mut reader = Reader::new(bytes);
    if reader.array("protocol id")? != *b"\xfeSMB" {
        return Err(Error::Malformed { what: "protocol id", at: 0 });
    }
    if usize::from(reader.u16_le("structure size")?) != HEADER_BYTES {
        return Err(Error::Malformed { what: "structure size", at: 4 });
    }
    reader.skip(2, "credit charge")?;
    let status = reader.u32_le("status")?;
    let command = reader.u16_le("command")?;
    reader.skip(2, "credits")?;
    let is_response = reader.u32_le("flags")? & IS_RESPONSE != 0;
    let next = reader.u32_le("next command")? as usize;
    reader.skip(HEADER_BYTES - 24, "header")?;
    // In requests of SMB 3 the field counts channel changes.
    let status = if is_response { status } else { 0 };
    Ok(Header { command, is_response, status, next })
}

impl<'a> Packets<'a> {
    /// `bytes` is what is at hand of a message of `total_bytes`.
    pub(super) fn read(bytes: &'a [u8], total_bytes: usize) -> Result<Self, Error> {
        header(bytes)?;
        Ok(Self { bytes, total_bytes })
    }

    /// Each request or response, at most [`COMPOUND_MAX`]; an unreadable one ends the walk.
    pub fn iter(self) -> impl Iterator<Item = Smb2<'a>> {
        let mut rest = Some(self);
        let walk = std::iter::from_fn(move || {
            let Self { bytes, total_bytes } = rest.take()?;
            let header = header(bytes).ok()?;
            let mut own = Self { bytes, total_bytes };
            // Each offset leads forward by at least a header, so the walk ends.
            if header.next >= HEADER_BYTES {
                rest = bytes
                    .get(header.next..)
                    .map(|bytes| Self { bytes, total_bytes: total_bytes.saturating_sub(header.next) });
                own = Self {
                    bytes: bytes.get(..header.next).unwrap_or(bytes),
                    total_bytes: header.next.min(total_bytes),
                };
            }
            Some(packet(&header, own))
        });
        walk.take(COMPOUND_MAX)
    }
}

/// A body that is cut or odd is [`Smb2Body::Unread`]: its verb still counts.
fn packet<'a>(header: &Header, own: Packets<'a>) -> Smb2<'a> {
    let bytes = own.bytes;
    let body = match (header.command, header.is_response, header.status) {
        (NEGOTIATE, false, _) => offer(bytes),
        (NEGOTIATE, true, SUCCESS) => negotiated(bytes),
        (SESSION_SETUP, false, _) => setup_request(bytes),
        (SESSION_SETUP, true, SUCCESS | MORE_PROCESSING_REQUIRED) => setup_response(bytes),
        _ => Ok(Smb2Body::Unread),
    };
    Smb2 {
        command: header.command,
        is_response: header.is_response,
        status: header.status,
        body: body.unwrap_or(Smb2Body::Unread),
        bytes: own.total_bytes,
    }
}

fn body(bytes: &[u8]) -> Result<Reader<'_>, Error> {
    let mut reader = Reader::new(bytes);
    reader.skip(HEADER_BYTES, "header")?;
    reader.skip(2, "structure size")?;
    Ok(reader)
}

/// `count` bytes at `offset`, which counts from the start of the header.
fn buffer(bytes: &[u8], offset: u16, count: u16) -> &[u8] {
    let (offset, count) = (usize::from(offset), usize::from(count));
    bytes.get(offset..).map(|rest| rest.get(..count).unwrap_or(rest)).unwrap_or_default()
}

const SIGNING_REQUIRED: u16 = 2;

/// MS-SMB2 §2.2.3.
fn offer(bytes: &[u8]) -> Result<Smb2Body<'_>, Error> {
    let mut reader = body(bytes)?;
    let count = usize::from(reader.u16_le("dialect count")?);
    let signing_required = reader.u16_le("security mode")? & SIGNING_REQUIRED != 0;
    reader.skip(2 + 4 + 16 + 8, "capabilities and client GUID")?;
    let dialects = DialectList(reader.take(2 * count, "dialects")?);
    Ok(Smb2Body::Offer { dialects, signing_required })
}

/// MS-SMB2 §2.2.4.
fn negotiated(bytes: &[u8]) -> Result<Smb2Body<'_>, Error> {
    let mut reader = body(bytes)?;
    let signing_required = reader.u16_le("security mode")? & SIGNING_REQUIRED != 0;
    let dialect = reader.u16_le("dialect revision")?;
    reader.skip(2, "negotiate context count")?;
    let server_guid = reader.array("server GUID")?;
    let capabilities = reader.u32_le("capabilities")?;
    reader.skip(3 * 4 + 2 * 8, "sizes and times")?;
    let offset = reader.u16_le("security buffer offset")?;
    let count = reader.u16_le("security buffer length")?;
    let token = buffer(bytes, offset, count);
    Ok(Smb2Body::Negotiated(Negotiated { dialect, signing_required, server_guid, capabilities, token }))
}

/// MS-SMB2 §2.2.5.
fn setup_request(bytes: &[u8]) -> Result<Smb2Body<'_>, Error> {
    let mut reader = body(bytes)?;
    reader.skip(1 + 1 + 4 + 4, "flags and capabilities")?;
    let offset = reader.u16_le("security buffer offset")?;
    let count = reader.u16_le("security buffer length")?;
    Ok(Smb2Body::Setup { token: buffer(bytes, offset, count) })
}

/// MS-SMB2 §2.2.6.
fn setup_response(bytes: &[u8]) -> Result<Smb2Body<'_>, Error> {
    let mut reader = body(bytes)?;
    reader.skip(2, "session flags")?;
    let offset = reader.u16_le("security buffer offset")?;
    let count = reader.u16_le("security buffer length")?;
    Ok(Smb2Body::Setup { token: buffer(bytes, offset, count) })
}
