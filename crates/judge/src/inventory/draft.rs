//! Devices in the making, before identities and people's decisions join or part them: which addresses a link address has
//! for itself, which it forwards for, and what lies behind a router (docs/design/0004-evidence.md).

use super::SiteNetworks;
use super::digest::{Bound, Digest};
use super::subject::SubjectKey;
use crate::site::Assigned;
use model::{Address, DomainId, Duration, IpClass, MacAddr, Timestamp, classify_ip};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Unconfirmed on-site IPv4 addresses that one link address may have for itself; beyond, it forwards.
const OWN_ADDRESSES_MAX: usize = 4;
/// On-site addresses a link address must forward for to be believed a router. A single one is a phone on a device's own access
/// point, or another odd start value: it stays visible as a talk, not as a device.
const FORWARDED_MIN: usize = 2;
/// Hops that no internal network has: the sender starts from an unusual value instead (lwIP and others).
const ODD_START_HOPS: usize = 1;
/// An address that another device takes up after this long has moved on; before, it is contested.
pub(crate) const MOVED_ON: Duration = Duration::from_secs(3600);

/// The digests of a site.
pub(crate) type Digests = BTreeMap<SubjectKey, Digest>;
/// Drafts by the address that names them.
pub(crate) type Drafts = BTreeMap<SubjectKey, Draft>;

/// A device in the making: the addresses it consists of, all of one domain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) macs: BTreeSet<MacAddr>,
    pub(crate) ips: BTreeSet<IpAddr>,
    /// Addresses that another device has by now: shown, but what is heard of them is not this device's.
    pub(crate) former_ips: BTreeSet<IpAddr>,
    pub(crate) is_router: bool,
    /// The router in front of it.
    pub(crate) behind: Option<SubjectKey>,
}

impl Draft {
    /// Its addresses as subjects of `domain`, link addresses first.
    pub(crate) fn subjects(&self, domain: DomainId) -> impl Iterator<Item = SubjectKey> + '_ {
        let ips = self.ips.iter().map(move |ip| SubjectKey { domain, address: Address::Ip(*ip) });
        self.links(domain).chain(ips)
    }

    /// Its link addresses as subjects of `domain`.
    fn links(&self, domain: DomainId) -> impl Iterator<Item = SubjectKey> + '_ {
        self.macs.iter().map(move |mac| SubjectKey { domain, address: Address::Mac(*mac) })
    }
}

/// Groups addresses into drafts.
pub(crate) fn drafts(digests: &Digests, networks: &SiteNetworks, assigned: &Assigned) -> Drafts {
    let mut drafts = Drafts::new();
    let mut forwarded: BTreeMap<SubjectKey, MacAddr> = BTreeMap::new();
    let mut owned: BTreeSet<SubjectKey> = BTreeSet::new();
    for (key, mac, digest) in senders(digests) {
        let ip_key = |ip: IpAddr| SubjectKey { domain: key.domain, address: Address::Ip(ip) };
        let mut split = split_bindings(&digest.bindings, networks);
        let leads_away = split.forwarded.iter().any(|ip| !networks.contains(*ip));
        if split.forwarded.len() < FORWARDED_MIN && !leads_away && !digest.routes {
            split.forwarded.clear();
        }
        let draft = drafts.entry(*key).or_default();
        draft.macs.insert(mac);
        draft.is_router = !split.forwarded.is_empty() || digest.routes;
        owned.extend(split.own.iter().map(|ip| ip_key(*ip)));
        draft.ips = split.own.into_iter().collect();
        for ip in split.forwarded {
            let first = forwarded.entry(ip_key(ip)).or_insert(mac);
            *first = (*first).min(mac);
        }
    }
    add_routed(&mut drafts, &forwarded, &owned, networks);
    add_linkless(&mut drafts, digests, &forwarded, &owned, networks);
    add_spoken_for(&mut drafts, digests);
    settle_shared(&mut drafts, digests, assigned);
    drafts
}

/// Link addresses that sent frames, in order.
pub(crate) fn senders(digests: &Digests) -> impl Iterator<Item = (&SubjectKey, MacAddr, &Digest)> {
    digests.iter().filter_map(|(key, digest)| match key.address {
        Address::Mac(mac) if digest.sent => Some((key, mac, digest)),
        _ => None,
    })
}

/// Devices behind a router: on-site addresses that sent packets and are nobody's own on the link.
fn add_routed(
    drafts: &mut Drafts,
    forwarded: &BTreeMap<SubjectKey, MacAddr>,
    owned: &BTreeSet<SubjectKey>,
    networks: &SiteNetworks,
) {
    for (key, router) in forwarded {
        let Address::Ip(ip) = key.address else { continue };
        if owned.contains(key) || !networks.contains(ip) {
            continue;
        }
        let draft = drafts.entry(*key).or_default();
        draft.ips.insert(ip);
        draft.behind = Some(SubjectKey { domain: key.domain, address: Address::Mac(*router) });
    }
}

/// Devices of captures without a link layer (raw IP, tunnels without Ethernet).
fn add_linkless(
    drafts: &mut Drafts,
    digests: &Digests,
    forwarded: &BTreeMap<SubjectKey, MacAddr>,
    owned: &BTreeSet<SubjectKey>,
    networks: &SiteNetworks,
) {
    let mut bound: BTreeSet<SubjectKey> = BTreeSet::new();
    for (key, _, digest) in senders(digests) {
        let ips = digest.bindings.iter().map(|(ip, _)| Address::Ip(*ip));
        bound.extend(ips.map(|address| SubjectKey { domain: key.domain, address }));
    }
    for (key, _) in digests.iter().filter(|(_, digest)| digest.sent) {
        let Address::Ip(ip) = key.address else { continue };
        let is_known = owned.contains(key) || forwarded.contains_key(key) || bound.contains(key);
        if !is_known && networks.contains(ip) {
            drafts.entry(*key).or_default().ips.insert(ip);
        }
    }
}

