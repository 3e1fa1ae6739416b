//! Listening on a real interface: a pair of virtual ones, the sensor's end in one network namespace, the talking
//! device's in another. Needs root, `ip`, and `python3`, which plays the device: nothing of Ward can send a frame.
//! Says so when it is skipped.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use ward::capture::{Block, Capture, LiveOptions, Progress, open_live};

/// Set for processes that run one half of a test inside a namespace: which half.
const PART: &str = "WARD_TEST_PART";

/// What the device says, so that the sensor can tell it from what else passes.
const MARK: &[u8] = b"pulse 72, saturation 98";

/// How often it says it, with and without a VLAN tag.
const MESSAGES: usize = 50;

/// The device: Ethernet, half of it on VLAN 42, IPv4, UDP from many ports. Arguments: the mark, how often.
const DEVICE: &str = r#"
import os, socket, struct, sys
mark, messages = sys.argv[1].encode(), int(sys.argv[2])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("dev0", 0))
for tag in (b"", struct.pack(">HH", 0x8100, 42)):
    for number in range(messages):
        text = b"%s %d %d %d" % (mark, os.getpid(), number, len(tag))
        udp = struct.pack(">HHHH", 20000 + number, 5000, 8 + len(text), 0) + text
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0, bytes([10, 66, 0, 1]), bytes([10, 66, 0, 2]))
        half = sum(struct.unpack(">10H", ip))
        half = (half >> 16) + (half & 0xFFFF)
        ip = ip[:10] + struct.pack(">H", ~(half + (half >> 16)) & 0xFFFF) + ip[12:]
        wire.send(bytes.fromhex("020000000002020000000001") + tag + b"\x08\x00" + ip + udp)
"#;

/// Longest wait for them.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two namespaces and a cable between them; gone when dropped.
struct Bench {
    sensor: String,
    device: String,
}

impl Bench {
    /// The sensor's end is `mirror0`, as the system makes it: with ARP and IPv6 on. The device's end is `dev0`.
    fn new(test: &str) -> Option<Self> {
        let missing = |program: &&str| Command::new(program).arg("-V").output().is_err();
        if !run("id", &["-u"]).stdout.starts_with(b"0\n") || ["ip", "python3"].iter().any(missing) {
            eprintln!("SKIPPED: {test}: a network to listen on needs root, ip and python3");
            return None;
        }
        let id = std::process::id();
        let bench = Self { sensor: format!("ward-s{id}-{test}"), device: format!("ward-d{id}-{test}") };
        let made = run("ip", &["netns", "add", &bench.sensor]);
        if !made.status.success() {
            eprintln!("SKIPPED: {test}: no namespaces here: {}", String::from_utf8_lossy(&made.stderr));
            return None;
        }
        ip(&format!("netns add {}", bench.device));
        let (sensor, device) = (&bench.sensor, &bench.device);
        ip(&format!("link add mirror0 netns {sensor} type veth peer name dev0 netns {device}"));
        // Quiet before it comes up: what the device's own system would announce is not part of the test.
        inside(device, "sysctl -qw net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1");
        ip(&format!("-n {device} link set dev0 up"));
        Some(bench)
    }

    /// Runs one part of this file's tests inside a namespace.
    fn part(&self, namespace: &str, part: &str) -> Output {
        let me = std::env::current_exe().unwrap();
        let me = me.to_str().unwrap();
        let name = "capture_live::a_part_runs_in_its_namespace";
        let arguments = ["netns", "exec", namespace, me, "--exact", name, "--nocapture"];
        Command::new("ip").args(arguments).env(PART, part).output().unwrap()
    }

