use super::*;
use crate::{Error, Probe};

/// tcpdump dhcpv6-mud.pcap, packet 1 (BSD-3): a relay passes on a SOLICIT.
const RELAYED: &str = "0c00200108a810060003022584fffedb2380fe80000000000000ba27ebfffeb853c8000900c60178244b0001000e0001\
    00011e62770bb827ebb853c80008000200000010003300009f08002d6468637063642d362e31312e353a4c696e75782d342e312e31382d76372b\
    3a61726d76376c3a42434d32373039000e00000003000cebb853c800000000000000000027000d010b72617370626572727970690070003668\
    747470733a2f2f6d756463746c2e6578616d706c652e636f6d2f2e77656c6c2d6b6e6f776e2f6d75642f76312f7261736270313031001400000\
    006000c00170018001f0027005200530012000400000008";
/// tcpdump dhcpv6-ia-na.pcap, packet 4 (BSD-3): a REPLY with one address.
const REPLY: &str = "072ffdd1000300280203040500000e1000001518000500182a0000010001020038e6b22ec440acdf0000119400001c200001\
    000a000300010001020304050002000e000100011846488c001122334455";
/// tcpdump dhcpv6-rfc6355-duid-uuid.pcap, packet 1 (BSD-3): a RENEW by a client with a UUID.
const RENEW: &str = "0509f56b000100120004a256e92e40abd0d2a3ab3b3ff2ff89980002000a00030001a021b7e0d8710006000a001700180017\
    00180001000800020000000300\
    2839e7148400000e1000001518000500182a02278807c804dd4a5b39fffee7148400001c2000001d4c";
/// tcpdump dhcpv6-rfc8415-duid-type2.pcap, packet 1 (BSD-3): a switch with its maker's identifier.
const REQUEST: &str = "03e4a4a30011001a00007571000100124172697374613b48534831343432353134380001001100020000757148534831\
    343432353134380002000e000100012afbf5c4828662a1defd00060008003b008800180017000800020000000f0008000641726973746100030\
    0280101000000000e1000001518000500181234567800000000000000000000000400001c2000001d4c";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter_map(|c| char::from(c).to_digit(16).map(|d| d as u8)).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// An option.
fn tlv(code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = code.to_be_bytes().to_vec();
    bytes.extend((value.len() as u16).to_be_bytes());
    bytes.extend(value);
    bytes
}

/// `inner` behind `relays` relays.
fn wrapped(inner: &[u8], relays: usize) -> Vec<u8> {
    let mut bytes = inner.to_vec();
    for _ in 0..relays {
        let mut outer = vec![12, 0];
        outer.extend([0; 32]);
        outer.extend(tlv(option::RELAY_MESSAGE, &bytes));
        bytes = outer;
    }
    bytes
}

#[test]
fn reads_a_relayed_solicit() {
    let bytes = hex(RELAYED);
    let relay = parse(&bytes).unwrap();
    assert_eq!((relay.kind, relay.kind.verb()), (MessageType::RelayForward, "RELAY-FORW"));
    let Head::Relay { hops: 0, link, peer } = relay.head else { panic!("{:?}", relay.head) };
    assert_eq!(link.to_string(), "2001:8a8:1006:3:225:84ff:fedb:2380");
    assert_eq!(peer.to_string(), "fe80::ba27:ebff:feb8:53c8");
    assert_eq!(relay.option(option::INTERFACE_ID), Some(&[0, 0, 0, 8][..]));
    let solicit = relay.relayed().unwrap();
    assert_eq!(
        (solicit.kind, solicit.head),
        (MessageType::Solicit, Head::ClientServer { transaction: 0x0078_244b })
    );
    assert_eq!(solicit.client().unwrap().ethernet(), Some([0xb8, 0x27, 0xeb, 0xb8, 0x53, 0xc8]));
    let class = VendorData::new(solicit.option(option::VENDOR_CLASS).unwrap()).unwrap();
    assert_eq!(class.enterprise, 40712);
    assert_eq!(Strings(class.data).collect::<Vec<_>>(), [b"dhcpcd-6.11.5:Linux-4.1.18-v7+:armv7l:BCM2709"]);
    assert_eq!(relay.layers().map(|layer| layer.kind.verb()).collect::<Vec<_>>(), ["RELAY-FORW", "SOLICIT"]);
}

