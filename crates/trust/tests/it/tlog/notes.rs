//! Signed notes and verifier keys: what is read, what is refused, whose signature counts.

use super::shelf::{log_signer, witness_signer};
use proptest::prelude::*;
use trust::tlog::note::{NOTE_BYTES_MAX, SIGNATURES_MAX};
use trust::tlog::{Algorithm, Ed25519Signer, Error, Note, NoteSigner as _, Signature, VerifierKey};

const TEXT: &str = "a text\n\nwith a blank line\n";

fn signer(name: &str, seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(name, Algorithm::Ed25519, &[seed; 32]).unwrap()
}

fn signed_by(signers: &[&Ed25519Signer]) -> Note {
    let mut note = Note::new(TEXT.to_owned()).unwrap();
    signers.iter().for_each(|signer| note.sign(*signer).unwrap());
    note
}

#[test]
fn notes_survive_their_bytes() {
    let (one, two) = (signer("one.example", 1), signer("two.example/ä", 2));
    let note = signed_by(&[&one, &two]);
    let text = note.to_string();
    assert!(text.starts_with("a text\n\nwith a blank line\n\n\u{2014} one.example "), "{text}");
    assert_eq!(Note::parse(text.as_bytes()).as_ref(), Ok(&note));
    assert_eq!(note.text(), TEXT);
    let keys = [two.key().clone(), one.key().clone()];
    let verified = note.verify(&keys).unwrap();
    assert_eq!(verified.iter().map(|by| by.key.name()).collect::<Vec<_>>(), ["one.example", "two.example/ä"]);
}

#[test]
fn unknown_signatures_are_ignored_and_false_ones_are_not() {
    let (known, unknown) = (signer("log.example", 1), signer("other.example", 2));
    let keys = [known.key().clone()];
    assert_eq!(signed_by(&[&unknown, &known]).verify(&keys).unwrap().len(), 1);
    assert_eq!(signed_by(&[&unknown]).verify(&keys), Err(Error::Unsigned { signatures: 1 }));
    assert_eq!(signed_by(&[&known]).verify(&[]), Err(Error::Unsigned { signatures: 1 }));

    // The same name with another key is another key.
    let namesake = signer("log.example", 3);
    assert_eq!(signed_by(&[&namesake, &known]).verify(&keys).unwrap().len(), 1);
    assert!(signed_by(&[&namesake]).verify(&keys).is_err());

    // The known key's name and id over another text: a forgery, whatever else verifies.
    let elsewhere = Note::new("another text\n".to_owned()).map(|mut note| {
        note.sign(&known).unwrap();
        note.signatures()[0].clone()
    });
    let mut forged = signed_by(&[&known]);
    forged.push(elsewhere.unwrap()).unwrap();
    assert_eq!(forged.verify(&keys), Err(Error::Signature { key: "log.example".to_owned() }));

    let changed = signed_by(&[&known]).to_string().replacen("a text", "A text", 1);
    assert!(matches!(Note::parse(changed.as_bytes()).unwrap().verify(&keys), Err(Error::Signature { .. })));
}

#[test]
fn a_signature_counts_once() {
    let known = signer("log.example", 1);
    let mut note = signed_by(&[&known]);
    note.sign(&known).unwrap();
    assert_eq!(note.signatures().len(), 1, "the same signature is not added twice");
    let line = note.signatures()[0].to_string();
    let doubled = Note::parse(format!("{note}{line}").as_bytes()).unwrap();
    assert_eq!(doubled.signatures().len(), 2);
    assert_eq!(doubled.verify(&[known.key().clone()]).unwrap().len(), 1);
}