    /// What the sensor's side reports, in one namespace, while the device talks in the other.
    fn listen(&self, part: &str) -> String {
        std::thread::scope(|scope| {
            let listener = scope.spawn(|| self.part(&self.sensor, part));
            // The device goes on until the sensor is satisfied or out of patience: nobody has to be first.
            while !listener.is_finished() {
                let mark = std::str::from_utf8(MARK).unwrap();
                let device =
                    ["netns", "exec", &self.device, "python3", "-c", DEVICE, mark, &MESSAGES.to_string()];
                let output = run("ip", &device);
                assert!(output.status.success(), "{output:?}");
            }
            let output = listener.join().unwrap();
            let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && text.contains("REACHED THE END"), "{text}");
            text.into_owned()
        })
    }

    /// Frames that the device received, that is, that the sensor's side sent.
    fn received_by_device(&self) -> u64 {
        let output =
            run("ip", &["netns", "exec", &self.device, "cat", "/sys/class/net/dev0/statistics/rx_packets"]);
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for namespace in [&self.sensor, &self.device] {
            run("ip", &["netns", "delete", namespace]);
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn ip(arguments: &str) {
    let output = run("ip", &arguments.split(' ').collect::<Vec<_>>());
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn inside(namespace: &str, command: &str) {
    ip(&format!("netns exec {namespace} {command}"));
}

#[test]
fn an_interface_that_could_transmit_is_refused_until_it_is_prepared() {
    let Some(bench) = Bench::new("refuse") else { return };
    let sensor = &bench.sensor;
    ip(&format!("-n {sensor} address add 10.66.0.2/24 dev mirror0"));
    ip(&format!("-n {sensor} address add 10.66.0.3/24 dev mirror0"));
    ip(&format!("-n {sensor} link add link mirror0 name above0 type macvlan"));
    let output = bench.part(sensor, "refused");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("REACHED THE END"), "{text}");
    for expected in [
        "has IPv6 enabled, has the address 10.66.0.2 and 10.66.0.3, answers ARP and carries above0",
        "\n  sudo sysctl -w net/ipv6/conf/mirror0/disable_ipv6=1\n",
        "\n  sudo ip address flush dev mirror0\n",
        "\n  sudo ip link set mirror0 arp off\n",
        "--prepare-interface",
        "--own-interface",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
    // Its own advice, taken: then only "is down" is left, which has a message of its own.
    inside(sensor, "sysctl -qw net/ipv6/conf/mirror0/disable_ipv6=1");
    ip(&format!("-n {sensor} address flush dev mirror0"));
    ip(&format!("-n {sensor} link set mirror0 arp off"));
    ip(&format!("-n {sensor} link delete above0"));
    let output = bench.part(sensor, "refused");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("mirror0: is down; run: sudo ip link set mirror0 up"), "{text}");
}

#[test]
fn the_sensor_hears_all_and_says_nothing() {
    let Some(bench) = Bench::new("hear") else { return };
    ip(&format!("-n {} address add 10.66.0.2/24 dev mirror0", bench.sensor));
    let before = bench.received_by_device();
    bench.listen("listen alone");
    assert_eq!(bench.received_by_device(), before, "the sensor's side sent frames");
    assert_eq!(before, 0);
}

#[test]
fn workers_share_the_traffic_without_seeing_a_frame_twice() {
    let Some(bench) = Bench::new("share") else { return };
    bench.listen("listen with workers");
    assert_eq!(bench.received_by_device(), 0, "the sensor's side sent frames");
}

#[test]
fn an_interface_that_goes_down_is_an_error_and_comes_back() {
    let Some(bench) = Bench::new("down") else { return };
    bench.listen("listen through an outage");
}

/// Not a test by itself: the halves of the tests above, each inside its namespace.
#[test]
fn a_part_runs_in_its_namespace() {
    let Some(part) = std::env::var_os(PART) else { return };
    match part.to_str().unwrap() {
        "refused" => eprintln!("{}", open_live("mirror0", LiveOptions::default()).err().unwrap()),
        "listen alone" => listen(1),
        "listen with workers" => listen(3),
        "listen through an outage" => outage(),
        part => panic!("no part {part}"),
    }
    eprintln!("REACHED THE END");
}

fn prepared(workers: usize) -> LiveOptions {
    LiveOptions { prepare_interface: true, workers, ring_bytes: 8 << 20, ..LiveOptions::default() }
}

/// Listens until enough tagged and untagged messages were heard, and looks at each of them.
fn listen(workers: usize) {
    let mut captures = open_live("mirror0", prepared(workers)).unwrap();
    assert_eq!(captures.len(), workers);
    let addresses = run("ip", &["-o", "address", "show", "dev", "mirror0"]);
    assert!(addresses.stdout.is_empty(), "{}", String::from_utf8_lossy(&addresses.stdout));
    let mut block = Block::new();
    let (mut heard, mut by_worker) = ([0, 0], vec![0; workers]);
    let mut messages = std::collections::BTreeSet::new();
    let start = Instant::now();
    while heard.iter().any(|&heard| heard < MESSAGES) {
        assert!(start.elapsed() < PATIENCE, "heard {heard:?}");
        for (capture, by_worker) in captures.iter_mut().zip(&mut by_worker) {
            if capture.next_block(&mut block).unwrap() == Progress::Idle {
                assert!(block.is_empty());
                continue;
            }
            for frame in block.frames() {
                let Some(message) = position(frame.bytes, MARK).map(|at| &frame.bytes[at..]) else {
                    continue;
                };
                assert!(
                    messages.insert(message.to_vec()),
                    "heard twice: {}",
                    String::from_utf8_lossy(message)
                );
                *by_worker += 1;
                assert_eq!(frame.wire_bytes as usize, frame.bytes.len());
                assert_eq!(frame.bytes[..6], [2, 0, 0, 0, 0, 2]);
                let age_s = now_s().abs_diff(frame.at.as_secs());
                assert!(age_s < 60, "a time of now, not {age_s} s from it");
                match &frame.bytes[12..18] {
                    [0x08, 0x00, ..] => heard[0] += 1,
                    [0x81, 0x00, 0x00, 42, 0x08, 0x00] => heard[1] += 1,
                    other => panic!("neither untagged nor VLAN 42: {other:02x?}"),
                }
            }
        }
    }
    assert_eq!(by_worker.iter().sum::<usize>(), heard.iter().sum::<usize>());
    if workers > 1 {
        assert!(by_worker.iter().all(|&heard| heard > 0), "flows are spread: {by_worker:?}");
    }
    for capture in &captures {
        assert_eq!(capture.counters().dropped, Some(0));
    }
    assert!(captures.iter().map(|capture| capture.counters().frames).sum::<u64>() >= 2 * MESSAGES as u64);
}

/// The interface goes down and up again under the capture.
fn outage() {
    // Before the seal: afterwards this process, and any that it starts, can change nothing.
    let script = "while ! [ -e $0.go ]; do sleep 0.02; done; ip link set mirror0 down; \
                  while [ -e $0.go ]; do sleep 0.02; done; ip link set mirror0 up";
    let flag = std::env::temp_dir().join(format!("ward-outage-{}", std::process::id()));
    let go = flag.with_extension("go");
    let mut outside = Command::new("sh").args(["-c", script, flag.to_str().unwrap()]).spawn().unwrap();
    let mut captures = open_live("mirror0", prepared(1)).unwrap();
    let capture = &mut *captures[0];
    let mut block = Block::new();
    hear(capture, &mut block);
    fs::write(&go, "").unwrap();
    let start = Instant::now();
    let error = loop {
        assert!(start.elapsed() < PATIENCE);
        if let Err(error) = capture.next_block(&mut block) {
            break error.to_string();
        }
    };
    assert!(error.starts_with("mirror0: went down or away while listening"), "{error}");
    assert!(block.is_empty());
    fs::remove_file(&go).unwrap();
    hear(capture, &mut block);
    outside.wait().unwrap();
}

fn hear(capture: &mut dyn Capture, block: &mut Block) {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE);
        let heard = capture.next_block(block).is_ok_and(|progress| progress == Progress::More);
        if heard && block.frames().any(|frame| position(frame.bytes, MARK).is_some()) {
            return;
        }
    }
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
