//! Why a key could not be had or kept: the file, token or variable, and the way out. Never the key, the passphrase or the PIN.

use std::io;
use std::path::{Path, PathBuf};
use trust::seal::SealError;

/// What went wrong. The operator's to fix, unless said otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The keyring or a key was refused.
    #[error("{}: {source}", file.display())]
    Seal {
        /// The keyring, or where the key came from.
        file: PathBuf,
        /// Why.
        source: SealError,
    },
    /// A passphrase was refused.
    #[error("{0}")]
    Passphrase(SealError),
    /// There is a store, and nothing to open it with.
    #[error(
        "{}: the store exists ({found}) but its keyring is gone; put {} back from a copy; nothing else opens the store",
        folder.display(), super::KEYRING_FILE
    )]
    KeyringGone {
        /// The folder.
        folder: PathBuf,
        /// What was found of the store.
        found: String,
    },
    /// Somebody else made a keyring at the same time.
    #[error("{}: another process has just made a keyring here; start again to use it", file.display())]
    KeyringExists {
        /// The keyring.
        file: PathBuf,
    },
    /// The system refused to read or write a file.
    #[error("{}: {doing} failed: {source}; check the disk, the folder and its permissions", file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// At what.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// No file where the key should be.
    #[error(
        "{}: no such file; put the key back from a copy. For a new installation only: (umask 077; head -c 32 /dev/urandom > {0})",
        file.display()
    )]
    NoKeyFile {
        /// Where.
        file: PathBuf,
    },
    /// A directory, device, socket or pipe.
    #[error("{}: is not a regular file; name the file that holds the secret", file.display())]
    NotAFile {
        /// Which.
        file: PathBuf,
    },
    /// Others may read or write it.
    #[error("{}: mode {mode:04o} lets others in; run: chmod 600 {0}; and change the secret if others were there", file.display())]
    Mode {
        /// Which.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("{}: belongs to user {owner}, not to {us} or root; run: chown {us} {0}", file.display())]
    Owner {
        /// Which.
        file: PathBuf,
        /// User id of its owner.
        owner: u32,
        /// Our effective user id.
        us: u32,
    },
    /// Not a key.
    #[error("{}: a key is 32 bytes or 64 hexadecimal digits, and this has {bytes} bytes; put the key back from a copy", file.display())]
    NotAKey {
        /// Which.
        file: PathBuf,
        /// How many bytes were read; one more than allowed stands for any more.
        bytes: usize,
    },
    /// Not started by a service manager that hands over credentials.
    #[error(
        "credential {name:?}: CREDENTIALS_DIRECTORY is not set; start Ward as a systemd service with LoadCredentialEncrypted={name} (docs/operate/keys.md)"
    )]
    NoCredentials {
        /// Its name.
        name: String,
    },
    /// The service manager did not hand over that one.
    #[error(
        "credential {name:?} was not handed over; add LoadCredentialEncrypted={name} to the unit, and make it with systemd-creds (docs/operate/keys.md)"
    )]
    NoCredential {
        /// Its name.
        name: String,
    },
    /// A name that could lead out of the folder of credentials.
    #[error("{name:?} cannot be the name of a credential; use letters, digits, dots, dashes and underscores")]
    CredentialName {
        /// What was given, capped.
        name: String,
    },
    /// An environment variable is not set.
    #[error("environment variable {name} does not hold the {what}; set it, or name a file instead")]
    NotInEnvironment {
        /// The variable.
        name: String,
        /// What it should hold.
        what: &'static str,
    },
    /// Nobody to ask.
    #[error(
        "there is no terminal to ask for the {what} on; configure a file, a file descriptor or a credential for it"
    )]
    NoTerminal {
        /// What was to be asked for.
        what: &'static str,
    },
    /// A new passphrase was typed differently the second time.
    #[error("the two passphrases differ; start again")]
    TypedDifferently,
    /// The keyring was wrapped by a key of another kind.
    #[error(
        "the keyring was wrapped by a {noted} key, and the configuration names a {configured}; name the {noted} key, or rotate to the {configured} first"
    )]
    OtherKind {
        /// What the keyring notes.
        noted: &'static str,
        /// What the configuration says.
        configured: &'static str,
    },
    /// A passphrase opens a keyring or begins one, and neither was asked for.
    #[error("there is no keyring that a passphrase could open; check the folder, or ask for a new keyring")]
    NothingToOpen,
    /// Built without the feature.
    #[error("{}: this ward was built without PKCS#11; use the distributed package, or build with --features hsm", module.display())]
    NoHsm {
        /// The token's library.
        module: PathBuf,
    },
    /// The token's library does not load or start.
    #[error("{}: the PKCS#11 library does not work: {why}; check the path, and that its package is installed", module.display())]
    TokenModule {
        /// The library.
        module: PathBuf,
        /// What it or the loader said.
        why: String,
    },
    /// No token of that label, or more than one.
    #[error(
        "{found} tokens are labelled {token:?}; the library sees: {existing}; plug it in, or correct the label (pkcs11-tool --list-token-slots)"
    )]
    NoToken {
        /// The label.
        token: String,
        /// How many have it.
        found: usize,
        /// The labels there are.
        existing: String,
    },
    /// The PIN was refused.
    #[error("token {token:?} refused the PIN: {why}; correct the PIN before the token locks itself")]
    TokenPin {
        /// The label.
        token: String,
        /// What it said.
        why: String,
    },
    /// No key of that label, or more than one.
    #[error(
        "token {token:?} has {found} AES keys labelled {key:?}; name the one that wrapped the keyring; only for a new installation have one made"
    )]
    NoTokenKey {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
        /// How many have it.
        found: usize,
    },
    /// A key that cannot protect anything.
    #[error("key {key:?} in token {token:?} is of no use: {why}; have ward make another under a new label")]
    TokenKeyUnfit {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
        /// Why.
        why: &'static str,
    },
    /// The token failed at something. May be worth another try.
    #[error("token {token:?}: {doing} failed: {why}")]
    TokenFailed {
        /// The label.
        token: String,
        /// At what.
        doing: &'static str,
        /// What it said.
        why: String,
    },
    /// The system has no randomness. Worth another try.
    #[error("the system's random generator failed: {why}; no key was made")]
    Random {
        /// What it said.
        why: String,
    },
}

impl KeyError {
    /// What the system said about `file`.
    pub(super) fn io(file: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { file: file.to_owned(), doing, source }
    }

    /// What the cryptography said about what `file` holds.
    pub(super) fn seal(file: &Path) -> impl FnOnce(SealError) -> Self {
        move |source| Self::Seal { file: file.to_owned(), source }
    }
}
