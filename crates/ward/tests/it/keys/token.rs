//! SoftHSM 2 (Debian packages softhsm2 and opensc), its tokens in a folder of the test's own.

use super::*;

const MODULES: &[&str] = &[
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
];
const PIN: &str = "654321";

fn module() -> Option<PathBuf> {
    let tools =
        ["softhsm2-util", "pkcs11-tool"].iter().all(|tool| Command::new(tool).arg("--help").output().is_ok());
    MODULES.iter().map(PathBuf::from).find(|module| tools && module.exists())
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let told = Command::new(program)
        .args(arguments)
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .output()
        .unwrap();
    [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
}

/// Runs `body` in a process whose SoftHSM has one token, "ward".
fn with_token(test: &str, body: impl FnOnce(&Path, &Path)) {
    let Some(module) = module() else {
        let why = format!("{test}: needs softhsm2 and opensc: apt-get install softhsm2 opensc");
        assert!(std::env::var_os("WARD_TEST_STRICT").is_none_or(|strict| strict != "1"), "{why}");
        eprintln!("SKIPPED {why}");
        return;
    };
    let prepare = |folder: &Path| {
        let conf = folder.join("softhsm2.conf");
        fs::create_dir(folder.join("tokens")).unwrap();
        let tokens = folder.join("tokens");
        fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display()))
            .unwrap();
        let said = run(
            "softhsm2-util",
            &["--init-token", "--free", "--label", "ward", "--so-pin", "12345678", "--pin", PIN],
            folder,
        );
        assert!(said.contains("initialized"), "{said}");
        private(&folder.join("pin"), format!("{PIN}\n").as_bytes());
        vec![("SOFTHSM2_CONF", conf)]
    };
    in_child(&format!("keys::token::{test}"), prepare, |folder| body(&module, folder));
}

fn source(module: &Path, folder: &Path, token: &str, key: &str) -> KekSource {
    let pin = SecretFrom::File(folder.join("pin"));
    KekSource::Pkcs11 { module: module.to_owned(), token: token.to_owned(), key: key.to_owned(), pin }
}

#[test]
fn a_keyring_made_with_a_token_opens_with_that_token_only() {
    with_token("a_keyring_made_with_a_token_opens_with_that_token_only", |module, folder| {
        let ours = source(module, folder, "ward", "kek");
        let said = refusal(ours.open_or_create(IfMissing::Refuse)).to_string();
        assert!(said.starts_with("token \"ward\" has 0 AES keys labelled \"kek\""), "{said}");
        let store = round_trip(&ours);
        let text = fs::read_to_string(store.path().join(KEYRING_FILE)).unwrap();
        assert!(text.contains("\"kind\": \"pkcs11\"") && text.contains("\"token\": \"ward\""), "{text}");

        let other = source(module, folder, "ward", "other").open_or_create(IfMissing::Create);
        let refused = refusal(keyring_of(store.path(), &*other.unwrap_or_else(|error| panic!("{error}"))));
        assert!(matches!(refused, KeyError::Seal { source: SealError::WrongKek { .. }, .. }), "{refused}");

        // The id fits and a wrapped key does not: told as a changed keyring, not as a token that failed.
        let kek = ours.kek(store.path(), IfMissing::Refuse).unwrap_or_else(|error| panic!("{error}"));
        let mut key = [3; 32];
        let wrapped = kek.wrap(&trust::seal::Secret32::take(&mut key), b"a", [1; 12]).unwrap();
        assert_eq!(wrapped.len(), 60);
        assert_eq!(kek.unwrap(&wrapped, b"a").unwrap_or_else(|e| panic!("{e}")).expose(), &[3; 32]);
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            let refused = kek.unwrap(&changed, b"a").err().expect("a changed wrap opened");
            assert_eq!(refused, SealError::WrappedKey { belongs: "key or purpose" }, "byte {at}");
        }
        assert!(kek.unwrap(&wrapped, b"b").is_err() && kek.unwrap(&wrapped[..40], b"a").is_err());
        assert!(kek.unwrap(&wrapped, b"a").is_ok(), "the session is fine after refusals");
    });
}

