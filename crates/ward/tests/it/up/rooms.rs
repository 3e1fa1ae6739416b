//! The rooms of a ward that runs: the site is counted for whoever asks, before and after a restart, and only by local names.

use super::{Files, Installation, Running, wait_until};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

fn site(running: &Running) -> Value {
    let (status, body) = running.get("/api/v1/site");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn what_is_heard_is_counted_and_counted_again_after_a_restart() {
    let installation = Installation::new("[site]\nname = \"Rooms\"\ntime_zone = \"Europe/London\"\n");
    let mut files = Files::new(5, 40, 3_000);
    let running = installation.start();
    assert!(running.said().contains("there is no sign-in yet"), "{}", running.said());
    let empty = site(&running);
    assert_eq!(empty["counts"]["devices"], 0);
    assert_eq!((&empty["name"], &empty["time_zone"]), (&"Rooms".into(), &"Europe/London".into()));
    assert_eq!(empty["sources"][0]["kind"], "folder");
    let file = files.drop_into(&installation.watched());
    installation.wait_until_done(&file);
    let count = |running: &Running| site(running)["counts"]["devices"].as_u64().unwrap();
    wait_until("devices counted", || count(&running) > 25);
    let counted = {
        let mut last = 0;
        wait_until("all of them drawn", || {
            std::thread::sleep(std::time::Duration::from_secs(2));
            std::mem::replace(&mut last, count(&running)) == count(&running)
        });
        last
    };
    running.stop();
    let running = installation.start();
    // Published before anybody can ask.
    assert_eq!(count(&running), counted);
    running.stop();
}

#[test]
fn rooms_are_for_local_names_only() {
    let installation = Installation::new("");
    let running = installation.start();
    for path in ["/", "/api/v1/site", "/healthz"] {
        let mut stream = TcpStream::connect(running.address()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 421 "), "{path}: {answer}");
    }
    running.stop();
}
