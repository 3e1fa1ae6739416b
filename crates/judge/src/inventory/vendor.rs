//! Who made a network interface: the IEEE registry of MAC address prefixes. A hint and no more: the maker of the
//! interface is often not the maker of the device, and anyone can write any address. The table is
//! `third_party/ieee-oui/oui.tsv`; this module must not guess where the registry is silent.

use model::MacAddr;
use std::borrow::Cow;
use std::fmt;

/// Prefix lengths that the IEEE assigns, in bits, longest first: MA-S and IAB, MA-M, MA-L.
const PREFIX_BITS: [u8; 3] = [36, 28, 24];
/// Most prefixes in a table. The registry grew to 46 thousand in its first forty years.
pub const PREFIXES_MAX: usize = 1 << 20;
/// Longest name of a maker, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// The registry. INVARIANT: `entries` ascends by key without repetition, and each name lies within `text`.
#[derive(Debug)]
pub struct VendorRegistry {
    text: Cow<'static, str>,
    entries: Vec<Entry>,
}

/// One line of the table, 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The prefix as the front of a 48-bit address, and its length in the lowest byte: longer prefixes sort behind the
    /// shorter ones that they refine.
    key: u64,
    name_at: u32,
    name_bytes: u8,
}

/// Why a table was refused. The operator or the build erred; never retryable on the same table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// Line of the table, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: LoadErrorReason,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadErrorReason {
    /// No tab between prefix and name.
    NoTab,
    /// Not 6, 7 or 9 hexadecimal digits.
    BadPrefix,
    /// The name is empty.
    NoName,
    /// The name is longer than [`NAME_BYTES_MAX`].
    LongName,
    /// The prefix does not come after that of the line before: a repetition, or an unsorted table.
    NotAscending,
    /// More than [`PREFIXES_MAX`] lines, or more text than 4 GiB.
    TooLarge,
}

impl VendorRegistry {
    /// Reads a table: one `PREFIX<TAB>NAME` a line, the prefix 6, 7 or 9 hexadecimal digits, ascending.
    ///
    /// An embedded table is borrowed; an operator's own is kept. About 16 bytes a line come on top.
    ///
    /// # Errors
    /// The first line that is not so.
    pub fn load(tsv: impl Into<Cow<'static, str>>) -> Result<Self, LoadError> {
        let text = tsv.into();
        let entries = read_entries(&text)?;
        Ok(Self { text, entries })
    }

    /// The maker of the interface with the address `mac`: that of the longest prefix. `None` where the registry names
    /// none, and for group and locally administered addresses, which nobody assigned.
    pub fn vendor(&self, mac: MacAddr) -> Option<&str> {
        if mac.is_local() || !mac.is_unicast() {
            return None;
        }
        let [a, b, c, d, e, f] = mac.octets();
        let address = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let entry = PREFIX_BITS.into_iter().find_map(|bits| self.find(key(address, bits)))?;
        let start = entry.name_at as usize;
        self.text.get(start..start + usize::from(entry.name_bytes))
    }

    /// How many prefixes it knows.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// It knows none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn find(&self, key: u64) -> Option<Entry> {
        let at = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        self.entries.get(at).copied()
    }
}

/// The first `bits` of the 48-bit `address`, and how many they are.
const fn key(address: u64, bits: u8) -> u64 {
    let unused = 48 - bits;
    (address >> unused << unused) << 8 | bits as u64
}

fn read_entries(text: &str) -> Result<Vec<Entry>, LoadError> {
    /// What a line takes in the registry, in bytes: a bound for the first allocation, no more.
    const LINE_BYTES_TYPICAL: usize = 28;
    let mut entries = Vec::with_capacity((text.len() / LINE_BYTES_TYPICAL).min(PREFIXES_MAX));
    let mut at = 0;
    let mut last = 0;
    for (number, raw) in text.split_inclusive('\n').enumerate() {
        let refused = |reason| LoadError { line: number + 1, reason };
        if number >= PREFIXES_MAX {
            return Err(refused(LoadErrorReason::TooLarge));
        }
        let entry = read_entry(raw.trim_end_matches(['\n', '\r']), at).map_err(refused)?;
        if entry.key <= last {
            return Err(refused(LoadErrorReason::NotAscending));
        }
        at += raw.len();
        last = entry.key;
        entries.push(entry);
    }
    Ok(entries)
}

