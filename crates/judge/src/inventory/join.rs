//! Drafts joined to groups, each of which is one device: by an identity that no two devices share, by a link address
//! that two addresses behind a router have in common, by people's decisions; and kept apart by people's decisions.
//!
//! Joining is transitive (union-find, in the order of the addresses), so no order of evidence can matter.

use super::draft::{Digests, Draft, Drafts};
use super::identity::Identities;
use super::subject::SubjectKey;
use crate::site::{Assigned, Decision, MergedBecause};
use model::{Address, DeviceId, DomainId, IpClass, classify_ip};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// One device: drafts that belong together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Ascending.
    pub(crate) subjects: BTreeSet<SubjectKey>,
    /// Addresses that other devices have by now.
    pub(crate) former: BTreeSet<SubjectKey>,
    pub(crate) is_router: bool,
    pub(crate) behind: Option<SubjectKey>,
    /// Why its drafts were joined, with the addresses that name them.
    pub(crate) links: Vec<Link>,
}

/// Why two drafts were joined.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) a: SubjectKey,
    pub(crate) b: SubjectKey,
    pub(crate) why: MergedBecause,
}

/// Groups by the smallest address that names one of their drafts, and the decisions that could not be followed.
pub(crate) fn join(
    mut drafts: Drafts,
    digests: &Digests,
    assigned: &Assigned,
    decisions: &[Decision],
) -> (BTreeMap<SubjectKey, Group>, Vec<usize>) {
    let mut unheeded = part_drafts(&mut drafts, assigned, decisions);
    let (keys, drafts): (Vec<SubjectKey>, Vec<Draft>) = drafts.into_iter().unzip();
    let mut union = Union::new(&keys);
    if !decisions.is_empty() {
        let home = home_of(&keys, &drafts);
        unheeded.extend(union.decide(&home, assigned, decisions));
        unheeded.sort_unstable();
        unheeded.dedup();
    }
    union.by_link_address(&drafts);
    union.by_identity(&drafts, digests);
    let mut groups: BTreeMap<SubjectKey, Group> = BTreeMap::new();
    for (index, (key, draft)) in keys.iter().zip(drafts).enumerate() {
        let Some(root) = keys.get(union.root(index)) else { continue };
        groups.entry(*root).or_default().add(key.domain, draft);
    }
    for link in std::mem::take(&mut union.links) {
        let root = keys.binary_search(&link.a).ok().map(|index| union.root(index));
        if let Some(group) = root.and_then(|root| keys.get(root)).and_then(|key| groups.get_mut(key)) {
            group.links.push(link);
        }
    }
    for group in groups.values_mut() {
        let Group { subjects, former, .. } = group;
        former.retain(|key| !subjects.contains(key));
    }
    (groups, unheeded)
}

impl Group {
    fn add(&mut self, domain: DomainId, draft: Draft) {
        self.subjects.extend(draft.subjects(domain));
        let former = draft.former_ips.iter().map(|ip| SubjectKey { domain, address: Address::Ip(*ip) });
        self.former.extend(former);
        self.is_router |= draft.is_router;
        self.behind = self.behind.take().or(draft.behind);
    }
}

/// The draft in which each subject is.
fn home_of(keys: &[SubjectKey], drafts: &[Draft]) -> BTreeMap<SubjectKey, usize> {
    let mut home = BTreeMap::new();
    for (index, (key, draft)) in keys.iter().zip(drafts).enumerate() {
        for subject in draft.subjects(key.domain) {
            home.entry(subject).or_insert(index);
        }
    }
    home
}

