//! Pages that say what is wrong, in the same house as all others.

use super::{Page, Visit};
use crate::api::Problem;
use crate::error::ServeError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

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
            &problem.title,
            html! { (problem.detail) },
            html! {
                p { a href="/" { "Back to what needs you now" } }
            },
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
                let markup =
                    html! { h1 { (problem.title) } p { (problem.detail) } p { a href="/" { "Back" } } };
                Page::piece(markup).with_status(problem.status()).into_response()
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
