use super::*;
use crate::{Error, Framed, Probe};

const HELLO: &[u8] = b"WT\x01\x00\x05pump7";

#[test]
fn reads_a_hello() {
    let message = Message { kind: Kind::Hello, name: b"pump7" };
    assert_eq!(parse(HELLO), Ok(Framed::Whole { message, length: 10 }));
}

#[test]
fn every_prefix_asks_for_more() {
    for cut in 0..HELLO.len() {
        let need = match parse(&HELLO[..cut]) {
            Ok(Framed::Partial { need }) => need,
            other => panic!("{cut} bytes gave {other:?}"),
        };
        assert!(need > cut && need <= HELLO.len(), "{cut} bytes ask for {need}");
    }
}

#[test]
fn refuses_what_is_not_its_own() {
    assert_eq!(parse(b"XX\x01\x00\x00"), Err(Error::Malformed { what: "magic", at: 0 }));
    assert_eq!(parse(b"WT\x01\xff\xff"), Err(Error::Limit { what: "name length", max: NAME_BYTES_MAX }));
}

#[test]
fn probes_by_content() {
    assert_eq!(probe(HELLO), Probe::Certain);
    assert_eq!(probe(b"W"), Probe::Unsure);
    assert_eq!(probe(b"GET /"), Probe::NotForUs);
}
