//! What another implementation of the same standards made (golden/make.py), and Wycheproof's vectors.

use super::*;
use crate::seal::aead;
use serde_json::Value;

const WRAPPED: &str = "0100000003a0a0a0a0a0a0a0a0a0a0a0a0794a748c892e12123eee23d176c9fd691a2f5c0a4c1999a8907051b6e1e1c4c190f896f6590277d83f9cc0a85ca69912";
const SEALED: &str =
    "01b0b0b0b0b0b0b0b0b0b0b0b037832fe3680ce45299d5f6602c698e09c83bab54caf9644b2cf16ca68b096a02";
const PROLOGUE: &str = "5741524453545231c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c000000006686561646572262e0666004528e98c26cf7502629d775b2799205421903f3271571b35d82516";
const STREAM_SHA256: &str = "649603e7637206eea232318b020aec32d92b0af1cad69ffd58a8b2173bc53eb1";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn golden() -> Keyring {
    let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let kek = SecretKek::new(&Secret32::take(&mut { secret }), KekHint::File {}).unwrap();
    Keyring::open(include_bytes!("../golden/keyring-1.json"), &kek).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_keyring_of_format_1_opens_to_these_keys() {
    let keyring = golden();
    assert_eq!(keyring.database_key().expose(), &[0x11; 32]);
    assert_eq!(keyring.next_database_key().unwrap().expose(), &[0x22; 32]);
    assert_eq!(keyring.ledger_seed().expose(), &[0x33; 32]);
    assert_eq!(keyring.masters().versions().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(keyring.pseudonym_key().expose(), &[0x55; 32]);
    assert_eq!(keyring.backup_key().expose(), &[0x66; 32]);
    assert_eq!(keyring.to_bytes().unwrap(), include_bytes!("../golden/keyring-1.json"));
}

#[test]
fn a_data_key_and_its_value_of_format_1_open() {
    let keyring = golden();
    let data_key = keyring.masters().open_data_key(&bytes(WRAPPED), b"device 7").unwrap();
    assert_eq!(&**data_key.open(&bytes(SEALED), b"claims.value/7").unwrap(), b"icu-pump-07");
    assert_eq!(data_key.seal(b"icu-pump-07", b"claims.value/7", [0xB0; 12]).unwrap(), bytes(SEALED));
}

#[test]
fn a_stream_of_format_1_is_written_to_the_byte() {
    let mut sealer = ChunkSealer::new(golden().backup_key(), [0xC0; 32], b"header").unwrap();
    assert_eq!(sealer.prologue(), bytes(PROLOGUE));
    let mut stream = sealer.prologue().to_vec();
    stream.extend(sealer.chunk(&[0; CHUNK_BYTES], false).unwrap());
    stream.extend(sealer.chunk(b"end", true).unwrap());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &stream);
    assert_eq!(digest.as_ref(), bytes(STREAM_SHA256));
}

/// Wycheproof: third_party/wycheproof/README.md.
#[test]
fn every_wycheproof_vector_of_aes_256_gcm_is_judged_right() {
    let text = include_str!("../../../../../third_party/wycheproof/aes_gcm_256_96_test.json");
    let vectors: Value = serde_json::from_str(text).unwrap();
    let tests = vectors["testGroups"].as_array().unwrap().iter().flat_map(|g| g["tests"].as_array().unwrap());
    let mut judged = (0, 0);
    for test in tests {
        let field = |name: &str| bytes(test[name].as_str().unwrap());
        let key = Secret32::from_slice(&field("key")).unwrap();
        let nonce: [u8; 12] = field("iv").try_into().unwrap();
        let sealed = [field("ct"), field("tag")].concat();
        let opened = aead::open(&key, nonce, &field("aad"), &sealed).ok();
        match test["result"].as_str().unwrap() {
            "valid" => {
                assert_eq!(**opened.unwrap_or_else(|| panic!("{test}")), field("msg"), "{test}");
                assert_eq!(aead::seal(&key, nonce, &field("aad"), &field("msg")).unwrap(), sealed, "{test}");
                judged.0 += 1;
            }
            "invalid" => {
                assert!(opened.is_none(), "{test}");
                judged.1 += 1;
            }
            other => panic!("{other} is not a verdict"),
        }
    }
    assert_eq!(judged, (39, 27));
}
