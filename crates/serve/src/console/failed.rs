//! Pages that say what is wrong, in the same house as all others.

use super::{Page, Visit};
use crate::api::Problem;
use crate::error::ServeError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

/// A page cannot be shown.
#[derive(Debug)]
pub(crate) struct Failed(Box<(Option<Page>, Problem)>);

impl Failed {
    /// With the house around it.
    pub(crate) fn on(visit: &Visit, problem: impl Into<Problem>) -> Self {
        let problem = problem.into();
        let page = Page::new(
            visit,
            None,
            title(problem.status()),
            sentence(&problem.detail),
            way_on(problem.status()),
        );
        Self(Box::new((Some(page.with_status(problem.status())), problem)))
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self(Box::new((None, problem)))
    }
}

impl From<ServeError> for Failed {
    fn from(error: ServeError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        match *self.0 {
            (Some(page), _) => page.into_response(),
            (None, problem) => {
                let markup = html! {
                    div.notice.bad role="alert" { (problem.title) ": " (problem.detail) " " a href="/" { "Back to Now" } }
                };
                Page::piece(markup).with_status(problem.status()).into_response()
            }
        }
    }
}

/// What went wrong, in a word for people.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not there",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "It has changed meanwhile",
        StatusCode::FORBIDDEN => "Not allowed",
        _ if status.is_client_error() => "That cannot be done so",
        _ => "Ward has trouble",
    }
}

/// A message as a sentence: the look gives it its capital.
fn sentence(detail: &str) -> Markup {
    let end = if detail.ends_with(['.', '!', '?', '”']) { "" } else { "." };
    html! { span.sentence { (detail) (end) } }
}

/// What to do about it, by who has to act.
fn way_on(status: StatusCode) -> Markup {
    html! {
        section.card.failed {
            h2 { "What you can do" }
            ul {
                @if status == StatusCode::NOT_FOUND {
                    li { "Check the address, or search for the device above: a device that was merged goes by the name of the other." }
                } @else if status.is_client_error() {
                    li { "Go back, change what the sentence above names, and try again: nothing was changed." }
                } @else {
                    li { "Try again: most of these pass within seconds. Listening goes on meanwhile." }
                    li { a href="/healthz" { "How Ward stands" } " says which part has trouble; the log says why." }
                }
                li { a href="/" { "Back to what needs you now" } }
            }
        }
    }
}

/// Where there is no page.
pub(crate) async fn no_page(visit: Visit) -> Failed {
    Failed::on(
        &visit,
        Problem::new(StatusCode::NOT_FOUND, "there is no page here: the rail on the left has all rooms"),
    )
}
