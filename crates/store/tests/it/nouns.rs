//! The everyday nouns on both engines: what is written comes back, lists go on where they ended, and nothing vanishes.

use crate::support::{Ground, NOW, SITE, on_both};
use model::{About, DeviceId, Duration, Exception, Note, Report, Task, TaskState, Timestamp, View, Window};
use store::exceptions::{self, ExceptionFilter, ExceptionRow, ExceptionState};
use store::notes::{self, NoteFilter, NoteRow};
use store::reports::{self, COPIES_MAX, COPY_BYTES_MAX, ReportRow};
use store::tasks::{self, TaskFilter, TaskRow};
use store::views::{self, ViewFilter};
use store::windows::{self, WindowFilter};
use store::{Cursor, Scope, Store, StoreError};

on_both!(
    tasks_come_back_page_by_page,
    tasks_are_changed_by_who_has_read_them,
    exceptions_end_and_stay,
    windows_end_and_stay,
    notes_are_withdrawn_and_erased,
    views_have_names_of_their_own,
    reports_keep_their_newest_copies,
    nothing_is_about_what_is_not_there,
    a_narrow_scope_sees_only_its_devices,
);

const BY: &str = "local:console";

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn task(title: &str, due: Option<Timestamp>) -> Task {
    Task::new(About::Site, title, "", "", due, "").unwrap()
}

fn put_task(store: &mut Store, task: Task) -> TaskRow {
    let (row, tx) = tasks::plan_create(store, SITE, BY, NOW, task).unwrap();
    store.commit(tx).unwrap();
    row
}

/// A device that is known now.
pub fn device(store: &mut Store, number: u64, zone: Option<&str>) -> DeviceId {
    let device = DeviceId(number);
    let id = store.next_id(&store::table::DEVICES);
    let row = store::devices::DeviceRow {
        id,
        device,
        key: format!("0|10.0.0.{number}"),
        name: None,
        vendor: None,
        class: None,
        zone: zone.map(str::to_owned),
        review: store::devices::UNREVIEWED.into(),
        router: false,
        behind: None,
        merged_into: None,
        card: model::Card::default(),
        first_seen: NOW,
        known_from: NOW,
    };
    let mut tx = store::Tx::new(SITE, "a test", "a device", NOW);
    tx.put(&store::table::DEVICES, id, row.cells(None));
    store.commit(tx).unwrap();
    device
}

fn pages(ground: &Ground, filter: &TaskFilter, limit: usize) -> Vec<Vec<String>> {
    let (mut reader, scope) = (ground.reader(), Scope::site(SITE));
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = tasks::list(&mut reader, &scope, filter, after, limit).unwrap();
        pages.push(page.items.iter().map(|row| row.task.title.to_string()).collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
        assert!(pages.len() < 50, "a list that never ends");
    }
}

fn tasks_come_back_page_by_page(ground: &Ground) {
    let mut store = ground.open();
    let made: Vec<TaskRow> = [("a", Some(30)), ("b", None), ("c", Some(10)), ("d", Some(30)), ("e", None)]
        .map(|(title, due)| put_task(&mut store, task(title, due.map(later))))
        .into();
    let all = TaskFilter::default();
    assert_eq!(pages(ground, &all, 2), [vec!["e", "d"], vec!["c", "b"], vec!["a"]]);
    let by_due = TaskFilter { by_due: true, ..TaskFilter::default() };
    for limit in 1..7 {
        assert_eq!(pages(ground, &by_due, limit).concat(), ["c", "a", "d", "b", "e"], "pages of {limit}");
    }
    let soon = TaskFilter { due_before: Some(later(30)), ..TaskFilter::default() };
    assert_eq!(pages(ground, &soon, 9), [["c"]]);
    let found = TaskRow::find(&mut ground.reader(), &Scope::site(SITE), SITE, made[0].id).unwrap();
    assert_eq!(found, Some(made[0].clone()));
    let elsewhere = Scope::site(model::SiteId(9));
    assert!(tasks::list(&mut ground.reader(), &elsewhere, &all, None, 9).unwrap().items.is_empty());
    let gone = tasks::list(&mut ground.reader(), &Scope::site(SITE), &by_due, Some(Cursor(999)), 9);
    assert!(matches!(gone, Err(StoreError::Refused(_))), "{gone:?}");
}

fn tasks_are_changed_by_who_has_read_them(ground: &Ground) {
    let mut store = ground.open();
    let row = put_task(&mut store, task("a", None));
    let change = |store: &mut Store, seen| {
        tasks::plan_change(store, (SITE, "b", later(5)), row.id, seen, |task| task.state = TaskState::Done)
    };
    let (changed, tx) = change(&mut store, Some(row.changed_at)).unwrap();
    store.commit(tx).unwrap();
    assert_eq!((changed.created_by.as_str(), changed.task.state), (BY, TaskState::Done));
    assert!(
        matches!(change(&mut store, Some(row.changed_at)), Err(StoreError::Refused(why)) if why.contains("meanwhile"))
    );
    let (again, tx) = change(&mut store, None).unwrap();
    store.commit(tx).unwrap();
    assert!(again.changed_at > changed.changed_at, "the clock stands, and it was changed all the same");
    assert!(change(&mut store, Some(changed.changed_at)).is_err());
    let open = TaskFilter { state: Some(TaskState::Open), ..TaskFilter::default() };
    assert_eq!(pages(ground, &open, 9), [Vec::<String>::new()]);
    assert_eq!(pages(ground, &TaskFilter::default(), 9), [["a"]], "what is done stays");
}

