//! The ledger of a running Ward before others' eyes: a client that shares no code with ours (crates tlog_tiles and signed_note,
//! BSD-3-Clause, Cloudflare), and a real witness, which tells one history from two.

use super::{Files, Installation, Running, wait_until};
use signed_note::{Note, StandardVerifier, VerifierList};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tlog_tiles::tile::{Tile, TileHashReader, TileReader};
use tlog_tiles::tlog;
use trust::tlog::NoteSigner as _;
use ward::up::Ground;

const ORIGIN: &str = "ward.example.org/site-1";
const LEDGER: &str = "[limits]\nbatch_records = 20\n\n[ledger]\norigin = \"ward.example.org/site-1\"\n";

/// `ward witness`, killed when dropped.
struct Witness {
    child: Child,
    url: String,
    key: String,
}

impl Witness {
    fn start(folder: &Path, log: &str) -> Self {
        let ward = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ward"));
            command.arg("witness").args(arguments).args(["--key", "w.key", "--folder", "state"]);
            command.current_dir(folder).stdout(Stdio::piped());
            command
        };
        let made = ward(&["--new-key", "--name", "witness.example/w1"]).output().unwrap();
        assert!(made.status.success());
        let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let mut child = ward(&["--listen", "127.0.0.1:0", "--log", log]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = format!("http://{}", line.trim().rsplit_once(' ').unwrap().1);
        Self { child, url, key }
    }

