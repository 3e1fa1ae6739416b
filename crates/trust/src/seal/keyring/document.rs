//! The keyring's text: JSON with every key wrapped, in one canonical form, under a MAC.

use super::KEYRING_BYTES_MAX;
use crate::seal::data_key::MASTER_KEYS_MAX;
use crate::seal::error::{SealError, quoted};
use crate::seal::kek::{KekStated, WRAPPED_BYTES_MAX};
use crate::seal::secret::Secret32;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The format that this Ward writes and reads.
pub(super) const FORMAT: &str = "ward-keyring-1";

/// The file, field by field; their order is part of the format.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) format: String,
    /// Who wraps all of the following.
    pub(super) kek: KekStated,
    pub(super) database: DatabaseKeys,
    pub(super) ledger: Wrapped,
    /// Ascending by version.
    pub(super) seal: Vec<MasterEntry>,
    pub(super) pseudonym: Wrapped,
    pub(super) backup: Wrapped,
    /// The key of `mac`.
    pub(super) integrity: Wrapped,
    /// HMAC-SHA-256 over this document with an empty `mac`.
    pub(super) mac: Wrapped,
}

/// The key that the database opens with, and the one it will have.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatabaseKeys {
    pub(super) current: Wrapped,
    pub(super) next: Option<Wrapped>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MasterEntry {
    pub(super) version: u32,
    pub(super) wrapped: Wrapped,
}

/// Bytes as base64 (RFC 4648 §4).
#[derive(Clone)]
pub(super) struct Wrapped(pub(super) Vec<u8>);

impl Document {
    /// Reads a document and holds it to its bounds. Says nothing about who wrote it: that is [`verify`](Self::verify).
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SealError> {
        if bytes.len() > KEYRING_BYTES_MAX {
            return Err(SealError::TooLong {
                what: "the keyring",
                found: bytes.len(),
                most: KEYRING_BYTES_MAX,
            });
        }
        check_format(bytes)?;
        let document: Self = serde_json::from_slice(bytes).map_err(|error| not_a_keyring(&error))?;
        document.kek.check()?;
        if document.seal.len() > MASTER_KEYS_MAX {
            return Err(SealError::NotAKeyring { why: format!("more than {MASTER_KEYS_MAX} master keys") });
        }
        Ok(document)
    }

    /// The canonical text: what is on disk, to the byte.
    pub(super) fn text(&self) -> Result<Vec<u8>, SealError> {
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|_| SealError::Cipher { what: "writing the keyring" })?;
        text.push(b'\n');
        Ok(text)
    }

    /// Computes `mac` over everything else.
    pub(super) fn authenticate(&mut self, integrity: &Secret32) -> Result<(), SealError> {
        self.mac = Wrapped(Vec::new());
        let tag = hmac::sign(&mac_key(integrity)?, &self.text()?);
        self.mac = Wrapped(tag.as_ref().to_vec());
        Ok(())
    }

    /// Whether `mac` fits everything else, and `bytes` are the canonical text. Errors: [`SealError::KeyringChanged`].
    pub(super) fn verify(&mut self, integrity: &Secret32, bytes: &[u8]) -> Result<(), SealError> {
        if self.text()? != bytes {
            return Err(SealError::KeyringChanged { place: "it is not laid out as Ward lays it out" });
        }
        let tag = std::mem::replace(&mut self.mac, Wrapped(Vec::new()));
        hmac::verify(&mac_key(integrity)?, &self.text()?, &tag.0)
            .map_err(|_| SealError::KeyringChanged { place: "its mac does not fit" })?;
        self.mac = tag;
        Ok(())
    }
}

fn mac_key(integrity: &Secret32) -> Result<hmac::Key, SealError> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, integrity.derive(b"ward keyring mac 1")?.expose()))
}

/// The format comes first: another one may hold fields that this Ward does not know.
fn check_format(bytes: &[u8]) -> Result<(), SealError> {
    #[derive(Deserialize)]
    struct Stated {
        format: String,
    }
    let stated: Stated = serde_json::from_slice(bytes).map_err(|error| not_a_keyring(&error))?;
    if stated.format == FORMAT {
        return Ok(());
    }
    Err(SealError::KeyringFormat { found: quoted(&stated.format), known: FORMAT })
}

fn not_a_keyring(error: &serde_json::Error) -> SealError {
    SealError::NotAKeyring { why: quoted(&error.to_string()) }
}

impl Serialize for Wrapped {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Wrapped {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = STANDARD.decode(text).map_err(|_| de::Error::custom("a wrapped key is not base64"))?;
        if bytes.len() > WRAPPED_BYTES_MAX {
            return Err(de::Error::custom(format_args!(
                "a wrapped key has {} bytes, {WRAPPED_BYTES_MAX} are allowed",
                bytes.len()
            )));
        }
        Ok(Self(bytes))
    }
}
