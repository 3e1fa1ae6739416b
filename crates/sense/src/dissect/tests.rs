use super::*;
use std::net::{Ipv4Addr, Ipv6Addr};
use testkit::packet::{Ipv4, ethernet, ipv6, tcp, udp, vlan};

const A: [u8; 6] = [2, 0, 0, 0, 0, 0xa];
const B: [u8; 6] = [2, 0, 0, 0, 0, 0xb];
const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// What a frame holds, in words: `mac vlan source>destination transport ports payload`.
fn told(link: LinkType, bytes: &[u8]) -> String {
    told_by(&mut Fragments::default(), link, bytes)
}

fn told_by(fragments: &mut Fragments, link: LinkType, bytes: &[u8]) -> String {
    let frame = Frame { at: Timestamp::from_secs(1), link, bytes, wire_bytes: bytes.len() as u32 };
    let mut scratch = Vec::new();
    let walked = match walk(&frame, fragments, &mut scratch) {
        Err(undissected) => format!("{:?}", undissected.reason),
        Ok(packet) => in_words(&packet),
    };
    // Where the short way answers at all, it must say the same.
    if let (Some(packet), LinkType::Ethernet) = (fast::dissect(bytes), link) {
        assert_eq!(in_words(&packet), walked);
    }
    walked
}

fn in_words(packet: &Packet<'_>) -> String {
    let mac = packet.link.source.map_or("-".to_owned(), |m| format!("{:02x}", m.octets()[5]));
    let vlan = packet.link.vlan.map_or(String::new(), |v| format!(" vlan{}", v.id()));
    let carrier = packet.carrier.map_or(String::new(), |c| format!(" by {}", c.source.addr()));
    let content = match &packet.content {
        Content::FragmentHeld => "held".to_owned(),
        Content::Link { ethertype, payload } => format!("{ethertype:04x} {}", payload.len()),
        Content::Ip(ip) => {
            let what = match &ip.transport {
                Transported::Tcp(t) => {
                    format!("tcp {}>{} {:?}", t.source_port, t.destination_port, text(t.payload))
                }
                Transported::Udp(u) => {
                    format!("udp {}>{} {:?}", u.source_port, u.destination_port, text(u.payload))
                }
                Transported::Icmp(p) => format!("icmp {}", p.len()),
                Transported::Icmpv6(p) => format!("icmpv6 {}", p.len()),
                Transported::Other(number) => format!("ip{number}"),
            };
            format!("{}>{} {what}", ip.source.addr(), ip.destination.addr())
        }
    };
    format!("{mac}{vlan}{carrier} {content}")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ip_udp(payload: &[u8]) -> Vec<u8> {
    Ipv4::new(HOST, PEER).packet(17, &udp(1000, 53, payload))
}

const INNER: &str = "10.0.0.1>10.0.0.2 udp 1000>53 \"hello\"";

#[test]
fn ethernet_with_padding_and_tags() {
    let mut padded = ethernet(A, B, 0x0800, &ip_udp(b"hello"));
    padded.resize(60, 0);
    assert_eq!(told(LinkType::Ethernet, &padded), format!("0a {INNER}"));
    let tagged = ethernet(A, B, 0x8100, &vlan(20, 0x0800, &ip_udp(b"hello")));
    assert_eq!(told(LinkType::Ethernet, &tagged), format!("0a vlan20 {INNER}"));
    let double = ethernet(A, B, 0x88a8, &vlan(100, 0x8100, &vlan(20, 0x0800, &ip_udp(b"hello"))));
    assert_eq!(told(LinkType::Ethernet, &double), format!("0a vlan20 {INNER}"));
}

#[test]
fn other_link_types() {
    assert_eq!(told(LinkType::RawIp, &ip_udp(b"hello")), format!("- {INNER}"));
    assert_eq!(told(LinkType::Null, &[&[2, 0, 0, 0][..], &ip_udp(b"hello")].concat()), format!("- {INNER}"));
    let cooked = [&[0, 0, 0, 1, 0, 6][..], &A, &[0, 0], &[8, 0], &ip_udp(b"hello")].concat();
    assert_eq!(told(LinkType::LinuxSll, &cooked), format!("0a {INNER}"));
    let cooked2 = [&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6][..], &A, &[0, 0], &ip_udp(b"hello")].concat();
    assert_eq!(told(LinkType::LinuxSll2, &cooked2), format!("0a {INNER}"));
    assert_eq!(told(LinkType::Other(147), &cooked), "LinkType");
}

