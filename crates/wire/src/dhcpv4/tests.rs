use super::*;
use crate::{Error, Probe};

/// Options of tcpdump dhcp-rfc3004.pcap, packet 1 (BSD-3): DISCOVER with three counted user classes.
const DISCOVER: &str = "3501013204c0a801043707011c02030f060c4d25077375626f707431117375626f7074322d313233343536373839\
    0a7375626f7074332d3132ff";
/// Options of suricata-verify dhcp-option-52-overload, packet 4 (MIT): an OFFER that hides options in `sname`.
const OVERLOADED: &str = "35010236040a64000233040000012c0104ffffff00340102ff";
const OVERLOADED_SNAME: &str = "06040a64000203040a6400020f096576696c2e636f7270ff";
/// Options of PcapPlusPlus Dhcp1.pcap (Unlicense): a relayed OFFER with circuit and remote identifier.
const RELAYED: &str = "3501020104ffffff003604ac16b2ea33040000a8c003040a0a08fe06088fd104018fd10501420e3137322e32322e31\
    37382e323334780501ac16b2ea3d10006e617468616e31636c69656e7469645a1f010100c878c45256402081313233348fe0cce2ee8596ab\
    b25817c480b2fd305216011420504f4e20312f312f30372f30313a312e302e31ff";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter_map(|c| char::from(c).to_digit(16).map(|d| d as u8)).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A message with its BOOTP fields set by hand and `options` behind the magic cookie.
fn message(op: u8, giaddr: [u8; 4], sname: &[u8], options: &[u8]) -> Vec<u8> {
    let mut bytes =
        vec![op, 1, 6, 0, 0x06, 0xe3, 0x28, 0x64, 0, 0, 0x80, 0, 10, 0, 0, 7, 10, 0, 0, 8, 0, 0, 0, 0];
    bytes.extend(giaddr);
    bytes.extend([0x00, 0x0c, 0x29, 0x1f, 0x74, 0x06]);
    bytes.resize(44, 0);
    bytes.extend(sname);
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99]);
    bytes.extend(options);
    bytes
}

#[test]
fn reads_a_discover() {
    let bytes = message(1, [0; 4], b"", &hex(DISCOVER));
    let discover = parse(&bytes).unwrap();
    assert_eq!(
        (discover.op, discover.kind, discover.verb()),
        (Op::Request, Some(MessageType::Discover), "DISCOVER")
    );
    assert_eq!((discover.xid, discover.hops), (0x06e3_2864, 0));
    assert_eq!(discover.ethernet(), Some([0x00, 0x0c, 0x29, 0x1f, 0x74, 0x06]));
    assert_eq!(discover.ciaddr, Ipv4Addr::new(10, 0, 0, 7));
    assert_eq!(discover.yiaddr, Ipv4Addr::new(10, 0, 0, 8));
    assert_eq!(discover.address_option(option::REQUESTED_ADDRESS), Some(Ipv4Addr::new(192, 168, 1, 4)));
    assert_eq!(discover.option(option::PARAMETER_LIST), Some(&[1, 28, 2, 3, 15, 6, 12][..]));
    let classes: Vec<_> = UserClasses::new(discover.option(option::USER_CLASS).unwrap()).collect();
    assert_eq!(classes, [&b"subopt1"[..], b"subopt2-123456789", b"subopt3-12"]);
    assert_eq!(discover.options().map(|(code, _)| code).collect::<Vec<_>>(), [53, 50, 55, 77]);
}

#[test]
fn options_in_an_overloaded_field_follow_the_others() {
    let bytes = message(2, [0; 4], &hex(OVERLOADED_SNAME), &hex(OVERLOADED));
    let offer = parse(&bytes).unwrap();
    assert_eq!(offer.options().map(|(code, _)| code).collect::<Vec<_>>(), [53, 54, 51, 1, 52, 6, 3, 15]);
    assert_eq!(offer.option(option::DOMAIN_NAME), Some(&b"evil.corp"[..]));
    // Without option 52 the field is a server name, whatever it holds.
    let bytes = message(2, [0; 4], &hex(OVERLOADED_SNAME), &[53, 1, 2, 255]);
    assert_eq!(parse(&bytes).unwrap().option(option::DOMAIN_NAME), None);
    // Option 52 with an unassigned value says nothing; an overloaded field without an end is read to where it is whole.
    let bytes = message(2, [0; 4], &hex(OVERLOADED_SNAME), &[52, 1, 7, 255]);
    assert_eq!(parse(&bytes).unwrap().options().count(), 1);
    let bytes = message(2, [0; 4], &[15, 60].repeat(32), &[52, 1, 2, 255]);
    assert_eq!(parse(&bytes).unwrap().options().count(), 2);
}

