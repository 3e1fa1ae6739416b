//! The everyday nouns through pages and API: made, listed, changed, ended; and whatever anybody sends is answered in plain words.

use crate::house::{Built, HOSTILE, NOW, hostile, plain};
use crate::http::{Reply, Server, ask, get, raw};
use model::{DeviceId, SiteId};
use serde_json::{Value, json};
use serve::house::{Concerns, Planned};

fn send(server: &Server, method: &str, path: &str, media: &str, body: &str) -> Reply {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    raw(server, format!("{head}{body}").as_bytes())
}

fn tell(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let reply = send(server, method, path, "application/json", &body.to_string());
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
}

fn fill(server: &Server, path: &str, body: &str) -> Reply {
    send(server, "POST", path, "application/x-www-form-urlencoded", body)
}

fn read(server: &Server, path: &str) -> Value {
    let reply = get(server, path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_slice(&reply.body).unwrap()
}

/// A house whose devices 1 and 2 are in its store too.
fn built() -> Built {
    let built = Built::with(vec![plain(1), hostile(2)]);
    for number in [1, 2] {
        built
            .house
            .desk
            .write(Box::new(move |store, now| {
                let entry = plain(number);
                let id = store.next_id(&store::table::DEVICES);
                let row = store::devices::DeviceRow {
                    id,
                    device: entry.id,
                    key: entry.key.to_string(),
                    name: None,
                    vendor: None,
                    class: None,
                    zone: None,
                    review: store::devices::UNREVIEWED.into(),
                    router: false,
                    behind: None,
                    merged_into: None,
                    card: model::Card::default(),
                    first_seen: now,
                    known_from: now,
                };
                let mut tx = store::Tx::new(SiteId(0), "a test", "a device", now);
                tx.put(&store::table::DEVICES, id, row.cells(None));
                Ok(Planned { tx: Some(tx), concerns: Concerns::Nothing, answer: Value::Null })
            }))
            .unwrap();
    }
    built
}

fn id(number: u8) -> DeviceId {
    plain(number).id
}

#[test]
fn a_task_from_its_making_to_its_end() {
    let built = built();
    let server = Server::start(built.router());
    let about = format!("device|{}", id(1));
    let body =
        json!({ "title": format!(" {HOSTILE} "), "about": about, "due_at": "2026-11-21", "ticket": "=1+1" });
    let (status, task) = tell(&server, "POST", "/api/v1/tasks", &body);
    assert_eq!((status, &task["title"], &task["overdue"]), (201, &json!(HOSTILE), &json!(true)), "{task}");
    assert_eq!(task["due_at"], "2026-11-21T23:59:59.999999999Z");

    let list = read(&server, "/api/v1/tasks?due=overdue&limit=1");
    assert_eq!(list["items"], json!([task]));
    let csv = get(&server, "/api/v1/tasks.csv");
    assert!(csv.text().contains("'=1+1") && csv.header("content-type").starts_with("text/csv"), "{csv:?}");
    let page = get(&server, &format!("/tasks?about={}", about.replace('|', "%7C")));
    assert!(page.text().contains("overdue") && !page.text().contains("<script>alert"), "{}", page.text());

    let path = format!("/api/v1/tasks/{}", task["id"]);
    let stale = json!({ "title": "x", "if_changed_at": "2026-11-20T00:00:00Z" });
    assert_eq!(tell(&server, "PUT", &path, &stale).0, 422);
    let fresh = json!({ "title": "x", "owner": "a. weber", "if_changed_at": task["changed_at"] });
    let (status, changed) = tell(&server, "PUT", &path, &fresh);
    assert_eq!((status, &changed["owner"], &changed["about"]), (200, &json!("a. weber"), &json!("site")));
    let done =
        fill(&server, "/tasks/change", &format!("id={}&act=done&next=%2Ftasks%3Fdue%3Dweek", task["id"]));
    assert_eq!((done.status, done.header("location")), (303, "/tasks?due=week"));
    assert_eq!(read(&server, "/api/v1/tasks")["items"], json!([]));
    assert_eq!(read(&server, "/api/v1/tasks?state=done")["items"][0]["state"], "done");
    assert_eq!(ask(&server, "DELETE", &path, &[]).status, 200);
    assert_eq!(read(&server, &path)["state"], "dropped");
}

#[test]
fn notes_exceptions_and_windows_through_their_forms() {
    let built = built();
    let server = Server::start(built.router());
    let about = format!("device%7C{}", id(2));
    for (path, fields) in [
        ("/notes/new", "body=the+cable+is+loose"),
        ("/exceptions/new", "rule=weak-protocol&reason=old&asked_by=a&approver=b&expires_at=2026-12-24"),
        ("/windows/new", "name=Night&from=2026-11-22T14%3A00&to=2026-11-22T15%3A00&again=DAILY"),
    ] {
        let reply = fill(&server, path, &format!("about={about}&next=//evil.example&{fields}"));
        assert_eq!(reply.status, 303, "{path}: {}", reply.text());
        assert!(!reply.header("location").contains("evil"), "{path}");
    }
    let windows = read(&server, &format!("/api/v1/windows?about={about}"));
    assert_eq!(
        (&windows["items"][0]["open"], &windows["items"][0]["opens_next_at"]),
        (&json!(true), &json!("2026-11-23T14:00:00Z"))
    );
    let same = fill(
        &server,
        "/exceptions/new",
        &format!("about={about}&rule=x&reason=y&asked_by=a&approver=A&expires_at=2026-12-24"),
    );
    assert!(same.status == 422 && same.text().contains("somebody else has to approve"), "{}", same.text());
    assert!(get(&server, "/exceptions").text().contains("weak-protocol"));
    assert!(get(&server, "/windows").text().contains("open now"));
    for (path, list) in
        [("/notes/withdraw", "notes"), ("/exceptions/revoke", "exceptions"), ("/windows/end", "windows")]
    {
        assert_eq!(fill(&server, path, "id=1&erase=yes").status, 303, "{path}");
        assert_eq!(read(&server, &format!("/api/v1/{list}"))["items"], json!([]), "{list}");
    }
    assert_eq!(read(&server, "/api/v1/notes?ended=yes")["items"][0]["body"], Value::Null);
}

#[test]
fn an_edit_is_shown_then_made_then_taken_back() {
    let built = built();
    let server = Server::start(built.router());
    let fields =
        format!("change=add-tag&value=ICU&device={}&device={}&device=d-00000000000000ff", id(1), id(2));
    let shown = fill(&server, "/devices/edit", &fields);
    assert!(
        shown.status == 200 && shown.text().contains("2 devices would be changed: add tag icu"),
        "{}",
        shown.text()
    );
    assert!(shown.text().contains("1 device") && !shown.text().contains("<script>alert"));
    assert_eq!(read(&server, "/api/v1/edits")["items"], json!([]), "nothing is done yet");
    let made = fill(&server, "/devices/edit", &format!("{fields}&confirmed=yes&reason=round"));
    assert!(
        made.status == 200 && made.text().contains("2 devices changed, 1 device left alone"),
        "{}",
        made.text()
    );
    let edit = &read(&server, "/api/v1/edits")["items"][0];
    assert_eq!(
        (&edit["words"], &edit["devices"], &edit["reason"]),
        (&json!("add tag icu"), &json!(2), &json!("round"))
    );
    let path = format!("/api/v1/devices/{}/tags/icu", id(1));
    assert_eq!(ask(&server, "DELETE", &path, &[]).status, 200);
    let (status, outcome) =
        tell(&server, "POST", &format!("/api/v1/edits/{}/revert", edit["id"]), &json!({}));
    assert_eq!(
        (status, outcome["changed"].as_array().unwrap().len(), outcome["skipped"][0]["device"].as_str()),
        (200, 1, Some(id(1).to_string().as_str()))
    );
    assert!(get(&server, "/edits").text().contains("taken back"));
}

#[test]
fn a_report_is_made_by_schedule_and_kept() {
    let built = built();
    let server = Server::start(built.router());
    tell(&server, "POST", "/api/v1/tasks", &json!({ "title": "one" }));
    let body = json!({ "name": "Open", "page": "/tasks", "query": "state=open", "format": "csv", "schedule": "daily 06:00" });
    let (status, report) = tell(&server, "POST", "/api/v1/reports", &body);
    assert_eq!((status, &report["next_at"]), (201, &json!("2026-11-23T06:00:00Z")), "{report}");
    assert_eq!(serve::api::reports::make_due(&built.house).unwrap(), 0, "not yet");
    let (status, copy) = tell(&server, "POST", "/api/v1/reports/1/copies", &json!({}));
    assert_eq!((status, &copy["rows"]), (201, &json!(1)), "{copy}");
    let file = get(&server, "/api/v1/reports/1/copies/1");
    assert!(file.text().starts_with("id,title") && file.text().contains("one"), "{}", file.text());
    assert!(get(&server, "/reports?page=/tasks&query=state%3Dopen").text().contains("Copy 1"));
    for (field, value) in
        [("page", "/nowhere"), ("query", "colour=red"), ("schedule", "hourly"), ("format", "pdf")]
    {
        let mut wrong = body.clone();
        wrong[field] = json!(value);
        let (status, problem) = tell(&server, "POST", "/api/v1/reports", &wrong);
        assert!((400..500).contains(&status), "{field}: {problem}");
    }
    assert_eq!(ask(&server, "DELETE", "/api/v1/reports/1", &[]).status, 200);
    assert_eq!(get(&server, "/api/v1/reports/1/copies/1").status, 200, "copies stay");

    // Another, whose time has come: one copy, and the next is due tomorrow.
    let due = Box::new(|store: &mut store::Store, now| {
        let view = model::View::new("Due", "/tasks", "").unwrap();
        let report = model::Report::new(view, "json", "daily 06:00").unwrap();
        let (_, tx) = store::reports::plan_create(store, (SiteId(0), "a test", now), report, Some(NOW))?;
        Ok(Planned { tx: Some(tx), concerns: Concerns::Nothing, answer: Value::Null })
    });
    built.house.desk.write(due).unwrap();
    let made = [(); 2].map(|()| serve::api::reports::make_due(&built.house).unwrap());
    assert_eq!(made, [1, 0]);
    assert_eq!(read(&server, "/api/v1/reports/2/copies/2")["items"][0]["title"], "one");
}

/// Writes a report of all tasks that is due now.
fn due(built: &Built, format: &'static str) {
    let due = Box::new(move |store: &mut store::Store, now| {
        let view = model::View::new("Due", "/tasks", "").unwrap();
        let report = model::Report::new(view, format, "daily 06:00").unwrap();
        let (_, tx) = store::reports::plan_create(store, (SiteId(0), "a test", now), report, Some(NOW))?;
        Ok(Planned { tx: Some(tx), concerns: Concerns::Nothing, answer: Value::Null })
    });
    built.house.desk.write(due).unwrap();
}

#[test]
fn a_copy_that_is_too_large_is_passed_over_until_its_next_time() {
    let built = built();
    let server = Server::start(built.router());
    // Details that cannot be packed: hashes of numbers, 16 MB in hexadecimal.
    let tasks = Box::new(|store: &mut store::Store, now| {
        let mut tx = store::Tx::new(SiteId(0), "a test", "many tasks", now);
        for task in 0..8_500_u64 {
            let words = (0..30_u64).map(|word| {
                let hash = trust::tlog::leaf_hash(&[task.to_be_bytes(), word.to_be_bytes()].concat());
                hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
            });
            let detail: String = words.collect();
            let task = model::Task::new(model::About::Site, "t", &detail, "", None, "").unwrap();
            let (row, one) = store::tasks::plan_create(store, SiteId(0), "a test", now, task)?;
            drop(one);
            let cells: Vec<store::db::Value> = vec![
                "t".into(),
                row.task.detail.as_ref().unwrap().as_str().into(),
                "site".into(),
                store::db::Value::Null,
                store::db::Value::Null,
                store::db::Value::Null,
                "open".into(),
                "a test".into(),
                1_i64.into(),
                1_i64.into(),
            ];
            tx.put(&store::table::TASKS, row.id, cells);
        }
        Ok(Planned { tx: Some(tx), concerns: Concerns::Nothing, answer: Value::Null })
    });
    built.house.desk.write(tasks).unwrap();
    due(&built, "csv");
    let failed = serve::api::reports::make_due(&built.house).unwrap_err();
    assert!(failed.to_string().contains("too large"), "{failed}");
    assert_eq!(serve::api::reports::make_due(&built.house).unwrap(), 0, "it is not tried every minute");
    assert_eq!(read(&server, "/api/v1/reports/1")["next_at"], "2026-11-23T06:00:00Z");
}

#[test]
fn a_copy_keeps_the_format_it_was_made_in() {
    let built = built();
    let server = Server::start(built.router());
    due(&built, "csv");
    assert_eq!(serve::api::reports::make_due(&built.house).unwrap(), 1);
    let body =
        json!({ "name": "Due", "page": "/tasks", "query": "", "format": "json", "schedule": "daily 06:00" });
    assert_eq!(tell(&server, "PUT", "/api/v1/reports/1", &body).0, 200);
    assert_eq!(tell(&server, "POST", "/api/v1/reports/1/copies", &json!({})).0, 201);
    let (old, new) = (get(&server, "/api/v1/reports/1/copies/1"), get(&server, "/api/v1/reports/1/copies/2"));
    assert_eq!(old.header("content-type"), "text/csv; charset=utf-8", "{}", old.text());
    assert_eq!(new.header("content-type"), "application/json", "{}", new.text());
}

#[test]
fn whatever_is_sent_is_answered_in_plain_words() {
    let built = built();
    let server = Server::start(built.router());
    let lists = ["tasks", "exceptions", "windows", "notes", "views", "reports", "edits"];
    let queries = [
        "after=x",
        "after=c1-5",
        "limit=0",
        "limit=x",
        "about=%00",
        "state=%ff",
        "owner=%00",
        "ended=maybe",
        "x=1",
        "page=%00",
        "rule=%00",
    ];
    for list in lists {
        for ending in ["", ".csv", ".json"] {
            for query in queries {
                let reply = get(&server, &format!("/api/v1/{list}{ending}?{query}"));
                assert!(
                    reply.status == 200 || reply.status >= 400 && reply.status < 500,
                    "{list}{ending}?{query}: {}",
                    reply.status
                );
                if reply.status != 200 {
                    assert_eq!(reply.header("content-type"), "application/problem+json", "{list}?{query}");
                }
            }
        }
        for number in ["0", "-1", "99", "x", "%00", "99999999999999999999", "1e3"] {
            for method in ["GET", "DELETE", "PUT", "POST"] {
                let reply = ask(&server, method, &format!("/api/v1/{list}/{number}"), &[]);
                assert!((400..500).contains(&reply.status), "{method} {list}/{number}: {}", reply.status);
            }
        }
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "{\"x\":1}",
            "{\"title\":\"\\u0000\",\"name\":\"\\u0000\",\"about\":\"site\",\"body\":\"\\u0000\"}",
        ] {
            let reply = send(&server, "POST", &format!("/api/v1/{list}"), "application/json", body);
            assert!((400..500).contains(&reply.status), "{list} {body}: {}", reply.status);
        }
    }
}

#[test]
fn whatever_is_filled_in_is_answered_with_a_page() {
    let built = built();
    let server = Server::start(built.router());
    for form in [
        "/tasks/new",
        "/tasks/change",
        "/notes/new",
        "/notes/withdraw",
        "/exceptions/new",
        "/exceptions/revoke",
        "/windows/new",
        "/windows/end",
        "/views/new",
        "/views/end",
        "/reports/new",
        "/reports/copy",
        "/reports/end",
        "/devices/edit",
        "/edits/revert",
    ] {
        for body in ["", "id=x", "id=99&act=done", "title=%00&about=zone%7C9", "device=x&change=y"] {
            let reply = fill(&server, form, body);
            assert!(
                (400..500).contains(&reply.status) && reply.text().contains("<p"),
                "{form} {body}: {}",
                reply.status
            );
        }
    }
    for page in [
        "/tasks?due=x",
        "/tasks?after=x",
        "/views?after=x",
        "/reports?after=x",
        "/edits?x=1",
        "/exceptions?state=x",
    ] {
        assert!((400..500).contains(&get(&server, page).status), "{page}");
    }
}
