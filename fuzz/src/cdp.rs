//! Target: CDP.

use wire::cdp::{ADDRESSES_MAX, TLVS_MAX, Tlv, parse, probe};

/// Must neither panic nor hang on any bytes; the TLVs of an accepted message can be walked and come to an end.
pub fn run(data: &[u8]) {
    let _ = probe(data);
    let Ok(message) = parse(data) else { return };
    let mut count = 0;
    for tlv in message.tlvs.iter() {
        count += 1;
        match tlv {
            Tlv::Addresses(addresses) | Tlv::ManagementAddresses(addresses) => {
                assert!(addresses.iter().count() <= ADDRESSES_MAX, "more addresses than the bound allows");
            }
            Tlv::Capabilities(capabilities) => drop(capabilities.words().count()),
            _ => {}
        }
    }
    assert!(count <= TLVS_MAX, "more TLVs than the bound allows");
}
