//! A-ASSOCIATE-RQ and -AC: titles, presentation contexts, user information (PS3.8 §9.3.2, §9.3.3; PS3.7 annex D).

use super::parse::PDU_HEADER_BYTES;
use super::{Associate, ITEMS_MAX, PresentationContext, UserInformation, trimmed};
use crate::{Error, Reader};

/// Item types.
pub(super) const APPLICATION_CONTEXT: u8 = 0x10;
const PRESENTATION_CONTEXT_RQ: u8 = 0x20;
const PRESENTATION_CONTEXT_AC: u8 = 0x21;
const ABSTRACT_SYNTAX: u8 = 0x30;
const TRANSFER_SYNTAX: u8 = 0x40;
const USER_INFORMATION: u8 = 0x50;
const IMPLEMENTATION_CLASS_UID: u8 = 0x52;
const IMPLEMENTATION_VERSION_NAME: u8 = 0x55;
const USER_IDENTITY: u8 = 0x58;

/// Type, length and value items, one behind the other; ends quietly where they no longer fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Items<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Items<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, left: ITEMS_MAX }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut reader = Reader::new(self.rest);
        let [kind, _reserved] = reader.array("item type").ok()?;
        let length = reader.u16_be("item length").ok()?;
        let value = reader.take(usize::from(length), "item").ok()?;
        self.rest = reader.rest();
        Some((kind, value))
    }
}

/// Reads a whole PDU, or the head of a long one. Reserved bytes are not tested: receivers shall not.
pub(super) fn associate(pdu: &[u8]) -> Result<Associate<'_>, Error> {
    let mut reader = Reader::new(pdu);
    reader.skip(PDU_HEADER_BYTES, "pdu header")?;
    if reader.u16_be("protocol version")? & 1 == 0 {
        return Err(Error::Malformed { what: "protocol version", at: PDU_HEADER_BYTES });
    }
    reader.skip(2, "reserved")?;
    let called = trimmed(reader.take(16, "called ae title")?);
    let calling = trimmed(reader.take(16, "calling ae title")?);
    reader.skip(32, "reserved")?;
    Ok(Associate { called, calling, items: Items::new(reader.rest()) })
}

impl<'a> Associate<'a> {
    /// The presentation contexts, in the order of the wire.
    pub fn presentation_contexts(&self) -> impl Iterator<Item = PresentationContext<'a>> + use<'a> {
        self.items.filter_map(|(kind, value)| match kind {
            PRESENTATION_CONTEXT_RQ | PRESENTATION_CONTEXT_AC => presentation_context(value),
            _ => None,
        })
    }

    /// The user information; empty where it is missing.
    pub fn user_information(&self) -> UserInformation<'a> {
        let mut user = UserInformation::default();
        let Some((_, value)) = self.items.into_iter().find(|(kind, _)| *kind == USER_INFORMATION) else {
            return user;
        };
        for (kind, value) in Items::new(value) {
            match kind {
                IMPLEMENTATION_CLASS_UID => user.implementation_class_uid = trimmed(value),
                IMPLEMENTATION_VERSION_NAME => user.implementation_version_name = trimmed(value),
                USER_IDENTITY => user.user_identity = value.first().copied(),
                _ => {}
            }
        }
        user
    }
}

fn presentation_context(value: &[u8]) -> Option<PresentationContext<'_>> {
    let (&[id, _, result, _], items) = value.split_first_chunk::<4>()?;
    let mut context = PresentationContext { id, result, abstract_syntax: &[], transfer_syntax: &[] };
    for (kind, value) in Items::new(items) {
        match kind {
            ABSTRACT_SYNTAX => context.abstract_syntax = trimmed(value),
            TRANSFER_SYNTAX if context.transfer_syntax.is_empty() => context.transfer_syntax = trimmed(value),
            _ => {}
        }
    }
    Some(context)
}
