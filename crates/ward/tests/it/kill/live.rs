//! `kill -9` while an interface is listened on: what was not heard or not yet durable is written down as a gap, and outside of
//! gaps every packet is there. Needs root, `ip` and `python3`, as capture_live.

use crate::up::{Installation, PATIENCE, Running, wait_until};
use model::{Record, Timestamp};
use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const KILLS: usize = 3;
/// The device says where it is in time: one packet from a new port every ten milliseconds, and writes down which and when.
const DEVICE: &str = r#"
import socket, struct, sys, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("dev0", 0))
for number in range(50000):
    text = b"pulse %d" % number
    port = 1024 + number
    udp = struct.pack(">HHHH", 65000, port, 8 + len(text), 0) + text
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number & 0xffff, 0, 64, 17, 0, bytes([10, 66, 0, 1]), bytes([10, 66, 0, 2]))
    half = sum(struct.unpack(">10H", ip))
    half = (half >> 16) + (half & 0xFFFF)
    ip = ip[:10] + struct.pack(">H", ~(half + (half >> 16)) & 0xFFFF) + ip[12:]
    at = time.time_ns()
    wire.send(bytes.fromhex("020000000002020000000001") + b"\x08\x00" + ip + udp)
    print(port, at, flush=True)
    time.sleep(0.01)
"#;

struct Bench {
    sensor: String,
    device: String,
    talking: Option<Child>,
}

impl Bench {
    fn new() -> Option<Self> {
        let id = std::process::id();
        let bench = Self { sensor: format!("ward-ks{id}"), device: format!("ward-kd{id}"), talking: None };
        let made = nix::unistd::geteuid().is_root()
            && run("python3", &["-V"]).is_some_and(|output| output.status.success())
            && run("ip", &["netns", "add", &bench.sensor]).is_some_and(|output| output.status.success());
        if !made {
            assert!(std::env::var_os("WARD_TEST_STRICT").is_none(), "needs root, ip and python3");
            eprintln!("SKIPPED kill::live: a network to listen on needs root, ip and python3");
            return None;
        }
        ip(&format!("netns add {}", bench.device));
        let (sensor, device) = (&bench.sensor, &bench.device);
        ip(&format!("link add mirror0 netns {sensor} type veth peer name dev0 netns {device}"));
        ip(&format!(
            "netns exec {device} sysctl -qw net/ipv6/conf/all/disable_ipv6=1 net/ipv6/conf/default/disable_ipv6=1"
        ));
        ip(&format!("-n {device} link set dev0 up"));
        ip(&format!("-n {sensor} link set lo up"));
        Some(bench)
    }

    fn talk(&mut self, log: std::fs::File) {
        let device = ["netns", "exec", &self.device, "python3", "-c", DEVICE];
        self.talking = Some(Command::new("ip").args(device).stdout(Stdio::from(log)).spawn().unwrap());
    }

    fn start(&self, installation: &Installation) -> Running {
        let command = installation.command();
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.sensor]).arg(command.get_program()).args(command.get_args());
        inside.stdin(Stdio::null()).stdout(Stdio::null());
        Running::of(inside)
    }

    /// A metric of a Ward inside.
    fn metric(&self, running: &Running, name: &str) -> f64 {
        let script = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())";
        let url = format!("http://{}/metrics", running.address());
        let output = run("ip", &["netns", "exec", &self.sensor, "python3", "-c", script, &url]).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let of = |line: &&str| line.starts_with(&format!("{name}{{"));
        text.lines().filter(of).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(mut talking) = self.talking.take() {
            let _ = talking.kill();
            let _ = talking.wait();
        }
        for namespace in [&self.sensor, &self.device] {
            run("ip", &["netns", "delete", namespace]);
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    Command::new(program).args(arguments).output().ok()
}

