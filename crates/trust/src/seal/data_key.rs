//! A data key per subject, wrapped by a master key: forget the wrapped key, and what it sealed is gone wherever it was copied.
//! A copy of the wrapped key (an older backup) still opens it, until the master key that wrapped it is retired.

use super::aead::{self, NONCE_BYTES, TAG_BYTES};
use super::error::SealError;
use super::kek;
use super::secret::{Entropy, Secret32};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Most master keys a keyring holds.
pub const MASTER_KEYS_MAX: usize = 128;
/// Longest plaintext of one sealed value, in bytes.
pub const PLAINTEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// First byte of what this version wraps and seals.
const FORMAT: u8 = 1;
const FOREIGN: &str = "its first byte names a format that this Ward does not read";
/// Sealed values are multiples of this long, in bytes, so that a length tells little about a name.
const PADDING_BYTES: usize = 16;
/// Ends the plaintext; zeros follow (ISO/IEC 7816-4).
const END: u8 = 0x80;

/// The master keys, by version: the newest wraps, all unwrap. A clone shares the keys, it does not copy them.
#[derive(Clone)]
pub struct MasterKeys {
    /// INVARIANT: not empty, versions ascend strictly.
    keys: Vec<(u32, Arc<Secret32>)>,
}

impl MasterKeys {
    /// `None` unless there is a key and versions ascend strictly.
    pub(super) fn new(keys: Vec<(u32, Arc<Secret32>)>) -> Option<Self> {
        let ascending = keys.iter().zip(keys.iter().skip(1)).all(|((one, _), (next, _))| one < next);
        (ascending && !keys.is_empty()).then_some(Self { keys })
    }

    /// The version that wraps new data keys.
    pub fn newest(&self) -> u32 {
        self.keys.last().map_or(0, |(version, _)| *version)
    }

    /// All versions, ascending.
    pub fn versions(&self) -> impl Iterator<Item = u32> {
        self.keys.iter().map(|(version, _)| *version)
    }

    /// A new data key for `subject` (an id that never changes and is never reused), and its wrapped form: 65 bytes that the
    /// store keeps, and deletes to shred the subject.
    pub fn new_data_key(
        &self,
        subject: &[u8],
        mut entropy: Entropy,
    ) -> Result<(DataKey, Vec<u8>), SealError> {
        let key = entropy.key()?;
        let wrapped = self.wrap(&key, subject, entropy.nonce()?)?;
        Ok((DataKey { key }, wrapped))
    }

    /// The data key in `wrapped`. Errors: not a wrapped data key; wrapped by a master key that is not here
    /// ([`SealError::NoMasterKey`]); of another subject, or changed ([`SealError::WrappedKey`]).
    pub fn open_data_key(&self, wrapped: &[u8], subject: &[u8]) -> Result<DataKey, SealError> {
        self.unwrap(wrapped, subject).map(|key| DataKey { key })
    }

    /// The same data key wrapped by the newest master key; `None` when it is already. What it sealed stays as it is.
    pub fn rewrap_data_key(
        &self,
        wrapped: &[u8],
        subject: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Option<Vec<u8>>, SealError> {
        let key = self.unwrap(wrapped, subject)?;
        if Self::version_of(wrapped)? == self.newest() {
            return Ok(None);
        }
        self.wrap(&key, subject, nonce).map(Some)
    }

    /// The version of the master key that wrapped a data key, without opening it: what a rotation looks for.
    /// Errors: [`SealError::NotSealed`].
    pub fn version_of(wrapped: &[u8]) -> Result<u32, SealError> {
        let what = "a wrapped data key";
        let (format, rest) = wrapped.split_first().ok_or(SealError::NotSealed { what, why: "empty" })?;
        if *format != FORMAT {
            return Err(SealError::NotSealed { what, why: FOREIGN });
        }
        let (version, _) = rest.split_first_chunk().ok_or(SealError::NotSealed { what, why: "cut short" })?;
        Ok(u32::from_be_bytes(*version))
    }

    fn wrap(&self, key: &Secret32, subject: &[u8], nonce: [u8; NONCE_BYTES]) -> Result<Vec<u8>, SealError> {
        let (version, master) = self.keys.last().ok_or(SealError::NoMasterKey { version: 0 })?;
        let mut wrapped = vec![FORMAT];
        wrapped.extend(version.to_be_bytes());
        wrapped.extend(kek::wrap(master, key, &context(*version, subject), nonce)?);
        Ok(wrapped)
    }

    fn unwrap(&self, wrapped: &[u8], subject: &[u8]) -> Result<Secret32, SealError> {
        let version = Self::version_of(wrapped)?;
        let (_, master) =
            self.keys.iter().find(|(held, _)| *held == version).ok_or(SealError::NoMasterKey { version })?;
        let body = wrapped.get(1 + size_of::<u32>()..).unwrap_or_default();
        kek::unwrap(master, body, &context(version, subject))
            .ok_or(SealError::WrappedKey { belongs: "subject" })
    }
}

fn context(version: u32, subject: &[u8]) -> Vec<u8> {
    [&b"ward data key 1"[..], &version.to_be_bytes(), subject].concat()
}

/// The key of one subject's sealed values.
pub struct DataKey {
    key: Secret32,
}

impl DataKey {
    /// Seals `plaintext`: format byte, nonce, ciphertext, tag; 29 bytes plus the plaintext padded to the next multiple of 16
    /// (at least one byte of padding). `aad` says where the value stands (table, column, row): elsewhere it does not open.
    /// `nonce` is random and fresh; a key may seal 2^32 values. Errors: longer than [`PLAINTEXT_BYTES_MAX`].
    pub fn seal(&self, plaintext: &[u8], aad: &[u8], nonce: [u8; NONCE_BYTES]) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > PLAINTEXT_BYTES_MAX {
            let (what, found) = ("a value to seal", plaintext.len());
            return Err(SealError::TooLong { what, found, most: PLAINTEXT_BYTES_MAX });
        }
        let mut padded = Zeroizing::new(Vec::with_capacity(plaintext.len() + PADDING_BYTES));
        padded.extend_from_slice(plaintext);
        padded.push(END);
        let whole = padded.len().next_multiple_of(PADDING_BYTES);
        padded.resize(whole, 0);
        let mut sealed = vec![FORMAT];
        sealed.extend(nonce);
        sealed.extend(aead::seal(&self.key, nonce, &value_context(aad), &padded)?);
        Ok(sealed)
    }

    /// What [`seal`](Self::seal) was given. Errors: not sealed by Ward ([`SealError::NotSealed`]); another key, another
    /// place, or changed ([`SealError::SealedValue`]).
    pub fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let what = "a sealed value";
        let (format, rest) = sealed.split_first().ok_or(SealError::NotSealed { what, why: "empty" })?;
        if *format != FORMAT {
            return Err(SealError::NotSealed { what, why: FOREIGN });
        }
        let (nonce, body) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .filter(|(_, body)| body.len() >= PADDING_BYTES + TAG_BYTES)
            .ok_or(SealError::NotSealed { what, why: "cut short" })?;
        let mut plaintext =
            aead::open(&self.key, *nonce, &value_context(aad), body).map_err(|_| SealError::SealedValue)?;
        let end = plaintext.iter().rposition(|byte| *byte != 0).ok_or(SealError::SealedValue)?;
        if plaintext.get(end) != Some(&END) {
            return Err(SealError::SealedValue);
        }
        plaintext.truncate(end);
        Ok(plaintext)
    }
}

fn value_context(aad: &[u8]) -> Vec<u8> {
    [&b"ward sealed value 1"[..], aad].concat()
}
