use super::*;
use crate::{Error, Framed, Probe};

const IDENTIFICATION: &[u8] = b"SSH-2.0-OpenSSH_for_Windows_8.1 comment with spaces\r\n";

fn identification(stream: &[u8]) -> Identification<'_> {
    match parse(stream) {
        Ok(Framed::Whole { message: Line::Identification(identification), length }) => {
            assert_eq!(length, stream.len());
            identification
        }
        other => panic!("{other:?}"),
    }
}

fn kex_packet() -> Vec<u8> {
    let mut body = vec![9; 16];
    let lists: [&[u8]; 10] = [
        b"curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1,x",
        b"ssh-ed25519,ssh-rsa",
        b"aes128-ctr",
        b"aes256-ctr",
        b"hmac-sha1",
        b"hmac-sha2-256",
        b"none",
        b"none",
        b"",
        b"",
    ];
    for list in lists {
        body.extend((list.len() as u32).to_be_bytes());
        body.extend_from_slice(list);
    }
    body.extend([0; 5]);
    let mut packet = (body.len() as u32 + 6).to_be_bytes().to_vec();
    packet.extend([4, 20]);
    packet.extend(body);
    packet.extend([0; 4]);
    packet
}

#[test]
fn reads_an_identification() {
    let read = identification(IDENTIFICATION);
    assert_eq!(read.line, b"SSH-2.0-OpenSSH_for_Windows_8.1 comment with spaces");
    assert_eq!(read.version, b"2.0");
    assert_eq!(read.software, b"OpenSSH_for_Windows_8.1");
    assert_eq!(read.comments, Some(&b"comment with spaces"[..]));
    assert_eq!(read.product(), Some((&b"OpenSSH_for_Windows"[..], &b"8.1"[..])));
    assert!(identification(b"SSH-1.99-Cisco-1.25\n").is_version_2());
    assert!(!identification(b"SSH-1.5-1.2.22\n").is_version_2());
    assert_eq!(identification(b"SSH-1.5-1.2.22\n").product(), None);
}

#[test]
fn a_greeting_passes_by() {
    assert_eq!(parse(b"hello\r\nSSH-2.0-x\r\n"), Ok(Framed::Whole { message: Line::Greeting, length: 7 }));
}

#[test]
fn every_prefix_of_a_line_asks_for_more() {
    for cut in 0..IDENTIFICATION.len() {
        assert_eq!(parse(&IDENTIFICATION[..cut]), Ok(Framed::Partial { need: cut + 1 }));
    }
}

#[test]
fn long_and_odd_lines_are_refused() {
    let endless = [b"SSH-2.0-".as_slice(), &[b'x'; 300]].concat();
    let limit = Error::Limit { what: "identification", max: IDENTIFICATION_BYTES_MAX };
    assert_eq!(parse(&endless), Err(limit));
    assert!(matches!(parse(&[b'x'; LINE_BYTES_MAX]), Err(Error::Limit { .. })));
    assert!(matches!(parse(b"SSH-2.0\r\n"), Err(Error::Malformed { .. })));
    assert!(matches!(parse(b"SSH-9.0-x\r\n"), Err(Error::Malformed { .. })));
}

#[test]
fn reads_an_offer() {
    let bytes = kex_packet();
    let Ok(Framed::Whole { message, length }) = parse_packet(&bytes) else { panic!() };
    assert_eq!((message.message, length), (Message::KexInit, bytes.len()));
    let offer = kex_init(message.body).unwrap();
    assert_eq!(
        offer.kex_algorithms.first(),
        b"curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1"
    );
    assert_eq!(offer.kex_algorithms.iter().count(), 5);
    assert_eq!(offer.server_host_key_algorithms.first(), b"ssh-ed25519,ssh-rsa");
    assert_eq!(offer.encryption_algorithms.first(), b"aes256-ctr");
    assert_eq!(offer.mac_algorithms.first(), b"hmac-sha2-256");
}

#[test]
fn every_prefix_of_a_packet_asks_for_more() {
    let bytes = kex_packet();
    for cut in 0..bytes.len() {
        match parse_packet(&bytes[..cut]) {
            Ok(Framed::Partial { need }) => assert!(need > cut && need <= bytes.len()),
            other => panic!("{cut} bytes gave {other:?}"),
        }
    }
}

#[test]
fn lies_about_lengths_are_refused() {
    for hostile in
        [[0xff; 8], [0, 0, 0, 0, 4, 20, 0, 0], [0, 0, 0, 12, 11, 20, 0, 0], [0, 0, 0, 12, 3, 20, 0, 0]]
    {
        assert!(matches!(parse_packet(&hostile), Err(Error::Malformed { .. })), "{hostile:?}");
    }
    assert!(matches!(kex_init(&[0xff; 40]), Err(Error::Truncated { .. })));
    assert!(matches!(kex_init(&[]), Err(Error::Truncated { .. })));
}

#[test]
fn probes_by_content() {
    assert_eq!(probe(b"SSH-2.0-OpenSSH"), Probe::Certain);
    assert_eq!(probe(b"SSH-1.5"), Probe::Certain);
    for head in [&b""[..], b"S", b"SSH-", b"SSH-2."] {
        assert_eq!(probe(head), Probe::Unsure, "{head:?}");
    }
    for head in [&b"SSH-x"[..], b"SSL", b"GET /", b"\x16\x03\x01"] {
        assert_eq!(probe(head), Probe::NotForUs, "{head:?}");
    }
}
