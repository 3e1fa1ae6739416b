//! Capture files as Wireshark and dumpcap write them: several sections, interfaces and clocks in one file.
//! Standard: draft-ietf-opsawg-pcapng.
//!
//! Keeps only what says when and on what a frame was captured and how many were lost. Names, comments and TLS secrets
//! (NRB, DSB, options) are stepped over, never stored. A block whose two lengths disagree ends the reading.

mod interface;
mod options;

use model::Timestamp;
use sense::LinkType;

use self::interface::Interface;
use super::FRAME_BYTES_MAX;
use super::block::FrameMeta;
use super::byteorder::ByteOrder;
use super::index::{Format, Output, Step, Then};

/// A block longer than this is damage, in bytes. (Wireshark's bound, too.)
pub(super) const BLOCK_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Options of one block that are looked at, in bytes; a block with more is read without its tail.
const OPTIONS_BYTES_MAX: usize = 64 * 1024;

/// Interfaces that one section may describe.
pub(super) const INTERFACES_MAX: usize = 4096;

/// Block type and total length, and the byte-order magic where there is one.
const HEAD_BYTES: usize = 12;

/// The total length once more, at the end of each block.
const TRAILER_BYTES: usize = 4;

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET_OBSOLETE: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// The state of one file: the section's byte order and interfaces.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// Time of the last frame that had one: a simple packet has none, and must not seem to be of 1970.
    last_at: Timestamp,
    /// Frames of interfaces that the section does not describe.
    orphan_frames: u64,
}

/// What a block needs before it can be read.
struct Extent {
    /// The whole block, trailer included.
    total: usize,
    /// As much of it as must be in the window.
    wanted: usize,
}

/// The fixed part of a block that carries a frame.
struct Packet {
    interface: usize,
    /// In units of the interface's clock; a simple packet has none.
    ticks: Option<u64>,
    kept_bytes: usize,
    wire_bytes: u32,
    /// Where the frame starts in the block.
    frame_at: usize,
    /// Where options may start in the block; the same as the trailer when the kind has none.
    options_at: usize,
    /// Lost since the packet before, where the block has a field for it.
    lost: u64,
}

/// The byte order of the section that starts here.
pub(super) fn section_order(head: &[u8]) -> Option<ByteOrder> {
    match head.get(8..HEAD_BYTES)? {
        [0x1A, 0x2B, 0x3C, 0x4D] => Some(ByteOrder::Big),
        [0x4D, 0x3C, 0x2B, 0x1A] => Some(ByteOrder::Little),
        _ => None,
    }
}

/// Whether these bytes start a pcapng section.
pub(super) fn is_magic(head: &[u8]) -> bool {
    head.starts_with(&SECTION_HEADER.to_be_bytes())
}

impl Pcapng {
    /// A reader for a file whose first section is in `order`.
    pub(super) fn new(order: ByteOrder) -> Self {
        Self { order, interfaces: Vec::new(), last_at: Timestamp::ZERO, orphan_frames: 0 }
    }

    /// How far the block at the start of `rest` reaches, or why it cannot be one.
    #[inline]
    fn extent(&self, rest: &[u8], kind: u32) -> Result<Extent, String> {
        let stated = self.order.u32(rest, 4).unwrap_or_default() as usize;
        // The standard pads to 32 bits; some writers left the padding out of the length.
        let total = stated.next_multiple_of(4);
        let least = match kind {
            SECTION_HEADER => 28,
            INTERFACE_DESCRIPTION => 20,
            PACKET_OBSOLETE | ENHANCED_PACKET => 32,
            SIMPLE_PACKET => 16,
            INTERFACE_STATISTICS => 24,
            _ => HEAD_BYTES,
        };
        if !(least..=BLOCK_BYTES_MAX).contains(&total) {
            return Err(format!("a block of type {kind} claims {stated} bytes"));
        }
        let head_max = match kind {
            SECTION_HEADER | INTERFACE_DESCRIPTION | INTERFACE_STATISTICS => OPTIONS_BYTES_MAX,
            PACKET_OBSOLETE | ENHANCED_PACKET | SIMPLE_PACKET => 28 + FRAME_BYTES_MAX + OPTIONS_BYTES_MAX,
            _ => HEAD_BYTES,
        };
        Ok(Extent { total, wanted: total.min(head_max) })
    }

