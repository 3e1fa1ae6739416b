//! Target: SSH identifications and key-exchange offers.

use wire::Framed;
use wire::ssh::{LINE_BYTES_MAX, Line, PACKET_BYTES_MAX, kex_init, parse, parse_packet, probe};

/// Lines and packets of one input that are walked.
const MESSAGES_MAX: usize = 256;

/// Must neither panic nor hang on any bytes, and must make progress on what it accepts.
pub fn run(data: &[u8]) {
    let _ = probe(data);
    packets(data);
    let mut rest = data;
    for _ in 0..MESSAGES_MAX {
        match parse(rest) {
            Ok(Framed::Whole { message, length }) => {
                assert!(length > 0 && length <= rest.len(), "a line lies in the input");
                rest = rest.get(length..).unwrap_or_default();
                if let Line::Identification(identification) = message {
                    let _ = identification.product();
                    packets(rest);
                    return;
                }
            }
            Ok(Framed::Partial { need }) => {
                assert!(need > rest.len() && need <= LINE_BYTES_MAX, "the bound is kept");
                return;
            }
            Err(_) => return,
        }
    }
}

fn packets(mut rest: &[u8]) {
    for _ in 0..MESSAGES_MAX {
        match parse_packet(rest) {
            Ok(Framed::Whole { message, length }) => {
                assert!(length > 0 && length <= rest.len(), "a packet lies in the input");
                if let Ok(offer) = kex_init(message.body) {
                    assert!(
                        offer.kex_algorithms.first().len() <= message.body.len(),
                        "a list lies in its packet"
                    );
                }
                rest = rest.get(length..).unwrap_or_default();
            }
            Ok(Framed::Partial { need }) => {
                assert!(need > rest.len() && need <= PACKET_BYTES_MAX, "the bound is kept");
                return;
            }
            Err(_) => return,
        }
    }
}
