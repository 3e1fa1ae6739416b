//! From file, environment and flags to values with their origin. Later ones win: file, then environment, then flags.
//! Strict: what is not a known key is an error, with its place and the name that was probably meant.

use super::error::{Fault, quoted};
use super::keys::{KEYS, Key, Kind, LISTS, SECRETS, find, nearest};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Largest configuration file, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Most entries of a list section.
const ENTRIES_MAX: usize = 1024;

/// A value as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, paths included.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// Yes or no.
    Flag(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// A file, in a line from 1.
    File(Arc<str>, usize),
    /// An environment variable.
    Environment(String),
    /// A flag on the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{file}:{line}"),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A value and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// One entry of a list section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins.
    pub origin: Origin,
    /// Its values, by full key name.
    pub values: BTreeMap<&'static str, Given>,
}

/// Everything given, unresolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// Values by full key name.
    pub values: BTreeMap<&'static str, Given>,
    /// Entries of list sections, by section.
    pub lists: BTreeMap<&'static str, Vec<Entry>>,
}

/// What the command line may set.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--set KEY=VALUE`.
    pub set: Vec<String>,
    /// `--store FOLDER`.
    pub store: Option<String>,
    /// `--listen INTERFACE`, several; replaces the list.
    pub listen: Vec<String>,
    /// `--watch FOLDER`, several; replaces the list.
    pub watch: Vec<String>,
    /// `--http ADDRESS`.
    pub http: Option<String>,
}

/// Reads TOML into `raw`.
pub(super) fn file(text: &str, path: &Path, raw: &mut Raw, faults: &mut Vec<Fault>) {
    let file: Arc<str> = path.display().to_string().into();
    match DeTable::parse(text) {
        Ok(table) => Reader { text, file, raw, faults }.table("", table.get_ref()),
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            faults.push(Fault::Syntax { place: format!("{file}:{line}"), what: error.message().to_owned() });
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

struct Reader<'a> {
    text: &'a str,
    file: Arc<str>,
    raw: &'a mut Raw,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn origin(&self, offset: usize) -> Origin {
        Origin::File(Arc::clone(&self.file), line_of(self.text, offset))
    }

    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        // By place in the file, so that the first fault told is the first one there.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let full = full_name(section, name.get_ref());
            let origin = self.origin(name.span().start);
            match value.get_ref() {
                DeValue::Array(items) if LISTS.contains(&full.as_str()) => self.list(&full, items.iter()),
                DeValue::Table(inner) if is_section(&full) && !LISTS.contains(&full.as_str()) => {
                    self.table(&full, inner);
                }
                scalar => match self.leaf(&full, scalar, &origin) {
                    Ok((key, value)) => drop(self.raw.values.insert(key.name, Given { value, origin })),
                    Err(fault) => self.faults.push(fault),
                },
            }
        }
    }

    fn list<'i, 'v: 'i>(&mut self, section: &str, items: impl Iterator<Item = &'i Spanned<DeValue<'v>>>) {
        let Some(&section) = LISTS.iter().find(|list| **list == section) else { return };
        for item in items {
            let origin = self.origin(item.span().start);
            let Some(table) = item.get_ref().as_table() else {
                let allowed = format!("tables: [[{section}]]");
                self.faults.push(wrong(&origin, section, item.get_ref().type_str().to_owned(), allowed));
                continue;
            };
            let mut entry = Entry { origin, values: BTreeMap::new() };
            for (name, value) in table {
                let full = full_name(section, name.get_ref());
                let origin = self.origin(name.span().start);
                match self.leaf(&full, value.get_ref(), &origin) {
                    Ok((key, value)) => drop(entry.values.insert(key.name, Given { value, origin })),
                    Err(fault) => self.faults.push(fault),
                }
            }
            push(self.raw, section, entry, self.faults);
        }
    }

    fn leaf(&self, name: &str, value: &DeValue<'_>, origin: &Origin) -> Result<(&'static Key, Value), Fault> {
        if is_section(name) {
            let section = if LISTS.contains(&name) { format!("[[{name}]]") } else { format!("[{name}]") };
            return Err(wrong(
                origin,
                name,
                format!("a {}", value.type_str()),
                format!("keys of its own: {section}"),
            ));
        }
        let key = find(name).ok_or_else(|| unknown(origin, name))?;
        let given = match value {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Integer(number) => {
                let digits = number.as_str().replace('_', "");
                match i64::from_str_radix(&digits, number.radix()) {
                    Ok(number) => Value::Whole(number),
                    Err(_) => return Err(wrong(origin, name, digits, key.kind.allowed())),
                }
            }
            other => return Err(wrong(origin, name, format!("a {}", other.type_str()), key.kind.allowed())),
        };
        check(key, given).map(|value| (key, value)).map_err(|found| refused(origin, key, found))
    }
}

fn full_name(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.section() == name || key.section().starts_with(&format!("{name}.")))
}

fn push(raw: &mut Raw, section: &'static str, entry: Entry, faults: &mut Vec<Fault>) {
    let entries = raw.lists.entry(section).or_default();
    if entries.len() < ENTRIES_MAX {
        entries.push(entry);
    } else if entries.len() == ENTRIES_MAX {
        let what = format!("more than {ENTRIES_MAX} of [[{section}]]");
        faults.push(Fault::Conflict { place: entry.origin.to_string(), what });
    }
}

fn unknown(origin: &Origin, name: &str) -> Fault {
    let place = origin.to_string();
    match SECRETS.iter().find(|(secret, _)| *secret == name) {
        Some((_, instead)) => Fault::Secret { place, instead },
        None => {
            let key = name.chars().take(80).collect();
            Fault::UnknownKey { place, key, nearest: nearest(name) }
        }
    }
}