    /// Reads one block from its `body`: what was wanted of it, trailer left out.
    #[inline(never)]
    fn block(&mut self, kind: u32, body: &[u8], at: usize, output: &mut Output<'_>) -> Result<(), String> {
        match kind {
            SECTION_HEADER => self.interfaces.clear(),
            INTERFACE_DESCRIPTION => return self.describe(body),
            INTERFACE_STATISTICS => self.statistics(body, output),
            ENHANCED_PACKET => return self.packet(&self.enhanced(body)?, body, at, output),
            PACKET_OBSOLETE => return self.packet(&self.obsolete(body)?, body, at, output),
            SIMPLE_PACKET => return self.packet(&self.simple(body)?, body, at, output),
            _ => {}
        }
        Ok(())
    }

    fn describe(&mut self, body: &[u8]) -> Result<(), String> {
        if self.interfaces.len() >= INTERFACES_MAX {
            return Err(format!("more than {INTERFACES_MAX} interfaces in one section"));
        }
        self.interfaces.push(Interface::read(self.order, body));
        Ok(())
    }

    /// Interface statistics: totals since the capture began, repeated as it goes on.
    fn statistics(&mut self, body: &[u8], output: &mut Output<'_>) {
        let interface = self.order.u32(body, 8).unwrap_or(u32::MAX) as usize;
        let Some(interface) = self.interfaces.get_mut(interface) else { return };
        let Some(lost) = options::lost_total(self.order, body.get(20..).unwrap_or_default()) else { return };
        let news = interface.lost_total(lost);
        count_lost(output, news);
    }

    /// The short way for what nearly every block is: an enhanced packet, whole, without options and without fault.
    /// Anything else is `None` and goes the long way, which says the same about these.
    #[inline]
    fn plain_packet(&mut self, rest: &[u8], at: usize, output: &mut Output<'_>) -> Option<usize> {
        let head: &[u8; 28] = rest.first_chunk()?;
        let field = |at| self.order.u32(head, at).unwrap_or_default();
        let (total, kept) = (field(4) as usize, field(20));
        let expected = head.len() + (kept as usize).next_multiple_of(4) + TRAILER_BYTES;
        if field(0) != ENHANCED_PACKET || kept as usize > FRAME_BYTES_MAX || total != expected {
            return None;
        }
        if self.order.u32(rest, total - TRAILER_BYTES)? as usize != total {
            return None;
        }
        let interface = self.interfaces.get(field(8) as usize)?;
        self.last_at = interface.time(u64::from(field(12)) << 32 | u64::from(field(16)));
        let (link, wire_bytes) = (interface.link, field(24).max(kept));
        output.push(
            at + head.len(),
            FrameMeta { at: self.last_at, link, offset: 0, kept_bytes: kept, wire_bytes },
        );
        Some(total)
    }

    fn enhanced(&self, body: &[u8]) -> Result<Packet, String> {
        let field = |at| self.order.u32(body, at).unwrap_or_default();
        let kept_bytes = field(20) as usize;
        Ok(Packet {
            interface: field(8) as usize,
            ticks: Some(u64::from(field(12)) << 32 | u64::from(field(16))),
            kept_bytes,
            wire_bytes: field(24),
            frame_at: 28,
            options_at: 28_usize.saturating_add(kept_bytes.next_multiple_of(4)),
            lost: 0,
        })
    }

    fn obsolete(&self, body: &[u8]) -> Result<Packet, String> {
        /// "Not known" in the drop count (appendix A).
        const LOST_UNKNOWN: u16 = u16::MAX;
        let lost = self.order.u16(body, 10).filter(|&lost| lost != LOST_UNKNOWN).unwrap_or_default();
        let interface = self.order.u16(body, 8).unwrap_or_default();
        Ok(Packet { interface: interface.into(), lost: lost.into(), ..self.enhanced(body)? })
    }

    /// A simple packet is of the first interface, cut at its snapshot length, and states only its length on the wire.
    fn simple(&self, body: &[u8]) -> Result<Packet, String> {
        let wire_bytes = self.order.u32(body, 8).unwrap_or_default();
        let snaplen = self.interfaces.first().map_or(0, |first| first.snaplen);
        let cut = if snaplen == 0 { wire_bytes } else { wire_bytes.min(snaplen) };
        let kept_bytes = (cut as usize).min(body.len().saturating_sub(HEAD_BYTES));
        Ok(Packet {
            interface: 0,
            ticks: None,
            kept_bytes,
            wire_bytes,
            frame_at: HEAD_BYTES,
            options_at: body.len(),
            lost: 0,
        })
    }

