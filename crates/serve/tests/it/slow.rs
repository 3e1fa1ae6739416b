//! Clients that are slow on purpose do not stop the others.

use crate::http::{Server, connect, get};
use serve::Limits;
use serve::health::{Health, Status};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

struct Well;

impl Health for Well {
    fn names(&self) -> &'static [&'static str] {
        &["all"]
    }

    fn check(&self, _name: &'static str) -> (Status, String) {
        (Status::Ok, String::new())
    }
}

fn server(limits: Limits) -> Server {
    let quiet = serve::control::routes(Arc::new(crate::control::Quiet));
    Server::within(limits, serve::health::routes(Arc::new(Well)).merge(quiet))
}

/// How a slow client begins, and leaves it there.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"G",
    b"PRI * HTTP/2.0\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
    b"POST /control/v1/verify HTTP/1.1\r\nhost: localhost\r\n",
];

fn slow_clients(server: &Server, number: usize) -> Vec<TcpStream> {
    let begin = |n: usize| {
        let mut stream = connect(server);
        stream.write_all(BEGINNINGS[n % BEGINNINGS.len()]).unwrap();
        stream
    };
    (0..number).map(begin).collect()
}

#[test]
fn two_hundred_half_open_connections_stop_nobody() {
    // Fewer places than slow clients, and none of them is given up by time within this test.
    let limits = Limits { connections: 100, head: Duration::from_secs(3600), ..Limits::default() };
    let server = server(limits);
    let mut slow = slow_clients(&server, 200);
    for _ in 0..20 {
        assert_eq!(get(&server, "/healthz").status, 200);
        slow.extend(slow_clients(&server, 5));
    }
    assert_eq!(get(&server, "/healthz").status, 200);
}

#[test]
fn two_hundred_half_open_connections_under_the_usual_limits() {
    let server = server(Limits::default());
    let slow = slow_clients(&server, 200);
    assert_eq!(get(&server, "/healthz").status, 200);
    drop(slow);
}

#[test]
fn a_client_that_never_finishes_its_head_is_left() {
    let limits = Limits {
        head: Duration::from_millis(100),
        connection: Duration::from_millis(400),
        grace: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = server(limits);
    for mut stream in slow_clients(&server, BEGINNINGS.len()) {
        // Ends by the server's hand: with or without a 408, and an HTTP/2 one by its age.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
    }
}

#[test]
fn a_client_that_never_finishes_its_body_is_left() {
    let limits = Limits { body_pause: Duration::from_millis(100), ..Limits::default() };
    let server = server(limits);
    let head = "POST /control/v1/verify HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{";
    let reply = crate::http::raw(&server, head.as_bytes());
    assert!([400, 408].contains(&reply.status), "{}", reply.status);
}
