//! Encryption of long streams (backups) in chunks: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption
//! and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015, §7), in memory that does not grow with the stream.
//!
//! | bytes | |
//! |---|---|
//! | 8 | `WARDSTR1` |
//! | 32 | salt, random for each stream |
//! | 4 | length of the header, big-endian |
//! | n | header: in clear, authenticated |
//! | 32 | HMAC-SHA-256 over all of the above |
//! | then chunks: 12 | number (8), last (1: 0 or 1), length of the plaintext (3), big-endian |
//! | length + 16 | AES-256-GCM; associated data: these 12 bytes; nonce: number (8), zeros (3), last (1) |

use super::aead::{self, NONCE_BYTES, TAG_BYTES};
use super::error::SealError;
use super::secret::Secret32;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// Plaintext of every chunk but the last, in bytes.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Longest header, in bytes. A whole keyring fits.
pub const HEADER_BYTES_MAX: usize = 256 * 1024;

const MAGIC: &[u8; 8] = b"WARDSTR1";
const SALT_BYTES: usize = 32;
const LENGTH_BYTES: usize = 4;
const FIXED_BYTES: usize = MAGIC.len() + SALT_BYTES + LENGTH_BYTES;
const MAC_BYTES: usize = 32;
const FRAME_BYTES: usize = 12;

/// Seals a stream, chunk by chunk. One key seals any number of streams, each with its own random salt.
pub struct ChunkSealer {
    prologue: Vec<u8>,
    key: Secret32,
    next: u64,
    ended: bool,
}

impl ChunkSealer {
    /// A stream under `key` with a fresh random `salt`. `header` is for everyone to read and for nobody to change.
    /// Errors: the header is longer than [`HEADER_BYTES_MAX`].
    pub fn new(key: &Secret32, salt: [u8; SALT_BYTES], header: &[u8]) -> Result<Self, SealError> {
        let too_long =
            SealError::TooLong { what: "a backup's header", found: header.len(), most: HEADER_BYTES_MAX };
        let length =
            u32::try_from(header.len()).ok().filter(|_| header.len() <= HEADER_BYTES_MAX).ok_or(too_long)?;
        let mut prologue = [&MAGIC[..], &salt, &length.to_be_bytes(), header].concat();
        let keys = StreamKeys::new(key, &salt)?;
        prologue.extend_from_slice(hmac::sign(&keys.header, &prologue).as_ref());
        Ok(Self { prologue, key: keys.chunks, next: 0, ended: false })
    }

    /// What comes before the first chunk.
    pub fn prologue(&self) -> &[u8] {
        &self.prologue
    }

    /// The next chunk, sealed: [`CHUNK_BYTES`] of plaintext, or as many or fewer (also none) if it is the last.
    /// Errors: [`SealError::ChunkSize`] for another size, and after the last.
    pub fn chunk(&mut self, plaintext: &[u8], last: bool) -> Result<Vec<u8>, SealError> {
        let frame = Frame { number: self.next, last, length: plaintext.len() };
        if self.ended || !frame.has_a_right_length() {
            return Err(SealError::ChunkSize { chunk: self.next, found: plaintext.len(), full: CHUNK_BYTES });
        }
        let head = frame.bytes();
        let mut sealed = head.to_vec();
        sealed.extend(aead::seal(&self.key, frame.nonce(), &head, plaintext)?);
        self.next = self.next.checked_add(1).ok_or(SealError::Cipher { what: "counting chunks" })?;
        self.ended = last;
        Ok(sealed)
    }
}

/// The beginning of a sealed stream, read but not yet verified.
pub struct Prologue<'a> {
    salt: &'a [u8; SALT_BYTES],
    header: &'a [u8],
    signed: &'a [u8],
    mac: &'a [u8],
}

impl<'a> Prologue<'a> {
    /// Reads the prologue at the beginning of `bytes`; `Ok(None)` when more bytes are needed. Allocates nothing.
    /// Errors: these bytes begin no sealed stream ([`SealError::NotSealed`]), or their header is too long.
    pub fn read(bytes: &'a [u8]) -> Result<Option<Self>, SealError> {
        let seen = MAGIC.len().min(bytes.len());
        if bytes.get(..seen) != MAGIC.get(..seen) {
            return Err(SealError::NotSealed {
                what: "a backup of Ward's",
                why: "it begins with other bytes",
            });
        }
        let Some((salt, rest)) = bytes.get(MAGIC.len()..).and_then(<[u8]>::split_first_chunk) else {
            return Ok(None);
        };
        let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > HEADER_BYTES_MAX {
            return Err(SealError::TooLong {
                what: "the backup's header",
                found: length,
                most: HEADER_BYTES_MAX,
            });
        }
        let Some((header, rest)) = rest.split_at_checked(length) else { return Ok(None) };
        let (Some(mac), Some(signed)) =
            (rest.get(..MAC_BYTES), bytes.get(..FIXED_BYTES.saturating_add(length)))
        else {
            return Ok(None);
        };
        Ok(Some(Self { salt, header, signed, mac }))
    }

    /// What the stream says of itself. Believe it after [`ChunkOpener::new`] has succeeded, not before.
    pub fn header(&self) -> &'a [u8] {
        self.header
    }

    /// Bytes that it occupies; the first chunk follows.
    pub fn length_bytes(&self) -> usize {
        self.signed.len().saturating_add(self.mac.len())
    }
}

