//! Changing keys while Ward runs, each step written down before the next needs it.

use super::ground::{Ground, now, place};
use crate::config::Config;
use crate::core::Core;
use crate::core::run::Handle;
use crate::keys::{IfMissing, KekSource, fresh_entropy, replace_keyring, rotate_kek};
use anyhow::{Result, anyhow};
use store::vault::Vault;
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

/// Makes a new master key and wraps every data key by it; how many. `store` runs an act on the writer.
///
/// # Errors
/// Those of the keyring and of the store; what was wrapped stays, and the next try goes on.
pub fn data_keys(
    ground: &mut Ground,
    config: &Config,
    mut on_store: impl FnMut(
        Box<dyn FnOnce(&mut Store) -> Result<store::vault::Rewrapped, StoreError> + Send>,
    ) -> Result<store::vault::Rewrapped>,
) -> Result<usize> {
    ground.rotate_masters(&config.store.folder)?;
    let mut moved = 0;
    loop {
        let vault = Vault::new(ground.keyring.masters().clone());
        let step = on_store(Box::new(move |store| vault.rewrap(store, now(), REWRAP_ROWS)))?;
        moved += step.moved;
        if step.left == 0 {
            return Ok(moved);
        }
        if step.moved == 0 {
            return Err(anyhow!("{} data keys could not be wrapped anew", step.left));
        }
    }
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
