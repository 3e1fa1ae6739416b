use super::*;
use crate::observe::testing::Bench;
use model::Protocol;

const CT: &[u8] = b"1.2.840.10008.5.1.4.1.1.2\0";
const EXPLICIT: &[u8] = b"1.2.840.10008.1.2.1";

fn bench() -> (Bench, Dicom) {
    (Bench::tcp(Protocol::Dicom), Dicom::default())
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(body.len() as u32).to_be_bytes(), body].concat()
}

fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn associate(kind: u8, contexts: &[Vec<u8>], user: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x01\0\0PACS            CT01            ".to_vec();
    body.extend_from_slice(&[0; 32]);
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    body.extend(contexts.concat());
    body.extend(item(0x50, &[&item(0x51, &[0, 0, 0x40, 0]), user].concat()));
    pdu(kind, &body)
}

fn request() -> Vec<u8> {
    let context = [&[1, 0, 0, 0][..], &item(0x30, &CT[..25]), &item(0x40, EXPLICIT)].concat();
    let user = [item(0x52, b"1.2.826.0.1.3680043.9.3811"), item(0x55, b"CTSCAN_1")].concat();
    associate(1, &[item(0x20, &context)], &user)
}

fn accept() -> Vec<u8> {
    let context = [&[1, 0, 0, 0][..], &item(0x40, EXPLICIT)].concat();
    associate(2, &[item(0x21, &context)], &item(0x52, b"1.2.276.0.7230010.3.0.3.6.7"))
}

/// One P-DATA-TF with one value.
fn p_data(control: u8, fragment: &[u8]) -> Vec<u8> {
    let value = [&(fragment.len() as u32 + 2).to_be_bytes()[..], &[1, control], fragment].concat();
    pdu(4, &value)
}

fn element(group: u16, element: u16, value: &[u8]) -> Vec<u8> {
    let tag = [group.to_le_bytes(), element.to_le_bytes()].concat();
    [&tag[..], &(value.len() as u32).to_le_bytes(), value].concat()
}

fn explicit(group: u16, element: u16, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let tag = [group.to_le_bytes(), element.to_le_bytes(), *vr].concat();
    [&tag[..], &(value.len() as u16).to_le_bytes(), value].concat()
}

fn command_set(field: u16, sop_class: &[u8], more: &[Vec<u8>], data_set: bool) -> Vec<u8> {
    let mut set = [element(0, 2, sop_class), element(0, 0x100, &field.to_le_bytes())].concat();
    set.extend(more.concat());
    set.extend(element(0, 0x800, if data_set { &[0, 0] } else { &[1, 1] }));
    [element(0, 0, &(set.len() as u32).to_le_bytes()), set].concat()
}

fn image() -> Vec<u8> {
    [
        explicit(0x0008, 0x0060, b"CS", b"CT"),
        explicit(0x0008, 0x0070, b"LO", b"ACME MEDICAL"),
        explicit(0x0008, 0x1010, b"SH", b"CT-ROOM3"),
        explicit(0x0008, 0x1090, b"LO", b"SCAN-9000"),
        explicit(0x0010, 0x0010, b"PN", b"CANARY^JANE"),
        explicit(0x0010, 0x0020, b"LO", b"CANARY-ID"),
        explicit(0x0018, 0x1000, b"LO", b"SN-4711"),
        explicit(0x0018, 0x1020, b"LO", b"1.2"),
        explicit(0x0020, 0x4000, b"LT", b"CANARY"),
        vec![0x5a; 40_000],
    ]
    .concat()
}

/// Association, one image in three PDUs, release: what the client sends.
fn store() -> Vec<u8> {
    let image = image();
    [
        request(),
        p_data(3, &command_set(1, CT, &[element(0, 0x1000, b"1.2.3.CANARY")], true)),
        p_data(0, &image[..16_000]),
        p_data(0, &image[16_000..32_000]),
        p_data(2, &image[32_000..]),
        pdu(5, &[0; 4]),
    ]
    .concat()
}

fn fed(bench: &mut Bench, dicom: &mut Dicom, side: Side, parts: &[&[u8]]) {
    let mut held: Vec<u8> = Vec::new();
    let mut skip = 0;
    for part in parts {
        let passed = skip.min(part.len());
        skip -= passed;
        held.extend_from_slice(&part[passed..]);
        let mut taken = 0;
        for step in bench.stream(dicom, side, &held) {
            match step {
                Step::Took(bytes) => taken += bytes,
                Step::Need(need) => assert!(need <= crate::observe::CARRY_BYTES_MAX),
                other => panic!("{other:?}"),
            }
        }
        skip += taken.saturating_sub(held.len());
        held.drain(..taken.min(held.len()));
    }
    assert!(held.is_empty() && skip == 0, "{} bytes left, {skip} to skip", held.len());
}

