//! Frames in: a capture file, a pipe, or an interface that Ward listens on.
//!
//! Reads and never sends: there is no send path in this module, and a live capture seals the process against sending
//! (`live::seal`). Knows nothing of what the frames mean. Formats: pcap as libpcap writes it (pcap-savefile(5),
//! draft-ietf-opsawg-pcap), pcapng (draft-ietf-opsawg-pcapng), both also inside gzip (RFC 1952) or zstd (RFC 8878).
//! This folder is the only place in the workspace where `unsafe` is allowed, and only below `live`.

mod block;
mod byteorder;
mod error;
mod index;
mod live;
mod pcap;
mod pcapng;
mod recognise;
mod source;
mod stream;
mod zstd;

pub use block::Block;
pub use error::CaptureError;
pub use live::{LiveOptions, RING_BYTES_DEFAULT, WORKERS_MAX, check_live, drop_privileges, open_live};
pub use source::{open_file, open_reader};

/// Longest frame that is kept, in bytes: what libpcap calls MAXIMUM_SNAPLEN. A record that claims more is damage.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;

/// Most notes that one capture keeps; further ones are counted in the last.
pub const NOTES_MAX: usize = 16;

/// Where frames come from.
///
/// - **Order**: frames come in the order of the source. Times are what the source says and may go backwards (several
///   interfaces in one file, clocks that are set); live, each fanout worker keeps its own order.
/// - **Blocking**: a file or pipe blocks until at least one frame is whole, the source ends, or it fails; a live
///   capture returns `Idle` after 100 ms without a frame, or at once when a signal arrives.
/// - **Truncation**: a frame may hold fewer bytes than it had on the wire (`Frame::wire_bytes`); it is still delivered.
///   A source that ends inside a record, or is damaged, delivers everything before that place, then `End`;
///   [`Counters::partly_read`] and a note say where. No resynchronisation is tried after damage.
/// - **Errors**: files report what is wrong with the whole in `open_file`; after that they end with a note instead of an
///   error. Live, `Err` says that the interface went down or away; the block is empty, nothing delivered before is
///   invalid, and calling again is allowed: it resumes when the interface comes back.
/// - **Threads**: `Send`, one thread at a time; the `Block` may differ from call to call.
pub trait Capture: Send {
    /// Fills `block` with the next frames, clearing it first. After `End` every further call gives `End` again.
    fn next_block(&mut self, block: &mut Block) -> Result<Progress, CaptureError>;

    /// Totals since the capture was opened; live, asks the kernel for its drops.
    fn counters(&self) -> Counters;
}

/// What a call of [`Capture::next_block`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The block holds at least one frame.
    More,
    /// Nothing came for 100 ms (live only); the block is empty.
    Idle,
    /// The source is exhausted; the block is empty.
    End,
}

/// Totals of a capture since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames delivered.
    pub frames: u64,
    /// Bytes of those frames, as captured.
    pub bytes: u64,
    /// Frames the kernel or the capturing program says it lost; `None` when it does not say.
    pub dropped: Option<u64>,
    /// Frames delivered with fewer bytes than they had on the wire.
    pub cut_frames: u64,
    /// Bytes consumed of the file, pipe or socket, before any decompression: what progress is measured in.
    pub source_bytes_read: u64,
    /// Size of the source in bytes, where it has one.
    pub source_bytes_total: Option<u64>,
    /// Something in the source could not be read; `notes` say what.
    pub partly_read: bool,
    /// What a person should know about this capture: lower case, without the name of the source.
    pub notes: Vec<String>,
}

impl Counters {
    /// Adds a note, at most [`NOTES_MAX`].
    fn note(&mut self, note: String) {
        match self.notes.len() {
            0..NOTES_MAX => self.notes.push(note),
            NOTES_MAX => self.notes.push("further notes left out".to_owned()),
            _ => {}
        }
    }

    /// Adds a note about something that could not be read.
    fn damage(&mut self, note: String) {
        self.partly_read = true;
        self.note(note);
    }
}
