//! Target: ARP.

use wire::arp::{MESSAGE_BYTES, parse, probe};

/// Must neither panic nor hang on any bytes; what is shorter than a message is never one.
pub fn run(data: &[u8]) {
    if let Ok(message) = parse(data) {
        assert!(data.len() >= MESSAGE_BYTES, "a message was read out of nothing");
        let _ = message.kind().verb();
    }
    let _ = probe(data);
}
