//! The kernel's receive ring, shared memory of TPACKET_V3 blocks (packet_mmap.rst). Hands out one block at a time as a
//! plain slice and gives it back; everything inside a block is read with checked slices elsewhere.
#![expect(
    unsafe_code,
    reason = "memory shared with the kernel; the two invariants below make the slices sound"
)]

use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::socket::PacketSocket;

/// Bytes of a ring block: a multiple of every page size, and room for the largest merged frame.
pub(super) const BLOCK_BYTES: usize = 1024 * 1024;

/// Where `block_status` lies in a block: after the version and the private offset.
const STATUS_AT: usize = 8;

/// A mapped ring. INVARIANT: the mapping covers `blocks` × [`BLOCK_BYTES`] until `drop`.
/// INVARIANT: a block whose status has TP_STATUS_USER is ours: the kernel does not touch it until the bit is cleared.
#[derive(Debug)]
pub(super) struct Ring {
    start: NonNull<u8>,
    blocks: NonZeroUsize,
    /// The block that the kernel fills next.
    next: usize,
}

// SAFETY: the mapping is reachable through this value alone and does not depend on the thread.
unsafe impl Send for Ring {}

impl Ring {
    /// Asks the socket for a ring of so many blocks and maps it.
    pub(super) fn map(socket: &PacketSocket, blocks: NonZeroUsize) -> io::Result<Self> {
        socket.request_ring(BLOCK_BYTES as u32, u32::try_from(blocks.get()).unwrap_or(u32::MAX))?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping at a place of the kernel's choosing; the result is checked.
        let start = unsafe {
            let length = blocks.get() * BLOCK_BYTES;
            libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, socket.raw(), 0)
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(first) if start != libc::MAP_FAILED => Ok(Self { start: first, blocks, next: 0 }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Calls `read` with the next block that the kernel has filled, and gives the block back; `None` if there is none.
    pub(super) fn take<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        // SAFETY: `next` < `blocks`, so the block and its status lie in the mapping; blocks are page-aligned, so the
        // status is aligned; the kernel writes it with full words, so it is only ever accessed as an atomic.
        let (block, status) = unsafe {
            let block = self.start.add(self.next * BLOCK_BYTES);
            (block, AtomicU32::from_ptr(block.add(STATUS_AT).cast().as_ptr()))
        };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: by the second invariant nobody writes to the block while the slice lives; it ends before the store.
        let result = read(unsafe { std::slice::from_raw_parts(block.as_ptr(), BLOCK_BYTES) });
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % self.blocks;
        Some(result)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: exactly what `map` mapped, and no slice of it outlives `take`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.blocks.get() * BLOCK_BYTES) };
    }
}
