//! Options, and the lists that some of them hold.

use super::OPTIONS_MAX;

/// Option codes (RFC 2132 and as noted).
pub mod option {
    /// Host Name.
    pub const HOST_NAME: u8 = 12;
    /// Domain Name.
    pub const DOMAIN_NAME: u8 = 15;
    /// Requested IP Address.
    pub const REQUESTED_ADDRESS: u8 = 50;
    /// IP Address Lease Time, in seconds.
    pub const LEASE_TIME: u8 = 51;
    /// Option Overload: `file` and `sname` hold options.
    pub const OVERLOAD: u8 = 52;
    /// DHCP Message Type.
    pub const MESSAGE_TYPE: u8 = 53;
    /// Server Identifier.
    pub const SERVER_IDENTIFIER: u8 = 54;
    /// Parameter Request List.
    pub const PARAMETER_LIST: u8 = 55;
    /// Maximum DHCP Message Size.
    pub const MESSAGE_SIZE_MAX: u8 = 57;
    /// Vendor Class Identifier.
    pub const VENDOR_CLASS: u8 = 60;
    /// Client-identifier.
    pub const CLIENT_ID: u8 = 61;
    /// User Class (RFC 3004).
    pub const USER_CLASS: u8 = 77;
    /// Client FQDN (RFC 4702).
    pub const CLIENT_FQDN: u8 = 81;
    /// Relay Agent Information (RFC 3046).
    pub const RELAY_AGENT: u8 = 82;
    /// Vendor-Identifying Vendor Class (RFC 3925).
    pub const VENDOR_IDENTIFYING_CLASS: u8 = 124;
    /// Vendor-Identifying Vendor-Specific Information (RFC 3925).
    pub const VENDOR_IDENTIFYING_SPECIFIC: u8 = 125;
    /// Manufacturer Usage Description URL (RFC 8520).
    pub const MUD_URL: u8 = 161;
}

/// Sub-option codes of the Relay Agent Information option (RFC 3046 §3).
pub mod relay_option {
    /// Agent Circuit ID: the port the client hangs on.
    pub const CIRCUIT_ID: u8 = 1;
    /// Agent Remote ID: the switch or line.
    pub const REMOTE_ID: u8 = 2;
}

const PAD: u8 = 0;
const END: u8 = 255;

/// The parts of a message that hold options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OptionFields<'a> {
    pub(super) options: &'a [u8],
    /// Empty unless the overload option says that it holds options (RFC 2131 §4.1).
    pub(super) file: &'a [u8],
    pub(super) sname: &'a [u8],
}

/// Options of a message: code and value. Padding is passed over.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    fields: [&'a [u8]; 3],
    field: usize,
    left: usize,
}

impl<'a> Options<'a> {
    pub(super) const fn new(fields: &OptionFields<'a>) -> Self {
        Self { fields: [fields.options, fields.file, fields.sname], field: 0, left: OPTIONS_MAX }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        while let Some(field) = self.fields.get_mut(self.field) {
            match next_option(field) {
                Ok(Some(option)) => return Some(option),
                // An overloaded field ends with `end` or, from careless servers, by being full.
                _ => self.field += 1,
            }
        }
        None
    }
}

/// An option, or the `end` of all, is cut off.
pub(super) struct Cut;

/// Takes the next option off the front of `field`; `None` at the `end` option.
pub(super) fn next_option<'a>(field: &mut &'a [u8]) -> Result<Option<(u8, &'a [u8])>, Cut> {
    while let Some((&PAD, rest)) = field.split_first() {
        *field = rest;
    }
    match field.split_first() {
        Some((&END, _)) => Ok(None),
        Some((&code, rest)) => {
            let (&length, rest) = rest.split_first().ok_or(Cut)?;
            let (value, rest) = rest.split_at_checked(usize::from(length)).ok_or(Cut)?;
            *field = rest;
            Ok(Some((code, value)))
        }
        None => Err(Cut),
    }
}

/// Code, length, value triples inside options 43, 82 and 125; ends early where a length lies.
#[derive(Clone, Copy, Debug)]
pub struct SubOptions<'a>(pub &'a [u8]);

impl<'a> Iterator for SubOptions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([code, length], rest) = self.0.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest;
        Some((*code, value))
    }
}

/// Enterprise number and data of each vendor in options 124 and 125 (RFC 3925); ends early where a length lies.
#[derive(Clone, Copy, Debug)]
pub struct Vendors<'a>(pub &'a [u8]);

impl<'a> Iterator for Vendors<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([a, b, c, d, length], rest) = self.0.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest;
        Some((u32::from_be_bytes([*a, *b, *c, *d]), data))
    }
}

/// User classes in option 77: counted strings (RFC 3004), or, as many clients send it, one bare string.
#[derive(Clone, Copy, Debug)]
pub struct UserClasses<'a> {
    rest: &'a [u8],
    counted: bool,
}

impl<'a> UserClasses<'a> {
    /// Over the value of option 77.
    pub fn new(value: &'a [u8]) -> Self {
        let mut rest = value;
        while let Some((_, behind)) = counted_string(rest) {
            rest = behind;
        }
        Self { rest: value, counted: rest.is_empty() }
    }
}

impl<'a> Iterator for UserClasses<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (class, rest) = if self.counted { counted_string(self.rest)? } else { (self.rest, &[][..]) };
        self.rest = rest;
        Some(class)
    }
}

fn counted_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    if length == 0 { None } else { rest.split_at_checked(usize::from(length)) }
}

/// The name in option 81 (RFC 4702).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fqdn<'a> {
    /// Bare text, the deprecated encoding that Windows uses.
    Text(&'a [u8]),
    /// Uncompressed labels of RFC 1035 (flag E): each byte-counted.
    Labels(&'a [u8]),
}

impl<'a> Fqdn<'a> {
    /// Reads the value of option 81: flags, two obsolete result codes, the name.
    pub const fn new(value: &'a [u8]) -> Option<Self> {
        const ENCODED: u8 = 0x04;
        match value {
            [flags, _, _, name @ ..] if *flags & ENCODED != 0 => Some(Self::Labels(name)),
            [_, _, _, name @ ..] => Some(Self::Text(name)),
            _ => None,
        }
    }
}
