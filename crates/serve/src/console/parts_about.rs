//! What people have said and planned about one thing: tasks, notes, exceptions, windows, with forms to add to them. A piece of the
//! pages of devices, findings and zones; the acts behind its forms.

use super::form::Filled;
use super::parts::{badge, when};
use super::{Failed, Visit};
use crate::api::exceptions::{self, ExceptionBody, ExceptionItem, ExceptionsAsked};
use crate::api::notes::{self, NoteBody, NoteItem, NotesAsked};
use crate::api::tasks::{StateAsked, TaskItem, TasksAsked};
use crate::api::windows::{self, WindowBody, WindowItem, WindowsAsked};
use crate::api::{Day, Listing, Problem, moment, rows};
use crate::house::House;
use axum::Router;
use axum::response::Response;
use axum::routing::post;
use maud::{Markup, html};
use model::{
    About, EXCEPTION_DAYS_MAX, NAME_CHARS_MAX, NOTE_CHARS_MAX, PERSON_CHARS_MAX, REASON_CHARS_MAX,
    WINDOW_BYTES_MAX,
};

/// Rows of each kind that the piece shows; the lists have all.
const SHOWN_MAX: u32 = 20;

/// Tasks, notes, exceptions and windows about one thing.
pub(crate) async fn about(visit: &Visit, about: About) -> Markup {
    match pieces(visit, about).await {
        Ok(markup) => markup,
        Err(problem) => html! {
            section.card { h2 { "Tasks, notes, exceptions, windows" } p.notice { (problem.detail) } }
        },
    }
}

async fn pieces(visit: &Visit, about: About) -> Result<Markup, Problem> {
    let (house, about, limit) = (&visit.house, about.to_string(), Some(SHOWN_MAX));
    let of = || Some(about.clone());
    let tasks = TasksAsked { about: of(), limit, state: Some(StateAsked::Open), ..TasksAsked::default() };
    let tasks = rows::page(house, tasks).await?;
    let notes = rows::page(house, NotesAsked { about: of(), limit, ..NotesAsked::default() }).await?;
    let asked = ExceptionsAsked { about: of(), limit, ..ExceptionsAsked::default() };
    let exceptions = rows::page(house, asked).await?;
    let windows = rows::page(house, WindowsAsked { about: of(), limit, ..WindowsAsked::default() }).await?;
    Ok(html! {
        div.grid {
            (tasks_card(visit, &about, &tasks))
            (notes_card(visit, &about, &notes))
            (exceptions_card(visit, &about, &exceptions))
            (windows_card(visit, &about, &windows))
        }
    })
}

/// A time of an item, as people read it.
pub(crate) fn time(visit: &Visit, text: &str) -> Markup {
    let zone = &visit.house.site.zone;
    match moment("time", text, zone, Day::Starts) {
        Ok(at) => when(at, visit.now, zone),
        Err(_) => html! { (text) },
    }
}

/// Where the form stands, to come back to it.
pub(crate) fn next(visit: &Visit) -> Markup {
    let here = visit.uri.path_and_query().map_or("/", |here| here.as_str());
    html! { input type="hidden" name="next" value=(here); }
}

fn hidden(visit: &Visit, about: &str) -> Markup {
    html! { (next(visit)) input type="hidden" name="about" value=(about); }
}

fn more<T>(list: &Listing<T>, all: &str) -> Markup {
    html! { @if list.next.is_some() { p { a href=(all) { "All of them" } } } }
}

fn encoded(about: &str) -> String {
    about.replace('|', "%7C")
}

fn tasks_card(visit: &Visit, about: &str, tasks: &Listing<TaskItem>) -> Markup {
    let all = format!("/tasks?about={}", encoded(about));
    html! {
        section.card {
            h2 { a href=(all) { "Tasks" } }
            @if tasks.items.is_empty() { p.muted { "Nothing is to be done here." } }
            ul {
                @for task in &tasks.items {
                    li {
                        (task.title) " "
                        @if task.overdue { (badge("bad", "overdue")) " " }
                        span.muted {
                            @if let Some(owner) = &task.owner { (owner) " " } @else { "nobody has taken it " }
                            @if let Some(due) = &task.due_at { "· due " (time(visit, due)) }
                        }
                        (super::tasks::buttons(visit, task))
                    }
                }
            }
            (more(tasks, &all))
            (super::tasks::new_form(visit, about))
        }
    }
}

