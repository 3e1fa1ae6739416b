//! `/metrics` is what Prometheus' own checker accepts, and has every metric of serve.

use crate::http::{Server, get};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Prometheus' checker (Debian package prometheus), or where WARD_PROMTOOL says it is.
fn promtool(test: &str) -> Option<PathBuf> {
    let tool = std::env::var_os("WARD_PROMTOOL").map_or_else(|| PathBuf::from("promtool"), PathBuf::from);
    if Command::new(&tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
        return Some(tool);
    }
    eprintln!("SKIPPED {test}: no promtool (apt-get install prometheus, or set WARD_PROMTOOL)");
    assert!(std::env::var_os("WARD_TEST_STRICT").is_none_or(|strict| strict != "1"), "promtool is missing");
    None
}

#[test]
fn every_metric_of_serve_is_there_and_promtool_is_content() {
    let handle = serve::metrics::install().unwrap();
    assert!(matches!(serve::metrics::install(), Err(serve::ServeError::Recorder)), "once a process");
    let limits = serve::Limits { connections: 1, ..serve::Limits::default() };
    let server = Server::within(limits, serve::metrics::routes(handle.clone()));
    let gate = Gate::new();
    let full = Server::within(
        serve::Limits { connections: 1, ..serve::Limits::default() },
        serve::ledger::routes(gate.clone()),
    );
    gate.hold_one_and_be_turned_away(&full);
    get(&server, "/nothing");
    // What counts a connection's end is told after the peer has seen it: ask until it has been.
    let text = loop {
        let reply = get(&server, "/metrics");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        let text = reply.text().to_owned();
        if text.contains("ward_serve_connections_ended_total{") {
            break text;
        }
        std::thread::yield_now();
    };
    for metric in serve::metrics::GAUGES.iter().chain(serve::metrics::COUNTERS) {
        assert!(
            text.contains(&format!("# HELP {} {}", metric.name, metric.help)),
            "{} in {text}",
            metric.name
        );
        let sample = |line: &str| line.starts_with(metric.name) && !line.starts_with('#');
        assert!(text.lines().any(sample), "{} is not emitted: {text}", metric.name);
    }
    assert!(text.contains("ward_serve_requests_total{status=\"4xx\"}"), "{text}");
    check(&text);
}

fn check(text: &str) {
    let Some(tool) = promtool("promtool check metrics") else { return };
    let mut child = Command::new(tool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.trim().is_empty(), "promtool: {said}");
}

use crate::listener::Gate;
