//! Where keys come from and lie: every source, every refusal, the keyring file, and a real token (SoftHSM).

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use trust::seal::{Keyring, SealError};
use ward::keys::{
    IfMissing, KEYRING_FILE, KekSource, KeyError, SecretFrom, fresh_entropy, kek_noted, keyring_of,
    open_or_create_keyring, replace_keyring, rotate_kek,
};

/// Says in the child which folder its parent has prepared.
const CHILD: &str = "WARD_TEST_KEYS_FOLDER";

/// Runs `body` in a process of its own, with `variables` set: some libraries and systemd speak through the environment only.
fn in_child(
    test: &str,
    prepare: impl FnOnce(&Path) -> Vec<(&'static str, PathBuf)>,
    body: impl FnOnce(&Path),
) {
    if let Some(folder) = std::env::var_os(CHILD) {
        return body(Path::new(&folder));
    }
    let folder = TempDir::new().unwrap();
    let variables = prepare(folder.path());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env(CHILD, folder.path()).envs(variables);
    let told = child.output().unwrap();
    let said = [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(told.status.success() && said.contains("1 passed"), "{said}");
}

fn private(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn file_source(path: &Path) -> KekSource {
    KekSource::File { path: path.to_owned() }
}

fn refusal<T>(result: Result<T, KeyError>) -> KeyError {
    result.err().expect("this must be refused")
}

/// What a keyring holds, to compare.
fn keys(keyring: &Keyring) -> [[u8; 32]; 4] {
    [keyring.database_key(), keyring.ledger_seed(), keyring.pseudonym_key(), keyring.backup_key()]
        .map(|key| *key.expose())
}

/// A new keyring by this source, opened again by the same source: the same keys, and the folder holds nothing else new.
fn round_trip(source: &KekSource) -> TempDir {
    let folder = TempDir::new().unwrap();
    let kek = source.kek(folder.path(), IfMissing::Create).unwrap_or_else(|error| panic!("{error}"));
    let made = open_or_create_keyring(folder.path(), &*kek).unwrap_or_else(|error| panic!("{error}"));
    let noted = kek_noted(folder.path()).unwrap().unwrap();
    assert_eq!((noted.id.as_str(), &noted.source), (kek.id(), kek.hint()));
    drop(kek);
    let kek = source.kek(folder.path(), IfMissing::Refuse).unwrap_or_else(|error| panic!("{error}"));
    let again = open_or_create_keyring(folder.path(), &*kek).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(keys(&made), keys(&again));
    assert_eq!(names(folder.path()), [KEYRING_FILE]);
    assert_eq!(fs::metadata(folder.path().join(KEYRING_FILE)).unwrap().mode() & 0o7777, 0o600);
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_key_file_is_made_once_and_opens_in_both_spellings() {
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("kek");
    let folder = round_trip(&file_source(&path));
    let raw = fs::read(&path).unwrap();
    assert_eq!((raw.len(), fs::metadata(&path).unwrap().mode() & 0o7777), (32, 0o600));

    let digits: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    for spelling in [digits.clone(), format!("{digits}\n"), digits.to_uppercase()] {
        private(&path, spelling.as_bytes());
        let kek = file_source(&path).kek(folder.path(), IfMissing::Create).unwrap_or_else(|e| panic!("{e}"));
        assert!(keyring_of(folder.path(), &*kek).unwrap().is_some());
    }
    assert_eq!(
        fs::read(&path).unwrap(),
        digits.to_uppercase().as_bytes(),
        "a key that exists is not replaced"
    );
}

#[test]
fn another_key_is_refused_by_name_and_nothing_is_written() {
    let outside = TempDir::new().unwrap();
    let (ours, theirs) = (outside.path().join("ours"), outside.path().join("theirs"));
    let folder = round_trip(&file_source(&ours));
    let before = fs::read(folder.path().join(KEYRING_FILE)).unwrap();
    private(&theirs, &[9; 32]);
    let kek = file_source(&theirs).kek(folder.path(), IfMissing::Refuse).unwrap_or_else(|e| panic!("{e}"));
    let refused = refusal(open_or_create_keyring(folder.path(), &*kek));
    assert!(matches!(refused, KeyError::Seal { source: SealError::WrongKek { .. }, .. }), "{refused}");
    let said = refused.to_string();
    assert!(said.starts_with(&format!(
        "{}: this is not the keyring's key",
        folder.path().join(KEYRING_FILE).display()
    )));
    assert!(
        said.contains(kek.id()) && said.contains(&kek_noted(folder.path()).unwrap().unwrap().id),
        "{said}"
    );
    assert_eq!(fs::read(folder.path().join(KEYRING_FILE)).unwrap(), before);
}

#[test]
fn an_edited_keyring_is_refused() {
    let outside = TempDir::new().unwrap();
    let source = file_source(&outside.path().join("kek"));
    let folder = round_trip(&source);
    let file = folder.path().join(KEYRING_FILE);
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut edited = whole.clone();
        edited[at] ^= 1;
        fs::write(&file, &edited).unwrap();
        // Either the key cannot be found any more by what the keyring notes, or it does not open the keyring.
        let kek = source.kek(folder.path(), IfMissing::Refuse);
        assert!(kek.and_then(|kek| open_or_create_keyring(folder.path(), &*kek)).is_err(), "byte {at}");
    }
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..cut]).unwrap();
        assert!(matches!(kek_noted(folder.path()).err(), None | Some(KeyError::Seal { .. })));
        let kek = source.open_or_create(IfMissing::Refuse).unwrap_or_else(|error| panic!("{error}"));
        assert!(open_or_create_keyring(folder.path(), &*kek).is_err(), "cut at {cut}");
        assert_eq!(
            fs::read(&file).unwrap(),
            &whole[..cut],
            "a broken keyring is left for whoever examines it"
        );
    }
}

