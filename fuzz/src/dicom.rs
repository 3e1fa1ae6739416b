//! Target: the DICOM upper layer, commands and heads of data sets.

use wire::Framed;
use wire::dicom::{Encoding, Pdu, begins_pdus, command, data_set_head, parse, pdv, probe};

/// Must neither panic nor hang on any bytes, and must make progress on what it accepts.
pub fn run(data: &[u8]) {
    let _ = (probe(data), begins_pdus(data), command(data));
    for encoding in [None, Some(Encoding::Implicit), Some(Encoding::Explicit)] {
        let _ = data_set_head(data, encoding);
    }
    let mut rest = data;
    let mut pdu_rest = 0;
    while !rest.is_empty() {
        let step = if pdu_rest > 0 { value(rest, &mut pdu_rest) } else { unit(rest, &mut pdu_rest) };
        match step {
            Some(length) => {
                assert!(length > 0, "what is accepted occupies bytes");
                rest = rest.get(length..).unwrap_or_default();
            }
            None => return,
        }
    }
}

fn value(rest: &[u8], pdu_rest: &mut usize) -> Option<usize> {
    match pdv(rest, *pdu_rest).ok()? {
        Framed::Whole { message, length } => {
            assert!(length <= *pdu_rest, "a value fits its unit");
            *pdu_rest -= length;
            if message.is_command {
                let _ = command(message.fragment);
            } else {
                let _ = data_set_head(message.fragment, None);
            }
            Some(length)
        }
        Framed::Partial { need } => {
            assert!(need > rest.len(), "more bytes are asked for than there are");
            None
        }
    }
}

fn unit(rest: &[u8], pdu_rest: &mut usize) -> Option<usize> {
    match parse(rest).ok()? {
        Framed::Whole { message, length } => {
            match message {
                Pdu::PDataTf(values) => *pdu_rest = values,
                Pdu::AssociateRq(associate) | Pdu::AssociateAc(associate) => {
                    let _ = (associate.presentation_contexts().count(), associate.user_information());
                }
                _ => {}
            }
            Some(length)
        }
        Framed::Partial { need } => {
            assert!(need > rest.len(), "more bytes are asked for than there are");
            None
        }
    }
}
