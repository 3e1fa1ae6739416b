//! What a capture hands over.

use model::Timestamp;

/// How the first header of a frame is laid out (libpcap LINKTYPE_ registry, <https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkType {
    /// LINKTYPE_ETHERNET (1).
    Ethernet,
    /// LINKTYPE_RAW (101), LINKTYPE_IPV4 (228), LINKTYPE_IPV6 (229): the frame is an IP packet.
    RawIp,
    /// LINKTYPE_NULL (0): a 32-bit address family in the byte order of the capturing host.
    Null,
    /// LINKTYPE_LOOP (108): the same in network byte order.
    Loop,
    /// LINKTYPE_LINUX_SLL (113): Linux "cooked" v1.
    LinuxSll,
    /// LINKTYPE_LINUX_SLL2 (276): Linux "cooked" v2.
    LinuxSll2,
    /// A link type that Ward does not read; the number is reported.
    Other(u32),
}

impl LinkType {
    /// From the number in a capture file.
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Null,
            1 => Self::Ethernet,
            // 12 and 14 are what BSDs wrote for raw IP before the registry.
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            108 => Self::Loop,
            113 => Self::LinuxSll,
            276 => Self::LinuxSll2,
            other => Self::Other(other),
        }
    }
}

/// One captured frame, borrowed from the capture's block.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When it was captured.
    pub at: Timestamp,
    /// How to read its first header.
    pub link: LinkType,
    /// The bytes that were kept.
    pub bytes: &'a [u8],
    /// How long it was on the wire; more than `bytes` when the snapshot length cut it.
    pub wire_bytes: u32,
}
