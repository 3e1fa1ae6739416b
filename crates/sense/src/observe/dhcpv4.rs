//! What DHCPv4 messages tell: of the client (by its hardware address, whoever sends: relays and servers speak of it
//! too), of relays and of servers. An address counts as the client's own only once a server acknowledged it.

use super::value::Value;
use super::{Context, Datagram};
use model::{Address, Attribute, EventKind, MacAddr, UnparsedReason};
use std::net::{IpAddr, Ipv4Addr};
use wire::dhcpv4::{
    Fqdn, Message, MessageType, Op, SubOptions, UserClasses, Vendors, option, parse, relay_option,
};

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(wire::Error::Truncated { .. }) => return Datagram::Broken(UnparsedReason::Truncated),
        Err(_) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    cx.verb(message.verb(), payload.len());
    let client = client(cx, &message);
    match message.op {
        Op::Request => request(cx, &message, client),
        Op::Reply => reply(cx, &message, client),
    }
    if let Some(client) = client {
        relay_agent(cx, &message, client);
    }
    Datagram::Read
}

/// Who the message is about: its Ethernet address, else (no relay between) the sender of a request.
fn client(cx: &Context<'_>, message: &Message<'_>) -> Option<Address> {
    match message.ethernet() {
        Some(octets) => Some(Address::Mac(MacAddr::new(octets))),
        None if message.op == Op::Request && message.giaddr.is_unspecified() => Some(cx.sender.address),
        None => None,
    }
}

fn request(cx: &mut Context<'_>, message: &Message<'_>, client: Option<Address>) {
    if cx.sender.address == v4(message.giaddr) {
        cx.fact(Attribute::ServiceType, "dhcp relay");
    }
    let Some(client) = client else { return };
    for (code, value) in message.options() {
        match code {
            option::HOST_NAME => cx.fact_about(client, Attribute::HostName, value),
            option::VENDOR_CLASS => cx.fact_about(client, Attribute::DhcpVendorClass, value),
            option::PARAMETER_LIST => {
                let list = Value::numbers(value.iter().map(|&code| u16::from(code)));
                cx.fact_about(client, Attribute::DhcpParameterList, list);
            }
            option::CLIENT_ID => cx.fact_about(client, Attribute::DhcpClientId, Value::hex(value)),
            option::USER_CLASS => {
                UserClasses::new(value)
                    .for_each(|class| cx.fact_about(client, Attribute::DhcpUserClass, class));
            }
            option::CLIENT_FQDN => fqdn(cx, client, value),
            option::VENDOR_IDENTIFYING_CLASS => vendor_classes(cx, client, value),
            option::VENDOR_IDENTIFYING_SPECIFIC => vendor_specific(cx, client, value),
            option::MUD_URL => cx.fact_about(client, Attribute::MudUrl, value),
            _ => {}
        }
    }
    address_in_use(cx, message, client);
}

/// `ciaddr` is an address the client has and answers for (RFC 2131 §2); a DECLINE says another has it.
fn address_in_use(cx: &mut Context<'_>, message: &Message<'_>, client: Address) {
    match message.kind {
        Some(MessageType::Request | MessageType::Inform) if !message.ciaddr.is_unspecified() => {
            let mut value = Value::new();
            value.push_text(format_args!("{}", message.ciaddr));
            cx.fact_about(client, Attribute::Ipv4Address, value);
        }
        Some(MessageType::Decline) => {
            let declined = message.address_option(option::REQUESTED_ADDRESS).unwrap_or(message.ciaddr);
            let server = message.address_option(option::SERVER_IDENTIFIER).map_or(cx.receiver.address, v4);
            let detail = format!("DECLINE {declined}");
            cx.event_between(client, server, EventKind::AddressConflict, &detail);
        }
        _ => {}
    }
}

fn fqdn(cx: &mut Context<'_>, client: Address, value: &[u8]) {
    match Fqdn::new(value) {
        Some(Fqdn::Text(name)) => cx.fact_about(client, Attribute::DhcpFqdn, name),
        Some(Fqdn::Labels(name)) => {
            cx.fact_about(client, Attribute::DhcpFqdn, Value::joined(labels(name), "."));
        }
        None => {}
    }
}

/// Uncompressed labels; ends at the root, or early where a length lies.
pub(super) fn labels(mut name: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&length, rest) = name.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(length))?;
        name = rest;
        (length > 0).then_some(label)
    })
}

fn vendor_classes(cx: &mut Context<'_>, client: Address, value: &[u8]) {
    for (enterprise, data) in Vendors(value) {
        let mut value = Value::new();
        value.push_text(format_args!("enterprise {enterprise}: "));
        // Counted strings (RFC 3925 §3); the first byte of the data is the length of the first.
        let class = data.split_first().and_then(|(&length, rest)| rest.get(..usize::from(length)));
        value.push_printable_or_hex(class.unwrap_or(data));
        cx.fact_about(client, Attribute::DhcpVendorClass, value);
    }
}

