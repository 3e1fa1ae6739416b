//! The keys of an installation, each wrapped by the key-encryption key, in one small file beside the store.
//! Every change gives a new keyring: write its bytes, then use it, so that a kill in between leaves the old one whole.

mod document;

use super::data_key::{MASTER_KEYS_MAX, MasterKeys};
use super::error::SealError;
use super::kek::{KekStated, KeyEncryptionKey, WRAPPED_BYTES_MAX};
use super::secret::{Entropy, Secret32};
use document::{DatabaseKeys, Document, FORMAT, MasterEntry, Wrapped};
use std::sync::Arc;

/// Longest keyring that is read, in bytes: all master keys, with the longest that tokens make of them.
pub const KEYRING_BYTES_MAX: usize = 128 * 1024;

// What each wrapped key is bound to. `database` covers current and next, so that finishing a rotation wraps nothing anew.
const DATABASE: &[u8] = b"ward keyring 1 database";
const LEDGER: &[u8] = b"ward keyring 1 ledger";
const PSEUDONYM: &[u8] = b"ward keyring 1 pseudonym";
const BACKUP: &[u8] = b"ward keyring 1 backup";
const INTEGRITY: &[u8] = b"ward keyring 1 integrity";

/// The installation's keys, open in memory.
///
/// Rotating the database's key takes two steps, since the file and the database cannot change at once:
/// 1. [`begin_database_rotation`](Self::begin_database_rotation), write the keyring. A kill from here on: the keyring holds
///    both keys, and the database opens with one of them: try `current`, then `next`.
/// 2. Give the database its `next` key, in its own transaction (the commit point), then
///    [`finish_database_rotation`](Self::finish_database_rotation) and write the keyring. Found `next` at start: finish when the
///    database opens with it, [`abandon`](Self::abandon_database_rotation) when it still opens with `current`.
#[derive(Clone)]
pub struct Keyring {
    kek: KekStated,
    database: Held,
    database_next: Option<Held>,
    ledger: Held,
    /// INVARIANT: same order and versions as `masters`.
    master_wraps: Vec<MasterWrap>,
    masters: MasterKeys,
    pseudonym: Held,
    backup: Held,
    integrity: Held,
}

/// A key and its wrapped form. A clone shares the key.
#[derive(Clone)]
struct Held {
    key: Arc<Secret32>,
    wrapped: Wrapped,
}

#[derive(Clone)]
struct MasterWrap {
    version: u32,
    held: Held,
}

impl Keyring {
    /// New keys, wrapped by `kek`. Errors: those of `kek`.
    pub fn create(kek: &dyn KeyEncryptionKey, mut entropy: Entropy) -> Result<Self, SealError> {
        let mut fresh = |purpose: &[u8]| {
            let key = entropy.key()?;
            hold(kek, Arc::new(key), purpose, &mut entropy)
        };
        let (database, ledger) = (fresh(DATABASE)?, fresh(LEDGER)?);
        let (pseudonym, backup, integrity) = (fresh(PSEUDONYM)?, fresh(BACKUP)?, fresh(INTEGRITY)?);
        let first = MasterWrap { version: 1, held: fresh(&master(1))? };
        Ok(Self {
            kek: KekStated::of(kek),
            database,
            database_next: None,
            ledger,
            masters: masters(std::slice::from_ref(&first))?,
            master_wraps: vec![first],
            pseudonym,
            backup,
            integrity,
        })
    }

    /// Which key wraps the keyring in `bytes`: what is needed before [`open`](Self::open). Not authenticated, but bounded.
    pub fn kek_of(bytes: &[u8]) -> Result<KekStated, SealError> {
        Document::read(bytes).map(|document| document.kek)
    }

    /// Opens a keyring. Errors: not a keyring, of a newer Ward, wrapped by another key ([`SealError::WrongKek`]), changed by
    /// as little as one byte ([`SealError::KeyringChanged`]), or the keeper of `kek` failed.
    pub fn open(bytes: &[u8], kek: &dyn KeyEncryptionKey) -> Result<Self, SealError> {
        let mut document = Document::read(bytes)?;
        document.kek.expect(kek)?;
        let integrity = reopen(kek, &document.integrity, INTEGRITY, "its integrity key does not open")?;
        document.verify(&integrity.key, bytes)?;
        let Document { kek: stated, database, ledger, seal, pseudonym, backup, .. } = document;
        let next = database.next.as_ref();
        let master_wraps = seal
            .iter()
            .map(|MasterEntry { version, wrapped }| {
                let held = reopen(kek, wrapped, &master(*version), "a master key does not open")?;
                Ok(MasterWrap { version: *version, held })
            })
            .collect::<Result<Vec<_>, SealError>>()?;
        Ok(Self {
            kek: stated,
            database: reopen(kek, &database.current, DATABASE, "the database's key does not open")?,
            database_next: next
                .map(|wrapped| reopen(kek, wrapped, DATABASE, "the database's next key does not open"))
                .transpose()?,
            ledger: reopen(kek, &ledger, LEDGER, "the ledger's key does not open")?,
            masters: masters(&master_wraps)?,
            master_wraps,
            pseudonym: reopen(kek, &pseudonym, PSEUDONYM, "the pseudonym key does not open")?,
            backup: reopen(kek, &backup, BACKUP, "the backup key does not open")?,
            integrity,
        })
    }

