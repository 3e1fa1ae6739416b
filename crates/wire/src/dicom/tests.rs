use super::*;
use crate::{Error, Framed, Probe};

/// Self-made with DCMTK 3.6.7: echoscu -aet USCART07 -aec PACS.
fn associate_rq() -> Vec<u8> {
    let mut pdu = b"\x01\0\0\0\0\xcd\0\x01\0\0PACS            USCART07        ".to_vec();
    pdu.extend_from_slice(&[0; 32]);
    pdu.extend_from_slice(b"\x10\0\0\x151.2.840.10008.3.1.1.1");
    pdu.extend_from_slice(
        b"\x20\0\0\x2e\x01\0\xff\0\x30\0\0\x111.2.840.10008.1.1\x40\0\0\x111.2.840.10008.1.2",
    );
    pdu.extend_from_slice(b"\x50\0\0\x3a\x51\0\0\x04\0\0\x40\0\x52\0\0\x1b1.2.276.0.7230010.3.0.3.6.7");
    pdu.extend_from_slice(b"\x55\0\0\x0fOFFIS_DCMTK_367");
    pdu
}

/// The same capture: C-ECHO-RQ and C-ECHO-RSP.
const ECHO_RQ: &[u8] = b"\x04\0\0\0\0\x4a\0\0\0\x46\x01\x03\
\0\0\0\0\x04\0\0\0\x38\0\0\0\0\0\x02\0\x12\0\0\x001.2.840.10008.1.1\0\
\0\0\0\x01\x02\0\0\0\x30\0\0\0\x10\x01\x02\0\0\0\x01\0\0\0\0\x08\x02\0\0\0\x01\x01";
const ECHO_RSP: &[u8] = b"\x04\0\0\0\0\x54\0\0\0\x50\x01\x03\
\0\0\0\0\x04\0\0\0\x42\0\0\0\0\0\x02\0\x12\0\0\x001.2.840.10008.1.1\0\
\0\0\0\x01\x02\0\0\0\x30\x80\0\0\x20\x01\x02\0\0\0\x01\0\0\0\0\x08\x02\0\0\0\x01\x01\0\0\0\x09\x02\0\0\0\0\0";

fn whole(bytes: &[u8]) -> Pdu<'_> {
    match parse(bytes) {
        Ok(Framed::Whole { message, length }) => {
            assert_eq!(length, bytes.len());
            message
        }
        other => panic!("{other:?}"),
    }
}

fn value(pdu: &[u8]) -> Pdv<'_> {
    let Ok(Framed::Whole { message: Pdu::PDataTf(rest), length: 6 }) = parse(pdu) else { panic!() };
    match pdv(&pdu[6..], rest) {
        Ok(Framed::Whole { message, length }) => {
            assert_eq!(length, rest);
            message
        }
        other => panic!("{other:?}"),
    }
}

/// An element of implicit VR little-endian.
fn implicit(group: u16, element: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(value);
    bytes
}

/// An element of explicit VR little-endian.
fn explicit(group: u16, element: u16, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes(), *vr].concat();
    if matches!(vr, b"SQ" | b"UT" | b"OB" | b"UN") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    } else {
        bytes.extend_from_slice(&(value.len() as u16).to_le_bytes());
    }
    bytes.extend_from_slice(value);
    bytes
}

#[test]
fn reads_a_proposal() {
    let pdu = associate_rq();
    let Pdu::AssociateRq(associate) = whole(&pdu) else { panic!() };
    assert_eq!((associate.called, associate.calling), (&b"PACS"[..], &b"USCART07"[..]));
    let contexts: Vec<_> = associate.presentation_contexts().collect();
    assert_eq!(
        contexts,
        [PresentationContext {
            id: 1,
            result: 0xff,
            abstract_syntax: b"1.2.840.10008.1.1",
            transfer_syntax: b"1.2.840.10008.1.2"
        }]
    );
    assert_eq!(
        associate.user_information(),
        UserInformation {
            implementation_class_uid: b"1.2.276.0.7230010.3.0.3.6.7",
            implementation_version_name: b"OFFIS_DCMTK_367",
            user_identity: None,
        }
    );
}

