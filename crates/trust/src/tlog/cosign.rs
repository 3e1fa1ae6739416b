//! Cosignatures: a witness's word that at a time it had seen a checkpoint, and nothing that contradicts it.
//!
//! It must not check consistency: `witness` does, before it asks for one. C2SP tlog-cosignature, Ed25519 (v1).

use super::checkpoint::Checkpoint;
use super::error::Error;
use super::key::{Algorithm, NoteSigner, VerifierKey};
use super::note::Signature;

/// Latest time that the standard can write: seconds since 1970.
const TIME_S_MAX: u64 = i64::MAX as u64;

/// Cosigns a checkpoint at a time in seconds since 1970, which is not zero.
pub fn cosign(checkpoint: &Checkpoint, signer: &dyn NoteSigner, time_s: u64) -> Result<Signature, Error> {
    let key = signer.key();
    let refuse = |why: &str| Error::Signer { key: key.name().to_owned(), why: why.to_owned() };
    if key.algorithm() != Algorithm::CosignatureV1 {
        return Err(refuse("it is a log's key, not a cosigner's"));
    }
    if !(1..=TIME_S_MAX).contains(&time_s) {
        return Err(refuse("the clock is not set: a cosignature needs the time"));
    }
    let signature = signer.sign(&message(&checkpoint.to_string(), time_s))?;
    Ok(Signature::new(key, [time_s.to_be_bytes().as_slice(), &signature].concat()))
}

/// Verifies a timestamped signature (eight bytes of time, big-endian, then Ed25519) over a checkpoint's text; its time.
pub(crate) fn verify(text: &str, key: &VerifierKey, bytes: &[u8]) -> Result<u64, Error> {
    let (time, signature) = bytes.split_first_chunk().ok_or_else(|| key.forged())?;
    let time_s = u64::from_be_bytes(*time);
    if time_s > TIME_S_MAX {
        return Err(key.forged());
    }
    key.signed(&message(text, time_s), signature)?;
    Ok(time_s)
}

/// What is signed: the header separates it from all that the same key might sign otherwise.
fn message(text: &str, time_s: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_s}\n{text}").into_bytes()
}
