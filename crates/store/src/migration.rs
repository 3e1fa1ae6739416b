//! Forward-only migrations. A released script never changes; a store of a newer schema is refused, an older one is brought up
//! within one transaction per step.

use crate::db::{Cell, Db};
use crate::error::{Result, StoreError};
use crate::tx::time;
use model::Timestamp;

/// The scripts, by version from 1.
pub(crate) const SCRIPTS: &[&str] = &[include_str!("../migrations/0001.sql")];

/// The schema that this build writes.
pub const SCHEMA: i64 = SCRIPTS.len() as i64;

/// Brings the database to [`SCHEMA`].
///
/// # Errors
/// [`StoreError::NewerSchema`], and the others by cause; a step that fails leaves the version before it.
pub fn migrate(db: &mut Db, now: Timestamp) -> Result<()> {
    migrate_to(db, SCHEMA, now)
}

/// Brings the database to the schema `target`, at most [`SCHEMA`]: where rows of an older one are to be put.
///
/// # Errors
/// As [`migrate`].
pub fn migrate_to(db: &mut Db, target: i64, now: Timestamp) -> Result<()> {
    let found = version(db)?;
    if found > SCHEMA {
        return Err(StoreError::NewerSchema { found, known: SCHEMA });
    }
    let steps = (1..=target).zip(SCRIPTS).skip(usize::try_from(found).unwrap_or(0));
    for (step, script) in steps {
        db.begin()?;
        if let Err(error) = apply(db, step, script, now) {
            db.roll_back();
            return Err(error);
        }
        db.commit()?;
    }
    Ok(())
}

/// The schema of the database; 0 where there is none yet.
///
/// # Errors
/// By cause.
pub fn version(db: &mut Db) -> Result<i64> {
    if !db.has_table("schema")? {
        return Ok(0);
    }
    Ok(db.number("SELECT max(version) FROM schema", &[])?.unwrap_or(0))
}

fn apply(db: &mut Db, step: i64, script: &str, now: Timestamp) -> Result<()> {
    db.define(script)?;
    let ward = Cell::Text(env!("CARGO_PKG_VERSION"));
    let parameters = [Cell::Int(step), ward, Cell::Int(time(now))];
    db.execute("INSERT INTO schema (version, ward, applied_at) VALUES (?1, ?2, ?3)", &parameters)?;
    Ok(())
}
