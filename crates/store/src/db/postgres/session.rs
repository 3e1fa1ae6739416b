//! Connecting: what is refused before a byte of a row is sent, how a session is set, and the writer's lock.

use super::failure::{failed, not_connected};
use crate::db::Mode;
use crate::error::{Result, StoreError};
use ::postgres::config::{Host, SslMode};
use ::postgres::{Client, Config, NoTls};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a connection may take to come about, seconds.
const CONNECT_SECONDS: u64 = 10;
/// How long sent bytes may stay unacknowledged before the connection counts as lost, seconds.
const UNACKNOWLEDGED_SECONDS: u64 = 30;
/// How long a connection may be silent before it is asked whether it is there, seconds.
const KEEPALIVE_SECONDS: u64 = 10;
/// How long a writer waits for the lock of one that is going away, milliseconds.
const LOCK_MS: u64 = 2_000;
/// Between two tries for it, milliseconds.
const LOCK_RETRY_MS: u64 = 50;
/// First half of the lock's key, `Ward` in ASCII; the second is the schema's number.
const LOCK_KEY: i64 = 0x5761_7264;

/// What every session is set to. A lost writer is noticed by the server within half a minute, and its lock is free again;
/// a backup may take as long as it takes.
const SETTINGS: &str = "SET synchronous_commit = on; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
    SET lock_timeout = '10s'; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
    SET timezone = 'UTC'; SET bytea_output = 'hex'; SET row_security = off; SET client_min_messages = error";

/// The server's end of a connection.
pub(super) struct Backend {
    /// Its process.
    process: i64,
    /// When that began, as the server writes it: process numbers are used again.
    began: String,
}

/// Connects, if that sends nothing in clear over a network.
pub(super) fn connect(url: &str) -> Result<Client> {
    let mut config: Config = url.parse().map_err(|e| not_connected(&e))?;
    refuse_plaintext(&config)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(CONNECT_SECONDS));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(UNACKNOWLEDGED_SECONDS));
    }
    // A server that went silently is noticed like a client that did (SETTINGS).
    config.keepalives_idle(Duration::from_secs(KEEPALIVE_SECONDS));
    config.keepalives_interval(Duration::from_secs(KEEPALIVE_SECONDS / 2)).keepalives_retries(3);
    if config.get_application_name().is_none() {
        config.application_name("ward");
    }
    config.connect(NoTls).map_err(|e| not_connected(&e))
}

/// Rows go in clear only to this machine: a Unix socket, or a loopback address.
fn refuse_plaintext(config: &Config) -> Result<()> {
    let no_tls = "this Ward speaks no TLS to PostgreSQL yet: use a Unix socket (host=/run/postgresql), or a tunnel \
                  whose near end is on 127.0.0.1; see docs/operate/postgres.md";
    if config.get_ssl_mode() == SslMode::Require {
        return Err(StoreError::Refused(format!(
            "the store's URL demands TLS (sslmode=require), and {no_tls}"
        )));
    }
    let hosts = config.get_hosts();
    let addresses = config.get_hostaddrs();
    if hosts.is_empty() && addresses.is_empty() {
        return Err(StoreError::Refused(
            "the store's URL names no host: add host=/run/postgresql for the Unix socket of this machine"
                .into(),
        ));
    }
    // An address, where given, is what is connected to; a name beside it is only for certificates.
    let far =
        addresses.iter().find(|address| !address.is_loopback()).map(ToString::to_string).or_else(|| {
            let reached = hosts.iter().filter(|_| addresses.is_empty());
            reached.filter_map(far_host).next()
        });
    match far {
        None => Ok(()),
        Some(host) => Err(StoreError::Refused(format!(
            "the connection to PostgreSQL at {:?} would be in clear over a network, and {no_tls}",
            host.chars().take(120).collect::<String>()
        ))),
    }
}

fn far_host(host: &Host) -> Option<String> {
    match host {
        Host::Unix(_) => None,
        Host::Tcp(name) => {
            let near = name.eq_ignore_ascii_case("localhost")
                || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
            (!near).then(|| name.clone())
        }
    }
}

