//! `/healthz` says what was checked, and nothing else.

use crate::http::{Server, ask, get};
use serde_json::{Value, json};
use serve::health::{Health, Status, routes};
use std::sync::Arc;
use std::sync::Mutex;

/// A Ward whose checks come out as the test says.
struct Ward(Mutex<Vec<Status>>);

impl Ward {
    fn with(statuses: &[Status]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(statuses.to_vec())))
    }
}

const NAMES: &[&str] = &["store", "capture", "witness"];

impl Health for Ward {
    fn names(&self) -> &'static [&'static str] {
        &NAMES[..self.0.lock().unwrap().len()]
    }

    fn check(&self, name: &'static str) -> (Status, String) {
        let place = NAMES.iter().position(|known| *known == name).unwrap();
        (self.0.lock().unwrap()[place], format!("about {name}"))
    }
}

fn asked(statuses: &[Status]) -> (u16, Value) {
    let server = Server::start(serve::local_names_only(routes(Ward::with(statuses))));
    let reply = get(&server, "/healthz");
    assert_eq!(
        (reply.header("content-type"), reply.header("cache-control")),
        ("application/json", "no-store")
    );
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn ok_is_said_only_where_everything_was_checked_and_fine() {
    use Status::{Degraded, Failing, Ok, Unchecked};
    let (code, all_well) = asked(&[Ok, Ok]);
    let checks = json!([
        { "name": "store", "status": "ok", "detail": "about store" },
        { "name": "capture", "status": "ok", "detail": "about capture" },
    ]);
    assert_eq!((code, all_well), (200, json!({ "status": "ok", "checks": checks })));
    for (statuses, code, status) in [
        (&[Ok, Unchecked, Ok][..], 200, "degraded"),
        (&[Ok, Degraded, Ok], 200, "degraded"),
        (&[Ok, Degraded, Failing], 503, "failing"),
        (&[Unchecked, Failing], 503, "failing"),
        (&[], 200, "degraded"),
    ] {
        let (found, report) = asked(statuses);
        assert_eq!((found, &report["status"]), (code, &json!(status)), "{statuses:?}");
    }
}

/// A check that breaks off.
struct Broken;

impl Health for Broken {
    fn names(&self) -> &'static [&'static str] {
        &["store"]
    }

    fn check(&self, _name: &'static str) -> (Status, String) {
        panic!("the check is wrong")
    }
}

#[test]
fn a_check_that_breaks_off_is_failing() {
    let server = Server::start(routes(Arc::new(Broken)));
    for _ in 0..3 {
        let reply = get(&server, "/healthz");
        let report: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, &report["status"]), (503, &json!("failing")));
        assert_eq!(
            report["checks"][1],
            json!({
                "name": "store", "status": "unchecked", "detail": "its check did not answer in time"
            })
        );
    }
}

#[test]
fn names_of_other_machines_are_not_answered_to() {
    let server = Server::start(serve::local_names_only(routes(Ward::with(&[Status::Ok]))));
    for (host, status) in
        [("localhost", 200), ("127.0.0.1:80", 200), ("[::1]", 200), ("evil.example", 421), ("", 421)]
    {
        assert_eq!(ask(&server, "GET", "/healthz", &[("host", host)]).status, status, "{host}");
    }
}
