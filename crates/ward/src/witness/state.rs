//! What a witness must never forget: for each log the head that it cosigned last.
//!
//! It must not lose, guess or go back. One file, replaced whole: written beside, flushed, renamed, and the folder flushed. The
//! commit point is the rename; the answer goes out only when the folder is flushed too. Killed before it: the old state, and
//! nothing was answered. Killed after it, unanswered: the log asks again and is told the size.

use super::error::WitnessError;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use trust::tlog::note::NOTE_BYTES_MAX;
use trust::tlog::witness::Cosigned;
use trust::tlog::{Checkpoint, Head, VerifierKey};

/// File of the state within the witness's folder.
pub const STATE_FILE: &str = "witness.state";
/// Where the next state is written.
const NEXT_FILE: &str = "witness.state.new";
/// File whose lock says that a witness works here.
const LOCK_FILE: &str = "lock";
/// Logs that one witness can serve.
pub(super) const LOGS_MAX: usize = 1000;
/// Bytes of the largest state that is read. Notes are a few hundred bytes each.
const STATE_BYTES_MAX: u64 = 64 << 20;
/// First word of the file, and the version of its form.
const FORM: &str = "ward-witness-state-1";

/// The heads, in memory as on disk.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    key: VerifierKey,
    // INVARIANT: what the file holds, unless `unsure`.
    kept: BTreeMap<String, Kept>,
    /// A write failed: the file may hold either state.
    unsure: bool,
    fault: Option<Fault>,
    _lock: File,
}

#[derive(Clone, Debug)]
struct Kept {
    head: Head,
    note: String,
}

/// What a failing disk does to a write: for tests of both ways.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written, and that is reported.
    NotStored,
    /// It is written, but reported as failed.
    StoredButReported,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The witness's verifier key: a state belongs to one key.
    key: String,
    /// Checkpoints with their signatures, by origin.
    logs: BTreeMap<String, String>,
}

impl State {
    /// Makes the empty state of a new key. Refused where there is one.
    ///
    /// # Errors
    /// [`WitnessError::File`].
    pub fn create(folder: &Path, key: &VerifierKey) -> Result<(), WitnessError> {
        std::fs::create_dir_all(folder).map_err(|error| WitnessError::file(folder, error))?;
        let path = folder.join(STATE_FILE);
        if path.exists() {
            let exists =
                io::Error::new(io::ErrorKind::AlreadyExists, "a witness was here: take a new folder");
            return Err(WitnessError::file(&path, exists));
        }
        let _lock = lock(folder)?;
        write(folder, &encode(key, &BTreeMap::new())?).map_err(|error| WitnessError::file(&path, error))
    }

    /// Opens the state of `key`, and keeps others from it.
    ///
    /// # Errors
    /// [`WitnessError::Forgotten`] where there is none, [`WitnessError::Damaged`], [`WitnessError::InUse`].
    pub fn open(folder: &Path, key: &VerifierKey) -> Result<Self, WitnessError> {
        let lock = lock(folder)?;
        let kept = read(folder, key)?;
        let (folder, key) = (folder.to_path_buf(), key.clone());
        Ok(Self { folder, key, kept, unsure: false, fault: None, _lock: lock })
    }

