//! DICOM: which scanner sends to which archive, with what software, and every command counted by its name.
//!
//! Commands are put together from their fragments; data sets are passed over but for the head of the first fragment.

use super::{Context, Side, Step, Stream};
use model::{Attribute, EventKind, UnparsedReason};
use wire::dicom::{
    Associate, COMMAND_BYTES_MAX, Command, CommandField, DATA_SET_HEAD_BYTES_MAX, Encoding, Pdu, Pdv,
    Rejection, begins_pdus, command, data_set_head, parse, pdv, sop_class_name,
};
use wire::{Error, Framed};

/// SOP classes stated from one proposal.
const SOP_CLASSES_MAX: usize = 16;
/// Events reported from one conversation within one minute; further ones are only counted by their verb.
const EVENTS_PER_MINUTE_MAX: u32 = 32;
/// A running conversation repeats that it, and patient data in it, is in clear after this many seconds.
const REPEAT_S: u64 = 60;
/// Longest UID (PS3.5 §9.1), in bytes.
const UID_BYTES_MAX: usize = 64;
/// Modality performed procedure step: an exam begins (N-CREATE) or ends (N-SET).
const MPPS: &[u8] = b"1.2.840.10008.3.1.2.3.3";

/// A DICOM conversation.
#[derive(Debug, Default)]
pub struct Dicom {
    halves: [Half; 2],
    encodings: Encodings,
    /// `CALLING to CALLED` of the A-ASSOCIATE-RQ, which alone is sure of the titles: receivers of the answer shall not
    /// test them (PS3.8 §9.3.3), and some senders fill them wrongly.
    titles: Option<String>,
    events: u32,
    events_minute: u64,
}

/// What one side is in the middle of.
#[derive(Debug, Default)]
struct Half {
    /// Bytes of the running P-DATA-TF still to come.
    pdu_rest: usize,
    /// Bytes taken and not yet counted under a verb.
    bytes: usize,
    /// Fragments of the running command so far.
    command: Vec<u8>,
    /// The running command is larger than is read.
    is_oversize: bool,
    /// The last command, whose data set is running or may follow.
    running: Option<CommandField>,
    /// The head of its data set is still to be looked at.
    head_is_due: bool,
    clear_text_said_s: Option<u64>,
    phi_said_s: Option<u64>,
    /// The SOP class last stated of instances sent.
    sop_class: Vec<u8>,
    sop_class_said_s: u64,
}

/// How data sets are encoded by presentation context: identifiers are odd, so 128 bits name them all.
#[derive(Debug, Default)]
struct Encodings {
    implicit: u128,
    explicit: u128,
    unreadable: u128,
}

impl Encodings {
    fn learn(&mut self, context: u8, encoding: Option<Encoding>) {
        let bit = 1_u128 << (context >> 1);
        for (set, this) in [
            (&mut self.implicit, Encoding::Implicit),
            (&mut self.explicit, Encoding::Explicit),
            (&mut self.unreadable, Encoding::Unreadable),
        ] {
            if encoding == Some(this) {
                *set |= bit;
            } else {
                *set &= !bit;
            }
        }
    }

    const fn of(&self, context: u8) -> Option<Encoding> {
        let bit = 1_u128 << (context >> 1);
        if self.implicit & bit != 0 {
            Some(Encoding::Implicit)
        } else if self.explicit & bit != 0 {
            Some(Encoding::Explicit)
        } else if self.unreadable & bit != 0 {
            Some(Encoding::Unreadable)
        } else {
            None
        }
    }
}

impl Stream for Dicom {
    fn take(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step {
        let mut taken = 0;
        let stopped = loop {
            let rest = input.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                break None;
            }
            let done = if self.half(side).pdu_rest > 0 {
                self.value(cx, side, rest)
            } else {
                self.pdu(cx, side, rest)
            };
            match done {
                Ok(Framed::Whole { length, .. }) => taken += length,
                Ok(Framed::Partial { need }) => break Some(Step::Need(need)),
                Err(error) => break Some(Step::Broken(reason(error))),
            }
        };
        if taken > 0 {
            self.say_clear_text(cx, side);
            return Step::Took(taken);
        }
        let step = stopped.unwrap_or(Step::Need(1));
        if let Step::Broken(_) = step {
            self.gap(side);
        }
        step
    }

