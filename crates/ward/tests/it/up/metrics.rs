//! Every metric of the process is emitted by a process that does its work, and is on the page for operators.

use super::{Files, Installation, wait_until};
use crate::support;
use model::{SiteId, Timestamp};
use serde_json::json;
use std::io::Write as _;
use std::process::{Command, Stdio};
use store::table::OUTBOX;
use store::{Store, Tx};
use ward::up::{Ground, now};

/// A witness that is not there.
const ABSENT: &str = "[ledger]\norigin = \"ward.example.org/site-1\"\n\n[[ledger.witnesses]]\nname = \"absent.example\"\n\
    url = \"http://127.0.0.1:1\"\nkey = \"KEY\"\n";

/// A verifier key of nobody.
fn nobodys_key() -> String {
    use trust::tlog::NoteSigner as _;
    let signer = trust::tlog::Ed25519Signer::from_seed(
        "absent.example",
        trust::tlog::Algorithm::CosignatureV1,
        &[3; 32],
    );
    signer.unwrap().key().to_string()
}

/// An effect that this ward does not know, as a newer one might have left behind.
fn ask_for_the_unknown(installation: &Installation) {
    let ground = Ground::open_or_create(&installation.config()).unwrap();
    let mut store = Store::open(ground.place, now()).unwrap();
    let mut tx = Tx::new(SiteId(1), "test", "an effect of tomorrow", Timestamp::from_secs(1));
    let id = store.next_id(&OUTBOX);
    tx.effect(id, "teleport", "{}".into());
    store.commit(tx).unwrap();
}

#[test]
fn every_metric_is_emitted_and_documented() {
    let listens = nix::unistd::geteuid().is_root();
    let listen = if listens { "[[listen]]\ninterface = \"lo\"\nown_interface = true\n\n" } else { "" };
    let installation = Installation::new(&format!("{listen}{}", ABSENT.replace("KEY", &nobodys_key())));
    ask_for_the_unknown(&installation);
    let mut files = Files::new(31, 30, 2_000);
    std::fs::copy(
        support::root().join("data/samples/st-brannocs.pcap.zst"),
        installation.watched().join("st-brannocs.pcap.zst"),
    )
    .unwrap();
    std::fs::write(installation.watched().join("letter.pcap"), "Dear Sirs").unwrap();
    let running = installation.start();
    let records = files.drop_into(&installation.watched());
    installation.wait_until_done("st-brannocs.pcap.zst");
    installation.wait_until_done("letter.pcap");
    installation.wait_until_done(&records);
    let backup = installation.root.join("backup");
    let socket = installation.store().join(serve::control::SOCKET_FILE);
    let outcome =
        ward::control::call(&socket, "POST", "/control/v1/backup", Some(&json!({ "path": backup })));
    outcome.for_each(|line| drop(line.unwrap()));
    assert!(backup.exists());
    wait_until("the witness's silence", || running.metric("ward_witness_answers_total").is_some());
    wait_until("the backup's age", || {
        running.metric("ward_backup_age_seconds").is_some_and(|age| age >= 0.0)
    });
    wait_until("the effect's failure", || {
        running.metric("ward_outbox_failed_total").is_some_and(|n| n >= 1.0)
    });
    let page = std::fs::read_to_string(support::root().join("docs/operate/metrics.md")).unwrap();
    let (_, scraped) = running.get("/metrics");
    let own = ward::measure::ALL.iter().map(|metric| metric.name);
    let of_serve = serve::metrics::GAUGES.iter().chain(serve::metrics::COUNTERS).map(|metric| metric.name);
    let needs_an_interface = ["ward_records_dropped_total", "ward_live_gap_seconds_total"];
    let (mut missing, mut undocumented) = (Vec::new(), Vec::new());
    for name in own.chain(of_serve) {
        let is_there =
            scraped.contains(&format!("# TYPE {name} ")) && scraped.lines().any(|l| l.starts_with(name));
        if !is_there && !listens && needs_an_interface.contains(&name) {
            assert!(std::env::var_os("WARD_TEST_STRICT").is_none(), "{name} needs root, to listen");
            eprintln!("SKIPPED {name}: listening needs root");
        } else if !is_there {
            missing.push(name);
        }
        if !page.contains(&format!("| `{name}` |")) {
            undocumented.push(name);
        }
    }
    assert!(missing.is_empty(), "not emitted: {missing:?} in\n{scraped}");
    assert!(undocumented.is_empty(), "not on docs/operate/metrics.md: {undocumented:?}");
    let emitted = scraped.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let unknown: Vec<&str> = emitted.filter(|name| !page.contains(&format!("| `{name}` |"))).collect();
    assert!(unknown.is_empty(), "emitted and on no page: {unknown:?}");
    assert!(running.metric("ward_devices").unwrap() > 20.0);
    assert!(running.metric("ward_records_durable_total").unwrap() > 2_000.0);
    check_with_promtool(&scraped);
    running.stop();
    installation.verify();
}

/// Prometheus' own check of the format, where it is installed.
fn check_with_promtool(scraped: &str) {
    let promtool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut promtool) = promtool else {
        return eprintln!("SKIPPED promtool: it is not installed (package prometheus)");
    };
    promtool.stdin.take().unwrap().write_all(scraped.as_bytes()).unwrap();
    assert!(promtool.wait().unwrap().success());
}
