//! What unicast DNS tells: who answers as a server, and the name a machine registers for itself by dynamic update. Names
//! that are looked up are counted by type and never recorded: they tell of people's doings, not of the device.

use super::value::Value;
use super::{Context, Datagram, Side, Step, Stream};
use model::{Address, Attribute, UnparsedReason};
use std::net::IpAddr;
use wire::dns::{Data, Message, Name, Opcode, Record, Section, parse, parse_tcp, probe_tcp};
use wire::{Framed, Probe};

/// Records of one update that are read for the sender's own name.
const UPDATE_RECORDS_MAX: usize = 64;

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    match parse(payload) {
        Ok(message) => {
            observe(cx, &message, payload.len());
            Datagram::Read
        }
        Err(error) => Datagram::Broken(unparsed(error)),
    }
}

/// A conversation over TCP.
#[derive(Debug, Default)]
pub struct Tcp;

impl Stream for Tcp {
    fn take(&mut self, cx: &mut Context<'_>, _side: Side, input: &[u8]) -> Step {
        match parse_tcp(input) {
            Ok(Framed::Whole { message, length }) => {
                observe(cx, &message, length);
                Step::Took(length)
            }
            Ok(Framed::Partial { need }) => Step::Need(need),
            Err(error) => Step::Broken(unparsed(error)),
        }
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        probe_tcp(head) == Probe::Certain
    }
}

/// Why a message of DNS, mDNS or LLMNR could not be read, in the records' words.
pub(super) fn unparsed(error: wire::Error) -> UnparsedReason {
    match error {
        wire::Error::Truncated { .. } => UnparsedReason::Truncated,
        wire::Error::Malformed { .. } => UnparsedReason::BadMessage,
        wire::Error::Limit { .. } => UnparsedReason::Limit,
    }
}

fn observe(cx: &mut Context<'_>, message: &Message<'_>, bytes: usize) {
    cx.verb(message.verb(), bytes);
    match (message.flags.opcode(), message.flags.is_response()) {
        (Opcode::Query, true) if answers_as_server(message) => {
            cx.fact(Attribute::ServiceType, "dns server");
        }
        (Opcode::Update, false) => own_update(cx, message),
        _ => {}
    }
}

/// NOERROR or NXDOMAIN, for a question, by one that resolves or is responsible. A mere refusal is no service.
fn answers_as_server(message: &Message<'_>) -> bool {
    let flags = message.flags;
    matches!(flags.rcode(), 0 | 3)
        && (flags.recursion_available() || flags.is_authoritative())
        && message.questions().next().is_some()
}

/// A machine that registers its own address tells its name and zone; a DHCP server registers those of others.
fn own_update(cx: &mut Context<'_>, message: &Message<'_>) {
    let Some(zone) = message.questions().next() else { return };
    let own = message.records().take(UPDATE_RECORDS_MAX).find(|record| {
        let added = record.section == Section::Authority && record.class == 1;
        added && address(record).is_some_and(|ip| Address::Ip(ip) == cx.sender.address)
    });
    if let Some(own) = own {
        cx.fact(Attribute::HostName, own.name.first());
        cx.fact(Attribute::DomainName, dotted(zone.name));
    }
}

/// The address in an A or AAAA record.
pub(super) fn address(record: &Record<'_>) -> Option<IpAddr> {
    match record.data() {
        Ok(Data::A(v4)) => Some(v4.into()),
        Ok(Data::Aaaa(v6)) => Some(v6.into()),
        _ => None,
    }
}

