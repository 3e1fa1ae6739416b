//! A witness's configuration: a TOML file, or the same by flags.
//!
//! It must not guess: a name that it does not know, or a log without a key, is an error that says so.

use super::error::WitnessError;
use super::rate::Rates;
use serde::Deserialize;
use serve::Address;
use std::path::{Path, PathBuf};
use trust::tlog::{KnownLog, VerifierKey};

/// Bytes of the largest configuration that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Everything a witness needs to start.
#[derive(Debug)]
pub struct Settings {
    /// Where its state is.
    pub folder: PathBuf,
    /// File of its private key.
    pub key: PathBuf,
    /// Where it listens.
    pub listen: Address,
    /// For whom.
    pub logs: Vec<KnownLog>,
    /// How often it may be asked.
    pub rates: Rates,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    folder: PathBuf,
    key: PathBuf,
    listen: String,
    requests_per_second: Option<u32>,
    cosignatures_per_minute: Option<u32>,
    #[serde(default, rename = "log")]
    logs: Vec<Log>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    /// As in its checkpoints; the name of its first key, where it is not given.
    origin: Option<String>,
    keys: Vec<String>,
}

impl Settings {
    /// Reads a configuration file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`WitnessError::Settings`] with file and place, [`WitnessError::File`].
    pub fn read(path: &Path) -> Result<Self, WitnessError> {
        let failed = |error| WitnessError::file(path, error);
        if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
            return Err(WitnessError::Settings(format!(
                "{}: more than {FILE_BYTES_MAX} bytes",
                path.display()
            )));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let here = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, here).map_err(|why| WitnessError::Settings(format!("{}: {why}", path.display())))
    }

    fn parse(text: &str, here: &Path) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|error| error.to_string())?;
        let usual = Rates::default();
        Ok(Self {
            folder: here.join(document.folder),
            key: here.join(document.key),
            listen: document.listen.parse().map_err(|error| format!("listen: {error}"))?,
            logs: document.logs.into_iter().map(known).collect::<Result<_, _>>()?,
            rates: Rates {
                requests_per_second: document.requests_per_second.unwrap_or(usual.requests_per_second),
                cosignatures_per_minute: document
                    .cosignatures_per_minute
                    .unwrap_or(usual.cosignatures_per_minute),
            },
        })
    }

    /// A log by its verifier key alone: its origin is the key's name, as the standard advises.
    ///
    /// # Errors
    /// [`WitnessError::Settings`].
    pub fn log(key: &str) -> Result<KnownLog, WitnessError> {
        known(Log { origin: None, keys: vec![key.to_owned()] }).map_err(WitnessError::Settings)
    }
}

fn known(log: Log) -> Result<KnownLog, String> {
    let parse = |key: &String| VerifierKey::parse(key).map_err(|error| format!("log: {error}"));
    let keys: Vec<VerifierKey> = log.keys.iter().map(parse).collect::<Result<_, _>>()?;
    let first = keys.first().ok_or("log: it has no verifier key: add keys = [\"name+id+key\"]")?;
    Ok(KnownLog { origin: log.origin.unwrap_or_else(|| first.name().to_owned()), keys })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VKEY: &str = "example.com/foo+530a903d+ATO2JMhHfMNaJ+QIkl3aClrPfRgGuZ6wmMqz5RTz5tBk";

    fn key() -> String {
        let key = VerifierKey::new("example.com/log", trust::tlog::Algorithm::Ed25519, [3; 32]).unwrap();
        key.to_string()
    }

    #[test]
    fn a_file_is_read() {
        let text = format!(
            "folder = \"state\"\nkey = \"/etc/w.key\"\nlisten = \"127.0.0.1:8088\"\ncosignatures_per_minute = 6\n\
             [[log]]\nkeys = [\"{0}\"]\n[[log]]\norigin = \"other\"\nkeys = [\"{0}\"]\n",
            key()
        );
        let settings = Settings::parse(&text, Path::new("/etc/ward")).unwrap();
        assert_eq!((settings.folder, settings.key), ("/etc/ward/state".into(), "/etc/w.key".into()));
        let origins: Vec<_> = settings.logs.iter().map(|log| log.origin.as_str()).collect();
        assert_eq!(origins, ["example.com/log", "other"]);
        assert_eq!(settings.rates, Rates { cosignatures_per_minute: 6, ..Rates::default() });
    }

    #[test]
    fn what_is_wrong_is_named() {
        let start = "folder = \"s\"\nkey = \"k\"\n";
        for (text, why) in [
            (format!("{start}listen = \"0.0.0.0:1\""), "0.0.0.0:1"),
            (format!("{start}listen = \"127.0.0.1:1\"\nport = 1"), "port"),
            (format!("{start}listen = \"127.0.0.1:1\"\n[[log]]\nkeys = []"), "no verifier key"),
            (format!("{start}listen = \"127.0.0.1:1\"\n[[log]]\nkeys = [\"{VKEY}\"]"), "log: "),
            (start.to_owned(), "listen"),
        ] {
            let said = Settings::parse(&text, Path::new("")).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
