//! What can go wrong with a ledger's bytes, by who erred. Nothing here is retryable but [`Error::Signer`].

use thiserror::Error;

/// Characters of an offending input that a message quotes.
const QUOTED_CHARS_MAX: usize = 64;

/// Why something of a ledger was not read, not believed or not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// The other side sent what the format does not allow. Not retryable with the same bytes.
    #[error("{what} is malformed: {why}: \"{quoted}\"")]
    Malformed {
        /// What was being read: "checkpoint", "tile path".
        what: &'static str,
        /// The rule that it breaks.
        why: &'static str,
        /// The offending part, capped; control characters escaped.
        quoted: String,
    },
    /// Something is larger than its bound. The other side's fault, or a bound to raise.
    #[error("{what} has {found} {unit}, at most {max} are read")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// How large it is, at least.
        found: u64,
        /// Its bound.
        max: u64,
        /// The unit of both.
        unit: &'static str,
    },
    /// A signature claims a key that we know and does not verify: the note is forged or damaged.
    #[error("the signature by \"{key}\" does not verify: the note is forged or damaged")]
    Signature {
        /// The key's name, capped.
        key: String,
    },
    /// No signature is by a key that we know. The operator may need to configure the key.
    #[error(
        "none of the {signatures} signatures is by a known key: add the signer's key, or do not trust the note"
    )]
    Unsigned {
        /// How many there are.
        signatures: usize,
    },
    /// A signed checkpoint of another log than the one asked for.
    #[error("the checkpoint is of \"{found}\", expected \"{expected}\"")]
    Origin {
        /// The origin that it names, capped.
        found: String,
        /// The origin that was asked for, capped.
        expected: String,
    },
    /// A proof does not prove what it says: the log or whoever relays it lies, or the proof is damaged.
    #[error("the {proof} proof does not hold: {why}")]
    Proof {
        /// "inclusion" or "consistency".
        proof: &'static str,
        /// What does not fit.
        why: &'static str,
    },
    /// The caller asks for what does not exist in a tree of that size.
    #[error("{what} {asked} is not in a tree of {size} leaves")]
    OutOfTree {
        /// What was asked for: "leaf", "size".
        what: &'static str,
        /// Which.
        asked: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A stored tile is not what the tree needs: storage is damaged. Tiles can be rebuilt from the leaves.
    #[error("{path} holds {found} hashes, {needed} are needed: rebuild the tiles from the leaves")]
    Tile {
        /// Its path.
        path: String,
        /// Hashes found.
        found: usize,
        /// Hashes needed.
        needed: usize,
    },
    /// We cannot sign: the key is unusable or its device does not answer. Retryable where the key is in a device.
    #[error("cannot sign as \"{key}\": {why}")]
    Signer {
        /// The key's name, capped.
        key: String,
        /// What the signer said.
        why: String,
    },
}

impl Error {
    /// Something is malformed; `input` is quoted, capped.
    pub(crate) fn malformed(what: &'static str, why: &'static str, input: impl AsRef<[u8]>) -> Self {
        Self::Malformed { what, why, quoted: quote(input.as_ref()) }
    }

    pub(crate) fn too_large(what: &'static str, found: usize, max: usize, unit: &'static str) -> Self {
        Self::TooLarge { what, found: found as u64, max: max as u64, unit }
    }

    pub(crate) fn proof(proof: &'static str, why: &'static str) -> Self {
        Self::Proof { proof, why }
    }
}

/// The start of an input, fit for one line of a log.
pub(crate) fn quote(input: &[u8]) -> String {
    let head = input.get(..QUOTED_CHARS_MAX * 4).unwrap_or(input);
    let text = String::from_utf8_lossy(head);
    let mut quoted: String = text.chars().take(QUOTED_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() || head.len() < input.len() {
        quoted.push('…');
    }
    quoted
}
