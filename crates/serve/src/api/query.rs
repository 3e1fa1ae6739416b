//! Parameters and bodies, read with a plain message for what is wrong in them.

use super::Problem;
use super::endpoint::JSON;
use crate::error::quote;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The query of a request. `T` denies unknown fields, so that a filter that is mistyped is not silently no filter.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let found = Query::<T>::try_from_uri(&parts.uri);
        found.map(|Query(asked)| Self(asked)).map_err(|error| Problem::bad(error.body_text()))
    }
}

/// A JSON body.
pub(crate) struct Told<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Told<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
        let essence = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(JSON) {
            let why = format!("send the body as JSON, with the header content-type: {JSON}");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Problem::new(error.status(), error.body_text()))?;
        let read = serde_json::from_slice(&bytes);
        read.map(Self).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
            }
            _ => Problem::bad(format!("the body is no JSON: {error}")),
        })
    }
}

/// A number that stands in a path. `of` is what it names.
///
/// # Errors
/// [`Problem`] where it is none: there is no such thing.
pub(crate) fn number(of: &str, text: &str) -> Result<u64, Problem> {
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number =
        digits.and_then(|digits| digits.parse().ok()).filter(|number| i64::try_from(*number).is_ok());
    number.ok_or_else(|| Problem::missing(format!("there is no {of} \"{}\": it is a number", quote(text))))
}
