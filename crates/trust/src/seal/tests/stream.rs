//! Streams: whole, or refused with the chunk's number.

use super::*;
use proptest::prelude::*;

const CHUNKS: usize = 5;
/// Twelve bytes of frame, the plaintext, the tag.
const SEALED_CHUNK: usize = 12 + CHUNK_BYTES + 16;

/// Prologue and sealed chunks of `plaintext`.
fn sealed(plaintext: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut sealer = ChunkSealer::new(&key(1), [2; 32], b"who and when").unwrap();
    let prologue = sealer.prologue().to_vec();
    let mut pieces: Vec<&[u8]> = plaintext.chunks(CHUNK_BYTES).collect();
    let last = pieces.pop().unwrap_or_default();
    let mut chunks: Vec<_> = pieces.into_iter().map(|piece| sealer.chunk(piece, false).unwrap()).collect();
    chunks.push(sealer.chunk(last, true).unwrap());
    (prologue, chunks)
}

fn opened(stream: &[u8]) -> Result<Vec<u8>, SealError> {
    opened_in(stream, usize::MAX)
}

/// Opens a stream that arrives in blocks of `block` bytes.
fn opened_in(stream: &[u8], block: usize) -> Result<Vec<u8>, SealError> {
    let prologue = Prologue::read(stream)?.expect("these streams have a whole prologue");
    let mut opener = ChunkOpener::new(&key(1), &prologue)?;
    assert_eq!(prologue.header(), b"who and when");
    let mut plaintext = Vec::new();
    for piece in stream[prologue.length_bytes()..].chunks(block) {
        opener.push(piece, |bytes| plaintext.extend_from_slice(bytes))?;
    }
    opener.finish().map(|()| plaintext)
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn refused(parts: &[&[u8]]) -> SealError {
    refusal(opened(&parts.concat()))
}

#[test]
fn streams_of_every_awkward_length_come_back() {
    for bytes in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
        let plaintext = content(bytes);
        let (prologue, chunks) = sealed(&plaintext);
        assert_eq!(chunks.len(), bytes.div_ceil(CHUNK_BYTES).max(1));
        let stream = [prologue, chunks.concat()].concat();
        for block in [7, 4096, usize::MAX] {
            assert!(opened_in(&stream, block).unwrap() == plaintext, "{bytes} bytes in blocks of {block}");
        }
    }
}

#[test]
fn each_way_to_cut_and_paste_is_told_with_its_chunk() {
    let (prologue, chunks) = sealed(&content(4 * CHUNK_BYTES + 100));
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|at| &chunks[at][..]);
    let p = &prologue[..];
    assert_eq!(chunks.len(), CHUNKS);
    assert_eq!(refused(&[p]), SealError::Truncated { chunk: 0 });
    assert_eq!(refused(&[p, a, b]), SealError::Truncated { chunk: 2 });
    assert_eq!(refused(&[p, a, b, &c[..5]]), SealError::Truncated { chunk: 2 });
    assert_eq!(refused(&[p, a, b, c, d, &e[..e.len() - 1]]), SealError::Truncated { chunk: 4 });
    assert_eq!(refused(&[p, a, c, b, d, e]), SealError::ChunkOutOfOrder { chunk: 1, found: 2 });
    assert_eq!(refused(&[p, a, c, d, e]), SealError::ChunkOutOfOrder { chunk: 1, found: 2 });
    assert_eq!(refused(&[p, a, a, b, c, d, e]), SealError::ChunkOutOfOrder { chunk: 1, found: 0 });
    assert_eq!(refused(&[p, a, b, c, d, e, b"x"]), SealError::TrailingBytes { chunk: 4 });
    assert_eq!(refused(&[p, a, b, c, d, e, e]), SealError::TrailingBytes { chunk: 4 });
    assert_eq!(
        SealError::Truncated { chunk: 2 }.to_string(),
        "the backup ends at chunk 2, before its last chunk: it is not whole; copy it again"
    );

    // Saying in clear that another chunk is the last, or another number, does not make it so.
    let mut last = b.to_vec();
    last[8] = 1;
    assert_eq!(refused(&[p, a, &last]), SealError::ChunkDamaged { chunk: 1 });
    let mut renumbered = c.to_vec();
    renumbered[7] = 1;
    assert_eq!(refused(&[p, a, &renumbered, d, e]), SealError::ChunkDamaged { chunk: 1 });
    let mut open_end = e.to_vec();
    open_end[8] = 0;
    assert_eq!(refused(&[p, a, b, c, d, &open_end]), SealError::ChunkDamaged { chunk: 4 });
}

