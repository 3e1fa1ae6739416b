//! The page of a device, findings, and their API, over a store that holds a busy device of which every word is hostile.

use crate::house::{Built, HOSTILE, NOW, hostile, plain};
use crate::http::{Reply, Server, ask, get, raw};
use judge::inventory::SubjectKey;
use judge::site::Decision;
use model::{
    Card, Conflict, DeviceId, DomainId, EndpointKey, Event, EventKind, Finding, FindingKind, Header,
    Protocol, SiteId, Timestamp,
};
use serde_json::Value as Json;
use serve::house::Planned;
use serve::inventory::Entry;
use store::db::Value;
use store::decisions::DecisionRow;
use store::devices::{BindingRow, ClaimRow, DeviceRow};
use store::happenings::{FindingRow, event_cells};
use store::table::{
    BINDINGS, CLAIMS, DECISIONS, DEVICES, EDIT_ITEMS, EDITS, EVENTS, FINDINGS, NOTES, PAIRS, TALKS, Table,
};
use store::{Store, Tx};

const HOUR_S: u64 = 3_600;

fn id(number: u8) -> DeviceId {
    DeviceId(0x00f1_0000_0000_0000 + u64::from(number))
}

fn ago(hours: u64) -> Timestamp {
    Timestamp::from_secs(NOW.as_secs() - hours * HOUR_S)
}

fn key(number: u8) -> SubjectKey {
    let mac: model::MacAddr = format!("02:00:00:00:00:{number:02x}").parse().unwrap();
    SubjectKey { domain: DomainId(0), address: model::Address::Mac(mac) }
}

fn endpoint(number: u8) -> String {
    store::endpoints::text(&key(number))
}

/// Writes rows, as the core would.
struct Rows<'s> {
    store: &'s mut Store,
    tx: Tx,
}

impl Rows<'_> {
    fn put(&mut self, table: &'static Table, cells: Vec<Value>) -> i64 {
        let id = self.store.next_id(table);
        self.tx.put(table, id, cells);
        id
    }

    fn device(&mut self, number: u8, change: impl Fn(&mut DeviceRow), known: (Timestamp, Option<Timestamp>)) {
        let mut row = DeviceRow {
            id: 0,
            device: id(number),
            key: endpoint(number),
            name: Some(format!("device {number}")),
            vendor: None,
            class: None,
            zone: None,
            review: "unreviewed".into(),
            router: false,
            behind: None,
            merged_into: None,
            card: Card::default(),
            first_seen: ago(100),
            known_from: known.0,
        };
        change(&mut row);
        self.put(&DEVICES, row.cells(known.1));
    }

    fn bind(&mut self, number: u8, device: u8, (from, to): (u64, Option<u64>)) {
        let binding = BindingRow {
            id: 0,
            endpoint: key(number),
            device: id(device),
            true_from: ago(from),
            true_to: to.map(ago),
            known_from: ago(from),
        };
        self.put(&BINDINGS, binding.cells(None));
    }

    fn claim(
        &mut self,
        endpoint: String,
        (attribute, value, source): (&str, &str, &str),
        confidence: i64,
        from: u64,
    ) {
        let claim = ClaimRow {
            id: 0,
            endpoint,
            attribute: attribute.into(),
            value: value.into(),
            source: source.into(),
            confidence,
            true_from: ago(from),
            true_to: None,
            known_from: ago(from),
        };
        self.put(&CLAIMS, claim.cells(None));
    }

    fn talk(&mut self, client: u8, server: u8, (protocol, port): (&str, i64), hour: u32, bytes: i64) {
        let pair = vec![
            endpoint(client).into(),
            endpoint(server).into(),
            protocol.into(),
            "tcp".into(),
            port.into(),
        ];
        let pair = self.put(&PAIRS, pair);
        let one = || Value::Int(1);
        let cells = vec![
            pair.into(),
            hour.into(),
            Value::Int(0),
            one(),
            one(),
            bytes.into(),
            Value::Int(10),
            one(),
            "[]".into(),
        ];
        self.put(&TALKS, cells);
    }

    fn finding(&mut self, number: u8, kind: FindingKind, hours: u64) -> i64 {
        let finding = Finding {
            kind,
            device: id(number),
            summary: format!("summary {HOSTILE}"),
            evidence: vec![format!("evidence {HOSTILE}")],
            protocol: Protocol::Hl7v2,
            first_seen: ago(hours),
            last_seen: ago(1),
        };
        self.put(&FINDINGS, FindingRow { id: 0, finding, known_from: ago(hours) }.cells())
    }

    fn event(&mut self, number: u8, hours: u64) {
        let of = |number| {
            let SubjectKey { domain, address } = key(number);
            EndpointKey { site: SiteId(0), domain, vlan: None, address }
        };
        let (endpoint, peer) = (of(number), Some(of(9)));
        let header = Header { observed_at: ago(hours), ..Header::default() };
        let event = Event {
            header,
            endpoint,
            peer,
            kind: EventKind::LoginRefused,
            protocol: Protocol::Mqtt,
            detail: HOSTILE.into(),
        };
        self.put(&EVENTS, event_cells(&event));
    }
}

