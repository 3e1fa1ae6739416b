//! From the plan of a minute to records: who is meant, under which addresses, in which words and volumes.

use super::facts::{About, Line};
use super::minute::{Deed, MINUTE, Planned, SECOND};
use super::roster::{Seen, Template};
use super::sensor::Troubles;
use super::site::{Place, Site, Stay};
use super::talk::{Peers, Service};
use crate::random::Random;
use model::{
    Activity, Attribute, Duration, EndpointKey, Event, EventKind, Fact, Flow, FlowEnd, FlowSide, Header,
    Protocol, Record, Role, Timestamp, Transport,
};
use smol_str::{SmolStr, format_smolstr};
use std::net::{IpAddr, Ipv4Addr};

/// Seconds that leases are for.
const LEASE_S: u32 = 86_400;
/// Bytes of a packet, on average.
const PACKET_BYTES: u64 = 900;
/// Ports that clients use, and servers that register nowhere (RFC 6335 §6).
const DYNAMIC_PORT: u16 = 49_152;
const DYNAMIC_PORTS: u64 = 16_384;

/// One deed with everybody in it.
struct Act<'s> {
    site: &'s Site,
    planned: Planned,
    place: Place,
    template: &'s Template,
    stay: Stay,
    random: Random,
}

impl Site {
    /// The words of a planned deed, with an empty header; `None` where the other side is not there. Times are those of a right
    /// clock.
    pub(super) fn speak(&self, planned: Planned, troubles: &Troubles) -> Option<Record> {
        let minute = planned.at / MINUTE;
        let (place, template) = self.place(planned.slot)?;
        let stay = self.stay(planned.slot, minute)?;
        let random = Random::new(self.hash([0x5ea4, u64::from(planned.slot), planned.at]));
        let mut act = Act { site: self, planned, place: *place, template, stay, random };
        let service = |at: u16| template.services.get(usize::from(at));
        match planned.deed {
            Deed::Present => act.present(),
            Deed::Addressed => act.addressed(),
            Deed::Named => act.line(&named()),
            Deed::Dhcp(at) => act.line(template.dhcp_facts.get(usize::from(at))?),
            Deed::Fact(at) => act.line(template.facts.get(usize::from(at))?),
            Deed::Leased => act.leased(),
            Deed::Flow(at) => act.flow(service(at)?, troubles),
            Deed::Sent(at) => act.activity(service(at)?, false, "", troubles),
            Deed::Received(at) => act.activity(service(at)?, true, "", troubles),
            Deed::Verb(at) => act.verb(service(at)?, 0, troubles),
            Deed::ReplyVerb(at) => act.verb(service(at)?, 1, troubles),
            Deed::Event(at) => act.event(service(at)?),
            Deed::Coverage => None,
        }
    }
}

fn named() -> Line {
    use super::facts::Said;
    let (attribute, source) = (Attribute::EquipmentId, Protocol::Hl7v2);
    Line { attribute, source, about: About::Network, said: Said::Equipment }
}

