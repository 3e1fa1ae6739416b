//! Medical captures that others made, and ours from their unmodified software: what Ward tells of them against what their
//! bytes say (read with tshark 4.0) and what the corpus' manifest says they are.

use crate::support::{self, Read};
use model::{Attribute, Record};
use std::collections::BTreeMap;
use std::path::Path;

fn scan(folder: &Path, file: &str) -> Read {
    let path = folder.join(file);
    let mut capture =
        ward::capture::open_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    support::read(capture.as_mut())
}

/// `address value`, once each, in order.
fn facts(read: &Read, attribute: Attribute) -> Vec<String> {
    let mut facts: Vec<String> = read
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Fact(fact) if fact.attribute == attribute => {
                Some(format!("{} {}", fact.endpoint.address, fact.value))
            }
            _ => None,
        })
        .collect();
    facts.sort();
    facts.dedup();
    facts
}

/// `VERB count`, both directions together, in order.
fn verbs(read: &Read) -> Vec<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for record in &read.records {
        if let Record::Activity(activity) = record
            && !activity.verb.is_empty()
        {
            *counts.entry(&activity.verb).or_default() += activity.count;
        }
    }
    counts.into_iter().map(|(verb, count)| format!("{verb} {count}")).collect()
}

/// Nothing that stands in the capture as patient data may stand in what was told.
fn assert_untold(read: &Read, names: &[&str]) {
    let told = format!("{:?}", read.records).to_lowercase();
    for name in names {
        assert!(!told.contains(&name.to_lowercase()), "{name} is told");
    }
}

const MOUSE: [&str; 9] =
    ["mouse", "mickey", "minnie", "mousetown", "lake buena", "135769", "999999999", "ohtoodles", "19281118"];

#[test]
fn hl7_admissions() {
    let Some(corpus) = support::corpus("hl7_admissions") else { return };
    for (file, equipment) in
        [("HL7-ADT.pcap", None), ("HL7-ADT-UDI-OBX.pcap", Some("10.0.0.155 Hospira Plum A+"))]
    {
        let read = scan(&corpus.join("pcap/medical/hl7"), file);
        assert_eq!(verbs(&read), ["ACK 1", "ADT^A01 1"], "{file}");
        let applications = facts(&read, Attribute::Hl7Application);
        assert_eq!(
            applications,
            ["10.0.0.126 RECEIVING_APPLICATION", "10.0.0.155 SENDING_APPLICATION"],
            "{file}"
        );
        let facilities = facts(&read, Attribute::Hl7Facility);
        assert_eq!(facilities, ["10.0.0.126 RECEIVING_FACILITY", "10.0.0.155 SENDING_FACILITY"], "{file}");
        assert_eq!(facts(&read, Attribute::Hl7Version), ["10.0.0.126 2.3", "10.0.0.155 2.3"], "{file}");
        assert_eq!(facts(&read, Attribute::Hl7Processing), ["10.0.0.126 P", "10.0.0.155 P"], "{file}");
        assert_eq!(facts(&read, Attribute::EquipmentId), Vec::from_iter(equipment), "{file}");
        let phi = facts(&read, Attribute::PhiInClear);
        assert_eq!(phi.len(), 1, "{file}: {phi:?}");
        assert!(
            phi[0].starts_with("10.0.0.155 hl7v2 PID-3 PID-5 PID-7 PID-11 PID-13 PID-18 PID-19"),
            "{file}: {phi:?}"
        );
        assert_eq!(phi[0].contains("NK1-2"), equipment.is_none(), "{file}: {phi:?}");
        assert_untold(&read, &MOUSE);
    }
}

#[test]
fn an_infusion_pump_behind_a_gateway_is_a_device_of_its_own() {
    let Some(corpus) = support::corpus("an_infusion_pump_behind_a_gateway_is_a_device_of_its_own") else {
        return;
    };
    let read = scan(&corpus.join("pcap/medical/hl7"), "HL7-ADT-UDI-OBX.pcap");
    let devices = &read.resolved.devices;
    let pump =
        devices.iter().find(|device| device.addresses.is_empty()).expect("a device without an address");
    assert_eq!(pump.names, ["Hospira Plum A+"]);
    let gateway = devices.iter().find(|device| Some(device.id) == pump.behind).expect("its gateway");
    assert_eq!(gateway.addresses[0].ip.map(|ip| ip.to_string()).as_deref(), Some("10.0.0.155"));
    assert_eq!(devices.len(), 3, "two hosts and the pump");
}

