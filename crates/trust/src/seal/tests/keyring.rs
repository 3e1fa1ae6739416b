//! The keyring: round trips, rotations, and every way in which it is not the one that Ward wrote.

use super::*;

fn same_keys(one: &Keyring, other: &Keyring) -> bool {
    let keys = |keyring: &Keyring| {
        let fixed =
            [keyring.ledger_seed(), keyring.pseudonym_key(), keyring.backup_key(), keyring.database_key()];
        (fixed.map(|key| *key.expose()), keyring.next_database_key().map(|key| *key.expose()))
    };
    keys(one) == keys(other)
}

#[test]
fn what_was_created_opens_with_its_key_and_with_no_other() {
    let made = Keyring::create(&kek(1), entropy(1)).unwrap();
    let text = made.to_bytes().unwrap();
    let opened = Keyring::open(&text, &kek(1)).unwrap_or_else(|error| panic!("{error}"));
    assert!(same_keys(&made, &opened));
    assert_eq!(opened.to_bytes().unwrap(), text);
    assert_eq!(Keyring::kek_of(&text).unwrap(), *made.kek());

    let (ours, theirs) = (kek(1).id().to_owned(), kek(2).id().to_owned());
    let refused = refusal(Keyring::open(&text, &kek(2)));
    assert_eq!(
        refused.to_string(),
        format!(
            "this is not the keyring's key: it was wrapped by file key {ours}, and the file key given is {theirs}; \
             give the key it was made with; without that key, restore it from where you keep its copy"
        )
    );
}

#[test]
fn no_two_keys_of_a_keyring_are_the_same_and_none_is_in_its_text() {
    let keyring = Keyring::create(&kek(1), entropy(1)).unwrap();
    let keyring = keyring.begin_database_rotation(&kek(1), entropy(2)).unwrap();
    let keys = [
        keyring.database_key(),
        keyring.next_database_key().unwrap(),
        keyring.ledger_seed(),
        keyring.pseudonym_key(),
        keyring.backup_key(),
    ];
    let text = String::from_utf8(keyring.to_bytes().unwrap()).unwrap();
    use base64::Engine as _;
    for (at, key) in keys.iter().enumerate() {
        assert!(keys[..at].iter().all(|other| other.expose() != key.expose()), "key {at} is another's twin");
        // Every alignment that base64 could give the key's middle bytes.
        for skip in 0..3 {
            let code =
                base64::engine::general_purpose::STANDARD_NO_PAD.encode(&key.expose()[skip..skip + 24]);
            assert!(!text.contains(&code), "key {at} stands in clear");
        }
    }
}

#[test]
fn a_keyring_with_any_byte_changed_is_refused() {
    let mut text = include_bytes!("../golden/keyring-1.json").to_vec();
    let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let kek = SecretKek::new(&Secret32::take(&mut { secret }), KekHint::File {}).unwrap();
    assert!(Keyring::open(&text, &kek).is_ok());
    for at in 0..text.len() {
        let was = text[at];
        for change in [1, 0x20, 0x80, was ^ b' ', was ^ b'"'].into_iter().filter(|change| *change != 0) {
            text[at] = was ^ change;
            assert!(Keyring::open(&text, &kek).is_err(), "byte {at} {was:#04x} -> {:#04x}", text[at]);
        }
        text[at] = was;
        assert!(Keyring::open(&text[..at], &kek).is_err(), "cut at {at}");
    }
    for more in [&b" "[..], b"\n", b"{}"] {
        assert!(Keyring::open(&[&text[..], more].concat(), &kek).is_err(), "something appended");
    }
}

#[test]
fn pieces_of_two_keyrings_do_not_make_a_third() {
    let text = |byte| {
        let keyring = Keyring::create(&kek(1), entropy(byte)).unwrap();
        serde_json::from_slice::<serde_json::Value>(&keyring.to_bytes().unwrap()).unwrap()
    };
    let (one, other) = (text(1), text(2));
    for piece in ["database", "ledger", "seal", "pseudonym", "backup", "integrity", "mac"] {
        let mut mixed = one.clone();
        mixed[piece] = other[piece].clone();
        let mut bytes = serde_json::to_vec_pretty(&mixed).unwrap();
        bytes.push(b'\n');
        let refused = refusal(Keyring::open(&bytes, &kek(1)));
        assert!(matches!(refused, SealError::KeyringChanged { .. }), "{piece}: {refused}");
    }
}

#[test]
fn what_is_no_keyring_says_why() {
    let golden = include_str!("../golden/keyring-1.json");
    let cases = [
        (
            String::new(),
            "not a keyring: \"EOF while parsing a value at line 1 column 0\"; put the file back from a copy",
        ),
        ("[1]".to_owned(), "not a keyring: "),
        (
            golden.replace("ward-keyring-1", "ward-keyring-2"),
            "the keyring's format is \"ward-keyring-2\", and this Ward reads ward-keyring-1; use the Ward that wrote it, or a newer one",
        ),
        (
            golden.replace("\"ledger\"", "\"ledgre\""),
            "not a keyring: \"unknown field `ledgre`, expected one of",
        ),
        (
            golden.replace("\"kind\": \"file\"", "\"kind\": \"file\", \"path\": \"x\""),
            "not a keyring: \"unknown field `path`",
        ),
        (golden.replace("\"file\"", "\"clay-tablet\""), "not a keyring: \"unknown variant `clay-tablet`"),
        (
            golden.replace("526cf28859ba7d82", "526CF28859BA7D82"),
            "not a keyring: kek.id is \"526CF28859BA7D82\"",
        ),
        (" ".repeat(KEYRING_BYTES_MAX + 1), "the keyring has 131073 bytes, 131072 are allowed"),
        ("[".repeat(100_000), "not a keyring: "),
        (format!("{{\"{}\u{1b}", "x".repeat(500)), "not a keyring: "),
    ];
    for (text, expected) in cases {
        let said = refusal(Keyring::open(text.as_bytes(), &kek(1))).to_string();
        assert!(said.starts_with(expected), "{said}");
        assert!(said.len() < 400 && !said.contains('\u{1b}'), "{said}");
    }
}

