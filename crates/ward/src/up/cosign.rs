//! Asking the configured witnesses to cosign the newest checkpoint.

use super::state::Shared;
use crate::config::Config;
use crate::core::run::Handle;
use crate::measure;
use crate::witness::{Proofs, Witness, WitnessSettings, ask};
use anyhow::{Context, Result};
use std::sync::Arc;
use store::ledger::{self, Tiles};
use store::{Readers, StoreError};
use trust::tlog::{Checkpoint, Hash, TileReader, VerifierKey};

/// The witnesses, and what they are remembered to have cosigned.
pub(super) struct Cosigning {
    witnesses: Vec<(String, Witness, u64)>,
    origin: String,
    keys: Vec<VerifierKey>,
    readers: Arc<Readers>,
    core: Handle,
    state: Shared,
}

impl Cosigning {
    /// The witnesses of the configuration; asks nothing yet.
    ///
    /// # Errors
    /// When one cannot be used as configured.
    pub(super) fn new(
        config: &Config,
        log_key: VerifierKey,
        readers: Arc<Readers>,
        core: Handle,
        state: Shared,
    ) -> Result<Self> {
        let witness = |w: &crate::config::Witness| {
            let settings = WitnessSettings { url: w.url.clone(), keys: vec![w.key.clone()], ca_file: None };
            Ok((w.name.clone(), Witness::new(&settings)?, 0))
        };
        let witnesses = config.ledger.witnesses.iter().map(witness).collect::<Result<_>>();
        let witnesses = witnesses.context("[[ledger.witnesses]]")?;
        Ok(Self {
            witnesses,
            origin: config.ledger.origin.clone(),
            keys: vec![log_key],
            readers,
            core,
            state,
        })
    }

    /// Asks each for the newest checkpoint; what they answered is in the state.
    ///
    /// # Errors
    /// Those of the store. A witness that refuses is no error here.
    pub(super) fn ask_all(&mut self) -> Result<()> {
        let Some(mut stored) = self.readers.read(ledger::newest)? else { return Ok(()) };
        let opened = Checkpoint::open(stored.note.as_bytes(), &self.origin, &self.keys)?;
        let mut note = opened.note.clone();
        let mut answers = Vec::new();
        for (name, witness, last) in &mut self.witnesses {
            if *last == stored.size {
                answers.push((name.clone(), true, String::new()));
                continue;
            }
            let proofs = StoredProofs(&self.readers);
            match ask(witness, &opened, *last, &proofs) {
                Ok(cosigned) => {
                    *last = stored.size;
                    for signature in cosigned.signatures {
                        note.push(signature)?;
                        stored.witnesses += 1;
                    }
                    measure::witness(name, true);
                    answers.push((name.clone(), true, String::new()));
                }
                Err(error) => {
                    measure::witness(name, false);
                    if error.is_alarm() {
                        tracing::error!(error = %error, "a witness has seen another history of this ledger");
                    } else {
                        tracing::warn!(error = %error, "a witness did not cosign");
                    }
                    answers.push((name.clone(), false, error.to_string()));
                }
            }
        }
        self.state.lock().witnesses = answers;
        if stored.note != note.to_string() {
            stored.note = note.to_string();
            self.core.call(move |core| core.store().keep(&stored))??;
        }
        Ok(())
    }
}

/// Consistency proofs out of the stored tiles.
struct StoredProofs<'r>(&'r Readers);

impl Proofs for StoredProofs<'_> {
    fn consistency(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, String> {
        let proof = self.0.read(|db| {
            let tiles = Tiles::new(db);
            TileReader::new(&tiles, size).consistency_proof(old_size)
        });
        proof.map_err(|error: StoreError| error.to_string())
    }
}
