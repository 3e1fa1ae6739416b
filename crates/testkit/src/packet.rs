//! Frames and captures, built field by field. Checksums are left zero where nobody checks them.
#![expect(clippy::indexing_slicing, reason = "runs in tests only, where a panic is a failed test")]

use std::net::{Ipv4Addr, Ipv6Addr};

/// An Ethernet II frame.
pub fn ethernet(source: [u8; 6], destination: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&destination[..], &source[..], &ethertype.to_be_bytes()[..], payload].concat()
}

/// An 802.1Q tag in front of what `ethertype` and `payload` say; use with EtherType 0x8100 outside.
pub fn vlan(id: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], &ethertype.to_be_bytes()[..], payload].concat()
}

/// What an IPv4 header says beside its addresses.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4 {
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
    /// Time to live.
    pub ttl: u8,
    /// Identification.
    pub id: u16,
    /// Flags and fragment offset as on the wire (0x4000: don't fragment).
    pub fragment: u16,
}

impl Ipv4 {
    /// An ordinary packet between two hosts.
    pub const fn new(source: Ipv4Addr, destination: Ipv4Addr) -> Self {
        Self { source, destination, ttl: 64, id: 1, fragment: 0x4000 }
    }

    /// Header and payload.
    pub fn packet(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let total = 20 + payload.len() as u16;
        let mut packet = vec![0x45, 0];
        packet.extend(total.to_be_bytes());
        packet.extend(self.id.to_be_bytes());
        packet.extend(self.fragment.to_be_bytes());
        packet.extend([self.ttl, protocol, 0, 0]);
        packet.extend(self.source.octets());
        packet.extend(self.destination.octets());
        packet.extend(payload);
        packet
    }
}

/// IPv6 header and payload, hop limit 64.
pub fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next_header, 64]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(payload);
    packet
}

/// UDP header and payload.
pub fn udp(source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(source_port.to_be_bytes());
    datagram.extend(destination_port.to_be_bytes());
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// FIN, SYN, RST, PSH and ACK as in the TCP header.
pub const FIN: u8 = 1;
/// See [`FIN`].
pub const SYN: u8 = 2;
/// See [`FIN`].
pub const RST: u8 = 4;
/// See [`FIN`].
pub const PSH: u8 = 8;
/// See [`FIN`].
pub const ACK: u8 = 16;

/// TCP header without options, and payload.
pub fn tcp(
    source_port: u16,
    destination_port: u16,
    sequence: u32,
    acknowledgement: u32,
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(source_port.to_be_bytes());
    segment.extend(destination_port.to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend(acknowledgement.to_be_bytes());
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

/// A TCP conversation between two hosts, frame by frame.
#[derive(Clone, Debug)]
pub struct Session {
    /// MAC of client and server.
    pub macs: [[u8; 6]; 2],
    /// Address of client and server.
    pub ips: [Ipv4Addr; 2],
    /// Port of client and server.
    pub ports: [u16; 2],
    /// Next sequence number of client and server.
    pub next: [u32; 2],
    id: u16,
    /// The frames so far.
    pub frames: Vec<Vec<u8>>,
}

impl Session {
    /// 10.0.0.1 opens a conversation with 10.0.0.2 on `port`; the handshake is in `frames` already.
    pub fn open(port: u16) -> Self {
        let mut session = Self {
            macs: [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]],
            ips: [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)],
            ports: [50_000, port],
            next: [1_000, 0xffff_ff00],
            id: 0,
            frames: Vec::new(),
        };
        session.raw(0, SYN, &[]);
        session.next[0] += 1;
        session.raw(1, SYN | ACK, &[]);
        session.next[1] = session.next[1].wrapping_add(1);
        session.raw(0, ACK, &[]);
        session
    }

    /// Adds a segment of `side` (0 client, 1 server) at its place in the stream.
    pub fn send(&mut self, side: usize, payload: &[u8]) {
        self.raw(side, PSH | ACK, payload);
        self.next[side] = self.next[side].wrapping_add(payload.len() as u32);
    }

    /// FIN of both sides.
    pub fn close(&mut self) {
        for side in [0, 1] {
            self.raw(side, FIN | ACK, &[]);
            self.next[side] = self.next[side].wrapping_add(1);
        }
    }

    /// Adds a segment without moving the stream on.
    pub fn raw(&mut self, side: usize, flags: u8, payload: &[u8]) {
        self.id = self.id.wrapping_add(1);
        let (from, to) = (side, 1 - side);
        let ack = if flags & ACK != 0 { self.next[to] } else { 0 };
        let segment = tcp(self.ports[from], self.ports[to], self.next[from], ack, flags, payload);
        let ip = Ipv4 { id: self.id, ..Ipv4::new(self.ips[from], self.ips[to]) };
        self.frames.push(ethernet(self.macs[from], self.macs[to], 0x0800, &ip.packet(6, &segment)));
    }
}

/// A classic pcap file, little-endian, microseconds: frames `(nanoseconds since the epoch, bytes)`.
pub fn pcap(link_type: u32, frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, link_type] {
        file.extend(word.to_le_bytes());
    }
    for (at, bytes) in frames {
        let micros = at / 1000;
        for word in
            [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, bytes.len() as u32, bytes.len() as u32]
        {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}
