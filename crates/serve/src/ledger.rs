//! The ledger for others' clients: checkpoint, tiles of hashes, bundles of entries.
//!
//! It must not compute or repair: what the pages do not have whole is not there. C2SP tlog-tiles.

use crate::blocking::Blocking;
use crate::error::{Result, ServeError};
use crate::fresh::{has, tag};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::Arc;
use trust::tlog::{HASH_BYTES, TilePath};

/// Bytes of the largest bundle that is compressed: beyond, the time is worth more than the bytes.
const GZIP_BYTES_MAX: usize = 1 << 20;
/// Bytes of the smallest answer that is worth compressing.
const GZIP_BYTES_MIN: usize = 512;

/// Seconds that a checkpoint may be kept by caches.
const CHECKPOINT_CACHE: &str = "public, max-age=2, must-revalidate";
/// What never changes may be kept for as long as caches know how to.
const TILE_CACHE: &str = "public, max-age=31536000, immutable";

/// Where the ledger's pages come from. Every method may block and is called from several threads at once; each reads one
/// committed state, and a page once handed out stays what it is.
pub trait LedgerPages: Send + Sync + 'static {
    /// The newest published checkpoint: a signed note. `None` before the first. Every tile of its tree can be had from the
    /// moment that this returns it.
    fn checkpoint(&self) -> Result<Option<String>>;

    /// The first `width` (1 to 256) hashes of tile `number` on `level`, 32 bytes each. `None` where the published tree does not
    /// have them all. Whether a partial tile can still be had once it is full is the implementation's choice.
    fn tile(&self, level: u8, number: u64, width: u16) -> Result<Option<Vec<u8>>>;

    /// The first `width` (1 to 256) entries of bundle `number`, each after its length in two bytes, big-endian. `None` as for
    /// tiles.
    fn entries(&self, number: u64, width: u16) -> Result<Option<Vec<u8>>>;
}

#[derive(Clone)]
struct Desk {
    pages: Arc<dyn LedgerPages>,
    blocking: Blocking,
}

/// `GET` and `HEAD` of `/checkpoint` and `/tile/…`: nest them under the log's prefix.
pub fn routes(pages: Arc<dyn LedgerPages>) -> Router {
    let desk = Desk { pages, blocking: Blocking::new("the ledger") };
    Router::new().route("/checkpoint", get(checkpoint)).route("/tile/{*path}", get(tile)).with_state(desk)
}

async fn checkpoint(State(desk): State<Desk>, headers: HeaderMap) -> Result<Response> {
    let pages = desk.pages.clone();
    let found = desk.blocking.run(move || pages.checkpoint()).await?;
    let Some(note) = found else { return Ok(missing("no checkpoint has been published yet\n")) };
    let page = Page {
        bytes: note.into_bytes(),
        content_type: "text/plain; charset=utf-8",
        cache: CHECKPOINT_CACHE,
        gzip: Gzip::No,
    };
    Ok(page.answer(&headers))
}

/// The path as it was sent: each tile has one spelling, without escapes.
async fn tile(State(desk): State<Desk>, uri: Uri, headers: HeaderMap) -> Result<Response> {
    let path = match TilePath::parse(uri.path().trim_start_matches('/')) {
        Ok(path) => path,
        Err(error) => return Ok((StatusCode::BAD_REQUEST, format!("{error}\n")).into_response()),
    };
    let gzip = Gzip::of(path, &headers);
    let pages = desk.pages.clone();
    let found = desk.blocking.run(move || page(pages.as_ref(), path, gzip)).await?;
    Ok(found.map_or_else(|| missing("this ledger has no such tile\n"), |page| page.answer(&headers)))
}

fn page(pages: &dyn LedgerPages, path: TilePath, gzip: Gzip) -> Result<Option<Page>> {
    let tile = path.tile();
    let found = match path {
        TilePath::Hashes(_) => pages.tile(tile.level(), tile.index(), tile.width())?,
        TilePath::Entries(_) => pages.entries(tile.index(), tile.width())?,
    };
    let Some(mut bytes) = found else { return Ok(None) };
    let cut = match path {
        TilePath::Hashes(_) => bytes.len() != usize::from(tile.width()) * HASH_BYTES,
        TilePath::Entries(_) => bytes.is_empty(),
    };
    // Others would keep what we serve here for ever: better nothing.
    if cut {
        let why = format!("{} came with {} bytes", path.path(), bytes.len());
        return Err(ServeError::Broken { what: "the ledger", why });
    }
    let worth = (GZIP_BYTES_MIN..=GZIP_BYTES_MAX).contains(&bytes.len());
    let gzip = if gzip == Gzip::Asked && worth && compress(&mut bytes) { Gzip::Done } else { gzip };
    Ok(Some(Page { bytes, content_type: "application/octet-stream", cache: TILE_CACHE, gzip }))
}

/// Replaces `bytes` by their compressed form, where that is shorter.
fn compress(bytes: &mut Vec<u8>) -> bool {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    let Some(packed) = packed.ok().filter(|packed| packed.len() < bytes.len()) else { return false };
    *bytes = packed;
    true
}

fn missing(said: &'static str) -> Response {
    (StatusCode::NOT_FOUND, said).into_response()
}

/// Whether an answer may be, and is, compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gzip {
    /// Never: hashes do not compress.
    No,
    /// It could have been: caches must know.
    NotAsked,
    Asked,
    Done,
}

impl Gzip {
    fn of(path: TilePath, headers: &HeaderMap) -> Self {
        match path {
            TilePath::Hashes(_) => Self::No,
            TilePath::Entries(_) if accepts_gzip(headers) => Self::Asked,
            TilePath::Entries(_) => Self::NotAsked,
        }
    }
}

/// RFC 9110 §12.5.3. A weight of zero is a refusal.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map(|q| q.trim().parse::<f32>().unwrap_or(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_none_or(|weight| weight > 0.0)
    })
}

struct Page {
    bytes: Vec<u8>,
    content_type: &'static str,
    cache: &'static str,
    gzip: Gzip,
}

impl Page {
    fn answer(self, asked: &HeaderMap) -> Response {
        let tag = tag(&self.bytes);
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        // Tiles are for everybody's programs, pages of other origins included.
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
        if self.gzip != Gzip::No {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if has(asked, &tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if self.gzip == Gzip::Done {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        (headers, Bytes::from(self.bytes)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_only_where_it_is_accepted() {
        for yes in ["gzip", "gzip, identity", "br;q=1.0, gzip;q=0.8", "identity, GZIP"] {
            assert!(accepts_gzip(&asking(yes)), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "gzip; q=0.0", "br", "gzipped"] {
            assert!(!accepts_gzip(&asking(no)), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
