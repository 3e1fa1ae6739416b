//! A witness's judgement: given what a log submits and the last head cosigned for it, cosign or refuse.
//!
//! It must not remember: the caller reads the last head and persists the new one in one transaction, before it answers.
//! C2SP tlog-witness, add-checkpoint.

use super::checkpoint::Checkpoint;
use super::cosign::cosign;
use super::decimal;
use super::error::Error;
use super::hash::{EMPTY_ROOT, Hash, from_base64};
use super::key::{NoteSigner, VerifierKey};
use super::note::{NOTE_BYTES_MAX, Note};
use super::proof::verify_consistency;
use super::tree::LEAVES_MAX;
use aws_lc_rs::digest::{SHA256, digest};

/// Hashes of the longest proof that may be submitted.
pub const PROOF_LINES_MAX: usize = 63;
/// Bytes of the largest request that is read: the size line, the proof, a note.
pub const REQUEST_BYTES_MAX: usize = 64 + PROOF_LINES_MAX * 45 + NOTE_BYTES_MAX;
/// Content type of the body of a 409: a tree size in decimal.
pub const TYPE_SIZE: &str = "text/x.tlog.size";
/// Content type of all other answers.
pub const TYPE_TEXT: &str = "text/plain; charset=utf-8";

const WHAT: &str = "add-checkpoint request";

/// A request to cosign, read and not yet judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    checkpoint: Checkpoint,
    note: Note,
}

/// A log that the witness is configured to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLog {
    /// The origin in its checkpoints.
    pub origin: String,
    /// The keys that may sign them; one suffices.
    pub keys: Vec<VerifierKey>,
}

/// The head of a log as last cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Leaves.
    pub size: u64,
    /// Root hash.
    pub root: Hash,
}

/// What the witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// 200. The new head must be durable before `body` is sent.
    Cosign(Box<Cosigned>),
    /// Any other status. Nothing changes.
    Refuse(Refusal),
}

/// What to persist, then to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Of which log.
    pub origin: String,
    /// Replaces the head that was passed in, if that is still the stored one; otherwise judge again.
    pub head: Head,
    /// The checkpoint with the log's and our signatures, for `<origin hash>/checkpoint`.
    pub note: Note,
    /// Body of the 200: our signature lines.
    pub body: String,
}

/// A request refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 400, 403, 404, 409 or 422.
    pub status: u16,
    /// [`TYPE_SIZE`] for a 409, else [`TYPE_TEXT`].
    pub content_type: &'static str,
    /// For a 409 the size of the last head cosigned, else a sentence for the log's operator.
    pub body: String,
}

impl AddCheckpoint {
    /// Reads a request's body. What cannot be read is refused with 400.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        Self::read(body).map_err(|error| Refusal::because(400, &error.to_string()))
    }

    fn read(body: &[u8]) -> Result<Self, Error> {
        if body.len() > REQUEST_BYTES_MAX {
            return Err(Error::too_large(WHAT, body.len(), REQUEST_BYTES_MAX, "bytes"));
        }
        let malformed = |why| Error::malformed(WHAT, why, body);
        let text = std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?;
        let (head, note) =
            text.split_once("\n\n").ok_or_else(|| malformed("no blank line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size = old.and_then(|size| decimal::parse(size, LEAVES_MAX));
        let old_size = old_size.ok_or_else(|| malformed("its first line is not \"old\" and a tree size"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_LINES_MAX {
                return Err(Error::too_large(WHAT, PROOF_LINES_MAX + 1, PROOF_LINES_MAX, "proof lines"));
            }
            proof.push(from_base64(line).ok_or_else(|| malformed("a proof line is not a hash in base64"))?);
        }
        let note = Note::parse(note.as_bytes())?;
        Ok(Self { old_size, proof, checkpoint: Checkpoint::parse(note.text())?, note })
    }

    /// The log that the checkpoint names: whose keys and last head to look up. Not yet verified.
    pub fn origin(&self) -> &str {
        self.checkpoint.origin()
    }

    /// Cosigns or refuses.
    ///
    /// `log` is the configured log of this origin, `latest` the head last cosigned for it (`None` before the first), `now_s`
    /// the time in seconds since 1970. `Err` is for signers that fail: answer 500, nothing changes.
    ///
    /// Commit point: the caller's transaction that replaces `latest` by [`Cosigned::head`]. A crash before it: nothing was
    /// answered and nothing changed. After it, the log may miss its answer; it asks again and learns the size by a 409.
    pub fn decide(
        &self,
        log: Option<&KnownLog>,
        latest: Option<&Head>,
        signers: &[&dyn NoteSigner],
        now_s: u64,
    ) -> Result<Outcome, Error> {
        match self.check(log, latest) {
            Err(refusal) => Ok(Outcome::Refuse(refusal)),
            Ok(note) => self.cosign(note, signers, now_s),
        }
    }

    /// The checkpoint with the log's verified signatures, or why it is refused, in the order of the standard.
    fn check(&self, log: Option<&KnownLog>, latest: Option<&Head>) -> Result<Note, Refusal> {
        let Some(log) = log.filter(|log| log.origin == self.origin()) else {
            return Err(Refusal::because(404, "this witness does not know the origin of the checkpoint"));
        };
        let note = self.signed_by(log).map_err(|error| Refusal::because(403, &error.to_string()))?;
        if self.old_size > self.checkpoint.size() {
            return Err(Refusal::because(400, "the old size is larger than the checkpoint's"));
        }
        let latest_size = latest.map_or(0, |head| head.size);
        if self.old_size != latest_size {
            return Err(Refusal { status: 409, content_type: TYPE_SIZE, body: format!("{latest_size}\n") });
        }
        self.follows(latest).map_err(|error| Refusal::because(422, &error.to_string()))?;
        Ok(note)
    }

    fn signed_by(&self, log: &KnownLog) -> Result<Note, Error> {
        let mut note = Note::new(self.note.text().to_owned())?;
        for verified in self.note.verify(&log.keys)? {
            note.push(verified.signature.clone())?;
        }
        Ok(note)
    }

    /// Whether the checkpoint is the last head, grown.
    fn follows(&self, latest: Option<&Head>) -> Result<(), Error> {
        let (size, root) = (self.checkpoint.size(), self.checkpoint.root());
        if size == 0 && *root != EMPTY_ROOT {
            return Err(Error::proof("consistency", "the root is not that of the empty tree"));
        }
        match latest.filter(|head| head.size > 0) {
            Some(head) => verify_consistency(head.size, size, &self.proof, &head.root, root),
            None if self.proof.is_empty() => Ok(()),
            None => Err(Error::proof("consistency", "an old size of zero needs none")),
        }
    }

    fn cosign(&self, mut note: Note, signers: &[&dyn NoteSigner], now_s: u64) -> Result<Outcome, Error> {
        let mut body = String::new();
        for signer in signers {
            let cosignature = cosign(&self.checkpoint, *signer, now_s)?;
            body.push_str(&cosignature.to_string());
            note.push(cosignature)?;
        }
        let head = Head { size: self.checkpoint.size(), root: *self.checkpoint.root() };
        Ok(Outcome::Cosign(Box::new(Cosigned { origin: self.origin().to_owned(), head, note, body })))
    }
}

impl Refusal {
    fn because(status: u16, why: &str) -> Self {
        Self { status, content_type: TYPE_TEXT, body: format!("{why}\n") }
    }
}

/// What stands for a log in `<monitoring prefix>/<origin hash>/checkpoint`: SHA-256 of its origin in lowercase hex.
pub fn origin_hash(origin: &str) -> String {
    digest(&SHA256, origin.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