#[test]
fn hl7_results() {
    let Some(corpus) = support::corpus("hl7_results") else { return };
    let read = scan(&corpus.join("pcap/medical/hl7"), "HL7-ORU.pcap");
    assert_eq!(verbs(&read), ["ACK 1", "ORU^R01 1"]);
    assert_eq!(facts(&read, Attribute::Hl7Application), ["10.0.0.126 ReceivingApp", "10.0.0.155 SendingApp"]);
    assert_eq!(facts(&read, Attribute::Hl7Facility), ["10.0.0.126 ReceivingFac", "10.0.0.155 SendingFac"]);
    assert_eq!(facts(&read, Attribute::Hl7Version), ["10.0.0.126 2.3", "10.0.0.155 2.3"]);
    assert_eq!(facts(&read, Attribute::EquipmentId), [] as [String; 0]);
    let phi = facts(&read, Attribute::PhiInClear);
    assert!(phi.len() == 1 && phi[0].starts_with("10.0.0.155 hl7v2 PID-3 PID-5 PID-7 PID-11"), "{phi:?}");
    assert_untold(&read, &["mouse", "minnie", "duck", "goof", "fort wayne", "12345^", "7.0", "xyz lab"]);
}

/// Only the request of an association each, on loopback addresses: nothing is stated of these, but everything is counted.
#[test]
fn dicom_association_requests() {
    let Some(corpus) = support::corpus("dicom_association_requests") else { return };
    for file in [
        "dicom_arq_1_find_testclient.pcap",
        "dicom_arq_2_get_testclient.pcap",
        "dicom_arq_3_find_bogus_local.pcap",
    ] {
        let read = scan(&corpus.join("pcap/medical/dicom"), file);
        assert_eq!(verbs(&read), ["A-ASSOCIATE-RQ 1"], "{file}");
        let facts = read.records.iter().filter(|record| matches!(record, Record::Fact(_))).count();
        assert_eq!(facts, 0, "{file}: a loopback address names no device");
    }
}

/// Synthetic (TapirXL): a CT of GE sends an image to a Centricity archive.
#[test]
fn a_ct_sends_to_the_archive() {
    let Some(corpus) = support::corpus("a_ct_sends_to_the_archive") else { return };
    let read = scan(&corpus.join("pcap/medical/tapirxl-synthetic"), "ct_to_pacs_scenario.pcap");
    assert_eq!(facts(&read, Attribute::AeTitle), ["10.40.2.10 CENTRICITY001", "10.40.2.20 BRIGHTSPEED01"]);
    let classes = facts(&read, Attribute::ImplementationClassUid);
    assert_eq!(classes, ["10.40.2.10 1.2.840.113619.7.5.1", "10.40.2.20 1.2.840.113619.2.5"]);
    let versions = facts(&read, Attribute::ImplementationVersionName);
    assert_eq!(versions, ["10.40.2.10 CENTRICITY5.0", "10.40.2.20 AW1234"]);
    assert_eq!(facts(&read, Attribute::DeviceType), ["10.40.2.20 CT"]);
    assert_eq!(facts(&read, Attribute::Manufacturer), ["10.40.2.20 GE Healthcare"]);
    assert_eq!(facts(&read, Attribute::Model), ["10.40.2.20 BrightSpeed Elite Select"]);
    assert_eq!(
        facts(&read, Attribute::HostName),
        ["10.40.2.10 PACS-CENTRICITY-001", "10.40.2.20 BRIGHTSPEED01"]
    );
    assert_eq!(facts(&read, Attribute::PhiInClear), ["10.40.2.20 dicom group 0010"]);
    let verbs = verbs(&read);
    for verb in ["A-ASSOCIATE-RQ 1", "A-ASSOCIATE-AC 1", "C-STORE-RQ 1", "C-STORE-RSP 1"] {
        assert!(verbs.contains(&verb.to_owned()), "{verb} in {verbs:?}");
    }
    assert_eq!(read.resolved.devices.len(), 2);
    assert_untold(&read, &["synth", "poc"]);
}

const SELF_MADE_PATIENT: [&str; 3] = ["doe^", "jane", "mrn000123"];

#[test]
fn dcmtk_echoes_and_stores() {
    let Some(corpus) = support::corpus("dcmtk_echoes_and_stores") else { return };
    let read = scan(&corpus.join("pcap/self-made"), "dicom-dcmtk-cecho-cstore.pcap");
    assert_eq!(
        verbs(&read),
        [
            "A-ASSOCIATE-AC 2",
            "A-ASSOCIATE-RQ 2",
            "A-RELEASE-RP 2",
            "A-RELEASE-RQ 2",
            "C-ECHO-RQ 1",
            "C-ECHO-RSP 1",
            "C-STORE-RQ 1",
            "C-STORE-RSP 1",
        ]
    );
    assert_untold(&read, &SELF_MADE_PATIENT);
}

