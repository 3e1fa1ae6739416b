//! The ledger as programs read it: where it stands, its entries, and the proof that an entry is under the newest checkpoint.
//!
//! It must not verify: whoever reads this verifies, with a program that is not ours. Tiles are under `/ledger`
//! (C2SP tlog-tiles); hashes here are hexadecimal, proofs base64 as C2SP writes them.

use super::query::{Asked, number};
use super::{
    CSV_PLAIN, Csv, Day, Endpoint, Listing, Problem, after, bounded, cursor, json_file, limit, maybe,
};
use crate::house::House;
use crate::when::rfc3339;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::leaves::{self, Listed, Wanted, Whole};
use store::ledger::{self, StoredCheckpoint};
use trust::tlog::Note;

/// Characters of an actor or a table in a filter.
pub(crate) const FILTER_CHARS_MAX: usize = 512;

/// Where the ledger stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct LedgerTold {
    /// Its name, the first line of its checkpoints.
    origin: String,
    /// Entries written so far.
    entries: u64,
    /// The newest checkpoint; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<CheckpointTold>,
    /// The newest that a witness has cosigned; absent where none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<CheckpointTold>,
}

/// A checkpoint.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct CheckpointTold {
    /// Entries it covers.
    size: u64,
    /// RFC 3339.
    signed_at: String,
    /// How many witnesses have cosigned it.
    witnesses: u64,
    /// Whose signatures are on it, the ledger's own first. They are named here, not verified.
    signed_by: Vec<String>,
    /// The signed note (C2SP tlog-checkpoint).
    note: String,
}

/// An entry of the ledger: one transaction of the store.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct LedgerEntry {
    /// Its number, from 0.
    number: u64,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    /// Who acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// How many rows it wrote or deleted.
    rows: u64,
    /// The same by table.
    tables: BTreeMap<String, u64>,
    /// Why it cannot be read: the ledger is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

/// An entry in full.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct LedgerEntryWhole {
    #[serde(flatten)]
    entry: LedgerEntry,
    /// Number of the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<u32>,
    /// The act's own key, where it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Hash of what decided, hexadecimal; absent where nothing was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<String>,
    /// Its hash in the tree, hexadecimal.
    hash: String,
    /// Its bytes, base64.
    bytes: String,
    /// What became of which row; the first thousand.
    changes: Vec<LedgerChange>,
    /// The proof that it is under the newest checkpoint; absent until one covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<LedgerProof>,
}

/// What became of one row.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct LedgerChange {
    table: String,
    row: i64,
    /// Commitment to the row, hexadecimal; absent where it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
}

/// That an entry is in the tree of a checkpoint (RFC 9162 §2.1.3).
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct LedgerProof {
    /// Entries of the tree.
    size: u64,
    /// Number of the entry.
    index: u64,
    /// Hashes from its sibling upwards, base64.
    hashes: Vec<String>,
    /// The checkpoint: a signed note with the root.
    checkpoint: String,
}

/// Which entries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntriesAsked {
    /// Only by this actor, spelled exactly.
    #[schemars(length(max = 512))]
    pub(crate) actor: Option<String>,
    /// Only those that wrote rows of this table.
    #[schemars(length(max = 512))]
    pub(crate) table: Option<String>,
    /// Only from then on: a date or a time.
    pub(crate) since: Option<String>,
    /// From next of the page before.
    pub(crate) after: Option<String>,
    /// Entries of a page; 100 where absent.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let list = "/api/v1/ledger/entries";
    vec![
        Endpoint::get::<LedgerTold>(
            "/api/v1/ledger",
            "showLedger",
            "ledger",
            "Where the ledger stands, with its newest checkpoint.",
            get(show),
        ),
        Endpoint::get::<Listing<LedgerEntry>>(
            list,
            "listLedgerEntries",
            "ledger",
            "Entries of the ledger, newest first. A page may be short although more follow.",
            get(entries),
        )
        .asking::<EntriesAsked>(),
        Endpoint::get::<Listing<LedgerEntry>>(
            "/api/v1/ledger/entries.json",
            "exportLedgerEntriesJson",
            "ledger",
            "Entries of the ledger, as a JSON file.",
            get(as_json),
        )
        .asking::<EntriesAsked>(),
        Endpoint::new(
            "get",
            "/api/v1/ledger/entries.csv",
            "exportLedgerEntriesCsv",
            "ledger",
            "Entries of the ledger, as CSV.",
            get(as_csv),
        )
        .asking::<EntriesAsked>()
        .answering_text(200, CSV_PLAIN),
        Endpoint::get::<LedgerEntryWhole>(
            "/api/v1/ledger/entries/{number}",
            "showLedgerEntry",
            "ledger",
            "One entry in full, with the proof that it is under the newest checkpoint.",
            get(entry),
        )
        .at(&[("number", "number of the entry, from 0", "^[0-9]{1,18}$")]),
    ]
}

async fn show(State(house): State<House>) -> Result<Json<LedgerTold>, Problem> {
    let found =
        |db: &mut store::db::Db| Ok((leaves::count(db)?, ledger::newest(db)?, ledger::newest_witnessed(db)?));
    let (entries, newest, witnessed) = house.read(found).await?;
    let origin = house.site.origin.clone();
    let told = LedgerTold {
        origin,
        entries,
        checkpoint: newest.map(checkpoint),
        witnessed: witnessed.map(checkpoint),
    };
    Ok(Json(told))
}

