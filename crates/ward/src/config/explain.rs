//! Every effective value in words: what it is, where it came from, what it means.

use super::Config;
use super::keys::{KEYS, Key, LISTS};
use super::read::{Given, Origin};
use serde::Serialize;
use std::collections::BTreeMap;

/// One line of the explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The key; of the second and later entry of a list with its place: `watch[1].folder`.
    pub key: String,
    /// The effective value; `None`: not set.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: String,
    /// What it means.
    pub means: &'static str,
    /// What it takes.
    pub allowed: String,
    /// The variable that sets it.
    pub variable: Option<String>,
}

/// All keys in the order of [`KEYS`], those of lists for each of their entries.
pub fn explain(config: &Config) -> Vec<Explained> {
    let mut lines = Vec::new();
    let raw = &config.raw;
    for key in KEYS.iter().filter(|key| key.variable().is_some()) {
        lines.push(line(key, key.name.to_owned(), raw.values.get(key.name), config));
    }
    for section in LISTS {
        for (number, entry) in raw.lists.get(section).into_iter().flatten().enumerate() {
            for key in KEYS.iter().filter(|key| key.section() == *section) {
                let name = format!("{section}[{number}].{}", key.leaf());
                lines.push(line(key, name, entry.values.get(key.name), config));
            }
        }
    }
    lines
}

fn line(key: &Key, name: String, given: Option<&Given>, config: &Config) -> Explained {
    let derived = || match key.name {
        "ledger.origin" => Some(config.ledger.origin.clone()),
        _ => None,
    };
    Explained {
        value: given.map(|given| given.value.to_string()).or_else(derived),
        origin: given.map_or(&Origin::Default, |given| &given.origin).to_string(),
        key: name,
        means: key.means,
        allowed: key.kind.allowed(),
        variable: key.variable(),
    }
}

/// What is allowed, and probably not meant.
pub fn remarks(config: &Config) -> Vec<String> {
    let mut remarks = Vec::new();
    if config.listen.is_empty() && config.watch.is_empty() {
        remarks.push("nothing to listen to and no folder to watch: add [[listen]] or [[watch]]".to_owned());
    }
    if let super::Keys::File { file } = &config.keys
        && file.starts_with(&config.store.folder)
    {
        remarks.push("the key lies in the store's folder: who copies the folder can read it".to_owned());
    }
    let unused = ["keys.passphrase_file", "keys.module", "keys.token", "keys.pin_file"];
    let given: BTreeMap<_, _> = config.raw.values.iter().collect();
    for key in unused.iter().filter(|key| given.contains_key(*key)) {
        let belongs = if *key == "keys.passphrase_file" { "passphrase" } else { "pkcs11" };
        let kind = config.keys.kind();
        if kind != belongs {
            remarks.push(format!("`{key}` has no effect: keys.kind is {kind}"));
        }
    }
    remarks
}
