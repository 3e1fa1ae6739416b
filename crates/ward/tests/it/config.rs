//! The configuration as operators meet it: who wins, what is refused and how, and that it is documented.

use crate::cli::{Folder, command, text};
use crate::support;
use serde_json::Value;
use std::path::Path;
use ward::config::{self, Config, EXAMPLE, Flags, KEYS, Keys, LISTS};

fn parse(file: &str, variables: &[(&str, &str)], flags: &Flags) -> Result<Config, String> {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    config::parse(Some((file, Path::new("ward.toml"))), &variables, flags).map_err(|error| error.to_string())
}

fn file(text: &str) -> Result<Config, String> {
    parse(text, &[], &Flags::default())
}

fn origin(config: &Config, key: &str) -> String {
    config::explain(config).into_iter().find(|line| line.key == key).unwrap().origin
}

#[test]
fn nothing_given_is_a_configuration() {
    let config = file("").unwrap();
    assert_eq!((config.site.id.0, config.site.name.as_str()), (1, "Site 1"));
    assert_eq!(config.keys, Keys::File { file: "/etc/ward/kek".into() });
    assert_eq!(config.http.address.unwrap().to_string(), "127.0.0.1:8790");
    assert_eq!(config.ledger.origin, "localhost/site-1");
    assert_eq!((config.limits.batch_records, config.limits.batch_ms), (1000, 50));
    assert!(config.listen.is_empty() && config.watch.is_empty());
    assert_eq!(
        config::remarks(&config),
        ["nothing to listen to and no folder to watch: add [[listen]] or [[watch]]"]
    );
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let text = "[limits]\nbatch_ms = 10\nbatch_records = 100\nviews_mib = 20\n";
    let variables = [("WARD_LIMITS_BATCH_MS", "20"), ("WARD_LIMITS_BATCH_RECORDS", "200"), ("HOME", "/x")];
    let flags = Flags { set: vec!["limits.batch_ms=30".into()], ..Flags::default() };
    let config = parse(text, &variables, &flags).unwrap();
    let limits = &config.limits;
    assert_eq!((limits.batch_ms, limits.batch_records, limits.views_bytes), (30, 200, 20 << 20));
    assert_eq!(origin(&config, "limits.batch_ms"), "flag --set");
    assert_eq!(origin(&config, "limits.batch_records"), "environment variable WARD_LIMITS_BATCH_RECORDS");
    assert_eq!(origin(&config, "limits.views_mib"), "ward.toml:4");
    assert_eq!(origin(&config, "limits.queue_records"), "default");
}

#[test]
fn the_units_state_folder_is_the_stores_unless_told_otherwise() {
    let state = ("STATE_DIRECTORY", "/var/lib/private/ward");
    let config = parse("", &[state], &Flags::default()).unwrap();
    assert_eq!(config.store.folder, Path::new("/var/lib/private/ward"));
    let config = parse("[store]\nfolder = \"/data\"", &[state], &Flags::default()).unwrap();
    assert_eq!(config.store.folder, Path::new("/data"));
}

#[test]
fn lists_are_replaced_and_keep_what_the_file_says_of_their_entries() {
    let text = "[[listen]]\ninterface = \"a0\"\nworkers = 3\n[[listen]]\ninterface = \"b0\"\n[[watch]]\nfolder = \"/w\"\nsettle_s = 5\n";
    let config = file(text).unwrap();
    let sensors: Vec<(u32, usize)> = config.listen.iter().map(|l| (l.sensor.0, l.workers)).collect();
    assert_eq!(sensors, [(1000, 3), (1064, 1)]);
    assert_eq!((config.watch[0].settle_s, config.watch[0].sensor.0), (5, 1));
    let config =
        parse(text, &[("WARD_LISTEN", "c0,a0"), ("WARD_WATCH", "/x:/w")], &Flags::default()).unwrap();
    let listen: Vec<(&str, usize)> =
        config.listen.iter().map(|l| (l.interface.as_str(), l.workers)).collect();
    assert_eq!(listen, [("c0", 1), ("a0", 3)]);
    let watch: Vec<u64> = config.watch.iter().map(|w| w.settle_s).collect();
    assert_eq!(watch, [2, 5]);
    let flags = Flags { listen: vec!["d0".into()], ..Flags::default() };
    let config = parse(text, &[("WARD_LISTEN", "c0")], &flags).unwrap();
    assert_eq!(config.listen.len(), 1);
    assert_eq!(origin(&config, "listen[0].interface"), "flag --listen");
}