fn exceptions_end_and_stay(ground: &Ground) {
    let mut store = ground.open();
    let mut put = |until| {
        let people = ("a. weber", "b. klein");
        let exception =
            Exception::new(About::Site, "weak-protocol", "old", people, later(until), NOW).unwrap();
        let (row, tx) = exceptions::plan_create(&mut store, SITE, BY, NOW, exception).unwrap();
        store.commit(tx).unwrap();
        row
    };
    let (short, long) = (put(100), put(1_000));
    let (revoked, tx) = exceptions::plan_revoke(&mut store, SITE, "c", later(50), long.id).unwrap();
    store.commit(tx).unwrap();
    assert_eq!(revoked.revoked_by.as_deref(), Some("c"));
    for (state, at, expected) in [
        (ExceptionState::InForce, 99, vec![short.id]),
        (ExceptionState::InForce, 100, vec![]),
        (ExceptionState::Expired, 100, vec![short.id]),
        (ExceptionState::Revoked, 100, vec![long.id]),
    ] {
        let filter = ExceptionFilter { state: Some((state, later(at))), ..ExceptionFilter::default() };
        let page = exceptions::list(&mut ground.reader(), &Scope::site(SITE), &filter, None, 9).unwrap();
        assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{state:?} at {at}");
        assert!(page.items.iter().all(|row| row.state(later(at)) == state));
    }
    for id in [long.id, short.id, 77] {
        let again = exceptions::plan_revoke(&mut store, SITE, "c", later(2_000), id);
        assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    }
    let found = ExceptionRow::find(&mut ground.reader(), &Scope::site(SITE), SITE, short.id).unwrap();
    assert_eq!(found, Some(short));
}

fn windows_end_and_stay(ground: &Ground) {
    let mut store = ground.open();
    let ical = "BEGIN:VEVENT\nDTSTART:20261122T020000\nDTEND:20261122T040000\nRRULE:FREQ=WEEKLY\nEND:VEVENT";
    let window = Window::new(About::Site, "Sunday night", ical).unwrap();
    let (row, tx) = windows::plan_create(&mut store, SITE, BY, NOW, window).unwrap();
    store.commit(tx).unwrap();
    let standing = WindowFilter { ended: Some(false), ..WindowFilter::default() };
    let list = |filter: &WindowFilter| {
        windows::list(&mut ground.reader(), &Scope::site(SITE), filter, None, 9).unwrap().items
    };
    assert_eq!(list(&standing), std::slice::from_ref(&row));
    let (ended, tx) = windows::plan_end(&mut store, SITE, BY, later(1), row.id).unwrap();
    store.commit(tx).unwrap();
    assert_eq!((list(&standing), list(&WindowFilter::default())), (vec![], vec![ended]));
    assert!(windows::plan_end(&mut store, SITE, BY, later(2), row.id).is_err());
}

fn notes_are_withdrawn_and_erased(ground: &Ground) {
    let mut store = ground.open();
    let note = Note::new(About::Site, "the cable\nis loose").unwrap();
    let (row, tx) = notes::plan_create(&mut store, SITE, BY, NOW, note).unwrap();
    store.commit(tx).unwrap();
    let mut withdraw = |erase| {
        let (row, tx) = notes::plan_withdraw(&mut store, (SITE, BY, later(1)), row.id, erase)?;
        store.commit(tx).map(|_| row)
    };
    let withdrawn = withdraw(false).unwrap();
    assert_eq!((&withdrawn.body, withdrawn.withdrawn_at), (&row.body, Some(later(1))));
    assert!(withdraw(false).is_err());
    assert_eq!(withdraw(true).unwrap().body, None);
    assert!(withdraw(true).is_err(), "nothing is left to erase");
    let standing = NoteFilter { withdrawn: Some(false), ..NoteFilter::default() };
    let scope = Scope::site(SITE);
    assert!(notes::list(&mut ground.reader(), &scope, &standing, None, 9).unwrap().items.is_empty());
    let found = NoteRow::find(&mut ground.reader(), &scope, SITE, row.id).unwrap().unwrap();
    assert_eq!((found.body, found.written_by.as_str()), (None, BY));
}

