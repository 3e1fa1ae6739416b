//! Keys that sign notes: names, ids, the text form of verifier keys, and a signer with the key in memory.
//!
//! It must neither make nor store keys: a seed is passed in. C2SP signed-note, "Verifier keys"; RFC 8032.

use super::error::{Error, quote};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Bytes of an Ed25519 public key, and of the seed of a private one.
pub const KEY_BYTES: usize = 32;
/// Bytes of an Ed25519 signature.
pub const ED25519_BYTES: usize = 64;
/// Bytes of the longest key name that is read.
pub const KEY_NAME_BYTES_MAX: usize = 255;
/// Bytes of the longest text form of a key that is read.
const VKEY_BYTES_MAX: usize = 512;

const WHAT: &str = "verifier key";

/// What a key signs, and so the type byte in its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// The text of a note (0x01): how a log signs its checkpoints.
    Ed25519,
    /// A checkpoint and the time (0x04): how a witness cosigns it. C2SP tlog-cosignature.
    CosignatureV1,
}

impl Algorithm {
    /// The signature type byte.
    pub fn type_byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    fn from_type_byte(byte: u8) -> Option<Self> {
        [Self::Ed25519, Self::CosignatureV1].into_iter().find(|algorithm| algorithm.type_byte() == byte)
    }
}

/// A key that signatures are checked with. Its text form is `name+id+key`: the id in hex, type byte and key in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    // INVARIANT: a valid key name; `id` follows from the other three.
    name: String,
    id: u32,
    algorithm: Algorithm,
    public: [u8; KEY_BYTES],
}

impl VerifierKey {
    /// A key by its parts. The name is 1 to 255 bytes without spaces, plus signs and control characters; others are malformed.
    pub fn new(name: &str, algorithm: Algorithm, public: [u8; KEY_BYTES]) -> Result<Self, Error> {
        if !is_key_name(name) {
            let why = "a key name is 1 to 255 bytes without spaces, plus signs and control characters";
            return Err(Error::malformed("key name", why, name));
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, algorithm, &public), algorithm, public })
    }

    /// Reads the text form. An id that does not follow from name and key is malformed: one of them was mistyped.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > VKEY_BYTES_MAX {
            return Err(Error::too_large(WHAT, text.len(), VKEY_BYTES_MAX, "bytes"));
        }
        let malformed = |why| Error::malformed(WHAT, why, text);
        let parts = text.split_once('+').and_then(|(name, rest)| Some((name, rest.split_once('+')?)));
        let (name, (id, material)) = parts.ok_or_else(|| malformed("not of the form name+id+key"))?;
        let material = STANDARD.decode(material).map_err(|_| malformed("the key is not base64"))?;
        let (type_byte, public) = material.split_first().ok_or_else(|| malformed("the key is empty"))?;
        let algorithm = Algorithm::from_type_byte(*type_byte)
            .ok_or_else(|| malformed("its type is neither 01 (Ed25519) nor 04 (cosignature)"))?;
        let public = public.try_into().map_err(|_| malformed("an Ed25519 key has 32 bytes"))?;
        let key = Self::new(name, algorithm, public)?;
        if format!("{:08x}", key.id) == id {
            Ok(key)
        } else {
            Err(malformed("the id is not that of the key"))
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key).
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The Ed25519 public key.
    pub fn public(&self) -> &[u8; KEY_BYTES] {
        &self.public
    }

    /// Whether this is an Ed25519 signature of exactly these bytes.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let verified = UnparsedPublicKey::new(&ED25519, self.public).verify(message, signature);
        verified.map_err(|_| self.forged())
    }

    pub(crate) fn forged(&self) -> Error {
        Error::Signature { key: quote(self.name.as_bytes()) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = vec![self.algorithm.type_byte()];
        material.extend(self.public);
        write!(out, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(material))
    }
}

/// Signs notes. The private key may be in memory, in a service or in a device.
pub trait NoteSigner {
    /// The key that verifies what this signs; its algorithm says what may be signed with it.
    fn key(&self) -> &VerifierKey;

    /// The Ed25519 signature of exactly `message`, 64 bytes. Deterministic; asking twice does no harm. Retryable where it
    /// fails with [`Error::Signer`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

/// A signer whose private key is in memory.
pub struct Ed25519Signer {
    key: VerifierKey,
    pair: Ed25519KeyPair,
}

impl Ed25519Signer {
    /// A signer from the 32-byte seed of an Ed25519 private key (RFC 8032 §5.1.5). A seed serves one name and algorithm only:
    /// cosignatures do not commit to the name (C2SP tlog-cosignature).
    pub fn from_seed(name: &str, algorithm: Algorithm, seed: &[u8; KEY_BYTES]) -> Result<Self, Error> {
        use aws_lc_rs::signature::KeyPair as _;
        let unusable =
            || Error::Signer { key: quote(name.as_bytes()), why: "the seed is unusable".to_owned() };
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| unusable())?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| unusable())?;
        Ok(Self { key: VerifierKey::new(name, algorithm, public)?, pair })
    }
}

impl NoteSigner for Ed25519Signer {
    fn key(&self) -> &VerifierKey {
        &self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.pair.sign(message).as_ref().to_vec())
    }
}

/// The private key is not printed.
impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ed25519Signer({})", self.key)
    }
}

pub(crate) fn is_key_name(name: &str) -> bool {
    let allowed = |character: char| !character.is_whitespace() && character != '+' && character >= ' ';
    (1..=KEY_NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(allowed)
}

fn key_id(name: &str, algorithm: Algorithm, public: &[u8]) -> u32 {
    let input = [name.as_bytes(), b"\n", &[algorithm.type_byte()], public].concat();
    let hash = digest(&SHA256, &input);
    hash.as_ref().first_chunk().map_or(0, |id| u32::from_be_bytes(*id))
}
