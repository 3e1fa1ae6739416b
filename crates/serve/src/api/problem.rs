//! Errors as `application/problem+json` (RFC 9457): what, where, the way out; never a stack.

use crate::error::ServeError;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;

/// Media type of a problem.
pub(crate) const PROBLEM: &str = "application/problem+json";
/// Bytes of the longest detail.
const DETAIL_BYTES_MAX: usize = 2_000;

/// What is wrong with a request, or with Ward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// The status of the answer.
    pub(crate) status: u16,
    /// The kind, in two or three words.
    pub(crate) title: String,
    /// What is wrong here, and the way out.
    pub(crate) detail: String,
}

impl Problem {
    /// The request cannot be understood.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing.
    pub(crate) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// A problem of `status`.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let mut detail: String = detail.into();
        let mut end = DETAIL_BYTES_MAX.min(detail.len());
        while !detail.is_char_boundary(end) {
            end -= 1;
        }
        detail.truncate(end);
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        Self { status: status.as_u16(), title, detail }
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<ServeError> for Problem {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Asked(why) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, why),
            ServeError::Unavailable { what, why } => {
                tracing::warn!(error = %why, "what stands behind a route cannot answer now");
                let detail =
                    format!("{what} cannot be reached now: try again; /healthz says how Ward stands");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
            error => {
                tracing::error!(error = %error, "a route has failed");
                let detail = "this could not be answered; the log says why, /healthz how Ward stands";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        ServeError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        (self.status(), [(CONTENT_TYPE, PROBLEM)], body).into_response()
    }
}

/// Where there is no route.
pub(crate) async fn no_route() -> Problem {
    Problem::missing("there is nothing at this path: /api/v1/openapi.json lists what there is")
}
