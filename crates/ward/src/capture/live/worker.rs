//! One listener: a ring, and the copy out of it into the pipeline's block, VLAN tags put back where they were.

use std::cell::Cell;
use std::io;
use std::num::NonZeroUsize;

use model::Timestamp;
use sense::LinkType;

use super::super::block::FrameMeta;
use super::super::{Block, Capture, CaptureError, Counters, Progress};
use super::interface::Interface;
use super::ring::{BLOCK_BYTES, Ring};
use super::socket::{Fanout, Lost, PacketSocket};
use super::{LiveOptions, WORKERS_MAX, seal};

/// How long a call waits for a frame, in milliseconds.
const WAIT_MS: i32 = 100;

/// Fewest ring blocks of a worker: one being read, some being filled.
const RING_BLOCKS_MIN: usize = 4;

/// Frames of one ring block at most: the smallest slot is its header (48 bytes), padded.
const BLOCK_FRAMES_MAX: u32 = (BLOCK_BYTES / 48) as u32;

/// Destination and source address: the tag goes after them (IEEE 802.1Q clause 9.3).
const MAC_ADDRESSES_BYTES: usize = 12;

/// The tag protocol when the kernel does not say: a customer VLAN tag.
const TPID_DEFAULT: u16 = 0x8100;

const NS_PER_S: u64 = 1_000_000_000;

/// Opens, binds and seals; the order matters and is explained where it does.
pub(super) fn open(name: &str, options: &LiveOptions) -> Result<Vec<Box<dyn Capture>>, CaptureError> {
    let interface = Interface::find(name)?;
    // Before the interface is changed: without the right to listen nothing should change.
    let first = PacketSocket::open().map_err(|error| refused(name, "opening a packet socket", error))?;
    if options.prepare_interface {
        interface.prepare()?;
    }
    interface.check(options.own_interface)?;
    let workers = options.workers.clamp(1, WORKERS_MAX);
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(PacketSocket::open().map_err(|error| refused(name, "opening a packet socket", error))?);
    }
    let blocks = (options.ring_bytes / workers / BLOCK_BYTES).max(RING_BLOCKS_MIN);
    let blocks = NonZeroUsize::new(blocks).unwrap_or(NonZeroUsize::MIN);
    let mut listeners = Vec::with_capacity(workers);
    for socket in sockets {
        listeners.push(Listener::start(socket, &interface, blocks)?);
    }
    gather(&listeners, name)?;
    let descriptors: Vec<_> = listeners.iter().map(|listener| listener.socket.raw()).collect();
    seal::deny_sending(&descriptors)?;
    Ok(listeners.into_iter().map(|listener| Box::new(listener) as Box<dyn Capture>).collect())
}

/// What [`open`] asks before it changes anything.
pub(super) fn check(name: &str, own_interface: bool) -> Result<(), CaptureError> {
    let interface = Interface::find(name)?;
    PacketSocket::open().map_err(|error| refused(name, "opening a packet socket", error))?;
    interface.check(own_interface)
}

/// Lets the listeners share the traffic, then opens all of them: until then each is shut, or frames that come while
/// the second joins would be seen twice.
fn gather(listeners: &[Listener], name: &str) -> Result<(), CaptureError> {
    let mut membership = Fanout::Found;
    if listeners.len() > 1 {
        for listener in listeners {
            let group = listener.socket.fanout(membership);
            let group = group.map_err(|error| refused(name, "sharing the interface among workers", error))?;
            membership = Fanout::Join(group);
        }
    }
    for listener in listeners {
        listener.socket.unshut().map_err(|error| refused(name, "starting to listen", error))?;
    }
    Ok(())
}

/// A capture on one interface.
struct Listener {
    name: String,
    link: LinkType,
    // The ring first: unmapped before the socket closes.
    ring: Ring,
    socket: PacketSocket,
    counters: Counters,
    /// The kernel forgets its drops when asked, and `counters` asks from behind a shared reference.
    lost: Cell<Lost>,
}

impl Listener {
    /// Sets the socket up and binds it, shut.
    fn start(
        socket: PacketSocket,
        interface: &Interface,
        blocks: NonZeroUsize,
    ) -> Result<Self, CaptureError> {
        let name = interface.name();
        let ring =
            Ring::map(&socket, blocks).map_err(|error| refused(name, "mapping the receive ring", error))?;
        let start = || {
            socket.shut()?;
            // Loopback shows each frame going out and coming in; keep one of them.
            if interface.is_loopback() {
                socket.ignore_outgoing()?;
            }
            socket.promiscuous(interface.number())?;
            socket.bind(interface.number())
        };
        start().map_err(|error| refused(name, "binding to the interface", error))?;
        let (counters, lost) = (Counters { dropped: Some(0), ..Counters::default() }, Cell::default());
        Ok(Self { name: name.to_owned(), link: interface.link()?, ring, socket, counters, lost })
    }

    /// Copies the next ring block, if there is one.
    fn take(&mut self, block: &mut Block) -> bool {
        let (link, counters) = (self.link, &mut self.counters);
        self.ring.take(|filled| copy(filled, link, block, counters)).is_some()
    }

    fn gone(&self, error: io::Error) -> CaptureError {
        match error.raw_os_error() {
            Some(libc::ENETDOWN | libc::ENODEV | libc::ENXIO) => {
                CaptureError::InterfaceLost { interface: self.name.clone() }
            }
            _ => refused(&self.name, "waiting for frames", error),
        }
    }
}