    fn gap(&mut self, side: Side) {
        let half = self.half(side);
        half.pdu_rest = 0;
        half.bytes = 0;
        half.command.clear();
        half.is_oversize = false;
        half.running = None;
        half.head_is_due = false;
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        begins_pdus(head)
    }
}

const fn reason(error: Error) -> UnparsedReason {
    match error {
        Error::Limit { .. } => UnparsedReason::Limit,
        _ => UnparsedReason::BadMessage,
    }
}

impl Dicom {
    fn half(&mut self, side: Side) -> &mut Half {
        let [client, server] = &mut self.halves;
        if side == Side::Client { client } else { server }
    }

    /// Deals with the PDU at the front of `rest`.
    fn pdu(&mut self, cx: &mut Context<'_>, side: Side, rest: &[u8]) -> Result<Framed<()>, Error> {
        let (pdu, length) = match parse(rest)? {
            Framed::Whole { message, length } => (message, length),
            Framed::Partial { need } => return Ok(Framed::Partial { need }),
        };
        let verb = match pdu {
            Pdu::PDataTf(values) => {
                let half = self.half(side);
                half.pdu_rest = values;
                half.bytes += length;
                return Ok(Framed::Whole { message: (), length });
            }
            Pdu::AssociateRq(associate) => {
                self.proposal(cx, &associate);
                "A-ASSOCIATE-RQ"
            }
            Pdu::AssociateAc(associate) => {
                self.acceptance(cx, &associate);
                "A-ASSOCIATE-AC"
            }
            Pdu::AssociateRj(rejection) => {
                self.event(cx, EventKind::Association, rejection_text(rejection));
                "A-ASSOCIATE-RJ"
            }
            Pdu::ReleaseRq => "A-RELEASE-RQ",
            Pdu::ReleaseRp => "A-RELEASE-RP",
            Pdu::Abort { source, .. } => {
                let by = if source == 0 { "aborted by service user" } else { "aborted by service provider" };
                self.event(cx, EventKind::Association, by);
                "A-ABORT"
            }
        };
        cx.verb(verb, length);
        Ok(Framed::Whole { message: (), length })
    }

    fn proposal(&mut self, cx: &mut Context<'_>, associate: &Associate<'_>) {
        let (calling, called) = (associate.calling, associate.called);
        let titles = format!("{} to {}", String::from_utf8_lossy(calling), String::from_utf8_lossy(called));
        self.titles = Some(titles);
        self.encodings = Encodings::default();
        cx.fact(Attribute::AeTitle, calling);
        cx.receiver_fact(Attribute::AeTitle, called);
        self.user_information(cx, associate);
        let mut last: &[u8] = &[];
        let mut stated = 0;
        for context in associate.presentation_contexts() {
            if stated == SOP_CLASSES_MAX {
                break;
            }
            if context.abstract_syntax != last {
                last = context.abstract_syntax;
                stated += 1;
                say_sop_class(cx, last);
            }
        }
    }

    fn acceptance(&mut self, cx: &mut Context<'_>, associate: &Associate<'_>) {
        for context in associate.presentation_contexts().filter(|context| context.result == 0) {
            self.encodings.learn(context.id, Encoding::of(context.transfer_syntax));
        }
        if self.titles.is_none() {
            cx.fact(Attribute::AeTitle, associate.called);
            cx.receiver_fact(Attribute::AeTitle, associate.calling);
        }
        cx.fact(Attribute::ServiceType, "dicom scp");
        self.user_information(cx, associate);
        let titles = self.titles.as_deref().unwrap_or("an association whose request was not seen");
        let accepted = format!("accepted {titles}");
        self.event(cx, EventKind::Association, &accepted);
    }

