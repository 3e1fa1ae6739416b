//! A connection's bytes: its first ones, read to tell HTTP/1 from HTTP/2, and an end to peers that do not read.
//!
//! It must not interpret anything past the preface of HTTP/2 (RFC 9113 §3.4).

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

/// A stream that hands out again what was read to recognise it, and fails a write that makes no headway.
pub(crate) struct Paced<S> {
    stream: S,
    first: Vec<u8>,
    handed_out: usize,
    unread: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

/// Reads until the peer's version is certain. `None` where it left without a word.
pub(crate) async fn recognise<S: AsyncRead + Unpin>(
    mut stream: S,
    unread: Duration,
) -> io::Result<Option<(Version, Paced<S>)>> {
    let mut first = Vec::with_capacity(PREFACE.len());
    let version = loop {
        let missing = PREFACE.len() - first.len();
        if missing == 0 {
            break Version::Http2;
        }
        if (&mut stream).take(missing as u64).read_buf(&mut first).await? == 0 {
            break Version::Http1;
        }
        if !PREFACE.starts_with(&first) {
            break Version::Http1;
        }
    };
    let paced = Paced { stream, first, handed_out: 0, unread, stalled: None };
    Ok((!paced.first.is_empty()).then_some((version, paced)))
}

impl<S> Paced<S> {
    /// A write's outcome, or an error where it has been pending for too long.
    fn pace<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.unread)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let rest = this.first.get(this.handed_out..).unwrap_or_default();
        if rest.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, buffer);
        }
        let now = rest.get(..buffer.remaining()).unwrap_or(rest);
        buffer.put_slice(now);
        this.handed_out += now.len();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pace(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.pace(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.pace(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(bytes: &[u8]) -> Option<(Version, Vec<u8>)> {
        let found = recognise(bytes, Duration::from_secs(1)).await.unwrap();
        let (version, mut paced) = found?;
        let mut all = Vec::new();
        paced.read_to_end(&mut all).await.unwrap();
        Some((version, all))
    }

    #[tokio::test]
    async fn the_first_bytes_tell_the_version_and_are_not_lost() {
        let http2 = [PREFACE.as_slice(), b"\0\0\0\x04"].concat();
        assert_eq!(of(&http2).await, Some((Version::Http2, http2.clone())));
        for http1 in
            [&b"GET / HTTP/1.1\r\n\r\n"[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", b"POST /x HTTP/1.1"]
        {
            assert_eq!(of(http1).await, Some((Version::Http1, http1.to_vec())));
        }
        assert_eq!(of(b"").await, None);
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_left() {
        use tokio::io::AsyncWriteExt as _;
        let (ours, mut theirs) = tokio::io::duplex(16);
        theirs.write_all(b"GET /").await.unwrap();
        let (_, mut paced) = recognise(ours, Duration::from_millis(20)).await.unwrap().unwrap();
        let error = paced.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
