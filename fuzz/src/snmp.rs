//! Target: SNMP.

use wire::Probe;
use wire::snmp::{OID_TEXT_BYTES_MAX, VARIABLES_MAX, Value, parse, probe};

/// Must neither panic nor hang on any bytes; what is read must be ours.
pub fn run(data: &[u8]) {
    let Ok(message) = parse(data) else { return };
    assert_eq!(probe(data), Probe::Certain, "readable, but not certain");
    let Some(pdu) = message.pdu else { return };
    let mut count = 0;
    for variable in pdu.variables() {
        count += 1;
        let mut room = [0; OID_TEXT_BYTES_MAX];
        let _ = variable.name.text(&mut room);
        if let Value::Oid(oid) = variable.value {
            assert!(oid.subidentifiers().count() <= oid.0.len() + 1);
        }
    }
    assert!(count <= VARIABLES_MAX);
}
