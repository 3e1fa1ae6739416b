use super::*;
use crate::observe::testing::Bench;
use model::Protocol;

const CLIENT_HELLO: &[u8] = include_bytes!("../../../../../fuzz/seeds/tls/client-hello.bin");
const SERVER_FLIGHT: &[u8] = include_bytes!("../../../../../fuzz/seeds/tls/server-flight-dhe.bin");
const SERVER_HELLO_1_3: &[u8] = include_bytes!("../../../../../fuzz/seeds/tls/server-hello-1.3.bin");
const ALERT: &[u8] = include_bytes!("../../../../../fuzz/seeds/tls/alert.bin");
const APPLICATION_DATA: &[u8] = include_bytes!("../../../../../fuzz/seeds/tls/application-data.bin");
const CHANGE_CIPHER_SPEC: &[u8] = b"\x14\x03\x01\0\x01\x01";
const FINISHED: &[u8] = b"\x16\x03\x01\0\x20\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\
    \x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20";

const FLIGHT_FACTS: [&str; 6] = [
    "10.0.0.2 tls-version TLS 1.0",
    "10.0.0.2 tls-cipher-suite TLS_DHE_DSS_WITH_AES_256_CBC_SHA",
    "10.0.0.2 certificate-subject CN=hs001244.hs.com, O=Hubspan, Inc.",
    "10.0.0.2 certificate-issuer CN=LDAP Intermediate CA, O=Hubspan, Inc.",
    "10.0.0.2 certificate-expiry 2013-11-28T21:32:36Z",
    "10.0.0.2 tls-group dh 768 bits",
];

fn bench() -> Bench {
    Bench::tcp(Protocol::Tls)
}

/// The fragment of a whole record, cut into records of at most `size` bytes.
fn recut(record: &[u8], size: usize) -> Vec<u8> {
    let pieces = record[5..].chunks(size);
    pieces.flat_map(|piece| [&[22, 3, 1][..], &(piece.len() as u16).to_be_bytes(), piece].concat()).collect()
}

#[test]
fn a_handshake_of_tls_1_3_names_both_ends_and_goes_dark() {
    let (mut bench, mut tls) = (bench(), Tls::default());
    assert_eq!(bench.stream(&mut tls, Side::Client, CLIENT_HELLO), [Step::Took(517)]);
    let steps = bench.stream(&mut tls, Side::Server, SERVER_HELLO_1_3);
    assert_eq!(steps, [Step::Took(127), Step::Took(6), Step::Took(2501)]);
    assert_eq!(bench.stream(&mut tls, Side::Client, CHANGE_CIPHER_SPEC), [Step::Enough]);
    assert_eq!(
        bench.facts(),
        [
            "10.0.0.1 ja4 t13d1715h2_5b57614c22b0_3d5424432f57",
            "10.0.0.2 tls-server-name contile.services.mozilla.com",
            "10.0.0.2 tls-version TLS 1.3",
            "10.0.0.2 tls-cipher-suite TLS_AES_128_GCM_SHA256",
            "10.0.0.2 tls-group x25519",
        ]
    );
    assert_eq!(
        bench.verbs(),
        ["CLIENT-HELLO client 1", "SERVER-HELLO server 1", "APPLICATION-DATA server 1"]
    );
}

#[test]
fn a_server_flight_of_tls_1_0_shows_certificate_and_group() {
    let (mut bench, mut tls) = (bench(), Tls::default());
    assert_eq!(bench.stream(&mut tls, Side::Server, SERVER_FLIGHT), [Step::Took(SERVER_FLIGHT.len())]);
    assert_eq!(bench.facts(), FLIGHT_FACTS);
    assert_eq!(bench.verbs(), ["SERVER-HELLO server 1", "CERTIFICATE server 1", "HANDSHAKE server 3"]);
    assert_eq!(bench.stream(&mut tls, Side::Client, CHANGE_CIPHER_SPEC), [Step::Took(6)]);
    let ends = [CHANGE_CIPHER_SPEC, FINISHED].concat();
    assert_eq!(bench.stream(&mut tls, Side::Server, &ends), [Step::Enough]);
}

#[test]
fn messages_that_span_records_are_joined_whatever_the_cut() {
    for size in [1, 2, 3, 5, 81, 700, 4_000, 5_515] {
        let mut bench = bench();
        bench.stream(&mut Tls::default(), Side::Server, &recut(SERVER_FLIGHT, size));
        assert_eq!(bench.facts(), FLIGHT_FACTS, "records of {size} bytes");
    }
}

