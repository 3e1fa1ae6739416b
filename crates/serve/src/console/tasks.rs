//! What is to be done, by whom and until when; and the lists of exceptions and windows.

use super::form::Filled;
use super::parts::{badge, count, empty, exports};
use super::parts_about::{exception_line, next, time, window_line};
use super::{Failed, Page, Room, Shown, Visit};
use crate::api::exceptions::ExceptionsAsked;
use crate::api::rows;
use crate::api::tasks::{self, DueAsked, StateAsked, TaskBody, TaskItem, TasksAsked};
use crate::api::windows::WindowsAsked;
use crate::api::{Problem, rows::Rows};
use crate::house::{House, LOCAL};
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use model::{About, Line, PERSON_CHARS_MAX, REASON_CHARS_MAX, TITLE_CHARS_MAX, Task, TaskState};
use store::tasks::TaskFilter;

/// The filters that most people want: name, query.
const CHIPS: [(&str, &str); 6] = [
    ("To be done", ""),
    ("Mine", "owner=local:console"),
    ("Overdue", "due=overdue"),
    ("Due this week", "due=week"),
    ("Nobody has taken", "unowned=true"),
    ("Done", "state=done&order=newest"),
];

/// What a page of tasks, exceptions or windows was asked for, or the page that says what is wrong with it.
fn asked<Q: Rows>(visit: &Visit) -> Result<Q, Failed> {
    rows::understood(visit.uri.query().unwrap_or("")).map_err(|problem| Failed::on(visit, problem))
}

async fn page(visit: Visit) -> Shown {
    let on = |problem: Problem| Failed::on(&visit, problem);
    let asked: TasksAsked = asked(&visit)?;
    let answer = answer(&visit).await.map_err(on)?;
    let form = filter_form(&asked);
    let list = rows::page(&visit.house, asked.clone()).await.map_err(on)?;
    let here = visit.uri.query().unwrap_or("");
    let body = html! {
        nav.chips aria-label="Tasks by what needs doing" {
            @for (name, query) in CHIPS {
                a.chip href={ "/tasks?" (query) } aria-current=[(here == query).then_some("true")] { (name) }
            }
            a.chip href="/exceptions" { "Exceptions" }
            a.chip href="/windows" { "Windows" }
        }
        (form)
        @if list.items.is_empty() {
            (empty("There is no such task.", html! { p { "Make one below, or on the page of a device, a finding or a zone." } }))
        } @else {
            div.toolbar { (exports(&format!("/tasks?{here}"))) " " (keep_links("/tasks", here)) }
            (table(&visit, &list.items))
        }
        @if let Some(cursor) = &list.next { p { a href=(super::parts_link::with(&visit.uri, "after", cursor)) rel="next" { "More" } } }
        section.card { details open[list.items.is_empty()] { summary { "Make a task" } (new_fields(&visit, "site")) } }
    };
    Ok(Page::new(&visit, Some(Room::Now), "Tasks", answer, body))
}

/// Links that save the list as a view, or make a report of it.
pub(crate) fn keep_links(page: &str, query: &str) -> Markup {
    let query = super::parts_link::encoded(query);
    html! {
        a href={ "/views?page=" (page) "&query=" (query) } { "Save as a view" } " "
        a href={ "/reports?page=" (page) "&query=" (query) } { "Make a report" }
    }
}

async fn answer(visit: &Visit) -> Result<Markup, Problem> {
    let (scope, now) = (rows::scope(&visit.house), visit.now);
    let open = TaskFilter { state: Some(TaskState::Open), ..TaskFilter::default() };
    let late = TaskFilter { due_before: Some(now), ..open.clone() };
    let counts = visit.house.read(move |db| {
        Ok((store::tasks::count(db, &scope, &open)?, store::tasks::count(db, &scope, &late)?))
    });
    let (open, late) = counts.await?;
    Ok(match (open, late) {
        (0, _) => html! { "Nothing is to be done." },
        (_, 0) => html! { (count(open, "task")) " to be done, none of them overdue." },
        _ => html! { (count(open, "task")) " to be done, " strong { (late) " overdue" } "." },
    })
}

