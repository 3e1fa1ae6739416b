//! AES-256-GCM with a 96-bit nonce and a 128-bit tag. The one place where a cipher is called.

use super::error::SealError;
use super::secret::Secret32;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

pub(super) const NONCE_BYTES: usize = 12;
pub(super) const TAG_BYTES: usize = 16;

/// Ciphertext and tag did not fit key, nonce and associated data. Says no more, so that nobody learns why.
#[derive(Debug)]
pub(super) struct DoesNotOpen;

/// `plaintext` in, ciphertext and tag out. The same (key, nonce) must never seal two plaintexts.
pub(super) fn seal(
    key: &Secret32,
    nonce: [u8; NONCE_BYTES],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let cipher = cipher(key).map_err(|_| SealError::Cipher { what: "setting a key" })?;
    // Room for the tag from the start: growing would leave a copy of the plaintext behind.
    let mut bytes = Vec::with_capacity(plaintext.len().saturating_add(TAG_BYTES));
    bytes.extend_from_slice(plaintext);
    cipher
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut bytes)
        .map_err(|_| SealError::Cipher { what: "sealing" })?;
    Ok(bytes)
}

/// Ciphertext and tag in, plaintext out.
pub(super) fn open(
    key: &Secret32,
    nonce: [u8; NONCE_BYTES],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let mut bytes = Zeroizing::new(sealed.to_vec());
    let opened = cipher(key)?
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), bytes.as_mut_slice())
        .map_err(|_| DoesNotOpen)?
        .len();
    bytes.truncate(opened);
    Ok(bytes)
}

// The key schedule lives in memory of AWS-LC, which wipes what it frees.
fn cipher(key: &Secret32) -> Result<LessSafeKey, DoesNotOpen> {
    UnboundKey::new(&AES_256_GCM, key.expose()).map(LessSafeKey::new).map_err(|_| DoesNotOpen)
}
