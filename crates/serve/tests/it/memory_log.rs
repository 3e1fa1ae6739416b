//! A ledger in memory for the routes to serve.

use serve::Result;
use serve::ledger::LedgerPages;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use trust::tlog::entries::push_entry;
use trust::tlog::{Algorithm, Checkpoint, Ed25519Signer, NoteSigner as _, TileBuilder, leaf_hash};

pub const ORIGIN: &str = "ward.example/st-brannoc";

pub struct MemoryLog {
    signer: Ed25519Signer,
    grown: RwLock<Grown>,
}

#[derive(Default)]
struct Grown {
    builder: TileBuilder,
    entries: Vec<Vec<u8>>,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
    note: Option<String>,
}

impl MemoryLog {
    pub fn new() -> Arc<Self> {
        let signer = Ed25519Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[7; 32]).unwrap();
        Arc::new(Self { signer, grown: RwLock::default() })
    }

    pub fn vkey(&self) -> String {
        self.signer.key().to_string()
    }

    /// Appends `entries` and publishes a checkpoint.
    pub fn publish(&self, entries: impl IntoIterator<Item = Vec<u8>>) {
        let mut grown = self.grown.write().unwrap();
        let entries: Vec<_> = entries.into_iter().collect();
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        for tile in grown.builder.append(&leaves).unwrap() {
            grown.tiles.insert((tile.tile.level(), tile.tile.index()), tile.hashes.concat());
        }
        grown.entries.extend(entries);
        let checkpoint = Checkpoint::new(ORIGIN, grown.builder.size(), grown.builder.root()).unwrap();
        grown.note = Some(checkpoint.sign(&[&self.signer]).unwrap().to_string());
    }
}

/// An entry as long as a ledger's leaf is, give or take.
pub fn entry(number: u64) -> Vec<u8> {
    format!("{{\"leaf\":{number},\"actor\":\"sensor\",\"cause\":\"record\",\"pad\":\"{:>64}\"}}", number * 17)
        .into_bytes()
}

impl LedgerPages for MemoryLog {
    fn checkpoint(&self) -> Result<Option<String>> {
        Ok(self.grown.read().unwrap().note.clone())
    }

    fn tile(&self, level: u8, number: u64, width: u16) -> Result<Option<Vec<u8>>> {
        let grown = self.grown.read().unwrap();
        let tile = grown.tiles.get(&(level, number));
        Ok(tile.and_then(|hashes| hashes.get(..usize::from(width) * 32)).map(<[u8]>::to_vec))
    }

    fn entries(&self, number: u64, width: u16) -> Result<Option<Vec<u8>>> {
        let grown = self.grown.read().unwrap();
        let Some(first) = usize::try_from(number).ok().and_then(|number| number.checked_mul(256)) else {
            return Ok(None);
        };
        let Some(entries) = grown.entries.get(first..).and_then(|rest| rest.get(..width.into())) else {
            return Ok(None);
        };
        let mut bundle = Vec::new();
        entries.iter().for_each(|entry| push_entry(&mut bundle, entry).unwrap());
        Ok(Some(bundle))
    }
}
