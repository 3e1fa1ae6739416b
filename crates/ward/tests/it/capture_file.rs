//! Capture files, built here byte by byte from the standards, read through `open_reader` as the pipeline does.

mod build;
mod corpus;
mod foreign;
mod hostile;
mod packed;
mod pcap;
mod pcapng;

use std::io::{Cursor, Read};

use sense::LinkType;
use ward::capture::{Block, Capture, Counters, Progress, open_reader};

/// A frame, owned, to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    at_ns: u64,
    link: LinkType,
    bytes: Vec<u8>,
    wire_bytes: u32,
}

/// Everything that a capture gives, and its totals at the end.
fn drain(capture: &mut dyn Capture) -> (Vec<Seen>, Counters) {
    let (mut block, mut frames) = (Block::new(), Vec::new());
    loop {
        match capture.next_block(&mut block).unwrap() {
            Progress::More => assert!(!block.is_empty()),
            Progress::Idle => panic!("a file is never idle"),
            Progress::End => break,
        }
        frames.extend(block.frames().map(|frame| Seen {
            at_ns: frame.at.as_nanos(),
            link: frame.link,
            bytes: frame.bytes.to_vec(),
            wire_bytes: frame.wire_bytes,
        }));
    }
    assert!(block.is_empty());
    assert_eq!(capture.next_block(&mut block).unwrap(), Progress::End, "the end stays the end");
    let counters = capture.counters();
    assert_eq!(counters.frames, frames.len() as u64);
    assert_eq!(counters.bytes, frames.iter().map(|frame| frame.bytes.len() as u64).sum::<u64>());
    (frames, counters)
}

/// Reads a whole file that is expected to open.
fn read(file: &[u8]) -> (Vec<Seen>, Counters) {
    let mut capture =
        open_reader("test", Box::new(Cursor::new(file.to_vec())), Some(file.len() as u64)).unwrap();
    let (frames, counters) = drain(&mut *capture);
    assert_eq!(counters.source_bytes_total, Some(file.len() as u64));
    (frames, counters)
}

/// The error of a file that is expected not to open.
fn error(file: &[u8]) -> String {
    match open_reader("test", Box::new(Cursor::new(file.to_vec())), None) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

/// Gives bytes in pieces of the sizes listed, over and over: a slow pipe.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    sizes: Vec<usize>,
    turn: usize,
}

impl Trickle {
    fn new(bytes: &[u8], sizes: &[usize]) -> Self {
        Self { bytes: Cursor::new(bytes.to_vec()), sizes: sizes.to_vec(), turn: 0 }
    }
}

impl Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].clamp(1, into.len());
        self.turn += 1;
        self.bytes.read(&mut into[..size])
    }
}