fn filter_form(asked: &TasksAsked) -> Markup {
    let state = asked.state.unwrap_or(StateAsked::Open);
    let due = asked.due.unwrap_or(DueAsked::Any);
    let states = [
        ("open", "to be done", StateAsked::Open),
        ("done", "done", StateAsked::Done),
        ("dropped", "dropped", StateAsked::Dropped),
        ("all", "all", StateAsked::All),
    ];
    let dues = [
        ("any", "whenever", DueAsked::Any),
        ("overdue", "overdue", DueAsked::Overdue),
        ("week", "within a week", DueAsked::Week),
    ];
    html! {
        form.inline.toolbar method="get" action="/tasks" {
            label { span { "State" } select name="state" {
                @for (name, word, value) in states { option value=(name) selected[value == state] { (word) } }
            } }
            label { span { "Due" } select name="due" {
                @for (name, word, value) in dues { option value=(name) selected[value == due] { (word) } }
            } }
            label { span { "Owner" } input name="owner" value=(asked.owner.as_deref().unwrap_or("")) maxlength=(PERSON_CHARS_MAX); }
            label { span { "About" } input name="about" value=(asked.about.as_deref().unwrap_or("")) maxlength="60" placeholder="device|d-…"; }
            button.quiet { "Filter" }
        }
    }
}

fn table(visit: &Visit, tasks: &[TaskItem]) -> Markup {
    html! {
        div.scroll { table.data {
            thead { tr { th scope="col" { "Task" } th scope="col" { "About" } th scope="col" { "Owner" } th scope="col" { "Due" } th scope="col" { "Ticket" } th scope="col" { "State" } th scope="col" { "Act" } } }
            tbody {
                @for task in tasks {
                    tr {
                        th scope="row" {
                            (task.title)
                            @if let Some(detail) = &task.detail { details { summary { "Detail" } @for line in detail.lines() { (line) br; } } }
                        }
                        td { (about_link(visit, &task.about)) }
                        td { @if let Some(owner) = &task.owner { (owner) } @else { span.muted { "nobody" } } }
                        td { @if let Some(due) = &task.due_at { (time(visit, due)) } @else { span.muted { "no date" } } }
                        td { (task.ticket.as_deref().unwrap_or("")) }
                        td { @if task.overdue { (badge("bad", "overdue")) } @else if task.state == "open" { (badge("plain", "open")) } @else { (badge("ok", &task.state)) } }
                        td { (buttons(visit, task)) }
                    }
                }
            }
        } }
    }
}

/// What something is about, as a link where there is a page of it.
pub(crate) fn about_link(visit: &Visit, about: &str) -> Markup {
    match about.parse() {
        Ok(About::Device(device)) => {
            let entry = visit.house.inventory.get(device);
            html! { a href={ "/devices/" (device) } { @if let Some(entry) = entry { (entry.title()) } @else { (device) } } }
        }
        Ok(About::Finding(number)) => html! { a href={ "/findings/" (number) } { "finding " (number) } },
        Ok(About::Zone(number)) => html! { a href={ "/settings/zones#zone-" (number) } { "zone " (number) } },
        _ => html! { "the site" },
    }
}

/// What can be done with a task.
pub(crate) fn buttons(visit: &Visit, task: &TaskItem) -> Markup {
    let button = |act: &str, word: &str| {
        html! { button.quiet name="act" value=(act) aria-label={ (word) ": " (task.title) } { (word) } " " }
    };
    html! {
        form.inline method="post" action="/tasks/change" {
            (next(visit))
            input type="hidden" name="id" value=(task.id);
            @if task.state == "open" {
                (button("done", "Done"))
                @if task.owner.is_none() { (button("take", "Take it")) }
                (button("drop", "Drop"))
            } @else { (button("open", "Open again")) }
        }
    }
}

/// A form for a new task about something, folded.
pub(crate) fn new_form(visit: &Visit, about: &str) -> Markup {
    html! { details { summary { "Make a task" } (new_fields(visit, about)) } }
}

fn new_fields(visit: &Visit, about: &str) -> Markup {
    html! {
        form method="post" action="/tasks/new" {
            (next(visit))
            input type="hidden" name="about" value=(about);
            label { span { "What is to be done" } input name="title" required maxlength=(TITLE_CHARS_MAX); }
            label { span { "More about it (no patient data)" } textarea name="detail" rows="3" maxlength=(REASON_CHARS_MAX) {} }
            label { span { "Owner" } input name="owner" maxlength=(PERSON_CHARS_MAX); }
            label { span { "Due" } input type="date" name="due_at"; }
            label { span { "Ticket" } input name="ticket" maxlength=(TITLE_CHARS_MAX); }
            button.primary { "Make the task" }
        }
    }
}

