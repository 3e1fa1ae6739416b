//! What ICMP and ICMPv6 tell: who pings, who is refused, and by Neighbor Discovery which link address uses which IPv6
//! address. Of Neighbor Discovery only what provably came from this link is believed, and only what the sender's own
//! link address confirms. What errors quote and echoes carry is never looked at.

use super::{Context, Datagram};
use model::{Address, Attribute, EventKind, IpClass, MacAddr, UnparsedReason, classify_ip};
use std::net::{IpAddr, Ipv6Addr};
use wire::icmp::{ND_HOP_LIMIT, NeighborAdvertisement, V4, V6, parse_v4, parse_v6};

/// Deals with the payload of IP protocol 1.
pub fn v4(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    match parse_v4(payload) {
        Ok(message) => {
            cx.verb(message.verb(), payload.len());
            if message == V4::RouterAdvertisement {
                cx.fact(Attribute::ServiceType, "ipv4 router");
            }
            Datagram::Read
        }
        Err(error) => broken(error),
    }
}

/// Deals with the payload of IPv6 next header 58 that arrived with `hop_limit`.
pub fn v6(cx: &mut Context<'_>, payload: &[u8], hop_limit: u8) -> Datagram {
    let message = match parse_v6(payload) {
        Ok(message) => message,
        Err(error) => return broken(error),
    };
    if message.is_neighbor_discovery() && (hop_limit != ND_HOP_LIMIT || !source_is_allowed(cx, &message)) {
        return Datagram::Broken(UnparsedReason::BadMessage);
    }
    cx.verb(message.verb(), payload.len());
    if let V6::RouterAdvertisement(_) = message {
        cx.fact(Attribute::ServiceType, "ipv6 router");
    }
    if let Some(mac) = frame_source(cx) {
        neighbor(cx, mac, &message);
    }
    Datagram::Read
}

fn broken(error: wire::Error) -> Datagram {
    Datagram::Broken(match error {
        wire::Error::Truncated { .. } => UnparsedReason::Truncated,
        wire::Error::Limit { .. } => UnparsedReason::Limit,
        wire::Error::Malformed { .. } => UnparsedReason::BadMessage,
    })
}

/// RFC 4861 §6.1.2, §8.1: routers speak from their link-local address. §7.1.2: an advertisement has a source.
fn source_is_allowed(cx: &Context<'_>, message: &V6<'_>) -> bool {
    match message {
        V6::RouterAdvertisement(_) | V6::Redirect { .. } => {
            source(cx).is_some_and(|ip| classify_ip(IpAddr::V6(ip)) == IpClass::LinkLocal)
        }
        V6::NeighborAdvertisement(_) => source(cx).is_some(),
        _ => true,
    }
}

/// The sender's address; `None` for `::`, a host that has none yet.
fn source(cx: &Context<'_>) -> Option<Ipv6Addr> {
    match cx.sender.address {
        Address::Ip(IpAddr::V6(ip)) if !ip.is_unspecified() => Some(ip),
        _ => None,
    }
}

fn frame_source(cx: &Context<'_>) -> Option<MacAddr> {
    match cx.sender.address {
        Address::Mac(mac) => Some(mac),
        Address::Ip(_) => cx.sender.mac,
    }
}

/// States which address the frame's link address `mac` uses, as far as the message shows.
fn neighbor(cx: &mut Context<'_>, mac: MacAddr, message: &V6<'_>) {
    match (message, source(cx)) {
        // Duplicate address detection (RFC 4862 §5.4): about to use the target, unless someone objects.
        (V6::NeighborSolicitation { target, .. }, None) => {
            cx.address_fact(Address::Mac(mac), IpAddr::V6(*target));
        }
        (V6::NeighborSolicitation { options, .. } | V6::RouterSolicitation(options), Some(ip)) => {
            claim(cx, mac, options.source_link_address(), ip);
        }
        (V6::RouterAdvertisement(ra), Some(ip)) => claim(cx, mac, ra.options.source_link_address(), ip),
        (V6::NeighborAdvertisement(na), Some(ip)) => advertised(cx, mac, na, ip),
        _ => {}
    }
}

