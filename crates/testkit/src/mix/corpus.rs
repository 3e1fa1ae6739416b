//! Which captures of a corpus the mix is made of, by class: Ethernet, not a flood, not broken on purpose, not a tunnel.

use super::Session;
use crate::capture_file::{Record, records};
use crate::payload::conversation;
use crate::sessions;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Larger captures would crowd out the others, in bytes.
const CAPTURE_BYTES_MAX: u64 = 1699 * 1024;
/// Origins of samples begin here, far from the numbers of single sessions.
const ORIGIN: u64 = 1 << 32;
const EXTENSIONS: &[&str] = &["pcap", "pcapng", "cap", "trace"];

/// A class and what the path of its captures holds.
const TAKEN: &[(&str, &[&str])] = &[
    ("mqtt", &["/mqtt"]),
    ("dns", &["/dns", "/googledns"]),
    ("dhcp", &["/dhcp"]),
    (
        "iot",
        &[
            "/nest_log",
            "/tuya",
            "/alexa",
            "/ssdp",
            "/upnp",
            "/ntp",
            "/NTP",
            "/snmp",
            "/bacnet",
            "/modbus",
            "/syslog",
            "/rtsp",
            "/sip",
            "/s7comm",
            "/ssh",
            "/telnet",
            "/iot-sentinel",
        ],
    ),
    ("hl7", &["HL7", "hl7"]),
    ("dicom", &["dicom"]),
    ("tls", &["/tls", "/443", "/long_tls", "/signal", "/teams", "/quic."]),
    ("http", &["/http", "/reddit", "/WindowsUpdate"]),
];
/// What the path of a capture must not hold.
const LEFT: &[&str] = &[
    "fuzz",
    "flood",
    "bogus-",
    "malformed",
    "invalid",
    "tunnel",
    "http2",
    "doh",
    "over-http",
    "gap",
    "drop",
    "ip_reass",
    "vxlan",
    "gre",
    "pppoe",
    "qinq",
    "chdlc",
];

/// Sessions from every capture under `folder` that a class takes.
///
/// # Errors
/// When a folder cannot be listed or a capture not read.
pub fn from_folder(folder: &Path) -> io::Result<Vec<Session>> {
    let mut captures = Vec::new();
    list(folder, &mut captures)?;
    captures.sort();
    let mut sessions = Vec::new();
    for (class, words) in TAKEN {
        for capture in &captures {
            let name = capture.strip_prefix(folder).unwrap_or(capture).to_string_lossy();
            let path = format!("/{name}");
            if words.iter().any(|word| path.contains(word)) && !LEFT.iter().any(|word| path.contains(word)) {
                let records = records(&std::fs::read(capture)?).unwrap_or_default();
                sessions.extend(Session::from_records(class, records));
            }
        }
    }
    Ok(sessions)
}

/// Sessions from the project's own samples: every TCP or UDP conversation in them, its class by the service's port.
///
/// # Errors
/// When a folder cannot be listed or a capture not read.
pub fn from_samples(folder: &Path) -> io::Result<Vec<Session>> {
    let mut sessions = Vec::new();
    let mut captures: Vec<PathBuf> =
        std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    captures.sort();
    for (number, capture) in captures.iter().enumerate() {
        let bytes = std::fs::read(capture)?;
        let bytes =
            if capture.extension().is_some_and(|end| end == "zst") { unpacked(&bytes)? } else { bytes };
        let conversations = conversations(records(&bytes).unwrap_or_default());
        sessions.extend(conversations.into_iter().map(|session| session.of_origin(ORIGIN + number as u64)));
    }
    Ok(sessions)
}

fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(bytes).map_err(io::Error::other)?;
    decoder.read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

fn conversations(records: Vec<Record>) -> Vec<Session> {
    let mut conversations: BTreeMap<_, Vec<Record>> = BTreeMap::new();
    for record in records {
        if let Some(ends) = conversation(&record) {
            conversations.entry(ends).or_default().push(record);
        }
    }
    let sessions = conversations.into_iter().map(|([(_, one), (_, other)], records)| {
        let class = class_of(one).or(class_of(other)).unwrap_or("iot");
        Session::from_records(class, records)
    });
    sessions.flatten().collect()
}

const fn class_of(port: u16) -> Option<&'static str> {
    match port {
        1883 | 8883 => Some("mqtt"),
        53 | 137 | 5353 | 5355 => Some("dns"),
        67 | 68 | 546 | 547 => Some("dhcp"),
        2575 | 6661 => Some("hl7"),
        104 | 4242 | 11_112 => Some("dicom"),
        443 => Some("tls"),
        80 | 8080 => Some("http"),
        _ => None,
    }
}

fn list(folder: &Path, captures: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.is_dir() {
            list(&path, captures)?;
        } else if path.extension().is_some_and(|end| EXTENSIONS.iter().any(|known| end == *known))
            && entry.metadata()?.len() <= CAPTURE_BYTES_MAX
        {
            captures.push(path);
        }
    }
    Ok(())
}

/// The made-up medical sessions: eight monitors, six gateways, five modalities.
pub fn medical() -> Vec<Session> {
    let monitors = (0..8).map(|k| ("mqtt", sessions::vitals(k)));
    let gateways = (0..6).map(|k| ("hl7", sessions::observations(k)));
    let modalities = (0..5).map(|k| ("dicom", sessions::transfer(k)));
    monitors
        .chain(gateways)
        .chain(modalities)
        .filter_map(|(class, frames)| Session::new(class, frames))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_nineteen_medical_sessions() {
        assert_eq!(medical().len(), 19);
    }
}