/// Link addresses never seen themselves, but named by DHCP as that of an address behind a router: the one named last.
fn add_spoken_for(drafts: &mut Drafts, digests: &Digests) {
    let mut latest: BTreeMap<SubjectKey, (Timestamp, MacAddr)> = BTreeMap::new();
    for (key, digest) in digests.iter().filter(|(_, digest)| !digest.sent) {
        let Address::Mac(mac) = key.address else { continue };
        for (ip, bound) in digest.bindings.iter().filter(|(_, b)| b.confirmed) {
            let ip = SubjectKey { domain: key.domain, address: Address::Ip(*ip) };
            let named = (bound.last_seen, mac);
            latest.entry(ip).and_modify(|known| *known = named.max(*known)).or_insert(named);
        }
    }
    for (ip, (_, mac)) in latest {
        if let Some(draft) = drafts.get_mut(&ip) {
            draft.macs.insert(mac);
        }
    }
}

/// An address that several devices called their own (a lease that moved on, a spoofer) counts for who had it last. While
/// they contest it, it stays with who had it before, so that it does not change hands at every look.
fn settle_shared(drafts: &mut Drafts, digests: &Digests, assigned: &Assigned) {
    let mut holders: BTreeMap<SubjectKey, Vec<(Timestamp, SubjectKey)>> = BTreeMap::new();
    for (key, draft) in drafts.iter() {
        for ip in &draft.ips {
            let address = SubjectKey { domain: key.domain, address: Address::Ip(*ip) };
            let last = draft.macs.iter().filter_map(|mac| bound(digests, key.domain, *mac, *ip));
            let last = last.map(|b| b.last_seen).max().unwrap_or_default();
            holders.entry(address).or_default().push((last, *key));
        }
    }
    for (address, mut holders) in holders.into_iter().filter(|(_, holders)| holders.len() > 1) {
        let Address::Ip(ip) = address.address else { continue };
        holders.sort();
        let Some((last, latest)) = holders.last().copied() else { continue };
        let had_it = |key: &SubjectKey| {
            let device = assigned.subjects.get(&address);
            device.is_some()
                && drafts
                    .get(key)
                    .is_some_and(|d| d.links(key.domain).any(|l| assigned.subjects.get(&l) == device))
        };
        let keeper = holders.iter().rev().find(|(seen, key)| seen.plus(MOVED_ON) > last && had_it(key));
        let keeper = keeper.map_or(latest, |(_, key)| *key);
        for (_, former) in holders.into_iter().filter(|(_, key)| *key != keeper) {
            if let Some(draft) = drafts.get_mut(&former) {
                draft.ips.remove(&ip);
                draft.former_ips.insert(ip);
            }
        }
    }
}

fn bound(digests: &Digests, domain: DomainId, mac: MacAddr, ip: IpAddr) -> Option<&Bound> {
    let bindings = &digests.get(&SubjectKey { domain, address: Address::Mac(mac) })?.bindings;
    let at = bindings.binary_search_by_key(&ip, |(ip, _)| *ip).ok()?;
    bindings.get(at).map(|(_, bound)| bound)
}

struct Split {
    own: Vec<IpAddr>,
    forwarded: Vec<IpAddr>,
}

/// Tells the addresses of a link address itself from those it forwards for.
fn split_bindings(bindings: &[(IpAddr, Bound)], networks: &SiteNetworks) -> Split {
    let mut split = Split { own: Vec::new(), forwarded: Vec::new() };
    let is_site = |ip: IpAddr| networks.contains(ip);
    let on_site = |(ip, b): &&(IpAddr, Bound)| is_site(*ip) && ip.is_ipv4() && !b.confirmed;
    let unconfirmed = bindings.iter().filter(on_site).filter(|(_, b)| b.on_link || !b.forwarded).count();
    let all_on_site = bindings.iter().filter(|(ip, _)| is_site(*ip) && ip.is_ipv4()).count();
    let has_site_address = bindings.iter().any(|(ip, b)| {
        is_site(*ip) && (b.confirmed || b.on_link) && classify_ip(*ip) != IpClass::LinkLocal && ip.is_ipv4()
    });
    let public_v4 = bindings.iter().filter(|(ip, _)| ip.is_ipv4() && !is_site(*ip)).count();
    for (ip, binding) in bindings {
        let is_own = match binding {
            Bound { confirmed: true, .. } => true,
            _ if classify_ip(*ip) == IpClass::LinkLocal => true,
            Bound { on_link: true, forwarded: true, .. } => false,
            // A public address with a full hop count is the host's own only where it has no other.
            Bound { on_link: true, .. } if !is_site(*ip) && ip.is_ipv4() => {
                !has_site_address && public_v4 <= 1
            }
            Bound { on_link: true, .. } if ip.is_ipv4() => unconfirmed <= OWN_ADDRESSES_MAX,
            Bound { on_link: true, .. } => true,
            // The only on-site address of this sender, with an odd hop count: an unusual start value.
            _ if is_site(*ip) && ip.is_ipv4() => all_on_site <= ODD_START_HOPS && public_v4 == 0,
            _ => false,
        };
        let group = if is_own { &mut split.own } else { &mut split.forwarded };
        group.push(*ip);
    }
    split
}
