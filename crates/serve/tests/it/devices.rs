//! The list of devices: its page, its API, its files, and how much it can bear.

use crate::crowd;
use crate::house::{Built, HOSTILE, NOW, hostile, plain};
use crate::http::{Reply, Server, ask, get};
use serde_json::Value;
use serve::inventory::{Change, Column, Entry, Query};
use serve::when::Zone;
use std::time::{Duration, Instant};

fn served(entries: Vec<Entry>) -> (Server, Built) {
    let built = Built::with(entries);
    (Server::start(built.router()), built)
}

fn json(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_slice(&reply.body).unwrap()
}

#[test]
fn the_devices_page_shows_words_as_words_and_every_link_leads_on() {
    let (server, _built) = served(vec![plain(1), plain(3), hostile(2)]);
    let columns: Vec<_> = Column::ALL.iter().map(|column| format!("columns={}", column.name())).collect();
    for path in ["/devices".to_owned(), format!("/devices?{}&density=compact", columns.join("&"))] {
        let page = get(&server, &path);
        assert_eq!(page.status, 200);
        let text = page.text();
        assert!(
            !text.contains("<script>alert") && text.contains("&lt;script&gt;alert(1)"),
            "hostile words are text"
        );
        assert!(!text.contains("style=") && !text.contains("onclick"), "the policy would refuse it");
        assert!(text.contains("3 devices: 1 known, 0 in doubt, 2 unknown"), "{text}");
        for link in
            links(text).filter(|link| link.starts_with("/devices?") || link.starts_with("/devices/values"))
        {
            assert_eq!(get(&server, &link).status, 200, "{link}");
        }
    }
}

/// Where a page leads.
fn links(text: &str) -> impl Iterator<Item = String> {
    text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
}

#[test]
fn an_empty_list_says_what_would_fill_it() {
    let (server, _built) = served(Vec::new());
    let page = get(&server, "/devices");
    assert!(page.text().contains("No device has been seen.") && page.text().contains("mirror port"));
    let (server, _built) = served(vec![plain(1)]);
    let page = get(&server, "/devices?q=nothing+like+it&zone=icu");
    assert!(page.text().contains("No device matches."));
    for way_out in ["href=\"/devices?zone=icu\"", "href=\"/devices?q=nothing+like+it\"", "all 1 device"] {
        assert!(page.text().contains(way_out), "{way_out}");
    }
}

#[test]
fn htmx_gets_the_list_only() {
    let (server, _built) = served(vec![plain(1)]);
    let piece = ask(&server, "GET", "/devices", &[("hx-request", "true")]);
    assert!(piece.text().contains("<table") && !piece.text().contains("<html"));
}

#[test]
fn what_cannot_be_followed_is_said_on_a_page_and_in_a_problem() {
    let (server, _built) = served(vec![plain(1)]);
    for (query, says) in [
        ("zoen=icu", "there is no parameter"),
        ("limit=9999", "from 1 to 500"),
        ("after=x", "no cursor"),
        ("at=yesterday", "it is a date"),
        ("at=2031-01-01", "is to come"),
        ("at=2020-01-01", "nothing is known"),
        ("state=%00", "in-doubt"),
    ] {
        let page = get(&server, &format!("/devices?{query}"));
        assert!((400..=422).contains(&page.status) && page.text().contains(says), "{query}: {}", page.text());
        assert!(page.text().contains("<nav"), "in the house: {query}");
        for path in ["devices", "devices/facets", "devices.csv", "devices.json"] {
            let problem = get(&server, &format!("/api/v1/{path}?{query}"));
            if query.starts_with("after") && path != "devices" {
                continue;
            }
            assert_eq!(problem.header("content-type"), "application/problem+json", "{path}?{query}");
            assert!(problem.text().contains(says), "{path}?{query}: {}", problem.text());
        }
    }
}

#[test]
fn the_api_pages_through_all_and_counts() {
    let (server, _built) = served(crowd::entries(250, NOW).collect());
    let (mut seen, mut after) = (std::collections::BTreeSet::new(), String::new());
    loop {
        let page = json(&get(&server, &format!("/api/v1/devices?limit=60&sort=-last-seen{after}")));
        assert_eq!(page["total"], 250);
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 250);
    let counts = json(&get(&server, "/api/v1/devices/facets?zone=ICU"));
    let zone =
        counts["facets"].as_array().unwrap().iter().find(|facet| facet["name"] == "zone").unwrap().clone();
    let sum: u64 =
        zone["values"].as_array().unwrap().iter().map(|value| value["count"].as_u64().unwrap()).sum();
    assert_eq!((sum, &zone["values"][0]["value"]), (250, &Value::from("ICU")));
    assert_eq!(counts["total"], zone["values"][0]["count"]);
}

#[test]
fn files_hold_all_and_no_formula() {
    let mut entries: Vec<Entry> = crowd::entries(700, NOW).collect();
    entries.push(Entry {
        name: Some("=cmd|' /C calc'!A0".into()),
        model: Some("a \"b\", c".into()),
        ..plain(9)
    });
    let (server, _built) = served(entries);
    let file = get(&server, "/api/v1/devices.csv?columns=name&columns=model&sort=name");
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(file.header("content-disposition").contains("ward-devices-2026-11-22.csv"));
    let lines: Vec<&str> = file.text().split_terminator("\r\n").collect();
    assert_eq!((lines.len(), lines[0]), (702, "id,name,model"));
    assert!(lines.contains(&"d-00f1000000000009,'=cmd|' /C calc'!A0,\"a \"\"b\"\", c\""), "{}", lines[1]);
    let file = json(&get(&server, "/api/v1/devices.json?zone=ICU"));
    let items = file["items"].as_array().unwrap();
    assert!(!items.is_empty() && items.iter().all(|item| item["zone"] == "ICU"));
    assert_eq!(file["total"], items.len());
    let none = json(&get(&server, "/api/v1/devices.json?zone=nowhere"));
    assert_eq!(none["items"], Value::Array(Vec::new()));
    assert!(!HOSTILE.is_empty());
}

