//! Zones that a network seems to have: from VLANs, from addresses that lie together, from routers and DHCP relays.
//!
//! It only proposes: nothing is a zone before somebody accepts. It never touches what a rule holds already.

use super::{Placement, Rules};
use model::{DeviceId, IpClass, Subnet, Vlan, Zone, ZoneName, ZoneRule, classify_ip};
use smol_str::{SmolStr, format_smolstr};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Most proposals at once, those with the most devices first.
const PROPOSALS_MAX: usize = 100;
/// Devices named as examples.
const EXAMPLES_MAX: usize = 5;
/// Subnets in one proposal.
const SUBNETS_MAX: usize = 16;
/// Devices that make a subnet, where neither router nor relay speaks for it.
const SUBNET_DEVICES_MIN: usize = 2;
/// Devices of a subnet in a hundred that must be of one VLAN for it to be that VLAN's.
const SHARE_PERCENT_MIN: usize = 80;
/// Devices of a zone in a hundred that must share a word for it to name the zone.
const NAME_PERCENT_MIN: usize = 40;
/// Prefix of the groups into which addresses are put: IPv4, IPv6.
const GROUP_BITS: [u8; 2] = [24, 64];

/// A device, as far as zones go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Identity.
    pub device: DeviceId,
    /// Its name, where it has one.
    pub name: Option<SmolStr>,
    /// What it is, where that is known: class or type.
    pub kind: Option<SmolStr>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// VLANs it was seen in.
    pub vlans: Vec<Vlan>,
    /// It forwards for others.
    pub is_router: bool,
}

/// A DHCP relay: an address within the subnet it speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Its address (giaddr).
    pub address: IpAddr,
    /// Clients it spoke for.
    pub clients: usize,
}

/// What proposals are made from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'e> {
    /// Devices.
    pub devices: &'e [Seen],
    /// DHCP relays heard.
    pub relays: &'e [Relay],
    /// Zones there are.
    pub zones: &'e [Zone],
}

/// A zone that seems to be there, or rules that seem to be missing in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What names the proposal as long as it says the same: its rules.
    pub key: SmolStr,
    /// The zone it would be added to; `None`: a new one.
    pub into: Option<ZoneName>,
    /// Its name.
    pub name: ZoneName,
    /// The rules.
    pub rules: Vec<ZoneRule>,
    /// Devices that are in no zone now and would be in this one.
    pub devices: usize,
    /// Some of them.
    pub examples: Vec<DeviceId>,
    /// What lives there, the most frequent first, at most three.
    pub kinds: Vec<(SmolStr, usize)>,
    /// Why, in sentences.
    pub because: Vec<String>,
}

/// Devices that lie together.
#[derive(Default)]
struct Group<'e> {
    vlan: Option<Vlan>,
    subnets: BTreeSet<Subnet>,
    devices: BTreeMap<DeviceId, &'e Seen>,
    routers: Vec<IpAddr>,
    relays: Vec<Relay>,
}

/// Zones of the devices that lie in each group of addresses already.
type Inhabited = BTreeMap<Subnet, Vec<SmolStr>>;

/// What seems to be missing, the most devices first.
pub fn propose(evidence: Evidence<'_>) -> Vec<Proposal> {
    let rules = Rules::new(evidence.zones);
    let (mut unplaced, mut inhabited) = (Vec::new(), Inhabited::new());
    for seen in evidence.devices {
        match rules.zone_of(&seen.addresses, &seen.vlans) {
            Placement::NoRule => unplaced.push(seen),
            Placement::In(zoned) if !seen.is_router => {
                lies_in(seen).for_each(|subnet| inhabited.entry(subnet).or_default().push(zoned.zone.clone()))
            }
            Placement::In(_) | Placement::Contradicted(_) => {}
        }
    }
    let mut groups = by_vlan(&unplaced);
    groups.extend(by_subnet(&unplaced, &groups, evidence));
    let mut taken: BTreeSet<String> = evidence.zones.iter().map(|zone| zone.name.folded()).collect();
    groups.sort_by_key(|group| {
        (std::cmp::Reverse(group.devices.len()), group.vlan, group.subnets.first().copied())
    });
    let mut given: Vec<ZoneRule> = held(evidence.zones);
    let mut proposals = Vec::new();
    for group in groups {
        if proposals.len() >= PROPOSALS_MAX {
            break;
        }
        let rules = free_rules(&group, &given);
        if rules.is_empty() {
            continue;
        }
        given.extend(rules.iter().copied());
        proposals.extend(drawn(&group, rules, (&inhabited, evidence.zones), &mut taken));
    }
    proposals
}

fn held(zones: &[Zone]) -> Vec<ZoneRule> {
    zones.iter().flat_map(|zone| &zone.rules).map(|(rule, _)| *rule).collect()
}

