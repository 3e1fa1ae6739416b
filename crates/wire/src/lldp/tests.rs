use super::*;
use crate::{Error, Probe};

/// Zeek's `lldp` capture (BSD-3-Clause): a small office switch, with the trailer and frame check sequence behind it.
const SWITCH: &[u8] = b"\x02\x07\x04\x00\x22\x2d\x81\xdb\x10\x04\x02\x071\x06\x02\x00\x78\x08\x07Port #1\
    \x0a\x0dSMCGS8P-Smart\x0c\x23SMCGS8P-Smart - SMCGS8P-Smart v3.20\x0e\x04\x00\x04\x00\x04\
    \x10\x0c\x05\x01\xc0\xa8\x02\x0a\x02\0\0\0\x01\0\0\0\xbb\x14\x27\x2c";
/// Where the trailer of [`SWITCH`] begins.
const SWITCH_END: usize = SWITCH.len() - 6;

/// Made by hand: the mandatory three of a bedside hub.
const HUB: &[u8] = b"\x02\x07\x04\x02\0\0\0\0\x07\x04\x05\x05eth0\x06\x02\x00\x78";

fn hub_with(tlvs: &[&[u8]]) -> Vec<u8> {
    [HUB, &tlvs.concat(), b"\0\0"].concat()
}

fn organization(oui: [u8; 3], subtype: u8, value: &[u8]) -> Vec<u8> {
    [&[0xfe, 4 + value.len() as u8], &oui[..], &[subtype], value].concat()
}

fn tlvs(bytes: &[u8]) -> Vec<Tlv<'_>> {
    parse(bytes).unwrap().tlvs.iter().collect()
}

#[test]
fn reads_a_switch() {
    let message = parse(SWITCH).unwrap();
    assert_eq!(message.chassis, Id::Mac(MacAddr::new([0x00, 0x22, 0x2d, 0x81, 0xdb, 0x10])));
    assert_eq!(message.port, Id::Local(b"1"));
    assert_eq!(message.ttl_s, 120);
    let bridge = Capabilities(4);
    assert_eq!(
        message.tlvs.iter().collect::<Vec<_>>(),
        [
            Tlv::PortDescription(b"Port #1"),
            Tlv::SystemName(b"SMCGS8P-Smart"),
            Tlv::SystemDescription(b"SMCGS8P-Smart - SMCGS8P-Smart v3.20"),
            Tlv::Capabilities { supported: bridge, enabled: bridge },
            Tlv::ManagementAddress(Management::Ip("192.168.2.10".parse().unwrap())),
        ]
    );
    assert_eq!(bridge.words().collect::<Vec<_>>(), ["bridge"]);
}

#[test]
fn reads_the_type_plate_of_an_endpoint() {
    const MED: [u8; 3] = [0x00, 0x12, 0xbb];
    let plates: Vec<Vec<u8>> = (5..=11).map(|n| organization(MED, n, &[b'a' + n - 5])).collect();
    let plates: Vec<&[u8]> = plates.iter().map(Vec::as_slice).collect();
    let bytes = hub_with(&[&organization(MED, 1, &[0, 0x21, 1]), &plates.concat()]);
    let read = tlvs(&bytes);
    assert_eq!(read[0], Tlv::MedCapabilities { capabilities: 0x21, class: 1 });
    assert_eq!(read[1], Tlv::MedInventory(Inventory::HardwareRevision, b"a"));
    assert_eq!(read[4], Tlv::MedInventory(Inventory::SerialNumber, b"d"));
    assert_eq!(read[7], Tlv::MedInventory(Inventory::AssetId, b"g"));
    assert_eq!(read.len(), 8);
}

#[test]
fn reads_where_it_stands() {
    const MED: [u8; 3] = [0x00, 0x12, 0xbb];
    let civic = organization(MED, 3, b"\x02\x0e\x01IE\x1b\x013\x1c\x06ICU-12");
    let elin = organization(MED, 3, b"\x03+3531234567");
    let bytes = hub_with(&[&civic, &elin]);
    let read = tlvs(&bytes);
    let Tlv::MedLocation(Location::Civic { country, elements }) = read[0] else { panic!("{:?}", read[0]) };
    assert_eq!(country, b"IE");
    assert_eq!(elements.iter().collect::<Vec<_>>(), [(27, &b"3"[..]), (28, b"ICU-12")]);
    assert_eq!(read[1], Tlv::MedLocation(Location::Elin(b"+3531234567")));
}

#[test]
fn reads_coordinates() {
    let fixed = |degrees: f64| ((degrees * (1u64 << 25) as f64) as i64 as u128) & 0x3_ffff_ffff;
    let bits = |lat, lon| (18u128 << 122) | (fixed(lat) << 88) | (18u128 << 82) | (fixed(lon) << 48);
    let read = |bits: u128| {
        let value = [&[1], &bits.to_be_bytes()[..]].concat();
        let bytes = hub_with(&[&organization([0x00, 0x12, 0xbb], 3, &value)]);
        match parse(&bytes).unwrap().tlvs.iter().next() {
            Some(Tlv::MedLocation(Location::Coordinates(c))) => {
                Some((c.latitude_degrees(), c.longitude_degrees()))
            }
            _ => None,
        }
    };
    assert_eq!(read(bits(-33.5, 151.25)), Some((-33.5, 151.25)));
    assert_eq!(read(bits(53.25, -6.5)), Some((53.25, -6.5)));
    assert_eq!(read(bits(91.0, 0.0)), None);
    assert_eq!(read(0), None);
}