fn notes_card(visit: &Visit, about: &str, notes: &Listing<NoteItem>) -> Markup {
    html! {
        section.card {
            h2 { "Notes" }
            @if notes.items.is_empty() { p.muted { "Nobody has written anything here." } }
            @for note in &notes.items {
                article {
                    @for line in note.body.as_deref().unwrap_or("erased").lines() { (line) br; }
                    p.muted { (note.written_by) " · " (time(visit, &note.written_at)) }
                    form.inline method="post" action="/notes/withdraw" {
                        (next(visit))
                        input type="hidden" name="id" value=(note.id);
                        button.quiet name="erase" value="no" aria-label={ "Withdraw note " (note.id) } { "Withdraw" }
                        button.quiet name="erase" value="yes" title="The words are gone; that there was a note stays." aria-label={ "Erase the words of note " (note.id) } { "Erase its words" }
                    }
                }
            }
            (more(notes, &format!("/api/v1/notes.csv?about={}", encoded(about))))
            details {
                summary { "Write a note" }
                form method="post" action="/notes/new" {
                    (hidden(visit, about))
                    label { span { "Note" } textarea name="body" rows="4" required maxlength=(NOTE_CHARS_MAX) {} }
                    p.notice { "No patient data here: no names, no numbers of patients or cases." }
                    button.primary { "Write" }
                }
            }
        }
    }
}

fn exceptions_card(visit: &Visit, about: &str, exceptions: &Listing<ExceptionItem>) -> Markup {
    html! {
        section.card {
            h2 { a href={ "/exceptions?about=" (encoded(about)) } { "Exceptions" } }
            @if exceptions.items.is_empty() { p.muted { "Every rule holds here." } }
            ul {
                @for exception in &exceptions.items { li { (exception_line(visit, exception)) } }
            }
            details {
                summary { "Make an exception" }
                form method="post" action="/exceptions/new" {
                    (hidden(visit, about))
                    label { span { "Rule or kind of finding" } input name="rule" required maxlength="100" placeholder="weak-protocol"; }
                    label { span { "Why" } textarea name="reason" rows="3" required maxlength=(REASON_CHARS_MAX) {} }
                    label { span { "Asked by" } input name="asked_by" required maxlength=(PERSON_CHARS_MAX); }
                    label { span { "Approved by (somebody else)" } input name="approver" required maxlength=(PERSON_CHARS_MAX); }
                    label { span { "Until (at most " (EXCEPTION_DAYS_MAX) " days)" } input type="date" name="expires_at" required; }
                    p.muted { "The rule stays silent about this until that day, then it speaks again. It can be revoked at any time." }
                    button.primary { "Make the exception" }
                }
            }
        }
    }
}

/// An exception with its button.
pub(crate) fn exception_line(visit: &Visit, exception: &ExceptionItem) -> Markup {
    html! {
        strong { (exception.rule) } " "
        @if exception.state == "in-force" { (badge("warn", "in force")) } @else { (badge("plain", &exception.state)) }
        " until " (time(visit, &exception.expires_at))
        br; (exception.reason)
        br; span.muted { "asked by " (exception.asked_by) ", approved by " (exception.approver) }
        @if exception.state == "in-force" {
            form.inline method="post" action="/exceptions/revoke" {
                (next(visit))
                input type="hidden" name="id" value=(exception.id);
                button.quiet aria-label={ "Revoke exception " (exception.id) } { "Revoke" }
            }
        }
    }
}

