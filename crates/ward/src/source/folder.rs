//! A watched folder: captures and record files that others put there are read once each, oldest first, as soon as nobody writes
//! them any more. What cannot be read is said once and never holds up the others.
//!
//! Left alone: names that begin with a dot, names that end in `.part`, `.tmp` or `.filepart` (a copy under way), folders, links
//! and whatever else is no plain file, and empty files until there is something in them.

use super::file::{Position, Reading, Stamp};
use super::told::{Line, Told};
use super::{Outlet, Stopped};
use crate::config::{Config, Watch};
use crate::measure::{self, Outcome};
use model::{DomainId, SensorId, SiteId};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a stop is noticed in between.
const NAP: Duration = Duration::from_millis(50);
/// Files of a folder that are looked at; further ones wait until some are gone.
const FILES_MAX: usize = 100_000;
/// Ends of names that copying programs use while they write.
const UNFINISHED: &[&str] = &[".part", ".tmp", ".filepart", ".crdownload"];

/// How a folder is watched.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder.
    pub folder: PathBuf,
    /// For so long a file's size and time must not change.
    pub settle: Duration,
    /// Site of the records of captures.
    pub site: SiteId,
    /// Sensor of the records of captures.
    pub sensor: SensorId,
    /// Address domain of captures.
    pub domain: DomainId,
    /// Conversations of a capture alive at once.
    pub flows_max: usize,
    /// Records of a delivery at most.
    pub batch_records: usize,
    /// Secret entropy for hash tables; records do not depend on it.
    pub seed: u64,
}

impl Settings {
    /// As the configuration has them for one of its folders.
    pub fn new(config: &Config, watch: &Watch, seed: u64) -> Self {
        Self {
            folder: watch.folder.clone(),
            settle: Duration::from_secs(watch.settle_s),
            site: config.site.id,
            sensor: watch.sensor,
            domain: watch.domain,
            flows_max: config.limits.flows_max,
            batch_records: config.limits.batch_records,
            seed,
        }
    }

    /// Name of the source of one of its files.
    pub fn source(&self, file: &str) -> String {
        format!("folder:{}", self.folder.join(file).display())
    }
}

/// A file as it was last seen.
struct Seen {
    stamp: Stamp,
    /// When it was first seen like this, by the time that [`Folder::look`] is given.
    since: Duration,
    /// Read, refused, or known from before: not to be read again.
    is_over: bool,
}

/// A folder that is watched.
pub struct Folder {
    settings: Settings,
    outlet: Outlet,
    told: Arc<Told>,
    seen: BTreeMap<String, Seen>,
    is_readable: bool,
    is_crowded: bool,
}

impl Folder {
    /// Begins to watch; nothing is read before the first look.
    pub fn new(settings: Settings, outlet: Outlet) -> Self {
        let told = Arc::new(Told::open(&settings.folder));
        Self { settings, outlet, told, seen: BTreeMap::new(), is_readable: true, is_crowded: false }
    }

    /// Looks once a second until told to stop. What is in the queue then is still acknowledged and told; what was not handed
    /// over is read again after the restart.
    pub fn run(mut self) {
        let started = Instant::now();
        while !self.outlet.is_stopped() {
            let _ = self.look(started.elapsed());
            self.told.write_if_due();
            let looked = Instant::now();
            while looked.elapsed() < LOOK_EVERY && !self.outlet.is_stopped() {
                std::thread::sleep(NAP);
                self.told.write_if_due();
            }
        }
    }

    /// Looks once, and reads what has settled; `now` is the time since some start. The number of files that came to an end.
    pub fn look(&mut self, now: Duration) -> usize {
        let Some(files) = self.list() else { return 0 };
        let gone: Vec<String> = self.seen.keys().filter(|file| !files.contains_key(*file)).cloned().collect();
        for file in gone {
            self.seen.remove(&file);
            self.told.forget(&file);
        }
        let mut ready: Vec<(u64, String)> = Vec::new();
        for (file, stamp) in files {
            if self.is_ready(&file, stamp, now) {
                ready.push((stamp.modified, file));
            }
        }
        ready.sort();
        let mut ended = 0;
        for (_, file) in ready {
            if self.outlet.is_stopped() {
                break;
            }
            match self.read(&file) {
                Ok(Some(outcome)) => {
                    ended += 1;
                    measure::file(outcome);
                }
                Ok(None) => {}
                Err(Stopped) => break,
            }
        }
        ended
    }

