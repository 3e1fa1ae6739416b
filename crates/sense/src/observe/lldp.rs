//! What LLDP tells: the sender's name, place, capabilities and type plate, in its own words. The statements are about
//! the link address that sent the frame; that several ports are one box is told by the chassis ID, for others to use.

use super::{Context, Datagram};
use model::{Attribute, IpClass, UnparsedReason, classify_ip};
use std::fmt::Write as _;
use wire::lldp::{Capabilities, CivicElements, Id, Inventory, Location, Management, Tlv, parse};

/// Deals with the payload of a frame of EtherType 0x88cc.
pub fn frame(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(wire::Error::Truncated { .. }) => return Datagram::Broken(UnparsedReason::Truncated),
        Err(wire::Error::Limit { .. }) => return Datagram::Broken(UnparsedReason::Limit),
        Err(wire::Error::Malformed { .. }) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    if message.ttl_s == 0 {
        // A shutdown LLDPDU (§9.1.2) takes back what was said: it states nothing.
        cx.verb("SHUTDOWN", payload.len());
        return Datagram::Read;
    }
    cx.verb("LLDPDU", payload.len());
    cx.fact(Attribute::ChassisId, id_text(message.chassis));
    let mut pending = Pending::default();
    for tlv in message.tlvs.iter() {
        state(cx, tlv, &mut pending);
    }
    if let Some(port) = port_name(message.port, pending.port_description) {
        cx.fact(Attribute::SwitchPort, port);
    }
    if let Some(version) = pending.software.or(pending.firmware) {
        cx.fact(Attribute::SoftwareVersion, version);
    }
    Datagram::Read
}

/// What can be stated only when all TLVs are known.
#[derive(Default)]
struct Pending<'a> {
    port_description: Option<&'a [u8]>,
    software: Option<&'a [u8]>,
    firmware: Option<&'a [u8]>,
}

fn state<'a>(cx: &mut Context<'_>, tlv: Tlv<'a>, pending: &mut Pending<'a>) {
    match tlv {
        Tlv::PortDescription(text) => pending.port_description = Some(text),
        Tlv::SystemName(name) => cx.fact(Attribute::HostName, name),
        // The standard wants sysDescr here (§8.5.7), so it is matched like that of SNMP.
        Tlv::SystemDescription(text) => cx.fact(Attribute::SnmpDescription, text),
        Tlv::Capabilities { enabled, .. } => cx.fact(Attribute::DeviceType, words(enabled)),
        Tlv::ManagementAddress(address) => management(cx, address),
        Tlv::PortVlan(vlan) if vlan != 0 => cx.fact(Attribute::NativeVlan, vlan.to_string()),
        Tlv::MedLocation(location) => cx.fact(Attribute::Location, location_text(location)),
        Tlv::MedInventory(Inventory::SoftwareRevision, text) => pending.software = non_empty(text),
        Tlv::MedInventory(Inventory::FirmwareRevision, text) => pending.firmware = non_empty(text),
        Tlv::MedInventory(about, text) => {
            if let Some(attribute) = inventory_attribute(about) {
                cx.fact(attribute, text);
            }
        }
        _ => {}
    }
}

fn non_empty(text: &[u8]) -> Option<&[u8]> {
    Some(text).filter(|text| !text.trim_ascii().is_empty())
}

const fn inventory_attribute(about: Inventory) -> Option<Attribute> {
    match about {
        Inventory::SerialNumber => Some(Attribute::SerialNumber),
        Inventory::Manufacturer => Some(Attribute::Manufacturer),
        Inventory::Model => Some(Attribute::Model),
        Inventory::AssetId => Some(Attribute::AssetId),
        Inventory::HardwareRevision | Inventory::FirmwareRevision | Inventory::SoftwareRevision => None,
    }
}

fn management(cx: &mut Context<'_>, address: Management) {
    match address {
        Management::Ip(ip) if classify_ip(ip) == IpClass::Unspecified => {}
        Management::Ip(ip) => cx.fact(Attribute::ManagementAddress, ip.to_string()),
        Management::Mac(mac) => cx.fact(Attribute::ManagementAddress, mac.to_string()),
    }
}

fn words(capabilities: Capabilities) -> String {
    capabilities.words().collect::<Vec<_>>().join(", ")
}

/// The port as people know it. A bare number or an address gives way to the description; an address alone says nothing.
fn port_name(port: Id<'_>, description: Option<&[u8]>) -> Option<Vec<u8>> {
    match (port, description.and_then(non_empty)) {
        (Id::Name(name), _) => Some(name.to_vec()),
        (_, Some(description)) => Some(description.to_vec()),
        (Id::Local(_), None) => Some(id_text(port).into_bytes()),
        (Id::Mac(_) | Id::Ip(_), None) => None,
    }
}

/// Readable as it is, else in hexadecimal.
fn id_text(id: Id<'_>) -> String {
    match id {
        Id::Mac(mac) => mac.to_string(),
        Id::Ip(ip) => ip.to_string(),
        Id::Name(bytes) | Id::Local(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.trim_end_matches('\0').contains(char::is_control) => text.to_owned(),
            _ => bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
        },
    }
}

fn location_text(location: Location<'_>) -> String {
    match location {
        Location::Coordinates(place) => {
            format!("latitude {:.5}, longitude {:.5}", place.latitude_degrees(), place.longitude_degrees())
        }
        Location::Civic { country, elements } => civic_text(country, elements),
        Location::Elin(number) => format!("ELIN {}", String::from_utf8_lossy(number)),
    }
}

