//! Fuzz targets: one file per parser or decoder, each a function that must neither panic nor hang on any bytes.
//!
//! The smoke run (seeds and seeded mutations, stable Rust) and the long run (libFuzzer) call the same functions.

pub mod arp;
pub mod cdp;
pub mod dhcpv4;
pub mod dhcpv6;
pub mod dicom;
pub mod dns;
pub mod hl7v2;
pub mod http;
pub mod icmp;
pub mod keyring;
pub mod lldp;
pub mod mqtt;
pub mod nbns;
pub mod ntp;
pub mod smb;
pub mod snmp;
pub mod ssdp;
pub mod ssh;
pub mod subject;
pub mod template;
pub mod tlog_checkpoint;
pub mod tlog_note;
pub mod tlog_proof;
pub mod tlog_tile_path;
pub mod tlog_witness;
pub mod tls;
pub mod wsdiscovery;
pub mod zones;

/// A target.
pub type Target = fn(&[u8]);

/// Every target by the name of its parser.
pub const TARGETS: &[(&str, Target)] = &[
    ("arp", arp::run),
    ("cdp", cdp::run),
    ("dhcpv4", dhcpv4::run),
    ("dhcpv6", dhcpv6::run),
    ("dicom", dicom::run),
    ("dns", dns::run),
    ("hl7v2", hl7v2::run),
    ("http", http::run),
    ("icmp", icmp::run),
    ("keyring", keyring::run),
    ("lldp", lldp::run),
    ("mqtt", mqtt::run),
    ("nbns", nbns::run),
    ("ntp", ntp::run),
    ("smb", smb::run),
    ("snmp", snmp::run),
    ("ssdp", ssdp::run),
    ("ssh", ssh::run),
    ("subject", subject::run),
    ("template", template::run),
    ("tlog_checkpoint", tlog_checkpoint::run),
    ("tlog_note", tlog_note::run),
    ("tlog_proof", tlog_proof::run),
    ("tlog_tile_path", tlog_tile_path::run),
    ("tlog_witness", tlog_witness::run),
    ("tls", tls::run),
    ("wsdiscovery", wsdiscovery::run),
    ("zones", zones::run),
];
