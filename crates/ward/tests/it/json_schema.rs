//! The `--json` document keeps the shape that docs/scan.schema.json promises.

use crate::support;
use serde_json::{Value, json};
use testkit::packet;
use testkit::schema::violations;

const SCENARIOS: [&str; 10] = [
    "arp-poisoning",
    "dhcpv4-lease",
    "dicom-store",
    "hl7v2-monitor-to-ehr",
    "http-basic-auth",
    "http-chunk-overflow",
    "icmp-router-advertisement",
    "lldp-med-bedside-hub",
    "smb-version-1",
    "tls-client-certificate",
];

fn schema() -> Value {
    let text = std::fs::read_to_string(support::root().join("docs/scan.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn scan(name: &str) -> ward::report::Document {
    let input = support::root().join("scenarios").join(name).join("input.pcap");
    support::document(name, &support::read(ward::capture::open_file(&input).unwrap().as_mut()))
}

fn read_frames(frames: Vec<(u64, Vec<u8>)>) -> ward::report::Document {
    let file = std::io::Cursor::new(packet::pcap(1, &frames));
    let mut capture = ward::capture::open_reader("made", Box::new(file), None).unwrap();
    support::document("made", &support::read(capture.as_mut()))
}

/// 10.0.0.1 in VLAN 20 asks who has 10.0.0.2.
fn tagged_arp() -> Vec<u8> {
    let mac = [2, 0, 0, 0, 0, 1];
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac, &[10, 0, 0, 1], &[0; 6], &[10, 0, 0, 2]].concat();
    packet::ethernet(mac, [0xff; 6], 0x8100, &packet::vlan(20, 0x0806, &arp))
}

fn broken(document: &impl serde::Serialize) -> Vec<String> {
    violations(&schema(), &serde_json::to_value(document).unwrap())
}

#[test]
fn documents_conform_as_they_are_and_redacted() {
    let mut all = Vec::new();
    for name in SCENARIOS {
        let document = scan(name);
        assert_eq!(broken(&document), [] as [String; 0], "{name}");
        let redacted = ward::report::Redactor::new([1; 32]).redact(document.clone());
        assert_eq!(broken(&redacted), [] as [String; 0], "{name}, redacted");
        all.push(serde_json::to_value(document).unwrap());
    }
    let tagged = read_frames(vec![(1_790_000_000_000_000_000, tagged_arp())]);
    assert_eq!(broken(&tagged), [] as [String; 0], "frames with a VLAN tag");
    all.push(serde_json::to_value(tagged).unwrap());
    // An empty list conforms to anything: what the schema describes must have been there.
    for part in [
        "/devices/0/claims/0",
        "/devices/0/addresses/0",
        "/talks/0/verbs/0",
        "/findings/0",
        "/capture/unparsed/0",
        "/capture/vlans/0",
    ] {
        assert!(all.iter().any(|document| document.pointer(part).is_some()), "no scenario has {part}");
    }
}

#[test]
fn an_empty_capture_conforms() {
    assert_eq!(broken(&read_frames(Vec::new())), [] as [String; 0]);
}

#[test]
fn a_changed_document_does_not_conform() {
    let whole = serde_json::to_value(scan("hl7v2-monitor-to-ehr")).unwrap();
    assert_eq!(violations(&schema(), &whole), [] as [String; 0]);
    let places = [
        "",
        "/capture",
        "/capture/flows",
        "/capture/sources/0",
        "/devices/0",
        "/devices/0/claims/0",
        "/talks/0",
        "/talks/0/client",
        "/findings/0",
    ];
    for place in places {
        let keys: Vec<String> = whole.pointer(place).unwrap().as_object().unwrap().keys().cloned().collect();
        for key in keys {
            let mut missing = whole.clone();
            missing.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(&key);
            assert_eq!(violations(&schema(), &missing).len(), 1, "{place}/{key} left out");
            let mut wrong = whole.clone();
            wrong.pointer_mut(place).unwrap()[&key] = json!({ "no such": "type" });
            assert!(!violations(&schema(), &wrong).is_empty(), "{place}/{key} is of another type");
        }
        let mut extra = whole.clone();
        extra.pointer_mut(place).unwrap()["patient"] = json!("DOE^JANE");
        assert_eq!(violations(&schema(), &extra).len(), 1, "{place} has a key too many");
    }
    for (place, value) in
        [("/findings/0/kind", "phi"), ("/schema", "ward-scan/2"), ("/devices/0/kind", "mac")]
    {
        let mut other = whole.clone();
        *other.pointer_mut(place).unwrap() = json!(value);
        assert_eq!(violations(&schema(), &other).len(), 1, "{place} is {value}");
    }
}

/// The words of the model and those of the schema are the same: a new kind is a new word here.
#[test]
fn the_words_are_the_models() {
    let schema = schema();
    let words = |pointer: &str| -> Vec<String> {
        schema
            .pointer(pointer)
            .unwrap()
            .as_array()
            .unwrap()
            .iter()
            .map(|w| w.as_str().unwrap().to_owned())
            .collect()
    };
    for word in words("/$defs/unparsed/properties/reason/enum") {
        serde_json::from_value::<model::UnparsedReason>(json!(word)).unwrap();
    }
    for word in words("/$defs/finding/properties/kind/enum") {
        serde_json::from_value::<model::FindingKind>(json!(word)).unwrap();
    }
    let refused =
        serde_json::from_value::<model::UnparsedReason>(json!("no such reason")).unwrap_err().to_string();
    for word in words("/$defs/unparsed/properties/reason/enum") {
        assert!(refused.contains(&format!("`{word}`")), "{refused}");
    }
    assert_eq!(
        refused.matches('`').count() / 2 - 1,
        words("/$defs/unparsed/properties/reason/enum").len(),
        "{refused}"
    );
    let refused =
        serde_json::from_value::<model::FindingKind>(json!("no such kind")).unwrap_err().to_string();
    assert_eq!(
        refused.matches('`').count() / 2 - 1,
        words("/$defs/finding/properties/kind/enum").len(),
        "{refused}"
    );
}

#[test]
fn everything_is_described_and_nothing_is_left_open() {
    let schema = schema();
    let defs = schema["$defs"].as_object().unwrap();
    let objects = defs.iter().map(|(name, def)| (name.as_str(), def)).chain([("$", &schema)]);
    for (name, object) in objects {
        assert_eq!(object["additionalProperties"], json!(false), "{name}");
        let properties = object["properties"].as_object().unwrap();
        let required: Vec<&str> =
            object["required"].as_array().unwrap().iter().map(|k| k.as_str().unwrap()).collect();
        assert_eq!(
            properties.len(),
            required.len(),
            "{name}: a key that may be missing is a question to every reader"
        );
        for (key, property) in properties {
            let text =
                property["description"].as_str().unwrap_or_else(|| panic!("{name}.{key} is not described"));
            assert!((4..=140).contains(&text.len()) && !text.contains('\n'), "{name}.{key}: {text}");
            assert!(required.contains(&key.as_str()), "{name}.{key}");
        }
    }
}
