//! Promise 4, from the outside: patient data and secrets go into Ward and never come out, whatever the protocol, however
//! TCP cut it and whatever got lost on the way.

use crate::support;
use std::fmt::Write as _;
use testkit::packet::{self, Ipv4, Session};

mod dicom;
mod disguise;
mod hl7;
mod others;

use disguise::{Canaries, assert_hidden};

/// A TCP conversation: who says what, 0 client, 1 server.
pub struct Tcp {
    pub name: &'static str,
    pub port: u16,
    pub said: Vec<(usize, Vec<u8>)>,
    /// What must be found in it when nothing is lost: a finding of this kind over this protocol.
    pub found: &'static [(&'static str, &'static str)],
    /// A verb that shows that it was read to its end.
    pub verb: &'static str,
}

/// TCP payload bytes per segment.
const SEGMENTS: [usize; 4] = [1, 7, 100, 1460];
/// Places where one segment is lost, per conversation and size.
const LOSSES: usize = 9;

fn conversations() -> Vec<(Tcp, usize)> {
    let makers: [fn(&mut Canaries) -> Tcp; 14] = [
        hl7::admission,
        hl7::observations,
        hl7::odd_separators,
        hl7::refusal,
        dicom::store_implicit,
        dicom::store_explicit,
        dicom::find,
        dicom::procedure_step,
        others::http_fhir,
        others::http_secrets,
        others::mqtt_3,
        others::mqtt_5,
        others::smb,
        others::ftp_like,
    ];
    makers
        .into_iter()
        .map(|make| {
            let mut canaries = Canaries::default();
            let tcp = make(&mut canaries);
            (tcp, canaries.count())
        })
        .collect()
}

/// The frames of `tcp` in segments of `size` bytes, without the data segment number `lost`.
fn frames(tcp: &Tcp, size: usize, lost: Option<usize>) -> Vec<Vec<u8>> {
    let mut session = Session::open(tcp.port);
    let handshake = session.frames.len();
    for (side, bytes) in &tcp.said {
        bytes.chunks(size).for_each(|chunk| session.send(*side, chunk));
    }
    session.close();
    if let Some(lost) = lost {
        session.frames.remove(handshake + lost);
    }
    session.frames
}

/// Scans frames a millisecond apart.
fn read(frames: Vec<Vec<u8>>) -> support::Read {
    let timed: Vec<(u64, Vec<u8>)> = frames
        .into_iter()
        .enumerate()
        .map(|(n, frame)| (1_790_000_000_000_000_000 + n as u64 * 1_000_000, frame))
        .collect();
    let file = packet::pcap(1, &timed);
    let mut capture =
        ward::capture::open_reader("canaries", Box::new(std::io::Cursor::new(file)), None).unwrap();
    support::read(capture.as_mut())
}

