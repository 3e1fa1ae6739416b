//! Target: SSDP and UPnP device descriptions.

use wire::Probe;
use wire::ssdp::{is_description, parse, parse_description, probe, unescape};

/// Must neither panic nor hang on any bytes; what is read must be ours.
pub fn run(data: &[u8]) {
    if let Ok(message) = parse(data) {
        assert_eq!(probe(data), Probe::Certain, "readable, but not certain");
        let _ = (message.device(), message.target_kind());
    }
    let _ = is_description(data);
    if let Ok(description) = parse_description(data) {
        let mut room = [0; 32];
        assert!(unescape(description.model_name, &mut room).len() <= 32);
    }
}
