//! The tables that the ledger answers for, as data: what is written, committed to, verified and backed up goes by this list.
//! A capability adds its table here and in a migration; a test holds the two together.

use crate::db::{Cell, Db};
use crate::error::Result;

/// A table whose rows the ledger answers for. Its first columns are `id`, `site` and `salt`; `columns` are the others.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Number in leaves and backups; never used again for another table.
    pub number: u16,
    /// Name in SQL.
    pub name: &'static str,
    /// The columns after `salt`, in the order of the row image.
    pub columns: &'static [&'static str],
}

macro_rules! tables {
    ($($(#[$doc:meta])* $constant:ident = $number:literal $name:literal [$($column:literal),* $(,)?];)*) => {
        $($(#[$doc])* pub static $constant: Table =
            Table { number: $number, name: $name, columns: &[$($column),*] };)*
        /// All of them, by number.
        pub static TABLES: &[&Table] = &[$(&$constant),*];
    };
}

tables! {
    /// Sites: name and time zone.
    SITES = 1 "sites" ["name", "time_zone"];
    /// What judged: build, catalog and models by hash.
    DECIDERS = 2 "deciders" ["hash", "ward", "catalog", "model"];
    /// Acts already done, by idempotency key.
    ACTS = 3 "acts" ["act_key", "leaf"];
    /// How far each source is durable.
    CURSORS = 4 "cursors" ["source", "sequence", "position", "observed_at"];
    /// How far views reflect blocks.
    MARKS = 5 "marks" ["name", "value"];
    /// Settings that are acts: retention and the like.
    POLICIES = 6 "policies" ["name", "value"];
    /// Effects to be performed.
    OUTBOX = 7 "outbox" ["kind", "payload", "state", "due_at", "attempts", "last_error"];
    /// Records as they came.
    BLOCKS = 8 "blocks" [
        "source", "first_sequence", "last_sequence", "records", "observed_from", "observed_to", "data",
    ];
    /// Endpoints and everything heard of each.
    SUBJECTS = 9 "subjects" ["domain", "address", "folded", "first_seen", "last_seen", "evidence"];
    /// Devices.
    DEVICES = 10 "devices" [
        "device", "device_key", "name", "vendor", "class", "zone", "review", "router", "behind", "merged_into",
        "card", "first_seen", "known_from", "known_to",
    ];
    /// Which endpoint is whose.
    BINDINGS = 11 "bindings" ["endpoint", "device", "true_from", "true_to", "known_from", "known_to"];
    /// What is claimed of an endpoint.
    CLAIMS = 12 "claims" [
        "endpoint", "attribute", "value", "source", "confidence", "true_from", "true_to", "known_from", "known_to",
    ];
    /// Merges and splits decided by people and rules.
    DECISIONS = 13 "decisions" [
        "kind", "device", "other", "subject", "reason", "decided_by", "decided_at", "reverted_at",
    ];
    /// What is worth attention.
    FINDINGS = 14 "findings" [
        "device", "kind", "protocol", "summary", "evidence", "first_seen", "last_seen", "known_from", "known_to",
    ];
    /// What happened.
    EVENTS = 15 "events" ["endpoint", "peer", "kind", "protocol", "detail", "happened_at"];
    /// Who talks to whom over what.
    PAIRS = 16 "pairs" ["client", "server", "protocol", "transport", "service_port"];
    /// How much of it in an hour.
    TALKS = 17 "talks" [
        "pair", "hour", "folded", "client_packets", "server_packets", "client_bytes", "server_bytes", "flows", "verbs",
    ];
    /// How much of it in a day, once the hours are gone.
    TALK_DAYS = 18 "talk_days" [
        "pair", "day", "client_packets", "server_packets", "client_bytes", "server_bytes", "flows", "verbs",
    ];
    /// What sensors saw and missed.
    COVERAGE = 19 "coverage" ["sensor", "hour", "counters"];
    /// When nobody listened.
    GAPS = 20 "gaps" ["source", "gap_from", "gap_to", "reason"];
    /// Data keys, wrapped.
    SUBJECT_KEYS = 21 "subject_keys" ["subject", "wrapped", "master", "created_at"];
    /// What they seal.
    SEALED = 22 "sealed" ["subject", "name", "data", "sealed_at"];
    /// What somebody has to do.
    TASKS = 23 "tasks" [
        "title", "detail", "about", "owner", "due_at", "ticket", "state", "created_by", "created_at", "changed_at",
    ];
    /// What is allowed for a while although a rule says otherwise.
    EXCEPTIONS = 24 "exceptions" [
        "about", "rule", "reason", "asked_by", "approver", "created_at", "expires_at", "revoked_at", "revoked_by",
    ];
    /// When something may be done: maintenance, updates, silence.
    WINDOWS = 25 "windows" ["name", "about", "ical", "created_by", "created_at", "ended_at"];
    /// What people wrote about something.
    NOTES = 26 "notes" ["about", "body", "written_by", "written_at", "withdrawn_at"];
    /// Pages with their filters, saved under a name.
    SAVED_VIEWS = 27 "saved_views" ["name", "page", "query", "created_by", "created_at", "deleted_at"];
    /// Views that are written out on a schedule.
    REPORTS = 28 "reports" [
        "name", "page", "query", "format", "schedule", "created_by", "created_at", "next_at", "ended_at",
    ];
    /// What they wrote.
    REPORT_COPIES = 29 "report_copies" ["report", "made_at", "rows", "data"];
    /// Edits of many devices at once.
    EDITS = 30 "edits" ["change", "devices", "reason", "edited_by", "edited_at", "reverted_by", "reverted_at"];
    /// What each edit changed: rows of claims it opened and closed.
    EDIT_ITEMS = 31 "edit_items" ["edit", "device", "opened", "closed"];
    /// Zones of the network.
    ZONES = 32 "zones" ["name", "purpose", "source", "created_by", "created_at", "deleted_at"];
    /// What puts an address into a zone: a VLAN, a subnet, a DHCP scope.
    ZONE_RULES = 33 "zone_rules" ["zone", "kind", "value", "source", "created_by", "created_at", "deleted_at"];
}

impl Table {
    /// The table of that number.
    pub fn numbered(number: u16) -> Option<&'static Self> {
        TABLES.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// Its place in [`TABLES`].
    pub(crate) fn place(&self) -> usize {
        usize::from(self.number) - 1
    }

    /// Writes a row, whether it is there or not.
    pub(crate) fn put_sql(&self) -> String {
        let columns = self.columns.join(", ");
        let marks: Vec<String> = (1..=self.columns.len() + 3).map(|n| format!("?{n}")).collect();
        let updates: Vec<String> =
            ["site", "salt"].iter().chain(self.columns).map(|c| format!("{c} = excluded.{c}")).collect();
        format!(
            "INSERT INTO {} (id, site, salt, {columns}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}",
            self.name,
            marks.join(", "),
            updates.join(", ")
        )
    }

    /// Every row by id from `?1` on, with `id, site, salt` first.
    pub(crate) fn scan_sql(&self) -> String {
        format!(
            "SELECT id, site, salt, {} FROM {} WHERE id >= ?1 ORDER BY id",
            self.columns.join(", "),
            self.name
        )
    }
}

/// How many rows each table holds, counted up to `at_most`: more are not told from as many.
///
/// # Errors
/// By cause.
pub fn held(db: &mut Db, at_most: u32) -> Result<Vec<(&'static Table, u64)>> {
    let count = |table: &&'static Table| {
        let sql = format!("SELECT count(*) FROM (SELECT id FROM {} LIMIT ?1) AS held", table.name);
        let rows = db.number(&sql, &[Cell::Int(at_most.into())])?;
        Ok((*table, rows.unwrap_or(0).cast_unsigned()))
    };
    TABLES.iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places() {
        for (place, table) in TABLES.iter().enumerate() {
            assert_eq!(usize::from(table.number), place + 1, "{}", table.name);
            assert_eq!(Table::numbered(table.number), Some(*table));
        }
        assert_eq!(Table::numbered(0), None);
        assert_eq!(Table::numbered(TABLES.len() as u16 + 1), None);
    }
}
