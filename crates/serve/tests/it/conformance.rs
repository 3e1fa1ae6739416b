//! What the routes of the ledger answer, by the letter of C2SP tlog-tiles and RFC 9110.

use crate::http::{Server, ask, get, raw};
use crate::memory_log::{MemoryLog, entry};
use flate2::read::GzDecoder;
use serve::ledger::LedgerPages;
use serve::{Result, Router, ServeError};
use std::io::Read as _;
use std::sync::Arc;

const SIZE: u64 = 70_000;

fn server() -> (Arc<MemoryLog>, Server) {
    let log = MemoryLog::new();
    log.publish((0..SIZE).map(entry));
    let routes = serve::ledger::routes(log.clone());
    (log, Server::start(Router::new().nest("/ledger", routes)))
}

#[test]
fn the_tiles_of_a_tree_of_seventy_thousand() {
    // The standard's own example: 273 full tiles of level 0, a partial one of 112; one of level 1, a partial one of 17; one of 1.
    let (log, server) = server();
    for (path, bytes) in [
        ("tile/0/000", 8192),
        ("tile/0/272", 8192),
        ("tile/0/273.p/112", 112 * 32),
        ("tile/1/000", 8192),
        ("tile/1/001.p/17", 17 * 32),
        ("tile/2/000.p/1", 32),
        ("tile/0/000.p/1", 32),
    ] {
        let reply = get(&server, &format!("/ledger/{path}"));
        assert_eq!((reply.status, reply.body.len()), (200, bytes), "{path}");
        assert_eq!(reply.header("content-type"), "application/octet-stream");
        assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(reply.header("content-length"), bytes.to_string());
    }
    let full = get(&server, "/ledger/tile/0/005").body;
    assert_eq!(log.tile(0, 5, 256).unwrap(), Some(full));
}

#[test]
fn what_does_not_exist_is_not_served() {
    let (_, server) = server();
    for path in [
        "tile/0/273",
        "tile/0/273.p/113",
        "tile/0/274",
        "tile/0/274.p/1",
        "tile/0/x001/x234/067",
        "tile/2/000",
        "tile/2/000.p/2",
        "tile/3/000.p/1",
        "tile/63/000",
        "tile/entries/273",
        "tile/entries/x999/999",
        "",
        "tile",
        "tile/",
        "nothing",
    ] {
        assert_eq!(get(&server, &format!("/ledger/{path}")).status, 404, "{path}");
    }
    assert_eq!(get(&server, "/checkpoint").status, 404, "not outside the prefix");
}

#[test]
fn a_malformed_path_is_refused() {
    let (_, server) = server();
    for path in [
        "tile/0/0",
        "tile/0/0000",
        "tile/0/00a",
        "tile/0/-01",
        "tile/0/x000/001",
        "tile/00/001",
        "tile/64/000",
        "tile/+1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/2",
        "tile/0/%30%30%30",
        "tile/0/000/",
        "tile/0//000",
        "tile//0/000",
        "tile/data/000",
        "tile/0/000%00",
        "tile/0/../../../etc/passwd",
        "tile/entries/..%2f..%2fetc",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
    ] {
        let reply = get(&server, &format!("/ledger/{path}"));
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
    }
    let long = format!("/ledger/tile/0/{}000", "x000/".repeat(100));
    assert_eq!(get(&server, &long).status, 400);
}

#[test]
fn the_checkpoint_is_hardly_cached() {
    let (log, server) = server();
    let reply = get(&server, "/ledger/checkpoint");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "public, max-age=2, must-revalidate");
    assert_eq!(Some(reply.text().to_owned()), log.checkpoint().unwrap());

    let tag = reply.header("etag").to_owned();
    let again = ask(&server, "GET", "/ledger/checkpoint", &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), tag);
    log.publish([entry(SIZE)]);
    let grown = ask(&server, "GET", "/ledger/checkpoint", &[("if-none-match", &tag)]);
    assert_eq!(grown.status, 200);
    assert_ne!(grown.header("etag"), tag);
}

#[test]
fn a_log_without_a_checkpoint_has_none() {
    let server = Server::start(serve::ledger::routes(MemoryLog::new()));
    assert_eq!(get(&server, "/checkpoint").status, 404);
    assert_eq!(get(&server, "/tile/0/000.p/1").status, 404);
}

