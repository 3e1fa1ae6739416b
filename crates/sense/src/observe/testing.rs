//! For tests of observers: a real emitter between 10.0.0.1 (client) and 10.0.0.2 (server), and its records as text.

use super::{Context, Datagram, Party, Side, Step, Stream, VerbCounts};
use crate::emit::Emitter;
use model::{Address, DomainId, MacAddr, Protocol, Record, SensorId, SiteId, Timestamp, Transport};
use std::net::{IpAddr, Ipv4Addr};

/// Two parties and what was recorded of them.
pub(crate) struct Bench {
    emitter: Emitter,
    verbs: VerbCounts,
    records: Vec<Record>,
    protocol: Protocol,
    transport: Transport,
    /// The client; tests may change it before they send.
    pub(crate) client: Party,
    /// The server; tests may change it before they send.
    pub(crate) server: Party,
}

impl Bench {
    /// Two parties over TCP.
    pub(crate) fn tcp(protocol: Protocol) -> Self {
        Self::new(protocol, Transport::Tcp)
    }

    /// Two parties over UDP.
    pub(crate) fn udp(protocol: Protocol) -> Self {
        Self::new(protocol, Transport::Udp)
    }

    fn new(protocol: Protocol, transport: Transport) -> Self {
        let party = |n: u8, port| Party {
            address: Address::Ip(IpAddr::V4(Ipv4Addr::new(10, 0, 0, n))),
            mac: Some(MacAddr::new([0x02, 0, 0, 0, 0, n])),
            port,
        };
        Self {
            emitter: Emitter::new(SiteId(1), SensorId(1), DomainId(0), 1),
            verbs: VerbCounts::default(),
            records: Vec::new(),
            protocol,
            transport,
            client: party(1, 50_000),
            server: party(2, 99),
        }
    }

    fn context(&mut self, side: Side, counted_apart: bool) -> Context<'_> {
        let (sender, receiver) = match side {
            Side::Client => (self.client, self.server),
            Side::Server => (self.server, self.client),
        };
        let verbs = if counted_apart { Some(&mut self.verbs) } else { None };
        let now = Timestamp::from_secs(1_000_000);
        let (protocol, transport) = (self.protocol, self.transport);
        Context::new(now, protocol, transport, None, side, sender, receiver, &mut self.emitter, verbs)
    }

    /// Feeds one datagram sent by `side`.
    pub(crate) fn datagram(
        &mut self,
        observe: impl FnOnce(&mut Context<'_>, &[u8]) -> Datagram,
        side: Side,
        payload: &[u8],
    ) -> Datagram {
        observe(&mut self.context(side, true), payload)
    }

    /// Feeds bytes sent by `side` until the observer stops taking them; its answers, in order.
    pub(crate) fn stream(&mut self, stream: &mut impl Stream, side: Side, mut input: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        while !input.is_empty() {
            let step = stream.take(&mut self.context(side, true), side, input);
            steps.push(step);
            match step {
                Step::Took(length) => {
                    assert!(length > 0, "an observer must take at least one byte");
                    input = input.get(length..).unwrap_or_default();
                }
                Step::Need(need) => {
                    assert!(need > input.len(), "an observer must ask for more than it was given");
                    break;
                }
                Step::Enough | Step::Broken(_) => break,
            }
        }
        steps
    }

    /// `address attribute value` of each fact so far, in order.
    pub(crate) fn facts(&mut self) -> Vec<String> {
        self.texts(|record| match record {
            Record::Fact(f) => Some(format!("{} {} {}", f.endpoint.address, f.attribute, f.value)),
            _ => None,
        })
    }

    /// `address kind detail` of each event so far, in order.
    pub(crate) fn events(&mut self) -> Vec<String> {
        self.texts(|record| match record {
            Record::Event(e) => Some(format!("{} {:?} {}", e.endpoint.address, e.kind, e.detail)),
            _ => None,
        })
    }

    /// `verb side count` of each verb so far.
    pub(crate) fn verbs(&self) -> Vec<String> {
        let text = |(verb, side, count): (&str, Side, u64)| {
            format!("{verb} {} {count}", if side == Side::Client { "client" } else { "server" })
        };
        self.verbs.counts().into_iter().map(text).collect()
    }

    /// Everything recorded, as JSON-like debug text: to check that a canary is not in it.
    pub(crate) fn all_text(&mut self) -> String {
        self.emitter.drain_into(&mut self.records);
        format!("{:?} {:?}", self.records, self.verbs)
    }

    fn texts(&mut self, text: impl Fn(&Record) -> Option<String>) -> Vec<String> {
        self.emitter.drain_into(&mut self.records);
        self.records.iter().filter_map(text).collect()
    }
}
