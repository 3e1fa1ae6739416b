//! A backup as a file: sealed on its way out, opened on its way in. A file that is not whole never has the name that was asked for.

use super::header::Header;
use super::{ChunkSink, ChunkSource, Sealing};
use crate::error::{Result, StoreError};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use trust::seal::{CHUNK_BYTES, ChunkOpener, ChunkSealer, HEADER_BYTES_MAX, Prologue, SealError, Secret32};
use zeroize::Zeroizing;

/// Beside the name that was asked for, while the file is not whole.
const PART: &str = ".part";
/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;
/// More than any prologue has: its header and the fixed parts around it.
const PROLOGUE_BYTES_MAX: usize = HEADER_BYTES_MAX + 1024;

/// What went wrong with a file.
pub(super) fn io(path: &Path, error: &std::io::Error) -> StoreError {
    let detail = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreError::Full { detail }
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StoreError::ReadOnly { detail },
        _ => StoreError::Unreachable { detail },
    }
}

/// A backup that does not open.
fn unsealed(path: &Path, error: &SealError) -> StoreError {
    match error {
        SealError::Cipher { .. } => StoreError::Trust(error.to_string()),
        _ => StoreError::Backup(format!("{}: {error}", path.display())),
    }
}

/// Makes what a folder lists durable.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| io(folder, &e))
}

/// A backup being written.
pub(super) struct FileSink {
    path: PathBuf,
    part: PathBuf,
    file: File,
    sealer: ChunkSealer,
    /// Less than a chunk of plaintext, waiting for the rest.
    pending: Zeroizing<Vec<u8>>,
    done: bool,
}

impl FileSink {
    /// Begins `path` under a name of its own. What an ended process left under that name is overwritten; `path` never is.
    pub(super) fn create(path: &Path, sealing: &Sealing<'_>, header: &Header) -> Result<Self> {
        refuse_present(path)?;
        let mut salt = [0; 32];
        aws_lc_rs::rand::fill(&mut salt)
            .map_err(|_| StoreError::Trust("no entropy from the system".into()))?;
        let sealer =
            ChunkSealer::new(sealing.key, salt, &header.encode()?).map_err(|e| unsealed(path, &e))?;
        let mut part = path.as_os_str().to_owned();
        part.push(PART);
        let part = PathBuf::from(part);
        let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&part);
        let mut file = opened.map_err(|e| io(&part, &e))?;
        if let Err(error) = file.try_lock() {
            return Err(StoreError::Refused(format!(
                "{} is being written by another backup ({error}): wait for it, or choose another name",
                part.display()
            )));
        }
        let begun = file.set_len(0).and_then(|()| file.write_all(sealer.prologue()));
        let sink = Self {
            path: path.to_owned(),
            part,
            file,
            sealer,
            pending: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES)),
            done: false,
        };
        begun.map_err(|e| io(&sink.part, &e))?;
        Ok(sink)
    }

    fn seal(&mut self, last: bool) -> Result<()> {
        let sealed = self.sealer.chunk(&self.pending, last).map_err(|e| unsealed(&self.path, &e))?;
        self.pending.clear();
        self.file.write_all(&sealed).map_err(|e| io(&self.part, &e))
    }
}

impl ChunkSink for FileSink {
    fn put(&mut self, mut plaintext: &[u8]) -> Result<()> {
        while !plaintext.is_empty() {
            let room = CHUNK_BYTES - self.pending.len();
            let (now, later) = plaintext.split_at_checked(room).unwrap_or((plaintext, &[]));
            self.pending.extend_from_slice(now);
            plaintext = later;
            if self.pending.len() == CHUNK_BYTES {
                self.seal(false)?;
            }
        }
        Ok(())
    }

