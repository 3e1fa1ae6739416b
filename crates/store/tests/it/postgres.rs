//! PostgreSQL alone: who may connect and how, connections that are lost, what the server says.

use crate::support::{Ground, NOW, policies, policy};
use std::net::{TcpListener, TcpStream};
use store::db::{Cell, Db, Mode};
use store::{Place, Store, StoreError};

fn refused(url: &str) -> String {
    let place = Place::Postgres { url: url.into() };
    match place.connect(Mode::Reader) {
        Err(StoreError::Refused(why)) => why,
        Err(other) => panic!("{url}: {other:?}"),
        Ok(_) => panic!("{url}: connected"),
    }
}

/// The server's URL with other words in it; `host` becomes TCP on this machine, where the server wants a password.
fn changed(server: &str, changes: &[(&str, &str)]) -> String {
    let words = server.split(' ').map(|word| {
        let (key, _) = word.split_once('=').unwrap();
        changes
            .iter()
            .find(|(changed, _)| *changed == key)
            .map_or(word.to_owned(), |(key, value)| format!("{key}={value}"))
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn credentials_are_refused_with_the_way_out() {
    let Some(ground) = Ground::postgres() else { return };
    let server = &ground.schema().server;
    let tcp = changed(server, &[("host", "127.0.0.1")]);
    assert!(Place::Postgres { url: tcp.clone() }.connect(Mode::Reader).is_ok());
    let why = refused(&changed(&tcp, &[("password", "wrong-secret")]));
    assert!(why.contains("28P01") && why.contains("pg_hba.conf") && !why.contains("wrong-secret"), "{why}");
    let why = refused(&changed(&tcp, &[("user", "nobody")]));
    assert!(why.contains("28P01"), "{why}");
    let why = refused(&changed(server, &[("dbname", "absent")]));
    assert!(why.contains("3D000") && why.contains("create it"), "{why}");
    let why = refused(&format!("{server} options=-csearch_path=absent"));
    assert!(why.contains("search_path"), "{why}");
    assert!(refused("host").contains("correct the store's URL"));
    assert!(refused(&format!("{server} sslmode=require")).contains("TLS"));
    assert!(refused("postgresql://ward:secret@192.0.2.1/ward").contains("in clear over a network"));
}

#[test]
fn nobody_there_is_unreachable() {
    let Some(ground) = Ground::postgres() else { return };
    for (key, value) in [("port", "1"), ("host", "/nowhere")] {
        let url = changed(&changed(&ground.schema().server, &[("host", "127.0.0.1")]), &[(key, value)]);
        let error = Store::open(Place::Postgres { url }, NOW).err().unwrap();
        assert!(matches!(error, StoreError::Unreachable { .. }) && error.is_retryable(), "{error:?}");
    }
}

/// Ends the server's side of every other connection to the schema of `ground`.
fn cut(ground: &Ground) {
    let name = &ground.schema().name;
    ground.schema().run(&format!(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' \
         AND objid = (SELECT oid FROM pg_namespace WHERE nspname = '{name}')"
    ));
}

#[test]
fn a_lost_connection_is_unreachable_until_reopened() {
    let Some(ground) = Ground::postgres() else { return };
    let mut store = ground.open();
    let tx = policy(&mut store, "before", "1");
    store.commit(tx).unwrap();
    cut(&ground);
    let tx = policy(&mut store, "after", "2");
    for _ in 0..2 {
        let error = store.commit(tx.clone()).unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }) && error.is_retryable(), "{error:?}");
    }
    store.reopen().unwrap();
    assert_eq!(store.commit(tx).unwrap().leaf, 1);
    assert_eq!(policies(&mut ground.reader()), ["1", "2"]);
}

#[test]
fn a_connection_lost_within_a_transaction_stores_nothing_of_it() {
    let Some(ground) = Ground::postgres() else { return };
    let mut store = ground.open();
    let db = store.db();
    db.begin().unwrap();
    let insert = "INSERT INTO checkpoints (size, note, signed_at, witnesses) VALUES (?1, 'x', 1, 0)";
    db.execute(insert, &[Cell::Int(1)]).unwrap();
    cut(&ground);
    let lost = db.commit().unwrap_err();
    assert!(matches!(lost, StoreError::Unreachable { .. }), "{lost:?}");
    store.reopen().unwrap();
    assert_eq!(store.db().number("SELECT count(*) FROM checkpoints", &[]).unwrap(), Some(0));
}

#[test]
fn reopening_takes_the_lock_along() {
    let Some(ground) = Ground::postgres() else { return };
    let mut store = ground.open();
    for _ in 0..3 {
        store.reopen().unwrap();
    }
    assert!(matches!(Store::open(ground.place.clone(), NOW), Err(StoreError::InUse { .. })));
    let tx = policy(&mut store, "a", "1");
    store.commit(tx).unwrap();
}

