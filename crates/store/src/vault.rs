//! Personal values, sealed under a data key for each subject: delete the key, and they are gone wherever they were copied.
//!
//! Rows of table `subject_keys` hold the keys, wrapped by a master key of the keyring; rows of table `sealed` hold ciphertext and
//! stay after a key is shredded, so that the ledger still verifies. The vault keeps no key and no value between calls
//! (`trust::seal` has the formats; docs/operate/keys.md).

#[cfg(test)]
mod tests;

use crate::db::{Cell, Db, Value};
use crate::error::{Result, StoreError};
use crate::store::{Committed, Store};
use crate::table::{SEALED, SUBJECT_KEYS, Table};
use crate::tx::{Tx, time};
use model::{Phi, SiteId, Timestamp};
use std::collections::BTreeMap;
use trust::seal::{DataKey, Entropy, MasterKeys, NONCE_BYTES, SealError};
use zeroize::Zeroizing;

/// Bytes of a subject's id or a value's name.
pub const TEXT_BYTES_MAX: usize = 256;
/// Data keys that one transaction rewraps at most.
pub const REWRAP_MAX: usize = 5_000;

/// Seals and opens with the master keys of one keyring.
pub struct Vault {
    masters: MasterKeys,
}

/// What is there of a value.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// Never sealed.
    Absent,
    /// Sealed, but the subject's key was shredded.
    Shredded,
    /// The value; wiped when dropped.
    Value(Zeroizing<Vec<u8>>),
}

/// What [`shred`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shredded {
    /// The leaf, if there was a key to delete.
    pub committed: Option<Committed>,
    /// The database's log holds no copy of the key any more. If not, because somebody reads or the engine is PostgreSQL: try
    /// [`empty_log`] again, or have the server vacuum.
    pub is_log_empty: bool,
}

/// What [`Vault::rewrap`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    /// Keys that were wrapped anew.
    pub moved: usize,
    /// Keys that are still wrapped by older master keys.
    pub left: usize,
}

impl Vault {
    /// With the master keys of a keyring; the newest wraps new data keys.
    pub fn new(masters: MasterKeys) -> Self {
        Self { masters }
    }

    /// Goes on with other master keys: after a rotation.
    pub fn replace_masters(&mut self, masters: MasterKeys) {
        self.masters = masters;
    }

    /// Adds to `tx` the row of a sealed value, and that of the subject's key if it has none yet. `subject` is an id that never
    /// changes and never becomes another's; neither it nor `name` is secret. The same name again replaces the value.
    ///
    /// Several values of one new subject go into one transaction, or each is committed before the next is sealed: two
    /// transactions that both make a key for it cannot both be committed.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for an id or name that is empty or too long; [`StoreError::Trust`] when the key does not open; and
    /// by cause.
    pub fn seal(
        &self,
        store: &mut Store,
        tx: &mut Tx,
        subject: &str,
        name: &str,
        plaintext: &[u8],
    ) -> Result<()> {
        checked("subject", subject)?;
        checked("name", name)?;
        let key = match self.pending(tx, subject)? {
            Some(key) => key,
            None => match key_row(store.db(), tx.site, subject)? {
                Some((id, wrapped)) => self.unwrap(tx.site, subject, id, &wrapped)?,
                None => self.new_key(store, tx, subject)?,
            },
        };
        let place = place(tx.site, subject, name);
        let data = key.seal(plaintext, &place, nonce()?).map_err(|e| trust(&e))?;
        let id = match pending_row(tx, &SEALED, &[subject, name]) {
            Some(id) => id,
            None => match row_id(store.db(), tx.site, subject, name)? {
                Some(id) => id,
                None => store.next_id(&SEALED),
            },
        };
        let sealed_at = Value::Int(time(tx.now));
        tx.put(&SEALED, id, vec![subject.into(), name.into(), data.into(), sealed_at]);
        Ok(())
    }

