//! HTTP/1.x: consoles of devices, REST and SOAP between systems, FHIR and DICOMweb; much of it in clear in a hospital.
//!
//! Reads heads and how bodies are framed, never a body. Request targets and queries carry patient names and identifiers:
//! they never leave this module. Standards: RFC 9110, RFC 9112; RFC 9113 §3.4 for the preface of HTTP/2.

mod body;
mod line;
mod media;
mod method;
mod parse;
mod target;
#[cfg(test)]
mod tests;

pub use body::{Body, Chunk, parse_chunk, parse_trailer};
pub(crate) use line::{Lines, field};
pub use media::Clinical;
pub use method::Method;
pub use parse::{parse, probe};
pub use target::Target;

/// Largest head, in bytes: start line and fields.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most field lines in a head or trailer.
pub const FIELDS_MAX: usize = 256;
/// Largest body or chunk that a length may announce, in bytes; more is a lie that would blind us to the rest.
pub const BODY_BYTES_MAX: u64 = 1 << 40;
/// Longest line that opens a chunk, in bytes: size and extensions.
pub const CHUNK_LINE_BYTES_MAX: usize = 1024;

/// The head of a message, borrowed from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// What kind of message it is.
    pub start: Start,
    /// `Host`, without its port; none where it is empty.
    pub host: Option<&'a [u8]>,
    /// `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// `Server`.
    pub server: Option<&'a [u8]>,
    /// Scheme of the credentials in `Authorization` or `Proxy-Authorization`.
    pub credentials: Option<Scheme>,
    /// The clinical format that `Content-Type` announces.
    pub clinical: Option<Clinical>,
    /// `Content-Type` announces plain XML, as device descriptions do.
    pub xml: bool,
    framing: body::Framing,
}

/// The start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A request.
    Request {
        /// What is asked for.
        method: Method,
        /// What its target tells.
        target: Target,
    },
    /// A response with its status code, 100 to 999.
    Response(u16),
    /// The connection preface of HTTP/2 with prior knowledge: nothing after it is HTTP/1.
    Http2,
}

/// Schemes of credentials that matter here (RFC 7617, RFC 6750).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Name and password, only encoded.
    Basic,
    /// A token that whoever reads it may use.
    Bearer,
    /// A scheme that does not show its secret (Digest, Negotiate, …) or one that is not known.
    Other,
}

/// What a response answers: its framing depends on it (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    /// HEAD: the answer has no body, whatever its fields say.
    Head,
    /// CONNECT: after a 2xx the connection is a tunnel.
    Connect,
    /// Anything else, or the request was not seen.
    #[default]
    Other,
}
