//! How often one peer may ask: buckets that fill by the second, for reads, writes and whole tables apart.
//!
//! It must not grow with the number of peers beyond a bound, and who waits is told for how long (RFC 6585 §4).

use crate::api::Problem;
use crate::origin::is_read;
use crate::peer::{Class, Peer};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Whole tables being written out at once: each holds all its rows in memory.
const EXPORTS_AT_ONCE_MAX: usize = 4;
/// Seconds that one more table waits for its turn.
const EXPORT_WAIT_S_MAX: u64 = 10;
/// Seconds that one table may take on its way: who reads it drop by drop keeps others from theirs.
const EXPORT_S_MAX: u64 = 300;
/// Peers whose buckets we keep; all others share one.
const PEERS_MAX: usize = 4_096;

/// What a peer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Export,
}

/// How much of it: requests a second in the long run, and at once.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    per_s: f64,
    burst: f64,
}

/// This machine: 200 consoles with a few requests a second each, and scripts beside them, share it.
const HERE: [Allowance; 3] = [
    Allowance { per_s: 2_000.0, burst: 10_000.0 },
    Allowance { per_s: 100.0, burst: 1_000.0 },
    Allowance { per_s: 200.0, burst: 2_000.0 },
];
/// One peer on the network: a person with several pages, or a script that takes its time.
const ELSEWHERE: [Allowance; 3] = [
    Allowance { per_s: 50.0, burst: 500.0 },
    Allowance { per_s: 5.0, burst: 50.0 },
    Allowance { per_s: 0.5, burst: 10.0 },
];

/// What one set of routes gives to its peers.
pub(crate) struct Rates {
    // INVARIANT: at most PEERS_MAX + 1.
    peers: Mutex<HashMap<Class, [Bucket; 3]>>,
    exports: Arc<Semaphore>,
}

#[derive(Clone, Copy)]
struct Bucket {
    level: f64,
    at: Instant,
}

impl Bucket {
    /// Takes one, or says how long until there is one.
    fn take(&mut self, allowance: Allowance, now: Instant) -> Result<(), Duration> {
        let grown = now.saturating_duration_since(self.at).as_secs_f64() * allowance.per_s;
        self.level = (self.level + grown).min(allowance.burst);
        self.at = now;
        if self.level >= 1.0 {
            self.level -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.level) / allowance.per_s))
    }

    fn is_full(&self, allowance: Allowance, now: Instant) -> bool {
        let grown = now.saturating_duration_since(self.at).as_secs_f64() * allowance.per_s;
        self.level + grown >= allowance.burst
    }
}

fn allowances(class: Class) -> &'static [Allowance; 3] {
    if class == Class::Here { &HERE } else { &ELSEWHERE }
}

impl Rates {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { peers: Mutex::default(), exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE_MAX)) })
    }

    fn take(&self, class: Class, kind: Kind, now: Instant) -> Result<(), Duration> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= PEERS_MAX && !peers.contains_key(&class) {
            // Whoever has all of its allowance again need not be remembered.
            peers.retain(|class, buckets| {
                !buckets
                    .iter()
                    .zip(allowances(*class))
                    .all(|(bucket, allowance)| bucket.is_full(*allowance, now))
            });
        }
        let class =
            if peers.len() >= PEERS_MAX && !peers.contains_key(&class) { Class::Crowd } else { class };
        let fresh = || allowances(class).map(|allowance| Bucket { level: allowance.burst, at: now });
        let buckets = peers.entry(class).or_insert_with(fresh);
        let place = kind as usize;
        match (buckets.get_mut(place), allowances(class).get(place)) {
            (Some(bucket), Some(allowance)) => bucket.take(*allowance, now),
            _ => Ok(()),
        }
    }
}

/// Lets through what the peer's buckets have room for.
pub(crate) async fn rated(State(rates): State<Arc<Rates>>, request: Request, next: Next) -> Response {
    let class = request.extensions().get::<Peer>().map(|peer| peer.class).unwrap_or_default();
    let kind = kind(&request);
    if let Err(wait) = rates.take(class, kind, Instant::now()) {
        return later("too many requests from here", wait);
    }
    if kind != Kind::Export {
        return next.run(request).await;
    }
    let wait = Duration::from_secs(EXPORT_WAIT_S_MAX);
    let turn = tokio::time::timeout(wait, rates.exports.clone().acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        return later("other whole tables are being written out", wait);
    };
    let until = Instant::now() + Duration::from_secs(EXPORT_S_MAX);
    next.run(request).await.map(|body| Body::new(InTurn { body, until, _turn: turn }))
}

fn kind(request: &Request) -> Kind {
    let path = request.uri().path();
    if !is_read(request.method()) {
        return Kind::Write;
    }
    let is_table = path.ends_with(".csv") || path.ends_with(".json");
    if is_table && path.starts_with("/api/") && path != crate::api::OPENAPI_PATH {
        Kind::Export
    } else {
        Kind::Read
    }
}

fn later(why: &str, wait: Duration) -> Response {
    let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, format!("{why}: come again in {seconds} s"));
    let mut response = problem.into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// A table on its way: its turn ends when it is written or dropped, or its time is over.
struct InTurn {
    body: Body,
    until: Instant,
    _turn: OwnedSemaphorePermit,
}

impl HttpBody for InTurn {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if Instant::now() >= self.until && !self.body.is_end_stream() {
            // An error, so that nobody takes a part for the whole.
            let why = format!("the table was not read within {EXPORT_S_MAX} s");
            return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(why)))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_by_the_second() {
        let (rates, start) = (Rates::new(), Instant::now());
        let class = Class::From(7);
        for _ in 0..50 {
            assert_eq!(rates.take(class, Kind::Write, start), Ok(()));
        }
        let wait = rates.take(class, Kind::Write, start).unwrap_err();
        assert!(wait <= Duration::from_millis(200) && wait > Duration::ZERO);
        assert_eq!(rates.take(class, Kind::Read, start), Ok(()), "reads are counted apart");
        assert_eq!(rates.take(Class::From(8), Kind::Write, start), Ok(()), "and so is another peer");
        assert_eq!(rates.take(class, Kind::Write, start + wait), Ok(()));
    }

    #[tokio::test]
    async fn a_table_that_is_read_too_slowly_ends_in_an_error() {
        let in_turn = |until| {
            let turn = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
            Body::new(InTurn { body: Body::from("a table"), until, _turn: turn })
        };
        let now = Instant::now();
        let whole = axum::body::to_bytes(in_turn(now + Duration::from_secs(60)), 100).await;
        assert_eq!(whole.unwrap(), "a table");
        assert!(axum::body::to_bytes(in_turn(now), 100).await.is_err());
    }

    #[test]
    fn the_memory_of_peers_is_bounded_and_forgets_the_idle() {
        let (rates, start) = (Rates::new(), Instant::now());
        let peers = || rates.peers.lock().unwrap().len();
        for number in 0..3 * PEERS_MAX as u128 {
            let _ = rates.take(Class::From(number), Kind::Read, start);
        }
        assert_eq!(peers(), PEERS_MAX + 1, "those and the crowd");
        assert_eq!(rates.take(Class::From(1 << 100), Kind::Read, start + Duration::from_secs(60)), Ok(()));
        assert_eq!(peers(), 1, "the crowd has its allowance again as well");
    }
}
