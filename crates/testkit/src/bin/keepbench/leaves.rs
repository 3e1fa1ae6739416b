//! The leaf sequencer alone, beside the least that anything durable and signed costs: a plain file, one flush a batch.

use crate::{KEY, Request, cost, tell};
use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::signature::Ed25519KeyPair;
use model::{SiteId, Timestamp};
use std::fs::File;
use std::io::Write as _;
use store::{Place, Store, Tx};
use trust::tlog::{Algorithm, Ed25519Signer};

/// Leaves of a batch.
const BATCH: usize = 1_000;
/// Bytes of a leaf.
const LEAF_BYTES: usize = 256;
const NOW: Timestamp = Timestamp::from_secs(1_794_823_200);
const ORIGIN: &str = "ward.example/bench";

pub(crate) fn leaves(request: &Request) -> Result<()> {
    let (rounds, batches) = (request.number("rounds", 3), request.number("batches", 300));
    let signer = Ed25519Signer::from_seed(ORIGIN, Algorithm::Ed25519, &KEY)?;
    let mut store = Store::open(Place::folder(&request.folder, KEY), NOW)?;
    let cause = "x".repeat(LEAF_BYTES - 84);
    for _ in 0..rounds {
        let ((), floor) = cost::of(|| self::floor(request, batches))?;
        let before = store.leaves();
        let ((), kept) = cost::of(|| {
            for _ in 0..batches {
                let tx = || Tx::new(SiteId(1), "x", &cause, NOW);
                store.commit_all(&std::iter::repeat_with(tx).take(BATCH).collect::<Vec<_>>())?;
                store.integrate(ORIGIN, &signer, NOW)?;
            }
            Ok(())
        })?;
        anyhow::ensure!(store.leaves() - before == batches * BATCH as u64, "leaves are missing");
        let leaves = (batches * BATCH as u64) as f64;
        for (name, cost) in [("floor", floor), ("leaves", kept)] {
            tell(&format!("{name}/s"), leaves / cost.wall_s);
            tell(&format!("{name} cpu us"), cost.cpu_s * 1e6 / leaves);
            tell(&format!("{name} bytes"), cost.written / leaves);
        }
        tell("leaves to floor", floor.wall_s / kept.wall_s);
    }
    let bytes = store.db().number("SELECT CAST(avg(length(data)) AS BIGINT) FROM leaves", &[])?;
    tell("leaf bytes", bytes.unwrap_or(0) as f64);
    Ok(())
}

/// Leaf hash and right edge of a tree a leaf; a signature, a write and a flush a batch.
fn floor(request: &Request, batches: u64) -> Result<()> {
    let path = request.folder.join("floor.bin");
    let mut file = File::create(&path)?;
    let key = Ed25519KeyPair::generate().context("an Ed25519 key")?;
    let mut edge: Vec<[u8; 32]> = Vec::new();
    let mut written = Vec::with_capacity(BATCH * LEAF_BYTES);
    let mut data = [7u8; LEAF_BYTES];
    for index in 0..batches * BATCH as u64 {
        data[..8].copy_from_slice(&index.to_le_bytes());
        written.extend_from_slice(&data);
        let mut hash = hashed(&[&[0], &data])?;
        for _ in 0..index.trailing_ones() {
            hash = hashed(&[&[1], &edge.pop().context("an edge")?, &hash])?;
        }
        edge.push(hash);
        if written.len() >= BATCH * LEAF_BYTES {
            std::hint::black_box(key.sign(&hash));
            file.write_all(&written)?;
            file.sync_data()?;
            written.clear();
        }
    }
    drop(file);
    Ok(std::fs::remove_file(path)?)
}

fn hashed(parts: &[&[u8]]) -> Result<[u8; 32]> {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().context("32 bytes")
}
