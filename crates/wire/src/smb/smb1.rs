//! SMB 1, MS-CIFS §2.2 and MS-SMB §2.2: retired, unsafe, and still spoken by devices with an old Windows inside.

use super::{DIALECTS_MAX, MESSAGE_BYTES_MAX, Text};
use crate::{Error, Reader};

pub(super) const HEADER_BYTES: usize = 32;
const NEGOTIATE: u8 = 0x72;
const SESSION_SETUP_ANDX: u8 = 0x73;
/// Flags: the message is a response.
const REPLY: u8 = 0x80;
/// Flags2: strings are UTF-16.
const UNICODE: u16 = 0x8000;
/// Flags2: the status is an NT status.
const NT_STATUS: u16 = 0x4000;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Smb1<'a> {
    /// Command number; [`super::smb1_command`] names it.
    pub command: u8,
    /// It answers a request.
    pub is_response: bool,
    /// NT status; of an answer in the older form: 1 if it is an error.
    pub status: u32,
    /// What Ward reads of its body.
    pub body: Setup<'a>,
}

/// The bodies that Ward reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup<'a> {
    /// SMB_COM_NEGOTIATE request: dialects by name.
    Offer(Dialects<'a>),
    /// SMB_COM_NEGOTIATE response.
    Negotiated {
        /// Place of the chosen dialect in the offer; 0xffff: none.
        dialect_index: u16,
        /// It insists on signing; `None` in dialects before NT LM 0.12.
        signing_required: Option<bool>,
    },
    /// SMB_COM_SESSION_SETUP_ANDX, either way.
    Setup {
        /// SPNEGO or bare NTLM token; empty in the older form, which carries an account name that is not read.
        token: &'a [u8],
        /// A password or a proof of one is sent.
        has_credentials: bool,
        /// `NativeOS`: the sender's operating system.
        native_os: Text<'a>,
        /// `NativeLanMan`: the sender's SMB software.
        native_lan_man: Text<'a>,
    },
    /// Any other.
    Unread,
}

/// Dialect names, borrowed: each a 2, then text, then 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialects<'a>(&'a [u8]);

impl<'a> Dialects<'a> {
    /// The names in order, at most [`DIALECTS_MAX`].
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.0.split(|&byte| byte == 0).filter_map(|entry| entry.strip_prefix(&[2])).take(DIALECTS_MAX)
    }
}

/// Bytes of a message that must be at hand to read it: all of a negotiation or a session setup, else a header.
pub(super) fn bytes_wanted(seen: &[u8]) -> usize {
    match seen.get(4) {
        Some(&(NEGOTIATE | SESSION_SETUP_ANDX)) => MESSAGE_BYTES_MAX,
        _ => HEADER_BYTES,
    }
}

impl<'a> Smb1<'a> {
    /// A body that is cut or odd is [`Setup::Unread`]: its verb still counts.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        reader.skip(4, "protocol")?;
        let command = reader.u8("command")?;
        let status = reader.u32_le("status")?;
        let is_response = reader.u8("flags")? & REPLY != 0;
        let flags2 = reader.u16_le("flags2")?;
        reader.skip(HEADER_BYTES - 12, "header")?;
        // The older form is a class, a reserved byte and a code: only whether it is an error is of interest.
        let status = if flags2 & NT_STATUS != 0 { status } else { u32::from(status != 0) };
        let is_unicode = flags2 & UNICODE != 0;
        let body = match (command, is_response) {
            (NEGOTIATE, false) => offer(reader),
            (NEGOTIATE, true) => negotiated(reader),
            (SESSION_SETUP_ANDX, false) => setup_request(reader, is_unicode),
            (SESSION_SETUP_ANDX, true) => setup_response(reader, is_unicode),
            _ => Ok(Setup::Unread),
        };
        Ok(Self { command, is_response, status, body: body.unwrap_or(Setup::Unread) })
    }
}

/// The parameter words of a body, and a reader over its data bytes.
fn words_and_bytes<'a>(mut reader: Reader<'a>) -> Result<(Reader<'a>, Reader<'a>), Error> {
    let words = usize::from(reader.u8("word count")?) * 2;
    let words = reader.sub(words, "words")?;
    let count = usize::from(reader.u16_le("byte count")?);
    // Some senders claim more than they send.
    let bytes = reader.sub(count.min(reader.len()), "bytes")?;
    Ok((words, bytes))
}

