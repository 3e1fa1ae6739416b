//! What operators ask of a running Ward through its control socket.

use super::ground::{Ground, now};
use super::rotate;
use super::state::{Integrity, Shared};
use crate::acts::{Asked, Decide};
use crate::config::Config;
use crate::core::run::Handle;
use crate::keys::{KEYRING_FILE, KekSource};
use crate::tasks::Tasks;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use serve::control::{Act, Control};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use store::backup::{self, Sealing};
use store::retention::Amendment;
use store::{Readers, verify};

/// Who does it.
pub(super) struct Office {
    pub(super) ground: Mutex<Ground>,
    pub(super) config: Arc<Config>,
    pub(super) readers: Arc<Readers>,
    pub(super) core: Handle,
    pub(super) state: Shared,
    /// Timers act through the house too, and the house through this: only the platform holds them.
    pub(super) tasks: Weak<Tasks>,
}

impl Control for Office {
    fn status(&self) -> serve::Result<Value> {
        let state = self.state.lock().clone();
        let report = self.tasks.upgrade().map(|tasks| tasks.report()).unwrap_or_default();
        let tasks: Vec<Value> = report
            .iter()
            .map(|task| {
                json!({
                    "name": task.name, "runs": task.runs, "failures": task.failures, "running": task.running,
                    "last_error": task.last_error,
                    "last_started_s_ago": task.last_started_ago.map(|ago| ago.as_secs()),
                })
            })
            .collect();
        let (integrity, found) = match &state.integrity {
            Integrity::Whole(how) => ("whole", (*how).to_owned()),
            Integrity::Damaged(what) => ("damaged", what.clone()),
            Integrity::Unchecked(why) => ("unchecked", (*why).to_owned()),
        };
        let witnesses = self.config.ledger.witnesses.iter().map(|witness| {
            let answer = state.witnesses.iter().find(|(name, ..)| *name == witness.name);
            json!({
                "name": witness.name, "url": witness.url,
                "cosigned": answer.map(|(_, cosigned, _)| cosigned), "words": answer.map(|(.., words)| words),
            })
        });
        let database = if self.config.store.postgres_url_file.is_some() { "postgres" } else { "sqlite" };
        Ok(json!({
            "ward": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "up_s": state.started.elapsed().as_secs(),
            "devices": state.devices,
            "records": state.records,
            "sources": state.sources,
            "checkpoint_leaves": state.checkpoint.map(|(size, _)| size),
            "failing": state.failing.map(|(_, why)| why),
            "witnesses": witnesses.collect::<Vec<Value>>(),
            "backup_at": state.backup.map(serve::when::rfc3339),
            "kek": self.config.keys.kind(),
            "database": database,
            "folder": self.config.store.folder,
            "integrity": { "state": integrity, "words": found },
            "tasks": tasks,
        }))
    }

    fn act(&self, act: Act, arguments: Value, progress: &mut dyn FnMut(Value)) -> Result<Value, String> {
        let outcome = match act {
            Act::Backup => self.backup(&arguments, progress),
            Act::RotateKek => self.rotate_kek(arguments),
            Act::RotateData => self.rotate_data(progress),
            Act::Checkpoint => self.checkpoint(),
            Act::Verify => self.verify(progress),
            Act::Decide => self.decide(arguments),
            Act::Policy => self.policy(arguments),
        };
        outcome.map_err(|error| format!("{error:#}"))
    }
}

impl Office {
    /// `{"path": "/absolute/file"}`.
    fn backup(&self, arguments: &Value, progress: &mut dyn FnMut(Value)) -> Result<Value> {
        let path = arguments.get("path").and_then(Value::as_str).map(PathBuf::from);
        let Some(path) = path.filter(|path| path.is_absolute()) else {
            bail!("say where to: {{\"path\": \"/absolute/path/of/the/new/file\"}}");
        };
        let ground = self.ground.lock().unwrap_or_else(PoisonError::into_inner);
        let keyring =
            std::fs::read(self.config.store.folder.join(KEYRING_FILE)).context("cannot read the keyring")?;
        let sealing = Sealing { key: ground.keyring.backup_key(), keyring: &keyring };
        let summary = backup::to_file(&ground.place, &sealing, &path, now(), &mut |done| {
            progress(json!({ "table": done.table, "rows": done.rows, "bytes": done.bytes }));
        })?;
        let rows: u64 = summary.rows.iter().map(|(_, rows)| rows).sum();
        self.state.lock().backup = Some(now());
        Ok(json!({ "path": path, "rows": rows, "leaves": summary.leaves }))
    }

    /// A key-encryption key as in the configuration: `{"kind": "file", "path": …}`.
    fn rotate_kek(&self, arguments: Value) -> Result<Value> {
        let to: KekSource = serde_json::from_value(arguments).context("the new key-encryption key")?;
        let mut ground = self.ground.lock().unwrap_or_else(PoisonError::into_inner);
        rotate::kek(&mut ground, &self.config, &to)?;
        Ok(json!({ "kek": ground.kek.id(), "next": "name it in the configuration before the next start" }))
    }

    fn rotate_data(&self, progress: &mut dyn FnMut(Value)) -> Result<Value> {
        let mut ground = self.ground.lock().unwrap_or_else(PoisonError::into_inner);
        let rotated =
            rotate::data_keys(&mut ground, &self.config, &mut self.core.clone(), &mut |moved, left| {
                progress(json!({ "moved": moved, "left": left }));
            })?;
        let database = match self.config.store.postgres_url_file {
            None => {
                progress(json!({ "database": "being encrypted anew" }));
                rotate::database_key_running(&mut ground, &self.config, &self.readers, &self.core)?;
                "encrypted anew"
            }
            Some(_) => "not ours: its volume's encryption is the operator's",
        };
        Ok(json!({ "data_keys": rotated.moved, "database": database, "masters_retired": rotated.retired }))
    }

    fn checkpoint(&self) -> Result<Value> {
        if let Some(tasks) = self.tasks.upgrade() {
            tasks.soon("witnesses");
        }
        let newest = self.readers.read(store::ledger::newest)?;
        Ok(json!({ "checkpoint": newest.map(|checkpoint| checkpoint.note) }))
    }

    fn verify(&self, progress: &mut dyn FnMut(Value)) -> Result<Value> {
        let expectation = {
            let ground = self.ground.lock().unwrap_or_else(PoisonError::into_inner);
            ground.expectation(&self.config)?
        };
        let verified = self.readers.read(|db| {
            verify::verify(db, &expectation, &mut |rows, of| progress(json!({ "rows": rows, "of": of })))
        })?;
        Ok(serde_json::to_value(verified)?)
    }

    fn decide(&self, arguments: Value) -> Result<Value> {
        let asked: Asked<Decide> =
            serde_json::from_value(arguments).context("what is decided, and by whom")?;
        self.core.call(move |core| asked.carry_out(core, now()))?
    }

    /// Retention goes by the policy of the moment: a hold holds from the next step on.
    fn policy(&self, arguments: Value) -> Result<Value> {
        let asked: Asked<Amendment> =
            serde_json::from_value(arguments).context("what is changed, and by whom")?;
        let site = self.config.site.id;
        self.core.call(move |core| asked.carry_out(core, site, now()))?
    }
}
