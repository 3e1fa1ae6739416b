//! Classic files: both byte orders, every variant, and what is left of a damaged one.

use std::io::Cursor;

use sense::LinkType;
use ward::capture::{FRAME_BYTES_MAX, open_reader};

use super::build::{KUZNETZOV, MICROSECONDS, NANOSECONDS, ORDERS, Order, Pcap, frame};
use super::{Seen, Trickle, drain, error, read};

fn three(order: Order, magic: u32) -> Pcap {
    Pcap::new(order, magic, 262_144, 1)
        .record(1_700_000_000, 123_456, &frame(1, 60), 60)
        .record(1_700_000_001, 0, &frame(2, 0), 14)
        .record(u32::MAX, 999_999, &frame(3, 96), 1514)
}

fn seen(at_ns: u64, bytes: Vec<u8>, wire_bytes: u32) -> Seen {
    Seen { at_ns, link: LinkType::Ethernet, bytes, wire_bytes }
}

#[test]
fn every_variant_in_both_byte_orders() {
    for order in ORDERS {
        for (magic, unit_ns) in [(MICROSECONDS, 1000), (NANOSECONDS, 1), (KUZNETZOV, 1000)] {
            let (frames, counters) = read(&three(order, magic).bytes);
            let expected = vec![
                seen(1_700_000_000_000_000_000 + 123_456 * unit_ns, frame(1, 60), 60),
                seen(1_700_000_001_000_000_000, vec![], 14),
                seen(u64::from(u32::MAX) * 1_000_000_000 + 999_999 * unit_ns, frame(3, 96), 1514),
            ];
            assert_eq!(frames, expected, "{order:?} {magic:x}");
            assert_eq!((counters.frames, counters.bytes, counters.cut_frames), (3, 156, 2));
            assert_eq!((counters.partly_read, counters.notes.len(), counters.dropped), (false, 0, None));
        }
    }
}

#[test]
fn old_versions_swap_the_lengths() {
    for (minor, swapped) in [(2, true), (3, true), (3, false), (4, false)] {
        let mut file = Pcap::versioned(Order::Big, MICROSECONDS, (2, minor), 65_535, 1);
        let (first, second) = if swapped { (100_u32, 5_u32) } else { (5, 100) };
        for value in [1, 2, first, second] {
            file.bytes.extend(Order::Big.u32(value));
        }
        file.bytes.extend(frame(9, 5));
        let (frames, _) = read(&file.bytes);
        assert_eq!(frames, [seen(1_000_002_000, frame(9, 5), 100)], "2.{minor} swapped {swapped}");
    }
}

#[test]
fn link_types_and_the_frame_check_sequence_bits_above_them() {
    for (network, link) in [
        (1, LinkType::Ethernet),
        (0x5400_0001, LinkType::Ethernet),
        (101, LinkType::RawIp),
        (113, LinkType::LinuxSll),
        (276, LinkType::LinuxSll2),
        (0x03FF_FFFF, LinkType::Other(0x03FF_FFFF)),
    ] {
        let file = Pcap::new(Order::Little, MICROSECONDS, 0, network).record(1, 0, &[1, 2, 3], 3);
        assert_eq!(read(&file.bytes).0[0].link, link);
    }
}

#[test]
fn cut_at_every_byte_keeps_the_frames_before() {
    for magic in [MICROSECONDS, KUZNETZOV] {
        let whole = three(Order::Little, magic).bytes;
        let header = if magic == KUZNETZOV { 24 } else { 16 };
        let ends = [24, 24 + header + 60, 24 + 2 * header + 60, 24 + 3 * header + 156];
        assert_eq!(ends[3], whole.len());
        let (all, _) = read(&whole);
        for cut in 24..=whole.len() {
            let (frames, counters) = read(&whole[..cut]);
            let expected = ends.iter().filter(|&&end| end <= cut).count() - 1;
            assert_eq!(frames, all[..expected], "cut at {cut}");
            assert_eq!(counters.partly_read, !ends.contains(&cut), "cut at {cut}");
            if counters.partly_read {
                let record = ends[expected];
                let note = format!("file ends inside a record at byte {record}; everything before was read");
                assert_eq!(counters.notes, [note]);
            }
        }
        for cut in 4..24 {
            assert!(error(&whole[..cut]).contains(&format!("ends inside its header ({cut} of 24 bytes)")));
        }
    }
}

