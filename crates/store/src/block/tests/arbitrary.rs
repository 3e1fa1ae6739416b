//! Any record that the types allow.

use model::{
    Activity, Address, Attribute, Coverage, DomainId, Duration, EndpointKey, Event, EventKind, Fact, Flow,
    FlowEnd, FlowSide, Header, MacAddr, Protocol, Record, Role, SensorId, SiteId, Timestamp, Transport,
    Unparsed, UnparsedReason, Vlan,
};
use proptest::prelude::*;
use smol_str::SmolStr;
use std::net::IpAddr;

/// Small numbers, large ones, and those at the edges.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..2_000, 2 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)]
}

fn time() -> impl Strategy<Value = Timestamp> {
    let now = 1_790_000_000_000_000_000u64;
    prop_oneof![
        3 => now..now + 50_000_000,
        1 => (0u64..100).prop_map(move |ms| now + ms * 1_000_000),
        1 => number(),
    ]
    .prop_map(Timestamp::from_nanos)
}

fn header() -> impl Strategy<Value = Header> {
    let id = || prop_oneof![3 => 0u32..3, 1 => any::<u32>()];
    (any::<u16>(), id(), id(), number(), time(), time()).prop_map(
        |(schema, site, sensor, sequence, observed_at, received_at)| Header {
            schema,
            site: SiteId(site),
            sensor: SensorId(sensor),
            sequence,
            observed_at,
            received_at,
        },
    )
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        any::<[u8; 6]>().prop_map(|octets| Address::Mac(MacAddr::new(octets))),
        ip().prop_map(Address::Ip),
    ]
}

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..8).prop_map(|host| IpAddr::from([10, 0, 0, host])),
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
    ]
}

fn endpoint() -> impl Strategy<Value = EndpointKey> {
    (0u32..2, any::<u32>(), 0u16..4096, address()).prop_map(|(site, domain, vlan, address)| EndpointKey {
        site: SiteId(site),
        domain: DomainId(domain % 3),
        vlan: Vlan::new(vlan),
        address,
    })
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![Just(Protocol::Unknown), prop::sample::select(Protocol::ALL)]
}

fn transport() -> impl Strategy<Value = Transport> {
    prop_oneof![
        Just(Transport::Tcp),
        Just(Transport::Udp),
        Just(Transport::Icmp),
        any::<u8>().prop_map(Transport::Ip),
        any::<u16>().prop_map(Transport::Link),
    ]
}

fn text() -> impl Strategy<Value = SmolStr> {
    prop_oneof!["", "[A-Z]{1,3}\\^R01", "\\PC{0,60}"].prop_map(SmolStr::from)
}

fn fact() -> impl Strategy<Value = Record> {
    (header(), endpoint(), prop::sample::select(Attribute::ALL), text(), protocol()).prop_map(
        |(header, endpoint, attribute, value, source)| {
            Record::Fact(Fact { header, endpoint, attribute, value, source })
        },
    )
}

fn event() -> impl Strategy<Value = Record> {
    use EventKind::*;
    let kinds = vec![Login, LoginRefused, Association, Exam, ErrorReply, Lease, NewVerb, AddressConflict];
    (header(), endpoint(), prop::option::of(endpoint()), prop::sample::select(kinds), protocol(), text())
        .prop_map(|(header, endpoint, peer, kind, protocol, detail)| {
            Record::Event(Event { header, endpoint, peer, kind, protocol, detail })
        })
}

fn activity() -> impl Strategy<Value = Record> {
    let service = (protocol(), transport(), any::<u16>(), text());
    let counters = (number(), number(), number(), number(), number());
    (header(), endpoint(), endpoint(), any::<bool>(), service, counters).prop_map(
        |(header, endpoint, peer, is_server, (protocol, transport, service_port, verb), counters)| {
            let (span, count, bytes, retransmitted_bytes, gap_bytes) = counters;
            Record::Activity(Box::new(Activity {
                header,
                endpoint,
                peer,
                role: if is_server { Role::Server } else { Role::Client },
                protocol,
                transport,
                service_port,
                verb,
                span: Duration::from_nanos(span),
                count,
                bytes,
                retransmitted_bytes,
                gap_bytes,
            }))
        },
    )
}

fn side() -> impl Strategy<Value = FlowSide> {
    (number(), number(), number(), number()).prop_map(|(packets, bytes, retransmitted_bytes, gap_bytes)| {
        FlowSide { packets, bytes, retransmitted_bytes, gap_bytes }
    })
}

fn flow() -> impl Strategy<Value = Record> {
    let ends = (endpoint(), endpoint(), ip(), ip(), any::<u16>(), any::<u16>());
    let seen = (time(), side(), side(), any::<bool>(), any::<bool>(), number());
    let end =
        prop::sample::select(vec![FlowEnd::Closed, FlowEnd::Idle, FlowEnd::Evicted, FlowEnd::CaptureEnd]);
    (header(), ends, transport(), protocol(), seen, end).prop_map(
        |(header, ends, transport, protocol, seen, end)| {
            let (client, server, client_ip, server_ip, client_port, server_port) = ends;
            let (first_seen, from_client, from_server, complete_start, one_sided, duplicate_packets) = seen;
            Record::Flow(Box::new(Flow {
                header,
                client,
                server,
                client_ip,
                server_ip,
                client_port,
                server_port,
                transport,
                protocol,
                first_seen,
                from_client,
                from_server,
                complete_start,
                one_sided,
                duplicate_packets,
                end,
            }))
        },
    )
}

fn coverage() -> impl Strategy<Value = Record> {
    use UnparsedReason::*;
    let reasons = vec![
        LinkType,
        Truncated,
        Malformed,
        TooDeep,
        Fragment,
        LinkProtocol,
        IpProtocol,
        BadMessage,
        StreamGap,
        Limit,
    ];
    let unparsed = (protocol(), prop::sample::select(reasons), number())
        .prop_map(|(protocol, reason, count)| Unparsed { protocol, reason, count });
    let lists = (
        prop::collection::vec(unparsed, 0..8),
        prop::collection::vec((any::<u16>(), number()), 0..8),
        prop::option::of(number()),
    );
    (header(), prop::array::uniform10(number()), lists).prop_map(
        |(header, counters, (unparsed, vlans, dropped_frames))| {
            let [frames, bytes, cut_frames, duplicate_frames, flows, start, sided, evicted, gap, _] =
                counters;
            Record::Coverage(Box::new(Coverage {
                header,
                frames,
                bytes,
                cut_frames,
                dropped_frames,
                duplicate_frames,
                flows,
                flows_without_start: start,
                flows_one_sided: sided,
                flows_evicted: evicted,
                gap_bytes: gap,
                unparsed,
                vlans,
            }))
        },
    )
}

/// Any record.
pub(super) fn record() -> impl Strategy<Value = Record> {
    prop_oneof![fact(), event(), activity(), flow(), coverage()]
}
