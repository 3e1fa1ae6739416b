//! SSH: which software lets people log in to a device, and which key exchanges it offers.
//!
//! Reads the identification strings and the key-exchange offers, both in clear, and nothing after them.
//! RFC 4253 (§4.2 identification, §6 packets, §7.1 KEXINIT), RFC 4250 (numbers).

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{kex_init, parse, parse_packet, probe};

/// Longest identification string, CR LF included, in bytes: RFC 4253 §4.2.
pub const IDENTIFICATION_BYTES_MAX: usize = 255;
/// Longest line that a server may send before its identification, in bytes. RFC 4253 sets no bound.
pub const LINE_BYTES_MAX: usize = 1024;
/// Largest packet, in bytes: RFC 4253 §6.1.
pub const PACKET_BYTES_MAX: usize = 35_000;
/// Algorithms of a name-list that are kept: the offer's order is its preference, what follows says little more.
pub const ALGORITHMS_MAX: usize = 4;

/// A line at the start of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The sender names its software; packets follow.
    Identification(Identification<'a>),
    /// A server's greeting to people, before its identification. What it says is nobody's business.
    Greeting,
}

/// `SSH-protoversion-softwareversion SP comments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identification<'a> {
    /// The whole string without its line end.
    pub line: &'a [u8],
    /// `protoversion`: `2.0`, or `1.99` for a server that speaks both, or older.
    pub version: &'a [u8],
    /// `softwareversion`.
    pub software: &'a [u8],
    /// `comments`, often the packaging system.
    pub comments: Option<&'a [u8]>,
}

impl<'a> Identification<'a> {
    /// Whether SSH 2 follows.
    pub fn is_version_2(&self) -> bool {
        matches!(self.version, b"2.0" | b"1.99")
    }

    /// `softwareversion` taken apart where its maker did so clearly: `OpenSSH_8.9p1`, `dropbear_2022.83`, `Cisco-1.25`.
    pub fn product(&self) -> Option<(&'a [u8], &'a [u8])> {
        let split = self.software.windows(2).position(|w| matches!(w, [b'_' | b'-', b'0'..=b'9']))?;
        let (name, version) = self.software.split_at_checked(split)?;
        let (_, version) = version.split_first()?;
        (!name.is_empty()).then_some((name, version))
    }
}

/// A packet before encryption starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its kind.
    pub message: Message,
    /// What follows the message number.
    pub body: &'a [u8],
}

/// Message numbers of RFC 4250 §4.1 that can cross in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// 1.
    Disconnect,
    /// 2, 3, 4, 7: IGNORE, UNIMPLEMENTED, DEBUG, EXT_INFO.
    Transport(u8),
    /// 20.
    KexInit,
    /// 21: the sender's next packet is encrypted.
    NewKeys,
    /// 30–49: particular to the key exchange.
    KeyExchange(u8),
    /// Another number: nothing that may be sent in clear.
    Other(u8),
}

impl Message {
    /// The verb under which it is counted.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Disconnect => "DISCONNECT",
            Self::Transport(_) => "TRANSPORT",
            Self::KexInit => "KEXINIT",
            Self::NewKeys => "NEWKEYS",
            Self::KeyExchange(_) => "KEX",
            Self::Other(_) => "OTHER",
        }
    }
}

/// What a side offers for the key exchange, most wanted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KexInit<'a> {
    /// `kex_algorithms`.
    pub kex_algorithms: NameList<'a>,
    /// `server_host_key_algorithms`.
    pub server_host_key_algorithms: NameList<'a>,
    /// `encryption_algorithms_server_to_client`.
    pub encryption_algorithms: NameList<'a>,
    /// `mac_algorithms_server_to_client`.
    pub mac_algorithms: NameList<'a>,
}

/// A comma-separated list of names, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameList<'a>(&'a [u8]);

impl<'a> NameList<'a> {
    /// The names in order.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.0.split(|&byte| byte == b',').filter(|name| !name.is_empty())
    }

    /// The front of the list: its first [`ALGORITHMS_MAX`] names, commas between them.
    pub fn first(self) -> &'a [u8] {
        let mut commas = self.0.iter().enumerate().filter(|&(_, &byte)| byte == b',').map(|(at, _)| at);
        let end = commas.nth(ALGORITHMS_MAX - 1).unwrap_or(self.0.len());
        self.0.get(..end).unwrap_or_default()
    }
}

/// The reason code of an ordinary goodbye.
pub const DISCONNECT_BY_APPLICATION: u32 = 11;

/// The reason of a DISCONNECT, RFC 4253 §11.1.
pub const fn disconnect_reason(code: u32) -> Option<&'static str> {
    Some(match code {
        1 => "disconnect host not allowed to connect",
        2 => "disconnect protocol error",
        3 => "disconnect key exchange failed",
        5 => "disconnect mac error",
        6 => "disconnect compression error",
        7 => "disconnect service not available",
        8 => "disconnect protocol version not supported",
        9 => "disconnect host key not verifiable",
        10 => "disconnect connection lost",
        11 => "disconnect by application",
        12 => "disconnect too many connections",
        13 => "disconnect auth cancelled by user",
        14 => "disconnect no more auth methods available",
        15 => "disconnect illegal user name",
        _ => return None,
    })
}
