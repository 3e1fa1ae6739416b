//! Behaviour as data: `scenarios/<name>/input.pcap` in, `expect.txt` out. `cargo xtask bless` (BLESS=1) writes what is.
//!
//! The engine runs in-process on the times of the capture, so a run repeats exactly.

use crate::support::{self, Read};
use model::{Record, Transport};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

#[test]
fn scenarios_tell_what_they_are_expected_to() {
    let bless = std::env::var_os("BLESS").is_some();
    let (mut run, mut wrong) = (0, Vec::new());
    let mut folders: Vec<_> =
        std::fs::read_dir(support::root().join("scenarios")).unwrap().flatten().map(|e| e.path()).collect();
    folders.sort();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let input =
            ["input.pcap", "input.pcapng"].map(|name| folder.join(name)).into_iter().find(|p| p.exists());
        let input =
            input.unwrap_or_else(|| panic!("{}: input.pcap or input.pcapng is missing", folder.display()));
        let told = tell(&input);
        run += 1;
        let expect = folder.join("expect.txt");
        if bless {
            std::fs::write(&expect, &told).unwrap();
        } else if std::fs::read_to_string(&expect).unwrap_or_default() != told {
            wrong.push(difference(folder, &std::fs::read_to_string(&expect).unwrap_or_default(), &told));
        }
    }
    eprintln!("{run} scenarios run{}", if bless { " and blessed" } else { "" });
    assert!(run > 0, "no scenarios");
    assert!(wrong.is_empty(), "{}\nIf this is what should be: cargo xtask bless", wrong.join("\n"));
}

/// The first lines that differ.
fn difference(folder: &Path, expected: &str, told: &str) -> String {
    let name = folder.file_name().unwrap().to_string_lossy();
    let (expected, told): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), told.lines().collect());
    let missing =
        expected.iter().filter(|line| !told.contains(line)).take(6).map(|line| format!("  - {line}"));
    let extra = told.iter().filter(|line| !expected.contains(line)).take(6).map(|line| format!("  + {line}"));
    format!("{name}:\n{}", missing.chain(extra).collect::<Vec<_>>().join("\n"))
}

/// What a capture tells: devices, facts, events, messages by verb, what could not be read.
fn tell(input: &Path) -> String {
    let mut capture =
        ward::capture::open_file(input).unwrap_or_else(|error| panic!("{}: {error}", input.display()));
    let read = support::read(capture.as_mut());
    let mut text = String::new();
    devices(&read, &mut text);
    facts(&read, &mut text);
    messages(&read, &mut text);
    let coverage = &read.resolved.coverage;
    writeln!(
        text,
        "\n[coverage]\nframes {} flows {} duplicates {} gap-bytes {}",
        coverage.frames, coverage.flows, coverage.duplicate_frames, coverage.gap_bytes
    )
    .unwrap();
    for unparsed in &coverage.unparsed {
        writeln!(text, "unparsed {} {:?} {}", unparsed.protocol, unparsed.reason, unparsed.count).unwrap();
    }
    text
}

fn devices(read: &Read, text: &mut String) {
    writeln!(text, "[devices]").unwrap();
    let mut lines: Vec<String> = read
        .resolved
        .devices
        .iter()
        .map(|device| {
            let addresses: Vec<String> = device
                .addresses
                .iter()
                .map(|a| {
                    let mac = a.mac.map(|m| m.to_string()).unwrap_or_default();
                    let ip = a.ip.map(|ip| format!(" {ip}")).unwrap_or_default();
                    let vlan = a.vlan.map(|v| format!(" vlan {}", v.id())).unwrap_or_default();
                    format!("{mac}{ip}{vlan}")
                })
                .collect();
            let protocols: Vec<&str> = device.protocols.iter().map(|p| p.name()).collect();
            let flags = [
                (device.is_router, " router"),
                (device.phi_in_clear, " PHI-in-clear"),
                (device.behind.is_some(), " behind"),
            ];
            let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, word)| *word).collect();
            let name = device.names.first().map_or("-", |name| name.as_str());
            format!("{name} ({}) {}{flags}", addresses.join(", "), protocols.join(" "))
        })
        .collect();
    lines.sort();
    lines.iter().for_each(|line| writeln!(text, "{line}").unwrap());
    for finding in &read.resolved.findings {
        writeln!(text, "finding {:?} {}", finding.kind, finding.summary).unwrap();
    }
}

fn facts(read: &Read, text: &mut String) {
    let (mut facts, mut events) = (Vec::new(), Vec::new());
    for record in &read.records {
        match record {
            Record::Fact(f) => {
                facts.push(format!("{} {} {} ({})", f.endpoint.address, f.attribute, f.value, f.source))
            }
            Record::Event(e) => {
                let peer = e.peer.map(|p| format!(" with {}", p.address)).unwrap_or_default();
                events
                    .push(format!("{}{peer} {:?} {} ({})", e.endpoint.address, e.kind, e.detail, e.protocol));
            }
            _ => {}
        }
    }
    for (title, mut lines) in [("facts", facts), ("events", events)] {
        lines.sort();
        lines.dedup();
        writeln!(text, "\n[{title}]").unwrap();
        lines.iter().for_each(|line| writeln!(text, "{line}").unwrap());
    }
}

fn messages(read: &Read, text: &mut String) {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for record in &read.records {
        let Record::Activity(a) = record else { continue };
        if a.verb.is_empty() {
            continue;
        }
        let transport = match a.transport {
            Transport::Tcp => format!("tcp/{}", a.service_port),
            Transport::Udp => format!("udp/{}", a.service_port),
            _ => String::new(),
        };
        let key =
            format!("{} -> {} {} {transport} {}", a.endpoint.address, a.peer.address, a.protocol, a.verb);
        *sums.entry(key).or_default() += a.count;
    }
    writeln!(text, "\n[messages]").unwrap();
    sums.iter().for_each(|(key, count)| writeln!(text, "{key}: {count}").unwrap());
}
