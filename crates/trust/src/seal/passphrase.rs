//! A key-encryption key from a passphrase: Argon2id (RFC 9106), its cost and salt noted in the keyring, bounded when read.

use super::error::SealError;
use super::kek::{KekHint, SecretKek};
use super::secret::Secret32;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroize as _;

/// Shortest passphrase that is accepted for a new keyring, in characters.
pub const PASSPHRASE_CHARACTERS_MIN: usize = 12;
/// Longest passphrase, in bytes.
pub const PASSPHRASE_BYTES_MAX: usize = 1024;

// Less than the floor (OWASP's smallest setting) protects nobody; more than the ceiling would let an edited keyring take the machine down.
const MEMORY_KIB: (u32, u32) = (19 * 1024, 1024 * 1024);
const PASSES: (u32, u32) = (1, 16);
const LANES: (u32, u32) = (1, 4);

/// What it costs to try one passphrase, and the salt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes; computed one after the other.
    pub lanes: u32,
    /// Drawn once per keyring and passphrase.
    #[serde(serialize_with = "write_salt", deserialize_with = "read_salt")]
    pub salt: [u8; 16],
}

impl PassphraseCost {
    /// The cost that Ward sets: 64 MiB, three passes, one lane (RFC 9106 §4, second choice, for one core).
    pub fn standard(salt: [u8; 16]) -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1, salt }
    }

    pub(super) fn check(&self) -> Result<(), SealError> {
        for (what, found, (least, most)) in [
            ("memory in KiB", self.memory_kib, MEMORY_KIB),
            ("passes", self.passes, PASSES),
            ("lanes", self.lanes, LANES),
        ] {
            if !(least..=most).contains(&found) {
                return Err(SealError::PassphraseCost { what, found, least, most });
            }
        }
        Ok(())
    }
}

/// The key-encryption key of `passphrase` at this cost. Takes about a tenth of a second, and `cost.memory_kib`.
/// Errors: the cost out of bounds, no memory, an empty or overlong passphrase. A wrong passphrase is no error here: it gives
/// another key, with another id.
pub fn passphrase_kek(passphrase: &[u8], cost: &PassphraseCost) -> Result<SecretKek, SealError> {
    cost.check()?;
    if passphrase.is_empty() || passphrase.len() > PASSPHRASE_BYTES_MAX {
        let (found, unit) = (passphrase.len(), "bytes");
        return Err(SealError::PassphraseLength { found, unit, least: 1, most: PASSPHRASE_BYTES_MAX });
    }
    let mut key = Secret32::zeros();
    argon2id(passphrase, &cost.salt, cost, key.expose_mut())?;
    SecretKek::new(&key, KekHint::Passphrase(cost.clone()))
}

pub(super) fn argon2id(
    passphrase: &[u8],
    salt: &[u8],
    cost: &PassphraseCost,
    out: &mut [u8; 32],
) -> Result<(), SealError> {
    let failed = |_| SealError::Cipher { what: "deriving the key of a passphrase" };
    let parameters =
        Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(out.len())).map_err(failed)?;
    let mut blocks = Vec::new();
    blocks
        .try_reserve_exact(parameters.block_count())
        .map_err(|_| SealError::PassphraseMemory { mebibytes: cost.memory_kib / 1024 })?;
    blocks.resize(parameters.block_count(), Block::new());
    let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into_with_memory(passphrase, salt, out, blocks.as_mut_slice())
        .map_err(failed);
    blocks.iter_mut().for_each(|block| block.as_mut().zeroize());
    derived
}

fn write_salt<S: Serializer>(salt: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(salt))
}

fn read_salt<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
    let text = String::deserialize(from)?;
    let bytes = STANDARD.decode(text).map_err(|_| de::Error::custom("salt is not base64"))?;
    bytes.try_into().map_err(|_| de::Error::custom("salt does not have 16 bytes"))
}
