//! Status by status, what C2SP tlog-witness asks of a witness.

use super::log::{Log, ORIGIN};
use super::server::{Server, home};
use std::process::Command;
use trust::tlog::witness::origin_hash;
use trust::tlog::{Answer, Checkpoint, EMPTY_ROOT, Opened, read_answer};
use ward::witness::Rates;

const TEXT: &str = "text/plain; charset=utf-8";

fn cosigned(server: &Server, log: &Log, old_size: u64) -> String {
    let reply = server.post(log.request(old_size).as_bytes());
    assert_eq!((reply.status, reply.content_type.as_str()), (200, TEXT), "{}", reply.body);
    let checkpoint = log.checkpoint().checkpoint;
    let keys = [server.key.clone()];
    let answer = read_answer(200, TEXT, reply.body.as_bytes(), &checkpoint, &keys).unwrap();
    assert!(matches!(answer, Answer::Cosigned(signatures) if signatures.len() == 1));
    reply.body
}

fn refused(server: &Server, body: &str) -> (u16, String) {
    let reply = server.post(body.as_bytes());
    assert!(!reply.body.contains("\u{2014} witness"), "no signature in a refusal: {}", reply.body);
    let expected = if reply.status == 409 { "text/x.tlog.size" } else { TEXT };
    assert_eq!(reply.content_type, expected, "{}", reply.body);
    (reply.status, reply.body)
}

#[test]
fn a_log_that_grows_is_cosigned() {
    let home = home();
    let server = Server::start(home.path());
    let mut log = Log::of("a", 0);
    let mut last = 0;
    cosigned(&server, &log, 0);
    for size in [1, 2, 2, 255, 256, 257, 1000, 70_000] {
        cosigned(&server, log.grow("a", size), last);
        last = size;
    }
}

#[test]
fn a_fork_is_refused() {
    let home = home();
    let server = Server::start(home.path());
    cosigned(&server, &Log::of("a", 500), 0);
    let conflict = (409, "500\n".to_owned());

    // Another tree of the same size.
    let fork = Log::of("b", 500);
    for _ in 0..2 {
        assert_eq!(refused(&server, &fork.request(500)).0, 422);
    }
    assert_eq!(refused(&server, &fork.request(0)), conflict);
    // One that shares its beginning and has the newest leaf rewritten.
    let mut rewritten = Log::of("a", 499);
    assert_eq!(refused(&server, &rewritten.grow("b", 500).request(500)).0, 422);
    // A shorter one: rewritten, or an honest old one.
    assert_eq!(refused(&server, &Log::of("b", 400).request(400)), conflict);
    assert_eq!(refused(&server, &Log::of("a", 400).request(400)), conflict);
    assert_eq!(refused(&server, &Log::of("a", 400).request(500)).0, 400, "the old size is larger");
    // A longer one that forked before: with its own honest proof, with none, and pretending that nothing was cosigned.
    let mut longer = Log::of("a", 300);
    longer.grow("b", 900);
    assert_eq!(refused(&server, &longer.request(500)).0, 422);
    assert_eq!(refused(&server, &longer.request(300)), conflict);
    assert_eq!(refused(&server, &longer.request(0)), conflict);
    // And the honest one goes on.
    cosigned(&server, &Log::of("a", 900), 500);
    // What was signed and does not hold was kept: three histories, each once.
    let folder = home.path().join("evidence").join(origin_hash(ORIGIN));
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 3);
}

#[test]
fn what_is_wrong_is_told_apart() {
    let home = home();
    let server = Server::start(home.path());
    let log = Log::of("a", 10);
    let good = log.request(0);
    for (body, status) in [
        (Log::named("other.example/log", 1).grow("a", 10).request(0), 404),
        (Log::named(ORIGIN, 2).grow("a", 10).request(0), 403),
        (good.replacen("\n10\n", "\n11\n", 1), 403),
        (good.replacen("old 0", "old 11", 1), 400),
        (good.replacen("old 0", "old 1", 1), 409),
        (good.replacen("old 0", "old 00", 1), 400),
        (good.replacen("old 0", "old +0", 1), 400),
        (good.replacen("old 0", "old -0", 1), 400),
        (good.replacen("old 0", "Old 0", 1), 400),
        (good.replacen("old 0\n", "", 1), 400),
        (good.replacen("old 0\n\n", "old 0\n", 1), 400),
        (good.replacen('\n', "\r\n", 1), 400),
        (good.replacen("old 0\n", "old 0\nnot base64\n", 1), 400),
        (good.replacen("old 0\n", "old 0\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n", 1), 422),
        (
            good.replacen(
                "old 0\n",
                &format!("old 0\n{}", "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n".repeat(64)),
                1,
            ),
            400,
        ),
        (good.trim_end().to_owned(), 400),
        (String::new(), 400),
    ] {
        let (found, said) = refused(&server, &body);
        assert_eq!(found, status, "{said} to {body:?}");
    }
    assert_eq!(server.post(&[0xff; 100]).status, 400);
    let large = server.post(&vec![b'a'; 600_000]).status;
    assert_eq!(large, 413);
    cosigned(&server, &log, 0);
}

