use super::*;
use crate::{Error, Probe};

/// Zeek's `arp-who-has` capture (BSD-3-Clause): 10.0.0.2 asks for 10.0.0.1.
const REQUEST: &[u8] = b"\x00\x01\x08\x00\x06\x04\x00\x01\x78\x31\xc1\xc6\x3f\xc2\x0a\x00\x00\x02\
    \x00\x00\x00\x00\x00\x00\x0a\x00\x00\x01";

/// The answer, with the padding that fills a minimum frame and the frame check sequence behind it.
const REPLY: &[u8] = b"\x00\x01\x08\x00\x06\x04\x00\x02\xf8\xed\xa5\xc0\xa4\xf1\x0a\x00\x00\x01\
    \x78\x31\xc1\xc6\x3f\xc2\x0a\x00\x00\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1f\x0b\x60\xce";

#[test]
fn reads_a_request() {
    let message = Message {
        operation: Operation::Request,
        sender_mac: MacAddr::new([0x78, 0x31, 0xc1, 0xc6, 0x3f, 0xc2]),
        sender_ip: Ipv4Addr::new(10, 0, 0, 2),
        target_mac: MacAddr::ZERO,
        target_ip: Ipv4Addr::new(10, 0, 0, 1),
    };
    assert_eq!(parse(REQUEST), Ok(message));
    assert_eq!(message.kind(), Kind::Request);
}

#[test]
fn reads_a_reply_and_not_the_padding_behind_it() {
    let message = parse(REPLY).unwrap();
    assert_eq!(message.kind(), Kind::Reply);
    assert_eq!(message.sender_mac.to_string(), "f8:ed:a5:c0:a4:f1");
    assert_eq!(message.target_ip, Ipv4Addr::new(10, 0, 0, 2));
    assert_eq!(parse(&REPLY[..MESSAGE_BYTES]), Ok(message));
}

#[test]
fn tells_the_kinds_apart_by_their_addresses() {
    let kind = |operation, sender: [u8; 4], target: [u8; 4]| {
        let mut bytes = [0u8; MESSAGE_BYTES];
        bytes[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, operation]);
        bytes[8..14].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        bytes[14..18].copy_from_slice(&sender);
        bytes[24..28].copy_from_slice(&target);
        parse(&bytes).unwrap().kind()
    };
    let own = [10, 0, 0, 7];
    assert_eq!(kind(1, [0; 4], own), Kind::Probe);
    assert_eq!(kind(1, [0; 4], [0; 4]), Kind::Probe);
    assert_eq!(kind(1, own, own), Kind::Announcement);
    assert_eq!(kind(2, own, own), Kind::Gratuitous);
    assert_eq!(kind(2, own, [10, 0, 0, 8]), Kind::Reply);
    assert_eq!(kind(8, own, own), Kind::Other);
    assert_eq!(Kind::Announcement.verb(), Kind::Gratuitous.verb());
}

#[test]
fn every_prefix_is_cut_off() {
    for cut in 0..REQUEST.len() {
        assert!(matches!(parse(&REQUEST[..cut]), Err(Error::Truncated { .. })), "{cut} bytes");
        assert_eq!(probe(&REQUEST[..cut]), Probe::Unsure, "{cut} bytes");
    }
}

#[test]
fn refuses_what_is_not_ethernet_and_ipv4() {
    let with = |at: usize, byte: u8| {
        let mut bytes = REQUEST.to_vec();
        bytes[at] = byte;
        parse(&bytes)
    };
    assert_eq!(with(1, 32), Err(Error::Malformed { what: "hardware type", at: 0 }));
    assert_eq!(with(2, 0x86), Err(Error::Malformed { what: "protocol type", at: 2 }));
    // Lengths that point past the message: the known trap of ARP readers.
    assert_eq!(with(5, 0xff), Err(Error::Malformed { what: "address lengths", at: 4 }));
    assert_eq!(with(4, 16), Err(Error::Malformed { what: "address lengths", at: 4 }));
    assert_eq!(with(1, 6).unwrap().kind(), Kind::Request);
    assert_eq!(parse(&[0xff; 64]), Err(Error::Malformed { what: "hardware type", at: 0 }));
}

#[test]
fn probes_by_content() {
    assert_eq!(probe(REQUEST), Probe::Certain);
    assert_eq!(probe(REPLY), Probe::Certain);
    assert_eq!(probe(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n...."), Probe::NotForUs);
    let mut group_sender = REQUEST.to_vec();
    group_sender[8] = 0x01;
    assert_eq!(probe(&group_sender), Probe::NotForUs);
    let mut odd_operation = REQUEST.to_vec();
    odd_operation[6] = 0x40;
    assert_eq!(probe(&odd_operation), Probe::NotForUs);
}
