//! The head of a data set: device tags, and whether there is a patient (PS3.5 §7; PS3.6).

use super::{DataSetHead, Encoding, SEQUENCE_DEPTH_MAX, trimmed};
use crate::{Error, Reader};
use model::Phi;

const UNDEFINED_LENGTH: u32 = u32::MAX;
/// Items and delimiters of sequences.
const DELIMITERS: u16 = 0xfffe;
const SEQUENCE_END: u16 = 0xe0dd;
const UDI_SEQUENCE: (u16, u16) = (0x0018, 0x100a);
const UDI: (u16, u16) = (0x0018, 0x1009);
/// Elements ascend: past this one there is nothing to find.
const LAST_SOUGHT: (u16, u16) = (0x0018, 0x1020);

/// Reads what stands in `bytes`, the front of a data set, up to where they end. Without a known `encoding` the first
/// element shows it: a value representation is two capital letters, a length that looks so would be absurd.
pub fn data_set_head(bytes: &[u8], encoding: Option<Encoding>) -> DataSetHead<'_> {
    let explicit = match encoding {
        Some(Encoding::Unreadable) => return DataSetHead::default(),
        Some(Encoding::Explicit) => true,
        Some(Encoding::Implicit) => false,
        None => bytes.get(4..6).is_some_and(|vr| vr.iter().all(u8::is_ascii_uppercase)),
    };
    let mut walk = Walk { reader: Reader::new(bytes), explicit, depth: 0, in_udi: false };
    let mut head = DataSetHead::default();
    while let Ok(Some(())) = walk.element(&mut head) {}
    head
}

/// A flat walk: sequences of undefined length are entered and counted in `depth`, others are passed over.
struct Walk<'a> {
    reader: Reader<'a>,
    explicit: bool,
    depth: u8,
    in_udi: bool,
}

impl<'a> Walk<'a> {
    /// Deals with one element; `None` when nothing sought can follow, an error when the bytes end.
    fn element(&mut self, head: &mut DataSetHead<'a>) -> Result<Option<()>, Error> {
        let tag = (self.reader.u16_le("group")?, self.reader.u16_le("element")?);
        if tag.0 == DELIMITERS {
            self.reader.skip(4, "item length")?;
            self.depth = self.depth.saturating_sub(u8::from(tag.1 == SEQUENCE_END));
            return Ok(Some(()));
        }
        let length = self.length()?;
        if self.depth == 0 {
            if tag > LAST_SOUGHT {
                return Ok(None);
            }
            self.in_udi = tag == UDI_SEQUENCE || (self.in_udi && tag == UDI);
        }
        if length == UNDEFINED_LENGTH {
            self.depth += 1;
            return Ok((self.depth <= SEQUENCE_DEPTH_MAX).then_some(()));
        }
        if tag == UDI_SEQUENCE && self.depth == 0 {
            return Ok(Some(()));
        }
        let value = self.reader.take(length as usize, "value")?;
        if tag == UDI && self.in_udi && self.depth <= 1 {
            head.udi = trimmed(value);
        } else if self.depth == 0 {
            head.take(tag, value);
        }
        Ok(Some(()))
    }

    fn length(&mut self) -> Result<u32, Error> {
        if !self.explicit {
            return self.reader.u32_le("length");
        }
        let vr = self.reader.array::<2>("value representation")?;
        match &vr {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT"
            | b"UV" => {
                self.reader.skip(2, "reserved")?;
                self.reader.u32_le("length")
            }
            _ if vr.iter().all(u8::is_ascii_uppercase) => self.reader.u16_le("length").map(u32::from),
            _ => Err(self.reader.malformed("value representation")),
        }
    }
}

impl<'a> DataSetHead<'a> {
    fn take(&mut self, tag: (u16, u16), value: &'a [u8]) {
        match tag {
            (0x0008, 0x0060) => self.modality = trimmed(value),
            (0x0008, 0x0070) => self.manufacturer = trimmed(value),
            (0x0008, 0x1010) => self.station_name = trimmed(value),
            (0x0008, 0x1090) => self.model = trimmed(value),
            (0x0010, 1..) => self.has_patient |= Phi::new(value).present(),
            (0x0018, 0x1000) => self.serial_number = trimmed(value),
            (0x0018, 0x1020) => self.software_versions = trimmed(value),
            _ => {}
        }
    }
}