    /// The commit point is the link under the final name: before it there is no such file, after it, it is whole and durable
    /// but for the folder's entry, which is made durable last.
    fn end(&mut self) -> Result<()> {
        self.seal(true)?;
        self.file.sync_all().map_err(|e| io(&self.part, &e))?;
        publish(&self.part, &self.path)?;
        self.done = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        sync_folder(folder.unwrap_or(Path::new(".")))
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if !self.done {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

/// Gives the file its name, unless that is taken: a link, which never overwrites, or a rename where there are no links.
fn publish(part: &Path, path: &Path) -> Result<()> {
    match std::fs::hard_link(part, path) {
        Ok(()) => std::fs::remove_file(part).map_err(|e| io(part, &e)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => refuse_present(path),
        Err(_) => {
            refuse_present(path)?;
            std::fs::rename(part, path).map_err(|e| io(path, &e))
        }
    }
}

fn refuse_present(path: &Path) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(StoreError::Refused(format!(
            "{} is there already, and a backup overwrites nothing: choose another name, or move that away",
            path.display()
        ))),
        Err(_) => Ok(()),
    }
}

/// A backup file, its prologue read.
pub(super) struct SealedFile {
    path: PathBuf,
    file: File,
    /// The prologue and perhaps more.
    read: Vec<u8>,
    prologue_bytes: usize,
}

impl SealedFile {
    /// Reads as far as the prologue; nothing of it is verified yet.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => StoreError::Refused(format!("there is no backup {}", path.display())),
            _ => io(path, &e),
        })?;
        let mut read = Vec::new();
        loop {
            let prologue = Prologue::read(&read).map_err(|e| unsealed(path, &e))?;
            if let Some(prologue) = prologue {
                let prologue_bytes = prologue.length_bytes();
                return Ok(Self { path: path.to_owned(), file, read, prologue_bytes });
            }
            let before = read.len();
            let room = PROLOGUE_BYTES_MAX.saturating_sub(before).min(READ_BYTES) as u64;
            (&file).take(room).read_to_end(&mut read).map_err(|e| io(path, &e))?;
            if read.len() == before {
                return Err(StoreError::Backup(format!(
                    "{} ends at byte {before}, within its header: it is not a whole backup; copy it again",
                    path.display()
                )));
            }
        }
    }

    /// What it says of itself.
    pub(super) fn header(&self) -> Result<Header> {
        match Prologue::read(&self.read) {
            Ok(Some(prologue)) => Header::decode(prologue.header()),
            Ok(None) => Err(StoreError::Backup(format!("{} has no header", self.path.display()))),
            Err(error) => Err(unsealed(&self.path, &error)),
        }
    }

    /// Verifies the header with `key`, and gives the rest.
    pub(super) fn unlock(self, key: &Secret32) -> Result<(Header, FileSource)> {
        let failed = |e: SealError| unsealed(&self.path, &e);
        let Some(prologue) = Prologue::read(&self.read).map_err(failed)? else {
            return Err(StoreError::Backup(format!("{} has no header", self.path.display())));
        };
        let opener = ChunkOpener::new(key, &prologue).map_err(failed)?;
        let header = Header::decode(prologue.header())?;
        let rest = self.read.get(self.prologue_bytes..).unwrap_or_default().to_vec();
        Ok((header, FileSource { path: self.path, file: self.file, rest, opener: Some(opener) }))
    }
}

/// The chunks of a backup file.
pub(super) struct FileSource {
    path: PathBuf,
    file: File,
    /// Read with the prologue.
    rest: Vec<u8>,
    /// `None` once it has been read.
    opener: Option<ChunkOpener>,
}

impl ChunkSource for FileSource {
    fn read(&mut self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let Some(mut opener) = self.opener.take() else {
            return Err(StoreError::Ours { detail: "a backup is read once".into() });
        };
        let mut buffer = std::mem::take(&mut self.rest);
        loop {
            let mut broken = Ok(());
            opener
                .push(&buffer, |plaintext| {
                    if broken.is_ok() {
                        broken = each(plaintext);
                    }
                })
                .map_err(|e| unsealed(&self.path, &e))?;
            broken?;
            buffer.clear();
            let read = (&self.file).take(READ_BYTES as u64).read_to_end(&mut buffer);
            if read.map_err(|e| io(&self.path, &e))? == 0 {
                return opener.finish().map_err(|e| unsealed(&self.path, &e));
            }
        }
    }
}
