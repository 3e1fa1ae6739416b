use super::*;
use crate::{Error, Probe};
use model::MacAddr;

/// PcapPlusPlus `IcmpV6_NeighAdvSoli` (Unlicense): duplicate address detection, and the advertisement after it.
const DAD: &[u8] = b"\x87\x00\x67\x3c\0\0\0\0\xfe\x80\0\0\0\0\0\0\xc0\x00\x54\xff\xfe\xf5\x00\x00";
const ADVERTISEMENT: &[u8] =
    b"\x88\x00\x9a\xbb\xa0\0\0\0\xfe\x80\0\0\0\0\0\0\xc0\x00\x54\xff\xfe\xf5\x00\x00\
    \x02\x01\xc2\x00\x54\xf5\x00\x00";

/// From tcpdump's `icmpv6` capture (BSD-3-Clause): prefix, two DNS servers, search list, MTU, link address, intervals.
const ROUTER: &[u8] = b"\x86\x00\x24\x01\x40\x20\x00\x0f\0\0\0\0\0\0\0\0\
    \x03\x04\x48\xc0\x00\x27\x8d\x00\x00\x09\x3a\x80\0\0\0\0\x22\x22\x33\x33\x44\x44\x55\x55\x66\x00\0\0\0\0\0\0\
    \x19\x05\0\0\0\0\0\x05\xab\xcd\0\0\0\0\0\0\0\0\0\0\0\0\xef\xef\x12\x34\x56\x78\0\0\0\0\0\0\0\0\0\0\0\x01\
    \x1f\x07\0\0\0\0\0\x05\x07example\x03com\0\x07example\x03org\0\x04dom1\x04dom2\x03tld\0\0\0\0\0\0\0\0\
    \x05\x01\0\0\0\0\0\x64\x01\x01\xb0\x99\x28\xc8\xd6\x6c\x07\x01\0\0\0\0\x13\x88\x08\x01\0\0\xc3\x51\x00\x0f";

/// The same capture: a report of four groups.
const REPORT: &[u8] = b"\x8f\x00\x2a\x0e\0\0\0\x04\
    \x02\0\0\0\xff\x02\0\0\0\0\0\0\0\0\x0d\xb8\x11\x22\x33\x44\
    \x02\0\0\0\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\xcc\xe5\x46\
    \x02\0\0\0\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\xa7\x10\xad\
    \x02\0\0\0\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\x00\x00\x02";

/// PcapPlusPlus `IcmpPackets` (Unlicense): a redirect with the packet that gave rise to it.
const REDIRECT: &[u8] = b"\x05\x01\x38\x3e\x0a\x02\x63\x62\x45\x00\x00\x3c\x3a\0\0\0\x1f\x01\xfc\xb3\
    \x0a\x02\x0a\x02\x0a\x03\x47\x07\x08\x00\x1a\x5c\x02\x00\x31\x00";

const ROUTER_MAC: MacAddr = MacAddr::new([0xc2, 0x00, 0x54, 0xf5, 0x00, 0x00]);