#[test]
fn reads_commands() {
    let request = command(value(ECHO_RQ).fragment).unwrap();
    assert_eq!((request.field.verb(), request.sop_class), ("C-ECHO-RQ", &b"1.2.840.10008.1.1"[..]));
    assert!(!request.has_data_set && !request.has_failed());
    let response = command(value(ECHO_RSP).fragment).unwrap();
    assert_eq!((response.field.verb(), response.status), ("C-ECHO-RSP", 0));
    assert!(!response.has_failed());
    assert!(value(ECHO_RQ).is_command && value(ECHO_RQ).is_last);
    let mut moved = implicit(0, 0x100, &[0x21, 0]);
    moved.extend(implicit(0, 0x600, b"EVIL_AE "));
    moved.extend(implicit(0, 0x800, &[1, 0]));
    let moved = command(&moved).unwrap();
    assert_eq!((moved.field, moved.move_destination), (CommandField::C_MOVE_RQ, &b"EVIL_AE"[..]));
    assert!(moved.has_data_set);
}

#[test]
fn a_failure_is_told_from_success_pending_and_warning() {
    let failed = |status| Command { field: CommandField(0x8001), status, ..Command::default() }.has_failed();
    for status in [0x0000, 0xff00, 0xff01, 0xfe00, 0xb000, 0xb007, 0x0107] {
        assert!(!failed(status), "{status:#06x}");
    }
    for status in [0x0122, 0xa700, 0xa900, 0xc000, 0x0110] {
        assert!(failed(status), "{status:#06x}");
    }
    assert!(!Command { field: CommandField(1), status: 0xa700, ..Command::default() }.has_failed());
}

#[test]
fn reads_the_short_pdus() {
    assert_eq!(whole(b"\x05\0\0\0\0\x04\0\0\0\0"), Pdu::ReleaseRq);
    assert_eq!(whole(b"\x06\0\0\0\0\x04\0\0\0\0"), Pdu::ReleaseRp);
    assert_eq!(whole(b"\x07\0\0\0\0\x04\0\0\x02\x06"), Pdu::Abort { source: 2, reason: 6 });
    let rejection = Rejection { result: 1, source: 1, reason: 7 };
    assert_eq!(whole(b"\x03\0\0\0\0\x04\0\x01\x01\x07"), Pdu::AssociateRj(rejection));
}

#[test]
fn every_prefix_asks_for_more() {
    let request = associate_rq();
    for pdu in [&request[..], b"\x05\0\0\0\0\x04\0\0\0\0", b"\x07\0\0\0\0\x04\0\0\x02\x06"] {
        for cut in 0..pdu.len() {
            match parse(&pdu[..cut]) {
                Ok(Framed::Partial { need }) => assert!(need > cut && need <= pdu.len(), "{cut}"),
                other => panic!("{cut} bytes gave {other:?}"),
            }
        }
    }
    for cut in 0..6 {
        assert_eq!(parse(&ECHO_RQ[..cut]), Ok(Framed::Partial { need: 6 }));
        assert_eq!(pdv(&ECHO_RQ[6..6 + cut], 74), Ok(Framed::Partial { need: 6 }));
    }
    let set = value(ECHO_RSP).fragment;
    for cut in 0..set.len() - 10 {
        assert!(!command(&set[..cut]).is_ok_and(|command| command.status != 0), "{cut}");
    }
}

#[test]
fn a_value_is_known_by_its_header_and_its_rest_is_skipped() {
    let huge = b"\xff\xff\xff\xf0\x03\x00\x08\0";
    let Ok(Framed::Whole { message, length }) = pdv(huge, 0xffff_fff4) else { panic!() };
    assert_eq!((message.fragment, message.fragment_bytes), (&b"\x08\0"[..], 0xffff_ffee));
    assert_eq!(length, 0xffff_fff4);
    assert!(!message.is_command && !message.is_last);
}

#[test]
fn refuses_what_breaks_the_standard() {
    let kind = Err(Error::Malformed { what: "pdu type", at: 0 });
    assert_eq!(parse(b"\0"), kind);
    assert_eq!(parse(&[0xff; 16]), kind);
    let length = Err(Error::Malformed { what: "pdu length", at: 2 });
    assert_eq!(parse(b"\x05\0\0\0\0\x05\0\0\0\0\0"), length);
    assert_eq!(parse(b"\x04\0\0\0\0\x05"), length);
    assert_eq!(parse(b"\x01\0\0\0\0\x43"), length);
    let limit = Err(Error::Limit { what: "association", max: ASSOCIATE_LENGTH_MAX });
    assert_eq!(parse(b"\x01\0\xff\xff\xff\xff"), limit);
    let nested = Err(Error::Malformed { what: "presentation data value length", at: 0 });
    assert_eq!(pdv(b"\0\0\0\x47\x01\x03", 74), nested);
    assert_eq!(pdv(b"\0\0\0\x01\x01\x03", 74), nested);
    assert_eq!(pdv(&[0xff; 6], 0xffff_ffff), nested);
    assert!(command(b"").is_err());
    assert!(command(&implicit(8, 0x60, b"CT")).is_err());
}

