//! A log's side of witnessing: what it sends to a witness, and what the answer is worth.
//!
//! It must not retry or remember: it says what the answer means. C2SP tlog-witness, add-checkpoint.

use super::checkpoint::Checkpoint;
use super::decimal;
use super::error::{Error, quote};
use super::hash::{Hash, to_base64};
use super::key::{Algorithm, VerifierKey};
use super::note::{Note, Signature};
use super::tree::LEAVES_MAX;
use super::witness::{PROOF_LINES_MAX, TYPE_SIZE};

/// Bytes of the largest answer that is read.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What a witness's answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Cosigned: verified signatures to add to the checkpoint's note.
    Cosigned(Vec<Signature>),
    /// 409: the witness last cosigned this size. Ask again with a proof from it. A size over our own means that the witness
    /// saw a longer tree of ours: we lost leaves, or someone else signs with our key.
    Latest {
        /// Leaves of the head last cosigned.
        size: u64,
    },
    /// Any other answer. 404 and 403 are for the operators to settle; 422 says that our tree does not follow from the one
    /// that the witness saw.
    Refused {
        /// HTTP status.
        status: u16,
        /// What the witness said, capped and escaped.
        why: String,
    },
}

/// The body of an add-checkpoint request. `old_size` is what the witness last cosigned (0 if unknown), `proof` the consistency
/// proof from it, empty for 0.
pub fn request(old_size: u64, proof: &[Hash], note: &Note) -> Result<String, Error> {
    if proof.len() > PROOF_LINES_MAX {
        return Err(Error::too_large("consistency proof", proof.len(), PROOF_LINES_MAX, "hashes"));
    }
    let lines: String = proof.iter().map(|hash| format!("{}\n", to_base64(hash))).collect();
    Ok(format!("old {old_size}\n{lines}\n{note}"))
}

/// Reads a witness's answer to a request for `checkpoint`. `keys` are that witness's; other cosignatures are ignored, and so
/// are those without a time. A 200 without any that verifies is an error.
pub fn read_answer(
    status: u16,
    content_type: &str,
    body: &[u8],
    checkpoint: &Checkpoint,
    keys: &[VerifierKey],
) -> Result<Answer, Error> {
    if body.len() > ANSWER_BYTES_MAX {
        return Err(Error::too_large("witness's answer", body.len(), ANSWER_BYTES_MAX, "bytes"));
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match (status, latest_size(text)) {
        (200, _) => cosignatures(text, checkpoint, keys).map(Answer::Cosigned),
        (409, Some(size)) if media_type.eq_ignore_ascii_case(TYPE_SIZE) => Ok(Answer::Latest { size }),
        _ => Ok(Answer::Refused { status, why: quote(body.trim_ascii()) }),
    }
}

fn latest_size(text: &str) -> Option<u64> {
    decimal::parse(text.strip_suffix('\n')?, LEAVES_MAX)
}

fn cosignatures(lines: &str, checkpoint: &Checkpoint, keys: &[VerifierKey]) -> Result<Vec<Signature>, Error> {
    let cosigners: Vec<VerifierKey> =
        keys.iter().filter(|key| key.algorithm() == Algorithm::CosignatureV1).cloned().collect();
    let mut note = Note::new(checkpoint.to_string())?;
    Signature::parse_lines(lines)?.into_iter().try_for_each(|signature| note.push(signature))?;
    let verified = note.verify(&cosigners)?;
    let timed = verified.iter().filter(|verified| verified.time_s.is_some_and(|time_s| time_s > 0));
    let signatures: Vec<Signature> = timed.map(|verified| verified.signature.clone()).collect();
    if signatures.is_empty() {
        return Err(Error::Unsigned { signatures: note.signatures().len() });
    }
    Ok(signatures)
}
