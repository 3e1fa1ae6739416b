//! add-checkpoint from both sides: a log that grows is cosigned, one that forks, shrinks or lies is not.

use super::shelf::{
    ORIGIN, Shelf, leaves, log_keys, log_signer, root_by_definition, witness_keys, witness_signer,
};
use proptest::prelude::*;
use trust::tlog::submit::{ANSWER_BYTES_MAX, request};
use trust::tlog::witness::{Cosigned, TYPE_SIZE, TYPE_TEXT, origin_hash};
use trust::tlog::{
    AddCheckpoint, Algorithm, Answer, Checkpoint, Ed25519Signer, Error, Hash, Head, KnownLog, Note,
    NoteSigner, Outcome, Refusal, TileReader, VerifierKey, leaf_hash, read_answer,
};

const NOW_S: u64 = 1_763_769_600;

fn known() -> KnownLog {
    KnownLog { origin: ORIGIN.to_owned(), keys: log_keys() }
}

fn head(leaves: &[Hash]) -> Head {
    Head { size: leaves.len() as u64, root: root_by_definition(leaves) }
}

fn checkpoint(leaves: &[Hash]) -> Checkpoint {
    Checkpoint::new(ORIGIN, leaves.len() as u64, root_by_definition(leaves)).unwrap()
}

/// What a log with these leaves sends to a witness that knows it at `old` leaves.
fn body(old: u64, leaves: &[Hash]) -> String {
    let note = checkpoint(leaves).sign(&[&log_signer()]).unwrap();
    let proof = TileReader::new(&Shelf::of(leaves), leaves.len() as u64).consistency_proof(old).unwrap();
    request(old, &proof, &note).unwrap()
}

fn decide(body: &str, latest: Option<Head>) -> Outcome {
    let request = match AddCheckpoint::parse(body.as_bytes()) {
        Ok(request) => request,
        Err(refusal) => return Outcome::Refuse(refusal),
    };
    request.decide(Some(&known()), latest.as_ref(), &[&witness_signer()], NOW_S).unwrap()
}

fn cosigned(body: &str, latest: Option<Head>) -> Cosigned {
    match decide(body, latest) {
        Outcome::Cosign(cosigned) => *cosigned,
        Outcome::Refuse(refusal) => panic!("refused: {refusal:?}"),
    }
}

fn refused(body: &str, latest: Option<Head>) -> Refusal {
    match decide(body, latest) {
        Outcome::Refuse(refusal) => refusal,
        Outcome::Cosign(cosigned) => panic!("cosigned: {cosigned:?}"),
    }
}

#[test]
fn a_log_that_grows_is_cosigned_all_the_way() {
    let all = leaves(700);
    let mut latest = None;
    for size in [0, 0, 1, 1, 2, 255, 256, 257, 512, 700, 700] {
        let known = latest.map_or(0, |head: Head| head.size);
        let cosigned = cosigned(&body(known, &all[..size]), latest);
        assert_eq!(cosigned.origin, ORIGIN);
        assert_eq!(cosigned.head, head(&all[..size]));
        let answer =
            read_answer(200, TYPE_TEXT, cosigned.body.as_bytes(), &checkpoint(&all[..size]), &witness_keys());
        let Ok(Answer::Cosigned(signatures)) = answer else { panic!("{answer:?}") };
        assert_eq!(signatures.len(), 1);
        let keys = [log_keys(), witness_keys()].concat();
        let served = Checkpoint::open(cosigned.note.to_string().as_bytes(), ORIGIN, &keys).unwrap();
        assert_eq!(served.note.verify(&keys).unwrap().len(), 2, "the log's signature and ours");
        latest = Some(cosigned.head);
    }
}

#[test]
fn a_fork_is_refused_from_every_side() {
    let all = leaves(20);
    let mut forked = all.clone();
    forked[3] = leaf_hash(b"rewritten");
    let latest = Some(head(&all[..10]));
    assert_eq!(refused(&body(10, &forked), latest).status, 422, "longer, with its own proof");
    assert_eq!(refused(&body(10, &forked[..10]), latest).status, 422, "same size, other root");
    let behind = Refusal { status: 409, content_type: TYPE_SIZE, body: "10\n".to_owned() };
    assert_eq!(refused(&body(0, &forked), latest), behind, "as if never seen");
    assert_eq!(refused(&body(5, &forked[..8]), latest), behind, "shorter");
    // The true proof with the forked root, and the other way round.
    let honest = body(10, &all);
    let (proof, _) = honest.split_once("\n\n").unwrap();
    let dishonest = body(10, &forked);
    let (_, note) = dishonest.split_once("\n\n").unwrap();
    assert_eq!(refused(&format!("{proof}\n\n{note}"), latest).status, 422);
}