#[test]
fn head_is_get_without_a_body() {
    let (_, server) = server();
    for path in ["/ledger/checkpoint", "/ledger/tile/0/000", "/ledger/tile/entries/000", "/ledger/tile/0/999"]
    {
        let (get, head) = (get(&server, path), ask(&server, "HEAD", path, &[]));
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-length", "content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

#[test]
fn only_get_and_head() {
    let (_, server) = server();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        for path in ["/ledger/checkpoint", "/ledger/tile/0/000"] {
            let reply = ask(&server, method, path, &[]);
            assert_eq!((reply.status, reply.header("allow")), (405, "GET,HEAD"), "{method} {path}");
        }
    }
}

#[test]
fn entries_are_compressed_where_asked() {
    let (log, server) = server();
    let path = "/ledger/tile/entries/004";
    let plain = get(&server, path);
    assert_eq!((plain.status, plain.header("content-encoding")), (200, ""));
    assert_eq!(Some(plain.body.clone()), log.entries(4, 256).unwrap());
    let packed = ask(&server, "GET", path, &[("accept-encoding", "gzip, identity")]);
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
    assert_eq!(packed.header("content-type"), "application/octet-stream");
    assert_eq!((packed.header("vary"), plain.header("vary")), ("accept-encoding", "accept-encoding"));
    assert_ne!(packed.header("etag"), plain.header("etag"), "a strong validator is of the bytes sent");
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    let hashes = ask(&server, "GET", "/ledger/tile/0/000", &[("accept-encoding", "gzip")]);
    assert_eq!((hashes.header("content-encoding"), hashes.header("vary")), ("", ""));
}

#[test]
fn every_answer_tells_browsers_to_keep_their_hands_off() {
    let (_, server) = server();
    for path in ["/ledger/checkpoint", "/ledger/tile/0/bad", "/nothing"] {
        let reply = get(&server, path);
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(
            reply.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{path}");
        assert!(!reply.header("cache-control").is_empty(), "{path}");
        assert!(!reply.headers.contains_key("server"), "{path}");
    }
}

#[test]
fn heads_beyond_the_bounds_are_refused() {
    let (_, server) = server();
    let many: String = (0..65).map(|n| format!("x-{n}: 1\r\n")).collect();
    let reply =
        raw(&server, format!("GET /ledger/checkpoint HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes());
    assert_eq!(reply.status, 431);
    let long = "a".repeat(20_000);
    let reply =
        raw(&server, format!("GET /ledger/checkpoint HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n").as_bytes());
    assert_eq!(reply.status, 431);
    let reply = raw(&server, format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes());
    assert!([414, 431].contains(&reply.status), "{}", reply.status);
    assert_eq!(raw(&server, b"GET /\x01 HTTP/1.1\r\nhost: x\r\n\r\n").status, 400);
    assert_eq!(raw(&server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").status, 400);
}

/// Pages that are not what they should be.
struct Damaged;

impl LedgerPages for Damaged {
    fn checkpoint(&self) -> Result<Option<String>> {
        Err(ServeError::Unavailable { what: "the ledger", why: "secret path /var/lib/x".into() })
    }

    fn tile(&self, _level: u8, _number: u64, width: u16) -> Result<Option<Vec<u8>>> {
        Ok(Some(vec![0; usize::from(width) * 32 - 1]))
    }

    fn entries(&self, _number: u64, _width: u16) -> Result<Option<Vec<u8>>> {
        Ok(Some(Vec::new()))
    }
}

#[test]
fn what_is_damaged_is_not_served() {
    let server = Server::start(serve::ledger::routes(Arc::new(Damaged)));
    let reply = get(&server, "/checkpoint");
    assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
    assert_eq!(reply.text(), "the ledger cannot be reached now; try again\n", "the cause is for the log");
    assert_eq!(get(&server, "/tile/0/000").status, 500);
    assert_eq!(get(&server, "/tile/entries/000.p/4").status, 500);
    assert_eq!(get(&server, "/tile/0/000").header("cache-control"), "no-store");
}
