//! HL7 version 2 over MLLP: how monitors, pumps, analysers and hospital systems tell each other of patients and results.
//!
//! Of patient segments this module says only whether fields are filled; names, identifiers, results (OBX-5) and site
//! segments (Z..) never leave it. Standards: HL7 v2.9 chapter 2 (control), 3 (ADT), 7 (observation); MLLP release 1 and 2.

mod parse;
mod segment;
#[cfg(test)]
mod tests;

pub use parse::{parse, probe, segment_end};
pub use segment::Segment;

/// Longest segment that is read, in bytes; of a longer one (a report as base64 in OBX-5) only its length is known.
pub const SEGMENT_BYTES_MAX: usize = 8 * 1024;
/// Repetitions of an equipment identifier that are read from one OBX or PRT.
pub const REPETITIONS_MAX: usize = 4;

/// What stands at the front of an MLLP stream.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// VT: a block begins.
    Start,
    /// One segment, without its end.
    Segment(Segment<'a>),
    /// A segment longer than [`SEGMENT_BYTES_MAX`].
    LongSegment {
        /// Its end is at hand; otherwise [`segment_end`] finds it in what follows.
        ended: bool,
    },
    /// FS: the block ends.
    End,
    /// Line ends between segments.
    Blank,
    /// The whole block is a commit acknowledgement (MLLP release 2): positive or negative.
    Commit(bool),
}

/// The delimiters a message declares in MSH-1 and MSH-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separators {
    /// Between fields, nearly always `|`.
    pub field: u8,
    /// Between components, nearly always `^`.
    pub component: u8,
    /// Between repetitions, nearly always `~`.
    pub repetition: u8,
    /// Opens and closes an escape sequence, nearly always `\`.
    pub escape: u8,
    /// Between subcomponents, nearly always `&`.
    pub subcomponent: u8,
}

/// What a segment tells, as far as Ward may know it.
#[derive(Debug)]
pub enum Content<'a> {
    /// MSH, BHS or FHS.
    Header(Header<'a>),
    /// MSA-1.
    Acknowledgement(Acknowledgement),
    /// SFT-1 to SFT-3.
    Software(Software<'a>),
    /// OBX-18, equipment instance identifiers; often empty. Nothing else of an observation is read.
    Observation(&'a [u8]),
    /// PRT-10 and PRT-16 to PRT-22: the device that took part. Nothing of a person that took part is read.
    Participation(Participation<'a>),
    /// PID, PV1, NK1, IN1, GT1, MRG or a site segment: which of its fields are filled.
    Personal(PhiFields),
    /// Anything else.
    Other,
}

/// Who speaks to whom of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// MSH, BHS or FHS.
    pub kind: HeaderKind,
    /// The message's own delimiters.
    pub separators: Separators,
    /// MSH-3 to MSH-6 as they stand on the wire.
    pub parties: [&'a [u8]; 4],
    /// MSH-9: type and trigger event.
    pub message_type: MessageType,
    /// MSH-11, first component, when it is P, T or D.
    pub processing: &'a [u8],
    /// MSH-12, first component, when it reads like a version.
    pub version: &'a [u8],
}

/// Which of the three header segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderKind {
    /// MSH: one message.
    Message,
    /// BHS: a batch of messages follows.
    Batch,
    /// FHS: a file of batches follows.
    File,
}

/// MSH-9 as a verb: `ORU^R01`, `ACK`, or `OTHER` when it is not of the standard's form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageType {
    text: [u8; 8],
    bytes: u8,
}

/// MSA-1, acknowledgement code (table 0008).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// AA or CA.
    Accepted,
    /// AE, AR, CE or CR: an error or a rejection.
    Refused(&'static str),
    /// No code of the table.
    Other,
}

/// SFT: the software that made the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Software<'a> {
    /// SFT-1, first component: its vendor.
    pub vendor: &'a [u8],
    /// SFT-2: its version.
    pub version: &'a [u8],
    /// SFT-3: its product name.
    pub product: &'a [u8],
}

/// PRT: a device that took part, with the parts of its UDI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participation<'a> {
    /// PRT-10, participation device: `id^namespace^universal id^type`.
    pub device: &'a [u8],
    /// PRT-16, UDI device identifier.
    pub device_identifier: &'a [u8],
    /// PRT-20, serial number.
    pub serial_number: &'a [u8],
    /// PRT-22, device type.
    pub device_type: &'a [u8],
}

