//! Conversations: who, how much, since when, in what state. Bounded in number and in what each may hold.

mod conversation;
mod key;
mod table;
mod wheel;

pub(crate) use conversation::{Conversation, HeldBytes, Outcome, Payload};
pub(crate) use key::{End, FlowKey};
pub(crate) use table::{Entry, FlowTable};

use crate::dissect::TcpFlags;
use model::{Duration, FlowEnd, MacAddr, Protocol, Timestamp, Vlan};

/// How long a flow lives without packets.
pub(crate) struct Lifetime;

impl Lifetime {
    /// TCP with data or a finished handshake. HL7 and DICOM links may be silent for minutes; reading resumes anyway.
    const TCP: Duration = Duration::from_secs(300);
    /// TCP of which only a SYN or a lone segment was seen.
    const TCP_HALF_OPEN: Duration = Duration::from_secs(30);
    /// TCP after FIN both ways or RST: long enough for late retransmissions.
    pub(crate) const TCP_CLOSED_S: u64 = 3;
    const TCP_CLOSED: Duration = Duration::from_secs(Self::TCP_CLOSED_S);
    /// UDP, ICMP and the rest.
    const OTHER: Duration = Duration::from_secs(60);
    /// When a new flow is first looked at.
    pub(crate) const FIRST_LOOK_S: u64 = 31;
}

/// One direction of a flow. Counters are of the running minute; totals are added when it ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Direction {
    pub(crate) packets: u32,
    pub(crate) bytes: u32,
    pub(crate) retransmitted_bytes: u32,
    pub(crate) gap_bytes: u32,
    /// TCP: the sequence number expected next.
    pub(crate) next_sequence: u32,
    /// Fingerprints of the last two packets, to know a frame seen twice.
    pub(crate) recent: [u32; 2],
    pub(crate) mac: MacAddr,
    pub(crate) vlan: Option<Vlan>,
    /// TCP: the number of the SYN, where it was captured.
    pub(crate) initial_sequence: Option<u32>,
    /// TCP: `next_sequence` is known.
    pub(crate) is_synchronised: bool,
    pub(crate) fin: bool,
    pub(crate) ttl: u8,
}

impl Direction {
    /// Whether `sequence` is that of the SYN this direction began with, or may be: until bytes are counted it is known.
    pub(crate) fn is_start(&self, sequence: u32) -> bool {
        self.initial_sequence == Some(sequence) || sequence.wrapping_add(1) == self.next_sequence
    }
}

/// Totals of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) retransmitted_bytes: u64,
    pub(crate) gap_bytes: u64,
}

/// How far recognition has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recognition {
    /// Payloads are being probed; this many were in vain.
    Probing(u8),
    /// `Flow::protocol` is known and its messages are read.
    Reading,
    /// Recognised and read enough of, or not recognisable: bytes are only counted.
    Counting,
}

/// A live flow.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) key: FlowKey,
    pub(crate) client: End,
    pub(crate) protocol: Protocol,
    pub(crate) recognition: Recognition,
    pub(crate) syn_seen: bool,
    pub(crate) reset: bool,
    pub(crate) client_is_certain: bool,
    /// Client, server.
    pub(crate) directions: [Direction; 2],
    pub(crate) last: Timestamp,
    pub(crate) interval_started: Timestamp,
    pub(crate) conversation: Option<Box<Conversation>>,
    pub(crate) first: Timestamp,
    pub(crate) totals: [Totals; 2],
    pub(crate) duplicates: u32,
    /// Among those whose counts are due in the next partial emission.
    pub(crate) is_listed: bool,
}

impl Flow {
    pub(crate) fn new(key: FlowKey, sender: End, now: Timestamp) -> Self {
        Self {
            key,
            client: sender,
            protocol: Protocol::Unknown,
            recognition: Recognition::Probing(0),
            syn_seen: false,
            reset: false,
            client_is_certain: false,
            directions: [Direction::default(); 2],
            last: now,
            interval_started: now,
            conversation: None,
            first: now,
            totals: [Totals::default(); 2],
            duplicates: 0,
            is_listed: false,
        }
    }

    /// When the flow is over unless another packet comes.
    pub(crate) fn deadline(&self) -> Timestamp {
        self.last.plus(self.lifetime())
    }

    fn lifetime(&self) -> Duration {
        if self.key.protocol() != 6 {
            return Lifetime::OTHER;
        }
        if self.is_closed() {
            Lifetime::TCP_CLOSED
        } else if self.packets(0) + self.packets(1) < 3 {
            Lifetime::TCP_HALF_OPEN
        } else {
            Lifetime::TCP
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        let [client, server] = &self.directions;
        self.reset || (client.fin && server.fin)
    }

    /// Packets of a direction, 0 client, 1 server, since the start.
    pub(crate) fn packets(&self, direction: usize) -> u64 {
        let running = self.directions.get(direction).map_or(0, |d| u64::from(d.packets));
        running + self.totals.get(direction).map_or(0, |t| t.packets)
    }

    /// The running minute is over, or its counters are filling up.
    pub(crate) fn must_report(&self, now: Timestamp) -> bool {
        now.since(self.interval_started) >= crate::activity::INTERVAL
            || self.directions.iter().any(|d| d.bytes > u32::MAX / 2)
    }

    /// Why it ended, when it expired by itself.
    pub(crate) fn natural_end(&self) -> FlowEnd {
        if self.is_closed() { FlowEnd::Closed } else { FlowEnd::Idle }
    }

    /// Notes who opened the conversation, as soon as a handshake or a well-known port tells.
    pub(crate) fn learn_client(&mut self, sender: End, flags: TcpFlags) {
        if !flags.syn() {
            return;
        }
        self.syn_seen = true;
        let client = if flags.ack() { sender.other() } else { sender };
        if !self.client_is_certain && client != self.client {
            self.swap_roles();
        }
        self.client_is_certain = true;
    }

    /// The other end turns out to be the client.
    pub(crate) fn swap_roles(&mut self) {
        self.client = self.client.other();
        self.directions.swap(0, 1);
        self.totals.swap(0, 1);
        if let Some(conversation) = &mut self.conversation {
            conversation.swap_roles();
        }
    }
}
