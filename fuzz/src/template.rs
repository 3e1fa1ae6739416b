//! Target: the template protocol.

use wire::Framed;
use wire::template::parse;

/// Must neither panic nor hang on any bytes, and must make progress on what it accepts.
pub fn run(data: &[u8]) {
    if let Ok(Framed::Whole { length, .. }) = parse(data) {
        assert!(length > 0, "a message occupies bytes");
    }
    let _ = wire::template::probe(data);
}