#[test]
fn a_wrong_pin_a_missing_token_and_a_missing_library_say_what_to_do() {
    with_token("a_wrong_pin_a_missing_token_and_a_missing_library_say_what_to_do", |module, folder| {
        let said = |source: &KekSource| refusal(source.open_or_create(IfMissing::Create)).to_string();
        private(&folder.join("pin"), b"000000\n");
        assert_eq!(
            said(&source(module, folder, "ward", "kek")),
            "token \"ward\" refused the PIN: it is wrong; correct the PIN before the token locks itself"
        );
        private(&folder.join("pin"), PIN.as_bytes());
        let nowhere = said(&source(module, folder, "pharmacy", "kek"));
        assert!(
            nowhere.starts_with("0 tokens are labelled \"pharmacy\"; the library sees: \"ward\""),
            "{nowhere}"
        );
        let absent = said(&source(&folder.join("absent.so"), folder, "ward", "kek"));
        assert!(absent.contains("absent.so: the PKCS#11 library does not work: "), "{absent}");
        let no_library = said(&source(&folder.join("softhsm2.conf"), folder, "ward", "kek"));
        assert!(no_library.contains("the PKCS#11 library does not work: "), "{no_library}");
        fs::set_permissions(folder.join("pin"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(said(&source(module, folder, "ward", "kek")).contains("chmod 600"));
    });
}

#[test]
fn the_key_is_listed_by_others_and_cannot_leave_the_token() {
    with_token("the_key_is_listed_by_others_and_cannot_leave_the_token", |module, folder| {
        round_trip(&source(module, folder, "ward", "kek"));
        let library = module.to_str().unwrap();
        let login = ["--module", library, "--token-label", "ward", "--login", "--pin", PIN];
        let tool = |more: &[&str]| run("pkcs11-tool", &[&login, more].concat(), folder);
        let listed = tool(&["--list-objects", "--type", "secrkey"]);
        assert!(listed.contains("Secret Key Object; AES length 32"), "{listed}");
        assert!(listed.contains("label:      kek"), "{listed}");
        assert!(
            listed.contains("never extractable") && !listed.contains("Access:     extractable"),
            "{listed}"
        );
        let read = tool(&["--read-object", "--type", "secrkey", "--label", "kek"]);
        assert!(
            read.contains("CKR_ATTRIBUTE_SENSITIVE") && read.contains("error: get CKA_VALUE failed"),
            "{read}"
        );

        // A key that others made so that it can leave is refused.
        let made = tool(&["--keygen", "--key-type", "AES:32", "--label", "loose", "--extractable"]);
        assert!(made.contains("loose"), "{made}");
        let said =
            refusal(source(module, folder, "ward", "loose").open_or_create(IfMissing::Refuse)).to_string();
        assert!(said.starts_with("key \"loose\" in token \"ward\" is of no use: it can"), "{said}");
        let short = tool(&["--keygen", "--key-type", "AES:16", "--label", "short", "--sensitive"]);
        assert!(short.contains("short"), "{short}");
        let said =
            refusal(source(module, folder, "ward", "short").open_or_create(IfMissing::Refuse)).to_string();
        assert!(said.contains("it is no AES-256 key"), "{said}");
        // Two of one label: nobody guesses.
        let _ = tool(&["--keygen", "--key-type", "AES:32", "--label", "kek", "--sensitive"]);
        let said =
            refusal(source(module, folder, "ward", "kek").open_or_create(IfMissing::Create)).to_string();
        assert!(said.starts_with("token \"ward\" has 2 AES keys labelled \"kek\""), "{said}");
    });
}

#[test]
fn a_keyring_moves_from_a_file_into_a_token() {
    with_token("a_keyring_moves_from_a_file_into_a_token", |module, folder| {
        let path = folder.join("kek");
        let store = round_trip(&file_source(&path));
        let kek = file_source(&path).kek(store.path(), IfMissing::Refuse).unwrap_or_else(|e| panic!("{e}"));
        let keyring = keyring_of(store.path(), &*kek).unwrap().unwrap();
        let token = source(module, folder, "ward", "kek");
        let new = token.open_or_create(IfMissing::Create).unwrap_or_else(|error| panic!("{error}"));
        rotate_kek(store.path(), &keyring, &*new).unwrap_or_else(|error| panic!("{error}"));
        drop(new);
        let again = token.kek(store.path(), IfMissing::Refuse).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(keys(&keyring_of(store.path(), &*again).unwrap().unwrap()), keys(&keyring));
    });
}
