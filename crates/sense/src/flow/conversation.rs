//! TCP reassembly, and the feeding of in-order bytes to an observer without copying them.
//!
//! Overlap policy: the first copy of a byte wins (what an inventory needs; Windows and Linux differ anyway). Bytes that
//! arrive ahead are held, within bounds; when the receiver acknowledges past a hole, or the bounds are reached, the hole
//! is a gap and reading resumes at the next segment that begins a message.

use super::Direction;
use crate::observe::{CARRY_BYTES_MAX, Context, Side, Step, Stream, VerbCounts};
use crate::probe::{self, TcpVerdict};
use model::{Protocol, UnparsedReason};

/// Segments of one direction held ahead of a hole.
const HELD_SEGMENTS_MAX: usize = 64;
/// Bytes of one direction held ahead of a hole.
const HELD_BYTES_MAX: usize = 256 * 1024;
/// What a held segment costs beside its bytes.
const SEGMENT_OVERHEAD_BYTES: usize = 48;
/// Bytes held for all conversations together, holes and unfinished messages.
const HELD_BYTES_ALL_MAX: usize = 128 << 20;
/// Farther ahead or behind than senders have bytes under way (RFC 7323 would allow 1 GiB): another conversation, or damage.
const WINDOW_BYTES_MAX: u32 = 32 << 20;
/// First bytes of a direction kept while no protocol is sure yet.
const PROBE_BYTES_MAX: usize = 512;
/// Segments probed in vain before a conversation is only counted.
const PROBES_MAX: u16 = 12;
/// The same where the start was not captured: a large message may be under way, and links live for days.
const PROBES_MID_STREAM_MAX: u16 = 4096;
/// Broken messages without a good one between, before a conversation is only counted.
const BROKEN_MAX: u8 = 8;
/// A carry buffer larger than this gives its memory back when it is empty.
const CARRY_KEPT_BYTES: usize = 2048;

/// Bytes held by all conversations of a sensor.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    now: usize,
    max: usize,
}

impl HeldBytes {
    /// The bound of one of `shares` engines that work on one capture.
    pub(crate) fn new(shares: u32) -> Self {
        Self { now: 0, max: HELD_BYTES_ALL_MAX / shares.max(1) as usize }
    }

    fn replace(&mut self, before: usize, after: usize) {
        self.now = self.now.saturating_sub(before) + after;
    }

    fn is_full(&self) -> bool {
        self.now >= self.max
    }

    /// A conversation ended; what it held is free.
    pub(crate) fn release(&mut self, conversation: &Conversation) {
        self.replace(conversation.held_bytes(), 0);
    }
}

/// What became of a conversation after some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No protocol is sure yet.
    Probing,
    /// This protocol's messages are being read.
    Reading(Protocol),
    /// Nothing more is to be read; count bytes only.
    Enough(Protocol),
}

/// What a flow keeps while its bytes are of interest.
pub(crate) struct Conversation {
    ahead: [Vec<Ahead>; 2],
    feed: Feed,
}

#[derive(Debug)]
struct Ahead {
    sequence: u32,
    bytes: Box<[u8]>,
}

struct Feed {
    stream: Option<Box<dyn Stream + Send>>,
    protocol: Protocol,
    verbs: VerbCounts,
    inputs: [Input; 2],
    probes: u16,
    broken: u8,
    from_start: bool,
    /// All conversations together hold as much as they may: nothing more is kept.
    crowded: bool,
    enough: bool,
}

/// One direction's place between messages.
#[derive(Debug, Default)]
struct Input {
    carry: Vec<u8>,
    need: usize,
    skip: u64,
    lost: bool,
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation").field("protocol", &self.feed.protocol).finish_non_exhaustive()
    }
}

/// The payload of one segment.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub(crate) sequence: u32,
    pub(crate) bytes: &'a [u8],
    /// Bytes that follow but were not captured (snapshot length).
    pub(crate) cut_bytes: u32,
}

impl Conversation {
    /// `from_start`: both directions are seen from their first byte. Otherwise each must be entered at a message.
    pub(crate) fn new(from_start: bool) -> Self {
        let feed = Feed {
            stream: None,
            protocol: Protocol::Unknown,
            verbs: VerbCounts::default(),
            inputs: [Input::default(), Input::default()],
            probes: 0,
            broken: 0,
            from_start,
            crowded: false,
            enough: false,
        };
        Self { ahead: [Vec::new(), Vec::new()], feed }
    }

    pub(crate) fn verbs(&mut self) -> &mut VerbCounts {
        &mut self.feed.verbs
    }

    pub(crate) fn swap_roles(&mut self) {
        self.ahead.swap(0, 1);
        self.feed.inputs.swap(0, 1);
    }

