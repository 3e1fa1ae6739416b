//! Block → records.

use super::bytes::Bytes;
use super::encode::SENSOR_SLOTS;
use super::group::{
    Activities, Coverages, Endpoints, Events, Facts, Flows, Headers, Parties, Services, UnparsedLines,
    VlanLines,
};
use super::{BlockError, LINES_MAX, RECORDS_MAX, TEXT_BYTES_MAX, VERSION, column, number};
use model::{
    Activity, Address, Coverage, DomainId, Duration, EndpointKey, Event, Fact, Flow, FlowSide, Header,
    MacAddr, Protocol, Record, Role, SensorId, SiteId, Timestamp, Transport, Unparsed, Vlan,
};
use smol_str::SmolStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Mentions of an endpoint, a party, a service or a text by one record: no more than so many can be different.
const MENTIONS: usize = 2;
/// Protocols named in one block.
const PROTOCOLS_MAX: usize = 256;
/// Bytes of a protocol's name.
const PROTOCOL_BYTES_MAX: usize = 64;

type Read<T> = Result<T, BlockError>;

/// The records of a block, as [`encode`](super::encode) was given them.
///
/// # Errors
/// [`BlockError`], with the place; of a damaged block nothing is returned.
pub fn decode(block: &[u8]) -> Read<Vec<Record>> {
    let mut bytes = Bytes::new(block);
    match bytes.byte().map_err(|_| BlockError::Empty)? {
        VERSION => {}
        found => return Err(BlockError::Version { found }),
    }
    let records = bytes.count("records", RECORDS_MAX)?;
    let heads = Heads::take(&mut bytes, records)?;
    let names = Names::take(&mut bytes, records)?;
    let mut facts = facts(&mut bytes, heads.of(number::FACT), &names)?.into_iter();
    let mut events = events(&mut bytes, heads.of(number::EVENT), &names)?.into_iter();
    let mut activities = activities(&mut bytes, heads.of(number::ACTIVITY), &names)?.into_iter();
    let mut flows = flows(&mut bytes, heads.of(number::FLOW), &names)?.into_iter();
    let mut coverages = coverages(&mut bytes, heads.of(number::COVERAGE), &names)?.into_iter();
    if bytes.left() > 0 {
        return Err(bytes.malformed("more behind its end"));
    }
    // INVARIANT: every group has as many lines as `heads` has records of its kind.
    Ok(heads
        .kinds
        .iter()
        .filter_map(|kind| match *kind {
            number::FACT => facts.next(),
            number::EVENT => events.next(),
            number::ACTIVITY => activities.next(),
            number::FLOW => flows.next(),
            _ => coverages.next(),
        })
        .collect())
}

/// Kinds and headers of all records.
struct Heads {
    kinds: Vec<i64>,
    headers: Vec<Header>,
}

impl Heads {
    fn take(bytes: &mut Bytes<'_>, records: usize) -> Read<Self> {
        let columns = Headers::take(bytes, records)?;
        if !columns.kind.iter().all(|kind| (number::FACT..=number::COVERAGE).contains(kind)) {
            return Err(bytes.malformed("a record of a kind that is not known"));
        }
        let (way, mut observed) = column::take_times(bytes, records, 2)?;
        if way == 0 {
            sums(&mut observed);
        }
        let (way, mut received) = column::take_times(bytes, records, 2)?;
        if way == 0 {
            received.iter_mut().zip(&observed).for_each(|(late, seen)| *late = late.wrapping_add(*seen));
        } else {
            sums(&mut received);
        }
        let mut sequences = [0i64; SENSOR_SLOTS];
        let mut headers = Vec::with_capacity(records);
        let ids = columns.schema.iter().zip(&columns.site).zip(&columns.sensor).zip(&columns.sequence);
        for ((((schema, site), sensor), step), (observed, received)) in
            ids.zip(observed.iter().zip(&received))
        {
            let sensor: u32 = narrow(bytes, *sensor)?;
            let mut sequence = *step;
            if let Some(before) = sequences.get_mut(sensor as usize % SENSOR_SLOTS) {
                sequence = before.wrapping_add(*step);
                *before = sequence;
            }
            headers.push(Header {
                schema: narrow(bytes, *schema)?,
                site: SiteId(narrow(bytes, *site)?),
                sensor: SensorId(sensor),
                sequence: sequence.cast_unsigned(),
                observed_at: Timestamp::from_nanos(observed.cast_unsigned()),
                received_at: Timestamp::from_nanos(received.cast_unsigned()),
            });
        }
        Ok(Self { kinds: columns.kind, headers })
    }

