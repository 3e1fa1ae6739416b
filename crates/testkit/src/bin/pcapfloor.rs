//! `pcapfloor FILE`: about the least that a reader of captures can do and still have looked at everything.
//!
//! Reads blocks, walks the records, decodes Ethernet, VLAN, IPv4, IPv6, TCP and UDP, keeps a table of conversations, and
//! touches every payload byte. No messages, no reassembly, no findings: the measure below which a product cannot go.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

/// Bytes read at a time.
const BLOCK_BYTES: usize = 256 * 1024;
const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
/// Conversations the table has room for at first.
const SLOTS: usize = 1 << 16;

fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        eprintln!("pcapfloor FILE (classic little-endian pcap)");
        return ExitCode::from(2);
    };
    match scan(&file) {
        Ok(Floor { packets, bytes, tcp, udp, other, touched, flows }) => {
            println!(
                "packets={packets} bytes={bytes} tcp={tcp} udp={udp} other={other} flows={} touched={touched:x}",
                flows.used
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("pcapfloor: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn scan(path: &str) -> io::Result<Floor> {
    let mut file = File::open(path)?;
    let mut header = [0; FILE_HEADER_BYTES];
    file.read_exact(&mut header)?;
    if !header.starts_with(&0xa1b2_c3d4_u32.to_le_bytes()) {
        return Err(io::Error::other("not a classic little-endian pcap with microseconds"));
    }
    let mut floor = Floor::default();
    let mut block = vec![0; BLOCK_BYTES];
    let mut have = 0;
    loop {
        let read = file.read(block.get_mut(have..).unwrap_or(&mut []))?;
        if read == 0 {
            return Ok(floor);
        }
        let end = have + read;
        let used = walk(&mut floor, block.get(..end).unwrap_or(&[]));
        block.copy_within(used..end, 0);
        have = end - used;
    }
}

/// Bytes of whole records at the front of `block`, all of them dealt with.
fn walk(floor: &mut Floor, block: &[u8]) -> usize {
    let mut rest = block;
    while let Some((header, after)) = rest.split_first_chunk::<RECORD_HEADER_BYTES>() {
        let [s0, s1, s2, s3, u0, u1, u2, u3, k0, k1, k2, k3, ..] = *header;
        let kept = u32::from_le_bytes([k0, k1, k2, k3]) as usize;
        let Some((frame, next)) = after.split_at_checked(kept) else { break };
        let seconds = u64::from(u32::from_le_bytes([s0, s1, s2, s3]));
        floor.frame(frame, seconds * 1_000_000 + u64::from(u32::from_le_bytes([u0, u1, u2, u3])));
        rest = next;
    }
    block.len() - rest.len()
}

#[derive(Default)]
struct Floor {
    packets: u64,
    bytes: u64,
    tcp: u64,
    udp: u64,
    other: u64,
    touched: u64,
    flows: Flows,
}

impl Floor {
    #[inline]
    fn frame(&mut self, frame: &[u8], at_us: u64) {
        self.packets += 1;
        self.bytes += frame.len() as u64;
        let Some(segment) = segment(frame) else {
            self.other += 1;
            return;
        };
        *(if segment.protocol == 6 { &mut self.tcp } else { &mut self.udp }) += 1;
        let (key, forward) = segment.key();
        self.flows.count(key, frame.len() as u64, at_us, forward);
        self.touched ^= touch(segment.payload);
    }
}

struct Segment<'a> {
    protocol: u8,
    source: (u128, u16),
    target: (u128, u16),
    payload: &'a [u8],
}

impl Segment<'_> {
    /// The same for both directions, and which of them this is. Never all zero: the protocol is in it.
    #[inline]
    fn key(&self) -> (Key, bool) {
        let forward = self.source <= self.target;
        let (a, b) = if forward { (self.source, self.target) } else { (self.target, self.source) };
        let ports = u64::from(a.1) << 32 | u64::from(b.1) << 16 | u64::from(self.protocol);
        ([(a.0 >> 64) as u64, a.0 as u64, (b.0 >> 64) as u64, b.0 as u64, ports], forward)
    }
}

#[inline]
fn segment(frame: &[u8]) -> Option<Segment<'_>> {
    let (ethernet, mut rest) = frame.split_first_chunk::<14>()?;
    let [.., e0, e1] = *ethernet;
    let mut ethertype = u16::from_be_bytes([e0, e1]);
    while ethertype == 0x8100 {
        let ([_, _, e0, e1], after) = rest.split_first_chunk::<4>()?;
        ethertype = u16::from_be_bytes([*e0, *e1]);
        rest = after;
    }
    let (protocol, source, target, rest) = match ethertype {
        0x0800 => ipv4(rest)?,
        0x86dd => ipv6(rest)?,
        _ => return None,
    };
    let [s0, s1, t0, t1] = *rest.first_chunk::<4>()?;
    let header_bytes = match protocol {
        6 => usize::from(*rest.get(12)? >> 4) * 4,
        17 => 8,
        _ => return None,
    };
    let (source_port, target_port) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([t0, t1]));
    let payload = rest.get(header_bytes..).unwrap_or(&[]);
    Some(Segment { protocol, source: (source, source_port), target: (target, target_port), payload })
}

type Network<'a> = (u8, u128, u128, &'a [u8]);

