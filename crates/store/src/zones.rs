//! Zones and their rules: rows, and the one way a change of them becomes a transaction. What is deleted stays, with when.
//!
//! It must not decide: `judge::segment::apply` says whether a change can be made, here it is carried out.

use crate::db::{Cell, Db, Row, Value};
use crate::error::{Result, StoreError};
use crate::table::{Table, ZONE_RULES, ZONES};
use crate::tx::{time, timestamp};
use crate::{Store, Tx};
use judge::segment::{ZoneChange, apply};
use model::{SiteId, Timestamp, Zone, ZoneId, ZoneName, ZoneRule, ZoneSource};
use std::collections::BTreeMap;

/// A zone's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRow {
    /// Number of the row, and of the zone.
    pub id: ZoneId,
    /// Its name.
    pub name: ZoneName,
    /// What it is for.
    pub purpose: String,
    /// Where it comes from.
    pub source: ZoneSource,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was deleted; who did is in that leaf. `None`: it is there.
    pub deleted_at: Option<Timestamp>,
}

/// A rule's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRuleRow {
    /// Number of the row.
    pub id: i64,
    /// Its zone.
    pub zone: ZoneId,
    /// The rule.
    pub rule: ZoneRule,
    /// Where it comes from.
    pub source: ZoneSource,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was removed. `None`: it holds.
    pub deleted_at: Option<Timestamp>,
}

impl ZoneRow {
    const COLUMNS: &'static str = "id, name, purpose, source, created_by, created_at, deleted_at";

