//! Target: MQTT.

use wire::Framed;
use wire::mqtt::{begins_packets, parse, probe};

/// Must neither panic nor hang on any bytes, and must make progress on what it accepts.
pub fn run(data: &[u8]) {
    let _ = (probe(data), begins_packets(data));
    let mut rest = data;
    while !rest.is_empty() {
        match parse(rest) {
            Ok(Framed::Whole { length, .. }) => {
                assert!(length > 0, "a packet occupies bytes");
                rest = rest.get(length..).unwrap_or_default();
            }
            Ok(Framed::Partial { need }) => {
                assert!(need > rest.len(), "more bytes are asked for than there are");
                return;
            }
            Err(_) => return,
        }
    }
}
