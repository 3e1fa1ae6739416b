//! JA4 of TLS clients over TCP, against the values that the reference implementation publishes for its own captures.

use crate::support;
use model::{Attribute, Record};
use std::collections::{BTreeMap, BTreeSet};

/// Where the reference is not followed: capture, its value, ours (`-` for none), why. This list may only shrink.
const EXCEPTIONS: [[&str; 4]; 2] = [
    [
        "tls-non-ascii-alpn.pcapng",
        "t13d151699_8daaf6152771_e5627efa2ab1",
        "t13d1516bd_8daaf6152771_e5627efa2ab1",
        "the first ALPN value is ba ad, which is not ASCII: the tools print 99, the specification (JA4.md, ALPN) wants the \
         first and last hexadecimal digit",
    ],
    [
        "https-connect.pcap",
        "t12i860500_e18388e7f3a3_a1e935682795",
        "-",
        "TLS inside of an HTTP CONNECT tunnel: the conversation is HTTP with a proxy, and what is tunnelled is not read; \
         the reference tool in Python says nothing of it either",
    ],
];

/// Client address and fingerprint.
type Said = BTreeSet<(String, String)>;

/// The JA4 lines of a snapshot; other fingerprints in it are not read.
fn expected(snapshot: &str) -> Said {
    let (mut said, mut source, mut transport) = (Said::new(), "", "");
    for line in snapshot.lines() {
        let Some((key, value)) = line.get(2..).and_then(|line| line.split_once(": ")) else { continue };
        match key {
            "transport" => transport = value,
            "src" => source = value,
            // `q` is QUIC and `d` is DTLS: neither is read yet.
            "ja4" if transport == "tcp" && value.starts_with('t') => {
                said.insert((source.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }
    said
}

fn ours(records: &[Record]) -> Said {
    let ja4 = records.iter().filter_map(|record| match record {
        Record::Fact(fact) if fact.attribute == Attribute::Ja4 => Some(fact),
        _ => None,
    });
    ja4.map(|fact| (fact.endpoint.address.to_string(), fact.value.to_string())).collect()
}

#[test]
fn every_ja4_is_the_reference_implementations() {
    let Some(corpus) = support::corpus("every_ja4_is_the_reference_implementations") else { return };
    let folder = corpus.join("pcap/ja4");
    let mut table: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut wrong, mut excused) = (Vec::new(), BTreeSet::new());
    for path in support::captures_below(&folder) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(snapshot) = std::fs::read_to_string(folder.join(format!("expected/{file}.rust.snap"))) else {
            continue;
        };
        let expected = expected(&snapshot);
        let ours = ours(&support::read(ward::capture::open_file(&path).unwrap().as_mut()).records);
        let agreed = expected.intersection(&ours).count();
        table.insert(file.clone(), (expected.len(), agreed));
        let missed = expected.difference(&ours).map(|(client, ja4)| (client, "-", ja4));
        let invented = ours.difference(&expected).map(|(client, ja4)| (client, "+", ja4));
        for (client, sign, ja4) in missed.chain(invented) {
            let is_excused =
                |[name, theirs, own, _]: &&[&str; 4]| *name == file && (ja4 == theirs || ja4 == own);
            match EXCEPTIONS.iter().find(is_excused) {
                Some([.., why]) => {
                    excused.insert(format!("{file} {ja4}"));
                    eprintln!("excused: {file}: {sign} {client} {ja4}: {why}");
                }
                None => wrong.push(format!("{file}: {sign} {client} {ja4}")),
            }
        }
    }
    eprintln!("{:32} {:>9} {:>7}", "capture", "reference", "agreed");
    for (file, (expected, agreed)) in table.iter().filter(|(_, row)| row.0 > 0) {
        eprintln!("{file:32} {expected:>9} {agreed:>7}");
    }
    let (expected, agreed) = table.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    eprintln!("{:32} {expected:>9} {agreed:>7}", "all");
    assert!(wrong.is_empty(), "- theirs alone, + ours alone:\n{}", wrong.join("\n"));
    let excusable = EXCEPTIONS.iter().flat_map(|[name, theirs, own, _]| [(name, theirs), (name, own)]);
    let excusable: BTreeSet<String> =
        excusable.filter(|(_, ja4)| **ja4 != "-").map(|(name, ja4)| format!("{name} {ja4}")).collect();
    assert_eq!(excused, excusable, "an exception that is none any more: remove it");
    assert!(agreed >= 17, "only {agreed} fingerprints were compared");
}
