//! Cosignatures: about one text, at one time, by one key.

use super::shelf::{ORIGIN, leaves, log_keys, log_signer, root_by_definition, witness_keys, witness_signer};
use trust::tlog::cosign::cosign;
use trust::tlog::{Checkpoint, Error, NoteSigner as _, VerifierKey, leaf_hash};

const NOW_S: u64 = 1_763_769_600;

#[test]
fn a_cosignature_says_when() {
    let checkpoint = Checkpoint::new(ORIGIN, 7, leaf_hash(b"x")).unwrap();
    let mut note = checkpoint.sign(&[&log_signer()]).unwrap();
    note.push(cosign(&checkpoint, &witness_signer(), NOW_S).unwrap()).unwrap();
    let keys = [log_keys(), witness_keys()].concat();
    let verified = note.verify(&keys).unwrap();
    let by: Vec<_> = verified.iter().map(|by| (by.key.name(), by.time_s)).collect();
    assert_eq!(by, [(ORIGIN, None), ("witness.example/w1", Some(NOW_S))]);
    let cosignature = note.signatures()[1].bytes();
    assert_eq!(cosignature.len(), 8 + 64);
    assert_eq!(cosignature[..8], NOW_S.to_be_bytes());
}

/// The signed message, spelled out; C2SP tlog-cosignature, "Ed25519 signed message".
#[test]
fn the_message_is_the_standards() {
    let checkpoint = Checkpoint::new(ORIGIN, 7, leaf_hash(b"x")).unwrap();
    let cosignature = cosign(&checkpoint, &witness_signer(), NOW_S).unwrap();
    let message = format!("cosignature/v1\ntime 1763769600\n{checkpoint}");
    assert_eq!(cosignature.bytes()[8..], witness_signer().sign(message.as_bytes()).unwrap());
}

#[test]
fn another_time_or_text_is_a_forgery() {
    let checkpoint = Checkpoint::new(ORIGIN, 7, leaf_hash(b"x")).unwrap();
    let other = Checkpoint::new(ORIGIN, 8, leaf_hash(b"x")).unwrap();
    let cosignature = cosign(&checkpoint, &witness_signer(), NOW_S).unwrap();
    let mut note = other.sign(&[&log_signer()]).unwrap();
    note.push(cosignature).unwrap();
    assert!(matches!(note.verify(&witness_keys()), Err(Error::Signature { .. })));
    assert_eq!(
        note.verify(&log_keys()).unwrap().len(),
        1,
        "to whom the witness is unknown, the log's word stands"
    );
}

/// What docs/operate/ledger.md shows is true: the tree of 300 leaves, each the eight bytes of its number, big-endian.
#[test]
fn the_page_shows_a_checkpoint_that_verifies() {
    let page = include_str!("../../../../../docs/operate/ledger.md");
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).expect("the page has the example");
        rest.split_once("```").unwrap().0
    };
    let keys: Vec<_> = block("vkeys").lines().map(|line| VerifierKey::parse(line).unwrap()).collect();
    assert_eq!(keys, [log_keys(), witness_keys()].concat());
    let opened = Checkpoint::open(block("checkpoint").as_bytes(), ORIGIN, &keys).unwrap();
    assert_eq!(*opened.checkpoint.root(), root_by_definition(&leaves(300)));
    let times: Vec<_> = opened.note.verify(&keys).unwrap().iter().map(|by| by.time_s).collect();
    assert_eq!(times, [None, Some(NOW_S)]);
}

#[test]
fn nothing_is_cosigned_without_a_time_or_by_a_logs_key() {
    let checkpoint = Checkpoint::new(ORIGIN, 7, leaf_hash(b"x")).unwrap();
    assert!(matches!(cosign(&checkpoint, &witness_signer(), 0), Err(Error::Signer { .. })));
    assert!(matches!(cosign(&checkpoint, &witness_signer(), u64::MAX), Err(Error::Signer { .. })));
    assert!(matches!(cosign(&checkpoint, &log_signer(), NOW_S), Err(Error::Signer { .. })));
}
