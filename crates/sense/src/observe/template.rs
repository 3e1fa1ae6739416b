//! TEMPLATE: what a message of the made-up protocol WTP tells. `cargo xtask new-protocol` copies this file.

use super::{Context, Side, Step, Stream};
use model::{Attribute, UnparsedReason};
use wire::template::{Kind, parse};
use wire::{Framed, Probe};

/// A WTP conversation.
#[derive(Debug, Default)]
pub struct Template;

impl Stream for Template {
    fn take(&mut self, cx: &mut Context<'_>, _side: Side, input: &[u8]) -> Step {
        match parse(input) {
            Ok(Framed::Whole { message, length }) => {
                cx.verb(message.kind.verb(), length);
                if message.kind == Kind::Hello {
                    cx.fact(Attribute::HostName, message.name);
                }
                Step::Took(length)
            }
            Ok(Framed::Partial { need }) => Step::Need(need),
            Err(wire::Error::Limit { .. }) => Step::Broken(UnparsedReason::Limit),
            Err(_) => Step::Broken(UnparsedReason::BadMessage),
        }
    }

    fn resumes(&self, _side: Side, head: &[u8]) -> bool {
        wire::template::probe(head) == Probe::Certain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::Bench;

    #[test]
    fn a_hello_names_its_sender_and_is_counted() {
        let mut bench = Bench::tcp(model::Protocol::Unknown);
        let steps = bench.stream(&mut Template, Side::Client, b"WT\x01\x00\x05pump7WT\x02\x00\x00");
        assert_eq!(steps, [Step::Took(10), Step::Took(5)]);
        assert_eq!(bench.facts(), ["10.0.0.1 host-name pump7"]);
        assert_eq!(bench.verbs(), ["HELLO client 1", "BYE client 1"]);
    }
}
