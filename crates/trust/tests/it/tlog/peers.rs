//! Implementations that others wrote (crates `tlog_tiles` and `signed_note`) read what we write, and we read what they write.

use super::shelf::{ORIGIN, Shelf, leaves, log_keys, log_signer, witness_keys, witness_signer};
use std::cell::RefCell;
use tlog_tiles as peer;
use trust::tlog::cosign::cosign;
use trust::tlog::{
    Checkpoint, Note, NoteSigner as _, Tile, TileReader, VerifierKey, verify_consistency, verify_inclusion,
};

/// Our stored tiles as the peer asks for them.
struct Served<'a>(&'a Shelf, RefCell<Vec<String>>);

impl peer::TileReader for Served<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[peer::Tile]) -> Result<Vec<Vec<u8>>, peer::Error> {
        let bytes = |tile: &peer::Tile| {
            // The peer's own spelling has the height of tiles before the level.
            let ours =
                Tile::new(tile.level(), tile.level_index(), u16::try_from(tile.width()).unwrap()).unwrap();
            assert_eq!(tile.path().replacen("tile/8/", "tile/", 1), ours.path());
            let stored =
                self.0.0.get(&(ours.level(), ours.index())).expect("the peer asks for what there is");
            stored[..usize::from(ours.width())].as_flattened().to_vec()
        };
        Ok(tiles.iter().map(bytes).collect())
    }

    fn save_tiles(&self, tiles: &[peer::Tile], _: &[Vec<u8>]) {
        self.1.borrow_mut().extend(tiles.iter().map(peer::Tile::path));
    }
}

#[test]
fn the_peer_recomputes_our_root_and_proves_from_our_tiles() {
    for size in [1_u64, 2, 255, 256, 257, 300, 1000, 70_000] {
        let all = leaves(size);
        let shelf = Shelf::of(&all);
        let mut ours = TileReader::new(&shelf, size);
        let root = ours.root().unwrap();
        let served = Served(&shelf, RefCell::default());
        let reader = peer::TileHashReader::new(size, peer::Hash(root), &served);
        assert_eq!(peer::tree_hash(size, &reader).unwrap().0, root, "{size} leaves");
        assert!(!served.1.borrow().is_empty(), "the peer authenticated the tiles that it read");

        for index in [0, size / 3, size / 2, size - 1] {
            let theirs = peer::prove_record(size, index, &reader).unwrap();
            let proof: Vec<_> = theirs.iter().map(|hash| hash.0).collect();
            assert_eq!(ours.inclusion_proof(index), Ok(proof.clone()), "leaf {index} of {size}");
            let leaf = all[usize::try_from(index).unwrap()];
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
            peer::check_record(&theirs, size, peer::Hash(root), index, peer::Hash(leaf)).unwrap();
        }
        for old in [1, size / 3, size / 2, size - 1, size].into_iter().filter(|old| *old > 0) {
            let old_root = ours.root_at(old).unwrap();
            let theirs = peer::prove_tree(size, old, &reader).unwrap();
            let proof: Vec<_> = theirs.iter().map(|hash| hash.0).collect();
            assert_eq!(ours.consistency_proof(old), Ok(proof.clone()), "{old} of {size}");
            assert_eq!(verify_consistency(old, size, &proof, &old_root, &root), Ok(()));
            peer::check_tree(&theirs, size, peer::Hash(root), old, peer::Hash(old_root)).unwrap();
        }
    }
}

#[test]
fn the_peer_refuses_a_proof_from_a_replaced_tile() {
    let all = leaves(1000);
    let mut shelf = Shelf::of(&all);
    let root = peer::Hash(TileReader::new(&shelf, 1000).root().unwrap());
    shelf.0.get_mut(&(0, 2)).unwrap()[9][0] ^= 1;
    let served = Served(&shelf, RefCell::default());
    let reader = peer::TileHashReader::new(1000, root, &served);
    // Leaf 520 needs its neighbour, the hash that was changed.
    let proved = peer::prove_record(1000, 520, &reader)
        .and_then(|proof| peer::check_record(&proof, 1000, root, 520, peer::Hash(all[520])));
    assert!(proved.is_err());
}

#[test]
fn hashes_agree() {
    for entry in [b"".as_slice(), b"\0", b"entry", &[7; 5000]] {
        let ours = trust::tlog::leaf_hash(entry);
        assert_eq!(peer::record_hash(entry).0, ours);
        assert_eq!(
            peer::node_hash(peer::Hash(ours), peer::Hash([3; 32])).0,
            trust::tlog::node_hash(&ours, &[3; 32])
        );
    }
}

#[test]
fn the_peer_opens_our_checkpoint() {
    let checkpoint = Checkpoint::new(ORIGIN, 7, [5; 32]).unwrap();
    let mut note = checkpoint.sign(&[&log_signer()]).unwrap();
    note.push(cosign(&checkpoint, &witness_signer(), 1_763_769_600).unwrap()).unwrap();
    let theirs = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
    let verifier = signed_note::StandardVerifier::new(&log_signer().key().to_string()).unwrap();
    let (verified, unverified) =
        theirs.verify(&signed_note::VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 1), "the cosigner is unknown to them and ignored");
    let read = peer::Checkpoint::from_bytes(theirs.text()).unwrap();
    assert_eq!((read.origin(), read.size(), read.hash().0), (ORIGIN, 7, [5; 32]));
    assert_eq!(read.to_bytes(), note.text().as_bytes());
}

/// The key pair is that of the documentation of golang.org/x/mod/sumdb/note, as crate `signed_note` 0.2.0 has it (BSD-3-Clause).
#[test]
fn we_open_what_the_peer_signs() {
    let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let key =
        VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    let signer = signed_note::StandardSigner::new(secret).unwrap();
    let text =
        peer::Checkpoint::new("peer.example", 20, peer::Hash([8; 32]), "an extension\n").unwrap().to_bytes();
    let mut theirs = signed_note::Note::new(&text, &[]).unwrap();
    theirs.add_sigs(&[&signer]).unwrap();
    let opened = Checkpoint::open(&theirs.to_bytes(), "peer.example", std::slice::from_ref(&key)).unwrap();
    assert_eq!((opened.checkpoint.size(), *opened.checkpoint.root()), (20, [8; 32]));
    assert_eq!(opened.checkpoint.extensions(), ["an extension"]);
    assert_eq!(opened.note.to_string().as_bytes(), theirs.to_bytes());
}

#[test]
fn both_refuse_the_same_notes() {
    let good = Checkpoint::new(ORIGIN, 7, [5; 32]).unwrap().sign(&[&log_signer()]).unwrap().to_string();
    let verifier = || signed_note::StandardVerifier::new(&log_signer().key().to_string()).unwrap();
    for at in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[at] ^= 1;
        let theirs = signed_note::Note::from_bytes(&changed).and_then(|note| {
            note.verify(&signed_note::VerifierList::new(vec![Box::new(verifier())])).map(|_| ())
        });
        let ours = Note::parse(&changed).and_then(|note| note.verify(&log_keys()).map(|_| ()));
        assert_eq!(ours.is_ok(), theirs.is_ok(), "byte {at}: {ours:?}, {theirs:?}");
    }
    assert!(witness_keys().iter().all(|key| signed_note::StandardVerifier::new(&key.to_string()).is_err()));
}
