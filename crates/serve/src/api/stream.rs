//! What an open page listens to: server-sent events.
//!
//! It must not cost more for two hundred listeners than for one: the frame is rendered once, and who is slow gets the newest only.

use super::endpoint::Endpoint;
use super::problem::Problem;
use crate::control::Lines;
use crate::house::House;
use crate::peer::Peer;
use crate::stream::{Place, Told};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

/// Seconds between two messages at least.
const MESSAGE_S_MIN: u64 = 1;
/// Seconds between two signs of life: what is between us and a page ends connections that say nothing.
const HEARTBEAT_S: u64 = 15;
/// Milliseconds after which a page that was cut off asks again.
const RETRY_MS: u64 = 3_000;
/// Seconds after which a page comes again where all places are taken.
const FULL_RETRY_S: &str = "10";

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let summary =
        "Tells what has changed, at most once a second: the newest message at once, then every newer one.";
    vec![
        Endpoint::new("get", "/api/v1/stream", "listenToChanges", "stream", summary, get(listen))
            .answering_text(200, "text/event-stream"),
    ]
}

async fn listen(State(house): State<House>, peer: Option<Extension<Peer>>) -> Result<Response, Response> {
    let (newest, place) = house.stream.listen().ok_or_else(|| {
        let why = "too many pages listen already: close some, or ask for the page again now and then";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, why);
        ([(RETRY_AFTER, FULL_RETRY_S)], problem).into_response()
    })?;
    // One frame waits at most: what comes meanwhile is replaced by what is newer.
    let (frames, body) = mpsc::channel(1);
    tokio::spawn(tell(newest, place, frames, peer.map(|Extension(peer)| peer)));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(Lines(body))).into_response())
}

/// Tells one page until it is gone, or its connection has to go.
async fn tell(newest: watch::Receiver<Told>, place: Place, frames: mpsc::Sender<Bytes>, peer: Option<Peer>) {
    let gone = frames.clone();
    let leaving = async {
        match peer {
            Some(peer) => peer.leaving().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = gone.closed() => {}
        () = leaving => {}
        () = frames_of(newest, frames) => {}
    }
    drop(place);
}

/// Sends until the page or the stream is gone.
async fn frames_of(mut newest: watch::Receiver<Told>, frames: mpsc::Sender<Bytes>) {
    let first = [format!("retry: {RETRY_MS}\n").as_bytes(), &newest.borrow_and_update().frame].concat();
    if frames.send(first.into()).await.is_err() {
        return;
    }
    let heartbeat = Duration::from_secs(HEARTBEAT_S);
    let mut heartbeats = interval_at(Instant::now() + heartbeat, heartbeat);
    heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut not_before = Instant::now() + Duration::from_secs(MESSAGE_S_MIN);
    loop {
        let frame = tokio::select! {
            changed = newest.changed() => {
                if changed.is_err() {
                    return;
                }
                sleep_until(not_before).await;
                not_before = Instant::now() + Duration::from_secs(MESSAGE_S_MIN);
                newest.borrow_and_update().frame.clone()
            }
            _ = heartbeats.tick() => Bytes::from_static(b":\n\n"),
        };
        if frames.send(frame).await.is_err() {
            return;
        }
    }
}