/// Device 1 says hostile things and is busy; 2 is its peer; 3 turned out to be 1; 4 is known since an hour.
fn busy() -> Built {
    let mut known = hostile(1);
    known.conflicts = vec![Conflict {
        attribute: model::Attribute::Model,
        chosen: HOSTILE.into(),
        others: vec![format!("other {HOSTILE}").into()],
        reason: HOSTILE.into(),
    }];
    known.behind = Some(id(2));
    let built = Built::with(vec![known, Entry { zone: Some(HOSTILE.into()), ..hostile(2) }, plain(4)]);
    let plan = Box::new(|store: &mut Store, now| {
        let tx = Tx::new(SiteId(0), "ward", "a test", now);
        let mut rows = Rows { store, tx };
        fill(&mut rows);
        let Rows { tx, .. } = rows;
        Ok(Planned { tx: Some(tx), concerns: Default::default(), answer: Json::Null })
    });
    built.house.desk.write(plan).unwrap();
    built
}

fn fill(rows: &mut Rows<'_>) {
    rows.device(1, |row| row.zone = Some("old zone".into()), (ago(50), Some(ago(10))));
    rows.device(1, |row| row.zone = Some("new zone".into()), (ago(10), None));
    rows.device(2, |row| row.behind = Some(id(1)), (ago(50), None));
    rows.device(3, |row| row.merged_into = Some(id(1)), (ago(50), None));
    rows.device(4, |_| {}, (ago(1), None));
    rows.bind(1, 1, (50, None));
    rows.bind(7, 1, (40, Some(20)));
    rows.bind(2, 2, (50, None));
    rows.claim(endpoint(1), ("model", HOSTILE, "dicom"), 90, 40);
    rows.claim(endpoint(1), ("model", "lesser model", "http"), 60, 41);
    // What was said of an address after it had become another's.
    rows.claim(endpoint(7), ("host-name", "somebody-else", "dhcpv4"), 55, 5);
    rows.claim(format!("device|{}", id(1)), ("tag", HOSTILE, "person"), 100, 3);
    let hour = NOW.hour();
    rows.talk(1, 2, ("hl7v2", 2575), hour - 1, 5_000);
    rows.talk(9, 1, ("dicom", 104), hour - 100, 7_000);
    for kind in FindingKind::ALL {
        rows.finding(1, kind, 30);
    }
    for hours in 1..=120 {
        rows.event(1, hours % 49);
    }
    rows.event(7, 30);
    rows.event(7, 4);
    let decision = DecisionRow {
        id: 0,
        decision: Decision::Merge { a: id(1), b: id(3) },
        reason: HOSTILE.into(),
        decided_by: "os:ana".into(),
        decided_at: ago(9),
        reverted_at: None,
    };
    rows.put(&DECISIONS, decision.cells());
    let about = format!("device|{}", id(1));
    rows.put(&NOTES, vec![about.into(), HOSTILE.into(), "os:ana".into(), Value::Int(at(8)), Value::Null]);
    let edit = vec![
        HOSTILE.into(),
        Value::Int(1),
        HOSTILE.into(),
        "os:ana".into(),
        Value::Int(at(7)),
        Value::Null,
        Value::Null,
    ];
    let edit = rows.put(&EDITS, edit);
    let item = vec![edit.into(), Value::Int(id(1).0.cast_signed()), "[]".into(), "[]".into()];
    rows.put(&EDIT_ITEMS, item);
}

fn at(hours: u64) -> i64 {
    i64::try_from(ago(hours).as_nanos()).unwrap()
}

fn json(reply: &Reply) -> Json {
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_slice(&reply.body).unwrap()
}