    /// Bytes of `side` are held behind a hole.
    pub(crate) fn waits(&self, side: Side) -> bool {
        self.ahead.get(side.index()).is_some_and(|ahead| !ahead.is_empty())
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.feed.outcome()
    }

    fn held_bytes(&self) -> usize {
        let ahead: usize = self.ahead.iter().flatten().map(|a| a.bytes.len() + SEGMENT_OVERHEAD_BYTES).sum();
        ahead + self.feed.inputs.iter().map(|i| i.carry.len()).sum::<usize>()
    }

    /// Takes in one segment of `side`.
    pub(crate) fn segment(
        &mut self,
        direction: &mut Direction,
        side: Side,
        payload: Payload<'_>,
        held: &mut HeldBytes,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let before = self.held_bytes();
        self.feed.crowded = held.is_full();
        self.place(direction, side, payload, held, cx);
        held.replace(before, self.held_bytes());
        self.feed.outcome()
    }

    /// The peer acknowledged `side`'s bytes up to `acknowledgement`: a hole below it will not be filled any more.
    pub(crate) fn acknowledged(
        &mut self,
        direction: &mut Direction,
        side: Side,
        acknowledgement: u32,
        held: &mut HeldBytes,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let Some(first) = self.ahead(side).first() else { return self.feed.outcome() };
        if acknowledgement.wrapping_sub(first.sequence) as i32 >= 0 {
            let before = self.held_bytes();
            self.close_gap(direction, side, cx);
            held.replace(before, self.held_bytes());
        }
        self.feed.outcome()
    }

    /// The hole before what is held of `side` will not be filled: goes on behind it.
    pub(crate) fn give_up_hole(
        &mut self,
        direction: &mut Direction,
        side: Side,
        held: &mut HeldBytes,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let before = self.held_bytes();
        self.close_gap(direction, side, cx);
        held.replace(before, self.held_bytes());
        self.feed.outcome()
    }

    fn ahead(&mut self, side: Side) -> &mut Vec<Ahead> {
        let [client, server] = &mut self.ahead;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    fn place(
        &mut self,
        direction: &mut Direction,
        side: Side,
        payload: Payload<'_>,
        held: &HeldBytes,
        cx: &mut Context<'_>,
    ) {
        if !direction.is_synchronised {
            direction.is_synchronised = true;
            direction.next_sequence = payload.sequence;
        }
        let ahead = payload.sequence.wrapping_sub(direction.next_sequence);
        if ahead == 0 {
            self.in_order(direction, side, payload, cx);
        } else if ahead < WINDOW_BYTES_MAX {
            self.hold(direction, side, payload, held, cx);
        } else if ahead.wrapping_neg() < WINDOW_BYTES_MAX {
            self.overlap(direction, side, payload, ahead.wrapping_neg(), cx);
        } else {
            self.ahead(side).clear();
            self.feed.gap(side);
            direction.next_sequence = payload.sequence;
            self.in_order(direction, side, payload, cx);
        }
    }

    fn in_order(
        &mut self,
        direction: &mut Direction,
        side: Side,
        payload: Payload<'_>,
        cx: &mut Context<'_>,
    ) {
        self.feed.deliver(side, payload.bytes, cx);
        direction.next_sequence = direction.next_sequence.wrapping_add(payload.bytes.len() as u32);
        if payload.cut_bytes > 0 {
            self.feed.gap(side);
            direction.gap_bytes = direction.gap_bytes.saturating_add(payload.cut_bytes);
            direction.next_sequence = direction.next_sequence.wrapping_add(payload.cut_bytes);
        }
        if !self.ahead(side).is_empty() {
            self.release(direction, side, cx);
        }
    }

    /// The front repeats `repeated` bytes that were delivered before.
    fn overlap(
        &mut self,
        direction: &mut Direction,
        side: Side,
        payload: Payload<'_>,
        repeated: u32,
        cx: &mut Context<'_>,
    ) {
        let length = payload.bytes.len() as u32;
        direction.retransmitted_bytes = direction.retransmitted_bytes.saturating_add(repeated.min(length));
        if repeated < length {
            let bytes = payload.bytes.get(repeated as usize..).unwrap_or_default();
            self.in_order(
                direction,
                side,
                Payload { sequence: direction.next_sequence, bytes, ..payload },
                cx,
            );
        }
    }

    fn hold(
        &mut self,
        direction: &mut Direction,
        side: Side,
        payload: Payload<'_>,
        held: &HeldBytes,
        cx: &mut Context<'_>,
    ) {
        let next = direction.next_sequence;
        let queue = self.ahead(side);
        let distance = |sequence: u32| sequence.wrapping_sub(next);
        let at = queue.partition_point(|a| distance(a.sequence) < distance(payload.sequence));
        let is_repeat = queue
            .get(at)
            .is_some_and(|a| a.sequence == payload.sequence && a.bytes.len() >= payload.bytes.len());
        if is_repeat {
            direction.retransmitted_bytes =
                direction.retransmitted_bytes.saturating_add(payload.bytes.len() as u32);
            return;
        }
        queue.insert(at, Ahead { sequence: payload.sequence, bytes: payload.bytes.into() });
        let queued: usize = queue.iter().map(|a| a.bytes.len()).sum();
        if queue.len() > HELD_SEGMENTS_MAX || queued > HELD_BYTES_MAX || held.is_full() {
            self.close_gap(direction, side, cx);
        }
    }

    /// Gives the hole up and goes on with what is held behind it.
    fn close_gap(&mut self, direction: &mut Direction, side: Side, cx: &mut Context<'_>) {
        let Some(first) = self.ahead(side).first() else { return };
        let missing = first.sequence.wrapping_sub(direction.next_sequence);
        direction.next_sequence = first.sequence;
        direction.gap_bytes = direction.gap_bytes.saturating_add(missing);
        self.feed.gap(side);
        self.release(direction, side, cx);
    }

    /// Delivers what is held and no longer ahead.
    fn release(&mut self, direction: &mut Direction, side: Side, cx: &mut Context<'_>) {
        while let Some(first) = self.ahead(side).first() {
            let behind = direction.next_sequence.wrapping_sub(first.sequence);
            if behind > WINDOW_BYTES_MAX {
                break;
            }
            let first = self.ahead(side).remove(0);
            let repeated = (behind as usize).min(first.bytes.len());
            direction.retransmitted_bytes = direction.retransmitted_bytes.saturating_add(repeated as u32);
            let fresh = first.bytes.get(repeated..).unwrap_or_default();
            self.feed.deliver(side, fresh, cx);
            direction.next_sequence = direction.next_sequence.wrapping_add(fresh.len() as u32);
        }
    }
}

impl Feed {
    fn outcome(&self) -> Outcome {
        match (self.enough, &self.stream) {
            (true, _) => Outcome::Enough(self.protocol),
            (false, Some(_)) => Outcome::Reading(self.protocol),
            (false, None) => Outcome::Probing,
        }
    }

