//! Places to test on, rows to fill them with, and how to read all of them back.

use model::{SiteId, Timestamp};
use std::path::PathBuf;
use store::db::{Db, Mode, Value};
use store::table::{TABLES, Table};
use store::{Place, Store, Tx};
use tempfile::TempDir;

/// Key of every database in these tests.
pub const KEY: [u8; 32] = [0x5a; 32];
/// When they begin.
pub const NOW: Timestamp = Timestamp::from_nanos(1_763_769_600_000_000_000);
/// Where most of them happen.
pub const SITE: SiteId = SiteId(1);

/// Instantiates tests, functions over a [`Ground`], for each engine.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(&crate::support::Ground::sqlite()) })*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[test] fn $test() {
                if let Some(ground) = crate::support::Ground::postgres() { super::$test(&ground) }
            })*
        }
    };
}
pub(crate) use on_both;

/// An empty place of its own, gone with its owner.
pub struct Ground {
    pub place: Place,
    _folder: Option<TempDir>,
    #[cfg(feature = "postgres")]
    schema: Option<Schema>,
}

impl Ground {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            place: Place::folder(folder.path(), KEY),
            _folder: Some(folder),
            #[cfg(feature = "postgres")]
            schema: None,
        }
    }

    #[cfg(feature = "postgres")]
    pub fn postgres() -> Option<Self> {
        let schema = Schema::create()?;
        Some(Self { place: Place::Postgres { url: schema.url() }, _folder: None, schema: Some(schema) })
    }

    /// Another place of the same engine.
    pub fn another(&self) -> Self {
        match &self.place {
            Place::Folder { .. } => Self::sqlite(),
            #[cfg(feature = "postgres")]
            Place::Postgres { .. } => Self::postgres().unwrap(),
        }
    }

    /// SQLite's folder.
    pub fn folder(&self) -> PathBuf {
        match &self.place {
            Place::Folder { path, .. } => path.clone(),
            #[cfg(feature = "postgres")]
            Place::Postgres { .. } => panic!("not a folder"),
        }
    }

    #[cfg(feature = "postgres")]
    pub fn schema(&self) -> &Schema {
        self.schema.as_ref().unwrap()
    }

    pub fn open(&self) -> Store {
        Store::open(self.place.clone(), NOW).unwrap()
    }

    pub fn reader(&self) -> Db {
        self.place.connect(Mode::Reader).unwrap()
    }
}

/// A schema of PostgreSQL's, so that tests run side by side on one server.
#[cfg(feature = "postgres")]
pub struct Schema {
    pub server: String,
    pub name: String,
}

#[cfg(feature = "postgres")]
impl Schema {
    fn create() -> Option<Self> {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let Ok(server) = std::env::var("WARD_TEST_POSTGRES") else {
            cannot_run("WARD_TEST_POSTGRES names no server; `cargo xtask test --only tests` starts one");
            return None;
        };
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let schema = Self { server, name: format!("t_{}_{number}", std::process::id()) };
        schema.run(&format!("DROP SCHEMA IF EXISTS {0} CASCADE; CREATE SCHEMA {0}", schema.name));
        Some(schema)
    }

    pub fn url(&self) -> String {
        format!("{} options=-csearch_path={}", self.server, self.name)
    }

    /// Runs statements beside Ward.
    pub fn run(&self, sql: &str) {
        let mut client = ::postgres::Client::connect(&self.url(), ::postgres::NoTls).unwrap();
        client.batch_execute(sql).unwrap();
    }
}

#[cfg(feature = "postgres")]
impl Drop for Schema {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.run(&format!("SET client_min_messages = error; DROP SCHEMA {} CASCADE", self.name));
        }
    }
}

/// Says why a test cannot run here, and fails where nothing may be left out.
pub fn cannot_run(why: &str) {
    println!("skipped: {why}");
    assert_ne!(
        std::env::var("WARD_TEST_STRICT").as_deref(),
        Ok("1"),
        "skipped under WARD_TEST_STRICT=1: {why}"
    );
}

/// Bytes of a large value.
const LARGE_BYTES: usize = 1 << 20;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Int,
    Text,
    Blob,
}

/// A column as the engine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    pub nullable: bool,
}

