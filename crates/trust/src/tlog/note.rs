//! Signed notes: text, a blank line, and signature lines by any number of keys.
//!
//! It must not hand out text as trusted: [`Note::verify`] says who signed it. C2SP signed-note.

use super::cosign;
use super::error::Error;
use super::key::{Algorithm, NoteSigner, VerifierKey, is_key_name};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Bytes of the largest note that is read.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;
/// Signatures of the note with the most that is read; the standard asks for at least 16.
pub const SIGNATURES_MAX: usize = 64;

const WHAT: &str = "note";
/// What a signature line starts with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A text and its signatures, none of them checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    // INVARIANT: ends in a newline; no control characters but newlines.
    text: String,
    // INVARIANT: at most SIGNATURES_MAX.
    signatures: Vec<Signature>,
}

/// One signature line: `— name base64(id ‖ bytes)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    // INVARIANT: a valid key name; at least one byte.
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A signature that verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    /// By whom.
    pub key: &'a VerifierKey,
    /// The signature.
    pub signature: &'a Signature,
    /// For a cosignature, when the witness says it saw the checkpoint: seconds since 1970.
    pub time_s: Option<u64>,
}

impl Note {
    /// A note without signatures. The text ends in a newline and has no other control characters.
    pub fn new(text: String) -> Result<Self, Error> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(Error::too_large(WHAT, text.len(), NOTE_BYTES_MAX, "bytes"));
        }
        if !text.ends_with('\n') {
            return Err(Error::malformed(WHAT, "its text does not end in a newline", &text));
        }
        if text.chars().any(is_forbidden) {
            return Err(Error::malformed(WHAT, "it has control characters", &text));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a signed note: text, a blank line, one or more signature lines.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(Error::too_large(WHAT, bytes.len(), NOTE_BYTES_MAX, "bytes"));
        }
        let malformed = |why| Error::malformed(WHAT, why, bytes);
        let note = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        // The text may have blank lines of its own: the last one separates.
        let (text, lines) =
            note.rsplit_once("\n\n").ok_or_else(|| malformed("no blank line before signatures"))?;
        let mut parsed = Self::new(format!("{text}\n"))?;
        parsed.signatures = Signature::parse_lines(lines)?;
        Ok(parsed)
    }

    /// What the signatures are about, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signatures in their order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature by a log's key. A witness's key is refused: it cosigns checkpoints only, with the time.
    pub fn sign(&mut self, signer: &dyn NoteSigner) -> Result<(), Error> {
        let key = signer.key();
        if key.algorithm() != Algorithm::Ed25519 {
            let why = "a cosigner's key signs checkpoints with the time only".to_owned();
            return Err(Error::Signer { key: key.name().to_owned(), why });
        }
        let signature = Signature::new(key, signer.sign(self.text.as_bytes())?);
        self.push(signature)
    }

    /// Adds a signature made elsewhere, unless it is there. At most [`SIGNATURES_MAX`].
    pub fn push(&mut self, signature: Signature) -> Result<(), Error> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() == SIGNATURES_MAX {
            return Err(Error::too_large(WHAT, SIGNATURES_MAX + 1, SIGNATURES_MAX, "signatures"));
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The signatures by these keys, the first of each. Signatures by other keys are ignored.
    ///
    /// [`Error::Signature`] where any signature that claims one of the keys does not verify; [`Error::Unsigned`] where none does.
    pub fn verify<'a>(&'a self, keys: &'a [VerifierKey]) -> Result<Vec<Verified<'a>>, Error> {
        let mut verified: Vec<Verified<'a>> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = keys.iter().find(|key| signature.claims(key)) else { continue };
            let time_s = self.verify_one(key, signature)?;
            if !verified.iter().any(|earlier| earlier.key == key) {
                verified.push(Verified { key, signature, time_s });
            }
        }
        if verified.is_empty() {
            return Err(Error::Unsigned { signatures: self.signatures.len() });
        }
        Ok(verified)
    }

    fn verify_one(&self, key: &VerifierKey, signature: &Signature) -> Result<Option<u64>, Error> {
        match key.algorithm() {
            Algorithm::Ed25519 => key.signed(self.text.as_bytes(), &signature.bytes).map(|()| None),
            Algorithm::CosignatureV1 => cosign::verify(&self.text, key, &signature.bytes).map(Some),
        }
    }
}

/// As it is stored and served; [`Note::parse`] reads it where it has a signature.
impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| write!(out, "{signature}"))
    }
}

impl Signature {
    pub(crate) fn new(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self { name: key.name().to_owned(), id: key.id(), bytes }
    }

    /// Reads one or more signature lines, each with its newline, as a witness answers them.
    pub fn parse_lines(lines: &str) -> Result<Vec<Self>, Error> {
        let Some(lines) = lines.strip_suffix('\n') else {
            return Err(Error::malformed(WHAT, "its signatures do not end in a newline", lines));
        };
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == SIGNATURES_MAX {
                return Err(Error::too_large(WHAT, SIGNATURES_MAX + 1, SIGNATURES_MAX, "signatures"));
            }
            signatures.push(Self::parse(line)?);
        }
        Ok(signatures)
    }

    fn parse(line: &str) -> Result<Self, Error> {
        let malformed = |why| Error::malformed("signature line", why, line);
        let rest = line.strip_prefix(DASH).ok_or_else(|| malformed("it does not start with an em dash"))?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(|| malformed("no signature after the name"))?;
        if !is_key_name(name) {
            return Err(malformed("not a key name"));
        }
        let decoded = STANDARD.decode(encoded).map_err(|_| malformed("it is not base64"))?;
        match decoded.split_first_chunk() {
            Some((id, bytes)) if !bytes.is_empty() => {
                Ok(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
            }
            _ => Err(malformed("it is shorter than a key id and a byte")),
        }
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the key.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What follows the key id.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn claims(&self, key: &VerifierKey) -> bool {
        self.id == key.id() && self.name == key.name()
    }
}

/// The line with its newline.
impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.to_be_bytes(), self.bytes.as_slice()].concat();
        writeln!(out, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}

fn is_forbidden(character: char) -> bool {
    character < ' ' && character != '\n'
}
