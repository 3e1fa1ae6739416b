//! A witness for others' logs, over HTTP.
//!
//! It must not judge: what stands behind it does, and has its decision on disk before it answers. C2SP tlog-witness.

use crate::blocking::Blocking;
use crate::error::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::Arc;
use tower_http::limit::RequestBodyLimitLayer;
use trust::tlog::witness::{REQUEST_BYTES_MAX, TYPE_TEXT};

/// Seconds that a checkpoint may be kept by caches; the standard allows up to an hour.
const CHECKPOINT_CACHE: &str = "public, max-age=10";

/// An answer to add-checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type of the body.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
    /// Seconds after which to come again, for a 429 or a 503.
    pub retry_after_s: Option<u32>,
}

/// The witness itself. Every method may block and is called from several threads at once.
pub trait Witnessing: Send + Sync + 'static {
    /// Judges the body of an add-checkpoint request. Where the answer has a cosignature, the head that it is over is durable
    /// when this returns, and for each origin requests are judged one after the other.
    fn add_checkpoint(&self, body: &[u8]) -> Result<Answer>;

    /// The checkpoint last cosigned of the log whose origin has this hash (lowercase hex), with its cosignatures.
    fn checkpoint(&self, origin_hash: &str) -> Result<Option<String>>;

    /// A sentence on what this is, and its verifier key.
    fn about(&self) -> String;
}

#[derive(Clone)]
struct Desk {
    witness: Arc<dyn Witnessing>,
    blocking: Blocking,
}

/// `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`, `GET /`.
pub fn routes(witness: Arc<dyn Witnessing>) -> Router {
    let desk = Desk { witness, blocking: Blocking::new("the witness") };
    Router::new()
        .route("/", get(about))
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(checkpoint))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(REQUEST_BYTES_MAX))
        .with_state(desk)
}

async fn about(State(desk): State<Desk>) -> Response {
    ([(CONTENT_TYPE, TYPE_TEXT)], desk.witness.about()).into_response()
}

async fn add_checkpoint(State(desk): State<Desk>, body: Bytes) -> Result<Response> {
    let answer = desk.blocking.run(move || desk.witness.add_checkpoint(&body)).await?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(CONTENT_TYPE, answer.content_type)], answer.body).into_response();
    if let Some(seconds) = answer.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

async fn checkpoint(State(desk): State<Desk>, Path(origin_hash): Path<String>) -> Result<Response> {
    let found = desk.blocking.run(move || desk.witness.checkpoint(&origin_hash)).await?;
    Ok(match found {
        Some(note) => ([(CONTENT_TYPE, TYPE_TEXT), (CACHE_CONTROL, CHECKPOINT_CACHE)], note).into_response(),
        None => (StatusCode::NOT_FOUND, "no checkpoint of such a log was cosigned here\n").into_response(),
    })
}
