//! Changing keys while Ward runs, each step written down before the next needs it.

use super::ground::{Ground, now, place};
use crate::config::Config;
use crate::core::Core;
use crate::core::run::Handle;
use crate::keys::{IfMissing, KekSource, fresh_entropy, replace_keyring, rotate_kek};
use anyhow::{Result, anyhow};
use store::vault::{self, Vault};
use store::{Readers, Store, StoreError};

/// Data keys wrapped anew in one transaction.
const REWRAP_ROWS: usize = 500;

/// Wraps the keyring under another key-encryption key. The configuration must name the new one before the next start.
///
/// # Errors
/// Those of the new key and of the folder; the old key holds until the keyring is replaced.
pub fn kek(ground: &mut Ground, config: &Config, to: &KekSource) -> Result<()> {
    let new = to.open_or_create(IfMissing::Create)?;
    ground.keyring = rotate_kek(&config.store.folder, &ground.keyring, &*new)?;
    ground.kek = new;
    Ok(())
}

/// What a rotation of data keys did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Data keys wrapped anew.
    pub moved: usize,
    /// Master keys that wrap nothing any more and are gone.
    pub retired: Vec<u32>,
}

/// An act on the store, by whoever holds the writer.
pub type OnStore<T> = Box<dyn FnOnce(&mut Store) -> Result<T, StoreError> + Send>;

/// The writer, wherever it is: in our hands, or on the core's thread.
pub trait Writer {
    /// Runs `act` on it.
    ///
    /// # Errors
    /// Those of the act, or that there is no writer any more.
    fn on_store<T: Send + 'static>(&mut self, act: OnStore<T>) -> Result<T>;
}

impl Writer for Store {
    fn on_store<T: Send + 'static>(&mut self, act: OnStore<T>) -> Result<T> {
        Ok(act(self)?)
    }
}

impl Writer for Handle {
    fn on_store<T: Send + 'static>(&mut self, act: OnStore<T>) -> Result<T> {
        Ok(self.call(move |core: &mut Core| act(core.store()))??)
    }
}

/// Makes a new master key, wraps every data key by it, and retires master keys that wrap none.
///
/// # Errors
/// Those of the keyring and of the store; what was wrapped stays, and the next try goes on.
pub fn data_keys(
    ground: &mut Ground,
    config: &Config,
    writer: &mut impl Writer,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Rotated> {
    let folder = &config.store.folder;
    ground.rotate_masters(folder)?;
    let mut rotated = Rotated::default();
    loop {
        let vault = Vault::new(ground.keyring.masters().clone());
        let step = writer.on_store(Box::new(move |store| vault.rewrap(store, now(), REWRAP_ROWS)))?;
        rotated.moved += step.moved;
        progress(rotated.moved, step.left);
        if step.left == 0 {
            break;
        }
        if step.moved == 0 {
            return Err(anyhow!("{} data keys could not be wrapped anew", step.left));
        }
    }
    let in_use = writer.on_store(Box::new(|store| vault::masters_in_use(store.db())))?;
    let masters = ground.keyring.masters();
    let unused = masters.versions().filter(|v| *v != masters.newest() && !in_use.contains_key(v));
    rotated.retired = unused.collect();
    let mut keyring = ground.keyring.clone();
    for version in &rotated.retired {
        keyring = keyring.retire_seal(*version)?;
    }
    if !rotated.retired.is_empty() {
        replace_keyring(folder, &keyring)?;
        ground.keyring = keyring;
    }
    Ok(rotated)
}

/// Encrypts the database under a new key: noted in the keyring, done, noted as done. Killed in between, the next start finds out
/// which key the database has.
///
/// # Errors
/// Those of the keyring and of the store. On PostgreSQL there is no such key.
pub fn database_key(
    ground: &mut Ground,
    config: &Config,
    rekey: impl FnOnce([u8; 32]) -> Result<()>,
) -> Result<()> {
    let folder = &config.store.folder;
    let begun = ground.keyring.begin_database_rotation(&*ground.kek, fresh_entropy()?)?;
    replace_keyring(folder, &begun)?;
    ground.keyring = begun;
    let next = ground.keyring.next_database_key().map(|key| *key.expose());
    let next = next.ok_or_else(|| anyhow!("the keyring holds no next key"))?;
    if let Err(error) = rekey(next) {
        // Nothing was changed, or all was: as after a kill, the next start finds out.
        return Err(
            error.context("the database keeps its key; the next start finishes or abandons the change")
        );
    }
    let finished = ground.keyring.finish_database_rotation()?;
    replace_keyring(folder, &finished)?;
    ground.keyring = finished;
    ground.place = place(config, &next)?;
    Ok(())
}

/// The same on a running platform: readers wait, the core stands still.
///
/// # Errors
/// As [`database_key`].
pub fn database_key_running(
    ground: &mut Ground,
    config: &Config,
    readers: &Readers,
    core: &Handle,
) -> Result<()> {
    database_key(ground, config, |key| {
        readers.pause(|place_of_readers| {
            core.call(move |core: &mut Core| core.store().rekey(&key))??;
            *place_of_readers = place(config, &key)?;
            Ok(())
        })
    })
}