#[test]
fn each_refusal_has_its_status() {
    let all = leaves(20);
    let latest = Some(head(&all[..10]));
    let text = |status, why: &str| Refusal { status, content_type: TYPE_TEXT, body: format!("{why}\n") };

    let larger = body(5, &all[..5]).replacen("old 5", "old 6", 1);
    assert_eq!(refused(&larger, latest), text(400, "the old size is larger than the checkpoint's"));
    assert_eq!(refused(&larger, None).status, 400);

    let nobody = AddCheckpoint::parse(body(0, &all).as_bytes()).unwrap();
    assert_eq!(nobody.origin(), ORIGIN);
    let other = KnownLog { origin: "other.example".to_owned(), keys: log_keys() };
    for log in [None, Some(&other)] {
        let outcome = nobody.decide(log, None, &[&witness_signer()], NOW_S).unwrap();
        let unknown = text(404, "this witness does not know the origin of the checkpoint");
        assert_eq!(outcome, Outcome::Refuse(unknown));
    }

    let impostor = Ed25519Signer::from_seed(ORIGIN, Algorithm::Ed25519, &[9; 32]).unwrap();
    let unsigned = request(0, &[], &checkpoint(&all).sign(&[&impostor]).unwrap()).unwrap();
    assert_eq!(refused(&unsigned, None).status, 403, "no signature by a known key");
    let forged = body(0, &all).replacen("\n20\n", "\n19\n", 1);
    assert_eq!(refused(&forged, None).status, 403, "a known key's signature, over another text");

    let needless = body(10, &all).replacen("old 10", "old 0", 1);
    assert_eq!(refused(&needless, None).status, 422, "a proof from nothing");
    let repeated = body(10, &all[..10]).replacen(
        "old 10\n",
        "old 10\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        1,
    );
    assert_eq!(refused(&repeated, latest).status, 422, "a proof between equals");
    let hollow = Checkpoint::new(ORIGIN, 0, leaf_hash(b"")).unwrap().sign(&[&log_signer()]).unwrap();
    assert_eq!(refused(&request(0, &[], &hollow).unwrap(), None).status, 422, "an empty tree with a root");
    let cut = body(10, &all)
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != 1)
        .fold(String::new(), |body, (_, line)| body + line + "\n");
    assert_eq!(refused(&cut, latest).status, 422, "a proof cut short");
    assert_eq!(
        refused(&body(0, &all), latest),
        Refusal { status: 409, content_type: TYPE_SIZE, body: "10\n".to_owned() }
    );
    assert_eq!(
        refused(&body(10, &all), None),
        Refusal { status: 409, content_type: TYPE_SIZE, body: "0\n".to_owned() }
    );
}

#[test]
fn the_standards_order_of_checks_holds() {
    let all = leaves(20);
    let forged_and_larger = body(5, &all[..5]).replacen("old 5", "old 6", 1).replacen("\n5\n", "\n4\n", 1);
    assert_eq!(refused(&forged_and_larger, None).status, 403, "who asks comes before what is asked");
    let stale_and_wrong = body(5, &all).replacen("old 5\n", "old 4\n", 1);
    assert_eq!(
        refused(&stale_and_wrong, Some(head(&all[..10]))).status,
        409,
        "the size comes before the proof"
    );
}

#[test]
fn malformed_requests_are_refused() {
    let good = body(10, &leaves(20));
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let lines = |count: usize| {
        good.replacen("old 10\n", &format!("old 10\n{}", format!("{hash}\n").repeat(count)), 1)
    };
    let proof = TileReader::new(&Shelf::of(&leaves(20)), 20).consistency_proof(10).unwrap().len();
    for wrong in [
        String::new(),
        "old 10".to_owned(),
        good.replacen("old 10", "old", 1),
        good.replacen("old 10", "old  10", 1),
        good.replacen("old 10", "old 010", 1),
        good.replacen("old 10", "old -1", 1),
        good.replacen("old 10", "OLD 10", 1),
        good.replacen("old 10", "old 10 ", 1),
        good.replacen("old 10", "old 9223372036854775808", 1),
        good.replacen("old 10\n", "old 10\n\n", 1),
        good.replacen("old 10\n", "old 10\nAAAA\n", 1),
        good.replacen("old 10\n", "old 10\r\n", 1),
        good.trim_end().to_owned(),
        lines(64 - proof),
        format!("old 10\n\n{}", "x".repeat(300_000)),
    ] {
        let refusal = refused(&wrong, None);
        assert_eq!((refusal.status, refusal.content_type), (400, TYPE_TEXT), "{wrong:.80}");
        assert!(refusal.body.len() < 700 && refusal.body.ends_with('\n'), "{}", refusal.body);
    }
    assert!(AddCheckpoint::parse(lines(63 - proof).as_bytes()).is_ok(), "63 lines are read");
    assert!(AddCheckpoint::parse(b"old 1\n\n\xff").is_err());
}

/// A signer whose device is gone.
struct Unplugged(VerifierKey);

impl NoteSigner for Unplugged {
    fn key(&self) -> &VerifierKey {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Error::Signer { key: self.0.name().to_owned(), why: "no token in the slot".to_owned() })
    }
}

