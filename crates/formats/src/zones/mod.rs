//! Zones as others keep them: a table of our own columns, and the prefixes and VLANs of NetBox, as CSV or as its API's JSON.
//!
//! All or nothing: one wrong line and nothing is read, but every wrong line is named. NetBox: <https://netboxlabs.com/docs/netbox/>
//! (models/ipam/prefix, models/ipam/vlan).

mod json;
mod table;
#[cfg(test)]
mod tests;

use model::{ZoneName, ZoneRule, ZoneSource};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt;

/// Bytes of the longest document.
pub const DOCUMENT_BYTES_MAX: usize = 4 << 20;
/// Lines, or objects of JSON, of the longest document.
pub const LINES_MAX: usize = 20_000;
/// Mistakes that are listed; more are counted.
pub const MISTAKES_MAX: usize = 100;

/// A zone as a document has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecord {
    /// Its name.
    pub name: ZoneName,
    /// What it is for; empty: the document does not say.
    pub purpose: SmolStr,
    /// Its rules, in the order of the document.
    pub rules: Vec<ZoneRule>,
}

/// A document, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Of which kind it is.
    pub source: ZoneSource,
    /// Its zones, in its order.
    pub zones: Vec<ZoneRecord>,
    /// Lines that are rightly no zone: containers, and what is deprecated.
    pub skipped: usize,
}

/// A line that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1; of JSON: the object, from 1.
    pub line: usize,
    /// What is wrong with it, and the way out.
    pub what: String,
}

/// What is wrong with a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// By line; at most 100.
    pub listed: Vec<Mistake>,
    /// How many more there are.
    pub more: usize,
}

impl Mistakes {
    fn one(line: usize, what: impl Into<String>) -> Self {
        Self { listed: vec![Mistake { line, what: what.into() }], more: 0 }
    }

    fn add(&mut self, line: usize, what: impl Into<String>) {
        if self.listed.len() < MISTAKES_MAX {
            self.listed.push(Mistake { line, what: what.into() });
        } else {
            self.more += 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Mistake { line, what }) in self.listed.iter().enumerate() {
            let between = if at == 0 { "" } else { "; " };
            write!(f, "{between}line {line}: {what}")?;
        }
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Reads a document of any of the kinds; which it is, it says by itself.
///
/// # Errors
/// Every line that is wrong, in bounds.
pub fn read(bytes: &[u8]) -> Result<Document, Mistakes> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        let megabytes = DOCUMENT_BYTES_MAX >> 20;
        return Err(Mistakes::one(
            1,
            format!("the document is longer than {megabytes} MiB: import it in parts"),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Mistakes::one(line, "this is not UTF-8 text: export it again as \"CSV UTF-8\"")
    })?;
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().chars().next() {
        None => Err(Mistakes::one(1, "the document is empty: its first line names the columns")),
        Some('{' | '[') => json::read(text),
        Some(_) => table::read(text),
    }
}

/// Zones in the making: lines of one name are one zone.
#[derive(Default)]
struct Gathered {
    zones: Vec<ZoneRecord>,
    by_name: BTreeMap<String, usize>,
    holders: BTreeMap<ZoneRule, (usize, usize)>,
    mistakes: Mistakes,
    skipped: usize,
}

/// One line in words; empty: not said.
struct Words<'t> {
    name: &'t str,
    purpose: &'t str,
    vlan: &'t str,
    subnets: Vec<&'t str>,
}

impl Gathered {
    fn take(&mut self, line: usize, words: &Words<'_>) {
        match read_words(words) {
            Ok((name, purpose, rules)) => self.put(line, name, purpose, rules),
            Err(what) => self.mistakes.add(line, what),
        }
    }

    fn put(&mut self, line: usize, name: ZoneName, purpose: SmolStr, rules: Vec<ZoneRule>) {
        let new = self.zones.len();
        let at = *self.by_name.entry(name.folded()).or_insert(new);
        if at == new {
            self.zones.push(ZoneRecord { name, purpose: SmolStr::default(), rules: Vec::new() });
        }
        for rule in rules {
            match self.holders.get(&rule) {
                Some((holder, _)) if *holder == at => continue,
                Some((holder, first)) => {
                    let name = self.zones.get(*holder).map(|zone| zone.name.text()).unwrap_or_default();
                    let what =
                        format!("{rule} was given to zone {name} in line {first}: leave it in one of them");
                    self.mistakes.add(line, what);
                    continue;
                }
                None => drop(self.holders.insert(rule, (at, line))),
            }
            if let Some(zone) = self.zones.get_mut(at) {
                zone.rules.push(rule);
            }
        }
        if let Some(zone) = self.zones.get_mut(at).filter(|zone| zone.purpose.is_empty()) {
            zone.purpose = purpose;
        }
    }

    fn done(self, source: ZoneSource) -> Result<Document, Mistakes> {
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        if self.zones.is_empty() {
            return Err(Mistakes::one(1, "there is no zone in this document"));
        }
        Ok(Document { source, zones: self.zones, skipped: self.skipped })
    }
}

fn read_words(words: &Words<'_>) -> Result<(ZoneName, SmolStr, Vec<ZoneRule>), String> {
    let told = |error: model::NotAZone| error.to_string();
    let name = ZoneName::new(words.name).map_err(told)?;
    let purpose = model::zone_purpose(words.purpose).map_err(told)?;
    let mut rules = Vec::new();
    if !words.vlan.is_empty() {
        rules.push(ZoneRule::read("vlan", vlan_number(words.vlan)).map_err(told)?);
    }
    for subnet in &words.subnets {
        let kind = if subnet.contains('-') { "dhcp-scope" } else { "subnet" };
        rules.push(ZoneRule::read(kind, subnet).map_err(told)?);
    }
    Ok((name, purpose, rules))
}

/// `20` of `20`, of `VLAN 20`, and of `Radiology (20)`, as NetBox shows a VLAN.
fn vlan_number(text: &str) -> &str {
    let within = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')).map(|(_, number)| number);
    let bare = text.get(..4).filter(|head| head.eq_ignore_ascii_case("vlan")).and_then(|_| text.get(4..));
    within.or(bare).unwrap_or(text).trim()
}

/// `Radiology` of `Radiology (20)`.
fn vlan_name(text: &str) -> &str {
    let before = text.strip_suffix(')').and_then(|text| text.rsplit_once('(')).map(|(name, _)| name);
    before.unwrap_or_default().trim()
}

/// A prefix in this state is not where devices live.
fn is_no_place(status: &str) -> bool {
    ["container", "deprecated"].iter().any(|one| status.eq_ignore_ascii_case(one))
}
