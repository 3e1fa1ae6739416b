//! Other people's client reads our ledger over HTTP: crates tlog_tiles and signed_note (BSD-3-Clause, Cloudflare), which share
//! no code with ours.

use crate::http::Server;
use crate::memory_log::{MemoryLog, ORIGIN, entry};
use serve::Router;
use signed_note::{Note, StandardVerifier, VerifierList};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use tlog_tiles::tile::{Tile, TileHashReader, TileReader};
use tlog_tiles::tlog::{self, HashReader as _};

/// Fetches tiles over HTTP; each once.
struct HttpTiles {
    base: String,
    fetched: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl HttpTiles {
    fn new(server: &Server) -> Self {
        Self { base: format!("http://{}/ledger", server.address), fetched: RefCell::default() }
    }

    fn fetch(&self, path: &str) -> Vec<u8> {
        if let Some(known) = self.fetched.borrow().get(path) {
            return known.clone();
        }
        let bytes =
            ureq::get(format!("{}/{path}", self.base)).call().unwrap().body_mut().read_to_vec().unwrap();
        self.fetched.borrow_mut().insert(path.to_owned(), bytes.clone());
        bytes
    }

    /// The checkpoint, verified by signed_note.
    fn checkpoint(&self, vkey: &str) -> tlog_tiles::Checkpoint {
        let body =
            ureq::get(format!("{}/checkpoint", self.base)).call().unwrap().body_mut().read_to_vec().unwrap();
        let note = Note::from_bytes(&body).unwrap();
        let known = VerifierList::new(vec![Box::new(StandardVerifier::new(vkey).unwrap())]);
        let (verified, unverified) = note.verify(&known).unwrap();
        assert_eq!((verified.len(), unverified.len()), (1, 0));
        tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap()
    }
}

impl TileReader for HttpTiles {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog::Error> {
        // C2SP's paths leave out the height that Go's have.
        Ok(tiles.iter().map(|tile| self.fetch(&tile.path().replacen("tile/8/", "tile/", 1))).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn serve(log: &Arc<MemoryLog>) -> Server {
    Server::start(Router::new().nest("/ledger", serve::ledger::routes(log.clone())))
}

/// The entries of a bundle, by the standard's own words: length in two bytes, big-endian, then the entry.
fn entries(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let [high, low, rest @ ..] = bundle {
        let length = usize::from(*high) << 8 | usize::from(*low);
        entries.push(rest[..length].to_vec());
        bundle = &rest[length..];
    }
    entries
}

/// The root of the tree, recomputed from what the reader reads: it checks every tile against the signed root.
fn root(tiles: &HttpTiles, checkpoint: &tlog_tiles::Checkpoint) -> tlog::Hash {
    let reader = TileHashReader::new(checkpoint.size(), *checkpoint.hash(), tiles);
    tlog::tree_hash(checkpoint.size(), &reader).unwrap()
}

#[test]
fn every_entry_is_included_in_every_checkpoint() {
    const SIZE: u64 = 5000;
    let log = MemoryLog::new();
    log.publish((0..SIZE).map(entry));
    let server = serve(&log);
    let tiles = HttpTiles::new(&server);
    let checkpoint = tiles.checkpoint(&log.vkey());
    assert_eq!((checkpoint.origin(), checkpoint.size()), (ORIGIN, SIZE));
    assert_eq!(root(&tiles, &checkpoint), *checkpoint.hash());

    let reader = TileHashReader::new(SIZE, *checkpoint.hash(), &tiles);
    let mut read = 0;
    for bundle in 0..SIZE.div_ceil(256) {
        let width = (SIZE - bundle * 256).min(256);
        let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
        let found = entries(&tiles.fetch(&format!("tile/entries/{bundle:03}{partial}")));
        assert_eq!(found.len() as u64, width);
        for data in found {
            assert_eq!(data, entry(read));
            let proof = tlog::prove_record(SIZE, read, &reader).unwrap();
            let leaf = tlog::record_hash(&data);
            tlog::check_record(&proof, SIZE, *checkpoint.hash(), read, leaf).unwrap();
            read += 1;
        }
    }
    assert_eq!(read, SIZE);
}

#[test]
fn checkpoints_follow_from_each_other() {
    // Around the widths where tiles and levels begin.
    let sizes = [1, 2, 255, 256, 257, 511, 512, 3000, 65_535, 65_536, 65_537, 66_000];
    let log = MemoryLog::new();
    let server = serve(&log);
    let mut earlier: Vec<(u64, tlog::Hash)> = Vec::new();
    let mut published = 0;
    for size in sizes {
        log.publish((published..size).map(entry));
        published = size;
        // A new reader: partial tiles grow, and what was read for a smaller tree is not asked for again.
        let tiles = HttpTiles::new(&server);
        let checkpoint = tiles.checkpoint(&log.vkey());
        assert_eq!(checkpoint.size(), size);
        assert_eq!(root(&tiles, &checkpoint), *checkpoint.hash());
        let reader = TileHashReader::new(size, *checkpoint.hash(), &tiles);
        for (old_size, old_root) in &earlier {
            let proof = tlog::prove_tree(size, *old_size, &reader).unwrap();
            tlog::check_tree(&proof, size, *checkpoint.hash(), *old_size, *old_root).unwrap();
        }
        let last = reader.read_hashes(&[tlog::stored_hash_index(0, size - 1)]).unwrap();
        assert_eq!(last, [tlog::record_hash(&entry(size - 1))]);
        earlier.push((size, *checkpoint.hash()));
    }
}