#[test]
fn a_scanner_stores_an_image() {
    let (mut bench, mut dicom) = bench();
    fed(&mut bench, &mut dicom, Side::Client, &[&request()]);
    fed(&mut bench, &mut dicom, Side::Server, &[&accept()]);
    fed(&mut bench, &mut dicom, Side::Client, &[&store()[request().len()..]]);
    let stored = command_set(0x8001, CT, &[element(0, 0x900, &[0, 0])], false);
    fed(&mut bench, &mut dicom, Side::Server, &[&p_data(3, &stored), &pdu(6, &[0; 4])]);
    assert_eq!(
        bench.facts(),
        [
            "10.0.0.1 ae-title CT01",
            "10.0.0.2 ae-title PACS",
            "10.0.0.1 implementation-class-uid 1.2.826.0.1.3680043.9.3811",
            "10.0.0.1 implementation-version-name CTSCAN_1",
            "10.0.0.1 sop-class 1.2.840.10008.5.1.4.1.1.2 (CT Image Storage)",
            "10.0.0.1 clear-text dicom",
            "10.0.0.2 service-type dicom scp",
            "10.0.0.2 implementation-class-uid 1.2.276.0.7230010.3.0.3.6.7",
            "10.0.0.2 clear-text dicom",
            "10.0.0.1 device-type CT",
            "10.0.0.1 manufacturer ACME MEDICAL",
            "10.0.0.1 station-name CT-ROOM3",
            "10.0.0.1 model SCAN-9000",
            "10.0.0.1 serial-number SN-4711",
            "10.0.0.1 software-version 1.2",
            "10.0.0.1 phi-in-clear dicom group 0010",
        ]
    );
    assert_eq!(
        bench.verbs(),
        [
            "A-ASSOCIATE-RQ client 1",
            "A-ASSOCIATE-AC server 1",
            "C-STORE-RQ client 1",
            "A-RELEASE-RQ client 1",
            "C-STORE-RSP server 1",
            "A-RELEASE-RP server 1",
        ]
    );
    assert_eq!(bench.events(), ["10.0.0.2 Association accepted CT01 to PACS"]);
    let bytes = format!("bytes: {}", store().len() - request().len() - 10);
    assert!(bench.all_text().contains(&bytes), "data set bytes count with their command");
}

#[test]
fn split_at_any_byte_it_reads_the_same() {
    let stream = store();
    let read = |parts: &[&[u8]]| {
        let (mut bench, mut dicom) = bench();
        fed(&mut bench, &mut dicom, Side::Client, parts);
        let mut facts = bench.facts();
        facts.sort();
        (facts, bench.verbs())
    };
    let expected = read(&[&stream]);
    for cut in (1..1000).chain((1000..stream.len()).step_by(97)) {
        assert_eq!(read(&[&stream[..cut], &stream[cut..]]), expected, "cut at {cut}");
    }
    assert_eq!(read(&stream.chunks(1).collect::<Vec<_>>()), expected);
    assert_eq!(read(&stream.chunks(1460).collect::<Vec<_>>()), expected);
}

#[test]
fn a_command_in_fragments_is_put_together() {
    let (mut bench, mut dicom) = bench();
    let set = command_set(0x21, b"1.2.840.10008.5.1.4.1.2.2.2", &[element(0, 0x600, b"EVIL_AE ")], false);
    let parts = [p_data(1, &set[..20]), p_data(1, &set[20..31]), p_data(3, &set[31..])].concat();
    fed(&mut bench, &mut dicom, Side::Client, &[&parts]);
    assert_eq!(bench.verbs(), ["C-MOVE-RQ client 1"]);
    assert_eq!(bench.events(), ["10.0.0.1 Exam C-MOVE to AE EVIL_AE"]);
}

#[test]
fn a_command_without_end_is_not_kept() {
    let (mut bench, mut dicom) = bench();
    for _ in 0..100 {
        fed(&mut bench, &mut dicom, Side::Client, &[&p_data(1, &[0; 1000])]);
    }
    assert!(dicom.halves[0].command.capacity() <= 2 * COMMAND_BYTES_MAX);
    fed(
        &mut bench,
        &mut dicom,
        Side::Client,
        &[&p_data(3, &[0; 10]), &p_data(3, &command_set(0x30, b"", &[], false))],
    );
    assert_eq!(bench.verbs(), ["OTHER client 1", "C-ECHO-RQ client 1"]);
}

