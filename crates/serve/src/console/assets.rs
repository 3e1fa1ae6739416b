//! The files that pages load: ours and those of others, all inside the binary. The address of each carries a hash of its bytes, so
//! that a browser keeps it for good and never keeps an old one.

use crate::house::House;
use axum::Router;
use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::sync::LazyLock;

#[cfg(test)]
mod contrast;

const CSS: &str = include_str!("../assets/ward.css");
const SCRIPT: &str = include_str!("../assets/ward.js");
const ICON: &str = include_str!("../assets/ward.svg");
const HTMX: &str = include_str!("../../../../third_party/htmx/htmx.min.js");

/// Bytes of the hash in an address: enough to tell two builds apart.
const HASH_BYTES: usize = 6;
/// The address changes with the bytes: what is kept is right for ever.
const KEPT: &str = "public, max-age=31536000, immutable";

/// A file as it is sent.
struct Asset {
    /// `ward.0123456789ab.css`.
    name: String,
    media: &'static str,
    plain: &'static [u8],
    gzip: Vec<u8>,
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        Asset::new("ward", "css", "text/css; charset=utf-8", CSS),
        Asset::new("ward", "js", "text/javascript; charset=utf-8", SCRIPT),
        Asset::new("htmx", "js", "text/javascript; charset=utf-8", HTMX),
        Asset::new("ward", "svg", "image/svg+xml", ICON),
    ]
});

/// Addresses of what every page loads.
pub(super) struct Addresses {
    pub(super) css: String,
    pub(super) script: String,
    pub(super) htmx: String,
    pub(super) icon: String,
}

/// Where the files are.
pub(super) static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| {
    let [css, script, htmx, icon] = &*ASSETS;
    let of = |asset: &Asset| format!("/assets/{}", asset.name);
    Addresses { css: of(css), script: of(script), htmx: of(htmx), icon: of(icon) }
});

impl Asset {
    fn new(stem: &str, ending: &str, media: &'static str, text: &'static str) -> Self {
        let hash: String =
            Sha256::digest(text).iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let gzip = packed(text.as_bytes()).unwrap_or_default();
        Self { name: format!("{stem}.{hash}.{ending}"), media, plain: text.as_bytes(), gzip }
    }

    fn send(&self, asked: &HeaderMap) -> Response {
        let headers = [(CONTENT_TYPE, self.media), (CACHE_CONTROL, KEPT), (VARY, "accept-encoding")];
        if !self.gzip.is_empty() && is_taken(asked) {
            return (headers, [(CONTENT_ENCODING, "gzip")], self.gzip.clone()).into_response();
        }
        (headers, self.plain).into_response()
    }
}

/// What there is.
pub(crate) fn routes() -> Router<House> {
    Router::new().route("/assets/{name}", get(file))
}

async fn file(Path(name): Path<String>, asked: HeaderMap) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => asset.send(&asked),
        None => (StatusCode::NOT_FOUND, "there is no such file in this version: load the page again\n")
            .into_response(),
    }
}

/// The bytes, compressed; `None` where that fails, which memory alone could cause.
fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Whether whoever asks takes gzip: named, and not with a weight of nothing. RFC 9110 §12.5.3.
fn is_taken(asked: &HeaderMap) -> bool {
    let codings = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

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