#[test]
fn malformed_notes_are_refused() {
    let line = signed_by(&[&signer("log.example", 1)]).signatures()[0].to_string();
    let base64 = line.trim_end().rsplit(' ').next().unwrap().to_owned();
    for bytes in [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        format!("text\n{line}"),
        format!("text\n\n{}", line.trim_end()),
        format!("text\n\n{line}\n"),
        format!("text\n\n {line}"),
        format!("text\r\n\n{line}"),
        format!("te\0xt\n\n{line}"),
        format!("te\txt\n\n{line}"),
        format!("text\n\n- log.example {base64}\n"),
        format!("text\n\n\u{2014}  {base64}\n"),
        format!("text\n\n\u{2014} log+example {base64}\n"),
        format!("text\n\n\u{2014} log\u{a0}example {base64}\n"),
        format!("text\n\n\u{2014} log.example  {base64}\n"),
        format!("text\n\n\u{2014} log.example {base64} \n"),
        format!("text\n\n\u{2014} log.example {}\n", base64.trim_end_matches('=')),
        "text\n\n\u{2014} log.example AAAAAA==\n".to_owned(),
        "text\n\n\u{2014} log.example\n".to_owned(),
    ] {
        assert!(matches!(Note::parse(bytes.as_bytes()), Err(Error::Malformed { .. })), "{bytes:?}");
    }
    assert!(matches!(Note::parse(b"te\xffxt\n\n"), Err(Error::Malformed { .. })));
    assert!(Note::new("no newline".to_owned()).is_err());
    assert!(Note::parse(&vec![b'\n'; NOTE_BYTES_MAX + 1]).is_err());
    let many = |count: usize| format!("text\n\n{}", "\u{2014} a AAAAAAA=\n".repeat(count));
    assert_eq!(Note::parse(many(SIGNATURES_MAX).as_bytes()).unwrap().signatures().len(), SIGNATURES_MAX);
    assert!(matches!(Note::parse(many(SIGNATURES_MAX + 1).as_bytes()), Err(Error::TooLarge { .. })));
}

#[test]
fn messages_quote_a_bounded_printable_part() {
    let error = Note::parse("é\u{1b}[31m".repeat(10_000).as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 600 && !error.contains('\u{1b}'), "{error}");
    assert!(
        error.starts_with("note is malformed: no blank line before signatures: \"é\\u{1b}[31m"),
        "{error}"
    );
    assert!(error.ends_with("…\""), "{error}");
}

#[test]
fn verifier_keys_survive_their_text() {
    for signer in [log_signer(), witness_signer()] {
        let text = signer.key().to_string();
        assert_eq!(VerifierKey::parse(&text).as_ref(), Ok(signer.key()));
    }
    assert_eq!(witness_signer().key().algorithm(), Algorithm::CosignatureV1);
    assert_ne!(
        Ed25519Signer::from_seed("a", Algorithm::Ed25519, &[1; 32]).unwrap().key().id(),
        Ed25519Signer::from_seed("a", Algorithm::CosignatureV1, &[1; 32]).unwrap().key().id(),
        "one key, two purposes, two ids"
    );
}

#[test]
fn malformed_verifier_keys_are_refused() {
    let text = log_signer().key().to_string();
    let (name, rest) = text.split_once('+').unwrap();
    let (id, material) = rest.split_once('+').unwrap();
    for wrong in [
        String::new(),
        name.to_owned(),
        format!("{name}+{id}"),
        format!("+{id}+{material}"),
        format!("x{name}+{id}+{material}"),
        format!("{name}+{}+{material}", id.to_uppercase().replace(|digit: char| digit.is_ascii_digit(), "A")),
        format!("{name}+0{id}+{material}"),
        format!("{name}+{id}+{material}="),
        format!("{name}+{id}+"),
        format!("{name}+{id}+AQ=="),
        format!("{name}+{id}+Ag{}", &material[2..]),
        format!("{text}\n"),
    ] {
        assert!(matches!(VerifierKey::parse(&wrong), Err(Error::Malformed { .. })), "{wrong:?}");
    }
    assert!(matches!(VerifierKey::parse(&"a".repeat(10_000)), Err(Error::TooLarge { .. })));
    for name in ["", "a b", "a+b", "a\nb", "a\u{2028}b", "a\0b", &"a".repeat(256)] {
        assert!(VerifierKey::new(name, Algorithm::Ed25519, [1; 32]).is_err(), "{name:?}");
    }
}

#[test]
fn private_keys_are_not_printed() {
    let printed = format!("{:?}", log_signer());
    assert_eq!(printed, format!("Ed25519Signer({})", log_signer().key()));
}

#[test]
fn a_cosigner_does_not_sign_notes() {
    let mut note = Note::new(TEXT.to_owned()).unwrap();
    assert!(matches!(note.sign(&witness_signer()), Err(Error::Signer { .. })));
    assert!(note.signatures().is_empty());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Note::parse(&bytes);
        let _ = Signature::parse_lines(&String::from_utf8_lossy(&bytes));
        let _ = VerifierKey::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn what_parses_is_written_the_same(text in "[a-z\\n ]{0,30}", name in "[a-z+ ]{1,5}", tail in "[A-Za-z0-9+/=]{8,16}") {
        let bytes = format!("{text}\n\n\u{2014} {name} {tail}\n");
        if let Ok(note) = Note::parse(bytes.as_bytes()) {
            prop_assert_eq!(note.to_string(), bytes);
        }
    }
}
