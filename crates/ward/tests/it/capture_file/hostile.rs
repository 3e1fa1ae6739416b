//! Mutated and invented files: whatever the bytes, no panic, bounded memory, an end, and the same answer in any chunks.

use std::io::Cursor;

use proptest::prelude::*;
use ward::capture::{Block, Progress, open_reader};

use super::build::{MICROSECONDS, Order, Pcap, Pcapng, frame};
use super::{Trickle, drain};

/// Most memory a block may hold after a file, in bytes: the longest record, a chunk, and the index of both.
const BLOCK_HELD_MAX: usize = 4 * 1024 * 1024;

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for order in [Order::Little, Order::Big] {
        let mut pcap = Pcap::new(order, MICROSECONDS, 65_535, 1);
        let mut pcapng = Pcapng::new(order).interface(1, 0, &[(9, vec![9])]).interface(101, 128, &[]);
        for number in 0..8 {
            pcap = pcap.record(number, number, &frame(number, number as usize * 9), 100);
            pcapng = pcapng.enhanced_with(
                number % 3,
                number.into(),
                &frame(number, number as usize * 9),
                100,
                &[(1, b"note".into()), (4, order.u64(1).to_vec())],
            );
        }
        pcapng = pcapng.simple(20, &frame(1, 20)).obsolete(1, 2, 3, b"old!").block(10, b"secret");
        seeds.push(pcap.bytes);
        seeds.push(pcapng.section(order).interface(1, 0, &[]).enhanced(0, 5, b"end", 3).bytes);
    }
    seeds
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit =
        (any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(0), Just(0xFF), Just(0x7F), Just(0x80)]);
    let edits = prop::collection::vec(edit, 0..12);
    let tail = prop::collection::vec(any::<u8>(), 0..64);
    (prop::sample::select(seeds()), edits, any::<prop::sample::Index>(), tail).prop_map(
        |(mut bytes, edits, cut, tail)| {
            for (at, value) in edits {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(cut.index(bytes.len() * 2).max(4));
            bytes.extend(tail);
            bytes
        },
    )
}

fn survives(bytes: &[u8]) {
    let Ok(mut capture) = open_reader("hostile", Box::new(Cursor::new(bytes.to_vec())), None) else { return };
    let mut block = Block::new();
    // Every call consumes at least a byte or ends.
    for _ in 0..=bytes.len() {
        if capture.next_block(&mut block).unwrap() == Progress::End {
            break;
        }
        assert!(block.bytes_held() < BLOCK_HELD_MAX);
    }
    assert_eq!(capture.next_block(&mut block).unwrap(), Progress::End);
    assert!(capture.counters().notes.len() <= 17);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutations_of_good_files_do_no_harm(bytes in mutated()) {
        survives(&bytes);
    }

    #[test]
    fn invented_bytes_after_a_magic_do_no_harm(
        seed in prop::sample::select(seeds()),
        bytes in prop::collection::vec(any::<u8>(), 0..2048),
    ) {
        survives(&[&seed[..28], &bytes].concat());
    }

    #[test]
    fn chunks_make_no_difference(bytes in mutated(), sizes in prop::collection::vec(1_usize..64, 1..5)) {
        let whole = open_reader("hostile", Box::new(Cursor::new(bytes.clone())), None);
        let pieces = open_reader("hostile", Box::new(Trickle::new(&bytes, &sizes)), None);
        match (whole, pieces) {
            (Ok(mut whole), Ok(mut pieces)) => {
                let ((frames, mut counters), (same_frames, mut same_counters)) =
                    (drain(&mut *whole), drain(&mut *pieces));
                prop_assert_eq!(frames, same_frames);
                // How far was read ahead of damage does depend on the chunks.
                (counters.source_bytes_read, same_counters.source_bytes_read) = (0, 0);
                prop_assert_eq!(counters, same_counters);
            }
            (whole, pieces) => prop_assert_eq!(whole.is_ok(), pieces.is_ok()),
        }
    }

    #[test]
    fn packed_streams_do_no_harm(
        kind in prop::sample::select(vec![vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], vec![0x28, 0xB5, 0x2F, 0xFD]]),
        bytes in prop::collection::vec(any::<u8>(), 0..512),
    ) {
        survives(&[kind, bytes].concat());
    }
}
