//! Is this DICOM? By content only: sites choose the port.

use super::associate::APPLICATION_CONTEXT;
use super::parse::{ASSOCIATE_FIXED_BYTES, PDU_HEADER_BYTES, PDV_HEADER_BYTES, parse, pdv};
use super::{ASSOCIATE_LENGTH_MAX, Pdu};
use crate::{Framed, Probe};

/// DICOM application context name (PS3.7 annex A).
const APPLICATION_CONTEXT_NAME: &[u8] = b"1.2.840.10008.3.1.1.1";
/// Every command set begins with its group length: (0000,0000), four bytes.
const COMMAND_SET: &[u8] = &[0, 0, 0, 0, 4, 0, 0, 0];
const TITLES_AT: usize = 10;

/// Whether a conversation that starts with `head` is DICOM: an association with the DICOM application context, or in
/// mid-association a P-DATA-TF whose lengths nest around a command set.
pub fn probe(head: &[u8]) -> Probe {
    match head {
        [] => Probe::Unsure,
        [1 | 2] | [1 | 2, 0, ..] => probe_associate(head),
        [4] | [4, 0, ..] => probe_data(head),
        [3 | 5..=7] | [3 | 5..=7, 0, ..] => match parse(head) {
            Ok(_) => Probe::Unsure,
            Err(_) => Probe::NotForUs,
        },
        _ => Probe::NotForUs,
    }
}

fn probe_associate(head: &[u8]) -> Probe {
    let Some((header, body)) = head.split_first_chunk::<PDU_HEADER_BYTES>() else { return Probe::Unsure };
    let [_, _, length @ ..] = *header;
    let length = u32::from_be_bytes(length) as usize;
    let version = body.first_chunk().map(|v| u16::from_be_bytes(*v));
    if !(ASSOCIATE_FIXED_BYTES..=ASSOCIATE_LENGTH_MAX).contains(&length)
        || version.is_some_and(|v| v & 1 == 0)
    {
        return Probe::NotForUs;
    }
    // Titles are printable; some pad them with NUL against the standard.
    let titles = head.get(TITLES_AT..).unwrap_or_default();
    if titles.iter().take(32).any(|b| matches!(b, 1..0x20 | 0x7f)) {
        return Probe::NotForUs;
    }
    let item = body.get(ASSOCIATE_FIXED_BYTES..).unwrap_or_default();
    match item.split_first_chunk::<4>() {
        None => Probe::Unsure,
        Some(([APPLICATION_CONTEXT, ..], name)) if name.starts_with(APPLICATION_CONTEXT_NAME) => {
            Probe::Certain
        }
        Some(([APPLICATION_CONTEXT, ..], name)) if APPLICATION_CONTEXT_NAME.starts_with(name) => {
            Probe::Unsure
        }
        Some(_) => Probe::NotForUs,
    }
}

fn probe_data(head: &[u8]) -> Probe {
    match nests(head) {
        None => Probe::NotForUs,
        Some(_)
            if head
                .get(PDU_HEADER_BYTES + PDV_HEADER_BYTES..)
                .is_some_and(|f| f.starts_with(COMMAND_SET)) =>
        {
            Probe::Certain
        }
        Some(_) => Probe::Unsure,
    }
}

/// Whether a P-DATA-TF's first value fits it, and if so where the PDU ends; 0 while too little is there to say.
fn nests(head: &[u8]) -> Option<usize> {
    let pdu_rest = match parse(head).ok()? {
        Framed::Whole { message: Pdu::PDataTf(length), .. } => length,
        Framed::Whole { .. } => return None,
        Framed::Partial { .. } => return Some(0),
    };
    let values = head.get(PDU_HEADER_BYTES..)?;
    match (pdv(values, pdu_rest).ok()?, values.get(4..PDV_HEADER_BYTES)) {
        (Framed::Whole { .. }, Some([context, 0..=3])) if context & 1 == 1 => {
            Some(PDU_HEADER_BYTES + pdu_rest)
        }
        (Framed::Whole { .. }, _) => None,
        (Framed::Partial { .. }, _) => Some(0),
    }
}

/// Whether PDUs begin at `head`, in a conversation already known to be DICOM: after a gap, reading may resume there.
pub fn begins_pdus(head: &[u8]) -> bool {
    match head {
        [1 | 2, 0, ..] => probe_associate(head) == Probe::Certain,
        [4, 0, ..] => match nests(head) {
            None | Some(0) => false,
            Some(end) => head.get(end..).is_none_or(|next| next.is_empty() || parse(next).is_ok()),
        },
        [3 | 5..=7, 0, ..] => matches!(parse(head), Ok(Framed::Whole { length, .. }) if length == head.len()),
        _ => false,
    }
}
