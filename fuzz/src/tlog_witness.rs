//! Target: what logs send to a witness, and what witnesses answer.

use trust::tlog::witness::PROOF_LINES_MAX;
use trust::tlog::{
    AddCheckpoint, Algorithm, Checkpoint, EMPTY_ROOT, KnownLog, Outcome, VerifierKey, read_answer,
};

/// Statuses of the standard.
const REFUSALS: [u16; 5] = [400, 403, 404, 409, 422];

/// Must neither panic nor hang on any bytes, and must never cosign what the log did not sign.
pub fn run(data: &[u8]) {
    // The private half of this key does not exist.
    let keys: Vec<VerifierKey> =
        VerifierKey::new("ledger.example", Algorithm::Ed25519, [2; 32]).into_iter().collect();
    match AddCheckpoint::parse(data) {
        Err(refusal) => assert_eq!(refusal.status, 400, "unreadable"),
        Ok(request) => {
            let log = KnownLog { origin: request.origin().to_owned(), keys: keys.clone() };
            let outcome = request.decide(Some(&log), None, &[], 1);
            let refused =
                matches!(&outcome, Ok(Outcome::Refuse(refusal)) if REFUSALS.contains(&refusal.status));
            assert!(refused, "{outcome:?}");
            assert!(data.iter().filter(|byte| **byte == b'\n').count() >= 6, "six lines at least");
        }
    }
    if let Ok(checkpoint) = Checkpoint::new("ledger.example", 0, EMPTY_ROOT) {
        assert!(read_answer(200, "", data, &checkpoint, &keys).is_err(), "nobody can sign this");
        let _ = read_answer(409, "text/x.tlog.size", data, &checkpoint, &keys);
    }
    const { assert!(PROOF_LINES_MAX == 63, "the standard's") };
}
