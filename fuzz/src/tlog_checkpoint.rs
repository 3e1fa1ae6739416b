//! Target: checkpoints of the ledger, bare and signed.

use trust::tlog::{Algorithm, Checkpoint, VerifierKey};

/// Must neither panic nor hang on any bytes; what it accepts is written back byte for byte, and nothing opens unsigned.
pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(checkpoint) = Checkpoint::parse(text)
    {
        assert_eq!(checkpoint.to_string(), text, "a checkpoint has one form");
        let again = Checkpoint::with_extensions(
            checkpoint.origin(),
            checkpoint.size(),
            *checkpoint.root(),
            checkpoint.extensions().to_vec(),
        );
        assert_eq!(again.as_ref(), Ok(&checkpoint), "what is read can be made");
    }
    for algorithm in [Algorithm::Ed25519, Algorithm::CosignatureV1] {
        // The private half of this key does not exist.
        let keys: Vec<VerifierKey> =
            VerifierKey::new("ledger.example", algorithm, [2; 32]).into_iter().collect();
        assert!(Checkpoint::open(data, "ledger.example", &keys).is_err(), "nobody can sign this");
    }
}
