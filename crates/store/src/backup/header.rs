//! The header of a backup: in clear, so that anybody can see what it is; authenticated, so that nobody can change it.

use super::record::Reader;
use crate::error::{Result, StoreError};
use model::Timestamp;

/// First bytes of every header of this version.
const MAGIC: [u8; 4] = *b"WBK\x01";
/// Bytes of a keyring.
pub const KEYRING_BYTES_MAX: usize = 192 * 1024;
/// Bytes of a version's name.
const WARD_BYTES_MAX: usize = 64;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Schema of the rows.
    pub schema: i64,
    /// When it was begun.
    pub created: Timestamp,
    /// Version of the Ward that made it.
    pub ward: String,
    /// The installation's keyring (see [`super::Sealing`]).
    pub keyring: Vec<u8>,
}

impl Header {
    /// Its bytes: magic, schema (4), time in nanoseconds since 1970 (8), version and keyring, each after its length (1 and 4);
    /// numbers big-endian.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let schema = u32::try_from(self.schema);
        let ward = u8::try_from(self.ward.len());
        let keyring = u32::try_from(self.keyring.len());
        let (Ok(schema), Ok(ward), Ok(keyring)) = (schema, ward, keyring) else {
            return Err(too_long(self.keyring.len()));
        };
        if self.keyring.len() > KEYRING_BYTES_MAX {
            return Err(too_long(self.keyring.len()));
        }
        let mut out = MAGIC.to_vec();
        out.extend(schema.to_be_bytes());
        out.extend(self.created.as_nanos().to_be_bytes());
        out.push(ward);
        out.extend(self.ward.as_bytes());
        out.extend(keyring.to_be_bytes());
        out.extend(&self.keyring);
        Ok(out)
    }

    /// Reads a header whole.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let malformed = || {
            StoreError::Backup("the backup's header is malformed: it is of another Ward, or damaged".into())
        };
        let mut reader = Reader::new(bytes);
        if reader.array().ok_or_else(malformed)? != MAGIC {
            return Err(StoreError::Backup(
                "the backup is of a format that this ward does not read: restore it with the ward that made it, or a newer one"
                    .into(),
            ));
        }
        let mut read = || -> Option<Self> {
            let schema = i64::from(u32::from_be_bytes(reader.array()?));
            let created = Timestamp::from_nanos(u64::from_be_bytes(reader.array()?));
            let [length] = reader.array()?;
            let ward = std::str::from_utf8(reader.take(usize::from(length))?).ok()?.to_owned();
            let length = usize::try_from(u32::from_be_bytes(reader.array()?)).ok()?;
            let keyring = reader.take(length)?.to_vec();
            let right = length <= KEYRING_BYTES_MAX && ward.len() <= WARD_BYTES_MAX && reader.is_empty();
            right.then_some(Self { schema, created, ward, keyring })
        };
        read().ok_or_else(malformed)
    }
}

fn too_long(keyring: usize) -> StoreError {
    StoreError::Refused(format!(
        "a keyring of {keyring} bytes does not fit into a backup: at most {KEYRING_BYTES_MAX}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let header = Header {
            schema: 7,
            created: Timestamp::from_nanos(1_763_769_600_000_000_001),
            ward: "0.3.0".into(),
            keyring: vec![1, 2, 3],
        };
        let bytes = header.encode().unwrap();
        assert_eq!(Header::decode(&bytes).unwrap(), header);
        for cut in 0..bytes.len() {
            assert!(Header::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(Header::decode(&[&bytes[..], b"x"].concat()).is_err());
        let big = Header { keyring: vec![0; KEYRING_BYTES_MAX + 1], ..header };
        assert!(matches!(big.encode(), Err(StoreError::Refused(_))));
    }
}
