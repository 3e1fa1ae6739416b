//! The control socket: for this user alone, one act at a time, an outcome in the last line.

use crate::http::{Reply, parse, runtime};
use serde_json::{Value, json};
use serve::control::{Act, Control, routes};
use serve::{Address, Result, ServeError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A Ward that does everything at once.
pub struct Quiet;

impl Control for Quiet {
    fn status(&self) -> Result<Value> {
        Ok(json!({ "leaves": 7 }))
    }

    fn act(&self, act: Act, arguments: Value, progress: &mut dyn FnMut(Value)) -> Result<Value, String> {
        progress(json!(1));
        progress(json!({ "of": 2 }));
        match act {
            Act::RotateKek => Err("the new key is readable by others: chmod 600 it".to_owned()),
            Act::RotateData => panic!("the act is wrong"),
            _ => Ok(json!({ "act": act.name(), "with": arguments })),
        }
    }
}

struct Socket {
    path: PathBuf,
    runtime: Runtime,
    listening: Option<serve::Listening>,
    stop: Option<oneshot::Sender<()>>,
}

impl Socket {
    fn listen(path: &Path, control: Arc<dyn Control>) -> Result<Self> {
        let runtime = runtime();
        let (stop, stopped) = oneshot::channel::<()>();
        let told = async move { drop(stopped.await) };
        let listening = runtime.block_on(serve::listen(&Address::unix(path)?, routes(control), told))?;
        Ok(Self { path: path.to_path_buf(), runtime, listening: Some(listening), stop: Some(stop) })
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut stream = UnixStream::connect(&self.path).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: ward\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        parse(&answer)
    }

    fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.runtime.block_on(self.listening.take().unwrap().finished());
    }
}

fn lines(reply: &Reply) -> Vec<Value> {
    reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn acts_tell_their_progress_and_their_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let socket = Socket::listen(&folder.path().join("control.sock"), Arc::new(Quiet)).unwrap();
    let reply = socket.ask("POST", "/control/v1/backup", "{\"to\":\"/backup\"}");
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/x-ndjson"));
    assert_eq!(
        lines(&reply),
        [
            json!({ "progress": 1 }),
            json!({ "progress": { "of": 2 } }),
            json!({ "done": { "act": "backup", "with": { "to": "/backup" } } }),
        ]
    );
    for act in ["checkpoint", "verify"] {
        let reply = socket.ask("POST", &format!("/control/v1/{act}"), "");
        assert_eq!(lines(&reply).pop(), Some(json!({ "done": { "act": act, "with": null } })));
    }
    let failed = lines(&socket.ask("POST", "/control/v1/rotate-kek", "")).pop();
    assert_eq!(failed, Some(json!({ "failed": "the new key is readable by others: chmod 600 it" })));
    let broken = lines(&socket.ask("POST", "/control/v1/rotate-data", "")).pop().unwrap();
    assert!(broken["failed"].as_str().unwrap().starts_with("rotate-data broke off"), "{broken}");
    let status = socket.ask("GET", "/control/v1/status", "");
    assert_eq!((status.status, status.text()), (200, "{\"leaves\":7}"));
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let socket = Socket::listen(&folder.path().join("control.sock"), Arc::new(Quiet)).unwrap();
    for (method, path, body, status, why) in [
        ("POST", "/control/v1/reboot", "", 404, "rotate-kek"),
        ("POST", "/control/v1/backup", "{", 400, "not JSON"),
        ("POST", "/control/v1/backup", "\u{1}", 400, "not JSON"),
        ("GET", "/control/v1/backup", "", 405, ""),
        ("POST", "/control/v1/status", "", 405, ""),
        ("GET", "/control/v2/status", "", 404, ""),
        ("GET", "/", "", 404, ""),
    ] {
        let reply = socket.ask(method, path, body);
        assert_eq!(reply.status, status, "{method} {path}");
        assert!(reply.text().contains(why), "{}", reply.text());
    }
}

#[test]
fn the_socket_is_for_this_user_alone_and_goes_with_the_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    // Somebody died here.
    drop(UnixListener::bind(&path).unwrap());
    let socket = Socket::listen(&path, Arc::new(Quiet)).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let second = Socket::listen(&path, Arc::new(Quiet)).err().unwrap();
    assert!(matches!(second, ServeError::InUse { .. }), "{second}");
    assert_eq!(socket.ask("GET", "/control/v1/status", "").status, 200);
    socket.stop();
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    std::fs::write(&path, "notes").unwrap();
    let error = Socket::listen(&path, Arc::new(Quiet)).err().unwrap();
    assert!(error.to_string().contains("no socket"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"notes");
}

/// A Ward whose acts last until the test has seen enough.
struct Patient(Mutex<Receiver<()>>);

impl Control for Patient {
    fn status(&self) -> Result<Value> {
        Err(ServeError::Unavailable { what: "the store", why: "busy".into() })
    }

    fn act(&self, _act: Act, _arguments: Value, progress: &mut dyn FnMut(Value)) -> Result<Value, String> {
        // More than are kept: nobody reads yet, and the act goes on all the same.
        (0..10_000).for_each(|n| progress(json!(n)));
        self.0.lock().unwrap().recv().unwrap();
        Ok(Value::Null)
    }
}

#[test]
fn one_act_at_a_time_and_it_goes_on_where_the_asker_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (let_go, wait) = channel();
    let control = Arc::new(Patient(Mutex::new(wait)));
    let socket = Socket::listen(&folder.path().join("control.sock"), control).unwrap();
    let mut asker = UnixStream::connect(&socket.path).unwrap();
    asker.write_all(b"POST /control/v1/backup HTTP/1.1\r\nhost: ward\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert!(asker.read(&mut [0; 16]).unwrap() > 0, "it has begun");
    let second = socket.ask("POST", "/control/v1/verify", "");
    assert_eq!(second.status, 409);
    assert!(second.text().contains("another act is under way"), "{}", second.text());
    assert_eq!(socket.ask("GET", "/control/v1/status", "").status, 503);
    drop(asker);
    assert_eq!(socket.ask("POST", "/control/v1/verify", "").status, 409, "it goes on");
    let_go.send(()).unwrap();
    // The turn comes back when the act has ended.
    let_go.send(()).unwrap();
    let reply = loop {
        let reply = socket.ask("POST", "/control/v1/verify", "");
        if reply.status != 409 {
            break reply;
        }
        std::thread::yield_now();
    };
    assert_eq!(lines(&reply).pop(), Some(json!({ "done": null })));
}
