//! Target: NTP.

use wire::Probe;
use wire::ntp::{Message, parse, probe};

/// Must neither panic nor hang on any bytes; what the probe is sure of must also be read.
pub fn run(data: &[u8]) {
    let message = parse(data);
    if let Ok(Message::Control(control)) = &message {
        assert!(control.variables().count() <= data.len(), "every variable occupies bytes");
    }
    if probe(data) == Probe::Certain {
        assert!(message.is_ok(), "certain, but not readable");
    }
}
