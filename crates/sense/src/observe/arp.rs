//! What ARP tells: which IPv4 address a link address uses. It says nothing of addresses asked for, and it believes a
//! sender only when the frame came from the very link address that the message names.

use super::{Context, Datagram};
use model::{Address, EventKind, MacAddr, UnparsedReason};
use std::net::IpAddr;
use wire::arp::{MESSAGE_BYTES, Message, parse};

/// Deals with the payload of a frame of EtherType 0x0806.
pub fn frame(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(wire::Error::Truncated { .. }) => return Datagram::Broken(UnparsedReason::Truncated),
        Err(_) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    cx.verb(message.kind().verb(), MESSAGE_BYTES);
    match frame_source(cx) {
        Some(source) if source == message.sender_mac => {
            cx.address_fact(Address::Mac(source), IpAddr::V4(message.sender_ip));
        }
        Some(_) => report_foreign_sender(cx, &message),
        None => {}
    }
    Datagram::Read
}

fn frame_source(cx: &Context<'_>) -> Option<MacAddr> {
    match cx.sender.address {
        Address::Mac(mac) => Some(mac),
        Address::Ip(_) => cx.sender.mac,
    }
}

/// Someone speaks for another link address: cache poisoning, or a bridge, cluster or Wi-Fi controller that answers for
/// its clients. A probe claims nothing, so it is no conflict.
fn report_foreign_sender(cx: &mut Context<'_>, message: &Message) {
    if !message.sender_ip.is_unspecified() {
        let detail = format!(
            "arp sender differs from frame source: {} claimed for {}",
            message.sender_ip, message.sender_mac
        );
        cx.event(EventKind::AddressConflict, &detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Side, testing::Bench};
    use model::Protocol;

    const OWN: [u8; 6] = [0x02, 0, 0, 0, 0, 1];

    fn bench() -> Bench {
        let mut bench = Bench::udp(Protocol::Arp);
        bench.client.address = Address::Mac(MacAddr::new(OWN));
        bench.server.address = Address::Mac(MacAddr::BROADCAST);
        bench
    }

    fn message(operation: u8, sender_mac: [u8; 6], sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
        let head = [0, 1, 8, 0, 6, 4, 0, operation];
        [&head[..], &sender_mac, &sender, &[0; 6], &target].concat()
    }

    #[test]
    fn a_request_ties_the_senders_addresses_and_nothing_else() {
        let mut bench = bench();
        let request = message(1, OWN, [10, 0, 0, 1], [10, 0, 0, 2]);
        assert_eq!(bench.datagram(frame, Side::Client, &request), Datagram::Read);
        assert_eq!(bench.facts(), ["02:00:00:00:00:01 ipv4-address 10.0.0.1"]);
        assert_eq!(bench.verbs(), ["REQUEST client 1"]);
    }

    #[test]
    fn a_probe_claims_nothing() {
        let mut bench = bench();
        bench.datagram(frame, Side::Client, &message(1, OWN, [0; 4], [10, 0, 0, 2]));
        bench.datagram(frame, Side::Client, &message(1, [2, 0, 0, 0, 0, 9], [0; 4], [10, 0, 0, 2]));
        assert!(bench.facts().is_empty());
        assert!(bench.events().is_empty());
        assert_eq!(bench.verbs(), ["PROBE client 2"]);
    }

    #[test]
    fn each_kind_has_its_verb() {
        let mut bench = bench();
        let own = [10, 0, 0, 1];
        for (operation, target) in [(1, own), (2, own), (2, [10, 0, 0, 2]), (8, own)] {
            bench.datagram(frame, Side::Client, &message(operation, OWN, own, target));
        }
        assert_eq!(bench.verbs(), ["GRATUITOUS client 2", "REPLY client 1", "OTHER client 1"]);
    }

    #[test]
    fn speaking_for_another_link_address_is_a_conflict_and_no_fact() {
        let mut bench = bench();
        bench.datagram(frame, Side::Client, &message(2, [2, 0, 0, 0, 0, 9], [10, 0, 0, 1], [10, 0, 0, 2]));
        assert!(bench.facts().is_empty());
        assert_eq!(
            bench.events(),
            ["02:00:00:00:00:01 AddressConflict arp sender differs from frame source: \
              10.0.0.1 claimed for 02:00:00:00:00:09"]
        );
    }

    #[test]
    fn an_address_that_names_no_host_is_no_fact() {
        let mut bench = bench();
        for sender in [[224, 0, 0, 5], [127, 0, 0, 1], [255, 255, 255, 255]] {
            bench.datagram(frame, Side::Client, &message(1, OWN, sender, [10, 0, 0, 2]));
        }
        assert!(bench.facts().is_empty());
    }

    #[test]
    fn what_is_cut_or_foreign_is_counted_as_broken() {
        let mut bench = bench();
        let request = message(1, OWN, [10, 0, 0, 1], [10, 0, 0, 2]);
        let cut = bench.datagram(frame, Side::Client, &request[..20]);
        assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
        let foreign = bench.datagram(frame, Side::Client, &[0xff; 28]);
        assert_eq!(foreign, Datagram::Broken(UnparsedReason::BadMessage));
        assert!(bench.verbs().is_empty());
    }
}
