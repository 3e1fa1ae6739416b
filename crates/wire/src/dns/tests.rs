use super::*;
use crate::{Error, Framed, Probe};
use std::net::Ipv4Addr;

/// zeek dns/dynamic-update.pcap, packet 3 (BSD-3): a client updates its A record.
const UPDATE: &str = "ef07280000010001000300000953747261746f4c6162036f72670000060001054e57696e310953747261746f4c6162036f7267\
    00000500fe000000000000c01f001c00ff000000000000c01f000100ff000000000000c01f00010001000004b00004c0a80169";
/// zeek wikipedia.pcap, packet 3 (BSD-3): mDNS response with SRV, AAAA, A and NSEC.
const MDNS: &str = "0000840000000001000000040667656d696e69095f736674702d737368045f746370056c6f63616c0000218001000000780\
    00f0000000000160667656d696e69c022c039001c8001000000780010fe800000000000000217f2fffed7cf65c039000180010000007800\
    048d8edc32c00c002f8001000000780009c00c00050000800040c039002f8001000000780008c039000440000008";
/// PcapPlusPlus DNS_NXDomain.pcap (Unlicense).
const NXDOMAIN: &str = "7e518183000100000000000003687462056c6f63616c0000010001";
/// zeek smb_v2_only_non_zero_reserved1.pcap, packet 132 (BSD-3): LLMNR answers a reverse question.
const REVERSE: &str = "380580000001000100000000023137033131320233310331373207696e2d61646472046172706100000c00010231370331\
    31320233310331373207696e2d61646472046172706100000c00010000001e00110f57494e2d4938324238314e534c4c4a00";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter_map(|c| char::from(c).to_digit(16).map(|d| d as u8)).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn dotted(name: Name<'_>) -> String {
    name.labels().map(|label| String::from_utf8_lossy(label).into_owned()).collect::<Vec<_>>().join(".")
}

/// A header with these counts and flags, followed by `rest`.
fn message(flags: u16, counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34];
    bytes.extend(flags.to_be_bytes());
    counts.iter().for_each(|count| bytes.extend(count.to_be_bytes()));
    bytes.extend(rest);
    bytes
}

#[test]
fn reads_an_update() {
    let bytes = hex(UPDATE);
    let update = parse(&bytes).unwrap();
    assert_eq!((update.id, update.flags.opcode(), update.verb()), (0xef07, Opcode::Update, "UPDATE"));
    let zone = update.questions().next().unwrap();
    assert_eq!((dotted(zone.name).as_str(), zone.kind), ("StratoLab.org", RecordType::SOA));
    let sections: Vec<_> = update.records().map(|r| (r.section, r.kind.0, r.class)).collect();
    assert_eq!(
        sections,
        [
            (Section::Answer, 5, 254),
            (Section::Authority, 28, 255),
            (Section::Authority, 1, 255),
            (Section::Authority, 1, 1)
        ]
    );
    let last = update.records().last().unwrap();
    assert_eq!(dotted(last.name), "NWin1.StratoLab.org");
    assert_eq!(last.data(), Ok(Data::A(Ipv4Addr::new(192, 168, 1, 105))));
    assert_eq!(last.ttl_s, 1200);
}

#[test]
fn reads_a_multicast_response_with_compressed_names() {
    let bytes = hex(MDNS);
    let response = parse(&bytes).unwrap();
    assert_eq!(response.verb(), "RESPONSE NOERROR");
    let records: Vec<_> = response.records().collect();
    assert_eq!(dotted(records[0].name), "gemini._sftp-ssh._tcp.local");
    let Ok(Data::Srv { port: 22, target }) = records[0].data() else { panic!("{:?}", records[0].data()) };
    assert_eq!(dotted(target), "gemini.local");
    assert!(records[2].name.is(target) && !records[0].name.is(target));
    assert_eq!(records[2].data(), Ok(Data::A(Ipv4Addr::new(141, 142, 220, 50))));
    assert!(records[2].is_internet());
    assert_eq!(records.len(), 5);
    assert_eq!(records[4].section, Section::Additional);
}