    /// The plain files of the folder that might be meant.
    fn list(&mut self) -> Option<BTreeMap<String, Stamp>> {
        let entries = match std::fs::read_dir(&self.settings.folder) {
            Ok(entries) => entries,
            Err(error) => {
                if std::mem::take(&mut self.is_readable) {
                    tracing::error!(
                        folder = %self.settings.folder.display(),
                        error = %error,
                        "the watched folder cannot be read: make it readable for this user"
                    );
                }
                return None;
            }
        };
        self.is_readable = true;
        let mut files = BTreeMap::new();
        for entry in entries.flatten() {
            if files.len() >= FILES_MAX {
                if !std::mem::replace(&mut self.is_crowded, true) {
                    tracing::warn!(
                        folder = %self.settings.folder.display(),
                        files = FILES_MAX,
                        "too many files in the watched folder: further ones wait until some are moved away"
                    );
                }
                return Some(files);
            }
            // Of the entry itself: a link is not followed.
            let Ok(metadata) = entry.metadata() else { continue };
            let name = entry.file_name();
            // A name that is not text cannot be a source's name.
            let Some(name) = name.to_str() else { continue };
            let is_meant = !name.starts_with('.') && !UNFINISHED.iter().any(|end| name.ends_with(end));
            if is_meant && metadata.is_file() && metadata.len() > 0 {
                files.insert(name.to_owned(), Stamp::of(&metadata));
            }
        }
        self.is_crowded = false;
        Some(files)
    }

    /// Whether a file is to be read now.
    fn is_ready(&mut self, file: &str, stamp: Stamp, now: Duration) -> bool {
        if let Some(seen) = self.seen.get_mut(file) {
            if seen.stamp == stamp {
                return !seen.is_over && now.saturating_sub(seen.since) >= self.settings.settle;
            }
            (seen.stamp, seen.since) = (stamp, now);
            if seen.is_over {
                self.has_changed(file);
            }
            return false;
        }
        let is_over = match self.cursor(file) {
            Some((last_sequence, position)) if position.done => {
                if position.stamp == stamp {
                    self.tell_again(file, last_sequence, &position);
                } else {
                    self.has_changed(file);
                }
                true
            }
            _ => false,
        };
        self.seen.insert(file.to_owned(), Seen { stamp, since: now, is_over });
        // With nothing to settle for, there is nothing to wait for either.
        !is_over && self.settings.settle.is_zero()
    }

    fn cursor(&self, file: &str) -> Option<(u64, Position)> {
        let (last_sequence, position) = (self.outlet.cursors)(&self.settings.source(file))?;
        Some((last_sequence, serde_json::from_str(&position).unwrap_or_default()))
    }

    /// The crash may have come between the commit and the line about it.
    fn tell_again(&self, file: &str, last_sequence: u64, position: &Position) {
        self.told.note(Line {
            file: file.to_owned(),
            bytes: position.stamp.bytes,
            last_sequence,
            done: true,
            refused: position.reason.clone().filter(|_| last_sequence == 0),
        });
    }

    fn has_changed(&self, file: &str) {
        measure::file(Outcome::Changed);
        tracing::warn!(
            source = self.settings.source(file),
            "a file changed after it was read: it is not read again; put what is new under another name"
        );
    }

    /// Reads a file that has settled; `None` when it is gone or moving again.
    fn read(&mut self, file: &str) -> Result<Option<Outcome>, Stopped> {
        let Some(stamp) = self.seen.get(file).map(|seen| seen.stamp) else { return Ok(None) };
        let (durable, position) = self.cursor(file).unwrap_or_default();
        let is_resumed = durable > 0 || position.line > 0;
        let mut reading = Reading {
            outlet: &self.outlet,
            told: &self.told,
            source: self.settings.source(file).into(),
            file,
            batch_records: self.settings.batch_records.max(1),
            durable,
            last_sequence: durable,
            position: if is_resumed { position } else { Position { stamp, ..Position::default() } },
            batch: Vec::new(),
        };
        let path = self.settings.folder.join(file);
        let outcome = match open(&path) {
            _ if reading.position.stamp != stamp => {
                reading.position.stamp = stamp;
                reading.refuse(
                    "it changed while it was being read: put it under another name once it is whole",
                )?
            }
            Ok(opened) if opened.metadata().is_ok_and(|metadata| Stamp::of(&metadata) == stamp) => {
                let config = sense::Config {
                    site: self.settings.site,
                    sensor: self.settings.sensor,
                    domain: self.settings.domain,
                    seed: self.settings.seed,
                    flows_max: self.settings.flows_max,
                    ..sense::Config::default()
                };
                reading.read(&path, opened, config)?
            }
            // It moves again: it settles anew.
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => reading.refuse(&format!("cannot be opened: {error}"))?,
        };
        if let Some(seen) = self.seen.get_mut(file) {
            seen.is_over = true;
        }
        Ok(Some(outcome))
    }
}

/// Others may write into the folder: a link or pipe in the place of the file is not followed or waited for.
fn open(path: &std::path::Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path)
}
