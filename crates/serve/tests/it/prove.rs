//! The rooms Prove and Settings: what is verified for real, what lies is named, and every change says first what it does.

use crate::house::{Built, HOSTILE, NOW, hostile, plain};
use crate::http::{Reply, Server, get, raw};
use model::{SiteId, Timestamp};
use serde_json::{Value, json};
use serve::control::{Act, Control};
use serve::house::{Concerns, Planned};
use std::sync::Arc;
use store::table::{MARKS, POLICIES};
use store::verify::{Expectation, verify};
use store::{Readers, Store, Tx};
use trust::tlog::{Algorithm, Ed25519Signer, NoteSigner};

const ORIGIN: &str = "ward.example/test";

/// Verifies the store of the test for real; of the other acts it says what it was told.
struct Verifier {
    readers: Arc<Readers>,
    signer: Ed25519Signer,
}

impl Control for Verifier {
    fn status(&self) -> serve::Result<Value> {
        Ok(json!({
            "pid": 7, "up_s": 90, "database": "sqlite", "kek": "file",
            "tasks": [{ "name": "retention", "last_started_s_ago": 600 }],
            "witnesses": [{ "name": HOSTILE, "url": HOSTILE, "cosigned": false, "words": HOSTILE }],
            "integrity": { "state": "damaged", "words": HOSTILE },
        }))
    }

    fn act(&self, act: Act, arguments: Value, progress: &mut dyn FnMut(Value)) -> Result<Value, String> {
        if act != Act::Verify {
            return Err(format!("{} of {arguments}: no room {HOSTILE}", act.name()));
        }
        let keys = vec![self.signer.key().clone()];
        let expectation = Expectation { origin: ORIGIN.into(), keys, ..Expectation::default() };
        let verified = self
            .readers
            .read(|db| verify(db, &expectation, &mut |rows, of| progress(json!({ "rows": rows, "of": of }))))
            .map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(verified).unwrap())
    }
}

fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[9; 32]).unwrap()
}

/// Does something to the store, behind the write path or through it.
fn with_store(built: &Built, work: impl FnOnce(&mut Store) + Send + 'static) {
    let plan = move |store: &mut Store, _: Timestamp| {
        work(store);
        Ok(Planned { tx: None, concerns: Concerns::Nothing, answer: Value::Null })
    };
    built.house.desk.write(Box::new(plan)).unwrap();
}

/// A house with `entries` entries under a checkpoint, one row each, and one entry after it.
fn filled(entries: i64) -> Built {
    let mut built = Built::with(vec![plain(1), hostile(2)]);
    built.house.control = Arc::new(Verifier { readers: built.house.readers.clone(), signer: signer() });
    with_store(&built, move |store| {
        for n in 1..=entries {
            let mut tx = Tx::new(SiteId(0), HOSTILE, &format!("{HOSTILE} {n}"), NOW);
            tx.put(&MARKS, n, vec![format!("mark {n}").into(), n.into()]);
            store.commit(tx).unwrap();
        }
        store.integrate(ORIGIN, &signer(), NOW).unwrap().unwrap();
        let mut tx = Tx::new(SiteId(0), "os:ana", "after the checkpoint", NOW);
        tx.put(&POLICIES, 1, vec!["other".into(), HOSTILE.into()]);
        store.commit(tx).unwrap();
    });
    built
}

fn fill(server: &Server, path: &str, headers: &str, body: &str) -> Reply {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    raw(server, head.as_bytes())
}

