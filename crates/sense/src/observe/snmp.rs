//! What SNMP tells: what an agent says it is, where it stands, and that a community string crossed in clear.

use super::{Context, Datagram};
use model::{Attribute, EventKind, UnparsedReason};
use wire::snmp::{Message, OID_TEXT_BYTES_MAX, Operation, Pdu, Value, Variable, Version, parse};

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(wire::Error::Malformed { at: 0, .. }) => return Datagram::NotOurs,
        Err(wire::Error::Limit { .. }) => return Datagram::Broken(UnparsedReason::Limit),
        Err(_) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    cx.verb(message.verb(), payload.len());
    version_facts(cx, message);
    if let Some(pdu) = message.pdu {
        match pdu.operation {
            Operation::Response if pdu.error_status == 0 => object_facts(cx, pdu),
            Operation::Trap | Operation::Inform => {
                if refusal(&pdu) {
                    cx.event(EventKind::LoginRefused, "authenticationFailure");
                }
                object_facts(cx, pdu);
            }
            Operation::Report => report(cx, pdu),
            _ => {}
        }
    }
    Datagram::Read
}

fn version_facts(cx: &mut Context<'_>, message: Message<'_>) {
    cx.fact(Attribute::SnmpVersion, message.version.name());
    match message.version {
        Version::V1 => cx.fact(Attribute::ClearText, "snmp v1"),
        Version::V2c => cx.fact(Attribute::ClearText, "snmp v2c"),
        Version::V3 => {}
    }
}

/// Objects that say what a device is: encoded identifier, whether an index follows, and what the value means.
/// RFC 3418 (system), RFC 3805 (printers), RFC 6933 (entities), RFC 1628 (UPS).
const OBJECTS: [(&[u8], Index, Attribute); 12] = [
    (b"\x2b\x06\x01\x02\x01\x01\x01", Index::Scalar, Attribute::SnmpDescription),
    (b"\x2b\x06\x01\x02\x01\x01\x02", Index::Scalar, Attribute::SnmpObjectId),
    (b"\x2b\x06\x01\x02\x01\x01\x05", Index::Scalar, Attribute::SnmpName),
    (b"\x2b\x06\x01\x02\x01\x01\x06", Index::Scalar, Attribute::Location),
    (b"\x2b\x06\x01\x02\x01\x2b\x05\x01\x01\x11", Index::Printer, Attribute::SerialNumber),
    (b"\x2b\x06\x01\x02\x01\x2f\x01\x01\x01\x01\x0a", Index::Chassis, Attribute::SoftwareVersion),
    (b"\x2b\x06\x01\x02\x01\x2f\x01\x01\x01\x01\x0b", Index::Chassis, Attribute::SerialNumber),
    (b"\x2b\x06\x01\x02\x01\x2f\x01\x01\x01\x01\x0c", Index::Chassis, Attribute::Manufacturer),
    (b"\x2b\x06\x01\x02\x01\x2f\x01\x01\x01\x01\x0d", Index::Chassis, Attribute::Model),
    (b"\x2b\x06\x01\x02\x01\x21\x01\x01\x01", Index::Scalar, Attribute::Manufacturer),
    (b"\x2b\x06\x01\x02\x01\x21\x01\x01\x02", Index::Scalar, Attribute::Model),
    (b"\x2b\x06\x01\x02\x01\x21\x01\x01\x03", Index::Scalar, Attribute::SoftwareVersion),
];

/// The index that follows the identifier of an object that speaks of the whole device.
#[derive(Clone, Copy)]
enum Index {
    /// `.0`.
    Scalar,
    /// `.1`: the printer itself among the devices of its host (hrDeviceIndex).
    Printer,
    /// `.1`, `.1000` or `.1001`: what makers number their chassis. Cards, fans and optics have other numbers, and
    /// serial numbers of their own.
    Chassis,
}

impl Index {
    const fn matches(self, encoded: &[u8]) -> bool {
        match self {
            Self::Scalar => matches!(encoded, [0]),
            Self::Printer => matches!(encoded, [1]),
            Self::Chassis => matches!(encoded, [1] | [0x87, 0x68 | 0x69]),
        }
    }
}

fn object_facts(cx: &mut Context<'_>, pdu: Pdu<'_>) {
    for variable in pdu.variables() {
        let found = OBJECTS
            .iter()
            .find(|(base, index, _)| variable.name.under(base).is_some_and(|encoded| index.matches(encoded)));
        let Some(&(_, _, attribute)) = found else { continue };
        state(cx, attribute, variable);
    }
}

fn state(cx: &mut Context<'_>, attribute: Attribute, variable: Variable<'_>) {
    match (attribute, variable.value) {
        (Attribute::SnmpObjectId, Value::Oid(oid)) => {
            cx.fact(attribute, oid.text(&mut [0; OID_TEXT_BYTES_MAX]));
        }
        (Attribute::SnmpObjectId, _) => {}
        (_, Value::Text(text)) => cx.fact(attribute, text),
        _ => {}
    }
}

/// An agent says that somebody showed it a wrong community: generic trap 4 of v1, or snmpTrapOID.0 with
/// authenticationFailure (RFC 3418) as its value.
fn refusal(pdu: &Pdu<'_>) -> bool {
    const TRAP_OID: &[u8] = b"\x2b\x06\x01\x06\x03\x01\x01\x04\x01\x00";
    const AUTHENTICATION_FAILURE: &[u8] = b"\x2b\x06\x01\x06\x03\x01\x01\x05\x05";
    let names_failure = |variable: Variable<'_>| {
        variable.name.0 == TRAP_OID
            && matches!(variable.value, Value::Oid(oid) if oid.0 == AUTHENTICATION_FAILURE)
    };
    pdu.generic_trap == Some(4) || pdu.variables().any(names_failure)
}

/// An SNMPv3 engine refuses a user or a key (usmStats, RFC 3414 §5). Unknown engines and time windows are routine.
fn report(cx: &mut Context<'_>, pdu: Pdu<'_>) {
    const USM_STATS: &[u8] = b"\x2b\x06\x01\x06\x03\x0f\x01\x01";
    for variable in pdu.variables() {
        let detail = match variable.name.under(USM_STATS) {
            Some([1, 0]) => "usmStatsUnsupportedSecLevels",
            Some([3, 0]) => "usmStatsUnknownUserNames",
            Some([5, 0]) => "usmStatsWrongDigests",
            Some([6, 0]) => "usmStatsDecryptionErrors",
            _ => continue,
        };
        cx.event(EventKind::LoginRefused, detail);
        return;
    }
}

#[cfg(test)]
mod tests;
