//! What holds for every page and every route of the API: who may change something, what a failure looks like, what is sent once.

use crate::house::{Built, hostile, plain};
use crate::http::{Reply, Server, ask, connect, get, parse, raw};
use std::io::{Read as _, Write as _};

fn server() -> (Built, Server) {
    let built = Built::with(vec![plain(1), hostile(2)]);
    let server = Server::start(serve::local_names_only(built.router()));
    (built, server)
}

fn send(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    raw(server, format!("{request}\r\n{body}").as_bytes())
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[track_caller]
fn assert_problem(reply: &Reply, status: u16, what: &str) {
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (status, "application/problem+json"),
        "{what}: {}",
        reply.text()
    );
    let problem: serde_json::Value = serde_json::from_str(reply.text()).unwrap();
    assert_eq!(problem["status"], status, "{what}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{what}: {problem}");
}

#[test]
fn a_page_of_elsewhere_changes_nothing() {
    let (built, server) = server();
    let act = "{\"act\":\"verify\"}";
    for foreign in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_problem(&send(&server, "POST", "/api/v1/jobs", &[JSON, foreign], act), 403, foreign.1);
        // Whatever the page, and whether or not there is one: the guard stands before all of them.
        assert_eq!(send(&server, "POST", "/", &[foreign], "").status, 403, "{foreign:?}");
        assert_eq!(send(&server, "DELETE", "/devices", &[foreign], "").status, 403, "{foreign:?}");
    }
    assert_eq!(get(&server, "/api/v1/jobs").text(), "{\"items\":[],\"total\":0}");
    let own = [JSON, ("origin", "http://localhost"), ("sec-fetch-site", "same-origin")];
    assert_eq!(send(&server, "POST", "/api/v1/jobs", &own, act).status, 202);
    drop(built);
}

#[test]
fn a_body_of_another_type_is_refused() {
    let (_built, server) = server();
    let act = "{\"act\":\"verify\"}";
    for media in ["text/plain", "application/x-www-form-urlencoded", "text/csv", "application/jsonx", ""] {
        let sent = send(&server, "POST", "/api/v1/jobs", &[("content-type", media)], act);
        assert_problem(&sent, 415, media);
    }
    assert_problem(&send(&server, "POST", "/api/v1/jobs", &[], act), 415, "no type");
    assert_eq!(send(&server, "POST", "/", &[JSON], act).status, 415, "pages take forms");
    let charset = ("content-type", "application/json; charset=utf-8");
    assert_eq!(send(&server, "POST", "/api/v1/jobs", &[charset], act).status, 202);
}

#[test]
fn whatever_fails_under_api_is_a_problem() {
    let (_built, server) = server();
    for (path, status) in [
        ("/api/v1/nothing", 404),
        ("/api/", 404),
        ("/api/v1/jobs/%ff%fe", 400),
        ("/api/v1/jobs/x", 404),
        ("/api/v1/jobs/99999999999999999999", 404),
        ("/api/v1/ledger/entries?limit=0", 400),
        ("/api/v1/ledger/entries?limit=x", 400),
        ("/api/v1/ledger/entries?limit=1&limit=2", 400),
        ("/api/v1/ledger/entries?unheard=1", 400),
        ("/api/v1/ledger/entries?after=AAAA", 400),
        ("/api/v1/ledger/entries?since=yesterday", 400),
        ("/api/v1/ledger/entries/7", 404),
    ] {
        assert_problem(&get(&server, path), status, path);
    }
    let long = format!("/api/v1/ledger/entries?actor={}", "x".repeat(9_000));
    assert_problem(&get(&server, &long), 414, "a long address");
    assert_problem(&ask(&server, "DELETE", "/api/v1/jobs", &[]), 405, "a method that is not there");
    assert_problem(&ask(&server, "GET", "/api/v1/jobs", &[("host", "ward.example")]), 421, "another name");
    let body = "x".repeat(600 * 1024);
    assert_problem(&send(&server, "POST", "/api/v1/jobs", &[JSON], &body), 413, "a large body");
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 422),
        ("{\"act\":\"rotate-kek\"}", 422),
        ("{\"act\":\"verify\",\"x\":1}", 422),
        ("\u{0}", 400),
    ] {
        assert_problem(&send(&server, "POST", "/api/v1/jobs", &[JSON], body), status, body);
    }
    let elsewhere = ask(&server, "GET", "/no/page", &[("host", "ward.example")]);
    assert_eq!((elsewhere.status, elsewhere.header("content-type")), (421, "text/plain; charset=utf-8"));
}