    fn user_information(&mut self, cx: &mut Context<'_>, associate: &Associate<'_>) {
        let user = associate.user_information();
        cx.fact(Attribute::ImplementationClassUid, user.implementation_class_uid);
        cx.fact(Attribute::ImplementationVersionName, user.implementation_version_name);
        let login = match user.user_identity {
            None => return,
            Some(1) => "dicom user name",
            Some(2) => "dicom user name and passcode",
            Some(3) => "dicom kerberos ticket",
            Some(4) => "dicom saml assertion",
            Some(5) => "dicom json web token",
            Some(_) => "dicom user identity of unknown type",
        };
        if user.user_identity == Some(2) {
            cx.fact(Attribute::BasicAuth, "dicom user identity");
        }
        self.event(cx, EventKind::Login, login);
    }

    /// Deals with the presentation data value at the front of `rest`.
    fn value(&mut self, cx: &mut Context<'_>, side: Side, rest: &[u8]) -> Result<Framed<()>, Error> {
        let (value, length) = match pdv(rest, self.half(side).pdu_rest)? {
            Framed::Whole { message, length } => (message, length),
            Framed::Partial { need } => return Ok(Framed::Partial { need }),
        };
        let encoding = self.encodings.of(value.context);
        let half = self.half(side);
        let wanted = half.wanted_bytes(&value);
        if value.fragment.len() < wanted {
            return Ok(Framed::Partial { need: length - value.fragment_bytes + wanted });
        }
        // A value ends where its PDU does, or before the next one.
        half.pdu_rest = half.pdu_rest.saturating_sub(length);
        half.bytes += length;
        if !value.is_command {
            half.data(cx, &value, encoding);
        } else if half.command.is_empty() && value.is_last && !half.is_oversize {
            self.command(cx, side, value.fragment);
        } else {
            self.command_fragment(cx, side, &value);
        }
        Ok(Framed::Whole { message: (), length })
    }

    /// Keeps a fragment of a command until its last one is there.
    fn command_fragment(&mut self, cx: &mut Context<'_>, side: Side, value: &Pdv<'_>) {
        let half = self.half(side);
        half.is_oversize |= half.command.len() + value.fragment_bytes > COMMAND_BYTES_MAX;
        if !half.is_oversize {
            half.command.extend_from_slice(value.fragment);
        }
        if value.is_last {
            let whole = std::mem::take(&mut half.command);
            half.is_oversize = false;
            self.command(cx, side, &whole);
        }
    }

    /// Counts a whole command and says what it tells; one that cannot be read is counted apart.
    fn command(&mut self, cx: &mut Context<'_>, side: Side, bytes: &[u8]) {
        let half = self.half(side);
        let counted = std::mem::take(&mut half.bytes);
        let Ok(command) = command(bytes) else {
            half.running = None;
            cx.verb("OTHER", counted);
            return cx.unparsed(UnparsedReason::BadMessage);
        };
        half.running = Some(command.field);
        half.head_is_due = command.has_data_set;
        cx.verb(command.field.verb(), counted);
        match command.field {
            CommandField::C_STORE_RQ => half.say_stored(cx, command.sop_class),
            CommandField::C_MOVE_RQ => {
                let to = format!("C-MOVE to AE {}", String::from_utf8_lossy(command.move_destination));
                self.event(cx, EventKind::Exam, &to);
            }
            CommandField::C_GET_RQ => self.event(cx, EventKind::Exam, "C-GET"),
            CommandField::N_CREATE_RQ if command.sop_class == MPPS => {
                self.event(cx, EventKind::Exam, "MPPS N-CREATE");
            }
            CommandField::N_SET_RQ if command.sop_class == MPPS => {
                self.event(cx, EventKind::Exam, "MPPS N-SET");
            }
            _ if command.has_failed() => self.failure(cx, &command),
            _ => {}
        }
    }

    fn failure(&mut self, cx: &mut Context<'_>, command: &Command<'_>) {
        let text = format!("{} {:#06x}", command.field.verb(), command.status);
        self.event(cx, EventKind::ErrorReply, &text);
    }

    fn event(&mut self, cx: &mut Context<'_>, kind: EventKind, detail: &str) {
        let minute = cx.now.as_secs() / 60;
        if self.events_minute != minute {
            (self.events_minute, self.events) = (minute, 0);
        }
        if self.events < EVENTS_PER_MINUTE_MAX {
            self.events += 1;
            cx.event(kind, detail);
        }
    }

