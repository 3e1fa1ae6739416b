//! Other people's vectors: a production log's proofs beside the code; the larger sets where `$WARD_CORPUS` has `tlog/`.

use super::shelf::{Shelf, hex};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::path::{Path, PathBuf};
use trust::tlog::{
    AddCheckpoint, Audit, Checkpoint, Hash, Note, Signature, TileReader, VerifierKey, leaf_hash,
    verify_consistency, verify_inclusion,
};

/// Files of inclusion and of consistency vectors of transparency-dev/merkle at 417fb0c.
const MERKLE_FILES: [usize; 2] = [98, 98];

fn hash(value: &Value) -> Option<Hash> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

fn hashes(value: &Value) -> Option<Vec<Hash>> {
    value.as_array().map_or(Some(Vec::new()), |all| all.iter().map(hash).collect())
}

/// A log with 961,984,011 leaves that browsers relied on; testdata/tlog/ct-argon2020/README.md has the source.
#[test]
fn a_production_logs_proofs() {
    let file = |name: &str| -> Value {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tlog/ct-argon2020");
        serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
    };
    let head = file("sth.json");
    let (size, root) = (head["tree_size"].as_u64().unwrap(), hash(&head["sha256_root_hash"]).unwrap());
    assert_eq!(size, 961_984_011);

    let inclusion = hashes(&file("inclusion-10000.json")["audit_path"]).unwrap();
    let leaf = hash(&Value::from("nCs3mfIydh9x4CKyQ+u2xtmpxmFggA5MLymHwNQSlLg=")).unwrap();
    assert_eq!(verify_inclusion(&leaf, 10_000, size, &inclusion, &root), Ok(()));
    assert!(verify_inclusion(&leaf, 10_001, size, &inclusion, &root).is_err());

    let consistency = hashes(&file("consistency-3654490.json")["consistency"]).unwrap();
    let old = hash(&Value::from("AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ=")).unwrap();
    assert_eq!(verify_consistency(3_654_490, size, &consistency, &old, &root), Ok(()));
    assert!(verify_consistency(3_654_491, size, &consistency, &old, &root).is_err());
}

/// The folder `tlog/<name>` of the corpus. Without it the test says so and passes, or fails under WARD_TEST_STRICT=1.
fn corpus(test: &str, name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("WARD_CORPUS").map(|root| PathBuf::from(root).join("tlog").join(name));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED {test}: WARD_CORPUS names no folder with tlog/{name} in it");
        assert!(
            std::env::var_os("WARD_TEST_STRICT").is_none_or(|strict| strict != "1"),
            "{test} cannot run here"
        );
    }
    found
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}

/// transparency-dev/merkle `testdata/{inclusion,consistency}` (Apache-2.0): all of them, by their own wantErr.
#[test]
fn merkle_vectors() {
    let Some(folder) = corpus("merkle_vectors", "merkle") else { return };
    let files = ["inclusion", "consistency"].map(|kind| files_under(&folder.join(kind)));
    assert_eq!(files.each_ref().map(Vec::len), MERKLE_FILES, "the whole set, or say why not");
    for path in files.concat() {
        let vector: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let verified = if vector["leafIdx"].is_null() { consistency(&vector) } else { inclusion(&vector) };
        assert_eq!(verified.is_none(), vector["wantErr"].as_bool().unwrap(), "{}", path.display());
    }
}

/// `None` where it does not hold; a hash that is not 32 bytes long cannot even be said.
fn inclusion(vector: &Value) -> Option<()> {
    let (index, size) = (vector["leafIdx"].as_u64().unwrap(), vector["treeSize"].as_u64().unwrap());
    let (leaf, root, proof) = (hash(&vector["leafHash"])?, hash(&vector["root"])?, hashes(&vector["proof"])?);
    verify_inclusion(&leaf, index, size, &proof, &root).ok()
}

/// Some vectors have words for roots, to be compared and nothing else. Ours are 32 bytes by type: the hash of the words stands in.
fn root(value: &Value) -> Hash {
    let words = || STANDARD.decode(value.as_str().unwrap()).unwrap();
    hash(value).unwrap_or_else(|| leaf_hash(&words()))
}

