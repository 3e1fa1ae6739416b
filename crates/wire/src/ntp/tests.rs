use super::*;
use crate::{Error, Probe};

/// Packet 2 of the Zeek project's ntp.pcap (BSD-3-Clause): the answer of a stratum-1 server on GPS.
const SERVER: [u8; 48] = *b"\x24\x01\x08\xec\0\0\0\0\0\0\0\x41GPSs\xdb\xac\xa3\xe7\xf6\xd6\xae\x36\
    \xdb\xac\xa3\xe8\x77\xc4\x08\xac\xdb\xac\xa3\xe8\x82\x0d\x17\x8f\xdb\xac\xa3\xe8\x82\x0e\x17\x9e";
/// Packet 1 of the same.
const CLIENT: [u8; 48] =
    *b"\xe3\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \xdb\xac\xa3\xe8\x77\xc4\x08\xac";
/// Our own shortening of an answer in tcpdump's ntp-control.pcap (BSD-3-Clause).
const VARIABLES: &[u8] = b"\x16\x82\0\x44\x06\x18\0\0\0\0\0\x59\
    version=\"ntpd 4.2.8p10@1.3728-o, Fri\",\r\nprocessor=\"x86_64\", system=\"Linux/4.4.79\", leap=0, refid=GPS\0\0";

fn time(datagram: &[u8]) -> Time {
    match parse(datagram) {
        Ok(Message::Time(time)) => time,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_an_answer() {
    let expected =
        Time { version: 4, mode: Mode::Server, stratum: 1, poll: 8, precision: -20, reference_id: *b"GPSs" };
    assert_eq!(time(&SERVER), expected);
    assert_eq!(expected.kiss(), None);
    assert_eq!(time(&CLIENT).mode, Mode::Client);
}

#[test]
fn reads_a_kiss_only_from_a_server_at_stratum_0() {
    let mut kiss = SERVER;
    kiss[1] = 0;
    kiss[12..16].copy_from_slice(b"RATE");
    assert_eq!(time(&kiss).kiss(), Some("RATE"));
    kiss[1] = 2;
    assert_eq!(time(&kiss).kiss(), None);
}

#[test]
fn a_mac_and_extension_fields_come_in_words() {
    for (more, fits) in [(4, true), (20, true), (24, true), (28, true), (1, false), (22, false)] {
        let mut long = SERVER.to_vec();
        long.resize(48 + more, 7);
        assert_eq!(parse(&long).is_ok(), fits, "{more} bytes more");
    }
    let long = vec![0x24; MESSAGE_BYTES_MAX + 1];
    assert_eq!(parse(&long), Err(Error::Limit { what: "message", max: MESSAGE_BYTES_MAX }));
}

#[test]
fn every_prefix_is_an_error() {
    for message in [&SERVER[..], &CLIENT] {
        for cut in 0..message.len() {
            assert!(parse(&message[..cut]).is_err(), "{cut} bytes");
            assert_eq!(probe(&message[..cut]), Probe::NotForUs, "{cut} bytes");
        }
    }
    for cut in 0..12 + 0x59 {
        assert!(parse(&VARIABLES[..cut]).is_err(), "{cut} bytes");
    }
}

#[test]
fn reads_control_variables() {
    let Ok(Message::Control(control)) = parse(VARIABLES) else { panic!("not read") };
    assert!(control.response && !control.error);
    let variables: Vec<_> = control.variables().collect();
    assert_eq!(
        variables,
        [
            (&b"version"[..], &b"ntpd 4.2.8p10@1.3728-o, Fri"[..]),
            (b"processor", b"x86_64"),
            (b"system", b"Linux/4.4.79"),
            (b"leap", b"0"),
        ],
        "the count ends before refid"
    );
}

#[test]
fn a_later_fragment_has_no_variables() {
    let mut fragment = VARIABLES.to_vec();
    fragment[9] = 1;
    let Ok(Message::Control(control)) = parse(&fragment) else { panic!("not read") };
    assert_eq!(control.variables().count(), 0);
}

#[test]
fn hostile_variables_end() {
    for data in [&b"===="[..], b",,,,", b"a=\"", b"\"=\"\"", b"a", b"=,=,=,="] {
        let mut message = b"\x16\x82\0\0\0\0\0\0\0\0\0".to_vec();
        message.push(u8::try_from(data.len()).unwrap());
        message.extend_from_slice(data);
        let Ok(Message::Control(control)) = parse(&message) else { panic!("{data:?}") };
        assert!(control.variables().count() <= 4);
    }
}

#[test]
fn reads_monlist() {
    let mut request = [0; 48];
    request[..4].copy_from_slice(&[0x17, 0, 3, 42]);
    assert_eq!(parse(&request), Ok(Message::Private(Private { response: false, request_code: 42 })));
    request[4..8].copy_from_slice(&[0, 6, 0, 72]);
    assert!(parse(&request).is_err(), "six items of 72 bytes are not there");
}

#[test]
fn probes_by_fields() {
    assert_eq!(probe(&SERVER), Probe::Certain);
    assert_eq!(probe(&CLIENT), Probe::Certain);
    let mut bare = [0; 48];
    bare[0] = 0x1b;
    assert_eq!(probe(&bare), Probe::Certain, "the shortest SNTP request");
    let mut odd = SERVER;
    odd[3] = 40;
    assert_eq!(probe(&odd), Probe::Unsure, "no clock has this precision");
    odd[2] = 99;
    assert_eq!(probe(&odd), Probe::NotForUs, "nor this poll");
    assert_eq!(probe(VARIABLES), Probe::Unsure);
    assert_eq!(probe(&[0xff; 48]), Probe::NotForUs);
    assert_eq!(probe(&[0; 48]), Probe::NotForUs);
    assert_eq!(
        probe(b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x7a\x01\0\0\x6e\0\0\0\0\0\0\0\x6e"),
        Probe::NotForUs,
        "DTLS"
    );
    assert_eq!(probe(b"GET / HTTP/1.1\r\nHost: x\r\n"), Probe::NotForUs);
    assert_eq!(
        probe(b"\x24\x1a\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01"),
        Probe::NotForUs,
        "DNS"
    );
}
