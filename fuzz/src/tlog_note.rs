//! Target: signed notes, verifier keys, frontiers and entry bundles of the ledger.

use trust::tlog::entries::{parse_bundle, push_entry};
use trust::tlog::{Frontier, Note, Signature, VerifierKey};

/// Must neither panic nor hang on any bytes; what it accepts is written back byte for byte.
pub fn run(data: &[u8]) {
    if let Ok(note) = Note::parse(data) {
        assert_eq!(note.to_string().as_bytes(), data, "a note has one form");
        assert!(!note.signatures().is_empty(), "a note is signed");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(key) = VerifierKey::parse(text) {
            assert_eq!(key.to_string(), text, "a key has one form");
            if let Ok(note) = Note::parse(data) {
                let _ = note.verify(&[key]);
            }
        }
        if let Ok(signatures) = Signature::parse_lines(text) {
            assert_eq!(signatures.iter().map(ToString::to_string).collect::<String>(), text);
        }
    }
    if let Ok(frontier) = Frontier::from_bytes(data) {
        assert_eq!(frontier.to_bytes(), data, "an edge has one form");
        let _ = frontier.root();
    }
    if let Ok(entries) = parse_bundle(data) {
        let mut bundle = Vec::new();
        assert!(entries.iter().all(|entry| push_entry(&mut bundle, entry).is_ok()), "what was read fits");
        assert_eq!(bundle, data, "a bundle has one form");
    }
}