fn checkpoint(stored: StoredCheckpoint) -> CheckpointTold {
    let note = Note::parse(stored.note.as_bytes());
    let names = note.iter().flat_map(|note| note.signatures()).map(|signature| signature.name().to_owned());
    CheckpointTold {
        size: stored.size,
        signed_at: rfc3339(stored.signed_at),
        witnesses: stored.witnesses,
        signed_by: names.collect(),
        note: stored.note,
    }
}

impl EntriesAsked {
    /// Which leaves of the store these are.
    pub(crate) fn wanted(&self, house: &House) -> Result<Wanted, Problem> {
        let filter = |word: &Option<String>| word.clone().filter(|word| !word.is_empty());
        let (actor, table) = (filter(&self.actor), filter(&self.table));
        if [&actor, &table].into_iter().flatten().any(|word| word.chars().count() > FILTER_CHARS_MAX) {
            return Err(Problem::bad(format!(
                "an actor or a table has at most {FILTER_CHARS_MAX} characters"
            )));
        }
        let since = maybe("since", self.since.as_deref(), &house.site.zone, Day::Starts)?;
        Ok(Wanted { before: after(self.after.as_deref())?, actor, table, since })
    }
}

async fn entries(
    State(house): State<House>,
    Asked(asked): Asked<EntriesAsked>,
) -> Result<Listing<LedgerEntry>, Problem> {
    let (wanted, limit) = (asked.wanted(&house)?, limit(asked.limit)?);
    let found = house.read(move |db| leaves::list(db, &wanted, limit)).await?;
    let items = found.leaves.into_iter().map(told).collect();
    Ok(Listing { items, next: found.next.map(|next| cursor(&next)), total: None })
}

async fn as_json(State(house): State<House>, Asked(asked): Asked<EntriesAsked>) -> Result<Response, Problem> {
    Ok(json_file(&house, "ledger-entries", all(&house, &asked).await?))
}

async fn as_csv(State(house): State<House>, Asked(asked): Asked<EntriesAsked>) -> Result<Csv, Problem> {
    let rows = all(&house, &asked).await?;
    let mut table = Csv::new(
        &house,
        "ledger-entries",
        &["number", "at", "actor", "cause", "rows", "tables", "unreadable"],
    );
    for entry in rows {
        let tables: Vec<String> =
            entry.tables.iter().map(|(table, rows)| format!("{table} {rows}")).collect();
        let words = [entry.at, entry.actor, entry.cause].map(Option::unwrap_or_default);
        let [at, actor, cause] = words;
        let unreadable = entry.unreadable.unwrap_or_default();
        table.row([
            entry.number.to_string(),
            at,
            actor,
            cause,
            entry.rows.to_string(),
            tables.join("; "),
            unreadable,
        ]);
    }
    Ok(table)
}

/// All that are wanted, in steps: each leaves the store's connection to others.
async fn all(house: &House, asked: &EntriesAsked) -> Result<Vec<LedgerEntry>, Problem> {
    let mut wanted = asked.wanted(house)?;
    let wanted_at_most = asked.limit.map(|asked| limit(Some(asked))).transpose()?.unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    loop {
        let step = wanted.clone();
        let found = house.read(move |db| leaves::list(db, &step, leaves::LOOKED_AT_MAX)).await?;
        rows.extend(found.leaves.into_iter().map(told));
        if rows.len() >= wanted_at_most {
            rows.truncate(wanted_at_most);
            return Ok(rows);
        }
        bounded(rows.len())?;
        match found.next {
            Some(next) => wanted.before = Some(next),
            None => return Ok(rows),
        }
    }
}

fn told(listed: Listed) -> LedgerEntry {
    match listed.said {
        Ok(said) => LedgerEntry {
            number: listed.number,
            at: Some(rfc3339(said.leaf.at)),
            actor: Some(said.leaf.actor),
            cause: Some(said.leaf.cause),
            rows: said.leaf.rows,
            tables: said.tables,
            unreadable: None,
        },
        Err(why) => LedgerEntry {
            number: listed.number,
            at: None,
            actor: None,
            cause: None,
            rows: 0,
            tables: BTreeMap::new(),
            unreadable: Some(why),
        },
    }
}

async fn entry(
    State(house): State<House>,
    Path(asked): Path<String>,
) -> Result<Json<LedgerEntryWhole>, Problem> {
    let number = number("entry", &asked)?;
    let found = house.read(move |db| leaves::whole(db, number)).await?;
    let missing =
        || Problem::missing(format!("there is no entry {number}: /api/v1/ledger says how many there are"));
    found.map(|whole| Json(in_full(whole))).ok_or_else(missing)
}

fn in_full(whole: Whole) -> LedgerEntryWhole {
    let leaf = whole.listed.said.as_ref().ok().map(|said| &said.leaf);
    let changes = whole.rows.iter().map(|change| LedgerChange {
        table: leaves::table_name(change.table),
        row: change.id,
        commitment: change.commitment.map(|commitment| hex(&commitment)),
    });
    let index = whole.listed.number;
    LedgerEntryWhole {
        site: leaf.map(|leaf| leaf.site.0),
        key: leaf.map(|leaf| leaf.key.clone()).filter(|key| !key.is_empty()),
        decided: leaf.filter(|leaf| leaf.decided != [0; 32]).map(|leaf| hex(&leaf.decided)),
        hash: hex(&whole.hash),
        bytes: STANDARD.encode(&whole.entry),
        changes: changes.collect(),
        proof: whole.proof.map(|(checkpoint, hashes)| LedgerProof {
            size: checkpoint.size,
            index,
            hashes: hashes.iter().map(|hash| STANDARD.encode(hash)).collect(),
            checkpoint: checkpoint.note,
        }),
        entry: told(whole.listed),
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
