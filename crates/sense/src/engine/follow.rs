//! What a packet's payload means in its flow: TCP to its conversation, datagrams to whoever reads them.

use super::end::{party, report, report_verbs, transport_of};
use crate::dissect::{IpPacket, Link, TcpSegment, UdpDatagram};
use crate::emit::Emitter;
use crate::flow::{Conversation, Flow, HeldBytes, Outcome, Payload, Recognition};
use crate::observe::{Context, Datagram, Side};
use crate::probe;
use model::{Protocol, Timestamp, UnparsedReason};

/// Datagrams of a UDP flow probed in vain before it is only counted.
const DATAGRAM_PROBES_MAX: u8 = 4;

/// A packet in the light of its flow.
pub(super) struct FlowPacket<'p> {
    pub(super) link: &'p Link,
    pub(super) ip: &'p IpPacket<'p>,
    pub(super) side: Side,
    pub(super) now: Timestamp,
}

impl FlowPacket<'_> {
    fn context<'c>(&self, flow: &Flow, protocol: Protocol, emitter: &'c mut Emitter) -> Context<'c> {
        let sender_end = if self.side == Side::Client { flow.client } else { flow.client.other() };
        let (_, source_port) = flow.key.end(sender_end);
        let (_, destination_port) = flow.key.end(sender_end.other());
        let sender = party(self.ip.source, self.link.source, source_port);
        let receiver = party(self.ip.destination, self.link.destination, destination_port);
        let transport = transport_of(flow.key.protocol());
        Context::new(
            self.now,
            protocol,
            transport,
            self.link.vlan,
            self.side,
            sender,
            receiver,
            emitter,
            None,
        )
    }
}

pub(super) fn on_tcp(
    flow: &mut Flow,
    packet: &FlowPacket<'_>,
    tcp: &TcpSegment<'_>,
    emitter: &mut Emitter,
    held: &mut HeldBytes,
) {
    let side = packet.side;
    track_flags(flow, side, tcp);
    let has_payload = !tcp.payload.is_empty() || tcp.cut_bytes > 0;
    if flow.recognition == Recognition::Counting {
        if has_payload {
            count_payload(flow, side, tcp);
        }
    } else if has_payload
        || flow.conversation.as_ref().is_some_and(|c| tcp.flags.ack() && c.waits(side.other()))
    {
        read_segment(flow, packet, tcp, emitter, held);
    }
    if flow.must_report(packet.now) {
        report(flow, emitter, packet.now);
    }
}

/// Hands a segment to the conversation, made if need be.
fn read_segment(
    flow: &mut Flow,
    packet: &FlowPacket<'_>,
    tcp: &TcpSegment<'_>,
    emitter: &mut Emitter,
    held: &mut HeldBytes,
) {
    let (side, from_start) = (packet.side, flow.syn_seen);
    let mut conversation =
        flow.conversation.take().unwrap_or_else(|| Box::new(Conversation::new(from_start)));
    let mut cx = packet.context(flow, flow.protocol, emitter);
    let [client, server] = &mut flow.directions;
    let (own, peer) = match side {
        Side::Client => (client, server),
        Side::Server => (server, client),
    };
    let mut outcome = conversation.outcome();
    if tcp.flags.ack() && conversation.waits(side.other()) {
        cx.turn_to(side.other());
        outcome = conversation.acknowledged(peer, side.other(), tcp.acknowledgement, held, &mut cx);
        cx.turn_to(side);
    }
    if !tcp.payload.is_empty() || tcp.cut_bytes > 0 {
        let payload = Payload { sequence: data_sequence(tcp), bytes: tcp.payload, cut_bytes: tcp.cut_bytes };
        outcome = conversation.segment(own, side, payload, held, &mut cx);
    }
    settle(flow, conversation, outcome, packet, emitter, held);
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
            direction.initial_sequence = Some(tcp.sequence);
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

pub(super) fn on_udp(flow: &mut Flow, packet: &FlowPacket<'_>, udp: &UdpDatagram<'_>, emitter: &mut Emitter) {
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
    if flow.must_report(packet.now) {
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

pub(super) fn on_icmp(
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
    if flow.must_report(packet.now) {
        report(flow, emitter, packet.now);
    }
}
