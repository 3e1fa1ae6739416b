//! SMB: Windows file sharing, the way imaging exports, installers and worms move between devices.
//!
//! Reads dialects, names, versions and commands. Never a file name, a share path, a user name or file content: all of
//! them carry patient data in practice. MS-SMB2, MS-CIFS and MS-SMB (SMB 1), MS-NLMP (NTLM), RFC 1001/1002 (port 139).

mod names;
mod ntlm;
mod parse;
mod smb1;
mod smb2;
#[cfg(test)]
mod tests;

pub use names::{smb1_command, smb2_command, smb2_dialect, status};
pub use ntlm::{Authenticate, Challenge, Ntlm, OsVersion, Text, find_ntlm, has_kerberos_ticket};
pub use parse::{parse, probe};
pub use smb1::{Dialects, Setup, Smb1};
pub use smb2::{DialectList, Negotiated, Packets, Smb2, Smb2Body};

/// Bytes of a message that are looked at. READ, WRITE and the like are skipped behind their header.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// Requests or responses in one compound message that are counted.
pub const COMPOUND_MAX: usize = 64;
/// Dialects of one offer that are read.
pub const DIALECTS_MAX: usize = 16;
/// Characters of a name (computer, domain, operating system) that are kept.
pub const TEXT_CHARS_MAX: usize = 128;

/// What stands at the front of a stream, in the framing of the NetBIOS session service (RFC 1002 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// 0x81, port 139 only: who calls whom.
    SessionRequest {
        /// The server's NetBIOS name, or `*SMBSERVER`.
        called: NetbiosName,
        /// The client's NetBIOS name.
        calling: NetbiosName,
    },
    /// 0x82.
    PositiveSessionResponse,
    /// 0x83: the error code.
    NegativeSessionResponse(u8),
    /// 0x84.
    RetargetSessionResponse,
    /// 0x85.
    SessionKeepAlive,
    /// SMB 1.
    Smb1(Smb1<'a>),
    /// SMB 2 or 3: one or more requests or responses.
    Smb2(Packets<'a>),
    /// SMB 3 encrypted (TRANSFORM_HEADER).
    Encrypted,
    /// SMB 3.1.1 compressed (COMPRESSION_TRANSFORM_HEADER).
    Compressed,
    /// A session message that carries something else.
    Other,
}

/// A NetBIOS name, decoded: 15 characters, blanks at the end, and a suffix that says what kind of name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetbiosName {
    characters: [u8; 15],
    /// 0x00 workstation, 0x20 file server.
    pub suffix: u8,
}

impl NetbiosName {
    /// The name without padding.
    pub fn name(&self) -> &[u8] {
        self.characters.trim_ascii_end()
    }
}
