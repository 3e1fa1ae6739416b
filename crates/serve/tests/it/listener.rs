//! Listening and stopping: limits hold, requests under way end well, what may not be listened on is not.

use crate::http::{Server, connect, get, parse, raw, runtime};
use serve::ledger::LedgerPages;
use serve::{Address, Limits, Result, ServeError};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Pages that answer when the test lets them.
pub struct Gate {
    asked: (Mutex<Sender<()>>, Mutex<Receiver<()>>),
    open: (Mutex<Sender<()>>, Mutex<Receiver<()>>),
}

impl Gate {
    pub fn new() -> Arc<Self> {
        let pair = || {
            let (sender, receiver) = channel();
            (Mutex::new(sender), Mutex::new(receiver))
        };
        Arc::new(Self { asked: pair(), open: pair() })
    }

    pub fn wait_until_asked(&self) {
        self.asked.1.lock().unwrap().recv().unwrap();
    }

    pub fn open(&self) {
        self.open.0.lock().unwrap().send(()).unwrap();
    }

    /// On a server with one seat: takes it, comes again and finds no seat, then lets the first one end.
    pub fn hold_one_and_be_turned_away(&self, server: &Server) {
        let mut first = connect(server);
        first.write_all(b"GET /checkpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        self.wait_until_asked();
        let mut second = connect(server);
        let mut nothing = Vec::new();
        let _ = second.read_to_end(&mut nothing);
        assert!(nothing.is_empty(), "turned away");
        self.open();
        assert_eq!(rest(first).status, 200);
    }
}

impl LedgerPages for Gate {
    fn checkpoint(&self) -> Result<Option<String>> {
        self.asked.0.lock().unwrap().send(()).unwrap();
        self.open.1.lock().unwrap().recv().unwrap();
        Ok(Some("through\n".to_owned()))
    }

    fn tile(&self, _level: u8, _number: u64, _width: u16) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn entries(&self, _number: u64, _width: u16) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
}

fn rest(mut stream: TcpStream) -> crate::http::Reply {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    parse(&answer)
}

#[test]
fn a_request_under_way_ends_well_when_the_listener_stops() {
    let gate = Gate::new();
    let mut server = Server::start(serve::ledger::routes(gate.clone()));
    let mut idle = connect(&server);
    let mut stream = connect(&server);
    stream.write_all(b"GET /checkpoint HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    gate.wait_until_asked();
    server.tell_to_stop();
    // Idle connections end at once; and by then nobody listens any more.
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    assert!(TcpStream::connect(server.address).is_err());
    gate.open();
    let reply = rest(stream);
    assert_eq!((reply.status, reply.text()), (200, "through\n"));
    server.finished();
}

#[test]
fn a_request_that_does_not_end_is_cut_after_its_grace() {
    let gate = Gate::new();
    let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
    let mut server = Server::within(limits, serve::ledger::routes(gate.clone()));
    let mut stream = connect(&server);
    stream.write_all(b"GET /checkpoint HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    gate.wait_until_asked();
    server.tell_to_stop();
    server.finished();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer, b"");
    gate.open();
}

#[test]
fn an_answer_that_takes_too_long_is_told() {
    let gate = Gate::new();
    let limits = Limits { request: Duration::from_millis(50), ..Limits::default() };
    let server = Server::within(limits, serve::ledger::routes(gate.clone()));
    assert_eq!(get(&server, "/checkpoint").status, 408);
    gate.open();
}

#[test]
fn bodies_are_bounded() {
    let limits = Limits { body_bytes: 100, ..Limits::default() };
    let server = Server::within(limits, serve::control::routes(Arc::new(crate::control::Quiet)));
    let post = |length: usize, body: &str| {
        raw(&server, format!("POST /control/v1/verify HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes())
    };
    assert_eq!(post(2, "{}").status, 200);
    assert_eq!(post(101, "").status, 413);
    let chunks = format!(
        "POST /control/v1/verify HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n",
        " ".repeat(101)
    );
    assert_eq!(raw(&server, chunks.as_bytes()).status, 413);
}

#[test]
fn a_peer_that_writes_a_refused_body_to_its_end_still_reads_why() {
    let server = Server::start(serve::control::routes(Arc::new(crate::control::Quiet)));
    let body = vec![b' '; 3_000_000];
    for _ in 0..20 {
        let mut stream = connect(&server);
        let head =
            format!("POST /control/v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
        assert_eq!(rest(stream).status, 413);
    }
}

#[test]
fn an_address_in_use_is_told() {
    let server = Server::start(serve::Router::new());
    let address = Address::tcp(server.address).unwrap();
    let error = runtime().block_on(serve::listen(&address, serve::Router::new(), async {})).unwrap_err();
    assert!(matches!(error, ServeError::InUse { .. }), "{error}");
    assert!(error.is_retryable());
}

#[test]
fn http2_is_spoken_to_those_who_begin_with_it() {
    let gate = Gate::new();
    let server = Server::start(serve::ledger::routes(gate.clone()));
    gate.open();
    let done = std::process::Command::new("curl")
        .args(["-sS", "--http2-prior-knowledge", "-w", "%{http_version} %{http_code}"])
        .arg(format!("http://{}/checkpoint", server.address))
        .output();
    match done {
        Ok(done) => assert_eq!(String::from_utf8_lossy(&done.stdout), "through\n2 200", "{done:?}"),
        Err(error) => {
            eprintln!("SKIPPED HTTP/2 with curl: {error}");
            assert!(std::env::var_os("WARD_TEST_STRICT").is_none_or(|strict| strict != "1"), "no curl");
        }
    }
}