fn address(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

#[test]
fn reads_duplicate_address_detection() {
    let Ok(V6::NeighborSolicitation { target, options }) = parse_v6(DAD) else { panic!("not read") };
    assert_eq!(target, address("fe80::c000:54ff:fef5:0"));
    assert_eq!(options.iter().count(), 0);
}

#[test]
fn reads_a_neighbor_advertisement() {
    let Ok(V6::NeighborAdvertisement(na)) = parse_v6(ADVERTISEMENT) else { panic!("not read") };
    assert_eq!((na.router, na.solicited, na.overrides), (true, false, true));
    assert_eq!(na.target, address("fe80::c000:54ff:fef5:0"));
    assert_eq!(na.options.target_link_address(), Some(ROUTER_MAC));
    assert_eq!(na.options.source_link_address(), None);
}

#[test]
fn reads_a_router_advertisement_with_its_options() {
    let Ok(V6::RouterAdvertisement(ra)) = parse_v6(ROUTER) else { panic!("not read") };
    assert_eq!((ra.hop_limit, ra.managed, ra.other, ra.lifetime_s), (64, false, false, 15));
    let options: Vec<_> = ra.options.iter().collect();
    let prefix = Prefix {
        length_bits: 72,
        on_link: true,
        autonomous: true,
        address: address("2222:3333:4444:5555:6600::"),
    };
    assert_eq!(options[0], NdOption::PrefixInformation(prefix));
    assert_eq!(
        options[1].dns_servers().collect::<Vec<_>>(),
        [address("abcd::efef"), address("1234:5678::1")]
    );
    assert_eq!(options[2], NdOption::Other(31));
    assert_eq!(options[3], NdOption::MtuBytes(100));
    assert_eq!(ra.options.source_link_address(), Some(MacAddr::new([0xb0, 0x99, 0x28, 0xc8, 0xd6, 0x6c])));
    assert_eq!(options.len(), 7);
    assert_eq!(options[3].dns_servers().count(), 0);
}

#[test]
fn counts_the_records_of_a_listener_report() {
    assert_eq!(parse_v6(REPORT), Ok(V6::ListenerReportV2 { records: 4 }));
    let query = b"\x82\x00\x62\x3a\x27\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x3c\0\0";
    assert_eq!(parse_v6(query), Ok(V6::ListenerQuery { group: Ipv6Addr::UNSPECIFIED }));
}

#[test]
fn reads_icmp_and_not_what_it_quotes() {
    assert_eq!(parse_v4(REDIRECT), Ok(V4::Redirect { gateway: Ipv4Addr::new(10, 2, 99, 98) }));
    assert_eq!(
        parse_v4(b"\x08\x00\0\0\x12\x34\x00\x07patient"),
        Ok(V4::Echo { identifier: 0x1234, sequence: 7 })
    );
    let verb = |kind: u8, code: u8| parse_v4(&[kind, code, 0, 0, 0, 0, 0, 0]).unwrap().verb();
    assert_eq!(verb(3, 3), "PORT-UNREACHABLE");
    assert_eq!(verb(3, 13), "PROHIBITED");
    assert_eq!(verb(3, 200), "UNREACHABLE");
    assert_eq!(verb(11, 0), "TIME-EXCEEDED");
    assert_eq!(verb(42, 0), "OTHER");
    let verb = |kind: u8, code: u8| parse_v6(&[kind, code, 0, 0, 0, 0, 0, 0]).unwrap().verb();
    assert_eq!(verb(1, 4), "PORT-UNREACHABLE");
    assert_eq!(verb(1, 1), "PROHIBITED");
    assert_eq!(verb(2, 0), "PACKET-TOO-BIG");
    assert_eq!(verb(139, 0), "OTHER");
}

/// A cut between two options cannot be told from a shorter message: what is read must then be the same, less the rest.
#[test]
fn every_prefix_is_an_error_or_the_same_with_fewer_options() {
    for whole in [DAD, ADVERTISEMENT, ROUTER] {
        let all = options_of(parse_v6(whole).unwrap());
        for cut in 0..whole.len() {
            match parse_v6(&whole[..cut]) {
                Ok(message) => assert!(all.starts_with(&options_of(message)), "{cut} bytes"),
                Err(error) => assert!(matches!(error, Error::Truncated { .. }), "{cut} bytes: {error}"),
            }
        }
    }
    for cut in 0..REPORT.len() {
        let read = parse_v6(&REPORT[..cut]);
        assert!(matches!(read, Err(Error::Truncated { .. })), "{cut} bytes: {read:?}");
    }
    for cut in 0..8 {
        let read = parse_v4(&REDIRECT[..cut]);
        assert!(matches!(read, Err(Error::Truncated { .. })), "{cut} bytes: {read:?}");
    }
}

fn options_of(message: V6<'_>) -> Vec<NdOption<'_>> {
    match message {
        V6::NeighborSolicitation { options, .. } => options.iter().collect(),
        V6::NeighborAdvertisement(na) => na.options.iter().collect(),
        V6::RouterAdvertisement(ra) => ra.options.iter().collect(),
        other => panic!("{other:?} has no options"),
    }
}

#[test]
fn discards_what_the_standard_discards() {
    let solicitation = |tail: &[u8]| [DAD, tail].concat();
    let zero_length = solicitation(&[1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(parse_v6(&zero_length), Err(Error::Malformed { what: "option length", at: 25 }));
    let beyond_the_end = solicitation(&[1, 255, 0, 0, 0, 0, 0, 0]);
    assert_eq!(parse_v6(&beyond_the_end), Err(Error::Truncated { what: "option", at: 26 }));
    let mut group = DAD.to_vec();
    group[8] = 0xff;
    assert_eq!(parse_v6(&group), Err(Error::Malformed { what: "target address", at: 8 }));
    let mut code = DAD.to_vec();
    code[1] = 1;
    assert_eq!(parse_v6(&code), Err(Error::Malformed { what: "code", at: 1 }));
}

#[test]
fn bounds_what_input_can_grow() {
    let option = [14u8, 1, 0, 0, 0, 0, 0, 0];
    assert!(parse_v6(&[DAD, &option.repeat(ND_OPTIONS_MAX)].concat()).is_ok());
    let read = parse_v6(&[DAD, &option.repeat(ND_OPTIONS_MAX + 1)].concat()).map(drop);
    assert_eq!(read, Err(Error::Limit { what: "options", max: ND_OPTIONS_MAX }));
    let read = parse_v6(b"\x8f\0\0\0\0\0\xff\xff");
    assert_eq!(read, Err(Error::Limit { what: "number of records", max: MLD_RECORDS_MAX }));
    let sources = [b"\x8f\0\0\0\0\0\0\x01\x01\xff\xff\xff".as_slice(), &[0xff; 16]].concat();
    assert!(matches!(parse_v6(&sources), Err(Error::Truncated { .. })));
}

#[test]
fn an_address_of_another_link_type_is_no_mac() {
    let infiniband = [DAD, &[1, 3], &[7; 22]].concat();
    let Ok(V6::NeighborSolicitation { options, .. }) = parse_v6(&infiniband) else { panic!("not read") };
    assert_eq!(options.iter().collect::<Vec<_>>(), [NdOption::Other(1)]);
}

#[test]
fn probes_by_content() {
    // By hand: 0x0800 + 0xf7fe + 0x0001 = 0xffff.
    assert_eq!(probe_v4(b"\x08\x00\xf7\xfe\x00\x00\x00\x01"), Probe::Certain);
    assert_eq!(probe_v4(b"\x08\x00\xf7\xfe\x00\x00\x00\x02"), Probe::Unsure);
    assert_eq!(probe_v4(REDIRECT), Probe::Certain);
    assert_eq!(probe_v4(&[0; 64]), Probe::Unsure);
    assert_eq!(probe_v4(b"GET / HTTP/1.1"), Probe::NotForUs);
    assert_eq!(probe_v6(ADVERTISEMENT), Probe::Certain);
    assert_eq!(probe_v6(ROUTER), Probe::Certain);
    assert_eq!(probe_v6(DAD), Probe::Unsure);
    assert_eq!(probe_v6(&[0xff; 64]), Probe::NotForUs);
    assert_eq!(probe_v6(b"GET / HTTP/1.1"), Probe::NotForUs);
    assert_eq!(probe_v6(&ROUTER[..10]), Probe::Unsure);
}
