//! Target: LLDP.

use wire::lldp::{Location, TLVS_MAX, Tlv, parse, probe};

/// Must neither panic nor hang on any bytes; the TLVs of an accepted message can be walked and come to an end.
pub fn run(data: &[u8]) {
    let _ = probe(data);
    let Ok(message) = parse(data) else { return };
    let mut count = 0;
    for tlv in message.tlvs.iter() {
        count += 1;
        match tlv {
            Tlv::Capabilities { enabled, .. } => drop(enabled.words().count()),
            Tlv::MedLocation(Location::Civic { elements, .. }) => {
                assert!(elements.iter().count() <= data.len(), "more elements than bytes");
            }
            _ => {}
        }
    }
    assert!(count <= TLVS_MAX, "more TLVs than the bound allows");
}
