//! Records of every released layout stay readable: one folder per `SCHEMA_VERSION`, one file per kind of record, one
//! record per line. A line is never edited or removed; a new word brings a new line, a new layout a new folder.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails should stop"
)]

use model::{Attribute, Protocol, Record, SCHEMA_VERSION};
use serde_json::Value;
use std::path::{Path, PathBuf};

const KINDS: [&str; 5] = ["activity", "coverage", "event", "fact", "flow"];

fn folder(version: u16) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/v{version}"))
}

/// Where it stands, and what it says.
fn lines(version: u16, kind: &str) -> Vec<(String, Value)> {
    let path = folder(version).join(format!("{kind}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let place = |n: usize| format!("golden/v{version}/{kind}.json:{}", n + 1);
    text.lines().enumerate().map(|(n, line)| (place(n), serde_json::from_str(line).unwrap())).collect()
}

#[test]
fn every_version_has_its_folder() {
    for version in 1..=SCHEMA_VERSION {
        let mut files: Vec<String> = std::fs::read_dir(folder(version))
            .unwrap_or_else(|_| {
                panic!(
                    "SCHEMA_VERSION is {SCHEMA_VERSION}: add golden/v{version} with records of that layout"
                )
            })
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, KINDS.map(|kind| format!("{kind}.json")), "golden/v{version}");
    }
    assert!(
        !folder(SCHEMA_VERSION + 1).exists(),
        "golden/v{} is newer than SCHEMA_VERSION",
        SCHEMA_VERSION + 1
    );
}

#[test]
fn golden_records_are_read_and_written_back() {
    for version in 1..=SCHEMA_VERSION {
        for kind in KINDS {
            let lines = lines(version, kind);
            assert!(lines.len() >= 2, "golden/v{version}/{kind}.json holds {} records", lines.len());
            for (place, json) in lines {
                let record: Record =
                    serde_json::from_value(json.clone()).unwrap_or_else(|e| panic!("{place}: {e}"));
                assert_eq!(record.header().schema, version, "{place}");
                assert_eq!(json["record"], kind, "{place}");
                if version == SCHEMA_VERSION {
                    assert_eq!(serde_json::to_value(&record).unwrap(), json, "{place}");
                }
            }
        }
    }
}

/// A word that is renamed or dropped makes old records unreadable: so every word of today stands in a record.
#[test]
fn every_word_stands_in_a_record() {
    let all = (1..=SCHEMA_VERSION).flat_map(|version| KINDS.map(|kind| lines(version, kind))).flatten();
    let text: Vec<String> = all.map(|(_, json)| json.to_string()).collect();
    let is_there = |word: &str| text.iter().any(|line| line.contains(&format!("\"{word}\"")));
    let attributes = Attribute::ALL.iter().map(|a| a.name());
    let protocols = Protocol::ALL.iter().map(|p| p.name());
    let missing: Vec<&str> = attributes.chain(protocols).filter(|word| !is_there(word)).collect();
    assert_eq!(missing, [] as [&str; 0]);
    for word in words::<model::EventKind>()
        .iter()
        .chain(&words::<model::FlowEnd>())
        .chain(&words::<model::UnparsedReason>())
    {
        assert!(is_there(word), "{word} is in no golden record");
    }
    for word in ["tcp", "udp", "icmp", "client", "server"] {
        assert!(is_there(word), "{word}");
    }
    for number in ["{\"ip\":47}", "{\"link\":35020}"] {
        assert!(text.iter().any(|line| line.contains(number)), "{number}");
    }
}

/// The words of an enum, as serde tells them in its refusal.
fn words<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let Err(refusal) = serde_json::from_str::<T>("\"no such word\"") else { panic!("it takes any word") };
    let refusal = refusal.to_string();
    let (_, expected) = refusal.split_once("expected").unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
