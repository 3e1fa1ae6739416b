//! Which protocol a conversation speaks, by its first bytes; a port only breaks ties among those who say "maybe".

use crate::observe::{self, Context, Datagram, Stream};
use model::Protocol;
use wire::Probe;

/// A protocol over TCP.
pub(crate) struct TcpProtocol {
    pub(crate) protocol: Protocol,
    pub(crate) probe: fn(&[u8]) -> Probe,
    pub(crate) start: fn() -> Box<dyn Stream + Send>,
}

/// A protocol over UDP.
pub(crate) struct UdpProtocol {
    pub(crate) protocol: Protocol,
    /// Where it is usually found: tried first there.
    pub(crate) ports: &'static [u16],
    pub(crate) probe: fn(&[u8]) -> Probe,
    pub(crate) datagram: fn(&mut Context<'_>, &[u8]) -> Datagram,
}

/// Protocols over TCP; the order is that of trying.
const TCP: &[TcpProtocol] = &[
    TcpProtocol { protocol: Protocol::Mqtt, probe: wire::mqtt::probe, start: || Box::<observe::mqtt::Mqtt>::default() },
    TcpProtocol { protocol: Protocol::Hl7v2, probe: wire::hl7v2::probe, start: || Box::<observe::hl7v2::Hl7v2>::default() },
    TcpProtocol { protocol: Protocol::Dicom, probe: wire::dicom::probe, start: || Box::<observe::dicom::Dicom>::default() },
];

/// Protocols over UDP; the order is that of trying.
const UDP: &[UdpProtocol] = &[];

/// Who is sure of the first bytes of a TCP direction.
pub(crate) enum TcpVerdict {
    /// This one.
    Certain(&'static TcpProtocol),
    /// Nobody yet, but more bytes may tell.
    Unsure,
    /// Nobody.
    Nobody,
}

/// Asks every protocol about the first bytes of a direction.
pub(crate) fn tcp(head: &[u8]) -> TcpVerdict {
    let mut verdict = TcpVerdict::Nobody;
    for candidate in TCP {
        match (candidate.probe)(head) {
            Probe::Certain => return TcpVerdict::Certain(candidate),
            Probe::Unsure => verdict = TcpVerdict::Unsure,
            Probe::NotForUs => {}
        }
    }
    verdict
}

/// Who reads a datagram: the protocol at home on either port if it does not refuse, else the first that is certain.
pub(crate) fn udp(ports: [u16; 2], payload: &[u8]) -> Option<&'static UdpProtocol> {
    let at_home = UDP.iter().filter(|p| p.ports.iter().any(|port| ports.contains(port)));
    at_home
        .filter(|p| (p.probe)(payload) != Probe::NotForUs)
        .chain(UDP.iter().filter(|p| (p.probe)(payload) == Probe::Certain))
        .next()
}

/// The UDP protocol of that name.
pub(crate) fn udp_of(protocol: Protocol) -> Option<&'static UdpProtocol> {
    UDP.iter().find(|p| p.protocol == protocol)
}
