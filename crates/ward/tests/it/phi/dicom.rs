//! DICOM associations whose data sets have a canary in every patient element (PS3.6 group 0010) and in the elements that
//! name staff, visits and studies.

use super::{Canaries, Tcp};

/// Group 0010 of PS3.6 where text or a date stands.
const PATIENT: [u16; 42] = [
    0x0010, 0x0020, 0x0021, 0x0022, 0x0030, 0x0032, 0x0033, 0x0034, 0x0035, 0x0040, 0x0212, 0x0213, 0x0214,
    0x1000, 0x1001, 0x1005, 0x1010, 0x1020, 0x1030, 0x1040, 0x1060, 0x1080, 0x1081, 0x1090, 0x2000, 0x2110,
    0x2150, 0x2152, 0x2154, 0x2155, 0x2160, 0x2180, 0x21a0, 0x21b0, 0x21c0, 0x21d0, 0x21f0, 0x2203, 0x2210,
    0x2292, 0x2295, 0x4000,
];
/// Accession number, institution, physicians, study description, operators, admitting diagnoses: before the patient.
const VISIT: [u16; 12] =
    [0x0050, 0x0080, 0x0081, 0x0090, 0x0092, 0x1030, 0x103e, 0x1048, 0x1050, 0x1060, 0x1070, 0x1080];

const CT_IMAGE: &[u8] = b"1.2.840.10008.5.1.4.1.1.2\0";
const FIND_WORKLIST: &[u8] = b"1.2.840.10008.5.1.4.31";
const MPPS: &[u8] = b"1.2.840.10008.3.1.2.3.3\0";
const IMPLICIT: &[u8] = b"1.2.840.10008.1.2";
const EXPLICIT: &[u8] = b"1.2.840.10008.1.2.1";

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(body.len() as u32).to_be_bytes(), body].concat()
}

fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn trimmed(uid: &[u8]) -> &[u8] {
    uid.strip_suffix(b"\0").unwrap_or(uid)
}

/// A-ASSOCIATE with a user identity: name and passcode in clear (PS3.7 D.3.3.7).
fn request(class: &[u8], syntax: &[u8], canaries: &mut Canaries) -> Vec<u8> {
    let context = [&[1, 0, 0, 0][..], &item(0x30, trimmed(class)), &item(0x40, syntax)].concat();
    let (name, passcode) = (canaries.next(), canaries.next());
    let lengths = |text: &str| (text.len() as u16).to_be_bytes();
    let identity =
        [&[2, 0][..], &lengths(&name), name.as_bytes(), &lengths(&passcode), passcode.as_bytes()].concat();
    let user = [
        item(0x51, &[0, 0, 0x40, 0]),
        item(0x52, b"1.2.826.0.1.3680043.9.3811"),
        item(0x55, b"CTSCAN_1"),
        item(0x58, &identity),
    ];
    associate(1, item(0x20, &context), &user.concat())
}

fn accept(syntax: &[u8]) -> Vec<u8> {
    let context = [&[1, 0, 0, 0][..], &item(0x40, syntax)].concat();
    associate(2, item(0x21, &context), &item(0x52, b"1.2.276.0.7230010.3.0.3.6.7"))
}

fn associate(kind: u8, context: Vec<u8>, user: &[u8]) -> Vec<u8> {
    let mut body = b"\0\x01\0\0PACS            CT01            ".to_vec();
    body.extend([0; 32]);
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    body.extend(context);
    body.extend(item(0x50, user));
    pdu(kind, &body)
}

/// Implicit VR: tag, four bytes of length, value.
fn element(group: u16, number: u16, value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    value.resize(value.len().next_multiple_of(2), b' ');
    [&group.to_le_bytes()[..], &number.to_le_bytes(), &(value.len() as u32).to_le_bytes(), &value].concat()
}

/// Explicit VR with a short length.
fn explicit(group: u16, number: u16, value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    value.resize(value.len().next_multiple_of(2), b' ');
    [&group.to_le_bytes()[..], &number.to_le_bytes(), b"LO", &(value.len() as u16).to_le_bytes(), &value]
        .concat()
}

fn command(field: u16, class: &[u8], more: &[Vec<u8>], data_set: bool) -> Vec<u8> {
    let mut set =
        [element(0, 2, class), element(0, 0x100, &field.to_le_bytes()), element(0, 0x110, &[1, 0])].concat();
    set.extend(element(0, 0x800, if data_set { &[0, 0] } else { &[1, 1] }));
    set.extend(more.concat());
    let set = [element(0, 0, &(set.len() as u32).to_le_bytes()), set].concat();
    p_data(3, &set)
}

/// P-DATA-TF with one value; `control`: bit 0 command, bit 1 last.
fn p_data(control: u8, fragment: &[u8]) -> Vec<u8> {
    let value = [&(fragment.len() as u32 + 2).to_be_bytes()[..], &[1, control], fragment].concat();
    pdu(4, &value)
}

/// A data set in fragments of `bytes`.
fn data(set: &[u8], bytes: usize) -> Vec<u8> {
    let count = set.len().div_ceil(bytes);
    let fragments = set.chunks(bytes).enumerate();
    fragments.flat_map(|(n, fragment)| p_data(if n + 1 == count { 2 } else { 0 }, fragment)).collect()
}

