//! What every verb that touches the store begins with: the key-encryption key, the keyring, the place of the rows.

pub use crate::clock::now;
use crate::config::{Config, Keys};
use crate::keys::{
    IfMissing, KEYRING_FILE, KekSource, SecretFrom, fresh_entropy, keyring_of, open_or_create_keyring,
    replace_keyring,
};
use anyhow::{Context, Result, bail};
use std::path::Path;
use store::db::Mode;
use store::verify::Expectation;
use store::{Place, StoreError};
use trust::seal::{KeyEncryptionKey, Keyring};
use trust::tlog::{Algorithm, Ed25519Signer, NoteSigner, VerifierKey};

/// Keys and place of one installation.
pub struct Ground {
    /// The key-encryption key.
    pub kek: Box<dyn KeyEncryptionKey>,
    /// The keys it opens.
    pub keyring: Keyring,
    /// Where the rows are.
    pub place: Place,
}

impl Ground {
    /// Opens the keyring of an installation that exists; a rotation of the database key that was cut short is finished.
    ///
    /// # Errors
    /// Whatever is missing or does not fit, with the way out.
    pub fn open(config: &Config) -> Result<Self> {
        let folder = &config.store.folder;
        let kek = source(&config.keys).kek(folder, IfMissing::Refuse)?;
        let keyring = keyring_of(folder, &*kek)?;
        let Some(keyring) = keyring else {
            bail!("there is no store in {}: `ward up` makes one", folder.display());
        };
        Self::with(config, kek, keyring)
    }

    /// The same, and makes key, keyring and folder where there are none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_or_create(config: &Config) -> Result<Self> {
        let folder = &config.store.folder;
        make_folder(folder)?;
        let kek = source(&config.keys).kek(folder, IfMissing::Create)?;
        let keyring = open_or_create_keyring(folder, &*kek)?;
        Self::with(config, kek, keyring)
    }

    /// Opens the keyring of an installation that exists, for reading, and writes nothing: also beside a ward that runs, even
    /// one that is changing the database's key.
    ///
    /// # Errors
    /// Whatever is missing or does not fit, with the way out.
    pub fn look(config: &Config) -> Result<Self> {
        let folder = &config.store.folder;
        let is_gone = |name: &str| {
            let kind = std::fs::symlink_metadata(folder.join(name)).map_err(|error| error.kind());
            kind.is_err_and(|kind| kind == std::io::ErrorKind::NotFound)
        };
        if is_gone(KEYRING_FILE) && is_gone(store::DATABASE_FILE) {
            bail!(
                "there is no store in {}: `ward up` makes one; --store or [store] folder names another place",
                folder.display()
            );
        }
        let kek = source(&config.keys).kek(folder, IfMissing::Refuse)?;
        let Some(keyring) = keyring_of(folder, &*kek)? else {
            bail!("there is no keyring in {}: `ward up` makes one", folder.display());
        };
        let mut ground = Self { kek, place: place(config, keyring.database_key().expose())?, keyring };
        if let Some(next) = ground.keyring.next_database_key()
            && matches!(ground.place.connect(Mode::Reader), Err(StoreError::WrongKey { .. }))
        {
            ground.place = place(config, next.expose())?;
        }
        Ok(ground)
    }

    fn with(config: &Config, kek: Box<dyn KeyEncryptionKey>, keyring: Keyring) -> Result<Self> {
        let mut ground = Self { kek, place: place(config, keyring.database_key().expose())?, keyring };
        let Some(next) = ground.keyring.next_database_key() else { return Ok(ground) };
        // The key was changed, or was about to be, when Ward ended: which one the database has decides. While another ward
        // is at it, that is for the other to decide.
        let folder = &config.store.folder;
        let Ok(_lock) = lock(folder) else {
            bail!("{} is in use by another ward, which is changing the database's key", folder.display());
        };
        let next_place = place(config, next.expose())?;
        let keyring = match ground.place.connect(Mode::Reader) {
            Err(StoreError::WrongKey { .. }) => {
                // With neither key the keyring stays as it is: it may be the only copy of the right one.
                next_place.connect(Mode::Reader)?;
                ground.place = next_place;
                ground.keyring.finish_database_rotation()?
            }
            Err(error) => return Err(error.into()),
            Ok(_) => ground.keyring.abandon_database_rotation()?,
        };
        replace_keyring(folder, &keyring)?;
        ground.keyring = keyring;
        Ok(ground)
    }

    /// The log's signer.
    ///
    /// # Errors
    /// When the name cannot be one.
    pub fn signer(&self, config: &Config) -> Result<Ed25519Signer> {
        let seed = self.keyring.ledger_seed().expose();
        Ed25519Signer::from_seed(&config.ledger.origin, Algorithm::Ed25519, seed).context("[ledger] origin")
    }

    /// With what the ledger is verified.
    ///
    /// # Errors
    /// When a witness's key cannot be read.
    pub fn expectation(&self, config: &Config) -> Result<Expectation> {
        let witnesses = config.ledger.witnesses.iter().map(|witness| VerifierKey::parse(&witness.key));
        Ok(Expectation {
            origin: config.ledger.origin.clone(),
            keys: vec![self.signer(config)?.key().clone()],
            witnesses: witnesses.collect::<Result<_, _>>().context("[[ledger.witnesses]] key")?,
            outside: None,
        })
    }

    /// New keys of the keyring, written before they are used.
    ///
    /// # Errors
    /// Those of the keyring and of the folder.
    pub fn rotate_masters(&mut self, folder: &Path) -> Result<()> {
        let keyring = self.keyring.rotate_seal(&*self.kek, fresh_entropy()?)?;
        replace_keyring(folder, &keyring)?;
        self.keyring = keyring;
        Ok(())
    }
}

/// The place of the rows under `key`.
///
/// # Errors
/// When the address of PostgreSQL cannot be read, or this build has none.
pub fn place(config: &Config, key: &[u8; 32]) -> Result<Place> {
    match &config.store.postgres_url_file {
        None => Ok(Place::folder(&config.store.folder, *key)),
        #[cfg(feature = "postgres")]
        Some(file) => {
            let url = std::fs::read_to_string(file)
                .with_context(|| format!("[store] postgres_url_file: cannot read {}", file.display()))?;
            Ok(Place::Postgres { url: url.trim().to_owned() })
        }
        #[cfg(not(feature = "postgres"))]
        Some(_) => {
            bail!("[store] postgres_url_file: this build has no PostgreSQL (cargo feature `postgres`)")
        }
    }
}

/// The source of the key-encryption key as configured.
pub fn source(keys: &Keys) -> KekSource {
    match keys {
        Keys::File { file } => KekSource::File { path: file.clone() },
        Keys::Passphrase { file } => KekSource::Passphrase { from: SecretFrom::File(file.clone()) },
        Keys::Credential { name } => KekSource::Credential { name: name.clone() },
        Keys::Pkcs11 { module, token, label, pin_file } => KekSource::Pkcs11 {
            module: module.clone(),
            token: token.clone(),
            key: label.clone(),
            pin: SecretFrom::File(pin_file.clone()),
        },
    }
}

/// A folder of our own, which nobody else reads.
fn make_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the store's folder {}", folder.display()))
}

/// Keeps other wards out of the folder for as long as the file is open: the store's own lock.
fn lock(folder: &Path) -> Result<std::fs::File> {
    let file =
        std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    file.try_lock()?;
    Ok(file)
}
