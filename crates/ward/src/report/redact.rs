//! Consistent pseudonyms, so that a scan can be shown to others: equal names stay equal, and nothing says which.
//!
//! Kept: makers, models, versions, protocols, ports, verbs, times, volumes and the maker's half of a MAC. Replaced: host
//! and application names, serial numbers, places, domains, addresses, file names. A replaced value is also replaced
//! where it occurs inside another text.

use super::document::{Document, EndReport};
use aho_corasick::{AhoCorasick, MatchKind};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;

/// Attributes whose values are the device's or the maker's own and name no person, place or network.
const KEPT: [&str; 27] = [
    "manufacturer",
    "model",
    "software-name",
    "software-version",
    "operating-system",
    "device-type",
    "service-type",
    "dhcp-vendor-class",
    "dhcp-parameter-list",
    "user-agent",
    "server-banner",
    "basic-auth",
    "tls-version",
    "tls-cipher-suite",
    "tls-group",
    "ja4",
    "certificate-expiry",
    "ssh-version",
    "ssh-key-exchange",
    "smb-dialect",
    "snmp-version",
    "mqtt-version",
    "implementation-class-uid",
    "implementation-version-name",
    "sop-class",
    "clear-text",
    "phi-in-clear",
];
/// Shorter values are not looked for inside other texts: they would match by chance.
const INSIDE_CHARS_MIN: usize = 4;

/// Replaces what could identify a place, a network or a person.
pub struct Redactor {
    key: [u8; 32],
    replaced: BTreeMap<String, String>,
    finder: Option<Finder>,
}

/// Looks for all learnt values at once: a big scan has tens of thousands of them and as many texts.
struct Finder {
    matcher: AhoCorasick,
    pseudonyms: Vec<String>,
}

impl Finder {
    fn new(replaced: &BTreeMap<String, String>) -> Option<Self> {
        let long = || replaced.iter().filter(|(value, _)| value.chars().count() >= INSIDE_CHARS_MIN);
        let matcher = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(long().map(|(value, _)| value));
        let pseudonyms = long().map(|(_, pseudonym)| pseudonym.clone()).collect();
        // It fails only where the values exceed what an automaton can number: 2 GiB of names.
        matcher.ok().map(|matcher| Self { matcher, pseudonyms })
    }
}

