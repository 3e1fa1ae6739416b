//! The configuration of a run: `ward.toml`, then `WARD_…` variables, then flags; later wins. Strict, and every effective
//! value can say where it came from. Secrets are never in it, only the names of files that hold them.
//! Documented in docs/operate/configuration.md, which a test compares with [`KEYS`].

mod error;
mod explain;
mod keys;
mod read;
mod resolve;

pub use error::{ConfigError, Fault};
pub use explain::{Explained, explain, remarks};
pub use keys::{KEYS, Key, Kind, LISTS};
pub use read::{Entry, FILE_BYTES_MAX, Flags, Given, Origin, Raw, Value};

use model::{DomainId, SensorId, SiteId};
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Read when no file is named and it is there.
pub const FILE_DEFAULT: &str = "/etc/ward/ward.toml";

/// The annotated example, which says the defaults.
pub const EXAMPLE: &str = include_str!("../../../../packaging/ward.toml");

/// A configuration that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The site.
    pub site: Site,
    /// Where the rows are.
    pub store: Store,
    /// Where the key-encryption key comes from.
    pub keys: Keys,
    /// Interfaces to listen on.
    pub listen: Vec<Listen>,
    /// Folders to watch.
    pub watch: Vec<Watch>,
    /// The HTTP server.
    pub http: Http,
    /// The ledger.
    pub ledger: Ledger,
    /// Bounds.
    pub limits: Limits,
    /// Logs.
    pub log: Log,
    /// What it was resolved from, defaults included.
    pub raw: Raw,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its number.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// IANA name of its time zone; that it exists is for `ward doctor` to see.
    pub time_zone: String,
}

/// Where the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Folder of database, lock and keyring; with PostgreSQL of the keyring alone.
    pub folder: PathBuf,
    /// File with the URL of a PostgreSQL database.
    pub postgres_url_file: Option<PathBuf>,
}

/// Where the key-encryption key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// 32 bytes in a file.
    File {
        /// The file.
        file: PathBuf,
    },
    /// A passphrase in a file.
    Passphrase {
        /// The file.
        file: PathBuf,
    },
    /// A systemd credential.
    Credential {
        /// Its name in `$CREDENTIALS_DIRECTORY`.
        name: String,
    },
    /// A token.
    Pkcs11 {
        /// Its shared library.
        module: PathBuf,
        /// Label of the token.
        token: String,
        /// Label of the key.
        label: String,
        /// File with the PIN.
        pin_file: PathBuf,
    },
}

impl Keys {
    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Passphrase { .. } => "passphrase",
            Self::Credential { .. } => "credential",
            Self::Pkcs11 { .. } => "pkcs11",
        }
    }
}

/// An interface to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Its name.
    pub interface: String,
    /// Number of its first worker's sensor; the others follow.
    pub sensor: SensorId,
    /// Address domain.
    pub domain: DomainId,
    /// Threads that share the traffic.
    pub workers: usize,
    /// The kernel's ring, in bytes over all workers.
    pub ring_bytes: usize,
    /// Listen although the machine can send there.
    pub own_interface: bool,
    /// Make it silent first.
    pub prepare_interface: bool,
}

/// A folder to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The folder.
    pub folder: PathBuf,
    /// Seconds without change before a file is read.
    pub settle_s: u64,
    /// Number of the sensor of its captures.
    pub sensor: SensorId,
    /// Address domain.
    pub domain: DomainId,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// A loopback address; `None`: no server.
    pub address: Option<SocketAddr>,
}

/// The ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Its name in checkpoints.
    pub origin: String,
    /// Who cosigns.
    pub witnesses: Vec<Witness>,
}

/// Somebody who cosigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Name in its key.
    pub name: String,
    /// Where to ask.
    pub url: String,
    /// Signed-note verifier key.
    pub key: String,
}

/// Bounds on what input can grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records waiting for the core.
    pub queue_records: usize,
    /// Records a listener keeps while the queue is full.
    pub pending_records: usize,
    /// Records of a transaction.
    pub batch_records: usize,
    /// Age of a transaction in milliseconds.
    pub batch_ms: u64,
    /// Hot views in bytes.
    pub views_bytes: usize,
    /// Endpoints of the site.
    pub subjects_max: usize,
    /// Conversations of an engine.
    pub flows_max: usize,
}

/// Logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// Least level written.
    pub level: LogLevel,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Levels, from the gravest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something deserves a look.
    Warn,
    /// What happens now and then.
    Info,
    /// For finding out why.
    Debug,
    /// Everything.
    Trace,
}

/// Reads the configuration of this process: `file` if named, else [`FILE_DEFAULT`] if it is there; the environment; flags.
///
/// # Errors
/// Everything that is wrong at once, each with its place.
pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Config, ConfigError> {
    let variables: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
        .collect();
    let named = file.map(Path::to_path_buf).or_else(|| {
        let variable = variables.iter().find(|(name, _)| name == "WARD_CONFIG");
        variable.map(|(_, path)| PathBuf::from(path))
    });
    let implied = Some(PathBuf::from(FILE_DEFAULT)).filter(|path| path.exists());
    let text = match named.or(implied) {
        Some(path) => Some((read_file(&path).map_err(|fault| ConfigError(vec![fault]))?, path)),
        None => None,
    };
    let text = text.as_ref().map(|(text, path)| (text.as_str(), path.as_path()));
    let mut config = parse(text, &variables, flags)?;
    config.ledger.origin = crate::up::ledger_name::in_force(&config.store.folder, &config.ledger.origin);
    Ok(config)
}

/// The configuration that results from these; nothing else is looked at.
///
/// # Errors
/// As [`load`].
pub fn parse(
    file: Option<(&str, &Path)>,
    variables: &[(String, String)],
    flags: &Flags,
) -> Result<Config, ConfigError> {
    let (mut raw, mut faults) = (Raw::default(), Vec::new());
    if let Some((text, path)) = file {
        read::file(text, path, &mut raw, &mut faults);
    }
    read::environment(variables, &mut raw, &mut faults);
    read::flags(flags, &mut raw, &mut faults);
    let state =
        variables.iter().find(|(name, _)| name == "STATE_DIRECTORY").map(|(_, folder)| folder.as_str());
    resolve::resolve(raw, state, faults)
}

fn read_file(path: &Path) -> Result<String, Fault> {
    let unreadable = |source| Fault::Unreadable { file: path.to_path_buf(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(Fault::TooLarge { file: path.to_path_buf(), bytes_max: FILE_BYTES_MAX });
    }
    Ok(text)
}