#[test]
fn llc_and_snap() {
    let snap = |oui: [u8; 3], number: u16, payload: &[u8]| {
        let body = [&[0xaa, 0xaa, 3][..], &oui, &number.to_be_bytes(), payload].concat();
        ethernet(A, B, body.len() as u16, &body)
    };
    assert_eq!(told(LinkType::Ethernet, &snap([0, 0, 0], 0x0800, &ip_udp(b"hello"))), format!("0a {INNER}"));
    assert_eq!(told(LinkType::Ethernet, &snap([0, 0, 0x0c], 0x2000, b"cdp")), "0a 2000 3");
    let spanning_tree = ethernet(A, B, 5, &[0x42, 0x42, 3, 0, 0, 0xff, 0xff]);
    assert_eq!(told(LinkType::Ethernet, &spanning_tree), "0a 0042 5");
}

#[test]
fn tunnels_show_what_is_inside_and_who_carried_it() {
    let inside = ethernet(B, A, 0x0800, &ip_udp(b"hello"));
    let outer = Ipv4::new(Ipv4Addr::new(192, 168, 0, 1), Ipv4Addr::new(192, 168, 0, 2));
    let carried = |protocol: u8, payload: &[u8]| {
        told(LinkType::Ethernet, &ethernet(A, B, 0x0800, &outer.packet(protocol, payload)))
    };
    let by = "by 192.168.0.1";
    let vxlan = [&[8, 0, 0, 0, 0, 0, 5, 0][..], &inside].concat();
    assert_eq!(carried(17, &udp(5555, 4789, &vxlan)), format!("0b {by} {INNER}"));
    let geneve = [&[1, 0, 0x65, 0x58, 0, 0, 5, 0, 1, 2, 3, 4][..], &inside].concat();
    assert_eq!(carried(17, &udp(5555, 6081, &geneve)), format!("0b {by} {INNER}"));
    let erspan2 = [&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0][..], &inside].concat();
    assert_eq!(carried(47, &erspan2), format!("0b {by} {INNER}"));
    let erspan3 = [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1][..], &[0; 12], &inside].concat();
    assert_eq!(carried(47, &erspan3), format!("0b {by} {INNER}"));
    let gre_ip = [&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2][..], &ip_udp(b"hello")].concat();
    assert_eq!(carried(47, &gre_ip), format!("- {by} {INNER}"));
    assert_eq!(carried(4, &ip_udp(b"hello")), format!("- {by} {INNER}"));
    let mpls = [&[0, 0x10, 0, 64, 0, 0x11, 1, 64][..], &ip_udp(b"hello")].concat();
    assert_eq!(told(LinkType::Ethernet, &ethernet(A, B, 0x8847, &mpls)), format!("0a {INNER}"));
    let pppoe = [&[0x11, 0, 0, 1, 0, 0, 0, 0x21][..], &ip_udp(b"hello")].concat();
    assert_eq!(told(LinkType::Ethernet, &ethernet(A, B, 0x8864, &pppoe)), format!("0a {INNER}"));
}

