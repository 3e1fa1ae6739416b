//! A person's word about a device: tag, name, asset tag, location, zone, review, and fields of the site's own. It is a claim like
//! any other (table `claims`), of `device|d-…` instead of an endpoint, from the source `person`, and believed before all others.
//!
//! It must not be overwritten: who thinks otherwise closes the word and opens another. Who said it stands in the ledger's leaf.

use crate::db::{Cell, Db, Row};
use crate::devices::ClaimRow;
use crate::error::{Result, StoreError};
use crate::store::Store;
use crate::table::CLAIMS;
use crate::tx::{Tx, timestamp};
use model::{About, DeviceId, SiteId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The source of a person's claims.
pub const PERSON: &str = "person";
/// A tag; a device may have several.
pub const TAG: &str = "tag";
/// What people call it.
pub const NAME: &str = "name";
/// Its asset tag.
pub const ASSET: &str = "asset-id";
/// Where it is.
pub const LOCATION: &str = "location";
/// The zone it is in, whatever the rules say.
pub const ZONE: &str = "zone";
/// What somebody made of it who has looked at it.
pub const REVIEW: &str = "review";
/// The review of a device that somebody accepted.
pub const ACCEPTED: &str = "accepted";
/// Begins the attributes of fields that the site made up.
pub const FIELD_PREFIX: &str = "x-";
/// Characters of a value.
pub const VALUE_CHARS_MAX: usize = 200;
/// How much a person is believed, of 100.
const CONFIDENCE: i64 = 100;

/// An open word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Number of its row in `claims`.
    pub row: i64,
    /// Of which device.
    pub device: DeviceId,
    /// What is said: [`TAG`] and the like.
    pub attribute: String,
    /// The value.
    pub value: String,
    /// Since when.
    pub since: Timestamp,
}

/// What people say of one device, put together: where they say several things of which one can be true, the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What they call it.
    pub name: Option<String>,
    /// Its asset tag.
    pub asset: Option<String>,
    /// Where it is.
    pub location: Option<String>,
    /// Its zone, whatever the rules say.
    pub zone: Option<String>,
    /// What somebody made of it.
    pub review: Option<String>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Fields of the site's own, by attribute with its prefix.
    pub fields: BTreeMap<String, String>,
}

impl Said {
    /// Out of open words, in any order.
    pub fn of<'w>(words: impl IntoIterator<Item = &'w Word>) -> Self {
        let mut words: Vec<&Word> = words.into_iter().collect();
        words.sort_unstable_by_key(|word| word.row);
        let mut said = Self::default();
        for word in words {
            let value = word.value.clone();
            match word.attribute.as_str() {
                NAME => said.name = Some(value),
                ASSET => said.asset = Some(value),
                LOCATION => said.location = Some(value),
                ZONE => said.zone = Some(value),
                REVIEW => said.review = Some(value),
                TAG => drop(said.tags.insert(value)),
                field => drop(said.fields.insert(field.to_owned(), value)),
            }
        }
        said
    }
}

/// Writes that `device` is said to be so, from `now` on; the number of the row. The transaction is that of `by`, who says it.
/// What exactly was said before and contradicts it is for the caller to [`close`].
pub fn open(
    tx: &mut Tx,
    store: &mut Store,
    device: DeviceId,
    attribute: &str,
    value: &str,
    by: &str,
    now: Timestamp,
) -> i64 {
    debug_assert_eq!(tx.actor, by, "the leaf says who said it");
    let id = store.next_id(&CLAIMS);
    let at = now.max(store.newest());
    let claim = ClaimRow {
        id,
        endpoint: About::Device(device).to_string(),
        attribute: attribute.to_owned(),
        value: value.to_owned(),
        source: PERSON.to_owned(),
        confidence: CONFIDENCE,
        true_from: at,
        true_to: None,
        known_from: at,
    };
    tx.put(&CLAIMS, id, claim.cells(None));
    id
}

/// Writes that the word in `row` holds no longer; `false`: it is no open word of a person (any more), and nothing is written.
///
/// # Errors
/// By cause.
pub fn close(tx: &mut Tx, store: &mut Store, row: i64, now: Timestamp) -> Result<bool> {
    let Some(known) = ClaimRow::open_numbered(store.db(), tx.site, row)? else { return Ok(false) };
    if known.source != PERSON {
        return Ok(false);
    }
    let at = now.max(store.newest());
    tx.put(&CLAIMS, known.id, known.cells(Some(at)));
    let id = store.next_id(&CLAIMS);
    let ended = ClaimRow { id, true_to: Some(at), known_from: at, ..known };
    tx.put(&CLAIMS, id, ended.cells(None));
    Ok(true)
}

/// The open words about one device, oldest first.
///
/// # Errors
/// By cause.
pub fn current(db: &mut Db, site: SiteId, device: DeviceId) -> Result<Vec<Word>> {
    let (about, mut words) = (About::Device(device).to_string(), Vec::new());
    let parameters = [Cell::Int(site.0.into()), Cell::Text(PERSON), Cell::Text(&about)];
    db.query(&open_words("AND endpoint = ?3"), &parameters, &mut |row| {
        words.push(read(row)?);
        Ok(())
    })?;
    Ok(words)
}

/// Every open word of a site, oldest first, each handed to `each`.
///
/// # Errors
/// By cause.
pub fn each_current(db: &mut Db, site: SiteId, each: &mut dyn FnMut(Word)) -> Result<()> {
    // Words are few among claims: the index of endpoints finds them, by letters, which every collation orders so.
    let range = "AND endpoint >= 'device' AND endpoint < 'devicf'";
    db.query(&open_words(range), &[Cell::Int(site.0.into()), Cell::Text(PERSON)], &mut |row| {
        each(read(row)?);
        Ok(())
    })
}

fn open_words(of: &str) -> String {
    format!(
        "SELECT id, endpoint, attribute, value, true_from FROM claims \
         WHERE site = ?1 AND source = ?2 {of} AND true_to IS NULL AND known_to IS NULL ORDER BY id"
    )
}

fn read(row: &Row<'_>) -> Result<Word> {
    let id = row.int(0)?;
    let Ok(About::Device(device)) = row.text(1)?.parse() else {
        return Err(StoreError::damaged(format!("table claims, row {id}: a person's word about no device")));
    };
    Ok(Word {
        row: id,
        device,
        attribute: row.text(2)?.to_owned(),
        value: row.text(3)?.to_owned(),
        since: timestamp(row.int(4)?),
    })
}
