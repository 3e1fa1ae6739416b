//! The zone of an address: the most specific subnet or scope that holds it, else its VLAN.

use model::{Subnet, Vlan, Zone, ZoneId, ZoneRule};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// The rules of a site, made ready for many questions.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    zones: Vec<(Option<ZoneId>, SmolStr)>,
    /// Blocks of addresses, with the rules they are part of.
    blocks: BTreeMap<Subnet, Vec<Rule>>,
    /// Lengths of the prefixes of `blocks`, of IPv4 and of IPv6.
    lengths: [Vec<u8>; 2],
    vlans: BTreeMap<Vlan, Vec<Rule>>,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    /// Place in `zones`.
    zone: usize,
    rule: ZoneRule,
    /// Addresses it is about, less one: the fewer, the more specific.
    span: u128,
}

/// The zone of a device, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zoned {
    /// Number of the zone; `None` where it is not stored yet.
    pub id: Option<ZoneId>,
    /// Its name.
    pub zone: SmolStr,
    /// The rule that says so.
    pub rule: ZoneRule,
    /// The address that the rule holds; `None` where it is the VLAN.
    pub address: Option<IpAddr>,
}

impl Zoned {
    /// Why, in words.
    pub fn because(&self) -> String {
        match self.address {
            Some(address) => format!("{address} is in {} of zone {}", self.rule, self.zone),
            None => format!("it was seen in {}, which is of zone {}", self.rule, self.zone),
        }
    }
}

/// Where a device is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In a zone.
    In(Zoned),
    /// Two zones claim it with rules that are equally specific: in none.
    Contradicted(Box<[Zoned; 2]>),
    /// No rule is about it.
    NoRule,
}

impl Placement {
    /// The zone, if there is one.
    pub fn zone(&self) -> Option<&SmolStr> {
        match self {
            Self::In(zoned) => Some(&zoned.zone),
            Self::Contradicted(_) | Self::NoRule => None,
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(zoned) => f.write_str(&zoned.because()),
            Self::Contradicted(two) => {
                let [a, b] = &**two;
                write!(f, "rules contradict: {}, and {}", a.because(), b.because())
            }
            Self::NoRule => f.write_str("no zone has a rule for its addresses or VLANs"),
        }
    }
}

impl Rules {
    /// Of these zones.
    pub fn new(zones: &[Zone]) -> Self {
        let mut rules = Self::default();
        for (place, zone) in zones.iter().enumerate() {
            rules.zones.push((zone.id, zone.name.text()));
            for (rule, _) in &zone.rules {
                rules.add(place, *rule);
            }
        }
        for lengths in &mut rules.lengths {
            lengths.sort_unstable();
            lengths.dedup();
        }
        rules
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.vlans.is_empty()
    }

    fn add(&mut self, zone: usize, rule: ZoneRule) {
        let Some(range) = rule.addresses() else {
            if let ZoneRule::Vlan(vlan) = rule {
                self.vlans.entry(vlan).or_default().push(Rule { zone, rule, span: 0 });
            }
            return;
        };
        let [v4, v6] = &mut self.lengths;
        let lengths = if range.first().is_ipv4() { v4 } else { v6 };
        for block in range.subnets() {
            lengths.push(block.bits());
            self.blocks.entry(block).or_default().push(Rule { zone, rule, span: range.span() });
        }
    }

    /// The zone of what has these addresses and was seen in these VLANs.
    pub fn zone_of(&self, addresses: &[IpAddr], vlans: &[Vlan]) -> Placement {
        let mut best = Best::default();
        for address in addresses {
            let address = address.to_canonical();
            let [v4, v6] = &self.lengths;
            for bits in if address.is_ipv4() { v4 } else { v6 } {
                let block = Subnet::around(address, *bits).and_then(|block| self.blocks.get(&block));
                block.into_iter().flatten().for_each(|rule| best.weigh(*rule, Some(address)));
            }
        }
        if best.first.is_none() {
            let of_vlans = vlans.iter().filter_map(|vlan| self.vlans.get(vlan)).flatten();
            of_vlans.for_each(|rule| best.weigh(*rule, None));
        }
        match (best.first.and_then(|one| self.zoned(one)), best.rival.and_then(|one| self.zoned(one))) {
            (Some(one), Some(other)) => Placement::Contradicted(Box::new([one, other])),
            (Some(one), None) => Placement::In(one),
            (None, _) => Placement::NoRule,
        }
    }

    fn zoned(&self, (rule, address): (Rule, Option<IpAddr>)) -> Option<Zoned> {
        let (id, zone) = self.zones.get(rule.zone)?.clone();
        Some(Zoned { id, zone, rule: rule.rule, address })
    }
}

/// The most specific rule so far, and one of another zone that is as specific.
#[derive(Default)]
struct Best {
    first: Option<(Rule, Option<IpAddr>)>,
    rival: Option<(Rule, Option<IpAddr>)>,
}

impl Best {
    fn weigh(&mut self, rule: Rule, address: Option<IpAddr>) {
        // A prefix of IPv6 is never as specific as one of IPv4 by count: each family by the share it covers.
        let share = |rule: &Rule, address: Option<IpAddr>| match address {
            Some(IpAddr::V4(_)) => rule.span << 96,
            _ => rule.span,
        };
        let Some((best, at)) = &self.first else {
            self.first = Some((rule, address));
            return;
        };
        match share(&rule, address).cmp(&share(best, *at)) {
            std::cmp::Ordering::Less => *self = Self { first: Some((rule, address)), rival: None },
            std::cmp::Ordering::Equal if rule.zone != best.zone && self.rival.is_none() => {
                self.rival = Some((rule, address));
            }
            _ => {}
        }
    }
}
