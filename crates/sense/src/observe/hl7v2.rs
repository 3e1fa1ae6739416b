//! HL7 v2: which systems talk of what, which devices they speak for, and that patient data crosses in clear.
//!
//! Every message is counted by its type and event as soon as its MSH is there; the rest is walked segment by segment, so
//! that a report of many megabytes needs no more memory than one segment.

use super::{Context, Side, Step, Stream};
use model::{Attribute, EventKind, UnparsedReason};
use wire::hl7v2::{
    Acknowledgement, Content, Header, HeaderKind, MessageType, Participation, PhiFields, Piece, Segment,
    Separators, parse, probe, segment_end,
};
use wire::{Error, Framed, Probe};

/// Unchanged headers and equipment identifiers are not stated again within this many seconds.
const REPEAT_S: u64 = 15;
/// Bytes of a statement that are remembered to know it again; a longer one is stated every time.
const REMEMBERED_BYTES_MAX: usize = 256;
/// Error replies reported from one side within one minute; further ones are only counted by their verb.
const ERRORS_PER_MINUTE_MAX: u32 = 32;
/// Longest value stated, in bytes.
const VALUE_BYTES_MAX: usize = 256;

/// An HL7 v2 conversation.
#[derive(Debug, Default)]
pub struct Hl7v2 {
    halves: [Half; 2],
}

/// What one side is in the middle of.
#[derive(Debug, Default)]
struct Half {
    place: Place,
    /// Within a segment too long to read, whose end is still to come.
    in_long_segment: bool,
    separators: Separators,
    verb: Verb,
    /// The running message is counted; what follows adds bytes to it.
    counted: bool,
    /// Bytes of the running message not yet counted.
    bytes: usize,
    header_said: Said,
    equipment_said: Said,
    /// Patient fields seen in the running message and not yet stated.
    phi: PhiFields,
    phi_said: PhiFields,
    phi_said_s: Option<u64>,
    errors: u32,
    errors_minute: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Between messages.
    #[default]
    Outside,
    /// After VT, before the header.
    Opened,
    /// In a message, after its header.
    Inside,
}

#[derive(Clone, Copy, Debug, Default)]
enum Verb {
    #[default]
    None,
    Fixed(&'static str),
    Type(MessageType),
}

impl Verb {
    fn as_str(&self) -> &str {
        match self {
            Self::None => "OTHER",
            Self::Fixed(verb) => verb,
            Self::Type(verb) => verb.as_str(),
        }
    }
}

/// The last statement of a kind and when it was made: so that the same line, message after message, costs a comparison.
#[derive(Debug, Default)]
struct Said {
    at_s: u64,
    bytes: Vec<u8>,
}

impl Said {
    /// Whether `parts` must be stated: they differ from the last time or that is too long ago.
    fn is_due(&mut self, parts: &[&[u8]], now_s: u64) -> bool {
        let length = parts.iter().map(|part| part.len() + 1).sum::<usize>();
        let same = self.bytes.len() == length
            && parts
                .iter()
                .try_fold(&self.bytes[..], |rest, part| rest.strip_prefix(*part)?.strip_prefix(b"\r"))
                .is_some();
        if same && now_s.abs_diff(self.at_s) < REPEAT_S {
            return false;
        }
        self.at_s = now_s;
        self.bytes.clear();
        if length <= REMEMBERED_BYTES_MAX {
            for part in parts {
                self.bytes.extend_from_slice(part);
                self.bytes.push(b'\r');
            }
        }
        true
    }
}

impl Stream for Hl7v2 {
    /// Takes every whole segment in `input`, of one message or of many.
    fn take(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step {
        let half = self.half(side);
        let mut taken = 0;
        let stopped = loop {
            let rest = input.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                break None;
            }
            if half.in_long_segment {
                let end = segment_end(rest);
                half.in_long_segment = end.is_none();
                let passed = end.unwrap_or(rest.len());
                half.bytes += passed;
                taken += passed;
                continue;
            }
            match parse(rest) {
                Ok(Framed::Whole { message, length }) => match half.piece(cx, message, length) {
                    Ok(()) => taken += length,
                    Err(reason) => break Some(Step::Broken(reason)),
                },
                Ok(Framed::Partial { need }) => break Some(Step::Need(need)),
                Err(Error::Limit { .. }) => break Some(Step::Broken(UnparsedReason::Limit)),
                Err(_) => break Some(Step::Broken(UnparsedReason::BadMessage)),
            }
        };
        half.count(cx);
        match stopped {
            Some(step) if taken == 0 => {
                if let Step::Broken(_) = step {
                    half.forget();
                }
                step
            }
            _ => Step::Took(taken),
        }
    }