#[test]
fn what_a_peer_has_is_not_sent_again() {
    let (_built, server) = server();
    let path = "/api/v1/openapi.json";
    let first = get(&server, path);
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert!(first.header("vary").contains("accept-encoding"));
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let again = ask(&server, "GET", path, &[("if-none-match", &known)]);
        assert_eq!((again.status, again.header("etag"), again.body.len()), (304, tag.as_str(), 0), "{known}");
        assert_eq!(again.header("cache-control"), "private, no-cache");
    }
    assert_eq!(ask(&server, "GET", path, &[("if-none-match", "\"other\"")]).status, 200);
    let packed = ask(&server, "GET", path, &[("accept-encoding", "gzip")]);
    assert_eq!(packed.header("content-encoding"), "gzip");
    let packed_tag = packed.header("etag").to_owned();
    assert_ne!(packed_tag, tag, "other bytes, another strong tag");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, first.text());
    let again = ask(&server, "GET", path, &[("accept-encoding", "gzip"), ("if-none-match", &packed_tag)]);
    assert_eq!((again.status, again.header("etag")), (304, packed_tag.as_str()));
    assert_eq!(get(&server, "/api/v1/nothing").header("etag"), "", "a failure is not kept");
    assert_eq!(get(&server, "/api/v1/nothing").header("cache-control"), "no-store");
}

#[test]
fn a_page_that_listens_is_told_the_newest_and_let_go_at_the_end() {
    let (built, mut server) = server();
    built.house.stream.tell("{\"devices\":1}");
    let mut page = connect(&server);
    page.write_all(b"GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n")
        .unwrap();
    let told = read_until(&mut page, "{\"devices\":1}\n\n");
    assert!(
        told.contains("text/event-stream") && told.contains("retry: 3000") && told.contains("id: 1\n"),
        "{told}"
    );
    assert!(!told.contains("content-encoding"), "a stream is not held back to be compressed");
    for devices in 2..50 {
        built.house.stream.tell(&format!("{{\"devices\":{devices}}}"));
    }
    let told = read_until(&mut page, "{\"devices\":49}\n\n");
    assert!(told.matches("data:").count() <= 2, "the newest only: {told}");
    server.tell_to_stop();
    let mut rest = Vec::new();
    page.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "it ends in order: {:?}", String::from_utf8_lossy(&rest));
    server.finished();
}

fn read_until(page: &mut std::net::TcpStream, end: &str) -> String {
    let (mut all, mut piece) = (String::new(), [0; 4096]);
    while !all.contains(end) {
        let read = page.read(&mut piece).unwrap();
        assert!(read > 0, "it ended: {all}");
        all.push_str(std::str::from_utf8(&piece[..read]).unwrap());
    }
    all
}

#[test]
fn too_many_writes_are_told_to_wait() {
    let (_built, server) = server();
    let request = "POST /api/v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n\r\n";
    let mut refused = None;
    for _ in 0..40 {
        let mut connection = connect(&server);
        let last = request.replace("host", "connection: close\r\nhost");
        connection.write_all(format!("{}{last}", request.repeat(99)).as_bytes()).unwrap();
        let mut answers = Vec::new();
        connection.read_to_end(&mut answers).unwrap();
        let text = String::from_utf8_lossy(&answers);
        if let Some(at) = text.rfind("HTTP/1.1 429") {
            refused = Some(parse(text[at..].as_bytes()));
            break;
        }
    }
    let refused = refused.expect("4,000 writes at once are more than anybody's");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(get(&server, "/api/v1/jobs").status, 200, "who reads is not kept waiting by who writes");
}

#[test]
fn long_work_goes_on_by_itself_and_is_found_again() {
    let (_built, server) = server();
    let started = send(&server, "POST", "/api/v1/jobs", &[JSON], "{\"act\":\"verify\"}");
    assert_eq!((started.status, started.header("location")), (202, "/api/v1/jobs/1"));
    let ended = loop {
        let job: serde_json::Value = serde_json::from_str(get(&server, "/api/v1/jobs/1").text()).unwrap();
        if job["state"] != "running" {
            break job;
        }
        std::thread::yield_now();
    };
    assert_eq!((&ended["state"], &ended["outcome"]["act"]), (&"done".into(), &"verify".into()), "{ended}");
    assert_eq!(ended["progress"], serde_json::json!({ "of": 2 }));
    let csv = get(&server, "/api/v1/jobs.csv");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"ward-jobs-2026-11-22.csv\"");
    assert!(
        csv.text().starts_with("id,act,state,") && csv.text().contains("1,verify,done,local:console,"),
        "{}",
        csv.text()
    );
    let nowhere = "{\"act\":\"backup\",\"arguments\":{\"path\":\"/etc/passwd\"}}";
    assert_problem(&send(&server, "POST", "/api/v1/jobs", &[JSON], nowhere), 422, "a file that is there");
}
