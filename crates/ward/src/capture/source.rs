//! Opening: finds out what a file or pipe is by its first bytes, unpacks it if need be, and starts the right reader.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, ErrorKind, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::pcap::{self, Pcap};
use super::pcapng::{self, Pcapng};
use super::recognise::{HEAD_BYTES, Kind, MAGIC_BYTES, recognise};
use super::stream::{Source, StreamCapture, read_retrying};
use super::zstd::ZstdReader;
use super::{Capture, CaptureError};

/// Layers of compression that are unpacked: one is usual, two happen when a backup packs a packed file.
const LAYERS_MAX: usize = 2;

/// Bytes of the packed source read at a time.
const PACKED_BYTES: usize = 64 * 1024;

/// Opens a capture file, `-` for standard input. Recognises pcap and pcapng, plain or in gzip or zstd, by content.
///
/// Blocks until the first bytes are there. Everything that is wrong with the file as a whole is an error here.
pub fn open_file(path: &Path) -> Result<Box<dyn Capture>, CaptureError> {
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            return Err(CaptureError::Terminal);
        }
        return open_reader("standard input", Box::new(io::stdin()), None);
    }
    let input = path.display().to_string();
    let file = File::open(path).map_err(|error| unreadable(&input, error))?;
    let metadata = file.metadata().map_err(|error| unreadable(&input, error))?;
    if metadata.is_dir() {
        return Err(CaptureError::Directory { input });
    }
    let total = metadata.is_file().then_some(metadata.len());
    open_reader(&input, Box::new(file), total)
}

/// Opens a capture from anything that gives bytes; `name` stands for it in messages, `total` is its size if known.
pub fn open_reader(
    name: &str,
    reader: Box<dyn Read + Send>,
    total: Option<u64>,
) -> Result<Box<dyn Capture>, CaptureError> {
    let consumed = Arc::new(AtomicU64::new(0));
    let mut reader: Box<dyn Read + Send> = Box::new(Counting { reader, consumed: Arc::clone(&consumed) });
    for layer in 0..=LAYERS_MAX {
        let mut head = Vec::new();
        read_head(&mut reader, &mut head, MAGIC_BYTES).map_err(|error| unreadable(name, error))?;
        let kind = recognise(&head);
        match kind {
            Kind::Gzip | Kind::Zstd if layer == LAYERS_MAX => break,
            Kind::Gzip | Kind::Zstd => reader = unpacked(kind, Cursor::new(head).chain(reader)),
            _ => return open_unpacked(name, kind, Source { reader, head, consumed, total }),
        }
    }
    Err(CaptureError::Nested { input: name.to_owned(), layers: LAYERS_MAX + 1 })
}

fn unpacked(kind: Kind, packed: Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>) -> Box<dyn Read + Send> {
    match kind {
        Kind::Zstd => Box::new(ZstdReader::new(Box::new(packed))),
        _ => Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED_BYTES, packed))),
    }
}

fn open_unpacked(name: &str, kind: Kind, source: Source) -> Result<Box<dyn Capture>, CaptureError> {
    let input = name.to_owned();
    match kind {
        Kind::Pcap => open_pcap(input, source),
        Kind::Pcapng => open_pcapng(input, source),
        Kind::OtherCapture(format, way_out) => {
            Err(CaptureError::Unsupported { input, format: format.to_owned(), way_out })
        }
        _ if source.head.is_empty() => Err(CaptureError::Empty { input }),
        Kind::Foreign(looks_like, way_out) => Err(CaptureError::NotACapture { input, looks_like, way_out }),
        Kind::Gzip | Kind::Zstd => Err(CaptureError::Nested { input, layers: LAYERS_MAX + 1 }),
    }
}

fn open_pcap(input: String, mut source: Source) -> Result<Box<dyn Capture>, CaptureError> {
    complete_head(&input, &mut source, pcap::HEADER_BYTES)?;
    match Pcap::open(&source.head) {
        Ok(format) => Ok(Box::new(StreamCapture::new(source, format, pcap::HEADER_BYTES))),
        Err(pcap::HeaderError::Version(major, minor)) => Err(CaptureError::Unsupported {
            input,
            format: format!("pcap version {major}.{minor}"),
            way_out: "convert it: editcap -F pcap IN OUT",
        }),
        Err(pcap::HeaderError::NotPcap | pcap::HeaderError::Short) => Err(CaptureError::DamagedHeader {
            input,
            what: "the pcap header is damaged".to_owned(),
            offset: 0,
        }),
    }
}

fn open_pcapng(input: String, mut source: Source) -> Result<Box<dyn Capture>, CaptureError> {
    /// Type, length and byte-order magic.
    const FIRST_BYTES: usize = 12;
    complete_head(&input, &mut source, FIRST_BYTES)?;
    match pcapng::section_order(&source.head) {
        Some(order) => Ok(Box::new(StreamCapture::new(source, Pcapng::new(order), 0))),
        None => Err(CaptureError::DamagedHeader {
            input,
            what: "the pcapng section header has no byte-order magic".to_owned(),
            offset: 8,
        }),
    }
}

/// Reads on until the head has `wanted` bytes.
fn complete_head(input: &str, source: &mut Source, wanted: usize) -> Result<(), CaptureError> {
    read_head(&mut source.reader, &mut source.head, wanted).map_err(|error| unreadable(input, error))?;
    let have = source.head.len();
    if have < wanted {
        let what = format!("the file ends inside its header ({have} of {wanted} bytes)");
        return Err(CaptureError::DamagedHeader { input: input.to_owned(), what, offset: have as u64 });
    }
    Ok(())
}

/// Reads until `head` has at least `wanted` bytes or the source ends; takes what one read gives, so that a pipe that
/// has sent its header is not waited upon for more.
fn read_head(reader: &mut dyn Read, head: &mut Vec<u8>, wanted: usize) -> io::Result<()> {
    let mut chunk = [0; HEAD_BYTES];
    while head.len() < wanted {
        let read = read_retrying(reader, &mut chunk)?;
        if read == 0 {
            break;
        }
        head.extend_from_slice(chunk.get(..read).unwrap_or_default());
    }
    Ok(())
}

fn unreadable(input: &str, source: io::Error) -> CaptureError {
    let input = input.to_owned();
    match source.kind() {
        ErrorKind::NotFound => CaptureError::Missing { input },
        ErrorKind::PermissionDenied => CaptureError::Denied { input },
        ErrorKind::IsADirectory => CaptureError::Directory { input },
        _ => CaptureError::Unreadable { input, source },
    }
}

/// Counts the bytes of the source itself: progress is measured before decompression.
struct Counting {
    reader: Box<dyn Read + Send>,
    consumed: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into)?;
        self.consumed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
