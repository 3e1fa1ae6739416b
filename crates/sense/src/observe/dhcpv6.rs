//! What DHCPv6 messages tell: of the client, of relays and of servers. A client identifier (DUID) is made once from one
//! of a machine's interfaces, so the address in it is believed only where the packet shows no better one.

use super::dhcpv4::labels;
use super::value::Value;
use super::{Context, Datagram, Party};
use model::{Address, Attribute, EventKind, IpClass, MacAddr, UnparsedReason, classify_ip};
use std::net::IpAddr;
use wire::dhcpv6::{Head, Message, MessageType, Strings, VendorData, option, parse};

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let outer = match parse(payload) {
        Ok(message) => message,
        Err(wire::Error::Truncated { .. }) => return Datagram::Broken(UnparsedReason::Truncated),
        Err(wire::Error::Limit { .. }) => return Datagram::Broken(UnparsedReason::Limit),
        Err(_) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    cx.verb(outer.kind.verb(), payload.len());
    let Some(message) = outer.layers().last() else { return Datagram::Read };
    role_of_sender(cx, &outer);
    let Some(client) = client(cx, &outer, &message) else { return Datagram::Read };
    relay_agents(cx, &outer, client);
    if message.kind.is_of_client() {
        request(cx, &message, client);
    } else if message.kind == MessageType::Reply {
        reply(cx, &message, client);
    }
    Datagram::Read
}

fn role_of_sender(cx: &mut Context<'_>, outer: &Message<'_>) {
    match outer.kind {
        MessageType::Advertise | MessageType::Reply => cx.fact(Attribute::ServiceType, "dhcpv6 server"),
        MessageType::RelayForward => cx.fact(Attribute::ServiceType, "dhcpv6 relay"),
        // Servers and outer relays send RELAY-REPL alike.
        _ => {}
    }
}

/// Who the message is about, best evidence first: the link address that the relay saw, that of the frame where no router
/// stands between, that in the client identifier, the client's own network address.
fn client(cx: &Context<'_>, outer: &Message<'_>, message: &Message<'_>) -> Option<Address> {
    let relay_saw = outer.layers().find_map(|layer| link_address(layer.option(option::CLIENT_LINK_ADDRESS)?));
    let party = if message.kind.is_of_client() { cx.sender } else { cx.receiver };
    let relayed = matches!(outer.head, Head::Relay { .. });
    let on_link = if relayed { None } else { link_local_mac(party) };
    let identifier = message.client().and_then(|duid| duid.ethernet());
    let own = if relayed { None } else { Some(party.address) };
    relay_saw
        .or(identifier.filter(|_| on_link.is_none()))
        .map(MacAddr::new)
        .or(on_link)
        .map(Address::Mac)
        .or(own)
}

/// Option 79: a hardware type, then the address (RFC 6939 §4).
fn link_address(value: &[u8]) -> Option<[u8; 6]> {
    match value {
        [0, 1, address @ ..] => address.try_into().ok(),
        _ => None,
    }
}

/// A link-local address never crossed a router: the frame's link address is the party's own.
fn link_local_mac(party: Party) -> Option<MacAddr> {
    match party.address {
        Address::Ip(ip) if classify_ip(ip) == IpClass::LinkLocal => party.mac.filter(|mac| mac.is_unicast()),
        Address::Ip(_) | Address::Mac(_) => None,
    }
}

fn request(cx: &mut Context<'_>, message: &Message<'_>, client: Address) {
    for (code, value) in message.options() {
        match code {
            option::CLIENT_ID => cx.fact_about(client, Attribute::DhcpClientId, Value::hex(value)),
            option::OPTION_REQUEST => {
                let codes = value.chunks_exact(2).filter_map(|pair| pair.first_chunk().copied());
                cx.fact_about(
                    client,
                    Attribute::DhcpParameterList,
                    Value::numbers(codes.map(u16::from_be_bytes)),
                );
            }
            option::USER_CLASS => {
                Strings(value).for_each(|class| cx.fact_about(client, Attribute::DhcpUserClass, class));
            }
            option::VENDOR_CLASS => vendor_class(cx, client, value),
            option::VENDOR_SPECIFIC => vendor_specific(cx, client, value),
            option::CLIENT_FQDN => {
                let name = value.get(1..).unwrap_or_default();
                cx.fact_about(client, Attribute::DhcpFqdn, Value::joined(labels(name), "."));
            }
            option::MUD_URL => cx.fact_about(client, Attribute::MudUrl, value),
            _ => {}
        }
    }
    addresses_held(cx, message, client);
}

