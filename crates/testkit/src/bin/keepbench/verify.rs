//! Verification of a large store, beside what the engine itself needs to check the same file.

use crate::{KEY, Request, cost, tell};
use anyhow::{Result, ensure};
use model::{SiteId, Timestamp};
use store::db::{Mode, Value};
use store::table::{CLAIMS, EVENTS, PAIRS, TALKS};
use store::verify::Expectation;
use store::{Place, Store, Tx};
use trust::tlog::{Algorithm, Ed25519Signer, NoteSigner as _};

const NOW: Timestamp = Timestamp::from_secs(1_794_823_200);
const ORIGIN: &str = "ward.example/bench";
/// Rows of a transaction.
const ROWS_PER_TX: u64 = 100;
/// Transactions made durable at once.
const TXS: u64 = 100;

pub(crate) fn verify(request: &Request) -> Result<()> {
    let (rounds, rows) = (request.number("rounds", 3), request.number("rows", 2_000_000));
    let signer = Ed25519Signer::from_seed(ORIGIN, Algorithm::Ed25519, &KEY)?;
    let place = Place::folder(&request.folder, KEY);
    let mut store = Store::open(place.clone(), NOW)?;
    let ((), filled) = cost::of(|| fill(&mut store, rows, &signer))?;
    tell("fill rows/s", rows as f64 / filled.wall_s);
    drop(store);
    tell("store MiB", cost::length(&request.folder.join("store.db")) / 1048576.0);
    let mut expectation = Expectation { origin: ORIGIN.into(), ..Expectation::default() };
    expectation.keys.push(signer.key().clone());
    for _ in 0..rounds {
        let mut db = place.connect(Mode::Reader)?;
        let (verified, ours) = cost::of(|| {
            db.begin()?;
            let verified = store::verify::verify(&mut db, &expectation, &mut |_, _| {})?;
            db.roll_back();
            Ok(verified)
        })?;
        ensure!(verified.lies.is_empty(), "it lies: {:?}", verified.lies);
        ensure!(verified.rows >= rows, "only {} rows were read", verified.rows);
        let ((), engine) = cost::of(|| check(&place))?;
        tell("verify rows", verified.rows as f64);
        tell("verify rows/s", verified.rows as f64 / ours.wall_s);
        tell("verify s", ours.wall_s);
        tell("verify cpu s", ours.cpu_s);
        tell("engine s", engine.wall_s);
        tell("verify to engine", ours.cpu_s / engine.cpu_s);
        tell("verify memory MiB", cost::memory()? / 1048576.0);
    }
    Ok(())
}

/// What the engine can check: codes of pages, and the order of trees.
fn check(place: &Place) -> Result<()> {
    let mut db = place.connect(Mode::Reader)?;
    let mut damaged = 0;
    db.query("PRAGMA cipher_integrity_check", &[], &mut |_| {
        damaged += 1;
        Ok(())
    })?;
    ensure!(damaged == 0, "{damaged} pages are damaged");
    let mut said = Vec::new();
    db.query("PRAGMA integrity_check", &[], &mut |row| {
        said.push(row.text(0)?.to_owned());
        Ok(())
    })?;
    ensure!(said == ["ok"], "integrity_check: {said:?}");
    Ok(())
}

/// Rows as a hospital leaves them: mostly talks, then events and claims.
fn fill(store: &mut Store, rows: u64, signer: &Ed25519Signer) -> Result<()> {
    let mut number = 0;
    while number < rows {
        let mut txs = Vec::new();
        for _ in 0..TXS {
            let mut tx = Tx::new(SiteId(1), "ward", "records", NOW).decided_by([3; 32]);
            for _ in 0..ROWS_PER_TX {
                put(store, &mut tx, number);
                number += 1;
            }
            txs.push(tx);
        }
        store.commit_all(&txs)?;
    }
    store.integrate(ORIGIN, signer, NOW)?;
    Ok(())
}

fn put(store: &mut Store, tx: &mut Tx, number: u64) {
    let at = NOW.as_nanos().cast_signed() + number.cast_signed() * 1_000_000;
    let endpoint = |of: u64| {
        Value::Text(format!("02:00:5e:{:02x}:{:02x}:{:02x}", of >> 16 & 255, of >> 8 & 255, of & 255))
    };
    let some =
        |bits: u32| Value::Int((number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)).cast_signed());
    match number % 20 {
        0 => {
            let id = store.next_id(&PAIRS);
            let cells =
                vec![endpoint(number), endpoint(number / 7), "hl7v2".into(), "tcp".into(), 2575i64.into()];
            tx.put(&PAIRS, id, cells);
        }
        1..=13 => {
            let id = store.next_id(&TALKS);
            let (pair, hour) = ((id / 24).into(), (497_000 + id % 24).into());
            let verbs = "{\"ORU^R01\":12,\"ACK\":12}".into();
            let cells = vec![pair, hour, 9i64.into(), some(12), some(12), some(20), some(20), some(6), verbs];
            tx.put(&TALKS, id, cells);
        }
        14..=17 => {
            let id = store.next_id(&EVENTS);
            let cells = vec![
                endpoint(number % 15_000),
                Value::Null,
                "lease".into(),
                "dhcpv4".into(),
                "10.4.18.22".into(),
                at.into(),
            ];
            tx.put(&EVENTS, id, cells);
        }
        _ => {
            let id = store.next_id(&CLAIMS);
            let cells = vec![
                endpoint(number % 15_000),
                "serial-number".into(),
                Value::Text(format!("SN-{number:08}")),
                "snmp".into(),
                90i64.into(),
                at.into(),
                Value::Null,
                at.into(),
                Value::Null,
            ];
            tx.put(&CLAIMS, id, cells);
        }
    }
}