#[test]
fn items_that_lie_about_their_length_end_quietly() {
    let mut pdu = associate_rq();
    pdu[74 + 25 + 2] = 0xff;
    let Pdu::AssociateRq(associate) = whole(&pdu) else { panic!() };
    assert_eq!(associate.presentation_contexts().count(), 0);
    assert_eq!(associate.user_information(), UserInformation::default());
    let mut empty_items = associate_rq();
    empty_items.truncate(74);
    empty_items.resize(74 + 30_000, 0);
    empty_items[2..6].copy_from_slice(&(30_068_u32).to_be_bytes());
    let Pdu::AssociateRq(associate) = whole(&empty_items) else { panic!() };
    assert_eq!(associate.items.count(), ITEMS_MAX);
}

#[test]
fn an_association_beyond_the_bound_is_read_as_far_as_it_goes() {
    let mut pdu = associate_rq();
    pdu[2..6].copy_from_slice(&(200_000_u32).to_be_bytes());
    pdu.resize(ASSOCIATE_BYTES_MAX, 0);
    let Ok(Framed::Whole { message: Pdu::AssociateRq(associate), length }) = parse(&pdu) else { panic!() };
    assert_eq!((associate.calling, length), (&b"USCART07"[..], 200_006));
}

fn image(element: impl Fn(u16, u16, &[u8; 2], &[u8]) -> Vec<u8>) -> Vec<u8> {
    [
        element(0x0008, 0x0005, b"CS", b"ISO_IR 100"),
        element(0x0008, 0x0060, b"CS", b"CT"),
        element(0x0008, 0x0070, b"LO", b"ACME MEDICAL"),
        element(0x0008, 0x1010, b"SH", b"CT-ROOM3"),
        element(0x0008, 0x1090, b"LO", b"SCAN-9000 "),
        element(0x0010, 0x0010, b"PN", b"DOE^JANE"),
        element(0x0018, 0x1000, b"LO", b"SN-4711\0"),
        element(0x0018, 0x1020, b"LO", b"v1.2\\b34"),
        element(0x0020, 0x000d, b"UI", b"1.2.3"),
    ]
    .concat()
}

#[test]
fn the_head_of_a_data_set_names_the_device_in_both_encodings() {
    let expected = DataSetHead {
        modality: b"CT",
        manufacturer: b"ACME MEDICAL",
        station_name: b"CT-ROOM3",
        model: b"SCAN-9000",
        serial_number: b"SN-4711",
        udi: b"",
        software_versions: b"v1.2\\b34",
        has_patient: true,
    };
    let in_explicit = image(explicit);
    let in_implicit = image(|group, element, _, value| implicit(group, element, value));
    assert_eq!(data_set_head(&in_explicit, Some(Encoding::Explicit)), expected);
    assert_eq!(data_set_head(&in_implicit, Some(Encoding::Implicit)), expected);
    assert_eq!(data_set_head(&in_explicit, None), expected, "the encoding shows");
    assert_eq!(data_set_head(&in_implicit, None), expected, "the encoding shows");
    assert_eq!(data_set_head(&in_explicit, Some(Encoding::Unreadable)), DataSetHead::default());
    for cut in 0..in_explicit.len() {
        let head = data_set_head(&in_explicit[..cut], None);
        assert!(expected.modality.starts_with(head.modality) && expected.model.starts_with(head.model));
    }
}

#[test]
fn sequences_are_passed_over_and_the_udi_is_found_in_its_own() {
    let item = |content: &[u8]| {
        [&b"\xfe\xff\x00\xe0\xff\xff\xff\xff"[..], content, b"\xfe\xff\x0d\xe0\0\0\0\0"].concat()
    };
    let undefined = |group: u16, element: u16, content: &[u8]| {
        let mut bytes = [group.to_le_bytes(), element.to_le_bytes(), *b"SQ", [0, 0]].concat();
        bytes.extend_from_slice(&[0xff; 4]);
        bytes.extend_from_slice(&item(content));
        bytes.extend_from_slice(b"\xfe\xff\xdd\xe0\0\0\0\0");
        bytes
    };
    let other = explicit(0x0018, 0x1009, b"UT", b"(01)not this");
    let nested =
        [explicit(0x0008, 0x0060, b"CS", b"MR"), undefined(0x0040, 0xa043, &other), other.clone()].concat();
    let udi = explicit(0x0018, 0x1009, b"UT", b"(01)00643169007222");
    for in_sequence in [undefined(0x0018, 0x100a, &udi), explicit(0x0018, 0x100a, b"SQ", &item(&udi))] {
        let bytes = [
            explicit(0x0008, 0x0060, b"CS", b"CT"),
            undefined(0x0008, 0x1140, &nested),
            in_sequence,
            explicit(0x0018, 0x1020, b"LO", b"7.1"),
        ]
        .concat();
        let head = data_set_head(&bytes, None);
        assert_eq!((head.modality, head.udi), (&b"CT"[..], &b"(01)00643169007222"[..]));
        assert_eq!(head.software_versions, b"7.1");
    }
}