    /// [`seal`](Self::seal) for patient data, which leaves its custody only as ciphertext.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn seal_phi<T: AsRef<[u8]>>(
        &self,
        store: &mut Store,
        tx: &mut Tx,
        subject: &str,
        name: &str,
        value: &Phi<T>,
    ) -> Result<()> {
        value.seal(|plaintext| self.seal(store, tx, subject, name, plaintext))
    }

    /// A value as it was sealed.
    ///
    /// # Errors
    /// [`StoreError::Trust`] when a key or a value was changed, or its master key is not in the keyring; and by cause.
    pub fn open(&self, db: &mut Db, site: SiteId, subject: &str, name: &str) -> Result<Opened> {
        let mut sealed = None;
        let sql = "SELECT id, data FROM sealed WHERE site = ?1 AND subject = ?2 AND name = ?3";
        let parameters = [Cell::Int(site.0.into()), Cell::Text(subject), Cell::Text(name)];
        db.query(sql, &parameters, &mut |row| {
            sealed = Some((row.int(0)?, row.blob(1)?.to_vec()));
            Ok(())
        })?;
        let Some((id, data)) = sealed else { return Ok(Opened::Absent) };
        let Some((key_id, wrapped)) = key_row(db, site, subject)? else { return Ok(Opened::Shredded) };
        let key = self.unwrap(site, subject, key_id, &wrapped)?;
        match key.open(&data, &place(site, subject, name)) {
            Ok(value) => Ok(Opened::Value(value)),
            Err(error) => Err(StoreError::Trust(format!("table sealed, row {id}: {error}"))),
        }
    }

    /// Wraps at most `max` data keys anew by the newest master key, in one transaction, whole in itself: to be called between
    /// batches of records until none are left. What they seal stays as it is. Planned and committed at once, so it must run on
    /// the writer's thread. Once nothing is left, the log is emptied, and the old master keys can be retired.
    ///
    /// # Errors
    /// [`StoreError::Trust`] with the row when a key does not open; and by cause.
    pub fn rewrap(&self, store: &mut Store, now: Timestamp, max: usize) -> Result<Rewrapped> {
        let newest = self.masters.newest();
        let rows = old_keys(store.db(), newest, max.clamp(1, REWRAP_MAX))?;
        let moved = rows.len();
        if let Some(site) = rows.first().map(|row| row.site) {
            let mut tx =
                Tx::new(site, "ward", &format!("key rotation: data keys to master key {newest}"), now);
            for row in rows {
                let subject = subject_context(site, &row.subject);
                let wrapped = self.masters.rewrap_data_key(&row.wrapped, &subject, nonce()?);
                // `None`: wrapped by the newest already; only its column says otherwise.
                let wrapped = wrapped.map_err(|e| of_key(row.id, &e))?.unwrap_or(row.wrapped);
                let cells =
                    vec![row.subject.into(), wrapped.into(), newest.into(), Value::Int(row.created_at)];
                tx.put(&SUBJECT_KEYS, row.id, cells);
            }
            store.commit(tx)?;
        }
        let left: u64 = masters_in_use(store.db())?
            .into_iter()
            .filter(|(version, _)| *version != newest)
            .map(|(_, keys)| keys)
            .sum();
        if moved > 0 && left == 0 {
            empty_log(store)?;
        }
        Ok(Rewrapped { moved, left: usize::try_from(left).unwrap_or(usize::MAX) })
    }

    /// The key that this transaction makes for the subject, if it makes one.
    fn pending(&self, tx: &Tx, subject: &str) -> Result<Option<DataKey>> {
        let Some(id) = pending_row(tx, &SUBJECT_KEYS, &[subject]) else { return Ok(None) };
        let write = tx.writes.iter().rev().find(|write| write.table == &SUBJECT_KEYS && write.id == id);
        match write.and_then(|write| write.cells.as_deref()).and_then(|cells| cells.get(1)) {
            Some(Value::Blob(wrapped)) => self.unwrap(tx.site, subject, id, wrapped).map(Some),
            _ => Ok(None),
        }
    }

    fn new_key(&self, store: &mut Store, tx: &mut Tx, subject: &str) -> Result<DataKey> {
        let mut entropy = [0; Entropy::BYTES];
        fill(&mut entropy)?;
        let made = self.masters.new_data_key(&subject_context(tx.site, subject), Entropy::take(&mut entropy));
        let (key, wrapped) = made.map_err(|e| trust(&e))?;
        let created_at = Value::Int(time(tx.now));
        let cells = vec![subject.into(), wrapped.into(), self.masters.newest().into(), created_at];
        tx.put(&SUBJECT_KEYS, store.next_id(&SUBJECT_KEYS), cells);
        Ok(key)
    }

    fn unwrap(&self, site: SiteId, subject: &str, id: i64, wrapped: &[u8]) -> Result<DataKey> {
        self.masters.open_data_key(wrapped, &subject_context(site, subject)).map_err(|e| of_key(id, &e))
    }
}

/// Shreds a subject: deletes its wrapped key in `tx` (which says who asks, and why), then the copies of it in the database's log;
/// the page it was on is overwritten (`secure_delete`). Sealed rows stay, unreadable.
///
/// The commit is the commit point: after it no value of the subject opens. Killed before the log is emptied, copies of the
/// wrapped key are left there, for which the keyring is still needed: whoever starts empties the log ([`empty_log`]). Repeating
/// is safe. Backups from before hold the wrapped key for as long as they are kept (docs/operate/keys.md).
///
/// # Errors
/// By cause; as [`Store::commit`] nothing is shredded before the commit point.
pub fn shred(store: &mut Store, mut tx: Tx, subject: &str) -> Result<Shredded> {
    let key = key_row(store.db(), tx.site, subject)?;
    if let Some((id, _)) = key {
        tx.delete(&SUBJECT_KEYS, id);
    }
    let committed = if tx.is_empty() { None } else { Some(store.commit(tx)?) };
    Ok(Shredded { committed, is_log_empty: empty_log(store)? })
}

