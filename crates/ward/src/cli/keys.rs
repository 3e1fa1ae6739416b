//! `ward keys show|rotate`: which keys an installation has, and new ones in their place; by the ward that runs, if one does.
//! It must never show a key.

use super::acting::{alone, by_the_one_that_runs};
use super::config::Given;
use super::reading::{self, Bar, count, page, reader, table};
use super::{DONE, PARTLY};
use crate::config::Config;
use crate::control::ControlError;
use crate::keys::{IfMissing, KEYRING_FILE, KekSource, rotate_kek};
use crate::up::ground::Ground;
use crate::up::rotate;
use anyhow::{Context, Result, bail};
use clap::{ArgGroup, Args, Subcommand};
use serde::Deserialize as _;
use serde_json::{Value, json};
use serve::control::Act;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use store::vault;
use trust::seal::KekHint;
use trust::tlog::NoteSigner;

/// Show which keys there are, or replace them (docs/operate/keys.md).
#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(Show),
    Rotate(Rotate),
}

/// List the keys of this installation; never a key itself.
///
/// Exit code 0: listed; 2: wrong arguments; 3: the keyring could not be opened.
#[derive(Debug, Args)]
struct Show {
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

/// Replace the key-encryption key, or the keys under it. Asks the `ward up` that runs, or does it itself where none does.
///
/// Exit code 0: done; 1: the outcome is not known, see the log; 2: wrong arguments; 3: nothing done.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("which").required(true).args(["kek", "data"])),
    group(ArgGroup::new("to").args(["to_file", "to_passphrase_file", "to_credential", "to_token"])),
    after_help = "Examples:\n  ward keys rotate --kek --to-file /etc/ward/kek-2026\n  ward keys rotate --kek --to-token ward --token-module /usr/lib/softhsm/libsofthsm2.so --token-pin-file /etc/ward/pin\n  ward keys rotate --data"
)]
struct Rotate {
    /// Wrap all keys by another key-encryption key, which one of the --to flags names.
    #[arg(long, requires = "to")]
    kek: bool,
    /// New master key, data keys wrapped anew, and a new key for the database.
    #[arg(long, conflicts_with = "to")]
    data: bool,
    /// To a key file (made if missing): 32 bytes, mode 0600, outside of the store's folder.
    #[arg(long, value_name = "FILE")]
    to_file: Option<PathBuf>,
    /// To the passphrase in the first line of this file, mode 0600.
    #[arg(long, value_name = "FILE")]
    to_passphrase_file: Option<PathBuf>,
    /// To a systemd credential, by its name in the unit.
    #[arg(long, value_name = "NAME")]
    to_credential: Option<String>,
    /// To a key in the PKCS#11 token of this label (made if missing).
    #[arg(long, value_name = "LABEL", requires_all = ["token_module", "token_pin_file"])]
    to_token: Option<String>,
    /// The token's shared library.
    #[arg(long, value_name = "FILE", requires = "to_token")]
    token_module: Option<PathBuf>,
    /// Label of the key within the token.
    #[arg(long, value_name = "LABEL", default_value = "ward-kek", requires = "to_token")]
    token_key: String,
    /// File with the token's PIN, mode 0600.
    #[arg(long, value_name = "FILE", requires = "to_token")]
    token_pin_file: Option<PathBuf>,
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

impl Keys {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        match self.verb {
            Verb::Show(show) => show.run(),
            Verb::Rotate(rotate) => rotate.run(),
        }
    }
}

impl Show {
    fn run(self) -> Result<u8> {
        let config = self.given.load()?;
        let ground = Ground::look(&config)?;
        let in_use = match reading::is_there(&ground.place)? {
            true => Some(vault::masters_in_use(&mut reader(&ground.place)?)?),
            false => None,
        };
        let file = config.store.folder.join(KEYRING_FILE).display().to_string();
        let log_key = ground.signer(&config)?.key().to_string();
        if self.json {
            reading::document(&document(&file, &ground, &log_key, in_use.as_ref()))?;
        } else {
            page(|out| listed(out, &file, &ground, &log_key, in_use.as_ref()))?;
        }
        Ok(DONE)
    }
}

/// Data keys by the master key that wraps them.
type InUse = BTreeMap<u32, u64>;

