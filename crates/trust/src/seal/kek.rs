//! The key-encryption key (KEK): lives outside of Ward's folder, wraps every key of the keyring, encrypts nothing else.

use super::aead::{self, NONCE_BYTES, TAG_BYTES};
use super::error::SealError;
use super::passphrase::PassphraseCost;
use super::secret::{Secret32, hex};
use serde::{Deserialize, Serialize};

/// Longest wrapped key that a keyring holds, in bytes. Ours have 60; tokens may add to that.
pub const WRAPPED_BYTES_MAX: usize = 512;
/// Longest label in a hint, in bytes.
pub const HINT_BYTES_MAX: usize = 256;
/// Length of an id, in characters: 8 bytes in hexadecimal.
pub(super) const ID_CHARACTERS: usize = 16;

/// Wraps and unwraps keys.
///
/// Contract. An implementation is bound to one key for its whole life; it may be called from several threads, blocks while a
/// token works, and changes nothing outside of itself, so every call may be repeated. It never writes the key or what it
/// unwraps into a message.
pub trait KeyEncryptionKey: Send + Sync {
    /// Who this key is: 16 lower-case hexadecimal digits that follow from the key alone (the first 8 bytes of a one-way
    /// function of it). Stable for as long as the key is, different for different keys, and not secret.
    fn id(&self) -> &str;

    /// What the keyring notes in clear, so that the key is found again: its kind, a passphrase's salt, a token's labels.
    /// Not secret.
    fn hint(&self) -> &KekHint;

    /// `key`, encrypted and authenticated together with `context` (what it is for). `nonce` is fresh, unique for this key.
    /// At most [`WRAPPED_BYTES_MAX`] bytes come back. Errors: [`SealError::Kek`] when its keeper fails.
    fn wrap(&self, key: &Secret32, context: &[u8], nonce: [u8; 12]) -> Result<Vec<u8>, SealError>;

    /// The key that [`wrap`](Self::wrap) was given, if `wrapped` and `context` are unchanged. Errors:
    /// [`SealError::WrappedKey`] when they are not, and when another key wrapped it; [`SealError::Kek`] when its keeper fails.
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Secret32, SealError>;
}

/// Where a key-encryption key comes from, as the keyring notes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum KekHint {
    /// A file of 32 bytes.
    File {},
    /// A passphrase, through Argon2id.
    Passphrase(PassphraseCost),
    /// A credential that the service manager hands over.
    Credential {},
    /// An AES-256 key in a PKCS#11 token.
    Pkcs11 {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
    },
}

impl KekHint {
    /// The kind's name, as it stands in configuration and keyring.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File {} => "file",
            Self::Passphrase(_) => "passphrase",
            Self::Credential {} => "credential",
            Self::Pkcs11 { .. } => "pkcs11",
        }
    }

    pub(super) fn check(&self) -> Result<(), SealError> {
        match self {
            Self::Passphrase(cost) => cost.check(),
            Self::Pkcs11 { token, key } if token.len().max(key.len()) > HINT_BYTES_MAX => {
                Err(SealError::TooLong {
                    what: "a label in the keyring",
                    found: token.len().max(key.len()),
                    most: HINT_BYTES_MAX,
                })
            }
            _ => Ok(()),
        }
    }
}

/// What a keyring says of the key that wraps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KekStated {
    /// Its id.
    pub id: String,
    /// Where it comes from.
    pub source: KekHint,
}

impl KekStated {
    pub(super) fn of(kek: &dyn KeyEncryptionKey) -> Self {
        Self { id: kek.id().to_owned(), source: kek.hint().clone() }
    }

    pub(super) fn check(&self) -> Result<(), SealError> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.id.len() != ID_CHARACTERS || !self.id.bytes().all(is_hex) {
            let why = format!("kek.id is {}, not 16 hexadecimal digits", super::error::quoted(&self.id));
            return Err(SealError::NotAKeyring { why });
        }
        self.source.check()
    }

    /// Whether `kek` is the stated key. Errors: [`SealError::WrongKek`].
    pub(super) fn expect(&self, kek: &dyn KeyEncryptionKey) -> Result<(), SealError> {
        if self.id == kek.id() {
            return Ok(());
        }
        Err(SealError::WrongKek {
            kind: self.source.kind(),
            wrapped_by: self.id.clone(),
            given_kind: kek.hint().kind(),
            given: kek.id().chars().take(ID_CHARACTERS).collect(),
        })
    }
}

/// A key-encryption key whose bytes Ward holds: from a file, a passphrase or a credential.
pub struct SecretKek {
    id: String,
    hint: KekHint,
    key: Secret32,
}

impl SecretKek {
    /// From 32 bytes that nobody can guess. What encrypts is derived from them, so that the id tells nothing about it.
    pub fn new(secret: &Secret32, hint: KekHint) -> Result<Self, SealError> {
        let id = hex(secret.derive(b"ward kek id 1")?.expose().get(..ID_CHARACTERS / 2).unwrap_or_default());
        Ok(Self { id, hint, key: secret.derive(b"ward kek wrap 1")? })
    }
}

impl KeyEncryptionKey for SecretKek {
    fn id(&self) -> &str {
        &self.id
    }

    fn hint(&self) -> &KekHint {
        &self.hint
    }

    fn wrap(&self, key: &Secret32, context: &[u8], nonce: [u8; 12]) -> Result<Vec<u8>, SealError> {
        wrap(&self.key, key, context, nonce)
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Secret32, SealError> {
        unwrap(&self.key, wrapped, context).ok_or(SealError::WrappedKey { belongs: "key or purpose" })
    }
}

/// Nonce, ciphertext, tag: 60 bytes.
pub(super) fn wrap(
    by: &Secret32,
    key: &Secret32,
    context: &[u8],
    nonce: [u8; 12],
) -> Result<Vec<u8>, SealError> {
    let mut wrapped = nonce.to_vec();
    wrapped.extend(aead::seal(by, nonce, context, key.expose())?);
    Ok(wrapped)
}

pub(super) fn unwrap(by: &Secret32, wrapped: &[u8], context: &[u8]) -> Option<Secret32> {
    const { assert!(NONCE_BYTES + 32 + TAG_BYTES <= WRAPPED_BYTES_MAX) }
    let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_BYTES>()?;
    Secret32::from_slice(&aead::open(by, *nonce, context, sealed).ok()?)
}