fn views_have_names_of_their_own(ground: &Ground) {
    let mut store = ground.open();
    let view = |name, query| View::new(name, "/devices", query).unwrap();
    let mut put = |view| {
        let (row, tx) = views::plan_create(&mut store, SITE, BY, NOW, view)?;
        store.commit(tx).map(|_| row)
    };
    let (first, second) = (put(view("ICU", "zone=icu")).unwrap(), put(view("OR", "")).unwrap());
    assert!(matches!(put(view("ICU", "x=1")), Err(StoreError::Refused(why)) if why.contains("\"ICU\"")));
    let at = (SITE, BY, later(1));
    assert!(views::plan_change(&mut store, at, second.id, view("ICU", "")).is_err());
    let (_, tx) = views::plan_change(&mut store, at, first.id, view("ICU", "zone=icu2")).unwrap();
    store.commit(tx).unwrap();
    let (_, tx) = views::plan_end(&mut store, SITE, BY, later(2), second.id).unwrap();
    store.commit(tx).unwrap();
    let filter = ViewFilter { page: Some("/devices".into()), deleted: Some(false) };
    let page = views::list(&mut ground.reader(), &Scope::site(SITE), &filter, None, 9).unwrap();
    assert_eq!(page.items.iter().map(|row| row.view.address()).collect::<Vec<_>>(), ["/devices?zone=icu2"]);
    assert!(views::plan_change(&mut store, at, second.id, view("OR", "")).is_err(), "it is off the list");
}

fn reports_keep_their_newest_copies(ground: &Ground) {
    let mut store = ground.open();
    let view = View::new("Open tasks", "/tasks", "state=open").unwrap();
    let report = Report::new(view, "csv", "weekly mon 06:00").unwrap();
    let (row, tx) = reports::plan_create(&mut store, (SITE, BY, NOW), report, Some(later(10))).unwrap();
    store.commit(tx).unwrap();
    assert!(ReportRow::due(&mut ground.reader(), SITE, later(9)).unwrap().is_empty());
    assert_eq!(ReportRow::due(&mut ground.reader(), SITE, later(10)).unwrap(), std::slice::from_ref(&row));
    for n in 0..COPIES_MAX as i64 + 3 {
        let copy = Some((n, vec![n as u8; 3]));
        let (_, tx) =
            reports::plan_copy(&mut store, (SITE, "ward", later(11)), row.id, copy, Some(later(99))).unwrap();
        store.commit(tx).unwrap();
    }
    let copies = reports::copies(&mut ground.reader(), SITE, row.id).unwrap();
    assert_eq!((copies.len(), copies[0].rows), (COPIES_MAX, COPIES_MAX as i64 + 2));
    let data = reports::copy_data(&mut ground.reader(), SITE, row.id, copies[0].id).unwrap();
    assert_eq!(data, Some(vec![COPIES_MAX as u8 + 2; 3]));
    assert_eq!(reports::copy_data(&mut ground.reader(), SITE, row.id + 1, copies[0].id).unwrap(), None);
    let large = Some((1, vec![0; COPY_BYTES_MAX + 1]));
    assert!(reports::plan_copy(&mut store, (SITE, "ward", later(12)), row.id, large, None).is_err());
    let (_, tx) = reports::plan_end(&mut store, SITE, BY, later(13), row.id).unwrap();
    store.commit(tx).unwrap();
    assert!(ReportRow::due(&mut ground.reader(), SITE, later(1_000)).unwrap().is_empty());
    assert_eq!(reports::copies(&mut ground.reader(), SITE, row.id).unwrap().len(), COPIES_MAX);
}

fn nothing_is_about_what_is_not_there(ground: &Ground) {
    let mut store = ground.open();
    for about in ["device|d-0000000000000001", "finding|7", "zone|7"] {
        let note = Note::new(about.parse().unwrap(), "here?").unwrap();
        let refused = notes::plan_create(&mut store, SITE, BY, NOW, note);
        assert!(matches!(&refused, Err(StoreError::Refused(why)) if why.contains(about)), "{refused:?}");
    }
    let about = About::Device(device(&mut store, 1, None));
    let note = Note::new(about, "here").unwrap();
    assert!(notes::plan_create(&mut store, SITE, BY, NOW, note.clone()).is_ok());
    let mut row = store::device_facts::row(store.db(), SITE, DeviceId(1), later(1)).unwrap().unwrap();
    row.merged_into = Some(DeviceId(2));
    let mut tx = store::Tx::new(SITE, BY, "a device is another", NOW);
    tx.put(&store::table::DEVICES, row.id, row.cells(None));
    store.commit(tx).unwrap();
    let refused = notes::plan_create(&mut store, SITE, BY, NOW, note);
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "nobody would see what is said of a device that is another"
    );
}

fn a_narrow_scope_sees_only_its_devices(ground: &Ground) {
    let mut store = ground.open();
    for (number, zone) in [(1, Some("icu")), (2, Some("or")), (3, None)] {
        let about = About::Device(device(&mut store, number, zone));
        put_task(&mut store, Task::new(about, &number.to_string(), "", "", None, "").unwrap());
    }
    put_task(&mut store, task("site", None));
    let scope = Scope { zones: Some(vec!["icu".into()]), ..Scope::site(SITE) };
    let page = tasks::list(&mut ground.reader(), &scope, &TaskFilter::default(), None, 9).unwrap();
    let titles: Vec<String> = page.items.iter().map(|row| row.task.title.to_string()).collect();
    assert_eq!(titles, ["site", "1"]);
    assert_eq!(TaskRow::find(&mut ground.reader(), &scope, SITE, 2).unwrap(), None);
}
