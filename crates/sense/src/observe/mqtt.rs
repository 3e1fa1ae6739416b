//! MQTT: which clients report to which broker, how they log in, and every packet counted by type.

use super::{Context, Side, Step, Stream};
use model::{Attribute, EventKind, UnparsedReason};
use wire::mqtt::{Connect, Packet, begins_packets, parse};
use wire::{Error, Framed};

/// Events reported from one conversation; further ones are only counted by their verb.
const EVENTS_MAX: u32 = 64;
/// A running conversation repeats that it is in clear after this many seconds.
const REPEAT_S: u64 = 60;

/// An MQTT conversation.
#[derive(Debug, Default)]
pub struct Mqtt {
    /// Second in which each side was last said to speak in clear.
    clear_text_said_s: [Option<u64>; 2],
    events: u32,
}

impl Stream for Mqtt {
    /// Takes every packet that begins in `input`: one call a segment, whatever the number of packets.
    fn take(&mut self, cx: &mut Context<'_>, side: Side, input: &[u8]) -> Step {
        let mut taken = 0;
        while let Some(rest) = input.get(taken..).filter(|rest| !rest.is_empty()) {
            match parse(rest) {
                Ok(Framed::Whole { message, length }) => {
                    cx.verb(message.verb(), length);
                    if !matches!(message, Packet::Publish(_)) {
                        self.observe(cx, message);
                    }
                    taken += length;
                }
                Ok(Framed::Partial { need }) if taken == 0 => return Step::Need(need),
                Err(error) if taken == 0 => return Step::Broken(reason(error)),
                Ok(Framed::Partial { .. }) | Err(_) => break,
            }
        }
        self.say_clear_text(cx, side);
        Step::Took(taken)
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        begins_packets(head)
    }
}

const fn reason(error: Error) -> UnparsedReason {
    match error {
        Error::Limit { .. } => UnparsedReason::Limit,
        _ => UnparsedReason::BadMessage,
    }
}

impl Mqtt {
    fn observe(&mut self, cx: &mut Context<'_>, packet: Packet<'_>) {
        match packet {
            Packet::Connect(connect) => self.connect(cx, connect),
            Packet::ConnAck(code) => {
                cx.fact(Attribute::ServiceType, "mqtt broker");
                self.refusal(cx, EventKind::LoginRefused, "CONNACK", code, code != 0);
            }
            Packet::SubAck(code) => {
                cx.fact(Attribute::ServiceType, "mqtt broker");
                self.refusal(cx, EventKind::ErrorReply, "SUBACK", code, code >= 0x80);
            }
            Packet::UnsubAck | Packet::PingResp => cx.fact(Attribute::ServiceType, "mqtt broker"),
            Packet::PubAck(code) => self.refusal(cx, EventKind::ErrorReply, "PUBACK", code, code >= 0x80),
            Packet::PubRec(code) => self.refusal(cx, EventKind::ErrorReply, "PUBREC", code, code >= 0x80),
            Packet::Disconnect(code) => {
                self.refusal(cx, EventKind::ErrorReply, "DISCONNECT", code, code >= 0x80);
            }
            _ => {}
        }
    }

    fn connect(&mut self, cx: &mut Context<'_>, connect: Connect<'_>) {
        cx.fact(Attribute::MqttClientId, connect.client_id);
        cx.fact(Attribute::MqttVersion, connect.version());
        let login = match (connect.user_name, connect.password) {
            (true, true) => "mqtt user name and password",
            (false, true) => "mqtt password",
            (true, false) => "mqtt user name",
            (false, false) => "mqtt anonymous",
        };
        if connect.password {
            cx.fact(Attribute::BasicAuth, login);
        }
        self.event(cx, EventKind::Login, login);
    }

    /// Reports `code` when it refuses. The reason is named, the topic it is about is not known here.
    fn refusal(&mut self, cx: &mut Context<'_>, kind: EventKind, verb: &str, code: u8, refused: bool) {
        if refused {
            self.event(cx, kind, &format!("{verb} {code:#04x} {}", reason_name(code)));
        }
    }

    fn event(&mut self, cx: &mut Context<'_>, kind: EventKind, detail: &str) {
        if self.events < EVENTS_MAX {
            self.events += 1;
            cx.event(kind, detail);
        }
    }

    fn say_clear_text(&mut self, cx: &mut Context<'_>, side: Side) {
        let now_s = cx.now.as_secs();
        let said_s = match side {
            Side::Client => self.clear_text_said_s.first_mut(),
            Side::Server => self.clear_text_said_s.last_mut(),
        };
        if let Some(said_s) = said_s
            && said_s.is_none_or(|said_s| now_s.abs_diff(said_s) >= REPEAT_S)
        {
            *said_s = Some(now_s);
            cx.fact(Attribute::ClearText, "mqtt");
        }
    }
}

