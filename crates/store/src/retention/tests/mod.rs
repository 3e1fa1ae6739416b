//! Every rule on a real database, and what must not happen: sums that change, rows that a hold covers, a clock that lies.

mod policies;
mod rules;
mod sums;

use super::date::{DAY_NS, HOUR_NS, start_of};
use super::*;
use crate::db::{Cell, Db, Value};
use crate::store::{Place, Store};
use crate::table::{TABLES, Table};
use crate::tx::Tx;
use model::{SiteId, Timestamp};
use std::collections::BTreeMap;

const SITE: SiteId = SiteId(1);
const KEY: [u8; 32] = [7; 32];

/// A store in a folder of its own, at noon of a day.
struct Hospital {
    store: Store,
    now: Timestamp,
    folder: tempfile::TempDir,
}

impl Hospital {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = at(start_of("2026-11-16").unwrap() + DAY_NS / 2);
        let store = Store::open(Place::folder(folder.path(), KEY), now).unwrap();
        Self { store, now, folder }
    }

    /// Writes a row; its number.
    fn put(&mut self, table: &'static Table, cells: Vec<Value>) -> i64 {
        let id = self.store.next_id(table);
        let mut tx = Tx::new(SITE, "test", "a row", self.now);
        tx.put(table, id, cells);
        self.store.commit(tx).unwrap();
        id
    }

    /// So many days ago, nanoseconds since 1970.
    fn days_ago(&self, days: i64) -> i64 {
        nanos(self.now) - days * DAY_NS
    }

    /// Writes policy rows and reads the policy.
    fn policy(&mut self, rows: &[(&str, &str)]) -> Policy {
        for (name, value) in rows {
            self.put(&crate::table::POLICIES, vec![(*name).into(), (*value).into()]);
        }
        Policy::read(self.store.db(), SITE).unwrap()
    }

    /// Sweeps until nothing is left to do; the rows that went, by table.
    fn sweep(&mut self, policy: &Policy) -> BTreeMap<&'static str, Vec<i64>> {
        let mut gone: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
        for _ in 0..1_000 {
            let swept = sweep(&mut self.store, policy, self.now, 40).unwrap();
            if swept.transactions == 0 {
                gone.values_mut().for_each(|ids| ids.sort_unstable());
                return gone;
            }
            for change in swept.steps.iter().flat_map(|step| &step.changes) {
                if let Change::Delete { table, id } = change {
                    gone.entry(table.name).or_default().push(*id);
                }
            }
        }
        panic!("it never ends: {gone:?}");
    }

    fn ids(&mut self, table: &Table) -> Vec<i64> {
        numbers(self.store.db(), &format!("SELECT id FROM {} ORDER BY id", table.name))
    }

    /// Every row of every table that the ledger answers for, as text.
    fn everything(&mut self) -> String {
        let mut text = String::new();
        for table in TABLES {
            let sql = format!("SELECT id, {} FROM {} ORDER BY id", table.columns.join(", "), table.name);
            self.store
                .db()
                .query(&sql, &[], &mut |row| {
                    let cells: Vec<Value> = (0..=table.columns.len())
                        .map(|column| row.cell(column).map(|cell| cell.to_value()))
                        .collect::<crate::Result<_>>()?;
                    text.push_str(&format!("{} {cells:?}\n", table.name));
                    Ok(())
                })
                .unwrap();
        }
        text
    }
}

fn nanos(at: Timestamp) -> i64 {
    crate::tx::time(at)
}

fn at(nanos: i64) -> Timestamp {
    crate::tx::timestamp(nanos)
}

fn numbers(db: &mut Db, sql: &str) -> Vec<i64> {
    let mut numbers = Vec::new();
    db.query(sql, &[], &mut |row| {
        numbers.push(row.int(0)?);
        Ok(())
    })
    .unwrap();
    numbers
}

fn block(from: i64, to: i64) -> Vec<Value> {
    let data = Value::Blob(vec![1, 0]);
    vec![
        "sensor 1".into(),
        Value::Int(1),
        Value::Int(9),
        Value::Int(9),
        Value::Int(from),
        Value::Int(to),
        data,
    ]
}

/// A talk of `pair`, with `n` in its counters.
fn talk(pair: i64, hour: i64, folded: i64, n: i64, verbs: &str) -> Vec<Value> {
    let mut cells = vec![Value::Int(pair), Value::Int(hour), Value::Int(folded)];
    cells.extend([n, 2 * n, 100 * n, 200 * n, 1].map(Value::Int));
    cells.push(verbs.into());
    cells
}

fn pair(client: &str, server: &str) -> Vec<Value> {
    vec![client.into(), server.into(), "hl7v2".into(), "tcp".into(), Value::Int(2575)]
}

fn event(happened_at: i64) -> Vec<Value> {
    let peer = Value::Null;
    vec!["0|10.0.0.1".into(), peer, "login".into(), "mqtt".into(), "user".into(), Value::Int(happened_at)]
}

fn subject(address: &str, first_seen: i64, last_seen: i64) -> Vec<Value> {
    let [domain, folded] = [0, 1].map(Value::Int);
    let evidence = Value::Blob(vec![0]);
    vec![domain, address.into(), folded, Value::Int(first_seen), Value::Int(last_seen), evidence]
}

fn claim(endpoint: &str, known_from: i64, known_to: Option<i64>) -> Vec<Value> {
    let [attribute, value, source] = ["host-name", "pump-7", "dhcpv4"].map(Value::from);
    let [confidence, true_from, known_from] = [80, known_from, known_from].map(Value::Int);
    let known_to = Value::optional_int(known_to);
    vec![endpoint.into(), attribute, value, source, confidence, true_from, Value::Null, known_from, known_to]
}

fn binding(endpoint: &str, device: i64, known_from: i64) -> Vec<Value> {
    let [device, true_from, known_from] = [device, known_from, known_from].map(Value::Int);
    vec![endpoint.into(), device, true_from, Value::Null, known_from, Value::Null]
}

fn device(device: i64, behind: Option<i64>, known_from: i64, known_to: Option<i64>) -> Vec<Value> {
    let mut cells = vec![Value::Int(device), "0|10.0.0.1".into()];
    cells.extend(std::iter::repeat_n(Value::Null, 4));
    cells.extend(["unreviewed".into(), Value::Int(0), Value::optional_int(behind), Value::Null, Value::Null]);
    cells.extend([Value::Int(known_from), Value::Int(known_from), Value::optional_int(known_to)]);
    cells
}

fn finding(device: i64, last_seen: i64, known_from: i64, known_to: Option<i64>) -> Vec<Value> {
    let mut cells = vec![Value::Int(device)];
    cells.extend(["weak-protocol", "smb", "SMB 1 is spoken", "[]"].map(Value::from));
    cells.extend([last_seen, last_seen, known_from].map(Value::Int));
    cells.push(Value::optional_int(known_to));
    cells
}

fn decision(device: i64, other: Option<i64>, decided_at: i64) -> Vec<Value> {
    let mut cells = vec!["merge".into(), Value::Int(device), Value::optional_int(other), Value::Null];
    cells.extend(["same serial number".into(), "rule".into(), Value::Int(decided_at), Value::Null]);
    cells
}

fn mark(value: i64) -> Vec<Value> {
    vec!["replay_from".into(), Value::Int(value)]
}
