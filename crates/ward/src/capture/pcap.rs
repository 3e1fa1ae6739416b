//! Classic capture files as tcpdump and most appliances write them. Standard: draft-ietf-opsawg-pcap, pcap-savefile(5).
//!
//! A 24-byte header, then records of a 16-byte header and the frame. There are no marks to find the next record by, so
//! a header that cannot be true ends the reading: a guess would turn payload into frames.

use model::Timestamp;
use sense::LinkType;

use super::FRAME_BYTES_MAX;
use super::block::FrameMeta;
use super::byteorder::ByteOrder;
use super::index::{Format, Output, Step, Then};

/// Length of the file header in bytes.
pub(super) const HEADER_BYTES: usize = 24;

/// Bytes of a record header, and of the one that Kuznetzov's patched libpcap wrote (interface, protocol and type after).
const RECORD_BYTES: usize = 16;
const RECORD_BYTES_KUZNETZOV: usize = 24;

/// A record may exceed the snapshot length that its file states: merging and editing programs do not always raise it.
/// Up to this many bytes it is believed.
const SNAPLEN_BELIEVED_BYTES_MIN: usize = 64 * 1024;

/// The low bits of the link-type field; the high ones say whether and how long a frame check sequence is (clause 4).
const LINKTYPE_MASK: u32 = 0x03FF_FFFF;

const NS_PER_S: u64 = 1_000_000_000;

/// The header's facts, and nothing that grows.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    /// Nanoseconds in one unit of the sub-second field.
    fraction_ns: u64,
    record_bytes: usize,
    frame_bytes_max: usize,
    lengths: Lengths,
    link: LinkType,
}

/// Which of the two length fields comes first (libpcap sf-pcap.c, "swapped lengths").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    /// Version 2.3, where both kinds exist: the smaller is the captured one.
    Either,
    /// Before version 2.3.
    WireFirst,
}

/// Why a header is not one that Ward reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    /// Not a pcap magic.
    NotPcap,
    /// A version that no known program writes.
    Version(u16, u16),
    /// Fewer bytes than a header has.
    Short,
}

impl Pcap {
    /// Reads the file header.
    pub(super) fn open(head: &[u8]) -> Result<Self, HeaderError> {
        let (order, variant) = magic(head).ok_or(HeaderError::NotPcap)?;
        let field = |at| order.u32(head, at).ok_or(HeaderError::Short);
        let (snaplen, network) = (field(16)?, field(20)?);
        let version = |at| order.u16(head, at).ok_or(HeaderError::Short);
        let (major, minor) = (version(4)?, version(6)?);
        if major != 2 {
            return Err(HeaderError::Version(major, minor));
        }
        Ok(Self {
            order,
            fraction_ns: if variant == Variant::Nanoseconds { 1 } else { 1000 },
            record_bytes: if variant == Variant::Kuznetzov { RECORD_BYTES_KUZNETZOV } else { RECORD_BYTES },
            frame_bytes_max: frame_bytes_max(snaplen),
            lengths: match minor {
                0..3 => Lengths::WireFirst,
                3 => Lengths::Either,
                _ => Lengths::CapturedFirst,
            },
            link: LinkType::from_number(network & LINKTYPE_MASK),
        })
    }

    /// (captured, on the wire) from the header's two length fields.
    #[inline]
    fn lengths(&self, first: u32, second: u32) -> (u32, u32) {
        match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::Either => (first.min(second), first.max(second)),
        }
    }

    #[inline]
    fn timestamp(&self, seconds: u32, fraction: u32) -> Timestamp {
        // At most 2³² s and 2³² µs: fits 64 bits of nanoseconds.
        Timestamp::from_nanos(u64::from(seconds) * NS_PER_S + u64::from(fraction) * self.fraction_ns)
    }

    /// Why the record at `place` ends the reading, if it does.
    #[cold]
    fn implausible(&self, place: u64, captured: u32, wire: u32, at: Timestamp) -> Option<String> {
        if captured as usize > self.frame_bytes_max {
            let max = self.frame_bytes_max;
            return Some(format!(
                "damaged at byte {place}: a record claims {captured} bytes (the longest believed is {max}); what follows was not read"
            ));
        }
        // What a full disk or a crash leaves: a tail of zeros, each 16 of which read as an empty frame of 1970.
        let hollow = captured == 0 && wire == 0 && at == Timestamp::ZERO;
        hollow.then(|| {
            format!("damaged at byte {place}: zeros where a record should be; what follows was not read")
        })
    }
}

impl Format for Pcap {
    fn index(&mut self, window: &[u8], output: &mut Output<'_>) -> Step {
        let mut consumed = 0;
        loop {
            let rest = window.get(consumed..).unwrap_or_default();
            let Some((header, _)) = rest.split_first_chunk::<RECORD_BYTES>() else {
                return Step { consumed, then: Then::Need(RECORD_BYTES) };
            };
            let field = |at| self.order.u32(header, at).unwrap_or_default();
            let (captured, wire) = self.lengths(field(8), field(12));
            let at = self.timestamp(field(0), field(4));
            if (captured as usize > self.frame_bytes_max || captured == 0)
                && let Some(why) = self.implausible(output.place(consumed), captured, wire, at)
            {
                return Step { consumed, then: Then::Stop(why) };
            }
            let record_bytes = self.record_bytes + captured as usize;
            if rest.len() < record_bytes {
                return Step { consumed, then: Then::Need(record_bytes) };
            }
            let frame = FrameMeta {
                at,
                link: self.link,
                offset: 0,
                kept_bytes: captured,
                wire_bytes: wire.max(captured),
            };
            output.push(consumed + self.record_bytes, frame);
            consumed += record_bytes;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    Microseconds,
    Nanoseconds,
    Kuznetzov,
}

/// Byte order and variant from the first four bytes.
fn magic(head: &[u8]) -> Option<(ByteOrder, Variant)> {
    Some(match head.first_chunk::<4>()? {
        [0xA1, 0xB2, 0xC3, 0xD4] => (ByteOrder::Big, Variant::Microseconds),
        [0xD4, 0xC3, 0xB2, 0xA1] => (ByteOrder::Little, Variant::Microseconds),
        [0xA1, 0xB2, 0x3C, 0x4D] => (ByteOrder::Big, Variant::Nanoseconds),
        [0x4D, 0x3C, 0xB2, 0xA1] => (ByteOrder::Little, Variant::Nanoseconds),
        [0xA1, 0xB2, 0xCD, 0x34] => (ByteOrder::Big, Variant::Kuznetzov),
        [0x34, 0xCD, 0xB2, 0xA1] => (ByteOrder::Little, Variant::Kuznetzov),
        _ => return None,
    })
}

/// Whether these bytes start a classic capture file.
pub(super) fn is_magic(head: &[u8]) -> bool {
    magic(head).is_some()
}

/// The longest frame believed under a stated snapshot length; 0 means "not limited".
fn frame_bytes_max(snaplen: u32) -> usize {
    match snaplen as usize {
        0 => FRAME_BYTES_MAX,
        snaplen => snaplen.saturating_mul(2).clamp(SNAPLEN_BELIEVED_BYTES_MIN, FRAME_BYTES_MAX),
    }
}
