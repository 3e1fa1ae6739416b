//! What SSDP tells: which UPnP devices and services an endpoint announces, and on which software.

use super::{Context, Datagram};
use model::{Attribute, UnparsedReason};
use wire::ssdp::{Message, TargetKind, parse, probe};

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(_) if probe(payload) == wire::Probe::NotForUs => return Datagram::NotOurs,
        Err(wire::Error::Limit { .. }) => return Datagram::Broken(UnparsedReason::Limit),
        Err(_) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    cx.verb(message.kind.verb(), payload.len());
    cx.fact(Attribute::UserAgent, message.user_agent);
    // A search for printers is not a printer.
    if message.kind.describes_sender() {
        device_facts(cx, message);
    }
    Datagram::Read
}

fn device_facts(cx: &mut Context<'_>, message: Message<'_>) {
    cx.fact(Attribute::ServerBanner, message.server);
    match message.target_kind() {
        TargetKind::Device => cx.fact(Attribute::DeviceType, message.target),
        TargetKind::Service => cx.fact(Attribute::ServiceType, message.target),
        TargetKind::Other => {}
    }
    if let Some(device) = message.device() {
        cx.fact(Attribute::ServiceInstance, device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Side;
    use crate::observe::testing::Bench;
    use model::Protocol;

    #[test]
    fn an_announcement_describes_its_sender() {
        let mut bench = Bench::udp(Protocol::Ssdp);
        let alive = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\
            NT: urn:schemas-upnp-org:device:Printer:1\r\nNTS: ssdp:alive\r\nSERVER: VxWorks/6 UPnP/1.0 MP/2\r\n\
            USN: uuid:16a6-1::urn:schemas-upnp-org:device:Printer:1\r\nLOCATION: http://10.0.0.1/secret.xml\r\n\r\n";
        assert_eq!(bench.datagram(datagram, Side::Client, alive), Datagram::Read);
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.1 server-banner VxWorks/6 UPnP/1.0 MP/2",
                "10.0.0.1 device-type urn:schemas-upnp-org:device:Printer:1",
                "10.0.0.1 service-instance uuid:16a6-1",
            ]
        );
        assert_eq!(bench.verbs(), ["ALIVE client 1"]);
        assert!(!bench.all_text().contains("secret"));
    }

    #[test]
    fn a_search_says_only_who_asks() {
        let mut bench = Bench::udp(Protocol::Ssdp);
        let search = b"M-SEARCH * HTTP/1.1\r\nST: urn:schemas-upnp-org:service:AVTransport:1\r\nMAN: \"ssdp:discover\"\r\n\
            USER-AGENT: Windows/10 UPnP/1.1\r\n\r\n";
        assert_eq!(bench.datagram(datagram, Side::Client, search), Datagram::Read);
        assert_eq!(bench.facts(), ["10.0.0.1 user-agent Windows/10 UPnP/1.1"]);
        assert_eq!(bench.verbs(), ["M-SEARCH client 1"]);
    }

    #[test]
    fn what_is_cut_off_is_broken_and_what_is_foreign_is_not_ours() {
        let mut bench = Bench::udp(Protocol::Ssdp);
        let cut = bench.datagram(datagram, Side::Client, b"NOTIFY * HTTP/1.1\r\nHOS");
        assert_eq!(cut, Datagram::Broken(UnparsedReason::BadMessage));
        assert_eq!(bench.datagram(datagram, Side::Client, b"\x17\x00\x03\x2a"), Datagram::NotOurs);
        let other = bench.datagram(datagram, Side::Server, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(other, Datagram::NotOurs);
    }
}