    fn say_clear_text(&mut self, cx: &mut Context<'_>, side: Side) {
        let now_s = cx.now.as_secs();
        let said_s = &mut self.half(side).clear_text_said_s;
        if said_s.is_none_or(|said_s| now_s.abs_diff(said_s) >= REPEAT_S) {
            *said_s = Some(now_s);
            cx.fact(Attribute::ClearText, "dicom");
        }
    }
}

impl Half {
    /// Bytes of a fragment that must be at hand before it can be dealt with; the rest is passed over unseen.
    fn wanted_bytes(&self, value: &Pdv<'_>) -> usize {
        if value.is_command {
            if value.fragment_bytes > COMMAND_BYTES_MAX { 0 } else { value.fragment_bytes }
        } else if self.head_is_due {
            value.fragment_bytes.min(DATA_SET_HEAD_BYTES_MAX)
        } else {
            0
        }
    }

    /// Counts a fragment of a data set with the command it belongs to, and looks at its head if it is the first.
    fn data(&mut self, cx: &mut Context<'_>, value: &Pdv<'_>, encoding: Option<Encoding>) {
        let counted = std::mem::take(&mut self.bytes);
        match self.running {
            Some(field) => cx.more_of_verb(field.verb(), counted),
            None => cx.verb("P-DATA-TF", counted),
        }
        if !std::mem::take(&mut self.head_is_due) {
            return;
        }
        let head = value.fragment.get(..DATA_SET_HEAD_BYTES_MAX).unwrap_or(value.fragment);
        let head = data_set_head(head, encoding);
        if self.running == Some(CommandField::C_STORE_RQ) {
            cx.fact(Attribute::DeviceType, head.modality);
            cx.fact(Attribute::Manufacturer, head.manufacturer);
            cx.fact(Attribute::StationName, head.station_name);
            cx.fact(Attribute::Model, head.model);
            cx.fact(Attribute::SerialNumber, head.serial_number);
            cx.fact(Attribute::Udi, head.udi);
            cx.fact(Attribute::SoftwareVersion, head.software_versions);
        }
        let now_s = cx.now.as_secs();
        if head.has_patient && self.phi_said_s.is_none_or(|said_s| now_s.abs_diff(said_s) >= REPEAT_S) {
            self.phi_said_s = Some(now_s);
            cx.fact(Attribute::PhiInClear, "dicom group 0010");
        }
    }

    /// States the class of instances that are really sent, once for a run of them.
    fn say_stored(&mut self, cx: &mut Context<'_>, sop_class: &[u8]) {
        let now_s = cx.now.as_secs();
        if self.sop_class != sop_class || now_s.abs_diff(self.sop_class_said_s) >= REPEAT_S {
            self.sop_class.clear();
            self.sop_class.extend(sop_class.iter().take(UID_BYTES_MAX));
            self.sop_class_said_s = now_s;
            say_sop_class(cx, sop_class);
        }
    }
}

/// A UID is digits and dots; what is not one is not stated.
fn say_sop_class(cx: &mut Context<'_>, uid: &[u8]) {
    let is_uid = uid.len() <= UID_BYTES_MAX && uid.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    match (sop_class_name(uid), std::str::from_utf8(uid)) {
        (Some(name), Ok(uid)) => cx.fact(Attribute::SopClass, format!("{uid} ({name})")),
        (None, Ok(uid)) if is_uid => cx.fact(Attribute::SopClass, uid),
        _ => {}
    }
}

/// PS3.8 table 9-21.
const fn rejection_text(rejection: Rejection) -> &'static str {
    match (rejection.source, rejection.reason) {
        (1, 2) => "rejected: application context name not supported",
        (1, 3) => "rejected: calling ae title not recognized",
        (1, 7) => "rejected: called ae title not recognized",
        (1, _) => "rejected by service user",
        (2, 2) => "rejected: protocol version not supported",
        (3, 1) => "rejected: temporary congestion",
        (3, 2) => "rejected: local limit exceeded",
        _ => "rejected by service provider",
    }
}

#[cfg(test)]
mod tests;