#[test]
fn a_chain_longer_than_the_bound_still_shows_its_leaf() {
    // The certificate message claims 100,000 bytes more, which follow; then the rest of the flight.
    let (hello, rest) = SERVER_FLIGHT[5..].split_at(81);
    let (certificate, rest) = rest.split_at(4 + 4_962);
    let mut long = hello.to_vec();
    long.push(11);
    long.extend(104_962u32.to_be_bytes()[1..].iter());
    long.extend_from_slice(&certificate[4..]);
    long.resize(long.len() + 100_000, 0xee);
    long.extend_from_slice(rest);
    let record = [&[0; 5][..], &long].concat();
    let (mut bench, mut tls) = (bench(), Tls::default());
    bench.stream(&mut tls, Side::Server, &recut(&record, 16_384));
    assert_eq!(bench.facts(), FLIGHT_FACTS);
    assert!(tls.halves[1].pending.capacity() <= 2 * wire::tls::HANDSHAKE_BYTES_MAX);
}

#[test]
fn a_fatal_alert_is_reported_and_a_warning_is_not() {
    let (mut bench, mut tls) = (bench(), Tls::default());
    bench.stream(&mut tls, Side::Client, CLIENT_HELLO);
    bench.stream(&mut tls, Side::Server, ALERT);
    bench.stream(&mut tls, Side::Server, b"\x15\x03\x03\0\x02\x01\x00");
    assert_eq!(bench.events(), ["10.0.0.2 ErrorReply alert handshake_failure"]);
    assert_eq!(bench.verbs(), ["CLIENT-HELLO client 1", "ALERT server 2"]);
}

#[test]
fn a_capture_that_begins_in_the_middle_is_enough_at_once() {
    let mut bench = bench();
    assert_eq!(bench.stream(&mut Tls::default(), Side::Server, APPLICATION_DATA), [Step::Enough]);
    assert_eq!(bench.verbs(), ["APPLICATION-DATA server 1"]);
}

#[test]
fn half_a_conversation_is_enough_after_a_while() {
    let (mut bench, mut tls) = (bench(), Tls::default());
    bench.stream(&mut tls, Side::Client, CLIENT_HELLO);
    let steps = bench.stream(&mut tls, Side::Client, &APPLICATION_DATA.repeat(100));
    assert_eq!(steps.len(), ENCRYPTED_RECORDS_MAX as usize);
    assert_eq!(steps.last(), Some(&Step::Enough));
}

#[test]
fn after_a_retry_the_second_hellos_are_read() {
    let mut retry = b"\x16\x03\x03\0\x44\x02\0\0\x40\x03\x03".to_vec();
    retry.extend([
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
        0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ]);
    retry.extend(b"\x0c012345678901\x13\x02\0\0\x0c\0\x2b\0\x02\x03\x04\0\x33\0\x02\x11\xec");
    let length = retry.len();
    retry[3..5].copy_from_slice(&(length as u16 - 5).to_be_bytes());
    retry[6..9].copy_from_slice(&(length as u32 - 9).to_be_bytes()[1..]);
    let (mut bench, mut tls) = (bench(), Tls::default());
    bench.stream(&mut tls, Side::Client, CLIENT_HELLO);
    bench.stream(&mut tls, Side::Server, &[&retry, CHANGE_CIPHER_SPEC].concat());
    bench.stream(&mut tls, Side::Client, &[CHANGE_CIPHER_SPEC, CLIENT_HELLO].concat());
    bench.stream(&mut tls, Side::Server, SERVER_HELLO_1_3);
    assert_eq!(
        bench.verbs(),
        [
            "CLIENT-HELLO client 2",
            "HELLO-RETRY-REQUEST server 1",
            "SERVER-HELLO server 1",
            "APPLICATION-DATA server 1"
        ]
    );
}

#[test]
fn after_a_gap_an_encrypted_handshake_is_no_error() {
    let (mut bench, mut tls) = (bench(), Tls::default());
    bench.stream(&mut tls, Side::Server, SERVER_FLIGHT);
    tls.gap(Side::Server);
    let encrypted = b"\x16\x03\x03\0\x08\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7";
    assert!(tls.resumes(Side::Server, encrypted));
    assert_eq!(bench.stream(&mut tls, Side::Server, encrypted), [Step::Took(13)]);
    assert!(!tls.resumes(Side::Server, b"GET / HTTP/1.1"));
}

#[test]
fn what_breaks_the_standard_is_said_so() {
    let broken = [Step::Broken(UnparsedReason::BadMessage)];
    let mut bench = bench();
    assert_eq!(bench.stream(&mut Tls::default(), Side::Client, b"GET / HTTP/1.1"), broken);
    let lie = b"\x16\x03\x01\0\x09\x01\0\0\x05\x03\x03\xff\xff\xff";
    assert_eq!(bench.stream(&mut Tls::default(), Side::Client, lie), broken);
}
