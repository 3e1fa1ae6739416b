use super::*;
use crate::{Error, Probe};

/// suricata-verify bug-5162, packet 3001 (MIT): a workstation refreshes its server name.
const REFRESH: &str = "b16840000001000000000001204648454a454f44424441434143414341434143414341434143414341434143410000200001\
    c00c00200001000493e000066000c0a83868";
/// zeek smb_v2_only_non_zero_reserved1.pcap, packet 130 (BSD-3): a node status reply.
const NODE_STATUS: &str = "8d028400000000010000000020434b41414141414141414141414141414141414141414141414141414141414100002100\
    010000000000650357494e2d4938324238314e534c4c4a000400574f524b47524f555020202020202000840057494e2d4938324238314e534c4c4a\
    2004000a02d75e970200000000000000000000000000000000000000000000000000000000000000000000000000000000";
/// zeek smb_v2_only_non_zero_reserved1.pcap, packet 157 (BSD-3): a host announcement.
const HOST: &str = "11028d03ac1f7010008a00bb0000204648454a454f434e464446474647434e46414544444243414341434143414341002046\
    4446474647434143414341434143414341434143414341434143414341424e00ff534d422500000000000000000000000000\
    000000000000000000000000000011000021000000000000000000e803000000000000000021005600030001000000020032\
    005c4d41494c534c4f545c42524f57534500010080fc0a0057494e2d5356562d50433100000000000a00039000000f0155aa\
    00";
