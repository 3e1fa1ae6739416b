//! The engine as a whole, on built frames: what becomes of reordered, lost, repeated and duplicated segments.

use crate::{Config, Engine, Frame, LinkType};
use model::{Attribute, Record, Timestamp};
use testkit::packet::{ACK, Ipv4, Session, ethernet, udp, vlan};

fn run(frames: &[Vec<u8>]) -> Vec<Record> {
    let mut engine = Engine::new(Config::default());
    for (i, bytes) in frames.iter().enumerate() {
        let at = Timestamp::from_nanos(1_000_000_000_000 + i as u64 * 1_000_000);
        engine.frame(&Frame { at, link: LinkType::Ethernet, bytes, wire_bytes: bytes.len() as u32 });
    }
    engine.finish(Some(0));
    let mut records = Vec::new();
    engine.drain_into(&mut records);
    records
}

/// `verb client->server count` of each counted message.
fn verbs(records: &[Record]) -> Vec<String> {
    let verb = |record: &Record| match record {
        Record::Activity(a) if !a.verb.is_empty() => {
            Some(format!("{} {} {}", a.endpoint.address, a.verb, a.count))
        }
        _ => None,
    };
    records.iter().filter_map(verb).collect()
}

fn flows(records: &[Record]) -> Vec<&model::Flow> {
    let mut flows = Vec::new();
    for record in records {
        if let Record::Flow(flow) = record {
            flows.push(flow.as_ref());
        }
    }
    flows
}

const CONNECT: &[u8] = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04pump";
const PUBLISH: &[u8] = b"\x30\x07\x00\x01tdata";

fn mqtt() -> Session {
    let mut session = Session::open(1883);
    session.send(0, CONNECT);
    session.send(1, b"\x20\x02\x00\x00");
    for _ in 0..4 {
        session.send(0, PUBLISH);
    }
    session.close();
    session
}

const ALL_READ: [&str; 3] = ["10.0.0.1 CONNECT 1", "10.0.0.1 PUBLISH 4", "10.0.0.2 CONNACK 1"];

#[test]
fn every_message_is_counted_by_its_verb() {
    assert_eq!(verbs(&run(&mqtt().frames)), ALL_READ);
}

#[test]
fn segments_out_of_order_are_put_in_order() {
    let mut frames = mqtt().frames;
    frames.swap(6, 8);
    frames.swap(5, 7);
    assert_eq!(verbs(&run(&frames)), ALL_READ);
}

#[test]
fn repeated_segments_count_once() {
    let mut frames = mqtt().frames;
    let mut again = frames[6].clone();
    // Another identification: a retransmission, not the same frame seen twice.
    again[19] = 99;
    frames.insert(7, again);
    let records = run(&frames);
    assert_eq!(verbs(&records), ALL_READ);
    assert_eq!(flows(&records)[0].from_client.retransmitted_bytes, PUBLISH.len() as u64);
}

#[test]
fn a_frame_seen_at_two_taps_counts_once() {
    let single = mqtt().frames;
    let doubled: Vec<Vec<u8>> = single
        .iter()
        .flat_map(|frame| {
            // The copy from behind the router: other link addresses, one hop less.
            let mut copy = frame.clone();
            copy[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 0xff]);
            copy[22] -= 1;
            [frame.clone(), copy]
        })
        .collect();
    let (once, twice) = (run(&single), run(&doubled));
    assert_eq!(verbs(&twice), ALL_READ);
    assert_eq!(flows(&once)[0].from_client.packets, flows(&twice)[0].from_client.packets);
    assert_eq!(flows(&twice)[0].duplicate_packets, single.len() as u64);
}

#[test]
fn a_lost_segment_is_a_gap_and_reading_resumes() {
    let mut frames = mqtt().frames;
    frames.remove(6);
    // The peer acknowledges past the hole: it got what the capture lost.
    let mut session = mqtt();
    session.raw(1, ACK, &[]);
    frames.push(session.frames.last().unwrap().clone());
    let records = run(&frames);
    assert_eq!(verbs(&records), ["10.0.0.1 CONNECT 1", "10.0.0.1 PUBLISH 3", "10.0.0.2 CONNACK 1"]);
    assert_eq!(flows(&records)[0].from_client.gap_bytes, PUBLISH.len() as u64);
}

#[test]
fn one_side_alone_is_read() {
    let session = mqtt();
    let frames: Vec<Vec<u8>> = session.frames.iter().filter(|f| f[11] == 1).cloned().collect();
    let records = run(&frames);
    assert_eq!(verbs(&records), ["10.0.0.1 CONNECT 1", "10.0.0.1 PUBLISH 4"]);
    assert!(flows(&records)[0].one_sided);
}

