//! What the first bytes of a file are: a capture, a packed one, or something else that deserves a helpful answer.
//! Says what bytes resemble, never what they are: they may be patient data.

use super::{pcap, pcapng};

/// Bytes of a source looked at to recognise it.
pub(super) const HEAD_BYTES: usize = 512;

/// Fewest bytes that any magic needs.
pub(super) const MAGIC_BYTES: usize = 4;

/// What to do with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pcap,
    Pcapng,
    Gzip,
    Zstd,
    /// A capture of another program: its name, and the way out.
    OtherCapture(&'static str, &'static str),
    /// No capture: what it resembles, and the way out.
    Foreign(&'static str, &'static str),
}

const CONVERT: &str = "convert it: editcap -F pcap IN OUT";
const EXPORT: &str = "open it in the program that made it and export pcap";
const UNPACK: &str = "unpack it and pass the capture inside";
const PASS_CAPTURE: &str = "pass a pcap or pcapng file";
const TEXT_TO_CAPTURE: &str = "pass the capture itself, or rebuild one with text2pcap";

/// Capture formats that editcap (or another program) turns into pcap.
const OTHER_CAPTURES: &[(&[u8], &str, &str)] = &[
    (b"snoop\0\0\0", "Sun snoop (RFC 1761)", CONVERT),
    (b"RTSS", "Microsoft Network Monitor 1", CONVERT),
    (b"GMBU", "Microsoft Network Monitor 2", CONVERT),
    (b"TRSNIFF data    \x1a", "Network General Sniffer", CONVERT),
    (b"XCP\0", "Network Associates Sniffer for Windows", CONVERT),
    (b"btsnoop\0", "Bluetooth btsnoop", CONVERT),
    (b"iptrace 1.0", "AIX iptrace", CONVERT),
    (b"iptrace 2.0", "AIX iptrace", CONVERT),
    (b"\x7fver", "WildPackets EtherPeek or OmniPeek", CONVERT),
    (b"\x05VNF", "Visual Networks", CONVERT),
    (b"ObserverPktBuffe", "Network Instruments Observer", CONVERT),
    (b"\xac\x01\x00\x1c", "IXIA lcap (hardware)", CONVERT),
    (b"\xab\x01\x00\x1c", "IXIA lcap (software)", CONVERT),
    (b"\x00\x00\x02\x00\x12\x05\x00\x10", "Tektronix K12", CONVERT),
];

/// Things that end up in the place of a capture.
const FOREIGN: &[(&[u8], &str, &str)] = &[
    (b"PK\x03\x04", "a ZIP archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"\xfd7zXZ", "xz data", "unpack it: xz -d FILE"),
    (b"BZh", "bzip2 data", "unpack it: bzip2 -d FILE"),
    (b"\x04\x22\x4d\x18", "lz4 data", "unpack it: lz4 -d FILE"),
    (b"\x1f\x9d", "compress (.Z) data", "unpack it: uncompress FILE"),
    (b"%PDF", "a PDF document", PASS_CAPTURE),
    (b"\x7fELF", "a program", PASS_CAPTURE),
    (b"SQLite format 3", "an SQLite database", PASS_CAPTURE),
    (b"\xd0\xcf\x11\xe0", "an old Office document or MSI package", PASS_CAPTURE),
    (b"MSH|", "an HL7 v2 message", "pass the traffic that carried it"),
    (b"\x0bMSH|", "an HL7 v2 message", "pass the traffic that carried it"),
    (b"<?xml", "XML", PASS_CAPTURE),
    (b"\xef\xbb\xbf", "text", TEXT_TO_CAPTURE),
    (b"\xff\xfe", "UTF-16 text", TEXT_TO_CAPTURE),
    (b"\xfe\xff", "UTF-16 text", TEXT_TO_CAPTURE),
    (b"PAR1", "a Parquet file", PASS_CAPTURE),
    (b"#separator ", "a Zeek log", "pass the capture that Zeek read"),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself: git lfs pull"),
];

/// Recognises a source by its first bytes, of which there should be [`HEAD_BYTES`].
pub(super) fn recognise(head: &[u8]) -> Kind {
    if pcap::is_magic(head) {
        return Kind::Pcap;
    }
    if pcapng::is_magic(head) {
        return Kind::Pcapng;
    }
    if head.starts_with(&[0x1F, 0x8B]) {
        return Kind::Gzip;
    }
    if is_zstd(head) {
        return Kind::Zstd;
    }
    if let Some((_, name, way_out)) = OTHER_CAPTURES.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Kind::OtherCapture(name, way_out);
    }
    let (looks_like, way_out) = foreign(head);
    if looks_like == UNKNOWN && is_erf(head) {
        return Kind::OtherCapture("Endace ERF", CONVERT);
    }
    Kind::Foreign(looks_like, way_out)
}

const UNKNOWN: &str = "data of an unknown kind";

fn foreign(head: &[u8]) -> (&'static str, &'static str) {
    if let Some((_, name, way_out)) = FOREIGN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return (name, way_out);
    }
    if head.get(128..132) == Some(b"DICM") {
        return ("a DICOM file", "pass the traffic that carried it");
    }
    if head.get(257..262) == Some(b"ustar") {
        return ("a tar archive", UNPACK);
    }
    if is_text(head) {
        return match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => ("JSON", PASS_CAPTURE),
            Some(b'<') => ("HTML or XML", PASS_CAPTURE),
            _ => ("text", TEXT_TO_CAPTURE),
        };
    }
    if head.iter().all(|&byte| byte == 0) {
        return ("nothing but zeros", "the copy is not complete, or the disk lost it: copy it again");
    }
    match head.starts_with(&[0xA1, 0xB2]) || head.get(2..4) == Some(&[0xB2, 0xA1]) {
        true => ("a pcap file of an unknown variant", EXPORT),
        false => (UNKNOWN, PASS_CAPTURE),
    }
}

/// A frame's magic, or a skippable frame's (RFC 8878, 3.1.1 and 3.1.2).
fn is_zstd(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..])
}

/// Printable ASCII or UTF-8 in all that is at hand.
fn is_text(head: &[u8]) -> bool {
    let head = match std::str::from_utf8(head) {
        Ok(text) => text.as_bytes(),
        // A character that the end of the head cuts is still text.
        Err(error) if error.error_len().is_none() => head.get(..error.valid_up_to()).unwrap_or_default(),
        Err(_) => return false,
    };
    !head.is_empty()
        && head.iter().all(|&byte| byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n' | 0x0B | 0x0C | 0x1C))
}

/// ERF has no magic: two records in a row that are possible, with times of this era (Endace ERF types, 16-byte header).
fn is_erf(head: &[u8]) -> bool {
    /// 1995 and 2100 in seconds since 1970.
    const ERA_S: std::ops::Range<u32> = 788_918_400..4_102_444_800;
    let record = |at: usize| -> Option<usize> {
        let header = head.get(at..at + 16)?;
        let [_, _, _, _, s0, s1, s2, s3, kind, _, r0, r1, ..] = *header else { return None };
        let length = usize::from(u16::from_be_bytes([r0, r1]));
        let plausible =
            ERA_S.contains(&u32::from_le_bytes([s0, s1, s2, s3])) && (1..=48).contains(&(kind & 0x7F));
        (plausible && length >= 16).then_some(at + length)
    };
    record(0).and_then(record).is_some()
}