fn post(server: &Server, path: &str, body: &str) -> Reply {
    let length = body.len();
    let head = "host: localhost\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded";
    raw(
        server,
        format!("POST {path} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes(),
    )
}

#[test]
fn no_tag_of_a_hostile_device_gets_through_anywhere() {
    let built = busy();
    let server = Server::start(built.router());
    let device = format!("/devices/{}", id(1));
    let pages = [
        device.clone(),
        format!("{device}?range=7d&view=print"),
        format!("{device}?at=2026-11-22T10:00"),
        format!("{device}?kind=note&said=tagged&merged={}", id(3)),
        format!("/devices/{}", id(2)),
        format!("/devices/{HOSTILE}")
            .replace(' ', "%20")
            .replace('"', "%22")
            .replace('<', "%3C")
            .replace('>', "%3E"),
        "/findings?state=all".into(),
        "/findings?group=kind".into(),
        "/findings/1".into(),
        "/findings/%3Cscript%3E".into(),
    ];
    for path in pages {
        let page = get(&server, &path);
        let text = page.text();
        assert!(page.header("content-security-policy").contains("default-src 'none'"), "{path}");
        for tag in ["<script>alert", HOSTILE, "javascript:"] {
            assert!(!text.contains(tag), "{tag} in {path}");
        }
        let ours = text.matches("<script src=\"/assets/").count();
        assert_eq!(text.matches("<script").count(), ours, "{path}");
        assert!(text.contains("</html>") || page.status != 200, "{path}: {}", page.status);
    }
    let text = get(&server, &device).text().to_owned();
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "and they are shown as text");
}

#[test]
fn a_page_answers_and_every_value_opens_into_why() {
    let built = busy();
    let server = Server::start(built.router());
    let page = get(&server, &format!("/devices/{}?range=7d", id(1)));
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(
        text.contains("8 findings") && text.contains("1 conflict") && text.contains("nobody has reviewed it")
    );
    assert!(text.contains("lesser model"), "the claim that lost is visible");
    assert!(!text.contains("somebody-else"), "what another says under its former address is not its own");
    assert!(text.contains("<svg") && text.contains("hl7v2") && text.contains("dicom"));
    assert!(text.contains("Devices behind it") && text.contains(&id(2).to_string()));
    assert!(text.contains("Ward does not sort devices into classes yet"), "unknown says why");
    let day = get(&server, &format!("/devices/{}", id(1)));
    assert!(!day.text().contains("tcp 104"), "a talk of days ago is not of the last 24 hours");
}

#[test]
fn a_merged_device_leads_to_the_one_it_is_and_what_is_unknown_is_said() {
    let built = busy();
    let server = Server::start(built.router());
    let merged = get(&server, &format!("/devices/{}", id(3)));
    assert_eq!(merged.status, 303);
    assert_eq!(merged.header("location"), format!("/devices/{}?merged={}", id(1), id(3)));
    assert_eq!(get(&server, &format!("/api/v1/devices/{}", id(3))).status, 410);
    for (path, status, says) in [
        ("/devices/d-0000000000000bad", 404, "never seen a device"),
        ("/devices/d-1", 404, "names no device"),
        ("/devices/D-00F1000000000001", 404, "names no device"),
        ("/devices/%FF", 404, "names no device"),
        ("/devices/d-00f1000000000001?at=yesterday", 400, "at is"),
        ("/devices/d-00f1000000000001?range=1y", 400, "range is"),
        ("/devices/d-00f1000000000001?kind=gossip", 400, "kind is"),
        ("/devices/d-00f1000000000001?after=zzz", 400, "no cursor"),
        ("/devices/d-00f1000000000001?at=2001-01-01", 404, "did not know this device then"),
        ("/findings/0", 404, "names no finding"),
        ("/findings/999999", 404, "there is no finding 999999"),
        ("/findings?kind=gossip", 400, "kind is"),
        ("/api/v1/devices/d-1/claims", 400, "names no device"),
        ("/api/v1/devices/d-0000000000000bad/talks", 404, "there is no device"),
        ("/api/v1/devices/d-00f1000000000001/claims?limit=0", 400, "limit is 0"),
        ("/api/v1/devices/d-00f1000000000001/claims?limits=5", 400, "limits"),
        ("/api/v1/findings?device=d-1", 400, "device is"),
        ("/api/v1/findings/abc", 400, "names no finding"),
    ] {
        let reply = get(&server, path);
        assert!(
            reply.status == status && reply.text().contains(says),
            "{path}: {} {}",
            reply.status,
            reply.text()
        );
    }
}