/// The reason in the standard's words: 3.1.1 §3.2.2.3 below 6, v5 §2.4 from 0x80.
const fn reason_name(code: u8) -> &'static str {
    match code {
        1 | 0x84 => "unacceptable protocol version",
        2 | 0x85 => "client identifier not valid",
        3 | 0x88 => "server unavailable",
        4 | 0x86 => "bad user name or password",
        5 | 0x87 => "not authorized",
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "implementation specific error",
        0x89 => "server busy",
        0x8a => "banned",
        0x8b => "server shutting down",
        0x8c => "bad authentication method",
        0x8d => "keep alive timeout",
        0x8e => "session taken over",
        0x8f => "topic filter invalid",
        0x90 => "topic name invalid",
        0x91 => "packet identifier in use",
        0x92 => "packet identifier not found",
        0x93 => "receive maximum exceeded",
        0x94 => "topic alias invalid",
        0x95 => "packet too large",
        0x96 => "message rate too high",
        0x97 => "quota exceeded",
        0x98 => "administrative action",
        0x99 => "payload format invalid",
        0x9a => "retain not supported",
        0x9b => "qos not supported",
        0x9c => "use another server",
        0x9d => "server moved",
        0x9e => "shared subscriptions not supported",
        0x9f => "connection rate exceeded",
        0xa0 => "maximum connect time",
        0xa1 => "subscription identifiers not supported",
        0xa2 => "wildcard subscriptions not supported",
        _ => "reason not in the standard",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::Bench;
    use model::Protocol;

    /// suricata-verify (MIT), mqtt31-pub-qos1.
    const CONNECT: &[u8] = b"\x10\x2d\0\x06MQIsdp\x03\xc2\0\x3c\0\x13myvoiceismypassport\0\x04user\0\x04pass";
    const PUBLISH: &[u8] = b"\x32\x1a\0\x06topicX\0\x01baabaablacksheep";

    #[test]
    fn a_login_and_its_answer_tell_client_and_broker() {
        let (mut bench, mut mqtt) = (Bench::tcp(Protocol::Mqtt), Mqtt::default());
        assert_eq!(bench.stream(&mut mqtt, Side::Client, CONNECT), [Step::Took(47)]);
        assert_eq!(bench.stream(&mut mqtt, Side::Server, b"\x20\x02\0\x05"), [Step::Took(4)]);
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.1 mqtt-client-id myvoiceismypassport",
                "10.0.0.1 mqtt-version 3.1",
                "10.0.0.1 basic-auth mqtt user name and password",
                "10.0.0.1 clear-text mqtt",
                "10.0.0.2 service-type mqtt broker",
                "10.0.0.2 clear-text mqtt",
            ]
        );
        assert_eq!(
            bench.events(),
            [
                "10.0.0.1 Login mqtt user name and password",
                "10.0.0.2 LoginRefused CONNACK 0x05 not authorized",
            ]
        );
        assert_eq!(bench.verbs(), ["CONNECT client 1", "CONNACK server 1"]);
    }

    #[test]
    fn every_packet_of_a_segment_is_counted_in_one_call() {
        let (mut bench, mut mqtt) = (Bench::tcp(Protocol::Mqtt), Mqtt::default());
        let segment = [PUBLISH, PUBLISH, b"\xc0\0", &PUBLISH[..9]].concat();
        let steps = bench.stream(&mut mqtt, Side::Client, &segment);
        assert_eq!(steps, [Step::Took(28 + 28 + 2 + 28)], "the last payload is skipped unseen");
        assert_eq!(bench.verbs(), ["PUBLISH client 3", "PINGREQ client 1"]);
        let steps = bench.stream(&mut mqtt, Side::Client, &[PUBLISH, &PUBLISH[..3]].concat());
        assert_eq!(steps, [Step::Took(28), Step::Need(4)]);
    }

    #[test]
    fn split_at_any_byte_a_session_counts_the_same() {
        let session = [CONNECT, PUBLISH, b"\x82\x06\0\x01\0\x01#\0", b"\xe0\0"].concat();
        for cut in 1..session.len() {
            let (mut bench, mut mqtt) = (Bench::tcp(Protocol::Mqtt), Mqtt::default());
            let took: usize = bench
                .stream(&mut mqtt, Side::Client, &session[..cut])
                .iter()
                .map(|step| if let Step::Took(bytes) = step { *bytes } else { 0 })
                .sum();
            bench.stream(&mut mqtt, Side::Client, &session[took..]);
            let verbs =
                ["CONNECT client 1", "PUBLISH client 1", "SUBSCRIBE # client 1", "DISCONNECT client 1"];
            assert_eq!(bench.verbs(), verbs, "cut at {cut}");
        }
    }

    #[test]
    fn topics_payloads_and_credentials_stay_inside() {
        let (mut bench, mut mqtt) = (Bench::tcp(Protocol::Mqtt), Mqtt::default());
        let publish = b"\x30\x24\0\x12ward/CANARY/vitals\x7b\"name\":\"CANARY\"}";
        bench.stream(&mut mqtt, Side::Client, CONNECT);
        bench.stream(&mut mqtt, Side::Client, publish);
        bench.stream(&mut mqtt, Side::Client, b"\x82\x0f\0\x01\0\x0award/CANARY/#\0");
        bench.stream(&mut mqtt, Side::Server, b"\x90\x03\0\x01\x80");
        let text = bench.all_text();
        for canary in ["CANARY", "vitals", "topicX", "\"user\"", "pass\""] {
            assert!(!text.contains(canary), "{canary} in {text}");
        }
        assert!(bench.verbs().contains(&"PUBLISH client 1".to_owned()));
    }

    #[test]
    fn events_of_one_conversation_are_bounded() {
        let (mut bench, mut mqtt) = (Bench::tcp(Protocol::Mqtt), Mqtt::default());
        for _ in 0..1000 {
            bench.stream(&mut mqtt, Side::Server, b"\x40\x03\0\x01\x97");
        }
        assert_eq!(bench.events().len(), EVENTS_MAX as usize);
        assert_eq!(bench.verbs(), ["PUBACK server 1000"]);
    }

    #[test]
    fn a_broken_packet_is_said_to_be_broken_after_what_was_good() {
        let (mut bench, mut mqtt) = (Bench::tcp(Protocol::Mqtt), Mqtt::default());
        let steps = bench.stream(&mut mqtt, Side::Client, b"\xc0\0\x36\x05\0\x01abc");
        assert_eq!(steps, [Step::Took(2), Step::Broken(UnparsedReason::BadMessage)]);
        assert!(mqtt.resumes(Side::Client, PUBLISH));
    }
}
