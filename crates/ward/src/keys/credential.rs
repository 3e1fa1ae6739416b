//! Credentials that systemd hands to a service (systemd.exec(5), CREDENTIALS): files in memory that only the service sees.

use super::{KeyError, private_file};
use std::path::{Path, PathBuf};
use trust::seal::{KekHint, SecretKek};
use zeroize::Zeroizing;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// The key-encryption key in the credential `name`.
pub(super) fn kek(name: &str) -> Result<SecretKek, KeyError> {
    let path = path(name)?;
    let secret = private_file::decode(&content(name, &path)?, &path)?;
    SecretKek::new(&secret, KekHint::Credential {}).map_err(KeyError::seal(&path))
}

/// The secret in the credential `name`.
pub(super) fn read(name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    content(name, &path(name)?)
}

/// Owner and mode are not looked at: systemd gives access through an access list, which shows as group bits.
fn content(name: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    match std::fs::File::open(path) {
        Ok(file) => private_file::content(file, path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(KeyError::NoCredential { name: name.to_owned() })
        }
        Err(error) => Err(KeyError::io(path, "opening the credential")(error)),
    }
}

fn path(name: &str) -> Result<PathBuf, KeyError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.starts_with('.') || !name.bytes().all(allowed) {
        return Err(KeyError::CredentialName { name: name.chars().take(80).collect() });
    }
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
        .ok_or_else(|| KeyError::NoCredentials { name: name.to_owned() })?;
    Ok(PathBuf::from(folder).join(name))
}