#[test]
fn a_record_that_cannot_be_ends_the_reading_and_says_where() {
    let whole = three(Order::Big, MICROSECONDS);
    let place = whole.bytes.len();
    for claim in [FRAME_BYTES_MAX as u32 + 1, u32::MAX] {
        let mut file = three(Order::Big, MICROSECONDS);
        for value in [1, 2, claim, claim] {
            file.bytes.extend(Order::Big.u32(value));
        }
        let (frames, counters) = read(&file.raw(&[0xFF; 5000]).bytes);
        assert_eq!(frames.len(), 3);
        assert!(counters.partly_read);
        assert_eq!(counters.notes.len(), 1);
        assert!(
            counters.notes[0].contains(&format!("damaged at byte {place}: a record claims {claim} bytes"))
        );
    }
}

#[test]
fn a_record_longer_than_the_snapshot_length_is_believed_up_to_a_point() {
    let file =
        |bytes| Pcap::new(Order::Little, MICROSECONDS, 96, 1).record(1, 0, &frame(1, bytes), bytes as u32);
    assert_eq!(read(&file(65_536).bytes).0.len(), 1);
    assert_eq!(read(&file(65_537).bytes).0.len(), 0);
    let unlimited = Pcap::new(Order::Little, MICROSECONDS, 0, 1).record(1, 0, &frame(1, FRAME_BYTES_MAX), 1);
    let (frames, counters) = read(&unlimited.bytes);
    assert_eq!(frames[0].bytes, frame(1, FRAME_BYTES_MAX));
    // A frame cannot have been shorter on the wire than what was kept of it.
    assert_eq!((frames[0].wire_bytes, counters.cut_frames), (FRAME_BYTES_MAX as u32, 0));
}

#[test]
fn a_tail_of_zeros_is_not_a_million_empty_frames() {
    let file = three(Order::Little, MICROSECONDS);
    let place = file.bytes.len();
    let (frames, counters) = read(&file.raw(&[0; 1 << 20]).bytes);
    assert_eq!(frames.len(), 3);
    assert!(counters.notes[0].contains(&format!("damaged at byte {place}: zeros")));
}

#[test]
fn chunk_sizes_make_no_difference() {
    let mut file = Pcap::new(Order::Little, NANOSECONDS, 262_144, 1);
    for number in 0..3000_u32 {
        let bytes = match number % 500 {
            0 => FRAME_BYTES_MAX,
            short => (short * 7 % 1515) as usize,
        };
        file = file.record(number, number, &frame(number, bytes), bytes as u32);
    }
    let (expected, counters) = read(&file.bytes);
    assert_eq!(expected.len(), 3000);
    assert_eq!(counters.source_bytes_read, file.bytes.len() as u64);
    for (number, frame_seen) in expected.iter().enumerate() {
        assert_eq!(frame_seen.bytes, frame(number as u32, frame_seen.bytes.len()));
    }
    for sizes in [&[1][..], &[1, 2, 3, 5, 8, 13, 65_536], &[24, 4096], &[262_144 + 17]] {
        // Byte by byte only for the start: a pipe that slow is of no interest for long.
        let bytes = if sizes == [1] { &file.bytes[..20_000] } else { &file.bytes[..] };
        let mut capture = open_reader("pipe", Box::new(Trickle::new(bytes, sizes)), None).unwrap();
        let (frames, counters) = drain(&mut *capture);
        let (same, _) =
            drain(&mut *open_reader("file", Box::new(Cursor::new(bytes.to_vec())), None).unwrap());
        assert!(frames == same, "sizes {sizes:?}");
        assert_eq!(counters.source_bytes_total, None);
    }
}

#[test]
fn a_pipe_that_sent_whole_records_is_not_waited_upon() {
    /// Fails when it is asked for more than what it has.
    struct Impatient(Cursor<Vec<u8>>);
    impl std::io::Read for Impatient {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(into)? {
                0 => Err(std::io::Error::other("asked for more")),
                read => Ok(read),
            }
        }
    }
    let file = three(Order::Little, MICROSECONDS).bytes;
    let mut capture = open_reader("pipe", Box::new(Impatient(Cursor::new(file))), None).unwrap();
    let mut block = ward::capture::Block::new();
    assert_eq!(capture.next_block(&mut block).unwrap(), ward::capture::Progress::More);
    assert_eq!(block.len(), 3);
    assert!(!capture.counters().partly_read);
    assert_eq!(capture.next_block(&mut block).unwrap(), ward::capture::Progress::End);
    let counters = capture.counters();
    assert!(counters.partly_read, "the failed read is reported");
    assert!(counters.notes[0].contains("reading failed at byte 228: asked for more"), "{:?}", counters.notes);
}

#[test]
fn unknown_versions_are_refused_with_a_way_out() {
    let file = Pcap::versioned(Order::Little, MICROSECONDS, (3, 0), 65_535, 1);
    assert_eq!(
        error(&file.bytes),
        "test: a capture in pcap version 3.0 format, which Ward does not read; convert it: editcap -F pcap IN OUT"
    );
}