#[test]
fn what_the_server_says_keeps_its_cause() {
    let Some(ground) = Ground::postgres() else { return };
    let mut store = ground.open();
    // 8 KB that do not compress: more than an index entry holds.
    let mut state = 1u64;
    let long: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (state >> 59) as u8 % 26)
    })
    .take(8_000)
    .collect();
    let tx = policy(&mut store, &long, "a name too long for an index");
    match store.commit(tx) {
        Err(StoreError::Refused(why)) => assert!(why.contains("54000"), "{why}"),
        other => panic!("{other:?}"),
    }
    let db = store.db();
    assert!(matches!(db.execute("SELEC", &[]), Err(StoreError::Ours { .. })));
    let mistyped = db.number("SELECT count(*) FROM policies WHERE id = ?1", &[Cell::Text("one")]);
    assert!(
        matches!(&mistyped, Err(StoreError::Ours { detail }) if detail.contains("text for a parameter of type int8")),
        "{mistyped:?}"
    );
    let sum =
        db.query("SELECT sum(id), name FROM policies GROUP BY name", &[], &mut |row| row.cell(0).map(|_| ()));
    assert!(sum.is_ok(), "no rows, no answer");
    db.define("CREATE TABLE one (a {int}); INSERT INTO one VALUES (1);").unwrap();
    let sum = db.query("SELECT sum(a) FROM one", &[], &mut |row| row.cell(0).map(|_| ()));
    assert!(matches!(&sum, Err(StoreError::Ours { detail }) if detail.contains("numeric")), "{sum:?}");
}

#[test]
fn a_server_that_may_not_be_written_is_read_only() {
    let Some(ground) = Ground::postgres() else { return };
    drop(ground.open());
    let url = ground.schema().url() + "\\ -cdefault_transaction_read_only=on";
    let mut store = Store::open(Place::Postgres { url }, NOW).unwrap();
    let tx = policy(&mut store, "a", "1");
    assert!(matches!(store.commit(tx), Err(StoreError::ReadOnly { .. })));
    assert!(!store.is_unsure());
}

#[test]
fn a_large_answer_is_never_held_whole() {
    let Some(ground) = Ground::postgres() else { return };
    let Db::Postgres(_) = ground.reader() else { panic!("not PostgreSQL") };
    let mut reader = ground.reader();
    let before = most_memory_kib();
    let mut bytes = 0;
    let sql = "SELECT repeat('x', 1048576) FROM generate_series(1::bigint, ?1)";
    reader
        .query(sql, &[Cell::Int(300)], &mut |row| {
            bytes += row.text(0)?.len();
            Ok(())
        })
        .unwrap();
    assert_eq!(bytes, 300 << 20);
    let grown = most_memory_kib() - before;
    assert!(grown < 64 * 1024, "{grown} KiB for an answer of 300 MiB");
}

/// The most memory this process has had, KiB (`VmHWM` of proc(5)).
fn most_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A server behind a network: connections through it can be lost at our end while the server still holds its own.
struct Network {
    port: u16,
    ours: std::sync::Arc<std::sync::Mutex<Vec<TcpStream>>>,
}

impl Network {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ours = std::sync::Arc::<std::sync::Mutex<Vec<TcpStream>>>::default();
        let known = ours.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map(Result::unwrap) {
                let far = TcpStream::connect(("127.0.0.1", server)).unwrap();
                known.lock().unwrap().push(near.try_clone().unwrap());
                let (mut one, mut other) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                // What our end says or its end is not passed on: the server is never told.
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut one, &mut other);
                    std::thread::park();
                });
                let (mut one, mut other) = (far, near);
                std::thread::spawn(move || std::io::copy(&mut one, &mut other));
            }
        });
        Self { port, ours }
    }

    fn lose_all(&self) {
        for connection in self.ours.lock().unwrap().drain(..) {
            connection.shutdown(std::net::Shutdown::Both).unwrap();
        }
    }
}

#[test]
fn a_writer_whose_old_connection_the_server_still_holds_ends_that_one() {
    let Some(ground) = Ground::postgres() else { return };
    let url = ground.schema().url();
    let word = url.split(' ').find_map(|word| word.strip_prefix("port=")).unwrap();
    let network = Network::to(word.parse().unwrap());
    let far = changed(&url, &[("host", "127.0.0.1"), ("port", &network.port.to_string())]);
    let mut store = Store::open(Place::Postgres { url: far }, NOW).unwrap();
    let tx = policy(&mut store, "before", "1");
    store.commit(tx).unwrap();
    network.lose_all();
    let tx = policy(&mut store, "after", "2");
    let error = store.commit(tx.clone()).unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(matches!(Store::open(ground.place.clone(), NOW), Err(StoreError::InUse { .. })), "still held");
    store.reopen().unwrap();
    assert_eq!(store.commit(tx).unwrap().leaf, 1);
}
