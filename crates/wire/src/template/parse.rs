//! Bytes → [`Message`].

use super::{Kind, Message, NAME_BYTES_MAX};
use crate::{Error, Framed, Probe, Reader};

const MAGIC: &[u8; 2] = b"WT";
const HEADER_BYTES: usize = 5;

/// Whether a conversation that starts with `head` is ours.
pub fn probe(head: &[u8]) -> Probe {
    match head.split_first_chunk() {
        Some((magic, [0..=2, ..])) if magic == MAGIC => Probe::Certain,
        Some((magic, [])) if magic == MAGIC => Probe::Unsure,
        None if MAGIC.starts_with(head) => Probe::Unsure,
        _ => Probe::NotForUs,
    }
}

/// Reads the message at the front of `stream`.
///
/// # Errors
/// `Malformed` when the magic is wrong, `Limit` when the name is longer than [`NAME_BYTES_MAX`].
pub fn parse(stream: &[u8]) -> Result<Framed<Message<'_>>, Error> {
    if stream.len() < HEADER_BYTES {
        return Ok(Framed::Partial { need: HEADER_BYTES });
    }
    let mut reader = Reader::new(stream);
    if reader.array("magic")? != *MAGIC {
        return Err(Error::Malformed { what: "magic", at: 0 });
    }
    let kind = match reader.u8("kind")? {
        1 => Kind::Hello,
        2 => Kind::Bye,
        other => Kind::Other(other),
    };
    let name_bytes = usize::from(reader.u16_be("name length")?);
    if name_bytes > NAME_BYTES_MAX {
        return Err(Error::Limit { what: "name length", max: NAME_BYTES_MAX });
    }
    let length = HEADER_BYTES + name_bytes;
    match reader.take(name_bytes, "name") {
        Ok(name) => Ok(Framed::Whole { message: Message { kind, name }, length }),
        Err(_) => Ok(Framed::Partial { need: length }),
    }
}
