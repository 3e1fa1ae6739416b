//! A server for one test, and requests to it byte by byte: what is sent is exactly what the test says.

use serve::{Address, Limits, Listening, Router};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A listener on loopback, stopped when dropped.
pub struct Server {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
    listening: Option<Listening>,
    stop: Option<oneshot::Sender<()>>,
}

impl Server {
    pub fn start(router: Router) -> Self {
        Self::within(Limits::default(), router)
    }

    pub fn within(limits: Limits, router: Router) -> Self {
        let runtime = runtime();
        let (stop, stopped) = oneshot::channel::<()>();
        let address: Address = "127.0.0.1:0".parse().unwrap();
        let told = async move { drop(stopped.await) };
        let listening = runtime.block_on(serve::listen_within(limits, &address, router, told)).unwrap();
        let address = listening.address().socket_addr().unwrap();
        Self { address, runtime: Some(runtime), listening: Some(listening), stop: Some(stop) }
    }

    /// Tells it to stop, without waiting.
    pub fn tell_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until it has stopped by itself.
    pub fn finished(&mut self) {
        let listening = self.listening.take().unwrap();
        self.runtime.as_ref().unwrap().block_on(listening.finished());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // SQLCipher frees its memory when the process exits: a thread that closes a connection just then would fall.
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// An answer: names of headers in lower case.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

pub fn get(server: &Server, path: &str) -> Reply {
    ask(server, "GET", path, &[])
}

/// One request on a connection of its own.
pub fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    raw(server, format!("{request}\r\n").as_bytes())
}

/// These bytes, and what comes back until the other side closes.
pub fn raw(server: &Server, bytes: &[u8]) -> Reply {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is the server's right where it did not read all that we sent.
    let _ = stream.read_to_end(&mut answer);
    parse(&answer)
}

pub fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

pub fn parse(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(answer)));
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: BTreeMap<String, String> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &answer[end + 4..];
    let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    Reply { status, body: if chunked { unchunk(rest) } else { rest.to_vec() }, headers }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}