/// What a client says when it extends a lease, it holds; what it asks for, it may not get.
fn addresses_held(cx: &mut Context<'_>, message: &Message<'_>, client: Address) {
    match message.kind {
        MessageType::Renew | MessageType::Rebind => {
            message.addresses().for_each(|held| address(cx, client, held.address.into()));
        }
        MessageType::Decline => {
            for declined in message.addresses() {
                let detail = format!("DECLINE {}", declined.address);
                cx.event_between(client, cx.receiver.address, EventKind::AddressConflict, &detail);
            }
        }
        _ => {}
    }
}

fn vendor_class(cx: &mut Context<'_>, client: Address, value: &[u8]) {
    let Some(vendor) = VendorData::new(value) else { return };
    for class in Strings(vendor.data) {
        let mut value = Value::new();
        value.push_text(format_args!("enterprise {}: ", vendor.enterprise));
        value.push_printable_or_hex(class);
        cx.fact_about(client, Attribute::DhcpVendorClass, value);
    }
}

fn vendor_specific(cx: &mut Context<'_>, client: Address, value: &[u8]) {
    let Some(vendor) = VendorData::new(value) else { return };
    let mut value = Value::new();
    value.push_text(format_args!("enterprise {}", vendor.enterprise));
    cx.fact_about(client, Attribute::DhcpVendorClass, value);
}

fn reply(cx: &mut Context<'_>, message: &Message<'_>, client: Address) {
    for granted in message.addresses().filter(|granted| granted.valid_s > 0) {
        address(cx, client, granted.address.into());
        let detail = format!("{} for {} s", granted.address, granted.valid_s);
        cx.event_between(client, cx.sender.address, EventKind::Lease, &detail);
    }
}

fn address(cx: &mut Context<'_>, client: Address, ip: IpAddr) {
    let mut value = Value::new();
    value.push_text(format_args!("{ip}"));
    cx.fact_about(client, Attribute::Ipv6Address, value);
}