#[test]
fn a_key_file_that_others_may_touch_is_refused_with_the_command() {
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("kek");
    let shown = path.display();
    let said = || refusal(file_source(&path).open_or_create(IfMissing::Refuse)).to_string();
    assert_eq!(
        said(),
        format!(
            "{shown}: no such file; put the key back from a copy. For a new installation only: (umask 077; head -c 32 /dev/urandom > {shown})"
        )
    );
    private(&path, &[7; 32]);
    for mode in [0o640, 0o604, 0o660, 0o610, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let expected = format!(
            "{shown}: mode {mode:04o} lets others in; run: chmod 600 {shown}; and change the secret if others were there"
        );
        assert_eq!(said(), expected);
    }
    private(&path, &[7; 31]);
    assert!(said().contains("32 bytes or 64 hexadecimal digits, and this has 31 bytes"), "{}", said());
    private(&path, "g".repeat(64).as_bytes());
    assert!(said().contains("this has 64 bytes"), "{}", said());
    private(&path, &vec![b'a'; 1 << 20]);
    assert!(said().contains("this has 2049 bytes"), "no more is read than a secret may have: {}", said());

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(said().contains("is not a regular file"), "{}", said());
    fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap().success());
    assert!(said().contains("is not a regular file"), "a pipe keeps nobody waiting: {}", said());
}

#[test]
fn a_key_file_of_another_user_is_refused() {
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("kek");
    private(&path, &[7; 32]);
    if let Err(error) = std::os::unix::fs::chown(&path, Some(12345), None) {
        let why = format!("a_key_file_of_another_user_is_refused: giving a file away needs root: {error}");
        assert!(std::env::var_os("WARD_TEST_STRICT").is_none_or(|strict| strict != "1"), "{why}");
        eprintln!("SKIPPED {why}");
        return;
    }
    let us = fs::metadata(outside.path()).unwrap().uid();
    let refused = refusal(file_source(&path).open_or_create(IfMissing::Refuse)).to_string();
    let shown = path.display();
    assert_eq!(
        refused,
        format!("{shown}: belongs to user 12345, not to {us} or root; run: chown {us} {shown}")
    );
}