/// zeek erspan.pcap, packet 106 (BSD-3): who is WPAD?
const QUERY: &str =
    "a3e5011000010000000000002046484641454245454341434143414341434143414341434143414341434141410000200001";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter_map(|c| char::from(c).to_digit(16).map(|d| d as u8)).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn name_service(bytes: &[u8]) -> NameService<'_> {
    match parse(bytes) {
        Ok(Message::NameService(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn datagram_service(bytes: &[u8]) -> DatagramService<'_> {
    match parse(bytes) {
        Ok(Message::DatagramService(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_a_refresh() {
    let bytes = hex(REFRESH);
    let refresh = name_service(&bytes);
    assert_eq!((refresh.verb(), refresh.transaction, refresh.is_response), ("REFRESH", 0xb168, false));
    assert_eq!((refresh.name.text(), refresh.name.suffix()), (&b"WIN10"[..], 0x20));
    let owner = Owner { is_group: false, address: Ipv4Addr::new(192, 168, 56, 104) };
    assert_eq!(refresh.owners().collect::<Vec<_>>(), [owner]);
    assert_eq!(refresh.node_status(), None);
    let bytes = hex(QUERY);
    let query = name_service(&bytes);
    assert_eq!((query.verb(), query.name.text(), query.owners().count()), ("NAME QUERY", &b"WPAD"[..], 0));
}

#[test]
fn reads_a_node_status() {
    let bytes = hex(NODE_STATUS);
    let message = name_service(&bytes);
    assert_eq!((message.verb(), message.name.text()), ("NODE STATUS RESPONSE", &b"*"[..]));
    assert_eq!(message.owners().count(), 0);
    let status = message.node_status().unwrap();
    assert_eq!(status.unit, [0x0a, 0x02, 0xd7, 0x5e, 0x97, 0x02]);
    let names: Vec<_> = status
        .names()
        .map(|(name, group)| (String::from_utf8_lossy(name.text()).into_owned(), name.suffix(), group))
        .collect();
    let expected =
        [("WIN-I82B81NSLLJ", 0x00, false), ("WORKGROUP", 0x00, true), ("WIN-I82B81NSLLJ", 0x20, false)];
    assert_eq!(names, expected.map(|(name, suffix, group)| (name.to_string(), suffix, group)));
    // A count that lies yields no status, and no panic.
    let mut lying = bytes.clone();
    lying[56] = 200;
    assert_eq!(name_service(&lying).node_status(), None);
}

#[test]
fn reads_a_host_announcement() {
    let bytes = hex(HOST);
    let message = datagram_service(&bytes);
    assert_eq!(message.verb(), "HOST ANNOUNCEMENT");
    assert_eq!(message.source_address, Ipv4Addr::new(172, 31, 112, 16));
    assert_eq!(message.source.unwrap().text(), b"WIN-SVV-PC1");
    assert_eq!(
        (message.destination.unwrap().text(), message.destination.unwrap().suffix()),
        (&b"SVV"[..], 0x1d)
    );
    let Some(Browser::Announcement(host)) = message.browser else { panic!("{:?}", message.browser) };
    assert_eq!((host.name, host.version, host.comment), (&b"WIN-SVV-PC1"[..], (10, 0), &b""[..]));
    assert_eq!(host.server_type, ServerType(0x0000_9003));
    assert!(host.server_type.has(ServerType::NT_SERVER) && !host.server_type.has(ServerType::UNIX));
    assert!(!host.is_local_master);
}

#[test]
fn other_datagrams_are_counted_and_not_read() {
    // Another mailslot: nothing of it is handed out.
    let mut bytes = hex(HOST);
    let slot = bytes.windows(6).position(|w| w == b"BROWSE").unwrap();
    bytes[slot..slot + 6].copy_from_slice(b"MSGBOX");
    let message = datagram_service(&bytes);
    assert_eq!((message.verb(), message.browser), ("DATAGRAM", None));
    // An election.
    let mut bytes = hex(HOST);
    let frame = bytes.windows(4).position(|w| w == [0x01, 0x00, 0x80, 0xfc]).unwrap();
    bytes[frame] = 8;
    assert_eq!(datagram_service(&bytes).verb(), "BROWSER ELECTION");
    // A data offset that lies.
    let mut bytes = hex(HOST);
    let offset = bytes.windows(4).position(|w| w == [0x21, 0x00, 0x56, 0x00]).unwrap() + 2;
    bytes[offset..offset + 2].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(datagram_service(&bytes).verb(), "DATAGRAM");
    // A second fragment.
    let mut bytes = hex(HOST);
    bytes[13] = 1;
    assert_eq!(datagram_service(&bytes).verb(), "DATAGRAM");
    let error = [0x13, 2, 0, 1, 10, 0, 0, 1, 0, 138, 0x82];
    assert_eq!(datagram_service(&error).verb(), "DATAGRAM CONTROL");
}

#[test]
fn every_prefix_is_refused() {
    for text in [REFRESH, NODE_STATUS, HOST, QUERY] {
        let whole = hex(text);
        for cut in 0..whole.len() {
            assert!(parse(&whole[..cut]).is_err(), "{cut} bytes of {text}");
            assert_eq!(probe(&whole[..cut]), Probe::NotForUs);
        }
        parse(&whole).unwrap();
    }
    let whole = hex(REFRESH);
    assert_eq!(parse(&whole[..40]), Err(Error::Truncated { what: "NetBIOS name", at: 13 }));
}

#[test]
fn hostile_messages_are_refused() {
    let whole = hex(QUERY);
    let with = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(parse(&with(2, 0x10)), Err(Error::Malformed { what: "opcode", at: 2 }));
    assert_eq!(parse(&with(5, 9)), Err(Error::Malformed { what: "section counts", at: 4 }));
    assert_eq!(parse(&with(20, b'Q')), Err(Error::Malformed { what: "NetBIOS name", at: 12 }));
    assert_eq!(parse(&with(47, 3)), Err(Error::Malformed { what: "type and class", at: 46 }));
    assert_eq!(parse(&with(12, 0xc0)).map(|_| ()), Err(Error::Malformed { what: "message type", at: 0 }));
    // A scope without end.
    let mut scope = whole[..45].to_vec();
    scope.extend([1, b's'].repeat(300));
    assert_eq!(parse(&scope), Err(Error::Malformed { what: "NetBIOS name", at: 12 }));
    assert!(parse(&[0xff; 600]).is_err() && parse(&[0; 600]).is_err() && parse(&[0x20; 600]).is_err());
    // Owners are bounded.
    let mut many = hex(REFRESH);
    let length_at = many.len() - 8;
    many[length_at..length_at + 2].copy_from_slice(&6000u16.to_be_bytes());
    many.extend([0; 5994]);
    assert_eq!(name_service(&many).owners().count(), ADDRESSES_MAX);
}

#[test]
fn probes_by_content() {
    for text in [REFRESH, NODE_STATUS, HOST, QUERY] {
        assert_eq!(probe(&hex(text)), Probe::Certain, "{text}");
    }
    let dns = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0\0\x01\0\x01";
    for foreign in [&dns[..], b"", b"NOTIFY * HTTP/1.1\r\n\r\n", &[0x20; 100], &[0x11; 100]] {
        assert_eq!(probe(foreign), Probe::NotForUs);
    }
}
