//! The reading loop of files and pipes: chunks go straight into the block's buffer, records are indexed where they lie,
//! and only the record that a chunk cuts in two is copied, to the front of the next block.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::index::{Format, Output, Step, Then};
use super::{Block, Capture, CaptureError, Counters, Progress};

/// Bytes asked for in one read: large enough to hide the system call, small enough to stay in the second-level cache.
pub(super) const READ_BYTES: usize = 256 * 1024;

/// Where a capture's bytes come from, opened and unpacked.
pub(super) struct Source {
    /// After decompression.
    pub(super) reader: Box<dyn Read + Send>,
    /// Read ahead to recognise the format; comes before what `reader` gives.
    pub(super) head: Vec<u8>,
    /// Bytes consumed of the packed source.
    pub(super) consumed: Arc<AtomicU64>,
    pub(super) total: Option<u64>,
}

/// A capture that reads `F` from a stream.
pub(super) struct StreamCapture<F> {
    reader: Box<dyn Read + Send>,
    format: F,
    /// Bytes read but not yet indexed: the record that the last chunk cut, at most one record and the first read.
    carry: Vec<u8>,
    /// Stream offset of the first byte of `carry`.
    offset: u64,
    /// Bytes that the next record needs in the window.
    need: usize,
    /// Bytes still to come that are of no interest.
    skip: u64,
    state: State,
    counters: Counters,
    consumed: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The source gave its last byte; what is left of it is at most a part of a record.
    Drained,
    Ended,
}

impl<F: Format> StreamCapture<F> {
    /// Starts after the first `header_bytes` bytes of the source's head, which the format has read.
    pub(super) fn new(source: Source, format: F, header_bytes: usize) -> Self {
        let carry = source.head.get(header_bytes..).unwrap_or_default().to_vec();
        Self {
            reader: source.reader,
            format,
            carry,
            offset: header_bytes as u64,
            need: 1,
            skip: 0,
            state: State::Reading,
            counters: Counters { source_bytes_total: source.total, ..Counters::default() },
            consumed: source.consumed,
        }
    }

    /// Reads once into `block` from `filled` on; returns the new fill.
    fn read_into(&mut self, block: &mut Block, filled: usize) -> usize {
        block.reserve((filled + READ_BYTES).max(self.need));
        let room = block.bytes.get_mut(filled..).unwrap_or_default();
        match read_retrying(&mut self.reader, room) {
            Ok(0) => self.state = State::Drained,
            Ok(read) => return filled + read,
            Err(error) => {
                let place = self.offset.saturating_add(filled as u64);
                self.counters
                    .damage(format!("reading failed at byte {place}: {error}; what follows was not read"));
                // What was read before is still indexed; the record that this cuts is part of this damage.
                self.state = State::Drained;
            }
        }
        filled
    }

    /// Indexes the first `filled` bytes of the block; returns how many are done with. INVARIANT: then fewer are left
    /// than are needed to go on, or the capture has ended.
    fn index(&mut self, block: &mut Block, filled: usize) -> usize {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(filled);
        self.skip -= skipped as u64;
        self.need = 1;
        if skipped == filled {
            return filled;
        }
        let window = block.bytes.get(skipped..filled).unwrap_or_default();
        let mut output = Output {
            base: skipped,
            stream_offset: self.offset.saturating_add(skipped as u64),
            frames: &mut block.frames,
            counters: &mut self.counters,
        };
        let Step { consumed, then } = self.format.index(window, &mut output);
        match then {
            Then::Need(bytes) => self.need = bytes,
            Then::Skip(bytes) => self.skip = bytes,
            Then::Stop(why) => {
                self.counters.damage(why);
                self.end(block);
            }
        }
        skipped + consumed
    }

    /// Nothing more comes: says so if a record was begun.
    fn finish(&mut self, block: &mut Block, left: usize) {
        if (left > 0 || self.skip > 0) && !self.counters.partly_read {
            let place = self.offset;
            self.counters
                .damage(format!("file ends inside a record at byte {place}; everything before was read"));
        }
        self.end(block);
    }

    fn end(&mut self, block: &mut Block) {
        self.state = State::Ended;
        self.carry = Vec::new();
        let mut output = Output {
            base: 0,
            stream_offset: self.offset,
            frames: &mut block.frames,
            counters: &mut self.counters,
        };
        self.format.finish(&mut output);
    }
}

impl<F: Format> Capture for StreamCapture<F> {
    fn next_block(&mut self, block: &mut Block) -> Result<Progress, CaptureError> {
        block.clear();
        let mut filled = self.carry.len();
        block.reserve(filled);
        if let Some(front) = block.bytes.get_mut(..filled) {
            front.copy_from_slice(&self.carry);
        }
        while self.state != State::Ended {
            if filled < self.need {
                match self.state {
                    State::Reading => filled = self.read_into(block, filled),
                    _ => self.finish(block, filled),
                }
                continue;
            }
            let done = self.index(block, filled);
            self.offset = self.offset.saturating_add(done as u64);
            if !block.is_empty() {
                self.carry.clear();
                self.carry.extend_from_slice(block.bytes.get(done..filled).unwrap_or_default());
                return Ok(Progress::More);
            }
            block.bytes.copy_within(done..filled, 0);
            filled -= done;
        }
        Ok(Progress::End)
    }

    fn counters(&self) -> Counters {
        let source_bytes_read = self.consumed.load(Ordering::Relaxed);
        Counters { source_bytes_read, ..self.counters.clone() }
    }
}

/// Reads once; a signal is no reason to stop.
pub(super) fn read_retrying(reader: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
