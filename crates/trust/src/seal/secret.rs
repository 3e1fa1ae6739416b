//! Key material in memory: on the heap once, wiped when dropped, without Debug, Display, Clone or comparison.

use super::error::SealError;
use aws_lc_rs::hkdf;
use zeroize::{Zeroize as _, Zeroizing};

/// A 32-byte key. Boxed, so that moving it leaves no copy behind; wiped when dropped.
pub struct Secret32(Box<Zeroizing<[u8; 32]>>);

impl Secret32 {
    /// Takes the key out of `bytes` and wipes them.
    pub fn take(bytes: &mut [u8; 32]) -> Self {
        let mut secret = Self::zeros();
        secret.0.copy_from_slice(bytes);
        bytes.zeroize();
        secret
    }

    /// The key itself, for the one call that needs it. Copy it nowhere that is not wiped.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Another key that follows from this one and `label`, and tells nothing about it (HKDF-SHA-256, no salt).
    /// Errors: none that input can cause.
    pub fn derive(&self, label: &[u8]) -> Result<Self, SealError> {
        self.derive_salted(&[], &[label])
    }

    /// The same with a salt; `info` is the concatenation of its parts.
    pub(super) fn derive_salted(&self, salt: &[u8], info: &[&[u8]]) -> Result<Self, SealError> {
        let mut derived = Self::zeros();
        expand(salt, self.expose(), info, derived.0.as_mut_slice())?;
        Ok(derived)
    }

    /// From a slice of exactly 32 bytes; the caller wipes the slice.
    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self::zeros();
        (bytes.len() == secret.0.len()).then(|| secret.0.copy_from_slice(bytes))?;
        Some(secret)
    }

    /// Whether both are the same key, in time that does not depend on where they differ.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.expose(), other.expose()).is_ok()
    }

    pub(super) fn zeros() -> Self {
        Self(Box::new(Zeroizing::new([0; 32])))
    }

    pub(super) fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

/// Fresh bytes of the system's generator, out of which an operation draws the keys and nonces it needs (HKDF-SHA-256 with a
/// counter). Given away by value, so that no two operations can draw the same keys.
pub struct Entropy {
    seed: Box<Zeroizing<[u8; 64]>>,
    drawn: u32,
}

impl Entropy {
    /// How many bytes the system's generator has to give.
    pub const BYTES: usize = 64;

    /// Takes the entropy out of `bytes` and wipes them.
    pub fn take(bytes: &mut [u8; 64]) -> Self {
        let mut seed = Box::new(Zeroizing::new([0; 64]));
        seed.copy_from_slice(bytes);
        bytes.zeroize();
        Self { seed, drawn: 0 }
    }

    /// The next key.
    pub fn key(&mut self) -> Result<Secret32, SealError> {
        let mut key = Secret32::zeros();
        self.draw(key.expose_mut())?;
        Ok(key)
    }

    /// The next nonce.
    pub fn nonce(&mut self) -> Result<[u8; 12], SealError> {
        let mut nonce = [0; 12];
        self.draw(&mut nonce)?;
        Ok(nonce)
    }

    fn draw(&mut self, into: &mut [u8]) -> Result<(), SealError> {
        self.drawn = self.drawn.checked_add(1).ok_or(SealError::Cipher { what: "drawing entropy" })?;
        expand(&[], self.seed.as_slice(), &[b"ward entropy 1", &self.drawn.to_be_bytes()], into)
    }
}

/// HKDF-SHA-256 (RFC 5869) into the whole of `out`.
fn expand(salt: &[u8], secret: &[u8], info: &[&[u8]], out: &mut [u8]) -> Result<(), SealError> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(out.len()))
        .and_then(|stream| stream.fill(out))
        .map_err(|_| SealError::Cipher { what: "deriving a key" })
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|n| char::from_digit(n.into(), 16))
        .collect()
}