#[test]
fn reads_the_vlan_and_the_link() {
    let bytes = hub_with(&[
        &organization([0x00, 0x80, 0xc2], 1, &[0, 20]),
        &organization([0x00, 0x80, 0xc2], 3, b"\x00\x14\x06biomed"),
        &organization([0x00, 0x12, 0x0f], 1, &[3, 0xec, 3, 0, 16]),
        &organization([0x00, 0x12, 0x0f], 4, &[5, 0xee]),
        &organization([0x00, 0x0e, 0xcf], 5, &[0; 6]),
    ]);
    assert_eq!(
        tlvs(&bytes),
        [
            Tlv::PortVlan(20),
            Tlv::VlanName { vlan: 20, name: b"biomed" },
            Tlv::MacPhy { auto_negotiation: 3, mau_type: 16 },
            Tlv::MaximumFrameBytes(1518),
            Tlv::Other(127),
        ]
    );
}

#[test]
fn a_contradiction_in_an_optional_tlv_costs_only_itself() {
    let bytes = hub_with(&[b"\x10\x02\x05\x01", b"\x0e\x02\x00\x04", b"\xfe\x02\x00\x80", b"\x0a\x03hub"]);
    let other = [Tlv::Other(8), Tlv::Other(7), Tlv::Other(127)];
    let read = tlvs(&bytes);
    assert_eq!(read[..3], other);
    assert_eq!(read[3..], [Tlv::SystemName(b"hub")]);
    let civic = organization([0x00, 0x12, 0xbb], 3, b"\x02\xff\x01IE\x1b\x013");
    assert_eq!(tlvs(&hub_with(&[&civic])), [Tlv::Other(127)]);
}

#[test]
fn ids_are_read_by_their_subtype() {
    let chassis = |value: &[u8]| {
        let head = [&[2, value.len() as u8], value, &HUB[9..]].concat();
        parse(&head).map(|m| format!("{:?}", m.chassis))
    };
    assert_eq!(chassis(b"\x05\x01\x0a\x00\x00\x07"), Ok("Ip(10.0.0.7)".to_owned()));
    assert_eq!(chassis(b"\x05\x06ab"), Ok("Local([6, 97, 98])".to_owned()));
    assert_eq!(chassis(b"\x06x"), Ok("Name([120])".to_owned()));
    let invalid = Err(Error::Malformed { what: "chassis ID", at: 0 });
    assert_eq!(chassis(b"\x04abc"), invalid, "a MAC of three octets");
    assert_eq!(chassis(b"\x00abc"), invalid, "a reserved subtype");
    assert_eq!(chassis(b"\x07"), invalid, "no value");
}

/// A cut between two TLVs cannot be told from a shorter LLDPDU: what is read must then be the same, less the rest.
#[test]
fn every_prefix_is_an_error_or_the_same_with_fewer_tlvs() {
    let all = tlvs(SWITCH);
    for cut in 0..SWITCH_END {
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
    let wrong_order = [&SWITCH[9..13], &SWITCH[..9], &SWITCH[13..]].concat();
    assert_eq!(parse(&wrong_order), Err(Error::Malformed { what: "chassis ID", at: 0 }));
    let without_ttl = [&SWITCH[..13], b"\0\0"].concat();
    assert_eq!(parse(&without_ttl), Err(Error::Malformed { what: "time to live", at: 13 }));
    let past_the_end = [HUB, b"\x0b\xffx"].concat();
    assert_eq!(parse(&past_the_end), Err(Error::Truncated { what: "TLV", at: 22 }));
    let flood = [HUB, &b"\x08\x00".repeat(TLVS_MAX)].concat();
    assert_eq!(parse(&flood), Err(Error::Limit { what: "TLVs", max: TLVS_MAX }));
    assert_eq!(parse(&[0xff; 64]), Err(Error::Malformed { what: "chassis ID", at: 0 }));
}

#[test]
fn probes_by_content() {
    assert_eq!(probe(SWITCH), Probe::Certain);
    assert_eq!(probe(HUB), Probe::Certain);
    assert_eq!(probe(&HUB[..12]), Probe::Unsure);
    assert_eq!(probe(b"GET / HTTP/1.1"), Probe::NotForUs);
    assert_eq!(probe(b"\x02\x00\x04"), Probe::NotForUs);
    // DNS answers and STX-framed serial protocols may begin alike.
    assert_eq!(probe(b"\x02\x07\x0412345678\x03"), Probe::NotForUs);
    assert_eq!(probe(&[0; 64]), Probe::NotForUs);
}
