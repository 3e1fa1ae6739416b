//! The keyring file: read whole, replaced whole, never overwritten by a new one, never made where a store has lost its own.

use super::{KeyError, fresh_entropy};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use trust::seal::{KEYRING_BYTES_MAX, KekStated, KeyEncryptionKey, Keyring};

/// The keyring's name in the folder of the store.
pub const KEYRING_FILE: &str = "keyring.json";
/// What is written before it gets that name.
const UNFINISHED_FILE: &str = "keyring.json.new";

/// Endings of names that only a store leaves in its folder.
const STORE_ENDINGS: &[&str] = &[".db", ".db-wal", ".db-shm", ".sqlite"];
/// Names that only a store leaves in its folder.
const STORE_NAMES: &[&str] = &["ledger", "tile", "tiles", "checkpoint"];

/// The keyring in `folder`, opened with `kek`; a new one if there is neither keyring nor store. A store on a server leaves
/// nothing in the folder: whoever uses one asks it first, and calls [`keyring_of`] if it holds anything.
/// Errors: [`KeyError::KeyringGone`]; the keyring does not open ([`KeyError::Seal`]).
pub fn open_or_create_keyring(folder: &Path, kek: &dyn KeyEncryptionKey) -> Result<Keyring, KeyError> {
    if let Some(keyring) = keyring_of(folder, kek)? {
        return Ok(keyring);
    }
    no_store_in(folder)?;
    let file = folder.join(KEYRING_FILE);
    let keyring = Keyring::create(kek, fresh_entropy()?).map_err(KeyError::seal(&file))?;
    write(folder, &keyring, Target::MustNotExist)?;
    Ok(keyring)
}

/// The keyring in `folder`, opened with `kek`; `None` if there is none.
pub fn keyring_of(folder: &Path, kek: &dyn KeyEncryptionKey) -> Result<Option<Keyring>, KeyError> {
    let Some(bytes) = read(folder)? else { return Ok(None) };
    Keyring::open(&bytes, kek).map(Some).map_err(KeyError::seal(&folder.join(KEYRING_FILE)))
}

/// Which key wraps the keyring in `folder`, by its own word; `None` if there is no keyring.
pub fn kek_noted(folder: &Path) -> Result<Option<KekStated>, KeyError> {
    let Some(bytes) = read(folder)? else { return Ok(None) };
    Keyring::kek_of(&bytes).map(Some).map_err(KeyError::seal(&folder.join(KEYRING_FILE)))
}

/// Puts `keyring` in the place of the one in `folder`, durably. After an error the file is the old one or, if only the last
/// flush failed, the new one; both are whole: open it again to know. Use the new keys only after this has succeeded.
pub fn replace_keyring(folder: &Path, keyring: &Keyring) -> Result<(), KeyError> {
    write(folder, keyring, Target::Replace)
}

/// Rewraps the keyring by another key-encryption key and replaces the file. No copy of the old one is kept. Does not disturb
/// whoever uses `keyring` meanwhile: its keys stay the same.
pub fn rotate_kek(folder: &Path, keyring: &Keyring, kek: &dyn KeyEncryptionKey) -> Result<Keyring, KeyError> {
    let rewrapped =
        keyring.rewrap(kek, fresh_entropy()?).map_err(KeyError::seal(&folder.join(KEYRING_FILE)))?;
    replace_keyring(folder, &rewrapped)?;
    Ok(rewrapped)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Replace,
    MustNotExist,
}

/// 1. `keyring.json.new`, 0600, whole and flushed. A kill before or here: the old keyring stands; the next write clears up.
/// 2. It gets the name `keyring.json`: **the commit point**, one atomic step of the file system.
/// 3. The folder is flushed, so that the name survives a power cut. A kill before: one of both keyrings stands, whole.
fn write(folder: &Path, keyring: &Keyring, target: Target) -> Result<(), KeyError> {
    let (file, unfinished) = (folder.join(KEYRING_FILE), folder.join(UNFINISHED_FILE));
    let bytes = keyring.to_bytes().map_err(KeyError::seal(&file))?;
    remove(&unfinished)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&unfinished).and_then(|mut new| {
        new.write_all(&bytes)?;
        new.sync_all()
    });
    written.map_err(KeyError::io(&unfinished, "writing the keyring"))?;
    match target {
        Target::Replace => {
            std::fs::rename(&unfinished, &file).map_err(KeyError::io(&file, "replacing the keyring"))?
        }
        Target::MustNotExist => name_first(&unfinished, &file)?,
    }
    sync_folder_of(&file)
}

/// Gives a name that must be free: a second name for the file, which fails if another process was quicker; then the first goes.
fn name_first(unfinished: &Path, file: &Path) -> Result<(), KeyError> {
    match std::fs::hard_link(unfinished, file) {
        Ok(()) => remove(unfinished),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            remove(unfinished)?;
            Err(KeyError::KeyringExists { file: file.to_owned() })
        }
        // A file system without second names. The lock on the store keeps other processes out.
        Err(_) if !file.exists() => {
            std::fs::rename(unfinished, file).map_err(KeyError::io(file, "naming the keyring"))
        }
        Err(error) => Err(KeyError::io(file, "naming the keyring")(error)),
    }
}

fn read(folder: &Path) -> Result<Option<Vec<u8>>, KeyError> {
    let path = folder.join(KEYRING_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KeyError::io(&path, "opening the keyring")(error)),
    };
    let mut bytes = Vec::new();
    // One byte more than allowed: the reader then says that it is too long.
    file.take(KEYRING_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(KeyError::io(&path, "reading the keyring"))?;
    Ok(Some(bytes))
}

/// Errors: [`KeyError::KeyringGone`], with the name of what a store has left in `folder`.
pub(super) fn no_store_in(folder: &Path) -> Result<(), KeyError> {
    store_in(folder)?.map_or(Ok(()), |found| Err(KeyError::KeyringGone { folder: folder.to_owned(), found }))
}

fn store_in(folder: &Path) -> Result<Option<String>, KeyError> {
    let entries = std::fs::read_dir(folder).map_err(KeyError::io(folder, "looking into the folder"))?;
    let mut found: Option<String> = None;
    for entry in entries {
        let entry = entry.map_err(KeyError::io(folder, "looking into the folder"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let of_a_store =
            STORE_NAMES.contains(&name.as_str()) || STORE_ENDINGS.iter().any(|end| name.ends_with(end));
        if of_a_store && found.as_ref().is_none_or(|first| name < *first) {
            found = Some(name);
        }
    }
    Ok(found)
}

fn remove(file: &Path) -> Result<(), KeyError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(KeyError::io(file, "clearing up an unfinished keyring")(error))
        }
        _ => Ok(()),
    }
}

/// Makes a new name in a folder survive a power cut.
pub(super) fn sync_folder_of(file: &Path) -> Result<(), KeyError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Only POSIX systems open folders; others make names durable by themselves.
    if cfg!(unix) {
        let opened = File::open(folder).and_then(|folder| folder.sync_all());
        opened.map_err(KeyError::io(folder, "flushing the folder"))?;
    }
    Ok(())
}