/// Opens a sealed stream. What it gives out is authentic and in its place; that nothing is missing is known only when
/// [`finish`](Self::finish) has succeeded: act on the whole after that, not before.
pub struct ChunkOpener {
    key: Secret32,
    next: u64,
    ended: bool,
    /// The chunk that is not whole yet; at most a frame and a sealed chunk.
    pending: Vec<u8>,
}

impl ChunkOpener {
    /// Verifies the prologue. Errors: [`SealError::BackupHeader`] when `key` is another, or the header was changed.
    pub fn new(key: &Secret32, prologue: &Prologue<'_>) -> Result<Self, SealError> {
        let keys = StreamKeys::new(key, prologue.salt)?;
        hmac::verify(&keys.header, prologue.signed, prologue.mac).map_err(|_| SealError::BackupHeader)?;
        Ok(Self { key: keys.chunks, next: 0, ended: false, pending: Vec::new() })
    }

    /// Takes bytes after the prologue, cut anywhere, and gives the plaintext of each chunk they complete to `out`.
    /// Errors, each with the chunk's number: changed, out of order, or bytes after the last. The opener is then of no more use.
    pub fn push(&mut self, mut bytes: &[u8], mut out: impl FnMut(&[u8])) -> Result<(), SealError> {
        while !bytes.is_empty() {
            if self.ended {
                return Err(SealError::TrailingBytes { chunk: self.next.saturating_sub(1) });
            }
            let wanted = self.wanted()?;
            let (taken, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
            self.pending.extend_from_slice(taken);
            bytes = rest;
            if self.wanted()? == 0 {
                out(&self.open_pending()?);
            }
        }
        Ok(())
    }

    /// Whether the stream was whole. Errors: [`SealError::Truncated`], with the chunk that is missing.
    pub fn finish(self) -> Result<(), SealError> {
        if self.ended { Ok(()) } else { Err(SealError::Truncated { chunk: self.next }) }
    }

    /// How many bytes the pending chunk still wants.
    fn wanted(&self) -> Result<usize, SealError> {
        match self.pending.split_first_chunk::<FRAME_BYTES>() {
            None => Ok(FRAME_BYTES - self.pending.len()),
            Some((head, body)) => Ok((self.frame(head)?.length + TAG_BYTES).saturating_sub(body.len())),
        }
    }

    fn frame(&self, head: &[u8; FRAME_BYTES]) -> Result<Frame, SealError> {
        let damaged = SealError::ChunkDamaged { chunk: self.next };
        let frame = Frame::read(head).filter(Frame::has_a_right_length).ok_or(damaged)?;
        if frame.number == self.next {
            return Ok(frame);
        }
        Err(SealError::ChunkOutOfOrder { chunk: self.next, found: frame.number })
    }

    fn open_pending(&mut self) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let damaged = || SealError::ChunkDamaged { chunk: self.next };
        let (head, body) = self.pending.split_first_chunk::<FRAME_BYTES>().ok_or_else(damaged)?;
        let frame = self.frame(head)?;
        let plaintext = aead::open(&self.key, frame.nonce(), head, body).map_err(|_| damaged())?;
        self.pending.clear();
        self.next = self.next.checked_add(1).ok_or(SealError::Cipher { what: "counting chunks" })?;
        self.ended = frame.last;
        Ok(plaintext)
    }
}

/// What stands before each sealed chunk.
struct Frame {
    number: u64,
    last: bool,
    length: usize,
}

impl Frame {
    fn read(head: &[u8; FRAME_BYTES]) -> Option<Self> {
        let (number, rest) = head.split_first_chunk()?;
        let &[last @ (0 | 1), high, middle, low] = rest else { return None };
        let length = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
        Some(Self { number: u64::from_be_bytes(*number), last: last == 1, length })
    }

    fn has_a_right_length(&self) -> bool {
        self.length == CHUNK_BYTES || (self.last && self.length < CHUNK_BYTES)
    }

    fn bytes(&self) -> [u8; FRAME_BYTES] {
        let [a, b, c, d, e, f, g, h] = self.number.to_be_bytes();
        // INVARIANT: a right length has at most 17 bits.
        let [.., high, middle, low] = self.length.to_be_bytes();
        [a, b, c, d, e, f, g, h, self.last.into(), high, middle, low]
    }

    fn nonce(&self) -> [u8; NONCE_BYTES] {
        let [a, b, c, d, e, f, g, h] = self.number.to_be_bytes();
        [a, b, c, d, e, f, g, h, 0, 0, 0, self.last.into()]
    }
}

/// The keys of one stream: both follow from the installation's backup key and the stream's salt.
struct StreamKeys {
    header: hmac::Key,
    chunks: Secret32,
}

impl StreamKeys {
    fn new(key: &Secret32, salt: &[u8]) -> Result<Self, SealError> {
        let header = key.derive_salted(salt, &[b"ward stream 1 header"])?;
        let chunks = key.derive_salted(salt, &[b"ward stream 1 chunks"])?;
        Ok(Self { header: hmac::Key::new(hmac::HMAC_SHA256, header.expose()), chunks })
    }
}
