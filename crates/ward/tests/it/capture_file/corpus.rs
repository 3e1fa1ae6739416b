//! Real captures, hundreds of them, from `$WARD_CORPUS`: each is read to its end or refused with a reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ward::capture::{Block, Progress, open_file};

#[test]
fn every_file_of_the_corpus_is_read_or_refused_with_a_reason() {
    let Some(corpus) = std::env::var_os("WARD_CORPUS") else {
        eprintln!("SKIPPED: WARD_CORPUS is not set; no real captures were read");
        return;
    };
    let (mut files, mut tally) = (Vec::new(), BTreeMap::<&str, u64>::new());
    collect(&Path::new(&corpus).join("pcap"), &mut files);
    assert!(!files.is_empty(), "no files in {}", Path::new(&corpus).display());
    for file in &files {
        let outcome = read_through(file, &mut tally);
        *tally.entry(outcome).or_default() += 1;
    }
    eprintln!("corpus: {} files, {tally:?}", files.len());
    assert!(tally.get("whole").is_some_and(|whole| *whole > 0));
}

fn read_through(file: &Path, tally: &mut BTreeMap<&str, u64>) -> &'static str {
    let mut capture = match open_file(file) {
        Ok(capture) => capture,
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with(&file.display().to_string()), "{message}");
            let extension = file.extension().and_then(|extension| extension.to_str());
            if matches!(extension, Some("pcap" | "pcapng" | "cap")) {
                eprintln!("refused: {message}");
                return "refused captures";
            }
            return "refused others";
        }
    };
    let mut block = Block::new();
    while capture.next_block(&mut block).unwrap() != Progress::End {
        assert!(block.bytes_held() < 4 * 1024 * 1024);
        assert_eq!(block.frames().count(), block.len());
    }
    let counters = capture.counters();
    *tally.entry("frames").or_default() += counters.frames;
    if counters.partly_read {
        eprintln!("partly: {}: {}", file.display(), counters.notes.join("; "));
        return "partly";
    }
    assert_eq!(Some(counters.source_bytes_read), counters.source_bytes_total, "{}", file.display());
    "whole"
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
    files.sort();
}
