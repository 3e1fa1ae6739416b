//! The sensor's engine: frame in, records out. Steps 2 to 5 of the straight line (ARCHITECTURE.md).

use crate::activity::{Amount, Key};
use crate::dissect::{
    self, Carrier, Content, Fragments, Ip, IpPacket, Link, Packet, TcpSegment, Transported, UdpDatagram,
    Undissected,
};
use crate::emit::Emitter;
use crate::flow::{
    Conversation, Direction, End, Entry, Flow, FlowKey, FlowTable, HeldBytes, Lifetime, Outcome, Payload, Recognition, Totals,
};
use crate::frame::Frame;
use crate::observe::{self, Context, Datagram, Party, Side};
use crate::probe;
use model::{
    Address, Attribute, Coverage, DomainId, FlowEnd, FlowSide, Header, IpClass, MacAddr, Protocol, Record, SensorId,
    SiteId, Timestamp, Transport, UnparsedReason,
};

/// Live flows unless the caller says otherwise (about 350 bytes each).
pub const FLOWS_MAX_DEFAULT: usize = 1 << 20;
/// Datagrams of a UDP flow probed in vain before it is only counted.
const DATAGRAM_PROBES_MAX: u8 = 4;
/// Two looks at one frame (two taps, or both sides of a router) lie at most this far apart.
const DUPLICATE_WITHIN_NS: u64 = 20_000_000;

/// How an engine is set up.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Where the sensor stands.
    pub site: SiteId,
    /// The sensor's own number.
    pub sensor: SensorId,
    /// The routing realm of the addresses it sees.
    pub domain: DomainId,
    /// Secret entropy for the hash tables; records do not depend on it.
    pub seed: u64,
    /// Bound on live flows; past it the flows that would expire soonest are thrown out and counted.
    pub flows_max: usize,
    /// This engine's share when several work on one capture: (index, of how many). Conversations are never split.
    pub share: (u32, u32),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            site: SiteId(1),
            sensor: SensorId(1),
            domain: DomainId(0),
            seed: 0,
            flows_max: FLOWS_MAX_DEFAULT,
            share: (0, 1),
        }
    }
}

/// Turns the frames of one capture into records.
pub struct Engine {
    config: Config,
    emitter: Emitter,
    fragments: Fragments,
    scratch: Vec<u8>,
    table: FlowTable,
    held: HeldBytes,
    coverage: Coverage,
    vlan_frames: Vec<u64>,
    now: Timestamp,
    turned_s: u64,
}

impl Engine {
    /// A new engine without flows.
    pub fn new(config: Config) -> Self {
        Self {
            emitter: Emitter::new(config.site, config.sensor, config.domain, config.seed),
            fragments: Fragments::default(),
            scratch: Vec::new(),
            table: FlowTable::new(config.seed, config.flows_max),
            held: HeldBytes::default(),
            coverage: Coverage::default(),
            vlan_frames: vec![0; 4096],
            now: Timestamp::ZERO,
            turned_s: 0,
            config,
        }
    }

