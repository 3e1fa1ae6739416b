//! Files that hold a secret: opened once, judged by the open handle, read within a bound, wiped from memory.

use super::{IfMissing, KeyError, fill};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use trust::seal::Secret32;
use zeroize::{Zeroize as _, Zeroizing};

/// Longest secret that is read, in bytes.
pub(super) const SECRET_BYTES_MAX: usize = 2048;

/// The key in a file that only we may read; made first if it does not exist and `if_missing` says so.
pub(super) fn key(path: &Path, if_missing: IfMissing) -> Result<Secret32, KeyError> {
    if if_missing == IfMissing::Create {
        match create(path) {
            // Another key stands there already: that one is used, never replaced.
            Err(KeyError::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => {}
        }
    }
    decode(&private(path)?, path)
}

/// The content of a file that nobody else may read. Symbolic links are followed: what counts is whose the file is.
pub(super) fn private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(KeyError::io(path, "looking at the file"))?;
    if !metadata.is_file() {
        return Err(KeyError::NotAFile { file: path.to_owned() });
    }
    check_access(path, &metadata)?;
    content(file, path)
}

/// A key as it stands in a file or credential: 32 bytes, or 64 hexadecimal digits with or without a line end.
pub(super) fn decode(content: &[u8], path: &Path) -> Result<Secret32, KeyError> {
    let mut key = Zeroizing::new([0; 32]);
    if content.len() == key.len() {
        key.copy_from_slice(content);
        return Ok(Secret32::take(&mut key));
    }
    let not_a_key = || KeyError::NotAKey { file: path.to_owned(), bytes: content.len() };
    let digits = content.trim_ascii_end();
    if digits.len() != 2 * key.len() {
        return Err(not_a_key());
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair
            .iter()
            .try_fold(0, |value, digit| Some(value << 4 | nibble(*digit)?))
            .ok_or_else(not_a_key)?;
    }
    Ok(Secret32::take(&mut key))
}

/// Reads at most [`SECRET_BYTES_MAX`] bytes, and one more that shows that there were more.
pub(super) fn content(file: File, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Room from the start: growing would leave a copy of the secret behind.
    let mut content = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX + 64));
    file.take(SECRET_BYTES_MAX as u64 + 1)
        .read_to_end(&mut content)
        .map_err(KeyError::io(path, "reading the secret"))?;
    Ok(content)
}

fn open(path: &Path) -> Result<File, KeyError> {
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe without a writer would keep us waiting before we could see that it is one.
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => KeyError::NoKeyFile { file: path.to_owned() },
        _ => KeyError::io(path, "opening")(error),
    })
}

fn create(path: &Path) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(KeyError::io(path, "making the key file"))?;
    let mut key = Zeroizing::new([0; 32]);
    let written = fill(&mut *key).and_then(|()| {
        file.write_all(&*key)
            .and_then(|()| file.sync_all())
            .map_err(KeyError::io(path, "writing the key file"))
    });
    key.zeroize();
    if written.is_err() {
        // Half a key would be taken for a damaged one; nothing has been wrapped by it yet.
        let _ = std::fs::remove_file(path);
    }
    written.and_then(|()| super::keyring::sync_folder_of(path))
}

#[cfg(unix)]
fn check_access(path: &Path, metadata: &Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::MetadataExt as _;
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if let Some(us) = our_uid().filter(|us| owner != *us && owner != 0) {
        return Err(KeyError::Owner { file: path.to_owned(), owner, us });
    }
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Mode { file: path.to_owned(), mode }) }
}

/// On other systems access is by lists that Ward does not read; where keys lie there is the operator's to say.
#[cfg(not(unix))]
fn check_access(_: &Path, _: &Metadata) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn our_uid() -> Option<u32> {
    Some(nix::unistd::geteuid().as_raw())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn our_uid() -> Option<u32> {
    None
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
