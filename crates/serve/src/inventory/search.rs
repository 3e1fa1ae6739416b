//! Search in words and addresses of devices: lower-cased text in blocks of 64 devices, gone through by substring.
//!
//! It must not hold one text per device on its own: what lies side by side is gone through at the speed of memory.

use super::entry::Entry;
use memchr::memmem::Finder;
use std::fmt::Write as _;
use std::net::IpAddr;

/// Devices of a block: the bits of a mask.
pub(super) const BLOCK: usize = 64;
/// Ends each field of a device; nobody can search for it.
const END: char = '\n';
/// Begins a link address.
const MAC: char = '\u{1}';
/// Begins a network address.
const IP: char = '\u{2}';
/// Digits from which a word without separators may be the beginning of a link address.
const MAC_DIGITS_MIN: usize = 4;

/// Texts of up to 64 devices, one after the other.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    /// Where the text of each device ends.
    ends: Vec<usize>,
}

impl Texts {
    /// Replaces the text of the device at `place`.
    pub(super) fn put(&mut self, place: usize, text: &str) {
        let filled = self.ends.last().copied().unwrap_or(0);
        while self.ends.len() <= place {
            self.ends.push(filled);
        }
        let from = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let to = self.ends.get(place).copied().unwrap_or(from);
        self.text.replace_range(from..to, text);
        for end in self.ends.iter_mut().skip(place) {
            *end = *end - (to - from) + text.len();
        }
    }

    /// The devices whose text has the needle in it.
    fn having(&self, needle: &Finder<'_>) -> u64 {
        let (mut mask, mut from) = (0, 0);
        while let Some(rest) = self.text.as_bytes().get(from..)
            && let Some(at) = needle.find(rest)
        {
            let place = self.ends.partition_point(|end| *end <= from + at);
            mask |= 1_u64.checked_shl(place as u32).unwrap_or(0);
            match self.ends.get(place) {
                Some(end) => from = *end,
                None => break,
            }
        }
        mask
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// Both kinds of text of a block.
#[derive(Debug, Default)]
pub(super) struct Block {
    words: Texts,
    addresses: Texts,
}

impl Block {
    /// Takes over a device, or that there is none any more.
    pub(super) fn put(&mut self, place: usize, entry: Option<&Entry>) {
        self.words.put(place, &entry.map(words).unwrap_or_default());
        self.addresses.put(place, &entry.map(addresses).unwrap_or_default());
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.words.bytes() + self.addresses.bytes()
    }
}

/// Whether two states of a device are found by the same words.
pub(super) fn is_same(a: &Entry, b: &Entry) -> bool {
    a.macs == b.macs && a.ips == b.ips && a.tags == b.tags && a.key == b.key && texts(a).eq(texts(b))
}

fn texts(entry: &Entry) -> impl Iterator<Item = Option<&super::entry::Text>> {
    [
        &entry.name,
        &entry.vendor,
        &entry.manufacturer,
        &entry.model,
        &entry.serial,
        &entry.asset,
        &entry.software,
        &entry.os,
        &entry.kind,
        &entry.says,
        &entry.location,
        &entry.class,
        &entry.zone,
    ]
    .into_iter()
    .map(Option::as_ref)
}

fn words(entry: &Entry) -> String {
    let mut text = format!("{}{END}", entry.id);
    // The key of equipment behind a gateway is its own word; other keys are addresses.
    let key = Some(&entry.key).filter(|key| !key.starts_with(|first: char| first.is_ascii_digit()));
    for word in texts(entry).flatten().chain(&entry.tags).chain(key) {
        fold(word, &mut text);
        text.push(END);
    }
    text
}

/// Lower case, and no character that means something here.
fn fold(word: &str, out: &mut String) {
    if word.is_ascii() {
        out.extend(word.chars().map(|c| if c.is_ascii_control() { ' ' } else { c.to_ascii_lowercase() }));
    } else {
        out.extend(word.chars().map(|c| if c.is_control() { ' ' } else { c }).flat_map(char::to_lowercase));
    }
}

fn addresses(entry: &Entry) -> String {
    let mut text = String::new();
    for mac in &entry.macs {
        let _ = write!(text, "{MAC}{mac}{END}");
    }
    for ip in &entry.ips {
        let _ = write!(text, "{IP}{ip}{END}");
    }
    text
}

/// What is searched for: every word must be found.
#[derive(Debug)]
pub(super) struct Search(Vec<Vec<Way>>);

/// A way in which a word can be meant.
#[derive(Debug)]
enum Way {
    Word(Finder<'static>),
    Address(Finder<'static>),
    Network { start: IpAddr, bits: u8 },
}

impl Search {
    /// Reads what somebody typed. Every word is looked for in all words of a device, and as the address it may be.
    pub(super) fn new(typed: &str) -> Self {
        Self(typed.split_whitespace().map(ways).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of `mask` that have every word.
    pub(super) fn among<'e>(
        &self,
        mut mask: u64,
        block: &Block,
        entry: impl Fn(usize) -> Option<&'e Entry>,
    ) -> u64 {
        for ways in &self.0 {
            if mask == 0 {
                return 0;
            }
            mask &= ways.iter().fold(0, |found, way| found | way.among(mask & !found, block, &entry));
        }
        mask
    }
}

impl Way {
    fn among<'e>(&self, mask: u64, block: &Block, entry: &impl Fn(usize) -> Option<&'e Entry>) -> u64 {
        match self {
            Self::Word(needle) => block.words.having(needle),
            Self::Address(needle) => block.addresses.having(needle),
            Self::Network { start, bits } => bits_of(mask).fold(0, |found, place| {
                let is_in = entry(place).is_some_and(|e| e.ips.iter().any(|ip| within(*ip, *start, *bits)));
                found | (u64::from(is_in) << place)
            }),
        }
    }
}

/// The places of the bits that are set.
pub(super) fn bits_of(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(place)
    })
}

fn ways(word: &str) -> Vec<Way> {
    let mut folded = String::new();
    fold(word, &mut folded);
    if let Some((start, bits)) = network(&folded) {
        return vec![Way::Network { start, bits }];
    }
    let address = |text: String| Way::Address(Finder::new(&text).into_owned());
    if let Ok(ip) = folded.trim_matches(['[', ']']).parse::<IpAddr>() {
        return vec![
            address(format!("{IP}{}{END}", plain(ip))),
            Way::Word(Finder::new(&folded).into_owned()),
        ];
    }
    let mut ways = vec![Way::Word(Finder::new(&folded).into_owned())];
    ways.extend(mac(&folded).map(address));
    if is_start_of_ip(&folded) {
        ways.push(address(format!("{IP}{folded}")));
    }
    ways
}

/// An IPv4 address that is written as IPv6 is that IPv4 address.
fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// The beginning of an address, or some of its middle, as link addresses are written here: pairs of digits from the start of the word.
fn mac(word: &str) -> Option<String> {
    let is_separator = |c: char| matches!(c, ':' | '-' | '.');
    let digits: String = word.chars().filter(|c| !is_separator(*c)).collect();
    let has_separators = digits.len() != word.len();
    let least = if has_separators { 3 } else { MAC_DIGITS_MIN };
    let fits = (least..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| {
        let mut pairs = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && place.is_multiple_of(2) {
                pairs.push(':');
            }
            pairs.push(digit);
        }
        if has_separators
            && digits.len().is_multiple_of(2)
            && digits.len() < 12
            && word.ends_with(is_separator)
        {
            pairs.push(':');
        }
        pairs
    })
}

fn is_start_of_ip(word: &str) -> bool {
    let is_v4 = word.contains('.') && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_v6 = word.contains(':') && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    is_v4 || is_v6
}

/// `10.20.0.0/16`, `fd00::/8`.
fn network(word: &str) -> Option<(IpAddr, u8)> {
    let (start, bits) = word.split_once('/')?;
    let (start, bits): (IpAddr, u8) = (start.parse().ok()?, bits.parse().ok()?);
    (bits <= if start.is_ipv4() { 32 } else { 128 }).then_some((start, bits))
}

/// Whether `ip` is in the network of `bits` that `start` is in.
fn within(ip: IpAddr, start: IpAddr, bits: u8) -> bool {
    let (differing, width) = match (ip, start) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits() ^ b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits(), 128),
        _ => return false,
    };
    differing.checked_shr(width - u32::from(bits)).unwrap_or(0) == 0
}

