//! One file of a watched folder, read to its end: a capture through an engine, or records line by line. The same file gives
//! the same records under the same numbers on every reading, so that a reading that was cut off is taken up where it is durable.

use super::told::{Line, Told};
use super::{Outlet, Stopped};
use crate::bus::Delivery;
use crate::capture::{self, Block, Counters, Progress};
use crate::measure::{self, Outcome};
use model::Record;
use sense::{Config, Engine};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

/// Longest line of a record file, in bytes.
const LINE_BYTES_MAX: u64 = 1024 * 1024;
/// Broken lines of a file that are named in the log; further ones are only counted.
const LINES_NAMED_MAX: u64 = 16;
/// How JSON writes what no text in the store can hold. Sensors never say it; one such record would hold up all others.
const NUL_ESCAPED: &[u8] = b"\\u0000";
/// Bytes of a reason that are kept.
const REASON_BYTES_MAX: usize = 400;

/// Size and time of a file: what tells that it has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// Size.
    pub(super) bytes: u64,
    /// Time of the last change, nanoseconds since 1970.
    pub(super) modified: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        Self { bytes: metadata.len(), modified }
    }
}

/// Where the reading of a file stands: the position of its cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The file as it was.
    #[serde(flatten)]
    pub(super) stamp: Stamp,
    /// Nothing more will come of it.
    pub(super) done: bool,
    /// Record files: lines read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) line: u64,
    /// Record files: lines among them that were no record.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) broken_lines: u64,
    /// Why it was not read, or not to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// Version that read it: another one may number differently.
    #[serde(default)]
    pub(super) ward: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A file that is being read, and what it needs.
pub(super) struct Reading<'a> {
    pub(super) outlet: &'a Outlet,
    pub(super) told: &'a Arc<Told>,
    /// Name of the source.
    pub(super) source: Arc<str>,
    /// Name of the file within the folder.
    pub(super) file: &'a str,
    /// Records of a delivery at most.
    pub(super) batch_records: usize,
    /// What is durable of it.
    pub(super) durable: u64,
    /// Where it stands; before the first record as its cursor says.
    pub(super) position: Position,
    /// Sequence number of the last record delivered, or durable before.
    pub(super) last_sequence: u64,
    pub(super) batch: Vec<Record>,
}

