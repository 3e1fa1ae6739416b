//! PostgreSQL through the synchronous client. Rows at rest are protected by the operator's volume encryption, not by us.
//!
//! It must not run inside an async task, and it must not send a row in clear over a network: docs/operate/postgres.md.
//! Error codes: PostgreSQL documentation, appendix A.

mod failure;
mod session;

use super::{Cell, Mode, Row};
use crate::error::{Result, StoreError};
use ::postgres::fallible_iterator::FallibleIterator as _;
use ::postgres::types::{ToSql, Type};
use ::postgres::{Client, Statement};
use failure::failed;
use hashbrown::HashMap;
use zeroize::Zeroizing;

/// Prepared statements kept; past it all are forgotten and prepared again as they come.
const STATEMENTS: usize = 256;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// None is open.
    Idle,
    /// One is open.
    Open,
    /// One is open and a statement of it failed: the server would answer COMMIT by undoing it, and call that fine.
    Failed,
}

/// One connection.
pub struct Postgres {
    /// `None` once it is closed.
    client: Option<Client>,
    url: Zeroizing<String>,
    mode: Mode,
    backend: session::Backend,
    state: State,
    /// Inside one transaction around all others, which are savepoints of it.
    enclosed: bool,
    /// Keyed by our own SQL, which no input can grow; bounded by [`STATEMENTS`].
    statements: HashMap<String, Statement, foldhash::fast::FixedState>,
}

impl Postgres {
    /// Connects to `url` (a URL or a `key=value` string of libpq's). A writer holds the lock of the database's schema for as long
    /// as it is connected; a reader's connection refuses writes.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a connection that would carry rows in clear over a network, for a server that would
    /// lose what it acknowledged, and for credentials it does not take; [`StoreError::InUse`] for a second writer; the others by
    /// cause.
    pub fn open(url: &str, mode: Mode) -> Result<Box<Self>> {
        let mut client = session::connect(url)?;
        let backend = session::settle(&mut client, mode)?;
        if mode == Mode::Writer {
            session::lock(&mut client)?;
        }
        Ok(Box::new(Self {
            client: Some(client),
            url: Zeroizing::new(url.to_owned()),
            mode,
            backend,
            state: State::Idle,
            enclosed: false,
            statements: HashMap::with_hasher(foldhash::fast::FixedState::with_seed(0)),
        }))
    }

    /// Gives up the connection and with it the writer's lock, also when the server has not noticed yet that it is lost:
    /// then its end of it is ended through another connection.
    pub(super) fn close(&mut self) {
        self.statements.clear();
        let Some(client) = self.client.take() else { return };
        let ended = !client.is_closed() && client.close().is_ok();
        if !ended && self.mode == Mode::Writer {
            session::end(&self.url, &self.backend);
        }
    }

    fn client(&mut self) -> Result<&mut Client> {
        self.client.as_mut().ok_or_else(|| StoreError::Unreachable {
            detail: "the connection to PostgreSQL is closed".into(),
        })
    }

    /// Remembers that the open transaction cannot be committed any more.
    fn spoil<T>(&mut self, result: std::result::Result<T, ::postgres::Error>) -> Result<T> {
        result.map_err(|error| {
            if self.state == State::Open {
                self.state = State::Failed;
            }
            failed(&error)
        })
    }