    fn input(&mut self, side: Side) -> &mut Input {
        let [client, server] = &mut self.inputs;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    fn gap(&mut self, side: Side) {
        if let Some(stream) = &mut self.stream {
            stream.gap(side);
        }
        let lost = self.stream.is_some();
        *self.input(side) = Input { lost, ..Input::default() };
    }

    /// Deals with bytes of `side` that follow what was delivered before.
    fn deliver(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) {
        if self.enough || bytes.is_empty() {
            return;
        }
        if self.stream.is_none() {
            self.probe(side, bytes, cx);
            return;
        }
        self.read(side, bytes, cx);
    }

    fn probe(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) {
        let input = self.input(side);
        let room = PROBE_BYTES_MAX.saturating_sub(input.carry.len());
        // What of `bytes` joins the earlier ones: nothing while there are none, the probe then looks in place.
        let joined = if input.carry.is_empty() { 0 } else { bytes.len().min(room) };
        input.carry.extend_from_slice(bytes.get(..joined).unwrap_or_default());
        match probe::tcp(if joined == 0 { bytes } else { &input.carry }) {
            TcpVerdict::Certain(found) => self.start(found, side, bytes, joined, cx),
            TcpVerdict::Unsure if room > bytes.len() => {
                input.carry.extend_from_slice(bytes.get(joined..).unwrap_or_default());
            }
            TcpVerdict::Unsure | TcpVerdict::Nobody => {
                input.carry = Vec::new();
                self.probes += 1;
                self.enough = self.probes >= if self.from_start { PROBES_MAX } else { PROBES_MID_STREAM_MAX };
            }
        }
    }

    /// A protocol is sure: it reads what both directions have said so far. `joined` of `bytes` are in the carry already.
    fn start(
        &mut self,
        found: &probe::TcpProtocol,
        side: Side,
        bytes: &[u8],
        joined: usize,
        cx: &mut Context<'_>,
    ) {
        self.stream = Some((found.start)());
        self.protocol = found.protocol;
        cx.protocol = found.protocol;
        let said = std::mem::take(&mut self.input(side.other()).carry);
        if said.is_empty() {
            self.input(side.other()).lost = !self.from_start;
        } else {
            cx.turn_to(side.other());
            self.read(side.other(), &said, cx);
            cx.turn_to(side);
        }
        let kept = std::mem::take(&mut self.input(side).carry);
        if !kept.is_empty() {
            self.read(side, &kept, cx);
        }
        self.read(side, bytes.get(joined..).unwrap_or_default(), cx);
    }

    fn read(&mut self, side: Side, mut bytes: &[u8], cx: &mut Context<'_>) {
        let Self { stream: Some(stream), inputs: [client, server], verbs, broken, crowded, enough, .. } =
            self
        else {
            return;
        };
        let input = match side {
            Side::Client => client,
            Side::Server => server,
        };
        if bytes.is_empty() || *enough {
            return;
        }
        if input.lost {
            if !stream.resumes(side, bytes) {
                return;
            }
            input.lost = false;
        }
        let mut cx = cx.counting_into(verbs);
        let mut fed = Feeding { stream: stream.as_mut(), side, broken, enough, crowded: *crowded };
        bytes = input.skipped(bytes);
        if !input.carry.is_empty() {
            bytes = fed.through_carry(input, bytes, &mut cx);
        }
        fed.directly(input, bytes, &mut cx);
        if input.carry.is_empty() && input.carry.capacity() > CARRY_KEPT_BYTES {
            input.carry = Vec::new();
        }
    }
}

impl Input {
    /// Passes over what remains of a message body.
    fn skipped<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let passed = self.skip.min(bytes.len() as u64);
        self.skip -= passed;
        bytes.get(passed as usize..).unwrap_or_default()
    }

