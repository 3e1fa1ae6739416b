use super::*;
use crate::{Error, Framed, Probe};

/// suricata-verify (MIT), mqtt31-pub-qos1: CONNECT with user name and password, PUBLISH QoS 1 retained, DISCONNECT.
const CONNECT_31: &[u8] = b"\x10\x2d\0\x06MQIsdp\x03\xc2\0\x3c\0\x13myvoiceismypassport\0\x04user\0\x04pass";
const PUBLISH_QOS_1: &[u8] = b"\x32\x1a\0\x06topicX\0\x01baabaablacksheep";
/// suricata-verify (MIT), mqtt5-unsub-qos2.
const CONNECT_5: &[u8] =
    b"\x10\x2f\0\x04MQTT\x05\xc2\0\x3c\x03\x21\0\x14\0\x13myvoiceismypassport\0\x04user\0\x04pass";
const CONNACK_5: &[u8] = b"\x20\x06\0\0\x03\x22\0\x0a";
const SUBSCRIBE_5: &[u8] = b"\x82\x0c\0\x01\0\0\x06topicX\x02";
const UNSUBSCRIBE_5: &[u8] = b"\xa2\x0b\0\x02\0\0\x06topicX";

fn whole(bytes: &[u8]) -> Packet<'_> {
    match parse(bytes) {
        Ok(Framed::Whole { message, length }) => {
            assert_eq!(length, bytes.len());
            message
        }
        other => panic!("{bytes:?} gave {other:?}"),
    }
}

fn connect(bytes: &[u8]) -> Connect<'_> {
    match whole(bytes) {
        Packet::Connect(connect) => connect,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_connect_of_every_version() {
    let expected = Connect {
        level: 3,
        keep_alive_s: 60,
        user_name: true,
        password: true,
        client_id: b"myvoiceismypassport",
    };
    assert_eq!(connect(CONNECT_31), expected);
    assert_eq!(connect(CONNECT_5), Connect { level: 5, ..expected });
    let anonymous = b"\x10\x1a\0\x04MQTT\x04\x02\0\x3c\0\x0epump7-mqttv311";
    let expected = Connect {
        level: 4,
        keep_alive_s: 60,
        user_name: false,
        password: false,
        client_id: b"pump7-mqttv311",
    };
    assert_eq!(connect(anonymous), expected);
    assert_eq!(connect(anonymous).version(), "3.1.1");
}

#[test]
fn reads_the_other_packets() {
    assert_eq!(whole(CONNACK_5), Packet::ConnAck(0));
    assert_eq!(whole(b"\x20\x02\0\x05"), Packet::ConnAck(5));
    assert_eq!(whole(PUBLISH_QOS_1), Packet::Publish(Publish { qos: 1, retain: false }));
    assert_eq!(whole(b"\x31\x05\0\x01a42"), Packet::Publish(Publish { qos: 0, retain: true }));
    assert_eq!(whole(b"\x40\x02\0\x01"), Packet::PubAck(0));
    assert_eq!(whole(b"\x40\x04\0\x01\x87\0"), Packet::PubAck(0x87));
    assert_eq!(whole(b"\x50\x02\0\x01"), Packet::PubRec(0));
    assert_eq!(whole(b"\x62\x02\0\x01"), Packet::PubRel);
    assert_eq!(whole(b"\x70\x02\0\x01"), Packet::PubComp);
    assert_eq!(whole(SUBSCRIBE_5), Packet::Subscribe { everything: false });
    assert_eq!(whole(b"\x90\x03\0\x01\x80"), Packet::SubAck(0x80));
    assert_eq!(whole(UNSUBSCRIBE_5), Packet::Unsubscribe);
    assert_eq!(whole(b"\xb0\x04\0\x02\0\0"), Packet::UnsubAck);
    assert_eq!(whole(b"\xc0\0"), Packet::PingReq);
    assert_eq!(whole(b"\xd0\0"), Packet::PingResp);
    assert_eq!(whole(b"\xe0\x01\x8e"), Packet::Disconnect(0x8e));
    assert_eq!(whole(b"\xf0\0"), Packet::Auth);
}

#[test]
fn a_subscription_to_everything_is_seen_in_every_version() {
    let everything = |filter: &[u8], properties: &[u8]| {
        let mut body = b"\0\x01".to_vec();
        body.extend_from_slice(properties);
        body.extend_from_slice(&[0, 6]);
        body.extend_from_slice(b"ward/+\0");
        body.extend_from_slice(&[0, filter.len() as u8]);
        body.extend_from_slice(filter);
        body.push(1);
        let mut packet = vec![0x82, body.len() as u8];
        packet.extend_from_slice(&body);
        whole(&packet) == Packet::Subscribe { everything: true }
    };
    for properties in [&b""[..], b"\0", b"\x02\x0b\x07"] {
        for filter in [&b"#"[..], b"+/#", b"+/+/#", b"$share/all/#"] {
            assert!(everything(filter, properties), "{filter:?} {properties:?}");
        }
        for filter in [&b"icu/#"[..], b"$SYS/#", b"+", b"+/+", b"/#", b"$share/#"] {
            assert!(!everything(filter, properties), "{filter:?} {properties:?}");
        }
    }
}

#[test]
fn every_prefix_asks_for_more() {
    for packet in [CONNECT_31, CONNECT_5, b"\x20\x02\0\0", SUBSCRIBE_5, UNSUBSCRIBE_5, b"\x40\x02\0\x01"] {
        for cut in 0..packet.len() {
            match parse(&packet[..cut]) {
                Ok(Framed::Partial { need }) => assert!(need > cut && need <= packet.len()),
                other => panic!("{cut} bytes of {packet:?} gave {other:?}"),
            }
        }
    }
}

#[test]
fn a_publish_is_known_by_its_header_and_its_payload_is_skipped() {
    for cut in 0..4 {
        assert_eq!(parse(&PUBLISH_QOS_1[..cut]), Ok(Framed::Partial { need: [1, 2, 4, 4][cut] }));
    }
    for cut in 4..PUBLISH_QOS_1.len() {
        let message = Packet::Publish(Publish { qos: 1, retain: false });
        assert_eq!(parse(&PUBLISH_QOS_1[..cut]), Ok(Framed::Whole { message, length: PUBLISH_QOS_1.len() }));
    }
    let largest = parse(b"\x30\xff\xff\xff\x7f\0\x05alarm");
    let message = Packet::Publish(Publish { qos: 0, retain: false });
    assert_eq!(largest, Ok(Framed::Whole { message, length: 5 + 268_435_455 }));
}

#[test]
fn refuses_what_breaks_the_standard() {
    let flags = Err(Error::Malformed { what: "packet type and flags", at: 0 });
    for first in [0x00, 0x0f, 0x11, 0x36, 0x60, 0x80, 0xa0, 0xc1, 0xff] {
        assert_eq!(parse(&[first, 0, 0, 0]), flags, "{first:#04x}");
    }
    let length = Err(Error::Malformed { what: "remaining length", at: 1 });
    assert_eq!(parse(b"\x30\xff\xff\xff\xff\x01"), length);
    assert_eq!(parse(b"\xc0\x01\0"), length);
    assert_eq!(parse(b"\x30\x01\0"), length);
    assert_eq!(parse(b"\x40\x01\0"), length);
    assert_eq!(parse(b"\x30\x05\0\x04abc"), Err(Error::Malformed { what: "topic length", at: 2 }));
    assert_eq!(parse(b"\x32\x05\0\x03abc"), Err(Error::Malformed { what: "topic length", at: 2 }));
    let limit = Err(Error::Limit { what: "acknowledgement", max: ACKNOWLEDGEMENT_BYTES_MAX });
    assert_eq!(parse(b"\x40\xff\xff\xff\x7f"), limit);
    let name = parse(b"\x10\x0c\0\x04HTTP\x04\x02\0\x3c\0\0");
    assert_eq!(name, Err(Error::Malformed { what: "protocol name", at: 2 }));
    let reserved = parse(b"\x10\x0c\0\x04MQTT\x04\x03\0\x3c\0\0");
    assert_eq!(reserved, Err(Error::Malformed { what: "connect flags", at: 9 }));
}

#[test]
fn a_client_identifier_beyond_the_bound_is_not_waited_for() {
    let mut packet = b"\x10\xff\xff\x03\0\x04MQTT\x05\xc2\0\x3c\xd0\x0f".to_vec();
    packet.resize(4 + CONNECT_HEAD_BYTES_MAX, b'x');
    let Ok(Framed::Whole { message: Packet::Connect(connect), length }) = parse(&packet) else { panic!() };
    assert_eq!((connect.client_id, connect.password, length), (&b""[..], true, 4 + 0xffff));
}

#[test]
fn no_bytes_make_it_panic_or_stand_still() {
    for first in 0..=255_u8 {
        for fill in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = [fill; 64];
            bytes[0] = first;
            if let Ok(Framed::Whole { length, .. }) = parse(&bytes) {
                assert!(length > 0);
            }
            let _ = (probe(&bytes), begins_packets(&bytes));
        }
    }
}

