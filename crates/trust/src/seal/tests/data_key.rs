//! Data keys: per subject, per place, gone when their wrapped form is gone.

use super::*;
use proptest::prelude::*;

fn keyring() -> Keyring {
    Keyring::create(&kek(1), entropy(1)).unwrap()
}

#[test]
fn a_wrapped_data_key_opens_for_its_subject_only() {
    let keyring = keyring();
    let (data_key, wrapped) = keyring.masters().new_data_key(b"device 1", entropy(2)).unwrap();
    assert_eq!(wrapped.len(), 65);
    let sealed = data_key.seal(b"icu-pump-07", b"claims/1", [3; 12]).unwrap();
    let again = keyring.masters().open_data_key(&wrapped, b"device 1").unwrap();
    assert_eq!(&**again.open(&sealed, b"claims/1").unwrap(), b"icu-pump-07");
    assert_eq!(refusal(again.open(&sealed, b"claims/2")), SealError::SealedValue);

    let subject = SealError::WrappedKey { belongs: "subject" };
    assert_eq!(refusal(keyring.masters().open_data_key(&wrapped, b"device 2")), subject);
    for at in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[at] ^= 1;
        assert!(keyring.masters().open_data_key(&changed, b"device 1").is_err(), "byte {at}");
        assert!(keyring.masters().open_data_key(&wrapped[..at], b"device 1").is_err(), "cut at {at}");
    }
}

/// The store keeps everything but one wrapped key, forgets nothing else, and every key of the installation is at hand.
#[test]
fn without_its_wrapped_key_a_value_stays_shut() {
    let keyring = keyring();
    let (data_key, wrapped) = keyring.masters().new_data_key(b"device 1", entropy(2)).unwrap();
    let (_, neighbour) = keyring.masters().new_data_key(b"device 2", entropy(3)).unwrap();
    let sealed = data_key.seal(b"icu-pump-07", b"claims/1", [3; 12]).unwrap();
    drop((data_key, wrapped));

    let neighbour_key = keyring.masters().open_data_key(&neighbour, b"device 2").unwrap();
    assert_eq!(refusal(neighbour_key.open(&sealed, b"claims/1")), SealError::SealedValue);
    assert!(keyring.masters().open_data_key(&neighbour, b"device 1").is_err());
    let (renewed, _) = keyring.masters().new_data_key(b"device 1", entropy(4)).unwrap();
    assert_eq!(refusal(renewed.open(&sealed, b"claims/1")), SealError::SealedValue);
    let held = [keyring.database_key(), keyring.ledger_seed(), keyring.pseudonym_key(), keyring.backup_key()];
    let aad = b"ward sealed value 1claims/1";
    for key in held {
        assert!(crate::seal::aead::open(key, [3; 12], aad, &sealed[13..]).is_err());
    }
    assert!(!sealed.windows(4).any(|four| four == b"pump"));
}

#[test]
fn old_master_keys_unwrap_until_they_are_retired() {
    let old = keyring();
    let (data_key, wrapped) = old.masters().new_data_key(b"d", entropy(2)).unwrap();
    let sealed = data_key.seal(b"x", b"", [0; 12]).unwrap();
    let new = old.rotate_seal(&kek(1), entropy(3)).unwrap();
    let new = Keyring::open(&new.to_bytes().unwrap(), &kek(1)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((old.masters().newest(), new.masters().newest()), (1, 2));
    assert_eq!(MasterKeys::version_of(&wrapped), Ok(1));
    assert!(new.masters().open_data_key(&wrapped, b"d").is_ok());

    let rewrapped = new.masters().rewrap_data_key(&wrapped, b"d", [9; 12]).unwrap().unwrap();
    assert_eq!(MasterKeys::version_of(&rewrapped), Ok(2));
    assert_eq!(new.masters().rewrap_data_key(&rewrapped, b"d", [8; 12]).unwrap(), None);
    assert_eq!(refusal(old.masters().open_data_key(&rewrapped, b"d")), SealError::NoMasterKey { version: 2 });

    assert!(matches!(refusal(new.retire_seal(2)), SealError::NotRetirable { version: 2, .. }));
    assert_eq!(refusal(new.retire_seal(7)), SealError::NoMasterKey { version: 7 });
    let retired = new.retire_seal(1).unwrap();
    let retired =
        Keyring::open(&retired.to_bytes().unwrap(), &kek(1)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        refusal(retired.masters().open_data_key(&wrapped, b"d")),
        SealError::NoMasterKey { version: 1 }
    );
    let key = retired.masters().open_data_key(&rewrapped, b"d").unwrap();
    assert_eq!(&**key.open(&sealed, b"").unwrap(), b"x");
}

#[test]
fn lengths_tell_only_their_sixteens() {
    let (data_key, _) = keyring().masters().new_data_key(b"d", entropy(2)).unwrap();
    let length = |bytes: usize| data_key.seal(&vec![0x80; bytes], b"", [0; 12]).unwrap().len();
    assert_eq!([0, 1, 15, 16, 31, 32].map(length), [45, 45, 45, 61, 61, 77]);
    let much = vec![0; PLAINTEXT_BYTES_MAX + 1];
    assert!(matches!(refusal(data_key.seal(&much, b"", [0; 12])), SealError::TooLong { .. }));
}

#[test]
fn what_was_never_sealed_says_so() {
    let (data_key, _) = keyring().masters().new_data_key(b"d", entropy(2)).unwrap();
    let said = |bytes: &[u8]| refusal(data_key.open(bytes, b"")).to_string();
    assert_eq!(said(b""), "not a sealed value: empty");
    assert_eq!(
        said(b"\x02"),
        "not a sealed value: its first byte names a format that this Ward does not read"
    );
    assert_eq!(said(&[1; 44]), "not a sealed value: cut short");
    assert!(said(&[1; 45]).starts_with("a sealed value does not open"));
}

proptest! {
    #[test]
    fn any_value_comes_back_and_no_changed_one_does(
        plaintext in proptest::collection::vec(any::<u8>(), 0..200),
        aad in proptest::collection::vec(any::<u8>(), 0..40),
        nonce: [u8; 12], at: proptest::sample::Index, bit in 0..8u8,
    ) {
        let (data_key, _) = keyring().masters().new_data_key(b"d", entropy(2)).unwrap();
        let mut sealed = data_key.seal(&plaintext, &aad, nonce).unwrap();
        prop_assert_eq!(&**data_key.open(&sealed, &aad).unwrap(), &plaintext[..]);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(data_key.open(&sealed, &aad).is_err());
    }
}