    /// The headers of one kind.
    fn of(&self, kind: i64) -> Vec<Header> {
        let all = self.kinds.iter().zip(&self.headers);
        all.filter(|(of, _)| **of == kind).map(|(_, header)| *header).collect()
    }
}

fn sums(steps: &mut [i64]) {
    let mut sum = 0i64;
    for step in steps {
        sum = sum.wrapping_add(*step);
        *step = sum;
    }
}

fn narrow<T: TryFrom<i64>>(bytes: &Bytes<'_>, value: i64) -> Read<T> {
    T::try_from(value).map_err(|_| bytes.malformed("a number out of its range"))
}

/// What records mention by place.
struct Names {
    protocols: Vec<Protocol>,
    texts: Vec<SmolStr>,
    endpoints: Vec<EndpointKey>,
    parties: Vec<(EndpointKey, IpAddr)>,
    services: Vec<(Protocol, Transport, u16)>,
}

fn mentioned<T: Clone>(bytes: &Bytes<'_>, list: &[T], place: i64) -> Read<T> {
    let there = usize::try_from(place).ok().and_then(|place| list.get(place));
    there.cloned().ok_or(bytes.malformed("a mention of what the block does not say"))
}

impl Names {
    fn take(bytes: &mut Bytes<'_>, records: usize) -> Read<Self> {
        let protocols = protocols(bytes)?;
        let texts = texts(bytes, records)?;
        let endpoints = endpoints(bytes, records)?;
        let parties = parties(bytes, records, &endpoints)?;
        let services = services(bytes, records, &protocols)?;
        Ok(Self { protocols, texts, endpoints, parties, services })
    }
}

fn protocols(bytes: &mut Bytes<'_>) -> Read<Vec<Protocol>> {
    let count = bytes.count("protocols", PROTOCOLS_MAX)?;
    let mut protocols = Vec::new();
    for _ in 0..count {
        let length = bytes.count("bytes of a protocol's name", PROTOCOL_BYTES_MAX)?;
        let name = std::str::from_utf8(bytes.take(length)?);
        protocols
            .push(number::read_protocol(name.map_err(|_| bytes.malformed("a name that is not UTF-8"))?)?);
    }
    Ok(protocols)
}

fn texts(bytes: &mut Bytes<'_>, records: usize) -> Read<Vec<SmolStr>> {
    let count = bytes.count("texts", records * MENTIONS)?;
    let lengths = column::take(bytes, count)?;
    let mut texts = Vec::with_capacity(count);
    for length in lengths {
        let length: usize = narrow(bytes, length)?;
        if length > TEXT_BYTES_MAX {
            return Err(bytes.malformed("a text longer than a block may hold"));
        }
        let text = std::str::from_utf8(bytes.take(length)?);
        texts.push(SmolStr::new(text.map_err(|_| bytes.malformed("a text that is not UTF-8"))?));
    }
    Ok(texts)
}

/// The addresses of so many values, by their families; `None` for [`number::SAME`].
fn addresses(bytes: &mut Bytes<'_>, families: &[i64]) -> Read<Vec<Option<Address>>> {
    let of = |family: i64| families.iter().filter(|of| **of == family).count();
    let mut macs = column::take(bytes, of(number::MAC))?.into_iter();
    let mut v4s = column::take(bytes, of(number::V4))?.into_iter();
    let mut highs = column::take(bytes, of(number::V6))?.into_iter();
    let mut lows = column::take(bytes, of(number::V6))?.into_iter();
    let mut addresses = Vec::with_capacity(families.len());
    for family in families {
        addresses.push(match *family {
            number::MAC => Some(Address::Mac(mac(bytes, macs.next().unwrap_or(-1))?)),
            number::V4 => {
                let bits: u32 = narrow(bytes, v4s.next().unwrap_or(-1))?;
                Some(Address::Ip(IpAddr::V4(Ipv4Addr::from_bits(bits))))
            }
            number::V6 => {
                let [high, low] = [highs.next(), lows.next()].map(|half| half.unwrap_or(0).cast_unsigned());
                let bits = u128::from(high) << 64 | u128::from(low);
                Some(Address::Ip(IpAddr::V6(Ipv6Addr::from_bits(bits))))
            }
            number::SAME => None,
            _ => return Err(bytes.malformed("an address of a family that is not known")),
        });
    }
    Ok(addresses)
}

