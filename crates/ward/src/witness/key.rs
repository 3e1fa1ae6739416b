//! A witness's private key in a file: one line as others' tools write it, `PRIVATE+KEY+name+id+base64(type, seed)`.
//!
//! It must not be readable by others, not even once. golang.org/x/mod/sumdb/note (the form); C2SP tlog-cosignature (type 04).

use super::error::WitnessError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use trust::tlog::key::KEY_BYTES;
use trust::tlog::{Algorithm, Ed25519Signer, NoteSigner as _, VerifierKey};
use zeroize::Zeroizing;

const PREFIX: &str = "PRIVATE+KEY+";
/// Bytes of the largest key file that is read.
const FILE_BYTES_MAX: u64 = 4096;
/// Mode of a key's file.
const MODE: u32 = 0o600;

/// Writes a new key with this seed to a file that must not exist yet, and returns what verifies it. Durable when it returns.
///
/// # Errors
/// [`WitnessError::File`], and [`WitnessError::Signing`] for a name that is no key name.
pub fn create(
    path: &Path,
    name: &str,
    seed: &Zeroizing<[u8; KEY_BYTES]>,
) -> Result<VerifierKey, WitnessError> {
    let signer = Ed25519Signer::from_seed(name, Algorithm::CosignatureV1, seed)?;
    let key = signer.key();
    let mut material = Zeroizing::new(vec![key.algorithm().type_byte()]);
    material.extend_from_slice(seed.as_slice());
    let encoded = Zeroizing::new(STANDARD.encode(material.as_slice()));
    let line = Zeroizing::new(format!("{PREFIX}{}+{:08x}+{}\n", key.name(), key.id(), encoded.as_str()));
    let failed = |error| WitnessError::file(path, error);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path).map_err(failed)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    super::state::sync_folder(path).map_err(failed)?;
    Ok(key.clone())
}

/// Reads a key.
///
/// # Errors
/// [`WitnessError::Open`] where others may read it, [`WitnessError::Key`] where it is none.
pub fn load(path: &Path) -> Result<Ed25519Signer, WitnessError> {
    let failed = |error| WitnessError::file(path, error);
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(WitnessError::Open { path: path.display().to_string(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    parse(text.trim_end()).map_err(|why| WitnessError::Key { path: path.display().to_string(), why })
}

fn parse(line: &str) -> Result<Ed25519Signer, String> {
    let rest = line.strip_prefix(PREFIX).ok_or("it does not begin with PRIVATE+KEY+")?;
    let (name, rest) = rest.split_once('+').ok_or("it has no name")?;
    let (id, material) = rest.split_once('+').ok_or("it has no id")?;
    let material =
        STANDARD.decode(material).map(Zeroizing::new).map_err(|_| "its last part is not base64")?;
    let (type_byte, seed) = material.split_first().ok_or("it is empty")?;
    if *type_byte != Algorithm::CosignatureV1.type_byte() {
        return Err(format!("its type is {type_byte:02x}, a cosigner's is 04; a log's key must not cosign"));
    }
    let seed: &[u8; KEY_BYTES] = seed.try_into().map_err(|_| "its seed has not 32 bytes")?;
    let signer = Ed25519Signer::from_seed(name, Algorithm::CosignatureV1, seed).map_err(|e| e.to_string())?;
    if format!("{:08x}", signer.key().id()) != id {
        return Err("its id is not that of its name and key: one of them was changed".to_owned());
    }
    Ok(signer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("witness.key");
        let made = create(&path, "witness.example/w1", &Zeroizing::new([9; 32])).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*load(&path).unwrap().key(), made);
        assert!(create(&path, "witness.example/w1", &Zeroizing::new([8; 32])).is_err(), "never overwritten");
        for mode in [0o640, 0o604, 0o610, 0o644] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let said = load(&path).unwrap_err().to_string();
            assert!(said.contains(&format!("mode {mode:03o}")) && said.contains("chmod 600"), "{said}");
        }
    }

    #[test]
    fn what_is_no_cosigners_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("witness.key");
        create(&path, "w", &Zeroizing::new([9; 32])).unwrap();
        let line = std::fs::read_to_string(&path).unwrap();
        let secret = line.trim_end().rsplit_once('+').unwrap().1;
        for (wrong, why) in [
            (String::new(), "begin with"),
            (line.replacen("KEY+w+", "KEY+x+", 1), "one of them was changed"),
            (line.replacen(secret, "BA==", 1), "has not 32 bytes"),
            (line.replacen(secret, "%", 1), "not base64"),
            (line.replacen(secret, &STANDARD.encode([&[1][..], &[9; 32]].concat()), 1), "must not cosign"),
        ] {
            std::fs::write(&path, wrong).unwrap();
            let said = load(&path).unwrap_err().to_string();
            assert!(said.contains(why) && !said.contains(secret), "{said}");
        }
    }
}
