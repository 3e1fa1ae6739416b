use super::*;
use crate::{Error, Framed, Probe};

/// Synthetic, after IHE PCD-01 (DEC): a monitor's report with equipment identifiers in OBX-18 and PRT.
const ORU: &[u8] = b"\x0bMSH|^~\\&|PHILIPS^0012BFFFFE000001^EUI-64|ICU3|EHR|HOSP|20261121101500||ORU^R01^ORU_R01|MSG00001|P|2.6\r\
SFT|Philips Medical^L|C.03|PIC iX|123\r\
PID|1||MRN000123^^^HOSP^MR||DOE^JANE||19700101|F\r\
PV1|1|I|ICU3^BED7^1\r\
OBX|1|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.1.1.150456|97|262688^MDC_DIM_PERCENT^MDC|90-100||||R|||20261121101500||||PUMP7^^0012BFFFFE000007^EUI-64\r\
PRT|1|UC||EQUIP||||||(01)00643169007222(21)SN42^FDA^2.16.840.1.113883.3.3719^ISO||||||00643169007222||||SN42||pump\r\
\x1c\r";
const ACK: &[u8] =
    b"\x0bMSH|^~\\&|EHR|HOSP|PHILIPS|ICU3|20261121192543||ACK^R01^ACK|6325|P|2.6\rMSA|AA|MSG00001\r\x1c\r";

/// The pieces of `stream`, and what is left.
fn pieces(mut stream: &[u8]) -> (Vec<Piece<'_>>, &[u8]) {
    let mut pieces = Vec::new();
    while let Ok(Framed::Whole { message, length }) = parse(stream) {
        pieces.push(message);
        stream = &stream[length..];
    }
    (pieces, stream)
}

fn segments(stream: &[u8]) -> Vec<Segment<'_>> {
    let segment = |piece| if let Piece::Segment(segment) = piece { Some(segment) } else { None };
    pieces(stream).0.into_iter().filter_map(segment).collect()
}

