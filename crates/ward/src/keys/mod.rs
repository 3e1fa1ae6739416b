//! Where the installation's keys come from and lie: the key-encryption key from a file, a passphrase, a systemd credential or a
//! PKCS#11 token, and the keyring file that it wraps. Does files, prompts and tokens; the cryptography is `trust::seal`.
//! It never writes a key in clear, except the new key file that it was asked to make.

mod credential;
mod error;
mod keyring;
mod passphrase;
mod private_file;
#[cfg(feature = "hsm")]
mod token;

pub use error::KeyError;
pub use keyring::{KEYRING_FILE, kek_noted, keyring_of, open_or_create_keyring, replace_keyring, rotate_kek};
pub use passphrase::SecretFrom;

use serde::Deserialize;
use std::path::{Path, PathBuf};
use trust::seal::{Entropy, KekHint, KeyEncryptionKey, SecretKek};
use zeroize::Zeroize as _;

/// Where the key-encryption key comes from, as `ward.toml` says it: `kek = { kind = "file", path = "/etc/ward/kek" }`.
/// Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum KekSource {
    /// A regular file of 32 bytes or 64 hexadecimal digits, of ours or root's, that nobody else may read.
    File {
        /// Where.
        path: PathBuf,
    },
    /// A passphrase. Its cost and salt are noted in the keyring.
    Passphrase {
        /// Who says it.
        from: SecretFrom,
    },
    /// A credential of the service manager: `$CREDENTIALS_DIRECTORY/<name>` (systemd.exec(5)), content as in a file.
    Credential {
        /// Its name.
        name: String,
    },
    /// An AES-256 key inside a PKCS#11 token, which never leaves it. Needs the feature `hsm`.
    Pkcs11 {
        /// Path of the token's PKCS#11 library.
        module: PathBuf,
        /// Label of the token.
        token: String,
        /// Label of the key (CKA_LABEL).
        key: String,
        /// Who says the user PIN.
        pin: SecretFrom,
    },
}

/// What to do when there is no key yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Say so. Right whenever a keyring exists: a new key would not open it.
    Refuse,
    /// Make one: write the key file, generate the key in the token, ask for a new passphrase.
    Create,
}

impl KekSource {
    /// The key-encryption key for the keyring in `folder`, which may not exist yet. A key is made only if there is no keyring
    /// and `if_missing` allows it. Blocks: a passphrase takes some tenths of a second, a prompt as long as people do.
    /// Errors: [`KeyError`], each with the way out.
    pub fn kek(&self, folder: &Path, if_missing: IfMissing) -> Result<Box<dyn KeyEncryptionKey>, KeyError> {
        match kek_noted(folder)? {
            Some(noted) => self.open(&noted.source),
            // Where a store has lost its keyring, a new key would only hide that.
            None => keyring::no_store_in(folder).and_then(|()| self.open_or_create(if_missing)),
        }
    }

    /// The key for a keyring that notes `noted`.
    pub fn open(&self, noted: &KekHint) -> Result<Box<dyn KeyEncryptionKey>, KeyError> {
        match (self, noted) {
            (Self::Passphrase { from }, KekHint::Passphrase(cost)) => passphrase::open(from, cost).map(boxed),
            (Self::Passphrase { .. }, other) => {
                Err(KeyError::OtherKind { noted: other.kind(), configured: "passphrase" })
            }
            _ => self.open_or_create(IfMissing::Refuse),
        }
    }

    /// The key for a new keyring, or for one that is to be rewrapped: see [`rotate_kek`].
    pub fn open_or_create(&self, if_missing: IfMissing) -> Result<Box<dyn KeyEncryptionKey>, KeyError> {
        match self {
            Self::File { path } => {
                let secret = private_file::key(path, if_missing)?;
                Ok(boxed(SecretKek::new(&secret, KekHint::File {}).map_err(KeyError::seal(path))?))
            }
            Self::Passphrase { .. } if if_missing == IfMissing::Refuse => Err(KeyError::NothingToOpen),
            Self::Passphrase { from } => passphrase::create(from).map(boxed),
            Self::Credential { name } => credential::kek(name).map(boxed),
            Self::Pkcs11 { module, token, key, pin } => open_token(module, token, key, pin, if_missing),
        }
    }
}

fn boxed(kek: SecretKek) -> Box<dyn KeyEncryptionKey> {
    Box::new(kek)
}

#[cfg(feature = "hsm")]
fn open_token(
    module: &Path,
    token: &str,
    key: &str,
    pin: &SecretFrom,
    if_missing: IfMissing,
) -> Result<Box<dyn KeyEncryptionKey>, KeyError> {
    Ok(Box::new(token::TokenKek::open(module, token, key, &pin.read("PIN")?, if_missing)?))
}

#[cfg(not(feature = "hsm"))]
fn open_token(
    module: &Path,
    _: &str,
    _: &str,
    _: &SecretFrom,
    _: IfMissing,
) -> Result<Box<dyn KeyEncryptionKey>, KeyError> {
    Err(KeyError::NoHsm { module: module.to_owned() })
}

/// Entropy for one operation of `trust::seal`, from the system's generator.
pub fn fresh_entropy() -> Result<Entropy, KeyError> {
    let mut bytes = [0; Entropy::BYTES];
    fill(&mut bytes)?;
    Ok(Entropy::take(&mut bytes))
}

fn fill(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).map_err(|error| {
        bytes.zeroize();
        KeyError::Random { why: error.to_string() }
    })
}
