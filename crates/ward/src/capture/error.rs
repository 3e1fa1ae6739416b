//! Why a capture could not be opened or went away: the input, the place in it, and the way out.

use std::io;

/// Why there are no frames. The operator's to fix, unless said otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// No such file.
    #[error("{input}: no such file; check the path")]
    Missing {
        /// As the operator wrote it.
        input: String,
    },
    /// A directory where a file was expected.
    #[error("{input}: is a directory; name a capture file in it")]
    Directory {
        /// As the operator wrote it.
        input: String,
    },
    /// The file may not be read by this user.
    #[error("{input}: permission denied; run as a user who may read it, or change its mode")]
    Denied {
        /// As the operator wrote it.
        input: String,
    },
    /// Nothing in it.
    #[error("{input}: is empty (0 bytes); the capture may have failed, or the copy is not complete")]
    Empty {
        /// As the operator wrote it.
        input: String,
    },
    /// Standard input is a keyboard.
    #[error("standard input is a terminal; pipe a capture into it: tcpdump -w - … | ward scan -")]
    Terminal,
    /// Reading failed before the first record.
    #[error("{input}: cannot be read: {source}; copy it again, or check the disk or share it is on")]
    Unreadable {
        /// As the operator wrote it.
        input: String,
        /// What the system said.
        source: io::Error,
    },
    /// Not a capture at all.
    #[error("{input}: not a capture: this looks like {looks_like}; {way_out}")]
    NotACapture {
        /// As the operator wrote it.
        input: String,
        /// What the first bytes resemble; never the bytes themselves, which can be patient data.
        looks_like: &'static str,
        /// What to do instead.
        way_out: &'static str,
    },
    /// A capture in a format that Ward does not read.
    #[error("{input}: a capture in {format} format, which Ward does not read; {way_out}")]
    Unsupported {
        /// As the operator wrote it.
        input: String,
        /// The format's name.
        format: String,
        /// How to turn it into one that Ward reads.
        way_out: &'static str,
    },
    /// The first header is broken or not whole.
    #[error(
        "{input}: {what} at byte {offset}; nothing in it can be read: copy the file again, or capture anew"
    )]
    DamagedHeader {
        /// As the operator wrote it.
        input: String,
        /// What is wrong.
        what: String,
        /// Where, in the unpacked stream.
        offset: u64,
    },
    /// Compressed more often than anyone does on purpose.
    #[error("{input}: compressed {layers} times over; unpack it first")]
    Nested {
        /// As the operator wrote it.
        input: String,
        /// How many layers were found.
        layers: usize,
    },
    /// Live capture on a system that is not Linux.
    #[error("{interface}: live capture works on Linux only; capture to a file and run: ward scan FILE")]
    LiveNeedsLinux {
        /// As the operator wrote it.
        interface: String,
    },
    /// No interface of that name.
    #[error("{interface}: no such interface; there are: {existing}")]
    NoSuchInterface {
        /// As the operator wrote it.
        interface: String,
        /// Those that exist, with a comma between.
        existing: String,
    },
    /// An interface whose frames Ward cannot read.
    #[error(
        "{interface}: its frames are of a kind that Ward does not read (ARPHRD {hardware}); listen on an Ethernet interface"
    )]
    LinkNotRead {
        /// As the operator wrote it.
        interface: String,
        /// ARPHRD_ number of linux/if_arp.h.
        hardware: u16,
    },
    /// The interface is down.
    #[error("{interface}: is down; run: sudo ip link set {interface} up, or add --prepare-interface")]
    Down {
        /// As the operator wrote it.
        interface: String,
    },
    /// The process may not open packet sockets.
    #[error(
        "{interface}: listening needs the right to open packet sockets: run with sudo, or once: sudo setcap cap_net_raw,cap_net_admin+ep $(command -v ward)"
    )]
    NotPermitted {
        /// As the operator wrote it.
        interface: String,
    },
    /// The interface could transmit by itself: promise 1.
    #[error(
        "{interface}: ward listens only where nothing can be sent, and this interface {faults}; fix it with\n{fixes}\n{way_out}"
    )]
    CouldTransmit {
        /// As the operator wrote it.
        interface: String,
        /// What is wrong, as one clause.
        faults: String,
        /// Commands, one a line.
        fixes: String,
        /// What else can be done.
        way_out: &'static str,
    },
    /// Preparing this interface would cut the machine off.
    #[error(
        "{interface}: is this machine's way to the network (it carries the default route), and preparing it would cut that; name the mirror port, or listen as it is with --own-interface"
    )]
    OwnWayOut {
        /// As the operator wrote it.
        interface: String,
    },
    /// The interface disappeared or went down while listening; listening resumes when it returns.
    #[error("{interface}: went down or away while listening; check cable and link: ip link show {interface}")]
    InterfaceLost {
        /// As the operator wrote it.
        interface: String,
    },
    /// A system call failed that should not.
    #[error("{interface}: {doing} failed: {source}; {way_out}")]
    System {
        /// As the operator wrote it, or "this process".
        interface: String,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
        /// What to do.
        way_out: &'static str,
    },
}
