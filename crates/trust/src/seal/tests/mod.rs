//! What must open, what must not, and what each refusal says.

mod data_key;
mod golden;
mod keyring;
mod passphrase;
mod stream;

use super::*;

/// A key of one repeated byte.
pub(super) fn key(byte: u8) -> Secret32 {
    Secret32::take(&mut [byte; 32])
}

/// Entropy that follows from one byte.
pub(super) fn entropy(byte: u8) -> Entropy {
    Entropy::take(&mut [byte; 64])
}

/// A key-encryption key of one repeated byte.
pub(super) fn kek(byte: u8) -> SecretKek {
    SecretKek::new(&key(byte), KekHint::File {}).unwrap()
}

/// The message of a refusal; what came instead cannot be printed.
pub(super) fn refusal<T>(result: Result<T, SealError>) -> SealError {
    result.err().expect("this must be refused")
}

/// Whether a type has Debug or Display: an inherent constant, where it applies, wins over the trait's.
macro_rules! prints {
    ($type:ty, $trait:path) => {{
        #[allow(dead_code, reason = "one of the two is always shadowed")]
        trait Fallback {
            const PRINTS: bool = false;
        }
        struct Probe<T>(std::marker::PhantomData<T>);
        impl<T> Fallback for Probe<T> {}
        #[allow(dead_code, reason = "one of the two is always shadowed")]
        impl<T: $trait> Probe<T> {
            const PRINTS: bool = true;
        }
        Probe::<$type>::PRINTS
    }};
}

#[test]
fn nothing_secret_can_be_printed() {
    assert!(prints!(KekStated, std::fmt::Debug), "the probe sees Debug where it is");
    assert!(prints!(SealError, std::fmt::Display), "the probe sees Display where it is");
    assert!(!prints!(Secret32, std::fmt::Debug) && !prints!(Secret32, std::fmt::Display));
    assert!(!prints!(Entropy, std::fmt::Debug) && !prints!(SecretKek, std::fmt::Debug));
    assert!(!prints!(Keyring, std::fmt::Debug) && !prints!(MasterKeys, std::fmt::Debug));
    assert!(!prints!(DataKey, std::fmt::Debug) && !prints!(ChunkSealer, std::fmt::Debug));
    assert!(!prints!(ChunkOpener, std::fmt::Debug));
}

#[test]
fn taking_a_key_wipes_where_it_was() {
    let (mut short, mut long) = ([7; 32], [7; 64]);
    let _ = (Secret32::take(&mut short), Entropy::take(&mut long));
    assert_eq!((short, long), ([0; 32], [0; 64]));
}

#[test]
fn entropy_never_gives_the_same_twice() {
    let mut entropy = entropy(1);
    let drawn: std::collections::BTreeSet<[u8; 32]> =
        (0..100).map(|_| *entropy.key().unwrap().expose()).collect();
    assert_eq!(drawn.len(), 100);
}
