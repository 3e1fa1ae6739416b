//! A modality talks to the archive: C-ECHO, or one image by C-STORE (DICOM PS3.7, PS3.8). The patient is made up.

use super::{Conversation, Side, Timed};

const SECOND_US: u64 = 1_000_000;
const ARCHIVE: [u8; 4] = [10, 20, 0, 7];
const VERIFICATION: &[u8] = b"1.2.840.10008.1.1";
const CT_IMAGE: &[u8] = b"1.2.840.10008.5.1.4.1.1.2";
const IMPLICIT_VR: &[u8] = b"1.2.840.10008.1.2";
const APPLICATION_CONTEXT: &[u8] = b"1.2.840.10008.3.1.1.1";
/// Bytes of a data set in one P-DATA-TF, below the agreed 16,384.
const FRAGMENT_BYTES: usize = 16_378;
const ECHOES: u16 = 4;

/// Modality number `k`: number 0 sends four C-ECHO, the others store one image each, larger with `k`.
pub fn transfer(k: u8) -> Vec<Timed> {
    let client = ([10, 20, 3, 10_u8.wrapping_add(k)], 42_000 + u16::from(k));
    let port = if k.is_multiple_of(2) { 104 } else { 11_112 };
    let mut session = Conversation::open(client, (ARCHIVE, port), 0x6469_636d + u64::from(k));
    let class = if k == 0 { VERIFICATION } else { CT_IMAGE };
    session.send(Side::Client, &associate(1, k, class), SECOND_US / 50);
    session.send(Side::Server, &associate(2, k, class), 0);
    session.acknowledge(Side::Client);
    if k == 0 {
        echoes(&mut session);
    } else {
        store(&mut session, k);
    }
    session.send(Side::Client, &pdu(5, &[0; 4]), SECOND_US / 20);
    session.send(Side::Server, &pdu(6, &[0; 4]), 0);
    session.close()
}

fn echoes(session: &mut Conversation) {
    for id in 1..=ECHOES {
        let request =
            [element(0x0002, VERIFICATION), field(0x0100, 0x0030), field(0x0110, id), field(0x0800, 0x0101)];
        session.send(Side::Client, &command(&request), SECOND_US / 2);
        session.send(Side::Server, &command(&response(0x8030, VERIFICATION, id)), 0);
        session.acknowledge(Side::Client);
    }
}

fn store(session: &mut Conversation, k: u8) {
    let uid = format!("1.2.826.0.1.{k}.0");
    let request = [
        element(0x0002, CT_IMAGE),
        field(0x0100, 0x0001),
        field(0x0110, 1),
        field(0x0700, 0),
        field(0x0800, 0),
        element(0x1000, uid.as_bytes()),
    ];
    session.send(Side::Client, &command(&request), SECOND_US / 5);
    let image = image(session, k, uid.as_bytes());
    let mut fragments = image.chunks(FRAGMENT_BYTES).peekable();
    while let Some(fragment) = fragments.next() {
        let last = if fragments.peek().is_none() { 2 } else { 0 };
        session.send(Side::Client, &data(last, fragment), SECOND_US / 1000);
    }
    let mut stored = response(0x8001, CT_IMAGE, 1).to_vec();
    stored.push(element(0x1000, uid.as_bytes()));
    session.send(Side::Server, &command(&stored), 0);
    session.acknowledge(Side::Client);
}

fn response(kind: u16, class: &[u8], id: u16) -> [Vec<u8>; 5] {
    [element(0x0002, class), field(0x0100, kind), field(0x0120, id), field(0x0800, 0x0101), field(0x0900, 0)]
}

fn image(session: &mut Conversation, k: u8, uid: &[u8]) -> Vec<u8> {
    let mut pixels = vec![0; 30_000 + 12_000 * usize::from(k)];
    session.random().fill(&mut pixels);
    [
        tagged(0x0008, 0x0016, CT_IMAGE),
        tagged(0x0008, 0x0018, uid),
        tagged(0x0008, 0x0060, b"CT"),
        tagged(0x0008, 0x0070, b"ACME MEDICAL"),
        tagged(0x0008, 0x1090, b"SCAN-9000"),
        tagged(0x0010, 0x0010, b"DOE^JANE"),
        tagged(0x0010, 0x0020, format!("PAT{k:05}").as_bytes()),
        tagged(0x7fe0, 0x0010, &pixels),
    ]
    .concat()
}

/// A-ASSOCIATE-RQ (1) or -AC (2), PS3.8 9.3.2 and 9.3.3.
fn associate(kind: u8, k: u8, class: &[u8]) -> Vec<u8> {
    let titles = format!("{:<16}{:<16}", "PACS", format!("CT{k:02}"));
    let context = if kind == 1 {
        let syntaxes = [item(0x30, class), item(0x40, IMPLICIT_VR)].concat();
        item(0x20, &[&[1, 0, 0, 0][..], &syntaxes].concat())
    } else {
        item(0x21, &[&[1, 0, 0, 0][..], &item(0x40, IMPLICIT_VR)].concat())
    };
    let user = [
        item(0x51, &16_384_u32.to_be_bytes()),
        item(0x52, b"1.2.826.0.1.3680043.9.3811.2.0.0"),
        item(0x55, format!("CTSCAN_{k:02}").as_bytes()),
    ];
    let user = if kind == 1 { item(0x50, &user.concat()) } else { Vec::new() };
    let fixed = [&[0, 1, 0, 0][..], titles.as_bytes(), &[0; 32]].concat();
    pdu(kind, &[fixed, item(0x10, APPLICATION_CONTEXT), context, user].concat())
}

fn item(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(0);
    [&[kind, 0][..], &length.to_be_bytes(), body].concat()
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(0);
    [&[kind, 0][..], &length.to_be_bytes(), body].concat()
}

/// P-DATA-TF with one presentation data value of context 1; `control`: bit 0 command, bit 1 last.
fn data(control: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 2).unwrap_or(0);
    pdu(4, &[&length.to_be_bytes()[..], &[1, control], body].concat())
}

/// A whole command set with its group length (PS3.7 6.3.1).
fn command(elements: &[Vec<u8>]) -> Vec<u8> {
    let body = elements.concat();
    let length = u32::try_from(body.len()).unwrap_or(0).to_le_bytes();
    data(3, &[element(0x0000, &length), body].concat())
}

fn element(number: u16, value: &[u8]) -> Vec<u8> {
    tagged(0, number, value)
}

fn field(number: u16, value: u16) -> Vec<u8> {
    tagged(0, number, &value.to_le_bytes())
}

/// Implicit VR little endian, padded to even.
fn tagged(group: u16, number: u16, value: &[u8]) -> Vec<u8> {
    let padded = value.len().next_multiple_of(2);
    let length = u32::try_from(padded).unwrap_or(0);
    let mut bytes = [&group.to_le_bytes()[..], &number.to_le_bytes(), &length.to_le_bytes(), value].concat();
    bytes.resize(8 + padded, 0);
    bytes
}