/// Empties the database's log, so that what was deleted is in it no longer. `false` when it cannot be now: a reader holds on to an
/// older state, or the engine (PostgreSQL) keeps its log itself.
///
/// # Errors
/// By cause.
pub fn empty_log(store: &mut Store) -> Result<bool> {
    match store.db() {
        Db::Sqlite(_) => Ok(store.db().number("PRAGMA wal_checkpoint(TRUNCATE)", &[])? == Some(0)),
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => Ok(false),
    }
}

/// How many data keys each version of the master keys wraps: a version that is not here can be retired.
///
/// # Errors
/// By cause.
pub fn masters_in_use(db: &mut Db) -> Result<BTreeMap<u32, u64>> {
    let mut versions = BTreeMap::new();
    db.query("SELECT master, count(*) FROM subject_keys GROUP BY master", &[], &mut |row| {
        let version = row.int(0)?;
        let number = u32::try_from(version)
            .map_err(|_| StoreError::damaged(format!("table subject_keys: master key {version}")))?;
        versions.insert(number, row.int(1)?.cast_unsigned());
        Ok(())
    })?;
    Ok(versions)
}

/// A key that is wrapped by an older master key.
struct OldKey {
    id: i64,
    site: SiteId,
    subject: String,
    wrapped: Vec<u8>,
    created_at: i64,
}

/// Keys of one site that the newest master key does not wrap.
fn old_keys(db: &mut Db, newest: u32, max: usize) -> Result<Vec<OldKey>> {
    let mut rows: Vec<OldKey> = Vec::new();
    let sql = "SELECT id, site, subject, wrapped, created_at FROM subject_keys WHERE master <> ?1 \
               ORDER BY site, id LIMIT ?2";
    db.query(sql, &[Cell::Int(newest.into()), Cell::Int(max.cast_signed() as i64)], &mut |row| {
        let (id, site) = (row.int(0)?, row.int(1)?);
        let number = u32::try_from(site)
            .map_err(|_| StoreError::damaged(format!("table subject_keys, row {id}: site {site}")))?;
        let site = SiteId(number);
        // A transaction is of one site.
        if rows.first().is_none_or(|first| first.site == site) {
            let (subject, wrapped) = (row.text(2)?.to_owned(), row.blob(3)?.to_vec());
            rows.push(OldKey { id, site, subject, wrapped, created_at: row.int(4)? });
        }
        Ok(())
    })?;
    Ok(rows)
}

fn key_row(db: &mut Db, site: SiteId, subject: &str) -> Result<Option<(i64, Vec<u8>)>> {
    let mut found = None;
    let sql = "SELECT id, wrapped FROM subject_keys WHERE site = ?1 AND subject = ?2";
    db.query(sql, &[Cell::Int(site.0.into()), Cell::Text(subject)], &mut |row| {
        found = Some((row.int(0)?, row.blob(1)?.to_vec()));
        Ok(())
    })?;
    Ok(found)
}

fn row_id(db: &mut Db, site: SiteId, subject: &str, name: &str) -> Result<Option<i64>> {
    let sql = "SELECT id FROM sealed WHERE site = ?1 AND subject = ?2 AND name = ?3";
    db.number(sql, &[Cell::Int(site.0.into()), Cell::Text(subject), Cell::Text(name)])
}

/// The row that the transaction already writes, whose first cells are these.
fn pending_row(tx: &Tx, table: &Table, key: &[&str]) -> Option<i64> {
    let is_same = |cells: &[Value]| {
        key.iter().zip(cells).all(|(wanted, cell)| matches!(cell, Value::Text(text) if text == wanted))
    };
    let mut writes = tx.writes.iter().filter(|write| write.table == table);
    writes.find(|write| write.cells.as_deref().is_some_and(is_same)).map(|write| write.id)
}

/// What a data key is bound to.
fn subject_context(site: SiteId, subject: &str) -> Vec<u8> {
    [&site.0.to_be_bytes()[..], subject.as_bytes()].concat()
}

/// Where a value stands: elsewhere it does not open.
fn place(site: SiteId, subject: &str, name: &str) -> Vec<u8> {
    let length = (subject.len() as u64).to_be_bytes();
    [b"sealed", &site.0.to_be_bytes()[..], &length, subject.as_bytes(), name.as_bytes()].concat()
}

fn checked(what: &str, text: &str) -> Result<()> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        let bytes = text.len();
        return Err(StoreError::Refused(format!(
            "a {what} of {bytes} bytes to seal; from 1 to {TEXT_BYTES_MAX}"
        )));
    }
    Ok(())
}

fn nonce() -> Result<[u8; NONCE_BYTES]> {
    let mut nonce = [0; NONCE_BYTES];
    fill(&mut nonce)?;
    Ok(nonce)
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| StoreError::Trust("no entropy from the system".into()))
}

fn trust(error: &SealError) -> StoreError {
    StoreError::Trust(error.to_string())
}

fn of_key(id: i64, error: &SealError) -> StoreError {
    StoreError::Trust(format!("table subject_keys, row {id}: {error}"))
}
