//! Bytes → [`Pdu`] and [`Pdv`].

use super::associate::associate;
use super::{ASSOCIATE_BYTES_MAX, ASSOCIATE_LENGTH_MAX, Pdu, Pdv, Rejection};
use crate::{Error, Framed, Reader};

/// Type, reserved, length.
pub(super) const PDU_HEADER_BYTES: usize = 6;
/// Length, presentation context, message control header.
pub(super) const PDV_HEADER_BYTES: usize = 6;
/// Protocol version, two AE titles and reserved bytes before the variable items.
pub(super) const ASSOCIATE_FIXED_BYTES: usize = 68;

/// Reads the PDU at the front of `stream`. Of a P-DATA-TF only the header is taken: its values follow and are read with
/// [`pdv`], so that an image needs no buffer.
///
/// # Errors
/// `Malformed` when type or length contradict PS3.8 §9.3; `Limit` when an association is larger than
/// [`ASSOCIATE_LENGTH_MAX`].
pub fn parse(stream: &[u8]) -> Result<Framed<Pdu<'_>>, Error> {
    let Some(&kind) = stream.first() else { return Ok(Framed::Partial { need: PDU_HEADER_BYTES }) };
    if !(1..=7).contains(&kind) {
        return Err(Error::Malformed { what: "pdu type", at: 0 });
    }
    if stream.len() < PDU_HEADER_BYTES {
        return Ok(Framed::Partial { need: PDU_HEADER_BYTES });
    }
    let mut reader = Reader::new(stream);
    reader.skip(2, "pdu type")?;
    let length = reader.u32_be("pdu length")? as usize;
    match kind {
        1 | 2 => associate_pdu(kind, length, stream),
        4 if length < PDV_HEADER_BYTES => Err(Error::Malformed { what: "pdu length", at: 2 }),
        4 => Ok(Framed::Whole { message: Pdu::PDataTf(length), length: PDU_HEADER_BYTES }),
        _ if length != 4 => Err(Error::Malformed { what: "pdu length", at: 2 }),
        _ => Ok(match reader.array("pdu") {
            Err(_) => Framed::Partial { need: PDU_HEADER_BYTES + 4 },
            Ok(body) => Framed::Whole { message: short(kind, body), length: PDU_HEADER_BYTES + 4 },
        }),
    }
}

fn short(kind: u8, [_, a, b, c]: [u8; 4]) -> Pdu<'static> {
    match kind {
        3 => Pdu::AssociateRj(Rejection { result: a, source: b, reason: c }),
        5 => Pdu::ReleaseRq,
        6 => Pdu::ReleaseRp,
        _ => Pdu::Abort { source: b, reason: c },
    }
}

fn associate_pdu(kind: u8, length: usize, stream: &[u8]) -> Result<Framed<Pdu<'_>>, Error> {
    if length < ASSOCIATE_FIXED_BYTES {
        return Err(Error::Malformed { what: "pdu length", at: 2 });
    }
    if length > ASSOCIATE_LENGTH_MAX {
        return Err(Error::Limit { what: "association", max: ASSOCIATE_LENGTH_MAX });
    }
    let read = (PDU_HEADER_BYTES + length).min(ASSOCIATE_BYTES_MAX);
    let Some(pdu) = stream.get(..read) else { return Ok(Framed::Partial { need: read }) };
    let associate = associate(pdu)?;
    let message = if kind == 1 { Pdu::AssociateRq(associate) } else { Pdu::AssociateAc(associate) };
    Ok(Framed::Whole { message, length: PDU_HEADER_BYTES + length })
}

/// Reads the presentation data value at the front of `stream`, within a P-DATA-TF of which `pdu_rest` bytes are left.
/// It is read as soon as its header is at hand; its length reaches past the input when the fragment is not there yet.
///
/// # Errors
/// `Malformed` when its length does not fit the PDU.
#[inline]
pub fn pdv(stream: &[u8], pdu_rest: usize) -> Result<Framed<Pdv<'_>>, Error> {
    let Some((&[a, b, c, d, context, control], rest)) = stream.split_first_chunk::<PDV_HEADER_BYTES>() else {
        return Ok(Framed::Partial { need: PDV_HEADER_BYTES });
    };
    let item_bytes = u32::from_be_bytes([a, b, c, d]) as usize;
    if item_bytes < 2 || item_bytes.saturating_add(4) > pdu_rest {
        return Err(Error::Malformed { what: "presentation data value length", at: 0 });
    }
    let fragment_bytes = item_bytes - 2;
    let message = Pdv {
        context,
        is_command: control & 1 != 0,
        is_last: control & 2 != 0,
        fragment_bytes,
        fragment: rest.get(..fragment_bytes).unwrap_or(rest),
    };
    Ok(Framed::Whole { message, length: PDV_HEADER_BYTES + fragment_bytes })
}
