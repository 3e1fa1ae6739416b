//! St Brannoc's, the sample that ships, against what the script that made it says it sent (st-brannocs.truth.json).

use crate::support;
use model::{DeviceKey, Protocol};
use std::collections::{BTreeMap, BTreeSet};

fn truth() -> serde_json::Value {
    let path = support::root().join("data/samples/st-brannocs.truth.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn read() -> support::Read {
    let path = support::root().join("data/samples/st-brannocs.pcap.zst");
    support::read(ward::capture::open_file(&path).unwrap().as_mut())
}

#[test]
fn the_sample_hospital_is_found_whole() {
    let (truth, read) = (truth(), read());
    assert_eq!(read.counters.frames, truth["packets"].as_u64().unwrap());
    let wired = truth["devices"].as_array().unwrap().iter().chain(truth["guests"].as_array().unwrap());
    let expected: BTreeSet<String> = wired.filter_map(|d| d["mac"].as_str()).map(str::to_lowercase).collect();
    let found: Vec<String> = read
        .resolved
        .devices
        .iter()
        .filter(|d| matches!(d.key, DeviceKey::Address(_)))
        .map(|d| {
            let macs: BTreeSet<String> =
                d.addresses.iter().filter_map(|a| a.mac).map(|m| m.to_string()).collect();
            assert_eq!(macs.len(), 1, "{:?} was put together of {macs:?}", d.names);
            macs.into_iter().next().unwrap()
        })
        .collect();
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), expected, "devices by link address");
    assert_eq!(found.len(), expected.len(), "a link address became two devices");
    let behind: BTreeSet<&str> = read
        .resolved
        .devices
        .iter()
        .filter(|d| matches!(d.key, DeviceKey::Equipment(_)))
        .map(|d| {
            assert!(d.behind.is_some());
            d.names[0].as_str()
        })
        .collect();
    let pumps = truth["behind_gateway"].as_array().unwrap();
    assert_eq!(pumps.len(), 24);
    let serials: BTreeSet<&str> = pumps.iter().map(|p| p["serial"].as_str().unwrap()).collect();
    assert_eq!(behind, serials, "pumps behind the gateway");
}

#[test]
fn every_message_the_sample_holds_is_counted() {
    let (truth, read) = (truth(), read());
    let mut counted: BTreeMap<(Protocol, String), u64> = BTreeMap::new();
    for talk in &read.resolved.talks {
        for (verb, count) in &talk.verbs {
            *counted.entry((talk.protocol, verb.to_string())).or_default() += count;
        }
    }
    let sum =
        |protocol: Protocol, verb: &str| counted.get(&(protocol, verb.to_owned())).copied().unwrap_or(0);
    let sent = |what: &str| -> u64 {
        let sent = truth["sent"].as_object().unwrap();
        sent.iter().filter(|(key, _)| key.starts_with(what)).map(|(_, n)| n.as_u64().unwrap()).sum()
    };
    for kind in ["ADT^A01", "ADT^A03", "ADT^A04", "ADT^A08", "OML^O21", "ORM^O01", "ORU^R01"] {
        assert_eq!(sum(Protocol::Hl7v2, kind), sent(&format!("hl7 {kind} ")), "{kind}");
    }
    let acknowledged: u64 = counted
        .iter()
        .filter(|((p, verb), _)| *p == Protocol::Hl7v2 && verb.starts_with("ACK"))
        .map(|(_, n)| n)
        .sum();
    assert_eq!(acknowledged, sent("hl7 ACK"));
    assert_eq!(sum(Protocol::Dicom, "C-ECHO-RQ"), sent("dicom C-ECHO"));
    assert_eq!(sum(Protocol::Dicom, "C-MOVE-RQ"), truth["sent"]["dicom C-MOVE"].as_u64().unwrap());
    assert_eq!(sum(Protocol::Dicom, "C-FIND-RQ"), sent("dicom C-FIND"));
    assert_eq!(
        sum(Protocol::Dicom, "N-CREATE-RQ") + sum(Protocol::Dicom, "N-SET-RQ"),
        sent("dicom MPPS N-CREATE and N-SET")
    );
    assert!(sum(Protocol::Mqtt, "PUBLISH") >= sent("mqtt PUBLISH sent by fac-fridge"));
}

#[test]
fn no_patient_of_the_sample_is_in_a_report() {
    let (truth, read) = (truth(), read());
    let document = support::document("st-brannocs", &read);
    let mut table = Vec::new();
    ward::report::print(&document, 200, &mut table).unwrap();
    let json = serde_json::to_string(&document).unwrap();
    let told =
        [String::from_utf8(table).unwrap(), json, ward::report::page(&document)].concat().to_lowercase();
    let mut canaries = Vec::new();
    collect(&truth["phi_canaries"], &mut canaries);
    assert!(canaries.len() > 50, "only {} canaries", canaries.len());
    let leaked: Vec<&String> =
        canaries.iter().filter(|c| c.len() >= 5 && told.contains(&c.to_lowercase())).collect();
    assert!(leaked.is_empty(), "{leaked:?}");
    assert!(read.resolved.devices.iter().any(|d| d.phi_in_clear));
}

fn collect(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|v| collect(v, texts)),
        serde_json::Value::Object(fields) => fields.values().for_each(|v| collect(v, texts)),
        _ => {}
    }
}
