//! Target: HL7 v2 over MLLP.

use wire::Framed;
use wire::hl7v2::{Content, Piece, Separators, parse, probe, segment_end};

/// Must neither panic nor hang on any bytes, and must make progress on what it accepts.
pub fn run(data: &[u8]) {
    let _ = probe(data);
    if let Some(end) = segment_end(data) {
        assert!(end < data.len(), "a segment's end is in the stream");
    }
    let mut separators = Separators::default();
    let mut room = [0; 16];
    let mut rest = data;
    while !rest.is_empty() {
        match parse(rest) {
            Ok(Framed::Whole { message, length }) => {
                assert!(length > 0, "a piece occupies bytes");
                if let Piece::Segment(segment) = message {
                    match segment.content(&separators) {
                        Content::Header(header) => {
                            separators = header.separators;
                            for party in header.parties {
                                let _ = separators.unescape(separators.designation(party), &mut room);
                            }
                            assert!(header.message_type.as_str().len() <= 8, "a verb is a code");
                        }
                        Content::Observation(ids) => assert!(separators.repetitions(ids).count() <= 4),
                        Content::Personal(fields) => assert!(fields.names().count() <= 16),
                        _ => {}
                    }
                }
                rest = rest.get(length..).unwrap_or_default();
            }
            Ok(Framed::Partial { need }) => {
                assert!(need > rest.len(), "more bytes are asked for than there are");
                return;
            }
            Err(_) => return,
        }
    }
}
