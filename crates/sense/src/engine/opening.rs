//! A packet meets its flow: who opened it, is it a copy, how far away is its sender.

use crate::dissect::{Ip, IpPacket, Link, Transported};
use crate::emit::Emitter;
use crate::flow::{Direction, End, Flow, Recognition};
use crate::observe::Side;
use model::{Address, Attribute, Coverage, IpClass, Protocol, Timestamp};

/// Two looks at one frame (two taps, or both sides of a router) lie at most this far apart.
const DUPLICATE_WITHIN_NS: u64 = 20_000_000;
/// No sender repeats itself faster.
const AT_ONCE_NS: u64 = 100_000;

/// The two addresses of a packet, the same for both directions: what a worker's share is decided by. Ports stay out, so
/// that a fragment without ports goes where its datagram goes.
pub(super) fn pair_hash(ip: &IpPacket<'_>) -> u64 {
    let mixed = ip.source.0 ^ ip.destination.0;
    let folded = (mixed >> 64) as u64 ^ mixed as u64;
    folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

pub(super) fn open_flow(flow: &mut Flow, sender: End, ip: &IpPacket<'_>, coverage: &mut Coverage) {
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
            if is_server_port(udp.source_port, udp.destination_port)
                && ip.destination.class() != IpClass::Group
            {
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
pub(super) fn note_packet(
    flow: &mut Flow,
    side: Side,
    link: &Link,
    ip: &IpPacket<'_>,
    now: Timestamp,
    mut moved: impl FnMut(&Direction),
) -> bool {
    let since_last_ns = now.since(flow.last).as_nanos();
    let within = since_last_ns < DUPLICATE_WITHIN_NS;
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
    // But not within microseconds: that is a mirror that copies both directions of a port.
    let is_at_once = since_last_ns < AT_ONCE_NS && carries_payload(ip);
    let is_duplicate = is_known && within && (ip.id != 0 || took_another_way || is_at_once);
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

fn carries_payload(ip: &IpPacket<'_>) -> bool {
    match &ip.transport {
        Transported::Tcp(tcp) => !tcp.payload.is_empty(),
        Transported::Udp(udp) => udp.checksum != 0,
        Transported::Icmp(_) | Transported::Icmpv6(_) | Transported::Other(_) => false,
    }
}

/// What two copies of one packet share and two packets of one sender hardly do.
fn fingerprint(ip: &IpPacket<'_>) -> u32 {
    let mixed = match &ip.transport {
        Transported::Tcp(tcp) => {
            let payload_bytes = tcp.payload.len() as u32;
            tcp.sequence ^ tcp.acknowledgement.rotate_left(11) ^ (payload_bytes << 8) ^ u32::from(tcp.flags.0)
        }
        Transported::Udp(udp) => (u32::from(udp.checksum) << 16) ^ udp.payload.len() as u32,
        Transported::Icmp(payload) | Transported::Icmpv6(payload) => {
            payload.first_chunk::<8>().map_or(0, |&[a, b, c, d, e, f, g, h]| {
                u32::from_be_bytes([a, b, c, d]) ^ u32::from_be_bytes([e, f, g, h]).rotate_left(7)
            })
        }
        Transported::Other(_) => return 0,
    };
    (mixed ^ (u32::from(ip.id) << 16) ^ u32::from(ip.id)).wrapping_mul(0x9e37_79b1) | 1
}

/// States that the frame's link address sent from this IP address, and how far away that is.
pub(super) fn state_address(
    emitter: &mut Emitter,
    link: &Link,
    ip: Ip,
    ttl: u8,
    multicast: bool,
    now: Timestamp,
) {
    let Some(mac) = link.source.filter(|mac| mac.is_unicast()) else { return };
    match ip.class() {
        IpClass::Unspecified | IpClass::Loopback | IpClass::Group => {
            emitter.fact(
                (Address::Mac(mac), link.vlan),
                Attribute::Presence,
                b"ethernet",
                Protocol::Unknown,
                now,
            );
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
