//! The sensor's engine: frame in, records out. Steps 2 to 5 of the straight line (ARCHITECTURE.md).

mod end;
mod follow;
mod opening;

use crate::dissect::{
    self, Carrier, Content, Fragments, IpPacket, Link, Packet, TcpSegment, Transported, Undissected,
};
use crate::emit::Emitter;
use crate::flow::{End, Entry, FlowKey, FlowTable, HeldBytes, Lifetime};
use crate::frame::Frame;
use crate::observe::{self, Context, Datagram, Party, Side};
use end::end_flow;
use follow::{FlowPacket, on_icmp, on_tcp, on_udp};
use model::{
    Address, Attribute, Coverage, DomainId, Duration, FlowEnd, IpClass, MacAddr, Protocol, Record, SensorId,
    SiteId, Timestamp, Transport, UnparsedReason,
};
use opening::{note_packet, open_flow, pair_hash, state_address};

/// Live flows unless the caller says otherwise (about 350 bytes each).
pub const FLOWS_MAX_DEFAULT: usize = 1 << 20;

/// A frame this long before the newest one is late; several capture points are never that far apart.
const LATE: Duration = Duration::from_secs(600);
/// Places listed for the next partial emission, per flow that may live: those of flows that ended are listed still. Past it
/// counts come with the end of their minute.
const UNCOUNTED_PER_FLOW_MAX: usize = 2;
/// So many late frames in a row mean that the newest one lied.
const LATE_FRAMES: u32 = 64;

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
    /// Number of the first record: after a restart the one after the last that was durable.
    pub first_sequence: u64,
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
            first_sequence: 1,
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
    late_frames: u32,
    /// Places of flows with counts not handed over yet; kept from the first [`Engine::emit_so_far`] on.
    uncounted: Option<Vec<u32>>,
}

impl Engine {
    /// A new engine without flows.
    pub fn new(config: Config) -> Self {
        Self {
            emitter: Emitter::new(config.site, config.sensor, config.domain, config.seed)
                .starting_at(config.first_sequence),
            fragments: Fragments::default(),
            scratch: Vec::new(),
            table: FlowTable::new(config.seed, config.flows_max / config.share.1.max(1) as usize),
            held: HeldBytes::new(config.share.1),
            coverage: Coverage::default(),
            vlan_frames: vec![0; 4096],
            now: Timestamp::ZERO,
            turned_s: 0,
            late_frames: 0,
            uncounted: None,
            config,
        }
    }

    /// Takes in one frame. Frames should come in order of time; small disorder is harmless.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        if frame.at > self.now {
            self.now = frame.at;
            self.late_frames = 0;
            if self.now.as_secs() != self.turned_s {
                self.turn();
            }
        } else if self.now.since(frame.at) > LATE {
            self.late(frame.at);
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

    /// Emits what was counted until now, as Activities of a part of the minute; flows stay open. Live, called every second or
    /// so, it keeps what a crash can lose to that second. The first call begins to keep track: only what is counted after it,
    /// or ends, comes before its minute is over.
    pub fn emit_so_far(&mut self, now: Timestamp) {
        self.advance(now);
        let Self { table, emitter, uncounted, .. } = self;
        for index in uncounted.get_or_insert_default().drain(..) {
            if let Some(flow) = table.get_mut(index) {
                flow.is_listed = false;
                let last = flow.last;
                end::report(flow, emitter, last);
            }
        }
        emitter.end_interval();
    }

    /// Emits what was seen and missed so far: at a capture that does not end, silence means something only with it.
    pub fn emit_coverage(&mut self, dropped_frames: Option<u64>) {
        let counts = self.coverage(dropped_frames);
        self.emitter.coverage(counts, self.now);
    }

    /// The capture is over: ends every flow and interval, and states the coverage.
    pub fn finish(&mut self, dropped_frames: Option<u64>) {
        let Self { table, emitter, coverage, held, .. } = self;
        table.drain(|flow| end_flow(flow, FlowEnd::CaptureEnd, emitter, coverage, held));
        emitter.end_interval();
        self.emit_coverage(dropped_frames);
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

    /// Looks at flows that are scheduled: bounded like the flows themselves.
    #[cfg(test)]
    pub(crate) fn scheduled_looks(&self) -> usize {
        self.table.scheduled()
    }

    /// One frame from the future must not stop time for all that follow: when frames keep coming from long before, the
    /// clock goes back to them.
    #[cold]
    fn late(&mut self, at: Timestamp) {
        self.late_frames += 1;
        if self.late_frames < LATE_FRAMES {
            return;
        }
        self.late_frames = 0;
        self.emitter.end_interval();
        self.fragments = Fragments::default();
        self.table.step_back(at);
        self.now = at;
        self.turned_s = at.as_secs();
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
            now,
            observer.protocol,
            transport,
            link.vlan,
            Side::Client,
            sender,
            receiver,
            emitter,
            None,
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
        // Everybody without an address yet shares 0.0.0.0 and ::, but not one conversation.
        let source = match link.source {
            Some(mac) if ip.source.is_unspecified() => ip.source.without_address(mac),
            _ => ip.source,
        };
        let (key, sender) = FlowKey::new((source, ports.0), (ip.destination, ports.1), protocol);
        if self.table.is_full() {
            self.evict();
        }
        let mut entry = self.table.entry(key, sender, now);
        if let (Transported::Tcp(tcp), false) = (&ip.transport, entry.is_new) {
            entry = self.restart(entry, key, sender, tcp, now);
        }
        let Self { table, emitter, coverage, held, uncounted, .. } = self;
        let uncounted_max = UNCOUNTED_PER_FLOW_MAX * self.config.flows_max;
        let Some(flow) = table.get_mut(entry.index) else { return };
        if let Some(uncounted) = uncounted
            && !flow.is_listed
            && uncounted.len() < uncounted_max
        {
            flow.is_listed = true;
            uncounted.push(entry.index);
        }
        if entry.is_new {
            open_flow(flow, sender, ip, coverage);
        }
        let side = if flow.client == sender { Side::Client } else { Side::Server };
        let is_duplicate = note_packet(flow, side, link, ip, now, |flow_direction| {
            if entry.is_new || flow_direction.mac != link.source.unwrap_or_default() {
                let multicast = link.destination.is_some_and(MacAddr::is_group)
                    || ip.destination.class() == IpClass::Group;
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
            Transported::Icmp(payload) => {
                on_icmp(flow, &packet, Protocol::Icmp, emitter, |cx| observe::icmp::v4(cx, payload))
            }
            Transported::Icmpv6(payload) => {
                on_icmp(flow, &packet, Protocol::Icmpv6, emitter, |cx| observe::icmp::v6(cx, payload, ip.ttl))
            }
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
        if !tcp.flags.syn() {
            return entry;
        }
        let Self { table, emitter, coverage, held, .. } = self;
        let is_another = table.get_mut(entry.index).is_some_and(|flow| {
            let direction = flow.directions.get(usize::from(flow.client != sender));
            // A repeated SYN has the number that came before what is expected next, or before what followed.
            direction.is_some_and(|d| d.is_synchronised && !d.is_start(tcp.sequence))
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
