//! Target: TLS records, hellos and certificates.

use wire::Framed;
use wire::tls::{
    CipherSuite, HANDSHAKE_BYTES_MAX, Ja4Transport, Message, certificate, client_hello, handshake, ja4, leaf,
    parse, probe, probe_dtls, server_hello, server_key_exchange,
};

/// Records of one input that are walked.
const RECORDS_MAX: usize = 256;

/// Must neither panic nor hang on any bytes, and must make progress on what it accepts.
pub fn run(data: &[u8]) {
    let _ = (probe(data), probe_dtls(data));
    bodies(data);
    let mut rest = data;
    for _ in 0..RECORDS_MAX {
        match parse(rest) {
            Ok(Framed::Whole { message, length }) => {
                assert!(length > 0, "a record occupies bytes");
                if let Message::Record(record) = message {
                    messages(record.fragment);
                }
                rest = rest.get(length..).unwrap_or_default();
            }
            Ok(Framed::Partial { need }) => {
                assert!(need > rest.len(), "more is asked for than there is");
                return;
            }
            Err(_) => return,
        }
    }
}

fn messages(mut fragment: &[u8]) {
    for _ in 0..RECORDS_MAX {
        match handshake(fragment) {
            Ok(Framed::Whole { message, length }) => {
                assert!(length > 0, "a message occupies bytes");
                bodies(message.body);
                fragment = fragment.get(length..).unwrap_or_default();
            }
            Ok(Framed::Partial { need }) => {
                assert!(need > fragment.len() && need <= HANDSHAKE_BYTES_MAX, "the bound is kept");
                return;
            }
            Err(_) => return,
        }
    }
}

fn bodies(body: &[u8]) {
    if let Ok(hello) = client_hello(body) {
        assert_eq!(ja4(&hello, Ja4Transport::Tcp).as_ref().len(), 36, "a fingerprint has one length");
    }
    let _ = server_hello(body);
    for suite in [0x0033, 0xc02f] {
        let _ = server_key_exchange(body, CipherSuite(suite));
    }
    if let Ok(Some(der)) = leaf(body) {
        let _ = certificate(der);
    }
    let _ = certificate(body);
}
