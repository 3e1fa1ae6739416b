//! Passphrases: the reference's own vector, and the bounds.

use super::*;
use crate::seal::passphrase::argon2id;

/// phc-winner-argon2 (CC0 or Apache-2.0), src/test.c, version 0x13, Argon2id: t=2, m=65536 KiB, p=1, "password", "somesalt".
#[test]
fn argon2id_gives_what_the_reference_gives() {
    let cost = PassphraseCost { memory_kib: 65536, passes: 2, lanes: 1, salt: [0; 16] };
    let mut out = [0; 32];
    argon2id(b"password", b"somesalt", &cost, &mut out).unwrap();
    let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
}

#[test]
fn a_passphrase_opens_with_the_cost_that_the_keyring_notes() {
    let cost = PassphraseCost { memory_kib: 19 * 1024, passes: 1, lanes: 1, salt: [5; 16] };
    let kek = passphrase_kek(b"correct horse battery", &cost).unwrap();
    let text = Keyring::create(&kek, entropy(1)).unwrap().to_bytes().unwrap();
    let KekHint::Passphrase(noted) = Keyring::kek_of(&text).unwrap().source else { panic!("another kind") };
    assert_eq!(noted, cost);
    assert!(Keyring::open(&text, &passphrase_kek(b"correct horse battery", &noted).unwrap()).is_ok());
    let wrong = passphrase_kek(b"correct horse batterz", &noted).unwrap();
    let said = refusal(Keyring::open(&text, &wrong)).to_string();
    assert!(
        said.contains("passphrase key") && said.ends_with("check the passphrase, also the keyboard's layout"),
        "{said}"
    );
}

#[test]
fn a_cost_out_of_bounds_is_not_even_tried() {
    let standard = PassphraseCost::standard([0; 16]);
    assert_eq!((standard.memory_kib, standard.passes, standard.lanes), (65536, 3, 1));
    let cases = [
        (PassphraseCost { memory_kib: u32::MAX, ..standard.clone() }, "memory in KiB"),
        (PassphraseCost { memory_kib: 8, ..standard.clone() }, "memory in KiB"),
        (PassphraseCost { passes: 17, ..standard.clone() }, "passes"),
        (PassphraseCost { passes: 0, ..standard.clone() }, "passes"),
        (PassphraseCost { lanes: 5, ..standard.clone() }, "lanes"),
    ];
    for (cost, which) in cases {
        let refused = refusal(passphrase_kek(b"x", &cost));
        assert!(matches!(refused, SealError::PassphraseCost { what, .. } if what == which), "{refused}");
        // The same in a keyring: refused while reading, before anything is derived.
        let golden = include_str!("../golden/keyring-1.json");
        let source = serde_json::to_string(&KekHint::Passphrase(cost)).unwrap();
        let text = golden.replace("{\n      \"kind\": \"file\"\n    }", &source);
        assert_eq!(refusal(Keyring::kek_of(text.as_bytes())), refused);
    }
    assert!(matches!(refusal(passphrase_kek(b"", &standard)), SealError::PassphraseLength { .. }));
    let long = [b'x'; PASSPHRASE_BYTES_MAX + 1];
    assert!(matches!(refusal(passphrase_kek(&long, &standard)), SealError::PassphraseLength { .. }));
}
