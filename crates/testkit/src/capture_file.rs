//! Capture files for tests and measurements: classic pcap and pcapng into memory, and pcap out.
//!
//! A small reader for files that we chose ourselves; the product reads captures in `ward/capture`.

use std::io::{self, Write};

/// Largest frame that is believed, in bytes; a record that claims more ends the reading.
const FRAME_BYTES_MAX: usize = 256 * 1024;
/// LINKTYPE_ETHERNET.
pub const ETHERNET: u32 = 1;

/// One frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds since 1970.
    pub at_ns: u64,
    /// Its LINKTYPE_ number.
    pub link: u32,
    /// How long it was on the wire.
    pub wire_bytes: u32,
    /// The bytes that were kept.
    pub bytes: Vec<u8>,
}

/// The frames of a pcap or pcapng file, up to the first damage; `None` when it is neither.
pub fn records(file: &[u8]) -> Option<Vec<Record>> {
    match file.first_chunk::<4>()? {
        [0x0a, 0x0d, 0x0d, 0x0a] => Some(pcapng(file)),
        magic => pcap(file, *magic),
    }
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(raw),
            Self::Big => u16::from_be_bytes(raw),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(raw),
            Self::Big => u32::from_be_bytes(raw),
        })
    }
}

fn pcap(file: &[u8], magic: [u8; 4]) -> Option<Vec<Record>> {
    let (order, ns_per_tick) = match magic {
        [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, 1000),
        [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, 1000),
        [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, 1),
        [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, 1),
        _ => return None,
    };
    let link = order.u32(file, 20)? & 0xffff;
    let mut rest = file.get(24..)?;
    let mut records = Vec::new();
    while let Some((record, length)) = pcap_record(rest, order, ns_per_tick, link) {
        records.push(record);
        rest = rest.get(length..).unwrap_or(&[]);
    }
    Some(records)
}

fn pcap_record(rest: &[u8], order: Order, ns_per_tick: u64, link: u32) -> Option<(Record, usize)> {
    let seconds = u64::from(order.u32(rest, 0)?);
    let ticks = u64::from(order.u32(rest, 4)?);
    let kept = usize::try_from(order.u32(rest, 8)?).ok().filter(|kept| *kept <= FRAME_BYTES_MAX)?;
    let wire_bytes = order.u32(rest, 12)?;
    let bytes = rest.get(16..16 + kept)?.to_vec();
    let at_ns = seconds * 1_000_000_000 + ticks * ns_per_tick;
    Some((Record { at_ns, link, wire_bytes, bytes }, 16 + kept))
}

/// An interface of a pcapng section: its link type and how many ticks a second has.
#[derive(Clone, Copy)]
struct Interface {
    link: u32,
    ticks_per_second: u64,
}

/// <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>
fn pcapng(file: &[u8]) -> Vec<Record> {
    let (mut records, mut interfaces) = (Vec::new(), Vec::new());
    let (mut order, mut rest) = (Order::Little, file);
    while rest.len() >= 12 {
        if rest.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            order =
                if rest.get(8..12) == Some(&[0x1a, 0x2b, 0x3c, 0x4d]) { Order::Big } else { Order::Little };
            interfaces.clear();
        }
        let (Some(kind), Some(length)) = (order.u32(rest, 0), order.u32(rest, 4)) else { break };
        let Ok(length) = usize::try_from(length) else { break };
        let Some(body) = length.checked_sub(4).and_then(|end| rest.get(8..end)) else { break };
        match kind {
            1 => interfaces.extend(interface(body, order)),
            3 => records.extend(simple_packet(body, order, &interfaces)),
            6 => records.extend(enhanced_packet(body, order, &interfaces)),
            _ => {}
        }
        rest = rest.get(length.max(12)..).unwrap_or(&[]);
    }
    records
}

fn interface(body: &[u8], order: Order) -> Option<Interface> {
    let link = u32::from(order.u16(body, 0)?);
    let mut ticks_per_second = 1_000_000;
    let mut options = body.get(8..)?;
    while let (Some(code @ 1..), Some(length)) = (order.u16(options, 0), order.u16(options, 2)) {
        // if_tsresol: a power of 10, or of 2 when the highest bit is set.
        if code == 9
            && let Some(resolution) = options.get(4)
        {
            let power = u32::from(resolution & 0x7f);
            let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
            ticks_per_second = base.checked_pow(power).unwrap_or(1_000_000);
        }
        options = options.get(4 + usize::from(length).next_multiple_of(4)..).unwrap_or(&[]);
    }
    Some(Interface { link, ticks_per_second })
}

