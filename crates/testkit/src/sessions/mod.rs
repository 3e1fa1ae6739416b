//! Made-up medical conversations over whole TCP sessions (SYN to FIN, MSS 1460, delayed acknowledgements, right lengths).
//!
//! No public test suite holds such sessions at length. Nobody in them exists. Checksums are left at zero: the mixer sets
//! them, because it changes the addresses.

mod dicom;
mod hl7;
mod mqtt;

use crate::random::Random;

pub use dicom::transfer;
pub use hl7::observations;
pub use mqtt::vitals;

/// Largest TCP payload of a segment, in bytes.
const SEGMENT_BYTES: usize = 1460;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PSH_ACK: u8 = 0x18;
const FIN_ACK: u8 = 0x11;
const SYN_ACK: u8 = 0x12;
/// MSS 1460, two NOPs, SACK permitted.
const SYN_OPTIONS: &[u8] = &[2, 4, 5, 0xb4, 1, 1, 4, 2];

/// A frame and when it passes, in microseconds from the session's start.
pub type Timed = (u64, Vec<u8>);

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Opened the connection.
    Client,
    /// Accepted it.
    Server,
}

#[derive(Clone, Debug)]
struct Peer {
    ip: [u8; 4],
    port: u16,
    mac: [u8; 6],
    sequence: u32,
    datagram: u16,
    unacknowledged: u8,
}

/// A TCP session that is being made.
#[derive(Clone, Debug)]
pub struct Conversation {
    client: Peer,
    server: Peer,
    random: Random,
    at_us: u64,
    frames: Vec<Timed>,
}

impl Conversation {
    /// Opens a session from `client` to `server` (address and port).
    pub fn open(client: ([u8; 4], u16), server: ([u8; 4], u16), seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut peer = |(ip, port), last| Peer {
            ip,
            port,
            mac: [2, 0, 0, 0, 0, last],
            sequence: (random.number() >> 33) as u32,
            datagram: 1,
            unacknowledged: 0,
        };
        let (client, server) = (peer(client, 1), peer(server, 2));
        let mut conversation = Self { client, server, random, at_us: 0, frames: Vec::new() };
        conversation.segment(Side::Client, SYN, SYN_OPTIONS, &[]);
        conversation.client.sequence += 1;
        conversation.segment(Side::Server, SYN_ACK, SYN_OPTIONS, &[]);
        conversation.server.sequence += 1;
        conversation.segment(Side::Client, ACK, &[], &[]);
        conversation
    }

    /// Sends `data` after a pause; every second segment is acknowledged.
    pub fn send(&mut self, side: Side, data: &[u8], after_us: u64) {
        self.at_us += after_us;
        let mut chunks = data.chunks(SEGMENT_BYTES).peekable();
        while let Some(chunk) = chunks.next() {
            let flags = if chunks.peek().is_none() { PSH_ACK } else { ACK };
            self.segment(side, flags, &[], chunk);
            let sent = u32::try_from(chunk.len()).unwrap_or(0);
            let (peer, other) = self.sides(side);
            peer.sequence = peer.sequence.wrapping_add(sent);
            peer.unacknowledged += 1;
            if peer.unacknowledged >= 2 {
                self.acknowledge(other);
            }
        }
    }

    /// A bare acknowledgement from `side`, when the other side has sent since `side` last did.
    pub fn acknowledge(&mut self, side: Side) {
        let (_, other) = self.sides(side);
        if self.sides(other).0.unacknowledged > 0 {
            self.segment(side, ACK, &[], &[]);
        }
    }

    /// Closes both directions and hands over the frames.
    pub fn close(mut self) -> Vec<Timed> {
        self.segment(Side::Client, FIN_ACK, &[], &[]);
        self.client.sequence = self.client.sequence.wrapping_add(1);
        self.segment(Side::Server, FIN_ACK, &[], &[]);
        self.server.sequence = self.server.sequence.wrapping_add(1);
        self.segment(Side::Client, ACK, &[], &[]);
        self.frames
    }

    /// The seeded numbers of this session.
    pub const fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    const fn sides(&mut self, side: Side) -> (&mut Peer, Side) {
        match side {
            Side::Client => (&mut self.client, Side::Server),
            Side::Server => (&mut self.server, Side::Client),
        }
    }