#[test]
fn names_compare_without_case_and_reverse_names_name_their_address() {
    let bytes = hex(REVERSE);
    let reverse = parse(&bytes).unwrap();
    let name = reverse.questions().next().unwrap().name;
    assert!(name.is_reverse_of("172.31.112.17".parse().unwrap()));
    assert!(!name.is_reverse_of("172.31.112.16".parse().unwrap()));
    assert!(!name.is_reverse_of("::1".parse().unwrap()));
    let Ok(Data::Ptr(host)) = reverse.records().next().unwrap().data() else { panic!("no PTR") };
    assert_eq!(dotted(host), "WIN-I82B81NSLLJ");

    let upper = message(0, [1, 0, 0, 0], b"\x06GEMINI\x05local\0\0\x01\0\x01");
    let lower = message(0, [1, 0, 0, 0], b"\x06gemini\x05LOCAL\0\0\x01\0\x01");
    let name = |bytes| parse(bytes).unwrap().questions().next().unwrap().name;
    assert!(name(&upper).is(name(&lower)));

    let mut nibbles = Vec::new();
    for nibble in (0..32).map(|n| if n == 0 { '1' } else { '0' }) {
        nibbles.extend([1, nibble as u8]);
    }
    nibbles.extend(b"\x03ip6\x04arpa\0\0\x0c\0\x01");
    let six = message(0, [1, 0, 0, 0], &nibbles);
    assert!(name(&six).is_reverse_of("::1".parse().unwrap()));
    assert!(!name(&six).is_reverse_of("::2".parse().unwrap()));
}

#[test]
fn every_prefix_is_refused() {
    for text in [UPDATE, MDNS, NXDOMAIN, REVERSE] {
        let whole = hex(text);
        for cut in 0..whole.len() {
            assert!(matches!(parse(&whole[..cut]), Err(Error::Truncated { .. })), "{cut} bytes of {text}");
        }
        parse(&whole).unwrap();
    }
}

#[test]
fn a_truncated_answer_keeps_its_whole_records() {
    let mut bytes = hex(REVERSE);
    bytes[2] |= 0x02; // TC
    let cut = bytes.len() - 3;
    let reply = parse(&bytes[..cut]).unwrap();
    assert_eq!(reply.questions().count(), 1);
    assert_eq!(reply.records().count(), 0);
}

#[test]
fn over_tcp_every_prefix_asks_for_more_and_long_transfers_are_skipped() {
    let body = hex(UPDATE);
    let mut stream = (body.len() as u16).to_be_bytes().to_vec();
    stream.extend(&body);
    for cut in 0..stream.len() {
        let Ok(Framed::Partial { need }) = parse_tcp(&stream[..cut]) else { panic!("{cut} bytes") };
        assert!(need > cut && need <= stream.len());
    }
    stream.extend(&body);
    let Ok(Framed::Whole { message, length }) = parse_tcp(&stream) else { panic!("not whole") };
    assert_eq!((message.verb(), length), ("UPDATE", 2 + body.len()));

    // A transfer of 60,000 bytes with one question and 1,000 records: the first 4 KiB are enough.
    let mut transfer = 60_000u16.to_be_bytes().to_vec();
    transfer.extend(self::message(0x8400, [1, 1000, 0, 0], b"\x01z\0\0\xfc\0\x01"));
    assert_eq!(parse_tcp(&transfer), Ok(Framed::Partial { need: 2 + TCP_WHOLE_BYTES_MAX }));
    transfer.resize(2 + TCP_WHOLE_BYTES_MAX, 0);
    let Ok(Framed::Whole { message, length }) = parse_tcp(&transfer) else { panic!("not whole") };
    assert_eq!(length, 60_002);
    assert_eq!(message.questions().next().unwrap().kind, RecordType::AXFR);
    assert_eq!(parse_tcp(&[0, 3, 1]), Err(Error::Malformed { what: "message length", at: 0 }));
}

#[test]
fn pointers_that_loop_or_run_forward_are_refused() {
    let malformed = |at| Err(Error::Malformed { what: "compression pointer", at });
    // To itself; forward; into the header.
    assert_eq!(parse(&message(0, [1, 0, 0, 0], b"\xc0\x0c\0\x01\0\x01")), malformed(12));
    assert_eq!(parse(&message(0, [1, 0, 0, 0], b"\xc0\x0e\0\x01\0\x01")), malformed(12));
    assert_eq!(parse(&message(0, [1, 0, 0, 0], b"\x01a\xc0\x02\0\x01\0\x01")), malformed(14));
    // Back into its own run of labels: "a", "a", "a" for ever.
    assert_eq!(parse(&message(0, [1, 0, 0, 0], b"\x01a\xc0\x0c\0\x01\0\x01")), malformed(14));
    assert_eq!(
        parse(&message(0, [1, 0, 0, 0], b"\x80a\0\x01\0\x01")),
        Err(Error::Malformed { what: "label type", at: 12 })
    );
}

