//! What an observer may know and say about the packet in hand.

use super::VerbCounts;
use crate::activity::{Amount, Key};
use crate::emit::Emitter;
use model::{
    Address, Attribute, EventKind, MacAddr, Protocol, Role, Timestamp, Transport, UnparsedReason, Vlan,
};
use smol_str::SmolStr;
use std::{io::Write as _, net::IpAddr};

/// Longest text of an IP address, in bytes: IPv6 with an IPv4 address written into it.
const IP_TEXT_BYTES_MAX: usize = 45;

/// Which end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The one that opened it.
    Client,
    /// The one that was asked.
    Server,
}

impl Side {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// 0 for the client, 1 for the server.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The same in the records' words.
    pub const fn role(self) -> Role {
        match self {
            Self::Client => Role::Client,
            Self::Server => Role::Server,
        }
    }
}

/// One end of the packet in hand.
#[derive(Clone, Copy, Debug)]
pub struct Party {
    /// Its network address, or its link address where there is none (or 0.0.0.0).
    pub address: Address,
    /// The link address in the frame: the party's own, or that of the last router before the tap.
    pub mac: Option<MacAddr>,
    /// Its port; 0 where the transport has none.
    pub port: u16,
}

/// The packet in hand, and the way to say something about it.
pub struct Context<'c> {
    /// Time of the packet.
    pub now: Timestamp,
    /// The protocol being read: the source of every Fact stated here.
    pub protocol: Protocol,
    /// Its transport.
    pub transport: Transport,
    /// VLAN of the frame.
    pub vlan: Option<Vlan>,
    /// Which end the sender is. Over UDP the client is who asked; for multicast, the sender.
    pub side: Side,
    /// Who sent it.
    pub sender: Party,
    /// To whom.
    pub receiver: Party,
    pub(crate) emitter: &'c mut Emitter,
    pub(crate) verbs: Option<&'c mut VerbCounts>,
}

impl<'c> Context<'c> {
    /// A context for one packet. `verbs` holds the conversation's own counts; without it verbs are counted at once.
    #[expect(
        clippy::too_many_arguments,
        reason = "the one constructor of a plain bundle of facts about a packet"
    )]
    pub fn new(
        now: Timestamp,
        protocol: Protocol,
        transport: Transport,
        vlan: Option<Vlan>,
        side: Side,
        sender: Party,
        receiver: Party,
        emitter: &'c mut Emitter,
        verbs: Option<&'c mut VerbCounts>,
    ) -> Self {
        Self { now, protocol, transport, vlan, side, sender, receiver, emitter, verbs }
    }

    /// States something the sender says of itself. `value` is raw text of the wire; cleaning and bounding happen here.
    pub fn fact(&mut self, attribute: Attribute, value: impl AsRef<[u8]>) {
        self.fact_about(self.sender.address, attribute, value);
    }

    /// States something the packet shows of the receiver (the name it was asked by).
    pub fn receiver_fact(&mut self, attribute: Attribute, value: impl AsRef<[u8]>) {
        self.fact_about(self.receiver.address, attribute, value);
    }

    /// States something about a third endpoint (the client that a DHCP server answers through a relay). Nothing is
    /// stated of an address that cannot name a device: group, unspecified or zero.
    pub fn fact_about(&mut self, about: Address, attribute: Attribute, value: impl AsRef<[u8]>) {
        if names_an_endpoint(about) {
            self.emitter.fact((about, self.vlan), attribute, value.as_ref(), self.protocol, self.now);
        }
    }

    /// States that `about` uses the network address `ip`. Nothing is stated of an address that names no host.
    pub fn address_fact(&mut self, about: Address, ip: IpAddr) {
        if !names_an_endpoint(Address::Ip(ip)) {
            return;
        }
        let attribute = if ip.is_ipv4() { Attribute::Ipv4Address } else { Attribute::Ipv6Address };
        let mut text = [0u8; IP_TEXT_BYTES_MAX];
        let mut rest = text.as_mut_slice();
        let written = write!(rest, "{ip}").map(|()| rest.len());
        if let Some(text) = written.ok().and_then(|unused| text.get(..IP_TEXT_BYTES_MAX - unused)) {
            self.fact_about(about, attribute, text);
        }
    }

    /// Reports a happening between sender and receiver. Never put patient data into `detail`.
    pub fn event(&mut self, kind: EventKind, detail: &str) {
        let endpoint = self.emitter.key(self.sender.address, self.vlan);
        let peer = self.emitter.key(self.receiver.address, self.vlan);
        self.emitter.event(endpoint, Some(peer), kind, self.protocol, detail, self.now);
    }

    /// Reports a happening of which the sender only tells (the lease that a DHCP server grants through a relay).
    pub fn event_between(&mut self, endpoint: Address, peer: Address, kind: EventKind, detail: &str) {
        let endpoint = self.emitter.key(endpoint, self.vlan);
        let peer = self.emitter.key(peer, self.vlan);
        self.emitter.event(endpoint, Some(peer), kind, self.protocol, detail, self.now);
    }

    /// Counts one message that the sender sent, by its verb, of `bytes` bytes.
    pub fn verb(&mut self, verb: &str, bytes: usize) {
        let bytes = bytes as u64;
        match &mut self.verbs {
            Some(verbs) => verbs.add(verb, self.side, bytes),
            None => {
                let key = self.activity_key(verb);
                self.emitter.activity(key, Amount { count: 1, bytes, ..Amount::default() }, self.now);
            }
        }
    }

    /// Counts a message that could not be read, beside what the return value already says.
    pub fn unparsed(&mut self, reason: UnparsedReason) {
        self.emitter.unparsed(self.protocol, reason);
    }

    /// Speaks for the other end from here on (bytes of it that were kept from an earlier packet).
    pub(crate) fn turn_to(&mut self, side: Side) {
        if self.side != side {
            self.side = side;
            std::mem::swap(&mut self.sender, &mut self.receiver);
        }
    }

    /// The same context, counting verbs into `verbs`.
    pub(crate) fn counting_into<'v>(&'v mut self, verbs: &'v mut VerbCounts) -> Context<'v> {
        Context { emitter: self.emitter, verbs: Some(verbs), ..*self }
    }

    /// Adds `bytes` to a message that is already counted under `verb`: its rest, which arrived later.
    pub fn more_of_verb(&mut self, verb: &str, bytes: usize) {
        let bytes = bytes as u64;
        match &mut self.verbs {
            Some(verbs) => verbs.add_bytes(verb, self.side, bytes),
            None => {
                let key = self.activity_key(verb);
                self.emitter.activity(key, Amount { bytes, ..Amount::default() }, self.now);
            }
        }
    }

    /// The server's port.
    pub fn service_port(&self) -> u16 {
        match self.side {
            Side::Client => self.receiver.port,
            Side::Server => self.sender.port,
        }
    }

    fn activity_key(&self, verb: &str) -> Key {
        Key {
            sender: self.sender.address,
            receiver: self.receiver.address,
            role: self.side.role(),
            protocol: self.protocol,
            transport: self.transport,
            service_port: self.service_port(),
            verb: SmolStr::new(verb),
        }
    }
}

fn names_an_endpoint(address: Address) -> bool {
    match address {
        Address::Mac(mac) => mac.is_unicast(),
        Address::Ip(ip) => !matches!(
            model::classify_ip(ip),
            model::IpClass::Unspecified | model::IpClass::Group | model::IpClass::Loopback
        ),
    }
}
