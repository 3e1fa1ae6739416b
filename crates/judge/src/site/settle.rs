//! One look, repeated on its own outcome until it finds nothing new. A contested address stays with who had it, but whom
//! that makes one device is known only afterwards; a decision moves an address, the address was a device's name, the
//! name says where another decision applies. People and the ledger see the end of it only.

use super::{Assigned, Decision, Drawn, Known, SiteView, assign, owners};
use crate::inventory::{SiteNetworks, SubjectKey, draft, join};
use model::{Address, DeviceId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of one look. What is not at rest by then goes on with the next look.
const ROUNDS_MAX: usize = 8;

pub(super) type Groups = BTreeMap<SubjectKey, join::Group>;

/// What one round drew.
pub(super) struct Settled {
    pub(super) groups: Groups,
    /// In the order of the groups.
    pub(super) devices: Vec<Drawn>,
    pub(super) unheeded: Vec<usize>,
}

/// Draws the site until it is at rest.
///
/// INVARIANT: while evidence and decisions stay, the rounds end, however the decisions contradict each other.
/// 1. Who has a contested address hangs on evidence alone where a decision can take that address from its link address.
///    Any other one stays with who has it, or goes to a part of the same device that used it later: it climbs a finite
///    list and never comes down.
/// 2. Where a decision applies hangs on the name of its device, and such a name changes at most twice
///    (`Decided::lets` in [`assign`]).
/// 3. Once names and contested addresses stay, so do the groups; and then each finds its id on its own endpoints.
///
/// Decisions are about devices that are known: one that names a device yet to appear is news when that appears.
pub(super) fn settle(view: &SiteView<'_>, now: Timestamp, networks: &SiteNetworks) -> Settled {
    let mut settled = round(view, now, networks);
    let mut after = outcome(view.assigned, &settled.devices);
    let mut is_at_rest = after == *view.assigned;
    for _ in 1..ROUNDS_MAX {
        if is_at_rest {
            break;
        }
        settled = round(&SiteView { assigned: &after, ..*view }, now, networks);
        let next = outcome(view.assigned, &settled.devices);
        is_at_rest = next == after;
        after = next;
    }
    settled.unheeded.extend(contradicted(view.decisions, &after));
    settled.unheeded.sort_unstable();
    settled.unheeded.dedup();
    settled
}

/// Decisions of which the opposite came true, by index: others contradict them and hold.
fn contradicted<'a>(decisions: &'a [Decision], after: &'a Assigned) -> impl Iterator<Item = usize> + 'a {
    let whose = |key: &SubjectKey| after.subjects.get(key);
    let place = move |id: &DeviceId| whose(&after.devices.get(id)?.key);
    let is_contradicted = move |decision: &Decision| match decision {
        Decision::Merge { a, b } => place(a).zip(place(b)).is_some_and(|(a, b)| a != b),
        Decision::Split { device, subject } => whose(subject) == Some(device),
    };
    decisions
        .iter()
        .enumerate()
        .filter(move |(_, decision)| is_contradicted(decision))
        .map(|(index, _)| index)
}

fn round(view: &SiteView<'_>, now: Timestamp, networks: &SiteNetworks) -> Settled {
    let SiteView { digests, assigned, decisions } = *view;
    let drafts = match decisions {
        [] => draft::drafts(digests, networks, assigned),
        _ => draft::drafts(digests, networks, &without_decided(view)),
    };
    let (mut groups, unheeded) = join::join(drafts, digests, assigned, decisions);
    // A draft whose only link address stays with another is nothing.
    groups.retain(|_, group| !group.subjects.is_empty());
    let devices = assign::assign(&groups, assigned, decisions, now);
    Settled { groups, devices, unheeded }
}

/// What was assigned, but for the network addresses that decisions are about: who has one of those while it is contested
/// must not hang on where the decision put it.
fn without_decided(view: &SiteView<'_>) -> Assigned {
    let decided = decided_addresses(view);
    let is_free = |(key, _): &(&SubjectKey, _)| !decided.contains(key);
    let subjects = view.assigned.subjects.iter().filter(is_free).map(|(key, device)| (*key, *device));
    // Drafts do not ask what is known of a device.
    Assigned { subjects: subjects.collect(), devices: BTreeMap::new() }
}

/// Network addresses that a decision can take from their link address: those that are split off, those that name a device
/// of a decision, and those of a link address that is split off.
fn decided_addresses(view: &SiteView<'_>) -> BTreeSet<SubjectKey> {
    let mut decided = BTreeSet::new();
    for decision in view.decisions {
        let names = decision.devices().filter_map(|id| view.assigned.devices.get(&id));
        decided.extend(names.map(|known| known.key));
        let Decision::Split { subject, .. } = decision else { continue };
        decided.insert(*subject);
        let bindings = view.digests.get(subject).into_iter().flat_map(|digest| &digest.bindings);
        let on_it = bindings.map(|(ip, _)| SubjectKey { domain: subject.domain, address: Address::Ip(*ip) });
        decided.extend(on_it);
    }
    decided.retain(|key| matches!(key.address, Address::Ip(_)));
    decided
}

/// What is assigned after a look at `before` that drew `devices`.
fn outcome(before: &Assigned, devices: &[Drawn]) -> Assigned {
    let mut known = before.devices.clone();
    known.extend(devices.iter().map(|drawn| (drawn.id, Known { key: drawn.key, since: drawn.since })));
    Assigned { subjects: owners(devices), devices: known }
}