    fn configured(&self) -> String {
        format!(
            "{LEDGER}\n[[ledger.witnesses]]\nname = \"witness.example/w1\"\nurl = \"{}\"\nkey = \"{}\"\n",
            self.url, self.key
        )
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Verifier key of the log of an installation, which is made where there is none.
fn log_key(installation: &Installation) -> String {
    let config = installation.config();
    Ground::open_or_create(&config).unwrap().signer(&config).unwrap().key().to_string()
}

/// Asks for a checkpoint, which has it cosigned, until the witnesses have answered so.
fn wait_for_witnesses(installation: &Installation, running: &Running, status: &str) -> String {
    let socket = installation.store().join(serve::control::SOCKET_FILE);
    let mut detail = String::new();
    wait_until(&format!("witnesses {status}"), || {
        ward::control::call(&socket, "POST", "/control/v1/checkpoint", None)
            .for_each(|line| drop(line.unwrap()));
        let (_, found, said) = running.health("witnesses");
        detail = said;
        found == status
    });
    detail
}

/// Tiles over HTTP; each once.
struct HttpTiles<'r> {
    running: &'r Running,
    fetched: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl HttpTiles<'_> {
    fn fetch(&self, path: &str) -> Vec<u8> {
        let fetch = || {
            let (status, bytes) = self.running.get_bytes(&format!("/ledger/{path}"));
            assert_eq!(status, 200, "{path}");
            bytes
        };
        self.fetched.borrow_mut().entry(path.to_owned()).or_insert_with(fetch).clone()
    }

    /// The newest checkpoint, verified by signed_note.
    fn checkpoint(&self, key: &str) -> tlog_tiles::Checkpoint {
        let (status, body) = self.running.get_bytes("/ledger/checkpoint");
        assert_eq!(status, 200);
        let note = Note::from_bytes(&body).unwrap();
        let known = VerifierList::new(vec![Box::new(StandardVerifier::new(key).unwrap())]);
        let (verified, _) = note.verify(&known).unwrap();
        assert_eq!(verified.len(), 1);
        tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap()
    }
}

impl TileReader for HttpTiles<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog::Error> {
        // C2SP's paths leave out the height that Go's have.
        Ok(tiles.iter().map(|tile| self.fetch(&tile.path().replacen("tile/8/", "tile/", 1))).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

/// The entries of a bundle: length in two bytes, big-endian, then the entry (C2SP tlog-tiles).
fn entries(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let [high, low, rest @ ..] = bundle {
        let length = usize::from(*high) << 8 | usize::from(*low);
        entries.push(rest[..length].to_vec());
        bundle = &rest[length..];
    }
    entries
}

#[test]
fn a_strangers_client_finds_every_entry_included() {
    let (installation, mut files) = (Installation::new(LEDGER), Files::new(41, 40, 8_000));
    let key = log_key(&installation);
    let running = installation.start();
    let file = files.drop_into(&installation.watched());
    installation.wait_until_done(&file);
    wait_until("a checkpoint of two tiles and more", || {
        running.metric("ward_checkpoint_leaves").is_some_and(|leaves| leaves > 300.0)
    });
    let tiles = HttpTiles { running: &running, fetched: RefCell::default() };
    let checkpoint = tiles.checkpoint(&key);
    let (size, root) = (checkpoint.size(), *checkpoint.hash());
    assert_eq!(checkpoint.origin(), ORIGIN);
    let reader = TileHashReader::new(size, root, &tiles);
    assert_eq!(tlog::tree_hash(size, &reader).unwrap(), root);
    let mut read = 0;
    for bundle in 0..size.div_ceil(256) {
        let width = (size - bundle * 256).min(256);
        let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
        let found = entries(&tiles.fetch(&format!("tile/entries/{bundle:03}{partial}")));
        assert_eq!(found.len() as u64, width);
        for data in found {
            let proof = tlog::prove_record(size, read, &reader).unwrap();
            tlog::check_record(&proof, size, root, read, tlog::record_hash(&data)).unwrap();
            store::leaf::Leaf::decode(&data).unwrap();
            read += 1;
        }
    }
    assert_eq!(read, size);
    running.stop();
    assert!(installation.verify().leaves >= size);
}

#[test]
fn a_witness_cosigns_one_history_and_refuses_the_other() {
    let (installation, mut files) = (Installation::new(LEDGER), Files::new(42, 30, 1_000));
    let home = tempfile::tempdir().unwrap();
    let witness = Witness::start(home.path(), &log_key(&installation));
    let watch =
        |folder: &Path| format!("[[watch]]\nfolder = {folder:?}\nsettle_s = 0\n\n{}", witness.configured());
    installation.configure(&watch(&installation.watched()));
    let running = installation.start();
    let file = files.drop_into(&installation.watched());
    installation.wait_until_done(&file);
    wait_for_witnesses(&installation, &running, "ok");
    running.stop();
    let newest = store::ledger::newest_witnessed(&mut installation.db()).unwrap().unwrap();
    assert_eq!(newest.witnesses, 1);
    assert!(newest.note.contains("\u{2014} witness.example/w1 "), "{}", newest.note);
    let store::verify::Witnessed::Witnessed { size, by, .. } = installation.verify().witnessed else {
        panic!("not witnessed")
    };
    assert_eq!((size, by), (newest.size, vec!["witness.example/w1".to_owned()]));

    // Two go on from one store: the first to be cosigned is the history.
    let fork = installation.root.join("fork");
    let fork = Installation::beside(&fork, &fork.join("watched"), &witness.configured());
    std::fs::create_dir_all(fork.store()).unwrap();
    for entry in std::fs::read_dir(installation.store()).unwrap().flatten() {
        if entry.metadata().unwrap().is_file() {
            std::fs::copy(entry.path(), fork.store().join(entry.file_name())).unwrap();
        }
    }
    std::fs::copy(installation.key(), fork.key()).unwrap();
    let running = installation.start();
    let file = files.drop_into(&installation.watched());
    installation.wait_until_done(&file);
    wait_until("a cosigned checkpoint behind the fork", || {
        wait_for_witnesses(&installation, &running, "ok");
        let newest = store::ledger::newest_witnessed(&mut installation.db()).unwrap();
        newest.is_some_and(|newest| newest.size > size + 10)
    });
    let other = fork.start();
    let mut others = Files::new(43, 30, 4_000);
    let file = others.drop_into(&fork.watched());
    fork.wait_until_done(&file);
    let detail = wait_for_witnesses(&fork, &other, "degraded");
    assert!(detail.contains("has seen another history of this log"), "{detail}");
    other.wait_for("a witness has seen another history of this ledger");
    wait_for_witnesses(&installation, &running, "ok");
    other.stop();
    running.stop();
}