    /// Takes in one frame. Frames should come in order of time; small disorder is harmless.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        if frame.at > self.now {
            self.now = frame.at;
            if self.now.as_secs() != self.turned_s {
                self.turn();
            }
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        match dissect::dissect(frame, &mut self.fragments, &mut scratch) {
            Ok(packet) => self.packet(frame, &packet),
            Err(undissected) => self.undissected(frame, &undissected),
        }
        self.scratch = scratch;
    }

    /// Lets time pass without frames (live capture on a quiet link).
    pub fn advance(&mut self, now: Timestamp) {
        if now > self.now {
            self.now = now;
            self.turn();
        }
    }

    /// The capture is over: ends every flow and interval, and states the coverage.
    pub fn finish(&mut self, dropped_frames: Option<u64>) {
        let Self { table, emitter, coverage, held, .. } = self;
        table.drain(|flow| end_flow(flow, FlowEnd::CaptureEnd, emitter, coverage, held));
        emitter.end_interval();
        let counts = self.coverage(dropped_frames);
        self.emitter.coverage(counts, self.now);
    }

    /// What was seen and missed so far.
    pub fn coverage(&self, dropped_frames: Option<u64>) -> Coverage {
        let vlans = self.vlan_frames.iter().enumerate().filter(|(_, frames)| **frames > 0);
        let mut coverage = self.coverage.clone();
        coverage.dropped_frames = dropped_frames;
        coverage.vlans = vlans.map(|(id, &frames)| (id as u16, frames)).collect();
        coverage.unparsed = self.emitter.unparsed_counts();
        coverage
    }

    /// Takes the records made since the last call.
    pub fn drain_into(&mut self, records: &mut Vec<Record>) {
        self.emitter.drain_into(records);
    }

    /// Conversations alive now.
    pub fn live_flows(&self) -> usize {
        self.table.len()
    }

    /// Once a second of capture time: flows whose time is over end.
    fn turn(&mut self) {
        self.turned_s = self.now.as_secs();
        let Self { table, emitter, coverage, held, now, .. } = self;
        table.expire(*now, |flow| {
            let end = flow.natural_end();
            end_flow(flow, end, emitter, coverage, held);
        });
    }

    fn is_ours(&self, hash: u64) -> bool {
        let (index, of) = self.config.share;
        of <= 1 || (hash % u64::from(of)) as u32 == index
    }

    fn count_frame(&mut self, frame: &Frame<'_>, link: &Link) {
        self.coverage.frames += 1;
        self.coverage.bytes += frame.bytes.len() as u64;
        self.coverage.cut_frames += u64::from(frame.wire_bytes as usize > frame.bytes.len());
        if let Some(frames) = link.vlan.and_then(|vlan| self.vlan_frames.get_mut(usize::from(vlan.id()))) {
            *frames += 1;
        }
    }

    fn undissected(&mut self, frame: &Frame<'_>, undissected: &Undissected) {
        if self.config.share.0 != 0 {
            return;
        }
        self.count_frame(frame, &undissected.link);
        let is_cut = frame.wire_bytes as usize > frame.bytes.len();
        let reason = match undissected.reason {
            UnparsedReason::Malformed if is_cut => UnparsedReason::Truncated,
            reason => reason,
        };
        self.emitter.unparsed(Protocol::Unknown, reason);
        self.presence(&undissected.link, frame.at);
    }

    fn packet(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        match &packet.content {
            Content::Ip(ip) if self.is_ours(pair_hash(ip)) => {
                self.count_frame(frame, &packet.link);
                if let Some(carrier) = &packet.carrier {
                    self.carrier(carrier, frame.at);
                }
                self.ip(&packet.link, ip, frame.at);
            }
            Content::Link { ethertype, payload } if self.config.share.0 == 0 => {
                self.count_frame(frame, &packet.link);
                self.presence(&packet.link, frame.at);
                self.link_protocol(&packet.link, *ethertype, payload, frame.at);
            }
            Content::FragmentHeld if self.config.share.0 == 0 => {
                self.count_frame(frame, &packet.link);
                self.presence(&packet.link, frame.at);
            }
            Content::Ip(_) | Content::Link { .. } | Content::FragmentHeld => {}
        }
    }

    /// A frame came from this link address, whatever is in it.
    fn presence(&mut self, link: &Link, now: Timestamp) {
        if let Some(mac) = link.source.filter(|mac| mac.is_unicast()) {
            let about = (Address::Mac(mac), link.vlan);
            self.emitter.fact(about, Attribute::Presence, b"ethernet", Protocol::Unknown, now);
        }
    }

    fn carrier(&mut self, carrier: &Carrier, now: Timestamp) {
        state_address(&mut self.emitter, &carrier.link, carrier.source, carrier.ttl, carrier.multicast, now);
    }

    fn link_protocol(&mut self, link: &Link, ethertype: u16, payload: &[u8], now: Timestamp) {
        let (Some(source), Some(observer)) = (link.source, observe::link(ethertype)) else {
            self.emitter.unparsed(Protocol::Unknown, UnparsedReason::LinkProtocol);
            return;
        };
        let party = |mac: MacAddr| Party { address: Address::Mac(mac), mac: Some(mac), port: 0 };
        let (sender, receiver) = (party(source), party(link.destination.unwrap_or(MacAddr::BROADCAST)));
        let transport = Transport::Link(ethertype);
        let emitter = &mut self.emitter;
        let mut cx = Context::new(
            now, observer.protocol, transport, link.vlan, Side::Client, sender, receiver, emitter, None,
        );
        match (observer.frame)(&mut cx, payload) {
            Datagram::Read => {}
            Datagram::Broken(reason) => cx.unparsed(reason),
            Datagram::NotOurs => cx.unparsed(UnparsedReason::BadMessage),
        }
    }

    fn ip(&mut self, link: &Link, ip: &IpPacket<'_>, now: Timestamp) {
        let (ports, protocol) = match &ip.transport {
            Transported::Tcp(tcp) => ((tcp.source_port, tcp.destination_port), 6),
            Transported::Udp(udp) => ((udp.source_port, udp.destination_port), 17),
            Transported::Icmp(_) => ((0, 0), 1),
            Transported::Icmpv6(_) => ((0, 0), 58),
            Transported::Other(number) => ((0, 0), *number),
        };
        let (key, sender) = FlowKey::new((ip.source, ports.0), (ip.destination, ports.1), protocol);
        if self.table.is_full() {
            self.evict();
        }
        let mut entry = self.table.entry(key, sender, now);
        if let (Transported::Tcp(tcp), false) = (&ip.transport, entry.is_new) {
            entry = self.restart(entry, key, sender, tcp, now);
        }
        let Self { table, emitter, coverage, held, .. } = self;
        let Some(flow) = table.get_mut(entry.index) else { return };
        if entry.is_new {
            open_flow(flow, sender, ip, coverage);
        }
        let side = if flow.client == sender { Side::Client } else { Side::Server };
        let multicast = link.destination.is_some_and(MacAddr::is_group) || ip.destination.class() == IpClass::Group;
        let is_duplicate = note_packet(flow, side, link, ip, now, |flow_direction| {
            if entry.is_new || flow_direction.mac != link.source.unwrap_or_default() {
                state_address(emitter, link, ip.source, ip.ttl, multicast, now);
            }
        });
        if is_duplicate {
            coverage.duplicate_frames += 1;
            return;
        }
        let packet = FlowPacket { link, ip, side, now };
        match &ip.transport {
            Transported::Tcp(tcp) => {
                let was_closed = flow.is_closed();
                on_tcp(flow, &packet, tcp, emitter, held);
                if flow.is_closed() && !was_closed {
                    table.look_again(entry.index, Lifetime::TCP_CLOSED_S + 1);
                }
            }
            Transported::Udp(udp) => on_udp(flow, &packet, udp, emitter),
            Transported::Icmp(payload) => on_icmp(flow, &packet, Protocol::Icmp, emitter, |cx| {
                observe::icmp::v4(cx, payload)
            }),
            Transported::Icmpv6(payload) => on_icmp(flow, &packet, Protocol::Icmpv6, emitter, |cx| {
                observe::icmp::v6(cx, payload, ip.ttl)
            }),
            Transported::Other(_) => emitter.unparsed(Protocol::Ip, UnparsedReason::IpProtocol),
        }
    }

    /// A fresh SYN on a conversation that is over, or was another one: a port used again.
    fn restart(
        &mut self,
        entry: Entry,
        key: FlowKey,
        sender: End,
        tcp: &TcpSegment<'_>,
        now: Timestamp,
    ) -> Entry {
        if !tcp.flags.syn() || tcp.flags.ack() {
            return entry;
        }
        let Self { table, emitter, coverage, held, .. } = self;
        let is_another = table.get_mut(entry.index).is_some_and(|flow| {
            let direction = flow.directions.get(usize::from(flow.client != sender));
            let is_repeat = direction.is_some_and(|d| {
                d.is_synchronised && tcp.sequence.wrapping_add(1).wrapping_sub(d.next_sequence) == 0
            });
            !is_repeat && (flow.is_closed() || flow.packets(0) + flow.packets(1) > 2)
        });
        if !is_another {
            return entry;
        }
        table.take(entry.index).into_iter().for_each(|flow| {
            let end = flow.natural_end();
            end_flow(flow, end, emitter, coverage, held);
        });
        table.entry(key, sender, now)
    }

    fn evict(&mut self) {
        let Self { table, emitter, coverage, held, .. } = self;
        table.evict(|flow| {
            coverage.flows_evicted += 1;
            end_flow(flow, FlowEnd::Evicted, emitter, coverage, held);
        });
    }
}

