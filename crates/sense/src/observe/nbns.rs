//! What NetBIOS tells: names a node registers or answers to, its domain, its link address (node status), and version and
//! purpose (browser announcements). Who has a name that is asked for is not yet known: questions state nothing.

use super::value::Value;
use super::{Context, Datagram};
use model::{Address, Attribute, MacAddr, UnparsedReason};
use std::net::{IpAddr, Ipv4Addr};
use wire::nbns::{
    Announcement, Browser, DatagramService, Message, NameService, NetbiosName, Operation, ServerType, parse,
};

/// Names of one node status reply that are read.
const NODE_NAMES_READ_MAX: usize = 64;

/// Observes one datagram.
pub fn datagram(cx: &mut Context<'_>, payload: &[u8]) -> Datagram {
    let message = match parse(payload) {
        Ok(message) => message,
        Err(wire::Error::Truncated { .. }) => return Datagram::Broken(UnparsedReason::Truncated),
        Err(_) => return Datagram::Broken(UnparsedReason::BadMessage),
    };
    cx.verb(message.verb(), payload.len());
    match message {
        Message::NameService(message) => name_service(cx, &message),
        Message::DatagramService(message) => datagram_service(cx, &message),
    }
    Datagram::Read
}

fn name_service(cx: &mut Context<'_>, message: &NameService<'_>) {
    if message.from_name_server {
        cx.fact(Attribute::ServiceType, "netbios name server");
    }
    if let Some(status) = message.node_status() {
        for (name, is_group) in status.names().take(NODE_NAMES_READ_MAX) {
            bears(cx, &name, is_group);
        }
        return link_address(cx, status.unit);
    }
    let claims = match (message.operation, message.is_response) {
        (Operation::Registration | Operation::Refresh, false) => true,
        (Operation::Query, true) => message.rcode == 0,
        _ => false,
    };
    // A name server answers with the addresses of others, and so may a proxy.
    let own = message.owners().find(|owner| v4(owner.address) == cx.sender.address);
    if let (true, Some(own)) = (claims, own) {
        bears(cx, &message.name, own.is_group);
    }
}

/// The node's link address, told even across routers: its frame may show a router's instead.
fn link_address(cx: &mut Context<'_>, unit: [u8; 6]) {
    if let Address::Ip(IpAddr::V4(ip)) = cx.sender.address {
        let mut value = Value::new();
        value.push_text(format_args!("{ip}"));
        cx.fact_about(Address::Mac(MacAddr::new(unit)), Attribute::Ipv4Address, value);
    }
}

/// What it tells that the sender bears `name`. The messenger name (03) may be that of a person: it is let be.
fn bears(cx: &mut Context<'_>, name: &NetbiosName, is_group: bool) {
    let service = match (name.suffix(), is_group) {
        (0x20, false) => Some("netbios file server"),
        (0x1b, false) => Some("netbios domain master browser"),
        (0x1c, true) => Some("netbios domain controller"),
        (0x1d, false) => Some("netbios master browser"),
        _ => None,
    };
    match (name.suffix(), is_group) {
        (0x00 | 0x20, false) => cx.fact(Attribute::HostName, name.text()),
        (0x00 | 0x1c | 0x1e, true) | (0x1b | 0x1d, false) => cx.fact(Attribute::DomainName, name.text()),
        _ => {}
    }
    if let Some(service) = service {
        cx.fact(Attribute::ServiceType, service);
    }
}

fn datagram_service(cx: &mut Context<'_>, message: &DatagramService<'_>) {
    // A distribution server or a NAT passes on what others sent.
    if v4(message.source_address) != cx.sender.address {
        return;
    }
    if let Some(source) = &message.source {
        bears(cx, source, false);
    }
    match &message.browser {
        Some(Browser::Announcement(announcement)) => {
            cx.fact(Attribute::HostName, announcement.name);
            describes(cx, announcement);
        }
        Some(Browser::Domain(domain)) => {
            cx.fact(Attribute::DomainName, domain.name);
            cx.fact(Attribute::ServiceType, "netbios master browser");
        }
        Some(Browser::Other(_)) | None => {}
    }
}

