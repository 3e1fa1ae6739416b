//! Ids for groups of endpoints: a group takes the id that its addresses had before, the oldest one where there are
//! several, and no id is ever given to two.

use super::settle::Groups;
use super::{Assigned, Change, Decision, Drawn, Known, MergedBecause, owners};
use crate::inventory::{SubjectKey, device_id, join::Group};
use model::{Address, DeviceId, DeviceKey, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The devices that `groups` are.
pub(super) fn assign(
    groups: &Groups,
    assigned: &Assigned,
    decisions: &[Decision],
    now: Timestamp,
) -> Vec<Drawn> {
    let names: BTreeSet<SubjectKey> = assigned.devices.values().map(|known| known.key).collect();
    let ids = choose(groups, assigned, &Decided::new(groups, assigned, &names, decisions));
    let owner: BTreeMap<SubjectKey, DeviceId> = groups
        .values()
        .zip(&ids)
        .flat_map(|(group, id)| group.subjects.keys().map(|subject| (*subject, *id)))
        .collect();
    let drawn = groups.iter().zip(ids).map(|((name, group), id)| Drawn {
        id,
        key: name_of(id, (name, group), assigned, &names),
        since: assigned.devices.get(&id).map_or(now, |known| known.since),
        subjects: group.subjects.keys().copied().collect(),
        former: group.former.iter().copied().collect(),
        is_router: group.is_router,
        behind: group.behind.and_then(|router| owner.get(&router).copied()).filter(|router| *router != id),
    });
    drawn.collect()
}

/// What is different in `devices`, which are `groups` in their order, from what was assigned.
pub(super) fn changes(groups: &Groups, devices: &[Drawn], assigned: &Assigned) -> Vec<Change> {
    let had: Vec<BTreeMap<DeviceId, bool>> =
        groups.values().map(|group| ids_before(group, assigned)).collect();
    let each = devices.iter().zip(&had);
    let mut changes: Vec<Change> =
        each.filter_map(|(drawn, had)| of_device(drawn.id, drawn.key, had, assigned)).collect();
    changes.extend(of_subjects(&owners(devices), assigned));
    changes.extend(merged(groups, devices, &had, assigned));
    changes
}

/// People's decisions, as far as ids depend on them.
struct Decided<'a> {
    assigned: &'a Assigned,
    /// The addresses that name a device, any device.
    names: &'a BTreeSet<SubjectKey>,
    /// Devices that a decision is about.
    devices: BTreeSet<DeviceId>,
    /// Which endpoints people said are not which device: those have no word in where its id goes.
    denied: BTreeSet<(SubjectKey, DeviceId)>,
    /// Those names of `devices` that are addresses of the site now.
    present: BTreeSet<SubjectKey>,
}

impl<'a> Decided<'a> {
    fn new(
        groups: &Groups,
        assigned: &'a Assigned,
        names: &'a BTreeSet<SubjectKey>,
        decisions: &[Decision],
    ) -> Self {
        let devices: BTreeSet<DeviceId> = decisions.iter().flat_map(Decision::devices).collect();
        let known = devices.iter().filter_map(|id| assigned.devices.get(id));
        let keys: BTreeSet<SubjectKey> = known.map(|known| known.key).collect();
        let present = groups.values().flat_map(|group| group.subjects.keys());
        let present = present.filter(|key| keys.contains(key)).copied().collect();
        let denied = decisions.iter().filter_map(|decision| match decision {
            Decision::Split { device, subject } => Some((*subject, *device)),
            Decision::Merge { .. } => None,
        });
        Self { assigned, names, devices, denied: denied.collect(), present }
    }

    /// Whether `group` may go on as `id`, which it had: not on the word of endpoints that people said are not of it. And
    /// a device that a decision is about goes where its name is, because there the decision applies; only from a network
    /// address, which may be a lease, its link address may take it away.
    ///
    /// INVARIANT: so the name of a device that a decision is about changes at most twice while the evidence stays: from an
    /// address that the site has no more to one that it has, and from a network address to a link address.
    fn lets(&self, group: &Group, id: DeviceId) -> bool {
        let has_word = |key: &SubjectKey| {
            self.assigned.subjects.get(key) == Some(&id) && !self.denied.contains(&(*key, id))
        };
        let is_free_link = |key: &SubjectKey| is_link(key) && has_word(key) && !self.names.contains(key);
        let name = self.assigned.devices.get(&id).filter(|_| self.devices.contains(&id));
        let is_where_it_applies = name.is_none_or(|Known { key, .. }| {
            group.subjects.contains_key(key)
                || !self.present.contains(key)
                || (!is_link(key) && group.subjects.keys().any(is_free_link))
        });
        is_where_it_applies && group.subjects.keys().any(has_word)
    }
}

