//! What LLMNR tells: who answers for a name bears it (RFC 4795 §2.3). A query tells nothing: a machine that checks
//! whether its own name is free asks like one that looks for another.

use super::dns::{address, dotted, unparsed};
use super::{Context, Datagram};
use model::{Address, Attribute};
use wire::dns::{Data, Message, Opcode, Question, Record, RecordType, Section, parse};

/// Answers of one response that are read.
const ANSWERS_MAX: usize = 16;

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(error) => return Datagram::Broken(unparsed(error)),
    };
    cx.verb(message.verb(), payload.len());
    let flags = message.flags;
    if flags.is_response() && flags.opcode() == Opcode::Query && flags.rcode() == 0 {
        response(cx, &message);
    }
    Datagram::Read
}

fn response(cx: &mut Context<'_>, message: &Message<'_>) {
    let Some(question) = message.questions().next() else { return };
    let answers = || {
        message
            .records()
            .take(ANSWERS_MAX)
            .filter(|r| r.section == Section::Answer && r.name.is(question.name))
    };
    // One that answers with another's address speaks for another.
    if answers().any(|answer| is_of_another(cx, &answer)) {
        return;
    }
    for answer in answers() {
        match answer.kind {
            RecordType::A | RecordType::AAAA => cx.fact(Attribute::HostName, dotted(question.name)),
            RecordType::PTR => reverse(cx, &question, &answer),
            _ => {}
        }
    }
}

/// An address of the sender's own family that is not the sender's.
fn is_of_another(cx: &Context<'_>, answer: &Record<'_>) -> bool {
    match (address(answer), cx.sender.address) {
        (Some(ip), Address::Ip(sender)) => ip.is_ipv4() == sender.is_ipv4() && ip != sender,
        _ => false,
    }
}

fn reverse(cx: &mut Context<'_>, question: &Question<'_>, answer: &Record<'_>) {
    if let (Ok(Data::Ptr(host)), Address::Ip(sender)) = (answer.data(), cx.sender.address)
        && question.name.is_reverse_of(sender)
    {
        cx.fact(Attribute::HostName, dotted(host));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Side;
    use crate::observe::testing::Bench;
    use model::UnparsedReason;

    /// A response (or query) about `name` with these answers.
    fn message(flags: u16, answers: u16, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34];
        bytes.extend(flags.to_be_bytes());
        [1, answers, 0, 0].iter().for_each(|count: &u16| bytes.extend(count.to_be_bytes()));
        bytes.extend(rest);
        bytes
    }

    const WHO_IS_MR2: &[u8] = b"\x03MR2\0\0\x01\0\x01";
    /// The server of the bench, 10.0.0.2, answers for itself.
    const I_AM: &[u8] = b"\x03MR2\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\0\0\x02";
    /// It answers for 10.0.0.3.
    const HE_IS: &[u8] = b"\x03MR2\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\0\0\x03";
    /// It says the name of 10.0.0.2.
    const REVERSE: &[u8] = b"\x012\x010\x010\x0210\x07in-addr\x04arpa\0\0\x0c\0\x01\
        \xc0\x0c\0\x0c\0\x01\0\0\0\x1e\0\x05\x03CT1\0";

    #[test]
    fn who_answers_for_a_name_bears_it() {
        let mut bench = Bench::udp(model::Protocol::Llmnr);
        bench.datagram(datagram, Side::Client, &message(0, 0, WHO_IS_MR2));
        assert!(bench.facts().is_empty());
        bench.datagram(datagram, Side::Server, &message(0x8000, 1, I_AM));
        bench.datagram(datagram, Side::Server, &message(0x8000, 1, REVERSE));
        assert_eq!(bench.facts(), ["10.0.0.2 host-name MR2", "10.0.0.2 host-name CT1"]);
        assert_eq!(bench.verbs(), ["QUERY A client 1", "RESPONSE NOERROR server 2"]);
    }

    #[test]
    fn who_answers_for_another_does_not() {
        let mut bench = Bench::udp(model::Protocol::Llmnr);
        bench.datagram(datagram, Side::Server, &message(0x8000, 1, HE_IS));
        bench.datagram(datagram, Side::Server, &message(0x8003, 1, I_AM));
        // The reverse name of another address.
        bench.datagram(datagram, Side::Client, &message(0x8000, 1, REVERSE));
        assert!(bench.facts().is_empty());
    }

    #[test]
    fn broken_messages_say_why() {
        let mut bench = Bench::udp(model::Protocol::Llmnr);
        let cut = bench.datagram(datagram, Side::Server, &message(0x8000, 1, &I_AM[..15]));
        assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
    }
}