impl Reading<'_> {
    /// Reads an opened file to its end, or to where it is damaged.
    pub(super) fn read(&mut self, path: &Path, file: File, config: Config) -> Result<Outcome, Stopped> {
        if self.durable > 0 && self.position.ward != env!("CARGO_PKG_VERSION") {
            tracing::warn!(
                file = self.file,
                version = self.position.ward.as_str(),
                "a file half read by another version is read on: records may be missing or there twice"
            );
        }
        self.position.ward = env!("CARGO_PKG_VERSION").to_owned();
        if self.file.ends_with(".jsonl") { self.records(file) } else { self.capture(path, file, config) }
    }

    /// Says that the file is not read, and why; for ever.
    pub(super) fn refuse(&mut self, reason: &str) -> Result<Outcome, Stopped> {
        let reason = capped(reason);
        tracing::warn!(source = &*self.source, reason = reason.as_str(), "a file is not read");
        self.position.reason = Some(reason);
        self.deliver(true)?;
        Ok(Outcome::Refused)
    }

    fn capture(&mut self, path: &Path, file: File, config: Config) -> Result<Outcome, Stopped> {
        let name = path.display().to_string();
        let mut capture = match capture::open_reader(&name, Box::new(file), Some(self.position.stamp.bytes)) {
            Ok(capture) => capture,
            Err(error) => return self.refuse(&error.to_string()),
        };
        let (mut engine, mut block, mut records) = (Engine::new(config), Block::new(), Vec::new());
        let mut before = Counters::default();
        loop {
            if self.outlet.is_stopped() {
                return Err(Stopped);
            }
            match capture.next_block(&mut block) {
                Ok(Progress::End) => break,
                Ok(Progress::More | Progress::Idle) => block.frames().for_each(|frame| engine.frame(&frame)),
                // Files end with a note, not with an error; should one come, what was read before it counts.
                Err(error) => {
                    self.position.reason = Some(capped(&error.to_string()));
                    break;
                }
            }
            engine.drain_into(&mut records);
            self.take(&mut records)?;
            self.count(&capture.counters(), &mut before);
        }
        let counters = capture.counters();
        self.count(&counters, &mut before);
        engine.finish(counters.dropped);
        engine.drain_into(&mut records);
        self.take(&mut records)?;
        if counters.partly_read {
            self.position.reason = Some(capped(&counters.notes.join("; ")));
        }
        self.end()
    }

    fn count(&self, now: &Counters, before: &mut Counters) {
        let since = |now: u64, before: u64| now.saturating_sub(before);
        let dropped = since(now.dropped.unwrap_or(0), before.dropped.unwrap_or(0));
        measure::captured(
            "folder",
            since(now.frames, before.frames),
            since(now.bytes, before.bytes),
            dropped,
        );
        before.clone_from(now);
    }

    /// Queues those that are not durable yet.
    fn take(&mut self, records: &mut Vec<Record>) -> Result<(), Stopped> {
        for record in records.drain(..) {
            let sequence = record.header().sequence;
            if sequence > self.durable {
                self.last_sequence = sequence;
                self.batch.push(record);
                if self.batch.len() >= self.batch_records {
                    self.deliver(false)?;
                }
            }
        }
        Ok(())
    }

    /// Records as `serde_json` writes them, one a line, under their own sensor and number; what is told is how many there were.
    /// Taken up again by line.
    fn records(&mut self, file: File) -> Result<Outcome, Stopped> {
        let mut input = BufReader::with_capacity(256 * 1024, file);
        let (mut line, durable_lines) = (Vec::new(), self.position.line);
        let mut number = 0;
        loop {
            line.clear();
            match (&mut input).take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => number += 1,
                Err(error) => {
                    self.position.reason =
                        Some(capped(&format!("reading failed in line {}: {error}", number + 1)));
                    break;
                }
            }
            let is_too_long = line.len() as u64 > LINE_BYTES_MAX;
            if is_too_long && !line.ends_with(b"\n") && input.skip_until(b'\n').is_err() {
                continue;
            }
            if number <= durable_lines {
                continue;
            }
            self.position.line = number;
            match parse(&line, is_too_long) {
                Ok(None) => continue,
                Ok(Some(record)) => {
                    // Its own number is its sensor's, and several sensors may share a file: the source counts by itself.
                    self.last_sequence += 1;
                    self.batch.push(record);
                }
                Err(reason) => self.broken(number, &reason),
            }
            if self.batch.len() >= self.batch_records {
                self.deliver(false)?;
            }
            if number % 1024 == 0 && self.outlet.is_stopped() {
                return Err(Stopped);
            }
        }
        let broken = self.position.broken_lines;
        if broken > 0 && self.position.reason.is_none() {
            self.position.reason = Some(format!("{broken} of {number} lines are no record"));
        }
        self.end()
    }

    fn broken(&mut self, line: u64, reason: &str) {
        self.position.broken_lines += 1;
        measure::lines_broken(1);
        if self.position.broken_lines <= LINES_NAMED_MAX {
            tracing::warn!(source = &*self.source, line, reason, "a line is no record and is left out");
        }
    }

    fn end(&mut self) -> Result<Outcome, Stopped> {
        self.deliver(true)?;
        match &self.position.reason {
            Some(reason) => {
                tracing::warn!(
                    source = &*self.source,
                    reason = reason.as_str(),
                    "a file is read, but not all of it"
                );
                Ok(Outcome::Partly)
            }
            None => {
                tracing::info!(source = &*self.source, last_sequence = self.last_sequence, "a file is read");
                Ok(Outcome::Read)
            }
        }
    }

    /// Hands over what is queued, with the position after it.
    fn deliver(&mut self, done: bool) -> Result<(), Stopped> {
        self.position.done = done;
        let line = Line {
            file: self.file.to_owned(),
            bytes: self.position.stamp.bytes,
            last_sequence: self.last_sequence,
            done,
            refused: self.position.reason.clone().filter(|_| self.last_sequence == 0),
        };
        let told = Arc::clone(self.told);
        let delivery = Delivery {
            source: Arc::clone(&self.source),
            records: std::mem::take(&mut self.batch),
            last_sequence: self.last_sequence,
            position: serde_json::to_string(&self.position).unwrap_or_default(),
            acknowledge: Some(Box::new(move || told.note(line))),
        };
        let told = self.told;
        told.write_if_due();
        self.outlet.hand_over(delivery, &mut || told.write_if_due())
    }
}

/// A record, nothing for an empty line, or why it is none. The reason never quotes the line: it may be anything.
fn parse(line: &[u8], is_too_long: bool) -> Result<Option<Record>, String> {
    if is_too_long {
        return Err(format!("longer than {LINE_BYTES_MAX} bytes"));
    }
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    if line.windows(NUL_ESCAPED.len()).any(|window| window == NUL_ESCAPED) {
        return Err("a text with NUL in it".to_owned());
    }
    match serde_json::from_slice::<Record>(line) {
        Ok(record) if record.header().sequence == 0 => Err("sequence numbers begin with 1".to_owned()),
        Ok(record) => Ok(Some(record)),
        Err(error) if error.is_data() => Err(format!("JSON, but no record, at column {}", error.column())),
        Err(error) => Err(format!("no JSON at column {}", error.column())),
    }
}

fn capped(reason: &str) -> String {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default().to_owned()
}