impl Redactor {
    /// Pseudonyms under `key`: the same key gives the same pseudonyms, so that two scans can be compared.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, replaced: BTreeMap::new(), finder: None }
    }

    /// Redacts the whole document.
    pub fn redact(mut self, mut document: Document) -> Document {
        document.redacted = true;
        self.learn(&document);
        self.finder = Finder::new(&self.replaced);
        for (i, source) in document.capture.sources.iter_mut().enumerate() {
            source.name = format!("source-{}", i + 1);
            source.notes.iter_mut().for_each(|note| self.inside(note));
        }
        for device in &mut document.devices {
            device.id = self.id(&device.id);
            device.behind = device.behind.take().map(|id| self.id(&id));
            self.inside(&mut device.name);
            device.names.iter_mut().for_each(|name| self.inside(name));
            let kept: Vec<&str> =
                device.claims.iter().filter(|c| is_kept(&c.attribute)).map(|c| c.value.as_str()).collect();
            let line = device.says_it_is.take();
            device.says_it_is = line.map(|line| self.line(&line, &kept));
            for address in &mut device.addresses {
                address.mac = address.mac.take().map(|mac| self.whole(&mac));
                address.ip = address.ip.take().map(|ip| self.whole(&ip));
            }
            for claim in &mut device.claims {
                self.value(&claim.attribute, &mut claim.value);
            }
            for conflict in &mut device.conflicts {
                self.value(&conflict.attribute, &mut conflict.chosen);
                conflict.others.iter_mut().for_each(|other| self.value(&conflict.attribute, other));
            }
        }
        for talk in &mut document.talks {
            self.end(&mut talk.client);
            self.end(&mut talk.server);
        }
        for finding in &mut document.findings {
            finding.device = self.id(&finding.device);
            let texts = std::iter::once(&mut finding.summary).chain(&mut finding.evidence);
            for text in texts {
                self.addresses(text);
                self.inside(text);
            }
        }
        document
    }

    /// Every value that must go, with its pseudonym: afterwards it can be found inside other texts.
    fn learn(&mut self, document: &Document) {
        for device in &document.devices {
            for address in &device.addresses {
                address.mac.iter().for_each(|mac| drop(self.pseudonym("mac", mac)));
                address.ip.iter().for_each(|ip| drop(self.pseudonym("ip", ip)));
            }
            device.names.iter().for_each(|name| drop(self.pseudonym("name", name)));
            let conflicts = device
                .conflicts
                .iter()
                .flat_map(|c| std::iter::once(&c.chosen).chain(&c.others).map(|value| (&c.attribute, value)));
            let claims = device.claims.iter().map(|c| (&c.attribute, &c.value));
            for (attribute, value) in claims.chain(conflicts).filter(|(a, _)| !is_kept(a)) {
                self.pseudonym(kind_of(attribute, value), value);
                // The identifier of a device behind a gateway (HL7 EI) is shown in parts.
                let parts = value.split('^').filter(|part| value.len() > part.len() && is_telling(part));
                parts.for_each(|part| drop(self.pseudonym("unit", part)));
            }
        }
        for end in document.talks.iter().flat_map(|t| [&t.client, &t.server]) {
            if let Some(address) = &end.address {
                self.pseudonym(if address.parse::<IpAddr>().is_ok() { "ip" } else { "mac" }, address);
            }
        }
    }

    fn value(&mut self, attribute: &str, value: &mut String) {
        if is_kept(attribute) {
            self.inside(value);
        } else {
            *value = self.pseudonym(kind_of(attribute, value), value);
        }
    }

    fn end(&mut self, end: &mut EndReport) {
        end.device = end.device.take().map(|id| self.id(&id));
        end.address = end.address.take().map(|address| self.whole(&address));
    }

    fn id(&self, id: &str) -> String {
        format!("d-{}", &self.digest("id", id))
    }

    fn whole(&self, value: &str) -> String {
        self.replaced.get(value).cloned().unwrap_or_else(|| format!("x-{}", self.digest("other", value)))
    }

    /// Replaces every learnt value inside `text`, the longest where several begin at one place.
    fn inside(&self, text: &mut String) {
        if let Some(whole) = self.replaced.get(text.as_str()) {
            *text = whole.clone();
            return;
        }
        match &self.finder {
            Some(finder) if finder.matcher.is_match(text.as_str()) => {
                *text = finder.matcher.replace_all(text, &finder.pseudonyms);
            }
            Some(_) => {}
            // What cannot be searched cannot be shown.
            None => "(redacted)".clone_into(text),
        }
    }

    /// Replaces every address in `text`, also those that are no device's.
    fn addresses(&mut self, text: &mut String) {
        let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '-');
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(|c| !is_part(c)) {
            let word = piece.trim_end_matches(|c| !is_part(c));
            let bare = word.trim_end_matches(['.', ':', '-']);
            let kind = match (bare.parse::<IpAddr>(), bare.parse::<model::MacAddr>()) {
                (Ok(_), _) => Some("ip"),
                (_, Ok(_)) if bare.contains([':', '-']) => Some("mac"),
                _ => None,
            };
            match kind {
                Some(kind) => {
                    out.push_str(&self.pseudonym(kind, bare));
                    out.push_str(piece.get(bare.len()..).unwrap_or_default());
                }
                None => out.push_str(piece),
            }
        }
        *text = out;
    }

    /// The line of what a device says it is: made of claims, of which the last may be cut off and so no longer be found
    /// as a whole. `kept` are the values that may stay.
    fn line(&self, line: &str, kept: &[&str]) -> String {
        let part = |part: &str| {
            let may_stay = kept.iter().any(|value| value.contains(part));
            let may_go = !may_stay && part.chars().count() >= INSIDE_CHARS_MIN;
            let next = self.replaced.range::<str, _>((Bound::Included(part), Bound::Unbounded)).next();
            let mut text = part.to_owned();
            match next {
                Some((value, pseudonym)) if may_go && value.starts_with(part) => {
                    pseudonym.clone_into(&mut text)
                }
                _ => self.inside(&mut text),
            }
            text
        };
        line.split(" · ").map(part).collect::<Vec<_>>().join(" · ")
    }

    fn pseudonym(&mut self, kind: &'static str, value: &str) -> String {
        if let Some(known) = self.replaced.get(value) {
            return known.clone();
        }
        let pseudonym = match kind {
            "mac" => self.mac(value),
            "ip" => self.ip(value),
            kind => format!("{kind}-{}", self.digest(kind, &value.to_lowercase())),
        };
        self.replaced.insert(value.to_owned(), pseudonym.clone());
        pseudonym
    }

    /// The maker's prefix stays, the device's half goes.
    fn mac(&self, mac: &str) -> String {
        let digest = self.bytes("mac", mac);
        let prefix: String = mac.chars().take(8).collect();
        let [a, b, c, ..] = digest;
        format!("{prefix}:{a:02x}:{b:02x}:{c:02x}")
    }

    /// Private stays private, public becomes an address that nobody has.
    fn ip(&self, ip: &str) -> String {
        let [a, b, c, d, e, f, ..] = self.bytes("ip", ip);
        let Ok(parsed) = ip.parse::<IpAddr>() else { return format!("ip-{}", self.digest("ip", ip)) };
        let is_private = model::classify_ip(parsed) != model::IpClass::Global;
        let group = model::classify_ip(parsed) == model::IpClass::Group;
        match (parsed, is_private) {
            _ if group => ip.to_owned(),
            (IpAddr::V4(_), true) => format!("10.{a}.{b}.{c}"),
            // Class E, which no packet carries (RFC 1112 §4): 28 bits, so that peers keep apart.
            (IpAddr::V4(_), false) => format!("{}.{b}.{c}.{d}", 240 | (a & 0x0f)),
            (IpAddr::V6(_), true) => format!("fd00::{:x}:{:x}:{:x}", be(a, b), be(c, d), be(e, f)),
            (IpAddr::V6(_), false) => format!("2001:db8::{:x}:{:x}:{:x}", be(a, b), be(c, d), be(e, f)),
        }
    }

    fn digest(&self, kind: &str, value: &str) -> String {
        self.bytes(kind, value).iter().take(6).map(|b| format!("{b:02x}")).collect()
    }

    /// SHA-256 over key, kind and value; the key is secret and of fixed length, and the output is not extended.
    fn bytes(&self, kind: &str, value: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.key);
        hasher.update((kind.len() as u64).to_le_bytes());
        hasher.update(kind);
        hasher.update(value);
        hasher.finalize().into()
    }
}

