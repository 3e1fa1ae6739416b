//! Envelope encryption: data is sealed by a key per subject, that key by a master key, the master key by one outside of Ward.
//! Pure: entropy, nonces and bytes are passed in; `ward::keys` reads files, prompts and talks to tokens. AES-256-GCM is
//! NIST SP 800-38D, HKDF-SHA-256 RFC 5869, Argon2id RFC 9106, chunked streams STREAM (Hoang et al., CRYPTO 2015).

mod aead;
mod data_key;
mod error;
mod kek;
mod keyring;
mod passphrase;
mod secret;
mod stream;
#[cfg(test)]
mod tests;

pub use data_key::{DataKey, MASTER_KEYS_MAX, MasterKeys, PLAINTEXT_BYTES_MAX};
pub use error::SealError;
pub use kek::{HINT_BYTES_MAX, KekHint, KekStated, KeyEncryptionKey, SecretKek, WRAPPED_BYTES_MAX};
pub use keyring::{KEYRING_BYTES_MAX, Keyring};
pub use passphrase::{PASSPHRASE_BYTES_MAX, PASSPHRASE_CHARACTERS_MIN, PassphraseCost, passphrase_kek};
pub use secret::{Entropy, Secret32};
pub use stream::{CHUNK_BYTES, ChunkOpener, ChunkSealer, HEADER_BYTES_MAX, Prologue};

/// Length of an AES-GCM nonce, in bytes.
pub const NONCE_BYTES: usize = aead::NONCE_BYTES;