    /// The head last cosigned for a log. After a write that failed, the file is read again first.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn head(&mut self, origin: &str) -> Result<Option<Head>, WitnessError> {
        self.settle()?;
        Ok(self.kept.get(origin).map(|kept| kept.head))
    }

    /// The checkpoint last cosigned for a log, with its signatures.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn note(&mut self, origin: &str) -> Result<Option<String>, WitnessError> {
        self.settle()?;
        Ok(self.kept.get(origin).map(|kept| kept.note.clone()))
    }

    /// Makes a new head durable. Where this fails the cosignature must not be sent.
    ///
    /// # Errors
    /// [`WitnessError::File`]; the state is then read again before it is used.
    pub fn keep(&mut self, cosigned: &Cosigned) -> Result<(), WitnessError> {
        self.settle()?;
        let kept = Kept { head: cosigned.head, note: cosigned.note.to_string() };
        let before = self.kept.insert(cosigned.origin.clone(), kept);
        let path = self.folder.join(STATE_FILE);
        let written = encode(&self.key, &self.kept)
            .and_then(|bytes| self.write(&bytes).map_err(|error| WitnessError::file(&path, error)));
        if written.is_err() {
            self.unsure = true;
            match before {
                Some(kept) => self.kept.insert(cosigned.origin.clone(), kept),
                None => self.kept.remove(&cosigned.origin),
            };
        }
        written
    }

    /// Lets the next write fail.
    #[doc(hidden)]
    pub fn fail_next(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let asked = || Err(io::Error::other("a fault was asked for"));
        match self.fault.take() {
            Some(Fault::NotStored) => asked(),
            Some(Fault::StoredButReported) => write(&self.folder, bytes).and_then(|()| asked()),
            None => write(&self.folder, bytes),
        }
    }

    fn settle(&mut self) -> Result<(), WitnessError> {
        if self.unsure {
            self.kept = read(&self.folder, &self.key)?;
            self.unsure = false;
        }
        Ok(())
    }
}

fn lock(folder: &Path) -> Result<File, WitnessError> {
    let path = folder.join(LOCK_FILE);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = opened.map_err(|error| WitnessError::file(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(WitnessError::InUse { folder: folder.display().to_string() })
        }
        Err(std::fs::TryLockError::Error(error)) => Err(WitnessError::file(&path, error)),
    }
}

fn encode(key: &VerifierKey, kept: &BTreeMap<String, Kept>) -> Result<Vec<u8>, WitnessError> {
    let logs = kept.iter().map(|(origin, kept)| (origin.clone(), kept.note.clone())).collect();
    let document = serde_json::to_string_pretty(&Document { key: key.to_string(), logs });
    let document = document.map_err(|error| WitnessError::Settings(error.to_string()))?;
    Ok(format!("{FORM} {}\n{document}\n", checksum(document.as_bytes())).into_bytes())
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces the state whole.
fn write(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let (next, path) = (folder.join(NEXT_FILE), folder.join(STATE_FILE));
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&next, &path)?;
    sync_folder(&path)
}

/// Flushes the folder that `path` is in: a new name in it is durable from here.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn read(folder: &Path, key: &VerifierKey) -> Result<BTreeMap<String, Kept>, WitnessError> {
    let path = folder.join(STATE_FILE);
    let file = File::open(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => WitnessError::Forgotten { path: path.display().to_string() },
        _ => WitnessError::file(&path, error),
    })?;
    let mut bytes = Vec::new();
    file.take(STATE_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| WitnessError::file(&path, error))?;
    decode(&bytes, key).map_err(|why| WitnessError::Damaged { path: path.display().to_string(), why })
}

fn decode(bytes: &[u8], key: &VerifierKey) -> Result<BTreeMap<String, Kept>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
    let (first, rest) = text.split_once('\n').ok_or("it has no first line")?;
    let sum = first.strip_prefix(FORM).ok_or("it does not begin as a state does")?.trim_start();
    let document = rest.strip_suffix('\n').ok_or("it ends early")?;
    if checksum(document.as_bytes()) != sum {
        return Err("its checksum is wrong".to_owned());
    }
    let document: Document = serde_json::from_str(document).map_err(|error| error.to_string())?;
    if document.key != key.to_string() {
        return Err(format!("it is of the key {}", document.key));
    }
    document.logs.into_iter().map(|(origin, note)| Ok((origin.clone(), kept(&origin, note, key)?))).collect()
}

/// A head is believed only with our own cosignature on it.
fn kept(origin: &str, note: String, key: &VerifierKey) -> Result<Kept, String> {
    debug_assert!(note.len() <= 2 * NOTE_BYTES_MAX, "what was written was read within its bound");
    let opened = Checkpoint::open(note.as_bytes(), origin, std::slice::from_ref(key));
    let checkpoint = opened.map_err(|error| format!("the checkpoint of {origin:?}: {error}"))?.checkpoint;
    Ok(Kept { head: Head { size: checkpoint.size(), root: *checkpoint.root() }, note })
}