#[test]
fn reads_addresses_and_identifiers() {
    let bytes = hex(REPLY);
    let reply = parse(&bytes).unwrap();
    let address = "2a00:1:1:200:38e6:b22e:c440:acdf".parse().unwrap();
    assert_eq!(reply.addresses().collect::<Vec<_>>(), [Address { address, valid_s: 7200 }]);
    assert_eq!(reply.client().unwrap().ethernet(), Some([0, 1, 2, 3, 4, 5]));
    let server = Duid::new(reply.option(option::SERVER_ID).unwrap()).unwrap();
    assert_eq!(server.ethernet(), Some([0x00, 0x11, 0x22, 0x33, 0x44, 0x55]));

    let bytes = hex(RENEW);
    let uuid = parse(&bytes).unwrap().client().unwrap();
    assert_eq!((uuid.ethernet(), uuid.bytes().len()), (None, 18));
    let bytes = hex(REQUEST);
    let maker = parse(&bytes).unwrap().client().unwrap();
    assert_eq!((maker.ethernet(), &maker.bytes()[6..]), (None, &b"HSH14425148"[..]));
    // Not Ethernet, or not six bytes.
    assert_eq!(Duid::new(&[0, 3, 0, 32, 1, 2, 3, 4, 5, 6]).unwrap().ethernet(), None);
    assert_eq!(Duid::new(&[0, 3, 0, 1, 1, 2, 3, 4, 5]).unwrap().ethernet(), None);
    assert_eq!(Duid::new(&[0; 131]), None);
}

#[test]
fn a_prefix_is_refused_or_ends_between_two_options() {
    for text in [RELAYED, REPLY, RENEW, REQUEST] {
        let whole = hex(text);
        let all: Vec<_> = parse(&whole).unwrap().options().collect();
        for cut in 0..whole.len() {
            // DHCPv6 has no end mark: the datagram's end is the message's.
            match parse(&whole[..cut]) {
                Err(error) => assert!(matches!(error, Error::Truncated { .. }), "{cut} bytes: {error}"),
                Ok(message) => {
                    let some: Vec<_> = message.options().collect();
                    assert_eq!(some, all[..some.len()]);
                    let bytes: usize = some.iter().map(|(_, value)| 4 + value.len()).sum();
                    assert_eq!(bytes + if text == RELAYED { 34 } else { 4 }, cut);
                }
            }
        }
    }
}

#[test]
fn hostile_messages_are_refused_and_bounded() {
    let solicit = [&[1, 0, 0, 1][..], &tlv(option::CLIENT_ID, &[0, 3, 0, 1, 0, 1, 2, 3, 4, 5])].concat();
    let bytes = wrapped(&solicit, RELAY_DEPTH_MAX);
    assert_eq!(parse(&bytes).unwrap().layers().count(), RELAY_DEPTH_MAX + 1);
    let bytes = wrapped(&solicit, RELAY_DEPTH_MAX + 1);
    assert_eq!(parse(&bytes), Err(Error::Limit { what: "relays", max: RELAY_DEPTH_MAX }));
    assert_eq!(probe(&bytes), Probe::NotForUs);

    let empty_relay = [&[12, 0][..], &[0; 32], &tlv(option::INTERFACE_ID, b"x")].concat();
    assert_eq!(parse(&empty_relay), Err(Error::Malformed { what: "relay without a message", at: 0 }));
    assert_eq!(parse(&[1, 0, 0, 1, 0, 1, 0xff, 0xff, 0]), Err(Error::Truncated { what: "option", at: 8 }));
    assert_eq!(parse(&[1, 0, 0, 1]), Err(Error::Truncated { what: "options", at: 4 }));
    assert_eq!(parse(&[0; 100]), Err(Error::Malformed { what: "message type", at: 0 }));
    assert!(parse(&[0xff; 1500]).is_err());
    let many = [&[1, 0, 0, 1][..], &tlv(14, b"").repeat(OPTIONS_MAX + 1)].concat();
    assert_eq!(parse(&many), Err(Error::Limit { what: "options", max: OPTIONS_MAX }));

    let one = tlv(option::IA_ADDRESS, &[7; 24]);
    let association = tlv(option::IA_NA, &[&[0; 12][..], &one.repeat(100)].concat());
    let reply = [&[7, 0, 0, 1][..], &association].concat();
    assert_eq!(parse(&reply).unwrap().addresses().count(), ADDRESSES_MAX);
    let short = [&[7, 0, 0, 1][..], &tlv(option::IA_NA, &tlv(option::IA_ADDRESS, &[7; 5]))].concat();
    assert_eq!(parse(&short).unwrap().addresses().count(), 0);
}

#[test]
fn probes_by_content() {
    for text in [RELAYED, REPLY, RENEW, REQUEST] {
        let bytes = hex(text);
        assert_eq!(probe(&bytes), Probe::Certain);
        let padded = [&bytes[..], &[0]].concat();
        assert_eq!(probe(&padded), Probe::NotForUs);
    }
    let anonymous = [&[11, 1, 2, 3][..], &tlv(option::OPTION_REQUEST, &[0, 23]), &tlv(8, &[0, 0])].concat();
    assert_eq!(probe(&anonymous), Probe::Unsure);
    for foreign in
        [&b"\x01\x01\x06\x00abcdefgh"[..], b"", &[1], &[1; 64], &[0; 64], b"M-SEARCH * HTTP/1.1\r\n"]
    {
        assert_eq!(probe(foreign), Probe::NotForUs, "{foreign:?}");
    }
    // DNS with a small identifier.
    assert_eq!(probe(b"\x01\x01\x01\x00\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01"), Probe::NotForUs);
}
