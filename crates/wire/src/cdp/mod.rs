//! CDP: Cisco's older sister of LLDP, also spoken by phones, printers and servers. In a hospital it names switches and
//! the port behind which a device hangs. It must not be taken for proof: any host on the link may write what it likes.
//! No public standard; the layout is Cisco's published "CDP frame format" and what its devices send. It arrives in SNAP
//! (OUI 00-00-0C, protocol 0x2000); what is read here begins behind the SNAP header.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{Addresses, Tlvs, parse, probe};

/// Most TLVs in one message, in TLVs. Devices in the field send fewer than thirty.
pub const TLVS_MAX: usize = 128;

/// Most addresses read from one TLV, in addresses.
pub const ADDRESSES_MAX: usize = 64;

/// One message, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// 1 or 2.
    pub version: u8,
    /// How long it holds, in seconds; 0 takes everything back.
    pub ttl_s: u8,
    /// What it says.
    pub tlvs: Tlvs<'a>,
}

/// One TLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tlv<'a> {
    /// 0x0001: name of the box, sometimes with or instead of its serial number.
    DeviceId(&'a [u8]),
    /// 0x0002: addresses of the sending interface.
    Addresses(Addresses<'a>),
    /// 0x0003: the port it was sent from.
    PortId(&'a [u8]),
    /// 0x0004.
    Capabilities(Capabilities),
    /// 0x0005: several lines of text.
    SoftwareVersion(&'a [u8]),
    /// 0x0006: maker's name for the model.
    Platform(&'a [u8]),
    /// 0x000a: VLAN of untagged frames.
    NativeVlan(u16),
    /// 0x000b.
    Duplex(Duplex),
    /// 0x0010: what it draws over the cable, in milliwatts.
    PowerConsumptionMilliwatts(u16),
    /// 0x0014: sysName.
    SystemName(&'a [u8]),
    /// 0x0016: where it is managed.
    ManagementAddresses(Addresses<'a>),
    /// 0x0017: where it stands.
    Location(&'a [u8]),
    /// Known to others (VTP domain, hello protocols, ODR prefixes, voice VLAN) but not read here, or contradicting itself.
    Other(u16),
}

/// How a link is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplex {
    /// One speaks at a time. On one side only, it is the classic cause of a slow link.
    Half,
    /// Both at once.
    Full,
}

/// What a device can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(pub u32);

impl Capabilities {
    const WORDS: [(u32, &'static str); 10] = [
        (0x0001, "router"),
        (0x0002, "bridge"),
        (0x0004, "source route bridge"),
        (0x0008, "switch"),
        (0x0010, "host"),
        (0x0020, "igmp"),
        (0x0040, "repeater"),
        (0x0080, "telephone"),
        (0x0100, "remotely managed"),
        (0x0400, "two-port mac relay"),
    ];

    /// Each capability in a word or two, lowest bit first. Bits whose meaning varies between products have no word.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::WORDS.into_iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, word)| word)
    }
}