fn enhanced_packet(body: &[u8], order: Order, interfaces: &[Interface]) -> Option<Record> {
    let interface = interfaces.get(usize::try_from(order.u32(body, 0)?).ok()?)?;
    let ticks = u64::from(order.u32(body, 4)?) << 32 | u64::from(order.u32(body, 8)?);
    let kept = usize::try_from(order.u32(body, 12)?).ok().filter(|kept| *kept <= FRAME_BYTES_MAX)?;
    let wire_bytes = order.u32(body, 16)?;
    let bytes = body.get(20..20 + kept)?.to_vec();
    let at_ns = u128::from(ticks) * 1_000_000_000 / u128::from(interface.ticks_per_second.max(1));
    Some(Record { at_ns: u64::try_from(at_ns).ok()?, link: interface.link, wire_bytes, bytes })
}

/// Has no time of its own.
fn simple_packet(body: &[u8], order: Order, interfaces: &[Interface]) -> Option<Record> {
    let wire_bytes = order.u32(body, 0)?;
    let kept = usize::try_from(wire_bytes).ok()?.min(body.len().saturating_sub(4)).min(FRAME_BYTES_MAX);
    let bytes = body.get(4..4 + kept)?.to_vec();
    Some(Record { at_ns: 0, link: interfaces.first()?.link, wire_bytes, bytes })
}

/// Writes classic little-endian pcap with microseconds.
#[derive(Debug)]
pub struct PcapWriter<W> {
    out: W,
}

impl<W: Write> PcapWriter<W> {
    /// Begins a file of frames of one link type.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(mut out: W, link: u32) -> io::Result<Self> {
        for field in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, link] {
            out.write_all(&u32::to_le_bytes(field))?;
        }
        Ok(Self { out })
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, at_us: u64, bytes: &[u8], wire_bytes: u32) -> io::Result<()> {
        let seconds = u32::try_from(at_us / 1_000_000).unwrap_or(u32::MAX);
        let micros = u32::try_from(at_us % 1_000_000).unwrap_or(0);
        let kept = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        for field in [seconds, micros, kept, wire_bytes.max(kept)] {
            self.out.write_all(&field.to_le_bytes())?;
        }
        self.out.write_all(bytes)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When the last bytes cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let mut writer = PcapWriter::new(Vec::new(), ETHERNET).unwrap();
        writer.write(1_790_000_000_000_123, b"abc", 60).unwrap();
        writer.write(1_790_000_001_000_000, b"", 0).unwrap();
        let file = writer.finish().unwrap();
        let read = records(&file).unwrap();
        assert_eq!(read.len(), 2);
        let first =
            Record { at_ns: 1_790_000_000_000_123_000, link: 1, wire_bytes: 60, bytes: b"abc".to_vec() };
        assert_eq!(read[0], first);
        for cut in 0..file.len() {
            let _ = records(&file[..cut]);
        }
    }

    #[test]
    fn reads_pcapng_in_both_orders() {
        for big in [false, true] {
            let u32b = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
            let u16b = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
            let block = |kind: u32, body: Vec<u8>| {
                let length = u32::try_from(body.len() + 12).unwrap();
                [&u32b(kind)[..], &u32b(length), &body, &u32b(length)].concat()
            };
            let section = [&u32b(0x1a2b_3c4d)[..], &u16b(1), &u16b(0), &[0xff; 8]].concat();
            let nanos = [&u16b(9)[..], &u16b(1), &[9, 0, 0, 0], &u16b(0), &u16b(0)].concat();
            let interface = [&u16b(1)[..], &u16b(0), &u32b(0), &nanos].concat();
            let (high, low) = ((7_000_000_005_u64 >> 32) as u32, 7_000_000_005_u64 as u32);
            let packet = [&u32b(0)[..], &u32b(high), &u32b(low), &u32b(3), &u32b(90), b"abc\0"].concat();
            let file = [block(0x0a0d_0d0a, section), block(1, interface), block(6, packet)].concat();
            let expected = Record { at_ns: 7_000_000_005, link: 1, wire_bytes: 90, bytes: b"abc".to_vec() };
            assert_eq!(records(&file), Some(vec![expected]), "big endian: {big}");
        }
        assert_eq!(records(b"GET / HTTP/1.1"), None);
    }
}
