//! Bytes are those of the fuzzing seeds; docs/protocols/tls.md says where they come from.

use super::*;
use crate::{Error, Framed, Probe};

const CLIENT_HELLO: &[u8] = include_bytes!("../../../../fuzz/seeds/tls/client-hello.bin");
const SERVER_FLIGHT: &[u8] = include_bytes!("../../../../fuzz/seeds/tls/server-flight-dhe.bin");
const SERVER_HELLO_1_3: &[u8] = include_bytes!("../../../../fuzz/seeds/tls/server-hello-1.3.bin");
const SERVER_HELLO_KYBER: &[u8] = include_bytes!("../../../../fuzz/seeds/tls/server-hello-kyber.bin");
const SSL2_CLIENT_HELLO: &[u8] = include_bytes!("../../../../fuzz/seeds/tls/ssl2-client-hello.bin");
const ALERT: &[u8] = include_bytes!("../../../../fuzz/seeds/tls/alert.bin");
const APPLICATION_DATA: &[u8] = include_bytes!("../../../../fuzz/seeds/tls/application-data.bin");

fn record(stream: &[u8]) -> (Record<'_>, usize) {
    match parse(stream) {
        Ok(Framed::Whole { message: Message::Record(record), length }) => (record, length),
        other => panic!("{other:?}"),
    }
}

/// The handshake messages of one record.
fn messages(stream: &[u8]) -> Vec<Handshake<'_>> {
    let mut rest = record(stream).0.fragment;
    let mut messages = Vec::new();
    while let Ok(Framed::Whole { message, length }) = handshake(rest) {
        messages.push(message);
        rest = rest.get(length..).unwrap_or_default();
    }
    messages
}

fn hello() -> ClientHello<'static> {
    client_hello(messages(CLIENT_HELLO)[0].body).unwrap()
}

#[test]
fn reads_a_client_hello() {
    let hello = hello();
    assert_eq!(hello.legacy_version, Version::TLS_1_2);
    assert_eq!(hello.server_name, Some(&b"contile.services.mozilla.com"[..]));
    assert_eq!(hello.alpn, Some(&b"h2"[..]));
    assert_eq!(hello.supported_versions.iter().collect::<Vec<_>>(), [0x0304, 0x0303]);
    assert_eq!(hello.supported_groups.iter().collect::<Vec<_>>(), [0x1d, 0x17, 0x18, 0x19, 0x100, 0x101]);
    assert_eq!(hello.key_share, Some(NamedGroup(0x1d)));
    assert_eq!(hello.cipher_suites.iter().next(), Some(0x1301));
    assert_eq!(hello.signature_algorithms.iter().count(), 11);
    assert_eq!(hello.extensions.iter().count(), 15);
}

#[test]
fn fingerprints_as_the_specification_does() {
    assert_eq!(ja4(&hello(), Ja4Transport::Tcp).to_string(), "t13d1715h2_5b57614c22b0_3d5424432f57");
    assert_eq!(ja4(&hello(), Ja4Transport::Quic).to_string(), "q13d1715h2_5b57614c22b0_3d5424432f57");
}

