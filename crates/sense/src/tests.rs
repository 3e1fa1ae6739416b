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

#[test]
fn what_is_held_behind_a_hole_is_read_before_the_flow_goes() {
    let session = mqtt();
    // One side alone, so that no acknowledgement tells that the hole will stay.
    let mut frames: Vec<Vec<u8>> = session.frames.iter().filter(|f| f[11] == 1).cloned().collect();
    frames.remove(3);
    frames.truncate(5);
    let records = run(&frames);
    assert_eq!(verbs(&records), ["10.0.0.1 CONNECT 1", "10.0.0.1 PUBLISH 2"]);
    assert_eq!(flows(&records)[0].from_client.gap_bytes, PUBLISH.len() as u64);
}

#[test]
fn a_port_used_again_is_a_new_conversation_whatever_its_numbers() {
    for first_number in [500_000_000_u32, 100_u32] {
        let mut session = Session::open(1883);
        session.frames.clear();
        session.next = [first_number, 7];
        session.raw(0, testkit::packet::SYN, &[]);
        let mut frames = session.frames.clone();
        frames.extend(mqtt().frames);
        assert_eq!(verbs(&run(&frames)), ALL_READ, "{first_number}");
    }
}

#[test]
fn hosts_without_an_address_have_conversations_of_their_own() {
    let discover = |mac: u8, id: u16| {
        let ip = Ipv4 { id, ..Ipv4::new([0, 0, 0, 0].into(), [255, 255, 255, 255].into()) };
        ethernet([2, 0, 0, 0, 0, mac], [0xff; 6], 0x0800, &ip.packet(17, &udp(68, 67, b"not dhcp")))
    };
    let records = run(&[discover(1, 1), discover(2, 1), discover(1, 2)]);
    let mut senders: Vec<String> = flows(&records)
        .iter()
        .map(|f| format!("{} {} {}", f.client.address, f.client_ip, f.from_client.packets))
        .collect();
    senders.sort();
    assert_eq!(senders, ["02:00:00:00:00:01 0.0.0.0 2", "02:00:00:00:00:02 0.0.0.0 1"]);
}

#[test]
fn one_frame_from_the_future_does_not_stop_time() {
    let mut engine = Engine::new(Config::default());
    let ip = |n: u16| Ipv4::new([10, 0, (n >> 8) as u8, n as u8].into(), [10, 9, 9, 9].into());
    let frame = |n: u16| {
        ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], 0x0800, &ip(n).packet(17, &udp(5, 6, b"x")))
    };
    for n in 0..2000_u16 {
        let bytes = frame(n);
        let at_s = if n == 0 { 4_102_444_800 } else { 1_790_000_000 + u64::from(n) };
        let wire_bytes = bytes.len() as u32;
        engine.frame(&Frame {
            at: Timestamp::from_secs(at_s),
            link: LinkType::Ethernet,
            bytes: &bytes,
            wire_bytes,
        });
    }
    assert!(engine.live_flows() < 700, "{} flows live", engine.live_flows());
}

#[test]
fn bytes_beyond_four_gigabytes_a_minute_are_counted() {
    let mut engine = Engine::new(Config::default());
    let mut ip = Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into()).packet(17, &udp(5, 6, b"x"));
    ip[2..4].copy_from_slice(&65_000_u16.to_be_bytes());
    let bytes = ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], 0x0800, &ip);
    for n in 0..80_000_u64 {
        let mut bytes = bytes.clone();
        bytes[18..20].copy_from_slice(&(n as u16).to_be_bytes());
        let at = Timestamp::from_nanos(1_790_000_000_000_000_000 + n * 200_000);
        engine.frame(&Frame { at, link: LinkType::Ethernet, bytes: &bytes, wire_bytes: 65_014 });
    }
    engine.finish(None);
    let mut records = Vec::new();
    engine.drain_into(&mut records);
    assert!(flows(&records)[0].from_client.bytes > 5_000_000_000, "{:?}", flows(&records)[0].from_client);
}

/// Sums of (packets, messages) over Activities, by sender and verb.
fn sums(records: &[Record]) -> std::collections::BTreeMap<String, (u64, u64)> {
    let mut sums = std::collections::BTreeMap::new();
    for record in records {
        if let Record::Activity(a) = record {
            let sum: &mut (u64, u64) = sums.entry(format!("{} {}", a.endpoint.address, a.verb)).or_default();
            *sum = (sum.0 + a.count, sum.1 + a.bytes);
        }
    }
    sums
}

#[test]
fn what_was_counted_so_far_can_be_had_at_any_time_and_adds_up() {
    let whole = run(&mqtt().frames);
    let mut engine = Engine::new(Config { first_sequence: 501, ..Config::default() });
    let start = Timestamp::from_secs(1000);
    engine.emit_so_far(start);
    let (mut records, mut early) = (Vec::new(), 0);
    for (i, bytes) in mqtt().frames.iter().enumerate() {
        let at = Timestamp::from_nanos(start.as_nanos() + i as u64 * 1_000_000);
        engine.frame(&Frame { at, link: LinkType::Ethernet, bytes, wire_bytes: bytes.len() as u32 });
        engine.emit_so_far(at);
        engine.drain_into(&mut records);
        // Every frame is in some Activity as soon as it is asked for.
        let packets: u64 =
            sums(&records).iter().filter(|(who, _)| who.ends_with(' ')).map(|(_, sum)| sum.0).sum();
        assert_eq!(packets, i as u64 + 1);
        early += 1;
    }
    assert!(early > 5 && flows(&records).is_empty(), "flows stay open");
    engine.emit_coverage(Some(3));
    engine.finish(Some(3));
    engine.drain_into(&mut records);
    assert_eq!(sums(&records), sums(&whole));
    assert_eq!(flows(&records).len(), 1);
    assert_eq!(flows(&records)[0].from_client, flows(&whole)[0].from_client);
    let coverage = records.iter().filter(|r| matches!(r, Record::Coverage(c) if c.dropped_frames == Some(3)));
    assert_eq!(coverage.count(), 2);
    let sequences: Vec<u64> = records.iter().map(|r| r.header().sequence).collect();
    assert_eq!(sequences, (501..501 + records.len() as u64).collect::<Vec<_>>());
}

#[test]
fn nothing_new_emits_nothing() {
    let mut engine = Engine::new(Config::default());
    let (mut records, at) = (Vec::new(), Timestamp::from_secs(1000));
    engine.emit_so_far(at);
    for bytes in &mqtt().frames {
        engine.frame(&Frame { at, link: LinkType::Ethernet, bytes, wire_bytes: bytes.len() as u32 });
    }
    engine.emit_so_far(at);
    engine.drain_into(&mut records);
    assert!(!records.is_empty());
    records.clear();
    engine.emit_so_far(Timestamp::from_secs(1001));
    engine.drain_into(&mut records);
    assert_eq!(records, []);
}