/// A packet in the light of its flow.
struct FlowPacket<'p> {
    link: &'p Link,
    ip: &'p IpPacket<'p>,
    side: Side,
    now: Timestamp,
}

impl FlowPacket<'_> {
    fn context<'c>(&self, flow: &Flow, protocol: Protocol, emitter: &'c mut Emitter) -> Context<'c> {
        let sender_end = if self.side == Side::Client { flow.client } else { flow.client.other() };
        let (_, source_port) = flow.key.end(sender_end);
        let (_, destination_port) = flow.key.end(sender_end.other());
        let sender = party(self.ip.source, self.link.source, source_port);
        let receiver = party(self.ip.destination, self.link.destination, destination_port);
        let transport = transport_of(flow.key.protocol());
        Context::new(self.now, protocol, transport, self.link.vlan, self.side, sender, receiver, emitter, None)
    }
}

/// An end of a packet: by IP address, or by link address while it has none (DHCP).
fn party(ip: Ip, mac: Option<MacAddr>, port: u16) -> Party {
    let address = match (ip.class(), mac) {
        (IpClass::Unspecified, Some(mac)) => Address::Mac(mac),
        _ => Address::Ip(ip.addr()),
    };
    Party { address, mac, port }
}

pub(crate) const fn transport_of(number: u8) -> Transport {
    match number {
        6 => Transport::Tcp,
        17 => Transport::Udp,
        1 | 58 => Transport::Icmp,
        other => Transport::Ip(other),
    }
}