    fn took(&mut self, length: usize, given: usize) -> usize {
        self.skip = length.saturating_sub(given) as u64;
        length.min(given)
    }
}

/// One call of an observer after another.
struct Feeding<'f> {
    stream: &'f mut (dyn Stream + Send),
    side: Side,
    broken: &'f mut u8,
    enough: &'f mut bool,
    crowded: bool,
}

impl Feeding<'_> {
    /// Completes the message begun in earlier segments; what is left of `bytes` can be read in place.
    fn through_carry<'b>(&mut self, input: &mut Input, bytes: &'b [u8], cx: &mut Context<'_>) -> &'b [u8] {
        let mut fed = 0;
        loop {
            let wanted = input.need.saturating_sub(input.carry.len()).max(CARRY_KEPT_BYTES);
            let more = bytes.get(fed..).unwrap_or_default();
            let more = more.get(..wanted).unwrap_or(more);
            input.carry.extend_from_slice(more);
            fed += more.len();
            if input.carry.len() < input.need {
                return &[];
            }
            match self.stream.take(cx, self.side, &input.carry) {
                Step::Took(length) => {
                    *self.broken = 0;
                    let taken = input.took(length.max(1), input.carry.len());
                    let left = input.carry.len() - taken;
                    if left <= fed {
                        // What is left lies wholly in this segment: go on in place.
                        input.carry.clear();
                        input.need = 0;
                        return input.skipped(bytes.get(fed - left..).unwrap_or_default());
                    }
                    input.carry.drain(..taken);
                    input.need = 0;
                }
                Step::Need(need) if need <= CARRY_BYTES_MAX && !self.crowded => {
                    input.need = need.max(input.carry.len() + 1);
                    if fed == bytes.len() {
                        return &[];
                    }
                }
                step => {
                    self.stop(step, input, cx);
                    return &[];
                }
            }
        }
    }

    fn directly(&mut self, input: &mut Input, mut bytes: &[u8], cx: &mut Context<'_>) {
        while !bytes.is_empty() {
            match self.stream.take(cx, self.side, bytes) {
                Step::Took(length) => {
                    *self.broken = 0;
                    let taken = input.took(length.max(1), bytes.len());
                    bytes = bytes.get(taken..).unwrap_or_default();
                }
                Step::Need(need) if need <= CARRY_BYTES_MAX && !self.crowded => {
                    input.carry.extend_from_slice(bytes);
                    input.need = need.max(bytes.len() + 1);
                    return;
                }
                step => {
                    self.stop(step, input, cx);
                    return;
                }
            }
        }
    }

    /// The observer wants no more, or cannot go on here.
    fn stop(&mut self, step: Step, input: &mut Input, cx: &mut Context<'_>) {
        *input = Input { lost: true, ..Input::default() };
        let reason = match step {
            Step::Enough => {
                *self.enough = true;
                return;
            }
            Step::Broken(reason) => reason,
            Step::Took(_) | Step::Need(_) => UnparsedReason::Limit,
        };
        cx.unparsed(reason);
        self.stream.gap(self.side);
        *self.broken += 1;
        *self.enough = *self.broken >= BROKEN_MAX;
    }
}
