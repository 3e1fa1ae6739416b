//! Names of protocols as the field writes them.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! protocols {
    ($($variant:ident = $name:literal,)*) => {
        /// A protocol that Ward reads, or recognises well enough to name. `Unknown` is an answer, never "clean".
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Protocol {
            /// Nothing recognised.
            #[default]
            #[serde(rename = "unknown")]
            Unknown,
            $(#[doc = $name] #[serde(rename = $name)] $variant,)*
        }

        impl Protocol {
            /// Every protocol but `Unknown`, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The lower-case name used in reports and JSON.
            pub const fn name(self) -> &'static str {
                match self { Self::Unknown => "unknown", $(Self::$variant => $name),* }
            }
        }
    };
}

protocols! {
    Arp = "arp",
    Cdp = "cdp",
    Dhcpv4 = "dhcpv4",
    Dhcpv6 = "dhcpv6",
    Dicom = "dicom",
    Dns = "dns",
    Hl7v2 = "hl7v2",
    Http = "http",
    Icmp = "icmp",
    Icmpv6 = "icmpv6",
    Ip = "ip",
    Lldp = "lldp",
    Llmnr = "llmnr",
    Mdns = "mdns",
    Mqtt = "mqtt",
    Nbns = "nbns",
    Ntp = "ntp",
    Smb = "smb",
    Snmp = "snmp",
    Ssdp = "ssdp",
    Ssh = "ssh",
    Tls = "tls",
    WsDiscovery = "ws-discovery",
}

impl Protocol {
    /// The name as people write it, for sentences.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Dicom => "DICOM",
            Self::Hl7v2 => "HL7 v2",
            Self::Http => "HTTP",
            Self::Mqtt => "MQTT",
            Self::Smb => "SMB",
            Self::Snmp => "SNMP",
            Self::Ssh => "SSH",
            Self::Tls => "TLS",
            Self::WsDiscovery => "WS-Discovery",
            other => other.name(),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