fn ip(arguments: &str) {
    let output = run("ip", &arguments.split(' ').collect::<Vec<_>>()).unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Ports that were heard, and when each was.
fn heard(installation: &Installation) -> BTreeMap<u16, Timestamp> {
    let mut heard = BTreeMap::new();
    let mut db = installation.db();
    db.query("SELECT data FROM blocks ORDER BY id", &[], &mut |row| {
        for record in store::block::decode(row.blob(0)?).unwrap() {
            if let Record::Activity(activity) = record {
                heard.entry(activity.service_port).or_insert(activity.header.observed_at);
            }
        }
        Ok(())
    })
    .unwrap();
    heard
}

fn gaps(installation: &Installation) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    installation
        .db()
        .query("SELECT gap_from, gap_to FROM gaps ORDER BY id", &[], &mut |row| {
            gaps.push((row.int(0)?.cast_unsigned(), row.int(1)?.cast_unsigned()));
            Ok(())
        })
        .unwrap();
    gaps
}

fn now_ns() -> u64 {
    ward::up::now().as_nanos()
}

/// What the device has said so far: port and time.
fn said(log: &std::path::Path) -> Vec<(u16, u64)> {
    let text = std::fs::read_to_string(log).unwrap();
    let line = |line: &str| {
        let (port, at) = line.split_once(' ')?;
        Some((port.parse().ok()?, at.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn outside_of_gaps_every_packet_is_durable() {
    let Some(mut bench) = Bench::new() else { return };
    let installation = Installation::new("");
    installation.configure("[[listen]]\ninterface = \"mirror0\"\nprepare_interface = true\n");
    let log = installation.root.join("said");
    let mut running = bench.start(&installation);
    running.wait_for("ward is up. ");
    let up_at = now_ns();
    bench.talk(std::fs::File::create(&log).unwrap());
    let mut lost = Duration::ZERO;
    for kill in 0..KILLS {
        let before = heard(&installation).len();
        wait_until("packets", || heard(&installation).len() > before + 150);
        let killed_at = now_ns();
        running.kill();
        let durable_to = heard(&installation).values().map(|at| at.as_nanos()).max().unwrap();
        lost = lost.max(Duration::from_nanos(killed_at.saturating_sub(durable_to)));
        running = bench.start(&installation);
        running.wait_for("ward is up. ");
        let began = Instant::now();
        while gaps(&installation).len() <= kill {
            assert!(began.elapsed() < PATIENCE, "no gap was written down: {}", running.said());
            std::thread::sleep(Duration::from_millis(50));
        }
        let (from, to) = gaps(&installation)[kill];
        eprintln!(
            "kill {kill}: {} ms before it not durable",
            killed_at.saturating_sub(durable_to) / 1_000_000
        );
        assert!(
            from >= durable_to && to > killed_at,
            "gap {from}..{to}, durable to {durable_to}, killed at {killed_at}"
        );
        let seconds = bench.metric(&running, "ward_live_gap_seconds_total");
        assert_eq!(
            seconds,
            (to - from).div_ceil(1_000_000_000) as f64,
            "seconds of the gap that this process counts"
        );
    }
    let before = heard(&installation).len();
    wait_until("packets", || heard(&installation).len() > before + 150);
    let until = now_ns();
    wait_until("the newest packets", || heard(&installation).values().any(|at| at.as_nanos() > until));
    running.stop();
    let (heard, gaps) = (heard(&installation), gaps(&installation));
    // A packet's time is its sender's here, and the wire's in a gap: they differ by what a loaded machine takes.
    let slack = 250_000_000;
    let is_in_gap = |at: u64| gaps.iter().any(|(from, to)| at + slack > *from && at < to + slack);
    let said = said(&log);
    let (mut missing, mut in_gaps) = (Vec::new(), 0);
    for (port, at) in said.iter().filter(|(_, at)| *at > up_at && *at < until) {
        match heard.contains_key(port) {
            true => {}
            false if is_in_gap(*at) => in_gaps += 1,
            false => missing.push((*port, *at)),
        }
    }
    eprintln!(
        "{} packets, {} heard, {in_gaps} lost in gaps {gaps:?}; at most {lost:?} before a kill",
        said.len(),
        heard.len()
    );
    assert!(missing.is_empty(), "{} packets outside of gaps are missing: {missing:?}", missing.len());
    assert!(lost < Duration::from_secs(2), "{lost:?} before a kill were not durable");
    installation.verify();
}
