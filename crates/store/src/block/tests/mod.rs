//! Blocks come back as they went in, old ones stay readable, damaged ones are refused and never panic.

mod arbitrary;
mod mix;

use super::*;
use model::Record;
use proptest::prelude::*;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Every kind of record and every value of every list, as sensors of version 1 wrote them.
fn golden_records() -> Vec<Record> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/golden/v1");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/block").join(name)
}

/// Blocks of version 1 as they were first written, with the records they hold. Never written again: a block that this build
/// does not read as these is a break of the format. To add one: `WARD_BLESS=1`, with a name that is not taken.
#[test]
fn blocks_of_version_1_stay_readable() {
    for (name, records) in [("v1-every-kind", golden_records()), ("v1-one-second", mix::hospital(7, 300))] {
        let (block, lines) = (testdata(&format!("{name}.block")), testdata(&format!("{name}.jsonl")));
        if std::env::var_os("WARD_BLESS").is_some() && !block.exists() {
            let json: Vec<String> = records.iter().map(|r| serde_json::to_string(r).unwrap()).collect();
            std::fs::write(&lines, json.join("\n") + "\n").unwrap();
            std::fs::write(&block, encode(&records).unwrap()).unwrap();
        }
        let told = std::fs::read_to_string(&lines).unwrap();
        let told: Vec<Record> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(decode(&std::fs::read(&block).unwrap()).unwrap() == told, "{name} is read differently");
    }
}

#[test]
fn every_kind_and_value_comes_back() {
    let records = golden_records();
    assert_eq!(decode(&encode(&records).unwrap()).unwrap(), records);
    assert_eq!(decode(&encode(&[]).unwrap()).unwrap(), []);
}

/// 30 bytes a record is what 1,000 records a second for 90 days are planned with: some 230 GB of disk. The times are told, not
/// judged: `cargo test --release -p store a_hospitals -- --nocapture`.
#[test]
fn a_hospitals_records_take_30_bytes_each() {
    for (batch, batches) in [(50, 400), (1_000, 20)] {
        let records = mix::hospital(11, batch * batches);
        let before = std::time::Instant::now();
        let blocks: Vec<Vec<u8>> = records.chunks(batch).map(|records| encode(records).unwrap()).collect();
        let encoded = before.elapsed();
        let before = std::time::Instant::now();
        let read: Vec<Record> = blocks.iter().flat_map(|block| decode(block).unwrap()).collect();
        let decoded = before.elapsed();
        assert_eq!(read, records);
        let bytes = blocks.iter().map(Vec::len).sum::<usize>() as f64 / records.len() as f64;
        writeln!(
            std::io::stdout(),
            "{batch} records a block: {bytes:.1} bytes, {} ns to write and {} ns to read a record",
            encoded.as_nanos() / records.len() as u128,
            decoded.as_nanos() / records.len() as u128,
        )
        .unwrap();
        assert!(bytes <= 30.0, "{bytes} bytes a record in blocks of {batch}");
    }
}

#[test]
fn more_than_a_block_may_hold_is_refused_with_the_way_out() {
    let one = mix::hospital(3, 1).remove(0);
    let error = encode(&vec![one; RECORDS_MAX + 1]).unwrap_err().to_string();
    assert_eq!(error, "100001 records for one block; at most 100000: make several blocks");
    let many = model::Coverage { vlans: vec![(1, 1); LINES_MAX + 1], ..Default::default() };
    let error = encode(&[Record::Coverage(Box::new(many))]).unwrap_err().to_string();
    assert!(error.contains("lines of coverage for one block; at most 1048576"), "{error}");
}

#[test]
fn what_is_no_block_is_refused_with_the_place() {
    assert_eq!(decode(&[]), Err(BlockError::Empty));
    assert_eq!(decode(b"SQLite format 3"), Err(BlockError::Version { found: b'S' }));
    assert_eq!(decode(&[VERSION]), Err(BlockError::Cut { at: 1 }));
    let mut block = vec![VERSION];
    bytes::put_varint(&mut block, RECORDS_MAX as u64 + 1);
    let most = RECORDS_MAX;
    assert_eq!(decode(&block), Err(BlockError::TooMany { what: "records", found: most as u64 + 1, most }));
    let mut block = encode(&golden_records()).unwrap();
    let end = block.len();
    block.push(0);
    assert_eq!(decode(&block), Err(BlockError::Malformed { at: end, what: "more behind its end" }));
    let error = StoreError::from(BlockError::Version { found: 2 }).to_string();
    assert!(error.starts_with("the store is damaged: the block has layout 2, this ward reads 1"), "{error}");
}

/// A protocol that this build does not know: as a block of a newer Ward names it.
#[test]
fn a_newer_wards_names_are_said() {
    let records = golden_records();
    let mut block = encode(&records).unwrap();
    let name = block.windows(5).position(|bytes| bytes == b"dicom").unwrap();
    block[name..name + 5].copy_from_slice(b"gopha");
    assert_eq!(decode(&block), Err(BlockError::Unknown { what: "the protocol", name: "gopha".into() }));
}

#[test]
fn no_prefix_is_a_block_and_no_flipped_bit_panics() {
    for records in [golden_records(), mix::hospital(5, 120)] {
        let block = encode(&records).unwrap();
        for end in 0..block.len() {
            assert!(decode(&block[..end]).is_err(), "cut at {end} of {}", block.len());
        }
        let mut refused = 0;
        for at in 0..block.len() * 8 {
            let mut flipped = block.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            // A block that is read is one: it can be written and read again.
            match decode(&flipped) {
                Ok(records) => assert_eq!(decode(&encode(&records).unwrap()).unwrap(), records),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0);
    }
}

/// A few bytes that declare the most there can be: memory stays within that of a block of that many records.
#[test]
fn declared_counts_do_not_take_memory() {
    let records = [mix::hospital(3, 1), golden_records()].concat();
    let block = encode(&records).unwrap();
    let counts = (1..block.len()).flat_map(|at| [0x7f, 0xff].map(|byte| (at, byte)));
    for (at, byte) in counts {
        for run in 1..5 {
            let mut large = block.clone();
            large.splice(at..at, std::iter::repeat_n(byte, run));
            let _ = decode(&large);
        }
    }
}

proptest! {
    #[test]
    fn every_record_comes_back(records in prop::collection::vec(arbitrary::record(), 0..60)) {
        prop_assert_eq!(decode(&encode(&records).unwrap()).unwrap(), records);
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        if let Some(version) = bytes.first_mut() {
            *version = VERSION;
        }
        if let Ok(records) = decode(&bytes) {
            prop_assert_eq!(decode(&encode(&records).unwrap()).unwrap(), records);
        }
    }

    #[test]
    fn damaged_blocks_are_read_or_refused(
        records in prop::collection::vec(arbitrary::record(), 1..20),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut block = encode(&records).unwrap();
        prop_assert!(decode(&block[..cut.index(block.len())]).is_err());
        for (at, byte) in damage {
            let at = at.index(block.len());
            block[at] = byte;
        }
        if let Ok(records) = decode(&block) {
            prop_assert_eq!(decode(&encode(&records).unwrap()).unwrap(), records);
        }
    }
}
