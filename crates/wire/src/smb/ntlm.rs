//! NTLM messages inside of SPNEGO tokens: they name computer, domain and Windows build in clear. MS-NLMP §2.2.

use super::TEXT_CHARS_MAX;
use crate::{Error, Reader};

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
const UNICODE: u32 = 0x0000_0001;
/// Most AV pairs of a target info that are looked at; the standard defines 11.
const AV_PAIRS_MAX: usize = 24;

/// An NTLM message. The user's name is not among what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ntlm<'a> {
    /// 1: the client opens.
    Negotiate {
        /// The client's Windows.
        version: Option<OsVersion>,
    },
    /// 2: the server names itself.
    Challenge(Challenge<'a>),
    /// 3: the client proves who it is.
    Authenticate(Authenticate<'a>),
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// NetBIOS computer name.
    pub computer: Option<Text<'a>>,
    /// NetBIOS domain name.
    pub domain: Option<Text<'a>>,
    /// DNS computer name.
    pub dns_computer: Option<Text<'a>>,
    /// DNS domain name.
    pub dns_domain: Option<Text<'a>>,
    /// Its Windows.
    pub version: Option<OsVersion>,
}

/// What a client says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticate<'a> {
    /// The domain of the account.
    pub domain: Text<'a>,
    /// NetBIOS name of the client.
    pub workstation: Text<'a>,
    /// Nobody logs in: a null session.
    pub is_anonymous: bool,
    /// The client's Windows.
    pub version: Option<OsVersion>,
}

/// Windows' own version number (§2.2.2.10). Samba and others leave the build at 0 and then mean nothing by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OsVersion {
    /// 5 for XP, 6 for Vista to 8.1, 10 from Windows 10 on.
    pub major: u8,
    /// Minor.
    pub minor: u8,
    /// Build.
    pub build: u16,
}

/// A name as it crossed, in UTF-16 or in a code page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text<'a> {
    bytes: &'a [u8],
    is_unicode: bool,
}

impl<'a> Text<'a> {
    /// UTF-16, little-endian.
    pub(super) const fn utf16(bytes: &'a [u8]) -> Self {
        Self { bytes, is_unicode: true }
    }

    /// UTF-16, little-endian, or a code page.
    pub(super) const fn new(bytes: &'a [u8], is_unicode: bool) -> Self {
        Self { bytes, is_unicode }
    }

    /// Nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The text, at most [`TEXT_CHARS_MAX`] characters. A code page is taken for Latin-1.
    pub fn to_text(self) -> String {
        if !self.is_unicode {
            return self.bytes.iter().take(TEXT_CHARS_MAX).map(|&byte| char::from(byte)).collect();
        }
        let (units, _) = self.bytes.as_chunks();
        char::decode_utf16(units.iter().map(|&unit| u16::from_le_bytes(unit)))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .take(TEXT_CHARS_MAX)
            .collect()
    }
}

/// Finds the NTLM message in a security token, whatever SPNEGO wraps around it.
pub fn find_ntlm(token: &[u8]) -> Option<Ntlm<'_>> {
    let start = token.windows(SIGNATURE.len()).position(|window| window == SIGNATURE)?;
    ntlm(token.get(start..)?).ok()
}

/// Whether a security token carries a Kerberos ticket: the token id of KRB_AP_REQ behind the mechanism (RFC 4121 §4.1).
pub fn has_kerberos_ticket(token: &[u8]) -> bool {
    const KERBEROS_AP_REQ: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00";
    token.windows(KERBEROS_AP_REQ.len()).any(|window| window == KERBEROS_AP_REQ)
}

fn ntlm(message: &[u8]) -> Result<Ntlm<'_>, Error> {
    let mut reader = Reader::new(message);
    reader.skip(SIGNATURE.len(), "signature")?;
    match reader.u32_le("message type")? {
        1 => {
            let flags = reader.u32_le("negotiate flags")?;
            let _ = reader.skip(8 + 8, "domain and workstation");
            Ok(Ntlm::Negotiate { version: version(&mut reader, flags) })
        }
        2 => challenge(message, reader).map(Ntlm::Challenge),
        3 => authenticate(message, reader).map(Ntlm::Authenticate),
        _ => Err(reader.malformed("message type")),
    }
}

/// A field's length (2 bytes), allocated length (2) and offset (4): the bytes it points at.
fn field<'a>(message: &'a [u8], reader: &mut Reader<'a>, what: &'static str) -> Result<&'a [u8], Error> {
    let length = usize::from(reader.u16_le(what)?);
    reader.skip(2, what)?;
    let offset = reader.u32_le(what)? as usize;
    Ok(message.get(offset..).and_then(|rest| rest.get(..length)).unwrap_or_default())
}

fn version(reader: &mut Reader<'_>, flags: u32) -> Option<OsVersion> {
    const NEGOTIATE_VERSION: u32 = 0x0200_0000;
    if flags & NEGOTIATE_VERSION == 0 {
        return None;
    }
    let major = reader.u8("major").ok()?;
    let minor = reader.u8("minor").ok()?;
    let build = reader.u16_le("build").ok()?;
    // A token may end before the version and go on with payload: what no Windows ever was is not one.
    let is_windows = matches!((major, minor), (5, 0..=2) | (6, 0..=3) | (10, 0)) && build != 0;
    is_windows.then_some(OsVersion { major, minor, build })
}

fn challenge<'a>(message: &'a [u8], mut reader: Reader<'a>) -> Result<Challenge<'a>, Error> {
    field(message, &mut reader, "target name")?;
    let flags = reader.u32_le("negotiate flags")?;
    reader.skip(8 + 8, "server challenge")?;
    let target_info = field(message, &mut reader, "target info").unwrap_or_default();
    let mut challenge = Challenge { version: version(&mut reader, flags), ..Challenge::default() };
    let mut pairs = Reader::new(target_info);
    for _ in 0..AV_PAIRS_MAX {
        let (Ok(id), Ok(length)) = (pairs.u16_le("AvId"), pairs.u16_le("AvLen")) else { break };
        let Ok(value) = pairs.take(usize::from(length), "Value") else { break };
        let text = Some(Text::utf16(value));
        match id {
            0 => break,
            1 => challenge.computer = text,
            2 => challenge.domain = text,
            3 => challenge.dns_computer = text,
            4 => challenge.dns_domain = text,
            _ => {}
        }
    }
    Ok(challenge)
}

fn authenticate<'a>(message: &'a [u8], mut reader: Reader<'a>) -> Result<Authenticate<'a>, Error> {
    field(message, &mut reader, "LmChallengeResponse")?;
    let proof = field(message, &mut reader, "NtChallengeResponse")?;
    let domain = field(message, &mut reader, "DomainName")?;
    let user = field(message, &mut reader, "UserName")?;
    let workstation = field(message, &mut reader, "Workstation")?;
    field(message, &mut reader, "EncryptedRandomSessionKey")?;
    let flags = reader.u32_le("negotiate flags")?;
    let is_unicode = flags & UNICODE != 0;
    Ok(Authenticate {
        domain: Text::new(domain, is_unicode),
        workstation: Text::new(workstation, is_unicode),
        is_anonymous: user.is_empty() && proof.is_empty(),
        version: version(&mut reader, flags),
    })
}