#[test]
fn a_hundred_thousand_devices_print_their_figures() {
    const DEVICES: u64 = 100_000;
    let began = Instant::now();
    let inventory = crowd::inventory(DEVICES, NOW);
    println!("{DEVICES} devices taken over in {:?}", began.elapsed());
    println!("{} bytes a device", inventory.bytes() / DEVICES as usize);
    let run = |text: &str| {
        let query = Query::parse(&format!("facets=yes&{text}")).unwrap();
        let mut times: Vec<Duration> = (0..15)
            .map(|_| {
                let began = Instant::now();
                let listed = inventory.list(&query, NOW, &Zone::UTC).unwrap();
                assert_eq!((listed.of, listed.entries.len()), (100_000, listed.total.min(100)));
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("{:>9.2?} median {:>9.2?} worst  {text}", times[7], times[14]);
    };
    for text in [
        "",
        "sort=-last-seen",
        "sort=ip",
        "q=pump",
        "q=00:1a:2b",
        "q=10.20.3.&sort=-findings",
        "q=10.20.0.0/20",
        "q=icu+pump+sn0",
        "zone=ICU&class=ventilator&state=known&sort=-first-seen",
        "tag=loan&severity=low&seen=hour&vlan=20&vlan=21",
    ] {
        run(text);
    }
    let times: Vec<_> = crowd::entries(5_000, NOW).map(|entry| (entry.id, NOW)).collect();
    let began = Instant::now();
    inventory.set_last_seen(&times);
    println!("{:?} for 5000 seen again", began.elapsed());
    let changes = crowd::entries(5_000, NOW).map(|entry| Entry { zone: Some("Moved".into()), ..entry });
    let changes: Vec<_> = changes.map(|entry| Change::Is(Box::new(entry))).collect();
    let began = Instant::now();
    inventory.apply(changes);
    println!("{:?} for 5000 changed", began.elapsed());
    assert_eq!(inventory.list(&Query::parse("zone=Moved").unwrap(), NOW, &Zone::UTC).unwrap().total, 5_000);
}

const DAY_S: u64 = 86_400;

/// Writes a device that was known as `name` from one moment until another.
fn known(built: &Built, id: i64, (name, from, to): (&str, u64, Option<u64>)) {
    use model::Timestamp;
    use store::devices::{BindingRow, DeviceRow};
    let name = name.to_owned();
    let plan: serve::house::Plan = Box::new(move |_, now| {
        let mut tx = store::Tx::new(model::SiteId(0), "a test", "a device of the past", now);
        let (known_from, device) = (Timestamp::from_secs(from), plain(1).id);
        let row = DeviceRow {
            id,
            device,
            key: "0|02:00:00:00:00:01".into(),
            name: Some(name),
            vendor: None,
            class: None,
            zone: None,
            review: store::devices::UNREVIEWED.into(),
            router: false,
            behind: None,
            merged_into: None,
            card: model::Card::default(),
            first_seen: known_from,
            known_from,
        };
        tx.put(&store::table::DEVICES, id, row.cells(to.map(Timestamp::from_secs)));
        let endpoint = store::endpoints::parse("0|02:00:00:00:00:01")?;
        let binding = BindingRow { id, endpoint, device, true_from: known_from, true_to: None, known_from };
        tx.put(&store::table::BINDINGS, id, binding.cells(to.map(Timestamp::from_secs)));
        Ok(serve::house::Planned {
            tx: Some(tx),
            concerns: serve::house::Concerns::Nothing,
            answer: Value::Null,
        })
    });
    built.house.desk.write(plan).unwrap();
}

#[test]
fn the_past_is_what_was_known_then() {
    let (server, built) = served(vec![plain(1), plain(2)]);
    // Midnight of 22 November 2026.
    let today = NOW.as_secs() / DAY_S * DAY_S;
    known(&built, 1, ("first name", today - 10 * DAY_S, Some(today - 5 * DAY_S)));
    known(&built, 2, ("second name", today - 5 * DAY_S, None));
    for (at, name) in
        [("2026-11-15", "first name"), ("2026-11-20T10:00", "second name"), ("2026-11-15", "first name")]
    {
        let list = json(&get(&server, &format!("/api/v1/devices?at={at}")));
        assert_eq!(
            (&list["total"], &list["items"][0]["name"]),
            (&Value::from(1), &Value::from(name)),
            "{at}"
        );
        assert!(list["as_of"].as_str().unwrap().starts_with(at));
        assert_eq!(list["items"][0]["last_seen"], Value::Null, "nobody kept it");
    }
    let page = get(&server, "/devices?at=2026-11-15");
    for words in [
        "As it was at 15 Nov 2026, 00:00:00 UTC, by what Ward knew then",
        "1 appeared",
        "0 gone",
        "1 changed",
        "Back to now",
    ] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert!(!page.text().contains("/devices/edit"), "the past is not edited");
    let changes = get(&server, "/devices/changes?at=2026-11-15");
    assert!(changes.text().contains("1 device appeared, 0 gone, 1 changed"), "{}", changes.text());
    let before = get(&server, "/devices?at=2026-11-01");
    assert!(before.text().contains("Ward knows of was seen at 12 Nov 2026"), "{}", before.text());
    assert_eq!(get(&server, "/devices/changes").status, 400);
}