#[test]
fn the_past_is_shown_as_it_was_known() {
    let built = busy();
    let server = Server::start(built.router());
    let then = json(&get(&server, &format!("/api/v1/devices/{}?at=2026-11-21T14:00:00Z", id(1))));
    let zone = |device: &Json| {
        let beliefs = device["beliefs"].as_array().unwrap();
        beliefs.iter().find(|belief| belief["word"] == "zone").unwrap()["value"].clone()
    };
    assert_eq!(zone(&then), "old zone");
    assert_eq!(then["macs"].as_array().unwrap().len(), 2, "the address it had then");
    assert!(then["tags"].as_array().unwrap().is_empty(), "nobody had tagged it");
    let now = json(&get(&server, &format!("/api/v1/devices/{}", id(1))));
    assert_eq!(now["macs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_timeline_is_read_page_by_page_without_loss_or_repetition() {
    let built = busy();
    let server = Server::start(built.router());
    let whole = json(&get(&server, &format!("/api/v1/devices/{}/timeline.json", id(1))));
    let whole = whole["items"].as_array().unwrap().clone();
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = json(&get(&server, &format!("/api/v1/devices/{}/timeline?limit=7{after}", id(1))));
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(paged, whole);
    let count = |kind: &str| whole.iter().filter(|line| line["kind"] == kind).count();
    // All of the address it still has; of the one it had for a time, what happened in that time.
    assert_eq!((count("event"), count("finding"), count("claim")), (121, 8, 3));
    assert_eq!((count("address"), count("decision"), count("note"), count("edit")), (3, 1, 1, 1));
    let times: Vec<&str> = whole.iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    let notes = json(&get(&server, &format!("/api/v1/devices/{}/timeline?kind=note", id(1))));
    assert_eq!(notes["items"].as_array().unwrap().len(), 1);
}

#[test]
fn talks_are_by_device_and_in_their_direction() {
    let built = busy();
    let server = Server::start(built.router());
    let talks = json(&get(&server, &format!("/api/v1/devices/{}/talks?range=7d", id(1))));
    let talks = talks["items"].as_array().unwrap();
    assert_eq!(talks.len(), 2);
    let (from_outside, to_peer) = (&talks[0], &talks[1]);
    assert_eq!((&from_outside["is_client"], &from_outside["bytes_received"]), (&false.into(), &7_000.into()));
    assert!(from_outside["peer"].is_null(), "no device of this site");
    assert_eq!((&to_peer["is_client"], &to_peer["bytes_sent"]), (&true.into(), &5_000.into()));
    assert_eq!(to_peer["peer"], id(2).to_string());
}

#[test]
fn findings_are_filtered_and_paged() {
    let built = busy();
    let server = Server::start(built.router());
    let high = json(&get(&server, "/api/v1/findings?severity=high"));
    let kinds: Vec<&str> =
        high["items"].as_array().unwrap().iter().map(|f| f["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["leaves-site", "phi-in-clear"]);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = json(&get(&server, &format!("/api/v1/findings?limit=3{after}")));
        seen.extend(page["items"].as_array().unwrap().iter().map(|f| f["number"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, [8, 7, 6, 5, 4, 3, 2, 1]);
    assert!(json(&get(&server, "/api/v1/findings?state=closed"))["items"].as_array().unwrap().is_empty());
    let whole = json(&get(&server, "/api/v1/findings/1"));
    assert!(whole["steps"].as_array().unwrap().len() > 1 && whole["kind"] == "phi-in-clear");
    let csv = get(&server, "/api/v1/findings.csv?kind=conflict");
    assert_eq!(csv.text().matches("conflict").count(), 1);
    assert_eq!(ask(&server, "DELETE", "/api/v1/findings/1", &[]).status, 405);
}

#[test]
fn tags_and_review_are_words_that_can_be_taken_back() {
    let built = busy();
    let server = Server::start(built.router());
    let device = format!("/devices/{}", id(4));
    let added = post(&server, &format!("{device}/tags"), "tag=ICU:bed-3");
    assert_eq!(
        (added.status, added.header("location")),
        (303, format!("{device}?said=tagged#acts").as_str())
    );
    assert!(get(&server, &format!("{device}?kind=claim")).text().contains("icu:bed-3"));
    let again = post(&server, &format!("{device}/tags"), "tag=icu:bed-3");
    assert!(again.header("location").contains("said=unchanged"));
    let removed = post(&server, &format!("{device}/tags"), "remove=icu:bed-3");
    assert!(removed.header("location").contains("said=untagged"));
    let wrong = post(&server, &format!("{device}/tags"), "tag=%3Cscript%3E");
    assert!(
        wrong.status == 400 && wrong.text().contains("is no tag") && !wrong.text().contains("<script>\"")
    );
    let accepted = post(&server, &format!("{device}/review"), "review=accepted");
    assert!(accepted.header("location").contains("said=accepted"));
    let again = post(&server, &format!("{device}/review"), "review=again");
    assert!(again.header("location").contains("said=to-review"));
    let nobody = post(&server, "/devices/d-0000000000000bad/review", "review=accepted");
    assert_eq!(nobody.status, 422);
    let claims = json(&get(&server, &format!("/api/v1/devices/{}/claims", id(4))));
    let ended =
        claims["items"].as_array().unwrap().iter().filter(|claim| !claim["true_to"].is_null()).count();
    assert_eq!(ended, 2, "tag and review ended, and stay on record");
}
