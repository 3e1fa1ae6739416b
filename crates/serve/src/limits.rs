//! How much one listener gives: every bound with its unit and why it is what it is.

use std::time::Duration;

/// Connections open at once on one listener. The one that has been idle longest goes when another comes.
pub const CONNECTIONS_MAX: usize = 512;
/// Pages told of news at once: each holds a connection, and most of the connections stay free for questions.
pub const TOLD_MAX: usize = 300;
/// Connections open at once on the listener of pages: 200 consoles with a stream each, and what they load beside it.
pub const PAGES_CONNECTIONS_MAX: usize = 1024;
/// Seconds from the first byte that a request's head may take, and that a connection may stay without asking.
pub const HEAD_S_MAX: u64 = 10;
/// Seconds from a request's head to the head of its answer, its body included.
pub const REQUEST_S_MAX: u64 = 30;
/// Seconds between two pieces of a request's body.
pub const BODY_PAUSE_S_MAX: u64 = 10;
/// Seconds that a peer may leave what we write unread.
pub const UNREAD_S_MAX: u64 = 20;
/// Seconds that a connection may live, however busy.
pub const CONNECTION_S_MAX: u64 = 3600;
/// Seconds that requests under way get when the listener stops.
pub const GRACE_S_MAX: u64 = 10;
/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 512 * 1024;
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a request's path and query.
pub const URI_BYTES_MAX: usize = 8 * 1024;
/// Header fields of a request.
pub const FIELDS_MAX: usize = 64;
/// Requests under way at once on one HTTP/2 connection.
pub const STREAMS_MAX: u32 = 32;
/// Bytes of answers that wait to be written on one HTTP/2 stream.
pub const STREAM_BYTES_MAX: usize = 64 * 1024;
/// Calls into blocking code at once for one set of routes; the others wait.
pub const BLOCKING_MAX: usize = 8;

/// The bounds that a test or an operator may set otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once.
    pub connections: usize,
    /// For a request's head, and for a connection that asks nothing.
    pub head: Duration,
    /// From a request's head to the head of its answer.
    pub request: Duration,
    /// Between two pieces of a request's body.
    pub body_pause: Duration,
    /// For a peer to read what we write.
    pub unread: Duration,
    /// For a connection as a whole.
    pub connection: Duration,
    /// For requests under way when the listener stops.
    pub grace: Duration,
    /// Bytes of a request's body.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            head: Duration::from_secs(HEAD_S_MAX),
            request: Duration::from_secs(REQUEST_S_MAX),
            body_pause: Duration::from_secs(BODY_PAUSE_S_MAX),
            unread: Duration::from_secs(UNREAD_S_MAX),
            connection: Duration::from_secs(CONNECTION_S_MAX),
            grace: Duration::from_secs(GRACE_S_MAX),
            body_bytes: BODY_BYTES_MAX,
        }
    }
}

impl Limits {
    /// For pages: as many connections as consoles need that stay open.
    pub fn pages() -> Self {
        Self { connections: PAGES_CONNECTIONS_MAX, ..Self::default() }
    }

    /// For the control socket: few connections, each for as long as a backup takes.
    pub fn control() -> Self {
        Self { connections: 16, connection: Duration::from_secs(24 * 3600), ..Self::default() }
    }
}