/// The two addresses of a packet, the same for both directions: what a worker's share is decided by. Ports stay out, so
/// that a fragment without ports goes where its datagram goes.
fn pair_hash(ip: &IpPacket<'_>) -> u64 {
    let mixed = ip.source.0 ^ ip.destination.0;
    let folded = (mixed >> 64) as u64 ^ mixed as u64;
    folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

fn open_flow(flow: &mut Flow, sender: End, ip: &IpPacket<'_>, coverage: &mut Coverage) {
    coverage.flows += 1;
    flow.client = sender;
    match &ip.transport {
        Transported::Tcp(tcp) => {
            flow.learn_client(sender, tcp.flags);
            if !tcp.flags.syn() {
                coverage.flows_without_start += 1;
                if is_server_port(tcp.source_port, tcp.destination_port) {
                    flow.swap_roles();
                }
            }
        }
        Transported::Udp(udp) => {
            if is_server_port(udp.source_port, udp.destination_port) && ip.destination.class() != IpClass::Group {
                flow.swap_roles();
            }
        }
        Transported::Icmp(_) | Transported::Icmpv6(_) | Transported::Other(_) => {
            flow.recognition = Recognition::Counting;
        }
    }
}

/// Whether `ours` is the server's port, seen from one packet in mid-stream: system ports (RFC 6335 §6) serve, and of two
/// others the registered one does.
fn is_server_port(ours: u16, theirs: u16) -> bool {
    let rank = |port: u16| match port {
        0..1024 => 0,
        1024..49152 => 1,
        49152.. => 2,
    };
    rank(ours) < rank(theirs) || (rank(ours) == 1 && rank(theirs) == 1 && ours < theirs)
}

/// Counts the packet in its flow. True when the same frame was counted already; `moved` is asked first, so that a copy
/// from behind a router still tells of the router.
fn note_packet(
    flow: &mut Flow,
    side: Side,
    link: &Link,
    ip: &IpPacket<'_>,
    now: Timestamp,
    mut moved: impl FnMut(&Direction),
) -> bool {
    let within = now.since(flow.last).as_nanos() < DUPLICATE_WITHIN_NS;
    let [client, server] = &mut flow.directions;
    let direction = match side {
        Side::Client => client,
        Side::Server => server,
    };
    moved(direction);
    let fingerprint = fingerprint(ip);
    let took_another_way = direction.mac != link.source.unwrap_or_default()
        || direction.vlan != link.vlan
        || direction.ttl != ip.ttl;
    let is_known = fingerprint != 0 && direction.recent.contains(&fingerprint);
    // A sender that always writes identification 0 repeats itself legitimately; only another way betrays a copy.
    let is_duplicate = is_known && within && (ip.id != 0 || took_another_way);
    if is_duplicate {
        flow.duplicates = flow.duplicates.saturating_add(1);
        return true;
    }
    let [newest, _] = direction.recent;
    direction.recent = [fingerprint, newest];
    direction.mac = link.source.unwrap_or_default();
    direction.vlan = link.vlan;
    direction.ttl = ip.ttl;
    direction.packets += 1;
    direction.bytes = direction.bytes.saturating_add(ip.bytes);
    flow.last = flow.last.max(now);
    false
}

/// What two copies of one packet share and two packets of one sender hardly do.
fn fingerprint(ip: &IpPacket<'_>) -> u32 {
    let mixed = match &ip.transport {
        Transported::Tcp(tcp) => {
            let payload_bytes = tcp.payload.len() as u32;
            tcp.sequence ^ tcp.acknowledgement.rotate_left(11) ^ (payload_bytes << 8) ^ u32::from(tcp.flags.0)
        }
        Transported::Udp(udp) => (u32::from(udp.checksum) << 16) ^ udp.payload.len() as u32,
        Transported::Icmp(payload) | Transported::Icmpv6(payload) => payload
            .first_chunk::<8>()
            .map_or(0, |&[a, b, c, d, e, f, g, h]| {
                u32::from_be_bytes([a, b, c, d]) ^ u32::from_be_bytes([e, f, g, h]).rotate_left(7)
            }),
        Transported::Other(_) => return 0,
    };
    (mixed ^ (u32::from(ip.id) << 16) ^ u32::from(ip.id)).wrapping_mul(0x9e37_79b1) | 1
}

/// States that the frame's link address sent from this IP address, and how far away that is.
fn state_address(emitter: &mut Emitter, link: &Link, ip: Ip, ttl: u8, multicast: bool, now: Timestamp) {
    let Some(mac) = link.source.filter(|mac| mac.is_unicast()) else { return };
    match ip.class() {
        IpClass::Unspecified | IpClass::Loopback | IpClass::Group => {
            emitter.fact((Address::Mac(mac), link.vlan), Attribute::Presence, b"ethernet", Protocol::Unknown, now);
        }
        IpClass::LinkLocal => emitter.address(mac, link.vlan, ip, Some(0), now),
        IpClass::Private | IpClass::Global => {
            let hops = if multicast { Some(0) } else { hops(ttl) };
            emitter.address(mac, link.vlan, ip, hops, now);
        }
    }
}

/// Routers passed, from the usual initial values 64, 128 and 255; lower ones (32, 1 for traceroute) cannot tell.
fn hops(ttl: u8) -> Option<u8> {
    match ttl {
        0..=31 => None,
        32 => Some(0),
        33..=64 => Some(64 - ttl),
        65..=128 => Some(128 - ttl),
        129..=255 => Some(255 - ttl),
    }
}

fn on_tcp(
    flow: &mut Flow,
    packet: &FlowPacket<'_>,
    tcp: &TcpSegment<'_>,
    emitter: &mut Emitter,
    held: &mut HeldBytes,
) {
    let side = packet.side;
    track_flags(flow, side, tcp);
    let has_payload = !tcp.payload.is_empty() || tcp.cut_bytes > 0;
    if flow.recognition != Recognition::Counting && (has_payload || flow.conversation.is_some()) {
        let protocol = flow.protocol;
        let from_start = flow.syn_seen;
        let mut conversation =
            flow.conversation.take().unwrap_or_else(|| Box::new(Conversation::new(from_start)));
        let mut cx = packet.context(flow, protocol, emitter);
        let [client, server] = &mut flow.directions;
        let (own, peer) = match side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        if tcp.flags.ack() {
            cx.turn_to(side.other());
            conversation.acknowledged(peer, side.other(), tcp.acknowledgement, held, &mut cx);
            cx.turn_to(side);
        }
        let payload = Payload { sequence: data_sequence(tcp), bytes: tcp.payload, cut_bytes: tcp.cut_bytes };
        let outcome = match has_payload {
            true => conversation.segment(own, side, payload, held, &mut cx),
            false => conversation.outcome(),
        };
        settle(flow, conversation, outcome, packet, emitter, held);
    } else if has_payload {
        count_payload(flow, side, tcp);
    }
    if packet.now.since(flow.interval_started) >= crate::activity::INTERVAL {
        report(flow, emitter, packet.now);
    }
}

/// Keeps the conversation while it is of interest; afterwards only its verbs are handed on.
fn settle(
    flow: &mut Flow,
    mut conversation: Box<Conversation>,
    outcome: Outcome,
    packet: &FlowPacket<'_>,
    emitter: &mut Emitter,
    held: &mut HeldBytes,
) {
    match outcome {
        Outcome::Probing => {}
        Outcome::Reading(protocol) => {
            flow.protocol = protocol;
            flow.recognition = Recognition::Reading;
        }
        Outcome::Enough(protocol) => {
            flow.protocol = protocol;
            flow.recognition = Recognition::Counting;
            report_verbs(flow, &mut conversation, emitter, packet.now);
            held.release(&conversation);
            return;
        }
    }
    flow.conversation = Some(conversation);
}

fn data_sequence(tcp: &TcpSegment<'_>) -> u32 {
    // SYN occupies the first number; data may ride on it (RFC 7413).
    if tcp.flags.syn() { tcp.sequence.wrapping_add(1) } else { tcp.sequence }
}

fn track_flags(flow: &mut Flow, side: Side, tcp: &TcpSegment<'_>) {
    flow.reset |= tcp.flags.rst();
    let [client, server] = &mut flow.directions;
    let direction = match side {
        Side::Client => client,
        Side::Server => server,
    };
    direction.fin |= tcp.flags.fin();
    if tcp.flags.syn() {
        flow.syn_seen = true;
        if !direction.is_synchronised {
            direction.is_synchronised = true;
            direction.next_sequence = tcp.sequence.wrapping_add(1);
        }
    }
}

/// Retransmissions and gaps of a conversation that is not read any more.
fn count_payload(flow: &mut Flow, side: Side, tcp: &TcpSegment<'_>) {
    let [client, server] = &mut flow.directions;
    let direction = match side {
        Side::Client => client,
        Side::Server => server,
    };
    let sequence = data_sequence(tcp);
    let length = tcp.payload.len() as u32 + tcp.cut_bytes;
    let ahead = sequence.wrapping_sub(direction.next_sequence);
    let is_behind = ahead > u32::MAX / 2;
    if direction.is_synchronised && is_behind {
        // A late segment fills a gap that was counted; otherwise it repeats.
        let filled = direction.gap_bytes.min(length);
        direction.gap_bytes -= filled;
        direction.retransmitted_bytes = direction.retransmitted_bytes.saturating_add(length - filled);
        return;
    }
    if direction.is_synchronised {
        direction.gap_bytes = direction.gap_bytes.saturating_add(ahead);
    }
    direction.is_synchronised = true;
    direction.next_sequence = sequence.wrapping_add(length);
}

fn on_udp(flow: &mut Flow, packet: &FlowPacket<'_>, udp: &UdpDatagram<'_>, emitter: &mut Emitter) {
    let reader = match flow.recognition {
        Recognition::Counting => None,
        Recognition::Reading => probe::udp_of(flow.protocol),
        Recognition::Probing(_) if udp.payload.is_empty() => None,
        Recognition::Probing(_) => probe::udp([udp.source_port, udp.destination_port], udp.payload),
    };
    match (reader, flow.recognition) {
        (Some(reader), _) => {
            let mut cx = packet.context(flow, reader.protocol, emitter);
            match (reader.datagram)(&mut cx, udp.payload) {
                Datagram::Read => {
                    flow.protocol = reader.protocol;
                    flow.recognition = Recognition::Reading;
                }
                // A datagram cut by the snapshot length is not the peer's fault.
                Datagram::Broken(_) if udp.cut_bytes > 0 => cx.unparsed(UnparsedReason::Truncated),
                Datagram::Broken(reason) => cx.unparsed(reason),
                Datagram::NotOurs => probed_in_vain(flow),
            }
        }
        (None, Recognition::Probing(_)) if !udp.payload.is_empty() => probed_in_vain(flow),
        (None, _) => {}
    }
    if packet.now.since(flow.interval_started) >= crate::activity::INTERVAL {
        report(flow, emitter, packet.now);
    }
}

fn probed_in_vain(flow: &mut Flow) {
    flow.recognition = match flow.recognition {
        Recognition::Probing(tried) if tried + 1 < DATAGRAM_PROBES_MAX => Recognition::Probing(tried + 1),
        Recognition::Reading => Recognition::Reading,
        Recognition::Probing(_) | Recognition::Counting => Recognition::Counting,
    };
}

fn on_icmp(
    flow: &mut Flow,
    packet: &FlowPacket<'_>,
    protocol: Protocol,
    emitter: &mut Emitter,
    observe: impl FnOnce(&mut Context<'_>) -> Datagram,
) {
    flow.protocol = protocol;
    let mut cx = packet.context(flow, protocol, emitter);
    if let Datagram::Broken(reason) = observe(&mut cx) {
        cx.unparsed(reason);
    }
    if packet.now.since(flow.interval_started) >= crate::activity::INTERVAL {
        report(flow, emitter, packet.now);
    }
}

/// Hands the running minute of a flow to the Activities.
fn report(flow: &mut Flow, emitter: &mut Emitter, now: Timestamp) {
    flow.interval_started = now;
    if let Some(mut conversation) = flow.conversation.take() {
        report_verbs(flow, &mut conversation, emitter, now);
        flow.conversation = Some(conversation);
    }
    for side in [Side::Client, Side::Server] {
        let key = activity_key(flow, side, smol_str::SmolStr::default());
        let Some(direction) = flow.directions.get_mut(side.index()) else { continue };
        if direction.packets == 0 {
            continue;
        }
        let amount = Amount {
            count: u64::from(direction.packets),
            bytes: u64::from(direction.bytes),
            retransmitted_bytes: u64::from(direction.retransmitted_bytes),
            gap_bytes: u64::from(direction.gap_bytes),
        };
        (direction.packets, direction.bytes) = (0, 0);
        (direction.retransmitted_bytes, direction.gap_bytes) = (0, 0);
        if let Some(totals) = flow.totals.get_mut(side.index()) {
            totals.packets += amount.count;
            totals.bytes += amount.bytes;
            totals.retransmitted_bytes += amount.retransmitted_bytes;
            totals.gap_bytes += amount.gap_bytes;
        }
        emitter.activity(key, amount, now);
    }
}

fn report_verbs(flow: &Flow, conversation: &mut Conversation, emitter: &mut Emitter, now: Timestamp) {
    for verb in conversation.verbs().drain() {
        let key = activity_key(flow, verb.side, verb.verb);
        emitter.activity(key, Amount { count: verb.count, bytes: verb.bytes, ..Amount::default() }, now);
    }
}

fn activity_key(flow: &Flow, side: Side, verb: smol_str::SmolStr) -> Key {
    let sender_end = if side == Side::Client { flow.client } else { flow.client.other() };
    let (sender, receiver) = (flow.key.end(sender_end).0, flow.key.end(sender_end.other()).0);
    let mac = |side: Side| flow.directions.get(side.index()).map(|d| d.mac).filter(|m| m.is_unicast());
    Key {
        sender: party(sender, mac(side), 0).address,
        receiver: party(receiver, mac(side.other()), 0).address,
        role: side.role(),
        protocol: flow.protocol,
        transport: transport_of(flow.key.protocol()),
        service_port: flow.key.end(flow.client.other()).1,
        verb,
    }
}

fn end_flow(mut flow: Flow, end: FlowEnd, emitter: &mut Emitter, coverage: &mut Coverage, held: &mut HeldBytes) {
    let last = flow.last;
    report(&mut flow, emitter, last);
    if let Some(conversation) = &flow.conversation {
        held.release(conversation);
    }
    let [client_totals, server_totals] = flow.totals;
    coverage.gap_bytes += client_totals.gap_bytes + server_totals.gap_bytes;
    let one_sided = client_totals.packets == 0 || server_totals.packets == 0;
    let is_two_sided = flow.key.protocol() == 6 && client_totals.packets + server_totals.packets > 1;
    coverage.flows_one_sided += u64::from(one_sided && is_two_sided);
    let ((client_ip, client_port), (server_ip, server_port)) =
        (flow.key.end(flow.client), flow.key.end(flow.client.other()));
    let [client, server] = &flow.directions;
    let endpoint = |ip: Ip, direction: &Direction, emitter: &Emitter| {
        let mac = Some(direction.mac).filter(|mac| mac.is_unicast());
        emitter.key(party(ip, mac, 0).address, direction.vlan)
    };
    emitter.flow(model::Flow {
        header: Header { observed_at: last, ..Header::default() },
        client: endpoint(client_ip, client, emitter),
        server: endpoint(server_ip, server, emitter),
        client_ip: client_ip.addr(),
        server_ip: server_ip.addr(),
        client_port,
        server_port,
        transport: transport_of(flow.key.protocol()),
        protocol: flow.protocol,
        first_seen: flow.first,
        from_client: flow_side(client_totals),
        from_server: flow_side(server_totals),
        complete_start: flow.syn_seen || flow.key.protocol() != 6,
        one_sided,
        duplicate_packets: u64::from(flow.duplicates),
        end,
    });
}

const fn flow_side(totals: Totals) -> FlowSide {
    FlowSide {
        packets: totals.packets,
        bytes: totals.bytes,
        retransmitted_bytes: totals.retransmitted_bytes,
        gap_bytes: totals.gap_bytes,
    }
}
