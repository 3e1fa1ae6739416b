//! Whether a peer has an answer already: validators for pages, lists and tables, and their compression.
//!
//! It must not let a cache between us and a person keep what it may not show to another: what is tagged is private.
//! RFC 9110 §8.8.3 (ETag), §13.1.2 (If-None-Match), §12.5.5 (Vary).

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::Response;
use hyper::body::Body as _;
use tower_http::compression::CompressionLayer;
use trust::tlog::{HASH_BYTES, leaf_hash};

/// Bytes of the largest answer that gets a validator: it has to be in memory as a whole.
const TAGGED_BYTES_MAX: u64 = 1 << 20;
/// What the tag of a compressed answer ends with: a strong validator stands for exact bytes.
const GZIP_ENDING: &str = "-gzip\"";
/// Kept by the browser of whoever asked, asked for again each time.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Marks an answer whose validator is ours: others' are left as they are.
#[derive(Clone, Copy)]
struct Tagged;

/// The routes with validators and compression. `HEAD` answers as `GET` does, without the body.
pub(crate) fn fresh(router: Router) -> Router {
    router
        .layer(from_fn(tagged))
        .layer(CompressionLayer::new())
        .layer(map_response(marked))
        .layer(from_fn(head))
}

/// Gives an answer its validator, and answers "not modified" where the peer has it.
async fn tagged(request: Request, next: Next) -> Response {
    let asked: HeaderMap =
        request.headers().get_all(IF_NONE_MATCH).iter().map(|value| (IF_NONE_MATCH, value.clone())).collect();
    let is_get = request.method() == Method::GET;
    let response = next.run(request).await;
    let size = response.body().size_hint().exact();
    let is_small = size.is_some_and(|size| size <= TAGGED_BYTES_MAX);
    let is_new = !response.headers().contains_key(ETAG) && !response.headers().contains_key(CONTENT_ENCODING);
    if !is_get || response.status() != StatusCode::OK || !is_small || !is_new || !is_text(response.headers())
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, TAGGED_BYTES_MAX as usize).await.unwrap_or_default();
    let own = tag(&bytes);
    let known = known(&asked, &own);
    if let Ok(value) = HeaderValue::from_str(known.as_deref().unwrap_or(&own)) {
        parts.headers.insert(ETAG, value);
    }
    parts.headers.entry(CACHE_CONTROL).or_insert(PRIVATE);
    parts.extensions.insert(Tagged);
    if known.is_none() {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

/// What people and programs read: pages, lists, tables, our own files. Not what says itself that it is not to be kept.
fn is_text(headers: &HeaderMap) -> bool {
    let word = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = word(CONTENT_TYPE).split(';').next().unwrap_or_default();
    let is_kind = matches!(
        media,
        "text/html" | "text/csv" | "text/css" | "text/javascript" | "application/json" | "image/svg+xml"
    );
    is_kind && !word(CACHE_CONTROL).contains("no-store")
}

/// After compression: another tag for other bytes, and what an answer varies by.
async fn marked(mut response: Response) -> Response {
    if response.extensions().get::<Tagged>().is_none() {
        return response;
    }
    let headers = response.headers_mut();
    let Some(own) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned) else {
        return response;
    };
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip") && !own.ends_with(GZIP_ENDING) {
        let compressed = format!("{}{GZIP_ENDING}", own.trim_end_matches('"'));
        if let Ok(value) = HeaderValue::from_str(&compressed) {
            headers.insert(ETAG, value);
        }
    }
    headers.insert(VARY, HeaderValue::from_static("accept-encoding, hx-request, hx-boosted"));
    response
}

async fn head(mut request: Request, next: Next) -> Response {
    if request.method() != Method::HEAD {
        return next.run(request).await;
    }
    *request.method_mut() = Method::GET;
    let mut response = next.run(request).await;
    let body = std::mem::take(response.body_mut());
    if let Some(size) = body.size_hint().exact().filter(|_| response.status() != StatusCode::NOT_MODIFIED) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(size));
    }
    response
}

/// A strong validator: half a hash of exactly these bytes.
pub(crate) fn tag(bytes: &[u8]) -> String {
    let hash = leaf_hash(bytes);
    let half: String = hash.iter().take(HASH_BYTES / 2).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{half}\"")
}

/// Whether the peer has it already. RFC 9110 §13.1.2: weak comparison.
pub(crate) fn has(asked: &HeaderMap, tag: &str) -> bool {
    known(asked, tag).is_some()
}

/// The tag by which the peer knows what has the tag `own`, compressed or not.
fn known(asked: &HeaderMap, own: &str) -> Option<String> {
    let compressed = format!("{}{GZIP_ENDING}", own.trim_end_matches('"'));
    let values = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    let tag = tags.find(|tag| *tag == own || *tag == compressed || *tag == "*")?;
    Some(if tag == "*" { own.to_owned() } else { tag.to_owned() })
}