fn describes(cx: &mut Context<'_>, announcement: &Announcement<'_>) {
    let offers = announcement.server_type;
    let (major, minor) = announcement.version;
    // Samba claims to be Windows NT as well; the Unix bit comes first.
    let family = match () {
        () if offers.has(ServerType::UNIX) => "Unix announcing NetBIOS",
        () if offers.has(ServerType::WINDOWS_NT | ServerType::NT_SERVER) => "Windows NT",
        () if offers.has(ServerType::WINDOWS_9X) => "Windows 9x",
        () => "NetBIOS",
    };
    let mut value = Value::new();
    value.push_text(format_args!("{family} {major}.{minor}"));
    cx.fact(Attribute::OperatingSystem, value);
    const SERVICES: [(u32, &str); 4] = [
        (ServerType::SQL_SERVER, "sql server"),
        (ServerType::DOMAIN_CONTROLLER | ServerType::BACKUP_DOMAIN_CONTROLLER, "netbios domain controller"),
        (ServerType::PRINT_QUEUE, "print server"),
        (ServerType::TERMINAL_SERVER, "terminal server"),
    ];
    for (_, service) in SERVICES.iter().filter(|(bits, _)| offers.has(*bits)) {
        cx.fact(Attribute::ServiceType, service);
    }
    if announcement.is_local_master {
        cx.fact(Attribute::ServiceType, "netbios master browser");
    }
    cx.fact(Attribute::Description, announcement.comment);
}

