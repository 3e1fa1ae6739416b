//! A redacted report can be shared: nothing in it says whose network it was.

use super::{Folder, command, document, scan, scenario, scenarios, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use testkit::packet::{self, Ipv4, Session};

/// Values of these attributes are the maker's, not the site's; they stay (report/redact.rs says the same).
const KEPT: [&str; 27] = [
    "manufacturer",
    "model",
    "software-name",
    "software-version",
    "operating-system",
    "device-type",
    "service-type",
    "dhcp-vendor-class",
    "dhcp-parameter-list",
    "user-agent",
    "server-banner",
    "basic-auth",
    "tls-version",
    "tls-cipher-suite",
    "tls-group",
    "ja4",
    "certificate-expiry",
    "ssh-version",
    "ssh-key-exchange",
    "smb-dialect",
    "snmp-version",
    "mqtt-version",
    "implementation-class-uid",
    "implementation-version-name",
    "sop-class",
    "clear-text",
    "phi-in-clear",
];
/// Shorter ones would be found by chance.
const CHARS_MIN: usize = 5;

fn strings<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

/// Everything in a document that names a device, a place or a network.
fn secrets(document: &Value) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    let mut addresses = Vec::new();
    for device in document["devices"].as_array().unwrap() {
        device["names"].as_array().unwrap().iter().for_each(|name| strings(name, &mut addresses));
        secrets.insert(device["id"].as_str().unwrap().to_owned());
        for address in device["addresses"].as_array().unwrap() {
            strings(&address["ip"], &mut addresses);
            if let Some(mac) = address["mac"].as_str() {
                secrets.insert(mac[9..].to_owned());
                secrets.insert(mac[9..].replace(':', ""));
            }
        }
        for claim in device["claims"].as_array().unwrap() {
            if !KEPT.contains(&claim["attribute"].as_str().unwrap()) {
                strings(&claim["value"], &mut addresses);
            }
        }
    }
    for talk in document["talks"].as_array().unwrap() {
        strings(&talk["client"]["address"], &mut addresses);
        strings(&talk["server"]["address"], &mut addresses);
    }
    strings(&document["capture"]["sources"][0]["name"], &mut addresses);
    let is_group = |text: &str| text.parse().is_ok_and(|ip| model::classify_ip(ip) == model::IpClass::Group);
    let is_group_mac = |text: &str| text.parse::<model::MacAddr>().is_ok_and(model::MacAddr::is_group);
    let telling = addresses.into_iter().filter(|text| text.chars().count() >= CHARS_MIN);
    secrets.extend(telling.filter(|text| !is_group(text) && !is_group_mac(text)).map(str::to_lowercase));
    secrets
}

/// `switch-port` is no switch's name.
fn without_attribute_names(text: &str) -> String {
    let named = model::Attribute::ALL.iter().map(|attribute| attribute.name());
    named.filter(|name| name.contains('-')).fold(text.to_owned(), |text, name| text.replace(name, "…"))
}

/// `needle` as a word of its own in `text`: a version `10.0.1` inside of `210.0.14` is chance.
fn has_word(text: &str, needle: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(needle).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + needle.len()..].chars().next())
    })
}

#[test]
fn a_redacted_report_names_nobody() {
    let folder = Folder::new("redacted");
    let page = folder.path("page.html");
    let mut looked_for = 0;
    for path in scenarios() {
        let plain = document(&scan(&[path.clone(), "--json".into()]));
        let secrets = secrets(&plain);
        let redacted = scan(&[path.clone(), "--json".into(), "--redact".into()]);
        assert_eq!(document(&redacted)["redacted"], true);
        let table = scan(&[
            path.clone(),
            "--redact".into(),
            "--width".into(),
            "240".into(),
            "--html".into(),
            page.clone(),
        ]);
        // The words of the style sheet are Ward's own.
        let page = std::fs::read_to_string(&page).unwrap();
        let page = page.split_once("</style>").unwrap().1.to_owned();
        for (way_out, text) in
            [("JSON", text(&redacted.stdout)), ("table", text(&table.stdout)), ("page", page)]
        {
            let text = without_attribute_names(&text.to_lowercase());
            for secret in &secrets {
                looked_for += 1;
                assert!(
                    !has_word(&text, secret),
                    "{}: {secret} is in the redacted {way_out}",
                    path.display()
                );
            }
        }
    }
    assert!(looked_for > 1000, "only {looked_for}");
}

