//! NetBIOS names: sixteen bytes, the last of which says what bears the name (RFC 1001 §14, RFC 1002 §4.1).

use crate::{Error, Reader};

/// A decoded name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetbiosName {
    bytes: [u8; 16],
}

impl NetbiosName {
    /// Bytes of a name in first-level encoding, behind its length.
    pub(super) const ENCODED_BYTES: usize = 32;
    /// Labels of a scope identifier passed over.
    const SCOPE_LABELS_MAX: usize = 8;

    /// From its sixteen bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self { bytes }
    }

    /// The name without its padding: blanks, or zeros in `*`.
    pub fn text(&self) -> &[u8] {
        let [text @ .., _] = &self.bytes;
        let end = text.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
        text.get(..end).unwrap_or_default()
    }

    /// The sixteenth byte: 00 workstation (or domain, for a group), 03 messenger, 1B domain master browser, 1C domain
    /// controllers, 1D master browser, 1E browser election, 20 server.
    pub const fn suffix(&self) -> u8 {
        let [.., suffix] = self.bytes;
        suffix
    }

    /// Reads a name in first-level encoding with its scope; not a pointer.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let malformed = reader.malformed("NetBIOS name");
        if usize::from(reader.u8("name length")?) != Self::ENCODED_BYTES {
            return Err(malformed);
        }
        let encoded: [u8; Self::ENCODED_BYTES] = reader.array("NetBIOS name")?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(encoded.chunks_exact(2)) {
            match pair {
                [high @ b'A'..=b'P', low @ b'A'..=b'P'] => *byte = (high - b'A') << 4 | (low - b'A'),
                _ => return Err(malformed),
            }
        }
        for _ in 0..=Self::SCOPE_LABELS_MAX {
            match reader.u8("scope")? {
                0 => return Ok(Self { bytes }),
                length @ 1..=63 => reader.skip(usize::from(length), "scope")?,
                _ => break,
            }
        }
        Err(malformed)
    }
}
