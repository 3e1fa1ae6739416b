//! Standard input that Ctrl-C can end: a plain read of a silent pipe would wait for the pipe, whatever the operator wants.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks read ahead.
const CHUNKS_AHEAD: usize = 4;
/// How often a silent pipe is left to look at `stop`.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Standard input, read by a thread of its own; it ends when the pipe does or `stop` is set.
pub(super) struct StoppableInput {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
    stop: &'static AtomicBool,
}

impl StoppableInput {
    pub(super) fn start(stop: &'static AtomicBool) -> Self {
        let (send, chunks) = sync_channel(CHUNKS_AHEAD);
        // Not joined: it may wait for the pipe for ever, and ends with the process.
        std::thread::spawn(move || {
            let mut input = io::stdin().lock();
            let mut buffer = vec![0; CHUNK_BYTES];
            loop {
                let chunk = match input.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(read) => Ok(buffer.get(..read).unwrap_or_default().to_vec()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let is_over = chunk.is_err();
                if send.send(chunk).is_err() || is_over {
                    return;
                }
            }
        });
        Self { chunks, chunk: io::Cursor::default(), stop }
    }
}

impl Read for StoppableInput {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.chunk.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            if self.stop.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match self.chunks.recv_timeout(LOOK_UP) {
                Ok(chunk) => self.chunk = io::Cursor::new(chunk?),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}
