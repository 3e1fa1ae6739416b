//! Labelled devices: every labelled MAC is found and nothing is made up.
//!
//! A phantom is a device that never sent a frame, is an off-site peer, or is a second device for one MAC.

use crate::support;
use model::{Address, DeviceKey, MacAddr};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use ward::capture::{Block, Progress};

/// Link addresses that sent frames, read straight from the Ethernet headers: the truth to compare with.
fn senders(path: &Path) -> BTreeSet<MacAddr> {
    let mut capture = ward::capture::open_file(path).unwrap();
    let (mut block, mut senders) = (Block::new(), BTreeSet::new());
    while capture.next_block(&mut block).unwrap() != Progress::End {
        for frame in block.frames() {
            assert_eq!(frame.link, sense::LinkType::Ethernet, "{}", path.display());
            if let Some(octets) = frame.bytes.get(6..12) {
                senders.insert(MacAddr::new(octets.try_into().unwrap()));
            }
        }
    }
    senders
}

/// Phantoms of one capture, in words.
fn phantoms(devices: &[model::Device], senders: &BTreeSet<MacAddr>) -> Vec<String> {
    let mut found = Vec::new();
    let mut owners: BTreeMap<MacAddr, usize> = BTreeMap::new();
    for device in devices {
        let macs: BTreeSet<MacAddr> = device.addresses.iter().filter_map(|a| a.mac).collect();
        macs.iter().for_each(|mac| *owners.entry(*mac).or_default() += 1);
        match &device.key {
            DeviceKey::Address(Address::Mac(mac)) if !senders.contains(mac) => {
                found.push(format!("{mac} never sent a frame"));
            }
            DeviceKey::Address(Address::Ip(ip)) => {
                found.push(format!("{ip} is a peer behind a router, not a device here"))
            }
            DeviceKey::Equipment(id) => found.push(format!("equipment {id} sent nothing")),
            DeviceKey::Address(Address::Mac(_)) => {}
        }
    }
    found.extend(
        owners.into_iter().filter(|(_, n)| *n > 1).map(|(mac, n)| format!("{mac} became {n} devices")),
    );
    found
}

#[test]
fn iot_sentinel_every_labelled_device_and_no_phantom() {
    let Some(corpus) = support::corpus("iot_sentinel_every_labelled_device_and_no_phantom") else { return };
    let (mut captures, mut found, mut wrong) = (0, 0, Vec::new());
    for path in support::captures_below(&corpus.join("pcap/iot-sentinel")) {
        let folder = path.parent().unwrap();
        let label = std::fs::read_to_string(folder.join("_iotdevice-mac.txt")).unwrap();
        let label: MacAddr = label.trim().parse().unwrap();
        let senders = senders(&path);
        let read = support::read(ward::capture::open_file(&path).unwrap().as_mut());
        captures += 1;
        let name = format!(
            "{}/{}",
            folder.file_name().unwrap().to_string_lossy(),
            path.file_name().unwrap().to_string_lossy()
        );
        let is_found = read.resolved.devices.iter().any(|d| d.addresses.iter().any(|a| a.mac == Some(label)));
        found += usize::from(is_found);
        if !is_found {
            let reason = if senders.contains(&label) { "missed" } else { "sent no frame in this capture" };
            wrong.push(format!("{name}: {label} {reason}"));
        }
        wrong.extend(
            phantoms(&read.resolved.devices, &senders).into_iter().map(|p| format!("{name}: phantom: {p}")),
        );
        for mac in senders.iter().filter(|m| m.is_unicast()) {
            if !read.resolved.devices.iter().any(|d| d.addresses.iter().any(|a| a.mac == Some(*mac))) {
                wrong.push(format!("{name}: {mac} sent frames and is no device"));
            }
        }
    }
    eprintln!(
        "iot-sentinel: {found} of {captures} captures show their labelled device; {} complaints",
        wrong.len()
    );
    assert!(captures > 150, "only {captures} captures");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn madea_every_labelled_device_that_sent() {
    let Some(corpus) = support::corpus("madea_every_labelled_device_that_sent") else { return };
    let folder = corpus.join("pcap/lan-smarthome-madea");
    let map = std::fs::read_to_string(folder.join("Device_MAC_Name_Mapping.csv")).unwrap();
    let labelled: BTreeMap<MacAddr, &str> = map
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .map(|(mac, name)| (mac.parse().unwrap(), name))
        .collect();
    assert_eq!(labelled.len(), 15);
    let mut seen: BTreeMap<MacAddr, usize> = BTreeMap::new();
    let (mut wrong, mut all_senders) = (Vec::new(), BTreeSet::new());
    for path in support::captures_below(&folder) {
        let senders = senders(&path);
        all_senders.extend(senders.iter().copied());
        let read = support::read(ward::capture::open_file(&path).unwrap().as_mut());
        for device in &read.resolved.devices {
            for mac in device.addresses.iter().filter_map(|a| a.mac).collect::<BTreeSet<_>>() {
                if labelled.contains_key(&mac) {
                    *seen.entry(mac).or_default() += 1;
                }
            }
        }
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        wrong.extend(phantoms(&read.resolved.devices, &senders).into_iter().map(|p| format!("{file}: {p}")));
        for mac in labelled.keys().filter(|mac| senders.contains(mac)) {
            if !read.resolved.devices.iter().any(|d| d.addresses.iter().any(|a| a.mac == Some(*mac))) {
                wrong.push(format!("{file}: {mac} was missed"));
            }
        }
    }
    for (mac, name) in &labelled {
        eprintln!("MADEA {mac} {name:32} in {} captures", seen.get(mac).copied().unwrap_or(0));
    }
    // The smoke detector's address is in no frame of these captures, neither as sender nor as receiver.
    let silent: Vec<&str> =
        labelled.iter().filter(|(mac, _)| !all_senders.contains(*mac)).map(|(_, name)| *name).collect();
    assert_eq!(silent, ["Nest Smoke & CO Detector"]);
    assert_eq!(
        seen.len(),
        14,
        "devices never found: {:?}",
        labelled.keys().filter(|m| !seen.contains_key(*m)).collect::<Vec<_>>()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
