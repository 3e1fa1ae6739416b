//! Browser announcements in mailslot messages: [MS-BRWS] §2.2 inside [MS-MAIL] inside an SMB transaction ([MS-CIFS]
//! §2.2.4.33). Nothing else that travels in mailslots is read.

use crate::Reader;

/// A message of the browser service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser<'a> {
    /// A machine, or the local master browser, tells what it is.
    Announcement(Announcement<'a>),
    /// A master browser tells of its domain.
    Domain(Announcement<'a>),
    /// Any other: counted, not read.
    Other(u8),
}

impl Browser<'_> {
    /// The verb under which it is counted.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Announcement(Announcement { is_local_master: true, .. }) => "LOCAL MASTER ANNOUNCEMENT",
            Self::Announcement(_) => "HOST ANNOUNCEMENT",
            Self::Domain(_) => "DOMAIN ANNOUNCEMENT",
            Self::Other(2) => "ANNOUNCEMENT REQUEST",
            Self::Other(8) => "BROWSER ELECTION",
            Self::Other(9) => "BACKUP LIST REQUEST",
            Self::Other(10) => "BACKUP LIST RESPONSE",
            Self::Other(_) => "BROWSER OTHER",
        }
    }
}

/// What a machine, or the master of a domain, says of itself ([MS-BRWS] §2.2.1, §2.2.6, §2.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement<'a> {
    /// The local master browser speaks.
    pub is_local_master: bool,
    /// Name of the machine, or of the domain.
    pub name: &'a [u8],
    /// Version of its operating system, major and minor.
    pub version: (u8, u8),
    /// What it is and offers.
    pub server_type: ServerType,
    /// Free text that its administrator set; for a domain, the name of its master.
    pub comment: &'a [u8],
}

/// Bits of what a machine is and offers ([MS-BRWS] §2.2.1, [MS-RAP] §2.5.5.2 "ServerType").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerType(pub u32);

impl ServerType {
    /// Runs Microsoft SQL Server.
    pub const SQL_SERVER: u32 = 0x0000_0004;
    /// Primary domain controller.
    pub const DOMAIN_CONTROLLER: u32 = 0x0000_0008;
    /// Backup domain controller.
    pub const BACKUP_DOMAIN_CONTROLLER: u32 = 0x0000_0010;
    /// Shares printers.
    pub const PRINT_QUEUE: u32 = 0x0000_0200;
    /// Runs Xenix or Unix (Samba).
    pub const UNIX: u32 = 0x0000_0800;
    /// Windows NT, workstation or server.
    pub const WINDOWS_NT: u32 = 0x0000_1000;
    /// Windows NT Server that is no domain controller.
    pub const NT_SERVER: u32 = 0x0000_8000;
    /// Windows 95 or later of that line.
    pub const WINDOWS_9X: u32 = 0x0040_0000;
    /// Terminal server.
    pub const TERMINAL_SERVER: u32 = 0x0200_0000;

    /// Whether any of `bits` is set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

/// What an SMB message carries to the browser mailslot; `None` for any other SMB message.
pub(super) fn read(smb: &[u8]) -> Option<Browser<'_>> {
    const SMB_HEADER_BYTES: usize = 32;
    const TRANSACTION: u8 = 0x25;
    let mut reader = Reader::new(smb);
    if reader.array("SMB magic").ok()? != *b"\xffSMB" || reader.u8("command").ok()? != TRANSACTION {
        return None;
    }
    reader.skip(SMB_HEADER_BYTES - 5, "SMB header").ok()?;
    // Word count, then 11 words up to the data's place and size: [MS-MAIL] §2.2.1.
    let words = reader.u8("word count").ok()?;
    reader.skip(22, "parameters").ok()?;
    let data_bytes = usize::from(reader.u16_le("data count").ok()?);
    let data_at = usize::from(reader.u16_le("data offset").ok()?);
    reader.skip((usize::from(words) * 2).checked_sub(26)?, "set-up words").ok()?;
    reader.skip(2, "byte count").ok()?;
    const MAILSLOT: &[u8] = b"\\MAILSLOT\\BROWSE\0";
    let mailslot = reader.take(MAILSLOT.len(), "mailslot").ok()?;
    if !mailslot.eq_ignore_ascii_case(MAILSLOT) {
        return None;
    }
    frame(smb.get(data_at..)?.get(..data_bytes)?)
}

fn frame(data: &[u8]) -> Option<Browser<'_>> {
    let (&command, rest) = data.split_first()?;
    match command {
        1 | 15 => announcement(rest, command == 15).map(Browser::Announcement),
        12 => announcement(rest, false).map(Browser::Domain),
        other => Some(Browser::Other(other)),
    }
}

fn announcement(body: &[u8], is_local_master: bool) -> Option<Announcement<'_>> {
    let mut reader = Reader::new(body);
    reader.skip(5, "update count and periodicity").ok()?;
    let name = until_nul(reader.take(16, "server name").ok()?);
    let version = (reader.u8("major version").ok()?, reader.u8("minor version").ok()?);
    let server_type = ServerType(reader.u32_le("server type").ok()?);
    reader.skip(4, "browser version and signature").ok()?;
    let comment = until_nul(reader.rest());
    Some(Announcement { is_local_master, name, version, server_type, comment })
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}
