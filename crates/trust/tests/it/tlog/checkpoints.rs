//! Checkpoints: one text for each head, signed by the log that it names.

use super::shelf::{ORIGIN, log_keys, log_signer, witness_keys};
use proptest::prelude::*;
use trust::tlog::checkpoint::{EXTENSIONS_MAX, ORIGIN_BYTES_MAX};
use trust::tlog::{Checkpoint, Error, LEAVES_MAX, leaf_hash};

const ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

#[test]
fn a_checkpoint_is_three_lines() {
    let root = leaf_hash(b"");
    let checkpoint = Checkpoint::new(ORIGIN, 1, root).unwrap();
    let text = "ledger.example/mercy-general\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n";
    assert_eq!(checkpoint.to_string(), text);
    assert_eq!(Checkpoint::parse(text), Ok(checkpoint));
}

#[test]
fn extensions_are_kept() {
    let text = format!("a log with spaces\n0\n{ROOT}\nfirst\n second\n");
    let checkpoint = Checkpoint::parse(&text).unwrap();
    assert_eq!(checkpoint.extensions(), ["first", " second"]);
    assert_eq!(checkpoint.to_string(), text);
}

#[test]
fn malformed_checkpoints_are_refused() {
    let extensions = "x\n".repeat(EXTENSIONS_MAX + 1);
    for text in [
        String::new(),
        "\n".to_owned(),
        format!("\n1\n{ROOT}\n"),
        format!("o\n\n{ROOT}\n"),
        format!("o\n01\n{ROOT}\n"),
        format!("o\n00\n{ROOT}\n"),
        format!("o\n+1\n{ROOT}\n"),
        format!("o\n-1\n{ROOT}\n"),
        format!("o\n1 \n{ROOT}\n"),
        format!("o\n0x1\n{ROOT}\n"),
        format!("o\n9223372036854775808\n{ROOT}\n"),
        format!("o\n18446744073709551616\n{ROOT}\n"),
        format!("o\n1\n{ROOT}"),
        format!("o\n1\n{}\n", &ROOT[..43]),
        format!("o\n1\n{}\n", ROOT.replace('+', "-").replace('/', "_")),
        format!("o\n1\n{}V=\n", &ROOT[..42]),
        "o\n1\nAAAA\n".to_owned(),
        format!("o\n1\n{ROOT}\n\n"),
        format!("o\n1\n{ROOT}\n\nx\n"),
        format!("o\r\n1\n{ROOT}\n"),
        format!("o\n1\n{ROOT}\nx\ty\n"),
        "o\n1\n".to_owned(),
        format!("{}\n1\n{ROOT}\n", "o".repeat(ORIGIN_BYTES_MAX + 1)),
        format!("o\n1\n{ROOT}\n{extensions}"),
    ] {
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
    let largest = Checkpoint::parse(&format!("o\n{LEAVES_MAX}\n{ROOT}\n")).unwrap();
    assert_eq!(largest.size(), LEAVES_MAX);
}

#[test]
fn nothing_is_made_that_would_not_be_read() {
    let root = leaf_hash(b"");
    for origin in ["", "two\nlines", "tab\there", &"o".repeat(ORIGIN_BYTES_MAX + 1)] {
        assert!(Checkpoint::new(origin, 1, root).is_err(), "{origin:?}");
    }
    assert!(Checkpoint::new("o", LEAVES_MAX + 1, root).is_err());
    for extension in ["", "two\nlines"] {
        assert!(
            Checkpoint::with_extensions("o", 1, root, vec![extension.to_owned()]).is_err(),
            "{extension:?}"
        );
    }
    // An origin that smuggles a whole other checkpoint in front.
    assert!(Checkpoint::new(&format!("o\n5\n{ROOT}"), 1, root).is_err());
}

#[test]
fn a_signed_checkpoint_opens_with_the_logs_key_only() {
    let checkpoint = Checkpoint::new(ORIGIN, 7, leaf_hash(b"x")).unwrap();
    let note = checkpoint.sign(&[&log_signer()]).unwrap();
    let bytes = note.to_string().into_bytes();
    let opened = Checkpoint::open(&bytes, ORIGIN, &log_keys()).unwrap();
    assert_eq!((&opened.checkpoint, &opened.note), (&checkpoint, &note));
    assert_eq!(
        Checkpoint::open(&bytes, "another.example", &log_keys()),
        Err(Error::Origin { found: ORIGIN.to_owned(), expected: "another.example".to_owned() })
    );
    assert_eq!(Checkpoint::open(&bytes, ORIGIN, &witness_keys()), Err(Error::Unsigned { signatures: 1 }));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Checkpoint::open(&changed, ORIGIN, &log_keys()).is_err(), "byte {at}");
        assert!(Checkpoint::open(&bytes[..at], ORIGIN, &log_keys()).is_err(), "cut to {at}");
    }
}

proptest! {
    #[test]
    fn checkpoints_round_trip(
        origin in "[a-zA-Z0-9./ é-]{1,60}",
        size in 0..=LEAVES_MAX,
        root in any::<[u8; 32]>(),
        extensions in prop::collection::vec("[ -~]{1,40}", 0..4),
    ) {
        let checkpoint = Checkpoint::with_extensions(&origin, size, root, extensions).unwrap();
        prop_assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9=\\n]{0,80}") {
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
    }
}
