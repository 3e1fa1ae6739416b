//! Zones: parts of the network that belong together, and the rules that say which addresses are in one.
//!
//! One spelling each, so that what is stored can be compared. It must not decide which rule wins: `judge::segment` does.

use crate::Vlan;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Characters of the longest name of a zone.
pub const ZONE_NAME_CHARS_MAX: usize = 64;
/// Characters of the longest purpose.
pub const ZONE_PURPOSE_CHARS_MAX: usize = 400;
/// Characters of an offending input that a message quotes.
const QUOTED_CHARS_MAX: usize = 64;

/// Number of a zone within the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ZoneId(pub i64);

/// What is wrong with a name, a purpose or a rule, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAZone(String);

impl fmt::Display for NotAZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAZone {}

/// A zone's name: 1 to 64 characters, spaces single and inside only, nothing that moves a cursor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ZoneName(SmolStr);

impl ZoneName {
    /// Reads a name; spaces are made single.
    ///
    /// # Errors
    /// Empty, too long, or with control characters.
    pub fn new(text: &str) -> Result<Self, NotAZone> {
        let name = line(text, "a zone's name", ZONE_NAME_CHARS_MAX)?;
        if name.is_empty() {
            return Err(NotAZone("a zone needs a name".into()));
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as text of its own.
    pub fn text(&self) -> SmolStr {
        self.0.clone()
    }

    /// What two names of one zone have in common: names that differ in case only are one.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a zone is for, in words; may be empty.
///
/// # Errors
/// Too long, or with control characters.
pub fn zone_purpose(text: &str) -> Result<SmolStr, NotAZone> {
    line(text, "a zone's purpose", ZONE_PURPOSE_CHARS_MAX)
}

fn line(text: &str, what: &str, chars_max: usize) -> Result<SmolStr, NotAZone> {
    // Capped before it is looked at: what is pasted may be a whole file.
    let head: String = text.chars().take(chars_max.saturating_mul(4)).collect();
    let words: Vec<&str> = head.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().any(crate::words::acts) {
        return Err(NotAZone(format!("{what} is plain text; {} is not", quoted(text))));
    }
    if line.chars().count() > chars_max || head.len() < text.trim_end().len() {
        return Err(NotAZone(format!(
            "{what} has at most {chars_max} characters; {} has more",
            quoted(text)
        )));
    }
    Ok(line.into())
}

/// A network by its first address and the length of its prefix: `10.20.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    network: IpAddr,
    bits: u8,
}

impl Subnet {
    /// The network of `bits` that holds `ip`. `None` for a prefix of no bits (it would be everything) or too many.
    pub fn around(ip: IpAddr, bits: u8) -> Option<Self> {
        let width = width(ip);
        if bits == 0 || bits > width {
            return None;
        }
        Some(Self { network: from_number(number(ip) & mask(width, bits), ip.is_ipv4()), bits })
    }

    /// Its first address.
    pub fn network(self) -> IpAddr {
        self.network
    }

    /// Its last address.
    pub fn last(self) -> IpAddr {
        let width = width(self.network);
        let host = !mask(width, self.bits) & mask(width, width);
        from_number(number(self.network) | host, self.network.is_ipv4())
    }

    /// Length of its prefix.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether `ip` is in it.
    pub fn contains(self, ip: IpAddr) -> bool {
        ip.is_ipv4() == self.network.is_ipv4() && Self::around(ip, self.bits) == Some(self)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.bits)
    }
}

impl FromStr for Subnet {
    type Err = NotAZone;

    fn from_str(text: &str) -> Result<Self, NotAZone> {
        let wrong = || NotAZone(format!("{} is no subnet: write it like 10.20.0.0/16", quoted(text)));
        let (ip, bits) = text.split_once('/').ok_or_else(wrong)?;
        let ip = address(ip).ok_or_else(wrong)?;
        let is_plain = !bits.is_empty() && bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit());
        let bits: u8 = Some(bits).filter(|_| is_plain).and_then(|b| b.parse().ok()).ok_or_else(wrong)?;
        if bits == 0 {
            return Err(NotAZone(format!("{} is every address there is: no zone", quoted(text))));
        }
        let subnet = Self::around(ip, bits).ok_or_else(wrong)?;
        if subnet.network != ip {
            let why = format!("{} names an address within {subnet}: write {subnet}", quoted(text));
            return Err(NotAZone(why));
        }
        Ok(subnet)
    }
}

/// Addresses that a DHCP server gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DhcpScope {
    /// All of a subnet.
    Subnet(Subnet),
    /// From the first to the last, both included.
    Range(AddressRange),
}

