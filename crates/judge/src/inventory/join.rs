//! Drafts joined to groups, each of which is one device: by an identity that no two devices share, by a link address
//! that two addresses behind a router have in common, by people's decisions; and kept apart by people's decisions.
//!
//! Joining is transitive (union-find, in the order of the addresses), so no order of evidence can matter.

use super::draft::{Digests, Draft, Drafts};
use super::identity::Identities;
use super::subject::SubjectKey;
use crate::site::{Assigned, Decision, MergedBecause};
use model::{Address, DeviceId, DomainId, IpClass, MacAddr, classify_ip};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// One device: drafts that belong together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Its endpoints, each with the address that names its draft.
    pub(crate) subjects: BTreeMap<SubjectKey, SubjectKey>,
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
    let mut unheeded = part_drafts(&mut drafts, digests, assigned, decisions);
    let keys: Vec<SubjectKey> = drafts.keys().copied().collect();
    let roots = {
        let drafts: Vec<&Draft> = drafts.values().collect();
        let mut union = Union::new(&keys);
        let decided = Decided::new(decisions, assigned, &keys, &drafts);
        unheeded.extend(union.merge(&decided));
        union.set_apart(&decided);
        union.by_evidence(&drafts, digests);
        union.finish()
    };
    unheeded.sort_unstable();
    unheeded.dedup();
    let mut groups: BTreeMap<SubjectKey, Group> = BTreeMap::new();
    for (index, ((key, mut draft), root)) in drafts.into_iter().zip(&roots.of).enumerate() {
        let goes_without = |mac: &MacAddr| {
            let mac = SubjectKey { domain: key.domain, address: Address::Mac(*mac) };
            roots.without.contains(&(index, mac))
        };
        draft.macs.retain(|mac| roots.without.is_empty() || !goes_without(mac));
        groups.entry(*root).or_default().add(key, draft);
    }
    for link in roots.links {
        let root = keys.binary_search(&link.a).ok().and_then(|index| roots.of.get(index));
        if let Some(group) = root.and_then(|root| groups.get_mut(root)) {
            group.links.push(link);
        }
    }
    for group in groups.values_mut() {
        let Group { subjects, former, .. } = group;
        former.retain(|key| !subjects.contains_key(key));
    }
    (groups, unheeded)
}

impl Group {
    fn add(&mut self, name: SubjectKey, draft: Draft) {
        let domain = name.domain;
        for subject in draft.subjects(domain) {
            self.subjects.entry(subject).or_insert(name);
        }
        let former = draft.former_ips.iter().map(|ip| SubjectKey { domain, address: Address::Ip(*ip) });
        self.former.extend(former);
        self.is_router |= draft.is_router;
        self.behind = self.behind.take().or(draft.behind);
    }
}

/// People's decisions, and where what they are about is.
struct Decided<'a> {
    decisions: &'a [Decision],
    assigned: &'a Assigned,
    drafts: &'a [&'a Draft],
    /// The draft in which each subject is. Empty where there are no decisions: nobody asks.
    home: BTreeMap<SubjectKey, usize>,
}

impl<'a> Decided<'a> {
    fn new(
        decisions: &'a [Decision],
        assigned: &'a Assigned,
        keys: &[SubjectKey],
        drafts: &'a [&'a Draft],
    ) -> Self {
        let mut home = BTreeMap::new();
        for (index, (key, draft)) in keys.iter().zip(drafts).enumerate().filter(|_| !decisions.is_empty()) {
            for subject in draft.subjects(key.domain) {
                home.entry(subject).or_insert(index);
            }
        }
        Self { decisions, assigned, drafts, home }
    }

    /// The draft with the address that names the device.
    fn place(&self, device: &DeviceId) -> Option<usize> {
        let known = self.assigned.devices.get(device)?;
        self.home.get(&known.key).copied()
    }

    /// Whether an address belongs to a link address: then it leaves alone. Otherwise all that hangs on it leaves too.
    fn leaves_alone(&self, subject: &SubjectKey, home: usize) -> bool {
        matches!(subject.address, Address::Ip(_)) && self.drafts.get(home).is_some_and(|d| !d.macs.is_empty())
    }

    /// Splits by which a whole draft leaves: the index, the draft, and what it leaves.
    fn splits(&self) -> impl Iterator<Item = (usize, usize, DeviceId)> + '_ {
        self.decisions.iter().enumerate().filter_map(|(index, decision)| match decision {
            Decision::Split { device, subject } => {
                let home = self.home.get(subject).copied()?;
                (!self.leaves_alone(subject, home)).then_some((index, home, *device))
            }
            Decision::Merge { .. } => None,
        })
    }
}

