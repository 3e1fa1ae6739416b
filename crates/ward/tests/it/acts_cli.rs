//! `ward devices merge|split|revert|decisions` and `ward retention`, as people give them: to the ward that runs, and where none does.

use crate::cli::{Folder, command, text};
use crate::ledger_cli::{Site, code, devices, plan};
use serde_json::{Value, json};
use serve::control::SOCKET_FILE;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use ward::control;

/// How long a ward may take to start or to end before a test gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A `ward up` on a site, ended when it goes out of sight.
struct Running(Child);

impl Running {
    fn on(site: &Site) -> Self {
        let watched = site.folder.path("watched");
        std::fs::create_dir_all(&watched).unwrap();
        let child = command()
            .args(["up", "--http", "off", "--config"])
            .arg(&site.toml)
            .arg("--watch")
            .arg(&watched)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut running = Self(child);
        let socket = site.config.store.folder.join(SOCKET_FILE);
        let begun = Instant::now();
        while !control::call(&socket, "GET", "/control/v1/status", None).all(|value| value.is_ok()) {
            assert!(running.0.try_wait().unwrap().is_none(), "ward up ended");
            assert!(begun.elapsed() < PATIENCE, "ward up does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        running
    }

    fn stop(mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Who the tests run as, by the system's word.
fn us() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    format!("os:{}", text(&output.stdout).trim())
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// Ids of the devices with their endpoints, in the order of the ids.
fn drawn(site: &Site) -> Vec<(String, Value)> {
    let all = devices(site, &[]);
    let mut all: Vec<(String, Value)> =
        all.iter().map(|device| (text_of(device, "id").to_owned(), device["endpoints"].clone())).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// Merges two devices, splits an endpoint off a third, and takes both back.
fn decide_and_take_back(site: &Site) {
    let before = drawn(site);
    let plain: Vec<&(String, Value)> = before
        .iter()
        .filter(|(_, endpoints)| endpoints.as_array().is_some_and(|endpoints| endpoints.len() == 2))
        .collect();
    let [(a, a_has), (b, b_has), (c, c_has)] = plain[..3] else { panic!("{before:?}") };
    let (status, listed) = code(&site.ward(&["devices", "--limit", "500"]));
    assert!(status == 0 && listed.contains(a.as_str()) && listed.contains(b.as_str()), "{listed}");

    let (status, told) =
        code(&site.ward(&["devices", "merge", a, b, "--reason", "two ports of one monitor"]));
    assert_eq!(status, 0, "{told}");
    assert!(told.contains(&format!("by {}: {a} and {b} are one device", us())), "{told}");
    let merged = drawn(site);
    assert_eq!(merged.len(), before.len() - 1);
    let one = merged.iter().find(|(id, _)| id == a || id == b).unwrap();
    assert_eq!(one.1.as_array().unwrap().len(), 4, "{one:?}");
    assert!([a_has, b_has].iter().all(|had| {
        had.as_array().unwrap().iter().all(|endpoint| one.1.as_array().unwrap().contains(endpoint))
    }));
    let (status, told) = code(&site.ward(&["devices", "merge", b, a, "--reason", "once more, to be sure"]));
    assert!(status == 3 && told.contains("says so already"), "{told}");

    let endpoint = c_has.as_array().unwrap().iter().find_map(|endpoint| {
        let address = endpoint.as_str()?.split_once('|')?.1;
        address.parse::<std::net::IpAddr>().ok().map(|_| address.to_owned())
    });
    let split = site.json(&["devices", "split", c, &endpoint.unwrap(), "--reason", "a neighbour's lease"]);
    assert_eq!(split["heeded"], true, "{split}");
    assert_eq!(drawn(site).iter().find(|(id, _)| id == c).unwrap().1.as_array().unwrap().len(), 1);

    let listed = site.json(&["devices", "decisions"]);
    let (split, merge) = (&listed["decisions"][0], &listed["decisions"][1]);
    assert_eq!((text_of(split, "kind"), text_of(split, "device")), ("split", c.as_str()), "{listed}");
    assert_eq!((text_of(merge, "device"), text_of(merge, "other")), (a.as_str(), b.as_str()), "{listed}");
    assert_eq!(text_of(merge, "decided_by"), us());
    assert_eq!((text_of(merge, "reason"), &merge["reverted_at"]), ("two ports of one monitor", &Value::Null));
    for number in [merge, split].map(|row| row["decision"].to_string()) {
        let (status, told) = code(&site.ward(&["devices", "revert", &number]));
        assert!(status == 0 && told.contains("is taken back"), "{told}");
        let (status, told) = code(&site.ward(&["devices", "revert", &number]));
        assert!(status == 3 && told.contains("was taken back already"), "{told}");
    }
    assert_eq!(drawn(site), before);
    let (status, told) = code(&site.ward(&["devices", "decisions"]));
    assert!(status == 0 && told.contains("two ports of one monitor") && told.contains("2 of "), "{told}");
}

fn rule<'a>(policy: &'a Value, name: &str) -> &'a Value {
    policy["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == name).unwrap()
}

/// Sets, holds, releases, and goes back to the defaults.
fn change_the_policy(site: &Site) {
    let at_first = site.json(&["retention"]);
    assert_eq!(rule(&at_first, "flows")["days"], 90);
    assert_eq!((&rule(&at_first, "flows")["changed"], &at_first["holds"]), (&json!(false), &json!([])));
    for (wrong, says) in [
        (&["set", "flows", "0"][..], "0 days; from 1 to 36525 can be kept"),
        (&["set", "floes", "9"], "no such rule; there are: flows, aggregates"),
        (&["set", "ledger", "9"], "the ledger is append-only"),
        (&["set", "findings", "365"], "365 days are fewer than 2192 (45 CFR 164.316(b)(2)(i)"),
        (&["set", "findings", "365", "--reason", "short"], "say why"),
        (&["hold", "x", "--from", "2026-02-30", "--reason", "letter of counsel"], "`2026-02-30` is no date"),
        (&["hold", "a b", "--from", "2026-02-03", "--reason", "letter of counsel"], "a hold is named by"),
        (&["release", "case-12"], "no such hold; there is none"),
    ] {
        let (status, told) = code(&site.ward(&[&["retention"], wrong].concat()));
        assert!(status == 3 && told.contains(says), "{wrong:?}: {told}");
    }
    assert_eq!(code(&site.ward(&["retention", "set", "flows", "-3"])).0, 2);
    assert_eq!(site.json(&["retention"]), at_first);

    let set = site.json(&["retention", "set", "flows", "30"]);
    assert_eq!((&set["changed"], &set["by"]), (&json!(true), &json!(us())), "{set}");
    assert_eq!((&rule(&set, "flows")["days"], &rule(&set, "coverage")["days"]), (&json!(30), &json!(30)));
    let why = "outside the United States; works agreement 12";
    let (status, told) = code(&site.ward(&["retention", "set", "findings", "730", "--reason", why]));
    assert!(status == 0 && told.contains("730") && told.contains("Changed by os:"), "{told}");
    let hold = ["retention", "hold", "case-12", "--from", "2026-01-01", "--to", "2026-03-31", "--reason"];
    let held = site.json(&[&hold[..], &["letter of counsel"]].concat());
    let expected = json!([{ "hold": "case-12", "from": "2026-01-01", "to": "2026-03-31", "reason": "letter of counsel" }]);
    assert_eq!(held["holds"], expected);
    let (_, told) = code(&site.ward(&["retention"]));
    assert!(told.contains("case-12") && told.contains("set: outside the United"), "{told}");

    assert_eq!(site.json(&["retention", "release", "case-12"])["changed"], true);
    for name in ["flows", "findings"] {
        assert_eq!(site.json(&["retention", "default", name])["changed"], true);
    }
    assert_eq!(site.json(&["retention", "default", "flows"])["changed"], false);
    assert_eq!(site.json(&["retention"]), at_first);
}

/// Every one of these acts has a leaf under our name.
fn in_the_ledger(site: &Site, expected: usize) {
    let shown = site.json(&["ledger", "show", "--last", "200"]);
    let newest = shown["newest"].as_array().unwrap();
    assert_eq!(newest.iter().filter(|leaf| leaf["actor"] == us().as_str()).count(), expected, "{shown}");
    let (status, told) = code(&site.ward(&["ledger", "verify"]));
    assert!(status == 0 && told.contains("WHOLE"), "{told}");
}

#[test]
fn people_act_where_no_ward_runs() {
    let site = Site::with("acts-alone", plan(40), 20);
    decide_and_take_back(&site);
    change_the_policy(&site);
    // Merge, split, two taken back; two rules and a hold, and the same three again the other way.
    in_the_ledger(&site, 10);
}

#[test]
fn people_act_on_the_ward_that_runs() {
    let site = Site::with("acts-running", plan(40), 20);
    let running = Running::on(&site);
    decide_and_take_back(&site);
    change_the_policy(&site);
    // An act under a made-up name, or of a made-up kind, is refused by the other side too.
    let socket = site.config.store.folder.join(SOCKET_FILE);
    for (act, arguments) in [
        ("policy", json!({ "by": "ward", "ask": { "default": { "rule": "flows" } } })),
        ("policy", json!({ "by": "os:ana", "ask": { "forget": {} } })),
        ("decide", json!({ "by": "os:ana\nos:bob", "ask": { "revert": { "decision": 1 } } })),
        ("decide", json!(null)),
    ] {
        let path = format!("/control/v1/{act}");
        let last = control::call(&socket, "POST", &path, Some(&arguments)).last().unwrap();
        assert!(matches!(last, Err(control::ControlError::Failed(_))), "{arguments}: {last:?}");
    }
    running.stop();
    in_the_ledger(&site, 10);
}

#[test]
fn what_is_no_device_or_endpoint_is_a_wrong_argument() {
    let folder = Folder::new("acts-usage");
    let none = folder.path("none.toml");
    for wrong in [
        &["merge", "7", "d-0000000000000001", "--reason", "why not"][..],
        &["merge", "d-0000000000000001", "--reason", "why not"],
        &["merge", "d-0000000000000001", "d-0000000000000002"],
        &["split", "d-0000000000000001", "nowhere", "--reason", "why not"],
        &["revert", "0"],
        &["revert", "one"],
        &["--limit", "3", "decisions"],
    ] {
        let output = command().arg("devices").args(wrong).arg("--config").arg(&none).output().unwrap();
        let (status, told) = code(&output);
        assert_eq!(status, 2, "{wrong:?}: {told}");
    }
}
