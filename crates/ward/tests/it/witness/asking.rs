//! Our client: what it makes of each answer, from our own witness and from others that lie, fail or are somebody else.

use super::log::{Log, ORIGIN};
use super::server::{PLENTY, Server, home, witness};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;
use trust::tlog::{Hash, VerifierKey};
use ward::witness::{AskError, Proofs, Rates, Witness, WitnessSettings, ask};

#[test]
fn a_witness_that_knows_us_cosigns() {
    let home = home();
    let server = Server::start(home.path());
    let asked = server.witness();
    let mut last = 0;
    for size in [1, 40, 300, 300] {
        let log = Log::of("a", size);
        let ours = log.checkpoint();
        let cosigned = ask(&asked, &ours, last, &log).unwrap();
        assert_eq!(cosigned.from_size, last);
        let mut note = ours.note.clone();
        cosigned.signatures.into_iter().for_each(|signature| note.push(signature).unwrap());
        let cosigners = [server.key.clone()];
        assert_eq!(note.verify(&cosigners).unwrap().len(), 1);
        assert_eq!(note.verify(&log.known().keys).unwrap().len(), 1, "the log's own stays");
        last = size;
    }
}

#[test]
fn a_wrong_guess_of_its_size_costs_a_round() {
    let home = home();
    let server = Server::start(home.path());
    ask(&server.witness(), &Log::of("a", 77).checkpoint(), 0, &Log::of("a", 77)).unwrap();
    let log = Log::of("a", 500);
    for guess in [0, 12, 499, 500, 9999] {
        assert_eq!(
            ask(&server.witness(), &log.checkpoint(), guess, &log).unwrap().from_size,
            if guess == 0 { 77 } else { 500 }
        );
    }
}

#[test]
fn another_history_is_an_alarm() {
    let home = home();
    let server = Server::start(home.path());
    ask(&server.witness(), &Log::of("a", 500).checkpoint(), 0, &Log::of("a", 500)).unwrap();
    let mut rewritten = Log::of("a", 499);
    rewritten.grow("b", 800);
    for (log, why) in [
        // Our store lost leaves: an old backup was restored.
        (Log::of("a", 400), "it cosigned 500 leaves"),
        (Log::of("b", 400), "it cosigned 500 leaves"),
        // Our store was changed.
        (Log::of("b", 500), "consistency"),
        (rewritten, "consistency"),
    ] {
        let error = ask(&server.witness(), &log.checkpoint(), 500, &log).unwrap_err();
        assert!(error.is_alarm() && !error.is_retryable(), "{error}");
        let said = error.to_string();
        assert!(
            said.contains("another history") && said.contains(why) && said.contains("ward ledger verify"),
            "{said}"
        );
    }
}

#[test]
fn a_witness_that_does_not_know_us_says_so() {
    let home = home();
    let server = Server::start(home.path());
    let stranger = Log::named("stranger.example/log", 3);
    let error = ask(&server.witness(), &stranger.checkpoint(), 0, &stranger).unwrap_err();
    assert!(matches!(error, AskError::Unknown { .. }) && !error.is_retryable(), "{error}");
    let rekeyed = Log::named(ORIGIN, 4);
    let error = ask(&server.witness(), &rekeyed.checkpoint(), 0, &rekeyed).unwrap_err();
    assert!(matches!(error, AskError::Untrusted { .. }) && !error.is_retryable(), "{error}");
    assert!(error.to_string().contains("verifier key"), "{error}");
}

#[test]
fn a_busy_witness_is_asked_again_later() {
    let home = home();
    let rates = Rates { cosignatures_per_minute: 1, ..PLENTY };
    let server = Server::with(home.path(), vec![Log::new().known()], rates);
    let log = Log::of("a", 5);
    ask(&server.witness(), &log.checkpoint(), 0, &log).unwrap();
    let error = ask(&server.witness(), &log.checkpoint(), 5, &log).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(matches!(error, AskError::Later { status: 429, retry_after_s: Some(1..=60), .. }), "{error:?}");
}

#[test]
fn a_cosignature_by_another_key_is_not_believed() {
    let home = home();
    let server = Server::start(home.path());
    let other = VerifierKey::new("witness.example/w1", server.key.algorithm(), [8; 32]).unwrap();
    let log = Log::of("a", 5);
    let error = ask(&witness(&server.url, &[other.to_string()]), &log.checkpoint(), 0, &log).unwrap_err();
    assert!(matches!(error, AskError::Answer { .. }) && !error.is_retryable(), "{error}");
}

/// Answers each request with the next of these, whole, and tells what it was asked.
fn canned(answers: Vec<Vec<u8>>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            asked.push(String::from_utf8(body).unwrap());
            let _ = reader.get_mut().write_all(&answer);
        }
        asked
    });
    (url, thread)
}

fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn asked_of(answers: Vec<Vec<u8>>, log: &Log) -> (AskError, Vec<String>) {
    let (url, thread) = canned(answers);
    let key = VerifierKey::new("w", trust::tlog::Algorithm::CosignatureV1, [8; 32]).unwrap();
    let error = ask(&witness(&url, &[key.to_string()]), &log.checkpoint(), 0, log).unwrap_err();
    (error, thread.join().unwrap())
}

