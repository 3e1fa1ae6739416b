//! What a witness cosigned it remembers: through kills, full disks and damaged files, or it does not start.

use super::log::Log;
use super::server::{PLENTY, Server, desk, home};
use serve::witness::Witnessing as _;
use std::path::Path;
use std::sync::Arc;
use trust::tlog::{Algorithm, Ed25519Signer, NoteSigner as _};
use ward::witness::{Desk, Fault, STATE_FILE, State};

fn open(home: &Path) -> Desk {
    desk(home, vec![Log::new().known()], PLENTY).unwrap()
}

fn ask(desk: &Desk, log: &Log, old_size: u64) -> (u16, String) {
    let answer = desk.add_checkpoint(log.request(old_size).as_bytes()).unwrap();
    (answer.status, answer.body)
}

#[test]
fn killed_between_the_disk_and_the_answer() {
    let home = home();
    {
        let desk = open(home.path());
        assert_eq!(ask(&desk, &Log::of("a", 100), 0).0, 200);
        // The head of 200 is on disk; its answer never leaves the process.
        let unheard = ask(&desk, &Log::of("a", 200), 100);
        assert_eq!(unheard.0, 200);
    }
    let desk = open(home.path());
    // The log knows of 100 only. Whatever it shows now, nothing but the same or a larger tree is cosigned.
    assert_eq!(ask(&desk, &Log::of("a", 200), 100), (409, "200\n".to_owned()));
    assert_eq!(ask(&desk, &Log::of("b", 200), 100), (409, "200\n".to_owned()));
    assert_eq!(ask(&desk, &Log::of("b", 200), 200).0, 422);
    assert_eq!(ask(&desk, &Log::of("a", 150), 150), (409, "200\n".to_owned()));
    assert_eq!(ask(&desk, &Log::of("a", 200), 200).0, 200);
    assert_eq!(ask(&desk, &Log::of("a", 300), 200).0, 200);
}

#[test]
fn killed_before_the_rename_the_old_state_counts() {
    let home = home();
    assert_eq!(ask(&open(home.path()), &Log::of("a", 100), 0).0, 200);
    let state = std::fs::read(home.path().join(STATE_FILE)).unwrap();
    std::fs::write(home.path().join("witness.state.new"), &state[..state.len() / 2]).unwrap();
    let desk = open(home.path());
    assert_eq!(ask(&desk, &Log::of("a", 100), 0), (409, "100\n".to_owned()));
    assert_eq!(ask(&desk, &Log::of("a", 200), 100).0, 200);
}

#[test]
fn a_write_that_fails_gives_no_cosignature_either_way() {
    for (fault, size) in [(Fault::NotStored, 100), (Fault::StoredButReported, 200)] {
        let home = home();
        let desk = open(home.path());
        assert_eq!(ask(&desk, &Log::of("a", 100), 0).0, 200);
        desk.state().fail_next(fault);
        let error = desk.add_checkpoint(Log::of("a", 200).request(100).as_bytes()).unwrap_err();
        assert!(error.is_retryable(), "{error}");
        // What is on disk counts, and a fork of it gets nothing.
        let fork = ask(&desk, &Log::of("b", 300), size);
        assert_eq!(fork.0, 422, "{fault:?}");
        let said = (409, format!("{size}\n"));
        assert_eq!(ask(&desk, &Log::of("a", 300), 0), said, "{fault:?}");
        drop(desk);
        let desk = open(home.path());
        assert_eq!(ask(&desk, &Log::of("a", 300), 0), said, "{fault:?}");
        assert_eq!(ask(&desk, &Log::of("a", 300), size).0, 200);
    }
}

#[test]
fn over_http_a_write_that_fails_is_a_503() {
    let home = home();
    let server = Server::start(home.path());
    server.desk.state().fail_next(Fault::NotStored);
    let reply = server.post(Log::of("a", 5).request(0).as_bytes());
    assert_eq!((reply.status, reply.retry_after.as_str()), (503, "5"));
    assert!(!reply.body.contains('\u{2014}'));
    assert_eq!(server.post(Log::of("a", 5).request(0).as_bytes()).status, 200);
}

#[test]
fn a_state_that_is_damaged_or_gone_stops_the_witness() {
    let home = home();
    assert_eq!(ask(&open(home.path()), &Log::of("a", 100), 0).0, 200);
    let path = home.path().join(STATE_FILE);
    let good = std::fs::read_to_string(&path).unwrap();
    let (first, rest) = good.split_once('\n').unwrap();
    let emptied = "{\n  \"key\": \"x\",\n  \"logs\": {}\n}";
    for (state, why) in [
        (String::new(), "no first line"),
        (good[..good.len() - 1].to_owned(), "ends early"),
        (good[..good.len() / 2].to_owned(), "ends early"),
        (good.replacen("\\n100\\n", "\\n101\\n", 1), "checksum"),
        (format!("{first}\n{emptied}\n"), "checksum"),
        (rest.to_owned(), "does not begin"),
    ] {
        std::fs::write(&path, &state).unwrap();
        let said = desk(home.path(), vec![Log::new().known()], PLENTY).err().unwrap().to_string();
        assert!(said.contains("is damaged") && said.contains(why), "{said}");
    }
    // Every single byte counts.
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(desk(home.path(), vec![Log::new().known()], PLENTY).is_err(), "byte {at}");
    }
    std::fs::remove_file(&path).unwrap();
    let said = desk(home.path(), vec![Log::new().known()], PLENTY).err().unwrap().to_string();
    assert!(said.contains("is missing") && said.contains("--new-key"), "{said}");
    std::fs::write(&path, good).unwrap();
    assert_eq!(ask(&open(home.path()), &Log::of("a", 100), 0).0, 409);
}

#[test]
fn a_state_belongs_to_one_key_and_one_witness() {
    let home = home();
    let first = open(home.path());
    let second = desk(home.path(), vec![Log::new().known()], PLENTY).err().unwrap().to_string();
    assert!(second.contains("in use by another witness"), "{second}");
    drop(first);
    let other = Ed25519Signer::from_seed("other", Algorithm::CosignatureV1, &[6; 32]).unwrap();
    let said = State::open(home.path(), other.key()).unwrap_err().to_string();
    assert!(said.contains("it is of the key witness.example/w1+"), "{said}");
    assert!(State::create(home.path(), other.key()).is_err(), "never emptied");
}

#[test]
fn of_many_histories_at_once_one_is_cosigned() {
    for _ in 0..8 {
        let home = home();
        let server = Arc::new(Server::start(home.path()));
        assert_eq!(server.post(Log::of("a", 10).request(0).as_bytes()).status, 200);
        let threads = (0..12).map(|n| {
            let server = server.clone();
            let body = Log::of("a", 10).grow(&format!("history {n}"), 11 + n % 4).request(10);
            std::thread::spawn(move || server.post(body.as_bytes()).status)
        });
        let threads: Vec<_> = threads.collect();
        let mut done: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        done.sort_unstable();
        // The others start from a size that is the head's no more.
        assert_eq!((done[0], &done[1..]), (200, &[409; 11][..]));
    }
}
