//! What a Fact or Claim is about.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! attributes {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// The vocabulary of Facts and Claims. A new attribute is added at the end, with its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Attribute {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl Attribute {
            /// Every attribute, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name used in JSON and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it says, for help and documentation.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc),* }
            }
        }
    };
}

attributes! {
    Ipv4Address = "ipv4-address", "An IPv4 address this endpoint uses.";
    Ipv6Address = "ipv6-address", "An IPv6 address this endpoint uses.";
    RoutedAddress = "routed-address", "An IP address that this link address forwards for: value `IP hops=N`.";
    HostName = "host-name", "The name it gives itself (DHCP 12, NBNS, LLMNR, mDNS host, NTLM).";
    DomainName = "domain-name", "DNS, DHCP 15 or NTLM domain it belongs to.";
    Manufacturer = "manufacturer", "Maker, in its own words.";
    Model = "model", "Model, in its own words.";
    SerialNumber = "serial-number", "Serial number, in its own words.";
    SoftwareName = "software-name", "Product or stack name of its software.";
    SoftwareVersion = "software-version", "Version of its software or firmware.";
    OperatingSystem = "operating-system", "Operating system and version as announced.";
    DeviceType = "device-type", "Type it announces (UPnP deviceType, WS-Discovery Types, LLDP capabilities, DICOM modality).";
    ServiceType = "service-type", "Service it offers (DNS-SD type, UPnP service, role such as `dhcp server`).";
    ServiceInstance = "service-instance", "Instance name of an offered service.";
    Udi = "udi", "Unique device identifier (UDI-DI, or the whole carrier string).";
    EquipmentId = "equipment-id", "Equipment instance identifier of a device it speaks for (HL7 OBX-18, PRT-10).";
    Location = "location", "Where it says it is (SDC scope, PV1-3 unit and bed, SNMP sysLocation, LLDP).";
    DhcpVendorClass = "dhcp-vendor-class", "DHCP option 60, 124 or 125.";
    DhcpUserClass = "dhcp-user-class", "DHCP option 77 or DHCPv6 15.";
    DhcpParameterList = "dhcp-parameter-list", "DHCP option 55 in the order asked, or the DHCPv6 option request.";
    DhcpClientId = "dhcp-client-id", "DHCP option 61 or DUID, in hexadecimal.";
    DhcpRelayAgent = "dhcp-relay-agent", "Relay that spoke for it: giaddr, and option 82 circuit and remote identifiers.";
    DhcpFqdn = "dhcp-fqdn", "DHCP option 81 or DHCPv6 39.";
    UserAgent = "user-agent", "HTTP, SSDP or other client software string.";
    ServerBanner = "server-banner", "HTTP Server, SSH or other server software string.";
    HttpHost = "http-host", "A name or address under which it was asked (HTTP Host).";
    BasicAuth = "basic-auth", "Present when credentials crossed in clear (HTTP Basic); the value names the scheme only.";
    TlsServerName = "tls-server-name", "Name under which it was asked (TLS SNI).";
    TlsVersion = "tls-version", "Negotiated TLS version.";
    TlsCipherSuite = "tls-cipher-suite", "Negotiated TLS cipher suite.";
    TlsGroup = "tls-group", "Negotiated TLS key-exchange group.";
    Ja4 = "ja4", "JA4 fingerprint of its TLS client.";
    CertificateSubject = "certificate-subject", "Subject of a certificate it presented in clear.";
    CertificateIssuer = "certificate-issuer", "Issuer of a certificate it presented in clear.";
    CertificateExpiry = "certificate-expiry", "Not-after of a certificate it presented in clear (RFC 3339).";
    SshVersion = "ssh-version", "SSH identification string.";
    SshKeyExchange = "ssh-key-exchange", "First key-exchange algorithms it offers.";
    SmbDialect = "smb-dialect", "SMB dialects offered or chosen.";
    SnmpDescription = "snmp-description", "SNMP sysDescr.0.";
    SnmpName = "snmp-name", "SNMP sysName.0.";
    SnmpVersion = "snmp-version", "SNMP version in use; v1 and v2c carry their community in clear.";
    MqttClientId = "mqtt-client-id", "MQTT client identifier.";
    MqttVersion = "mqtt-version", "MQTT protocol level.";
    AeTitle = "ae-title", "DICOM application entity title it uses for itself.";
    ImplementationClassUid = "implementation-class-uid", "DICOM implementation class UID.";
    ImplementationVersionName = "implementation-version-name", "DICOM implementation version name.";
    SopClass = "sop-class", "DICOM SOP class it proposes or accepts.";
    StationName = "station-name", "DICOM station name (0008,1010).";
    Hl7Application = "hl7-application", "HL7 v2 MSH-3 (as sender) or MSH-5 (as receiver).";
    Hl7Facility = "hl7-facility", "HL7 v2 MSH-4 (as sender) or MSH-6 (as receiver).";
    Hl7Version = "hl7-version", "HL7 v2 MSH-12.";
    Hl7Processing = "hl7-processing", "HL7 v2 MSH-11: P production, T training, D debugging.";
    SwitchPort = "switch-port", "Port it hangs on or announces (LLDP, CDP, DHCP option 82).";
    ManagementAddress = "management-address", "Management address it announces (LLDP, CDP).";
    NativeVlan = "native-vlan", "VLAN it announces (LLDP, CDP).";
    ClearText = "clear-text", "A protocol that should be encrypted was seen in clear; the value names it.";
    PhiInClear = "phi-in-clear", "Patient data crossed in clear; the value names protocol and fields, never their content.";
    Presence = "presence", "It sent frames; the value names the lowest layer seen (`ethernet`, `ip`).";
    Description = "description", "Free text about itself that its administrator or maker set (NetBIOS comment).";
    MudUrl = "mud-url", "Where its maker describes its intended traffic (RFC 8520; DHCP option 161, DHCPv6 112).";
    ChassisId = "chassis-id", "Identity of the whole box that a port belongs to (LLDP chassis ID, CDP device ID).";
    AssetId = "asset-id", "Asset tag its owner gave it, as it announces it (LLDP-MED).";
    SnmpObjectId = "snmp-object-id", "SNMP sysObjectID.0: the identifier that the maker gave the product.";
    SmbSigning = "smb-signing", "Whether it insists on signed SMB messages: `required` or `not required`.";
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