#[test]
fn teredo_needs_port_and_shape() {
    let (a, b) = (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 2));
    let inside = ipv6(a, b, 17, &udp(1, 2, b"hi"));
    let carried =
        |payload: &[u8]| told(LinkType::RawIp, &Ipv4::new(HOST, PEER).packet(17, &udp(4000, 3544, payload)));
    assert_eq!(carried(&inside), "- by 10.0.0.1 2001::1>2001::2 udp 1>2 \"hi\"");
    let origin = [&[0, 0, 1, 2, 3, 4, 5, 6][..], &inside].concat();
    assert_eq!(carried(&origin), "- by 10.0.0.1 2001::1>2001::2 udp 1>2 \"hi\"");
    assert_eq!(carried(b"no"), "- 10.0.0.1>10.0.0.2 udp 4000>3544 \"no\"");
}

#[test]
fn fragments_wait_for_their_fellows_in_any_order() {
    let datagram = udp(7, 8, b"0123456789abcdefXYZ");
    let piece = |from: usize, to: usize, more: bool| {
        let fragment = (from / 8) as u16 | if more { 0x2000 } else { 0 };
        Ipv4 { id: 9, fragment, ..Ipv4::new(HOST, PEER) }.packet(17, &datagram[from..to])
    };
    let whole = "- 10.0.0.1>10.0.0.2 udp 7>8 \"0123456789abcdefXYZ\"";
    let mut fragments = Fragments::default();
    assert_eq!(told_by(&mut fragments, LinkType::RawIp, &piece(16, 27, false)), "- held");
    assert_eq!(told_by(&mut fragments, LinkType::RawIp, &piece(0, 8, true)), "- held");
    assert_eq!(told_by(&mut fragments, LinkType::RawIp, &piece(0, 8, true)), "- held");
    assert_eq!(told_by(&mut fragments, LinkType::RawIp, &piece(8, 16, true)), whole);
    // An overlap with other content is an attack or damage: nothing is put together.
    assert_eq!(told_by(&mut fragments, LinkType::RawIp, &piece(0, 16, true)), "- held");
    assert_eq!(told_by(&mut fragments, LinkType::RawIp, &piece(8, 24, true)), "Malformed");
}

#[test]
fn ipv6_extension_headers_are_walked() {
    let (a, b) = (Ipv6Addr::LOCALHOST, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
    let options =
        [&[60, 0, 0, 0, 0, 0, 0, 0][..], &[6, 1], &[0; 14], &tcp(1, 2, 3, 4, 0x18, b"data")].concat();
    assert_eq!(told(LinkType::RawIp, &ipv6(a, b, 0, &options)), "- ::1>fe80::1 tcp 1>2 \"data\"");
    let fragment = [&[17, 0, 0, 0, 0, 0, 0, 7][..], &udp(1, 2, b"atomic")].concat();
    assert_eq!(told(LinkType::RawIp, &ipv6(a, b, 44, &fragment)), "- ::1>fe80::1 udp 1>2 \"atomic\"");
}

#[test]
fn every_cut_of_every_shape_is_an_error_or_less_payload() {
    let inside = ethernet(B, A, 0x0800, &ip_udp(b"hello"));
    let vxlan = [&[8, 0, 0, 0, 0, 0, 5, 0][..], &inside].concat();
    let shapes = [
        ethernet(A, B, 0x8100, &vlan(20, 0x0800, &ip_udp(b"hello"))),
        ethernet(A, B, 0x0800, &Ipv4::new(HOST, PEER).packet(6, &tcp(1, 2, 3, 4, 0x18, b"hello"))),
        ethernet(A, B, 0x0800, &Ipv4::new(HOST, PEER).packet(17, &udp(1, 4789, &vxlan))),
        ethernet(A, B, 0x86dd, &ipv6(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, 17, &udp(1, 2, b"hello"))),
    ];
    for shape in shapes {
        for cut in 0..shape.len() {
            told(LinkType::Ethernet, &shape[..cut]);
        }
    }
}

#[test]
fn endless_nesting_ends() {
    let mut packet = ip_udp(b"x");
    for _ in 0..40 {
        packet = Ipv4::new(HOST, PEER).packet(4, &packet);
    }
    assert_eq!(told(LinkType::RawIp, &packet), "TooDeep");
}