fn vendor_specific(cx: &mut Context<'_>, client: Address, value: &[u8]) {
    for (enterprise, _) in Vendors(value) {
        let mut value = Value::new();
        value.push_text(format_args!("enterprise {enterprise}"));
        cx.fact_about(client, Attribute::DhcpVendorClass, value);
    }
}

fn reply(cx: &mut Context<'_>, message: &Message<'_>, client: Option<Address>) {
    let server = message.address_option(option::SERVER_IDENTIFIER).map(v4);
    role_of_sender(cx, message, server);
    let server = server.unwrap_or(cx.sender.address);
    let Some(client) = client else { return };
    match message.kind {
        Some(MessageType::Ack) => acknowledged(cx, message, client, server),
        Some(MessageType::Nak) => cx.event_between(server, client, EventKind::ErrorReply, "NAK"),
        _ => {}
    }
}

/// A server is who the server identifier names, or who offers or grants with no relay between.
fn role_of_sender(cx: &mut Context<'_>, message: &Message<'_>, server: Option<Address>) {
    let grants = matches!(message.kind, Some(MessageType::Offer | MessageType::Ack));
    let relayed = !message.giaddr.is_unspecified();
    if server == Some(cx.sender.address) || (grants && !relayed) {
        cx.fact(Attribute::ServiceType, "dhcp server");
    } else if cx.sender.address == v4(message.giaddr) {
        cx.fact(Attribute::ServiceType, "dhcp relay");
    }
}

fn acknowledged(cx: &mut Context<'_>, message: &Message<'_>, client: Address, server: Address) {
    if let Some(domain) = message.option(option::DOMAIN_NAME) {
        cx.fact_about(client, Attribute::DomainName, domain);
    }
    // The answer to an INFORM grants nothing (RFC 2131 §4.3.5).
    if message.yiaddr.is_unspecified() {
        return;
    }
    let mut value = Value::new();
    value.push_text(format_args!("{}", message.yiaddr));
    cx.fact_about(client, Attribute::Ipv4Address, value);
    let seconds = message.option(option::LEASE_TIME).and_then(|v| v.try_into().ok()).map(u32::from_be_bytes);
    let detail = match seconds {
        Some(seconds) => format!("{} for {seconds} s", message.yiaddr),
        None => message.yiaddr.to_string(),
    };
    cx.event_between(client, server, EventKind::Lease, &detail);
}

fn relay_agent(cx: &mut Context<'_>, message: &Message<'_>, client: Address) {
    let agent = message.option(option::RELAY_AGENT);
    if message.giaddr.is_unspecified() && agent.is_none() {
        return;
    }
    let mut value = Value::new();
    value.push_text(format_args!("{}", message.giaddr));
    for (code, data) in SubOptions(agent.unwrap_or_default()) {
        match code {
            relay_option::CIRCUIT_ID => {
                let mut port = Value::new();
                port.push_printable_or_hex(data);
                cx.fact_about(client, Attribute::SwitchPort, &port);
                value.push(b" circuit=");
                value.push(port.as_ref());
            }
            relay_option::REMOTE_ID => {
                value.push(b" remote=");
                value.push_printable_or_hex(data);
            }
            _ => {}
        }
    }
    cx.fact_about(client, Attribute::DhcpRelayAgent, value);
}