#[test]
fn sequence_numbers_wrap_around() {
    let mut session = Session::open(1883);
    session.next[0] = u32::MAX - 8;
    session.frames.clear();
    session.raw(0, testkit::packet::SYN, &[]);
    session.next[0] = session.next[0].wrapping_add(1);
    session.send(0, CONNECT);
    session.send(0, PUBLISH);
    assert_eq!(verbs(&run(&session.frames)), ["10.0.0.1 CONNECT 1", "10.0.0.1 PUBLISH 1"]);
}

#[test]
fn messages_split_at_every_byte_are_the_same_messages() {
    let mut session = Session::open(1883);
    for byte in [CONNECT, PUBLISH, PUBLISH].concat() {
        session.send(0, &[byte]);
    }
    assert_eq!(verbs(&run(&session.frames)), ["10.0.0.1 CONNECT 1", "10.0.0.1 PUBLISH 2"]);
}

#[test]
fn a_router_is_told_from_its_hosts_by_hops() {
    let host = |n: u8, ttl: u8, mac: u8| {
        let ip = Ipv4 { ttl, id: u16::from(n), ..Ipv4::new([10, 1, 0, n].into(), [10, 2, 0, 1].into()) };
        ethernet(
            [2, 0, 0, 0, 0, mac],
            [2, 0, 0, 0, 0, 9],
            0x8100,
            &vlan(7, 0x0800, &ip.packet(17, &udp(n.into(), 9, b"?"))),
        )
    };
    let records = run(&[host(1, 64, 1), host(2, 63, 8), host(3, 127, 8)]);
    let facts: Vec<String> = records
        .iter()
        .filter_map(|r| match r {
            Record::Fact(f) if f.attribute != Attribute::Presence => {
                Some(format!("{} {} {}", f.endpoint.address, f.attribute, f.value))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        facts,
        [
            "02:00:00:00:00:01 ipv4-address 10.1.0.1",
            "02:00:00:00:00:08 routed-address 10.1.0.2 hops=1",
            "02:00:00:00:00:08 routed-address 10.1.0.3 hops=1",
        ]
    );
}

#[test]
fn workers_share_conversations_without_overlap() {
    let frames = mqtt().frames;
    let mut total = 0;
    for index in 0..3 {
        let mut engine = Engine::new(Config { share: (index, 3), ..Config::default() });
        for bytes in &frames {
            engine.frame(&Frame {
                at: Timestamp::from_secs(5),
                link: LinkType::Ethernet,
                bytes,
                wire_bytes: bytes.len() as u32,
            });
        }
        total += engine.coverage(None).frames;
    }
    assert_eq!(total, frames.len() as u64);
}

#[test]
fn the_flow_table_is_bounded_and_evictions_are_counted() {
    let mut engine = Engine::new(Config { flows_max: 100, ..Config::default() });
    for i in 0..1000_u16 {
        let ip = Ipv4::new([10, 0, (i >> 8) as u8, i as u8].into(), [10, 9, 9, 9].into());
        let bytes =
            ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], 0x0800, &ip.packet(17, &udp(5, 6, b"x")));
        engine.frame(&Frame {
            at: Timestamp::from_secs(1000 + u64::from(i) / 50),
            link: LinkType::Ethernet,
            bytes: &bytes,
            wire_bytes: bytes.len() as u32,
        });
        assert!(engine.live_flows() <= 100);
    }
    assert!(engine.coverage(None).flows_evicted > 0);
}

#[test]
fn standing_time_and_reused_ports_do_not_pile_up() {
    let mut engine = Engine::new(Config { flows_max: 16, ..Config::default() });
    let mut session = Session::open(80);
    session.frames.clear();
    for n in 0..40_000_u32 {
        session.next[0] = n.wrapping_mul(100_003);
        session.raw(0, testkit::packet::SYN, &[]);
        session.raw(0, testkit::packet::RST, &[]);
        for bytes in session.frames.drain(..) {
            let wire_bytes = bytes.len() as u32;
            engine.frame(&Frame {
                at: Timestamp::from_secs(9),
                link: LinkType::Ethernet,
                bytes: &bytes,
                wire_bytes,
            });
        }
    }
    assert!(engine.live_flows() <= 16);
    assert!(engine.scheduled_looks() < 20_000, "{} looks are scheduled", engine.scheduled_looks());
}
