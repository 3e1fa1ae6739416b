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

macro_rules! tcp_protocol {
    ($protocol:ident, $probe:path, $stream:ty) => {
        TcpProtocol { protocol: Protocol::$protocol, probe: $probe, start: || Box::<$stream>::default() }
    };
}

macro_rules! udp_protocol {
    ($protocol:ident, $ports:expr, $probe:path, $datagram:path) => {
        UdpProtocol { protocol: Protocol::$protocol, ports: &$ports, probe: $probe, datagram: $datagram }
    };
}

/// Protocols over TCP; the order is that of trying.
const TCP: &[TcpProtocol] = &[
    tcp_protocol!(Mqtt, wire::mqtt::probe, observe::mqtt::Mqtt),
    tcp_protocol!(Tls, wire::tls::probe, observe::tls::Tls),
    tcp_protocol!(Http, wire::http::probe, observe::http::Http),
    tcp_protocol!(Hl7v2, wire::hl7v2::probe, observe::hl7v2::Hl7v2),
    tcp_protocol!(Dicom, wire::dicom::probe, observe::dicom::Dicom),
    tcp_protocol!(Ssh, wire::ssh::probe, observe::ssh::Ssh),
    tcp_protocol!(Smb, wire::smb::probe, observe::smb::Smb),
    tcp_protocol!(Dns, wire::dns::probe_tcp, observe::dns::Tcp),
];

/// Protocols over UDP; the order is that of trying.
const UDP: &[UdpProtocol] = &[
    udp_protocol!(Mdns, [5353], wire::dns::probe, observe::mdns::datagram),
    udp_protocol!(Llmnr, [5355], wire::dns::probe, observe::llmnr::datagram),
    udp_protocol!(Nbns, [137, 138], wire::nbns::probe, observe::nbns::datagram),
    udp_protocol!(Dns, [53], wire::dns::probe, observe::dns::datagram),
    udp_protocol!(Dhcpv4, [67, 68], wire::dhcpv4::probe, observe::dhcpv4::datagram),
    udp_protocol!(Dhcpv6, [546, 547], wire::dhcpv6::probe, observe::dhcpv6::datagram),
    udp_protocol!(Ntp, [123], wire::ntp::probe, observe::ntp::datagram),
    udp_protocol!(Snmp, [161, 162], wire::snmp::probe, observe::snmp::datagram),
    udp_protocol!(Ssdp, [1900], wire::ssdp::probe, observe::ssdp::datagram),
    udp_protocol!(WsDiscovery, [3702], wire::wsdiscovery::probe, observe::wsdiscovery::datagram),
];

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
    // mDNS and LLMNR look like DNS: away from their ports the plain one is meant.
    let elsewhere = UDP.iter().filter(|p| !matches!(p.protocol, Protocol::Mdns | Protocol::Llmnr));
    at_home
        .filter(|p| (p.probe)(payload) != Probe::NotForUs)
        .chain(elsewhere.filter(|p| (p.probe)(payload) == Probe::Certain))
        .next()
}

/// The UDP protocol of that name.
pub(crate) fn udp_of(protocol: Protocol) -> Option<&'static UdpProtocol> {
    UDP.iter().find(|p| p.protocol == protocol)
}