fn document(file: &str, ground: &Ground, log_key: &str, in_use: Option<&InUse>) -> Value {
    let kek = ground.keyring.kek();
    let masters = ground.keyring.masters();
    json!({
        "ward": env!("CARGO_PKG_VERSION"),
        "keyring": file,
        "kek": { "id": kek.id, "kind": kek.source.kind(), "token": token(&kek.source).map(|(t, _)| t), "label": token(&kek.source).map(|(_, k)| k) },
        "ledger": log_key,
        "masters": masters.versions().collect::<Vec<_>>(),
        "newest_master": masters.newest(),
        "data_keys_by_master": in_use,
        "database_rotation_under_way": ground.keyring.next_database_key().is_some(),
    })
}

fn token(source: &KekHint) -> Option<(&str, &str)> {
    match source {
        KekHint::Pkcs11 { token, key } => Some((token, key)),
        _ => None,
    }
}

fn listed(
    out: &mut dyn Write,
    file: &str,
    ground: &Ground,
    log_key: &str,
    in_use: Option<&InUse>,
) -> std::io::Result<()> {
    let keyring = &ground.keyring;
    let kek = keyring.kek();
    let mut which = format!("{}, id {}", kek.source.kind(), kek.id);
    if let Some((token, key)) = token(&kek.source) {
        which.push_str(&format!(", key {key:?} in token {token:?}"));
    }
    let versions: Vec<String> = keyring.masters().versions().map(|version| version.to_string()).collect();
    let data = match in_use {
        None => "none: there is no store yet".to_owned(),
        Some(in_use) if in_use.is_empty() => "none yet".to_owned(),
        Some(in_use) => {
            let by = in_use
                .iter()
                .map(|(version, keys)| format!("{} by master key {version}", count(*keys, "key")));
            by.collect::<Vec<_>>().join(", ")
        }
    };
    let database = match keyring.next_database_key() {
        None => "opens the encrypted database".to_owned(),
        Some(_) => "its rotation is under way; the next start finishes it".to_owned(),
    };
    let mut rows = table(&["Key", "What there is"]);
    rows.add_row(["key-encryption key", &which]);
    rows.add_row(["database", &database]);
    rows.add_row(["ledger", &format!("signs checkpoints; verifier key {log_key}")]);
    rows.add_row(["seal", &format!("master keys {}; the last one wraps new data keys", versions.join(", "))]);
    rows.add_row(["data keys", &data]);
    rows.add_row(["pseudonym", "for names in what is shared"]);
    rows.add_row(["backup", "seals backups"]);
    writeln!(out, "KEYS in {}\n{}\n", super::printable(file), super::printable(&rows.to_string()))?;
    writeln!(
        out,
        "The key-encryption key lies outside and opens all others: keep a copy of it, and one of {KEYRING_FILE}, apart."
    )
}

impl Rotate {
    fn run(self) -> Result<u8> {
        let config = self.given.load()?;
        let (act, arguments) = match self.target()? {
            Some(target) => (Act::RotateKek, Some(target)),
            None => (Act::RotateData, None),
        };
        let done = match by_the_one_that_runs(&config, act, arguments.as_ref(), "rotating") {
            Ok(done) => done,
            Err(ControlError::NotRunning { .. }) => match &arguments {
                Some(target) => kek(&config, target)?,
                None => data(&config)?,
            },
            Err(error @ ControlError::CutOff) => {
                super::complain(&error.into());
                return Ok(PARTLY);
            }
            Err(error) => return Err(error.into()),
        };
        if self.json {
            reading::document(&done)?;
        } else {
            page(|out| told(out, act, &done, arguments.as_ref()))?;
        }
        Ok(DONE)
    }

