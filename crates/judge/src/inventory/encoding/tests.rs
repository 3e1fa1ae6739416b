use super::*;
use crate::made_up::{
    A, DAY_S, R, arp, at, event, fact, flow, folded, key, records, routed, sent, serial, time,
};
use model::{EventKind, Record};
use proptest::prelude::*;

/// A subject that holds everything a subject can hold.
fn whole() -> Subject {
    let mut tagged = sent(A, "10.0.0.1");
    let Record::Fact(inner) = &mut tagged else { panic!("a fact") };
    inner.endpoint.vlan = Vlan::new(20);
    let mut records = vec![tagged, at(arp(A, "10.0.0.1"), 60), routed(A, "2001:db8::1"), arp(A, "fe80::1")];
    records.extend(serial(A, "SN-12345"));
    records.push(fact(A, Attribute::HostName, "ct-1", Protocol::Dhcpv4));
    records.push(at(fact(A, Attribute::HostName, "ct-2", Protocol::Dhcpv4), 2 * DAY_S));
    records.push(at(event(A, EventKind::AddressConflict, "10.0.0.9 announced as 02:00:00:00:00:99"), 7));
    records.push(event(A, EventKind::LoginRefused, "administrator"));
    records.push(flow(A, "10.0.0.2", [5, 0]));
    let mut subject = folded(&records)[&key(A)].clone();
    crate::step::lapse(&mut subject, time(31 * DAY_S));
    subject
}

fn bytes_of(subject: &Subject) -> Vec<u8> {
    let mut bytes = Vec::new();
    subject.to_bytes(&mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    let lines =
        bytes.chunks(32).map(|line| line.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n");
    lines.collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// What a released version wrote stays readable, and means the same.
#[test]
fn the_first_layout_stays_readable() {
    let golden = unhex(include_str!("../../../golden/v1/subject.hex"));
    assert_eq!(Subject::from_bytes(&golden).unwrap(), whole());
    assert_eq!(
        hex(&bytes_of(&whole())),
        hex(&golden),
        "if the layout is to change, raise VERSION and keep reading the old one"
    );
}

#[test]
fn every_beginning_of_a_subject_ends_too_early() {
    let bytes = bytes_of(&whole());
    for end in 0..bytes.len() {
        assert_eq!(Subject::from_bytes(&bytes[..end]), Err(DecodeError::Truncated { at: end }));
    }
    let longer = [&bytes[..], &[0]].concat();
    let behind = DecodeError::Damaged { at: bytes.len(), what: "bytes behind the end" };
    assert_eq!(Subject::from_bytes(&longer), Err(behind));
}

#[test]
fn damage_is_named_and_a_newer_layout_is_told_apart() {
    let error = |bytes: &[u8]| Subject::from_bytes(bytes).unwrap_err();
    assert_eq!(error(&[2]), DecodeError::Version(2));
    // first_seen · last_seen · sent · five sums, then the protocols.
    let head = [VERSION, 0, 0, 0, 0, 0, 0, 0, 0];
    let with = |tail: &[u8]| error(&[&head[..], tail].concat());
    assert_eq!(with(b"\x01\x06bacnet\x01"), DecodeError::Protocol("bacnet".into()));
    assert_eq!(
        with(&[0xff, 0xff, 0x7f]),
        DecodeError::Damaged { at: 12, what: "more protocols than there are" }
    );
    assert_eq!(
        with(b"\x02\x03arp\x00\x03arp\x00"),
        DecodeError::Damaged { at: 19, what: "a protocol stands twice" }
    );
    assert_eq!(with(&[0, 2, 5, 5]), DecodeError::Damaged { at: 13, what: "VLANs out of order" });
    assert_eq!(with(&[0, 1, 0]), DecodeError::Damaged { at: 12, what: "no VLAN has that number" });
    assert_eq!(with(&[0x80, 0]), DecodeError::Damaged { at: 11, what: "a number longer than it need be" });
    assert_eq!(with(&[0, 0, 1, 0, 0]), DecodeError::Damaged { at: 14, what: "no protocol has that place" });
    assert_eq!(with(&[0, 0, 0x81, 4]), DecodeError::Damaged { at: 13, what: "more claims than are kept" });
    assert_eq!(
        with(&[0, 0, 0, 1, 5]).to_string(),
        "a stored endpoint is damaged at byte 14 (neither IPv4 nor IPv6): restore it from a backup"
    );
}

#[test]
fn the_largest_subject_goes_there_and_back() {
    let mut records: Vec<Record> =
        (0..600).map(|n| fact(R, Attribute::SopClass, &"é".repeat(n), Protocol::Dicom)).collect();
    records.extend((0..70_000_u32).map(|n| routed(R, &std::net::Ipv4Addr::from(n << 8).to_string())));
    let subject = folded(&records)[&key(R)].clone();
    assert_eq!((subject.claims.len(), subject.bindings.len()), (CLAIMS_MAX, BOUND_ADDRESSES_MAX));
    assert_eq!(Subject::from_bytes(&bytes_of(&subject)).unwrap(), subject);
}

#[test]
fn times_at_the_ends_of_the_range_go_there_and_back() {
    let mut subject = Subject::default();
    assert_eq!(Subject::from_bytes(&bytes_of(&subject)).unwrap(), subject);
    subject.last_seen = Timestamp::MAX;
    subject.first_seen = Timestamp::ZERO;
    subject.address_conflicts.push(("x".into(), Timestamp::from_nanos(u64::MAX / 2 + 1)));
    assert_eq!(Subject::from_bytes(&bytes_of(&subject)).unwrap(), subject);
}

proptest! {
    #[test]
    fn what_was_written_is_read(records in records()) {
        for subject in folded(&records).values() {
            prop_assert_eq!(&Subject::from_bytes(&bytes_of(subject)).unwrap(), subject);
        }
    }

    #[test]
    fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(subject) = Subject::from_bytes(&[&[VERSION][..], &bytes].concat()) {
            prop_assert_eq!(Subject::from_bytes(&bytes_of(&subject)).unwrap(), subject);
        }
    }
}

/// Writes the golden file and the fuzz target's seeds.
#[test]
#[ignore = "writes files: run it when the layout gets a new version"]
fn write_samples() {
    let home = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::write(home.join("golden/v1/subject.hex"), hex(&bytes_of(&whole()))).unwrap();
    let seeds = home.join("../../fuzz/seeds/subject");
    std::fs::create_dir_all(&seeds).unwrap();
    let router: Vec<Record> = (1..40).map(|n| routed(R, &format!("10.7.{n}.1"))).collect();
    let peer = [flow("8.8.8.8", "10.0.0.1", [3, 0])];
    let samples = [
        ("whole", whole()),
        ("nothing", Subject::default()),
        ("router", folded(&router)[&key(R)].clone()),
        ("peer", folded(&peer)[&key("8.8.8.8")].clone()),
    ];
    for (name, subject) in samples {
        std::fs::write(seeds.join(name), bytes_of(&subject)).unwrap();
    }
}