#[track_caller]
fn page(server: &Server, path: &str) -> String {
    let reply = get(server, path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    assert!(!reply.text().contains("<script>alert"), "{path}");
    assert!(!reply.text().contains(" style="), "{path}");
    reply.text().to_owned()
}

/// Starts the act of a form and waits for its end; the page that it led to.
#[track_caller]
fn carried_out(server: &Server, form: &str, fields: &str) -> String {
    let reply = fill(server, form, "", fields);
    assert_eq!(reply.status, 303, "{form}: {}", reply.text());
    let place = reply.header("location").split('#').next().unwrap().to_owned();
    let number = place.split("job=").nth(1).unwrap();
    loop {
        let job: Value = serde_json::from_str(get(server, &format!("/api/v1/jobs/{number}")).text()).unwrap();
        if job["state"] != "running" {
            return page(server, &place);
        }
        let shown = page(server, &place);
        assert!(shown.contains("data-job=") || shown.contains("verified") || shown.contains("Backup"));
    }
}

const PAGES: [&str; 6] =
    ["/prove", "/prove?job=", "/prove/entries", "/settings", "/settings/stored", "/settings/retention"];

#[test]
fn an_empty_house_has_its_rooms() {
    let built = Built::with(Vec::new());
    let server = Server::start(built.router());
    for path in PAGES {
        page(&server, path);
    }
    assert!(page(&server, "/prove").contains("The ledger has no entry yet"));
    assert!(page(&server, "/prove/entries").contains("Nothing is written yet."));
    assert!(page(&server, "/settings").contains("the running process does not say"), "unknown is said so");
    assert!(page(&server, "/prove?job=7").contains("not known any more"));
}

#[test]
fn the_answer_says_what_a_checkpoint_covers_and_who_vouches() {
    let built = filled(12);
    let server = Server::start(built.router());
    let prove = page(&server, "/prove");
    for words in
        ["13 entries", "12 of them", "no witness has cosigned", "it is Ward's own word", "not verified"]
    {
        assert!(prove.replace("&#39;", "'").contains(words), "{words}: {prove}");
    }
    for path in PAGES {
        page(&server, path);
    }
    let settings = page(&server, "/settings");
    assert!(settings.contains("did not cosign") && settings.contains("damaged"), "{settings}");
}

#[test]
fn what_is_asked_to_be_verified_is_verified() {
    let built = filled(12);
    let server = Server::start(built.router());
    let shown = carried_out(&server, "/prove/verify", "");
    assert!(shown.contains("13 rows and 13 entries verified: every row is what the ledger says."), "{shown}");
    let job: Value = serde_json::from_str(get(&server, "/api/v1/jobs/1").text()).unwrap();
    let root = job["outcome"]["root"].as_str().unwrap();
    assert!(root.len() == 64 && shown.contains(root));
    // Whoever opens the room later sees it too, without the number.
    assert!(page(&server, "/prove").contains("entries verified"));
    assert!(carried_out(&server, "/prove/checkpoint", "").contains("could not be asked"));
}

#[test]
fn a_row_that_lies_is_named_with_the_entry_that_wrote_it() {
    let built = filled(12);
    with_store(&built, |store| {
        let sql = "UPDATE marks SET value = 99 WHERE id = 5";
        assert_eq!(store.db().execute(sql, &[]).unwrap(), 1);
        assert_eq!(store.db().execute("DELETE FROM marks WHERE id = 9", &[]).unwrap(), 1);
    });
    let server = Server::start(built.router());
    let shown = carried_out(&server, "/prove/verify", "");
    assert!(shown.contains("badge bad") && shown.contains("2 lies") && !shown.contains("entries verified"));
    assert!(
        shown.contains("The first: table marks, row 5 was changed past Ward; entry 4 wrote it otherwise"),
        "{shown}"
    );
    assert!(shown.contains("row 9 is gone") && shown.contains("href=\"/prove/entries/8\""));
    assert!(shown.contains("The store is not what the ledger says: 2 lies."), "the answer says so first");
}

#[test]
fn entries_are_found_paged_and_proved() {
    let built = filled(12);
    let server = Server::start(built.router());
    let rows = |shown: &str| shown.matches("<th class=\"num\" scope=\"row\">").count();
    let mut path = "/prove/entries?limit=5".to_owned();
    let mut seen = 0;
    loop {
        let shown = page(&server, &path);
        seen += rows(&shown);
        let Some(next) = shown.split("rel=\"next\" href=\"").nth(1) else { break };
        path = next.split('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(seen, 13);
    let by_ana = page(&server, "/prove/entries?actor=os%3Aana&table=policies&since=2026-11-22");
    assert_eq!(rows(&by_ana), 1);
    assert!(
        by_ana.contains("/api/v1/ledger/entries.csv?actor=os%3Aana&amp;table=policies&amp;since=2026-11-22"),
        "{by_ana}"
    );
    assert!(page(&server, "/prove/entries?actor=nobody").contains("No entry fits these filters."));
    assert_eq!(
        rows(&page(&server, "/prove/entries?actor=&table=&since=")),
        13,
        "an empty form filters nothing"
    );

    let entry = page(&server, "/prove/entries/3");
    assert!(entry.contains("badge ok") && entry.contains("4 hashes lead"), "{entry}");
    assert!(entry.contains("&lt;script&gt;alert") && entry.contains("written"));
    assert!(page(&server, "/prove/entries/12").contains("no checkpoint covers it yet"));
}

#[test]
fn an_entry_that_was_changed_is_not_called_proved() {
    let built = filled(12);
    with_store(&built, |store| {
        let sql = "UPDATE leaves SET data = (SELECT data FROM leaves WHERE id = 2) WHERE id = 3";
        assert_eq!(store.db().execute(sql, &[]).unwrap(), 1);
    });
    let server = Server::start(built.router());
    let entry = page(&server, "/prove/entries/3");
    assert!(entry.contains("not proved") && !entry.contains("badge ok"), "{entry}");
}

#[test]
fn what_cannot_be_understood_is_a_plain_page() {
    let built = filled(3);
    let server = Server::start(built.router());
    for (path, status) in [
        ("/prove?job=x", 400),
        ("/prove?colour=red", 400),
        ("/prove/entries?since=yesterday", 400),
        ("/prove/entries?limit=0", 400),
        ("/prove/entries?after=%00", 400),
        ("/prove/entries?table=%3Cscript%3Ealert(1)%3C/script%3E&x=1", 400),
        ("/prove/entries/99", 404),
        ("/prove/entries/x", 404),
        ("/prove/entries/-1", 404),
        ("/settings?job=-1", 400),
        ("/settings?x=1", 400),
    ] {
        let reply = get(&server, path);
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        assert!(reply.text().contains("<h1") && !reply.text().contains("<script>alert"), "{path}");
    }
    let long = format!("/prove/entries?actor={}", "a".repeat(600));
    assert_eq!(get(&server, &long).status, 400);
}

#[test]
fn pages_of_elsewhere_start_and_change_nothing() {
    let built = filled(3);
    let server = Server::start(built.router());
    for form in ["/prove/verify", "/prove/checkpoint", "/settings/backup", "/settings/retention"] {
        let fields = "act=set&rule=flows&days=400&confirmed=yes&path=/tmp/x.backup";
        for foreign in ["origin: https://evil.example\r\n", "sec-fetch-site: cross-site\r\n"] {
            assert_eq!(fill(&server, form, foreign, fields).status, 403, "{form}");
        }
        assert_eq!(get(&server, form).status == 200, form == "/settings/retention", "{form} is for acts");
    }
    let jobs: Value = serde_json::from_str(get(&server, "/api/v1/jobs").text()).unwrap();
    assert_eq!(jobs["items"], json!([]));
}

#[test]
fn a_rule_is_changed_after_it_was_said_what_that_does() {
    let built = filled(3);
    let server = Server::start(built.router());
    let rules = || -> Value { serde_json::from_str(get(&server, "/api/v1/retention").text()).unwrap() };
    let days = |rule: &str| {
        let rules = rules();
        let items = rules["items"].as_array().unwrap();
        items.iter().find(|told| told["rule"] == rule).unwrap()["days"].clone()
    };
    let fields = "act=set&rule=flows&days=30&reason=";
    let shown = fill(&server, "/settings/retention", "", fields);
    assert_eq!(shown.status, 200, "{}", shown.text());
    for words in ["keeps 30 days instead of 90", "23 Oct 2026", "in about 50 min", "cannot be brought back"] {
        assert!(shown.text().contains(words), "{words}: {}", shown.text());
    }
    assert_eq!(days("flows"), 90, "nothing is done yet");
    let made = fill(&server, "/settings/retention", "", &format!("{fields}&confirmed=yes"));
    assert_eq!((made.status, made.header("location")), (303, "/settings/retention"));
    assert_eq!((days("flows"), days("coverage")), (json!(30), json!(30)));
    let again = fill(&server, "/settings/retention", "", fields);
    assert!(again.text().contains("Nothing: it is so already."));
    assert!(page(&server, "/prove/entries?actor=local%3Aconsole").contains("retention: a rule was set"));

    for (fields, words) in [
        ("act=set&rule=findings&days=30", "say why"),
        ("act=set&rule=nothing&days=30", "no such rule"),
        ("act=set&rule=flows&days=0", "from 1 to"),
        ("act=set&rule=flows&days=x", "whole number"),
        ("act=hold&name=a+b&from=2026-01-01&reason=long+enough+reason", "named by"),
        ("act=hold&name=a&from=tomorrow&reason=long+enough+reason", "from is"),
        ("act=hold&name=a&from=2026-01-01&reason=short", "say why"),
        ("act=release&name=none", "no such hold"),
        ("act=drop", "act is set"),
        ("", "act is set"),
    ] {
        for confirmed in ["", "&confirmed=yes"] {
            let reply = fill(&server, "/settings/retention", "", &format!("{fields}{confirmed}"));
            assert!((400..500).contains(&reply.status), "{fields}: {}", reply.status);
            assert!(reply.text().contains(words), "{fields}: {}", reply.text());
        }
    }
    let back = fill(&server, "/settings/retention", "", "act=default&rule=flows&confirmed=yes");
    assert_eq!((back.status, days("flows")), (303, json!(90)));
}

#[test]
fn a_legal_hold_from_its_placing_to_its_release() {
    let built = filled(3);
    let server = Server::start(built.router());
    let reason = "letter+of+%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let hold = format!("act=hold&name=case-12&from=2026-01-01&to=2026-03-31&reason={reason}");
    let shown = fill(&server, "/settings/retention", "", &hold);
    assert!(
        shown.text().contains("between 2026-01-01 and 2026-03-31") && !shown.text().contains("<script>alert")
    );
    assert_eq!(fill(&server, "/settings/retention", "", &format!("{hold}&confirmed=yes")).status, 303);
    let held: Value = serde_json::from_str(get(&server, "/api/v1/retention/holds").text()).unwrap();
    assert_eq!(
        (&held["items"][0]["name"], &held["items"][0]["to"]),
        (&json!("case-12"), &json!("2026-03-31"))
    );
    assert!(page(&server, "/settings/retention").contains("case-12"));
    assert!(get(&server, "/api/v1/retention/holds.csv").text().starts_with("name,from,to,reason"));
    assert!(get(&server, "/api/v1/retention.csv").text().contains("flows,"));
    assert_eq!(
        fill(&server, "/settings/retention", "", "act=release&name=case-12&confirmed=yes").status,
        303
    );
    assert!(page(&server, "/settings/retention").contains("No legal hold."));
}

#[test]
fn programs_amend_with_one_body() {
    let built = filled(3);
    let server = Server::start(built.router());
    let send = |body: &str| {
        let head = "POST /api/v1/retention/amendments HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json";
        let reply =
            raw(&server, format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes());
        (reply.status, serde_json::from_slice::<Value>(&reply.body).unwrap())
    };
    let set = "{\"set\":{\"rule\":\"events\",\"days\":400}}";
    assert_eq!(send(set), (200, json!({ "changed": true })));
    assert_eq!(send(set), (200, json!({ "changed": false })));
    for wrong in ["{}", "null", "{\"set\":{}}", "{\"shred\":{}}", "{\"release\":{\"name\":\"\\u0000\"}}"] {
        assert!([400, 422].contains(&send(wrong).0), "{wrong}");
    }
}

#[test]
fn a_policy_that_cannot_be_understood_is_said_and_can_be_put_right() {
    let built = filled(3);
    with_store(&built, |store| {
        let mut tx = Tx::new(SiteId(0), "a test", "a hold of another ward", NOW);
        tx.put(&POLICIES, 2, vec!["hold:x".into(), HOSTILE.into()]);
        store.commit(tx).unwrap();
    });
    let server = Server::start(built.router());
    for path in ["/settings", "/settings/retention", "/settings/stored"] {
        page(&server, path);
    }
    assert!(page(&server, "/settings/retention").contains("Nothing is deleted"));
    assert_eq!(fill(&server, "/settings/retention", "", "act=release&name=x&confirmed=yes").status, 303);
    assert!(page(&server, "/settings/retention").contains("No legal hold."));
}

#[test]
fn a_backup_says_what_became_of_it() {
    let built = filled(3);
    let server = Server::start(built.router());
    for wrong in ["", "path=", "path=ward.backup", "path=%2Fetc%2Fcron.d%2Fx", "path=%2Fno%2Fsuch%2Fx.backup"]
    {
        let reply = fill(&server, "/settings/backup", "", wrong);
        assert_eq!(reply.status, 422, "{wrong}: {}", reply.text());
        assert!(reply.text().contains("<h1"), "{wrong}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.backup").display().to_string().replace('/', "%2F");
    let shown = carried_out(&server, "/settings/backup", &format!("path={path}"));
    assert!(shown.contains("There is no backup: backup of") && shown.contains("no room"), "{shown}");
}
