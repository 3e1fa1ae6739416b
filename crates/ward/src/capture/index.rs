//! The seam between "bytes arrive" (`stream`) and "where are the frames in them" (`pcap`, `pcapng`).

use super::Counters;
use super::block::FrameMeta;

/// A capture format: finds the records in a window of the stream, in place, without copying them.
pub(super) trait Format: Send {
    /// Indexes the whole records at the start of `window` and says what must happen next. Must consume, need more than
    /// `window` holds, or stop: anything else would stand still.
    fn index(&mut self, window: &[u8], output: &mut Output<'_>) -> Step;

    /// Called once when nothing more comes: the time for notes about the whole.
    fn finish(&mut self, _output: &mut Output<'_>) {}
}

/// Where a format puts what it found.
pub(super) struct Output<'a> {
    /// Where `window` starts in the block's buffer.
    pub(super) base: usize,
    /// Where `window` starts in the (unpacked) stream: what messages name.
    pub(super) stream_offset: u64,
    pub(super) frames: &'a mut Vec<FrameMeta>,
    pub(super) counters: &'a mut Counters,
}

impl Output<'_> {
    /// Adds a frame whose bytes start at `at` of the window. INVARIANT: the window holds them all.
    #[inline]
    pub(super) fn push(&mut self, at: usize, mut frame: FrameMeta) {
        // The buffer is a few hundred KiB, so its offsets fit.
        frame.offset = (self.base + at) as u32;
        self.counters.frames += 1;
        self.counters.bytes += u64::from(frame.kept_bytes);
        self.counters.cut_frames += u64::from(frame.wire_bytes > frame.kept_bytes);
        self.frames.push(frame);
    }

    /// The place in the stream of offset `at` of the window.
    pub(super) fn place(&self, at: usize) -> u64 {
        self.stream_offset.saturating_add(at as u64)
    }
}

/// What a format made of a window.
#[derive(Debug)]
pub(super) struct Step {
    /// Bytes of the window that are done with.
    pub(super) consumed: usize,
    pub(super) then: Then,
}

#[derive(Debug)]
pub(super) enum Then {
    /// The next record needs this many bytes from `consumed` on; more than the window has.
    Need(usize),
    /// The whole window is consumed, and so many bytes after it are of no interest.
    Skip(u64),
    /// Nothing after `consumed` can be read; why, for the operator.
    Stop(String),
}