/// A device whose description is longer than the line that tells what it is, and one behind a gateway: both are shown in
/// parts.
#[test]
fn what_is_shown_in_parts_is_redacted_too() {
    let folder = Folder::new("parts");
    let file = folder.write("parts.pcap", &capture_of_parts());
    let plain = text(&scan(&[file.clone(), "--json".into()]).stdout);
    let page = folder.path("page.html");
    let redacted = scan(&[file, "--json".into(), "--redact".into(), "--html".into(), page.clone()]);
    let page = std::fs::read_to_string(page).unwrap();
    for secret in ["stb-lab-gw-7", "Analyser room", "0019FBFFFE010203", "SN4711-88"] {
        assert!(plain.to_lowercase().contains(&secret.to_lowercase()), "{secret} is not in the plain report");
        for told in [&text(&redacted.stdout), &page] {
            assert!(!told.to_lowercase().contains(&secret.to_lowercase()), "{secret} came out");
        }
    }
}

fn capture_of_parts() -> Vec<u8> {
    let ber = |kind: u8, body: &[u8]| [&[kind, 0x82][..], &(body.len() as u16).to_be_bytes(), body].concat();
    let variable = |name: &[u8], value: &str| ber(0x30, &[ber(6, name), ber(4, value.as_bytes())].concat());
    let description = format!("Analyser room 3 gateway {} on STB-LAB-GW-7", "of the laboratory ".repeat(9));
    let variables = [
        variable(b"\x2b\x06\x01\x02\x01\x01\x01\x00", &description),
        variable(b"\x2b\x06\x01\x02\x01\x01\x05\x00", "stb-lab-gw-7"),
    ];
    let body = [ber(2, &[1]), ber(2, &[0]), ber(2, &[0]), ber(0x30, &variables.concat())].concat();
    let snmp = ber(0x30, &[ber(2, &[1]), ber(4, b"public"), ber(0xa2, &body)].concat());
    let ip = Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 9].into());
    let datagram = ip.packet(17, &packet::udp(161, 40_000, &snmp));
    let mut session = Session::open(2575);
    session.send(
        0,
        b"\x0bMSH|^~\\&|GW|ICU|EHR|HOSP|2026||ORU^R01|1|P|2.6\r\
          OBX|1|NM|1^x||1||||||||||||PUMP-SN4711-88^ACME^0019FBFFFE010203^EUI-64\r\x1c\r",
    );
    session.frames.push(packet::ethernet(session.macs[0], session.macs[1], 0x0800, &datagram));
    let frames = session.frames.into_iter().enumerate();
    let timed: Vec<(u64, Vec<u8>)> =
        frames.map(|(n, frame)| (1_790_000_000_000_000_000 + n as u64 * 1_000_000, frame)).collect();
    packet::pcap(1, &timed)
}

/// What the redaction keeps must still be there, or a report would be of no use.
#[test]
fn a_redacted_report_still_tells_what_a_device_is() {
    let output = scan(&[scenario("dicom-store"), "--json".into(), "--redact".into()]);
    let told = text(&output.stdout);
    for kept in ["OFFIS_DCMTK_367", "phi-in-clear", "C-STORE-RQ", "11112"] {
        assert!(told.contains(kept), "{kept}");
    }
    let plain = document(&scan(&[scenario("dicom-store"), "--json".into()]));
    let redacted = document(&output);
    for list in ["devices", "talks", "findings"] {
        assert_eq!(plain[list].as_array().unwrap().len(), redacted[list].as_array().unwrap().len(), "{list}");
    }
    // Talks and findings still point at the devices they mean.
    let ids: Vec<&Value> =
        redacted["devices"].as_array().unwrap().iter().map(|device| &device["id"]).collect();
    for finding in redacted["findings"].as_array().unwrap() {
        assert!(ids.contains(&&finding["device"]), "{finding}");
    }
    for (before, after) in
        plain["talks"].as_array().unwrap().iter().zip(redacted["talks"].as_array().unwrap())
    {
        for end in ["client", "server"] {
            assert_eq!(before[end]["device"].is_null(), after[end]["device"].is_null());
            assert!(after[end]["device"].is_null() || ids.contains(&&after[end]["device"]));
        }
    }
}

#[test]
fn one_key_gives_one_set_of_pseudonyms() {
    let folder = Folder::new("key");
    let key = folder.path("redact.key");
    let run = |key: Option<&PathBuf>| {
        let mut command = command();
        command
            .args(["scan", "--json", "--redact"])
            .args(["dhcpv4-lease", "smb-ntlm-login", "dicom-store"].map(scenario));
        if let Some(key) = key {
            command.arg("--redact-key").arg(key);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        output.stdout
    };
    let first = run(Some(&key));
    assert_eq!(std::fs::read(&key).unwrap().len(), 32, "the key was made");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o077, 0, "the key is private");
    }
    assert!(first == run(Some(&key)), "two runs with one key differ");
    assert!(first != run(Some(&folder.path("other.key"))), "another key, other pseudonyms");
    assert!(run(None) != run(None), "without a key file every run has its own");
    let short = folder.write("short.key", b"too short");
    let output = scan(&[scenario("dicom-store"), "--redact".into(), "--redact-key".into(), short]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("short.key"), "{}", text(&output.stderr));
}
