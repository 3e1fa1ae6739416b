//! zstd streams of any number of frames (RFC 8878), as `zstd` and appliances with a compressed spool write them.
//! Memory is bounded by the window, whatever the frame claims to hold.

use std::io::{self, BufRead, BufReader, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Largest window that is accepted, in bytes: what `zstd -d` accepts without `--long`.
const WINDOW_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Bytes of the packed source read at a time.
const PACKED_BYTES: usize = 64 * 1024;

/// Decoded at a time into the window, in bytes.
const DECODE_BYTES: usize = 256 * 1024;

/// Unpacks frame after frame; skippable frames are skipped.
pub(super) struct ZstdReader {
    source: BufReader<Box<dyn Read + Send>>,
    decoder: FrameDecoder,
}

impl ZstdReader {
    /// Starts at a frame's magic.
    pub(super) fn new(source: Box<dyn Read + Send>) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_BYTES_MAX);
        Self { source: BufReader::with_capacity(PACKED_BYTES, source), decoder }
    }

    /// Begins the next frame; false at the end of the source.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(damage(error)),
            }
        }
        Ok(false)
    }
}

impl Read for ZstdReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(into);
            }
            if self.decoder.is_finished() {
                if !self.next_frame()? {
                    return Ok(0);
                }
                continue;
            }
            let step = BlockDecodingStrategy::UptoBytes(DECODE_BYTES.min(into.len().max(1)));
            self.decoder.decode_blocks(&mut self.source, step).map_err(damage)?;
        }
    }
}

fn damage(error: FrameDecoderError) -> io::Error {
    match error {
        FrameDecoderError::WindowSizeTooBig { requested, .. } => io::Error::other(format!(
            "compressed with a window of {} MiB (at most {} are unpacked); unpack it first: zstd -d --long=31",
            requested >> 20,
            WINDOW_BYTES_MAX >> 20
        )),
        error => io::Error::other(format!("damaged zstd stream: {error}")),
    }
}