fn mac(bytes: &Bytes<'_>, number: i64) -> Read<MacAddr> {
    match number.to_be_bytes() {
        [0, 0, a, b, c, d, e, f] => Ok(MacAddr::new([a, b, c, d, e, f])),
        _ => Err(bytes.malformed("a MAC address of more than 48 bits")),
    }
}

fn endpoints(bytes: &mut Bytes<'_>, records: usize) -> Read<Vec<EndpointKey>> {
    let count = bytes.count("endpoints", records * MENTIONS)?;
    let columns = Endpoints::take(bytes, count)?;
    let addresses = addresses(bytes, &columns.family)?;
    let mut endpoints = Vec::with_capacity(count);
    let ids = columns.site.iter().zip(&columns.domain).zip(&columns.vlan);
    for (((site, domain), vlan), address) in ids.zip(addresses) {
        let vlan = match narrow(bytes, *vlan)? {
            0 => None,
            id => Some(Vlan::new(id).ok_or(bytes.malformed("a VLAN that cannot be"))?),
        };
        endpoints.push(EndpointKey {
            site: SiteId(narrow(bytes, *site)?),
            domain: DomainId(narrow(bytes, *domain)?),
            vlan,
            address: address.ok_or(bytes.malformed("an endpoint without an address"))?,
        });
    }
    Ok(endpoints)
}

fn parties(
    bytes: &mut Bytes<'_>,
    records: usize,
    endpoints: &[EndpointKey],
) -> Read<Vec<(EndpointKey, IpAddr)>> {
    let count = bytes.count("parties", records * MENTIONS)?;
    let mut columns = Parties::take(bytes, count)?;
    sums(&mut columns.endpoint);
    let addresses = addresses(bytes, &columns.family)?;
    let mut parties = Vec::with_capacity(count);
    for (place, address) in columns.endpoint.iter().zip(addresses) {
        let endpoint = mentioned(bytes, endpoints, *place)?;
        match address.unwrap_or(endpoint.address) {
            Address::Ip(ip) => parties.push((endpoint, ip)),
            Address::Mac(_) => return Err(bytes.malformed("a party without an IP address")),
        }
    }
    Ok(parties)
}

fn services(
    bytes: &mut Bytes<'_>,
    records: usize,
    protocols: &[Protocol],
) -> Read<Vec<(Protocol, Transport, u16)>> {
    let count = bytes.count("services", records * MENTIONS)?;
    let columns = Services::take(bytes, count)?;
    let lines = columns.protocol.iter().zip(&columns.transport).zip(&columns.port);
    lines
        .map(|((protocol, transport), port)| {
            let protocol = mentioned(bytes, protocols, *protocol)?;
            Ok((protocol, number::read_transport(*transport)?, narrow(bytes, *port)?))
        })
        .collect()
}

/// The values of several columns, line by line; they are of one length.
struct Lines<const N: usize>([std::vec::IntoIter<i64>; N]);

impl<const N: usize> Lines<N> {
    fn of(columns: [Vec<i64>; N]) -> Self {
        Self(columns.map(Vec::into_iter))
    }

    fn next(&mut self) -> [i64; N] {
        self.0.each_mut().map(|column| column.next().unwrap_or(0))
    }
}

