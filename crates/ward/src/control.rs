//! Asking the Ward that runs on this machine: a small blocking client of the control socket.
//!
//! It must not take silence for success: an answer without its last line is cut off. `serve::control` has the other side.

use serde_json::Value;
use serve::control::WORKING_S;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// Bytes of the longest line that is read.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Bytes of the longest head of an answer.
const HEAD_BYTES_MAX: u64 = 16 * 1024;
/// Seconds without a sign of life after which the other side is taken for dead.
const SILENCE_S_MAX: u64 = 12 * WORKING_S;

/// Why there is no answer, or not the one hoped for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Nobody listens. The operator's: start Ward, or name its folder.
    #[error(
        "no ward runs on this store ({socket}): start it with `ward up`, or name the folder of the one that runs"
    )]
    NotRunning {
        /// The socket.
        socket: String,
    },
    /// The socket is another user's.
    #[error("{socket} belongs to another user: run this as the user that ward runs as, or as root")]
    Denied {
        /// The socket.
        socket: String,
    },
    /// It was not begun: HTTP status and reason.
    #[error("ward refuses ({status}): {why}")]
    Refused {
        /// HTTP status. 409: another act is under way, retryable.
        status: u16,
        /// What it said.
        why: String,
    },
    /// It was begun, and failed.
    #[error("{0}")]
    Failed(String),
    /// The connection ended before the outcome: it may be done or not.
    #[error("ward broke off before it told the outcome; see its log for whether it was done")]
    CutOff,
    /// Reading or writing failed.
    #[error("{socket}: {source}")]
    Io {
        /// The socket.
        socket: String,
        /// The system's words.
        source: io::Error,
    },
}

/// One call's answer, value by value: `{"progress": …}` and `{"working": seconds}` as they come, `{"done": …}` last; or, of
/// a status, the one value.
pub struct Call {
    socket: PathBuf,
    stage: Stage,
}

enum Stage {
    Ask(Vec<u8>),
    Lines(BufReader<UnixStream>),
    Over,
}

/// Calls the Ward behind `socket`: `("POST", "/control/v1/backup", Some(&arguments))`. Nothing happens until the first value is
/// asked for. An act goes on where the iterator is dropped.
pub fn call(socket: &Path, method: &str, path: &str, body: Option<&Value>) -> Call {
    let body = body.map(Value::to_string).unwrap_or_default();
    // HTTP/1.0: the answer comes as it is, without chunks, and ends where the connection does.
    let request =
        format!("{method} {path} HTTP/1.0\r\nhost: ward\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    Call { socket: socket.to_path_buf(), stage: Stage::Ask(request.into_bytes()) }
}

impl Iterator for Call {
    type Item = Result<Value, ControlError>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Ask(request) => match self.ask(&request) {
                Ok(Answered::Whole(value)) => Some(Ok(value)),
                Ok(Answered::Lines(reader)) => {
                    self.stage = Stage::Lines(reader);
                    self.next()
                }
                Err(error) => Some(Err(error)),
            },
            Stage::Lines(reader) => Some(self.line(reader)),
            Stage::Over => None,
        }
    }
}

enum Answered {
    Whole(Value),
    Lines(BufReader<UnixStream>),
}

impl Call {
    fn name(&self) -> String {
        self.socket.display().to_string()
    }

    fn io(&self, source: io::Error) -> ControlError {
        use io::ErrorKind::{
            ConnectionRefused, NotFound, PermissionDenied, TimedOut, UnexpectedEof, WouldBlock,
        };
        match source.kind() {
            NotFound | ConnectionRefused => ControlError::NotRunning { socket: self.name() },
            PermissionDenied => ControlError::Denied { socket: self.name() },
            UnexpectedEof | TimedOut | WouldBlock => ControlError::CutOff,
            _ => ControlError::Io { socket: self.name(), source },
        }
    }

    fn ask(&self, request: &[u8]) -> Result<Answered, ControlError> {
        let mut stream = UnixStream::connect(&self.socket).map_err(|error| self.io(error))?;
        let silence = Some(Duration::from_secs(SILENCE_S_MAX));
        let limits = stream.set_read_timeout(silence).and_then(|()| stream.set_write_timeout(silence));
        limits.and_then(|()| stream.write_all(request)).map_err(|error| self.io(error))?;
        let mut reader = BufReader::new(stream);
        let (status, lines) = head(&mut reader).map_err(|error| self.io(error))?;
        if status == 200 && lines {
            return Ok(Answered::Lines(reader));
        }
        let mut body = Vec::new();
        reader.take(LINE_BYTES_MAX).read_to_end(&mut body).map_err(|error| self.io(error))?;
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        match (status, value) {
            (200, Some(value)) => Ok(Answered::Whole(value)),
            (200, None) => Err(ControlError::CutOff),
            (status, value) => {
                let failed = value.as_ref().and_then(|value| value.get("failed")).and_then(Value::as_str);
                let why =
                    failed.map_or_else(|| String::from_utf8_lossy(&body).trim().to_owned(), str::to_owned);
                Err(ControlError::Refused { status, why })
            }
        }
    }

