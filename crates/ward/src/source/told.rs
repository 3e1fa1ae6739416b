//! What outsiders are told: `.ward-cursor.jsonl` in a watched folder says how far each of its files is durable. Whoever put a
//! file there may delete it once its last line says `done`.
//!
//! Commit point: the flush of an appended line. Killed before it, a line is missing and comes at the next start; a line that is
//! there is true, because it is written only for what was acknowledged. A line cut by a crash is not JSON: ignore it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The file's name.
pub(super) const TOLD_FILE: &str = ".ward-cursor.jsonl";
/// Lines are written at most this often.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Size past which the file is rewritten with the newest line of each file, in bytes.
const TOLD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// The file's name within the folder.
    pub(super) file: String,
    /// Its size when it was read.
    pub(super) bytes: u64,
    /// Sequence number of its last durable record; 0: none.
    pub(super) last_sequence: u64,
    /// Nothing more will come of it.
    pub(super) done: bool,
    /// Why it was not read, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<String>,
}

/// Lines that wait to be written, and those that are.
pub(super) struct Told {
    folder: PathBuf,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    waiting: BTreeMap<String, Line>,
    written: BTreeMap<String, Line>,
    written_at: Option<Instant>,
    size_bytes: u64,
    is_ended: bool,
    has_complained: bool,
}

impl Told {
    /// Reads what was told before.
    pub(super) fn open(folder: &Path) -> Self {
        let told = Self { folder: folder.to_path_buf(), lines: Mutex::default() };
        {
            let mut lines = told.lock();
            if let Err(error) = lines.read(&told.path())
                && error.kind() != io::ErrorKind::NotFound
            {
                told.complain(&mut lines, &error);
            }
        }
        told
    }

    fn path(&self) -> PathBuf {
        self.folder.join(TOLD_FILE)
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is durable. Only notes it: may be called from the core's thread.
    pub(super) fn note(&self, line: Line) {
        let mut lines = self.lock();
        if lines.written.get(&line.file) == Some(&line) {
            lines.waiting.remove(&line.file);
        } else {
            lines.waiting.insert(line.file.clone(), line);
        }
    }

    /// A file is gone from the folder: its line need not be kept.
    pub(super) fn forget(&self, file: &str) {
        self.lock().written.remove(file);
    }

    /// Writes what waits, unless that was done within the last second.
    pub(super) fn write_if_due(&self) {
        let mut lines = self.lock();
        if lines.written_at.is_none_or(|at| at.elapsed() >= WRITE_EVERY) {
            self.write(&mut lines);
        }
    }

    fn write(&self, lines: &mut Lines) {
        if lines.waiting.is_empty() {
            return;
        }
        lines.written_at = Some(Instant::now());
        let written = if lines.size_bytes > TOLD_BYTES_MAX {
            lines.rewrite(&self.folder, &self.path())
        } else {
            lines.append(&self.path())
        };
        match written {
            Ok(()) => {
                lines.has_complained = false;
                let waiting = std::mem::take(&mut lines.waiting);
                lines.written.extend(waiting);
            }
            Err(error) => self.complain(lines, &error),
        }
    }

    /// Once, until it works again.
    fn complain(&self, lines: &mut Lines, error: &io::Error) {
        if !lines.has_complained {
            lines.has_complained = true;
            tracing::warn!(
                folder = %self.folder.display(),
                error = %error,
                "the folder's cursor file cannot be written: files are read all the same, but nobody is told how far"
            );
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let lines = self.lines.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut lines = std::mem::take(lines);
        self.write(&mut lines);
    }
}

impl Lines {
    fn read(&mut self, path: &Path) -> io::Result<()> {
        let file = options().read(true).open(path)?;
        self.size_bytes = file.metadata()?.len();
        // Twice the bound: what is there was written by Ward, or is nothing that Ward needs.
        for line in BufReader::new(file.take(2 * TOLD_BYTES_MAX)).split(b'\n') {
            if let Ok(line) = serde_json::from_slice::<Line>(&line?) {
                self.written.insert(line.file.clone(), line);
            }
        }
        Ok(())
    }

    fn append(&mut self, path: &Path) -> io::Result<()> {
        let mut file = options().read(true).append(true).create(true).open(path)?;
        let mut text = Vec::new();
        // A line that a crash cut must not swallow the next one.
        if !self.is_ended && !ends_with_newline(&mut file)? {
            text.push(b'\n');
        }
        to_lines(self.waiting.values(), &mut text)?;
        self.is_ended = false;
        file.write_all(&text)?;
        file.sync_all()?;
        self.is_ended = true;
        self.size_bytes += text.len() as u64;
        Ok(())
    }

    fn rewrite(&mut self, folder: &Path, path: &Path) -> io::Result<()> {
        let beside = folder.join(format!("{TOLD_FILE}.new"));
        let mut text = Vec::new();
        let kept = self.written.iter().filter(|(file, _)| !self.waiting.contains_key(*file));
        to_lines(kept.map(|(_, line)| line).chain(self.waiting.values()), &mut text)?;
        let mut file = options().write(true).create(true).truncate(true).open(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()?;
        (self.size_bytes, self.is_ended) = (text.len() as u64, true);
        Ok(())
    }
}

/// Others may write into the folder: a link there must not lead Ward elsewhere.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    options
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn to_lines<'l>(lines: impl Iterator<Item = &'l Line>, text: &mut Vec<u8>) -> io::Result<()> {
    for line in lines {
        serde_json::to_writer(&mut *text, line)?;
        text.push(b'\n');
    }
    Ok(())
}
