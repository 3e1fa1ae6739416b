//! One connection: recognised, served within its limits, ended when the listener stops or the seat is needed.
//!
//! It must not outlive any of its limits: a head, an idle pause, an unread answer and the whole each have one.

use crate::limits::{FIELDS_MAX, HEAD_BYTES_MAX, Limits, STREAM_BYTES_MAX, STREAMS_MAX};
use crate::paced::{Paced, Version, recognise};
use crate::peer::{Class, Peer};
use crate::seats::{Busy, Seat, Usher};
use axum::Router;
use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Seconds between two pings on an HTTP/2 connection, and for the answer to one.
const PING_S: u64 = 10;
/// Streams that a peer may open and cancel before we end the connection (CVE-2023-44487).
const RESETS_MAX: usize = 16;
/// Bytes of a request that may be under way on HTTP/2 before we have read any.
const WINDOW_BYTES: u32 = 64 * 1024;

/// Seconds that we read on after our last answer on HTTP/1, for a peer that still writes.
const LINGER_S_MAX: u64 = 2;
/// Bytes that we read so.
const LINGER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a connection ended: the label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By either side, in order.
    Closed,
    /// The peer broke the protocol, the connection or a limit.
    Broken,
    /// It was too slow with its first bytes.
    Slow,
    /// Its seat was needed.
    Evicted,
    /// It lived as long as any may.
    Old,
    /// The listener stopped.
    Stopped,
}

impl Ended {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Broken => "broken",
            Self::Slow => "slow",
            Self::Evicted => "evicted",
            Self::Old => "old",
            Self::Stopped => "stopped",
        }
    }
}

/// Serves one connection to its end.
pub(crate) async fn converse<S>(
    from: (S, Class),
    router: Router,
    limits: &Limits,
    seat: Seat,
    stop: watch::Receiver<bool>,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let usher = seat.usher();
    tokio::select! {
        () = seat.evicted() => Ended::Evicted,
        ended = talk(from, router, limits, usher, stop) => ended,
    }
}

async fn talk<S>(
    (stream, class): (S, Class),
    router: Router,
    limits: &Limits,
    usher: Usher,
    mut stop: watch::Receiver<bool>,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let first = tokio::select! {
        first = timeout(limits.head, recognise(stream, limits.unread)) => first,
        _ = stop.wait_for(|stopped| *stopped) => return Ended::Stopped,
    };
    let (version, stream) = match first {
        Ok(Ok(Some(opened))) => opened,
        Ok(Ok(None)) => return Ended::Closed,
        Ok(Err(_)) => return Ended::Broken,
        Err(_) => return Ended::Slow,
    };
    let service =
        Seated { inner: TowerToHyperService::new(router), usher, class, leave: watch::Sender::new(false) };
    match version {
        Version::Http1 => one(stream, service, limits, stop).await,
        Version::Http2 => two(stream, service, limits, stop).await,
    }
}

async fn one<S>(stream: Paced<S>, service: Seated, limits: &Limits, stop: watch::Receiver<bool>) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut http, answers) = (http1::Builder::new(), service.leave.clone());
    // The time for a head runs between requests too: it ends idle connections.
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    http.max_headers(FIELDS_MAX).max_buf_size(HEAD_BYTES_MAX).half_close(false);
    let mut connection = http.serve_connection(TokioIo::new(stream), service);
    let leave = until_told(limits.connection, stop);
    tokio::select! {
        result = poll_fn(|context| connection.poll_without_shutdown(context)) => {
            linger(connection.into_parts().io.into_inner()).await;
            ended(&result)
        }
        why = leave => {
            answers.send_replace(true);
            Pin::new(&mut connection).graceful_shutdown();
            let _ = timeout(limits.grace, connection).await;
            why
        }
    }
}

/// Says that nothing more comes, and reads what the peer still sends without keeping it: a connection closed over unread bytes
/// is reset, and a peer that writes a body we refused would lose the answer that says so (RFC 9112 §9.6).
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: Paced<S>) {
    let rest = async {
        stream.shutdown().await?;
        let mut unread = stream.take(LINGER_BYTES_MAX);
        tokio::io::copy(&mut unread, &mut tokio::io::sink()).await
    };
    let _ = timeout(Duration::from_secs(LINGER_S_MAX), rest).await;
}

async fn two<S>(stream: Paced<S>, service: Seated, limits: &Limits, stop: watch::Receiver<bool>) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut http, answers) = (http2::Builder::new(TokioExecutor::new()), service.leave.clone());
    http.timer(TokioTimer::new());
    http.keep_alive_interval(Duration::from_secs(PING_S)).keep_alive_timeout(Duration::from_secs(PING_S));
    http.max_concurrent_streams(STREAMS_MAX).max_header_list_size(HEAD_BYTES_MAX as u32);
    http.max_send_buf_size(STREAM_BYTES_MAX).max_pending_accept_reset_streams(RESETS_MAX);
    http.initial_stream_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let leave = until_told(limits.connection, stop);
    tokio::select! {
        result = connection.as_mut() => ended(&result),
        why = leave => {
            answers.send_replace(true);
            connection.as_mut().graceful_shutdown();
            let _ = timeout(limits.grace, connection).await;
            why
        }
    }
}

fn ended(result: &hyper::Result<()>) -> Ended {
    if result.is_ok() { Ended::Closed } else { Ended::Broken }
}

/// Returns when the connection has to go, and why.
async fn until_told(age: Duration, mut stop: watch::Receiver<bool>) -> Ended {
    tokio::select! {
        () = sleep(age) => Ended::Old,
        _ = stop.wait_for(|stopped| *stopped) => Ended::Stopped,
    }
}

/// The routes, seen from one connection: its seat is busy from a request's head to the end of its answer.
#[derive(Clone)]
struct Seated {
    inner: TowerToHyperService<Router>,
    usher: Usher,
    class: Class,
    /// Tells answers without end that the connection has to go.
    leave: watch::Sender<bool>,
}

impl Service<Request<Incoming>> for Seated {
    type Response = Response<Held>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Held>, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let busy = self.usher.busy();
        request.extensions_mut().insert(Peer::new(self.class, self.leave.subscribe()));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            let status = answer.status();
            crate::metrics::requested(status);
            Ok(answer.map(|body| Held { body, _busy: busy }))
        })
    }
}

/// An answer's body, which keeps the seat busy until it is written or dropped.
struct Held {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