/// The elements of a data set in order: device, visit, patient, then what follows.
fn data_set(each: fn(u16, u16, &[u8]) -> Vec<u8>, canaries: &mut Canaries) -> Vec<u8> {
    let mut hidden = |group: u16, number: u16| each(group, number, canaries.next().as_bytes());
    let mut set = [each(8, 0x16, CT_IMAGE), each(8, 0x18, b"1.2.826.0.1.1.0\0")].concat();
    let mut device =
        vec![(0x0060, &b"CT"[..]), (0x0070, b"ACME MEDICAL"), (0x1010, b"CT-ROOM3"), (0x1090, b"SCAN-9000")];
    for number in VISIT {
        while let Some((own, value)) = device.first().filter(|(own, _)| *own < number) {
            set.extend(each(8, *own, value));
            device.remove(0);
        }
        set.extend(hidden(8, number));
    }
    set.extend(device.iter().flat_map(|(own, value)| each(8, *own, value)));
    PATIENT.iter().for_each(|number| set.extend(hidden(0x10, *number)));
    set.extend(each(0x18, 0x1000, b"SN-4711"));
    set.extend(hidden(0x18, 0x1030));
    for (group, number) in [
        (0x20, 0x10),
        (0x20, 0x4000),
        (0x32, 0x1032),
        (0x32, 0x1060),
        (0x38, 0x10),
        (0x40, 6),
        (0x40, 0x1400),
    ] {
        set.extend(hidden(group, number));
    }
    set.extend(hidden(0x7fe0, 0x10));
    set
}

fn store(
    name: &'static str,
    syntax: &[u8],
    each: fn(u16, u16, &[u8]) -> Vec<u8>,
    canaries: &mut Canaries,
) -> Tcp {
    let mut said = vec![(0, request(CT_IMAGE, syntax, canaries)), (1, accept(syntax))];
    for fragment_bytes in [16_000, 200] {
        said.push((
            0,
            command(
                0x0001,
                CT_IMAGE,
                &[element(0, 0x700, &[0, 0]), element(0, 0x1000, b"1.2.826.0.1.1.0\0")],
                true,
            ),
        ));
        said.push((0, data(&data_set(each, canaries), fragment_bytes)));
        // A failure with an error comment that names the patient.
        let failed = [element(0, 0x900, &[0, 0xa7]), element(0, 0x902, canaries.next().as_bytes())];
        said.push((1, command(0x8001, CT_IMAGE, &failed, false)));
    }
    said.push((0, pdu(5, &[0; 4])));
    said.push((1, pdu(6, &[0; 4])));
    Tcp { name, port: 104, said, found: &[("phi-in-clear", "dicom")], verb: "C-STORE-RSP" }
}

pub fn store_implicit(canaries: &mut Canaries) -> Tcp {
    store("dicom store, implicit", IMPLICIT, element, canaries)
}

pub fn store_explicit(canaries: &mut Canaries) -> Tcp {
    store("dicom store, explicit", EXPLICIT, explicit, canaries)
}

/// A worklist query by the patient's name, and two answers.
pub fn find(canaries: &mut Canaries) -> Tcp {
    let mut said = vec![(0, request(FIND_WORKLIST, IMPLICIT, canaries)), (1, accept(IMPLICIT))];
    said.push((0, command(0x0020, FIND_WORKLIST, &[], true)));
    let sought =
        [element(0x10, 0x10, format!("{}*", canaries.next()).as_bytes()), element(0x10, 0x20, b"")].concat();
    said.push((0, data(&sought, 16_000)));
    for _ in 0..2 {
        said.push((1, command(0x8020, FIND_WORKLIST, &[element(0, 0x900, &[0, 0xff])], true)));
        said.push((1, data(&data_set(element, canaries), 16_000)));
    }
    said.push((1, command(0x8020, FIND_WORKLIST, &[element(0, 0x900, &[0, 0])], false)));
    Tcp { name: "dicom find", port: 11_112, said, found: &[("phi-in-clear", "dicom")], verb: "C-FIND-RSP" }
}

/// An exam begins: N-CREATE of a procedure step, with the patient in its data set and in a nested sequence.
pub fn procedure_step(canaries: &mut Canaries) -> Tcp {
    let mut said = vec![(0, request(MPPS, IMPLICIT, canaries)), (1, accept(IMPLICIT))];
    said.push((0, command(0x0140, MPPS, &[element(0, 0x1000, b"1.2.826.0.1.2.0\0")], true)));
    // A sequence of undefined length before the patient's group: (0008,1120) with one item.
    let nested = data_set(element, canaries);
    let mut set = element(8, 0x60, b"CT");
    set.extend(b"\x08\0\x20\x11\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff");
    set.extend(nested);
    set.extend(b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0");
    set.extend(PATIENT.iter().flat_map(|number| element(0x10, *number, canaries.next().as_bytes())));
    said.push((0, data(&set, 16_000)));
    said.push((1, command(0x8140, MPPS, &[element(0, 0x900, &[0, 0])], false)));
    Tcp {
        name: "dicom procedure step",
        port: 104,
        said,
        found: &[("phi-in-clear", "dicom")],
        verb: "N-CREATE-RSP",
    }
}