/// What is written, and how the message about it begins.
const WRONG: &[(&str, &str)] = &[
    (
        "[limits]\nbatch_sm = 3\n",
        "ward.toml:2: there is no `limits.batch_sm`; did you mean `limits.batch_ms`?",
    ),
    ("\n[limit]\nbatch_ms = 3\n", "ward.toml:2: there is no `limit`; did you mean `limits`?"),
    (
        "[[watch]]\nfolder = \"/w\"\nsetle_s = 3\n",
        "ward.toml:3: there is no `watch.setle_s`; did you mean `watch.settle_s`?",
    ),
    (
        "[limits]\nbatch_ms = 51\n",
        "ward.toml:2: `limits.batch_ms` is 51; it takes a whole number from 1 to 50",
    ),
    (
        "[limits]\nbatch_ms = \"fast\"\n",
        "ward.toml:2: `limits.batch_ms` is \"fast\"; it takes a whole number from 1 to 50",
    ),
    (
        "[limits]\nbatch_ms = 1.5\n",
        "ward.toml:2: `limits.batch_ms` is a float; it takes a whole number from 1 to 50",
    ),
    (
        "[limits]\nbatch_ms = 99999999999999999999\n",
        "ward.toml:2: `limits.batch_ms` is 99999999999999999999; it takes a whole number from 1 to 50",
    ),
    (
        "[log]\nlevel = \"loud\"\n",
        "ward.toml:2: `log.level` is \"loud\"; it takes one of error, warn, info, debug, trace",
    ),
    (
        "[keys]\npassphrase = \"open sesame\"\n",
        "ward.toml:2: a secret does not belong into the configuration: write it into a file of mode 0600 and name that in `keys.passphrase_file`",
    ),
    (
        "[store]\npostgres_url = \"postgres://u:p@h/d\"\n",
        "ward.toml:2: a secret does not belong into the configuration: write it into a file of mode 0600 and name that in `store.postgres_url_file`",
    ),
    (
        "[keys]\nkind = \"passphrase\"\n",
        "ward.toml:2: `keys.passphrase_file` is missing: keys.kind is passphrase",
    ),
    (
        "[[listen]]\nworkers = 2\n",
        "ward.toml:1: `listen.interface` is missing: every entry of this list needs it",
    ),
    (
        "[[listen]]\ninterface = \"a0\"\n[[listen]]\ninterface = \"a0\"\nsensor = 5\n",
        "ward.toml:3: interface a0 is listed twice",
    ),
    (
        "[[listen]]\ninterface = \"a0\"\nsensor = 5\nworkers = 4\n[[watch]]\nfolder = \"/w\"\nsensor = 8\n",
        "configuration: sensor 8 stands for both a0 and /w: give one of them another `sensor`",
    ),
    (
        "[[watch]]\nfolder = \"/var/lib/ward/in\"\n",
        "configuration: the watched folder /var/lib/ward/in and the store's folder /var/lib/ward contain one another: keep them apart",
    ),
    (
        "[ledger]\norigin = \"https://x.example\"\n",
        "ward.toml:2: `ledger.origin` is \"https://x.example\"; it takes a name without scheme, spaces and +, such as ward.example.org/site-1",
    ),
    (
        "[http]\naddress = \"localhost\"\n",
        "ward.toml:2: `http.address` is \"localhost\"; it takes ADDRESS:PORT such as 127.0.0.1:8790, or off",
    ),
    ("listen = \"a0\"\n", "ward.toml:1: `listen` is a string; it takes keys of its own: [[listen]]"),
    ("[site\n", "ward.toml:1: "),
];

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_way_out() {
    for (given, expected) in WRONG {
        let error = file(given).unwrap_err();
        assert!(error.starts_with(expected), "{given:?}\n{error}\n{expected}");
    }
}