/// Whether the text of a device would be found: for marking what was searched for.
#[cfg(test)]
fn finds(typed: &str, entry: &Entry) -> bool {
    let mut block = Block::default();
    block.put(0, Some(entry));
    Search::new(typed).among(1, &block, |_| Some(entry)) == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::sample;

    fn pump() -> Entry {
        Entry {
            name: Some("ICU-Pump-07".into()),
            serial: Some("SN 4711/Ä".into()),
            asset: Some("A-100234".into()),
            software: Some("Guardrails 10.20.1".into()),
            macs: vec!["00:1a:2b:3c:4d:5e".parse().unwrap()],
            ips: vec!["10.20.3.4".parse().unwrap(), "2001:db8::17".parse().unwrap()],
            ..sample::plain(7)
        }
    }

    #[test]
    fn any_spelling_finds_the_address() {
        for typed in [
            "00:1a:2b:3c:4d:5e",
            "00-1A-2B-3C-4D-5E",
            "001a.2b3c.4d5e",
            "001A2B3C4D5E",
            "00:1a:2b",
            "00-1A-2B-",
            "001a2b",
            "001a2",
            "4d:5e",
            "10.20.3.4",
            "10.20.",
            "10.20.3",
            "10.20.0.0/16",
            "10.20.3.4/32",
            "0.0.0.0/0",
            "2001:DB8:0::0017",
            "[2001:db8::17]",
            "2001:db8:",
            "2001:db8::/32",
            "::ffff:10.20.3.4",
        ] {
            assert!(finds(typed, &pump()), "{typed}");
        }
        for typed in [
            "0a:1a:2b",
            "01a2b3",
            "0.20.3.4",
            "10.20.3.40",
            "10.21.0.0/16",
            "20.3.4",
            "2001:db8::1",
            "fd00::/8",
        ] {
            assert!(!finds(typed, &pump()), "{typed}");
        }
    }

    #[test]
    fn words_are_anded_and_found_anywhere() {
        for typed in
            ["icu pump", "PUMP-07", "4711/ä", "a-1002", "guardrails 10.20.1", "d-", "pump 10.20.3.4", ""]
        {
            assert!(finds(typed, &pump()), "{typed}");
        }
        for typed in ["icu ventilator", "pump\u{1}", "pump-07 10.21."] {
            assert!(!finds(typed, &pump()), "{typed}");
        }
    }

    #[test]
    fn texts_of_a_block_do_not_run_into_each_other() {
        let mut texts = Texts::default();
        for place in [3, 0, 63, 3, 1] {
            texts.put(place, &format!("device {place}\n"));
        }
        texts.put(0, "");
        let having = |needle: &str| texts.having(&Finder::new(needle));
        assert_eq!(having("device"), 1 << 3 | 1 << 63 | 1 << 1);
        assert_eq!((having("device 3"), having("device 0"), having("3device")), (1 << 3, 0, 0));
    }
}
