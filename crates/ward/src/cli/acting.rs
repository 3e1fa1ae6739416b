//! What the verbs share that change something: the ward that runs does it, or, where none does, this process under the store's lock.
//! It must not do both.

use super::reading::{Bar, reader};
use super::{PARTLY, complain};
use crate::config::Config;
use crate::control::{self, ControlError};
use crate::core::Core;
use crate::up::ground::{Ground, now};
use anyhow::{Result, bail};
use model::Timestamp;
use serde_json::Value;
use serve::control::{Act, SOCKET_FILE};
use store::{Store, StoreError};

/// What became of an act of somebody.
pub(super) enum Outcome {
    /// It is done, with this answer.
    Done(Value),
    /// The other side broke off, which was said; the exit code.
    Unknown(u8),
}

/// Has `act` done with `arguments` by the ward that runs; where none does, has `alone` do it over the store, and signs what came of it.
///
/// # Errors
/// Why it was not done.
pub(super) fn have_done(
    config: &Config,
    act: Act,
    arguments: &Value,
    carry_out: impl FnOnce(&mut Core, Timestamp) -> Result<Value>,
) -> Result<Outcome> {
    match by_the_one_that_runs(config, act, Some(arguments), "asking") {
        Ok(done) => return Ok(Outcome::Done(done)),
        Err(ControlError::NotRunning { .. }) => {}
        Err(error @ ControlError::CutOff) => {
            complain(&error.into());
            return Ok(Outcome::Unknown(PARTLY));
        }
        Err(error) => return Err(error.into()),
    }
    let (store, ground) = alone(config)?;
    let mut core = crate::up::open_core(config, store)?;
    let at = now().max(core.store().newest());
    let done = carry_out(&mut core, at)?;
    core.flush(at)?;
    core.store().integrate(&config.ledger.origin, &ground.signer(config)?, at)?;
    Ok(Outcome::Done(done))
}

/// Has the ward that runs do it.
///
/// # Errors
/// [`ControlError::NotRunning`] when there is none; the others by cause.
pub(super) fn by_the_one_that_runs(
    config: &Config,
    act: Act,
    arguments: Option<&Value>,
    doing: &'static str,
) -> Result<Value, ControlError> {
    let bar = Bar::new(doing);
    let socket = config.store.folder.join(SOCKET_FILE);
    let path = format!("/control/v1/{}", act.name());
    for value in control::call(&socket, "POST", &path, arguments) {
        let mut value = value?;
        if let Some(done) = value.get_mut("done") {
            return Ok(done.take());
        }
        let progress = value.get("progress").or_else(|| value.get("working"));
        bar.say(progress.map(|progress| super::printable(&progress.to_string())).unwrap_or_default());
    }
    Err(ControlError::CutOff)
}

/// The store, whose lock keeps other wards away, and the keyring as it is under that lock.
///
/// # Errors
/// When there is no store, another ward uses it, or the keyring was changed in between.
pub(super) fn alone(config: &Config) -> Result<(Store, Ground)> {
    let ground = Ground::open(config)?;
    // Refuses a store that is not there, or needs another ward.
    drop(reader(&ground.place)?);
    let store = Store::open(ground.place.clone(), crate::up::now()).map_err(|error| match error {
        StoreError::InUse { .. } => anyhow::Error::from(error)
            .context("a ward uses the store, but does not answer at its control socket"),
        other => other.into(),
    })?;
    if Ground::look(config)?.keyring.to_bytes()? != ground.keyring.to_bytes()? {
        bail!(
            "the keyring has just been changed by another ward: look with `ward keys show`, then run this again"
        );
    }
    Ok((store, ground))
}
