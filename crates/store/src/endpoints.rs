//! Endpoints: everything heard of each, as the judge keeps it, and how their keys are written in tables.

use crate::db::{Cell, Db, Row, Value};
use crate::error::{Result, StoreError};
use crate::tx::time;
use judge::inventory::{Subject, SubjectKey};
use model::{Address, DomainId, SiteId};

/// A subject and its row.
#[derive(Debug)]
pub struct SubjectRow {
    /// Number of the row.
    pub id: i64,
    /// Which endpoint.
    pub key: SubjectKey,
    /// The newest block whose records it reflects.
    pub folded: i64,
    /// What was heard.
    pub subject: Subject,
}

const COLUMNS: &str = "id, domain, address, folded, evidence";

impl SubjectRow {
    /// The columns of a row.
    pub fn cells(key: &SubjectKey, folded: i64, subject: &Subject) -> Vec<Value> {
        let mut evidence = Vec::new();
        subject.to_bytes(&mut evidence);
        vec![
            key.domain.0.into(),
            key.address.to_string().into(),
            folded.into(),
            time(subject.first_seen()).into(),
            time(subject.last_seen()).into(),
            evidence.into(),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let key = SubjectKey { domain: domain(row.int(1)?, id)?, address: address(row.text(2)?)? };
        let subject = Subject::from_bytes(row.blob(4)?)
            .map_err(|e| StoreError::damaged(format!("table subjects, row {id}: {e}")))?;
        Ok(Self { id, key, folded: row.int(3)?, subject })
    }

    /// The row of one endpoint.
    ///
    /// # Errors
    /// By cause.
    pub fn find(db: &mut Db, site: SiteId, key: &SubjectKey) -> Result<Option<Self>> {
        let mut found = None;
        let address = key.address.to_string();
        let parameters = [Cell::Int(site.0.into()), Cell::Int(key.domain.0.into()), Cell::Text(&address)];
        let sql = format!("SELECT {COLUMNS} FROM subjects WHERE site = ?1 AND domain = ?2 AND address = ?3");
        db.query(&sql, &parameters, &mut |row| {
            found = Some(Self::read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Every row of a site, each handed to `each` as it comes.
    ///
    /// # Errors
    /// By cause.
    pub fn each(db: &mut Db, site: SiteId, each: &mut dyn FnMut(Self)) -> Result<()> {
        let sql = format!("SELECT {COLUMNS} FROM subjects WHERE site = ?1 ORDER BY id");
        db.query(&sql, &[Cell::Int(site.0.into())], &mut |row| {
            each(Self::read(row)?);
            Ok(())
        })
    }
}

/// An endpoint as tables name it: domain, a bar, address.
pub fn text(key: &SubjectKey) -> String {
    format!("{}|{}", key.domain.0, key.address)
}

/// Reads what [`text`] wrote.
///
/// # Errors
/// [`StoreError::Damaged`] for anything else.
pub fn parse(text: &str) -> Result<SubjectKey> {
    let malformed = || StoreError::damaged(format!("\"{}\" names no endpoint", text.escape_debug()));
    let (number, rest) = text.split_once('|').ok_or_else(malformed)?;
    Ok(SubjectKey { domain: DomainId(number.parse().map_err(|_| malformed())?), address: address(rest)? })
}

fn address(text: &str) -> Result<Address> {
    let mac = text.parse().map(Address::Mac).ok();
    mac.or_else(|| text.parse().map(Address::Ip).ok())
        .ok_or_else(|| StoreError::damaged(format!("\"{}\" is no address", text.escape_debug())))
}

fn domain(number: i64, row: i64) -> Result<DomainId> {
    let domain = u32::try_from(number).map(DomainId);
    domain.map_err(|_| StoreError::damaged(format!("table subjects, row {row}: domain {number}")))
}