fn facts(bytes: &mut Bytes<'_>, headers: Vec<Header>, names: &Names) -> Read<Vec<Record>> {
    let c = Facts::take(bytes, headers.len())?;
    let mut lines = Lines::of([c.endpoint, c.attribute, c.value, c.source]);
    headers
        .into_iter()
        .map(|header| {
            let [endpoint, attribute, value, source] = lines.next();
            Ok(Record::Fact(Fact {
                header,
                endpoint: mentioned(bytes, &names.endpoints, endpoint)?,
                attribute: number::read_attribute(attribute)?,
                value: mentioned(bytes, &names.texts, value)?,
                source: mentioned(bytes, &names.protocols, source)?,
            }))
        })
        .collect()
}

fn events(bytes: &mut Bytes<'_>, headers: Vec<Header>, names: &Names) -> Read<Vec<Record>> {
    let c = Events::take(bytes, headers.len())?;
    let mut lines = Lines::of([c.endpoint, c.peer, c.kind, c.protocol, c.detail]);
    headers
        .into_iter()
        .map(|header| {
            let [endpoint, peer, kind, protocol, detail] = lines.next();
            Ok(Record::Event(Event {
                header,
                endpoint: mentioned(bytes, &names.endpoints, endpoint)?,
                peer: if peer == 0 {
                    None
                } else {
                    Some(mentioned(bytes, &names.endpoints, peer.wrapping_sub(1))?)
                },
                kind: number::read_event_kind(kind)?,
                protocol: mentioned(bytes, &names.protocols, protocol)?,
                detail: mentioned(bytes, &names.texts, detail)?,
            }))
        })
        .collect()
}

fn activities(bytes: &mut Bytes<'_>, headers: Vec<Header>, names: &Names) -> Read<Vec<Record>> {
    let c = Activities::take(bytes, headers.len())?;
    let (_, spans) = column::take_times(bytes, headers.len(), 1)?;
    let mut lines = Lines::of([
        c.endpoint,
        c.peer,
        c.role,
        c.service,
        c.verb,
        c.count,
        c.bytes,
        c.retransmitted_bytes,
        c.gap_bytes,
        spans,
    ]);
    headers
        .into_iter()
        .map(|header| {
            let [endpoint, peer, role, service, verb, counters @ ..] = lines.next();
            let [count, sent, retransmitted, gap, span] = counters.map(i64::cast_unsigned);
            let (protocol, transport, service_port) = mentioned(bytes, &names.services, service)?;
            Ok(Record::Activity(Box::new(Activity {
                header,
                endpoint: mentioned(bytes, &names.endpoints, endpoint)?,
                peer: mentioned(bytes, &names.endpoints, peer)?,
                role: match role {
                    0 => Role::Client,
                    1 => Role::Server,
                    _ => return Err(bytes.malformed("a role that is not known")),
                },
                protocol,
                transport,
                service_port,
                verb: mentioned(bytes, &names.texts, verb)?,
                span: Duration::from_nanos(span),
                count,
                bytes: sent,
                retransmitted_bytes: retransmitted,
                gap_bytes: gap,
            })))
        })
        .collect()
}

fn flows(bytes: &mut Bytes<'_>, headers: Vec<Header>, names: &Names) -> Read<Vec<Record>> {
    let c = Flows::take(bytes, headers.len())?;
    let (_, durations) = column::take_times(bytes, headers.len(), 1)?;
    let mut ends = Lines::of([c.client, c.server, c.service, c.client_port, c.flags, durations]);
    let mut from_client =
        Lines::of([c.client_packets, c.client_bytes, c.client_retransmitted_bytes, c.client_gap_bytes]);
    let mut from_server =
        Lines::of([c.server_packets, c.server_bytes, c.server_retransmitted_bytes, c.server_gap_bytes]);
    // Parties mentioned so far.
    let mut known = 0i64;
    headers
        .into_iter()
        .zip(c.duplicate_packets)
        .map(|(header, duplicates)| {
            let [client, server, service, client_port, flags, duration] = ends.next();
            let mut party = |back: i64| {
                let place = known.wrapping_sub(back);
                known += i64::from(back == 0);
                mentioned(bytes, &names.parties, place)
            };
            let ((client, client_ip), (server, server_ip)) = (party(client)?, party(server)?);
            let (protocol, transport, server_port) = mentioned(bytes, &names.services, service)?;
            let (end, complete_start, one_sided) = number::read_flow_flags(flags)?;
            let first = header.observed_at.as_nanos().wrapping_sub(duration.cast_unsigned());
            Ok(Record::Flow(Box::new(Flow {
                header,
                client,
                server,
                client_ip,
                server_ip,
                client_port: narrow(bytes, client_port)?,
                server_port,
                transport,
                protocol,
                first_seen: Timestamp::from_nanos(first),
                from_client: side(from_client.next()),
                from_server: side(from_server.next()),
                complete_start,
                one_sided,
                duplicate_packets: duplicates.cast_unsigned(),
                end,
            })))
        })
        .collect()
}

