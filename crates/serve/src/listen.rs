//! Listening: an address bound, connections seated and served, an orderly end.
//!
//! It must not listen where peers could be anybody: see [`Address`]. It does not know what its routes do.

use crate::address::{Address, Kind};
use crate::connection::{Ended, converse};
use crate::error::{Result, ServeError};
use crate::guard;
use crate::limits::Limits;
use crate::metrics;
use crate::peer::Class;
use crate::seats::Seats;
use axum::Router;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Milliseconds until we try again when the system has no descriptor left for a connection.
const ACCEPT_PAUSE_MS: u64 = 100;

/// A listener at work.
#[derive(Debug)]
pub struct Listening {
    address: Address,
    task: JoinHandle<()>,
}

impl Listening {
    /// Where it listens: with the port that the system chose.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns when it was told to stop, and requests under way have ended or had their grace.
    pub async fn finished(self) {
        let _ = self.task.await;
    }
}

/// Listens on `address` and serves `router` until `shutdown` returns, within the [`Limits`] that a listener has by default.
///
/// A Unix socket is made with mode 0600, replaces one that nobody listens on any more, and is removed at the end. Run it on a
/// tokio runtime with time and I/O.
///
/// # Errors
/// [`ServeError::InUse`] where somebody listens already, else [`ServeError::Listen`].
pub async fn listen(
    address: &Address,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Listening> {
    listen_within(Limits::default(), address, router, shutdown).await
}

/// As [`listen`], within other limits.
///
/// # Errors
/// As [`listen`].
pub async fn listen_within(
    limits: Limits,
    address: &Address,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Listening> {
    let router = guard::guarded(router, &limits);
    let (address, task) = match address.kind() {
        Kind::Tcp(wanted) => {
            let listener = TcpListener::bind(wanted).await.map_err(|error| not_bound(address, error))?;
            let bound = listener.local_addr().map_err(|error| not_bound(address, error))?;
            (Address::tcp(bound)?, tokio::spawn(serve(Tcp(listener), router, limits, shutdown)))
        }
        Kind::Unix(path) => {
            let socket = Socket::bind(path).await?;
            (address.clone(), tokio::spawn(serve(socket, router, limits, shutdown)))
        }
    };
    tracing::info!(%address, "listening");
    Ok(Listening { address, task })
}

fn not_bound(address: &Address, error: io::Error) -> ServeError {
    let address = address.to_string();
    match error.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse { address },
        _ => ServeError::Listen { address, source: error },
    }
}

/// Where connections come from.
trait Accept: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection. Cancelling loses none. `Err` for one that failed, or where the system has no room for more.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Class)>> + Send;
}

struct Tcp(TcpListener);

impl Accept for Tcp {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Class)> {
        let (stream, from) = self.0.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, Class::of(from.ip())))
    }
}

/// A Unix socket that is ours alone, removed when dropped.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Its inode and our user: another ward may have replaced it.
    inode: u64,
    user: u32,
}

impl Socket {
    /// Binds beside `path`, closes it to others, and only then gives it its name. Killed on the way, it leaves a file that the
    /// next start replaces.
    async fn bind(path: &Path) -> Result<Self> {
        if UnixStream::connect(path).await.is_ok() {
            return Err(ServeError::InUse { address: path.display().to_string() });
        }
        let failed = |error| ServeError::listen(path, error);
        if std::fs::symlink_metadata(path).is_ok_and(|found| !is_socket(&found)) {
            return Err(failed(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file that is no socket",
            )));
        }
        let beside = path.with_extension("new");
        let _ = std::fs::remove_file(&beside);
        let listener = UnixListener::bind(&beside).map_err(failed)?;
        std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)?;
        let made = std::fs::symlink_metadata(path).map_err(failed)?;
        Ok(Self { listener, path: path.to_path_buf(), inode: made.ino(), user: made.uid() })
    }
}

fn is_socket(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    found.file_type().is_socket()
}

impl Drop for Socket {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Accept for Socket {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Class)> {
        let (stream, _) = self.listener.accept().await?;
        let peer = stream.peer_cred()?.uid();
        // The mode keeps others out; this keeps them out where somebody loosened it.
        if peer == self.user || peer == 0 {
            Ok((stream, Class::Here))
        } else {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "a peer of another user"))
        }
    }
}

async fn serve<A: Accept>(
    listener: A,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let (stop, stopped) = watch::channel(false);
    let (seats, limits) = (Seats::new(limits.connections), Arc::new(limits));
    // Bounded by the seats, but for those just told to go.
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = shutdown.as_mut() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted.map(|accepted| (accepted, seats.take())) {
            Ok(((stream, from), Some(seat))) => {
                metrics::connected(seats.len());
                let (router, limits, stopped) = (router.clone(), limits.clone(), stopped.clone());
                let seats = seats.clone();
                connections.spawn(async move {
                    let ended = converse((stream, from), router, &limits, seat, stopped).await;
                    metrics::ended(ended.label(), seats.len());
                });
            }
            Ok((_, None)) => metrics::turned_away(),
            Err(error) => pause(&error).await,
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, all).await.is_err() {
        connections.shutdown().await;
        metrics::ended(Ended::Stopped.label(), 0);
    }
}

/// After a connection that failed: at once where it is that connection's fault, later where it is the system's.
async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, PermissionDenied};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | PermissionDenied) {
        return;
    }
    tracing::warn!(%error, "no connection can be accepted");
    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
}