/// Addresses of one family from the first to the last: `10.0.1.10-10.0.1.99`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// `None` where the two are of different families or in the wrong order.
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    /// The first address.
    pub fn first(self) -> IpAddr {
        self.first
    }

    /// The last address.
    pub fn last(self) -> IpAddr {
        self.last
    }

    /// How many addresses there are, less one.
    pub fn span(self) -> u128 {
        number(self.last) - number(self.first)
    }

    /// Whether the two have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.first.is_ipv4() == other.first.is_ipv4() && self.first <= other.last && other.first <= self.last
    }

    /// The fewest subnets that make it up, ascending.
    pub fn subnets(self) -> Vec<Subnet> {
        let (width, is_v4) = (u32::from(width(self.first)), self.first.is_ipv4());
        let (mut at, last) = (number(self.first), number(self.last));
        let mut subnets = Vec::new();
        loop {
            let aligned = if at == 0 { width } else { at.trailing_zeros().min(width) };
            // Bits of the largest block that still ends within the range; never the whole family: a prefix has a bit.
            let left = last - at;
            let fits = if left == u128::MAX { 128 } else { (left + 1).ilog2() };
            let host_bits = aligned.min(fits).min(width - 1);
            let bits = u8::try_from(width - host_bits).unwrap_or(u8::MAX);
            subnets.push(Subnet { network: from_number(at, is_v4), bits });
            match at.checked_add(1 << host_bits) {
                Some(next) if next <= last => at = next,
                _ => return subnets,
            }
        }
    }
}

/// What puts an address into a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ZoneRule {
    /// Frames of this VLAN.
    Vlan(Vlan),
    /// Addresses of this subnet.
    Subnet(Subnet),
    /// Addresses that a DHCP server gives out.
    DhcpScope(DhcpScope),
}

impl ZoneRule {
    /// Names of the kinds.
    pub const KINDS: [&'static str; 3] = ["vlan", "subnet", "dhcp-scope"];

    /// `vlan`, `subnet` or `dhcp-scope`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Vlan(_) => "vlan",
            Self::Subnet(_) => "subnet",
            Self::DhcpScope(_) => "dhcp-scope",
        }
    }

    /// Its value: `20`, `10.20.0.0/16`, `10.0.1.10-10.0.1.99`.
    pub fn value(&self) -> String {
        match self {
            Self::Vlan(vlan) => vlan.id().to_string(),
            Self::Subnet(subnet) | Self::DhcpScope(DhcpScope::Subnet(subnet)) => subnet.to_string(),
            Self::DhcpScope(DhcpScope::Range(range)) => format!("{}-{}", range.first, range.last),
        }
    }

    /// Reads a rule of `kind`.
    ///
    /// # Errors
    /// Another kind, or a value that is not spelled as [`Self::value`] spells it.
    pub fn read(kind: &str, value: &str) -> Result<Self, NotAZone> {
        match kind {
            "vlan" => vlan(value).map(Self::Vlan),
            "subnet" => value.parse().map(Self::Subnet),
            "dhcp-scope" => match value.split_once('-') {
                None => value.parse().map(DhcpScope::Subnet).map(Self::DhcpScope),
                Some((first, last)) => {
                    let range = address(first).zip(address(last)).and_then(|(a, b)| AddressRange::new(a, b));
                    let way = "write the first and the last address like 10.0.1.10-10.0.1.99";
                    let wrong = || NotAZone(format!("{} is no DHCP scope: {way}", quoted(value)));
                    range.map(DhcpScope::Range).map(Self::DhcpScope).ok_or_else(wrong)
                }
            },
            _ => {
                let kinds = Self::KINDS.join(", ");
                Err(NotAZone(format!("{} is no kind of rule: there are {kinds}", quoted(kind))))
            }
        }
    }

    /// The addresses it is about; `None` for a VLAN.
    pub fn addresses(&self) -> Option<AddressRange> {
        match self {
            Self::Vlan(_) => None,
            Self::Subnet(subnet) | Self::DhcpScope(DhcpScope::Subnet(subnet)) => {
                Some(AddressRange { first: subnet.network(), last: subnet.last() })
            }
            Self::DhcpScope(DhcpScope::Range(range)) => Some(*range),
        }
    }

    /// Whether something can be in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self.addresses(), other.addresses()) {
            (Some(a), Some(b)) => a.overlaps(b),
            (None, None) => self == other,
            _ => false,
        }
    }
}

impl fmt::Display for ZoneRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Vlan(_) => "VLAN",
            Self::Subnet(_) => "subnet",
            Self::DhcpScope(_) => "DHCP scope",
        };
        write!(f, "{kind} {}", self.value())
    }
}

/// Where a zone or a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZoneSource {
    /// Ward proposed it, and somebody accepted.
    Proposed,
    /// Somebody wrote it.
    Person,
    /// A CSV file.
    Csv,
    /// An export of NetBox.
    Netbox,
}