#[test]
fn a_passphrase_opens_from_file_descriptor_and_variable() {
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("passphrase");
    private(&path, b"correct horse battery staple\r\nand notes below\n");
    let folder = round_trip(&KekSource::Passphrase { from: SecretFrom::File(path.clone()) });

    let open = |from| KekSource::Passphrase { from }.kek(folder.path(), IfMissing::Refuse);
    let file = fs::File::open(&path).unwrap();
    let number = u32::try_from(std::os::fd::AsRawFd::as_raw_fd(&file)).unwrap();
    let kek = open(SecretFrom::Descriptor(number)).unwrap_or_else(|error| panic!("{error}"));
    assert!(keyring_of(folder.path(), &*kek).unwrap().is_some());

    private(&path, b"correct horse battery stable\n");
    let kek = open(SecretFrom::File(path.clone())).unwrap_or_else(|error| panic!("{error}"));
    let said = refusal(keyring_of(folder.path(), &*kek)).to_string();
    assert!(said.ends_with("check the passphrase, also the keyboard's layout"), "{said}");
    assert!(!said.contains("horse"), "{said}");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(refusal(open(SecretFrom::File(path))), KeyError::Mode { mode: 0o644, .. }));
    // A variable that is set wherever cargo runs, and long enough.
    round_trip(&KekSource::Passphrase { from: SecretFrom::Environment("CARGO_MANIFEST_DIR".to_owned()) });
    let unset = refusal(open(SecretFrom::Environment("WARD_TEST_NOT_SET".to_owned()))).to_string();
    assert!(
        unset.starts_with("environment variable WARD_TEST_NOT_SET does not hold the passphrase"),
        "{unset}"
    );
}

#[test]
fn a_passphrase_that_is_short_or_has_nothing_to_open_is_refused() {
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("passphrase");
    let source = KekSource::Passphrase { from: SecretFrom::File(path.clone()) };
    private(&path, "elf Zeichen".as_bytes());
    assert_eq!(
        refusal(source.open_or_create(IfMissing::Create)).to_string(),
        "the passphrase has 11 characters, allowed are 12 to 1024; choose five or more random words"
    );
    assert!(matches!(refusal(source.open_or_create(IfMissing::Refuse)), KeyError::NothingToOpen));
    let folder = round_trip(&file_source(&outside.path().join("kek")));
    assert_eq!(
        refusal(source.kek(folder.path(), IfMissing::Create)).to_string(),
        "the keyring was wrapped by a file key, and the configuration names a passphrase; name the file key, or rotate to \
         the passphrase first"
    );
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    // The child's standard error is a pipe.
    in_child(
        "keys::without_a_terminal_nobody_is_asked",
        |_| Vec::new(),
        |folder| {
            let source = KekSource::Passphrase { from: SecretFrom::Terminal };
            let said = refusal(source.kek(folder, IfMissing::Create)).to_string();
            let expected = "there is no terminal to ask for the passphrase on; configure a file, a file descriptor or a credential for it";
            assert_eq!(said, expected);
        },
    );
}

