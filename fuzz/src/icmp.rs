//! Target: ICMP and ICMPv6.

use wire::icmp::{ND_OPTIONS_MAX, NdOptions, V6, parse_v4, parse_v6, probe_v4, probe_v6};

/// Must neither panic nor hang on any bytes; the options of an accepted message can be walked and come to an end.
pub fn run(data: &[u8]) {
    if let Ok(message) = parse_v4(data) {
        let _ = message.verb();
    }
    match parse_v6(data) {
        Ok(V6::RouterSolicitation(options)) => walk(options),
        Ok(V6::RouterAdvertisement(ra)) => walk(ra.options),
        Ok(V6::NeighborSolicitation { options, .. } | V6::Redirect { options, .. }) => walk(options),
        Ok(V6::NeighborAdvertisement(na)) => walk(na.options),
        _ => {}
    }
    let _ = (probe_v4(data), probe_v6(data));
}

fn walk(options: NdOptions<'_>) {
    let mut count = 0;
    for option in options.iter() {
        count += 1;
        let _ = option.dns_servers().count();
    }
    assert!(count <= ND_OPTIONS_MAX, "more options than the bound allows");
}
