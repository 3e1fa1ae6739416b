//! Command sets: group 0000, always implicit VR little-endian (PS3.7 §6.3.1).

use super::{Command, CommandField, trimmed};
use crate::{Error, Reader};

/// (0000,0800) holds this when no data set follows.
const NO_DATA_SET: u16 = 0x0101;

/// Reads a whole command set.
///
/// # Errors
/// `Malformed` when an element is not of group 0000, `Truncated` when one is cut off or there is no command field.
pub fn command(bytes: &[u8]) -> Result<Command<'_>, Error> {
    let mut reader = Reader::new(bytes);
    let mut read = Command::default();
    let mut has_field = false;
    while !reader.is_empty() {
        if reader.u16_le("group")? != 0 {
            return Err(reader.malformed("command group"));
        }
        let element = reader.u16_le("element")?;
        let length = reader.u32_le("length")? as usize;
        let value = reader.take(length, "value")?;
        let number = value.first_chunk().map(|bytes| u16::from_le_bytes(*bytes));
        match (element, number) {
            (0x0002, _) => read.sop_class = trimmed(value),
            (0x0003, _) if read.sop_class.is_empty() => read.sop_class = trimmed(value),
            (0x0100, Some(number)) => (read.field, has_field) = (CommandField(number), true),
            (0x0600, _) => read.move_destination = trimmed(value),
            (0x0800, Some(number)) => read.has_data_set = number != NO_DATA_SET,
            (0x0900, Some(number)) => read.status = number,
            _ => {}
        }
    }
    if has_field { Ok(read) } else { Err(Error::Truncated { what: "command field", at: bytes.len() }) }
}