#[test]
fn a_witness_that_cannot_sign_answers_nothing() {
    let all = leaves(3);
    let parsed = AddCheckpoint::parse(body(0, &all).as_bytes()).unwrap();
    let unplugged = Unplugged(witness_signer().key().clone());
    let failed = parsed.decide(Some(&known()), None, &[&witness_signer(), &unplugged], NOW_S);
    assert!(matches!(failed, Err(Error::Signer { .. })));
}

#[test]
fn only_what_verifies_is_taken_from_an_answer() {
    let all = leaves(3);
    let point = checkpoint(&all);
    let good = cosigned(&body(0, &all), None).body;
    let stranger = Ed25519Signer::from_seed("stranger.example", Algorithm::CosignatureV1, &[8; 32]).unwrap();
    let other = trust::tlog::cosign::cosign(&point, &stranger, NOW_S).unwrap().to_string();
    let read = |body: &str| read_answer(200, TYPE_TEXT, body.as_bytes(), &point, &witness_keys());

    let Ok(Answer::Cosigned(taken)) = read(&format!("{other}{good}")) else { panic!("not read") };
    assert_eq!(taken.iter().map(ToString::to_string).collect::<String>(), good, "the stranger's is left out");
    assert_eq!(read(&other), Err(Error::Unsigned { signatures: 1 }));
    let elsewhere = cosigned(&body(0, &all[..2]), None).body;
    assert!(matches!(read(&elsewhere), Err(Error::Signature { .. })), "a cosignature of another checkpoint");
    for wrong in ["", "\n", "OK\n", good.trim_end()] {
        assert!(read(wrong).is_err(), "{wrong:?}");
    }
    assert!(read(&"x".repeat(ANSWER_BYTES_MAX + 1)).is_err());
    // The log's own signature is no cosignature, even where its key is listed as the witness's.
    let own = point.sign(&[&log_signer()]).unwrap().signatures()[0].to_string();
    assert!(read_answer(200, TYPE_TEXT, own.as_bytes(), &point, &log_keys()).is_err());
}

#[test]
fn other_answers_say_what_to_do() {
    let point = checkpoint(&leaves(3));
    let read =
        |status, kind: &str, body: &str| read_answer(status, kind, body.as_bytes(), &point, &witness_keys());
    assert_eq!(read(409, TYPE_SIZE, "2\n"), Ok(Answer::Latest { size: 2 }));
    assert_eq!(read(409, "Text/X.TLog.Size; charset=utf-8", "0\n"), Ok(Answer::Latest { size: 0 }));
    let refused = |status, why: &str| Ok(Answer::Refused { status, why: why.to_owned() });
    assert_eq!(read(409, TYPE_TEXT, "2\n"), refused(409, "2"));
    assert_eq!(read(409, TYPE_SIZE, "02\n"), refused(409, "02"));
    assert_eq!(read(409, TYPE_SIZE, "2"), refused(409, "2"));
    assert_eq!(read(404, TYPE_TEXT, "who?\n"), refused(404, "who?"));
    assert_eq!(read(503, "", "\u{1b}[2J"), refused(503, "\\u{1b}[2J"));
}

#[test]
fn a_request_is_the_standards() {
    let note =
        Note::parse(checkpoint(&leaves(1)).sign(&[&log_signer()]).unwrap().to_string().as_bytes()).unwrap();
    let written = request(0, &[], &note).unwrap();
    assert_eq!(written, format!("old 0\n\n{note}"));
    assert!(request(1, &[[0; 32]; 64], &note).is_err());
    let proved = request(1, &[[0; 32]], &note).unwrap();
    assert_eq!(proved, format!("old 1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n{note}"));
    // SHA-256 of the origin, by coreutils.
    assert_eq!(
        origin_hash("example.com/behind-the-sofa"),
        "5fd2dc0beb4ce54da5050cf6d5c75248b023abad441c3cecde3976fbe9da4fe4"
    );
}

proptest! {
    #[test]
    fn any_request_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Err(refusal) = AddCheckpoint::parse(&bytes) {
            prop_assert_eq!(refusal.status, 400);
        }
    }

    #[test]
    fn no_head_that_did_not_grow_is_ever_cosigned(sizes in (1_usize..40, 1_usize..40), rewritten in 0_usize..40) {
        let (old, new) = sizes;
        let all = leaves(40);
        let mut other = all.clone();
        other[rewritten] = leaf_hash(b"rewritten");
        let submitted = body(old.min(new) as u64, &other[..new]);
        let grew = rewritten >= old && old <= new;
        match decide(&submitted, Some(head(&all[..old]))) {
            Outcome::Cosign(cosigned) => prop_assert!(grew && cosigned.head == head(&other[..new])),
            Outcome::Refuse(refusal) => prop_assert!(!grew, "refused a log that grew: {:?}", refusal),
        }
    }
}