fn is_link(key: &SubjectKey) -> bool {
    matches!(key.address, Address::Mac(_))
}

/// The ids that a group's addresses had, and whether a link address had it. Addresses of the network change hands (DHCP),
/// so they count only where no link address has a word.
fn ids_before(group: &Group, assigned: &Assigned) -> BTreeMap<DeviceId, bool> {
    let mut ids: BTreeMap<DeviceId, bool> = BTreeMap::new();
    for subject in group.subjects.keys() {
        if let Some(id) = assigned.subjects.get(subject) {
            *ids.entry(*id).or_default() |= is_link(subject);
        }
    }
    if ids.values().any(|by_link| *by_link) {
        // An address that itself names a device is more than a lease.
        let names =
            |id: &DeviceId| assigned.devices.get(id).is_some_and(|k| group.subjects.contains_key(&k.key));
        ids.retain(|id, by_link| *by_link || names(id));
    }
    ids
}

/// One id for each group, in their order: ids from the oldest on to the group with the best right, then ids at rest,
/// then new ones.
fn choose(groups: &Groups, assigned: &Assigned, decided: &Decided<'_>) -> Vec<DeviceId> {
    let since = |id: &DeviceId| assigned.devices.get(id).map_or(Timestamp::MAX, |known| known.since);
    // A right by link address goes before any that rests on a network address, however old.
    let mut wanted: BTreeMap<(bool, Timestamp, DeviceId), Vec<(u8, usize)>> = BTreeMap::new();
    for (index, group) in groups.values().enumerate() {
        for (id, by_link) in ids_before(group, assigned) {
            if !decided.lets(group, id) {
                continue;
            }
            let right = right(group, assigned.devices.get(&id), by_link);
            let is_weak = right > RIGHT_BY_LINK;
            wanted.entry((is_weak, since(&id), id)).or_default().push((right, index));
        }
    }
    let mut ids: Vec<Option<DeviceId>> = vec![None; groups.len()];
    let mut taken: BTreeSet<DeviceId> = BTreeSet::new();
    for ((_, _, id), mut claimants) in wanted {
        claimants.sort_unstable();
        let free = claimants.into_iter().find(|(_, index)| ids.get(*index).is_some_and(Option::is_none));
        if let Some(slot) = free.filter(|_| !taken.contains(&id)).and_then(|(_, index)| ids.get_mut(index)) {
            *slot = Some(id);
            taken.insert(id);
        }
    }
    let at_rest = at_rest(&taken, assigned);
    let fill = groups.iter().zip(ids).map(|((name, group), id)| {
        id.unwrap_or_else(|| {
            let rested = naming(group).filter_map(|subject| at_rest.get(subject)).min();
            let id = rested.map(|(_, id)| *id).filter(|id| !taken.contains(id));
            let id = id.unwrap_or_else(|| fresh(name, &taken, assigned));
            taken.insert(id);
            id
        })
    });
    fill.collect()
}

/// Devices without an endpoint, by the address that names them; of several the oldest.
fn at_rest(taken: &BTreeSet<DeviceId>, assigned: &Assigned) -> BTreeMap<SubjectKey, (Timestamp, DeviceId)> {
    let mut at_rest: BTreeMap<SubjectKey, (Timestamp, DeviceId)> = BTreeMap::new();
    for (id, known) in assigned.devices.iter().filter(|(id, _)| !taken.contains(*id)) {
        let age = (known.since, *id);
        at_rest.entry(known.key).and_modify(|oldest| *oldest = age.min(*oldest)).or_insert(age);
    }
    at_rest
}

/// The addresses by which a group can be known again: its link addresses, or where it has none those of the network.
fn naming(group: &Group) -> impl Iterator<Item = &SubjectKey> {
    let has_link = group.subjects.keys().any(is_link);
    group.subjects.keys().filter(move |key| !has_link || is_link(key))
}

/// See [`right`].
const RIGHT_BY_LINK: u8 = 1;