fn offer(reader: Reader<'_>) -> Result<Setup<'_>, Error> {
    let (_, bytes) = words_and_bytes(reader)?;
    Ok(Setup::Offer(Dialects(bytes.rest())))
}

fn negotiated(reader: Reader<'_>) -> Result<Setup<'_>, Error> {
    const SIGNATURES_REQUIRED: u8 = 8;
    let (mut words, _) = words_and_bytes(reader)?;
    let dialect_index = words.u16_le("dialect index")?;
    // NT LM 0.12 answers with 17 words, LAN Manager with 13, the core protocol with one.
    let is_nt_lm = words.len() == 2 * 16;
    let signing_required =
        words.u8("security mode").ok().filter(|_| is_nt_lm).map(|mode| mode & SIGNATURES_REQUIRED != 0);
    Ok(Setup::Negotiated { dialect_index, signing_required })
}

/// With 12 words the token follows, with 13 the two forms of a password, with 10 that of LAN Manager.
fn setup_request(reader: Reader<'_>, is_unicode: bool) -> Result<Setup<'_>, Error> {
    const ANDX_TO_SESSION_KEY_BYTES: usize = 4 + 2 + 2 + 2 + 4;
    let (mut words, mut bytes) = words_and_bytes(reader)?;
    let word_bytes = words.len();
    words.skip(ANDX_TO_SESSION_KEY_BYTES, "words")?;
    let first = usize::from(words.u16_le("security blob or password length")?);
    let (token, has_credentials) = match word_bytes {
        24 => (bytes.take(first, "security blob")?, true),
        26 => {
            let second = usize::from(words.u16_le("Unicode password length")?);
            bytes.skip(first + second, "passwords")?;
            skip_text(&mut bytes, is_unicode)?;
            skip_text(&mut bytes, is_unicode)?;
            (&[][..], first + second > 1)
        }
        _ => return Err(words.malformed("word count")),
    };
    let native_os = text(&mut bytes, is_unicode);
    let native_lan_man = text(&mut bytes, is_unicode);
    Ok(Setup::Setup { token, has_credentials, native_os, native_lan_man })
}

fn setup_response(reader: Reader<'_>, is_unicode: bool) -> Result<Setup<'_>, Error> {
    let (mut words, mut bytes) = words_and_bytes(reader)?;
    let has_token = words.len() == 8;
    words.skip(4 + 2, "words")?;
    let token = match words.u16_le("security blob length") {
        Ok(length) if has_token => bytes.take(usize::from(length), "security blob")?,
        _ => &[],
    };
    let native_os = text(&mut bytes, is_unicode);
    let native_lan_man = text(&mut bytes, is_unicode);
    Ok(Setup::Setup { token, has_credentials: false, native_os, native_lan_man })
}

/// Account name and domain: passed over, not read.
fn skip_text(bytes: &mut Reader<'_>, is_unicode: bool) -> Result<(), Error> {
    let before = bytes.at();
    text(bytes, is_unicode);
    if bytes.at() == before { Err(bytes.malformed("string")) } else { Ok(()) }
}

/// A zero-terminated string. UTF-16 begins at an even offset from the SMB header. The last one may lack its end.
fn text<'a>(bytes: &mut Reader<'a>, is_unicode: bool) -> Text<'a> {
    if is_unicode && bytes.at() % 2 == 1 {
        let _ = bytes.skip(1, "padding");
    }
    let rest = bytes.rest();
    let (end, terminator) = if is_unicode {
        let (units, _) = rest.as_chunks::<2>();
        (units.iter().position(|unit| *unit == [0, 0]).map(|at| at * 2), 2)
    } else {
        (rest.iter().position(|&byte| byte == 0), 1)
    };
    let length = end.unwrap_or(rest.len());
    let taken = bytes.take(length, "string").unwrap_or_default();
    let _ = bytes.skip(terminator, "terminator");
    Text::new(taken, is_unicode)
}
