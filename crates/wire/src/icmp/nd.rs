//! Options of Neighbor Discovery messages (RFC 4861 §4.6, RFC 8106).

use super::ND_OPTIONS_MAX;
use crate::{Error, Reader};
use model::MacAddr;
use std::net::Ipv6Addr;

/// Option lengths count units of this many bytes, type and length included.
const UNIT_BYTES: usize = 8;

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdOption<'a> {
    /// 1: link address of the sender.
    SourceLinkAddress(MacAddr),
    /// 2: link address of the target.
    TargetLinkAddress(MacAddr),
    /// 3: a prefix of the link.
    PrefixInformation(Prefix),
    /// 5: the link's MTU, in bytes.
    MtuBytes(u32),
    /// 25: DNS servers, see [`NdOption::dns_servers`].
    DnsServers {
        /// How long they may be used, in seconds.
        lifetime_s: u32,
        /// Their addresses, 16 bytes each.
        addresses: &'a [u8],
    },
    /// An option that Ward does not read, or a known one with an unexpected length.
    Other(u8),
}

/// RFC 4861 §4.6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Leading bits of `address` that count.
    pub length_bits: u8,
    /// L: addresses with it are on this link.
    pub on_link: bool,
    /// A: hosts may make their own addresses from it.
    pub autonomous: bool,
    /// The prefix; bits beyond its length are noise.
    pub address: Ipv6Addr,
}

impl NdOption<'_> {
    /// The DNS servers of an RDNSS option; empty for any other.
    pub fn dns_servers(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        let addresses = match self {
            Self::DnsServers { addresses, .. } => addresses,
            _ => &[][..],
        };
        addresses.as_chunks::<16>().0.iter().map(|&octets| Ipv6Addr::from(octets))
    }
}

/// The options of one message. INVARIANT: no length in it is zero or runs past the end, and there are at most
/// [`ND_OPTIONS_MAX`]; so walking it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NdOptions<'a>(&'a [u8]);

impl<'a> NdOptions<'a> {
    /// Takes the rest of a message as options, as RFC 4861 §6.1 wants: all are well formed, or the message is discarded.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let options = Self(reader.rest());
        for _ in 0..ND_OPTIONS_MAX {
            if reader.is_empty() {
                return Ok(options);
            }
            let start = *reader;
            reader.skip(1, "option type")?;
            let units = usize::from(reader.u8("option length")?);
            if units == 0 {
                return Err(Error::Malformed { what: "option length", at: start.at() + 1 });
            }
            reader.skip(units * UNIT_BYTES - 2, "option")?;
        }
        if reader.is_empty() {
            Ok(options)
        } else {
            Err(Error::Limit { what: "options", max: ND_OPTIONS_MAX })
        }
    }

    /// Each option in turn.
    pub fn iter(self) -> impl Iterator<Item = NdOption<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let &[kind, units, ..] = rest else { return None };
            let (option, after) = rest.split_at_checked(usize::from(units).max(1) * UNIT_BYTES)?;
            rest = after;
            Some(option.get(2..).and_then(|body| read_option(kind, body)).unwrap_or(NdOption::Other(kind)))
        })
    }

    /// The link address that the sender gives for itself. Of several the first counts.
    pub fn source_link_address(self) -> Option<MacAddr> {
        self.iter().find_map(|option| match option {
            NdOption::SourceLinkAddress(mac) => Some(mac),
            _ => None,
        })
    }

    /// The link address given for the target. Of several the first counts.
    pub fn target_link_address(self) -> Option<MacAddr> {
        self.iter().find_map(|option| match option {
            NdOption::TargetLinkAddress(mac) => Some(mac),
            _ => None,
        })
    }
}

fn read_option(kind: u8, body: &[u8]) -> Option<NdOption<'_>> {
    let mut reader = Reader::new(body);
    match kind {
        // On links other than Ethernet the address has another length: not ours to read (RFC 4861 §4.6.1).
        1 => body.try_into().ok().map(|octets| NdOption::SourceLinkAddress(MacAddr::new(octets))),
        2 => body.try_into().ok().map(|octets| NdOption::TargetLinkAddress(MacAddr::new(octets))),
        3 => read_prefix(&mut reader).ok().map(NdOption::PrefixInformation),
        5 => {
            reader.skip(2, "reserved").ok()?;
            reader.u32_be("mtu").ok().map(NdOption::MtuBytes)
        }
        25 => {
            reader.skip(2, "reserved").ok()?;
            let lifetime_s = reader.u32_be("lifetime").ok()?;
            Some(NdOption::DnsServers { lifetime_s, addresses: reader.rest() })
        }
        _ => None,
    }
}

fn read_prefix(reader: &mut Reader<'_>) -> Result<Prefix, Error> {
    const ON_LINK: u8 = 0x80;
    const AUTONOMOUS: u8 = 0x40;
    let length_bits = reader.u8("prefix length")?;
    if length_bits > 128 {
        return Err(reader.malformed("prefix length"));
    }
    let flags = reader.u8("prefix flags")?;
    reader.skip(12, "prefix lifetimes")?;
    let address = reader.array::<16>("prefix").map(Ipv6Addr::from)?;
    Ok(Prefix { length_bits, on_link: flags & ON_LINK != 0, autonomous: flags & AUTONOMOUS != 0, address })
}
