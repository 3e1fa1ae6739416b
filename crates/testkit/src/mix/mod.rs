//! One large capture out of many small ones: a hospital's day for measurements.
//!
//! Every session is copied often. Copies share a few sets of hosts, so hosts stay few however long the capture; each copy
//! has its own client port and its own start in the window, pauses are capped, frames are interleaved by time, and
//! checksums are right again. The same input and plan give the same bytes. Limit: addresses inside payloads (DHCP, DNS)
//! stay what they were.

pub mod corpus;
mod rewrite;

use crate::capture_file::{ETHERNET, Record};
use crate::random::scramble;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Traffic classes and their share of the packets.
pub const CLASSES: &[(&str, f64)] = &[
    ("mqtt", 0.32),
    ("dns", 0.10),
    ("dhcp", 0.02),
    ("iot", 0.10),
    ("hl7", 0.12),
    ("dicom", 0.08),
    ("tls", 0.18),
    ("http", 0.08),
];
/// Longest pause kept between two frames of a session, in microseconds.
const GAP_US_MAX: u64 = 2_000_000;
/// Longest frame kept, in bytes: what is longer was put together by a network card, not seen on a wire.
const FRAME_BYTES_MAX: usize = 1600;
/// When the mixed capture begins, in microseconds since 1970.
const EPOCH_US: u64 = 1_790_000_000_000_000;

/// A session to be copied: its frames with times from its start.
#[derive(Clone, Debug)]
pub struct Session {
    class: usize,
    /// Sessions of one origin have their hosts in common.
    origin: Option<u64>,
    frames: Vec<Frame>,
}

#[derive(Clone, Debug)]
struct Frame {
    after_us: u64,
    wire_bytes: u32,
    bytes: Vec<u8>,
}

impl Session {
    /// The class it counts for.
    pub fn class(&self) -> &'static str {
        CLASSES.get(self.class).map_or("", |(name, _)| name)
    }

    /// From frames in the order of capture with their times in microseconds; `None` when no frame is fit to keep.
    pub fn new(class: &str, frames: impl IntoIterator<Item = (u64, Vec<u8>)>) -> Option<Self> {
        let class = CLASSES.iter().position(|(name, _)| *name == class)?;
        let mut kept = Vec::new();
        let (mut last, mut after_us) = (None, 0);
        for (at_us, bytes) in frames {
            after_us += last.map_or(0, |last| at_us.saturating_sub(last).min(GAP_US_MAX));
            last = Some(at_us);
            if bytes.len() <= FRAME_BYTES_MAX {
                let wire_bytes = u32::try_from(bytes.len()).unwrap_or(0);
                kept.push(Frame { after_us, wire_bytes, bytes });
            }
        }
        (!kept.is_empty()).then_some(Self { class, origin: None, frames: kept })
    }

    /// One of many from the same network: what was one host in two of them stays one host.
    pub const fn of_origin(mut self, origin: u64) -> Self {
        self.origin = Some(origin);
        self
    }

    /// From a capture; `None` unless all of it is Ethernet.
    pub fn from_records(class: &str, records: Vec<Record>) -> Option<Self> {
        let ethernet = records.iter().all(|record| record.link == ETHERNET);
        let mut session =
            Self::new(class, records.iter().map(|record| (record.at_ns / 1000, record.bytes.clone())))?;
        let fitting = records.iter().filter(|record| record.bytes.len() <= FRAME_BYTES_MAX);
        for (frame, record) in session.frames.iter_mut().zip(fitting) {
            frame.wire_bytes = record.wire_bytes.max(frame.wire_bytes);
        }
        ethernet.then_some(session)
    }
}

/// How large, how long, which variant.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Packets to reach; sessions are whole, so there will be a few more.
    pub packets: u64,
    /// Sessions start within this time.
    pub window_us: u64,
    /// Sets of hosts that the copies of a session share.
    pub host_sets: u64,
    /// Another seed, another capture of the same kind.
    pub seed: u64,
}

/// What was mixed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mixed {
    /// Frames written.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Copies of sessions.
    pub sessions: u64,
    /// Per class of [`CLASSES`]: sessions to copy from, and copies of each.
    pub classes: Vec<(usize, u64)>,
}

/// A copy of a session.
#[derive(Clone, Copy)]
struct Copy {
    start_us: u64,
    session: usize,
    number: u64,
    hosts: u64,
}

/// Mixes `sessions` and hands every frame to `sink` in the order of time: microseconds since 1970, bytes, bytes on the wire.
///
/// # Errors
/// The first that `sink` gives.
pub fn mix<E>(
    sessions: &[Session],
    plan: Plan,
    mut sink: impl FnMut(u64, &[u8], u32) -> Result<(), E>,
) -> Result<Mixed, E> {
    let (copies, classes) = copies(sessions, plan);
    let mut mixed = Mixed { sessions: copies.len() as u64, classes, ..Mixed::default() };
    let mut starting = copies.iter().enumerate().peekable();
    let mut due: BinaryHeap<Reverse<(u64, usize, usize)>> = BinaryHeap::new();
    let mut frame_bytes = Vec::with_capacity(FRAME_BYTES_MAX);
    loop {
        while let Some((number, copy)) = starting.peek()
            && due.peek().is_none_or(|Reverse((at_us, ..))| copy.start_us <= *at_us)
        {
            due.push(Reverse((copy.start_us, *number, 0)));
            starting.next();
        }
        let Some(Reverse((at_us, number, step))) = due.pop() else { break };
        let Some(copy) = copies.get(number) else { continue };
        let frames = sessions.get(copy.session).map_or(&[][..], |session| &session.frames);
        if let Some(frame) = frames.get(step) {
            frame_bytes.clear();
            frame_bytes.extend_from_slice(&frame.bytes);
            rewrite::rewrite(&mut frame_bytes, copy.hosts, copy.number);
            sink(EPOCH_US + at_us, &frame_bytes, frame.wire_bytes)?;
            mixed.packets += 1;
            mixed.bytes += frame_bytes.len() as u64;
        }
        if let Some(next) = frames.get(step + 1) {
            due.push(Reverse((copy.start_us + next.after_us, number, step + 1)));
        }
    }
    Ok(mixed)
}

