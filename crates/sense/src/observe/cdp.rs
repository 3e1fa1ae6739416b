//! What CDP tells: the sender's name, platform, software, port and addresses, in its own words. The statements are about
//! the link address that sent the frame; that several ports are one box is told by the device ID, for others to use.

use super::{Context, Datagram};
use model::{Attribute, IpClass, UnparsedReason, classify_ip};
use wire::cdp::{Addresses, Message, Tlv, parse};

/// Deals with the payload behind the SNAP header 00-00-0C, 0x2000.
pub fn frame(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(wire::Error::Truncated { .. }) => return Datagram::Broken(UnparsedReason::Truncated),
        Err(wire::Error::Limit { .. }) => return Datagram::Broken(UnparsedReason::Limit),
        Err(wire::Error::Malformed { .. }) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    if message.ttl_s == 0 {
        // Takes back what was said: it states nothing.
        cx.verb("SHUTDOWN", payload.len());
        return Datagram::Read;
    }
    cx.verb("ADVERTISEMENT", payload.len());
    let named = has_system_name(&message);
    for tlv in message.tlvs.iter() {
        state(cx, tlv, named);
    }
    Datagram::Read
}

fn has_system_name(message: &Message<'_>) -> bool {
    message.tlvs.iter().any(|tlv| matches!(tlv, Tlv::SystemName(name) if !name.trim_ascii().is_empty()))
}

/// The device ID is a host name too, unless a system name is given: then it may be a serial number.
fn state(cx: &mut Context<'_>, tlv: Tlv<'_>, has_system_name: bool) {
    match tlv {
        Tlv::DeviceId(id) => {
            cx.fact(Attribute::ChassisId, id);
            if !has_system_name {
                cx.fact(Attribute::HostName, id);
            }
        }
        Tlv::SystemName(name) => cx.fact(Attribute::HostName, name),
        Tlv::PortId(port) => cx.fact(Attribute::SwitchPort, port),
        Tlv::Capabilities(capabilities) => {
            cx.fact(Attribute::DeviceType, capabilities.words().collect::<Vec<_>>().join(", "));
        }
        Tlv::SoftwareVersion(text) => cx.fact(Attribute::SoftwareVersion, text),
        Tlv::Platform(text) => cx.fact(Attribute::Model, text),
        Tlv::NativeVlan(vlan) if vlan != 0 => cx.fact(Attribute::NativeVlan, vlan.to_string()),
        // Addresses of the interface are not those of the frame's link address: a switch answers from another.
        Tlv::Addresses(addresses) | Tlv::ManagementAddresses(addresses) => management(cx, addresses),
        Tlv::Location(text) => cx.fact(Attribute::Location, text),
        _ => {}
    }
}

fn management(cx: &mut Context<'_>, addresses: Addresses<'_>) {
    for ip in addresses.iter().filter(|&ip| classify_ip(ip) != IpClass::Unspecified) {
        cx.fact(Attribute::ManagementAddress, ip.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Side, testing::Bench};
    use model::{Address, MacAddr, Protocol};

    fn bench() -> Bench {
        let mut bench = Bench::udp(Protocol::Cdp);
        bench.client.address = Address::Mac(MacAddr::new([2, 0, 0, 0, 0, 1]));
        bench
    }

    fn facts(tlvs: &[(u16, &[u8])]) -> Vec<String> {
        let mut bench = bench();
        let mut payload = b"\x02\xb4\0\0".to_vec();
        for (kind, value) in tlvs {
            payload.extend(kind.to_be_bytes());
            payload.extend((4 + value.len() as u16).to_be_bytes());
            payload.extend(*value);
        }
        assert_eq!(bench.datagram(frame, Side::Client, &payload), Datagram::Read);
        let own = "02:00:00:00:00:01 ";
        bench.facts().iter().map(|fact| fact.strip_prefix(own).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_switch_tells_who_and_where_it_is() {
        let address = b"\0\0\0\x01\x01\x01\xcc\x00\x04\xc0\xa8\x00\x01";
        let stated = facts(&[
            (1, b"Switch"),
            (5, b"Cisco IOS Software\nCompiled Tue"),
            (6, b"cisco WS-C3560G-24PS"),
            (2, address),
            (3, b"GigabitEthernet0/5"),
            (4, &[0, 0, 0, 0x28]),
            (9, b"Lab"),
            (10, &[0, 20]),
            (0x16, address),
            (0x17, b"\0Closet 3B"),
        ]);
        assert_eq!(
            stated,
            [
                "chassis-id Switch",
                "host-name Switch",
                "software-version Cisco IOS Software Compiled Tue",
                "model cisco WS-C3560G-24PS",
                "management-address 192.168.0.1",
                "switch-port GigabitEthernet0/5",
                "device-type switch, igmp",
                "native-vlan 20",
                "location Closet 3B",
            ]
        );
    }

    #[test]
    fn a_system_name_wins_over_the_device_id() {
        let stated = facts(&[(1, b"FDO1234X0Z9"), (0x14, b"sw-icu-2")]);
        assert_eq!(stated, ["chassis-id FDO1234X0Z9", "host-name sw-icu-2"]);
        let unnamed = facts(&[(1, b"SEP001122334455"), (0x14, b"")]);
        assert_eq!(unnamed, ["chassis-id SEP001122334455", "host-name SEP001122334455"]);
    }

    #[test]
    fn a_shutdown_states_nothing() {
        let mut bench = bench();
        bench.datagram(frame, Side::Client, b"\x02\0\0\0\0\x01\0\x06sw");
        assert!(bench.facts().is_empty());
        assert_eq!(bench.verbs(), ["SHUTDOWN client 1"]);
    }

    #[test]
    fn what_is_cut_or_foreign_is_counted_as_broken() {
        let mut bench = bench();
        let cut = bench.datagram(frame, Side::Client, b"\x02\xb4\0\0\0\x01\0\x0aSwi");
        assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
        let foreign = bench.datagram(frame, Side::Client, &[0xff; 60]);
        assert_eq!(foreign, Datagram::Broken(UnparsedReason::BadMessage));
        assert!(bench.verbs().is_empty());
    }
}
