//! Passphrases and PINs: from a terminal without echo, a file, a file descriptor, a credential, or a variable (for tests).

use super::{KeyError, credential, fill, private_file};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use trust::seal::{
    PASSPHRASE_BYTES_MAX, PASSPHRASE_CHARACTERS_MIN, PassphraseCost, SealError, SecretKek, passphrase_kek,
};
use zeroize::Zeroizing;

/// Who says a passphrase or PIN; in `ward.toml`: `"terminal"`, `{ file = "/etc/ward/pin" }`, `{ descriptor = 3 }`,
/// `{ credential = "ward-pin" }`, `{ environment = "WARD_PASSPHRASE" }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretFrom {
    /// Ask on the terminal, without echo.
    Terminal,
    /// First line of a file that nobody else may read.
    File(PathBuf),
    /// First line of an open file descriptor.
    Descriptor(u32),
    /// First line of a credential of the service manager.
    Credential(String),
    /// An environment variable. Others on the machine can see it: for tests.
    Environment(String),
}

impl SecretFrom {
    /// The secret, without its line end. `what` it is stands in prompt and messages.
    pub(super) fn read(&self, what: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self {
            Self::Terminal => ask(what, ""),
            Self::File(path) => private_file::private(path).map(first_line),
            Self::Descriptor(number) => {
                let path = Path::new("/dev/fd").join(number.to_string());
                let file = std::fs::File::open(&path).map_err(KeyError::io(&path, "opening"))?;
                private_file::content(file, &path).map(first_line)
            }
            Self::Credential(name) => credential::read(name).map(first_line),
            Self::Environment(name) => match std::env::var(name) {
                Ok(value) => Ok(Zeroizing::new(value.into_bytes())),
                Err(_) => Err(KeyError::NotInEnvironment { name: name.clone(), what }),
            },
        }
    }
}

/// The key-encryption key of an existing keyring's passphrase.
pub(super) fn open(from: &SecretFrom, cost: &PassphraseCost) -> Result<SecretKek, KeyError> {
    passphrase_kek(&from.read("passphrase")?, cost).map_err(KeyError::Passphrase)
}

/// A key-encryption key of a new passphrase, with a fresh salt.
pub(super) fn create(from: &SecretFrom) -> Result<SecretKek, KeyError> {
    let passphrase = from.read("passphrase")?;
    let characters = String::from_utf8_lossy(&passphrase).chars().count();
    if characters < PASSPHRASE_CHARACTERS_MIN {
        return Err(KeyError::Passphrase(SealError::PassphraseLength {
            found: characters,
            unit: "characters",
            least: PASSPHRASE_CHARACTERS_MIN,
            most: PASSPHRASE_BYTES_MAX,
        }));
    }
    if *from == SecretFrom::Terminal && *ask("passphrase", " again")? != *passphrase {
        return Err(KeyError::TypedDifferently);
    }
    let mut salt = [0; 16];
    fill(&mut salt)?;
    passphrase_kek(&passphrase, &PassphraseCost::standard(salt)).map_err(KeyError::Passphrase)
}

fn ask(what: &'static str, again: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let terminal = console::Term::stderr();
    if !terminal.is_term() {
        return Err(KeyError::NoTerminal { what });
    }
    let typed = terminal
        .write_str(&format!("{what} for Ward{again}: "))
        .and_then(|()| terminal.read_secure_line())
        .map_err(KeyError::io(Path::new("/dev/tty"), "asking"))?;
    Ok(Zeroizing::new(typed.into_bytes()))
}

fn first_line(mut content: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let end = content.iter().position(|byte| *byte == b'\n').unwrap_or(content.len());
    content.truncate(end);
    if content.last() == Some(&b'\r') {
        content.pop();
    }
    content
}
