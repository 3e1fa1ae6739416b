//! Datagram → [`Message`].

use super::ber::{self, OCTET_STRING, SEQUENCE};
use super::{COMMUNITY_BYTES_MAX, Message, Pdu, Version, pdu};
use crate::{Error, Probe, Reader};

/// Whether `head`, the whole datagram or its front, is ours: sequence, version, then community and PDU, or the global data
/// of v3. LDAP and others of ASN.1 part ways at the third element.
pub fn probe(head: &[u8]) -> Probe {
    match parse(head) {
        Ok(_) => Probe::Certain,
        // Cut off inside a message that is whole: some inner length lies.
        Err(Error::Truncated { .. }) if !head.is_empty() && is_cut(head) => Probe::Unsure,
        Err(_) => Probe::NotForUs,
    }
}

/// The outer length points past the end, and what is there of version begins as it should.
fn is_cut(head: &[u8]) -> bool {
    if ber::element(&mut Reader::new(head), "message").is_ok() {
        return false;
    }
    let length_octets = match head.get(1) {
        Some(long @ 0x81..=0x84) => usize::from(long & 0x7f),
        _ => 0,
    };
    let inside = head.get(2 + length_octets..).unwrap_or_default();
    [b"\x02\x01\x00", b"\x02\x01\x01", b"\x02\x01\x03"]
        .iter()
        .any(|version| version.starts_with(inside) || inside.starts_with(*version))
}

/// Reads the message that fills `datagram`.
///
/// # Errors
/// `Truncated` when a length points past the end, `Malformed` for another structure, `Limit` for a community beyond
/// [`COMMUNITY_BYTES_MAX`].
pub fn parse(datagram: &[u8]) -> Result<Message<'_>, Error> {
    let mut outer = Reader::new(datagram);
    let mut message = ber::expect(&mut outer, SEQUENCE, "message")?;
    let (version, pdu) = match ber::integer(&mut message, "version")? {
        0 => (Version::V1, Some(community_pdu(message)?)),
        1 => (Version::V2c, Some(community_pdu(message)?)),
        3 => (Version::V3, v3_pdu(message)?),
        _ => return Err(message.malformed("version")),
    };
    Ok(Message { version, pdu })
}

fn community_pdu(mut message: Reader<'_>) -> Result<Pdu<'_>, Error> {
    let community = ber::expect(&mut message, OCTET_STRING, "community")?;
    if community.len() > COMMUNITY_BYTES_MAX {
        return Err(Error::Limit { what: "community", max: COMMUNITY_BYTES_MAX });
    }
    pdu::parse(&mut message)
}

/// Reads global data, passes over the security parameters, reads the scoped PDU unless it is encrypted (RFC 3412 §6).
fn v3_pdu(mut message: Reader<'_>) -> Result<Option<Pdu<'_>>, Error> {
    let mut global = ber::expect(&mut message, SEQUENCE, "global data")?;
    ber::integer(&mut global, "msgID")?;
    ber::integer(&mut global, "msgMaxSize")?;
    let flags = ber::expect(&mut global, OCTET_STRING, "msgFlags")?;
    let encrypted = match flags.rest() {
        [flags] => flags & 2 != 0,
        _ => return Err(flags.malformed("msgFlags")),
    };
    ber::integer(&mut global, "msgSecurityModel")?;
    ber::expect(&mut message, OCTET_STRING, "security parameters")?;
    if encrypted {
        ber::expect(&mut message, OCTET_STRING, "encrypted PDU")?;
        return Ok(None);
    }
    let mut scoped = ber::expect(&mut message, SEQUENCE, "scoped PDU")?;
    ber::expect(&mut scoped, OCTET_STRING, "contextEngineID")?;
    ber::expect(&mut scoped, OCTET_STRING, "contextName")?;
    pdu::parse(&mut scoped).map(Some)
}
