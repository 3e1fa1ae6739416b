//! JA4, a fingerprint of TLS client software: FoxIO's specification of JA4 alone, which is BSD-3-Clause
//! (github.com/FoxIO-LLC/ja4, technical_details/JA4.md). Its sister fingerprints are licensed otherwise and not here.

use super::{ClientHello, Version};
use sha2::{Digest, Sha256};
use std::fmt;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
/// Length of every JA4, in bytes: `t13d1516h2_8daaf6152771_e5627efa2ab1`.
const JA4_BYTES: usize = 36;
const HASH_CHARS: usize = 12;

/// What carries the hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ja4Transport {
    /// TLS over TCP: `t`.
    Tcp,
    /// QUIC: `q`.
    Quic,
    /// DTLS: `d`.
    Dtls,
}

/// A JA4 fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ja4([u8; JA4_BYTES]);

impl AsRef<[u8]> for Ja4 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

/// The fingerprint of the client that sent `hello`.
pub fn ja4(hello: &ClientHello<'_>, transport: Ja4Transport) -> Ja4 {
    let mut ciphers: Vec<u16> = hello.cipher_suites.meaningful().collect();
    ciphers.sort_unstable();
    let all =
        || hello.extensions.iter().map(|(number, _)| number).filter(|&number| !super::is_grease(number));
    let mut extensions: Vec<u16> = all().filter(|&number| number != SERVER_NAME && number != ALPN).collect();
    extensions.sort_unstable();
    let has_name = all().any(|number| number == SERVER_NAME);

    let transport_char = match transport {
        Ja4Transport::Tcp => b't',
        Ja4Transport::Quic => b'q',
        Ja4Transport::Dtls => b'd',
    };
    let [version_0, version_1] = version_chars(hello, transport);
    let [ciphers_0, ciphers_1] = count_chars(ciphers.len());
    let [extensions_0, extensions_1] = count_chars(all().count());
    let [alpn_0, alpn_1] = alpn_chars(hello.alpn.unwrap_or_default());
    let name_char = if has_name { b'd' } else { b'i' };
    let head = [
        transport_char,
        version_0,
        version_1,
        name_char,
        ciphers_0,
        ciphers_1,
        extensions_0,
        extensions_1,
        alpn_0,
        alpn_1,
        b'_',
    ];
    let cipher_hash = hash(&ciphers, std::iter::empty());
    let extension_hash = hash(&extensions, hello.signature_algorithms.meaningful());
    let mut text = [b'_'; JA4_BYTES];
    for (place, byte) in
        text.iter_mut().zip(head.into_iter().chain(cipher_hash).chain([b'_']).chain(extension_hash))
    {
        *place = byte;
    }
    Ja4(text)
}

/// The highest version offered: in `supported_versions` if that is there, else `legacy_version`.
fn version_chars(hello: &ClientHello<'_>, transport: Ja4Transport) -> [u8; 2] {
    let offered = hello.supported_versions.meaningful();
    // DTLS counts versions downwards: 1.3 is fe fc.
    let highest = if transport == Ja4Transport::Dtls { offered.min() } else { offered.max() };
    match highest.unwrap_or(hello.legacy_version.0) {
        v if v == Version::TLS_1_3.0 => *b"13",
        v if v == Version::TLS_1_2.0 => *b"12",
        v if v == Version::TLS_1_1.0 => *b"11",
        v if v == Version::TLS_1_0.0 => *b"10",
        v if v == Version::SSL_3_0.0 => *b"s3",
        v if v == Version::SSL_2_0.0 => *b"s2",
        0xfeff => *b"d1",
        0xfefd => *b"d2",
        0xfefc => *b"d3",
        _ => *b"00",
    }
}

fn count_chars(count: usize) -> [u8; 2] {
    let count = count.min(99) as u8;
    [b'0' + count / 10, b'0' + count % 10]
}

/// First and last character of the first protocol name; of its hexadecimal form when either is not alphanumeric.
fn alpn_chars(name: &[u8]) -> [u8; 2] {
    match (name.first(), name.last()) {
        (Some(first), Some(last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
            [*first, *last]
        }
        (Some(first), Some(last)) => [hex(first >> 4), hex(last & 0x0f)],
        _ => *b"00",
    }
}

/// The first 12 hexadecimal characters of the SHA-256 of `sorted`, then `_` and `ordered` if there are any.
fn hash(sorted: &[u16], ordered: impl Iterator<Item = u16>) -> [u8; HASH_CHARS] {
    if sorted.is_empty() {
        return [b'0'; HASH_CHARS];
    }
    let mut hasher = Sha256::new();
    let mut separator: &[u8] = b"";
    for &number in sorted {
        hasher.update(separator);
        hasher.update(hex4(number));
        separator = b",";
    }
    separator = b"_";
    for number in ordered {
        hasher.update(separator);
        hasher.update(hex4(number));
        separator = b",";
    }
    let digest = hasher.finalize();
    let mut text = [0; HASH_CHARS];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest.iter()) {
        pair.copy_from_slice(&[hex(byte >> 4), hex(byte & 0x0f)]);
    }
    text
}

fn hex4(number: u16) -> [u8; 4] {
    let [high, low] = number.to_be_bytes();
    [hex(high >> 4), hex(high & 0x0f), hex(low >> 4), hex(low & 0x0f)]
}

/// The lower-case hexadecimal digit of a number below 16.
const fn hex(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}