#[test]
fn the_empty_tree_has_the_empty_root() {
    let home = home();
    let server = Server::start(home.path());
    let honest = Log::of("a", 0).checkpoint();
    assert_eq!(*honest.checkpoint.root(), EMPTY_ROOT);
    let signer =
        trust::tlog::Ed25519Signer::from_seed(ORIGIN, trust::tlog::Algorithm::Ed25519, &[1; 32]).unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, 0, [7; 32]).unwrap();
    let lie = Opened { note: checkpoint.sign(&[&signer]).unwrap(), checkpoint };
    let body = trust::tlog::submit::request(0, &[], &lie.note).unwrap();
    assert_eq!(refused(&server, &body).0, 422);
    cosigned(&server, &Log::of("a", 0), 0);
}

#[test]
fn monitors_get_the_newest_checkpoint() {
    let home = home();
    let server = Server::start(home.path());
    let path = format!("/{}/checkpoint", origin_hash(ORIGIN));
    assert_eq!(server.get(&path).status, 404);
    for size in [3, 8] {
        let log = Log::of("a", size);
        let lines = cosigned(&server, &log, if size == 3 { 0 } else { 3 });
        let reply = server.get(&path);
        assert_eq!((reply.status, reply.content_type.as_str()), (200, TEXT));
        assert_eq!(reply.body, format!("{}{lines}", log.checkpoint().note));
    }
    assert_eq!(server.get(&format!("/{}/checkpoint", origin_hash("other"))).status, 404);
    assert_eq!(server.get("/../witness.key/checkpoint").status, 404);
    let about = server.get("/");
    assert_eq!(about.status, 200);
    assert!(about.body.contains(&server.key.to_string()), "{}", about.body);
    assert_eq!(server.get("/add-checkpoint").status, 405);
}

#[test]
fn a_log_that_asks_too_much_is_told_when_to_come_again() {
    let home = home();
    let other = Log::named("other.example/log", 2);
    let rates = Rates { requests_per_second: 1, cosignatures_per_minute: 3 };
    let server = Server::with(home.path(), vec![Log::new().known(), other.known()], rates);
    for (old_size, size) in [(0, 1), (1, 2), (2, 3)] {
        cosigned(&server, &Log::of("a", size), old_size);
    }
    let reply = server.post(Log::of("a", 4).request(3).as_bytes());
    assert_eq!(reply.status, 429);
    assert!((1..=20).contains(&reply.retry_after.parse::<u32>().unwrap()), "{reply:?}");
    // The head has not moved, and another log is not the worse for it.
    assert_eq!(refused(&server, &Log::of("a", 4).request(4)), (409, "3\n".to_owned()));
    assert_eq!(server.post(other.request(0).as_bytes()).status, 200);
    // All requests together have a bound too.
    let all: Vec<u16> = (0..20).map(|_| server.post(b"garbage").status).collect();
    assert!(all.contains(&429) && all.iter().all(|status| [400, 429].contains(status)), "{all:?}");
}

/// OpenSSL reads the cosignature by the standard's words: it shares no code with ours.
#[test]
fn openssl_verifies_the_cosignature() {
    use base64::Engine as _;
    let home = home();
    let server = Server::start(home.path());
    let log = Log::of("a", 7);
    let line = cosigned(&server, &log, 0);
    let encoded = line.trim_end().rsplit_once(' ').unwrap().1;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    assert_eq!(bytes.len(), 4 + 8 + 64, "key id, time, signature");
    let time_s = u64::from_be_bytes(bytes[4..12].try_into().unwrap());
    let message = format!("cosignature/v1\ntime {time_s}\n{}", log.checkpoint().note.text());
    // RFC 8410: the header of an Ed25519 public key in DER.
    let header = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let at = |name: &str| home.path().join(name);
    std::fs::write(at("key.der"), [&header[..], server.key.public()].concat()).unwrap();
    std::fs::write(at("message"), &message).unwrap();
    std::fs::write(at("signature"), &bytes[12..]).unwrap();
    let verify = |message: &str| {
        std::fs::write(at("message"), message).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.current_dir(home.path()).args(["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER"]);
        openssl.args(["-inkey", "key.der", "-sigfile", "signature", "-in", "message"]).output()
    };
    match verify(&message) {
        Ok(done) => {
            assert!(done.status.success(), "{done:?}");
            assert!(!verify(&message.replacen("\n7\n", "\n8\n", 1)).unwrap().status.success());
        }
        Err(error) => super::tls::skipped("the cosignature by OpenSSL", &format!("openssl: {error}")),
    }
}
