//! The API's description: what is checked in is what is served, and what is served is what there is.

use crate::house::{Built, plain};
use crate::http::{Server, ask, get};
use serve::api::openapi;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/ward.json");

#[test]
fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let text = openapi::text();
    if std::env::var_os("WARD_BLESS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let checked_in = std::fs::read_to_string(FILE).unwrap_or_default();
    let differs = checked_in.lines().zip(text.lines()).position(|(theirs, ours)| theirs != ours);
    assert!(
        checked_in == text,
        "openapi/ward.json is not what the endpoints say, from line {} on: run `cargo xtask bless`, and read the difference",
        differs.map_or(checked_in.lines().count(), |line| line) + 1
    );
    let built = Built::with(vec![plain(1)]);
    let server = Server::start(built.router());
    let served = get(&server, "/api/v1/openapi.json");
    assert_eq!((served.status, served.header("content-type")), (200, "application/json"));
    assert!(served.text() == text);
}

/// Every path of the document answers, and other methods are refused with what there is.
#[test]
fn every_path_of_the_document_is_served() {
    let built = Built::with(vec![plain(1)]);
    let server = Server::start(built.router());
    let document = openapi::document();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 10, "{}", paths.len());
    for (path, methods) in paths {
        let methods: Vec<String> =
            methods.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        let path = filled(path);
        let refused = ask(&server, "PATCH", &path, &[]);
        if !methods.iter().any(|method| method == "PATCH") {
            assert_eq!(
                (refused.status, refused.header("content-type")),
                (405, "application/problem+json"),
                "{path}"
            );
            let mut allowed: Vec<&str> =
                refused.header("allow").split(',').map(str::trim).filter(|one| *one != "HEAD").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, methods.iter().map(String::as_str).collect::<Vec<_>>(), "{path}");
        }
        if methods.iter().any(|method| method == "GET") && path != "/api/v1/stream" {
            let (got, head) = (get(&server, &path), ask(&server, "HEAD", &path, &[]));
            assert_ne!(got.status, 405, "{path}");
            assert!(got.status < 500, "{path}: {}", got.text());
            assert_eq!(head.status, got.status, "{path}");
            assert!(head.body.is_empty(), "{path}");
            assert_eq!(head.header("etag"), got.header("etag"), "{path}");
            assert_eq!(head.header("content-type"), got.header("content-type"), "{path}");
        }
        let slash = get(&server, &format!("{path}/"));
        assert_eq!(
            (slash.status, slash.header("content-type")),
            (404, "application/problem+json"),
            "{path}/"
        );
    }
}

/// A path with something in its braces.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