#[test]
fn a_chunk_of_another_stream_of_the_same_key_does_not_fit() {
    let (prologue, chunks) = sealed(&content(2 * CHUNK_BYTES));
    let mut other = ChunkSealer::new(&key(1), [3; 32], b"who and when").unwrap();
    let foreign = other.chunk(&content(CHUNK_BYTES), false).unwrap();
    assert_eq!(refused(&[&prologue, &foreign, &chunks[1]]), SealError::ChunkDamaged { chunk: 0 });
}

#[test]
fn a_changed_prologue_or_another_key_is_refused_before_any_chunk() {
    let (prologue, chunks) = sealed(b"x");
    for at in 0..prologue.len() {
        let mut changed = prologue.clone();
        changed[at] ^= 1;
        let stream = [changed, chunks.concat()].concat();
        let outcome = match Prologue::read(&stream) {
            Ok(Some(prologue)) => ChunkOpener::new(&key(1), &prologue).map(drop),
            Ok(None) => continue,
            Err(error) => Err(error),
        };
        assert!(outcome.is_err(), "byte {at}");
    }
    let read = Prologue::read(&prologue).unwrap().unwrap();
    assert_eq!(refusal(ChunkOpener::new(&key(2), &read)), SealError::BackupHeader);
    for at in 0..prologue.len() {
        assert!(Prologue::read(&prologue[..at]).unwrap().is_none(), "a prologue cut at {at} needs more");
    }
    assert!(matches!(refusal(Prologue::read(b"PK\x03\x04")), SealError::NotSealed { .. }));
    let huge = [&b"WARDSTR1"[..], &[0; 32], &[0xff; 4]].concat();
    assert!(matches!(refusal(Prologue::read(&huge)), SealError::TooLong { .. }));
    let header = vec![0; HEADER_BYTES_MAX + 1];
    assert!(matches!(refusal(ChunkSealer::new(&key(1), [0; 32], &header)), SealError::TooLong { .. }));
}

#[test]
fn a_writer_cannot_go_on_after_the_last_or_leave_a_gap() {
    let mut sealer = ChunkSealer::new(&key(1), [2; 32], b"").unwrap();
    let size = |chunk, found| SealError::ChunkSize { chunk, found, full: CHUNK_BYTES };
    assert_eq!(refusal(sealer.chunk(b"short", false)), size(0, 5));
    assert_eq!(refusal(sealer.chunk(&content(CHUNK_BYTES + 1), true)), size(0, CHUNK_BYTES + 1));
    sealer.chunk(b"short", true).unwrap();
    assert_eq!(refusal(sealer.chunk(b"", true)), size(1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_stream_comes_back_however_it_is_cut(bytes in 0..3 * CHUNK_BYTES, block in 1..100_000usize) {
        let plaintext = content(bytes);
        let (prologue, chunks) = sealed(&plaintext);
        prop_assert!(opened_in(&[prologue, chunks.concat()].concat(), block).unwrap() == plaintext);
    }

    #[test]
    fn any_bit_of_any_chunk_matters(at in 0..2 * SEALED_CHUNK + 28 + 9, bit in 0..8u8) {
        let (prologue, chunks) = sealed(&content(2 * CHUNK_BYTES + 9));
        let mut stream = [prologue.clone(), chunks.concat()].concat();
        prop_assert_eq!(stream.len(), prologue.len() + 2 * SEALED_CHUNK + 28 + 9);
        stream[prologue.len() + at] ^= 1 << bit;
        prop_assert!(opened(&stream).is_err());
    }

    #[test]
    fn any_prefix_is_not_the_whole(cut: proptest::sample::Index) {
        let (prologue, chunks) = sealed(&content(CHUNK_BYTES + 9));
        let stream = [prologue.clone(), chunks.concat()].concat();
        let cut = prologue.len() + cut.index(stream.len() - prologue.len());
        let cut_off = matches!(refusal(opened(&stream[..cut])), SealError::Truncated { .. });
        prop_assert!(cut_off);
    }
}
