//! Target: DHCPv4.

use wire::dhcpv4::{Fqdn, OPTIONS_MAX, SubOptions, UserClasses, Vendors, parse, probe};

/// Must neither panic nor hang on any bytes; what it hands out lies within its bounds.
pub fn run(data: &[u8]) {
    let _ = probe(data);
    let Ok(message) = parse(data) else { return };
    let _ = (message.verb(), message.ethernet());
    let mut options = 0;
    for (_, value) in message.options() {
        options += 1;
        let _ = Fqdn::new(value);
        let inside =
            SubOptions(value).count().max(Vendors(value).count()).max(UserClasses::new(value).count());
        assert!(inside <= value.len(), "each part of an option occupies bytes");
    }
    assert!(options <= OPTIONS_MAX, "options are bounded");
}
