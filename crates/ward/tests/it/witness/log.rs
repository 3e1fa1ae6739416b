//! A log in memory that can be grown, forked and asked for proofs.

use std::collections::BTreeMap;
use trust::tlog::submit::request;
use trust::tlog::{
    Algorithm, Checkpoint, Ed25519Signer, Error, Hash, KnownLog, NoteSigner as _, Opened, TileBuilder,
    TileReader, TileSource, leaf_hash,
};
use ward::witness::Proofs;

pub const ORIGIN: &str = "ward.example/st-brannoc";

pub struct Log {
    signer: Ed25519Signer,
    builder: TileBuilder,
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl Log {
    pub fn new() -> Self {
        Self::named(ORIGIN, 1)
    }

    pub fn named(origin: &str, seed: u8) -> Self {
        let signer = Ed25519Signer::from_seed(origin, Algorithm::Ed25519, &[seed; 32]).unwrap();
        Self { signer, builder: TileBuilder::default(), tiles: BTreeMap::new() }
    }

    /// A log of this many leaves of one history: two logs of the same history agree as far as both go.
    pub fn of(history: &str, size: u64) -> Self {
        let mut log = Self::new();
        log.grow(history, size);
        log
    }

    pub fn grow(&mut self, history: &str, size: u64) -> &mut Self {
        let leaves: Vec<_> =
            (self.size()..size).map(|n| leaf_hash(format!("{history} {n}").as_bytes())).collect();
        for tile in self.builder.append(&leaves).unwrap() {
            self.tiles.insert((tile.tile.level(), tile.tile.index()), tile.hashes);
        }
        self
    }

    pub fn size(&self) -> u64 {
        self.builder.size()
    }

    pub fn vkey(&self) -> String {
        self.signer.key().to_string()
    }

    pub fn known(&self) -> KnownLog {
        KnownLog { origin: self.signer.key().name().to_owned(), keys: vec![self.signer.key().clone()] }
    }

    /// Its head, signed.
    pub fn checkpoint(&self) -> Opened {
        let origin = self.signer.key().name();
        let checkpoint = Checkpoint::new(origin, self.size(), self.builder.root()).unwrap();
        let note = checkpoint.sign(&[&self.signer]).unwrap();
        Opened { checkpoint, note }
    }

    /// The body of a request that says that the witness last cosigned `old_size`, with the proof from it.
    pub fn request(&self, old_size: u64) -> String {
        let proof = match old_size {
            0 => Vec::new(),
            old_size if old_size >= self.size() => Vec::new(),
            old_size => self.consistency(old_size, self.size()).unwrap(),
        };
        request(old_size, &proof, &self.checkpoint().note).unwrap()
    }
}

impl TileSource for Log {
    type Error = Error;

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, Error> {
        let tile = self.tiles.get(&(level, index)).map_or(&[][..], Vec::as_slice);
        Ok(tile.get(..width.into()).unwrap_or_default().to_vec())
    }
}

impl Proofs for Log {
    fn consistency(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, String> {
        assert!(0 < old_size && old_size < size, "{old_size} {size}");
        TileReader::new(self, size).consistency_proof(old_size).map_err(|error| error.to_string())
    }
}
