//! One segment → [`Content`]: what may be told of it, and nothing else.

use super::{
    Acknowledgement, Content, Header, HeaderKind, MessageType, Participation, PhiFields, Separators, Software,
};
use model::Phi;
use std::fmt;

/// One segment. Its text has no accessor: most segments are patient data.
#[derive(Clone, Copy)]
pub struct Segment<'a>(&'a [u8]);

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({} bytes)", self.0.len())
    }
}

impl<'a> Segment<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// What it tells, read with the delimiters that its message declared.
    #[inline]
    pub fn content(self, separators: &Separators) -> Content<'a> {
        let Some((name, rest)) = self.0.split_first_chunk::<3>() else { return Content::Other };
        if rest.first() != Some(&separators.field) && !matches!(name, b"MSH" | b"BHS" | b"FHS") {
            return Content::Other;
        }
        match name {
            b"OBX" => Content::Observation(self.observation(separators)),
            b"MSH" => self.header(HeaderKind::Message),
            b"BHS" => self.header(HeaderKind::Batch),
            b"FHS" => self.header(HeaderKind::File),
            b"MSA" => Content::Acknowledgement(acknowledgement(self.field(separators, 1))),
            b"SFT" => Content::Software(self.software(separators)),
            b"PRT" => Content::Participation(self.participation(separators)),
            b"PID" | b"PV1" | b"NK1" | b"IN1" | b"GT1" | b"MRG" | [b'Z', ..] => {
                Content::Personal(self.phi_fields(*name, separators))
            }
            _ => Content::Other,
        }
    }

    /// Whether it is an MSH, BHS or FHS that declares delimiters.
    pub fn is_header(self) -> bool {
        matches!(self.content(&Separators::default()), Content::Header(_))
    }

    fn fields(self, separators: &Separators) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let field = separators.field;
        self.0.split(move |&b| b == field)
    }

    fn field(self, separators: &Separators, n: usize) -> &'a [u8] {
        self.fields(separators).nth(n).unwrap_or_default()
    }

    /// OBX-18. Few senders fill it, so that counting separators first saves walking most observations. Some put it one
    /// field early: an EUI-64 in OBX-17 (observation method) can be nothing else.
    fn observation(self, separators: &Separators) -> &'a [u8] {
        const METHOD: usize = 17;
        let count =
            |part: &[u8]| part.iter().fold(0_u8, |n, b| n.wrapping_add(u8::from(*b == separators.field)));
        let separators_in_all: usize = self.0.chunks(255).map(|part| usize::from(count(part))).sum();
        if separators_in_all < METHOD {
            return &[];
        }
        let mut fields = self.fields(separators).skip(METHOD);
        let (method, equipment) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        if equipment.is_empty() && separators.component(method, 3) == b"EUI-64" { method } else { equipment }
    }

    fn software(self, separators: &Separators) -> Software<'a> {
        let mut fields = self.fields(separators).skip(1);
        let mut next = || fields.next().unwrap_or_default();
        let (vendor, version, product) = (next(), next(), next());
        Software { vendor: separators.component(vendor, 0), version, product }
    }

    fn participation(self, separators: &Separators) -> Participation<'a> {
        let mut read =
            Participation { device: &[], device_identifier: &[], serial_number: &[], device_type: &[] };
        for (n, field) in self.fields(separators).take(23).enumerate() {
            match n {
                10 => read.device = field,
                16 => read.device_identifier = field,
                20 => read.serial_number = field,
                22 => read.device_type = field,
                _ => {}
            }
        }
        read
    }

    fn phi_fields(self, name: [u8; 3], separators: &Separators) -> PhiFields {
        let named =
            |segment: &[u8; 3]| *segment == name || (segment == b"Z.." && name.first() == Some(&b'Z'));
        let mut fields = self.fields(separators).enumerate();
        let mut present = 0;
        for (bit, (_, place, _)) in PhiFields::ALL.iter().enumerate().filter(|(_, (s, _, _))| named(s)) {
            let filled = |field: &[u8]| !field.is_empty() && Phi::new(field).present();
            let found = match place {
                // Any field but the segment's name and its set ID.
                0 => fields.by_ref().skip(2).any(|(_, field)| filled(field)),
                _ => fields.by_ref().find(|(n, _)| n == place).is_some_and(|(_, field)| filled(field)),
            };
            present |= u16::from(found) << bit;
        }
        PhiFields(present)
    }

    /// MSH-1 is the separator itself, so that MSH-n stands at place n - 1.
    fn header(self, kind: HeaderKind) -> Content<'a> {
        let Some(separators) = declared(self.0) else { return Content::Other };
        let mut fields = self.fields(&separators).skip(2);
        let mut next = || fields.next().unwrap_or_default();
        let parties = [next(), next(), next(), next()];
        let mut header = Header {
            kind,
            separators,
            parties,
            message_type: MessageType::default(),
            processing: &[],
            version: &[],
        };
        if kind == HeaderKind::Message {
            let mut later = fields.skip(2);
            let kind = later.next().unwrap_or_default();
            header.message_type =
                MessageType::new(separators.component(kind, 0), separators.component(kind, 1));
            let processing = separators.component(later.nth(1).unwrap_or_default(), 0);
            let version = separators.component(later.next().unwrap_or_default(), 0);
            header.processing = if matches!(processing, b"P" | b"T" | b"D") { processing } else { &[] };
            header.version = if is_version(version) { version } else { &[] };
        }
        Content::Header(header)
    }
}

/// The delimiters in `MSH|^~\&`. Missing encoding characters are the recommended ones (§2.5.4).
fn declared(segment: &[u8]) -> Option<Separators> {
    let mut rest = segment.iter().skip(3).copied();
    let field = rest.next().filter(u8::is_ascii_punctuation)?;
    let mut encoding = rest.take_while(|b| *b != field);
    let usual = Separators::default();
    let mut next = |default| encoding.next().filter(u8::is_ascii_punctuation).unwrap_or(default);
    Some(Separators {
        field,
        component: next(usual.component),
        repetition: next(usual.repetition),
        escape: next(usual.escape),
        subcomponent: next(usual.subcomponent),
    })
}

/// Table 0104: `2.1`, `2.3.1`, `2.5`, `2.9`.
fn is_version(version: &[u8]) -> bool {
    version.len() <= 8
        && version.first() == Some(&b'2')
        && version.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

fn acknowledgement(code: &[u8]) -> Acknowledgement {
    match code {
        b"AA" | b"CA" => Acknowledgement::Accepted,
        b"AE" => Acknowledgement::Refused("AE"),
        b"AR" => Acknowledgement::Refused("AR"),
        b"CE" => Acknowledgement::Refused("CE"),
        b"CR" => Acknowledgement::Refused("CR"),
        _ => Acknowledgement::Other,
    }
}