/// Each relay on the way, with the port and identifier it gave.
fn relay_agents(cx: &mut Context<'_>, outer: &Message<'_>, client: Address) {
    for layer in outer.layers() {
        let Head::Relay { link, .. } = layer.head else { break };
        let mut value = Value::new();
        value.push_text(format_args!("{link}"));
        if let Some(interface) = layer.option(option::INTERFACE_ID) {
            let mut port = Value::new();
            port.push_printable_or_hex(interface);
            cx.fact_about(client, Attribute::SwitchPort, &port);
            value.push(b" interface=");
            value.push(port.as_ref());
        }
        if let Some(remote) = layer.option(option::REMOTE_ID).and_then(VendorData::new) {
            value.push_text(format_args!(" remote={}:", remote.enterprise));
            value.push_printable_or_hex(remote.data);
        }
        cx.fact_about(client, Attribute::DhcpRelayAgent, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Side;
    use crate::observe::testing::Bench;

    fn tlv(code: u16, value: &[u8]) -> Vec<u8> {
        [&code.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
    }

    fn solicit() -> Vec<u8> {
        [
            vec![1, 0, 0, 1],
            tlv(option::CLIENT_ID, &[0, 3, 0, 1, 0xb8, 0x27, 0xeb, 1, 2, 3]),
            tlv(option::OPTION_REQUEST, &[0, 23, 0, 24]),
            tlv(option::USER_CLASS, b"\0\x04ward"),
            tlv(option::VENDOR_CLASS, b"\0\0\x01\x37\0\x08MSFT 5.0"),
            tlv(option::VENDOR_SPECIFIC, b"\0\0\x0d\xe9"),
            tlv(option::CLIENT_FQDN, b"\x01\x05pump7\x04ward\0"),
            tlv(option::MUD_URL, b"https://mud.w/p1"),
        ]
        .concat()
    }

    fn relayed(inner: &[u8], extra: &[u8]) -> Vec<u8> {
        let mut bytes = vec![12, 0, 0x20, 1, 0xd, 0xb8];
        bytes.resize(18, 0);
        bytes.extend([0xfe, 0x80]);
        bytes.resize(34, 0);
        [&bytes[..], &tlv(option::RELAY_MESSAGE, inner), extra].concat()
    }

    fn bench() -> Bench {
        let mut bench = Bench::udp(model::Protocol::Dhcpv6);
        bench.client.address = Address::Ip("fe80::1".parse().unwrap());
        bench.server.address = Address::Ip("fe80::2".parse().unwrap());
        bench
    }

    const FACTS: [&str; 7] = [
        "dhcp-client-id 00030001b827eb010203",
        "dhcp-parameter-list 23,24",
        "dhcp-user-class ward",
        "dhcp-vendor-class enterprise 311: MSFT 5.0",
        "dhcp-vendor-class enterprise 3561",
        "dhcp-fqdn pump7.ward",
        "mud-url https://mud.w/p1",
    ];

    #[test]
    fn a_client_on_the_link_is_known_by_its_frame() {
        let mut bench = bench();
        assert_eq!(bench.datagram(datagram, Side::Client, &solicit()), Datagram::Read);
        assert_eq!(bench.facts(), FACTS.map(|fact| format!("02:00:00:00:00:01 {fact}")));
        assert_eq!(bench.verbs(), ["SOLICIT client 1"]);
    }

    #[test]
    fn a_relayed_client_is_known_by_what_the_relay_saw_else_by_its_identifier() {
        let mut bench = bench();
        bench.client.address = Address::Ip("2001:db8::9".parse().unwrap());
        let extra =
            [tlv(option::INTERFACE_ID, b"Gi0/12"), tlv(option::REMOTE_ID, &[0, 0, 0, 9, 0xff, 1])].concat();
        bench.datagram(datagram, Side::Client, &relayed(&solicit(), &extra));
        let mac = "b8:27:eb:01:02:03";
        let mut expected = vec![
            "2001:db8::9 service-type dhcpv6 relay".to_string(),
            format!("{mac} switch-port Gi0/12"),
            format!("{mac} dhcp-relay-agent 2001:db8:: interface=Gi0/12 remote=9:ff01"),
        ];
        expected.extend(FACTS.map(|fact| format!("{mac} {fact}")));
        assert_eq!(bench.facts(), expected);
        assert_eq!(bench.verbs(), ["RELAY-FORW client 1"]);

        let saw = tlv(option::CLIENT_LINK_ADDRESS, &[0, 1, 0, 0x0c, 0x29, 1, 2, 3]);
        let mut bench = self::bench();
        bench.datagram(datagram, Side::Client, &relayed(&solicit(), &saw));
        assert!(bench.facts().contains(&"00:0c:29:01:02:03 dhcp-fqdn pump7.ward".to_string()));
    }

    #[test]
    fn a_granted_address_is_a_lease() {
        let address = |valid: [u8; 4]| {
            let mut ia = vec![0; 12];
            let mut value = vec![0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 60];
            value.extend(valid);
            ia.extend(tlv(option::IA_ADDRESS, &value));
            tlv(option::IA_NA, &ia)
        };
        let identifier = tlv(option::CLIENT_ID, &[0, 2, 0, 0, 0, 9, 1, 2, 3]);
        let reply = [&[7, 0, 0, 1][..], &identifier, &address([0, 0, 0, 120])].concat();
        let mut bench = bench();
        bench.datagram(datagram, Side::Server, &reply);
        assert_eq!(
            bench.facts(),
            ["fe80::2 service-type dhcpv6 server", "02:00:00:00:00:01 ipv6-address 2001:db8::7"]
        );
        assert_eq!(bench.events(), ["02:00:00:00:00:01 Lease 2001:db8::7 for 120 s"]);
        // Withdrawn: no lease.
        let reply = [&[7, 0, 0, 1][..], &identifier, &address([0; 4])].concat();
        bench.datagram(datagram, Side::Server, &reply);
        assert_eq!(bench.events().len(), 1);
        let decline = [&[9, 0, 0, 1][..], &identifier, &address([0; 4])].concat();
        bench.datagram(datagram, Side::Client, &decline);
        assert_eq!(bench.events()[1], "02:00:00:00:00:01 AddressConflict DECLINE 2001:db8::7");
    }

    #[test]
    fn broken_messages_say_why() {
        let mut bench = bench();
        let cut = bench.datagram(datagram, Side::Client, &solicit()[..9]);
        assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
        let mut nested = solicit();
        for _ in 0..12 {
            nested = relayed(&nested, &[]);
        }
        let deep = bench.datagram(datagram, Side::Client, &nested);
        assert_eq!(deep, Datagram::Broken(UnparsedReason::Limit));
        assert!(bench.facts().is_empty() && bench.verbs().is_empty());
    }
}