/// Who of several groups keeps an id, smallest first: who has the link address that names the device, who has any of its
/// link addresses, who has the network address that names it, the rest.
fn right(group: &Group, known: Option<&Known>, by_link: bool) -> u8 {
    let key = known.map(|known| known.key).filter(|key| group.subjects.contains_key(key));
    match (key.map(|key| key.address), by_link) {
        (Some(Address::Mac(_)), _) => 0,
        (_, true) => RIGHT_BY_LINK,
        (Some(Address::Ip(_)), false) => 2,
        (None, false) => 3,
    }
}

/// An id that no device ever had, derived from the address that names the group.
fn fresh(name: &SubjectKey, taken: &BTreeSet<DeviceId>, assigned: &Assigned) -> DeviceId {
    let key = DeviceKey::Address(name.address);
    let mut again = 0;
    loop {
        let id = device_id(name.domain, &key, again);
        if !taken.contains(&id) && !assigned.devices.contains_key(&id) {
            return id;
        }
        // Ends: each turn rules out one of finitely many ids.
        again += 1;
    }
}

/// The address that names the device with this id: the one from before while it has that, or the link address that is
/// known to send from it by now. A name is never changed for one that names another device: people's decisions are
/// about names.
fn name_of(
    id: DeviceId,
    (name, group): (&SubjectKey, &Group),
    assigned: &Assigned,
    names: &BTreeSet<SubjectKey>,
) -> SubjectKey {
    let Some(known) = assigned.devices.get(&id) else { return *name };
    let is_network = |key: &SubjectKey| matches!(key.address, Address::Ip(_));
    match group.subjects.get(&known.key) {
        Some(draft) if is_network(&known.key) && !is_network(draft) && !names.contains(draft) => *draft,
        Some(_) => known.key,
        None => {
            let its = group.subjects.keys().filter(|key| assigned.subjects.get(key) == Some(&id));
            *its.min_by_key(|key| (names.contains(*key), is_network(key), **key)).unwrap_or(name)
        }
    }
}

fn of_device(
    id: DeviceId,
    key: SubjectKey,
    had: &BTreeMap<DeviceId, bool>,
    assigned: &Assigned,
) -> Option<Change> {
    // Whoever has a link address of its own and took over another's lease is no part of that.
    let is_part = |by_link: bool| by_link || matches!(key.address, Address::Ip(_));
    let mut others = had.iter().filter(|(other, by_link)| **other != id && is_part(**by_link));
    let from = others.next().map(|(other, _)| *other);
    match (assigned.devices.get(&id), from) {
        (None, None) => Some(Change::Appeared { device: id, key }),
        (None, Some(from)) => Some(Change::SplitOff { device: id, key, from }),
        (Some(_), Some(from)) if !had.contains_key(&id) => Some(Change::SplitOff { device: id, key, from }),
        (Some(known), _) if known.key != key => Some(Change::Rekeyed { device: id, key }),
        _ => None,
    }
}

fn of_subjects(owner: &BTreeMap<SubjectKey, DeviceId>, assigned: &Assigned) -> Vec<Change> {
    let mut changes = Vec::new();
    for (subject, device) in &assigned.subjects {
        let to = owner.get(subject).copied();
        if to != Some(*device) {
            changes.push(Change::Unbound { subject: *subject, device: *device, to });
        }
    }
    for (subject, device) in owner {
        let from = assigned.subjects.get(subject).copied();
        if from != Some(*device) {
            changes.push(Change::Bound { subject: *subject, device: *device, from });
        }
    }
    changes
}

/// Ids that no group took although a group had them: their devices are part of another one now.
fn merged(
    groups: &Groups,
    devices: &[Drawn],
    had: &[BTreeMap<DeviceId, bool>],
    assigned: &Assigned,
) -> Vec<Change> {
    let taken: BTreeSet<DeviceId> = devices.iter().map(|drawn| drawn.id).collect();
    let mut merged: BTreeMap<DeviceId, Change> = BTreeMap::new();
    for ((group, into), had) in groups.values().zip(devices).zip(had) {
        for from in had.keys().filter(|from| !taken.contains(*from)) {
            let was_of = |key: &SubjectKey| assigned.subjects.get(key) == Some(from);
            let link = group.links.iter().find(|link| was_of(&link.a) != was_of(&link.b));
            let address = group.subjects.keys().find(|key| was_of(key)).copied();
            let why = link.map(|link| link.why.clone()).or(address.map(MergedBecause::Address));
            if let Some(why) = why {
                merged.entry(*from).or_insert(Change::Merged { from: *from, into: into.id, why });
            }
        }
    }
    merged.into_values().collect()
}
