use super::*;
use crate::{Error, Probe};

/// From tcpdump's `3560_CDP` capture (BSD-3-Clause), its software version cut to one line.
const SWITCH: &[u8] = b"\x02\xb4\xb0\xbd\x00\x01\x00\x0aSwitch\x00\x05\x00\x12C3560 12.2(25)\
    \x00\x06\x00\x18cisco WS-C3560G-24PS\x00\x02\x00\x11\0\0\0\x01\x01\x01\xcc\x00\x04\xc0\xa8\x00\x01\
    \x00\x03\x00\x16GigabitEthernet0/5\x00\x04\x00\x08\0\0\0\x28\
    \x00\x08\x00\x24\x00\x00\x0c\x01\x12\0\0\0\0\xff\xff\xff\xff\x01\x02\x21\xff\0\0\0\0\0\0\x00\x19\x06\xea\xb8\x80\xff\0\0\
    \x00\x09\x00\x07Lab\x00\x0a\x00\x06\x00\x01\x00\x0b\x00\x05\x01\x00\x12\x00\x05\x00\x00\x13\x00\x05\x00\
    \x00\x16\x00\x11\0\0\0\x01\x01\x01\xcc\x00\x04\xc0\xa8\x00\x01\x00\x1a\x00\x10\0\0\0\x01\0\0\0\0\xff\xff\xff\xff";

const HEAD: &[u8] = b"\x02\xb4\0\0";

fn tlvs(bytes: &[u8]) -> Vec<Tlv<'_>> {
    parse(bytes).unwrap().tlvs.iter().collect()
}

fn tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(4 + value.len() as u16).to_be_bytes(), value].concat()
}

fn addresses(of: Tlv<'_>) -> Vec<String> {
    match of {
        Tlv::Addresses(addresses) | Tlv::ManagementAddresses(addresses) => {
            addresses.iter().map(|ip| ip.to_string()).collect()
        }
        other => panic!("{other:?} has no addresses"),
    }
}

#[test]
fn reads_a_switch() {
    let message = parse(SWITCH).unwrap();
    assert_eq!((message.version, message.ttl_s), (2, 180));
    let read: Vec<_> = message.tlvs.iter().collect();
    assert_eq!(read[0], Tlv::DeviceId(b"Switch"));
    assert_eq!(read[1], Tlv::SoftwareVersion(b"C3560 12.2(25)"));
    assert_eq!(read[2], Tlv::Platform(b"cisco WS-C3560G-24PS"));
    assert_eq!(addresses(read[3]), ["192.168.0.1"]);
    assert_eq!(read[4], Tlv::PortId(b"GigabitEthernet0/5"));
    assert_eq!(read[5], Tlv::Capabilities(Capabilities(0x28)));
    assert_eq!(read[6], Tlv::Other(8));
    assert_eq!(read[7], Tlv::Other(9));
    assert_eq!(read[8], Tlv::NativeVlan(1));
    assert_eq!(read[9], Tlv::Duplex(Duplex::Full));
    assert_eq!(addresses(read[12]), ["192.168.0.1"]);
    assert_eq!(read.len(), 14);
    assert_eq!(Capabilities(0x28).words().collect::<Vec<_>>(), ["switch", "igmp"]);
}

#[test]
fn reads_what_phones_and_newer_switches_add() {
    let bytes = [
        HEAD,
        &tlv(0x0010, &[0x18, 0x9c]),
        &tlv(0x0014, b"sw-icu-2"),
        &tlv(0x0017, b"\x00Closet 3B"),
        &tlv(0x000b, &[0]),
        &tlv(0x1003, b"x"),
    ]
    .concat();
    assert_eq!(
        tlvs(&bytes),
        [
            Tlv::PowerConsumptionMilliwatts(6300),
            Tlv::SystemName(b"sw-icu-2"),
            Tlv::Location(b"Closet 3B"),
            Tlv::Duplex(Duplex::Half),
            Tlv::Other(0x1003),
        ]
    );
}