/// Every copy in the order of its start, and per class how many sessions there are and how often each is copied.
fn copies(sessions: &[Session], plan: Plan) -> (Vec<Copy>, Vec<(usize, u64)>) {
    let (mut copies, mut classes) = (Vec::new(), Vec::new());
    let present: f64 = CLASSES
        .iter()
        .enumerate()
        .filter(|(c, _)| sessions.iter().any(|s| s.class == *c))
        .map(|(_, (_, share))| share)
        .sum();
    for (class, (_, share)) in CLASSES.iter().enumerate() {
        let of_class: Vec<usize> = sessions
            .iter()
            .enumerate()
            .filter(|(_, session)| session.class == class)
            .map(|(at, _)| at)
            .collect();
        let frames: usize =
            of_class.iter().filter_map(|at| sessions.get(*at)).map(|session| session.frames.len()).sum();
        let wanted = plan.packets as f64 * share / present;
        let times = if frames == 0 { 0 } else { (wanted / frames as f64).ceil() as u64 };
        classes.push((of_class.len(), times));
        for time in 0..times {
            for session in &of_class {
                let origin =
                    sessions.get(*session).and_then(|session| session.origin).unwrap_or(*session as u64);
                let number = copies.len() as u64;
                copies.push(Copy {
                    start_us: scramble(number ^ time << 40 ^ plan.seed << 20) % plan.window_us.max(1),
                    session: *session,
                    number: number + plan.seed * 1_000_003,
                    hosts: scramble(origin ^ (time % plan.host_sets.max(1)) << 32 ^ plan.seed << 50),
                });
            }
        }
    }
    copies.sort_by_key(|copy| (copy.start_us, copy.number));
    (copies, classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions;
    use std::collections::BTreeSet;

    fn medical() -> Vec<Session> {
        [
            Session::new("mqtt", sessions::vitals(1)),
            Session::new("hl7", sessions::observations(1)),
            Session::new("dicom", sessions::transfer(1)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn run(plan: Plan) -> (Mixed, Vec<(u64, Vec<u8>)>) {
        let mut frames = Vec::new();
        let mixed = mix::<()>(&medical(), plan, |at_us, bytes, _| {
            frames.push((at_us, bytes.to_vec()));
            Ok(())
        });
        (mixed.unwrap(), frames)
    }

    const PLAN: Plan = Plan { packets: 5_000, window_us: 60_000_000, host_sets: 2, seed: 1 };

    #[test]
    fn the_same_plan_gives_the_same_bytes_in_order_of_time() {
        let (mixed, frames) = run(PLAN);
        assert_eq!((mixed.clone(), frames.clone()), run(PLAN));
        assert!(frames.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert!((5_000..7_000).contains(&mixed.packets), "{}", mixed.packets);
        assert_ne!(frames, run(Plan { seed: 2, ..PLAN }).1);
    }

    #[test]
    fn four_times_as_long_has_the_same_hosts() {
        let hosts = |plan| -> BTreeSet<Vec<u8>> {
            run(plan).1.into_iter().map(|(_, f)| f[26..30].to_vec()).collect()
        };
        let long = Plan { packets: PLAN.packets * 4, window_us: PLAN.window_us * 4, ..PLAN };
        assert_eq!(hosts(PLAN), hosts(long));
        assert_eq!(hosts(PLAN).len(), 3 * 2 * 2, "three sessions of two hosts in two sets");
    }

    #[test]
    fn sessions_of_one_origin_share_their_hosts() {
        let twice = |origin: Option<u64>| {
            let session = Session::new("mqtt", sessions::vitals(1)).unwrap();
            let of = |session: Session| {
                origin.map_or_else(|| session.clone(), |origin| session.clone().of_origin(origin))
            };
            let mut hosts = BTreeSet::new();
            let plan = Plan { packets: 10, host_sets: 1, ..PLAN };
            mix::<()>(&[of(session.clone()), of(session)], plan, |_, bytes, _| {
                hosts.insert(bytes[26..30].to_vec());
                Ok(())
            })
            .unwrap();
            hosts.len()
        };
        assert_eq!((twice(None), twice(Some(7))), (4, 2));
    }

    #[test]
    fn only_ethernet_and_only_real_frames_are_taken() {
        let record = |link, length| Record { at_ns: 0, link, wire_bytes: 9000, bytes: vec![0; length] };
        assert!(Session::from_records("dns", vec![record(101, 60)]).is_none());
        assert!(Session::from_records("dns", vec![record(1, 4000)]).is_none());
        let session = Session::from_records("dns", vec![record(1, 4000), record(1, 60)]).unwrap();
        assert_eq!((session.frames.len(), session.frames[0].wire_bytes), (1, 9000));
        assert!(Session::new("unheard-of", [(0, vec![0; 60])]).is_none());
    }

    #[test]
    fn pauses_are_capped() {
        let session =
            Session::new("dns", [(5, vec![0; 60]), (90_000_000, vec![0; 60]), (90_000_007, vec![0; 60])])
                .unwrap();
        assert_eq!(session.frames.iter().map(|f| f.after_us).collect::<Vec<_>>(), [0, 2_000_000, 2_000_007]);
    }
}
