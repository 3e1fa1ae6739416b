//! `ward backup` and `ward restore`: one sealed file out of a store, and a store out of one file and its key.
//! The format and its checks are `store::backup`'s; the operator's page is docs/operate/backup.md.

use super::DONE;
use super::config::Given;
use super::reading::{self, Bar, Reading, Zone, count, hex, page, rfc3339};
use crate::config::Config;
use crate::keys::{KEYRING_FILE, replace_keyring};
use crate::up::ground::{self, Ground};
use crate::up::ledger_name;
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{DecimalBytes, HumanCount, HumanDuration};
use model::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::backup::{self, Header, Progress, Sealing, Summary};
use store::db::{Db, Mode};
use store::{StoreError, ledger};
use trust::seal::Keyring;

/// Back up the whole store into one sealed file, also while `ward up` runs.
///
/// The file is read again and checked before this ends. It opens with this installation's key-encryption key alone: keep a copy of
/// that key elsewhere. Exit code 0: written and checked; 2: wrong arguments; 3: there is no backup.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ward backup /mnt/backups/ward-2026-05-01.wbk\n  ward backup /mnt/backups/ward-$(date +%F).wbk --json"
)]
pub(super) struct Backup {
    /// The new file; nothing is overwritten.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

/// Make a store out of a backup, on this or on an empty machine.
///
/// Needs the backup and the key-encryption key that it was made under ([keys] in ward.toml, or --set keys.file=PATH). Every row is
/// verified against the ledger before there is a store. Exit code 0: restored; 2: wrong arguments; 3: nothing was restored.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ward restore ward-2026-05-01.wbk\n  ward restore ward-2026-05-01.wbk --store /var/lib/ward --set keys.file=/etc/ward/kek"
)]
pub(super) struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Document<'a> {
    ward: &'static str,
    file: String,
    store: String,
    /// When the backup was made.
    created: String,
    bytes: u64,
    rows: u64,
    tables: BTreeMap<&'a str, u64>,
    leaves: u64,
    /// The newest checkpoint, a signed note.
    checkpoint: Option<&'a str>,
    /// SHA-256 of all records.
    digest: String,
    /// After a restore, the name that the ledger goes on under.
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<String>,
}

fn document<'a>(file: &Path, store: String, created: Timestamp, summary: &'a Summary) -> Document<'a> {
    Document {
        ward: env!("CARGO_PKG_VERSION"),
        file: file.display().to_string(),
        store,
        created: rfc3339(created),
        bytes: std::fs::metadata(file).map_or(0, |metadata| metadata.len()),
        rows: summary.total(),
        tables: summary.rows.iter().map(|(name, rows)| (name.as_str(), *rows)).collect(),
        leaves: summary.leaves,
        checkpoint: summary.checkpoint.as_deref(),
        digest: hex(&summary.digest),
        ledger: None,
    }
}

fn show(bar: &Bar, progress: &Progress<'_>) {
    bar.say(format!(
        "{} rows, {}, {}",
        HumanCount(progress.rows),
        DecimalBytes(progress.bytes),
        progress.table
    ));
}

impl Backup {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        let Reading { config, ground, zone, db } = Reading::open(&self.given)?;
        drop(db);
        let keyring = ground.keyring.to_bytes()?;
        let sealing = Sealing { key: ground.keyring.backup_key(), keyring: &keyring };
        let created = ground::now();
        let bar = Bar::new("backing up");
        let summary = backup::to_file(&ground.place, &sealing, &self.file, created, &mut |progress| {
            show(&bar, progress)
        })?;
        drop(bar);
        if let Err(error) = self.check(&config, &ground, &keyring, &summary) {
            // A backup that cannot be relied on is worse than none.
            let _ = std::fs::remove_file(&self.file);
            return Err(error.context(format!("{} was removed again: it is no backup", self.file.display())));
        }
        let told = document(&self.file, ground.place.name(), created, &summary);
        if self.json { reading::document(&told) } else { page(|out| made(out, &told, created, &zone)) }?;
        Ok(DONE)
    }

    /// Whether the file is what was read from the store, and its keyring opens all of it.
    fn check(&self, config: &Config, ground: &Ground, keyring: &[u8], written: &Summary) -> Result<()> {
        let bar = Bar::new("checking");
        bar.say("reading the backup again".to_owned());
        let (_, found) = backup::check(&self.file, ground.keyring.backup_key())?;
        if found != *written {
            bail!("it does not hold what was written to it: its medium is damaged; back up to another one");
        }
        // Keys made after this keyring was read may wrap what the backup holds.
        let now = Ground::look(config)?.keyring.to_bytes()?;
        if now != keyring {
            bail!(
                "keys were rotated while it was taken, and it would not open with those in it: run this again"
            );
        }
        Ok(())
    }
}

