//! Names chosen by an attacker: markup, terminal escapes, and ten kilobytes of them.

use super::{Folder, assert_stands_alone, document, scan, text};
use std::path::PathBuf;
use testkit::packet::{self, Ipv4, Session};
use unicode_width::UnicodeWidthStr as _;

const MARKUP: &str = "<script>alert(1)</script>";
const BREAKOUT: &str = "\"><img src=x onerror=alert(1)>";
const ESCAPES: &str = "\u{202e}\u{2066}\x1b[2J\x1b]0;owned\x07\x1b[31mred\x08\x08\r\n\u{9b}31m";

fn udp(number: u16, port: u16, to: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let ip = Ipv4 { id: number, ..Ipv4::new([10, 0, 0, 50].into(), to.into()) };
    let udp = packet::udp(port, if port == 68 { 67 } else { port }, payload);
    packet::ethernet([0, 0x09, 0xfb, 1, 2, 3], [0xff; 6], 0x0800, &ip.packet(17, &udp))
}

/// A DHCP request (RFC 2131) with the option values given; long ones are split (RFC 3396).
fn dhcp(options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0, 1, 2, 3, 4];
    message.resize(28, 0);
    message.extend([0, 0x09, 0xfb, 1, 2, 3]);
    message.resize(236, 0);
    message.extend([99, 130, 83, 99, 53, 1, 3, 50, 4, 10, 0, 0, 50]);
    for (code, value) in options {
        for part in value.chunks(255) {
            message.extend([*code, part.len() as u8]);
            message.extend(part);
        }
    }
    message.push(255);
    message
}

/// An mDNS answer: address, and a service instance of hostile labels.
fn mdns(labels: &[&[u8]]) -> Vec<u8> {
    let name: Vec<u8> = labels.iter().flat_map(|label| [&[label.len() as u8][..], label].concat()).collect();
    let local = [&name[..], b"\x05local\0"].concat();
    let service = [&name[..], b"\x05_http\x04_tcp\x05local\0"].concat();
    let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0];
    message.extend([&local[..], &[0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, 10, 0, 0, 50]].concat());
    let length = (service.len() as u16).to_be_bytes();
    message.extend([&b"\x05_http\x04_tcp\x05local\0\0\x0c\0\x01\0\0\0\x78"[..], &length, &service].concat());
    message
}

fn http(server: &str) -> Vec<Vec<u8>> {
    let mut session = Session::open(80);
    session.send(
        0,
        format!("GET / HTTP/1.1\r\nHost: {}\r\nUser-Agent: {MARKUP}\r\n\r\n", "h".repeat(5000)).as_bytes(),
    );
    for part in
        format!("HTTP/1.1 200 OK\r\nServer: {server}\r\nContent-Length: 0\r\n\r\n").as_bytes().chunks(1400)
    {
        session.send(1, part);
    }
    session.frames
}

fn hl7() -> Vec<Vec<u8>> {
    let mut session = Session::open(2575);
    session.ports[0] = 50_001;
    let name = format!("{MARKUP}{ESCAPES}").replace(['\r', '\n', '\x1b', '\x07', '|', '^'], "?");
    let message = format!(
        "\x0bMSH|^~\\&|{name}|{}|EHR|HOSP|2026||ADT^A01|1|P|2.5\rPID|1||MRN\r\x1c\r",
        "f".repeat(6000)
    );
    session.frames.clear();
    session.raw(0, packet::SYN, &[]);
    session.next[0] += 1;
    for part in message.as_bytes().chunks(1400) {
        session.send(0, part);
    }
    session.frames
}

fn capture() -> Vec<u8> {
    let long = "x".repeat(10_000);
    let wide = "宽".repeat(60);
    let mut frames = vec![
        udp(1, 68, [255; 4], &dhcp(&[(12, MARKUP.as_bytes()), (60, BREAKOUT.as_bytes())])),
        udp(
            2,
            68,
            [255; 4],
            &dhcp(&[(12, ESCAPES.as_bytes()), (60, ESCAPES.as_bytes()), (15, long.as_bytes())]),
        ),
        udp(3, 68, [255; 4], &dhcp(&[(12, long.as_bytes()), (60, wide.as_bytes())])),
        udp(
            4,
            68,
            [255; 4],
            &dhcp(&[(12, wide.as_bytes()), (81, &[&[0, 0, 0][..], BREAKOUT.as_bytes()].concat())]),
        ),
        udp(5, 5353, [224, 0, 0, 251], &mdns(&[MARKUP.as_bytes()])),
        udp(6, 5353, [224, 0, 0, 251], &mdns(&[ESCAPES.as_bytes()])),
        udp(7, 5353, [224, 0, 0, 251], &mdns(&[BREAKOUT.as_bytes(), &wide.as_bytes()[..60]])),
        udp(8, 5353, [224, 0, 0, 251], &mdns(&[&[b'x'; 63], &[b'x'; 63], &[b'x'; 63]])),
    ];
    frames.extend(http(&format!("{BREAKOUT} {long}")));
    frames.extend(hl7());
    let timed: Vec<(u64, Vec<u8>)> = frames
        .into_iter()
        .enumerate()
        .map(|(n, f)| (1_790_000_000_000_000_000 + n as u64 * 1_000_000, f))
        .collect();
    packet::pcap(1, &timed)
}

#[test]
fn hostile_names_stay_text_everywhere() {
    let folder = Folder::new("hostile");
    // The operator was sent the file, so that its name may be hostile too.
    let file = folder.write("a<script>b\x1b[31m\u{202e}.pcap", &capture());
    let page = folder.path("page.html");
    for width in [60, 80, 120, 200] {
        let arguments =
            [file.clone(), "--width".into(), width.to_string().into(), "--html".into(), page.clone()];
        let output = scan(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let table = text(&output.stdout);
        assert!(
            table.contains("<script>alert(1)") || table.contains("<script>"),
            "it is shown as text:\n{table}"
        );
        for line in table.lines() {
            assert!(!line.chars().any(is_control), "control character: {line:?}");
            assert!(line.width() <= width, "{} columns of {width}: {line}", line.width());
        }
        let page = std::fs::read_to_string(&page).unwrap();
        assert_stands_alone(&page);
        assert!(page.contains("&lt;script&gt;alert(1)"), "it is shown as text");
        assert!(!page.chars().any(|c| is_control(c) && c != '\n'), "control character in the page");
    }
    let output = scan(&[file.clone(), PathBuf::from("--json")]);
    let document = document(&output);
    assert!(!text(&output.stdout).chars().any(|c| is_control(c) && c != '\n'));
    let names = document["devices"][0]["names"].to_string();
    assert!(names.contains("<script>alert(1)"), "JSON tells it as it was: {names}");
    for claim in document["devices"][0]["claims"].as_array().unwrap() {
        assert!(claim["value"].as_str().unwrap().len() <= sense::FACT_VALUE_BYTES_MAX, "{claim}");
    }
    std::fs::remove_file(&file).unwrap();
    let output = scan(&[file]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!text(&output.stderr).trim_end().chars().any(is_control), "{:?}", text(&output.stderr));
}

/// What a terminal obeys: C0, DEL, C1, and the marks that turn the direction of text (Unicode TR 9).
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