#[test]
fn python_hl7_sends_three_messages() {
    let Some(corpus) = support::corpus("python_hl7_sends_three_messages") else { return };
    let read = scan(&corpus.join("pcap/self-made"), "hl7-mllp-pythonhl7.pcap");
    assert_eq!(verbs(&read), ["ACK^A01 1", "ACK^R01 2", "ADT^A01 1", "ORU^R01 2"]);
    assert_untold(&read, &SELF_MADE_PATIENT);
}

const MQTT_VERBS: [(&str, u64); 10] = [
    ("CONNACK", 11),
    ("CONNECT", 11),
    ("DISCONNECT", 11),
    ("PUBACK", 7),
    ("PUBCOMP", 2),
    ("PUBLISH", 15),
    ("PUBREC", 2),
    ("PUBREL", 2),
    ("SUBACK", 3),
    ("SUBSCRIBE", 3),
];

/// Eight publishing and three subscribing clients of both versions; counts of `tshark -T fields -e mqtt.msgtype`.
#[test]
fn mosquitto_publishes_and_subscribes() {
    let Some(corpus) = support::corpus("mosquitto_publishes_and_subscribes") else { return };
    let read = scan(&corpus.join("pcap/self-made"), "mqtt-mosquitto-v311-v5-plain.pcap");
    let said: BTreeMap<String, u64> = verbs(&read)
        .iter()
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(verb, count)| (verb.split(' ').next().unwrap().to_owned(), count.parse::<u64>().unwrap()))
        .fold(BTreeMap::new(), |mut sum, (verb, count)| {
            *sum.entry(verb).or_default() += count;
            sum
        });
    let expected = MQTT_VERBS.iter().map(|(verb, count)| ((*verb).to_owned(), *count)).collect();
    assert_eq!(said, expected);
    assert_untold(&read, &["iomt/", "pump7/vitals", "pump7/status"]);
}

/// A real Siemens DCA Vantage analyser speaks POCT1-A, which Ward does not read yet: it may not take it for anything else.
#[test]
fn an_analyser_of_poct1a_is_not_mistaken() {
    let Some(corpus) = support::corpus("an_analyser_of_poct1a_is_not_mistaken") else { return };
    let read = scan(&corpus.join("pcap/medical/poct1a"), "dca_basic_conversation_flow.pcapng");
    let flows = read.records.iter().filter_map(|record| match record {
        Record::Flow(flow) if flow.transport == model::Transport::Tcp => Some(flow),
        _ => None,
    });
    let spoken: Vec<model::Protocol> = flows.map(|flow| flow.protocol).collect();
    assert!(!spoken.is_empty() && spoken.iter().all(|p| *p == model::Protocol::Unknown), "{spoken:?}");
    assert_eq!(facts(&read, Attribute::PhiInClear), [] as [String; 0]);
}

/// Consumer medical devices over Wi-Fi (raw IP or Ethernet) and Bluetooth (Nordic's sniffer, which is not IP at all): what
/// cannot be read is counted, frame by frame.
#[test]
fn consumer_devices_are_read_or_counted_as_unread() {
    let Some(corpus) = support::corpus("consumer_devices_are_read_or_counted_as_unread") else { return };
    let (mut read_captures, mut bluetooth) = (0, 0);
    for path in support::captures_below(&corpus.join("pcap/medical/iotsec-devices")) {
        let read = support::read(ward::capture::open_file(&path).unwrap().as_mut());
        let coverage = &read.resolved.coverage;
        let is_link_type = |u: &&model::Unparsed| u.reason == model::UnparsedReason::LinkType;
        let unread: u64 = coverage.unparsed.iter().filter(is_link_type).map(|u| u.count).sum();
        if unread > 0 {
            assert_eq!(unread, coverage.frames, "{}", path.display());
            assert!(read.resolved.devices.is_empty(), "{}", path.display());
            bluetooth += 1;
        } else {
            assert!(!read.resolved.devices.is_empty(), "{}", path.display());
            read_captures += 1;
        }
    }
    eprintln!("{read_captures} captures read, {bluetooth} of Bluetooth counted as unread");
    assert_eq!((read_captures, bluetooth), (105, 3));
}
