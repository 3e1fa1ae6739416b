//! A flow hands over what was counted: every minute to the Activities, and as a Flow when it ends.

use crate::activity::{Amount, Key};
use crate::dissect::Ip;
use crate::emit::Emitter;
use crate::flow::{Conversation, Direction, Flow, HeldBytes, Outcome, Totals};
use crate::observe::{Context, Party, Side};
use model::{Address, Coverage, FlowEnd, FlowSide, Header, MacAddr, Timestamp, Transport};

/// An end of a packet: by IP address, or by link address while it has none (DHCP).
pub(super) fn party(ip: Ip, mac: Option<MacAddr>, port: u16) -> Party {
    let address = match mac {
        Some(mac) if ip.is_unspecified() => Address::Mac(mac),
        _ => Address::Ip(ip.addr()),
    };
    Party { address, mac, port }
}

pub(super) const fn transport_of(number: u8) -> Transport {
    match number {
        6 => Transport::Tcp,
        17 => Transport::Udp,
        1 | 58 => Transport::Icmp,
        other => Transport::Ip(other),
    }
}

/// Hands the running minute of a flow to the Activities.
pub(super) fn report(flow: &mut Flow, emitter: &mut Emitter, now: Timestamp) {
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

pub(super) fn report_verbs(
    flow: &Flow,
    conversation: &mut Conversation,
    emitter: &mut Emitter,
    now: Timestamp,
) {
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

pub(super) fn end_flow(
    mut flow: Flow,
    end: FlowEnd,
    emitter: &mut Emitter,
    coverage: &mut Coverage,
    held: &mut HeldBytes,
) {
    let last = flow.last;
    if let Some(mut conversation) = flow.conversation.take() {
        deliver_held(&mut flow, &mut conversation, emitter, held);
        flow.conversation = Some(conversation);
    }
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

/// Nothing will fill the holes any more: what is held behind them is read before the flow goes.
fn deliver_held(
    flow: &mut Flow,
    conversation: &mut Conversation,
    emitter: &mut Emitter,
    held: &mut HeldBytes,
) {
    for side in [Side::Client, Side::Server] {
        while conversation.waits(side) {
            let mut cx = context_of(flow, side, emitter);
            let [client, server] = &mut flow.directions;
            let direction = if side == Side::Client { client } else { server };
            let outcome = conversation.give_up_hole(direction, side, held, &mut cx);
            if let Outcome::Reading(protocol) | Outcome::Enough(protocol) = outcome {
                flow.protocol = protocol;
            }
        }
    }
}

/// A context for bytes of `side` without a packet in hand.
fn context_of<'c>(flow: &Flow, side: Side, emitter: &'c mut Emitter) -> Context<'c> {
    let sender_end = if side == Side::Client { flow.client } else { flow.client.other() };
    let mac = |side: Side| flow.directions.get(side.index()).map(|d| d.mac).filter(|mac| mac.is_unicast());
    let ((source, source_port), (destination, destination_port)) =
        (flow.key.end(sender_end), flow.key.end(sender_end.other()));
    let vlan = flow.directions.get(side.index()).and_then(|d| d.vlan);
    let transport = transport_of(flow.key.protocol());
    let sender = party(source, mac(side), source_port);
    let receiver = party(destination, mac(side.other()), destination_port);
    Context::new(flow.last, flow.protocol, transport, vlan, side, sender, receiver, emitter, None)
}
