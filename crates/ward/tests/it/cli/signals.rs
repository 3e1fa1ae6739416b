//! Ctrl-C while a pipe is slow, or silent.

use super::{command, document, text};
use std::io::Write as _;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};
use testkit::packet;

/// A program that has not ended by now never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than a pipe holds, so that who has written it knows that most was read.
const PACKETS: usize = 2000;

fn capture() -> Vec<u8> {
    let mac = [2, 0, 0, 0, 0, 1];
    let arp =
        [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac, &[10, 0, 0, 1], &[0; 6], &[10, 0, 0, 2], &[0; 300]].concat();
    let frame = packet::ethernet(mac, [0xff; 6], 0x0806, &arp);
    let frames: Vec<(u64, Vec<u8>)> =
        (0..PACKETS).map(|n| (1_790_000_000_000_000_000 + n as u64 * 1_000_000, frame.clone())).collect();
    packet::pcap(1, &frames)
}

fn interrupt(child: &Child) {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits for the end while the pipe stays open.
fn finish(child: Child) -> std::process::Output {
    let (ended, end) = std::sync::mpsc::channel();
    let id = child.id();
    std::thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
    end.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = std::process::Command::new("kill").args(["-KILL", &id.to_string()]).status();
        panic!("it waited for the pipe to end");
    })
}

fn start(arguments: &[&str]) -> (Child, ChildStdin) {
    let mut command = command();
    command.args(["scan", "-"]).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    (child, stdin)
}

/// A pipe on which a byte comes now and then, which never completes the record it begins; ended by Ctrl-C.
fn interrupted_while_slow(arguments: &[&str]) -> std::process::Output {
    let (child, mut stdin) = start(arguments);
    let capture = capture();
    stdin.write_all(&capture).unwrap();
    interrupt(&child);
    let writer = std::thread::spawn(move || {
        while stdin.write_all(&capture[24..25]).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let output = finish(child);
    writer.join().unwrap();
    output
}

/// A pipe on which nothing comes any more; ended by Ctrl-C when everything on it was read.
fn interrupted_while_silent(arguments: &[&str]) -> std::process::Output {
    let (child, mut stdin) = start(arguments);
    let capture = capture();
    stdin.write_all(&capture).unwrap();
    wait_until(|| bytes_read(child.id()) >= capture.len() as u64 && is_asleep(child.id()));
    interrupt(&child);
    let output = finish(child);
    drop(stdin);
    output
}

#[test]
fn ctrl_c_on_a_pipe_prints_what_was_learnt() {
    for threads in ["1", "4"] {
        let arguments = ["--json", "--threads", threads];
        for output in [interrupted_while_slow(&arguments), interrupted_while_silent(&arguments)] {
            assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
            let document = document(&output);
            assert_eq!(document["capture"]["complete"], false);
            let packets = document["capture"]["packets"].as_u64().unwrap();
            assert!((1..=PACKETS as u64).contains(&packets), "{packets} packets");
            assert_eq!(document["devices"].as_array().unwrap().len(), 1);
            let notes = document["capture"]["sources"][0]["notes"].to_string();
            assert!(notes.contains("stopped by Ctrl-C"), "{notes}");
        }
    }
    let table = text(&interrupted_while_silent(&["--width", "100"]).stdout);
    assert!(table.contains("10.0.0.1") && table.contains("stopped by Ctrl-C"), "{table}");
}

#[test]
fn ctrl_c_before_the_first_byte_ends_with_nothing() {
    let (child, stdin) = start(&["--json"]);
    wait_until(|| catches_interrupts(child.id()));
    interrupt(&child);
    let output = finish(child);
    drop(stdin);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "ward: stopped by Ctrl-C before anything was read\n");
    assert!(output.stdout.is_empty());
}

fn wait_until(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "it never came to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A line of a file in /proc/ID.
fn of_process(id: u32, file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    value.trim().to_owned()
}

fn bytes_read(id: u32) -> u64 {
    of_process(id, "io", "rchar:").parse().unwrap_or(0)
}

fn is_asleep(id: u32) -> bool {
    of_process(id, "status", "State:").starts_with('S')
}

/// SIGINT is bit 1 of the mask.
fn catches_interrupts(id: u32) -> bool {
    u64::from_str_radix(&of_process(id, "status", "SigCgt:"), 16).is_ok_and(|mask| mask & 2 != 0)
}
