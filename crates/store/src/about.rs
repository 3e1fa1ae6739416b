//! Whether what something is about is there, and whether a reader may see it.

use crate::db::{Cell, Db, Row};
use crate::devices::stored_id;
use crate::error::{Result, StoreError};
use crate::read::Scope;
use model::{About, SiteId};

/// Refuses what is about nothing that is there.
pub(crate) fn there(db: &mut Db, site: SiteId, about: About) -> Result<()> {
    let (what, found) = match about {
        About::Site => return Ok(()),
        About::Device(device) => {
            // What is said of one that turned out to be another nobody would see.
            let sql = "SELECT count(*) FROM devices WHERE site = ?1 AND device = ?2 AND known_to IS NULL \
                       AND merged_into IS NULL";
            ("device", db.number(sql, &[Cell::Int(site.0.into()), Cell::Int(stored_id(device))])?)
        }
        About::Finding(number) => ("finding", numbered(db, "findings", site, number)?),
        About::Zone(number) => ("zone", numbered(db, "zones", site, number)?),
    };
    match found {
        Some(count) if count > 0 => Ok(()),
        _ => Err(StoreError::Refused(format!("about: there is no {what} \"{about}\" in this site"))),
    }
}

fn numbered(db: &mut Db, table: &str, site: SiteId, number: i64) -> Result<Option<i64>> {
    let sql = format!("SELECT count(*) FROM {table} WHERE site = ?1 AND id = ?2");
    db.number(&sql, &[Cell::Int(site.0.into()), Cell::Int(number)])
}

/// Whether a reader whose scope is narrower than a site may see what is about this.
pub(crate) fn is_seen(db: &mut Db, scope: &Scope, about: About) -> Result<bool> {
    if scope.zones.is_none() && scope.classes.is_none() {
        return Ok(true);
    }
    let mut parameters = Vec::new();
    let (of, condition) = match about {
        About::Site => return Ok(true),
        About::Device(device) => {
            parameters.push(Cell::Int(stored_id(device)));
            ("devices d", "d.device = ?1".to_owned())
        }
        About::Finding(number) => {
            parameters.push(Cell::Int(number));
            ("devices d", "d.device = (SELECT f.device FROM findings f WHERE f.id = ?1)".to_owned())
        }
        About::Zone(number) => return zone_is_seen(db, scope, number),
    };
    let seen = scope.condition("d", true, &mut parameters);
    let sql = format!("SELECT count(*) FROM {of} WHERE {condition} AND d.known_to IS NULL AND {seen}");
    Ok(db.number(&sql, &parameters)?.is_some_and(|count| count > 0))
}

fn zone_is_seen(db: &mut Db, scope: &Scope, number: i64) -> Result<bool> {
    let mut name = None;
    db.query("SELECT name FROM zones WHERE id = ?1", &[Cell::Int(number)], &mut |row| {
        name = Some(row.text(0)?.to_owned());
        Ok(())
    })?;
    Ok(name.is_some_and(|name| scope.zones.as_ref().is_none_or(|zones| zones.contains(&name))))
}

/// What a row is about.
pub(crate) fn read(row: &Row<'_>, column: usize) -> Result<About> {
    let text = row.text(column)?;
    text.parse().map_err(|_| {
        let id = row.int(0).unwrap_or(0);
        StoreError::damaged(format!("row {id} is about \"{}\", which is nothing", text.escape_debug()))
    })
}
