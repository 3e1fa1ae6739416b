//! Files that are not captures, or not of a kind that Ward reads: each with what it resembles and the way out, and
//! never with its content.

use std::path::Path;

use ward::capture::{CaptureError, open_file};

use super::build::{MICROSECONDS, Order, Pcap};
use super::{drain, error};

#[test]
fn foreign_files_are_named_by_what_they_resemble() {
    let mut dicom = vec![0; 128];
    dicom.extend(b"DICM\x02\0\0\0");
    let mut tar = vec![b'x'; 100];
    tar.resize(257, 0);
    tar.extend(b"ustar");
    let cases: [(&[u8], &str); 14] = [
        (b"MSH|^~\\&|LAB|HOSP|||20240101||ORU^R01|1|P|2.3\rPID|1||4711^^^MRN||DOE^JANE\r", "HL7 v2 message"),
        (b"\x0bMSH|^~\\&|LAB", "HL7 v2 message"),
        (b"PK\x03\x04rest", "ZIP archive"),
        (b"{\"patient\": \"Jane Doe\"}", "JSON"),
        (b"<?xml version=\"1.0\"?>", "XML"),
        (b"  <html>", "HTML or XML"),
        ("Größe; Gerät\r\n".as_bytes(), "text"),
        (b"\xff\xfeh\0i\0", "UTF-16 text"),
        (b"%PDF-1.7", "PDF"),
        (b"\xfd7zXZ\0", "xz -d FILE"),
        (&[0; 512], "nothing but zeros"),
        (&dicom, "DICOM file"),
        (&tar, "tar archive"),
        (b"\x01\x02\x03\x04\xfe\xff\x80", "data of an unknown kind"),
    ];
    for (bytes, resembles) in cases {
        let message = error(bytes);
        assert!(message.starts_with("test: not a capture: this looks like "), "{message}");
        assert!(message.contains(resembles), "{message} should name {resembles}");
        assert!(
            !message.contains("DOE") && !message.contains("Doe") && !message.contains("4711"),
            "{message}"
        );
    }
}

#[test]
fn captures_of_other_programs_come_with_a_way_out() {
    // Two ERF records of 2023 with 16 bytes each.
    let erf = [&[0, 0, 0, 0, 0x00, 0x00, 0x5D, 0x65, 2, 4, 0, 16, 0, 0, 0, 0][..]; 3].concat();
    let cases: [(&[u8], &str); 5] = [
        (b"snoop\0\0\0\0\0\0\x02", "Sun snoop"),
        (b"GMBU\0\0\0\0", "Network Monitor 2"),
        (b"TRSNIFF data    \x1a", "Sniffer"),
        (b"XCP\x002.00", "Sniffer for Windows"),
        (&erf, "Endace ERF"),
    ];
    for (bytes, name) in cases {
        let message = error(bytes);
        assert!(message.contains(name), "{message}");
        assert!(
            message.ends_with("which Ward does not read; convert it: editcap -F pcap IN OUT"),
            "{message}"
        );
    }
}

#[test]
fn short_files() {
    assert_eq!(
        error(b""),
        "test: is empty (0 bytes); the capture may have failed, or the copy is not complete"
    );
    for bytes in [&b"\xD4"[..], b"\xD4\xC3", b"\xD4\xC3\xB2", b"\x0A\x0D\x0D", b"\x1F"] {
        assert!(error(bytes).contains("this looks like"), "{bytes:?}");
    }
}

#[test]
fn paths_that_are_no_files() {
    let directory = std::env::temp_dir();
    assert!(matches!(open_file(&directory), Err(CaptureError::Directory { .. })));
    let missing = directory.join("ward-no-such-file.pcap");
    let message = open_file(&missing).err().unwrap().to_string();
    assert_eq!(message, format!("{}: no such file; check the path", missing.display()));
    assert!(matches!(open_file(Path::new("")), Err(CaptureError::Missing { .. })));
}

#[test]
fn a_file_on_disk_knows_its_size() {
    let path = std::env::temp_dir().join(format!("ward-capture-file-{}.pcap", std::process::id()));
    let bytes = Pcap::new(Order::Little, MICROSECONDS, 65_535, 1).record(1, 2, b"frame", 5).bytes;
    std::fs::write(&path, &bytes).unwrap();
    let result = open_file(&path);
    std::fs::remove_file(&path).unwrap();
    let (frames, counters) = drain(&mut *result.unwrap());
    assert_eq!(frames.len(), 1);
    assert_eq!(counters.source_bytes_total, Some(bytes.len() as u64));
    assert_eq!(counters.source_bytes_read, bytes.len() as u64);
}