fn windows_card(visit: &Visit, about: &str, list: &Listing<WindowItem>) -> Markup {
    html! {
        section.card {
            h2 { a href={ "/windows?about=" (encoded(about)) } { "Windows" } }
            @if list.items.is_empty() { p.muted { "No window says when work may be done here." } }
            ul {
                @for window in &list.items { li { (window_line(visit, window)) } }
            }
            details {
                summary { "Make a window" }
                form method="post" action="/windows/new" {
                    (hidden(visit, about))
                    label { span { "Name" } input name="name" required maxlength=(NAME_CHARS_MAX); }
                    label { span { "Opens" } input type="datetime-local" name="from"; }
                    label { span { "Closes" } input type="datetime-local" name="to"; }
                    label { span { "Again" } select name="again" {
                        option value="" { "never" } option value="DAILY" { "every day" }
                        option value="WEEKLY" { "every week" } option value="MONTHLY" { "every month" }
                    } }
                    details {
                        summary { "Or as iCalendar" }
                        label { span { "One VEVENT, times by the site's clock" } textarea name="ical" rows="5" maxlength=(WINDOW_BYTES_MAX) {} }
                    }
                    button.primary { "Make the window" }
                }
            }
        }
    }
}

/// A window with its button.
pub(crate) fn window_line(visit: &Visit, window: &WindowItem) -> Markup {
    html! {
        strong { (window.name) } " "
        @if window.ended_at.is_some() { (badge("plain", "ended")) }
        @else if window.open { (badge("ok", "open now")) }
        @if let Some(next) = &window.opens_next_at { " opens " (time(visit, next)) }
        @else if window.ended_at.is_none() && !window.open { span.muted { " opens no more" } }
        details { summary { "As iCalendar" } pre { (window.ical) } }
        @if window.ended_at.is_none() {
            form.inline method="post" action="/windows/end" {
                (next(visit))
                input type="hidden" name="id" value=(window.id);
                button.quiet aria-label={ "End window " (window.id) } { "End" }
            }
        }
    }
}

async fn note_new(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let body = NoteBody { about: form.text("about").to_owned(), body: form.text("body").to_owned() };
    let made = notes::create(&visit.house, body).await;
    made.map(|_| form.back("/")).map_err(|problem| Failed::on(&visit, problem))
}

async fn note_withdraw(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem| Failed::on(&visit, problem);
    let id = form.number("id").map_err(on)?;
    notes::withdraw(&visit.house, id, form.text("erase") == "yes").await.map_err(on)?;
    Ok(form.back("/"))
}

async fn exception_new(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let text = |name| form.text(name).to_owned();
    let body = ExceptionBody {
        about: text("about"),
        rule: text("rule"),
        reason: text("reason"),
        asked_by: text("asked_by"),
        approver: text("approver"),
        expires_at: text("expires_at"),
    };
    let made = exceptions::create(&visit.house, body).await;
    made.map(|_| form.back("/")).map_err(|problem| Failed::on(&visit, problem))
}

async fn exception_revoke(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem| Failed::on(&visit, problem);
    let id = form.number("id").map_err(on)?;
    exceptions::revoke(&visit.house, id).await.map_err(on)?;
    Ok(form.back("/"))
}

async fn window_new(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let ical = form.maybe("ical").unwrap_or_else(|| event(&form));
    let body = WindowBody { name: form.text("name").to_owned(), about: form.maybe("about"), ical };
    let made = windows::create(&visit.house, body).await;
    made.map(|_| form.back("/windows")).map_err(|problem| Failed::on(&visit, problem))
}

/// The VEVENT that the fields of the form say; `2026-11-22T02:00` is what a browser sends.
fn event(form: &Filled) -> String {
    let time = |name| {
        let digits: String = form.text(name).chars().filter(|c| !matches!(c, '-' | ':')).collect();
        if digits.len() == "20261122T0200".len() { format!("{digits}00") } else { digits }
    };
    let again = form.maybe("again").map(|again| format!("RRULE:FREQ={again}\r\n")).unwrap_or_default();
    format!("BEGIN:VEVENT\r\nDTSTART:{}\r\nDTEND:{}\r\n{again}END:VEVENT\r\n", time("from"), time("to"))
}

async fn window_end(visit: Visit, form: Filled) -> Result<Response, Failed> {
    let on = |problem| Failed::on(&visit, problem);
    let id = form.number("id").map_err(on)?;
    windows::end(&visit.house, id).await.map_err(on)?;
    Ok(form.back("/windows"))
}

/// The acts behind the forms.
pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/notes/new", post(note_new))
        .route("/notes/withdraw", post(note_withdraw))
        .route("/exceptions/new", post(exception_new))
        .route("/exceptions/revoke", post(exception_revoke))
        .route("/windows/new", post(window_new))
        .route("/windows/end", post(window_end))
}
