//! Target: WS-Discovery.

use wire::wsdiscovery::{LIST_ITEMS_MAX, SCOPE_BYTES_MAX, Scope, parse, percent_decoded, probe, unescape};

/// Must neither panic nor hang on any bytes.
pub fn run(data: &[u8]) {
    let _ = probe(data);
    let Ok(message) = parse(data) else { return };
    assert!(message.endpoint.types().count() <= LIST_ITEMS_MAX);
    let mut room = [0; SCOPE_BYTES_MAX];
    for raw in message.endpoint.scopes() {
        if let Scope::Location(location) = Scope::of(unescape(raw, &mut room)) {
            for (_, encoded) in location.parts {
                assert!(percent_decoded(encoded).count() <= encoded.len());
            }
        }
    }
}
