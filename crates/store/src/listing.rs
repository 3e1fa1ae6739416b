//! Lists of the everyday nouns: conditions, a keyset, a page. Newest first, unless a list says otherwise.

use crate::db::{Cell, Db, Row};
use crate::error::{Result, StoreError};
use crate::read::{Cursor, Page, Scope};
use crate::table::Table;
use model::{About, SiteId};

/// Rows of one page.
pub(crate) const PAGE_ROWS_MAX: usize = 1_000;

/// Who reads, and what a row is about: rows that they may not see are left out.
type Seen<'s, T> = (&'s Scope, fn(&T) -> About);

/// A question about one table, `t`.
pub(crate) struct Listing<'q> {
    table: &'static Table,
    conditions: Vec<String>,
    parameters: Vec<Cell<'q>>,
    order: &'static str,
}

impl<'q> Listing<'q> {
    /// All rows of a table that are in scope.
    pub(crate) fn of(table: &'static Table, scope: &'q Scope) -> Self {
        let mut parameters = Vec::new();
        let conditions = vec![scope.condition("t", false, &mut parameters)];
        Self { table, conditions, parameters, order: "t.id DESC" }
    }

    /// Those for which `condition` holds, in which `?` is the cell.
    pub(crate) fn having(&mut self, condition: &str, cell: Cell<'q>) {
        self.parameters.push(cell);
        self.conditions.push(condition.replace('?', &format!("?{}", self.parameters.len())));
    }

    /// Those for which `condition` holds.
    pub(crate) fn that(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// In another order than the newest first.
    pub(crate) fn by(&mut self, order: &'static str) {
        self.order = order;
    }

    /// Those behind the cursor, newest first.
    pub(crate) fn after(&mut self, after: Option<Cursor>) {
        if let Some(Cursor(id)) = after {
            self.having("t.id < ?", Cell::Int(id));
        }
    }

    fn sql(&self, columns: &str) -> String {
        let conditions = self.conditions.join(" AND ");
        format!("SELECT {columns} FROM {} t WHERE {conditions} ORDER BY {}", self.table.name, self.order)
    }

    /// One page: `read` makes an item of `id` and the table's columns, `about` says what it is about.
    pub(crate) fn page<T>(
        mut self,
        db: &mut Db,
        limit: usize,
        read: fn(&Row<'_>) -> Result<T>,
        key: fn(&T) -> i64,
        about: Option<Seen<'_, T>>,
    ) -> Result<Page<T>> {
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        self.parameters.push(Cell::Int(limit as i64 + 1));
        let sql = format!("{} LIMIT ?{}", self.sql(&columns(self.table)), self.parameters.len());
        let mut items = Vec::new();
        db.query(&sql, &self.parameters, &mut |row| {
            items.push(read(row)?);
            Ok(())
        })?;
        let mut next = None;
        if items.len() > limit {
            items.truncate(limit);
            next = items.last().map(|item| Cursor(key(item)));
        }
        let Some((scope, about)) = about else { return Ok(Page { items, next }) };
        let mut seen = Vec::with_capacity(items.len());
        for item in items {
            if crate::about::is_seen(db, scope, about(&item))? {
                seen.push(item);
            }
        }
        Ok(Page { items: seen, next })
    }

    /// How many there are.
    pub(crate) fn count(self, db: &mut Db) -> Result<usize> {
        let conditions = self.conditions.join(" AND ");
        let sql = format!("SELECT count(*) FROM {} t WHERE {conditions}", self.table.name);
        Ok(usize::try_from(db.number(&sql, &self.parameters)?.unwrap_or(0))?)
    }
}

/// `id` and the columns of a table.
fn columns(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| format!("t.{column}")).collect();
    format!("t.id, {}", columns.join(", "))
}

/// The row of that number.
pub(crate) fn find<T>(
    db: &mut Db,
    table: &'static Table,
    site: SiteId,
    id: i64,
    read: fn(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let sql = format!("SELECT {} FROM {} t WHERE t.site = ?1 AND t.id = ?2", columns(table), table.name);
    let mut found = None;
    db.query(&sql, &[Cell::Int(site.0.into()), Cell::Int(id)], &mut |row| {
        found = Some(read(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Refuses one more where `most` rows have `condition` already.
pub(crate) fn room(
    db: &mut Db,
    table: &'static Table,
    site: SiteId,
    condition: &str,
    (most, what): (usize, &str),
) -> Result<()> {
    let scope = Scope::site(site);
    let mut listing = Listing::of(table, &scope);
    listing.that(condition);
    if listing.count(db)? >= most {
        return Err(StoreError::Refused(format!("there are {most} {what} already: end some first")));
    }
    Ok(())
}