fn free_rules(group: &Group<'_>, given: &[ZoneRule]) -> Vec<ZoneRule> {
    let subnets = joined(&group.subnets).into_iter().take(SUBNETS_MAX).map(ZoneRule::Subnet);
    let all = group.vlan.map(ZoneRule::Vlan).into_iter().chain(subnets);
    all.filter(|rule| !given.iter().any(|other| other.overlaps(rule))).collect()
}

/// Groups of addresses a device lies in: those of a site only, and not those that never leave a link.
fn lies_in(seen: &Seen) -> impl Iterator<Item = Subnet> + '_ {
    let private = seen.addresses.iter().filter(|ip| classify_ip(**ip) == IpClass::Private);
    private.filter_map(|ip| group_of(*ip))
}

fn group_of(ip: IpAddr) -> Option<Subnet> {
    let [v4, v6] = GROUP_BITS;
    let ip = ip.to_canonical();
    Subnet::around(ip, if ip.is_ipv4() { v4 } else { v6 })
}

fn by_vlan<'e>(unplaced: &[&'e Seen]) -> Vec<Group<'e>> {
    let mut vlans: BTreeMap<Vlan, Group<'e>> = BTreeMap::new();
    let mut lying: BTreeMap<Subnet, (usize, BTreeMap<Vlan, usize>)> = BTreeMap::new();
    // A router is at home in none of the VLANs it connects.
    for seen in unplaced.iter().filter(|seen| !seen.is_router) {
        for subnet in lies_in(seen).collect::<BTreeSet<_>>() {
            let (all, of) = lying.entry(subnet).or_default();
            *all += 1;
            seen.vlans.iter().for_each(|vlan| *of.entry(*vlan).or_default() += 1);
        }
        for vlan in &seen.vlans {
            let group = vlans.entry(*vlan).or_default();
            group.vlan = Some(*vlan);
            group.devices.insert(seen.device, seen);
        }
    }
    for (subnet, (all, of)) in lying {
        let most = of.into_iter().max_by_key(|(vlan, count)| (*count, std::cmp::Reverse(*vlan)));
        if let Some((vlan, count)) = most
            && count * 100 >= all * SHARE_PERCENT_MIN
            && let Some(group) = vlans.get_mut(&vlan)
        {
            group.subnets.insert(subnet);
        }
    }
    vlans.into_values().collect()
}

/// Groups of addresses that are no VLAN's: seen from behind a router, or on untagged links.
fn by_subnet<'e>(unplaced: &[&'e Seen], vlans: &[Group<'e>], evidence: Evidence<'_>) -> Vec<Group<'e>> {
    let of_vlans: BTreeSet<Subnet> = vlans.iter().flat_map(|group| group.subnets.iter().copied()).collect();
    let mut groups: BTreeMap<Subnet, Group<'e>> = BTreeMap::new();
    for seen in unplaced.iter().filter(|seen| !seen.is_router) {
        for subnet in lies_in(seen).filter(|subnet| !of_vlans.contains(subnet)) {
            let group = groups.entry(subnet).or_default();
            group.subnets.insert(subnet);
            group.devices.insert(seen.device, seen);
        }
    }
    for router in evidence.devices.iter().filter(|seen| seen.is_router) {
        for ip in &router.addresses {
            if let Some(group) = group_of(*ip).and_then(|subnet| groups.get_mut(&subnet)) {
                group.routers.push(*ip);
            }
        }
    }
    for relay in evidence.relays {
        if let Some(group) = group_of(relay.address).and_then(|subnet| groups.get_mut(&subnet)) {
            group.relays.push(*relay);
        }
    }
    let speaks = |group: &Group<'_>| !group.routers.is_empty() || !group.relays.is_empty();
    groups.into_values().filter(|group| group.devices.len() >= SUBNET_DEVICES_MIN || speaks(group)).collect()
}

/// The same addresses in as few subnets: two halves of one are one.
fn joined(subnets: &BTreeSet<Subnet>) -> Vec<Subnet> {
    let mut left = subnets.clone();
    loop {
        let halves = left.iter().find_map(|one| {
            let whole = Subnet::around(one.network(), one.bits().checked_sub(1)?)?;
            let other = left
                .iter()
                .find(|two| two != &one && two.bits() == one.bits() && whole.contains(two.network()))?;
            Some((whole, *one, *other))
        });
        let Some((whole, one, other)) = halves else { return left.into_iter().collect() };
        left.remove(&one);
        left.remove(&other);
        left.insert(whole);
    }
}