/// The columns of a table, asked of the engine.
pub fn columns(db: &mut Db, table: &str) -> Vec<Column> {
    let sql = match db {
        Db::Sqlite(_) => {
            "SELECT name, type, CASE WHEN \"notnull\" = 1 OR pk > 0 THEN 'NO' ELSE 'YES' END FROM pragma_table_info(?1) ORDER BY cid"
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => {
            "SELECT column_name::text, data_type::text, is_nullable::text FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name::text = ?1 ORDER BY ordinal_position"
        }
    };
    let mut columns = Vec::new();
    db.query(sql, &[store::db::Cell::Text(table)], &mut |row| {
        let kind = match row.text(1)?.to_ascii_uppercase().as_str() {
            "INTEGER" | "BIGINT" => Kind::Int,
            "TEXT" => Kind::Text,
            "BLOB" | "BYTEA" => Kind::Blob,
            other => panic!("{table} has a column of type {other}"),
        };
        columns.push(Column { name: row.text(0)?.to_owned(), kind, nullable: row.text(2)? == "YES" });
        Ok(())
    })
    .unwrap();
    columns
}

/// Which values a row is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Largest numbers, many bytes, letters of several scripts.
    Large,
    /// Smallest numbers, nothing where that may be, no bytes, empty text.
    Small,
    /// What any row might hold.
    Plain,
}

impl Shape {
    pub const ALL: [Self; 3] = [Self::Large, Self::Small, Self::Plain];

    /// Rows of one shape are of one site, so that what must be unique in a site is.
    pub fn site(self) -> SiteId {
        match self {
            Self::Large => SiteId(u32::MAX),
            Self::Small => SiteId(0),
            Self::Plain => SITE,
        }
    }

    fn value(self, column: &Column, bytes: usize) -> Value {
        match (self, column.kind) {
            (Self::Small, _) if column.nullable => Value::Null,
            (Self::Large, Kind::Int) => Value::Int(i64::MAX),
            (Self::Small, Kind::Int) => Value::Int(i64::MIN),
            (Self::Plain, Kind::Int) => Value::Int(42),
            (Self::Large, Kind::Text) => Value::Text("Überwachung 心電図 🫀 ".repeat(20)),
            (Self::Small, Kind::Text) => Value::Text(String::new()),
            (Self::Plain, Kind::Text) => Value::Text(format!("{} of a row", column.name)),
            (Self::Large, Kind::Blob) => Value::Blob((0..=255u8).cycle().take(bytes).collect()),
            (Self::Small, Kind::Blob) => Value::Blob(Vec::new()),
            (Self::Plain, Kind::Blob) => Value::Blob(vec![0, 1, 2, 0xff]),
        }
    }

    /// The cells after `salt`.
    pub fn cells(self, columns: &[Column]) -> Vec<Value> {
        self.cells_of(columns, LARGE_BYTES)
    }

    fn cells_of(self, columns: &[Column], bytes: usize) -> Vec<Value> {
        columns[3..].iter().map(|column| self.value(column, bytes)).collect()
    }
}

/// Puts one row of each shape into every table; their ids are 1, 2, 3.
pub fn fill(store: &mut Store) {
    fill_with(store, LARGE_BYTES);
}

/// The same with large values of `bytes`.
pub fn fill_with(store: &mut Store, bytes: usize) {
    for shape in Shape::ALL {
        let mut tx = Tx::new(shape.site(), "a test", "rows of every table", NOW);
        for table in TABLES {
            let columns = columns(store.db(), table.name);
            let id = store.next_id(table);
            tx.put(table, id, shape.cells_of(&columns, bytes));
        }
        store.commit(tx).unwrap();
    }
}

/// Every row of a table, by its key.
pub fn rows(db: &mut Db, table: &str) -> Vec<Vec<Value>> {
    let columns = columns(db, table);
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let key = if table == "tiles" { "level, number, width" } else { names[0] };
    let mut rows = Vec::new();
    db.query(&format!("SELECT {} FROM {table} ORDER BY {key}", names.join(", ")), &[], &mut |row| {
        rows.push((0..names.len()).map(|index| row.cell(index).unwrap().to_value()).collect());
        Ok(())
    })
    .unwrap();
    rows
}

/// Every row of every table but `schema`, whose times are the installation's own.
pub fn everything(db: &mut Db) -> Vec<(String, Vec<Vec<Value>>)> {
    let tables = db.tables().unwrap();
    let tables = tables.into_iter().filter(|table| table != "schema");
    tables.map(|table| (table.clone(), rows(db, &table))).collect()
}

/// Rows in all tables that the ledger answers for.
pub fn total(db: &mut Db) -> i64 {
    let count =
        |table: &&Table| db.number(&format!("SELECT count(*) FROM {}", table.name), &[]).unwrap().unwrap();
    TABLES.iter().map(count).sum()
}

/// A policy row: what most tests write.
pub fn policy(store: &mut Store, name: &str, value: &str) -> Tx {
    let id = store.next_id(&store::table::POLICIES);
    let mut tx = Tx::new(SITE, "a test", "a policy", NOW);
    tx.put(&store::table::POLICIES, id, vec![name.into(), value.into()]);
    tx
}

/// The values of all policies by their ids.
pub fn policies(db: &mut Db) -> Vec<String> {
    let mut values = Vec::new();
    db.query("SELECT value FROM policies ORDER BY id", &[], &mut |row| {
        values.push(row.text(0)?.to_owned());
        Ok(())
    })
    .unwrap();
    values
}