    /// The file: canonical JSON under a MAC, without any key in clear. The same keyring always gives the same bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SealError> {
        let entry = |MasterWrap { version, held }: &MasterWrap| MasterEntry {
            version: *version,
            wrapped: held.wrapped.clone(),
        };
        let mut document = Document {
            format: FORMAT.to_owned(),
            kek: self.kek.clone(),
            database: DatabaseKeys {
                current: self.database.wrapped.clone(),
                next: self.database_next.as_ref().map(|next| next.wrapped.clone()),
            },
            ledger: self.ledger.wrapped.clone(),
            seal: self.master_wraps.iter().map(entry).collect(),
            pseudonym: self.pseudonym.wrapped.clone(),
            backup: self.backup.wrapped.clone(),
            integrity: self.integrity.wrapped.clone(),
            mac: Wrapped(Vec::new()),
        };
        document.authenticate(&self.integrity.key)?;
        document.text()
    }

    /// Which key wraps this keyring.
    pub fn kek(&self) -> &KekStated {
        &self.kek
    }

    /// The raw key that the encrypted database opens with (SQLCipher: `PRAGMA key = "x'…'"`, 64 hexadecimal digits).
    pub fn database_key(&self) -> &Secret32 {
        &self.database.key
    }

    /// The key that the database is being given, while its rotation is under way.
    pub fn next_database_key(&self) -> Option<&Secret32> {
        self.database_next.as_ref().map(|held| held.key.as_ref())
    }

    /// Seed of the Ed25519 key (RFC 8032) that signs checkpoints.
    pub fn ledger_seed(&self) -> &Secret32 {
        &self.ledger.key
    }

    /// The master keys that wrap data keys of subjects.
    pub fn masters(&self) -> &MasterKeys {
        &self.masters
    }

    /// HMAC key of pseudonyms.
    pub fn pseudonym_key(&self) -> &Secret32 {
        &self.pseudonym.key
    }

    /// The key that backups are encrypted with, through [`ChunkSealer`](super::ChunkSealer).
    pub fn backup_key(&self) -> &Secret32 {
        &self.backup.key
    }

    /// The same keys wrapped by another key-encryption key: its rotation. The old file with the old key still opens; whoever
    /// fears that both are known rotates the keys as well. Errors: those of `kek`.
    pub fn rewrap(&self, kek: &dyn KeyEncryptionKey, mut entropy: Entropy) -> Result<Self, SealError> {
        let integrity = Arc::new(entropy.key()?);
        let mut again =
            |key: &Arc<Secret32>, purpose: &[u8]| hold(kek, Arc::clone(key), purpose, &mut entropy);
        let master_wraps = self
            .master_wraps
            .iter()
            .map(|MasterWrap { version, held }| {
                Ok(MasterWrap { version: *version, held: again(&held.key, &master(*version))? })
            })
            .collect::<Result<Vec<_>, SealError>>()?;
        Ok(Self {
            kek: KekStated::of(kek),
            database: again(&self.database.key, DATABASE)?,
            database_next: self.database_next.as_ref().map(|next| again(&next.key, DATABASE)).transpose()?,
            ledger: again(&self.ledger.key, LEDGER)?,
            masters: masters(&master_wraps)?,
            master_wraps,
            pseudonym: again(&self.pseudonym.key, PSEUDONYM)?,
            backup: again(&self.backup.key, BACKUP)?,
            integrity: again(&integrity, INTEGRITY)?,
        })
    }

    /// With a `next` key for the database beside the current one. Errors: a rotation is under way already
    /// ([`SealError::RotationUnderWay`]), `kek` is not this keyring's, or its keeper failed.
    pub fn begin_database_rotation(
        &self,
        kek: &dyn KeyEncryptionKey,
        mut entropy: Entropy,
    ) -> Result<Self, SealError> {
        self.kek.expect(kek)?;
        if self.database_next.is_some() {
            return Err(SealError::RotationUnderWay);
        }
        let next = Arc::new(entropy.key()?);
        let next = hold(kek, next, DATABASE, &mut entropy)?;
        Ok(Self { database_next: Some(next), ..self.clone() })
    }

    /// With the `next` key as the current one; the old one is gone. Errors: [`SealError::NoRotation`].
    pub fn finish_database_rotation(&self) -> Result<Self, SealError> {
        let next = self.database_next.clone().ok_or(SealError::NoRotation)?;
        Ok(Self { database: next, database_next: None, ..self.clone() })
    }

    /// With the current key only; `next` is gone. Errors: [`SealError::NoRotation`].
    pub fn abandon_database_rotation(&self) -> Result<Self, SealError> {
        self.database_next.as_ref().ok_or(SealError::NoRotation)?;
        Ok(Self { database_next: None, ..self.clone() })
    }

    /// With one more master key, which wraps from now on. The others still unwrap, until every data key has been rewrapped
    /// and they are retired. Errors: [`SealError::MasterKeysFull`], `kek` is not this keyring's, or its keeper failed.
    pub fn rotate_seal(&self, kek: &dyn KeyEncryptionKey, mut entropy: Entropy) -> Result<Self, SealError> {
        self.kek.expect(kek)?;
        let full = SealError::MasterKeysFull { most: MASTER_KEYS_MAX };
        let version =
            self.masters.newest().checked_add(1).filter(|_| self.master_wraps.len() < MASTER_KEYS_MAX);
        let version = version.ok_or(full)?;
        let key = Arc::new(entropy.key()?);
        let mut master_wraps = self.master_wraps.clone();
        master_wraps.push(MasterWrap { version, held: hold(kek, key, &master(version), &mut entropy)? });
        Ok(Self { masters: masters(&master_wraps)?, master_wraps, ..self.clone() })
    }

    /// Without master key `version`. What is still wrapped by it can never be opened again: the store looks first
    /// ([`MasterKeys::version_of`]). Errors: [`SealError::NoMasterKey`]; [`SealError::NotRetirable`] for the newest.
    pub fn retire_seal(&self, version: u32) -> Result<Self, SealError> {
        if version == self.masters.newest() {
            return Err(SealError::NotRetirable {
                version,
                why: "it is the newest, which wraps; rotate first",
            });
        }
        let mut master_wraps = self.master_wraps.clone();
        master_wraps.retain(|wrap| wrap.version != version);
        if master_wraps.len() == self.master_wraps.len() {
            return Err(SealError::NoMasterKey { version });
        }
        Ok(Self { masters: masters(&master_wraps)?, master_wraps, ..self.clone() })
    }
}