#[test]
fn http_is_for_this_machine_only_and_says_why() {
    for address in ["0.0.0.0:80", "192.0.2.1:80", "[::]:80"] {
        let error = file(&format!("[http]\naddress = \"{address}\"")).unwrap_err();
        assert!(error.contains("loopback") && error.contains("no sign-in yet"), "{error}");
    }
    assert!(file("[http]\naddress = \"[::1]:80\"").unwrap().http.address.unwrap().is_ipv6());
    assert_eq!(file("[http]\naddress = \"off\"").unwrap().http.address, None);
}

#[test]
fn everything_wrong_is_told_at_once_and_secrets_are_not_repeated() {
    let error = parse(
        "[limits]\nbatch_ms = 51\nnope_xyzzy = 1\n[keys]\npin = \"1234567\"\n",
        &[("WARD_LIMITS_BATCH_SM", "1"), ("WARD_LOG_LEVEL", "loud"), ("WARD_CORPUS", "/x")],
        &Flags { set: vec!["log.format".into(), "a.b=c".into()], ..Flags::default() },
    )
    .unwrap_err();
    assert_eq!(error.lines().count(), 7, "{error}");
    assert!(
        error.contains(
            "environment variable WARD_LIMITS_BATCH_SM: there is no `limits.batch_sm`; did you mean"
        ),
        "{error}"
    );
    assert!(!error.contains("1234567"), "{error}");
}

#[test]
fn witnesses_need_a_name_a_url_a_key_and_an_origin() {
    let key = format!("w.example+0f0e0d0c+{}", "A".repeat(44));
    let witness = |name: &str, url: &str, key: &str| {
        format!("[[ledger.witnesses]]\nname = \"{name}\"\nurl = \"{url}\"\nkey = \"{key}\"\n")
    };
    let own = "[ledger]\norigin = \"x.example/1\"\n";
    let config = file(&format!("{own}{}", witness("w.example", "https://w.example", &key))).unwrap();
    assert_eq!(config.ledger.witnesses[0].key, key);
    let error = file(&witness("w.example", "https://w.example", &key)).unwrap_err();
    assert!(error.contains("`ledger.origin` is missing: witnesses know the ledger by it"), "{error}");
    let error = file(&format!("{own}{}", witness("other", "ftp://w", "rubbish"))).unwrap_err();
    assert_eq!(error.lines().count(), 2, "{error}");
}

#[test]
fn the_file_is_bounded_and_must_be_there_when_it_is_named() {
    let folder = Folder::new("config-bounds");
    let check = |path: &Path| {
        let output = command().args(["config", "check", "--config"]).arg(path).output().unwrap();
        (output.status.code(), text(&output.stdout))
    };
    let (code, told) = check(&folder.path("missing.toml"));
    assert_eq!(code, Some(3));
    assert!(told.contains("missing.toml: cannot be read"), "{told}");
    let (code, told) = check(&folder.write("large.toml", &vec![b'#'; 1024 * 1024 + 1]));
    assert_eq!(code, Some(3));
    assert!(told.contains("larger than 1048576 bytes"), "{told}");
}