/// Takes out of their drafts the addresses that people said are not that device's. The decisions that name an address
/// that is nowhere, a device that never was, or the very address that names the device, are told by index.
fn part_drafts(drafts: &mut Drafts, assigned: &Assigned, decisions: &[Decision]) -> Vec<usize> {
    let splits = decisions.iter().enumerate().filter_map(|(index, decision)| match decision {
        Decision::Split { device, subject } => Some((index, *device, *subject)),
        Decision::Merge { .. } => None,
    });
    let mut unheeded = Vec::new();
    let mut home: Option<BTreeMap<SubjectKey, SubjectKey>> = None;
    for (index, device, subject) in splits {
        let home = home.get_or_insert_with(|| {
            let of = |(key, draft): (&SubjectKey, &Draft)| -> Vec<(SubjectKey, SubjectKey)> {
                draft.subjects(key.domain).map(|subject| (subject, *key)).collect()
            };
            drafts.iter().flat_map(of).collect()
        });
        let known = assigned.devices.get(&device).filter(|known| known.key != subject);
        let Some(key) = home.get(&subject).copied().filter(|_| known.is_some()) else {
            unheeded.push(index);
            continue;
        };
        let is_of_device = |draft: &Draft| {
            draft.subjects(key.domain).any(|other| other != subject && is_part(assigned, device, &other))
        };
        if drafts.get(&key).is_some_and(is_of_device)
            && let Some(draft) = drafts.remove(&key)
        {
            let (alone, rest) = part(draft, key, subject);
            for (key, draft) in [Some((subject, alone)), rest].into_iter().flatten() {
                home.extend(draft.subjects(key.domain).map(|subject| (subject, key)));
                drafts.insert(key, draft);
            }
        }
    }
    unheeded
}

/// Whether `subject` stands for `device`: it named it, or is where its name is now.
fn is_part(assigned: &Assigned, device: DeviceId, subject: &SubjectKey) -> bool {
    let key = assigned.devices.get(&device).map(|known| known.key);
    let now = assigned.subjects.get(subject).copied();
    key == Some(*subject)
        || now == Some(device)
        || (now.is_some() && now == key.and_then(|key| assigned.subjects.get(&key).copied()))
}

fn part(mut draft: Draft, key: SubjectKey, subject: SubjectKey) -> (Draft, Option<(SubjectKey, Draft)>) {
    let mut alone = Draft { behind: draft.behind, ..Draft::default() };
    match subject.address {
        Address::Mac(mac) => {
            draft.macs.remove(&mac);
            alone.macs.insert(mac);
        }
        Address::Ip(ip) => {
            draft.ips.remove(&ip);
            alone.ips.insert(ip);
        }
    }
    if subject == key {
        alone.is_router = std::mem::take(&mut draft.is_router);
    }
    let rest_key = if subject == key { draft.subjects(key.domain).next() } else { Some(key) };
    (alone, rest_key.map(|key| (key, draft)))
}

/// Union-find over drafts by index; the root of a group is its smallest index.
struct Union<'k> {
    keys: &'k [SubjectKey],
    parent: Vec<usize>,
    links: Vec<Link>,
    /// Drafts that must not meet, by people's decision.
    apart: Vec<(usize, usize)>,
}

impl<'k> Union<'k> {
    fn new(keys: &'k [SubjectKey]) -> Self {
        Self { keys, parent: (0..keys.len()).collect(), links: Vec::new(), apart: Vec::new() }
    }

    fn root(&mut self, mut index: usize) -> usize {
        loop {
            let up = self.parent.get(index).copied().unwrap_or(index);
            if up == index {
                return index;
            }
            // Path halving: each look makes the next one shorter.
            let further = self.parent.get(up).copied().unwrap_or(up);
            if let Some(slot) = self.parent.get_mut(index) {
                *slot = further;
            }
            index = further;
        }
    }

    /// Joins two drafts, unless that would bring together what is to stay apart.
    fn link(&mut self, a: usize, b: usize, why: impl FnOnce() -> MergedBecause) {
        let (first, second) = (self.root(a), self.root(b));
        if first == second {
            return;
        }
        for index in 0..self.apart.len() {
            let Some(&(c, d)) = self.apart.get(index) else { continue };
            let (c, d) = (self.root(c), self.root(d));
            if (c, d) == (first, second) || (d, c) == (first, second) {
                return;
            }
        }
        if let Some(slot) = self.parent.get_mut(first.max(second)) {
            *slot = first.min(second);
        }
        if let (Some(a), Some(b)) = (self.keys.get(a), self.keys.get(b)) {
            self.links.push(Link { a: *a, b: *b, why: why() });
        }
    }