#[test]
fn reads_addresses_of_both_families_and_passes_over_others() {
    let list = b"\0\0\0\x03\x02\x08\xaa\xaa\x03\0\0\0\x86\xdd\x00\x10\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\
        \x01\x01\x81\x00\x02\x49\x00\x01\x01\xcc\x00\x04\x0a\x00\x00\x07";
    let bytes = [HEAD, &tlv(2, list)].concat();
    assert_eq!(addresses(tlvs(&bytes)[0]), ["fe80::1", "10.0.0.7"]);
}

#[test]
fn a_count_of_addresses_is_not_believed() {
    let one = b"\x01\x01\xcc\x00\x04\x0a\x00\x00\x07";
    let boundless = [HEAD, &tlv(2, &[b"\xff\xff\xff\xff".as_slice(), one].concat())].concat();
    assert_eq!(addresses(tlvs(&boundless)[0]), ["10.0.0.7"]);
    let many =
        [HEAD, &tlv(2, &[b"\xff\xff\xff\xff".to_vec(), one.repeat(ADDRESSES_MAX + 1)].concat())].concat();
    assert_eq!(addresses(tlvs(&many)[0]).len(), ADDRESSES_MAX);
    let cut = [HEAD, &tlv(2, b"\0\0\0\x01\x01\x01\xcc\xff\xff\x0a")].concat();
    assert!(addresses(tlvs(&cut)[0]).is_empty());
}

/// A cut between two TLVs cannot be told from a shorter message: what is read must then be the same, less the rest.
#[test]
fn every_prefix_is_an_error_or_the_same_with_fewer_tlvs() {
    let all = tlvs(SWITCH);
    for cut in 0..SWITCH.len() {
        match parse(&SWITCH[..cut]) {
            Ok(message) => {
                let read: Vec<_> = message.tlvs.iter().collect();
                assert!(all.starts_with(&read), "{cut} bytes: {read:?}");
            }
            Err(error) => assert!(matches!(error, Error::Truncated { .. }), "{cut} bytes: {error}"),
        }
    }
}

#[test]
fn refuses_what_is_not_its_own() {
    assert_eq!(parse(b"\x03\xb4\0\0"), Err(Error::Malformed { what: "version", at: 0 }));
    let short = [HEAD, &[0, 1, 0, 3]].concat();
    assert_eq!(parse(&short), Err(Error::Malformed { what: "TLV length", at: 6 }));
    let zero = [HEAD, &[0; 64]].concat();
    assert_eq!(parse(&zero), Err(Error::Malformed { what: "TLV length", at: 6 }));
    let past_the_end = [HEAD, &[0, 1, 0xff, 0xff]].concat();
    assert_eq!(parse(&past_the_end), Err(Error::Truncated { what: "TLV", at: 8 }));
    let flood = [HEAD, &tlv(9, b"").repeat(TLVS_MAX + 1)].concat();
    assert_eq!(parse(&flood), Err(Error::Limit { what: "TLVs", max: TLVS_MAX }));
}

#[test]
fn a_value_that_contradicts_its_type_costs_only_itself() {
    let bytes = [HEAD, &tlv(4, &[0]), &tlv(10, &[]), &tlv(2, &[0]), &tlv(1, b"sw")].concat();
    assert_eq!(tlvs(&bytes), [Tlv::Other(4), Tlv::Other(10), Tlv::Other(2), Tlv::DeviceId(b"sw")]);
}

#[test]
fn probes_by_content() {
    assert_eq!(probe(SWITCH), Probe::Certain);
    assert_eq!(probe(&SWITCH[..20]), Probe::Unsure);
    assert_eq!(probe(b"GET / HTTP/1.1"), Probe::NotForUs);
    assert_eq!(probe(&[0; 64]), Probe::NotForUs);
    assert_eq!(probe(&[0xff; 64]), Probe::NotForUs);
    // RADIUS: code, identifier, length, authenticator.
    assert_eq!(probe(b"\x01\x00\x00\x38\x0f\x40\x3f\x94\x73\x97\x80\x57"), Probe::NotForUs);
}
