//! From values to a configuration that can be run: defaults filled in, and everything that must fit together checked.

use super::error::{ConfigError, Fault};
use super::keys::{self, Key};
use super::read::{self, Entry, Given, Origin, Raw, Value};
use super::{
    Config, Http, Keys, Ledger, Limits, Listen, Log, LogFormat, LogLevel, Site, Store, Watch, Witness,
};
use model::{DomainId, SensorId, SiteId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Number of the first listener's first sensor, and how far apart listeners are, unless the configuration says.
const LISTEN_SENSOR_FIRST: u32 = 1000;
const LISTEN_SENSOR_STEP: u32 = 64;
const MIB: usize = 1024 * 1024;

/// Fills in defaults, then builds and checks.
pub(super) fn resolve(
    mut raw: Raw,
    state_folder: Option<&str>,
    faults: Vec<Fault>,
) -> Result<Config, ConfigError> {
    let mut builder = Builder { faults };
    if let Some(folder) = state_folder {
        let origin = Origin::Environment("STATE_DIRECTORY".to_owned());
        raw.values
            .entry("store.folder")
            .or_insert_with(|| Given { value: Value::Text(folder.to_owned()), origin });
    }
    fill_in(&mut raw.values, |key| key.variable().is_some());
    for (section, entries) in &mut raw.lists {
        for entry in entries {
            fill_in(&mut entry.values, |key| key.section() == *section);
        }
    }
    let config = builder.build(raw);
    match builder.faults {
        faults if faults.is_empty() => Ok(config),
        faults => Err(ConfigError(faults)),
    }
}

fn fill_in(values: &mut BTreeMap<&'static str, Given>, belongs: impl Fn(&Key) -> bool) {
    for key in keys::KEYS.iter().filter(|key| belongs(key) && !key.default.is_empty()) {
        if let Ok(value) = read::from_text(key, key.default) {
            values.entry(key.name).or_insert(Given { value, origin: Origin::Default });
        }
    }
}

struct Builder {
    faults: Vec<Fault>,
}

type Values = BTreeMap<&'static str, Given>;

fn text(values: &Values, name: &str) -> Option<String> {
    match &values.get(name)?.value {
        Value::Text(text) => Some(text.clone()),
        Value::Whole(_) | Value::Flag(_) => None,
    }
}

fn path(values: &Values, name: &str) -> Option<PathBuf> {
    text(values, name).map(PathBuf::from)
}

fn whole(values: &Values, name: &str) -> Option<i64> {
    match values.get(name)?.value {
        Value::Whole(number) => Some(number),
        Value::Text(_) | Value::Flag(_) => None,
    }
}

/// The reader has checked the range, so a default stands only in for what cannot happen.
fn number<N: TryFrom<i64> + Default>(values: &Values, name: &str) -> N {
    whole(values, name).and_then(|number| N::try_from(number).ok()).unwrap_or_default()
}

fn is_set(values: &Values, name: &str) -> bool {
    values.get(name).is_some_and(|given| given.value == Value::Flag(true))
}

fn place(values: &Values, name: &str) -> String {
    values.get(name).map_or_else(|| "configuration".to_owned(), |given| given.origin.to_string())
}

impl Builder {
    fn build(&mut self, raw: Raw) -> Config {
        let values = &raw.values;
        let id = SiteId(number(values, "site.id"));
        let entries = |section| raw.lists.get(section).map_or(&[] as &[Entry], Vec::as_slice);
        let config = Config {
            site: Site {
                id,
                name: text(values, "site.name").unwrap_or_default(),
                time_zone: self.time_zone(values),
            },
            store: Store {
                folder: path(values, "store.folder").unwrap_or_default(),
                postgres_url_file: path(values, "store.postgres_url_file"),
            },
            keys: self.keys(values),
            listen: self.listen(entries("listen")),
            watch: self.watch(entries("watch")),
            http: Http { address: self.address(values) },
            ledger: Ledger {
                origin: self.ledger_origin(values, id, !entries("ledger.witnesses").is_empty()),
                witnesses: self.witnesses(entries("ledger.witnesses")),
            },
            limits: limits(values),
            log: log(values),
            raw: raw.clone(),
        };
        self.sensors(&config);
        self.folders(&config);
        config
    }

    fn conflict(&mut self, place: String, what: impl Into<String>) {
        self.faults.push(Fault::Conflict { place, what: what.into() });
    }

    fn wrong(&mut self, values: &Values, name: &str, allowed: &str) {
        let found = text(values, name).map_or_else(String::new, |text| super::error::quoted(&text));
        let (place, allowed) = (place(values, name), allowed.to_owned());
        self.faults.push(Fault::WrongValue { place, key: name.to_owned(), found, allowed });
    }

    fn time_zone(&mut self, values: &Values) -> String {
        let zone = text(values, "site.time_zone").unwrap_or_default();
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
        if !zone.chars().all(is_letter) || zone.split('/').any(str::is_empty) {
            self.wrong(values, "site.time_zone", "an IANA time zone such as Europe/London");
        }
        zone
    }

    fn keys(&mut self, values: &Values) -> Keys {
        let kind = text(values, "keys.kind").unwrap_or_default();
        match kind.as_str() {
            "passphrase" => {
                Keys::Passphrase { file: self.needed_path(values, "keys.passphrase_file", &kind) }
            }
            "credential" => {
                let name = text(values, "keys.credential").unwrap_or_default();
                if name.contains('/') || name == ".." {
                    self.wrong(values, "keys.credential", "the name of a credential, without folders");
                }
                Keys::Credential { name }
            }
            "pkcs11" => Keys::Pkcs11 {
                module: self.needed_path(values, "keys.module", &kind),
                token: self.needed(values, "keys.token", &kind),
                label: text(values, "keys.label").unwrap_or_default(),
                pin_file: self.needed_path(values, "keys.pin_file", &kind),
            },
            _ => Keys::File { file: path(values, "keys.file").unwrap_or_default() },
        }
    }

    fn needed(&mut self, values: &Values, key: &'static str, kind: &str) -> String {
        text(values, key).unwrap_or_else(|| {
            let why = format!("keys.kind is {kind}");
            self.faults.push(Fault::Missing { place: place(values, "keys.kind"), key, why });
            String::new()
        })
    }

    fn needed_path(&mut self, values: &Values, key: &'static str, kind: &str) -> PathBuf {
        PathBuf::from(self.needed(values, key, kind))
    }

    fn in_entry(&mut self, entry: &Entry, key: &'static str) -> String {
        text(&entry.values, key).unwrap_or_else(|| {
            let why = "every entry of this list needs it".to_owned();
            self.faults.push(Fault::Missing { place: entry.origin.to_string(), key, why });
            String::new()
        })
    }

    fn listen(&mut self, entries: &[Entry]) -> Vec<Listen> {
        let mut listen: Vec<Listen> = Vec::new();
        for (place_in_list, entry) in (0_u32..).zip(entries) {
            let values = &entry.values;
            let interface = self.in_entry(entry, "listen.interface");
            let is_name = |c: char| c.is_ascii_graphic() && c != '/';
            if !interface.chars().all(is_name) {
                self.wrong(values, "listen.interface", "the name of a network interface");
            }
            if listen.iter().any(|other| other.interface == interface) {
                self.conflict(entry.origin.to_string(), format!("interface {interface} is listed twice"));
            }
            let by_place =
                LISTEN_SENSOR_FIRST.saturating_add(place_in_list.saturating_mul(LISTEN_SENSOR_STEP));
            let (own, prepare) =
                (is_set(values, "listen.own_interface"), is_set(values, "listen.prepare_interface"));
            if own && prepare {
                let what = "own_interface and prepare_interface exclude each other: drop one";
                self.conflict(entry.origin.to_string(), what);
            }
            listen.push(Listen {
                interface,
                sensor: SensorId(sensor(values, "listen.sensor", by_place)),
                domain: DomainId(number(values, "listen.domain")),
                workers: number(values, "listen.workers"),
                ring_bytes: number::<usize>(values, "listen.ring_mib").saturating_mul(MIB),
                own_interface: own,
                prepare_interface: prepare,
            });
        }
        listen
    }

    fn watch(&mut self, entries: &[Entry]) -> Vec<Watch> {
        let mut watch: Vec<Watch> = Vec::new();
        for (by_place, entry) in (1_u32..).zip(entries) {
            let values = &entry.values;
            let folder = PathBuf::from(self.in_entry(entry, "watch.folder"));
            if watch.iter().any(|other| other.folder == folder) {
                self.conflict(
                    entry.origin.to_string(),
                    format!("folder {} is listed twice", folder.display()),
                );
            }
            watch.push(Watch {
                folder,
                settle_s: number(values, "watch.settle_s"),
                sensor: SensorId(sensor(values, "watch.sensor", by_place)),
                domain: DomainId(number(values, "watch.domain")),
            });
        }
        watch
    }

    /// Loopback only: who asks from elsewhere cannot be told apart yet.
    fn address(&mut self, values: &Values) -> Option<SocketAddr> {
        let given = text(values, "http.address").unwrap_or_default();
        if given == "off" {
            return None;
        }
        match given.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => return Some(address),
            Ok(_) => self.wrong(
                values,
                "http.address",
                "a loopback address for now, such as 127.0.0.1:8790: there is no sign-in yet, and nothing without one is served to others",
            ),
            Err(_) => self.wrong(values, "http.address", "ADDRESS:PORT such as 127.0.0.1:8790, or off"),
        }
        None
    }

    /// C2SP tlog-checkpoint: not empty, no white space, no plus sign; a schema-less URL.
    fn ledger_origin(&mut self, values: &Values, site: SiteId, has_witnesses: bool) -> String {
        let Some(origin) = text(values, "ledger.origin") else {
            if has_witnesses {
                let why =
                    "witnesses know the ledger by it; a name of your own such as ward.example.org/site-1";
                let place = "configuration".to_owned();
                self.faults.push(Fault::Missing { place, key: "ledger.origin", why: why.to_owned() });
            }
            return format!("localhost/site-{}", site.0);
        };
        if origin.contains("://") || origin.contains('+') || origin.chars().any(char::is_whitespace) {
            self.wrong(
                values,
                "ledger.origin",
                "a name without scheme, spaces and +, such as ward.example.org/site-1",
            );
        }
        origin
    }

    fn witnesses(&mut self, entries: &[Entry]) -> Vec<Witness> {
        let mut witnesses: Vec<Witness> = Vec::new();
        for entry in entries {
            let values = &entry.values;
            let name = self.in_entry(entry, "ledger.witnesses.name");
            let url = self.in_entry(entry, "ledger.witnesses.url");
            let key = self.in_entry(entry, "ledger.witnesses.key");
            if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
                self.wrong(values, "ledger.witnesses.url", "a URL that begins with https:// or http://");
            }
            if !key.is_empty() && !is_verifier_key(&key, &name) {
                self.wrong(
                    values,
                    "ledger.witnesses.key",
                    "a signed-note verifier key: the witness's name, its 8 hexadecimal digits and base64, with + between",
                );
            }
            if witnesses.iter().any(|other| other.name == name) {
                self.conflict(entry.origin.to_string(), format!("witness {name} is listed twice"));
            }
            witnesses.push(Witness { name, url, key });
        }
        witnesses
    }

    /// One number for one sensor: records of two under one number could not be told apart.
    fn sensors(&mut self, config: &Config) {
        let listen = config.listen.iter().map(|l| {
            let first = u64::from(l.sensor.0);
            (first, first + l.workers as u64, l.interface.clone())
        });
        let watch = config.watch.iter().map(|w| {
            let first = u64::from(w.sensor.0);
            (first, first + 1, w.folder.display().to_string())
        });
        let mut ranges: Vec<_> = listen.chain(watch).collect();
        ranges.sort();
        for pair in ranges.windows(2) {
            if let [(_, end, one), (first, _, other)] = pair
                && first < end
            {
                let what = format!(
                    "sensor {first} stands for both {one} and {other}: give one of them another `sensor`"
                );
                self.conflict("configuration".to_owned(), what);
            }
        }
    }

    /// What Ward writes must not be what Ward reads.
    fn folders(&mut self, config: &Config) {
        for watch in &config.watch {
            let (store, folder) = (&config.store.folder, &watch.folder);
            if lies_in(store, folder) || lies_in(folder, store) {
                let what = format!(
                    "the watched folder {} and the store's folder {} contain one another: keep them apart",
                    folder.display(),
                    store.display()
                );
                self.conflict("configuration".to_owned(), what);
            }
        }
    }
}

