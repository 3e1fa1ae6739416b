//! TLS and SSL: whom a device talks to, with what software and how well protected, when the talk itself is hidden.
//!
//! Reads the clear part of a handshake and never anything after it: no decryption, no key logs, no session state.
//! RFC 8446 (1.3), RFC 5246 (1.2), RFC 6101 (SSL 3.0, SSL 2.0 hello in its appendix E), RFC 8701 (GREASE).

mod certificate;
mod hello;
mod ja4;
mod names;
mod parse;
#[cfg(test)]
mod tests;

pub use certificate::{Certificate, Name, certificate, leaf};
pub use hello::{client_hello, server_hello, server_key_exchange};
pub use ja4::{Ja4, Ja4Transport, ja4};
pub use names::alert;
pub use parse::{handshake, parse, plausible_record, probe, probe_dtls};

/// Largest fragment of a record, in bytes: TLSCiphertext of RFC 5246 §6.2.3, the most generous of all versions.
pub const RECORD_BYTES_MAX: usize = (1 << 14) + 2048;
/// Bytes of one handshake message that are looked at; what a longer one (a chain of certificates) has beyond is skipped.
pub const HANDSHAKE_BYTES_MAX: usize = 32 * 1024;
/// DNS names of one certificate that are kept.
pub const DNS_NAMES_MAX: usize = 8;
/// Longest text kept from a certificate field, in bytes of the wire.
pub const NAME_BYTES_MAX: usize = 128;

/// What stands at the front of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A record.
    Record(Record<'a>),
    /// A hello in the SSL 2.0 shape; the version is the highest the client speaks.
    Ssl2ClientHello(Version),
}

/// One record. Application data need not be whole: `fragment` is then what was at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it carries.
    pub content_type: ContentType,
    /// The legacy version of the record layer: says little.
    pub version: Version,
    /// Its content, perhaps encrypted.
    pub fragment: &'a [u8],
}

/// What a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// 20: the sender's next record is encrypted (TLS 1.3: nothing).
    ChangeCipherSpec,
    /// 21.
    Alert,
    /// 22.
    Handshake,
    /// 23: always encrypted.
    ApplicationData,
    /// 24: RFC 6520.
    Heartbeat,
}

/// A protocol version as it is written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16);

/// A cipher suite by its IANA number. `Display` gives the IANA name, or hexadecimal where Ward has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherSuite(pub u16);

/// A named group by its IANA number. `Display` gives the IANA name, or hexadecimal where Ward has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedGroup(pub u16);

/// How the key is agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    /// In a named group.
    Group(NamedGroup),
    /// Diffie-Hellman in a group of the server's own choice, of this many bits.
    FiniteField {
        /// Size of the prime.
        bits: usize,
    },
}

/// One handshake message. `body` ends at [`HANDSHAKE_BYTES_MAX`] when the message is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake<'a> {
    /// Its kind.
    pub kind: HandshakeType,
    /// What follows the four bytes of its header.
    pub body: &'a [u8],
}

/// Kinds of handshake message that can cross in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeType {
    /// 1.
    ClientHello,
    /// 2, HelloRetryRequest included.
    ServerHello,
    /// 11.
    Certificate,
    /// 12.
    ServerKeyExchange,
    /// Another one that the standards name and Ward does not read.
    Unread(u8),
    /// None that the standards name: encrypted, or not a handshake.
    Unknown(u8),
}

/// A client's hello. Lists keep the order of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// `legacy_version`: the highest version of a client that knows no `supported_versions`.
    pub legacy_version: Version,
    /// Cipher suites offered, GREASE included.
    pub cipher_suites: U16List<'a>,
    /// All extensions.
    pub extensions: Extensions<'a>,
    /// `server_name` (0): the host name asked for.
    pub server_name: Option<&'a [u8]>,
    /// `application_layer_protocol_negotiation` (16): the first protocol name that is not GREASE.
    pub alpn: Option<&'a [u8]>,
    /// `supported_versions` (43).
    pub supported_versions: U16List<'a>,
    /// `supported_groups` (10).
    pub supported_groups: U16List<'a>,
    /// `signature_algorithms` (13).
    pub signature_algorithms: U16List<'a>,
    /// `key_share` (51): the first group that is not GREASE.
    pub key_share: Option<NamedGroup>,
}

/// A server's hello: what was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The version, from `supported_versions` where that is present.
    pub version: Version,
    /// The cipher suite.
    pub cipher_suite: CipherSuite,
    /// The group of `key_share`; earlier versions name it in ServerKeyExchange.
    pub group: Option<NamedGroup>,
    /// It is a HelloRetryRequest (RFC 8446 §4.1.4): the client must say hello again.
    pub retry: bool,
}

/// A list of 16-bit numbers, borrowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct U16List<'a>(&'a [u8]);

impl<'a> U16List<'a> {
    /// The numbers in order; an odd byte at the end is ignored.
    pub fn iter(self) -> impl Iterator<Item = u16> + 'a {
        let (pairs, _) = self.0.as_chunks();
        pairs.iter().map(|&pair| u16::from_be_bytes(pair))
    }

    /// The numbers in order, without GREASE.
    pub fn meaningful(self) -> impl Iterator<Item = u16> + 'a {
        self.iter().filter(|&number| !is_grease(number))
    }
}

/// The extensions of a hello, borrowed. INVARIANT: lengths inside were checked when the hello was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a>(&'a [u8]);

/// Reserved values that clients sprinkle in so that servers keep ignoring what they do not know (RFC 8701 §2).
pub const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

impl Default for Version {
    fn default() -> Self {
        Self::TLS_1_2
    }
}

impl Version {
    /// SSL 2.0, as its hello writes it.
    pub const SSL_2_0: Self = Self(0x0002);
    /// SSL 3.0.
    pub const SSL_3_0: Self = Self(0x0300);
    /// TLS 1.0.
    pub const TLS_1_0: Self = Self(0x0301);
    /// TLS 1.1.
    pub const TLS_1_1: Self = Self(0x0302);
    /// TLS 1.2.
    pub const TLS_1_2: Self = Self(0x0303);
    /// TLS 1.3.
    pub const TLS_1_3: Self = Self(0x0304);
}
