use super::*;
use proptest::prelude::*;

fn shown(document: &Document) -> Vec<String> {
    let line = |zone: &ZoneRecord| {
        let rules: Vec<String> = zone.rules.iter().map(ToString::to_string).collect();
        format!("{} | {} | {}", zone.name, zone.purpose, rules.join(", "))
    };
    document.zones.iter().map(line).collect()
}

#[test]
fn a_table_of_our_own_columns_in_any_usual_dress() {
    let plain = "name,purpose,vlan,subnet\nICU,beds,20,10.0.20.0/24\nicu,,21,\nLab,,,10.0.30.0/24 10.0.31.10-10.0.31.99\n";
    let expected = [
        "ICU | beds | VLAN 20, subnet 10.0.20.0/24, VLAN 21",
        "Lab |  | subnet 10.0.30.0/24, DHCP scope 10.0.31.10-10.0.31.99",
    ];
    let document = read(plain.as_bytes()).unwrap();
    assert_eq!((shown(&document), document.source), (expected.map(String::from).to_vec(), ZoneSource::Csv));
    let dressed = "\u{feff}\"Zone Name\";Description;VLAN-ID;Network\r\n\r\nICU;beds;VLAN 20;10.0.20.0/24\r\nicu;;21;\r\n\
                   Lab;;;\"10.0.30.0/24 10.0.31.10-10.0.31.99\"\r\n";
    assert_eq!(shown(&read(dressed.as_bytes()).unwrap()), expected);
    let tabs = plain.replace(',', "\t");
    assert_eq!(shown(&read(tabs.as_bytes()).unwrap()), expected);
}

#[test]
fn every_wrong_line_is_named_and_nothing_is_read() {
    let text = "name,vlan,subnet\nICU,20,\n,30,\nLab,4095,\nLab,,10.0.1.5/24\nPumps,20,\n";
    let mistakes = read(text.as_bytes()).unwrap_err();
    let lines: Vec<usize> = mistakes.listed.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [3, 4, 5, 6], "{mistakes}");
    let said = mistakes.to_string();
    assert!(
        said.contains("line 5: \"10.0.1.5/24\" names an address within 10.0.1.0/24: write 10.0.1.0/24"),
        "{said}"
    );
    assert!(said.contains("line 6: VLAN 20 was given to zone ICU in line 2"), "{said}");
    let many = format!("name,vlan\n{}", "x,0\n".repeat(5_000));
    let mistakes = read(many.as_bytes()).unwrap_err();
    assert_eq!((mistakes.listed.len(), mistakes.more), (MISTAKES_MAX, 4_900));
    for (bytes, why) in [
        (&b""[..], "empty"),
        (b"colour,shape\nred,round\n", "has no column vlan or subnet"),
        (b"vlan\n20\n", "has no column name"),
        (b"name,vlan\n", "no zone"),
        (b"name,vlan\nR\xe9a,20\n", "UTF-8"),
        (b"{\"results\": 3}", "no list of NetBox"),
        (b"{\"results\": [", "no JSON"),
        (b"{\"results\": [], \"next\": \"/api/?offset=50\"}", "one page of several"),
    ] {
        let said = read(bytes).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn netbox_exports_of_prefixes_and_vlans() {
    let prefixes = "Prefix,Status,Children,VRF,Site,VLAN,Role,Description\n\
                    10.0.0.0/8,Container,9,—,—,—,—,everything\n\
                    10.0.20.0/24,Active,0,—,Main,Intensive care (20),Clinical,\n\
                    10.0.40.0/24,Active,0,—,Main,Radiology (40),—,scanners\n\
                    10.0.50.0/24,Active,0,—,Main,—,—,\n";
    let document = read(prefixes.as_bytes()).unwrap();
    assert_eq!((document.source, document.skipped), (ZoneSource::Netbox, 1));
    let expected = [
        "Clinical |  | VLAN 20, subnet 10.0.20.0/24",
        "Radiology | scanners | VLAN 40, subnet 10.0.40.0/24",
        "10.0.50.0/24 |  | subnet 10.0.50.0/24",
    ];
    assert_eq!(shown(&document), expected);
    let vlans = "VID,Name,Site,Status,Role,Description\n20,Intensive care,Main,Active,Clinical,beds\n";
    assert_eq!(shown(&read(vlans.as_bytes()).unwrap()), ["Intensive care | beds | VLAN 20"]);
}

#[test]
fn netbox_answers_of_its_api() {
    let text = r#"{"count": 3, "next": null, "previous": null, "results": [
        {"id": 1, "prefix": "10.0.0.0/8", "vlan": null, "role": null, "status": {"value": "container", "label": "Container"}, "description": ""},
        {"id": 2, "prefix": "10.0.20.0/24", "vlan": {"id": 7, "vid": 20, "name": "icu"}, "role": null, "status": {"value": "active"}, "description": "beds"},
        {"id": 7, "vid": 40, "name": "Radiology", "role": {"id": 1, "name": "Clinical", "slug": "clinical"}, "description": ""}]}"#;
    let document = read(text.as_bytes()).unwrap();
    assert_eq!(shown(&document), ["icu | beds | VLAN 20, subnet 10.0.20.0/24", "Radiology |  | VLAN 40"]);
    assert_eq!(document.skipped, 1);
    assert!(read(br#"[{"id": 1}]"#).unwrap_err().to_string().contains("neither a prefix nor a vid"));
}

proptest! {
    /// Any bytes are read or refused, in bounds.
    #[test]
    fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        if let Err(mistakes) = read(&bytes) {
            prop_assert!((1..=MISTAKES_MAX).contains(&mistakes.listed.len()));
        }
    }

    /// Lines of words that may be right.
    #[test]
    fn tables_are_read_or_refused(rows in proptest::collection::vec(("[a-z]{0,3}", "[0-9 ]{0,5}", "[0-9./:-]{0,20}"), 0..30), netbox in any::<bool>()) {
        let head = if netbox { "role,vid,prefix" } else { "name,vlan,subnet" };
        let lines: Vec<String> = rows.iter().map(|(a, b, c)| format!("{a},{b},{c}")).collect();
        match read(format!("{head}\n{}", lines.join("\n")).as_bytes()) {
            Ok(document) => {
                let rules: Vec<_> = document.zones.iter().flat_map(|zone| &zone.rules).collect();
                let apart: std::collections::BTreeSet<_> = rules.iter().collect();
                prop_assert_eq!(apart.len(), rules.len(), "a rule in two zones");
            }
            Err(mistakes) => prop_assert!(!mistakes.listed.is_empty()),
        }
    }
}