#[test]
fn a_credential_opens_where_systemd_hands_it_over() {
    in_child(
        "keys::a_credential_opens_where_systemd_hands_it_over",
        |folder| {
            // As systemd leaves it for a service with a user of its own: an access list shows as group bits.
            fs::write(folder.join("ward-kek"), [5; 32]).unwrap();
            fs::set_permissions(folder.join("ward-kek"), fs::Permissions::from_mode(0o440)).unwrap();
            vec![("CREDENTIALS_DIRECTORY", folder.to_owned())]
        },
        |_| {
            let source = |name: &str| KekSource::Credential { name: name.to_owned() };
            let folder = round_trip(&source("ward-kek"));
            // The same 32 bytes in a file are the same key: moving a key to a credential rotates nothing.
            let path = folder.path().join("moved");
            private(&path, &[5; 32]);
            let kek =
                file_source(&path).kek(folder.path(), IfMissing::Refuse).unwrap_or_else(|e| panic!("{e}"));
            assert!(keyring_of(folder.path(), &*kek).unwrap().is_some());
            let said = refusal(source("other").open_or_create(IfMissing::Create)).to_string();
            assert!(
                said.starts_with(
                    "credential \"other\" was not handed over; add LoadCredentialEncrypted=other"
                ),
                "{said}"
            );
            for name in ["", "..", "../ward-kek", "a/b", ".hidden", "a\nb"] {
                let refused = refusal(source(name).open_or_create(IfMissing::Create));
                assert!(matches!(refused, KeyError::CredentialName { .. }), "{refused}");
            }
        },
    );
    if std::env::var_os(CHILD).is_none() && std::env::var_os("CREDENTIALS_DIRECTORY").is_none() {
        let said =
            refusal(KekSource::Credential { name: "ward-kek".to_owned() }.open_or_create(IfMissing::Create));
        assert!(matches!(said, KeyError::NoCredentials { .. }), "{said}");
    }
}

#[test]
fn a_store_without_its_keyring_never_gets_another() {
    for left in ["ward.db", "ward.db-wal", "tiles"] {
        let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::write(folder.path().join(left), b"x").unwrap();
        let path = outside.path().join("kek");
        let refused = refusal(file_source(&path).kek(folder.path(), IfMissing::Create));
        assert!(!path.exists(), "no key is made either");
        assert_eq!(
            refused.to_string(),
            format!(
                "{}: the store exists ({left}) but its keyring is gone; put keyring.json back from a copy; nothing else opens the store",
                folder.path().display()
            )
        );
        private(&path, &[1; 32]);
        let kek = file_source(&path).open_or_create(IfMissing::Refuse).unwrap_or_else(|e| panic!("{e}"));
        assert!(matches!(
            refusal(open_or_create_keyring(folder.path(), &*kek)),
            KeyError::KeyringGone { .. }
        ));
        assert_eq!(names(folder.path()), [left]);
    }
}

#[test]
fn rotating_the_kek_replaces_the_file_and_keeps_no_old_copy() {
    let outside = TempDir::new().unwrap();
    let old_path = outside.path().join("old");
    let folder = round_trip(&file_source(&old_path));
    let old = file_source(&old_path).kek(folder.path(), IfMissing::Refuse).unwrap_or_else(|e| panic!("{e}"));
    let before = keyring_of(folder.path(), &*old).unwrap().unwrap();
    let passphrase = outside.path().join("passphrase");
    private(&passphrase, b"correct horse battery staple\n");
    let source = KekSource::Passphrase { from: SecretFrom::File(passphrase) };
    let new = source.open_or_create(IfMissing::Create).unwrap_or_else(|error| panic!("{error}"));
    rotate_kek(folder.path(), &before, &*new).unwrap_or_else(|error| panic!("{error}"));

    assert_eq!(names(folder.path()), [KEYRING_FILE], "no copy of the old keyring");
    let again = source.kek(folder.path(), IfMissing::Refuse).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(keys(&keyring_of(folder.path(), &*again).unwrap().unwrap()), keys(&before));
    let refused = refusal(keyring_of(folder.path(), &*old));
    assert!(matches!(refused, KeyError::Seal { source: SealError::WrongKek { .. }, .. }), "{refused}");
}

