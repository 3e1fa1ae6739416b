//! Target: DNS, mDNS and LLMNR, over UDP and TCP.

use wire::dns::{ENTRIES_MAX, Message, NAME_BYTES_MAX, Name, parse, parse_tcp, probe, probe_tcp};
use wire::{Framed, Probe};

/// Messages of one stream that are read.
const MESSAGES_MAX: usize = 64;

/// Must neither panic nor hang on any bytes, must make progress on what it accepts and ask for more than it has.
pub fn run(data: &[u8]) {
    let parsed = parse(data);
    if probe(data) == Probe::Certain {
        assert!(parsed.is_ok(), "what is certain parses");
    }
    if let Ok(message) = parsed {
        walk(&message);
    }
    let _ = probe_tcp(data);
    let mut stream = data;
    for _ in 0..MESSAGES_MAX {
        match parse_tcp(stream) {
            Ok(Framed::Whole { message, length }) => {
                assert!(length > 0, "a message occupies bytes");
                walk(&message);
                stream = stream.get(length..).unwrap_or_default();
            }
            Ok(Framed::Partial { need }) => return assert!(need > stream.len(), "more is needed"),
            Err(_) => return,
        }
    }
}

fn walk(message: &Message<'_>) {
    let _ = message.verb();
    let mut entries = 0;
    for question in message.questions() {
        entries += 1;
        walk_name(question.name);
    }
    for record in message.records() {
        entries += 1;
        walk_name(record.name);
        let _ = record.data();
    }
    assert!(entries <= ENTRIES_MAX, "entries are bounded");
}

fn walk_name(name: Name<'_>) {
    let bytes: usize = name.labels().map(|label| label.len() + 1).sum();
    assert!(bytes < NAME_BYTES_MAX, "names are bounded");
    assert!(name.is(name), "a name is itself");
}