/// A hello body with these cipher suites and this extension block.
fn hello_body(ciphers: &[u16], extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend((ciphers.len() as u16 * 2).to_be_bytes());
    body.extend(ciphers.iter().flat_map(|cipher| cipher.to_be_bytes()));
    body.extend([1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend_from_slice(extensions);
    body
}

fn fingerprint(ciphers: &[u16], extensions: &[u8], transport: Ja4Transport) -> String {
    ja4(&client_hello(&hello_body(ciphers, extensions)).unwrap(), transport).to_string()
}

/// The worked example of the specification, GREASE added.
#[test]
fn fingerprints_the_specifications_example() {
    let ciphers = [
        0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
        0x009c, 0x009d, 0x002f, 0x0035,
    ];
    let numbers = [
        0x3a3au16, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
        0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
    ];
    let mut extensions = Vec::new();
    for number in numbers {
        let body: &[u8] = match number {
            0x0010 => b"\0\x03\x02h2",
            0x002b => b"\x06\x7a\x7a\x03\x04\x03\x03",
            0x000d => b"\0\x10\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01",
            _ => b"",
        };
        extensions.extend(number.to_be_bytes());
        extensions.extend((body.len() as u16).to_be_bytes());
        extensions.extend_from_slice(body);
    }
    assert_eq!(fingerprint(&ciphers, &extensions, Ja4Transport::Tcp), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

#[test]
fn fingerprints_of_odd_hellos() {
    let empty = fingerprint(&[], &[], Ja4Transport::Tcp);
    assert_eq!(empty, "t12i000000_000000000000_000000000000");
    let many = fingerprint(&[0x002f; 150], &[], Ja4Transport::Tcp);
    assert!(many.starts_with("t12i990000_"), "{many}");
    // Only the extensions that the second hash leaves out: no hash, though there are signature algorithms elsewhere.
    let only_name = fingerprint(&[], b"\0\0\0\0", Ja4Transport::Tcp);
    assert_eq!(only_name, "t12d000100_000000000000_000000000000");
    // Versions of DTLS go down: the highest is the smallest number.
    let dtls = fingerprint(&[], b"\0\x2b\0\x05\x04\xfe\xfd\xfe\xfc", Ja4Transport::Dtls);
    assert!(dtls.starts_with("dd3i0001"), "{dtls}");
}

#[test]
fn protocol_names_that_are_not_text_are_written_in_hexadecimal() {
    // The examples of the specification.
    let examples: [(&[u8], &str); 9] = [
        (b"\xab", "ab"),
        (b"\x20", "20"),
        (b"\xab\xcd", "ad"),
        (b"\x20\x61", "21"),
        (b"\x30\xab", "3b"),
        (b"\x61\x20", "60"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
        (b"h", "hh"),
    ];
    for (name, expected) in examples {
        let mut extension = vec![0, 16, 0, name.len() as u8 + 3, 0, name.len() as u8 + 1, name.len() as u8];
        extension.extend_from_slice(name);
        let fingerprint = fingerprint(&[], &extension, Ja4Transport::Tcp);
        assert_eq!(fingerprint.get(8..10), Some(expected), "{name:x?}");
    }
    let grease_first = b"\0\x10\0\x08\0\x06\x02\x5a\x5a\x02h2";
    assert!(fingerprint(&[], grease_first, Ja4Transport::Tcp).contains("h2_"));
}

#[test]
fn reads_server_hellos() {
    let hello = server_hello(messages(SERVER_HELLO_1_3)[0].body).unwrap();
    assert_eq!(hello.version.to_string(), "TLS 1.3");
    assert_eq!(hello.cipher_suite.to_string(), "TLS_AES_128_GCM_SHA256");
    assert_eq!(hello.group.map(|group| group.to_string()).as_deref(), Some("x25519"));
    assert!(!hello.retry);
    let hello = server_hello(messages(SERVER_HELLO_KYBER)[0].body).unwrap();
    assert_eq!(hello.group.map(|group| group.to_string()).as_deref(), Some("X25519Kyber768Draft00"));
}

#[test]
fn knows_a_retry_by_its_random() {
    let mut body = vec![3, 3];
    body.extend([
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
        0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ]);
    body.extend(b"\0\x13\x02\0\0\x0c\0\x2b\0\x02\x03\x04\0\x33\0\x02\x11\xec");
    let hello = server_hello(&body).unwrap();
    assert!(hello.retry);
    assert_eq!(hello.group.unwrap().to_string(), "X25519MLKEM768");
}

#[test]
fn reads_a_whole_server_flight() {
    let messages = messages(SERVER_FLIGHT);
    let kinds: Vec<_> = messages.iter().map(|message| message.kind).collect();
    assert_eq!(
        kinds,
        [
            HandshakeType::ServerHello,
            HandshakeType::Certificate,
            HandshakeType::ServerKeyExchange,
            HandshakeType::Unread(13),
            HandshakeType::Unread(14),
        ]
    );
    let hello = server_hello(messages[0].body).unwrap();
    assert_eq!(hello.version, Version::TLS_1_0);
    assert_eq!(hello.cipher_suite.to_string(), "TLS_DHE_DSS_WITH_AES_256_CBC_SHA");
    assert_eq!(
        server_key_exchange(messages[2].body, hello.cipher_suite),
        Some(KeyExchange::FiniteField { bits: 768 })
    );
    let certificate = certificate(leaf(messages[1].body).unwrap().unwrap()).unwrap();
    assert_eq!(certificate.subject.to_string(), "CN=hs001244.hs.com, O=Hubspan, Inc.");
    assert_eq!(certificate.issuer.to_string(), "CN=LDAP Intermediate CA, O=Hubspan, Inc.");
    assert_eq!(certificate.not_after, "2013-11-28T21:32:36Z");
    assert!(certificate.dns_names.is_empty());
}

#[test]
fn a_devices_certificate_gives_its_serial_number_and_names() {
    let device = certificate(include_bytes!("../../../../fuzz/seeds/tls/certificate-device.der")).unwrap();
    assert_eq!(device.subject.to_string(), "CN=pump-0017, O=Example Medical, serialNumber=SN-0017");
    assert_eq!(device.issuer, device.subject);
    assert_eq!(device.dns_names, ["pump-0017.ward.example", "pump.example"]);
    assert_eq!(device.not_after, "2036-11-18T21:56:11Z");
}

#[test]
fn a_persons_certificate_gives_no_person_away() {
    let person = certificate(include_bytes!("../../../../fuzz/seeds/tls/certificate-person.der")).unwrap();
    assert_eq!(person.subject.to_string(), "O=Example Clinic");
    let all = format!("{person:?}");
    assert!(!all.contains("DOE") && !all.contains("PATIENT"), "{all}");
}

#[test]
fn named_curves_are_read_only_where_the_suite_has_them() {
    let ecdhe = CipherSuite(0xc02f);
    let group = server_key_exchange(&[3, 0, 0x1d, 32], ecdhe);
    assert_eq!(group, Some(KeyExchange::Group(NamedGroup(0x1d))));
    assert_eq!(server_key_exchange(&[3, 0], ecdhe), None);
    assert_eq!(server_key_exchange(&[1, 0, 0x1d], ecdhe), None);
    assert_eq!(server_key_exchange(&[3, 0, 0x1d], CipherSuite(0x002f)), None);
    assert_eq!(server_key_exchange(&[0, 2, 0, 0], CipherSuite(0x0033)), None);
    assert_eq!(CipherSuite(0xfefe).to_string(), "0xfefe");
}

#[test]
fn every_prefix_of_a_record_asks_for_more() {
    for whole in [CLIENT_HELLO, SSL2_CLIENT_HELLO, ALERT] {
        for cut in 0..whole.len() {
            match parse(&whole[..cut]) {
                Ok(Framed::Partial { need }) => assert!(need > cut && need <= whole.len()),
                other => panic!("{cut} bytes gave {other:?}"),
            }
            assert_ne!(probe(&whole[..cut]), Probe::NotForUs, "{cut} bytes");
        }
    }
}

#[test]
fn every_prefix_of_a_body_is_an_error_or_less() {
    let body = messages(CLIENT_HELLO)[0].body;
    for cut in 0..body.len() {
        // Cut exactly behind the compression methods it is a hello without extensions.
        if let Ok(hello) = client_hello(&body[..cut]) {
            assert_eq!(hello.extensions.iter().count(), 0, "{cut} bytes");
        }
    }
    let body = messages(SERVER_HELLO_1_3)[0].body;
    for cut in 0..body.len() {
        if let Ok(hello) = server_hello(&body[..cut]) {
            assert_eq!(hello.group, None, "{cut} bytes");
        }
    }
    let der = leaf(messages(SERVER_FLIGHT)[1].body).unwrap().unwrap();
    for cut in 0..der.len() {
        assert!(certificate(&der[..cut]).is_err(), "{cut} bytes");
    }
}

#[test]
fn application_data_is_not_waited_for() {
    let header = &APPLICATION_DATA[..9];
    let (record, length) = record(header);
    assert_eq!(record.content_type, ContentType::ApplicationData);
    assert_eq!((record.fragment.len(), length), (4, APPLICATION_DATA.len()));
}

#[test]
fn a_long_message_is_read_at_its_front() {
    let mut long = vec![11, 0xff, 0xff, 0xff];
    assert_eq!(handshake(&long), Ok(Framed::Partial { need: HANDSHAKE_BYTES_MAX }));
    long.resize(HANDSHAKE_BYTES_MAX, 1);
    match handshake(&long) {
        Ok(Framed::Whole { message, length }) => {
            assert_eq!((message.body.len(), length), (HANDSHAKE_BYTES_MAX - 4, 0xff_ffff + 4));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_what_is_not_its_own() {
    let what = |bytes: &[u8]| match parse(bytes) {
        Err(Error::Malformed { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(what(b"GET /"), "content type");
    assert_eq!(what(b"\x16\x04\x01\0\x05"), "record version");
    assert_eq!(what(b"\x16\x03\x01\xff\xff"), "record length");
    assert_eq!(what(b"\x16\x03\x01\0\0"), "record length");
    assert_eq!(what(b"\xff\xff\xff\xff\xff"), "message type");
    assert!(client_hello(&[0xff; 200]).is_err());
    assert!(server_hello(&[0xff; 200]).is_err());
    assert!(leaf(&[0xff; 8]).is_err());
    assert_eq!(leaf(&[0, 0, 0]), Ok(None));
    assert!(certificate(&[0x30; 4096]).is_err());
    assert_eq!(
        handshake(&[0xff; 4]).map(|framed| matches!(framed, Framed::Whole { length: 4, .. })),
        Ok(true)
    );
}

#[test]
fn probes_by_content() {
    for head in [CLIENT_HELLO, SERVER_FLIGHT, SERVER_HELLO_1_3, SSL2_CLIENT_HELLO, ALERT, APPLICATION_DATA] {
        assert_eq!(probe(head), Probe::Certain);
    }
    assert_eq!(probe(&CLIENT_HELLO[..11]), Probe::Certain, "a hello is known by its front");
    assert_eq!(probe(&APPLICATION_DATA[..30]), Probe::Unsure);
    let chain = [APPLICATION_DATA, b"\x15\x03\x03\0\x20"].concat();
    assert_eq!(probe(&chain), Probe::Certain);
    let broken_chain = [APPLICATION_DATA, b"GET / HTTP/1.1"].concat();
    assert_eq!(probe(&broken_chain), Probe::NotForUs);
    for head in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"SSH-2.0-",
        b"\x16\x03\x01\0\x05\x01\0\0\x01\x03",
        b"\x17\x03\x03\xff\xff",
        b"\x15\x03\x03\0\x02\x09\x28",
        b"\x16\x04",
        b"\x80\x00\x01\x03\x01\0\0\0\0\0\0",
        b"\x00\x00\x00\x85\xffSMB",
        &[0xff; 64],
        &[0; 64],
    ] {
        assert_eq!(probe(head), Probe::NotForUs, "{head:02x?}");
    }
}

#[test]
fn recognises_dtls() {
    let hello = b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x03\x01\0\0";
    assert_eq!(probe_dtls(hello), Probe::Certain);
    for cut in 0..hello.len() {
        assert_eq!(probe_dtls(&hello[..cut]), Probe::NotForUs);
    }
    assert_eq!(probe_dtls(&[0xff; 64]), Probe::NotForUs);
}