/// A name with dots.
pub(super) fn dotted(name: Name<'_>) -> Value {
    Value::joined(name.labels(), ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::Bench;
    use std::net::Ipv4Addr;

    /// Header with these flags and counts, followed by `rest`.
    fn message(flags: u16, counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34];
        bytes.extend(flags.to_be_bytes());
        counts.iter().for_each(|count| bytes.extend(count.to_be_bytes()));
        bytes.extend(rest);
        bytes
    }

    const QUESTION: &[u8] = b"\x03www\x07example\x03org\0\0\x01\0\x01";
    /// Zone `ward.example`; in it, `pump7` gets 10.0.0.1.
    const UPDATE: &[u8] =
        b"\x04ward\x07example\0\0\x06\0\x01\x05pump7\xc0\x0c\0\x01\0\x01\0\0\x04\xb0\0\x04\x0a\0\0\x01";

    #[test]
    fn queries_are_counted_and_their_names_forgotten() {
        let mut bench = Bench::udp(model::Protocol::Dns);
        bench.datagram(datagram, Side::Client, &message(0x0100, [1, 0, 0, 0], QUESTION));
        bench.datagram(datagram, Side::Server, &message(0x8183, [1, 0, 0, 0], QUESTION));
        bench.datagram(datagram, Side::Server, &message(0x8105, [1, 0, 0, 0], QUESTION));
        assert_eq!(
            bench.verbs(),
            ["QUERY A client 1", "RESPONSE NXDOMAIN server 1", "RESPONSE REFUSED server 1"]
        );
        assert_eq!(bench.facts(), ["10.0.0.2 service-type dns server"]);
        assert!(!bench.all_text().contains("example"));
    }

    #[test]
    fn a_refusal_is_no_service() {
        let mut bench = Bench::udp(model::Protocol::Dns);
        bench.datagram(datagram, Side::Server, &message(0x8185, [1, 0, 0, 0], QUESTION));
        bench.datagram(datagram, Side::Server, &message(0x8180, [0, 0, 0, 0], b""));
        assert!(bench.facts().is_empty());
    }

    #[test]
    fn a_machine_that_updates_its_own_address_tells_its_name() {
        let update = message(0x2800, [1, 0, 1, 0], UPDATE);
        let mut bench = Bench::udp(model::Protocol::Dns);
        bench.datagram(datagram, Side::Client, &update);
        assert_eq!(bench.facts(), ["10.0.0.1 host-name pump7", "10.0.0.1 domain-name ward.example"]);
        // The same, sent by a DHCP server.
        let mut bench = Bench::udp(model::Protocol::Dns);
        bench.client.address = Address::Ip(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)));
        bench.datagram(datagram, Side::Client, &update);
        assert!(bench.facts().is_empty());
        assert_eq!(bench.verbs(), ["UPDATE client 1"]);
    }

    #[test]
    fn over_tcp_messages_follow_one_another() {
        let query = message(0x0100, [1, 0, 0, 0], QUESTION);
        let mut stream = Vec::new();
        for _ in 0..2 {
            stream.extend((query.len() as u16).to_be_bytes());
            stream.extend(&query);
        }
        let mut bench = Bench::tcp(model::Protocol::Dns);
        let took = Step::Took(query.len() + 2);
        assert_eq!(bench.stream(&mut Tcp, Side::Client, &stream), [took, took]);
        assert_eq!(bench.verbs(), ["QUERY A client 2"]);
        assert_eq!(bench.stream(&mut Tcp, Side::Client, &stream[..9]), [Step::Need(query.len() + 2)]);
        let broken = bench.stream(&mut Tcp, Side::Client, b"\x00\x03GET");
        assert_eq!(broken, [Step::Broken(UnparsedReason::BadMessage)]);
        assert!(Tcp.resumes(Side::Client, &stream));
        assert!(!Tcp.resumes(Side::Client, &stream[1..]));
    }

    #[test]
    fn broken_messages_say_why() {
        let mut bench = Bench::udp(model::Protocol::Dns);
        let cut = &message(0x0100, [1, 0, 0, 0], QUESTION)[..20];
        assert_eq!(bench.datagram(datagram, Side::Client, cut), Datagram::Broken(UnparsedReason::Truncated));
        let many = message(0x0100, [0xffff; 4], QUESTION);
        assert_eq!(bench.datagram(datagram, Side::Client, &many), Datagram::Broken(UnparsedReason::Limit));
        assert!(bench.verbs().is_empty());
    }
}