    fn statement(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.client()?.prepare(&sql.replace('?', "$"));
        let statement = self.spoil(prepared)?;
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn execute(&mut self, sql: &str, parameters: &[Cell<'_>]) -> Result<u64> {
        let statement = self.statement(sql)?;
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|c| c as _).collect();
        let executed = self.client()?.execute(&statement, &parameters);
        self.spoil(executed)
    }

    /// Rows come over the socket as they are taken. When `each` ends early, the rest is read and thrown away.
    pub(super) fn query(
        &mut self,
        sql: &str,
        parameters: &[Cell<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let statement = self.statement(sql)?;
        let mut broken = None;
        let mut run = |client: &mut Client| -> std::result::Result<(), ::postgres::Error> {
            let mut rows = client.query_raw(&statement, parameters.iter().copied())?;
            while let Some(row) = rows.next()? {
                if let Err(error) = each(&Row::Postgres(&row)) {
                    broken = Some(error);
                    break;
                }
            }
            Ok(())
        };
        let result = run(self.client()?);
        self.spoil(result)?;
        broken.map_or(Ok(()), Err)
    }

    pub(super) fn define(&mut self, script: &str) -> Result<()> {
        let script = script
            .replace("{id}", "BIGINT PRIMARY KEY")
            .replace("{int}", "BIGINT")
            .replace("{blob}", "BYTEA")
            .replace("{strict}", "");
        // What was prepared may answer otherwise afterwards, which the server refuses.
        self.statements.clear();
        self.run(&script)
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        if self.enclosed {
            return self.run("SAVEPOINT enclosed");
        }
        if self.state != State::Idle {
            return Err(StoreError::Ours { detail: "a transaction within a transaction".into() });
        }
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ")?;
        self.state = State::Open;
        Ok(())
    }

    pub(super) fn commit(&mut self) -> Result<()> {
        if self.state == State::Failed {
            self.roll_back();
            return Err(StoreError::Ours { detail: "a statement of the transaction failed before".into() });
        }
        if self.enclosed {
            return self.run("RELEASE SAVEPOINT enclosed");
        }
        self.state = State::Idle;
        self.run("COMMIT")
    }

    pub(super) fn roll_back(&mut self) {
        let undo = if self.enclosed {
            "ROLLBACK TO SAVEPOINT enclosed; RELEASE SAVEPOINT enclosed"
        } else {
            "ROLLBACK"
        };
        let undone = self.run(undo);
        self.state = match (self.enclosed, undone) {
            (true, Ok(())) => State::Open,
            (true, Err(_)) => State::Failed,
            (false, _) => State::Idle,
        };
    }

    /// Opens one transaction around the transactions that follow, which become savepoints of it. Nothing of them is stored
    /// before [`Self::commit_enclosed`].
    pub(crate) fn enclose(&mut self) -> Result<()> {
        self.begin()?;
        self.enclosed = true;
        Ok(())
    }

    /// Commits what was enclosed: the one commit point of it all.
    pub(crate) fn commit_enclosed(&mut self) -> Result<()> {
        self.enclosed = false;
        self.commit()
    }

    fn run(&mut self, sql: &str) -> Result<()> {
        let ran = self.client()?.batch_execute(sql);
        self.spoil(ran)
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut ::postgres::types::private::BytesMut,
    ) -> std::result::Result<::postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        // The client asks for the parameter's type only, not for the value's: a number in a text column would be eight
        // bytes of text.
        match (*self, kind) {
            (Cell::Null, _) => Ok(::postgres::types::IsNull::Yes),
            (Cell::Int(int), &Type::INT8) => int.to_sql(kind, out),
            (Cell::Text(text), &Type::TEXT) => text.to_sql(kind, out),
            (Cell::Blob(blob), &Type::BYTEA) => blob.to_sql(kind, out),
            (cell, kind) => Err(format!("{} for a parameter of type {kind}", super::kind(&cell)).into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    ::postgres::types::to_sql_checked!();
}

pub(super) fn cell(row: &::postgres::Row, index: usize) -> Result<Cell<'_>> {
    let kind = row.columns().get(index).map(|column| column.type_().clone());
    let value = match kind {
        Some(Type::INT8) => row.try_get::<_, Option<i64>>(index).map(|v| v.map_or(Cell::Null, Cell::Int)),
        Some(Type::TEXT) => row.try_get::<_, Option<&str>>(index).map(|v| v.map_or(Cell::Null, Cell::Text)),
        Some(Type::BYTEA) => row.try_get::<_, Option<&[u8]>>(index).map(|v| v.map_or(Cell::Null, Cell::Blob)),
        Some(other) => {
            return Err(StoreError::Ours {
                detail: format!(
                    "column {index} of an answer is of type {other}: cast it to bigint, text or bytea"
                ),
            });
        }
        None => return Err(StoreError::Ours { detail: format!("an answer has no column {index}") }),
    };
    value.map_err(|e| failed(&e))
}
