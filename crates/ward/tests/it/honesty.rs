//! Unknown is not clean: what was missed takes the plain "nothing was found" away.

use crate::support;
use std::io::Cursor;
use testkit::packet::{Ipv4, ethernet, pcap, udp};
use ward::report::{Document, page, print};

/// A quiet host and nothing else, read whole.
fn quiet() -> Document {
    let ip = Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into()).packet(17, &udp(5000, 5001, b"hello"));
    let frame = ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], 0x0800, &ip);
    let file = pcap(1, &[(1_790_000_000_000_000_000, frame)]);
    let mut capture = ward::capture::open_reader("quiet", Box::new(Cursor::new(file)), None).unwrap();
    support::document("quiet", &support::read(capture.as_mut()))
}

fn told(document: &Document) -> String {
    let mut table = Vec::new();
    print(document, 80, &mut table).unwrap();
    [String::from_utf8(table).unwrap(), page(document)].concat().replace('\n', " ")
}

const PLAIN: &str = "Nothing that this scan looks for";

#[test]
fn a_whole_capture_may_be_called_quiet() {
    assert!(told(&quiet()).contains(PLAIN));
}

#[test]
fn whatever_was_missed_takes_the_plain_sentence_away() {
    let misses: [fn(&mut Document); 5] = [
        |d| d.capture.dropped = Some(1),
        |d| d.capture.cut = 1,
        |d| d.capture.gap_bytes = 1,
        |d| d.capture.flows.one_sided = 1,
        |d| d.capture.complete = false,
    ];
    for (n, miss) in misses.iter().enumerate() {
        let mut document = quiet();
        miss(&mut document);
        let told = told(&document);
        assert!(!told.contains(PLAIN), "miss {n}");
        assert!(told.contains("not everything could be read"), "miss {n}");
    }
}
