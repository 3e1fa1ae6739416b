//! The half of a listener that sees packets. It runs in a process of its own, without rights, keys or a way to send, and says what it
//! hears over a pipe; the other half is `live`.
//!
//! What is seen is said within a second: what was counted so far is emitted several times a minute, not once.

use crate::capture::{Block, Capture, Progress};
use model::{Record, SensorId};
use sense::{Config, Engine};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often what was counted is emitted: with the way to the core it stays below a second.
const EMIT_EVERY: Duration = Duration::from_millis(750);
/// How long records are gathered before they are said.
const GATHER: Duration = Duration::from_millis(100);
/// Something is said at least this often, so that silence means that nobody is there.
const SPEAK_EVERY: Duration = Duration::from_secs(1);
/// How often Coverage is emitted.
const COVER_EVERY: Duration = Duration::from_secs(60);
/// Records said at once at most.
const RECORDS_MAX: usize = 1_000;
/// How long to wait before an interface that went is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// What the listening process says, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// The interface is open, privileges are gone, and so many workers begin.
    Started {
        /// How many.
        workers: usize,
    },
    /// It could not begin; the process ends.
    Failed {
        /// Why, with the way out.
        why: String,
    },
    /// What a worker heard since the last time; may be nothing.
    Heard {
        /// Which, from 0.
        worker: usize,
        /// Records; their numbers are given by who takes them.
        records: Vec<Record>,
        /// Frames captured so far.
        frames: u64,
        /// Bytes of them.
        bytes: u64,
        /// Frames that the kernel lost so far.
        dropped: u64,
    },
    /// The interface went down or away; it is tried on.
    Lost {
        /// Which worker noticed.
        worker: usize,
        /// What the system said.
        why: String,
    },
    /// Frames come again after that.
    Again {
        /// At which worker.
        worker: usize,
    },
    /// A worker has said everything.
    Ended {
        /// Which.
        worker: usize,
    },
}

/// Listens on captures that share an interface, one thread each, until `stop` is set or `say` returns false. Each has an engine and
/// a sensor number of its own, from `config.sensor` on.
pub fn hear(
    captures: Vec<Box<dyn Capture>>,
    config: Config,
    stop: &AtomicBool,
    say: &(dyn Fn(Said) -> bool + Sync),
) {
    thread::scope(|scope| {
        for (worker, capture) in captures.into_iter().enumerate() {
            let sensor = SensorId(config.sensor.0.saturating_add(worker as u32));
            let config = Config { sensor, ..config };
            scope.spawn(move || {
                let speaker = Speaker { worker, stop, say };
                Ear::new(capture, config, speaker).listen();
            });
        }
    });
}

#[derive(Clone, Copy)]
struct Speaker<'a> {
    worker: usize,
    stop: &'a AtomicBool,
    say: &'a (dyn Fn(Said) -> bool + Sync),
}

impl Speaker<'_> {
    /// When nobody listens to us, we are done.
    fn say(&self, said: Said) {
        if !(self.say)(said) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

struct Ear<'a> {
    capture: Box<dyn Capture>,
    engine: Engine,
    block: Block,
    records: Vec<Record>,
    speaker: Speaker<'a>,
    emitted: Instant,
    spoke: Instant,
    covered: Instant,
    is_lost: bool,
}

impl<'a> Ear<'a> {
    fn new(capture: Box<dyn Capture>, config: Config, speaker: Speaker<'a>) -> Self {
        let mut engine = Engine::new(config);
        engine.emit_so_far(super::now());
        let now = Instant::now();
        Self {
            capture,
            engine,
            block: Block::new(),
            records: Vec::new(),
            speaker,
            emitted: now,
            spoke: now,
            covered: now,
            is_lost: false,
        }
    }

    fn listen(mut self) {
        while !self.speaker.is_stopped() {
            match self.capture.next_block(&mut self.block) {
                Ok(Progress::More) => {
                    self.found();
                    self.block.frames().for_each(|frame| self.engine.frame(&frame));
                }
                Ok(Progress::Idle) => self.engine.advance(super::now()),
                Ok(Progress::End) => break,
                Err(error) => {
                    self.lost(error.to_string());
                    thread::sleep(RETRY);
                }
            }
            self.emit();
            self.engine.drain_into(&mut self.records);
            let gathered = self.spoke.elapsed();
            let is_due = self.records.len() >= RECORDS_MAX
                || (gathered >= GATHER && !self.records.is_empty())
                || gathered >= SPEAK_EVERY;
            if is_due {
                self.speak();
            }
        }
        self.engine.finish(self.capture.counters().dropped);
        self.engine.drain_into(&mut self.records);
        self.speak();
        self.speaker.say(Said::Ended { worker: self.speaker.worker });
    }

    fn emit(&mut self) {
        if self.emitted.elapsed() >= EMIT_EVERY {
            self.emitted = Instant::now();
            self.engine.emit_so_far(super::now());
        }
        if self.covered.elapsed() >= COVER_EVERY {
            self.covered = Instant::now();
            self.engine.emit_coverage(self.capture.counters().dropped);
        }
    }

    fn speak(&mut self) {
        self.spoke = Instant::now();
        let (worker, counters) = (self.speaker.worker, self.capture.counters());
        loop {
            let rest = self.records.split_off(self.records.len().min(RECORDS_MAX));
            let records = std::mem::replace(&mut self.records, rest);
            let (frames, bytes, dropped) = (counters.frames, counters.bytes, counters.dropped.unwrap_or(0));
            self.speaker.say(Said::Heard { worker, records, frames, bytes, dropped });
            if self.records.is_empty() {
                return;
            }
        }
    }

    fn lost(&mut self, why: String) {
        if !std::mem::replace(&mut self.is_lost, true) {
            self.speaker.say(Said::Lost { worker: self.speaker.worker, why });
        }
    }

    /// The system does not say that an interface is back: the first frame does.
    fn found(&mut self) {
        if std::mem::take(&mut self.is_lost) {
            self.speaker.say(Said::Again { worker: self.speaker.worker });
        }
    }
}
