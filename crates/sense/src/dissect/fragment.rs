//! IP fragments held until their datagram is whole (RFC 791 §3.2, RFC 8200 §4.5, overlaps refused as RFC 5722 asks).

use super::Ip;
use model::{Duration, Timestamp, UnparsedReason};
use std::collections::{BTreeMap, VecDeque};

/// Datagrams in the making at once.
const DATAGRAMS_MAX: usize = 1024;
/// Pieces of one datagram.
const PIECES_MAX: usize = 64;
/// Bytes of one datagram (the IPv4 limit).
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Bytes held in all.
const HELD_BYTES_MAX: usize = 4 << 20;
/// How long a first piece waits for the last (RFC 1122 §3.3.2 says 60–120 s for hosts; a watcher need not wait).
const WAIT: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FragmentKey {
    pub(crate) source: Ip,
    pub(crate) destination: Ip,
    pub(crate) id: u32,
    pub(crate) protocol: u8,
}

pub(crate) struct Piece<'a> {
    pub(crate) offset: usize,
    pub(crate) more: bool,
    pub(crate) bytes: &'a [u8],
}

#[derive(Debug)]
struct Datagram {
    since: Timestamp,
    /// Sorted by offset, not overlapping.
    pieces: Vec<(usize, Box<[u8]>)>,
    total: Option<usize>,
}

/// The datagrams in the making.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    datagrams: BTreeMap<FragmentKey, Datagram>,
    order: VecDeque<(Timestamp, FragmentKey)>,
    held_bytes: usize,
    /// Datagrams given up: pieces that never met.
    pub(crate) abandoned: u64,
}

impl Fragments {
    /// Adds a piece. True when `whole` now holds the payload of the complete datagram.
    pub(crate) fn add(
        &mut self,
        key: FragmentKey,
        piece: Piece<'_>,
        now: Timestamp,
        whole: &mut Vec<u8>,
    ) -> Result<bool, UnparsedReason> {
        self.expire(now);
        let end = piece.offset + piece.bytes.len();
        if piece.bytes.is_empty()
            || end > DATAGRAM_BYTES_MAX
            || (piece.more && !piece.bytes.len().is_multiple_of(8))
        {
            return Err(UnparsedReason::Malformed);
        }
        if self.held_bytes + piece.bytes.len() > HELD_BYTES_MAX {
            return Err(UnparsedReason::Limit);
        }
        if !self.datagrams.contains_key(&key) {
            self.order.push_back((now, key));
        }
        let datagram =
            self.datagrams.entry(key).or_insert(Datagram { since: now, pieces: Vec::new(), total: None });
        match datagram.place(&piece) {
            Ok(true) => self.held_bytes += piece.bytes.len(),
            // The very same piece again: a duplicate, not an attack.
            Ok(false) => return Ok(false),
            Err(reason) => {
                self.remove(&key);
                return Err(reason);
            }
        }
        if !datagram.is_whole() {
            return Ok(false);
        }
        whole.clear();
        for (_, bytes) in &datagram.pieces {
            whole.extend_from_slice(bytes);
        }
        self.remove(&key);
        Ok(true)
    }

    fn remove(&mut self, key: &FragmentKey) {
        if let Some(datagram) = self.datagrams.remove(key) {
            self.held_bytes -= datagram.pieces.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        }
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((since, key)) = self.order.front().copied() {
            let crowded = self.order.len() > DATAGRAMS_MAX;
            if !crowded && now.since(since) < WAIT {
                break;
            }
            self.order.pop_front();
            if self.datagrams.get(&key).is_some_and(|d| d.since == since) {
                self.abandoned += 1;
                self.remove(&key);
            }
        }
    }
}

impl Datagram {
    /// Puts a piece in its place; false when it is there already.
    fn place(&mut self, piece: &Piece<'_>) -> Result<bool, UnparsedReason> {
        let end = piece.offset + piece.bytes.len();
        let at = self.pieces.partition_point(|(offset, _)| *offset < piece.offset);
        if self
            .pieces
            .get(at)
            .is_some_and(|(offset, bytes)| *offset == piece.offset && **bytes == *piece.bytes)
        {
            return Ok(false);
        }
        let before = at.checked_sub(1).and_then(|i| self.pieces.get(i));
        let overlaps = before.is_some_and(|(offset, bytes)| offset + bytes.len() > piece.offset)
            || self.pieces.get(at).is_some_and(|(offset, _)| *offset < end);
        if overlaps || self.total.is_some_and(|total| end > total) {
            return Err(UnparsedReason::Malformed);
        }
        if self.pieces.len() >= PIECES_MAX {
            return Err(UnparsedReason::Limit);
        }
        if !piece.more {
            self.total = Some(end);
        }
        self.pieces.insert(at, (piece.offset, piece.bytes.into()));
        Ok(true)
    }

    fn is_whole(&self) -> bool {
        let held: usize = self.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        // INVARIANT: pieces do not overlap, so as many bytes as the total means every byte.
        self.total == Some(held)
    }
}