#[test]
fn rotating_the_kek_changes_every_wrap_and_no_key() {
    let made = Keyring::create(&kek(1), entropy(1)).unwrap();
    let made =
        made.rotate_seal(&kek(1), entropy(2)).unwrap().begin_database_rotation(&kek(1), entropy(3)).unwrap();
    let (data_key, wrapped) = made.masters().new_data_key(b"d", entropy(4)).unwrap();
    let sealed = data_key.seal(b"x", b"", [0; 12]).unwrap();

    let text = made.rewrap(&kek(9), entropy(5)).unwrap().to_bytes().unwrap();
    let again = Keyring::open(&text, &kek(9)).unwrap_or_else(|error| panic!("{error}"));
    assert!(same_keys(&made, &again));
    assert_eq!(**again.masters().open_data_key(&wrapped, b"d").unwrap().open(&sealed, b"").unwrap(), *b"x");
    assert!(matches!(refusal(Keyring::open(&text, &kek(1))), SealError::WrongKek { .. }));
    let (before, after) =
        (String::from_utf8(made.to_bytes().unwrap()).unwrap(), String::from_utf8(text).unwrap());
    let wraps = |text: &str| text.split('"').filter(|s| s.len() > 40).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(wraps(&before).len(), 9, "{before}");
    assert!(wraps(&before).iter().all(|wrap| !after.contains(wrap)), "a wrap of the old key stayed");
}

#[test]
fn the_database_key_rotates_in_two_steps_each_of_which_survives() {
    let (first, kek) = (Keyring::create(&kek(1), entropy(1)).unwrap(), kek(1));
    assert_eq!(refusal(first.finish_database_rotation()), SealError::NoRotation);
    assert_eq!(refusal(first.abandon_database_rotation()), SealError::NoRotation);

    let begun = first.begin_database_rotation(&kek, entropy(2)).unwrap();
    let begun = Keyring::open(&begun.to_bytes().unwrap(), &kek).unwrap_or_else(|error| panic!("{error}"));
    let next = *begun.next_database_key().unwrap().expose();
    assert_eq!(begun.database_key().expose(), first.database_key().expose());
    assert_ne!(&next, first.database_key().expose());
    assert_eq!(refusal(begun.begin_database_rotation(&kek, entropy(3))), SealError::RotationUnderWay);

    let done = begun.finish_database_rotation().unwrap();
    let done = Keyring::open(&done.to_bytes().unwrap(), &kek).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((done.database_key().expose(), done.next_database_key().is_none()), (&next, true));
    let left = begun.abandon_database_rotation().unwrap();
    let left = Keyring::open(&left.to_bytes().unwrap(), &kek).unwrap_or_else(|error| panic!("{error}"));
    assert!(same_keys(&left, &first));
}

#[test]
fn a_change_under_another_kek_is_refused() {
    let keyring = Keyring::create(&kek(1), entropy(1)).unwrap();
    assert!(matches!(refusal(keyring.rotate_seal(&kek(2), entropy(2))), SealError::WrongKek { .. }));
    assert!(matches!(
        refusal(keyring.begin_database_rotation(&kek(2), entropy(2))),
        SealError::WrongKek { .. }
    ));
}

#[test]
fn master_keys_are_bounded_and_the_largest_keyring_still_opens() {
    let mut keyring = Keyring::create(&kek(1), entropy(0)).unwrap();
    for version in 2..=MASTER_KEYS_MAX {
        keyring = keyring.rotate_seal(&kek(1), entropy(u8::try_from(version).unwrap())).unwrap();
    }
    assert_eq!(keyring.masters().newest(), 128);
    let text = keyring.to_bytes().unwrap();
    assert!(Keyring::open(&text, &kek(1)).is_ok());
    assert!(text.len() + (MASTER_KEYS_MAX + 7) * (WRAPPED_BYTES_MAX * 4 / 3 + 4 - 80) < KEYRING_BYTES_MAX);
    assert_eq!(refusal(keyring.rotate_seal(&kek(1), entropy(1))), SealError::MasterKeysFull { most: 128 });
    let room = keyring.retire_seal(1).unwrap().rotate_seal(&kek(1), entropy(1)).unwrap();
    assert_eq!((room.masters().versions().next(), room.masters().newest()), (Some(2), 129));
}

/// A token whose decryption is broken.
struct Unsound(SecretKek);

impl KeyEncryptionKey for Unsound {
    fn id(&self) -> &str {
        self.0.id()
    }
    fn hint(&self) -> &KekHint {
        self.0.hint()
    }
    fn wrap(&self, key: &Secret32, context: &[u8], nonce: [u8; 12]) -> Result<Vec<u8>, SealError> {
        self.0.wrap(key, context, nonce)
    }
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Secret32, SealError> {
        self.0.unwrap(wrapped, context)?.derive(b"another")
    }
}

#[test]
fn a_kek_that_does_not_give_back_what_it_took_wraps_nothing() {
    let unsound = || Unsound(kek(3));
    let id = kek(3).id().to_owned();
    assert_eq!(refusal(Keyring::create(&unsound(), entropy(1))), SealError::KekUnsound { id: id.clone() });
    let keyring = Keyring::create(&kek(1), entropy(1)).unwrap();
    assert_eq!(refusal(keyring.rewrap(&unsound(), entropy(2))), SealError::KekUnsound { id });
}
