//! What devices say of themselves, in the attributes and under the sources that the observers of `sense` state: the frame and
//! DHCP, ARP and LLDP speak of link addresses, everything above IP of network addresses.

use super::roster::{File, Row, Seen};
use model::{Attribute, Protocol};
use smol_str::{SmolStr, format_smolstr};
use std::net::Ipv4Addr;

/// Whom a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Its link address.
    Link,
    /// Its network address; of a device that is spoken for, the gateway's.
    Network,
}

/// The words of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The same for every copy.
    Text(SmolStr),
    /// Its host name.
    HostName,
    /// A text with a word for the copy behind it (`PACS`, `0007`).
    Numbered(SmolStr),
    /// Its serial number.
    Serial,
    /// Its network address.
    Address,
    /// Its equipment instance identifier, as HL7 writes it.
    Equipment,
    /// A UUID of its own, as WS-Discovery writes it.
    Uuid,
    /// The address of the building's router in the network of that VLAN.
    Gateway(u16),
    /// An address that it forwards for: outside, with unknown hops.
    Forwarded(Ipv4Addr),
    /// Its DNS domain.
    Domain,
}

/// One thing that is said.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) attribute: Attribute,
    pub(super) source: Protocol,
    pub(super) about: About,
    pub(super) said: Said,
}

fn link(attribute: Attribute, source: Protocol, said: Said) -> Line {
    Line { attribute, source, about: About::Link, said }
}

fn network(attribute: Attribute, source: Protocol, said: Said) -> Line {
    Line { attribute, source, about: About::Network, said }
}

fn text(value: &str) -> Said {
    Said::Text(SmolStr::new(value))
}

/// The router of a building, in the roster.
pub(super) const CORE: &str = "it-switch-core";
/// Carts tell their inventory to the switch, docked or not.
pub(super) const CART: &str = "clinical-workstation";
/// What a cart says when its link comes up: its address by ARP, then its inventory. The first lines of its facts.
pub(super) const ANNOUNCED: u16 = 4;

use Attribute as A;
use Protocol as P;

/// What a device of the roster says, one thing in each minute it talks, in turn.
pub(super) fn of(file: &File, row: &Row, seen: Seen) -> Vec<Line> {
    if matches!(seen, Seen::SpokenFor(_)) {
        return vec![
            network(A::Hl7Version, P::Hl7v2, text("2.6")),
            network(A::ClearText, P::Hl7v2, text("hl7v2")),
            network(A::PhiInClear, P::Hl7v2, text("hl7v2 PID-3 PID-5")),
            network(A::Location, P::Hl7v2, text(&row.unit)),
        ];
    }
    let mut lines = Vec::new();
    if seen == Seen::OnLink {
        lines.push(link(A::Ipv4Address, P::Arp, Said::Address));
        if row.class == CART {
            lines.extend(inventory(row));
        }
        lines.extend(of_dhcp(&row.class, &row.dhcp));
    }
    lines.extend(row.protocols.iter().flat_map(|word| of_word(row, word)));
    if row.id == CORE {
        let networks = (0u16..).zip(&file.vlan);
        lines.extend(networks.map(|(at, _)| link(A::Ipv4Address, P::Arp, Said::Gateway(at))));
        let outside = file.every_outside().into_iter();
        lines.extend(outside.map(|ip| link(A::RoutedAddress, P::Ip, Said::Forwarded(ip))));
    }
    lines
}

/// What a visitor's phone says beyond DHCP.
pub(super) fn of_guest() -> Vec<Line> {
    vec![
        link(A::Ipv4Address, P::Arp, Said::Address),
        network(A::TlsServerName, P::Tls, text("www.news.example")),
        network(A::Ja4, P::Tls, text("t13d1516h2_8daaf6152771_02713d6af862")),
    ]
}

/// What DHCP tells, at the start and at each renewal.
pub(super) fn of_dhcp(class: &str, client: &str) -> Vec<Line> {
    let list = match client {
        "windows" => "1,3,6,15,31,33,43,44,46,47,119,121,249,252",
        "android" => "1,3,6,15,26,28,51,58,59,43,114,108",
        "ios" => "1,3,6,15,108,114,119,252",
        "dhclient" => "1,28,2,3,15,6,12,42",
        "udhcpc" => "1,3,6,12,15,28,42",
        _ => return Vec::new(),
    };
    let mut lines = vec![
        link(A::HostName, P::Dhcpv4, Said::HostName),
        link(A::DhcpParameterList, P::Dhcpv4, text(list)),
        link(A::Ipv4Address, P::Dhcpv4, Said::Address),
        link(A::DomainName, P::Dhcpv4, Said::Domain),
    ];
    if let Some(vendor_class) = vendor_class(class, client) {
        lines.push(link(A::DhcpVendorClass, P::Dhcpv4, text(vendor_class)));
    }
    lines
}

/// DHCP option 60, as `day.py` sets it on the captured day.
fn vendor_class(class: &str, client: &str) -> Option<&'static str> {
    Some(match (class, client) {
        ("ventilator", _) => "Aurelis:Vela500:4.2",
        ("patient-monitor", "dhclient") => "NORTHVALE:SENTIO-M7",
        ("dialysis-machine", _) => "Brook HD-9",
        ("ultrasound", _) => "Sonara Clarity",
        ("ecg-cart", _) => "cardine-e12",
        ("ups", _) => "APC",
        ("camera", _) => "AXIS,Network Camera,P3265-LV,11.11.94",
        ("printer", _) => "Hewlett-Packard JetDirect",
        ("sip-phone", _) => "yealink",
        ("building-controller", _) => "AC-42",
        ("medical-refrigerator", _) => "ESP32-CoolKeep",
        ("poct-dock", _) => "Tarn-GlucoDock",
        (_, "windows") => "MSFT 5.0",
        (_, "android") => "android-dhcp-14",
        (_, "udhcpc") => "udhcp 1.36.1",
        _ => return None,
    })
}