/// An advertisement that leaves out the link address (RFC 4861 §4.4) speaks for the sender only if it is about the source.
fn advertised(cx: &mut Context<'_>, mac: MacAddr, na: &NeighborAdvertisement<'_>, source: Ipv6Addr) {
    let given = na.options.target_link_address();
    if given.is_some() || na.target == source {
        claim(cx, mac, given, na.target);
    }
}

/// `ip` belongs to `mac`, unless the message itself gives it to another: cache poisoning, or a proxy.
fn claim(cx: &mut Context<'_>, mac: MacAddr, given: Option<MacAddr>, ip: Ipv6Addr) {
    match given {
        Some(other) if other != mac => {
            let detail = format!("nd link address differs from frame source: {ip} claimed for {other}");
            cx.event(EventKind::AddressConflict, &detail);
        }
        _ => cx.address_fact(Address::Mac(mac), IpAddr::V6(ip)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Side, testing::Bench};
    use model::Protocol;

    const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
    const OTHER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 9];

    fn bench(source: &str) -> Bench {
        let mut bench = Bench::udp(Protocol::Icmpv6);
        let ip: Ipv6Addr = source.parse().unwrap();
        let own = if ip.is_unspecified() { Address::Mac(MacAddr::new(MAC)) } else { Address::Ip(ip.into()) };
        bench.client.address = own;
        bench.client.mac = Some(MacAddr::new(MAC));
        bench
    }

    fn feed(bench: &mut Bench, payload: &[u8], hop_limit: u8) -> Datagram {
        bench.datagram(|cx, payload| v6(cx, payload, hop_limit), Side::Client, payload)
    }

    fn solicitation(target: &str, link_address: Option<[u8; 6]>) -> Vec<u8> {
        message(135, 0, target, link_address.map(|mac| (1, mac)))
    }

    fn advertisement(target: &str, link_address: Option<[u8; 6]>) -> Vec<u8> {
        message(136, 0x20, target, link_address.map(|mac| (2, mac)))
    }

    fn message(kind: u8, flags: u8, target: &str, option: Option<(u8, [u8; 6])>) -> Vec<u8> {
        let target: Ipv6Addr = target.parse().unwrap();
        let mut bytes = vec![kind, 0, 0, 0, flags, 0, 0, 0];
        bytes.extend(target.octets());
        if let Some((kind, mac)) = option {
            bytes.extend([kind, 1]);
            bytes.extend(mac);
        }
        bytes
    }

    fn router_advertisement() -> Vec<u8> {
        [&[134, 0, 0, 0, 64, 0, 7, 8][..], &[0; 8], &[1, 1], &MAC].concat()
    }

    #[test]
    fn duplicate_address_detection_ties_the_tentative_address_to_the_frame() {
        let mut bench = bench("::");
        assert_eq!(feed(&mut bench, &solicitation("2001:db8::7", None), 255), Datagram::Read);
        assert_eq!(bench.facts(), ["02:00:00:00:00:01 ipv6-address 2001:db8::7"]);
        assert_eq!(bench.verbs(), ["NEIGHBOR-SOLICITATION client 1"]);
    }

    #[test]
    fn a_solicitation_ties_its_source_and_not_its_target() {
        let mut bench = bench("fe80::1");
        feed(&mut bench, &solicitation("fe80::2", Some(MAC)), 255);
        assert_eq!(bench.facts(), ["02:00:00:00:00:01 ipv6-address fe80::1"]);
    }

    #[test]
    fn an_advertisement_ties_its_target() {
        let mut bench = bench("fe80::1");
        feed(&mut bench, &advertisement("2001:db8::1", Some(MAC)), 255);
        feed(&mut bench, &advertisement("fe80::1", None), 255);
        feed(&mut bench, &advertisement("2001:db8::99", None), 255);
        let own = "02:00:00:00:00:01 ipv6-address ";
        assert_eq!(bench.facts(), [format!("{own}2001:db8::1"), format!("{own}fe80::1")]);
    }

    #[test]
    fn speaking_for_another_link_address_is_a_conflict_and_no_fact() {
        let mut bench = bench("fe80::1");
        feed(&mut bench, &advertisement("2001:db8::1", Some(OTHER_MAC)), 255);
        assert_eq!(
            bench.events(),
            ["fe80::1 AddressConflict nd link address differs from frame source: \
              2001:db8::1 claimed for 02:00:00:00:00:09"]
        );
        assert!(bench.facts().is_empty());
    }

    #[test]
    fn a_router_says_so() {
        let mut bench = bench("fe80::1");
        assert_eq!(feed(&mut bench, &router_advertisement(), 255), Datagram::Read);
        assert_eq!(
            bench.facts(),
            ["fe80::1 service-type ipv6 router", "02:00:00:00:00:01 ipv6-address fe80::1"]
        );
    }

    #[test]
    fn what_was_forwarded_proves_nothing() {
        let broken = Datagram::Broken(UnparsedReason::BadMessage);
        let mut far = bench("fe80::1");
        for payload in [advertisement("fe80::1", Some(MAC)), router_advertisement()] {
            assert_eq!(feed(&mut far, &payload, 254), broken);
        }
        let mut global = bench("2001:db8::1");
        assert_eq!(feed(&mut global, &router_advertisement(), 255), broken);
        let mut nobody = bench("::");
        assert_eq!(feed(&mut nobody, &advertisement("fe80::1", Some(MAC)), 255), broken);
        for mut bench in [far, global, nobody] {
            assert!(bench.facts().is_empty());
            assert!(bench.verbs().is_empty());
        }
    }

    #[test]
    fn without_a_link_layer_nothing_is_tied() {
        let mut bench = bench("fe80::1");
        bench.client.mac = None;
        feed(&mut bench, &advertisement("fe80::1", Some(MAC)), 255);
        assert!(bench.facts().is_empty());
        assert_eq!(bench.verbs(), ["NEIGHBOR-ADVERTISEMENT client 1"]);
    }

    #[test]
    fn echoes_and_errors_are_counted_and_their_content_is_not_kept() {
        let mut bench = bench("2001:db8::1");
        feed(&mut bench, b"\x80\0\0\0\0\x01\0\x01DOE^JANE", 64);
        feed(&mut bench, b"\x01\x04\0\0\0\0\0\0DOE^JANE", 64);
        assert_eq!(bench.verbs(), ["ECHO client 1", "PORT-UNREACHABLE client 1"]);
        assert!(!bench.all_text().contains("DOE"));
    }

    #[test]
    fn icmp_is_counted_by_verb() {
        let mut bench = Bench::udp(Protocol::Icmp);
        assert_eq!(bench.datagram(v4, Side::Client, b"\x08\0\0\0\0\x01\0\x01DOE^JANE"), Datagram::Read);
        assert_eq!(bench.datagram(v4, Side::Server, b"\0\0\0\0\0\x01\0\x01DOE^JANE"), Datagram::Read);
        bench.datagram(v4, Side::Server, b"\x09\0\0\0\x01\x02\0\x1e");
        assert_eq!(bench.verbs(), ["ECHO client 1", "ECHO-REPLY server 1", "ROUTER-ADVERTISEMENT server 1"]);
        assert_eq!(bench.facts(), ["10.0.0.2 service-type ipv4 router"]);
        let cut = bench.datagram(v4, Side::Client, b"\x08\0\0\0\0");
        assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
        assert!(!bench.all_text().contains("DOE"));
    }
}