async fn new(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let body = TaskBody {
        title: form.text("title").to_owned(),
        detail: form.maybe("detail"),
        about: form.maybe("about"),
        owner: form.maybe("owner"),
        due_at: form.maybe("due_at"),
        ticket: form.maybe("ticket"),
        ..TaskBody::default()
    };
    let made = tasks::create(&visit.house, body).await;
    made.map(|_| form.back("/tasks")).map_err(|problem| Failed::on(&visit, problem))
}

async fn change(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem| Failed::on(&visit, problem);
    let id = form.number("id").map_err(on)?;
    let act: fn(&mut Task) = match form.text("act") {
        "done" => |task| task.state = TaskState::Done,
        "drop" => |task| task.state = TaskState::Dropped,
        "open" => |task| task.state = TaskState::Open,
        "take" => |task| task.owner = Some(Line::kept(LOCAL.to_owned())),
        _ => {
            return Err(on(Problem::bad(
                "act is none of done, drop, open, take: use the buttons of the page",
            )));
        }
    };
    tasks::change(&visit.house, id, None, act).await.map_err(on)?;
    Ok(form.back("/tasks"))
}

async fn exceptions(visit: Visit) -> Shown {
    let asked: ExceptionsAsked = asked(&visit)?;
    let list = rows::page(&visit.house, asked).await.map_err(|problem| Failed::on(&visit, problem))?;
    let here = visit.uri.query().unwrap_or("");
    let states =
        [("In force", ""), ("Expired", "state=expired"), ("Revoked", "state=revoked"), ("All", "state=all")];
    let body = html! {
        nav.chips aria-label="Exceptions by state" {
            @for (name, query) in states { a.chip href={ "/exceptions?" (query) } aria-current=[(here == query).then_some("true")] { (name) } }
        }
        div.toolbar { (exports(&format!("/exceptions?{here}"))) " " (keep_links("/exceptions", here)) }
        @if list.items.is_empty() {
            (empty("There is no such exception.", html! { p { "Exceptions are made on the page of the device, finding or zone that they are for." } }))
        }
        ul { @for item in &list.items { li { (about_link(&visit, &item.about)) ": " (exception_line(&visit, item)) } } }
        @if let Some(cursor) = &list.next { p { a href=(super::parts_link::with(&visit.uri, "after", cursor)) rel="next" { "More" } } }
    };
    let shown = if list.next.is_some() {
        "The newest exceptions".to_owned()
    } else {
        count(list.items.len(), "exception")
    };
    let answer = html! { (shown) ": what is allowed for a while although a rule says otherwise." };
    Ok(Page::new(&visit, Some(Room::Now), "Exceptions", answer, body))
}

async fn windows(visit: Visit) -> Shown {
    let asked: WindowsAsked = asked(&visit)?;
    let list = rows::page(&visit.house, asked).await.map_err(|problem| Failed::on(&visit, problem))?;
    let (here, open) =
        (visit.uri.query().unwrap_or(""), list.items.iter().filter(|window| window.open).count());
    let body = html! {
        nav.chips aria-label="Windows by state" {
            @for (name, query) in [("Standing", ""), ("Ended", "ended=yes")] {
                a.chip href={ "/windows?" (query) } aria-current=[(here == query).then_some("true")] { (name) }
            }
        }
        div.toolbar { (exports(&format!("/windows?{here}"))) " " (keep_links("/windows", here)) }
        @if list.items.is_empty() {
            (empty("There is no such window.", html! { p { "Windows are made on the page of the device or zone that they are for." } }))
        }
        ul { @for item in &list.items { li { (about_link(&visit, &item.about)) ": " (window_line(&visit, item)) } } }
        @if let Some(cursor) = &list.next { p { a href=(super::parts_link::with(&visit.uri, "after", cursor)) rel="next" { "More" } } }
    };
    let answer =
        html! { (count(open, "window")) " open now, of those listed here. Times are by the site's clock." };
    Ok(Page::new(&visit, Some(Room::Now), "Windows", answer, body))
}

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/tasks", get(page))
        .route("/tasks/new", post(new))
        .route("/tasks/change", post(change))
        .route("/exceptions", get(exceptions))
        .route("/windows", get(windows))
}