/// LLDP-MED inventory.
fn inventory(row: &Row) -> Vec<Line> {
    vec![
        link(A::Manufacturer, P::Lldp, text(&row.maker)),
        link(A::Model, P::Lldp, text(&row.model)),
        link(A::SerialNumber, P::Lldp, Said::Serial),
    ]
}

fn of_word(row: &Row, word: &str) -> Vec<Line> {
    let numbered = |name: &Option<SmolStr>| name.clone().map(Said::Numbered);
    match word {
        "ws-discovery" if word_of_sdc(row) => vec![
            network(A::ServiceInstance, P::WsDiscovery, Said::Uuid),
            network(A::DeviceType, P::WsDiscovery, text("MedicalDevice")),
            network(A::Location, P::WsDiscovery, text(&row.unit)),
        ],
        "ws-discovery" => vec![
            network(A::ServiceInstance, P::WsDiscovery, Said::Uuid),
            network(A::DeviceType, P::WsDiscovery, text("NetworkVideoTransmitter")),
        ],
        "sdc-tls" => vec![
            network(A::TlsVersion, P::Tls, text("TLS 1.3")),
            network(A::CertificateSubject, P::Tls, Said::Serial),
        ],
        "https" | "mqtt-tls" => vec![
            network(A::TlsVersion, P::Tls, text("TLS 1.3")),
            network(A::TlsCipherSuite, P::Tls, text("TLS_AES_256_GCM_SHA384")),
        ],
        "dicom-tls" => vec![network(A::TlsVersion, P::Tls, text("TLS 1.2"))],
        "sdc-http" | "http" => vec![
            network(A::ServerBanner, P::Http, Said::Text(format_smolstr!("{}/{}", row.model, row.firmware))),
            network(A::ClearText, P::Http, text("http")),
        ],
        "dicom" => of_dicom(row),
        "hl7-mllp" => {
            let mut lines = vec![
                network(A::Hl7Version, P::Hl7v2, text("2.5.1")),
                network(A::ClearText, P::Hl7v2, text("hl7v2")),
            ];
            lines.extend(
                numbered(&row.hl7_application).map(|name| network(A::Hl7Application, P::Hl7v2, name)),
            );
            lines
        }
        "mqtt" => {
            let mut lines = vec![
                network(A::MqttVersion, P::Mqtt, text("3.1.1")),
                network(A::ClearText, P::Mqtt, text("mqtt")),
            ];
            lines.extend(numbered(&row.mqtt_client_id).map(|name| network(A::MqttClientId, P::Mqtt, name)));
            lines
        }
        "lldp" | "cdp" => {
            let mut lines = vec![link(A::HostName, P::Lldp, Said::HostName)];
            lines.extend(inventory(row));
            lines
        }
        "snmp" => vec![
            network(A::SnmpName, P::Snmp, Said::HostName),
            network(A::SnmpDescription, P::Snmp, Said::Text(format_smolstr!("{} {}", row.maker, row.model))),
            network(A::SnmpVersion, P::Snmp, text("v2c")),
            network(A::SerialNumber, P::Snmp, Said::Serial),
        ],
        "mdns" => {
            vec![network(A::HostName, P::Mdns, Said::HostName), network(A::Model, P::Mdns, text(&row.model))]
        }
        "ssdp" => vec![network(A::DeviceType, P::Ssdp, text("urn:schemas-upnp-org:device:Basic:1"))],
        "nbns" => vec![network(A::HostName, P::Nbns, Said::HostName)],
        "smb" | "smb1" => vec![network(
            A::SmbDialect,
            P::Smb,
            text(if word == "smb1" { "NT LM 0.12" } else { "SMB 3.1.1" }),
        )],
        "ssh" => vec![network(A::SshVersion, P::Ssh, text("SSH-2.0-OpenSSH_9.2p1"))],
        _ => of_server(word).into_iter().collect(),
    }
}

/// A role that it plays for others.
fn of_server(word: &str) -> Option<Line> {
    let (source, role) = match word {
        "dns-server" => (P::Dns, "dns server"),
        "ntp-server" => (P::Ntp, "ntp server"),
        "dhcp-server" => (P::Dhcpv4, "dhcp server"),
        "dhcp-relay" => (P::Dhcpv4, "dhcp relay"),
        _ => return None,
    };
    Some(network(A::ServiceType, source, text(role)))
}

fn word_of_sdc(row: &Row) -> bool {
    row.protocols.iter().any(|word| word.starts_with("sdc-"))
}

fn of_dicom(row: &Row) -> Vec<Line> {
    let mut lines = vec![
        network(A::ClearText, P::Dicom, text("dicom")),
        network(A::PhiInClear, P::Dicom, text("dicom group 0010")),
        network(A::ImplementationVersionName, P::Dicom, text("OFFIS_DCMTK_365")),
    ];
    let title = row.ae_title.clone().map(Said::Numbered);
    lines.extend(title.map(|title| network(A::AeTitle, P::Dicom, title)));
    // Who makes images writes into them who made them.
    if matches!(row.class.as_str(), "ct" | "mr" | "ultrasound") {
        lines.push(network(A::Manufacturer, P::Dicom, text(&row.maker)));
        lines.push(network(A::Model, P::Dicom, text(&row.model)));
        lines.push(network(A::SerialNumber, P::Dicom, Said::Serial));
        lines.push(network(A::SoftwareVersion, P::Dicom, text(&row.firmware)));
    }
    lines
}