/// Everything that can leave Ward after a scan, with a name for each way out.
fn outputs(read: &support::Read) -> Vec<(&'static str, String)> {
    let document = support::document("canaries.pcap", read);
    let redacted = ward::report::Redactor::new([9; 32]).redact(document.clone());
    let table = |document: &ward::report::Document, columns| {
        let mut text = Vec::new();
        ward::report::print(document, columns, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let mut debug = String::new();
    for record in &read.records {
        writeln!(debug, "{record:?}").unwrap();
    }
    vec![
        ("records", debug),
        ("records as JSON", serde_json::to_string(&read.records).unwrap()),
        ("devices", format!("{:?}", read.resolved)),
        ("table of 80 columns", table(&document, 80)),
        ("table of 200 columns", table(&document, 200)),
        ("JSON", serde_json::to_string_pretty(&document).unwrap()),
        ("page", ward::report::page(&document)),
        ("redacted JSON", serde_json::to_string(&redacted).unwrap()),
        ("redacted page", ward::report::page(&redacted)),
    ]
}

fn check_hidden(case: &str, read: &support::Read) {
    for (way_out, text) in outputs(read) {
        assert_hidden(&format!("{case}, {way_out}"), &text);
    }
}

fn findings(read: &support::Read) -> Vec<(String, String)> {
    let document = support::document("canaries.pcap", read);
    document.findings.into_iter().map(|finding| (finding.kind, finding.protocol)).collect()
}

fn has_verb(read: &support::Read, verb: &str) -> bool {
    read.resolved.talks.iter().flat_map(|talk| &talk.verbs).any(|(said, _)| said == verb)
}

#[test]
fn nothing_comes_out_of_conversations_however_they_are_cut() {
    let mut planted = 0;
    for (tcp, canaries) in conversations() {
        assert!(canaries > 0, "{} has no canary", tcp.name);
        planted += canaries;
        for size in SEGMENTS {
            let case = format!("{} in segments of {size}", tcp.name);
            let read = read(frames(&tcp, size, None));
            check_hidden(&case, &read);
            let found = findings(&read);
            for (kind, protocol) in tcp.found {
                let is_it = |(k, p): &(String, String)| k == kind && p == protocol;
                assert!(found.iter().any(is_it), "{case}: no {kind} over {protocol}, only {found:?}");
            }
            assert!(tcp.verb.is_empty() || has_verb(&read, tcp.verb), "{case}: no {}", tcp.verb);
        }
    }
    eprintln!("{planted} canaries in {} conversations", conversations().len());
    assert!(planted > 1000, "only {planted} canaries");
}

#[test]
fn nothing_comes_out_of_conversations_with_a_gap() {
    let mut gaps = 0;
    for (tcp, _) in conversations() {
        for size in SEGMENTS {
            let segments: usize = tcp.said.iter().map(|(_, bytes)| bytes.len().div_ceil(size)).sum();
            let mut places: Vec<usize> = (0..LOSSES).map(|n| n * segments / LOSSES).collect();
            places.dedup();
            for lost in places {
                let read = read(frames(&tcp, size, Some(lost)));
                gaps += usize::from(read.resolved.coverage.gap_bytes > 0);
                check_hidden(&format!("{} in segments of {size} without number {lost}", tcp.name), &read);
            }
        }
    }
    assert!(gaps > 100, "only {gaps} gaps were noticed");
}

/// The tap was switched on in the middle: there is no handshake, and the first bytes are the middle of something.
#[test]
fn nothing_comes_out_of_conversations_without_a_start() {
    for (tcp, _) in conversations() {
        let segments: usize = tcp.said.iter().map(|(_, bytes)| bytes.len().div_ceil(100)).sum();
        for start in (0..segments).step_by(segments.div_ceil(12)) {
            let late = frames(&tcp, 100, None).split_off(3 + start);
            check_hidden(&format!("{} from segment {start} on", tcp.name), &read(late));
        }
    }
}

#[test]
fn nothing_comes_out_of_datagrams() {
    let mut canaries = Canaries::default();
    let datagrams = others::datagrams(&mut canaries);
    assert!(canaries.count() >= 12, "{} canaries", canaries.count());
    let mut id = 0;
    let mut frame = |(port, payload): &(u16, Vec<u8>)| {
        let (from, to) = ([10, 20, 3, 7].into(), [10, 20, 0, 9].into());
        let udp = packet::udp(*port, *port, payload);
        id += 1;
        let ip = Ipv4 { id, ..Ipv4::new(from, to) };
        packet::ethernet([2, 0, 0, 0, 0, 7], [2, 0, 0, 0, 0, 9], 0x0800, &ip.packet(17, &udp))
    };
    let whole = read(datagrams.iter().map(&mut frame).collect());
    check_hidden("datagrams", &whole);
    let found = findings(&whole);
    let is_there = |kind: &str, protocol: &str| found.iter().any(|(k, p)| k == kind && p == protocol);
    assert!(is_there("phi-in-clear", "ws-discovery"), "{found:?}");
    assert!(is_there("weak-protocol", "snmp"), "{found:?}");
    for verb in ["HELLO", "GET", "RESPONSE"] {
        assert!(has_verb(&whole, verb), "no {verb}");
    }
    // Cut by a snapshot length, at every place of every datagram.
    for datagram in &datagrams {
        let cut: Vec<Vec<u8>> =
            (0..datagram.1.len()).map(|n| frame(&(datagram.0, datagram.1[..n].to_vec()))).collect();
        check_hidden(&format!("prefixes of the datagram to {}", datagram.0), &read(cut));
    }
}

/// Facts that must come out do, from the very conversations that hide the canaries.
#[test]
fn what_is_no_patient_data_does_come_out() {
    let (tcp, _) = conversations().swap_remove(1);
    let text = outputs(&read(frames(&tcp, 100, None))).remove(0).1;
    for said in ["MONITOR7", "PUMP7", "phi-in-clear", "PhiInClear", "PID-5"] {
        assert!(said == "phi-in-clear" || text.contains(said), "{said} is not told");
    }
}