    fn gap(&mut self, side: Side) {
        self.half(side).forget();
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        probe(head) == Probe::Certain
    }
}

impl Hl7v2 {
    fn half(&mut self, side: Side) -> &mut Half {
        let [client, server] = &mut self.halves;
        if side == Side::Client { client } else { server }
    }
}

impl Half {
    fn forget(&mut self) {
        self.place = Place::Outside;
        self.in_long_segment = false;
        self.bytes = 0;
        self.verb = Verb::None;
    }

    /// Deals with one piece of `length` bytes; an error leaves everything as it was.
    fn piece(&mut self, cx: &mut Context<'_>, piece: Piece<'_>, length: usize) -> Result<(), UnparsedReason> {
        match piece {
            Piece::Start => {
                self.count(cx);
                self.forget();
                self.place = Place::Opened;
            }
            Piece::End => {
                self.bytes += length;
                self.count(cx);
                self.forget();
                return Ok(());
            }
            Piece::Commit(positive) if self.place == Place::Opened => {
                self.begin(cx, Verb::Fixed(if positive { "COMMIT ACK" } else { "COMMIT NAK" }));
            }
            Piece::Segment(segment) => self.segment(cx, segment)?,
            Piece::LongSegment { ended } if self.place == Place::Inside => self.in_long_segment = !ended,
            Piece::Commit(_) | Piece::LongSegment { .. } => return Err(UnparsedReason::BadMessage),
            Piece::Blank => {}
        }
        if self.place != Place::Outside {
            self.bytes += length;
        }
        Ok(())
    }

    fn segment(&mut self, cx: &mut Context<'_>, segment: Segment<'_>) -> Result<(), UnparsedReason> {
        match segment.content(&self.separators) {
            Content::Header(header) => self.header(cx, &header),
            _ if self.place != Place::Inside => return Err(UnparsedReason::BadMessage),
            Content::Observation(equipment) => self.equipment(cx, equipment),
            Content::Participation(participation) => self.participation(cx, &participation),
            Content::Personal(fields) => self.phi = self.phi.union(fields),
            Content::Acknowledgement(Acknowledgement::Refused(code)) => self.refused(cx, code),
            Content::Software(software) => {
                cx.fact(Attribute::Manufacturer, software.vendor);
                cx.fact(Attribute::SoftwareName, software.product);
                cx.fact(Attribute::SoftwareVersion, software.version);
            }
            Content::Acknowledgement(_) | Content::Other => {}
        }
        Ok(())
    }

    /// A message begins: what came before is counted. The bytes of a VT in front are the new message's.
    fn begin(&mut self, cx: &mut Context<'_>, verb: Verb) {
        if self.place == Place::Inside {
            self.count(cx);
        }
        self.place = Place::Inside;
        self.verb = verb;
        self.counted = false;
    }

    /// Counts the running message, or what has been added to it since it was.
    fn count(&mut self, cx: &mut Context<'_>) {
        if self.place != Place::Inside {
            return;
        }
        self.say_phi(cx);
        if !self.counted {
            cx.verb(self.verb.as_str(), self.bytes);
        } else if self.bytes > 0 {
            cx.more_of_verb(self.verb.as_str(), self.bytes);
        }
        self.counted = true;
        self.bytes = 0;
    }

