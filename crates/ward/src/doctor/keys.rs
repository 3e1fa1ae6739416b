//! The key-encryption key, the keyring it opens, and the store that opens with that.

use super::{Check, OpenKeyring};
use crate::config::{Config, Keys};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use store::db::Mode;

/// Length of a key file, in bytes.
const KEK_BYTES: u64 = 32;
/// Beginning of an SQLite database that is not encrypted (https://www.sqlite.org/fileformat2.html, section 1.3).
const PLAIN: &[u8; 16] = b"SQLite format 3\0";

/// What can be said of the key without using it.
pub(super) fn kek(keys: &Keys) -> Vec<Check> {
    const NAME: &str = "key-encryption key";
    match keys {
        Keys::File { file } => vec![key_file(NAME, file)],
        Keys::Passphrase { file } => vec![private(NAME, file, &mut |length| {
            (length > 1).then(|| "the passphrase is there".to_owned()).ok_or_else(|| "is empty".to_owned())
        })],
        Keys::Credential { name } => vec![credential(NAME, name)],
        Keys::Pkcs11 { module, pin_file, .. } => {
            let pin = private("token PIN", pin_file, &mut |_| Ok("is there".to_owned()));
            let library = match std::fs::metadata(module) {
                Ok(_) => Check::ok(NAME, format!("the token's library {} is there", module.display())),
                Err(error) => Check::failed(
                    NAME,
                    format!("the token's library {}: {error}", module.display()),
                    "install the token's software, or correct keys.module",
                ),
            };
            vec![library, pin]
        }
    }
}

fn key_file(name: &'static str, file: &Path) -> Check {
    private(name, file, &mut |length| match length {
        KEK_BYTES => Ok("32 bytes".to_owned()),
        other => Err(format!("has {other} bytes instead of {KEK_BYTES}")),
    })
}

fn credential(name: &'static str, credential: &str) -> Check {
    match std::env::var_os("CREDENTIALS_DIRECTORY") {
        Some(folder) => key_file(name, &PathBuf::from(folder).join(credential)),
        None => Check::unknown(
            name,
            "systemd hands credentials to the unit only; ask in it: systemctl status ward, or run with keys.kind=file and a copy",
        ),
    }
}

/// A file that only its owner may read.
fn private(name: &'static str, file: &Path, judge: &mut dyn FnMut(u64) -> Result<String, String>) -> Check {
    let shown = file.display();
    let way_out = format!("give the file to the user that runs ward, mode 0600: sudo chmod 0600 {shown}");
    // Opened, so that "may I read it" is answered by the system.
    let metadata = match File::open(file).and_then(|opened| opened.metadata()) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let make = format!(
                "make it and keep a copy elsewhere: sudo install -m 0600 /dev/null {shown} && head -c 32 /dev/urandom | sudo tee {shown} > /dev/null"
            );
            return Check::failed(name, format!("{shown}: {error}"), make);
        }
        Err(error) => return Check::failed(name, format!("{shown}: {error}"), way_out),
    };
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&metadata) & 0o7777;
        if mode & 0o077 != 0 {
            return Check::failed(name, format!("{shown} can be read by others (mode {mode:04o})"), way_out);
        }
    }
    match judge(metadata.len()) {
        Ok(detail) => Check::ok(name, format!("{shown}: {detail}, and only its owner can read it")),
        Err(fault) => Check::failed(
            name,
            format!("{shown} {fault}"),
            "put the right file in its place; a new key does not open an old store",
        ),
    }
}

/// The keyring and the store; whether a ward runs on it.
pub(super) fn store(config: &Config, open: Option<OpenKeyring<'_>>) -> (Vec<Check>, bool) {
    let folder = &config.store.folder;
    if is_locked(folder) {
        return (vec![Check::ok("store", "in use by a ward that runs: nothing more was asked of it")], true);
    }
    let mut checks = Vec::new();
    let database = folder.join(store::DATABASE_FILE);
    if config.store.postgres_url_file.is_none() {
        match begins_with(&database) {
            Ok(head) if head == *PLAIN => {
                let detail = format!("{} is not encrypted: it was not made by ward", database.display());
                return (vec![Check::failed("store", detail, "move it away; ward makes its own")], false);
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let detail = format!("{} is not there yet: the first start makes it", database.display());
                return (vec![Check::ok("store", detail)], false);
            }
            Err(error) => {
                let detail = format!("{}: {error}", database.display());
                return (
                    vec![Check::failed("store", detail, "make it readable for the user that runs ward")],
                    false,
                );
            }
        }
    }
    if let Some(file) = &config.store.postgres_url_file {
        checks.push(private("database URL", file, &mut |_| Ok("is there".to_owned())));
    }
    match open.map(|open| open(config)) {
        None => checks.push(Check::unknown("store", "the keyring was not opened")),
        Some(Err(error)) => checks.push(Check::failed(
            "keyring",
            error,
            "name the key that this store was made with; without it restore a backup",
        )),
        Some(Ok(place)) => {
            checks.push(Check::ok("keyring", "opens with this key"));
            checks.push(schema(&place));
        }
    }
    (checks, false)
}

fn schema(place: &store::Place) -> Check {
    const NAME: &str = "store";
    let version = place.connect(Mode::Reader).and_then(|mut db| store::migration::version(&mut db));
    let known = store::migration::SCHEMA;
    match version {
        Ok(found) if found > known => Check::failed(
            NAME,
            format!("schema {found}; this ward knows {known}"),
            "run the newer ward, or restore a backup made by this one",
        ),
        Ok(found) if found < known => {
            Check::ok(NAME, format!("schema {found}; the next start brings it to {known}"))
        }
        Ok(found) => Check::ok(NAME, format!("opens; schema {found}")),
        Err(error) => Check::failed(NAME, error.to_string(), "`ward ledger verify` says what is lost"),
    }
}

/// Whether another ward holds the folder's lock; it is let go at once otherwise.
fn is_locked(folder: &Path) -> bool {
    let Ok(lock) = File::open(folder.join("lock")) else { return false };
    matches!(lock.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

fn begins_with(path: &Path) -> std::io::Result<[u8; 16]> {
    let mut head = [0; 16];
    let mut file = File::open(path)?;
    match file.read_exact(&mut head) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok([0; 16]),
        other => other.map(|()| head),
    }
}