#[test]
fn check_explains_every_value() {
    let folder = Folder::new("config-check");
    let path = folder.write("ward.toml", b"[site]\nname = \"St Brannoc's\"\n[[watch]]\nfolder = \"/w\"\n");
    let run = |arguments: &[&str]| {
        let mut command = command();
        command.args(["config", "check", "--config"]).arg(&path).args(arguments);
        let output = command.env_remove("STATE_DIRECTORY").env("WARD_LOG_LEVEL", "warn").output().unwrap();
        (output.status.code(), text(&output.stdout))
    };
    let (code, page) = run(&["--http", "off"]);
    assert_eq!(code, Some(0));
    let name = format!(
        "site.name = St Brannoc's   [{}:2]\n    name of the site as people know it; takes text",
        path.display()
    );
    assert!(page.contains(&name), "{page}");
    assert!(page.contains("log.level = warn   [environment variable WARD_LOG_LEVEL]"), "{page}");
    let (code, json) = run(&["--json"]);
    assert_eq!(code, Some(0));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["sound"], true);
    let keys: Vec<&str> =
        json["values"].as_array().unwrap().iter().map(|v| v["key"].as_str().unwrap()).collect();
    for key in KEYS.iter().filter(|key| key.variable().is_some()) {
        assert!(keys.contains(&key.name), "{}", key.name);
    }
    assert!(keys.contains(&"watch[0].settle_s"));
    let (code, page) = run(&["--set", "limits.batch_ms=99"]);
    assert_eq!(code, Some(1));
    assert!(page.starts_with("wrong: flag --set: `limits.batch_ms` is 99"), "{page}");
}

/// The example with the comment marks of its keys taken away says the defaults, and names every key.
#[test]
fn the_annotated_example_is_the_default() {
    let printed = command().args(["config", "default"]).output().unwrap();
    assert_eq!(text(&printed.stdout), EXAMPLE);
    assert_eq!(file(EXAMPLE).unwrap(), {
        let mut same = file("").unwrap();
        same.raw = file(EXAMPLE).unwrap().raw;
        same
    });
    let mut section = String::new();
    let mut named = Vec::new();
    for line in EXAMPLE.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']).to_owned();
        } else if let Some((leaf, value)) = line.split_once(" = ")
            && leaf.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            let key = KEYS.iter().find(|key| key.name == format!("{section}.{leaf}"));
            let key = key.unwrap_or_else(|| panic!("the example has {section}.{leaf}"));
            if !key.default.is_empty() {
                assert_eq!(value.trim_matches('"'), key.default, "{}", key.name);
            }
            named.push(key.name);
        }
    }
    let all: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(named, all);
}

/// The tables that docs/operate/configuration.md must hold.
#[test]
fn every_key_is_documented_as_it_is() {
    let page = std::fs::read_to_string(support::root().join("docs/operate/configuration.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = KEYS
        .iter()
        .map(|key| {
            let default = match key.default {
                "" => "—".to_owned(),
                default => format!("`{default}`"),
            };
            format!("| `{}` | {} | {default} | {} |", key.name, key.kind.allowed(), key.means)
        })
        .collect();
    assert_eq!(rows, expected, "the rows should be\n{}", expected.join("\n"));
    for list in LISTS {
        assert!(page.contains(&format!("`[[{list}]]`")), "{list}");
    }
}

/// The table that docs/operate/metrics.md must hold.
#[test]
fn every_metric_is_documented_as_it_is() {
    let page = std::fs::read_to_string(support::root().join("docs/operate/metrics.md")).unwrap();
    // Those of `serve` are compared by up::metrics.
    let is_own = |line: &&str| line.starts_with("| `") && !line.starts_with("| `ward_serve_");
    let rows: Vec<&str> = page.lines().filter(is_own).collect();
    let expected: Vec<String> = ward::measure::ALL
        .iter()
        .map(|metric| {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            format!(
                "| `{}` | {} | {} | {} |",
                metric.name,
                metric.kind.name(),
                labels.join(", "),
                metric.help
            )
        })
        .collect();
    assert_eq!(rows, expected, "the rows should be\n{}", expected.join("\n"));
}
