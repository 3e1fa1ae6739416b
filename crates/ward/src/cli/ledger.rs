//! `ward ledger show|verify`: what was done to the store, and whether it is still what was done.

use super::config::Given;
use super::reading::{self, Bar, Reading, Zone, cell, count, hex, page, rfc3339, table};
use super::{DONE, PARTLY};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use store::db::{Cell, Db};
use store::leaf::{self, Leaf};
use store::ledger::{self, StoredCheckpoint};
use store::table::Table;
use store::verify::{Expectation, LIES_NAMED_MAX, Lie, Verified, Witnessed};
use trust::tlog::{self, Checkpoint, NoteSigner};

/// Leaves listed when nobody says how many, and at most.
const LAST_DEFAULT: u32 = 20;
const LAST_MAX: u32 = 10_000;
/// Bytes of the longest checkpoint that is read from a file.
const NOTE_BYTES_MAX: u64 = 256 * 1024;

/// Show what the ledger holds, or verify the whole store against it.
///
/// Every change of the store leaves one leaf in the ledger (docs/operate/ledger.md).
#[derive(Debug, Args)]
pub(super) struct Ledger {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(Show),
    Verify(Verify),
}

/// List the newest leaves, the newest checkpoint and the ledger's key; or show one leaf in full.
///
/// Exit code 0: shown; 2: wrong arguments; 3: nothing could be read.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ward ledger show\n  ward ledger show --leaf 1042\n  ward ledger show --key        for a witness or an auditor"
)]
struct Show {
    /// Show this leaf in full, with every row that it wrote.
    #[arg(long, value_name = "N")]
    leaf: Option<u64>,
    /// How many leaves, from the newest.
    #[arg(long, value_name = "N", default_value_t = LAST_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(LAST_MAX)), conflicts_with = "leaf")]
    last: u32,
    /// Print the ledger's verifier key and nothing else.
    #[arg(long, conflicts_with_all = ["leaf", "last", "json"])]
    key: bool,
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

/// Recompute everything the ledger answers for, and name what is not as it says.
///
/// Reads the store beside a `ward up` that runs. Exit code 0: all of it is as the ledger says; 1: it is not; 2: wrong arguments;
/// 3: nothing could be verified.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ward ledger verify\n  ward ledger verify --checkpoint auditor.note     also against a checkpoint that somebody else kept"
)]
struct Verify {
    /// A checkpoint kept elsewhere, which the leaves must agree with.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

impl Ledger {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        match self.verb {
            Verb::Show(show) => show.run(),
            Verb::Verify(verify) => verify.run(),
        }
    }
}

/// What `show --json` writes.
#[derive(Serialize)]
struct Shown {
    ward: &'static str,
    origin: String,
    key: String,
    leaves: u64,
    newest: Vec<LeafLine>,
    checkpoint: Option<CheckpointShown>,
    witnessed: Option<CheckpointShown>,
}

#[derive(Serialize)]
struct LeafLine {
    leaf: u64,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Leaf(LeafSaid),
    /// Why it cannot be shown.
    Unreadable {
        unreadable: String,
    },
}

#[derive(Serialize)]
struct LeafSaid {
    at: String,
    #[serde(skip)]
    when: model::Timestamp,
    site: u32,
    actor: String,
    cause: String,
    rows: u64,
}

#[derive(Serialize)]
struct CheckpointShown {
    size: u64,
    signed_at: String,
    #[serde(skip)]
    when: model::Timestamp,
    /// Whether the log's own signature verifies.
    signature_verifies: bool,
    /// Witnesses whose cosignatures verify by configured keys.
    cosigned_by: Vec<String>,
    /// Others who signed; their keys are not configured.
    not_checked: Vec<String>,
    note: String,
}

/// What `show --leaf --json` writes.
#[derive(Serialize)]
struct LeafShown {
    ward: &'static str,
    leaf: u64,
    hash: String,
    at: String,
    #[serde(skip)]
    when: model::Timestamp,
    site: u32,
    actor: String,
    cause: String,
    /// The idempotency key; empty: none.
    key: String,
    /// Hash of what decided; absent where nothing was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<String>,
    rows_hash: String,
    rows: Vec<RowShown>,
}

#[derive(Serialize)]
struct RowShown {
    table: String,
    row: i64,
    /// Absent: the row was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
}