    fn line(&mut self, mut reader: BufReader<UnixStream>) -> Result<Value, ControlError> {
        let mut line = Vec::new();
        let mut bounded = (&mut reader).take(LINE_BYTES_MAX);
        bounded.read_until(b'\n', &mut line).map_err(|error| self.io(error))?;
        let value: Value = serde_json::from_slice(&line).map_err(|_| ControlError::CutOff)?;
        if let Some(why) = value.get("failed") {
            return Err(ControlError::Failed(why.as_str().unwrap_or_default().to_owned()));
        }
        if value.get("done").is_none() {
            self.stage = Stage::Lines(reader);
        }
        Ok(value)
    }
}

/// The status, and whether lines follow.
fn head(reader: &mut BufReader<UnixStream>) -> io::Result<(u16, bool)> {
    let mut bounded = reader.take(HEAD_BYTES_MAX);
    let (mut status, mut lines, mut line) = (None, false, String::new());
    while bounded.read_line(&mut line)? > 0 && !line.trim_end().is_empty() {
        let lower = line.to_ascii_lowercase();
        status = status.or_else(|| lower.split(' ').nth(1).and_then(|code| code.trim().parse().ok()));
        lines |= lower.starts_with("content-type:") && lower.contains("application/x-ndjson");
        line.clear();
    }
    status.map(|status| (status, lines)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use serve::control::{Act, Control, SOCKET_FILE, routes};
    use std::os::unix::net::UnixListener;
    use std::sync::Arc;

    struct Ward;

    impl Control for Ward {
        fn status(&self) -> serve::Result<Value> {
            Ok(json!({ "leaves": 3 }))
        }

        fn act(&self, act: Act, arguments: Value, progress: &mut dyn FnMut(Value)) -> Result<Value, String> {
            progress(json!("half"));
            match act {
                Act::Verify => Err("leaf 7 lies".to_owned()),
                _ => Ok(arguments),
            }
        }
    }

    #[test]
    fn the_ward_that_runs_answers() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join(SOCKET_FILE);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let address = serve::Address::unix(&socket).unwrap();
        let routes = routes(Arc::new(Ward));
        runtime.block_on(serve::listen(&address, routes, std::future::pending())).unwrap();
        let all = |method: &str, path: &str, body: Option<&Value>| -> Vec<Result<Value, String>> {
            call(&socket, method, path, body).map(|value| value.map_err(|error| error.to_string())).collect()
        };
        assert_eq!(all("GET", "/control/v1/status", None), [Ok(json!({ "leaves": 3 }))]);
        let to = json!({ "to": "/backup" });
        let backup = all("POST", "/control/v1/backup", Some(&to));
        assert_eq!(backup, [Ok(json!({ "progress": "half" })), Ok(json!({ "done": to }))]);
        let verify = all("POST", "/control/v1/verify", None);
        assert_eq!(verify, [Ok(json!({ "progress": "half" })), Err("leaf 7 lies".to_owned())]);
        let unknown = all("POST", "/control/v1/reboot", None);
        assert!(
            matches!(&unknown[..], [Err(why)] if why.starts_with("ward refuses (404): no such act")),
            "{unknown:?}"
        );
    }

    #[test]
    fn nobody_there_and_cut_off_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join(SOCKET_FILE);
        let first =
            |socket: &Path| call(socket, "POST", "/control/v1/backup", None).next().unwrap().unwrap_err();
        assert!(matches!(first(&socket), ControlError::NotRunning { .. }));
        let listener = UnixListener::bind(&socket).unwrap();
        let head = "HTTP/1.0 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n";
        let answers = [
            "".to_owned(),
            head.to_owned(),
            format!("{head}{{\"progress\":1}}\n{{\"do"),
            "nonsense".to_owned(),
        ];
        let cut = answers.len();
        let thread = std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        for _ in 0..cut {
            let last = call(&socket, "POST", "/control/v1/backup", None).last().unwrap();
            assert!(matches!(last, Err(ControlError::CutOff)), "{last:?}");
        }
        thread.join().unwrap();
        assert!(matches!(first(&socket), ControlError::NotRunning { .. }), "nobody listens any more");
    }
}
