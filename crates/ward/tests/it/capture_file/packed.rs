//! Captures inside gzip and zstd: recognised by content, unpacked as they are read, damage kept apart from what was good.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::build::{MICROSECONDS, Order, Pcap, Pcapng, frame};
use super::{error, read};

fn capture(frames: u32) -> Vec<u8> {
    let mut file = Pcap::new(Order::Little, MICROSECONDS, 65_535, 1);
    for number in 0..frames {
        file = file.record(number, 0, &frame(number, 200 + (number % 1000) as usize), 1500);
    }
    file.bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

#[test]
fn packed_once_or_twice_reads_like_the_plain_file() {
    let plain = capture(2000);
    let ng = Pcapng::new(Order::Big).interface(1, 0, &[]).enhanced(0, 1, b"ng", 2).bytes;
    for plain in [plain, ng] {
        let (expected, _) = read(&plain);
        for packed in
            [gzip(&plain), zstd(&plain), gzip(&gzip(&plain)), zstd(&gzip(&plain)), gzip(&zstd(&plain))]
        {
            let (frames, counters) = read(&packed);
            assert!(frames == expected);
            assert!(!counters.partly_read, "{:?}", counters.notes);
            assert_eq!(counters.source_bytes_read, packed.len() as u64, "progress counts packed bytes");
        }
        assert!(error(&gzip(&gzip(&gzip(&plain)))).contains("compressed 3 times over; unpack it first"));
    }
}

#[test]
fn several_members_frames_and_skippable_frames() {
    let plain = capture(300);
    let (front, back) = plain.split_at(30_001);
    let (expected, _) = read(&plain);
    let gzip_members = [gzip(front), gzip(b""), gzip(back)].concat();
    let skippable = [&0x184D_2A53_u32.to_le_bytes()[..], &5_u32.to_le_bytes(), b"hello"].concat();
    let zstd_frames = [&skippable[..], &zstd(front), &skippable, &zstd(back), &skippable].concat();
    for packed in [gzip_members, zstd_frames] {
        let (frames, counters) = read(&packed);
        assert!(frames == expected);
        assert!(!counters.partly_read, "{:?}", counters.notes);
    }
}

#[test]
fn a_damaged_or_cut_stream_keeps_the_frames_before() {
    let plain = capture(3000);
    let (expected, _) = read(&plain);
    for packed in [gzip(&plain), zstd(&plain)] {
        for at in [packed.len() / 2, packed.len() - 3] {
            let (frames, counters) = read(&packed[..at]);
            assert!(expected.starts_with(&frames), "cut at {at}");
            assert!(counters.partly_read, "cut at {at}");
            assert!(frames.len() > 100, "{} frames before the cut", frames.len());
        }
        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0xFF);
        // The unpacker may give some bytes of nonsense before it notices; what came long before is good.
        let (frames, counters) = read(&damaged);
        assert!(counters.partly_read);
        assert!(frames.len() > 500 && frames[..500] == expected[..500]);
    }
}

#[test]
fn garbage_after_the_stream_is_reported() {
    let plain = capture(10);
    for mut packed in [gzip(&plain), zstd(&plain)] {
        packed.extend(b"trailing");
        let (frames, counters) = read(&packed);
        assert_eq!(frames.len(), 10);
        assert!(counters.partly_read);
    }
}

#[test]
fn what_is_inside_is_named_and_windows_are_bounded() {
    assert!(error(&gzip(b"just a few words, no capture\n")).contains("this looks like text"));
    assert!(error(&gzip(b"")).contains("is empty"));
    assert!(error(&[0x1F, 0x8B, 8, 0]).contains("cannot be read"));
    // A frame with a window of 2 GiB: window descriptor 0xA8 = exponent 21, 2^31.
    let huge = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00];
    let message = error(&huge);
    assert!(message.contains("compressed with a window of 2048 MiB (at most 128 are unpacked)"), "{message}");
}

/// One block may hold at most 128 KiB. This one has 43690 sequences, each of them an "A" and a copy of it 65538 bytes
/// long: 2.8 GB, out of 80 KB.
#[test]
fn a_zstd_bomb_within_one_block_is_refused() {
    const SEQUENCES: u32 = 43_690;
    let literals = (1 | 3 << 2 | SEQUENCES << 4).to_le_bytes();
    let count = ((SEQUENCES - 0x7F00) as u16).to_le_bytes();
    let body = [
        // As many literals as sequences: one byte, repeated.
        &literals[..3],
        b"A",
        // The number of sequences; all three tables in RLE mode: literal length 1, last offset, match length code 51,
        // which is 32771 and 15 bits more.
        &[0xFF, count[0], count[1], 0b0101_0100, 1, 0, 51],
        // Those bits, all ones, and one for the end mark.
        &vec![0xFF; (SEQUENCES as usize * 15 + 1) / 8],
        &[0x7F],
    ]
    .concat();
    let header = ((body.len() as u32) << 3 | 2 << 1 | 1).to_le_bytes();
    let bomb = [&[0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58][..], &header[..3], &body].concat();
    let message = error(&bomb);
    assert!(message.contains("TooManyBytesGenerated"), "{message}");
}
