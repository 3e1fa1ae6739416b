use super::*;
use crate::observe::Side;
use crate::observe::testing::Bench;
use model::Protocol;

/// Packet 2 of the Zeek project's snmpwalk-short.pcap (BSD-3-Clause): sysDescr.0 by v2c.
const DESCRIPTION: &[u8] =
    b"0\x81\x90\x02\x01\x01\x04\x06public\xa2\x81\x82\x02\x04\x09XNE\x02\x01\x00\x02\x01\x000t0r\x06\x08+\
    \x06\x01\x02\x01\x01\x01\x00\x04fLinux ubuntu-512mb-sfo2-01 4.4.0-31-generic #50~14.04.1-Ubuntu SMP \
    Wed Jul 13 01:07:32 UTC 2016 x86_64";
/// Packet 4 of the same: sysObjectID.0.
const OBJECT_ID: &[u8] =
    b"03\x02\x01\x01\x04\x06public\xa2&\x02\x04\x09XNF\x02\x01\x00\x02\x01\x000\x180\x16\x06\x08+\x06\x01\
    \x02\x01\x01\x02\x00\x06\x0a+\x06\x01\x04\x01\xbf\x08\x03\x02\x0a";

/// A response by v2c with these encoded variables.
fn response(variables: &[u8]) -> Vec<u8> {
    message(b"\xa2", &[b"\x02\x01\x01\x02\x01\x00\x02\x01\x00", &wrap(b"\x30", variables)[..]].concat())
}

fn message(tag: &[u8], content: &[u8]) -> Vec<u8> {
    wrap(b"\x30", &[b"\x02\x01\x01\x04\x06s3cret", &wrap(tag, content)[..]].concat())
}

fn wrap(tag: &[u8], content: &[u8]) -> Vec<u8> {
    [tag, &[0x81, u8::try_from(content.len()).unwrap()], content].concat()
}

fn variable(name: &[u8], value: &[u8]) -> Vec<u8> {
    wrap(b"\x30", &[&wrap(b"\x06", name)[..], value].concat())
}

fn text(value: &str) -> Vec<u8> {
    wrap(b"\x04", value.as_bytes())
}

#[test]
fn an_agent_says_what_it_is() {
    let mut bench = Bench::udp(Protocol::Snmp);
    assert_eq!(bench.datagram(datagram, Side::Server, DESCRIPTION), Datagram::Read);
    assert_eq!(bench.datagram(datagram, Side::Server, OBJECT_ID), Datagram::Read);
    assert_eq!(
        bench.facts(),
        [
            "10.0.0.2 snmp-version v2c",
            "10.0.0.2 clear-text snmp v2c",
            "10.0.0.2 snmp-description Linux ubuntu-512mb-sfo2-01 4.4.0-31-generic #50~14.04.1-Ubuntu SMP \
             Wed Jul 13 01:07:32 UTC 2016 x86_64",
            "10.0.0.2 snmp-object-id 1.3.6.1.4.1.8072.3.2.10",
        ]
    );
    assert_eq!(bench.verbs(), ["RESPONSE server 2"]);
    assert!(!bench.all_text().contains("public"));
}

#[test]
fn names_places_and_serial_numbers_come_from_their_objects() {
    let mut bench = Bench::udp(Protocol::Snmp);
    let variables = [
        variable(b"\x2b\x06\x01\x02\x01\x01\x05\x00", &text("lab-printer-2")),
        variable(b"\x2b\x06\x01\x02\x01\x01\x06\x00", &text("Lab, room 12")),
        variable(b"\x2b\x06\x01\x02\x01\x01\x04\x00", &text("Jane Doe, ext. 4711")),
        variable(b"\x2b\x06\x01\x02\x01\x2b\x05\x01\x01\x11\x01", &text("CN123")),
        variable(b"\x2b\x06\x01\x02\x01\x2f\x01\x01\x01\x01\x0b\x87\x69", &text("FOC1")),
        variable(b"\x2b\x06\x01\x02\x01\x2f\x01\x01\x01\x01\x0b\x09", &text("FAN9")),
        variable(b"\x2b\x06\x01\x02\x01\x01\x01\x01\x00", &text("no scalar")),
    ];
    bench.datagram(datagram, Side::Server, &response(&variables.concat()));
    assert_eq!(
        bench.facts()[2..],
        [
            "10.0.0.2 snmp-name lab-printer-2",
            "10.0.0.2 location Lab, room 12",
            "10.0.0.2 serial-number CN123",
            "10.0.0.2 serial-number FOC1",
        ]
    );
    let all = bench.all_text();
    assert!(!all.contains("s3cret") && !all.contains("Jane"), "{all}");
}

#[test]
fn what_is_asked_or_refused_is_not_stated() {
    let mut bench = Bench::udp(Protocol::Snmp);
    let name = variable(b"\x2b\x06\x01\x02\x01\x01\x05\x00", &text("new-name"));
    let set = [b"\x02\x01\x01\x02\x01\x00\x02\x01\x00", &wrap(b"\x30", &name)[..]].concat();
    bench.datagram(datagram, Side::Client, &message(b"\xa3", &set));
    let refused = [b"\x02\x01\x01\x02\x01\x06\x02\x01\x01", &wrap(b"\x30", &name)[..]].concat();
    bench.datagram(datagram, Side::Server, &message(b"\xa2", &refused));
    assert!(!bench.all_text().contains("new-name"));
    assert_eq!(bench.verbs(), ["SET client 1", "RESPONSE server 1"]);
}

#[test]
fn refused_logins_are_events() {
    let mut bench = Bench::udp(Protocol::Snmp);
    let trap_oid = variable(
        b"\x2b\x06\x01\x06\x03\x01\x01\x04\x01\x00",
        &wrap(b"\x06", b"\x2b\x06\x01\x06\x03\x01\x01\x05\x05"),
    );
    let trap = [b"\x02\x01\x01\x02\x01\x00\x02\x01\x00", &wrap(b"\x30", &trap_oid)[..]].concat();
    bench.datagram(datagram, Side::Client, &message(b"\xa7", &trap));
    // Our own shortening of a v3 report: usmStatsWrongDigests.
    let counter = variable(b"\x2b\x06\x01\x06\x03\x0f\x01\x01\x05\x00", b"\x41\x01\x01");
    let report = [b"\x02\x01\x01\x02\x01\x00\x02\x01\x00", &wrap(b"\x30", &counter)[..]].concat();
    bench.datagram(datagram, Side::Server, &message(b"\xa8", &report));
    assert_eq!(
        bench.events(),
        ["10.0.0.1 LoginRefused authenticationFailure", "10.0.0.2 LoginRefused usmStatsWrongDigests"]
    );
}

#[test]
fn what_is_cut_off_is_broken_and_what_is_foreign_is_not_ours() {
    let mut bench = Bench::udp(Protocol::Snmp);
    let cut = bench.datagram(datagram, Side::Server, &OBJECT_ID[..30]);
    assert_eq!(cut, Datagram::Broken(UnparsedReason::BadMessage));
    assert_eq!(bench.datagram(datagram, Side::Server, b"\x1b\0\0\0"), Datagram::NotOurs);
}