fn side(line: [i64; 4]) -> FlowSide {
    let [packets, bytes, retransmitted_bytes, gap_bytes] = line.map(i64::cast_unsigned);
    FlowSide { packets, bytes, retransmitted_bytes, gap_bytes }
}

fn coverages(bytes: &mut Bytes<'_>, headers: Vec<Header>, names: &Names) -> Read<Vec<Record>> {
    let c = Coverages::take(bytes, headers.len())?;
    let mut unparsed = unparsed(bytes, &c.unparsed, names)?.into_iter();
    let mut vlans = vlans(bytes, &c.vlans)?.into_iter();
    let mut lists = Lines::of([c.tells_dropped, c.unparsed, c.vlans]);
    let mut frames = Lines::of([c.frames, c.bytes, c.cut_frames, c.dropped_frames, c.duplicate_frames]);
    let mut flows =
        Lines::of([c.flows, c.flows_without_start, c.flows_one_sided, c.flows_evicted, c.gap_bytes]);
    headers
        .into_iter()
        .map(|header| {
            let [tells_dropped, unparsed_lines, vlan_lines] = lists.next();
            let [frames, captured, cut, dropped, duplicate] = frames.next().map(i64::cast_unsigned);
            let [flows, without_start, one_sided, evicted, gap] = flows.next().map(i64::cast_unsigned);
            Ok(Record::Coverage(Box::new(Coverage {
                header,
                frames,
                bytes: captured,
                cut_frames: cut,
                dropped_frames: match (tells_dropped, dropped) {
                    (0, 0) => None,
                    (1, dropped) => Some(dropped),
                    _ => return Err(bytes.malformed("drops that are told and not told")),
                },
                duplicate_frames: duplicate,
                flows,
                flows_without_start: without_start,
                flows_one_sided: one_sided,
                flows_evicted: evicted,
                gap_bytes: gap,
                unparsed: unparsed.by_ref().take(narrow(bytes, unparsed_lines)?).collect(),
                vlans: vlans.by_ref().take(narrow(bytes, vlan_lines)?).collect(),
            })))
        })
        .collect()
}

/// How many lines all records have together.
fn lines(bytes: &Bytes<'_>, counts: &[i64]) -> Read<usize> {
    let mut sum = 0usize;
    for count in counts {
        let count: usize = narrow(bytes, *count)?;
        sum = sum.saturating_add(count);
    }
    if sum > LINES_MAX {
        return Err(BlockError::TooMany { what: "lines of coverage", found: sum as u64, most: LINES_MAX });
    }
    Ok(sum)
}

fn unparsed(bytes: &mut Bytes<'_>, counts: &[i64], names: &Names) -> Read<Vec<Unparsed>> {
    let c = UnparsedLines::take(bytes, lines(bytes, counts)?)?;
    let lines = c.protocol.iter().zip(&c.reason).zip(&c.count);
    lines
        .map(|((protocol, reason), count)| {
            Ok(Unparsed {
                protocol: mentioned(bytes, &names.protocols, *protocol)?,
                reason: number::read_reason(*reason)?,
                count: count.cast_unsigned(),
            })
        })
        .collect()
}

fn vlans(bytes: &mut Bytes<'_>, counts: &[i64]) -> Read<Vec<(u16, u64)>> {
    let c = VlanLines::take(bytes, lines(bytes, counts)?)?;
    let lines = c.vlan.iter().zip(&c.frames);
    lines.map(|(vlan, frames)| Ok((narrow(bytes, *vlan)?, frames.cast_unsigned()))).collect()
}