#[inline]
fn ipv4(packet: &[u8]) -> Option<Network<'_>> {
    let header = packet.first_chunk::<20>()?;
    let [first, _, _, _, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, t0, t1, t2, t3] = *header;
    if u16::from_be_bytes([f0, f1]) & 0x1fff != 0 {
        return None;
    }
    let source = u128::from(u32::from_be_bytes([s0, s1, s2, s3]));
    let target = u128::from(u32::from_be_bytes([t0, t1, t2, t3]));
    Some((protocol, source, target, packet.get(usize::from(first & 15) * 4..)?))
}

#[inline]
fn ipv6(packet: &[u8]) -> Option<Network<'_>> {
    let (header, rest) = packet.split_first_chunk::<40>()?;
    let (start, addresses) = header.split_first_chunk::<8>()?;
    let (source, target) = addresses.split_first_chunk::<16>()?;
    let [.., protocol, _] = *start;
    Some((protocol, u128::from_be_bytes(*source), u128::from_be_bytes(*target.first_chunk()?), rest))
}

/// The cheapest possible look at every byte.
#[inline]
fn touch(payload: &[u8]) -> u64 {
    let (words, odd) = payload.as_chunks::<8>();
    let sum = words.iter().fold(0_u64, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
    odd.iter().fold(sum, |sum, byte| sum ^ u64::from(*byte))
}

type Key = [u64; 5];

/// One cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Slot {
    key: Key,
    bytes: u64,
    last_us: u64,
    there: u32,
    back: u32,
}

/// Open addressing, linear probing, doubled at half full. No eviction: a floor does without.
struct Flows {
    slots: Vec<Slot>,
    used: usize,
}

impl Default for Flows {
    fn default() -> Self {
        Self { slots: vec![Slot::default(); SLOTS], used: 0 }
    }
}

impl Flows {
    #[inline]
    fn count(&mut self, key: Key, bytes: u64, at_us: u64, forward: bool) {
        let Some(slot) = place(&mut self.slots, &key) else { return };
        if slot.key != key {
            slot.key = key;
            self.used += 1;
        }
        slot.bytes += bytes;
        slot.last_us = at_us;
        *(if forward { &mut slot.there } else { &mut slot.back }) += 1;
        if self.used * 2 > self.slots.len() {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let mut larger = vec![Slot::default(); self.slots.len() * 2];
        for slot in self.slots.iter().filter(|slot| slot.key != Key::default()) {
            if let Some(place) = place(&mut larger, &slot.key) {
                *place = *slot;
            }
        }
        self.slots = larger;
    }
}

/// The slot that holds `key`, or the free one where it belongs.
#[inline]
fn place<'a>(slots: &'a mut [Slot], key: &Key) -> Option<&'a mut Slot> {
    let mask = slots.len() - 1;
    let mut at = hash(key) & mask;
    while let Some(slot) = slots.get(at) {
        if slot.key == *key || slot.key == Key::default() {
            break;
        }
        at = (at + 1) & mask;
    }
    slots.get_mut(at)
}

#[inline]
const fn hash(key: &Key) -> usize {
    let [a, b, c, d, e] = *key;
    let left = fold(a ^ 0xa076_1d64_78bd_642f, b ^ 0xe703_7ed1_a0b4_28db);
    let right = fold(c ^ 0x8ebc_6af0_9c88_c6e3, d ^ 0x5899_65cc_7537_4cc3);
    fold(left ^ e, right | 1) as usize
}

#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let wide = (a as u128) * (b as u128);
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(swap: bool) -> Vec<u8> {
        let (a, b) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let (s, t, p, q) = if swap { (b, a, [0, 80], [0x9c, 0x40]) } else { (a, b, [0x9c, 0x40], [0, 80]) };
        let ip = [&[0x45, 0, 0, 44, 0, 0, 0, 0, 64, 6, 0, 0][..], &s, &t].concat();
        let segment = [&p[..], &q, &[0; 8], &[0x50, 0, 0, 0, 0, 0, 0, 0], b"data"].concat();
        [&[0; 12][..], &[8, 0], &ip, &segment].concat()
    }

    #[test]
    fn counts_both_directions_as_one_conversation() {
        let mut floor = Floor::default();
        floor.frame(&tcp(false), 1);
        floor.frame(&tcp(true), 2);
        floor.frame(&[0; 20], 3);
        assert_eq!((floor.packets, floor.tcp, floor.other, floor.flows.used), (3, 2, 1, 1));
        let slot = floor.flows.slots.iter().find(|slot| slot.bytes > 0).unwrap();
        assert_eq!((slot.there, slot.back, slot.last_us), (1, 1, 2));
    }

    #[test]
    fn touches_every_byte() {
        let payload: Vec<u8> = (1..=21).collect();
        let whole = touch(&payload);
        for at in 0..payload.len() {
            let mut changed = payload.clone();
            changed[at] ^= 0x55;
            assert_ne!(touch(&changed), whole, "byte {at}");
        }
    }

    #[test]
    fn keeps_every_conversation_while_growing() {
        let mut flows = Flows::default();
        for n in 0..100_000 {
            flows.count([0, n, 0, n + 1, 6], 1, 0, true);
        }
        for n in 0..100_000 {
            flows.count([0, n, 0, n + 1, 6], 1, 0, true);
        }
        assert_eq!(flows.used, 100_000);
    }
}