fn header(segment: &[u8]) -> Header<'_> {
    match Segment::new(segment).content(&Separators::default()) {
        Content::Header(header) => header,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_a_device_report() {
    let segments = segments(ORU);
    assert_eq!(segments.len(), 6);
    let separators = Separators::default();
    let Content::Header(header) = segments[0].content(&separators) else { panic!() };
    assert_eq!(header.parties, [&b"PHILIPS^0012BFFFFE000001^EUI-64"[..], b"ICU3", b"EHR", b"HOSP"]);
    assert_eq!(header.message_type.as_str(), "ORU^R01");
    assert_eq!((header.processing, header.version), (&b"P"[..], &b"2.6"[..]));
    let Content::Software(software) = segments[1].content(&separators) else { panic!() };
    assert_eq!(software, Software { vendor: b"Philips Medical", version: b"C.03", product: b"PIC iX" });
    let Content::Personal(fields) = segments[2].content(&separators) else { panic!() };
    assert_eq!(fields.names().collect::<Vec<_>>(), ["PID-3", "PID-5", "PID-7"]);
    let Content::Observation(equipment) = segments[4].content(&separators) else { panic!() };
    assert_eq!(equipment, b"PUMP7^^0012BFFFFE000007^EUI-64");
    let Content::Participation(participation) = segments[5].content(&separators) else { panic!() };
    assert_eq!(participation.device, b"(01)00643169007222(21)SN42^FDA^2.16.840.1.113883.3.3719^ISO");
    assert_eq!(participation.device_identifier, b"00643169007222");
    assert_eq!((participation.serial_number, participation.device_type), (&b"SN42"[..], &b"pump"[..]));
}

#[test]
fn every_prefix_of_a_piece_asks_for_more_or_is_the_same_piece() {
    let (_, rest) = pieces(ORU);
    assert!(rest.is_empty());
    for cut in 0..ORU.len() {
        let (pieces, rest) = pieces(&ORU[..cut]);
        let segments = pieces.iter().filter(|piece| matches!(piece, Piece::Segment(_))).count();
        assert_eq!(segments, ORU[..cut].iter().filter(|b| **b == b'\r').count().min(6), "{cut}");
        assert_eq!(
            parse(rest).ok().map(|framed| matches!(framed, Framed::Partial { need } if need > rest.len())),
            Some(true)
        );
    }
}

#[test]
fn segment_ends_may_be_cr_lf_crlf_or_the_end_of_the_block() {
    for end in ["\r", "\n", "\r\n"] {
        let text = format!("\x0bMSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.3{end}EVN|A01\x1c\r");
        let (pieces, rest) = pieces(text.as_bytes());
        assert!(rest.is_empty());
        assert!(
            matches!(pieces[..], [Piece::Start, Piece::Segment(_), Piece::Segment(_), Piece::End]),
            "{end:?} gave {pieces:?}"
        );
    }
    assert!(matches!(pieces(b"\x1c").0[..], [Piece::End]));
    assert!(matches!(pieces(b"\r\n\r\n").0[..], [Piece::Blank]));
    assert!(matches!(pieces(b"\x0b\x06\x1c\r").0[..], [Piece::Start, Piece::Commit(true), Piece::End]));
    assert!(matches!(pieces(b"\x0b\x15\x1c\r").0[..], [Piece::Start, Piece::Commit(false), Piece::End]));
}

#[test]
fn a_byte_order_mark_in_front_is_passed_over() {
    let marked = b"\x0b\xef\xbb\xbfMSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.3\r";
    assert_eq!(probe(marked), Probe::Certain);
    assert!(segments(marked)[0].is_header());
}

#[test]
fn message_types_are_verbs_only_when_they_are_codes() {
    let verb = |msh_9: &str| {
        let msh = format!("MSH|^~\\&|||||||{msh_9}|1|P|2.5");
        header(msh.as_bytes()).message_type.as_str().to_owned()
    };
    assert_eq!(verb("ADT^A01^ADT_A01"), "ADT^A01");
    assert_eq!(verb("ACK"), "ACK");
    assert_eq!(verb("PPR^PC1"), "PPR^PC1");
    assert_eq!(verb("ZAB^Z01"), "ZAB^Z01");
    assert_eq!(verb("ORU^JANE DOE"), "ORU");
    for foreign in ["", "JANE DOE", "DOE^JANE", "oru^r01", "ORUX^R01"] {
        assert!(matches!(verb(foreign).as_str(), "OTHER" | "DOE^JANE"), "{foreign}");
    }
}

#[test]
fn delimiters_are_those_declared() {
    let header = header(b"MSH$%~\\&$LAB%1.2.3%ISO$F$$$20261121$$ORU%R01$7$T%I$2.4%USA");
    assert_eq!(header.separators.field, b'$');
    assert_eq!(header.separators.component, b'%');
    assert_eq!(header.separators.designation(header.parties[0]), b"LAB");
    assert_eq!(header.message_type.as_str(), "ORU^R01");
    assert_eq!((header.processing, header.version), (&b"T"[..], &b"2.4"[..]));
    let obx = Segment::new(b"OBX$1$$$$$$$$$$$$$$$$$EQ1%%0012%EUI-64~EQ2");
    let Content::Observation(equipment) = obx.content(&header.separators) else { panic!() };
    let ids: Vec<_> = header.separators.repetitions(equipment).collect();
    assert_eq!(ids, [&b"EQ1%%0012%EUI-64"[..], b"EQ2"]);
    assert!(matches!(obx.content(&Separators::default()), Content::Other));
}

#[test]
fn fields_out_of_place_are_not_taken_for_what_they_are_not() {
    let shifted = header(b"MSH|^~\\&|A|B|C|D|20261121||ORU^R01|1|DOE^JANE|19700101");
    assert_eq!((shifted.processing, shifted.version), (&b""[..], &b""[..]));
    assert_eq!(header(b"MSH|^~\\&").parties, [b""; 4]);
    assert!(!Segment::new(b"MSHx^~\\&x").is_header());
    assert!(!Segment::new(b"MS").is_header());
}

#[test]
fn an_eui_64_one_field_early_is_equipment_and_a_method_is_not() {
    let equipment = |text: &'static [u8]| match Segment::new(text).content(&Separators::default()) {
        Content::Observation(equipment) => equipment,
        other => panic!("{other:?}"),
    };
    let early = b"OBX|1|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.1.1.150456|97|262688^MDC_DIM_PERCENT^MDC|90-100||||R|||20261121101500|||PUMP7^^0012BFFFFE000007^EUI-64";
    assert_eq!(equipment(early), b"PUMP7^^0012BFFFFE000007^EUI-64");
    assert_eq!(equipment(b"OBX|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17^^method^L"), b"");
    assert_eq!(equipment(b"OBX|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17^^x^EUI-64|18"), b"18");
}

#[test]
fn escapes_are_undone_and_bounded() {
    let separators = Separators::default();
    let mut room = [0; 8];
    assert_eq!(separators.unescape(b"A&B", &mut room), b"A&B");
    assert_eq!(separators.unescape(b"A\\T\\B\\E\\\\H\\C", &mut room), b"A&B\\C");
    assert_eq!(separators.unescape(b"0123456789\\S\\", &mut room), b"01234567");
    assert_eq!(separators.unescape(b"A\\", &mut room), b"A");
}

#[test]
fn acknowledgements_are_read_by_code() {
    let code = |text: &'static [u8]| match Segment::new(text).content(&Separators::default()) {
        Content::Acknowledgement(code) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(b"MSA|AA|1"), Acknowledgement::Accepted);
    assert_eq!(code(b"MSA|CA"), Acknowledgement::Accepted);
    assert_eq!(code(b"MSA|AE|1|no such patient DOE"), Acknowledgement::Refused("AE"));
    assert_eq!(code(b"MSA|CR|1"), Acknowledgement::Refused("CR"));
    assert_eq!(code(b"MSA|DOE|1"), Acknowledgement::Other);
}