#[test]
fn probes_by_content() {
    assert_eq!(probe(CONNECT_31), Probe::Certain);
    assert_eq!(probe(CONNECT_5), Probe::Certain);
    for cut in 1..9 {
        assert_eq!(probe(&CONNECT_5[..cut]), Probe::Unsure, "{cut}");
    }
    let session = b"\x40\x02\0\x01\x90\x03\0\x02\x01";
    assert_eq!(probe(session), Probe::Certain);
    assert_eq!(probe(PUBLISH_QOS_1), Probe::Certain);
    assert_eq!(probe(&PUBLISH_QOS_1[..20]), Probe::Unsure);
    assert_eq!(probe(b"\xc0\0"), Probe::Unsure);
    assert_eq!(probe(b"\x20\x02\0\0"), Probe::Unsure);
}

#[test]
fn foreign_traffic_is_not_ours() {
    let foreign: [&[u8]; 14] = [
        b"GET / HTTP/1.1\r\n",
        b"220 ftp.example.org ready\r\n",
        b"331 Password\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"MSH|^~\\&|",
        b"\x0bMSH|^~\\&|",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"\x01\0\0\0\0\xcd\0\x01\0\0PACS            ",
        b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0",
        b"\x30\x82\x01\x0a\x02\x01\x01\x63\x82\x01\x03\x04\0",
        b"\x30\x84\0\0\0\x10\x02\x01\x01",
        b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x10\x2d\0\x04AMQP\x05",
    ];
    for bytes in foreign {
        assert_eq!(probe(bytes), Probe::NotForUs, "{bytes:?}");
        assert!(!begins_packets(bytes), "{bytes:?}");
    }
}

#[test]
fn after_a_gap_packets_are_known_by_their_chain() {
    assert!(begins_packets(PUBLISH_QOS_1));
    assert!(begins_packets(b"\x40\x02\0\x01"));
    assert!(begins_packets(&PUBLISH_QOS_1[..20]), "a readable topic, payload still to come");
    assert!(!begins_packets(b"\"hr\":72,\"spo2\":98}0\x1a\0\x06topicX"));
    assert!(!begins_packets(b"12.5,33.1,99"));
}