impl Show {
    fn run(self) -> Result<u8> {
        if self.key {
            let config = self.given.load()?;
            let key = crate::up::Ground::look(&config)?.signer(&config)?.key().to_string();
            page(|out| writeln!(out, "{key}"))?;
            return Ok(DONE);
        }
        let mut reading = Reading::open(&self.given)?;
        reading.db.begin()?;
        let json = self.json;
        match self.leaf {
            Some(leaf) => {
                let shown = leaf_shown(&mut reading.db, leaf)?;
                if json {
                    reading::document(&shown)
                } else {
                    page(|out| leaf_page(out, &shown, &reading.zone))
                }
            }
            None => {
                let shown = self.newest(&mut reading)?;
                if json {
                    reading::document(&shown)
                } else {
                    page(|out| newest_page(out, &shown, &reading.zone))
                }
            }
        }?;
        Ok(DONE)
    }

    fn newest(&self, reading: &mut Reading) -> Result<Shown> {
        let expectation = reading.ground.expectation(&reading.config)?;
        let key = reading.ground.signer(&reading.config)?.key().to_string();
        let db = &mut reading.db;
        let leaves = db.number("SELECT count(*) FROM leaves", &[])?.unwrap_or(0).cast_unsigned();
        let mut newest = Vec::new();
        let sql = "SELECT id, data FROM leaves ORDER BY id DESC LIMIT ?1";
        db.query(sql, &[Cell::Int(self.last.into())], &mut |row| {
            let said = match Leaf::decode(row.blob(1)?) {
                Err(error) => Said::Unreadable { unreadable: error.to_string() },
                Ok(leaf) => Said::Leaf(LeafSaid {
                    at: rfc3339(leaf.at),
                    when: leaf.at,
                    site: leaf.site.0,
                    actor: leaf.actor,
                    cause: leaf.cause,
                    rows: leaf.rows,
                }),
            };
            newest.push(LeafLine { leaf: row.int(0)?.cast_unsigned(), said });
            Ok(())
        })?;
        let checkpoint = ledger::newest(db)?.map(|stored| checkpoint_shown(stored, &expectation));
        let witnessed = ledger::newest_witnessed(db)?.map(|stored| checkpoint_shown(stored, &expectation));
        let ward = env!("CARGO_PKG_VERSION");
        Ok(Shown { ward, origin: expectation.origin, key, leaves, newest, checkpoint, witnessed })
    }
}

fn checkpoint_shown(stored: StoredCheckpoint, expectation: &Expectation) -> CheckpointShown {
    let opened = Checkpoint::open(stored.note.as_bytes(), &expectation.origin, &expectation.keys);
    let (mut cosigned_by, mut not_checked) = (BTreeSet::new(), BTreeSet::new());
    if let Ok(opened) = &opened {
        let verified = opened.note.verify(&expectation.witnesses).unwrap_or_default();
        cosigned_by.extend(verified.iter().map(|verified| verified.key.name().to_owned()));
        let others = opened.note.signatures().iter().map(|signature| signature.name());
        not_checked.extend(
            others
                .filter(|name| *name != expectation.origin && !cosigned_by.contains(*name))
                .map(str::to_owned),
        );
    }
    CheckpointShown {
        size: stored.size,
        signed_at: rfc3339(stored.signed_at),
        when: stored.signed_at,
        signature_verifies: opened.is_ok(),
        cosigned_by: cosigned_by.into_iter().collect(),
        not_checked: not_checked.into_iter().collect(),
        note: stored.note,
    }
}

fn newest_page(out: &mut dyn Write, shown: &Shown, zone: &Zone) -> std::io::Result<()> {
    if shown.newest.is_empty() {
        writeln!(out, "The ledger has no leaf yet: `ward up` writes the first.\n")?;
    } else {
        let mut rows = table(&["Leaf", "Time", "Actor", "Cause", "Rows"]);
        for line in &shown.newest {
            let leaf = line.leaf.to_string();
            rows.add_row(match &line.said {
                Said::Leaf(said) => {
                    vec![
                        leaf,
                        zone.show(said.when),
                        cell(&said.actor),
                        cell(&said.cause),
                        said.rows.to_string(),
                    ]
                }
                Said::Unreadable { unreadable } => {
                    vec![leaf, "–".into(), "–".into(), cell(unreadable), "–".into()]
                }
            });
        }
        writeln!(out, "LEAVES: the newest {} of {}\n{rows}\n", shown.newest.len(), shown.leaves)?;
    }
    match &shown.checkpoint {
        None => writeln!(out, "CHECKPOINT: none is signed yet; `ward up` signs one a second after a leaf")?,
        Some(checkpoint) => {
            checkpoint_page(out, "CHECKPOINT", checkpoint, zone)?;
            match &shown.witnessed {
                None => {
                    writeln!(out, "not witnessed: no witness has cosigned any checkpoint of this ledger")?
                }
                Some(witnessed) if witnessed.size != checkpoint.size => {
                    checkpoint_page(out, "NEWEST WITNESSED CHECKPOINT", witnessed, zone)?;
                }
                Some(_) => {}
            }
        }
    }
    writeln!(
        out,
        "\nLEDGER {}\nverifier key, for witnesses and auditors: {}",
        cell(&shown.origin),
        shown.key
    )?;
    writeln!(out, "\n`ward ledger show --leaf N` shows one leaf; `ward ledger verify` verifies all of it.")
}