    fn segment(&mut self, side: Side, flags: u8, options: &[u8], payload: &[u8]) {
        self.at_us += 100 + self.random.below(800) as u64;
        let (from, to) = match side {
            Side::Client => (&self.client, &self.server),
            Side::Server => (&self.server, &self.client),
        };
        let acknowledged = if flags & ACK == 0 { 0 } else { to.sequence };
        let header_words = u8::try_from(5 + options.len() / 4).unwrap_or(5);
        let total = u16::try_from(20 + 20 + options.len() + payload.len()).unwrap_or(u16::MAX);
        let mut frame = [&to.mac[..], &from.mac, &[8, 0]].concat();
        frame.extend([0x45, 0]);
        frame.extend(total.to_be_bytes());
        frame.extend(from.datagram.to_be_bytes());
        // Don't fragment, 64 hops, TCP, checksum to be set.
        frame.extend([0x40, 0, 64, 6, 0, 0]);
        frame.extend(from.ip);
        frame.extend(to.ip);
        frame.extend(from.port.to_be_bytes());
        frame.extend(to.port.to_be_bytes());
        frame.extend(from.sequence.to_be_bytes());
        frame.extend(acknowledged.to_be_bytes());
        frame.extend([header_words << 4, flags]);
        // Window, checksum to be set, no urgent data.
        frame.extend([0xfa, 0xf0, 0, 0, 0, 0]);
        frame.extend(options);
        frame.extend(payload);
        frame.resize(frame.len().max(60), 0);
        self.frames.push((self.at_us, frame));
        let (peer, other) = self.sides(side);
        peer.datagram = peer.datagram.wrapping_add(1);
        // Whatever it carries, it acknowledges what the other side has sent.
        self.sides(other).0.unacknowledged = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture_file::{ETHERNET, Record};
    use crate::payload::payload;

    /// The payload bytes of each side, in order, without the padding of short frames.
    fn streams(frames: &[Timed], client_port: u16) -> (Vec<u8>, Vec<u8>) {
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for (_, bytes) in frames {
            let from_client = bytes[34..36] == client_port.to_be_bytes();
            let record = Record { at_ns: 0, link: ETHERNET, wire_bytes: 0, bytes: bytes.clone() };
            let stream = if from_client { &mut client } else { &mut server };
            stream.extend_from_slice(payload(&record).unwrap_or(&[]));
        }
        (client, server)
    }

    #[test]
    fn a_session_carries_every_byte_in_order() {
        let mut session = Conversation::open(([10, 0, 0, 1], 40_000), ([10, 0, 0, 2], 104), 7);
        let data: Vec<u8> = (0..5000_u32).map(|n| n as u8).collect();
        session.send(Side::Client, &data, 1000);
        session.send(Side::Server, b"fine", 0);
        let frames = session.close();
        assert_eq!(streams(&frames, 40_000), (data, b"fine".to_vec()));
        assert!(frames.windows(2).all(|pair| pair[0].0 < pair[1].0), "time goes forward");
        assert!(frames.iter().all(|(_, frame)| (60..=1514).contains(&frame.len())));
    }

    #[test]
    fn sequence_numbers_follow_the_bytes() {
        let mut session = Conversation::open(([10, 0, 0, 1], 40_000), ([10, 0, 0, 2], 104), 7);
        session.send(Side::Client, &[1; 3000], 0);
        let frames = session.close();
        let sequence = |frame: &[u8]| u32::from_be_bytes(frame[38..42].try_into().unwrap());
        let from_client: Vec<u32> = frames
            .iter()
            .filter(|(_, f)| f[34..36] == 40_000_u16.to_be_bytes())
            .map(|(_, f)| sequence(f))
            .collect();
        let first = from_client[0];
        let relative: Vec<u32> = from_client.iter().map(|s| s - first).collect();
        assert_eq!(
            relative,
            [0, 1, 1, 1461, 2921, 3001, 3002],
            "SYN, ACK, three data segments, FIN, last ACK"
        );
    }

    #[test]
    fn the_medical_sessions_say_what_they_should() {
        let (client, server) = streams(&vitals(1), 40_001);
        assert!(client.starts_with(b"\x10") && client.windows(16).any(|w| w == b"icu/bed/1/vitals"));
        assert!(server.starts_with(&[0x20, 2, 0, 0]));
        let (client, server) = streams(&observations(0), 41_000);
        assert!(client.starts_with(b"\x0bMSH|^~\\&|") && client.ends_with(b"\r\x1c\r"));
        assert_eq!(server.windows(6).filter(|w| w == b"MSA|AA").count(), 20);
        let (client, server) = streams(&transfer(1), 42_001);
        assert_eq!((client[0], server[0]), (1, 2), "A-ASSOCIATE-RQ and -AC");
        assert!(client.len() > 40_000, "a C-STORE carries pixels");
        assert_eq!(vitals(3), vitals(3), "the same number, the same session");
    }
}