fn read_entry(line: &str, at: usize) -> Result<Entry, LoadErrorReason> {
    let (prefix, name) = line.split_once('\t').ok_or(LoadErrorReason::NoTab)?;
    let bits = match prefix.len() {
        6 => 24,
        7 => 28,
        9 => 36,
        _ => return Err(LoadErrorReason::BadPrefix),
    };
    if !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(LoadErrorReason::BadPrefix);
    }
    let prefix_number = u64::from_str_radix(prefix, 16).map_err(|_| LoadErrorReason::BadPrefix)?;
    if name.is_empty() {
        return Err(LoadErrorReason::NoName);
    }
    Ok(Entry {
        key: key(prefix_number << (48 - bits), bits),
        name_at: u32::try_from(at + prefix.len() + 1).map_err(|_| LoadErrorReason::TooLarge)?,
        name_bytes: u8::try_from(name.len()).map_err(|_| LoadErrorReason::LongName)?,
    })
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            LoadErrorReason::NoTab => "no tab between prefix and name",
            LoadErrorReason::BadPrefix => "the prefix is not 6, 7 or 9 hexadecimal digits",
            LoadErrorReason::NoName => "no name behind the prefix",
            LoadErrorReason::LongName => "the name is longer than 255 bytes",
            LoadErrorReason::NotAscending => "the prefix repeats or does not come after the one before",
            LoadErrorReason::TooLarge => "the table is too large",
        };
        write!(f, "line {}: {reason}", self.line)
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str =
        "00095C\tPhilips Medical\n0050C2\tBlock holder\n0050C22E0\tBaxter\n1C87740\tPhilips Personal\n";

    fn registry(table: &'static str) -> VendorRegistry {
        VendorRegistry::load(table).unwrap()
    }

    fn vendor(registry: &VendorRegistry, mac: &str) -> Option<String> {
        registry.vendor(mac.parse().unwrap()).map(str::to_owned)
    }

    #[test]
    fn the_longest_prefix_wins() {
        let registry = registry(TABLE);
        let maker = |mac| vendor(&registry, mac);
        assert_eq!(maker("00:09:5c:12:34:56").as_deref(), Some("Philips Medical"));
        assert_eq!(maker("00:50:c2:2e:0f:ff").as_deref(), Some("Baxter"));
        assert_eq!(maker("00:50:c2:2e:1f:ff").as_deref(), Some("Block holder"));
        assert_eq!(maker("1c:87:74:0f:ff:ff").as_deref(), Some("Philips Personal"));
        assert_eq!(maker("1c:87:74:1f:ff:ff"), None);
        assert_eq!(maker("ff:ff:ff:ff:ff:fe"), None);
    }

    #[test]
    fn an_address_that_nobody_assigned_has_no_maker() {
        let registry = registry("000000\tXEROX\n010203\tGroup\n020701\tRacal\n");
        for mac in ["00:00:00:00:00:00", "01:02:03:00:00:01", "02:07:01:00:00:01"] {
            assert_eq!(vendor(&registry, mac), None, "{mac}");
        }
        assert_eq!(vendor(&registry, "00:00:00:00:00:01").as_deref(), Some("XEROX"));
    }

    #[test]
    fn an_owned_table_and_other_line_ends_read_alike() {
        let registry = VendorRegistry::load(TABLE.replace('\n', "\r\n")).unwrap();
        assert_eq!(vendor(&registry, "1c:87:74:00:00:01").as_deref(), Some("Philips Personal"));
        assert_eq!(registry.len(), 4);
        assert!(VendorRegistry::load("").unwrap().is_empty());
    }

    #[test]
    fn a_damaged_table_is_refused_with_its_line() {
        let refused = |table: &'static str| VendorRegistry::load(table).map(drop).unwrap_err();
        let at = |line, reason| LoadError { line, reason };
        assert_eq!(refused("00095C Philips\n"), at(1, LoadErrorReason::NoTab));
        assert_eq!(refused("00095C\tA\n\n"), at(2, LoadErrorReason::NoTab));
        assert_eq!(refused("00095C\tA\n0009\tB\n"), at(2, LoadErrorReason::BadPrefix));
        assert_eq!(refused("+0095C\tA\n"), at(1, LoadErrorReason::BadPrefix));
        assert_eq!(refused("0009é\tA\n"), at(1, LoadErrorReason::BadPrefix));
        assert_eq!(refused("00095C\t\n"), at(1, LoadErrorReason::NoName));
        assert_eq!(refused("00095C\tA\n00095C\tB\n"), at(2, LoadErrorReason::NotAscending));
        assert_eq!(refused("00095D\tA\n00095C\tB\n"), at(2, LoadErrorReason::NotAscending));
        let long = format!("00095C\t{}\n", "x".repeat(NAME_BYTES_MAX + 1));
        let error = VendorRegistry::load(long).unwrap_err();
        assert_eq!(error.to_string(), "line 1: the name is longer than 255 bytes");
    }

    #[test]
    fn the_embedded_table_loads_and_knows_makers() {
        let table = include_str!("../../../../third_party/ieee-oui/oui.tsv");
        let registry = registry(table);
        assert_eq!(registry.len(), table.lines().count());
        assert_eq!(vendor(&registry, "00:09:fb:01:02:03").as_deref(), Some("Philips Patient Monitoring"));
        // The registration authority hands this block out in smaller ones: without one of those nobody is known.
        assert_eq!(vendor(&registry, "70:b3:d5:ff:f0:00"), None);
        assert_eq!(vendor(&registry, "70:b3:d5:f2:f0:00").as_deref(), Some("TELEPLATFORMS"));
    }
}
