//! Numbers of closed lists within a block. A number is never given to anything else, and a list only grows at its end.

use super::BlockError;
use model::{Attribute, EventKind, FlowEnd, Protocol, Transport, UnparsedReason};

/// Kinds of records.
pub(super) const FACT: i64 = 0;
pub(super) const EVENT: i64 = 1;
pub(super) const ACTIVITY: i64 = 2;
pub(super) const FLOW: i64 = 3;
pub(super) const COVERAGE: i64 = 4;

/// Families of addresses.
pub(super) const MAC: i64 = 0;
pub(super) const V4: i64 = 1;
pub(super) const V6: i64 = 2;
/// A party's address is its endpoint's.
pub(super) const SAME: i64 = 3;

/// Transports: these three, then IP protocols from [`IP`] and link protocols from [`LINK`] on.
const TCP: i64 = 0;
const UDP: i64 = 1;
const ICMP: i64 = 2;
const IP: i64 = 0x100;
const LINK: i64 = 0x1_0000;

/// The end of a flow is in the lowest bits of its flags, then these.
const FLOW_END_BITS: u32 = 3;
const COMPLETE_START: i64 = 1 << FLOW_END_BITS;
const ONE_SIDED: i64 = 2 << FLOW_END_BITS;

const EVENT_KINDS: [EventKind; 8] = [
    EventKind::Login,
    EventKind::LoginRefused,
    EventKind::Association,
    EventKind::Exam,
    EventKind::ErrorReply,
    EventKind::Lease,
    EventKind::NewVerb,
    EventKind::AddressConflict,
];

const REASONS: [UnparsedReason; 10] = [
    UnparsedReason::LinkType,
    UnparsedReason::Truncated,
    UnparsedReason::Malformed,
    UnparsedReason::TooDeep,
    UnparsedReason::Fragment,
    UnparsedReason::LinkProtocol,
    UnparsedReason::IpProtocol,
    UnparsedReason::BadMessage,
    UnparsedReason::StreamGap,
    UnparsedReason::Limit,
];

const FLOW_ENDS: [FlowEnd; 4] = [FlowEnd::Closed, FlowEnd::Idle, FlowEnd::Evicted, FlowEnd::CaptureEnd];

/// Attributes are numbered as declared: new ones are added at the end (see [`Attribute`]).
pub(super) const fn attribute(attribute: Attribute) -> i64 {
    attribute as i64
}

pub(super) fn read_attribute(number: i64) -> Result<Attribute, BlockError> {
    numbered(Attribute::ALL, number, "the attribute")
}

/// Kinds of events are numbered as declared: new ones are added at the end (see [`EventKind`]).
pub(super) const fn event_kind(kind: EventKind) -> i64 {
    kind as i64
}

pub(super) fn read_event_kind(number: i64) -> Result<EventKind, BlockError> {
    numbered(&EVENT_KINDS, number, "the kind of event")
}

pub(super) const fn reason(reason: UnparsedReason) -> i64 {
    match reason {
        UnparsedReason::LinkType => 0,
        UnparsedReason::Truncated => 1,
        UnparsedReason::Malformed => 2,
        UnparsedReason::TooDeep => 3,
        UnparsedReason::Fragment => 4,
        UnparsedReason::LinkProtocol => 5,
        UnparsedReason::IpProtocol => 6,
        UnparsedReason::BadMessage => 7,
        UnparsedReason::StreamGap => 8,
        UnparsedReason::Limit => 9,
    }
}

pub(super) fn read_reason(number: i64) -> Result<UnparsedReason, BlockError> {
    numbered(&REASONS, number, "the reason for not reading")
}

pub(super) const fn transport(transport: Transport) -> i64 {
    match transport {
        Transport::Tcp => TCP,
        Transport::Udp => UDP,
        Transport::Icmp => ICMP,
        Transport::Ip(protocol) => IP + protocol as i64,
        Transport::Link(protocol) => LINK + protocol as i64,
    }
}