fn checkpoint_page(
    out: &mut dyn Write,
    title: &str,
    checkpoint: &CheckpointShown,
    zone: &Zone,
) -> std::io::Result<()> {
    writeln!(out, "{title} over {} leaves, signed {}", checkpoint.size, zone.show(checkpoint.when))?;
    if !checkpoint.signature_verifies {
        writeln!(out, "its signature is NOT this ledger's: see `ward ledger verify`")?;
    }
    if !checkpoint.cosigned_by.is_empty() {
        writeln!(out, "cosigned by {}", cell(&checkpoint.cosigned_by.join(", ")))?;
    }
    if !checkpoint.not_checked.is_empty() {
        let names = cell(&checkpoint.not_checked.join(", "));
        writeln!(out, "also signed by {names}: not checked, their keys are not in [[ledger.witnesses]]")?;
    }
    super::printable(&checkpoint.note).lines().try_for_each(|line| writeln!(out, "    {line}"))
}

fn leaf_shown(db: &mut Db, index: u64) -> Result<LeafShown> {
    let mut found = None;
    if let Ok(id) = i64::try_from(index) {
        let sql = "SELECT data, changes FROM leaves WHERE id = ?1";
        db.query(sql, &[Cell::Int(id)], &mut |row| {
            found = Some((row.blob(0)?.to_vec(), row.blob(1)?.to_vec()));
            Ok(())
        })?;
    }
    let Some((data, changes)) = found else {
        match db.number("SELECT max(id) FROM leaves", &[])? {
            Some(newest) => bail!("there is no leaf {index}: the newest is {newest}"),
            None => bail!("there is no leaf {index}: the ledger has none yet"),
        }
    };
    let leaf = Leaf::decode(&data).with_context(|| format!("leaf {index}"))?;
    let mut rows = Vec::new();
    leaf::visit_rows(&changes, |change| {
        let table = Table::numbered(change.table)
            .map_or_else(|| format!("number {}", change.table), |t| t.name.to_owned());
        rows.push(RowShown { table, row: change.id, commitment: change.commitment.map(|c| hex(&c)) });
    })
    .with_context(|| format!("the list of rows beside leaf {index}"))?;
    Ok(LeafShown {
        ward: env!("CARGO_PKG_VERSION"),
        leaf: index,
        hash: hex(&tlog::leaf_hash(&data)),
        at: rfc3339(leaf.at),
        when: leaf.at,
        site: leaf.site.0,
        actor: leaf.actor,
        cause: leaf.cause,
        key: leaf.key,
        decided: Some(leaf.decided).filter(|hash| *hash != [0; 32]).map(|hash| hex(&hash)),
        rows_hash: hex(&leaf.rows_hash),
        rows,
    })
}

fn leaf_page(out: &mut dyn Write, shown: &LeafShown, zone: &Zone) -> std::io::Result<()> {
    writeln!(out, "LEAF {}", shown.leaf)?;
    let decided = shown.decided.as_deref().unwrap_or("(nothing was judged)");
    let key = if shown.key.is_empty() { "(none)" } else { &shown.key };
    let site = shown.site.to_string();
    let time = zone.show(shown.when);
    let fields = [
        ("hash in the tree", shown.hash.as_str()),
        ("time", &time),
        ("site", &site),
        ("actor", &shown.actor),
        ("cause", &shown.cause),
        ("act's key", key),
        ("decided by", decided),
        ("hash of its rows", &shown.rows_hash),
    ];
    for (name, value) in fields {
        writeln!(out, "  {name:<17} {}", super::printable(value))?;
    }
    writeln!(out, "\n{} with the commitment to each:", count(shown.rows.len() as u64, "row"))?;
    for row in &shown.rows {
        let what = row.commitment.as_deref().unwrap_or("deleted");
        writeln!(out, "  {:<14} {:>10}  {what}", row.table, row.row)?;
    }
    Ok(())
}

/// What `verify --json` writes.
#[derive(Serialize)]
struct Told<'a> {
    ward: &'static str,
    origin: &'a str,
    whole: bool,
    seconds: f64,
    rows_per_second: f64,
    #[serde(flatten)]
    verified: &'a Verified,
}

