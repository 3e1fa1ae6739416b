//! Checkpoints: which log, how many leaves, which root; the text of a signed note.
//!
//! It must not decide whether a checkpoint follows from an earlier one: see `proof` and `witness`. C2SP tlog-checkpoint.

use super::decimal;
use super::error::{Error, quote};
use super::hash::{self, Hash};
use super::key::{NoteSigner, VerifierKey};
use super::note::{NOTE_BYTES_MAX, Note};
use super::tree::LEAVES_MAX;
use std::fmt;

/// Bytes of the longest origin that is read: what C2SP tlog-cosignature can sign.
pub const ORIGIN_BYTES_MAX: usize = 255;
/// Extension lines of the checkpoint with the most that is read.
pub const EXTENSIONS_MAX: usize = 64;

const WHAT: &str = "checkpoint";

/// The head of a log. Its text is one line each for origin, size, root in base64, and any extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    // INVARIANT: every line is non-empty and free of control characters; size at most LEAVES_MAX.
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// A checkpoint whose log signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The note that it came in, with all signatures.
    pub note: Note,
}

impl Checkpoint {
    /// A checkpoint without extensions.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, Error> {
        Self::with_extensions(origin, size, root, Vec::new())
    }

    /// A checkpoint with extension lines. The standard advises against them: nobody audits them.
    pub fn with_extensions(
        origin: &str,
        size: u64,
        root: Hash,
        extensions: Vec<String>,
    ) -> Result<Self, Error> {
        if size > LEAVES_MAX {
            return Err(Error::OutOfTree { what: "size", asked: size, size: LEAVES_MAX });
        }
        let checkpoint = Self { origin: origin.to_owned(), size, root, extensions };
        // What reads back the same has no empty lines, no line breaks inside lines and nothing over its bound.
        match Self::parse(&checkpoint.to_string())? {
            parsed if parsed == checkpoint => Ok(checkpoint),
            _ => Err(Error::malformed(WHAT, "a line has a line break inside", origin)),
        }
    }

    /// Reads the text of a note.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(Error::too_large(WHAT, text.len(), NOTE_BYTES_MAX, "bytes"));
        }
        let malformed = |why| Error::malformed(WHAT, why, text);
        if text.chars().any(|character| character < ' ' && character != '\n') {
            return Err(malformed("it has control characters"));
        }
        let body = text.strip_suffix('\n').ok_or_else(|| malformed("it does not end in a newline"))?;
        let mut lines = body.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or_else(|| malformed("no origin"))?;
        if origin.len() > ORIGIN_BYTES_MAX {
            return Err(Error::too_large("origin", origin.len(), ORIGIN_BYTES_MAX, "bytes"));
        }
        let size = lines.next().and_then(|line| decimal::parse(line, LEAVES_MAX));
        let size = size.ok_or_else(|| malformed("its second line is not a tree size"))?;
        let root = lines.next().and_then(hash::from_base64);
        let root = root.ok_or_else(|| malformed("its third line is not a root hash in base64"))?;
        let extensions: Vec<String> = lines.take(EXTENSIONS_MAX + 1).map(str::to_owned).collect();
        if extensions.len() > EXTENSIONS_MAX {
            return Err(Error::too_large(WHAT, extensions.len(), EXTENSIONS_MAX, "extension lines"));
        }
        if extensions.iter().any(String::is_empty) {
            return Err(malformed("an extension line is empty"));
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// Reads a signed checkpoint of the log `origin` and verifies it: at least one of `keys` signed it and no signature that
    /// claims one of them is false.
    pub fn open(note: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Opened, Error> {
        let note = Note::parse(note)?;
        note.verify(keys)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin != origin {
            let (found, expected) = (quote(checkpoint.origin.as_bytes()), quote(origin.as_bytes()));
            return Err(Error::Origin { found, expected });
        }
        Ok(Opened { checkpoint, note })
    }

    /// The checkpoint as a note signed by the log.
    ///
    /// The caller must never have two checkpoints signed of which one did not grow from the other: that is a fork, and others
    /// will hold it against the log.
    pub fn sign(&self, signers: &[&dyn NoteSigner]) -> Result<Note, Error> {
        let mut note = Note::new(self.to_string())?;
        signers.iter().try_for_each(|signer| note.sign(*signer))?;
        Ok(note)
    }

    /// The log, by the name that it goes by.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash of the tree of that size.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Further lines, opaque.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

/// The text of the note; [`Checkpoint::parse`] reads it back.
impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}\n{}\n{}", self.origin, self.size, hash::to_base64(&self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}
