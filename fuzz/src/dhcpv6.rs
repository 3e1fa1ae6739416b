//! Target: DHCPv6.

use wire::Probe;
use wire::dhcpv6::{ADDRESSES_MAX, Head, RELAY_DEPTH_MAX, Strings, VendorData, parse, probe};

/// Must neither panic nor hang on any bytes; what it hands out lies within its bounds.
pub fn run(data: &[u8]) {
    let parsed = parse(data);
    if probe(data) == Probe::Certain {
        assert!(parsed.is_ok(), "what is certain parses");
    }
    let Ok(outer) = parsed else { return };
    let layers = outer.layers().count();
    assert!((1..=RELAY_DEPTH_MAX + 1).contains(&layers), "relays are bounded");
    let Some(inner) = outer.layers().last() else { return };
    assert!(matches!(inner.head, Head::ClientServer { .. }), "the innermost message is no relay's");
    assert!(inner.addresses().count() <= ADDRESSES_MAX, "addresses are bounded");
    let _ = inner.client().map(|duid| duid.ethernet());
    for (_, value) in inner.options() {
        let strings = Strings(value).count();
        assert!(strings <= value.len(), "each string occupies bytes");
        let _ = VendorData::new(value);
    }
}