const fn be(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}

fn is_kept(attribute: &str) -> bool {
    KEPT.contains(&attribute)
}

/// Part of an identifier that may tell a unit or a site: anything but the name of a numbering (HL7 table 0301).
fn is_telling(part: &str) -> bool {
    const NUMBERINGS: [&str; 7] = ["EUI-64", "EUI-48", "GUID", "UUID", "HCD", "L,M,N", "x400"];
    part.len() >= INSIDE_CHARS_MIN && !NUMBERINGS.contains(&part)
}

fn kind_of(attribute: &str, value: &str) -> &'static str {
    if value.parse::<IpAddr>().is_ok() {
        return "ip";
    }
    match attribute {
        "serial-number" | "udi" | "equipment-id" => "unit",
        "location" | "switch-port" => "place",
        "domain-name" | "http-host" | "tls-server-name" => "domain",
        _ => "name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_consistent_and_keep_their_kind() {
        let mut redactor = Redactor::new([7; 32]);
        let first = redactor.pseudonym("name", "ICU-PUMP-3");
        assert_eq!(first, redactor.pseudonym("name", "ICU-PUMP-3"));
        assert!(redactor.pseudonym("mac", "00:09:fb:01:02:03").starts_with("00:09:fb:"));
        assert!(redactor.pseudonym("ip", "10.1.2.3").starts_with("10."));
        assert!(redactor.pseudonym("ip", "8.8.8.8").starts_with("24"));
        redactor.finder = Finder::new(&redactor.replaced);
        let mut text = "HTTP server on icu-pump-3 (10.1.2.3)".to_owned();
        redactor.inside(&mut text);
        assert!(!text.to_lowercase().contains("pump-3") && !text.contains("10.1.2.3"), "{text}");
        assert_ne!(first, Redactor::new([8; 32]).pseudonym("name", "ICU-PUMP-3"));
    }
}
