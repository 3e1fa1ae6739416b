//! The room Network and its API, over real sockets.

use crate::house::{Built, HOSTILE, NOW, hostile, plain};
use crate::http::{Server, get};
use model::{Address, Protocol, TalkEnd};
use serve::inventory::Entry;
use serve::network::Heard;

fn device(number: u8) -> TalkEnd {
    TalkEnd::Device(plain(number).id)
}

fn heard(client: TalkEnd, server: TalkEnd, bytes: u64) -> Heard {
    Heard { client, server, protocol: Protocol::Dicom, port: 104, hour: NOW.hour(), bytes, flows: 1 }
}

fn shown(server: &Server, path: &str) -> String {
    get(server, path).text().to_owned()
}

fn json(server: &Server, path: &str) -> serde_json::Value {
    serde_json::from_str(get(server, path).text()).unwrap()
}

fn built() -> Built {
    let icu = |number| Entry { zone: Some("ICU".into()), kind: Some("monitor".into()), ..plain(number) };
    let built = Built::with(vec![icu(1), icu(2), plain(3), hostile(4)]);
    let outside = TalkEnd::Address(Address::Ip("203.0.113.9".parse().unwrap()));
    built.house.network.apply(&[
        heard(device(1), device(3), 12_000),
        heard(device(2), device(4), 500),
        heard(device(4), outside, 7),
    ]);
    built
}

#[test]
fn the_room_answers_first_and_shows_every_talk_as_a_link_and_as_a_table() {
    let built = built();
    let server = Server::start(built.router());
    let page = shown(&server, "/network");
    assert!(page.contains("Devices in 2 zones talk over 3 paths between zones"), "{page}");
    assert!(page.contains("1 crosses into the internet") && page.contains("1 device is in no zone"));
    assert!(page.contains("href=\"/network/talks?range=24h&amp;from=zone%3AICU&amp;to=unzoned\""));
    assert!(page.contains("<title id=\"map-title\">") && page.contains("The same as a table"));
    assert!(page.contains("monitor · 2") && page.contains("12 kB"));
    assert!(!page.contains("<script>alert") && !page.contains("style="));
    let zone = shown(&server, "/network?zone=zone%3AICU&range=1h");
    assert!(zone.contains("Network of ICU") && zone.contains("href=\"/devices/d-00f1000000000001\""));
}

#[test]
fn an_empty_network_says_what_would_fill_it() {
    let built = Built::with(vec![]);
    let server = Server::start(built.router());
    let page = shown(&server, "/network");
    assert!(
        page.contains("Nothing was heard between devices in the last 24 hours")
            && page.contains("No talks yet")
    );
    assert!(get(&server, "/network/talks").text().contains("Nothing was heard"));
}

#[test]
fn addresses_that_cannot_be_understood_are_said_plainly() {
    let built = built();
    let server = Server::start(built.router());
    for path in ["/network", "/network/talks", "/api/v1/network/matrix", "/api/v1/network/talks.csv"] {
        let answer = get(&server, &format!("{path}?range=2w"));
        assert!(answer.status == 400 && answer.text().contains("1h, 24h or 7d"), "{path}: {}", answer.text());
        assert_eq!(get(&server, &format!("{path}?colour=red")).status, 400, "{path}");
    }
    assert_eq!(get(&server, "/network?zone=zone:gone").status, 404);
    for query in ["from=ICU", "device=7", "after=x"] {
        assert_eq!(get(&server, &format!("/network/talks?{query}")).status, 400, "{query}");
        assert_eq!(get(&server, &format!("/api/v1/network/talks?{query}")).status, 400, "{query}");
    }
}

#[test]
fn talks_are_listed_paged_and_written_out() {
    let built = built();
    let server = Server::start(built.router());
    let first = json(&server, "/api/v1/network/talks?limit=2");
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["items"][0]["bytes"], 12_000);
    assert_eq!(first["items"][0]["client"]["side"], "zone:ICU");
    let next = first["next"].as_str().unwrap();
    let second = json(&server, &format!("/api/v1/network/talks?limit=2&after={next}"));
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second["items"][0]["server"]["title"], "203.0.113.9");
    assert_eq!(second["items"][0]["server"]["side"], "outside");
    let csv = get(&server, "/api/v1/network/talks.csv?from=zone:ICU");
    assert_eq!(csv.text().lines().count(), 3);
    let page = shown(&server, "/network/talks?with=outside");
    assert!(page.contains("203.0.113.9") && page.contains("1 talk") && !page.contains(HOSTILE));
    let matrix = json(&server, "/api/v1/network/matrix");
    assert_eq!(matrix["cells"].as_array().unwrap().len(), 3);
}
