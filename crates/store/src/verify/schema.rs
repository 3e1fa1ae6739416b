//! The schema itself, held against the one that this build's migrations make: a view or trigger beside the tables, or an index
//! that leaves rows out, would show readers something else than what the ledger answers for. SQLite only: on PostgreSQL the
//! schema is its operator's.

use super::{Lie, Lies};
use crate::db::Db;
use crate::error::Result;
use crate::migration::SCRIPTS;

pub(super) fn check(db: &mut Db, lies: &mut Lies) -> Result<()> {
    // What an older or newer ward made is brought up, or refused, where the store is opened for writing.
    if crate::migration::version(db)? != crate::migration::SCHEMA {
        return Ok(());
    }
    let found = match db {
        Db::Sqlite(db) => db.objects()?,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => return Ok(()),
    };
    let made = crate::db::sqlite::Sqlite::objects_of(SCRIPTS)?;
    for (object, sql) in &made {
        match found.get(object) {
            Some(same) if same == sql => {}
            Some(_) => add(lies, object, "is defined otherwise than this ward does"),
            None => add(lies, object, "is gone"),
        }
    }
    for object in found.keys().filter(|object| !made.contains_key(*object)) {
        add(lies, object, "is not of this ward");
    }
    Ok(())
}

fn add(lies: &mut Lies, object: &str, why: &str) {
    lies.add(0, Lie::Schema { object: object.to_owned(), why: why.to_owned() });
}