fn wrong(origin: &Origin, key: &str, found: String, allowed: String) -> Fault {
    Fault::WrongValue { place: origin.to_string(), key: key.to_owned(), found, allowed }
}

fn refused(origin: &Origin, key: &Key, found: Value) -> Fault {
    let found = match found {
        Value::Text(text) => quoted(&text),
        other => other.to_string(),
    };
    wrong(origin, key.name, found, key.kind.allowed())
}

/// The value if the key takes it; otherwise it comes back.
fn check(key: &Key, value: Value) -> Result<Value, Value> {
    let is_allowed = match (&value, key.kind) {
        (Value::Text(text), Kind::Text { bytes_max }) => {
            !text.is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
        }
        (Value::Text(text), Kind::Path) => !text.is_empty() && !text.contains('\0') && text.len() <= 4096,
        (Value::Text(text), Kind::OneOf(words)) => words.contains(&text.as_str()),
        (Value::Whole(number), Kind::Whole { min, max }) => (min..=max).contains(number),
        (Value::Flag(_), Kind::Flag) => true,
        _ => false,
    };
    if is_allowed { Ok(value) } else { Err(value) }
}

/// A value from text, as variables and flags give it.
pub(super) fn from_text(key: &Key, text: &str) -> Result<Value, Value> {
    let value = match key.kind {
        Kind::Whole { .. } => text.trim().parse().map(Value::Whole).ok(),
        Kind::Flag => text.trim().parse().map(Value::Flag).ok(),
        Kind::Text { .. } | Kind::Path | Kind::OneOf(_) => None,
    };
    check(key, value.unwrap_or_else(|| Value::Text(text.to_owned())))
}

/// Reads variables into `raw`: those named after a key, and the two lists `WARD_LISTEN` (commas between) and `WARD_WATCH`
/// (colons between). Others that begin with WARD_ and a section are errors.
pub(super) fn environment(variables: &[(String, String)], raw: &mut Raw, faults: &mut Vec<Fault>) {
    for (variable, text) in variables.iter().filter(|(variable, _)| variable.starts_with("WARD_")) {
        let origin = Origin::Environment(variable.clone());
        match variable.as_str() {
            "WARD_LISTEN" => replace_list(raw, "listen.interface", text.split(','), &origin, faults),
            "WARD_WATCH" => replace_list(raw, "watch.folder", text.split(':'), &origin, faults),
            _ => match KEYS.iter().find(|key| key.variable().as_ref() == Some(variable)) {
                Some(key) => set(raw, key, text, origin, faults),
                None if names_a_section(variable) => {
                    let name = variable.trim_start_matches("WARD_").to_lowercase().replacen('_', ".", 1);
                    faults.push(unknown(&origin, &name));
                }
                None => {}
            },
        }
    }
}

/// Whether a variable looks as if it were meant for the configuration: `WARD_LIMITS_…`.
fn names_a_section(variable: &str) -> bool {
    KEYS.iter().any(|key| {
        let section = key.section().split('.').next().unwrap_or_default().to_uppercase();
        variable
            .strip_prefix("WARD_")
            .and_then(|rest| rest.strip_prefix(&section))
            .is_some_and(|rest| rest.starts_with('_'))
    })
}

/// Reads flags into `raw`.
pub(super) fn flags(flags: &Flags, raw: &mut Raw, faults: &mut Vec<Fault>) {
    for pair in &flags.set {
        let origin = Origin::Flag("--set");
        match pair.split_once('=') {
            Some((name, text)) => match find(name).filter(|key| key.variable().is_some()) {
                Some(key) => set(raw, key, text, origin, faults),
                None => faults.push(unknown(&origin, name)),
            },
            None => faults.push(wrong(&origin, "--set", quoted(pair), "KEY=VALUE".to_owned())),
        }
    }
    let singles = [("store.folder", &flags.store, "--store"), ("http.address", &flags.http, "--http")];
    for (name, given, flag) in singles {
        if let (Some(text), Some(key)) = (given, find(name)) {
            set(raw, key, text, Origin::Flag(flag), faults);
        }
    }
    let lists = [("listen.interface", &flags.listen, "--listen"), ("watch.folder", &flags.watch, "--watch")];
    for (name, given, flag) in lists {
        if !given.is_empty() {
            replace_list(raw, name, given.iter().map(String::as_str), &Origin::Flag(flag), faults);
        }
    }
}

fn set(raw: &mut Raw, key: &'static Key, text: &str, origin: Origin, faults: &mut Vec<Fault>) {
    match from_text(key, text) {
        Ok(value) => drop(raw.values.insert(key.name, Given { value, origin })),
        Err(found) => faults.push(refused(&origin, key, found)),
    }
}

/// One entry for each name. An entry of that name in the file keeps its other settings.
fn replace_list<'t>(
    raw: &mut Raw,
    name: &str,
    items: impl Iterator<Item = &'t str>,
    origin: &Origin,
    faults: &mut Vec<Fault>,
) {
    let Some(key) = find(name) else { return };
    let before = raw.lists.insert(key.section(), Vec::new()).unwrap_or_default();
    for item in items.filter(|item| !item.is_empty()) {
        let value = match from_text(key, item) {
            Ok(value) => value,
            Err(found) => {
                faults.push(refused(origin, key, found));
                continue;
            }
        };
        let known = before.iter().find(|entry| entry.values.get(key.name).is_some_and(|g| g.value == value));
        let mut entry = Entry {
            origin: origin.clone(),
            values: known.map(|entry| entry.values.clone()).unwrap_or_default(),
        };
        entry.values.insert(key.name, Given { value, origin: origin.clone() });
        push(raw, key.section(), entry, faults);
    }
}