fn v4(address: Ipv4Addr) -> Address {
    Address::Ip(IpAddr::V4(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Side;
    use crate::observe::testing::Bench;

    fn encoded(name: &str, suffix: u8) -> Vec<u8> {
        let mut bytes = vec![32];
        for byte in format!("{name:<15}").bytes().chain([suffix]) {
            bytes.extend([b'A' + (byte >> 4), b'A' + (byte & 15)]);
        }
        bytes.push(0);
        bytes
    }

    /// A registration of `name` for 10.0.0.`last`.
    fn registration(name: &str, suffix: u8, group: bool, last: u8) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1];
        bytes.extend(encoded(name, suffix));
        bytes.extend([0, 0x20, 0, 1, 0xc0, 0x0c, 0, 0x20, 0, 1, 0, 4, 0x93, 0xe0, 0, 6]);
        bytes.extend([if group { 0x80 } else { 0 }, 0, 10, 0, 0, last]);
        bytes
    }

    /// A positive answer that 10.0.0.`last` has `name`.
    fn answer(flags: [u8; 2], name: &str, last: u8) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34, flags[0], flags[1], 0, 0, 0, 1, 0, 0, 0, 0];
        bytes.extend(encoded(name, 0x20));
        bytes.extend([0, 0x20, 0, 1, 0, 4, 0x93, 0xe0, 0, 6, 0, 0, 10, 0, 0, last]);
        bytes
    }

    fn bench() -> Bench {
        Bench::udp(model::Protocol::Nbns)
    }

    #[test]
    fn a_node_bears_the_names_it_registers() {
        let mut bench = bench();
        bench.datagram(datagram, Side::Client, &registration("MR-2", 0x00, false, 1));
        bench.datagram(datagram, Side::Client, &registration("RADIOLOGY", 0x00, true, 1));
        bench.datagram(datagram, Side::Client, &registration("MR-2", 0x20, false, 1));
        bench.datagram(datagram, Side::Client, &registration("JDOE", 0x03, false, 1));
        bench.datagram(datagram, Side::Client, &registration("OTHER", 0x00, false, 7));
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.1 host-name MR-2",
                "10.0.0.1 domain-name RADIOLOGY",
                "10.0.0.1 service-type netbios file server"
            ]
        );
        assert_eq!(bench.verbs(), ["REGISTRATION client 5"]);
    }

    #[test]
    fn an_answer_names_its_sender_unless_a_server_answers_for_another() {
        let mut bench = bench();
        bench.datagram(datagram, Side::Server, &answer([0x84, 0x00], "CT-1", 2));
        bench.datagram(datagram, Side::Server, &answer([0x85, 0x80], "XRAY", 9));
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.2 host-name CT-1",
                "10.0.0.2 service-type netbios file server",
                "10.0.0.2 service-type netbios name server"
            ]
        );
    }

    #[test]
    fn a_node_status_tells_names_and_link_address() {
        let mut bytes = vec![0x8d, 0x02, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        bytes.extend(encoded("*", 0));
        bytes.extend([0, 0x21, 0, 1, 0, 0, 0, 0, 0, 1 + 3 * 18 + 46, 3]);
        for (name, suffix, flags) in [("CT-1", 0, 0x04), ("WORKGROUP", 0, 0x84), ("STALE", 0, 0x1c)] {
            bytes.extend(format!("{name:<15}").bytes().chain([suffix, flags, 0]));
        }
        bytes.extend([0x00, 0x0c, 0x29, 1, 2, 3]);
        bytes.resize(bytes.len() + 40, 0);
        let mut bench = bench();
        bench.datagram(datagram, Side::Server, &bytes);
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.2 host-name CT-1",
                "10.0.0.2 domain-name WORKGROUP",
                "00:0c:29:01:02:03 ipv4-address 10.0.0.2"
            ]
        );
        assert_eq!(bench.verbs(), ["NODE STATUS RESPONSE server 1"]);
    }

    /// A browser announcement by 10.0.0.1.
    fn announcement(command: u8, name: &str, server_type: u32, comment: &str) -> Vec<u8> {
        let mut data = vec![command, 0, 0x80, 0xfc, 0x0a, 0];
        data.extend(name.bytes());
        data.resize(22, 0);
        data.extend([6, 1]);
        data.extend(server_type.to_le_bytes());
        data.extend([15, 1, 0x55, 0xaa]);
        data.extend(comment.bytes().chain([0]));
        let mut smb = b"\xffSMB\x25".to_vec();
        smb.resize(32, 0);
        smb.push(17);
        smb.resize(32 + 1 + 22, 0);
        smb.extend((data.len() as u16).to_le_bytes());
        smb.extend(86u16.to_le_bytes());
        smb.extend([3, 0, 1, 0, 0, 0, 2, 0]);
        smb.extend([0, 0]);
        smb.extend(b"\\MAILSLOT\\BROWSE\0");
        smb.extend(data);
        let body = [encoded(name, 0x00), encoded("WARD", 0x1d), smb].concat();
        let mut bytes = vec![0x11, 2, 0, 1, 10, 0, 0, 1, 0, 138];
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn an_announcement_tells_version_purpose_and_comment() {
        let mut bench = bench();
        bench.datagram(datagram, Side::Client, &announcement(1, "US-4", 0x0000_9207, "Vivid E95"));
        assert_eq!(
            bench.facts(),
            [
                "10.0.0.1 host-name US-4",
                "10.0.0.1 operating-system Windows NT 6.1",
                "10.0.0.1 service-type sql server",
                "10.0.0.1 service-type print server",
                "10.0.0.1 description Vivid E95"
            ]
        );
        bench.datagram(datagram, Side::Client, &announcement(15, "NAS", 0x0000_9a03, ""));
        assert!(bench.facts().contains(&"10.0.0.1 operating-system Unix announcing NetBIOS 6.1".to_string()));
        assert_eq!(bench.verbs(), ["HOST ANNOUNCEMENT client 1", "LOCAL MASTER ANNOUNCEMENT client 1"]);
        // Passed on by another.
        let mut forwarded = self::bench();
        forwarded.datagram(datagram, Side::Server, &announcement(1, "US-4", 0x1003, ""));
        assert!(forwarded.facts().is_empty());
    }

    #[test]
    fn broken_messages_say_why() {
        let mut bench = bench();
        let whole = registration("MR-2", 0, false, 1);
        let cut = bench.datagram(datagram, Side::Client, &whole[..60]);
        assert_eq!(cut, Datagram::Broken(UnparsedReason::Truncated));
        let bad = bench.datagram(datagram, Side::Client, &[0x20; 80]);
        assert_eq!(bad, Datagram::Broken(UnparsedReason::BadMessage));
        assert!(bench.facts().is_empty());
    }
}
