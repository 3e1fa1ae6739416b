//! Target: HTTP/1.x.

use wire::http::{Asked, Body, parse, parse_chunk, parse_trailer, probe};
use wire::{Framed, Probe};

/// Messages read from one input.
const MESSAGES_MAX: usize = 64;

/// Must neither panic nor hang on any bytes, must make progress on what it accepts and ask for more than it has.
pub fn run(data: &[u8]) {
    let mut rest = data;
    for _ in 0..MESSAGES_MAX {
        let Ok(framed) = parse(rest) else { break };
        let Some(head) = progress(&framed, &mut rest) else { break };
        for asked in [Asked::Head, Asked::Connect, Asked::Other] {
            let _ = head.body(asked);
        }
        if head.body(Asked::Other) == Body::Chunks {
            chunks(&mut rest);
        }
    }
    let mut rest = data;
    if let Ok(framed) = parse_trailer(rest) {
        progress(&framed, &mut rest);
    }
    if probe(data) == Probe::NotForUs {
        assert!(!matches!(parse(data), Ok(Framed::Whole { .. })), "readable, but not for us");
    }
}

fn chunks(rest: &mut &[u8]) {
    for _ in 0..MESSAGES_MAX {
        let Ok(framed) = parse_chunk(rest) else { return };
        match progress(&framed, rest) {
            Some(chunk) if chunk.data_bytes > 0 => {}
            _ => return,
        }
    }
}

/// Checks the contract and passes over a whole message.
fn progress<M: Copy>(framed: &Framed<M>, rest: &mut &[u8]) -> Option<M> {
    match *framed {
        Framed::Whole { message, length } => {
            assert!(length > 0, "a message occupies bytes");
            *rest = rest.get(length..).unwrap_or_default();
            Some(message)
        }
        Framed::Partial { need } => {
            assert!(need > rest.len(), "{need} bytes are at hand");
            None
        }
    }
}