    /// Follows people's decisions. Where two contradict each other the later one holds.
    fn decide(
        &mut self,
        home: &BTreeMap<SubjectKey, usize>,
        assigned: &Assigned,
        decisions: &[Decision],
    ) -> Vec<usize> {
        let place =
            |device: &DeviceId| assigned.devices.get(device).and_then(|known| home.get(&known.key)).copied();
        let splits: Vec<(usize, usize, DeviceId)> = decisions
            .iter()
            .enumerate()
            .filter_map(|(index, decision)| match decision {
                Decision::Split { device, subject } => Some((index, *home.get(subject)?, *device)),
                Decision::Merge { .. } => None,
            })
            .collect();
        let mut unheeded = Vec::new();
        for (index, decision) in decisions.iter().enumerate() {
            let Decision::Merge { a, b } = decision else { continue };
            let (Some(at), Some(bt)) = (place(a), place(b)) else {
                unheeded.push(index);
                continue;
            };
            let is_revoked = splits.iter().any(|(later, split, device)| {
                let rests = [a, b].contains(&device) || place(device).is_some_and(|p| p == at || p == bt);
                *later > index && (*split == at || *split == bt) && rests
            });
            if !is_revoked {
                self.link(at, bt, || MergedBecause::Decision(index));
            }
        }
        for (_, split, device) in splits {
            let rest = place(&device).filter(|rest| *rest != split);
            // A merge that came later has joined them already.
            if let Some(rest) = rest
                && self.root(rest) != self.root(split)
            {
                self.apart.push((split, rest));
            }
        }
        unheeded
    }

    /// Two addresses behind a router that DHCP gave to one link address.
    fn by_link_address(&mut self, drafts: &[Draft]) {
        let mut first: BTreeMap<SubjectKey, usize> = BTreeMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            let Some(domain) = self.keys.get(index).map(|key| key.domain) else { continue };
            for mac in &draft.macs {
                let mac = SubjectKey { domain, address: Address::Mac(*mac) };
                let known = *first.entry(mac).or_insert(index);
                self.link(known, index, || MergedBecause::LinkAddress(mac));
            }
        }
    }

    /// One device with several interfaces, known by an identity that no two devices share. Domains are never joined:
    /// a laboratory's twin of a network holds the same identities.
    fn by_identity(&mut self, drafts: &[Draft], digests: &Digests) {
        let mut first: BTreeMap<(DomainId, SmolStr), usize> = BTreeMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            let Some(domain) = self.keys.get(index).map(|key| key.domain) else { continue };
            let Some(identities) = identities(draft, domain, digests) else { continue };
            for identity in identities.strong() {
                let known = *first.entry((domain, identity.clone())).or_insert(index);
                self.link(known, index, || MergedBecause::Identity(identity));
            }
        }
    }
}

/// What all endpoints of a draft say together.
fn identities(draft: &Draft, domain: DomainId, digests: &Digests) -> Option<Identities> {
    let mut all: Option<Identities> = None;
    for key in draft.subjects(domain).filter(|key| speaks(key, !draft.macs.is_empty())) {
        if let Some(its) = digests.get(&key).and_then(|digest| digest.identities.as_ref()) {
            all.get_or_insert_with(Identities::default).add(its);
        }
    }
    all
}

/// Whether what is heard of an address is the device's word: a link-local address without its link is anybody's.
pub(crate) fn speaks(key: &SubjectKey, has_link_address: bool) -> bool {
    match key.address {
        Address::Mac(_) => true,
        Address::Ip(ip) => has_link_address || classify_ip(ip) != IpClass::LinkLocal,
    }
}