impl Act<'_> {
    fn fact(
        &self,
        endpoint: EndpointKey,
        attribute: Attribute,
        value: SmolStr,
        source: Protocol,
    ) -> Option<Record> {
        let header = Header::default();
        Some(Record::Fact(Fact { header, endpoint, attribute, value, source }))
    }

    fn present(&self) -> Option<Record> {
        let endpoint = self.site.at_mac(self.planned.slot, &self.stay)?;
        self.fact(endpoint, Attribute::Presence, SmolStr::new_static("ethernet"), Protocol::Unknown)
    }

    fn addressed(&self) -> Option<Record> {
        let ip = self.stay.ip;
        if self.template.seen != Seen::Routed {
            let endpoint = self.site.at_mac(self.planned.slot, &self.stay)?;
            return self.fact(endpoint, Attribute::Ipv4Address, format_smolstr!("{ip}"), Protocol::Ip);
        }
        let core = self.site.neighbour(self.place.building, self.site.roster.core)?;
        let stay = self.site.stay(core, self.planned.at / MINUTE)?;
        let vlan = self.site.vlan_id(self.place.building, self.template.vlan);
        let endpoint = EndpointKey { vlan, ..self.site.at_mac(core, &stay)? };
        self.fact(endpoint, Attribute::RoutedAddress, format_smolstr!("{ip} hops=1"), Protocol::Ip)
    }

    fn line(&self, line: &Line) -> Option<Record> {
        let value = self.site.said(self.planned.slot, &self.stay, &line.said)?;
        let endpoint = match line.about {
            About::Link => self.site.at_mac(self.planned.slot, &self.stay)?,
            About::Network => self.site.at_ip(self.stay.ip),
        };
        self.fact(endpoint, line.attribute, value, line.source)
    }

    fn leased(&self) -> Option<Record> {
        let server = self.template.services.iter().find(|service| service.kind.protocol == Protocol::Dhcpv4);
        let peer = server.and_then(|service| self.entry(service.entries().first().copied()?));
        Some(Record::Event(Event {
            header: Header::default(),
            endpoint: self.site.at_mac(self.planned.slot, &self.stay)?,
            peer: peer.map(|ip| self.site.at_ip(ip)),
            kind: EventKind::Lease,
            protocol: Protocol::Dhcpv4,
            detail: format_smolstr!("{} for {LEASE_S} s", self.stay.ip),
        }))
    }

    /// The address of another entry of the building, if somebody is there.
    fn entry(&self, entry: u16) -> Option<Ipv4Addr> {
        let slot = self.site.neighbour(self.place.building, entry)?;
        self.site.stay(slot, self.planned.at / MINUTE).map(|stay| stay.ip)
    }

    fn peer(&mut self, service: &Service) -> Option<Ipv4Addr> {
        match &service.peers {
            Peers::Entries(entries) => {
                let entry = self.random.pick(entries).copied()?;
                self.entry(entry)
            }
            Peers::Group(group) => Some(*group),
            Peers::Broadcast => Some(self.site.ip(self.place.building, self.template.vlan, 255)),
            Peers::Outside(addresses) => self.random.pick(addresses).copied(),
        }
    }

    /// Client, server and the server's port.
    fn ends(&mut self, service: &Service) -> Option<(Ipv4Addr, Ipv4Addr, u16)> {
        let (own, peer) = (self.stay.ip, self.peer(service)?);
        let (client, server) = if service.is_asked { (peer, own) } else { (own, peer) };
        let own_port = DYNAMIC_PORT + (u64::from(server.to_bits()) % DYNAMIC_PORTS) as u16;
        let port = if service.port == 0 { own_port } else { service.port };
        (client != server).then_some((client, server, port))
    }

    fn between(&mut self, (from, to): (u32, u32)) -> u64 {
        u64::from(from) + self.random.below((to - from + 1) as usize) as u64
    }

    /// Bytes that one side sends.
    fn side(&mut self, service: &Service, range: (u32, u32), is_retransmitting: bool) -> FlowSide {
        if range.1 == 0 {
            return FlowSide::default();
        }
        let is_tcp = service.kind.transport == Transport::Tcp;
        let bytes = self.between(range);
        FlowSide {
            packets: bytes.div_ceil(PACKET_BYTES) + if is_tcp { 3 } else { 0 },
            bytes: bytes + if is_tcp { 160 } else { 0 },
            retransmitted_bytes: if is_tcp && is_retransmitting { bytes / 10 } else { 0 },
            gap_bytes: 0,
        }
    }

    fn flow(&mut self, service: &Service, troubles: &Troubles) -> Option<Record> {
        let (client, server, server_port) = self.ends(service)?;
        let minute = self.planned.at / MINUTE;
        let [request, response] = service.kind.bytes;
        let is_retransmitting = troubles.is_retransmitting(minute);
        let from_client = self.side(service, request, is_retransmitting);
        let from_server = self.side(service, response, is_retransmitting);
        let is_tcp = service.kind.transport == Transport::Tcp;
        // Nobody speaks before being there, and the capture begins with the simulation.
        let age = self.planned.at.saturating_sub(self.stay.since.max(self.site.start) * MINUTE);
        let longest = u64::from(service.kind.seconds_max) * SECOND;
        let spoken_for = self.random.number() % longest.min(age.saturating_sub(SECOND)).max(1);
        let long_ago = self.planned.at - spoken_for;
        // A device that moves speaks under its address of now.
        let is_bound = self.template.pool.is_some() || self.template.seen == Seen::Guest || service.is_asked;
        let begun = if is_bound { long_ago.max(minute * MINUTE) } else { long_ago };
        let packets = from_client.packets + from_server.packets;
        Some(Record::Flow(Box::new(Flow {
            header: Header::default(),
            client: self.site.at_ip(client),
            server: self.site.at_ip(server),
            client_ip: IpAddr::V4(client),
            server_ip: IpAddr::V4(server),
            client_port: self.client_port(is_tcp, server_port),
            server_port,
            transport: service.kind.transport,
            protocol: service.kind.protocol,
            first_seen: Timestamp::from_nanos(begun),
            one_sided: from_client.packets == 0 || from_server.packets == 0,
            from_client,
            from_server,
            complete_start: !is_tcp || !self.random.number().is_multiple_of(500),
            duplicate_packets: if troubles.is_doubled(minute) { packets } else { 0 },
            end: if is_tcp { FlowEnd::Closed } else { FlowEnd::Idle },
        })))
    }

    /// Over UDP many protocols ask from the port on which they answer.
    fn client_port(&mut self, is_tcp: bool, server_port: u16) -> u16 {
        match server_port {
            67 if !is_tcp => 68,
            123 | 137 | 1900 | 5060 | 5353 | 47_808 if !is_tcp => server_port,
            _ => DYNAMIC_PORT + (self.random.number() % DYNAMIC_PORTS) as u16,
        }
    }

    fn verb(&mut self, service: &Service, at: usize, troubles: &Troubles) -> Option<Record> {
        let verb = service.kind.verbs.get(at).copied()?;
        self.activity(service, (at == 1) != service.is_asked, verb, troubles)
    }

    /// What was sent, or received, within the minute; with a verb its messages, without one its packets.
    fn activity(
        &mut self,
        service: &Service,
        is_received: bool,
        verb: &'static str,
        troubles: &Troubles,
    ) -> Option<Record> {
        let (client, server, service_port) = self.ends(service)?;
        let is_from_server = is_received != service.is_asked;
        let range = service.kind.bytes.get(usize::from(is_from_server)).copied()?;
        let is_retransmitting = troubles.is_retransmitting(self.planned.at / MINUTE);
        let side = self.side(service, range, is_retransmitting);
        let (sender, receiver, role) =
            if is_from_server { (server, client, Role::Server) } else { (client, server, Role::Client) };
        let count = if verb.is_empty() { side.packets } else { 1 + self.random.number() % 4 };
        let span = self.random.number() % (self.planned.at % MINUTE).max(1);
        Some(Record::Activity(Box::new(Activity {
            header: Header::default(),
            endpoint: self.site.at_ip(sender),
            peer: self.site.at_ip(receiver),
            role,
            protocol: service.kind.protocol,
            transport: service.kind.transport,
            service_port,
            verb: SmolStr::new_static(verb),
            span: Duration::from_nanos(span),
            count,
            bytes: side.bytes,
            retransmitted_bytes: side.retransmitted_bytes,
            gap_bytes: 0,
        })))
    }

    fn event(&mut self, service: &Service) -> Option<Record> {
        let (kind, detail) = service.kind.event?;
        if kind == EventKind::ErrorReply && !self.random.number().is_multiple_of(10) {
            return None;
        }
        let (client, server, _) = self.ends(service)?;
        // Errors are told by who was asked.
        let (endpoint, peer) =
            if kind == EventKind::ErrorReply { (server, client) } else { (client, server) };
        Some(Record::Event(Event {
            header: Header::default(),
            endpoint: self.site.at_ip(endpoint),
            peer: Some(self.site.at_ip(peer)),
            kind,
            protocol: service.kind.protocol,
            detail: SmolStr::new_static(detail),
        }))
    }
}

/// The VLAN that the frames of a record crossed, where its key tells.
pub(super) fn vlan_of(record: &Record) -> Option<u16> {
    match record {
        Record::Fact(fact) => fact.endpoint.vlan.map(|vlan| vlan.id()),
        _ => None,
    }
}

/// Moves the times that a record carries beside its header to the clock of its sensor.
pub(super) fn shift(record: &mut Record, back: Duration) {
    if let Record::Flow(flow) = record {
        let shifted = flow.first_seen.as_nanos().saturating_sub(back.as_nanos());
        flow.first_seen = Timestamp::from_nanos(shifted);
    }
}