#[test]
fn patient_fields_are_told_by_presence_only() {
    let names = |text: &'static [u8]| match Segment::new(text).content(&Separators::default()) {
        Content::Personal(fields) => fields.names().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let full = names(b"PID|1|a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s");
    assert_eq!(full, ["PID-3", "PID-4", "PID-5", "PID-7", "PID-11", "PID-13", "PID-18", "PID-19"]);
    assert_eq!(names(b"PID|1||\"\"||^|"), [""; 0]);
    assert_eq!(names(b"PV1|1|I|ICU^1^2||||DOC||||||||||||V1"), ["PV1-7", "PV1-19"]);
    assert_eq!(names(b"NK1|1|DOE^JOHN"), ["NK1-2"]);
    assert_eq!(names(b"IN1|1||||||x"), ["IN1"]);
    assert_eq!(names(b"GT1|1||DOE"), ["GT1-3"]);
    assert_eq!(names(b"MRG|123"), ["MRG-1"]);
    assert_eq!(names(b"ZPI|1|x"), ["Z.."]);
    assert_eq!(names(b"ZPI|"), [""; 0]);
}

#[test]
fn debug_text_has_no_patient_in_it() {
    let text = format!("{:?}", pieces(ORU).0);
    assert!(!text.contains("DOE") && !text.contains("MRN") && text.contains("Segment("), "{text}");
}

#[test]
fn a_long_segment_is_passed_over_whether_its_end_is_there_or_not() {
    let mut long = b"OBX|1|ED|||".to_vec();
    long.resize(SEGMENT_BYTES_MAX - 1, b'A');
    assert_eq!(need(&long), Some(SEGMENT_BYTES_MAX));
    long.resize(SEGMENT_BYTES_MAX + 1, b'A');
    assert!(matches!(
        parse(&long),
        Ok(Framed::Whole { message: Piece::LongSegment { ended: false }, length }) if length == long.len()
    ));
    long.extend_from_slice(b"\rOBX|2");
    assert!(matches!(
        parse(&long),
        Ok(Framed::Whole { message: Piece::LongSegment { ended: true }, length }) if length == long.len() - 5
    ));
}

fn need(stream: &[u8]) -> Option<usize> {
    match parse(stream) {
        Ok(Framed::Partial { need }) => Some(need),
        _ => None,
    }
}

#[test]
fn a_segment_end_is_found_at_every_offset() {
    for at in 0..100 {
        let mut text = vec![b'x'; 100];
        text[at] = b'\r';
        text.iter_mut().take(at).step_by(7).for_each(|b| *b = b'\t');
        assert_eq!(segment_end(&text), Some(at));
    }
    assert_eq!(segment_end(&[b'x'; 100]), None);
}

#[test]
fn probes_by_content() {
    assert_eq!(probe(ORU), Probe::Certain);
    assert_eq!(probe(ACK), Probe::Certain);
    assert_eq!(probe(&ACK[1..]), Probe::Certain);
    assert_eq!(probe(b"\x0bMSH|^~\\&|"), Probe::Certain);
    assert_eq!(probe(b"\x0bMSH|^~\\&#|"), Probe::Certain);
    assert_eq!(probe(b"FHS|^~\\&|LAB\rBHS|^~\\&|LAB\r"), Probe::Certain);
    for cut in 0..9 {
        assert_eq!(probe(&ACK[..cut]), Probe::Unsure, "{cut}");
    }
    assert_eq!(probe(b"MSH|^~\\&|A|B"), Probe::Unsure);
    let foreign: [&[u8]; 9] = [
        b"MSHA|^~\\&|",
        b"MSH,a,b,c,d",
        b"MSH|name|value|\n",
        b"H|\\^&|||",
        b"GET / HTTP/1.1\r\n",
        b"\x0b\x0b\x0b\x0b",
        b"\x0b\x06\x1c\r",
        b"MS-DOS",
        b"\x10\x2d\0\x04MQTT",
    ];
    for bytes in foreign {
        assert_eq!(probe(bytes), Probe::NotForUs, "{bytes:?}");
    }
}

#[test]
fn no_bytes_make_it_panic_or_stand_still() {
    assert_eq!(parse(&[0; 4]).err(), Some(Error::Malformed { what: "segment name", at: 0 }));
    for fill in 0..=255_u8 {
        let bytes = [fill; 300];
        let _ = probe(&bytes);
        if let Ok(Framed::Whole { length, .. }) = parse(&bytes) {
            assert!(length > 0);
        }
        for name in [b"MSH", b"PID", b"OBX", b"PRT", b"SFT", b"MSA", b"ZZZ"] {
            let mut segment = name.to_vec();
            segment.extend_from_slice(&bytes);
            let separators = Separators { field: fill, ..Separators::default() };
            let _ = Segment::new(&segment).content(&separators);
        }
    }
}
