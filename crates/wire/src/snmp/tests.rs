use super::*;
use crate::{Error, Probe};

/// Packet 2 of the Zeek project's snmpwalk-short.pcap (BSD-3-Clause): sysDescr.0 by v2c.
const DESCRIPTION: &[u8] =
    b"0\x81\x90\x02\x01\x01\x04\x06public\xa2\x81\x82\x02\x04\x09XNE\x02\x01\x00\x02\x01\x000t0r\x06\x08+\
    \x06\x01\x02\x01\x01\x01\x00\x04fLinux ubuntu-512mb-sfo2-01 4.4.0-31-generic #50~14.04.1-Ubuntu SMP \
    Wed Jul 13 01:07:32 UTC 2016 x86_64";
/// Packet 4 of the same: sysObjectID.0.
const OBJECT_ID: &[u8] =
    b"03\x02\x01\x01\x04\x06public\xa2&\x02\x04\x09XNF\x02\x01\x00\x02\x01\x000\x180\x16\x06\x08+\x06\x01\
    \x02\x01\x01\x02\x00\x06\x0a+\x06\x01\x04\x01\xbf\x08\x03\x02\x0a";
/// Packet 2 of Zeek's snmpv3_get_next.pcap: an engine reports.
const REPORT: &[u8] =
    b"0j\x02\x01\x030\x10\x02\x04 {/r\x02\x02@\x00\x04\x01\x00\x02\x01\x03\x04\x1d0\x1b\x04\x0d\x80\x00\
    \x1f\x88\x80\xa9I\x8e^:,0C\x02\x01\xdd\x02\x01\xdd\x04\x00\x04\x00\x04\x0004\x04\x0d\x80\x00\x1f\x88\
    \x80\xa9I\x8e^:,0C\x04\x00\xa8!\x02\x04 {/r\x02\x01\x00\x02\x01\x000\x130\x11\x06\x09+\x06\x01\x06\
    \x03\x0f\x01\x01\x00A\x04\x00\x00\x00\x03";
/// Packet 2 of Zeek's snmp-crash-62790.pcap: v3 with privacy; the user is Admin001.
const ENCRYPTED: &[u8] =
    b"0\x81\xb4\x02\x01\x030\x11\x02\x04\x01S\xe2\x93\x02\x03\x00\xff\xe3\x04\x01\x07\x02\x01\x03\x04J0H\
    \x04\x1abc1189709b6196bf7e15acc3f8\x02\x02\x00\xa5\x02\x04\x05\x9f~O\x04\x08Admin001\x04\x0c7|\x1c\
    \xe7\x96\x84[\x87\xd7*\x8f\x94\x04\x08\xf3S\xdf\xea\xa6\xeb8Q\x04P\xae\xc9\x10\xfe\xc5p\x01\x00\x0d\
    \x86\x84\xd1\xa1\xa5[\xfdeZs\x9a\x84\xb7\x9a\xa0\xef\xc8v\x9c\xfb\x9f\xe0\xea6\xcc(|\xeb\x97\x15#^[\
    \xf7\x0f1_\xc0\xc7p h\xec\x97\xfa\xc9\xea\x9d\x19\xa143\xae\xeak\xda\x0bN\xce>\x15\x08\x17\x92\xea\
    \xb5\xe7\x83 \xcb\x1f";
/// Zeek's snmpv1_trap.pcap: coldStart by v1.
const TRAP: &[u8] =
    b"0;\x02\x01\x00\x04\x06public\xa4.\x06\x09+\x06\x01\x04\x01\x81\xf4i\x00@\x04\x7f\x00\x00\x01\x02\x01\
    \x00\x02\x01\x00C\x04\x00\x00\x00\x000\x0f0\x0d\x06\x08+\x06\x01\x02\x01\x02\x01\x00\x02\x01!";
/// Zeek's snmpv2_get_bulk.pcap, packet 1: an empty community.
const BULK: &[u8] =
    b"0#\x02\x01\x01\x04\x00\xa5\x1c\x02\x04lNU-\x02\x01\x00\x02\x01\x000\x0e0\x0c\x06\x08+\x06\x01\x02\
    \x01\x01\x05\x00\x05\x00";

fn read(datagram: &[u8]) -> (Message<'_>, Vec<Variable<'_>>) {
    let message = parse(datagram).unwrap();
    let variables = message.pdu.map(|pdu| pdu.variables().collect()).unwrap_or_default();
    (message, variables)
}

fn text(oid: Oid<'_>) -> String {
    String::from_utf8(oid.text(&mut [0; OID_TEXT_BYTES_MAX]).to_vec()).unwrap()
}

#[test]
fn reads_a_response() {
    let (message, variables) = read(DESCRIPTION);
    assert_eq!((message.version, message.verb()), (Version::V2c, "RESPONSE"));
    let [variable] = variables[..] else { panic!("{variables:?}") };
    assert_eq!(text(variable.name), "1.3.6.1.2.1.1.1.0");
    assert_eq!(variable.name.under(b"\x2b\x06\x01\x02\x01\x01\x01"), Some(&b"\0"[..]));
    let expected: &[u8] = b"Linux ubuntu-512mb-sfo2-01 4.4.0-31-generic #50~14.04.1-Ubuntu SMP \
        Wed Jul 13 01:07:32 UTC 2016 x86_64";
    assert_eq!(variable.value, Value::Text(expected));
}

