use super::*;
use crate::{Error, Probe};

/// The datagram of suricata-verify's tests/sip-ssdp-pm (MIT), a router.
const ALIVE: &[u8] = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=120\r\n\
    lOCATION: http://192.168.1.1:7406/rootDesc.xml\r\n\
    SERVER: UPnP/Tomato 1.28.7500 MIPSR2Toastman-RT K26 USB Ext UPnP/1.0 MiniUPnPd/1.6\r\n\
    NT: upnp:rootdevice\r\nUSN: uuid:04645c3d-e6b4-4eea-bd35-5c320c12969f::upnp:rootdevice\r\n\
    NTS: ssdp:alive\r\nOPT: \"http://schemas.upnp.org/upnp/1/0/\";\r\n01-NLS: 1\r\nBOOTID.UPNP.ORG: 1\r\n\
    CONFIGID.UPNP.ORG: 1337\r\n\r\n";
/// PcapPlusPlus' IPv6UdpPacket.pcap (Unlicense), shortened.
const SEARCH: &[u8] = b"M-SEARCH * HTTP/1.1\r\nHost:[FF02::C]:1900\r\n\
    ST:urn:Microsoft Windows Peer Name Resolution Protocol: V4:IPV6:LinkLocal\r\nMan:\"ssdp:discover\"\r\nMX:3\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:service:WANIPConnection:1\r\n\
    USN: uuid:1::urn:schemas-upnp-org:service:WANIPConnection:1\r\nEXT:\r\nSERVER: a/1 UPnP/1.0 b/2\r\n\r\n";

#[test]
fn reads_an_announcement() {
    let message = parse(ALIVE).unwrap();
    assert_eq!(message.kind, Kind::Alive);
    assert_eq!(message.target, b"upnp:rootdevice");
    assert_eq!(message.target_kind(), TargetKind::Other);
    assert_eq!(message.device(), Some(&b"uuid:04645c3d-e6b4-4eea-bd35-5c320c12969f"[..]));
    assert!(message.server.starts_with(b"UPnP/Tomato 1.28.7500"));
}

#[test]
fn reads_a_search_and_its_answer() {
    let search = parse(SEARCH).unwrap();
    assert_eq!(search.kind, Kind::Search);
    assert_eq!(search.device(), None);
    let response = parse(RESPONSE).unwrap();
    assert_eq!((response.kind, response.target_kind()), (Kind::Response, TargetKind::Service));
}

#[test]
fn reads_leaving_updating_and_events() {
    let kind = |nts: &str| parse(format!("NOTIFY * HTTP/1.1\r\nNTS: {nts}\r\n\r\n").as_bytes()).unwrap().kind;
    assert_eq!(kind("ssdp:byebye"), Kind::ByeBye);
    assert_eq!(kind("ssdp:update"), Kind::Update);
    assert_eq!(kind("upnp:propchange"), Kind::OtherNotify);
}

#[test]
fn a_prefix_is_an_error_or_fewer_whole_fields() {
    for message in [ALIVE, SEARCH, RESPONSE] {
        let whole = parse(message).unwrap();
        for cut in 0..message.len() {
            let part = &message[..cut];
            let Ok(read) = parse(part) else { continue };
            assert!(part.ends_with(b"\n") || part.ends_with(b"\n\r"), "{:?}", String::from_utf8_lossy(part));
            assert!(read.server.is_empty() || read.server == whole.server);
        }
    }
}

#[test]
fn refuses_other_http_and_floods() {
    assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err(), "no target");
    assert!(parse(b"HTTP/1.1 404 No\r\nST: a\r\nUSN: b\r\n\r\n").is_err());
    assert!(parse(b"M-SEARCH * HTTP/1.1 x\r\n\r\n").is_err());
    let many = [b"NOTIFY * HTTP/1.1\r\n".to_vec(), b"a:b\r\n".repeat(FIELDS_MAX + 1)].concat();
    assert_eq!(parse(&many), Err(Error::Limit { what: "fields", max: FIELDS_MAX }));
    let long = vec![b'x'; MESSAGE_BYTES_MAX + 1];
    assert_eq!(parse(&long), Err(Error::Limit { what: "message", max: MESSAGE_BYTES_MAX }));
}

#[test]
fn probes_by_content() {
    for message in [ALIVE, SEARCH, RESPONSE] {
        assert_eq!(probe(message), Probe::Certain);
    }
    assert_eq!(probe(b"M-SEARCH *"), Probe::Unsure);
    assert_eq!(probe(b"NOTIFY * HTTP/1.1\r\nHOST: 239"), Probe::Unsure);
    assert_eq!(probe(b"M-SEARCH * HTTP/1.1\r\n\r\n"), Probe::Certain, "a media server's");
    for foreign in [&b""[..], b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"NOTIFY sip:a SIP/2.0\r\n"]
    {
        assert_eq!(probe(foreign), Probe::NotForUs, "{foreign:?}");
    }
}

const DESCRIPTION: &[u8] = b"<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\">\
    <specVersion><major>1</major></specVersion><URLBase>http://x/</URLBase><device>\
    <deviceType>urn:schemas-upnp-org:device:Basic:1</deviceType><friendlyName>Bed &amp; 4</friendlyName>\
    <manufacturer>Acme</manufacturer><modelName>M</modelName><modelNumber>2</modelNumber>\
    <serialNumber>S-1</serialNumber><deviceList><device><serialNumber>inner</serialNumber></device></deviceList>\
    </device></root>";

#[test]
fn reads_a_description_of_the_root_device() {
    assert!(is_description(DESCRIPTION));
    let expected = Description {
        device_type: b"urn:schemas-upnp-org:device:Basic:1",
        friendly_name: b"Bed &amp; 4",
        manufacturer: b"Acme",
        model_name: b"M",
        model_number: b"2",
        serial_number: b"S-1",
    };
    assert_eq!(parse_description(DESCRIPTION), Ok(expected));
    assert!(!is_description(b"<s:Envelope>"));
    assert!(parse_description(b"<html><device><modelName>x</modelName></device></html>").is_err());
    for cut in 0..DESCRIPTION.len() {
        assert!(parse_description(&DESCRIPTION[..cut]).is_err(), "{cut} bytes");
    }
}
