//! The packet socket: opened, set up, and from then on only polled. The one file where system calls on it are made.
#![expect(
    unsafe_code,
    reason = "packet sockets have no safe interface; every call here states why it is sound"
)]

use std::ffi::c_int;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Lowest descriptor number that a packet socket gets. The seal denies writing by number, so the number must not come
/// back for an ordinary file after the capture is closed: ordinary files get the lowest free one.
const DESCRIPTOR_MIN: RawFd = 512;

/// How long the kernel holds back a ring block that is not full, in milliseconds: the delay of quiet traffic.
const BLOCK_RETIRE_MS: u32 = 20;

/// A packet socket that listens; it is never written to.
#[derive(Debug)]
pub(super) struct PacketSocket {
    descriptor: OwnedFd,
}

/// Frames the kernel took and lost since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) frames: u64,
    /// How often the ring was full.
    pub(super) freezes: u64,
}

/// Which members a fanout group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fanout {
    /// Found a group with an id that no other process has.
    Found,
    /// Join the group with this id.
    Join(u16),
}

impl PacketSocket {
    /// A socket that receives nothing yet: protocol 0 keeps it silent until it is bound.
    pub(super) fn open() -> io::Result<Self> {
        // SAFETY: no pointers; the result is checked before it is used.
        let raw = check(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) })?;
        // SAFETY: `raw` was just opened and nobody else has it.
        let low = unsafe { OwnedFd::from_raw_fd(raw) };
        // SAFETY: no pointers; `low` is open.
        let high = unsafe { libc::fcntl(low.as_raw_fd(), libc::F_DUPFD_CLOEXEC, DESCRIPTOR_MIN) };
        // A low limit on open files (EINVAL) leaves the number as it is.
        let Ok(high) = check(high) else { return Ok(Self { descriptor: low }) };
        // SAFETY: `high` was just opened and nobody else has it.
        Ok(Self { descriptor: unsafe { OwnedFd::from_raw_fd(high) } })
    }

    pub(super) fn raw(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    /// Asks for a receive ring of TPACKET_V3 blocks.
    pub(super) fn request_ring(&self, block_bytes: u32, blocks: u32) -> io::Result<()> {
        /// Only a divisor for TPACKET_V3: frames lie packed in a block.
        const FRAME_BYTES: u32 = 2048;
        self.set(libc::SOL_PACKET, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V3 as c_int))?;
        let request = libc::tpacket_req3 {
            tp_block_size: block_bytes,
            tp_block_nr: blocks,
            tp_frame_size: FRAME_BYTES,
            tp_frame_nr: block_bytes / FRAME_BYTES * blocks,
            tp_retire_blk_tov: BLOCK_RETIRE_MS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        self.set(libc::SOL_PACKET, libc::PACKET_RX_RING, &request)
    }

    /// Lets nothing through: held while the workers join, so that no frame is seen by two of them.
    pub(super) fn shut(&self) -> io::Result<()> {
        let mut nothing =
            libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: 0 };
        let program = libc::sock_fprog { len: 1, filter: &raw mut nothing };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Lets everything through, and forgets what was lost before.
    pub(super) fn unshut(&self) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &0_i32)?;
        self.lost().map(drop)
    }

    /// Does not deliver what this machine sends.
    pub(super) fn ignore_outgoing(&self) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1_i32)
    }

    /// Sees frames for others too, for as long as the socket lives.
    pub(super) fn promiscuous(&self, interface: u32) -> io::Result<()> {
        let request = libc::packet_mreq {
            mr_ifindex: interface as c_int,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
    }

    /// Starts listening on one interface, to all protocols.
    pub(super) fn bind(&self, interface: u32) -> io::Result<()> {
        // SAFETY: all-zero is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = interface as c_int;
        let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: `address` is a whole sockaddr_ll of the length given and outlives the call.
        check(unsafe { libc::bind(self.raw(), (&raw const address).cast(), length) }).map(drop)
    }

    /// Shares the interface's frames with the group, by flow; fragments are put together first, so that they go with
    /// their flow. Returns the group's id.
    pub(super) fn fanout(&self, membership: Fanout) -> io::Result<u16> {
        let mode = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG;
        let (id, flags) = match membership {
            // Ids are shared by the whole network namespace: one from the process id can be another container's.
            Fanout::Found => (0, libc::PACKET_FANOUT_FLAG_UNIQUEID),
            Fanout::Join(id) => (id, 0),
        };
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &((mode | flags) << 16 | u32::from(id)))?;
        let state: u32 = self.get(libc::SOL_PACKET, libc::PACKET_FANOUT)?;
        Ok((state & 0xFFFF) as u16)
    }

    /// Frames lost since the last call: the kernel counts from zero each time.
    pub(super) fn lost(&self) -> io::Result<Lost> {
        let stats: libc::tpacket_stats_v3 = self.get(libc::SOL_PACKET, libc::PACKET_STATISTICS)?;
        Ok(Lost { frames: stats.tp_drops.into(), freezes: stats.tp_freeze_q_cnt.into() })
    }

    /// Waits for frames; false after `timeout_ms` without one or when a signal came.
    pub(super) fn wait(&self, timeout_ms: c_int) -> io::Result<bool> {
        let mut poll = libc::pollfd { fd: self.raw(), events: libc::POLLIN | libc::POLLERR, revents: 0 };
        // SAFETY: `poll` is one valid pollfd for the duration of the call.
        let ready = match check(unsafe { libc::poll(&raw mut poll, 1, timeout_ms) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            result => result?,
        };
        if poll.revents & libc::POLLERR != 0 {
            let error: c_int = self.get(libc::SOL_SOCKET, libc::SO_ERROR)?;
            return Err(io::Error::from_raw_os_error(error));
        }
        Ok(ready > 0)
    }

    fn set<T>(&self, level: c_int, name: c_int, value: &T) -> io::Result<()> {
        let length = size_of::<T>() as libc::socklen_t;
        // SAFETY: `value` is valid for `length` bytes and the kernel copies it before returning.
        check(unsafe { libc::setsockopt(self.raw(), level, name, (&raw const *value).cast(), length) })
            .map(drop)
    }

    /// Only for `T` for which all bytes are valid: integers and structs of them.
    fn get<T: Copy>(&self, level: c_int, name: c_int) -> io::Result<T> {
        let mut length = size_of::<T>() as libc::socklen_t;
        // SAFETY: `T` is an integer or a plain kernel struct of integers: zeros are a value of it.
        let mut value: T = unsafe { std::mem::zeroed() };
        // SAFETY: `value` has room for `length` bytes, and the kernel writes no more.
        check(unsafe {
            libc::getsockopt(self.raw(), level, name, (&raw mut value).cast(), &raw mut length)
        })?;
        Ok(value)
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