pub(super) fn read_transport(number: i64) -> Result<Transport, BlockError> {
    let unknown = || unknown("the transport", number);
    match number {
        TCP => Ok(Transport::Tcp),
        UDP => Ok(Transport::Udp),
        ICMP => Ok(Transport::Icmp),
        IP..LINK => u8::try_from(number - IP).map(Transport::Ip).map_err(|_| unknown()),
        LINK.. => u16::try_from(number - LINK).map(Transport::Link).map_err(|_| unknown()),
        _ => Err(unknown()),
    }
}

/// How a flow ended and what was captured of it, in one number.
pub(super) const fn flow_flags(end: FlowEnd, complete_start: bool, one_sided: bool) -> i64 {
    let end = match end {
        FlowEnd::Closed => 0,
        FlowEnd::Idle => 1,
        FlowEnd::Evicted => 2,
        FlowEnd::CaptureEnd => 3,
    };
    let complete_start = if complete_start { COMPLETE_START } else { 0 };
    let one_sided = if one_sided { ONE_SIDED } else { 0 };
    end | complete_start | one_sided
}

pub(super) fn read_flow_flags(number: i64) -> Result<(FlowEnd, bool, bool), BlockError> {
    if number & !(COMPLETE_START | ONE_SIDED | (COMPLETE_START - 1)) != 0 {
        return Err(unknown("the flags of a flow", number));
    }
    let end = numbered(&FLOW_ENDS, number & (COMPLETE_START - 1), "the end of a flow")?;
    Ok((end, number & COMPLETE_START != 0, number & ONE_SIDED != 0))
}

/// Protocols have no number that stays: blocks name them.
pub(super) fn read_protocol(name: &str) -> Result<Protocol, BlockError> {
    let mut all = Protocol::ALL.iter().chain([&Protocol::Unknown]);
    all.find(|protocol| protocol.name() == name).copied().ok_or_else(|| unknown("the protocol", name))
}

fn numbered<T: Copy>(list: &[T], number: i64, what: &'static str) -> Result<T, BlockError> {
    let place = usize::try_from(number).ok();
    place.and_then(|place| list.get(place)).copied().ok_or_else(|| unknown(what, number))
}

fn unknown(what: &'static str, name: impl ToString) -> BlockError {
    BlockError::Unknown { what, name: name.to_string().chars().take(40).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_leads_back() {
        for (number, one) in (0..).zip(Attribute::ALL) {
            assert_eq!((attribute(*one), read_attribute(number)), (number, Ok(*one)));
        }
        for (number, one) in (0..).zip(EVENT_KINDS) {
            assert_eq!((event_kind(one), read_event_kind(number)), (number, Ok(one)));
        }
        for (number, one) in (0..).zip(REASONS) {
            assert_eq!((reason(one), read_reason(number)), (number, Ok(one)));
        }
        for protocol in Protocol::ALL.iter().chain([&Protocol::Unknown]) {
            assert_eq!(read_protocol(protocol.name()), Ok(*protocol));
        }
        let others = (0..=255).map(Transport::Ip).chain((0..=u16::MAX).map(Transport::Link));
        for one in [Transport::Tcp, Transport::Udp, Transport::Icmp].into_iter().chain(others) {
            assert_eq!(read_transport(transport(one)), Ok(one));
        }
        for end in FLOW_ENDS {
            for (start, one_sided) in [(false, false), (false, true), (true, false), (true, true)] {
                assert_eq!(read_flow_flags(flow_flags(end, start, one_sided)), Ok((end, start, one_sided)));
            }
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        let said = |error: BlockError| error.to_string();
        assert_eq!(
            said(read_attribute(9_999).unwrap_err()),
            "the block names the attribute `9999`, which this ward does not know: a newer ward wrote it"
        );
        assert!(said(read_protocol("gopher").unwrap_err()).contains("the protocol `gopher`"));
        for number in [-1, 3, 0x200, LINK - 1, LINK + 0x1_0000, i64::MAX, i64::MIN] {
            assert!(read_transport(number).is_err(), "{number}");
        }
        assert!(read_event_kind(8).is_err() && read_reason(-1).is_err() && read_reason(10).is_err());
        assert!(read_flow_flags(4).is_err() && read_flow_flags(32).is_err() && read_flow_flags(-1).is_err());
    }
}