const SIZE: &str = "text/x.tlog.size";

#[test]
fn each_answer_has_its_meaning() {
    let log = Log::of("a", 9);
    for (answer, retryable, alarm, why) in [
        (answer("500 Oops", "text/plain", "boom"), true, false, "(500): boom"),
        (answer("503 Busy", "text/plain", "starting"), true, false, "(503): starting"),
        (answer("502 Bad Gateway", "text/html", "<html>"), true, false, "(502)"),
        (answer("422 No", "text/plain", "no proof"), false, true, "no proof"),
        (answer("400 Bad Request", "text/plain", "what?"), false, false, "status 400: what?"),
        (answer("301 Moved", "text/plain", ""), false, false, "status 301"),
        (answer("200 OK", "text/html", "<html>welcome</html>"), false, false, "cannot be used"),
        (answer("200 OK", "text/plain", ""), false, false, "cannot be used"),
        (answer("409 Conflict", "text/plain", "10\n"), false, false, "status 409"),
        (answer("409 Conflict", SIZE, "ten\n"), false, false, "status 409"),
        (answer("409 Conflict", SIZE, "10\n"), false, true, "it cosigned 10 leaves"),
        (answer("409 Conflict", SIZE, "0\n"), false, false, "refuses the size 0 and asks for it"),
        (answer("200 OK", "text/plain", &"a".repeat(70_000)), false, false, "cannot be used"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut".to_vec(), true, false, "cannot be reached"),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), true, false, "cannot be reached"),
        (Vec::new(), true, false, "cannot be reached"),
    ] {
        let shown = String::from_utf8_lossy(&answer).chars().take(60).collect::<String>();
        let (error, _) = asked_of(vec![answer], &log);
        assert_eq!((error.is_retryable(), error.is_alarm()), (retryable, alarm), "{shown}: {error}");
        assert!(error.to_string().contains(why), "{shown}: {error}");
    }
}

#[test]
fn a_witness_that_changes_its_mind_is_not_asked_for_ever() {
    let log = Log::of("a", 9);
    let sizes = ["3\n", "5\n", "7\n"].map(|size| answer("409 Conflict", SIZE, size));
    let (error, asked) = asked_of(sizes.to_vec(), &log);
    assert!(error.is_retryable(), "{error}");
    let olds: Vec<_> = asked.iter().map(|body| body.lines().next().unwrap()).collect();
    assert_eq!(olds, ["old 0", "old 3", "old 5"]);
}

/// A store that cannot prove what it claims.
struct Damaged(Mutex<u32>);

impl Proofs for Damaged {
    fn consistency(&self, _old_size: u64, _size: u64) -> Result<Vec<Hash>, String> {
        *self.0.lock().unwrap() += 1;
        Err("tile/0/000 is gone".to_owned())
    }
}

#[test]
fn a_proof_that_cannot_be_made_is_our_own_fault() {
    let home = home();
    let server = Server::start(home.path());
    ask(&server.witness(), &Log::of("a", 5).checkpoint(), 0, &Log::of("a", 5)).unwrap();
    let proofs = Damaged(Mutex::new(0));
    let error = ask(&server.witness(), &Log::of("a", 9).checkpoint(), 5, &proofs).unwrap_err();
    assert!(
        matches!(error, AskError::Ours { .. }) && error.to_string().contains("tile/0/000 is gone"),
        "{error}"
    );
    assert_eq!(*proofs.0.lock().unwrap(), 1);
}

#[test]
fn nobody_there_is_retryable() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let key = VerifierKey::new("w", trust::tlog::Algorithm::CosignatureV1, [8; 32]).unwrap().to_string();
    let log = Log::of("a", 5);
    let error = ask(&witness(&format!("http://{free}"), &[key]), &log.checkpoint(), 0, &log).unwrap_err();
    assert!(matches!(error, AskError::Unreachable { .. }) && error.is_retryable(), "{error}");
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_once() {
    let cosigner = VerifierKey::new("w", trust::tlog::Algorithm::CosignatureV1, [8; 32]).unwrap().to_string();
    let settings = |url: &str, keys: &[String], ca: Option<&str>| WitnessSettings {
        url: url.to_owned(),
        keys: keys.to_vec(),
        ca_file: ca.map(Into::into),
    };
    for (settings, why) in [
        (settings("http://witness.example", std::slice::from_ref(&cosigner), None), "plain http"),
        (settings("witness.example", std::slice::from_ref(&cosigner), None), "https"),
        (settings("http://127.0.0.1:1", &[], None), "verifier keys"),
        (settings("http://127.0.0.1:1", &[Log::new().vkey()], None), "cosigners (04)"),
        (settings("http://127.0.0.1:1", &["w+1+x".to_owned()], None), "verifier key"),
        (
            settings("https://w.example", std::slice::from_ref(&cosigner), Some("/nowhere/ca.pem")),
            "/nowhere/ca.pem",
        ),
    ] {
        let error = Witness::new(&settings).unwrap_err();
        assert!(matches!(error, AskError::Settings { .. }) && error.to_string().contains(why), "{error}");
    }
}