/// Takes out of their drafts the addresses that people said are not that device's. The decisions that name an address
/// that is nowhere, a device that is not there, or the very address that names the device, are told by index.
///
/// Whether an address would be the device's goes by evidence alone, not by where it was put before: that would undo
/// the decision at the next look.
fn part_drafts(
    drafts: &mut Drafts,
    digests: &Digests,
    assigned: &Assigned,
    decisions: &[Decision],
) -> Vec<usize> {
    let mut unheeded = Vec::new();
    let mut parted: Vec<(SubjectKey, SubjectKey)> = Vec::new();
    if !decisions.iter().any(|decision| matches!(decision, Decision::Split { .. })) {
        return unheeded;
    }
    let keys: Vec<SubjectKey> = drafts.keys().copied().collect();
    let whole: Vec<&Draft> = drafts.values().collect();
    let decided = Decided::new(decisions, assigned, &keys, &whole);
    let mut union = Union::new(&keys);
    // Merges that cannot be followed are told when they are followed for good.
    let _ = union.merge(&decided);
    union.by_evidence(&whole, digests);
    for (index, decision) in decisions.iter().enumerate() {
        let Decision::Split { device, subject } = decision else { continue };
        let names_it = assigned.devices.get(device).is_some_and(|known| known.key == *subject);
        let places = decided.home.get(subject).copied().zip(decided.place(device)).filter(|_| !names_it);
        let Some((from, named)) = places else {
            unheeded.push(index);
            continue;
        };
        let leaves_alone = decided.leaves_alone(subject, from);
        let is_its = from == named || (leaves_alone && union.root(from) == union.root(named));
        parted.extend(keys.get(from).filter(|_| is_its).map(|key| (*key, *subject)));
    }
    for (key, subject) in parted {
        let holds = |draft: &Draft| draft.subjects(key.domain).any(|other| other == subject);
        if drafts.get(&key).is_some_and(holds)
            && let Some(draft) = drafts.remove(&key)
        {
            let (alone, rest) = part(draft, key, subject);
            drafts.insert(subject, alone);
            drafts.extend(rest);
        }
    }
    unheeded
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
    /// Drafts that go without a link address: the one they would share stays with who they were set apart from.
    without: Vec<(usize, SubjectKey)>,
}

/// What came of joining.
struct Roots {
    /// By draft, the address that names its group.
    of: Vec<SubjectKey>,
    links: Vec<Link>,
    without: BTreeSet<(usize, SubjectKey)>,
}

impl<'k> Union<'k> {
    fn new(keys: &'k [SubjectKey]) -> Self {
        Self {
            keys,
            parent: (0..keys.len()).collect(),
            links: Vec::new(),
            apart: Vec::new(),
            without: Vec::new(),
        }
    }

    fn finish(mut self) -> Roots {
        let roots = (0..self.keys.len()).map(|index| self.root(index)).collect::<Vec<usize>>();
        let of = roots.into_iter().filter_map(|root| self.keys.get(root).copied()).collect();
        Roots { of, links: self.links, without: self.without.into_iter().collect() }
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

    /// Joins two drafts, unless that would bring together what is to stay apart; whether they are one now.
    fn link(&mut self, a: usize, b: usize, why: impl FnOnce() -> MergedBecause) -> bool {
        let (first, second) = (self.root(a), self.root(b));
        if first == second {
            return true;
        }
        for index in 0..self.apart.len() {
            let Some(&(c, d)) = self.apart.get(index) else { continue };
            let (c, d) = (self.root(c), self.root(d));
            if (c, d) == (first, second) || (d, c) == (first, second) {
                return false;
            }
        }
        if let Some(slot) = self.parent.get_mut(first.max(second)) {
            *slot = first.min(second);
        }
        if let (Some(a), Some(b)) = (self.keys.get(a), self.keys.get(b)) {
            self.links.push(Link { a: *a, b: *b, why: why() });
        }
        true
    }

    /// Joins what people said is one device, unless they took it back by a later split.
    fn merge(&mut self, decided: &Decided<'_>) -> Vec<usize> {
        let mut unheeded = Vec::new();
        for (index, decision) in decided.decisions.iter().enumerate() {
            let Decision::Merge { a, b } = decision else { continue };
            let (Some(at), Some(bt)) = (decided.place(a), decided.place(b)) else {
                unheeded.push(index);
                continue;
            };
            let is_revoked = decided.splits().any(|(later, split, device)| {
                let place = || decided.place(&device);
                let rests = [*a, *b].contains(&device) || place().is_some_and(|p| p == at || p == bt);
                later > index && (split == at || split == bt) && rests
            });
            if !is_revoked {
                self.link(at, bt, || MergedBecause::Decision(index));
            }
        }
        unheeded
    }

    /// Keeps apart what people split, unless they joined it by a later merge.
    fn set_apart(&mut self, decided: &Decided<'_>) {
        for (_, split, device) in decided.splits() {
            let rest = decided.place(&device).filter(|rest| *rest != split);
            if let Some(rest) = rest
                && self.root(rest) != self.root(split)
            {
                self.apart.push((split, rest));
            }
        }
    }

    /// Joins what the evidence says is one device: two addresses behind a router that DHCP gave to one link address, and
    /// several interfaces with an identity that no two devices share. Domains are never joined: a laboratory's twin of
    /// a network holds the same identities.
    ///
    /// What people set apart comes last, so that it finds the others together and joins none of them.
    fn by_evidence(&mut self, drafts: &[&Draft], digests: &Digests) {
        let last: BTreeSet<usize> = self.apart.iter().map(|(split, _)| *split).collect();
        let others = (0..drafts.len()).filter(|index| !last.contains(index));
        let mut by_mac: BTreeMap<SubjectKey, usize> = BTreeMap::new();
        let mut by_identity: BTreeMap<(DomainId, SmolStr), usize> = BTreeMap::new();
        for index in others.chain(last.iter().copied()) {
            let (Some(key), Some(draft)) = (self.keys.get(index), drafts.get(index)) else { continue };
            let domain = key.domain;
            for mac in &draft.macs {
                let mac = SubjectKey { domain, address: Address::Mac(*mac) };
                let known = *by_mac.entry(mac).or_insert(index);
                if !self.link(known, index, || MergedBecause::LinkAddress(mac)) {
                    self.without.push((index, mac));
                }
            }
            let identities = identities(draft, domain, digests);
            for identity in identities.map(|all| all.strong()).unwrap_or_default() {
                let known = *by_identity.entry((domain, identity.clone())).or_insert(index);
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
