//! Why something could not be sealed or opened: who erred, what and where, and the way out. Never quotes key material.

/// Longest quotation of a file in a message, in characters.
const QUOTED_CHARACTERS_MAX: usize = 120;

/// What went wrong. Nothing here is worth repeating unchanged, except [`SealError::Kek`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The operator gave another key-encryption key than the one the keyring was made with.
    #[error(
        "this is not the keyring's key: it was wrapped by {kind} key {wrapped_by}, and the {given_kind} key given is {given}; {}",
        way_to_key(kind)
    )]
    WrongKek {
        /// Kind of the key that wrapped the keyring.
        kind: &'static str,
        /// Its id.
        wrapped_by: String,
        /// Kind of the key that was given.
        given_kind: &'static str,
        /// Its id.
        given: String,
    },
    /// The keyring is not as Ward wrote it: edited, damaged, or put together from several.
    #[error("the keyring was changed since Ward wrote it ({place}); put the whole file back from a copy")]
    KeyringChanged {
        /// What does not fit.
        place: &'static str,
    },
    /// Not a keyring at all, or not one that can be read.
    #[error("not a keyring: {why}; put the file back from a copy")]
    NotAKeyring {
        /// What the reader stumbled over, and where.
        why: String,
    },
    /// A keyring of another Ward.
    #[error(
        "the keyring's format is {found}, and this Ward reads {known}; use the Ward that wrote it, or a newer one"
    )]
    KeyringFormat {
        /// What the file says, quoted and capped.
        found: String,
        /// What this Ward writes.
        known: &'static str,
    },
    /// A parameter of a passphrase's key derivation is outside its bounds.
    #[error(
        "passphrase key derivation: {what} is {found}, allowed are {least} to {most}; put the keyring back from a copy"
    )]
    PassphraseCost {
        /// Which parameter, with its unit.
        what: &'static str,
        /// Its value.
        found: u32,
        /// Smallest allowed.
        least: u32,
        /// Largest allowed.
        most: u32,
    },
    /// A new passphrase is too short, or any is too long.
    #[error(
        "the passphrase has {found} {unit}, allowed are {least} to {most}; choose five or more random words"
    )]
    PassphraseLength {
        /// Its length.
        found: usize,
        /// Of what.
        unit: &'static str,
        /// Shortest allowed.
        least: usize,
        /// Longest allowed.
        most: usize,
    },
    /// No memory for the derivation of a passphrase's key.
    #[error(
        "deriving the key of a passphrase takes {mebibytes} MiB of memory, which there are not; free some"
    )]
    PassphraseMemory {
        /// How much it takes.
        mebibytes: u32,
    },
    /// The keeper of a key-encryption key outside this process failed. May be worth another try.
    #[error("key-encryption key {id}: {what}")]
    Kek {
        /// Its id.
        id: String,
        /// What its keeper said, and the way out.
        what: String,
    },
    /// A key-encryption key did not give back what it wrapped. Nothing was changed.
    #[error(
        "key-encryption key {id} does not give back what it wrapped; use another key, and have that one examined"
    )]
    KekUnsound {
        /// Its id.
        id: String,
    },
    /// A wrapped key does not open: other key, other purpose or subject, or changed.
    #[error(
        "a wrapped key does not open: it belongs to another {belongs}, or was changed; restore it from a backup"
    )]
    WrappedKey {
        /// What it is bound to.
        belongs: &'static str,
    },
    /// A data key names a master key that the keyring does not hold.
    #[error(
        "the data key was wrapped by master key {version}, which this keyring does not hold; restore the keyring that does"
    )]
    NoMasterKey {
        /// Which.
        version: u32,
    },
    /// A sealed value does not open.
    #[error(
        "a sealed value does not open: its data key is another, it was moved to another place, or changed"
    )]
    SealedValue,
    /// Bytes that were never sealed by Ward, or cut.
    #[error("not {what}: {why}")]
    NotSealed {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// More than a bound allows.
    #[error("{what} has {found} bytes, {most} are allowed")]
    TooLong {
        /// What.
        what: &'static str,
        /// Its size, in bytes.
        found: usize,
        /// The bound, in bytes.
        most: usize,
    },
    /// A rotation that is already under way.
    #[error("the database key is being rotated already; finish that, or abandon it")]
    RotationUnderWay,
    /// A rotation that was not begun.
    #[error("no rotation of the database key is under way; begin one")]
    NoRotation,
    /// The list of master keys is full.
    #[error(
        "the keyring holds {most} master keys, its bound; rewrap the data keys of old ones and retire those"
    )]
    MasterKeysFull {
        /// The bound.
        most: usize,
    },
    /// A master key that may not be retired.
    #[error("master key {version} cannot be retired: {why}")]
    NotRetirable {
        /// Which.
        version: u32,
        /// Why.
        why: &'static str,
    },
    /// A backup's prologue was sealed by another key, or changed.
    #[error(
        "the backup does not open with this key: it was made with another backup key, or its header was changed"
    )]
    BackupHeader,
    /// A chunk was changed, or belongs to another backup.
    #[error(
        "the backup is damaged at chunk {chunk}: it was changed, or comes from another backup; use another copy"
    )]
    ChunkDamaged {
        /// Which, from 0.
        chunk: u64,
    },
    /// A chunk stands in the wrong place.
    #[error("the backup is out of order: chunk {found} stands where chunk {chunk} belongs; copy it again")]
    ChunkOutOfOrder {
        /// Which belongs there, from 0.
        chunk: u64,
        /// Which stands there.
        found: u64,
    },
    /// The end is missing.
    #[error("the backup ends at chunk {chunk}, before its last chunk: it is not whole; copy it again")]
    Truncated {
        /// The chunk that is missing or not whole, from 0.
        chunk: u64,
    },
    /// There is more after the end.
    #[error("the backup goes on after chunk {chunk}, its last: something was appended; copy it again")]
    TrailingBytes {
        /// The last chunk, from 0.
        chunk: u64,
    },
    /// A writer gave a chunk of a size that its place does not allow. Ours to fix.
    #[error(
        "chunk {chunk} has {found} bytes; every chunk but the last has exactly {full}, and none follows the last"
    )]
    ChunkSize {
        /// Which, from 0.
        chunk: u64,
        /// Its size.
        found: usize,
        /// A full chunk's size.
        full: usize,
    },
    /// The cipher library refused. Ours to fix.
    #[error("the cipher library failed at {what}; report this")]
    Cipher {
        /// At what.
        what: &'static str,
    },
}

fn way_to_key(kind: &str) -> &'static str {
    match kind {
        "passphrase" => "check the passphrase, also the keyboard's layout",
        "pkcs11" => "check which token and key the configuration names",
        _ => "give the key it was made with; without that key, restore it from where you keep its copy",
    }
}

/// A foreign text fit for a message: quoted, without control characters, capped.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(QUOTED_CHARACTERS_MAX).collect();
    let cut = if short.len() < text.len() { "…" } else { "" };
    format!("\"{}{cut}\"", short.escape_debug())
}
