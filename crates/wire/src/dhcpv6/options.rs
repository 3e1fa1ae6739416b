//! Options, and the lists that some of them hold.

use super::OPTIONS_MAX;
use crate::Reader;
use std::net::Ipv6Addr;

/// Option codes (RFC 8415 §21 and as noted).
pub mod option {
    /// Client Identifier: a DUID.
    pub const CLIENT_ID: u16 = 1;
    /// Server Identifier: a DUID.
    pub const SERVER_ID: u16 = 2;
    /// Identity Association for Non-temporary Addresses.
    pub const IA_NA: u16 = 3;
    /// Identity Association for Temporary Addresses.
    pub const IA_TA: u16 = 4;
    /// IA Address.
    pub const IA_ADDRESS: u16 = 5;
    /// Option Request.
    pub const OPTION_REQUEST: u16 = 6;
    /// Elapsed Time.
    pub const ELAPSED_TIME: u16 = 8;
    /// Relay Message.
    pub const RELAY_MESSAGE: u16 = 9;
    /// Status Code.
    pub const STATUS_CODE: u16 = 13;
    /// User Class.
    pub const USER_CLASS: u16 = 15;
    /// Vendor Class.
    pub const VENDOR_CLASS: u16 = 16;
    /// Vendor-specific Information.
    pub const VENDOR_SPECIFIC: u16 = 17;
    /// Interface-Id: the relay's port towards the client.
    pub const INTERFACE_ID: u16 = 18;
    /// Relay Agent Remote-ID (RFC 4649).
    pub const REMOTE_ID: u16 = 37;
    /// Client FQDN (RFC 4704).
    pub const CLIENT_FQDN: u16 = 39;
    /// Client Link-Layer Address, stated by the relay (RFC 6939).
    pub const CLIENT_LINK_ADDRESS: u16 = 79;
    /// Manufacturer Usage Description URL (RFC 8520).
    pub const MUD_URL: u16 = 112;
}

/// Highest option code that IANA has assigned, with room; the probe takes no higher one for DHCPv6.
pub(super) const OPTION_CODE_MAX: u16 = 255;

/// Options of a message or of an identity association: code and value; ends early where a length lies.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Options<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, left: OPTIONS_MAX }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let ([a, b, c, d], rest) = self.rest.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*c, *d])))?;
        self.rest = rest;
        Some((u16::from_be_bytes([*a, *b]), value))
    }
}

/// A DHCP unique identifier (RFC 8415 §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duid<'a>(&'a [u8]);

impl<'a> Duid<'a> {
    const BYTES_MIN: usize = 3;
    /// RFC 8415 §11.1: 128 octets behind the type.
    const BYTES_MAX: usize = 130;
    const LINK_LAYER_TIME: u16 = 1;
    const LINK_LAYER: u16 = 3;
    const ETHERNET: u16 = 1;

    /// From the value of a Client or Server Identifier option, unless its length is out of bounds.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (Self::BYTES_MIN..=Self::BYTES_MAX).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// As it stands.
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The Ethernet address in a DUID-LLT or DUID-LL. It is that of *one* interface of the client, fixed when the
    /// identifier was made, and not always the one it speaks from now.
    pub fn ethernet(self) -> Option<[u8; 6]> {
        let mut reader = Reader::new(self.0);
        let kind = reader.u16_be("DUID type").ok()?;
        if reader.u16_be("hardware type").ok()? != Self::ETHERNET {
            return None;
        }
        match kind {
            Self::LINK_LAYER_TIME => reader.skip(4, "time").ok()?,
            Self::LINK_LAYER => {}
            _ => return None,
        }
        reader.rest().try_into().ok()
    }

    /// Whether type and length agree (RFC 8415 §11.2–11.5).
    pub(super) fn holds(self) -> bool {
        match (self.0, self.0.len()) {
            ([0, 1, ..], length) => length > 8,
            ([0, 2, ..], length) => length > 6,
            ([0, 3, ..], length) => length > 4,
            ([0, 4, ..], length) => length == 18,
            _ => false,
        }
    }
}

/// Strings behind 16-bit lengths (User Class; Vendor Class behind its enterprise number); ends early where one lies.
#[derive(Clone, Copy, Debug)]
pub struct Strings<'a>(pub &'a [u8]);

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (string, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.0 = rest;
        Some(string)
    }
}

/// An enterprise number and what follows it (Vendor Class, Vendor-specific Information, Remote-ID).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VendorData<'a> {
    /// IANA private enterprise number.
    pub enterprise: u32,
    /// The rest of the option.
    pub data: &'a [u8],
}

impl<'a> VendorData<'a> {
    /// Reads the value of option 16, 17 or 37.
    pub fn new(value: &'a [u8]) -> Option<Self> {
        let (enterprise, data) = value.split_first_chunk()?;
        Some(Self { enterprise: u32::from_be_bytes(*enterprise), data })
    }
}

/// An address in an identity association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub address: Ipv6Addr,
    /// Seconds it may be used; 0 withdraws it.
    pub valid_s: u32,
}

/// The addresses of an IA_NA or IA_TA option; none for any other.
pub(super) fn association(code: u16, value: &[u8]) -> impl Iterator<Item = Address> {
    let head_bytes = match code {
        option::IA_NA => 12,
        option::IA_TA => 4,
        _ => value.len(),
    };
    Options::new(value.get(head_bytes..).unwrap_or_default()).filter_map(|(code, value)| {
        if code != option::IA_ADDRESS {
            return None;
        }
        let mut reader = Reader::new(value);
        let address = reader.array::<16>("IA address").ok()?.into();
        reader.skip(4, "preferred lifetime").ok()?;
        Some(Address { address, valid_s: reader.u32_be("valid lifetime").ok()? })
    })
}