#[test]
fn nested_sequences_and_garbage_end_the_walk() {
    let open = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff".repeat(1000);
    assert_eq!(data_set_head(&open, None), DataSetHead::default());
    for fill in 0..=255_u8 {
        let bytes = [fill; 4096];
        for encoding in [None, Some(Encoding::Explicit), Some(Encoding::Implicit)] {
            let _ = data_set_head(&bytes, encoding);
        }
        let _ = (parse(&bytes), pdv(&bytes, 4096), command(&bytes), probe(&bytes), begins_pdus(&bytes));
    }
}

#[test]
fn encodings_are_known_by_their_transfer_syntax() {
    assert_eq!(Encoding::of(b"1.2.840.10008.1.2"), Some(Encoding::Implicit));
    assert_eq!(Encoding::of(b"1.2.840.10008.1.2.1"), Some(Encoding::Explicit));
    assert_eq!(Encoding::of(b"1.2.840.10008.1.2.4.90"), Some(Encoding::Explicit));
    assert_eq!(Encoding::of(b"1.2.840.10008.1.2.1.99"), Some(Encoding::Unreadable));
    assert_eq!(Encoding::of(b"1.2.840.10008.1.2.2"), Some(Encoding::Unreadable));
    assert_eq!(Encoding::of(b"1.2.840.113619.5.2"), None);
}

#[test]
fn sop_classes_have_names() {
    assert_eq!(sop_class_name(b"1.2.840.10008.5.1.4.1.1.2"), Some("CT Image Storage"));
    assert_eq!(sop_class_name(b"1.2.840.10008.1.1"), Some("Verification"));
    assert_eq!(sop_class_name(b"1.2.840.113619.4.2"), None);
}

#[test]
fn probes_by_content() {
    let request = associate_rq();
    assert_eq!(probe(&request), Probe::Certain);
    for cut in 0..74 + 4 + 21 {
        assert_eq!(probe(&request[..cut]), Probe::Unsure, "{cut}");
    }
    assert_eq!(probe(ECHO_RQ), Probe::Certain);
    assert_eq!(probe(&ECHO_RQ[..12]), Probe::Unsure);
    assert_eq!(probe(b"\x05\0\0\0\0\x04\0\0\0\0"), Probe::Unsure);
    let mut other_context = request.clone();
    other_context[78..].fill(b'9');
    assert_eq!(probe(&other_context), Probe::NotForUs);
    let foreign: [&[u8]; 9] = [
        b"\x01\0\0\0\0\x05hello",
        b"\x01\0\0\0\0\xcd\0\x02",
        b"\x01\0\0\0\x01\0\0\x01\0\0\x01\x02\x03",
        b"\x04\0\0\0\0\x4a\0\0\0\x4a\x01\x03",
        b"\x04\0\0\0\0\x4a\0\0\0\x46\x02\x03",
        b"\x05\x01\0",
        b"\x16\x03\x01\x02\0\x01",
        b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01",
        b"GET / HTTP/1.1\r\n",
    ];
    for bytes in foreign {
        assert_eq!(probe(bytes), Probe::NotForUs, "{bytes:?}");
    }
}

#[test]
fn after_a_gap_pdus_are_known_by_lengths_that_nest() {
    assert!(begins_pdus(&associate_rq()));
    assert!(begins_pdus(ECHO_RQ) && begins_pdus(&[ECHO_RQ, ECHO_RSP].concat()));
    assert!(
        begins_pdus(b"\x04\0\0\0\x40\0\0\0\x3f\xfc\x03\0\x12\x34"),
        "a data set PDU longer than the segment"
    );
    assert!(begins_pdus(b"\x05\0\0\0\0\x04\0\0\0\0"));
    assert!(!begins_pdus(&[ECHO_RQ, b"\x99"].concat()));
    assert!(!begins_pdus(b"\x04\0\x04\0\x04\0\x04\0\x04\0\x04\0\x04\0"), "pixels");
    assert!(!begins_pdus(&[0; 100]));
}