    fn packet(
        &mut self,
        packet: &Packet,
        body: &[u8],
        at: usize,
        output: &mut Output<'_>,
    ) -> Result<(), String> {
        let kept = packet.kept_bytes;
        if kept > FRAME_BYTES_MAX || packet.frame_at.saturating_add(kept) > body.len() {
            let room = body.len().saturating_sub(packet.frame_at);
            return Err(format!("a frame claims {kept} bytes in a block with room for {room}"));
        }
        let Some(interface) = self.interfaces.get_mut(packet.interface) else {
            self.orphan_frames += 1;
            return Ok(());
        };
        let options = body.get(packet.options_at..).unwrap_or_default();
        let lost = packet.lost.saturating_add(options::lost_since_last(self.order, options));
        if lost > 0 {
            let news = interface.lost_more(lost);
            count_lost(output, news);
        }
        if let Some(ticks) = packet.ticks {
            self.last_at = interface.time(ticks);
        }
        let frame = FrameMeta {
            at: self.last_at,
            link: interface.link,
            offset: 0,
            kept_bytes: kept as u32,
            wire_bytes: packet.wire_bytes.max(kept as u32),
        };
        output.push(at + packet.frame_at, frame);
        Ok(())
    }
}

impl Format for Pcapng {
    fn index(&mut self, window: &[u8], output: &mut Output<'_>) -> Step {
        let mut consumed = 0;
        loop {
            let rest = window.get(consumed..).unwrap_or_default();
            if rest.len() < HEAD_BYTES {
                return Step { consumed, then: Then::Need(HEAD_BYTES) };
            }
            let damaged = |what: &str, output: &Output<'_>| {
                let place = output.place(consumed);
                let why = format!("damaged at byte {place}: {what}; what follows was not read");
                Step { consumed, then: Then::Stop(why) }
            };
            if let Some(total) = self.plain_packet(rest, consumed, output) {
                consumed += total;
                continue;
            }
            let kind = self.order.u32(rest, 0).unwrap_or_default();
            if kind == SECTION_HEADER {
                let Some(order) = section_order(rest) else {
                    return damaged("a section header without byte-order magic", output);
                };
                self.order = order;
            }
            let extent = match self.extent(rest, kind) {
                Ok(extent) => extent,
                Err(what) => return damaged(&what, output),
            };
            if rest.len() < extent.wanted {
                return Step { consumed, then: Then::Need(extent.wanted) };
            }
            if let Err(what) = self.trailer(rest, &extent) {
                return damaged(&what, output);
            }
            // The same whatever the window happens to hold beyond it, so that reading does not depend on chunk sizes.
            let body = rest.get(..extent.wanted.min(extent.total - TRAILER_BYTES)).unwrap_or_default();
            if let Err(what) = self.block(kind, body, consumed, output) {
                return damaged(&what, output);
            }
            if rest.len() < extent.total {
                let beyond = (extent.total - rest.len()) as u64;
                return Step { consumed: window.len(), then: Then::Skip(beyond) };
            }
            consumed += extent.total;
        }
    }

    fn finish(&mut self, output: &mut Output<'_>) {
        if self.orphan_frames > 0 {
            let note = format!(
                "{} frames of interfaces that the file does not describe were left out",
                self.orphan_frames
            );
            output.counters.damage(note);
        }
    }
}

impl Pcapng {
    /// Compares the length at the end of a block with the one at its start; not in blocks that are stepped over.
    #[inline]
    fn trailer(&self, rest: &[u8], extent: &Extent) -> Result<(), String> {
        if extent.wanted < extent.total {
            return Ok(());
        }
        let last = self.order.u32(rest, extent.total - TRAILER_BYTES).unwrap_or_default();
        if (last as usize).next_multiple_of(4) == extent.total {
            return Ok(());
        }
        Err(format!("a block says at its start that it has {} bytes, at its end {last}", extent.total))
    }
}

/// Adds frames that the file says were lost.
fn count_lost(output: &mut Output<'_>, lost: u64) {
    let dropped = &mut output.counters.dropped;
    *dropped = Some(dropped.unwrap_or(0).saturating_add(lost));
}

/// The link type of an interface description.
fn link_type(order: ByteOrder, body: &[u8]) -> LinkType {
    LinkType::from_number(order.u16(body, 8).unwrap_or_default().into())
}