fn made(out: &mut dyn Write, told: &Document<'_>, created: Timestamp, zone: &Zone) -> std::io::Result<()> {
    writeln!(out, "{}", super::printable(&told.file))?;
    writeln!(
        out,
        "backed up {}: {}, {} leaves of the ledger, {}, as of {}; read again and whole",
        super::printable(&told.store),
        count(told.rows, "row"),
        HumanCount(told.leaves),
        DecimalBytes(told.bytes),
        zone.show(created)
    )?;
    writeln!(
        out,
        "\nIt opens with this installation's key-encryption key alone (`ward keys show`): keep a copy of that elsewhere.\n\
         On an empty machine with that key: ward restore {}",
        super::printable(&told.file)
    )
}

impl Restore {
    /// Runs the verb.
    ///
    /// 1. The backup is read whole and checked: nothing is touched before. 2. Its rows are loaded beside the store's place and
    ///    verified against the ledger. 3. They become the store, by one rename or COMMIT. 4. The keyring gets its name: **the
    ///    commit point**, from which on the store opens. Killed between 3 and 4, there is a store without a keyring, which no
    ///    ward opens; the same restore then finds that store to be this backup's and does step 4.
    pub(super) fn run(self) -> Result<u8> {
        let mut config = self.given.load()?;
        let has_keyring = std::fs::symlink_metadata(config.store.folder.join(KEYRING_FILE)).is_ok();
        if !has_keyring {
            // Of a restore that was killed before its last step: the backup is verified under its own name.
            ledger_name::forget(&config.store.folder);
            config = self.given.load()?;
        }
        let (header, ground) = self.ground(&config)?;
        let folder = &config.store.folder;
        let is_there = reading::is_there(&ground.place)?;
        if has_keyring {
            let what = if is_there { "a store" } else { "the keyring of another installation" };
            let shown = folder.display();
            bail!(
                "there is {what} in {shown}, and a restore overwrites nothing: move {shown} away, or name an empty folder with --store"
            );
        }
        let summary = if is_there {
            self.finish(&config, &ground)?
        } else {
            let bar = Bar::new("restoring");
            bar.say("reading the backup".to_owned());
            let mut verify = |db: &mut Db| verify(db, &config, &ground);
            let key = ground.keyring.backup_key();
            let mut progress = |progress: &Progress<'_>| show(&bar, progress);
            backup::from_file(&self.file, key, &ground.place, ground::now(), &mut verify, &mut progress)?
        };
        let name = ledger_name::renew(folder, &config.ledger.origin, ground::now().as_secs());
        let name =
            name.with_context(|| format!("cannot write the ledger's new name into {}", folder.display()))?;
        config.ledger.origin.clone_from(&name);
        replace_keyring(&config.store.folder, &ground.keyring).with_context(|| {
            format!(
                "the store is restored, but not its keyring; run the same command again: ward restore {}",
                self.file.display()
            )
        })?;
        let mut told = document(&self.file, ground.place.name(), header.created, &summary);
        told.ledger = Some(name.clone());
        let zone = Zone::named(&config.site.time_zone);
        if self.json {
            reading::document(&told)
        } else {
            page(|out| restored(out, &told, (header.created, &name), &zone))
        }?;
        Ok(DONE)
    }

