//! One batch of frames and the buffer that holds them; filled by a capture, borrowed by the pipeline, filled again.

use model::Timestamp;
use sense::{Frame, LinkType};

/// A batch of frames in one buffer, made to be reused: no allocation per frame, none per batch once it has grown.
/// Holds at most about 1 MiB of a file, or one ring block of a live capture.
#[derive(Debug, Default)]
pub struct Block {
    /// Initialised once and never shrunk, so that refilling costs no zeroing; what counts is what `frames` point at.
    pub(super) bytes: Vec<u8>,
    pub(super) frames: Vec<FrameMeta>,
}

/// Where a frame lies in its block's bytes, and what the record header said of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameMeta {
    pub(super) at: Timestamp,
    pub(super) link: LinkType,
    pub(super) offset: u32,
    pub(super) kept_bytes: u32,
    pub(super) wire_bytes: u32,
}

impl Block {
    /// An empty block that has allocated nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The frames in capture order.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.frames.iter().map(|meta| self.frame(meta))
    }

    /// How many frames it holds.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether it holds no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Memory that it occupies, in bytes.
    pub fn bytes_held(&self) -> usize {
        self.bytes.capacity() + self.frames.capacity() * size_of::<FrameMeta>()
    }

    /// Forgets the frames and keeps the memory.
    pub fn clear(&mut self) {
        self.frames.clear();
    }

    fn frame(&self, meta: &FrameMeta) -> Frame<'_> {
        let start = meta.offset as usize;
        // INVARIANT: whoever pushes a FrameMeta has seen these bytes in the buffer; an empty slice, never a panic.
        let bytes = self.bytes.get(start..start.saturating_add(meta.kept_bytes as usize)).unwrap_or_default();
        Frame { at: meta.at, link: meta.link, bytes, wire_bytes: meta.wire_bytes }
    }

    /// Makes room for `bytes` bytes, all of them initialised.
    pub(super) fn reserve(&mut self, bytes: usize) {
        if self.bytes.len() < bytes {
            self.bytes.resize(bytes, 0);
        }
    }
}