fn consistency(vector: &Value) -> Option<()> {
    let (old, new) = (vector["size1"].as_u64().unwrap(), vector["size2"].as_u64().unwrap());
    let (old_root, new_root, proof) =
        (root(&vector["root1"]), root(&vector["root2"]), hashes(&vector["proof"])?);
    verify_consistency(old, new, &proof, &old_root, &new_root).ok()
}

/// The keys that a witness of sunlight publishes.
fn published_keys(file: &Path) -> Vec<VerifierKey> {
    let about: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let keys = about["verifier_keys"].as_array().unwrap().iter();
    keys.map(|key| VerifierKey::parse(key.as_str().unwrap()).unwrap()).collect()
}

/// FiloSottile/sunlight `cmd/skylight/testdata` (ISC): a tree of 300 leaves as its mirror serves it, cosigned.
#[test]
fn a_tree_of_sunlight() {
    let Some(folder) = corpus("a_tree_of_sunlight", "sunlight/tree") else { return };
    let keys = published_keys(&folder.join("mirror.v0.json"));
    let note = std::fs::read(folder.join("checkpoint")).unwrap();
    let opened = Checkpoint::open(&note, "rome2026h1.example.org", &keys).unwrap();
    assert_eq!(opened.checkpoint.size(), 300);
    let mut shelf = Shelf::default();
    for (place, path) in [((0, 0), "tile/0/000"), ((0, 1), "tile/0/001.p/44"), ((1, 0), "tile/1/000.p/1")] {
        let bytes = std::fs::read(folder.join(path)).unwrap();
        let (hashes, rest) = bytes.as_chunks::<32>();
        assert!(rest.is_empty());
        shelf.0.insert(place, hashes.to_vec());
    }
    assert_eq!(TileReader::new(&shelf, 300).root().as_ref(), Ok(opened.checkpoint.root()));
    let mut audit = Audit::new(&shelf);
    [(0, 0), (0, 1)].iter().flat_map(|place| &shelf.0[place]).for_each(|leaf| audit.push(*leaf).unwrap());
    let audited = audit.finish().unwrap();
    assert_eq!((audited.size, audited.difference), (300, None));
    assert_eq!(hex(&audited.root), hex(opened.checkpoint.root()));
}

#[test]
fn cosignatures_of_sunlight() {
    for (name, origin) in [("witness", "rome2026h1.example.org"), ("witness2", "milan2026h1.example.org")] {
        let Some(folder) = corpus("cosignatures_of_sunlight", &format!("sunlight/{name}")) else { return };
        let keys = published_keys(&folder.join("witness.v0.json"));
        let note = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
        let opened = Checkpoint::open(note.as_bytes(), origin, &keys).unwrap();
        assert_eq!(opened.note.verify(&keys).unwrap()[0].time_s, Some(1_767_139_200), "{name}");
        assert_eq!(opened.note.to_string(), note);
        let changed = note.replacen("\n300\n", "\n301\n", 1);
        assert!(Checkpoint::open(changed.as_bytes(), origin, &keys).is_err());
    }
}

/// The examples in C2SP signed-note, tlog-witness and tlog-cosignature (C2SP/C2SP at 5ba5ee8).
#[test]
fn examples_of_the_standards() {
    let Some(folder) = corpus("examples_of_the_standards", "c2sp") else { return };
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let keys = [VerifierKey::parse(text("vkey.txt").trim_end()).unwrap()];
    assert_eq!(keys[0].to_string(), text("vkey.txt").trim_end());
    let note = Note::parse(text("note.txt").as_bytes()).unwrap();
    assert_eq!((note.text(), note.verify(&keys).unwrap().len()), ("This is an example message.\n", 1));

    let request = AddCheckpoint::parse(text("add-checkpoint.txt").as_bytes()).unwrap();
    assert_eq!(request.origin(), "example.com/behind-the-sofa");
    assert_eq!(Signature::parse_lines(&text("answer.txt")).unwrap().len(), 3);
    let cosigned = Note::parse(text("cosigned.txt").as_bytes()).unwrap();
    assert_eq!(cosigned.to_string(), text("cosigned.txt"));
    assert_eq!(Checkpoint::parse(cosigned.text()).unwrap().size(), 20_852_163);
}