    /// The new source, in the form of [`KekSource`]; paths are absolute, since the ward that runs has another folder.
    fn target(&self) -> Result<Option<Value>> {
        let absolute = |path: &Path| {
            std::path::absolute(path).with_context(|| format!("{}: cannot be made absolute", path.display()))
        };
        let file = self.to_file.as_deref().map(absolute).transpose()?;
        let passphrase = self.to_passphrase_file.as_deref().map(absolute).transpose()?;
        if let Some(path) = file {
            return Ok(Some(json!({ "kind": "file", "path": path })));
        }
        if let Some(path) = passphrase {
            return Ok(Some(json!({ "kind": "passphrase", "from": { "file": path } })));
        }
        if let Some(name) = &self.to_credential {
            return Ok(Some(json!({ "kind": "credential", "name": name })));
        }
        let (Some(token), Some(module), Some(pin)) =
            (&self.to_token, &self.token_module, &self.token_pin_file)
        else {
            return Ok(None);
        };
        let (module, pin) = (absolute(module)?, absolute(pin)?);
        Ok(Some(
            json!({ "kind": "pkcs11", "module": module, "token": token, "key": self.token_key, "pin": { "file": pin } }),
        ))
    }
}

/// A new key-encryption key. The commit point is the new keyring's name (`keys::rotate_kek`).
fn kek(config: &Config, target: &Value) -> Result<Value> {
    let (_store, ground) = alone(config)?;
    let source = KekSource::deserialize(target).context("the new key's source")?;
    let kek = source.open_or_create(IfMissing::Create)?;
    let before = ground.keyring.kek().clone();
    if kek.id() == before.id {
        bail!(
            "the new key is the one that the keyring is wrapped by already (id {}): name another",
            before.id
        );
    }
    let keyring = rotate_kek(&config.store.folder, &ground.keyring, &*kek)?;
    Ok(json!({ "kek": keyring.kek().id, "before": before.id }))
}

/// A new master key, all data keys under it, the older master keys retired, and a new key for the database. Each step is durable
/// before the next; killed in between, the same command again completes it.
fn data(config: &Config) -> Result<Value> {
    let (mut store, mut ground) = alone(config)?;
    let bar = Bar::new("rotating");
    let rotated = rotate::data_keys(&mut ground, config, &mut store, &mut |moved, left| {
        bar.say(format!("{moved} data keys wrapped anew, {left} left"));
    })?;
    let database = match config.store.postgres_url_file {
        Some(_) => "not ours: its volume's encryption is the operator's",
        None => {
            bar.say("encrypting the database under its new key".to_owned());
            rotate::database_key(&mut ground, config, |key| Ok(store.rekey(&key)?))?;
            "encrypted anew"
        }
    };
    Ok(json!({ "data_keys": rotated.moved, "database": database, "masters_retired": rotated.retired }))
}

fn told(out: &mut dyn Write, act: Act, done: &Value, target: Option<&Value>) -> std::io::Result<()> {
    let text = |name: &str| reading::cell(done.get(name).and_then(Value::as_str).unwrap_or("?"));
    if act == Act::RotateKek {
        writeln!(out, "The keyring is wrapped by the key with the id {} now.\n", text("kek"))?;
        writeln!(
            out,
            "Before the next start, say so in ward.toml:\n\n{}",
            super::printable(&section(target))
        )?;
        return writeln!(
            out,
            "Copy {KEYRING_FILE} and the new key to their places apart. Backups made until now open with the old key: make a new one\n\
             (`ward backup FILE`), and destroy the old key only when no backup needs it."
        );
    }
    let moved = done.get("data_keys").and_then(Value::as_u64).unwrap_or(0);
    writeln!(out, "A new master key wraps from now on; {} wrapped anew by it.", count(moved, "data key"))?;
    writeln!(out, "The database: {}.", text("database"))?;
    writeln!(
        out,
        "\nCopy {KEYRING_FILE} to its second place again: older copies do not open the store any more."
    )
}

/// The section of ward.toml for a source.
fn section(target: Option<&Value>) -> String {
    let text = |pointer: &str| {
        target.and_then(|target| target.pointer(pointer)).and_then(Value::as_str).unwrap_or("?")
    };
    let kind = text("/kind");
    let mut lines = format!("[keys]\nkind = {kind:?}\n");
    let named = match kind {
        "file" => vec![("file", "/path")],
        "passphrase" => vec![("passphrase_file", "/from/file")],
        "credential" => vec![("credential", "/name")],
        _ => vec![("module", "/module"), ("token", "/token"), ("label", "/key"), ("pin_file", "/pin/file")],
    };
    for (key, pointer) in named {
        lines.push_str(&format!("{key} = {:?}\n", text(pointer)));
    }
    lines
}