fn drawn(
    group: &Group<'_>,
    rules: Vec<ZoneRule>,
    (inhabited, zones): (&Inhabited, &[Zone]),
    taken: &mut BTreeSet<String>,
) -> Option<Proposal> {
    let kinds = counted(group.devices.values().filter_map(|seen| seen.kind.clone()));
    let into = neighbours(group, inhabited, zones);
    let name = match &into {
        Some(zone) => zone.clone(),
        None => {
            let name = suggested(group, &kinds, &rules, taken)?;
            taken.insert(name.folded());
            name
        }
    };
    let key: Vec<String> = rules.iter().map(|rule| format!("{}:{}", rule.kind(), rule.value())).collect();
    Some(Proposal {
        key: key.join("+").into(),
        into,
        name,
        devices: group.devices.len(),
        examples: group.devices.keys().take(EXAMPLES_MAX).copied().collect(),
        because: because(group, &rules, &kinds),
        kinds: kinds.into_iter().take(3).collect(),
        rules,
    })
}

/// The zone that as many devices of the same addresses are in already.
fn neighbours(group: &Group<'_>, inhabited: &Inhabited, zones: &[Zone]) -> Option<ZoneName> {
    if group.vlan.is_some() {
        return None;
    }
    let beside = group.subnets.iter().filter_map(|subnet| inhabited.get(subnet)).flatten().cloned();
    let (zone, count) = counted(beside).into_iter().next()?;
    let zone = zones.iter().find(|one| one.name.as_str() == zone).map(|one| one.name.clone());
    zone.filter(|_| count >= group.devices.len())
}

fn because(group: &Group<'_>, rules: &[ZoneRule], kinds: &[(SmolStr, usize)]) -> Vec<String> {
    let devices = |count: usize| if count == 1 { "1 device".into() } else { format!("{count} devices") };
    let mut because = Vec::new();
    if let Some(vlan) = group.vlan {
        because.push(format!("{} seen in VLAN {}", devices(group.devices.len()), vlan.id()));
    }
    for rule in rules.iter().filter(|rule| rule.addresses().is_some()) {
        let within = |ip: &IpAddr| matches!(rule, ZoneRule::Subnet(subnet) if subnet.contains(*ip));
        let count = group.devices.values().filter(|seen| seen.addresses.iter().any(within)).count();
        because.push(format!("{} with addresses in {}", devices(count), rule.value()));
    }
    for router in group.routers.iter().take(EXAMPLES_MAX) {
        because.push(format!("a router has the address {router} there"));
    }
    for relay in group.relays.iter().take(EXAMPLES_MAX) {
        because.push(format!("DHCP relay {} spoke for {}", relay.address, devices(relay.clients)));
    }
    if let Some((kind, count)) = kinds.first() {
        because.push(format!("{count} of them say they are: {kind}"));
    }
    because
}

/// A name by what lives there: a word that names of devices begin with, else what most of them are, else the rule.
fn suggested(
    group: &Group<'_>,
    kinds: &[(SmolStr, usize)],
    rules: &[ZoneRule],
    taken: &BTreeSet<String>,
) -> Option<ZoneName> {
    let all = group.devices.len().max(1);
    let is_many = |count: usize| count >= 2 && count * 100 >= all * NAME_PERCENT_MIN;
    let words = counted(group.devices.values().filter_map(|seen| first_word(seen.name.as_deref()?)));
    let rule = match rules.first()? {
        ZoneRule::Vlan(vlan) => format!("VLAN {}", vlan.id()),
        rule => rule.value(),
    };
    let by_names = words.into_iter().next().filter(|(_, count)| is_many(*count)).map(|(word, _)| word);
    let by_kind = kinds.first().filter(|(_, count)| is_many(*count)).map(|(kind, _)| kind.clone());
    let best = by_names.or(by_kind);
    let long = best.as_ref().map(|best| format!("{best} ({rule})"));
    let candidates = best.map(|best| best.to_string()).into_iter().chain(long).chain([rule]);
    candidates.filter_map(|name| ZoneName::new(&name).ok()).find(|name| !taken.contains(&name.folded()))
}

/// `ICU` of `icu-mon-03`; `None` where a name does not begin with a word of letters.
fn first_word(name: &str) -> Option<SmolStr> {
    let word = name.split(|c: char| !c.is_alphabetic()).next()?;
    let letters = word.chars().count();
    if !(2..=16).contains(&letters) || word.len() == name.len() {
        return None;
    }
    // Short ones are abbreviations.
    if letters <= 4 {
        return Some(word.to_uppercase().into());
    }
    let mut chars = word.chars();
    let first = chars.next()?;
    Some(format_smolstr!("{}{}", first.to_uppercase(), chars.as_str().to_lowercase()))
}

/// How often each occurs, the most frequent first.
fn counted(words: impl Iterator<Item = SmolStr>) -> Vec<(SmolStr, usize)> {
    let mut counts: BTreeMap<SmolStr, usize> = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}
