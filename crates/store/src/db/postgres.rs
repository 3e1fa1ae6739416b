//! PostgreSQL through the synchronous client. Rows at rest are protected by the operator's volume encryption, not by us.

use super::{Cell, Row};
use crate::error::{Result, StoreError};
use ::postgres::types::{ToSql, Type};
use hashbrown::HashMap;

/// One connection.
pub struct Postgres {
    client: ::postgres::Client,
    statements: HashMap<String, ::postgres::Statement, foldhash::fast::FixedState>,
}

impl Postgres {
    /// Connects; a reader's connection refuses writes.
    ///
    /// # Errors
    /// By cause.
    pub fn open(url: &str, mode: super::Mode) -> Result<Self> {
        let mut client = ::postgres::Client::connect(url, ::postgres::NoTls).map_err(|e| error(&e))?;
        if mode == super::Mode::Reader {
            client.batch_execute("SET default_transaction_read_only = on").map_err(|e| error(&e))?;
        }
        let statements = HashMap::with_hasher(foldhash::fast::FixedState::with_seed(0));
        Ok(Self { client, statements })
    }

    fn statement(&mut self, sql: &str) -> Result<::postgres::Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&sql.replace('?', "$")).map_err(|e| error(&e))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn execute(&mut self, sql: &str, parameters: &[Cell<'_>]) -> Result<u64> {
        let statement = self.statement(sql)?;
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|c| c as _).collect();
        self.client.execute(&statement, &parameters).map_err(|e| error(&e))
    }

    pub(super) fn query(
        &mut self,
        sql: &str,
        parameters: &[Cell<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let statement = self.statement(sql)?;
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|c| c as _).collect();
        for row in self.client.query(&statement, &parameters).map_err(|e| error(&e))? {
            each(&Row::Postgres(&row))?;
        }
        Ok(())
    }

    pub(super) fn define(&mut self, script: &str) -> Result<()> {
        let script = script
            .replace("{id}", "BIGINT PRIMARY KEY")
            .replace("{int}", "BIGINT")
            .replace("{blob}", "BYTEA")
            .replace("{strict}", "");
        self.client.batch_execute(&script).map_err(|e| error(&e))
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        self.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").map_err(|e| error(&e))
    }

    pub(super) fn commit(&mut self) -> Result<()> {
        self.client.batch_execute("COMMIT").map_err(|e| error(&e))
    }

    pub(super) fn roll_back(&mut self) {
        let _ = self.client.batch_execute("ROLLBACK");
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut ::postgres::types::private::BytesMut,
    ) -> std::result::Result<::postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match *self {
            Cell::Null => Ok(::postgres::types::IsNull::Yes),
            Cell::Int(int) => int.to_sql(kind, out),
            Cell::Text(text) => text.to_sql(kind, out),
            Cell::Blob(blob) => blob.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    ::postgres::types::to_sql_checked!();
}

pub(super) fn cell(row: &::postgres::Row, index: usize) -> Result<Cell<'_>> {
    let column = row.columns().get(index);
    let kind = column.map(|column| column.type_().clone());
    let value = match kind {
        Some(Type::INT8) => row.try_get::<_, Option<i64>>(index).map(|v| v.map_or(Cell::Null, Cell::Int)),
        Some(Type::TEXT) => row.try_get::<_, Option<&str>>(index).map(|v| v.map_or(Cell::Null, Cell::Text)),
        Some(Type::BYTEA) => row.try_get::<_, Option<&[u8]>>(index).map(|v| v.map_or(Cell::Null, Cell::Blob)),
        other => return Err(StoreError::Ours { detail: format!("column {index} is of type {other:?}") }),
    };
    value.map_err(|e| error(&e))
}

fn error(error: &::postgres::Error) -> StoreError {
    StoreError::Unreachable { detail: error.to_string() }
}