    /// The columns of the row.
    pub fn cells(&self) -> Vec<Value> {
        vec![
            self.name.as_str().into(),
            self.purpose.clone().into(),
            self.source.name().into(),
            self.created_by.clone().into(),
            time(self.created_at).into(),
            Value::optional_int(self.deleted_at.map(time)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let name = ZoneName::new(row.text(1)?);
        Ok(Self {
            id: ZoneId(id),
            name: name.map_err(|e| StoreError::damaged(format!("table zones, row {id}: {e}")))?,
            purpose: row.text(2)?.to_owned(),
            source: source(row.text(3)?, "zones", id)?,
            created_by: row.text(4)?.to_owned(),
            created_at: timestamp(row.int(5)?),
            deleted_at: row.optional_int(6)?.map(timestamp),
        })
    }
}

impl ZoneRuleRow {
    const COLUMNS: &'static str = "id, zone, kind, value, source, created_by, created_at, deleted_at";

    /// The columns of the row.
    pub fn cells(&self) -> Vec<Value> {
        vec![
            self.zone.0.into(),
            self.rule.kind().into(),
            self.rule.value().into(),
            self.source.name().into(),
            self.created_by.clone().into(),
            time(self.created_at).into(),
            Value::optional_int(self.deleted_at.map(time)),
        ]
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let id = row.int(0)?;
        let rule = ZoneRule::read(row.text(2)?, row.text(3)?);
        Ok(Self {
            id,
            zone: ZoneId(row.int(1)?),
            rule: rule.map_err(|e| StoreError::damaged(format!("table zone_rules, row {id}: {e}")))?,
            source: source(row.text(4)?, "zone_rules", id)?,
            created_by: row.text(5)?.to_owned(),
            created_at: timestamp(row.int(6)?),
            deleted_at: row.optional_int(7)?.map(timestamp),
        })
    }
}

fn source(name: &str, table: &str, id: i64) -> Result<ZoneSource> {
    ZoneSource::named(name).ok_or_else(|| StoreError::damaged(format!("table {table}, row {id}: no source")))
}

/// The zones of a site as they are, with their rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteZones {
    /// Zones, by number.
    pub zones: Vec<ZoneRow>,
    /// Their rules, by number.
    pub rules: Vec<ZoneRuleRow>,
}

impl SiteZones {
    /// Those that are there.
    ///
    /// # Errors
    /// By cause.
    pub fn read(db: &mut Db, site: SiteId) -> Result<Self> {
        let mut found = Self::default();
        let site = [Cell::Int(site.0.into())];
        let of = |columns, table| {
            format!("SELECT {columns} FROM {table} WHERE site = ?1 AND deleted_at IS NULL ORDER BY id")
        };
        db.query(&of(ZoneRow::COLUMNS, "zones"), &site, &mut |row| {
            found.zones.push(ZoneRow::read(row)?);
            Ok(())
        })?;
        db.query(&of(ZoneRuleRow::COLUMNS, "zone_rules"), &site, &mut |row| {
            found.rules.push(ZoneRuleRow::read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The zone of that number.
    pub fn zone(&self, id: ZoneId) -> Option<&ZoneRow> {
        self.zones.iter().find(|zone| zone.id == id)
    }

    /// The rules of a zone.
    pub fn rules_of(&self, zone: ZoneId) -> impl Iterator<Item = &ZoneRuleRow> {
        self.rules.iter().filter(move |rule| rule.zone == zone)
    }

    /// As nouns: what `judge::segment` goes by.
    pub fn nouns(&self) -> Vec<Zone> {
        let noun = |row: &ZoneRow| Zone {
            id: Some(row.id),
            name: row.name.clone(),
            purpose: row.purpose.as_str().into(),
            source: row.source,
            rules: self.rules_of(row.id).map(|rule| (rule.rule, rule.source)).collect(),
        };
        self.zones.iter().map(noun).collect()
    }
}

/// Who acts, and why.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Where.
    pub site: SiteId,
    /// Who.
    pub by: &'a str,
    /// Why: words without personal data.
    pub cause: &'a str,
    /// When.
    pub now: Timestamp,
}

/// One transaction that makes all of `changes`, in their order; `None` where there is none.
///
/// # Errors
/// [`StoreError::Refused`] where one of them cannot be made: nothing is, then.
pub fn plan_zone_changes(store: &mut Store, act: Act<'_>, changes: &[ZoneChange]) -> Result<Option<Tx>> {
    let held = SiteZones::read(store.db(), act.site)?;
    let mut nouns = held.nouns();
    let mut draft = Draft { held, act, rows: BTreeMap::new() };
    for change in changes {
        apply(&mut nouns, change).map_err(StoreError::Refused)?;
        draft.make(store, change)?;
    }
    let mut tx = Tx::new(act.site, act.by, act.cause, act.now);
    for ((_, id), (table, cells)) in draft.rows {
        tx.put(table, id, cells);
    }
    Ok(Some(tx).filter(|tx| !tx.is_empty()))
}

/// Rows in the making, each written once, as it is at the end.
struct Draft<'a> {
    held: SiteZones,
    act: Act<'a>,
    rows: BTreeMap<(u16, i64), (&'static Table, Vec<Value>)>,
}

impl Draft<'_> {
    fn make(&mut self, store: &mut Store, change: &ZoneChange) -> Result<()> {
        match change {
            ZoneChange::Create { name, purpose, source } => {
                let row = ZoneRow {
                    id: ZoneId(store.next_id(&ZONES)),
                    name: name.clone(),
                    purpose: purpose.to_string(),
                    source: *source,
                    created_by: self.act.by.into(),
                    created_at: self.act.now,
                    deleted_at: None,
                };
                self.rows.insert((ZONES.number, row.id.0), (&ZONES, row.cells()));
                self.held.zones.push(row);
            }
            ZoneChange::Rename { zone, to } => self.zone(zone, |row| row.name = to.clone())?,
            ZoneChange::Describe { zone, purpose } => {
                self.zone(zone, |row| row.purpose = purpose.to_string())?;
            }
            ZoneChange::Delete { zone } => self.delete(zone)?,
            ZoneChange::AddRule { zone, rule, source } => self.add_rule(store, zone, *rule, *source)?,
            ZoneChange::RemoveRule { zone, rule } => {
                let of = self.id(zone)?;
                self.end_rules(|row| row.zone == of && row.rule == *rule);
            }
        }
        Ok(())
    }

    fn add_rule(
        &mut self,
        store: &mut Store,
        zone: &ZoneName,
        rule: ZoneRule,
        source: ZoneSource,
    ) -> Result<()> {
        let row = ZoneRuleRow {
            id: store.next_id(&ZONE_RULES),
            zone: self.id(zone)?,
            rule,
            source,
            created_by: self.act.by.into(),
            created_at: self.act.now,
            deleted_at: None,
        };
        self.rows.insert((ZONE_RULES.number, row.id), (&ZONE_RULES, row.cells()));
        self.held.rules.push(row);
        Ok(())
    }

    fn delete(&mut self, zone: &ZoneName) -> Result<()> {
        let (of, now) = (self.id(zone)?, self.act.now);
        self.zone(zone, |row| row.deleted_at = Some(now))?;
        self.held.zones.retain(|row| row.id != of);
        self.end_rules(|row| row.zone == of);
        Ok(())
    }

    fn end_rules(&mut self, ends: impl Fn(&ZoneRuleRow) -> bool) {
        for row in self.held.rules.iter_mut().filter(|row| ends(row)) {
            row.deleted_at = Some(self.act.now);
            self.rows.insert((ZONE_RULES.number, row.id), (&ZONE_RULES, row.cells()));
        }
        self.held.rules.retain(|row| row.deleted_at.is_none());
    }

    fn zone(&mut self, name: &ZoneName, change: impl FnOnce(&mut ZoneRow)) -> Result<()> {
        let of = self.id(name)?;
        if let Some(row) = self.held.zones.iter_mut().find(|row| row.id == of) {
            change(row);
            self.rows.insert((ZONES.number, row.id.0), (&ZONES, row.cells()));
        }
        Ok(())
    }

    fn id(&self, name: &ZoneName) -> Result<ZoneId> {
        let found = self.held.zones.iter().find(|row| row.name.folded() == name.folded());
        found.map(|row| row.id).ok_or_else(|| StoreError::Refused(format!("there is no zone {name}")))
    }
}

/// Relays that spoke for DHCP clients, each with how many endpoints it spoke for; at most `limit`, the busiest first.
///
/// # Errors
/// By cause.
pub fn dhcp_relays(db: &mut Db, site: SiteId, limit: u32) -> Result<Vec<(String, usize)>> {
    let sql = "SELECT value, count(*) AS clients FROM claims WHERE site = ?1 AND attribute = ?2 AND true_to IS NULL \
               AND known_to IS NULL GROUP BY value ORDER BY clients DESC, value LIMIT ?3";
    let attribute = model::Attribute::DhcpRelayAgent.name();
    let mut found = Vec::new();
    let parameters = [Cell::Int(site.0.into()), Cell::Text(attribute), Cell::Int(limit.into())];
    db.query(sql, &parameters, &mut |row| {
        found.push((row.text(0)?.to_owned(), usize::try_from(row.int(1)?)?));
        Ok(())
    })?;
    Ok(found)
}