impl Capture for Listener {
    fn next_block(&mut self, block: &mut Block) -> Result<Progress, CaptureError> {
        block.clear();
        if self.take(block) && !block.is_empty() {
            return Ok(Progress::More);
        }
        let ready = self.socket.wait(WAIT_MS).map_err(|error| self.gone(error))?;
        let more = ready && self.take(block) && !block.is_empty();
        Ok(if more { Progress::More } else { Progress::Idle })
    }

    fn counters(&self) -> Counters {
        let mut lost = self.lost.get();
        if let Ok(news) = self.socket.lost() {
            lost.frames = lost.frames.saturating_add(news.frames);
            lost.freezes = lost.freezes.saturating_add(news.freezes);
            self.lost.set(lost);
        }
        let mut counters = Counters { dropped: Some(lost.frames), ..self.counters.clone() };
        counters.source_bytes_read = counters.bytes;
        if lost.freezes > 0 {
            counters.note(format!("the ring was full {} times; a larger one loses less", lost.freezes));
        }
        counters
    }
}

/// Copies the frames of a TPACKET_V3 block. Offsets come from the kernel and are checked all the same.
pub(super) fn copy(filled: &[u8], link: LinkType, block: &mut Block, counters: &mut Counters) {
    let word = |at: usize| filled.get(at..)?.first_chunk().map(|raw| u32::from_ne_bytes(*raw));
    let half = |at: usize| filled.get(at..)?.first_chunk().map(|raw| u16::from_ne_bytes(*raw));
    // Slots are longer than frame and tag together, so what fits the ring block fits ours.
    block.reserve(BLOCK_BYTES);
    let (Some(frames), Some(first)) = (word(12), word(16)) else { return };
    let (mut slot, mut end) = (first as usize, 0);
    for _ in 0..frames.min(BLOCK_FRAMES_MAX) {
        let Some(header) = Slot::read(slot, word, half) else { return };
        let frame = filled.get(header.start..header.start.saturating_add(header.kept_bytes as usize));
        let Some(frame) = frame else { return };
        let Some(kept_bytes) = append(block, end, frame, header.tag(link)) else { return };
        let grown = kept_bytes - header.kept_bytes;
        let wire_bytes = header.wire_bytes.saturating_add(grown).max(kept_bytes);
        block.frames.push(FrameMeta { at: header.at, link, offset: end as u32, kept_bytes, wire_bytes });
        counters.frames += 1;
        counters.bytes += u64::from(kept_bytes);
        counters.cut_frames += u64::from(wire_bytes > kept_bytes);
        end += kept_bytes as usize;
        match header.next {
            0 => return,
            next => slot = slot.saturating_add(next as usize),
        }
    }
}

/// `struct tpacket3_hdr` (linux/if_packet.h), as far as it is needed.
struct Slot {
    next: u32,
    at: Timestamp,
    kept_bytes: u32,
    wire_bytes: u32,
    status: u32,
    start: usize,
    tci: u32,
    tpid: u16,
}

impl Slot {
    fn read(
        at: usize,
        word: impl Fn(usize) -> Option<u32>,
        half: impl Fn(usize) -> Option<u16>,
    ) -> Option<Self> {
        let field = |offset: usize| word(at.saturating_add(offset));
        let short = |offset: usize| half(at.saturating_add(offset));
        let nanos = u64::from(field(4)?) * NS_PER_S + u64::from(field(8)?);
        Some(Self {
            next: field(0)?,
            at: Timestamp::from_nanos(nanos),
            kept_bytes: field(12)?,
            wire_bytes: field(16)?,
            status: field(20)?,
            start: at.saturating_add(short(24)?.into()),
            tci: field(32)?,
            tpid: short(36)?,
        })
    }

    /// The VLAN tag that the kernel took out of the frame.
    fn tag(&self, link: LinkType) -> Option<[u8; 4]> {
        if self.status & libc::TP_STATUS_VLAN_VALID == 0 || link != LinkType::Ethernet {
            return None;
        }
        let stated = self.status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
        let [p0, p1] = if stated { self.tpid } else { TPID_DEFAULT }.to_be_bytes();
        let [t0, t1] = (self.tci as u16).to_be_bytes();
        Some([p0, p1, t0, t1])
    }
}

/// Appends a frame at `end`, its tag where it was on the wire; returns its length, or `None` without room.
fn append(block: &mut Block, end: usize, frame: &[u8], tag: Option<[u8; 4]>) -> Option<u32> {
    let split = tag.and_then(|tag| Some((tag, frame.split_at_checked(MAC_ADDRESSES_BYTES)?)));
    let Some((tag, (addresses, rest))) = split else {
        block.bytes.get_mut(end..)?.get_mut(..frame.len())?.copy_from_slice(frame);
        return u32::try_from(frame.len()).ok();
    };
    let length = frame.len() + tag.len();
    let room = block.bytes.get_mut(end..)?.get_mut(..length)?;
    let (front, room) = room.split_at_mut_checked(MAC_ADDRESSES_BYTES)?;
    let (middle, back) = room.split_at_mut_checked(tag.len())?;
    front.copy_from_slice(addresses);
    middle.copy_from_slice(&tag);
    back.copy_from_slice(rest);
    u32::try_from(length).ok()
}

/// A system call that failed while the capture was set up.
fn refused(name: &str, doing: &'static str, source: io::Error) -> CaptureError {
    let interface = name.to_owned();
    match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => CaptureError::NotPermitted { interface },
        Some(libc::ENOMEM) => {
            CaptureError::System { interface, doing, source, way_out: "use a smaller ring, or fewer workers" }
        }
        _ => CaptureError::System {
            interface,
            doing,
            source,
            way_out: "a kernel of 4.20 or later with packet sockets (CONFIG_PACKET) is needed",
        },
    }
}
