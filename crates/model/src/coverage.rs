//! What could not be seen: without it silence is "could not check", not "clean".

use crate::{Header, Protocol};
use serde::{Deserialize, Serialize};

/// Why bytes were not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnparsedReason {
    /// The link type of the capture is not one that Ward reads.
    LinkType,
    /// A header was cut off by the snapshot length or the end of the frame.
    Truncated,
    /// A header contradicts itself or its standard.
    Malformed,
    /// More nested headers or tunnels than the bound allows.
    TooDeep,
    /// A fragment without its fellows, or beyond the fragment bounds.
    Fragment,
    /// A link protocol (EtherType or LLC) that Ward does not read.
    LinkProtocol,
    /// An IP protocol that Ward does not read.
    IpProtocol,
    /// A message of a recognised protocol broke its standard.
    BadMessage,
    /// Bytes were missing in the stream, so the message could not be read.
    StreamGap,
    /// A named limit was reached.
    Limit,
}

/// How often something could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unparsed {
    /// In which protocol.
    pub protocol: Protocol,
    /// Why.
    pub reason: UnparsedReason,
    /// How many packets or messages.
    pub count: u64,
}

/// What a sensor saw and missed since it started. Counters only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Version, origin and times.
    #[serde(flatten)]
    pub header: Header,
    /// Frames handed over by the capture.
    pub frames: u64,
    /// Bytes of them, as captured.
    pub bytes: u64,
    /// Frames shorter than they were on the wire (snapshot length).
    pub cut_frames: u64,
    /// Frames that the kernel or the card dropped; `None` where the source cannot tell.
    pub dropped_frames: Option<u64>,
    /// Frames seen twice (two taps, or both sides of a router).
    pub duplicate_frames: u64,
    /// Flows opened.
    pub flows: u64,
    /// Flows whose start was not captured.
    pub flows_without_start: u64,
    /// Flows of which only one direction was captured although the transport is two-sided.
    pub flows_one_sided: u64,
    /// Flows thrown out of a full table.
    pub flows_evicted: u64,
    /// TCP payload bytes the capture never saw.
    pub gap_bytes: u64,
    /// What could not be read, by protocol and reason, largest first.
    pub unparsed: Vec<Unparsed>,
    /// VLANs seen, with frames each.
    pub vlans: Vec<(u16, u64)>,
}