fn v4(address: Ipv4Addr) -> Address {
    Address::Ip(IpAddr::V4(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Side;
    use crate::observe::testing::Bench;

    const MAC: &str = "00:0c:29:1f:74:06";

    /// A message of `op` for 00:0c:29:1f:74:06 with these addresses and options.
    fn message(op: u8, ciaddr: [u8; 4], yiaddr: [u8; 4], giaddr: [u8; 4], options: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![op, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0];
        bytes.extend([ciaddr, yiaddr, [0; 4], giaddr].concat());
        bytes.extend([0x00, 0x0c, 0x29, 0x1f, 0x74, 0x06]);
        bytes.resize(236, 0);
        bytes.extend([99, 130, 83, 99]);
        bytes.extend(options.concat());
        bytes.push(255);
        bytes
    }

    fn bench() -> Bench {
        let mut bench = Bench::udp(model::Protocol::Dhcpv4);
        bench.server.address = v4(Ipv4Addr::new(10, 0, 0, 2));
        bench
    }

    #[test]
    fn a_client_describes_itself_by_its_hardware_address() {
        let discover = message(
            1,
            [0; 4],
            [0; 4],
            [0; 4],
            &[
                &[53, 1, 1],
                b"\x0c\x05pump7",
                b"\x3c\x08MSFT 5.0",
                &[55, 4, 1, 3, 6, 121],
                &[61, 7, 1, 0, 0x0c, 0x29, 0x1f, 0x74, 6],
                b"\x4d\x0b\x04ward\x05icu-3",
                b"\x51\x0f\x05\0\0\x05pump7\x04ward\0",
                b"\x7c\x09\0\0\x11\x8b\x04\x03cmx",
                b"\x7d\x05\0\0\x0d\xe9\0",
                b"\xa1\x11https://mud.w/p1x",
            ],
        );
        let mut bench = bench();
        assert_eq!(bench.datagram(datagram, Side::Client, &discover), Datagram::Read);
        assert_eq!(
            bench.facts(),
            [
                "host-name pump7",
                "dhcp-vendor-class MSFT 5.0",
                "dhcp-parameter-list 1,3,6,121",
                "dhcp-client-id 01000c291f7406",
                "dhcp-user-class ward",
                "dhcp-user-class icu-3",
                "dhcp-fqdn pump7.ward",
                "dhcp-vendor-class enterprise 4491: cmx",
                "dhcp-vendor-class enterprise 3561",
                "mud-url https://mud.w/p1x",
            ]
            .map(|fact| format!("{MAC} {fact}"))
        );
        assert_eq!(bench.verbs(), ["DISCOVER client 1"]);
        assert!(bench.events().is_empty());
    }

    #[test]
    fn an_acknowledged_address_is_a_lease_of_the_client() {
        let ack = message(
            2,
            [0; 4],
            [10, 0, 0, 7],
            [0; 4],
            &[&[53, 1, 5], &[54, 4, 10, 0, 0, 2], &[51, 4, 0, 0, 0x0e, 0x10], b"\x0f\x04ward", b"\x0c\x01x"],
        );
        let mut bench = bench();
        bench.datagram(datagram, Side::Server, &ack);
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.2 service-type dhcp server".to_string(),
                format!("{MAC} domain-name ward"),
                format!("{MAC} ipv4-address 10.0.0.7"),
            ],
            "a host name that the server assigns is not what the client calls itself"
        );
        let mut bench = self::bench();
        bench.datagram(datagram, Side::Server, &ack);
        assert_eq!(bench.events(), [format!("{MAC} Lease 10.0.0.7 for 3600 s")]);
        // An INFORM is answered without an address.
        let informed = message(2, [10, 0, 0, 7], [0; 4], [0; 4], &[&[53, 1, 5], &[54, 4, 10, 0, 0, 2]]);
        let mut bench = self::bench();
        bench.datagram(datagram, Side::Server, &informed);
        assert!(bench.events().is_empty());
    }

    #[test]
    fn a_relay_is_not_the_client_and_not_the_server() {
        let relayed = message(
            1,
            [0; 4],
            [0; 4],
            [10, 0, 0, 1],
            &[&[53, 1, 3], b"\x0c\x05pump7", b"\x52\x0e\x01\x06Gi0/12\x02\x04\x00\x01\x02\x03"],
        );
        let mut bench = bench();
        bench.datagram(datagram, Side::Client, &relayed);
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.1 service-type dhcp relay".to_string(),
                format!("{MAC} host-name pump7"),
                format!("{MAC} switch-port Gi0/12"),
                format!("{MAC} dhcp-relay-agent 10.0.0.1 circuit=Gi0/12 remote=00010203"),
            ]
        );
        // On its way back, from relay 10.0.0.1 to the client, naming server 192.0.2.9.
        let ack = message(2, [0; 4], [10, 0, 0, 7], [10, 0, 0, 1], &[&[53, 1, 5], &[54, 4, 192, 0, 2, 9]]);
        bench.datagram(datagram, Side::Client, &ack);
        let facts = bench.facts();
        assert!(!facts.iter().any(|fact| fact.contains("dhcp server")), "{facts:?}");
    }

    #[test]
    fn refusals_and_conflicts_are_events() {
        let mut bench = bench();
        let nak = message(2, [0; 4], [0; 4], [0; 4], &[&[53, 1, 6], &[54, 4, 10, 0, 0, 2]]);
        bench.datagram(datagram, Side::Server, &nak);
        let decline = message(1, [0; 4], [0; 4], [0; 4], &[&[53, 1, 4], &[50, 4, 10, 0, 0, 9]]);
        bench.datagram(datagram, Side::Client, &decline);
        assert_eq!(
            bench.events(),
            ["10.0.0.2 ErrorReply NAK".to_string(), format!("{MAC} AddressConflict DECLINE 10.0.0.9")]
        );
        assert_eq!(bench.verbs(), ["NAK server 1", "DECLINE client 1"]);
    }

    #[test]
    fn broken_messages_say_why() {
        let whole = message(1, [0; 4], [0; 4], [0; 4], &[&[53, 1, 1]]);
        let mut bench = bench();
        let cut = bench.datagram(datagram, Side::Client, &whole[..242]);
        assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
        let bad = bench.datagram(datagram, Side::Client, &[7; 300]);
        assert_eq!(bad, Datagram::Broken(UnparsedReason::BadMessage));
        assert!(bench.facts().is_empty() && bench.verbs().is_empty());
    }
}
