//! Target: NetBIOS name and datagram service.

use wire::Probe;
use wire::nbns::{ADDRESSES_MAX, Message, NODE_NAMES_MAX, parse, probe};

/// Must neither panic nor hang on any bytes; what it hands out lies within its bounds.
pub fn run(data: &[u8]) {
    let parsed = parse(data);
    assert!((probe(data) == Probe::Certain) <= parsed.is_ok(), "what is certain parses");
    let Ok(message) = parsed else { return };
    let _ = message.verb();
    if let Message::NameService(message) = message {
        assert!(message.owners().count() <= ADDRESSES_MAX, "owners are bounded");
        assert!(message.name.text().len() <= 15, "names are bounded");
        let names = message.node_status().map_or(0, |status| status.names().count());
        assert!(names <= NODE_NAMES_MAX, "names are bounded");
    }
}