#[test]
fn reads_what_a_relay_adds() {
    let bytes = message(2, [10, 10, 8, 240], b"", &hex(RELAYED));
    let offer = parse(&bytes).unwrap();
    assert_eq!((offer.verb(), offer.giaddr), ("OFFER", Ipv4Addr::new(10, 10, 8, 240)));
    assert_eq!(offer.address_option(option::SERVER_IDENTIFIER), Some(Ipv4Addr::new(172, 22, 178, 234)));
    let agent: Vec<_> = SubOptions(offer.option(option::RELAY_AGENT).unwrap()).collect();
    assert_eq!(agent, [(relay_option::CIRCUIT_ID, &b" PON 1/1/07/01:1.0.1"[..])]);
}

#[test]
fn vendors_and_names_inside_options() {
    // Option 125 of PcapPlusPlus Dhcp3.pcap (Unlicense).
    let vendors = hex("00000de924040630303236383205105745434f31304b48303530303536393506085644534c32435045");
    let (enterprise, data) = Vendors(&vendors).next().unwrap();
    assert_eq!((enterprise, data.len()), (3561, 36));
    assert_eq!(SubOptions(data).next(), Some((4, &b"002682"[..])));
    assert_eq!(Vendors(&vendors[..20]).next(), None);
    assert_eq!(Fqdn::new(b"\x00\x00\x00pump7.ward"), Some(Fqdn::Text(b"pump7.ward")));
    assert_eq!(Fqdn::new(b"\x05\x00\x00\x05pump7\x00"), Some(Fqdn::Labels(b"\x05pump7\x00")));
    assert_eq!(Fqdn::new(b"\x05"), None);
    let bare: Vec<_> = UserClasses::new(b"iPXE").collect();
    assert_eq!(bare, [b"iPXE"]);
    assert_eq!(UserClasses::new(b"\0\0").count(), 1, "no endless empty classes");
}

#[test]
fn every_prefix_is_refused() {
    for options in [DISCOVER, OVERLOADED, RELAYED] {
        let whole = message(1, [0; 4], b"", &hex(options));
        for cut in 0..whole.len() {
            assert!(matches!(parse(&whole[..cut]), Err(Error::Truncated { .. })), "{cut} bytes");
        }
        parse(&whole).unwrap();
    }
}

#[test]
fn hostile_messages_are_refused_and_bounded() {
    let with = |options: &[u8]| message(1, [0; 4], b"", options);
    assert_eq!(parse(&with(&[53, 1, 1, 12, 200, b'x'])), Err(Error::Truncated { what: "option", at: 243 }));
    assert_eq!(parse(&with(&[0; 64])), Err(Error::Truncated { what: "option", at: 240 }));
    assert_eq!(parse(&[0xff; 600]), Err(Error::Malformed { what: "op", at: 0 }));
    let mut cookie = with(&[255]);
    cookie[236] = 0;
    assert_eq!(parse(&cookie), Err(Error::Malformed { what: "magic cookie", at: 236 }));
    assert_eq!(probe(&cookie), Probe::NotForUs);
    let mut hardware = with(&[255]);
    hardware[2] = 17;
    assert_eq!(parse(&hardware), Err(Error::Malformed { what: "hardware length", at: 2 }));
    let mut empties = [250, 0].repeat(5000);
    empties.push(255);
    let bytes = with(&empties);
    assert_eq!(parse(&bytes).unwrap().options().count(), OPTIONS_MAX);
    // A message type of the wrong length is no message type.
    let bytes = with(&[53, 2, 1, 1, 255]);
    assert_eq!(parse(&bytes).unwrap().verb(), "BOOTREQUEST");
    let mut token_ring = with(&[53, 1, 3, 255]);
    token_ring[1] = 6;
    assert_eq!(parse(&token_ring).unwrap().ethernet(), None);
}

#[test]
fn probes_by_content() {
    let discover = message(1, [0; 4], b"", &hex(DISCOVER));
    assert_eq!(probe(&discover), Probe::Certain);
    for cut in 0..HEADER_BYTES {
        assert_eq!(probe(&discover[..cut]), Probe::NotForUs);
    }
    assert_eq!(probe(&[0x01; 300]), Probe::NotForUs);
    assert_eq!(probe(&[0; 300]), Probe::NotForUs);
    assert_eq!(probe(b"M-SEARCH * HTTP/1.1\r\n"), Probe::NotForUs);
}
