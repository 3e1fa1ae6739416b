//! The bodies of hellos and of ServerKeyExchange.

use super::{
    CipherSuite, ClientHello, Extensions, KeyExchange, NamedGroup, ServerHello, U16List, Version, is_grease,
};
use crate::{Error, Reader};

/// SHA-256 of "HelloRetryRequest": the random of a ServerHello that asks for another hello (RFC 8446 §4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
/// `key_share` had this number up to draft 22 of TLS 1.3.
const KEY_SHARE_DRAFT: u16 = 40;

impl<'a> Extensions<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        // A hello without extensions ends here (RFC 5246 §7.4.1.2).
        if reader.is_empty() {
            return Ok(Self::default());
        }
        let count = usize::from(reader.u16_be("extensions length")?);
        let mut checked = reader.sub(count, "extensions")?;
        let block = checked.rest();
        while !checked.is_empty() {
            checked.u16_be("extension type")?;
            let length = usize::from(checked.u16_be("extension length")?);
            checked.skip(length, "extension")?;
        }
        Ok(Self(block))
    }

    /// Each extension's number and body, in order.
    pub fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || {
            let number = reader.u16_be("extension type").ok()?;
            let length = usize::from(reader.u16_be("extension length").ok()?);
            Some((number, reader.take(length, "extension").ok()?))
        })
    }
}

/// Reads the body of a ClientHello. An extension whose body is odd counts as present and empty.
///
/// # Errors
/// `Truncated` when a length points beyond the message.
pub fn client_hello(body: &[u8]) -> Result<ClientHello<'_>, Error> {
    let mut reader = Reader::new(body);
    let legacy_version = Version(reader.u16_be("legacy_version")?);
    reader.skip(32, "random")?;
    let session_bytes = usize::from(reader.u8("session id length")?);
    reader.skip(session_bytes, "session id")?;
    let cipher_bytes = usize::from(reader.u16_be("cipher suites length")?);
    let cipher_suites = U16List(reader.take(cipher_bytes, "cipher suites")?);
    let compression_bytes = usize::from(reader.u8("compression methods length")?);
    reader.skip(compression_bytes, "compression methods")?;
    let extensions = Extensions::read(&mut reader)?;
    let mut hello = ClientHello { legacy_version, cipher_suites, extensions, ..ClientHello::default() };
    for (number, body) in extensions.iter() {
        match number {
            SERVER_NAME => hello.server_name = server_name(body),
            ALPN => hello.alpn = first_protocol(body),
            SUPPORTED_VERSIONS => hello.supported_versions = U16List(short_vector(body).unwrap_or_default()),
            SUPPORTED_GROUPS => hello.supported_groups = U16List(vector(body).unwrap_or_default()),
            SIGNATURE_ALGORITHMS => hello.signature_algorithms = U16List(vector(body).unwrap_or_default()),
            KEY_SHARE | KEY_SHARE_DRAFT if hello.key_share.is_none() => hello.key_share = first_share(body),
            _ => {}
        }
    }
    Ok(hello)
}

/// The content of a vector with a two-byte length.
fn vector(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    let length = usize::from(reader.u16_be("length").ok()?);
    reader.take(length, "vector").ok()
}

/// The content of a vector with a one-byte length.
fn short_vector(body: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = body.split_first()?;
    rest.get(..usize::from(length))
}

/// RFC 6066 §3: a list of (type, name), of which only host_name (0) was ever defined.
fn server_name(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(vector(body)?);
    (reader.u8("name type").ok()? == 0).then_some(())?;
    let length = usize::from(reader.u16_be("name length").ok()?);
    reader.take(length, "name").ok().filter(|name| !name.is_empty())
}

/// RFC 7301 §3.1. Every protocol name has at least one byte; a GREASE name is two equal bytes of the reserved kind.
fn first_protocol(body: &[u8]) -> Option<&[u8]> {
    let mut rest = vector(body)?;
    while let Some((&length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(length))?;
        match name {
            [a, b] if is_grease(u16::from_be_bytes([*a, *b])) => rest = after,
            _ => return Some(name),
        }
    }
    None
}

/// RFC 8446 §4.2.8: a list of (group, key).
fn first_share(body: &[u8]) -> Option<NamedGroup> {
    let mut reader = Reader::new(vector(body)?);
    loop {
        let group = reader.u16_be("group").ok()?;
        let length = usize::from(reader.u16_be("key length").ok()?);
        reader.skip(length, "key").ok()?;
        if !is_grease(group) {
            return Some(NamedGroup(group));
        }
    }
}

/// Reads the body of a ServerHello or HelloRetryRequest.
///
/// # Errors
/// `Truncated` when a length points beyond the message.
pub fn server_hello(body: &[u8]) -> Result<ServerHello, Error> {
    let mut reader = Reader::new(body);
    let legacy_version = Version(reader.u16_be("legacy_version")?);
    let retry = reader.array("random")? == RETRY_RANDOM;
    // Drafts of TLS 1.3 before the 22nd had neither session id nor compression method in this message.
    let is_old_draft = legacy_version.0 >> 8 == 0x7f;
    if !is_old_draft {
        let session_bytes = usize::from(reader.u8("session id length")?);
        reader.skip(session_bytes, "session id")?;
    }
    let cipher_suite = CipherSuite(reader.u16_be("cipher suite")?);
    if !is_old_draft {
        reader.skip(1, "compression method")?;
    }
    let extensions = Extensions::read(&mut reader)?;
    let mut hello = ServerHello { version: legacy_version, cipher_suite, group: None, retry };
    for (number, body) in extensions.iter() {
        match (number, body) {
            (SUPPORTED_VERSIONS, &[high, low]) => hello.version = Version(u16::from_be_bytes([high, low])),
            (KEY_SHARE | KEY_SHARE_DRAFT, &[high, low, ..]) => {
                hello.group = Some(NamedGroup(u16::from_be_bytes([high, low])));
            }
            _ => {}
        }
    }
    Ok(hello)
}

/// The group in the body of a ServerKeyExchange of a conversation with `cipher_suite`, where it names or implies one.
pub fn server_key_exchange(body: &[u8], cipher_suite: CipherSuite) -> Option<KeyExchange> {
    /// RFC 8422 §5.4: the curve is given by its number.
    const NAMED_CURVE: u8 = 3;
    let name = cipher_suite.name()?;
    if name.contains("_ECDHE_") || name.contains("_ECDH_anon_") {
        match body {
            [NAMED_CURVE, high, low, ..] => {
                Some(KeyExchange::Group(NamedGroup(u16::from_be_bytes([*high, *low]))))
            }
            _ => None,
        }
    } else if name.contains("_DHE_") || name.contains("_DH_anon_") {
        let prime = vector(body)?;
        let zeroes = prime.iter().position(|&byte| byte != 0)?;
        let top_byte = *prime.get(zeroes)?;
        let bits = (prime.len() - zeroes) * 8 - top_byte.leading_zeros() as usize;
        Some(KeyExchange::FiniteField { bits })
    } else {
        None
    }
}