#[test]
fn reads_object_identifiers() {
    let (_, variables) = read(OBJECT_ID);
    let Value::Oid(oid) = variables[0].value else { panic!("{variables:?}") };
    assert_eq!(text(oid), "1.3.6.1.4.1.8072.3.2.10");
    assert_eq!(text(Oid(b"\x88\x37\x03")), "2.999.3", "X.690 §8.19.5");
    assert_eq!(text(Oid(b"\x2b\x8f\xff\xff\xff\x7f")), "1.3.4294967295");
    assert_eq!(text(Oid(b"\x2b\x90\x80\x80\x80\x00\x01")), "1.3", "over 32 bits");
    assert_eq!(text(Oid(b"\x2b\x81")), "1.3", "cut off");
    assert_eq!(text(Oid(b"")), "");
    let long = [0xff, 0xff, 0xff, 0x7f].repeat(40);
    assert!(text(Oid(&long)).len() > OID_TEXT_BYTES_MAX - 11, "cut at a dot");
}

#[test]
fn reads_version_3_in_clear_and_encrypted() {
    let (message, variables) = read(REPORT);
    assert_eq!((message.version, message.verb()), (Version::V3, "REPORT"));
    assert_eq!(text(variables[0].name), "1.3.6.1.6.3.15.1.1.0");
    let (message, variables) = read(ENCRYPTED);
    assert_eq!((message.version, message.verb()), (Version::V3, "ENCRYPTED"));
    assert!(variables.is_empty());
}

#[test]
fn reads_traps_and_bulk_requests() {
    let (message, variables) = read(TRAP);
    assert_eq!((message.version, message.verb()), (Version::V1, "TRAP"));
    assert_eq!(message.pdu.unwrap().generic_trap, Some(0));
    assert_eq!(text(variables[0].name), "1.3.6.1.2.1.2.1.0");
    assert_eq!(variables[0].value, Value::Other);
    let (message, variables) = read(BULK);
    assert_eq!(message.verb(), "GETBULK");
    assert_eq!((message.pdu.unwrap().error_status, variables.len()), (0, 1));
}

#[test]
fn nothing_in_front_of_the_variables_leaves() {
    for datagram in [DESCRIPTION, OBJECT_ID, REPORT, TRAP, BULK] {
        let (_, variables) = read(datagram);
        let start = variables[0].name.0.as_ptr() as usize - datagram.as_ptr() as usize;
        let secret = datagram.windows(6).position(|w| w == b"public").unwrap_or_default();
        assert!(start > secret + 6, "the community lies before what is handed out");
    }
    let (message, _) = read(ENCRYPTED);
    assert_eq!(message, Message { version: Version::V3, pdu: None }, "no user name");
}

#[test]
fn every_prefix_is_cut_off() {
    for datagram in [DESCRIPTION, OBJECT_ID, REPORT, ENCRYPTED, TRAP, BULK] {
        for cut in 0..datagram.len() {
            let cut = &datagram[..cut];
            assert!(matches!(parse(cut), Err(Error::Truncated { .. })), "{} bytes", cut.len());
            let expected = if cut.is_empty() { Probe::NotForUs } else { Probe::Unsure };
            assert_eq!(probe(cut), expected);
        }
        assert_eq!(probe(datagram), Probe::Certain);
    }
}

#[test]
fn refuses_what_is_not_its_own() {
    let ldap_bind = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00";
    assert_eq!(probe(ldap_bind), Probe::NotForUs);
    assert_eq!(probe(b"\x6a\x03\x02\x01\x05"), Probe::NotForUs, "Kerberos");
    assert_eq!(probe(b"\x30\x03\x02\x01\x02"), Probe::NotForUs, "no version 2");
    assert_eq!(probe(&[0x30; 64]), Probe::NotForUs);
    assert_eq!(probe(b"\x30\x40\x80\x81\0\0\0\0\0\0\0\0"), Probe::NotForUs, "DNS with this identifier");
    assert_eq!(probe(&[0xff; 64]), Probe::NotForUs);
    assert_eq!(probe(b"GET / HTTP/1.1\r\n"), Probe::NotForUs);
}

#[test]
fn hostile_lengths_and_floods_end() {
    assert!(parse(b"\x30\x84\xff\xff\xff\xff\x02\x01\x00").is_err());
    assert!(parse(b"\x30\x80\x02\x01\x00\x00\x00").is_err(), "indefinite length");
    assert!(parse(b"\x30\x88\0\0\0\0\0\0\0\x03\x02\x01\x00").is_err());
    assert!(parse(b"\x30\x09\x02\x07\0\0\0\0\0\0\x01").is_err(), "a version of 56 bits");
    let binding = b"\x30\x05\x06\x01\x2b\x05\x00";
    let many = binding.repeat(VARIABLES_MAX + 10);
    let bytes = u16::try_from(many.len()).unwrap().to_be_bytes();
    let mut body = b"\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x82".to_vec();
    body.extend([bytes[0], bytes[1]]);
    body.extend(many);
    let wrap = |tag: &[u8], content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [tag, &[0x82], &length, content].concat()
    };
    let pdu = wrap(b"\xa2", &body);
    let datagram = wrap(b"\x30", &[b"\x02\x01\x01\x04\x00", &pdu[..]].concat());
    assert_eq!(read(&datagram).1.len(), VARIABLES_MAX);
    let community = wrap(b"\x04", &[b'x'; 300]);
    let long = wrap(b"\x30", &[b"\x02\x01\x01", &community[..], &pdu].concat());
    assert_eq!(parse(&long), Err(Error::Limit { what: "community", max: COMMUNITY_BYTES_MAX }));
}