    fn header(&mut self, cx: &mut Context<'_>, header: &Header<'_>) {
        self.begin(
            cx,
            match header.kind {
                HeaderKind::Message => Verb::Type(header.message_type),
                HeaderKind::Batch => Verb::Fixed("BHS"),
                HeaderKind::File => Verb::Fixed("FHS"),
            },
        );
        self.separators = header.separators;
        let [application, facility, to_application, to_facility] = header.parties;
        let parts = [application, facility, to_application, to_facility, header.processing, header.version];
        if !self.header_said.is_due(&parts, cx.now.as_secs()) {
            return;
        }
        let mut room = [0; VALUE_BYTES_MAX];
        let mut name = |field, state: &mut dyn FnMut(&[u8])| {
            let separators = &header.separators;
            state(separators.unescape(separators.designation(field), &mut room));
        };
        name(application, &mut |value| cx.fact(Attribute::Hl7Application, value));
        name(facility, &mut |value| cx.fact(Attribute::Hl7Facility, value));
        name(to_application, &mut |value| cx.receiver_fact(Attribute::Hl7Application, value));
        name(to_facility, &mut |value| cx.receiver_fact(Attribute::Hl7Facility, value));
        cx.fact(Attribute::Hl7Version, header.version);
        cx.fact(Attribute::Hl7Processing, header.processing);
        cx.fact(Attribute::ClearText, "hl7v2");
    }

    fn equipment(&mut self, cx: &mut Context<'_>, equipment: &[u8]) {
        if equipment.is_empty() || !self.equipment_said.is_due(&[equipment], cx.now.as_secs()) {
            return;
        }
        for identifier in self.separators.repetitions(equipment) {
            cx.fact(Attribute::EquipmentId, identifier);
        }
    }

    /// The serial number and type belong to the equipment, not to the sender: they stand in its identifier.
    fn participation(&mut self, cx: &mut Context<'_>, participation: &Participation<'_>) {
        let Participation { device, device_identifier, serial_number, device_type } = *participation;
        let mut devices = self.separators.repetitions(device);
        let mut value = Value::default();
        value.push("", devices.next().unwrap_or(device_identifier));
        value.push(" serial=", serial_number);
        value.push(" type=", device_type);
        cx.fact(Attribute::EquipmentId, value.as_bytes());
        for other_name in devices {
            cx.fact(Attribute::EquipmentId, other_name);
        }
        let udi = if device_identifier.is_empty() { device } else { device_identifier };
        if !device_identifier.is_empty() || is_udi(device) {
            cx.fact(Attribute::Udi, self.separators.component(udi, 0));
        }
    }

    /// States which patient fields this side sent, all together, when there are more than were stated or it is time.
    fn say_phi(&mut self, cx: &mut Context<'_>) {
        if self.phi.is_empty() {
            return;
        }
        let (all, now_s) = (self.phi_said.union(self.phi), cx.now.as_secs());
        let lately = self.phi_said_s.is_some_and(|said_s| now_s.abs_diff(said_s) < REPEAT_S);
        self.phi = PhiFields::default();
        if lately && all == self.phi_said {
            return;
        }
        self.phi_said = all;
        self.phi_said_s = Some(now_s);
        let mut value = Value::default();
        value.push("", b"hl7v2");
        for name in all.names() {
            value.push(" ", name.as_bytes());
        }
        cx.fact(Attribute::PhiInClear, value.as_bytes());
    }

    fn refused(&mut self, cx: &mut Context<'_>, code: &'static str) {
        let minute = cx.now.as_secs() / 60;
        if self.errors_minute != minute {
            (self.errors_minute, self.errors) = (minute, 0);
        }
        if self.errors < ERRORS_PER_MINUTE_MAX {
            self.errors += 1;
            cx.event(EventKind::ErrorReply, &format!("{} {code}", self.verb.as_str()));
        }
    }
}

/// A UDI carrier as PRT-10 holds it: GS1, HIBCC or ICCBBA, or typed with the FDA's arc.
fn is_udi(device: &[u8]) -> bool {
    const FDA_UDI: &[u8] = b"2.16.840.1.113883.3.3719";
    device.starts_with(b"(01)")
        || device.starts_with(b"=/")
        || device.windows(FDA_UDI.len()).any(|part| part == FDA_UDI)
}

/// A value put together on the stack.
struct Value {
    bytes: [u8; VALUE_BYTES_MAX],
    length: usize,
}

impl Default for Value {
    fn default() -> Self {
        Self { bytes: [0; VALUE_BYTES_MAX], length: 0 }
    }
}

impl Value {
    /// Appends `label` and `text` unless `text` is empty; what does not fit is cut off.
    fn push(&mut self, label: &str, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(label.bytes().chain(text.iter().copied())) {
            *to = from;
            self.length += 1;
        }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