#[test]
fn what_a_kill_left_unfinished_is_cleared_up_and_never_read() {
    let outside = TempDir::new().unwrap();
    let source = file_source(&outside.path().join("kek"));
    let folder = round_trip(&source);
    let unfinished = folder.path().join("keyring.json.new");
    fs::write(&unfinished, b"{ half a keyr").unwrap();
    let kek = source.kek(folder.path(), IfMissing::Refuse).unwrap_or_else(|error| panic!("{error}"));
    let keyring = keyring_of(folder.path(), &*kek).unwrap().unwrap();
    let begun =
        keyring.begin_database_rotation(&*kek, fresh_entropy().unwrap()).unwrap_or_else(|e| panic!("{e}"));
    replace_keyring(folder.path(), &begun).unwrap();
    assert_eq!(names(folder.path()), [KEYRING_FILE]);
    let found = keyring_of(folder.path(), &*kek).unwrap().unwrap();
    assert_eq!(found.next_database_key().unwrap().expose(), begun.next_database_key().unwrap().expose());
}

#[test]
fn a_write_that_fails_leaves_the_old_keyring() {
    let outside = TempDir::new().unwrap();
    let source = file_source(&outside.path().join("kek"));
    let folder = round_trip(&source);
    let whole = fs::read(folder.path().join(KEYRING_FILE)).unwrap();
    let kek = source.kek(folder.path(), IfMissing::Refuse).unwrap_or_else(|error| panic!("{error}"));
    let keyring = keyring_of(folder.path(), &*kek).unwrap().unwrap();
    // A folder in the way of the first step: nothing can be written.
    fs::create_dir_all(folder.path().join("keyring.json.new/in-the-way")).unwrap();
    let refused = refusal(rotate_kek(folder.path(), &keyring, &*kek));
    assert!(matches!(refused, KeyError::Io { .. }), "{refused}");
    assert_eq!(fs::read(folder.path().join(KEYRING_FILE)).unwrap(), whole);
}

#[test]
fn the_configuration_names_every_source() {
    let read = |text: &str| toml::from_str::<KekSource>(text);
    assert_eq!(
        read("kind = 'file'\npath = '/etc/ward/kek'").unwrap(),
        file_source(Path::new("/etc/ward/kek"))
    );
    let passphrase = |from| KekSource::Passphrase { from };
    assert_eq!(read("kind = 'passphrase'\nfrom = 'terminal'").unwrap(), passphrase(SecretFrom::Terminal));
    assert_eq!(
        read("kind = 'passphrase'\nfrom = { descriptor = 3 }").unwrap(),
        passphrase(SecretFrom::Descriptor(3))
    );
    assert_eq!(
        read("kind = 'credential'\nname = 'ward-kek'").unwrap(),
        KekSource::Credential { name: "ward-kek".to_owned() }
    );
    let token = "kind = 'pkcs11'\nmodule = '/usr/lib/softhsm/libsofthsm2.so'\ntoken = 'ward'\nkey = 'kek'\npin = { file = '/etc/ward/pin' }";
    assert_eq!(
        read(token).unwrap(),
        KekSource::Pkcs11 {
            module: "/usr/lib/softhsm/libsofthsm2.so".into(),
            token: "ward".to_owned(),
            key: "kek".to_owned(),
            pin: SecretFrom::File("/etc/ward/pin".into()),
        }
    );
    for bad in [
        "kind = 'file'",
        "kind = 'stone'",
        "kind = 'file'\npath = 'x'\nmode = 7",
        "kind = 'passphrase'\nfrom = 'me'",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[cfg(not(feature = "hsm"))]
#[test]
fn without_the_feature_a_token_is_refused_with_the_way_out() {
    let pin = SecretFrom::Terminal;
    let source = KekSource::Pkcs11 { module: "m.so".into(), token: "t".to_owned(), key: "k".to_owned(), pin };
    let said = refusal(source.open_or_create(IfMissing::Create)).to_string();
    assert_eq!(
        said,
        "m.so: this ward was built without PKCS#11; use the distributed package, or build with --features hsm"
    );
}

#[cfg(feature = "hsm")]
mod token;