/// The elements in the sender's order, those that need it with their name (RFC 4776 §3.4).
fn civic_text(country: &[u8], elements: CivicElements<'_>) -> String {
    const LANGUAGE: u8 = 0;
    const SCRIPT: u8 = 128;
    // "Residence name or office occupant": may be a person, so it is not kept.
    const NAME: u8 = 23;
    let mut text = String::from_utf8_lossy(country).into_owned();
    for (kind, value) in elements.iter() {
        let label = match kind {
            LANGUAGE | SCRIPT | NAME => continue,
            25 => "building ",
            26 => "unit ",
            27 => "floor ",
            28 => "room ",
            33 => "seat ",
            _ => "",
        };
        let _ = write!(text, ", {label}{}", String::from_utf8_lossy(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Side, testing::Bench};
    use model::{Address, MacAddr, Protocol};

    const HUB: &[u8] = b"\x02\x07\x04\x02\0\0\0\0\x07\x04\x05\x05eth0\x06\x02\x00\x78";

    fn bench() -> Bench {
        let mut bench = Bench::udp(Protocol::Lldp);
        bench.client.address = Address::Mac(MacAddr::new([2, 0, 0, 0, 0, 1]));
        bench
    }

    fn facts(payload: &[u8]) -> Vec<String> {
        let mut bench = bench();
        assert_eq!(bench.datagram(frame, Side::Client, payload), Datagram::Read);
        let own = "02:00:00:00:00:01 ";
        bench.facts().iter().map(|fact| fact.strip_prefix(own).unwrap().to_owned()).collect()
    }

    fn med(subtype: u8, value: &[u8]) -> Vec<u8> {
        [&[0xfe, 4 + value.len() as u8, 0x00, 0x12, 0xbb, subtype], value].concat()
    }

    #[test]
    fn a_switch_tells_its_name_port_capabilities_and_address() {
        let switch = b"\x02\x07\x04\x00\x22\x2d\x81\xdb\x10\x04\x02\x071\x06\x02\x00\x78\x08\x07Port #1\
            \x0a\x0dSMCGS8P-Smart\x0c\x23SMCGS8P-Smart - SMCGS8P-Smart v3.20\x0e\x04\x00\x14\x00\x14\
            \x10\x0c\x05\x01\xc0\xa8\x02\x0a\x02\0\0\0\x01\0\xfe\x06\x00\x80\xc2\x01\x00\x0a\0\0";
        assert_eq!(
            facts(switch),
            [
                "chassis-id 00:22:2d:81:db:10",
                "host-name SMCGS8P-Smart",
                "snmp-description SMCGS8P-Smart - SMCGS8P-Smart v3.20",
                "device-type bridge, router",
                "management-address 192.168.2.10",
                "native-vlan 10",
                "switch-port Port #1",
            ]
        );
    }

    #[test]
    fn a_med_endpoint_tells_its_type_plate_and_place() {
        let civic = med(3, b"\x02\x19\x01IE\x03\x04Cork\x17\x07J Murph\x1b\x013\x1c\x0212");
        let bytes = [
            HUB,
            &med(5, b"A2"),
            &med(6, b"1.0"),
            &med(7, b"4.2.1"),
            &med(8, b"SN-7"),
            &med(9, b"Acme"),
            &med(10, b"Hub 9"),
            &med(11, b"BME-0042"),
            &civic,
        ]
        .concat();
        assert_eq!(
            facts(&bytes),
            [
                "chassis-id 02:00:00:00:00:07",
                "serial-number SN-7",
                "manufacturer Acme",
                "model Hub 9",
                "asset-id BME-0042",
                "location IE, Cork, floor 3, room 12",
                "switch-port eth0",
                "software-version 4.2.1",
            ]
        );
    }

    #[test]
    fn firmware_stands_in_for_missing_software() {
        let both = facts(&[HUB, &med(7, b"  "), &med(6, b"1.0")].concat());
        assert_eq!(both.last().unwrap(), "software-version 1.0");
    }

    #[test]
    fn ids_that_are_not_text_are_shown_in_hexadecimal() {
        let local = b"\x02\x04\x07\x00\x01\xff\x04\x07\x03\x02\0\0\0\0\x01\x06\x02\x00\x78";
        assert_eq!(facts(local), ["chassis-id 0001ff"]);
    }

    #[test]
    fn a_shutdown_states_nothing() {
        let mut bench = bench();
        let shutdown = [&HUB[..HUB.len() - 1], &[0], b"\x0a\x03hub\0\0"].concat();
        assert_eq!(bench.datagram(frame, Side::Client, &shutdown), Datagram::Read);
        assert!(bench.facts().is_empty());
        assert_eq!(bench.verbs(), ["SHUTDOWN client 1"]);
    }

    #[test]
    fn what_is_cut_or_foreign_is_counted_as_broken() {
        let mut bench = bench();
        let cut = bench.datagram(frame, Side::Client, &HUB[..15]);
        assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
        let foreign = bench.datagram(frame, Side::Client, &[0xff; 60]);
        assert_eq!(foreign, Datagram::Broken(UnparsedReason::BadMessage));
        assert!(bench.verbs().is_empty());
    }
}
