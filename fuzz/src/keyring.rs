//! Target: the keyring, and the other sealed things that Ward reads back: data keys, values, streams.

use trust::seal::{ChunkOpener, Entropy, KekHint, Keyring, Prologue, Secret32, SecretKek};

/// Must neither panic nor hang on any bytes, and must accept as a keyring only what is written back to the byte.
pub fn run(data: &[u8]) {
    let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap_or_default());
    let Ok(kek) = SecretKek::new(&Secret32::take(&mut { secret }), KekHint::File {}) else { return };
    let stated = Keyring::kek_of(data);
    if let Ok(keyring) = Keyring::open(data, &kek) {
        assert!(stated.is_ok_and(|stated| stated == *keyring.kek()), "its beginning was read as well");
        assert!(keyring.to_bytes().is_ok_and(|text| text == data), "there is one text for a keyring");
    }
    values(data);
    stream(data);
}

fn values(data: &[u8]) {
    let Ok(kek) = SecretKek::new(&Secret32::take(&mut [7; 32]), KekHint::File {}) else { return };
    let Ok(keyring) = Keyring::create(&kek, Entropy::take(&mut [7; 64])) else { return };
    assert!(keyring.masters().open_data_key(data, b"subject").is_err(), "nobody can forge a wrapped key");
    if let Ok((data_key, _)) = keyring.masters().new_data_key(b"subject", Entropy::take(&mut [8; 64])) {
        assert!(data_key.open(data, b"place").is_err(), "nobody can forge a sealed value");
    }
}

fn stream(data: &[u8]) {
    let Ok(Some(prologue)) = Prologue::read(data) else { return };
    assert!(prologue.length_bytes() <= data.len(), "a prologue is within its bytes");
    let rest = data.get(prologue.length_bytes()..).unwrap_or_default();
    let Ok(mut opener) = ChunkOpener::new(&Secret32::take(&mut [0x66; 32]), &prologue) else { return };
    let mut given = 0;
    let taken = opener.push(rest, |bytes| given += bytes.len());
    assert!(given <= rest.len(), "a stream only shrinks");
    let _ = taken.and_then(|()| opener.finish());
}