    /// Opens the keyring that the backup carries.
    fn ground(&self, config: &Config) -> Result<(Header, Ground)> {
        let header = backup::header_of(&self.file)?;
        if header.keyring.is_empty() {
            bail!("{} carries no keyring: it was not made by `ward backup`", self.file.display());
        }
        let within = || format!("the keyring in {}", self.file.display());
        let noted = Keyring::kek_of(&header.keyring).with_context(within)?;
        let source = ground::source(&config.keys);
        let kek = source.open(&noted.source).with_context(|| {
            format!("{} opens with a {} key, id {}", self.file.display(), noted.source.kind(), noted.id)
        })?;
        let mut keyring = Keyring::open(&header.keyring, &*kek).with_context(within)?;
        // A rotation that was under way when the backup was made: the store gets the current key.
        if keyring.next_database_key().is_some() {
            keyring = keyring.abandon_database_rotation()?;
        }
        let place = ground::place(config, keyring.database_key().expose())?;
        Ok((header, Ground { kek, keyring, place }))
    }

    /// After a restore that was killed before its last step: the store must be this backup's.
    fn finish(&self, config: &Config, ground: &Ground) -> Result<Summary> {
        let other = || {
            let place = ground.place.name();
            format!(
                "{place} is there without its {KEYRING_FILE}, and is not this backup's: put the keyring back, or move the store away \
                 (or name an empty folder with --store)"
            )
        };
        let (_, summary) = backup::check(&self.file, ground.keyring.backup_key())?;
        let mut db = ground.place.connect(Mode::Reader).with_context(other)?;
        db.begin()?;
        let leaves = db.number("SELECT count(*) FROM leaves", &[]).with_context(other)?;
        let checkpoint = ledger::newest(&mut db)?.map(|checkpoint| checkpoint.note);
        if leaves.map(i64::cast_unsigned) != Some(summary.leaves) || checkpoint != summary.checkpoint {
            bail!(other());
        }
        verify(&mut db, config, ground)?;
        db.roll_back();
        Ok(summary)
    }
}

/// What stands between loaded rows and a store: the ledger.
fn verify(db: &mut Db, config: &Config, ground: &Ground) -> store::Result<()> {
    let expectation = ground.expectation(config).map_err(|error| StoreError::Trust(format!("{error:#}")))?;
    if let Some(newest) = ledger::newest(db)? {
        let origin = newest.note.lines().next().unwrap_or_default();
        if origin != expectation.origin {
            let (origin, configured) = (super::printable(origin), &expectation.origin);
            return Err(StoreError::Refused(format!(
                "the backup is of the ledger {origin:?}, and {configured:?} is configured: set [ledger] origin in ward.toml, or add \
                 --set ledger.origin={origin}"
            )));
        }
    }
    let bar = Bar::new("verifying");
    let verified = store::verify::verify(db, &expectation, &mut |done, total| bar.of(done, total))?;
    match verified.lies.first() {
        None => Ok(()),
        Some(first) => Err(StoreError::Backup(format!(
            "the backup is not what its ledger says ({} found), so nothing was restored; first: {first}; take an older backup",
            count(verified.lies_total, "lie")
        ))),
    }
}

fn restored(
    out: &mut dyn Write,
    told: &Document<'_>,
    (created, name): (Timestamp, &str),
    zone: &Zone,
) -> std::io::Result<()> {
    let age = Duration::from_nanos(ground::now().since(created).as_nanos());
    writeln!(
        out,
        "{}\nrestored: {}, {} leaves of the ledger, all verified against it",
        super::printable(&told.store),
        count(told.rows, "row"),
        HumanCount(told.leaves)
    )?;
    writeln!(
        out,
        "The backup was made {}, {} ago: what Ward saw and what was decided since is not in it.",
        zone.show(created),
        HumanDuration(age)
    )?;
    writeln!(
        out,
        "\nNext:\n  ward doctor     whether everything else that a run needs is there\n  ward up         goes on from here\n\
         Erasures and key rotations made after the backup are undone: repeat them. Copy {KEYRING_FILE} to your second place.\n\
         The ledger goes on under the name {name}: the one it had may have gone on without this store, and two histories under one\n\
         name are a fork. Give its new key to your witnesses: ward ledger show --key"
    )
}
