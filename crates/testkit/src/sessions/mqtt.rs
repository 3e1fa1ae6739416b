//! A bedside monitor publishes vitals at QoS 1 (MQTT 3.1.1, OASIS 2014).

use super::{Conversation, Side, Timed};

const SECOND_US: u64 = 1_000_000;
const BROKER: [u8; 4] = [10, 20, 0, 5];
const PUBLISHES: u16 = 60;
const PING_EVERY: u16 = 20;

/// Monitor number `k`: CONNECT, SUBSCRIBE, sixty PUBLISH with their PUBACK, pings, DISCONNECT.
pub fn vitals(k: u8) -> Vec<Timed> {
    let client = ([10, 20, 1, 10_u8.wrapping_add(k)], 40_000 + u16::from(k));
    let mut session = Conversation::open(client, (BROKER, 1883), 0x6d71_7474 + u64::from(k));
    let id = format!("monitor-{k:04}");
    session.send(Side::Client, &connect(&id, &format!("secret{k}")), SECOND_US / 100);
    session.send(Side::Server, &[0x20, 2, 0, 0], 0);
    let subscription = [&[0, 1][..], &text(&format!("icu/cmd/{id}")), &[1]].concat();
    session.send(Side::Client, &packet(0x82, &subscription), SECOND_US / 100);
    session.send(Side::Server, &[0x90, 3, 0, 1, 1], 0);
    session.acknowledge(Side::Client);
    for count in 0..PUBLISHES {
        let id_bytes = (count + 2).to_be_bytes();
        let reading = reading(&mut session, &id, count);
        let publish = [&text(&format!("icu/bed/{k}/vitals"))[..], &id_bytes, reading.as_bytes()].concat();
        session.send(Side::Client, &packet(0x32, &publish), SECOND_US * 9 / 10);
        session.send(Side::Server, &packet(0x40, &id_bytes), 0);
        session.acknowledge(Side::Client);
        if count % PING_EVERY == PING_EVERY - 1 {
            session.send(Side::Client, &[0xc0, 0], SECOND_US / 20);
            session.send(Side::Server, &[0xd0, 0], 0);
            session.acknowledge(Side::Client);
        }
    }
    session.send(Side::Client, &[0xe0, 0], 0);
    session.close()
}

fn connect(id: &str, password: &str) -> Vec<u8> {
    // Protocol level 4; user name, password, clean session; keep alive 60 s.
    let header = [&text("MQTT")[..], &[4, 0xc2, 0, 60]].concat();
    packet(0x10, &[&header[..], &text(id), &text("icu"), &text(password)].concat())
}

fn reading(session: &mut Conversation, id: &str, count: u16) -> String {
    let random = session.random();
    let wave: Vec<String> = (0..16).map(|_| format!("{}", random.below(1000) as i64 - 500)).collect();
    format!(
        "{{\"dev\":\"{id}\",\"ts\":{},\"hr\":{},\"spo2\":{},\"resp\":{},\"sys\":{},\"dia\":{},\"temp\":{}.{:02},\"ecg\":[{}],\"alarm\":null}}",
        1_789_000_000 + u32::from(count),
        60 + random.below(40),
        90 + random.below(10),
        10 + random.below(12),
        100 + random.below(50),
        60 + random.below(30),
        36 + random.below(2),
        random.below(100),
        wave.join(",")
    )
}

/// A UTF-8 string with its length (1.5.3).
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(0);
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

/// A control packet with its remaining length (2.2.3).
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut left = body.len();
    loop {
        let digit = (left % 128) as u8;
        left /= 128;
        packet.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}