/// A set of fields that hold patient data; their names only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhiFields(u16);

impl PhiFields {
    /// Every field of the set, in the order of its bits: the segment, the field (0 for any), and the name of both.
    /// INVARIANT: the fields of one segment stand together and ascend.
    const ALL: [(&'static [u8; 3], usize, &'static str); 15] = [
        (b"PID", 3, "PID-3"),
        (b"PID", 4, "PID-4"),
        (b"PID", 5, "PID-5"),
        (b"PID", 7, "PID-7"),
        (b"PID", 11, "PID-11"),
        (b"PID", 13, "PID-13"),
        (b"PID", 18, "PID-18"),
        (b"PID", 19, "PID-19"),
        (b"PV1", 7, "PV1-7"),
        (b"PV1", 19, "PV1-19"),
        (b"NK1", 2, "NK1-2"),
        (b"IN1", 0, "IN1"),
        (b"GT1", 3, "GT1-3"),
        (b"MRG", 1, "MRG-1"),
        (b"Z..", 0, "Z.."),
    ];

    /// The set of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// No field.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the fields: `PID-3`, `PV1-19`, `IN1`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let named = move |(bit, (_, _, name)): (usize, (_, _, &'static str))| {
            (self.0 & (1 << bit) != 0).then_some(name)
        };
        Self::ALL.into_iter().enumerate().filter_map(named)
    }
}

impl MessageType {
    /// The verb.
    pub fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.bytes)).and_then(|text| std::str::from_utf8(text).ok());
        text.filter(|text| !text.is_empty()).unwrap_or("OTHER")
    }

    /// From MSH-9-1 and MSH-9-2. Types have three characters (table 0076), events three or four (table 0003).
    fn new(kind: &[u8], event: &[u8]) -> Self {
        let is_code = |code: &[u8]| code.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let mut this = Self::default();
        if kind.len() == 3 && is_code(kind) {
            this.push(kind);
            if matches!(event.len(), 3 | 4) && is_code(event) {
                this.push(b"^");
                this.push(event);
            }
        }
        this
    }

    fn push(&mut self, part: &[u8]) {
        let at = usize::from(self.bytes);
        if let Some(room) = self.text.get_mut(at..at + part.len()) {
            room.copy_from_slice(part);
            self.bytes += part.len() as u8;
        }
    }
}

impl Default for Separators {
    fn default() -> Self {
        Self { field: b'|', component: b'^', repetition: b'~', escape: b'\\', subcomponent: b'&' }
    }
}

impl Separators {
    /// The `n`th component of a field, from 0; empty when there is none.
    pub fn component<'a>(&self, field: &'a [u8], n: usize) -> &'a [u8] {
        field.split(|&b| b == self.component).nth(n).unwrap_or_default()
    }

    /// The repetitions of a field, at most [`REPETITIONS_MAX`].
    pub fn repetitions<'a>(&self, field: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let repetition = self.repetition;
        field.split(move |&b| b == repetition).filter(|r| !r.is_empty()).take(REPETITIONS_MAX)
    }

    /// What a hierarchic designator (HD: namespace, universal id, its type) calls itself: its first filled component.
    pub fn designation<'a>(&self, field: &'a [u8]) -> &'a [u8] {
        field.split(|&b| b == self.component).find(|c| !c.is_empty()).unwrap_or_default()
    }

    /// `text` with its escape sequences for delimiters undone (§2.7.1); others are left out. `room` bounds the result.
    pub fn unescape<'a>(&self, text: &'a [u8], room: &'a mut [u8]) -> &'a [u8] {
        if !text.contains(&self.escape) {
            return text;
        }
        let (mut written, mut escaped) = (0, false);
        for part in text.split(|&b| b == self.escape) {
            let delimiter = match part {
                b"F" => Some(&self.field),
                b"S" => Some(&self.component),
                b"T" => Some(&self.subcomponent),
                b"R" => Some(&self.repetition),
                b"E" => Some(&self.escape),
                _ => None,
            };
            let plain = if escaped { delimiter.map(std::slice::from_ref).unwrap_or_default() } else { part };
            for (to, from) in room.iter_mut().skip(written).zip(plain) {
                *to = *from;
                written += 1;
            }
            escaped = !escaped;
        }
        room.get(..written).unwrap_or_default()
    }
}