/// Sets the session, and refuses a server that would lose what it acknowledged or change what it is given.
pub(super) fn settle(client: &mut Client, mode: Mode) -> Result<Backend> {
    client.batch_execute(SETTINGS).map_err(|e| failed(&e))?;
    if mode == Mode::Reader {
        client.batch_execute("SET default_transaction_read_only = on").map_err(|e| failed(&e))?;
    }
    let sql = "SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('server_encoding'), \
               pg_backend_pid()::int8, (SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()), \
               current_schema()::text";
    let row = client.query_one(sql, &[]).map_err(|e| failed(&e))?;
    let setting = |index: usize| row.try_get::<_, Option<&str>>(index).map(Option::unwrap_or_default);
    for (index, name, wanted) in
        [(0, "fsync", "on"), (1, "full_page_writes", "on"), (2, "server_encoding", "UTF8")]
    {
        let found = setting(index).map_err(|e| failed(&e))?;
        if found != wanted {
            return Err(StoreError::Refused(format!(
                "the PostgreSQL server has {name} = {found}, which can lose or change what it said was stored: it must be {wanted}"
            )));
        }
    }
    if setting(5).map_err(|e| failed(&e))?.is_empty() {
        return Err(StoreError::Refused(
            "the PostgreSQL database has none of the schemas in the connection's search_path: create one, and give Ward's role \
             CREATE in it"
                .into(),
        ));
    }
    let process = row.try_get(3).map_err(|e| failed(&e))?;
    let began = setting(4).map_err(|e| failed(&e))?.to_owned();
    Ok(Backend { process, began })
}

/// Takes the writer's lock, which the server holds for this connection and frees with its end.
pub(super) fn lock(client: &mut Client) -> Result<()> {
    let sql = "SELECT pg_try_advisory_lock($1::int8::int4, oid::int4) FROM pg_namespace WHERE nspname = current_schema()";
    let began = Instant::now();
    loop {
        let held = client.query_one(sql, &[&LOCK_KEY]).and_then(|row| row.try_get::<_, bool>(0));
        if held.map_err(|e| failed(&e))? {
            return Ok(());
        }
        if began.elapsed() > Duration::from_millis(LOCK_MS) {
            return Err(StoreError::InUse { store: "the PostgreSQL database".into() });
        }
        std::thread::sleep(Duration::from_millis(LOCK_RETRY_MS));
    }
}

/// Ends the server's side of a lost connection. Nothing is done where that cannot be: the server notices by itself.
pub(super) fn end(url: &str, backend: &Backend) {
    let Ok(mut client) = connect(url) else { return };
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1::int8::int4 AND backend_start::text = $2";
    let _ = client.batch_execute("SET timezone = 'UTC'");
    let _ = client.execute(sql, &[&backend.process, &backend.began]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_clear_to_this_machine_only() {
        let refused = |url: &str| {
            let config: Config = url.parse().unwrap();
            refuse_plaintext(&config).err().map(|error| error.to_string())
        };
        for near in [
            "host=/run/postgresql user=ward",
            "postgresql://ward@localhost/ward",
            "postgresql://ward@127.0.0.1:5433/ward?sslmode=disable",
            "postgresql://ward@[::1]/ward",
            "host=db.example hostaddr=127.0.0.1 user=ward",
            "postgresql://ward@%2Frun%2Fpostgresql/ward",
        ] {
            assert_eq!(refused(near), None, "{near}");
        }
        for (far, named) in [
            ("postgresql://ward:secret@10.0.0.5/ward", "10.0.0.5"),
            ("postgresql://ward:secret@db.example/ward?sslmode=disable", "db.example"),
            ("host=/run/postgresql,db.example user=ward", "db.example"),
            ("host=localhost hostaddr=192.0.2.1 user=ward", "192.0.2.1"),
            ("host=localhost user=ward sslmode=require", "sslmode=require"),
            ("user=ward", "names no host"),
        ] {
            let message = refused(far).unwrap();
            assert!(message.contains(named) && !message.contains("secret"), "{far}: {message}");
        }
    }
}