impl ZoneSource {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Proposed, Self::Person, Self::Csv, Self::Netbox];

    /// Its name, as the store and the API write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Person => "person",
            Self::Csv => "csv",
            Self::Netbox => "netbox",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// A zone and its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its number; `None` where it is not stored yet.
    pub id: Option<ZoneId>,
    /// Its name.
    pub name: ZoneName,
    /// What it is for.
    pub purpose: SmolStr,
    /// Where it comes from.
    pub source: ZoneSource,
    /// What is in it, each with where the rule comes from.
    pub rules: Vec<(ZoneRule, ZoneSource)>,
}

fn vlan(text: &str) -> Result<Vlan, NotAZone> {
    let wrong = || NotAZone(format!("{} is no VLAN: write a number from 1 to 4094", quoted(text)));
    let number: u16 = text.parse().map_err(|_| wrong())?;
    Vlan::new(number).filter(|vlan| vlan.id().to_string() == text).ok_or_else(wrong)
}

/// An address in its one spelling; an IPv4 address within IPv6 is written as what it is.
fn address(text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    Some(ip).filter(|ip| ip.to_string() == text && ip.to_canonical() == *ip)
}

fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn mask(width: u8, bits: u8) -> u128 {
    let all = if width == 128 { u128::MAX } else { (1 << width) - 1 };
    let host = u32::from(width.saturating_sub(bits));
    if host >= 128 { 0 } else { (all >> host) << host }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn from_number(number: u128, is_v4: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(bits) if is_v4 => Ipv4Addr::from_bits(bits).into(),
        _ => Ipv6Addr::from_bits(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_one_spelling_each() {
        let good = [
            ("vlan", "1"),
            ("vlan", "4094"),
            ("subnet", "10.20.0.0/16"),
            ("subnet", "10.1.2.3/32"),
            ("subnet", "fd00:20::/64"),
            ("dhcp-scope", "10.0.1.0/24"),
            ("dhcp-scope", "10.0.1.10-10.0.1.99"),
            ("dhcp-scope", "fd00::1-fd00::ff"),
        ];
        for (kind, value) in good {
            let rule = ZoneRule::read(kind, value).unwrap();
            assert_eq!((rule.kind(), rule.value().as_str()), (kind, value));
        }
        let bad = [
            ("vlan", "0"),
            ("vlan", "4095"),
            ("vlan", "+5"),
            ("vlan", "05"),
            ("subnet", "10.20.0.1/16"),
            ("subnet", "0.0.0.0/0"),
            ("subnet", "10.0.0.0/33"),
            ("subnet", "10.0.0.0/+8"),
            ("subnet", "::ffff:10.0.0.0/104"),
            ("subnet", "FD00::/64"),
            ("subnet", "10.0.0.0"),
            ("dhcp-scope", "10.0.1.99-10.0.1.10"),
            ("dhcp-scope", "10.0.1.1-fd00::1"),
            ("port", "1"),
        ];
        for (kind, value) in bad {
            assert!(ZoneRule::read(kind, value).is_err(), "{kind} {value}");
        }
        let said = ZoneRule::read("subnet", "10.20.0.1/16").unwrap_err().to_string();
        assert!(said.ends_with("write 10.20.0.0/16"), "{said}");
    }

    #[test]
    fn names_are_plain_lines() {
        assert_eq!(ZoneName::new("  Intensive   care ").unwrap().as_str(), "Intensive care");
        assert_eq!(ZoneName::new("ICU").unwrap().folded(), ZoneName::new("icu").unwrap().folded());
        for text in ["", "   ", "a\u{7}b", &"x".repeat(65), &"x ".repeat(9_999)] {
            assert!(ZoneName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ranges_are_made_up_of_subnets() {
        let of = |first: &str, last: &str| {
            let range = AddressRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap();
            range.subnets().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of("10.0.0.10", "10.0.0.13"), ["10.0.0.10/31", "10.0.0.12/31"]);
        assert_eq!(of("10.0.0.0", "10.0.1.255"), ["10.0.0.0/23"]);
        assert_eq!(of("10.0.0.7", "10.0.0.7"), ["10.0.0.7/32"]);
        assert_eq!(of("0.0.0.0", "255.255.255.255"), ["0.0.0.0/1", "128.0.0.0/1"]);
        assert_eq!(of("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ["::/1", "8000::/1"]);
    }

    #[test]
    fn overlaps_are_seen_across_kinds() {
        let rule = |kind, value| ZoneRule::read(kind, value).unwrap();
        assert!(rule("subnet", "10.0.0.0/8").overlaps(&rule("dhcp-scope", "10.0.1.10-10.0.1.99")));
        assert!(!rule("subnet", "10.0.2.0/24").overlaps(&rule("dhcp-scope", "10.0.1.10-10.0.1.99")));
        assert!(rule("vlan", "20").overlaps(&rule("vlan", "20")));
        assert!(!rule("vlan", "20").overlaps(&rule("subnet", "10.0.0.0/8")));
    }
}
