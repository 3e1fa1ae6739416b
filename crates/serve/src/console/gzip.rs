//! Pages go over the wire compressed, where the browser takes that. It must not touch what is compressed already or streams.
//! RFC 9110 §12.5.3 (Accept-Encoding).

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// Bytes of the smallest page that is worth compressing.
const BYTES_MIN: u64 = 1_024;
/// Bytes of the largest page that is held whole to be compressed.
const BYTES_MAX: usize = 16 << 20;

/// The bytes, compressed; `None` where that fails, which memory alone could cause.
pub(super) fn packed(bytes: &[u8], level: Compression) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), level);
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Whether whoever asks takes gzip: named, and not with a weight of nothing.
pub(super) fn is_taken(asked: &HeaderMap) -> bool {
    let codings = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// Compresses whole HTML pages.
pub(super) async fn pages(request: Request, next: Next) -> Response {
    let taken = is_taken(request.headers());
    let response = next.run(request).await;
    if !taken || !is_page(&response) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(plain) = to_bytes(body, BYTES_MAX).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "this page is too large to be sent\n").into_response();
    };
    head.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    let Some(bytes) = packed(&plain, Compression::fast()) else {
        return Response::from_parts(head, Body::from(plain));
    };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(head, Body::from(bytes))
}

fn is_page(response: &Response) -> bool {
    let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let size = response.body().size_hint();
    media.starts_with("text/html")
        && !response.headers().contains_key(CONTENT_ENCODING)
        && size.lower() >= BYTES_MIN
        && size.upper().is_some_and(|upper| upper <= BYTES_MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (said, taken) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("GZIP", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("br", false),
            ("", false),
        ] {
            let asked = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(said))]);
            assert_eq!(is_taken(&asked), taken, "{said}");
        }
    }
}