impl Verify {
    fn run(self) -> Result<u8> {
        let mut reading = Reading::open(&self.given)?;
        let mut expectation = reading.ground.expectation(&reading.config)?;
        expectation.outside = self.checkpoint.as_deref().map(read_note).transpose()?;
        let started = Instant::now();
        let verified = verify(&mut reading.db, &expectation)?;
        let seconds = started.elapsed().as_secs_f64();
        let told = Told {
            ward: env!("CARGO_PKG_VERSION"),
            origin: &expectation.origin,
            whole: verified.lies_total == 0,
            seconds,
            rows_per_second: (verified.rows as f64 / seconds.max(1e-6)).round(),
            verified: &verified,
        };
        if self.json {
            reading::document(&told)?;
        } else {
            let first = first_leaf(&mut reading, &verified);
            page(|out| verified_page(out, &told, &reading, first.as_deref(), self.checkpoint.as_deref()))?;
        }
        Ok(if told.whole { DONE } else { PARTLY })
    }
}

/// Verifies in one reader's transaction, with a progress line.
fn verify(db: &mut Db, expectation: &Expectation) -> Result<Verified> {
    let bar = Bar::new("verifying");
    db.begin()?;
    let verified = store::verify::verify(db, expectation, &mut |done, total| bar.of(done, total));
    db.roll_back();
    Ok(verified?)
}

fn read_note(path: &Path) -> Result<String> {
    let shown = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("cannot read the checkpoint {shown}"))?;
    let mut note = String::new();
    let read = file.take(NOTE_BYTES_MAX + 1).read_to_string(&mut note);
    let read = read.with_context(|| format!("{shown} is no checkpoint"))?;
    if read as u64 > NOTE_BYTES_MAX {
        bail!("{shown} is no checkpoint: it has more than {NOTE_BYTES_MAX} bytes");
    }
    Ok(note)
}

/// Who wrote the leaf that the first lie contradicts.
fn first_leaf(reading: &mut Reading, verified: &Verified) -> Option<String> {
    let leaf = match verified.lies.first()? {
        Lie::Changed { leaf, .. } | Lie::Missing { leaf, .. } => *leaf,
        _ => return None,
    };
    let shown = leaf_shown(&mut reading.db, leaf).ok()?;
    let time = reading.zone.show(shown.when);
    Some(format!("leaf {leaf} is of {time}, by {}: {}", cell(&shown.actor), cell(&shown.cause)))
}

fn verified_page(
    out: &mut dyn Write,
    told: &Told<'_>,
    reading: &Reading,
    first: Option<&str>,
    outside: Option<&Path>,
) -> std::io::Result<()> {
    let verified = told.verified;
    writeln!(out, "{}, ledger {}", reading.place(), cell(told.origin))?;
    writeln!(
        out,
        "verified: {} leaves, {} in {:.1} s ({} rows/s)",
        verified.leaves,
        count(verified.rows, "row"),
        told.seconds,
        told.rows_per_second
    )?;
    writeln!(out, "root of all leaves: {}", verified.root)?;
    match verified.checkpoint {
        0 => writeln!(out, "no checkpoint is signed yet")?,
        size => writeln!(out, "the newest checkpoint covers {size} leaves")?,
    }
    match &verified.witnessed {
        Witnessed::NotWitnessed => {
            writeln!(out, "not witnessed: whoever holds the keys could have rewritten all of it")?;
        }
        Witnessed::Witnessed { size, of, by } => {
            writeln!(out, "witnessed up to leaf {size} of {of} by {}", cell(&by.join(", ")))?;
        }
    }
    if verified.lies_total == 0 {
        if let Some(outside) = outside {
            writeln!(
                out,
                "the leaves agree with the checkpoint in {}",
                cell(&outside.display().to_string())
            )?;
        }
        return writeln!(out, "\nWHOLE: leaves, tiles, checkpoints and rows are what the ledger says.");
    }
    writeln!(out, "\nNOT WHOLE: {} found.", count(verified.lies_total, "lie"))?;
    for (number, lie) in verified.lies.iter().enumerate() {
        let lie = super::printable(&lie.to_string()).replace('\n', " ");
        match (number, first) {
            (0, Some(first)) => writeln!(out, "first: {lie}\n       ({first})")?,
            (0, None) => writeln!(out, "first: {lie}")?,
            _ => writeln!(out, "       {lie}")?,
        }
    }
    if verified.lies_total > verified.lies.len() as u64 {
        let more = verified.lies_total - LIES_NAMED_MAX as u64;
        writeln!(out, "       and {more} more")?;
    }
    writeln!(
        out,
        "\nKeep this store as it is for whoever looks into it. A backup from before restores into an empty folder:\n\
         ward restore FILE --store NEW_FOLDER"
    )
}
