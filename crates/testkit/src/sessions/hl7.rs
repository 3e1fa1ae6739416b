//! A monitor gateway reports observations: HL7 v2.6 ORU^R01 over MLLP, each acknowledged. The patients are made up.

use super::{Conversation, Side, Timed};

const SECOND_US: u64 = 1_000_000;
const HIS: [u8; 4] = [10, 20, 0, 6];
const MLLP_PORT: u16 = 2575;
const MESSAGES: u32 = 20;
const NAMES: &[&str] = &["Heart rate", "SpO2", "Resp rate", "Sys BP", "Dia BP"];

/// Gateway number `k`: twenty ORU^R01 with 6 to 17 OBX each, and their ACK.
pub fn observations(k: u8) -> Vec<Timed> {
    let client = ([10, 20, 2, 10_u8.wrapping_add(k)], 41_000 + u16::from(k));
    let mut session = Conversation::open(client, (HIS, MLLP_PORT), 0x0068_6c37 + u64::from(k));
    for count in 0..MESSAGES {
        let oru = oru(&mut session, k, count);
        session.send(Side::Client, &mllp(&oru), SECOND_US * 8 / 10);
        session.send(Side::Server, &mllp(&ack(k, count)), SECOND_US / 100);
        session.acknowledge(Side::Client);
    }
    session.close()
}

fn mllp(message: &str) -> Vec<u8> {
    [b"\x0b", message.as_bytes(), b"\r\x1c\r"].concat()
}

fn oru(session: &mut Conversation, k: u8, count: u32) -> String {
    let random = session.random();
    let mut segments = vec![
        format!(
            "MSH|^~\\&|MON{k}|ICU|HIS|HOSP|20261121{count:02}{count:02}00||ORU^R01^ORU_R01|{k}{count:05}|P|2.6"
        ),
        format!("PID|1||PAT{:05}^^^HOSP^MR||DOE^JANE||19600101|F", random.below(99_999)),
        format!("PV1|1|I|ICU^{count}^1"),
        "OBR|1|||69965-4^Monitored data^LN|||20261121".to_owned(),
    ];
    for set in 1..=6 + random.below(12) {
        let name = random.pick(NAMES).copied().unwrap_or("Heart rate");
        segments.push(format!(
            "OBX|{set}|NM|{}-{}^{name}^LN||{}|/min|50-120|N|||F|||20261121120{:03}",
            8000 + random.below(999),
            random.below(9),
            random.below(200),
            random.below(999)
        ));
    }
    segments.join("\r")
}

fn ack(k: u8, count: u32) -> String {
    format!("MSH|^~\\&|HIS|HOSP|MON{k}|ICU|20261121||ACK^R01|A{k}{count:05}|P|2.6\rMSA|AA|{k}{count:05}")
}