fn lies_in(inner: &Path, outer: &Path) -> bool {
    inner.starts_with(outer)
}

fn sensor(values: &Values, name: &str, otherwise: u32) -> u32 {
    whole(values, name).and_then(|number| u32::try_from(number).ok()).unwrap_or(otherwise)
}

fn is_verifier_key(key: &str, name: &str) -> bool {
    let mut parts = key.splitn(3, '+');
    let (named, id, data) = (parts.next(), parts.next(), parts.next());
    named == Some(name)
        && id.is_some_and(|id| id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit()))
        && data.is_some_and(|data| {
            let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
            data.len() >= 44 && data.bytes().all(base64)
        })
}

fn limits(values: &Values) -> Limits {
    Limits {
        queue_records: number(values, "limits.queue_records"),
        pending_records: number(values, "limits.pending_records"),
        batch_records: number(values, "limits.batch_records"),
        batch_ms: number(values, "limits.batch_ms"),
        views_bytes: number::<usize>(values, "limits.views_mib").saturating_mul(MIB),
        subjects_max: number(values, "limits.subjects_max"),
        flows_max: number(values, "limits.flows_max"),
    }
}

fn log(values: &Values) -> Log {
    let format = match text(values, "log.format").as_deref() {
        Some("json") => LogFormat::Json,
        _ => LogFormat::Text,
    };
    let level = match text(values, "log.level").as_deref() {
        Some("error") => LogLevel::Error,
        Some("warn") => LogLevel::Warn,
        Some("debug") => LogLevel::Debug,
        Some("trace") => LogLevel::Trace,
        _ => LogLevel::Info,
    };
    Log { format, level }
}