#[test]
fn names_and_counts_have_bounds() {
    let label = [&[63u8][..], &[b'x'; 63]].concat();
    let mut long = label.repeat(4);
    long.extend(b"\0\0\x01\0\x01");
    let limit = Err(Error::Limit { what: "name", max: NAME_BYTES_MAX });
    assert_eq!(parse(&message(0, [1, 0, 0, 0], &long)), limit);
    // 255 bytes exactly: three of 64, one of 62, the root.
    let mut fits = label.repeat(3);
    fits.push(61);
    fits.extend([b'y'; 61]);
    fits.extend(b"\0\0\x01\0\x01");
    assert!(parse(&message(0, [1, 0, 0, 0], &fits)).is_ok());

    // A chain of pointers, each to the one before.
    let mut chain = b"\0\0\x01\0\x01".to_vec();
    let mut target = 12u16;
    for _ in 0..40 {
        let next = 12 + chain.len() as u16;
        chain.extend((0xc000 | target).to_be_bytes());
        chain.extend([0, 1, 0, 1]);
        target = next;
    }
    let bytes = message(0, [41, 0, 0, 0], &chain);
    assert_eq!(parse(&bytes), Err(Error::Limit { what: "compression pointers", max: POINTERS_MAX }));

    let many = message(0, [0xffff, 0xffff, 0xffff, 0xffff], &[0xff; 400]);
    assert_eq!(parse(&many), Err(Error::Limit { what: "entries", max: ENTRIES_MAX }));
    assert!(parse(&[0xff; 1500]).is_err());
    assert!(parse(&[0; 1500]).is_err());
}

#[test]
fn data_that_contradicts_its_type_is_refused() {
    let short_a = message(0x8400, [0, 1, 0, 0], b"\0\0\x01\0\x01\0\0\0\x01\0\x02\x0a\0");
    let record = parse(&short_a).unwrap().records().next().unwrap();
    assert_eq!(record.data(), Err(Error::Truncated { what: "A record", at: 0 }));
    // A PTR whose name runs past its data.
    let long_ptr = message(0x8400, [0, 1, 0, 0], b"\0\0\x0c\0\x01\0\0\0\x01\0\x02\x01a\0");
    let record = parse(&long_ptr).unwrap().records().next().unwrap();
    assert_eq!(record.data(), Err(Error::Malformed { what: "name in record data", at: 23 }));
    let lying_txt = message(0x8400, [0, 1, 0, 0], b"\0\0\x10\0\x01\0\0\0\x01\0\x05\x02ab\x7fz");
    let record = parse(&lying_txt).unwrap().records().next().unwrap();
    let Ok(Data::Txt(strings)) = record.data() else { panic!("no TXT") };
    assert_eq!(strings.collect::<Vec<_>>(), [b"ab"]);
}

#[test]
fn probes_by_content() {
    for text in [UPDATE, MDNS, NXDOMAIN, REVERSE] {
        let bytes = hex(text);
        assert_eq!(probe(&bytes), Probe::Certain, "{text}");
        let mut stream = (bytes.len() as u16).to_be_bytes().to_vec();
        stream.extend(&bytes);
        for cut in 0..stream.len() {
            assert_ne!(probe_tcp(&stream[..cut]), Probe::Certain, "{cut} bytes of {text}");
        }
        for cut in 0..stream.len() {
            if bytes[5] > 0 {
                assert_eq!(probe_tcp(&stream[..cut]), Probe::Unsure, "{cut} bytes of {text}");
            }
        }
        assert_eq!(probe_tcp(&stream), Probe::Certain);
        // Trailing bytes or the reserved bit: a port has to decide.
        let mut padded = bytes.clone();
        padded.push(0);
        assert_eq!(probe(&padded), Probe::Unsure, "{text}");
        let mut reserved = bytes;
        reserved[3] |= 0x40;
        assert_eq!(probe(&reserved), Probe::Unsure, "{text}");
    }
}

#[test]
fn foreign_traffic_is_not_dns() {
    let netbios =
        hex("b16a40000001000000000001204648454a454f444241444341434143414341434143414341434143414341434141\
        0000200001c00c00200001000493e000066000c0a83868");
    let node_status_query = hex(
        "8d0200000001000000000000 20 434b41414141414141414141414141414141414141414141414141414141414100 0021 0001",
    );
    let dhcp = [&[1, 1, 6, 0, 1, 2, 3, 4][..], &[0; 232], &[0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255]].concat();
    let sntp = [&[0x23, 0x02, 0x06, 0xe8][..], &[0; 44]].concat();
    // zeek smb_v2_only_non_zero_reserved1.pcap, packet 130 (BSD-3), but for its statistics: a node status reply.
    let node_status = hex(
        "8d028400000000010000000020434b41414141414141414141414141414141414141414141414141414141414100002100\
        0100000000001f0157494e2d4938324238314e534c4c4a0004000a02d75e97020000000000",
    );
    for foreign in [
        &netbios[..],
        &node_status,
        &node_status_query,
        &dhcp,
        &sntp,
        &[0; 64],
        &[0xff; 64],
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
        b"\x12",
    ] {
        assert_eq!(probe(foreign), Probe::NotForUs, "{foreign:02x?}");
    }
    for foreign in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefgh",
    ] {
        assert_eq!(probe_tcp(foreign), Probe::NotForUs, "{foreign:02x?}");
    }
}
