//! Long work as pages show it: how far it is, with and without script. What came of it is for the page that asked for it to say.

use super::parts::{bytes, count, grouped};
use super::{Failed, Visit};
use crate::api::{Problem, jobs};
use crate::jobs::{Job, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value;

/// The job that a page was opened with, `?job=7`; `None` where it was opened without, or the job is forgotten.
///
/// # Errors
/// It is no number.
pub(crate) fn asked(visit: &Visit, number: Option<&str>) -> Result<Option<Job>, Failed> {
    let Some(number) = number.filter(|number| !number.is_empty()) else { return Ok(None) };
    let read = number.parse().map_err(|_| Problem::bad("job is the number of a piece of work: job=7"));
    Ok(visit.house.jobs.find(read.map_err(|problem| Failed::on(visit, problem))?))
}

/// The newest of its kind.
pub(crate) fn newest(visit: &Visit, kind: &str) -> Option<Job> {
    visit.house.jobs.all().into_iter().find(|job| job.kind == kind)
}

/// Starts `act`, or finds it under way, and leads to the page that shows it.
pub(crate) fn start(visit: &Visit, act: &str, path: Option<String>, page: &str) -> Result<Response, Failed> {
    let running = newest(visit, act).filter(|job| path.is_none() && job.state == State::Running);
    let job = match running {
        Some(job) => job,
        None => jobs::start_named(&visit.house, act, path).map_err(|problem| Failed::on(visit, problem))?,
    };
    Ok(Redirect::to(&format!("{page}?job={}#{act}", job.number)).into_response())
}

/// How far a job is: the page is drawn anew by script when it has ended, and by a link without.
pub(crate) fn progress(visit: &Visit, job: &Job) -> Markup {
    let (done, of, words) = told(job.progress.as_ref());
    html! {
        div data-job=(job.number) data-job-done="reload" {
            progress max=[of] value=[done.filter(|_| of.is_some())] aria-label="How far it is" {}
            p data-job-words { (words) }
            p.muted {
                "Begun " (super::parts::when(job.started_at, visit.now, &visit.house.site.zone)) ". It goes on when you leave this page. "
                a href=(visit.here()) { "Look again" }
            }
        }
    }
}

/// How much is done, of how much, and in words. `assets/ward.js` says the same.
fn told(progress: Option<&Value>) -> (Option<u64>, Option<u64>, String) {
    let number = |name: &str| progress.and_then(|told| told.get(name)).and_then(Value::as_u64);
    let table = progress.and_then(|told| told.get("table")).and_then(Value::as_str);
    match (number("rows"), number("of"), table) {
        (Some(rows), Some(of), _) => {
            (Some(rows), Some(of), format!("{} of {} rows are read.", grouped(rows), grouped(of)))
        }
        (Some(rows), None, Some(table)) => {
            let written = number("bytes").map_or_else(String::new, |number| format!(", {}", bytes(number)));
            let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
            (None, None, format!("Table {table}: {rows}{written}."))
        }
        _ => (None, None, "It has begun.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_way_of_telling_has_words() {
        let said = |told_of: Value| told(Some(&told_of));
        assert_eq!(
            said(json!({ "rows": 1_000, "of": 2_000 })),
            (Some(1_000), Some(2_000), "1\u{202f}000 of 2\u{202f}000 rows are read.".into())
        );
        let backup = said(json!({ "table": "blocks", "rows": 1, "bytes": 2_000 }));
        assert_eq!(backup, (None, None, "Table blocks: 1 row, 2.0 kB.".into()));
        for other in [json!(1), json!("<b>"), json!({ "rows": "x" }), Value::Null] {
            assert_eq!(said(other).2, "It has begun.");
        }
    }
}