fn master(version: u32) -> Vec<u8> {
    [&b"ward keyring 1 seal"[..], &version.to_be_bytes()].concat()
}

fn masters(wraps: &[MasterWrap]) -> Result<MasterKeys, SealError> {
    MasterKeys::new(wraps.iter().map(|wrap| (wrap.version, Arc::clone(&wrap.held.key))).collect())
        .ok_or(SealError::KeyringChanged { place: "its master keys are missing or out of order" })
}

/// Wraps `key`, and unwraps it again before anybody relies on it: a token that cannot is found out now.
fn hold(
    kek: &dyn KeyEncryptionKey,
    key: Arc<Secret32>,
    purpose: &[u8],
    entropy: &mut Entropy,
) -> Result<Held, SealError> {
    let wrapped = kek.wrap(&key, purpose, entropy.nonce()?)?;
    if wrapped.len() > WRAPPED_BYTES_MAX {
        return Err(SealError::TooLong {
            what: "a wrapped key",
            found: wrapped.len(),
            most: WRAPPED_BYTES_MAX,
        });
    }
    if !kek.unwrap(&wrapped, purpose)?.is_same(&key) {
        return Err(SealError::KekUnsound { id: kek.id().to_owned() });
    }
    Ok(Held { key, wrapped: Wrapped(wrapped) })
}

fn reopen(
    kek: &dyn KeyEncryptionKey,
    wrapped: &Wrapped,
    purpose: &[u8],
    place: &'static str,
) -> Result<Held, SealError> {
    match kek.unwrap(&wrapped.0, purpose) {
        Ok(key) => Ok(Held { key: Arc::new(key), wrapped: wrapped.clone() }),
        Err(SealError::WrappedKey { .. }) => Err(SealError::KeyringChanged { place }),
        Err(other) => Err(other),
    }
}