#[test]
fn exams_failures_and_refusals_are_events() {
    let (mut bench, mut dicom) = bench();
    let client = [
        p_data(3, &command_set(0x140, b"1.2.840.10008.3.1.2.3.3\0", &[], false)),
        p_data(3, &[element(0, 3, b"1.2.840.10008.3.1.2.3.3\0"), element(0, 0x100, &[0x20, 1])].concat()),
        p_data(3, &command_set(0x10, b"1.2", &[], false)),
    ];
    fed(&mut bench, &mut dicom, Side::Client, &[&client.concat()]);
    let server = [
        p_data(
            3,
            &command_set(0x8001, CT, &[element(0, 0x900, &[0, 0xa7]), element(0, 0x902, b"CANARY")], false),
        ),
        p_data(3, &command_set(0x8020, CT, &[element(0, 0x900, &[0, 0xff])], false)),
        b"\x03\0\0\0\0\x04\0\x01\x01\x07".to_vec(),
        b"\x07\0\0\0\0\x04\0\0\x02\x00".to_vec(),
    ];
    fed(&mut bench, &mut dicom, Side::Server, &[&server.concat()]);
    assert_eq!(
        bench.events(),
        [
            "10.0.0.1 Exam MPPS N-CREATE",
            "10.0.0.1 Exam MPPS N-SET",
            "10.0.0.1 Exam C-GET",
            "10.0.0.2 ErrorReply C-STORE-RSP 0xa700",
            "10.0.0.2 Association rejected: called ae title not recognized",
            "10.0.0.2 Association aborted by service provider",
        ]
    );
    assert!(!bench.all_text().contains("CANARY"));
}

#[test]
fn a_passcode_in_clear_is_told_and_not_shown() {
    let (mut bench, mut dicom) = bench();
    let identity = item(0x58, b"\x02\0\0\x06CANARY\0\x06CANARY");
    fed(&mut bench, &mut dicom, Side::Client, &[&associate(1, &[], &identity)]);
    assert!(bench.facts().contains(&"10.0.0.1 basic-auth dicom user identity".to_owned()));
    assert_eq!(bench.events(), ["10.0.0.1 Login dicom user name and passcode"]);
    assert!(!bench.all_text().contains("CANARY"));
}

#[test]
fn no_patient_data_comes_out() {
    let mut set = explicit(0x0008, 0x0060, b"CS", b"MR");
    for tag in [0x0050, 0x0080, 0x0090] {
        set.extend(explicit(0x0008, tag, b"LO", b"CANARY"));
    }
    for tag in [0x0010, 0x0020, 0x0030, 0x0040, 0x1000, 0x1001, 0x1040, 0x2154, 0x4000] {
        set.extend(explicit(0x0010, tag, b"LO", b"CANARY"));
    }
    set.extend(explicit(0x0018, 0x1000, b"LO", b"SN-1"));
    set.extend(explicit(0x0020, 0x000d, b"UI", b"1.2.CANARY"));
    for field in [1, 0x20, 0x8020, 0x140] {
        let (mut bench, mut dicom) = bench();
        let stream = [request(), p_data(3, &command_set(field, CT, &[], true)), p_data(2, &set)].concat();
        for size in [1, 100, stream.len()] {
            fed(&mut bench, &mut dicom, Side::Client, &stream.chunks(size).collect::<Vec<_>>());
        }
        let text = bench.all_text();
        assert!(!text.contains("CANARY"), "{text}");
        assert!(text.contains("dicom group 0010"));
        assert_eq!(text.contains("SN-1"), field == 1, "only an image names the device that made it");
    }
}

#[test]
fn in_mid_association_commands_are_still_counted() {
    let (mut bench, mut dicom) = bench();
    let data = p_data(0, &[0x5a; 5000]);
    assert!(dicom.resumes(Side::Client, &data));
    fed(&mut bench, &mut dicom, Side::Client, &[&data]);
    let next = [p_data(3, &command_set(1, CT, &[], true)), p_data(2, &image())].concat();
    fed(&mut bench, &mut dicom, Side::Client, &[&next]);
    assert_eq!(bench.verbs(), ["P-DATA-TF client 1", "C-STORE-RQ client 1"]);
    assert!(bench.facts().contains(&"10.0.0.1 model SCAN-9000".to_owned()), "the encoding shows by itself");
}

#[test]
fn after_a_gap_nothing_hangs_in_the_air() {
    let (mut bench, mut dicom) = bench();
    let stream = store();
    bench.stream(&mut dicom, Side::Client, &stream[..20_000]);
    dicom.gap(Side::Client);
    let broken = bench.stream(&mut dicom, Side::Client, &[0x5a; 100]);
    assert_eq!(broken, [Step::Broken(UnparsedReason::BadMessage)]);
    let echo = p_data(3, &command_set(0x30, b"1.2.840.10008.1.1\0", &[], false));
    assert!(dicom.resumes(Side::Client, &echo));
    fed(&mut bench, &mut dicom, Side::Client, &[&echo]);
    assert_eq!(bench.verbs().last().map(String::as_str), Some("C-ECHO-RQ client 1"));
}

#[test]
fn sop_classes_of_one_proposal_are_bounded() {
    let (mut bench, mut dicom) = bench();
    let contexts: Vec<_> = (0..100)
        .map(|n| item(0x20, &[&[1, 0, 0, 0][..], &item(0x30, format!("1.2.{n}").as_bytes())].concat()))
        .collect();
    fed(&mut bench, &mut dicom, Side::Client, &[&associate(1, &contexts, b"")]);
    let stated = bench.facts().iter().filter(|fact| fact.contains("sop-class")).count();
    assert_eq!(stated, SOP_CLASSES_MAX);
}
