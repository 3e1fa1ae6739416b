//! The small part of a subject that the site looks at. Its words on when an address was last used may be half an hour
//! old; nothing the site decides hangs on less.

use super::identity::{self, Identities};
use super::subject::{Ended, Subject};
use model::{Timestamp, Vlan};
use smol_str::SmolStr;
use std::net::IpAddr;

/// Pieces of evidence that a finding lists; the rest is counted.
pub(super) const EVIDENCE_MAX: usize = 8;

/// What the site needs to know of one endpoint. Equal digests draw equal devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// It sent frames or packets; otherwise others only spoke of it.
    pub sent: bool,
    /// It says that it routes.
    pub routes: bool,
    /// First heard of.
    pub first_seen: Timestamp,
    /// Last heard of, when the digest was drawn.
    pub last_seen: Timestamp,
    /// VLANs it was seen on, ascending.
    pub vlans: Box<[Vlan]>,
    /// Ascending by address.
    pub(crate) bindings: Box<[(IpAddr, Bound)]>,
    pub(crate) identities: Option<Box<Identities>>,
    pub(crate) address_conflicts: Option<Box<AddressConflicts>>,
}

/// How a link address has an IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) confirmed: bool,
    pub(crate) on_link: bool,
    pub(crate) forwarded: bool,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
}

/// Announcements under a foreign link address, enough for a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressConflicts {
    /// The first [`EVIDENCE_MAX`] by text.
    pub(crate) details: Vec<SmolStr>,
    pub(crate) count: usize,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
}

impl Subject {
    /// Draws the digest.
    pub fn digest(&self) -> Digest {
        let bindings = self.bindings.iter().map(|(ip, b)| {
            let bound = Bound {
                confirmed: b.confirmed,
                on_link: b.on_link,
                forwarded: b.forwarded,
                first_seen: b.first_seen,
                last_seen: b.last_seen,
            };
            (*ip, bound)
        });
        let current = || self.claims.iter().filter(|heard| heard.ended != Some(Ended::Superseded));
        let identities = Identities::of(current());
        Digest {
            sent: self.sent,
            routes: current().any(|heard| identity::says_it_routes(heard.attribute, &heard.value)),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            vlans: self.vlans.as_slice().into(),
            bindings: bindings.collect(),
            identities: (!identities.is_empty()).then(|| Box::new(identities)),
            address_conflicts: self.conflicts_digest().map(Box::new),
        }
    }

    fn conflicts_digest(&self) -> Option<AddressConflicts> {
        let times = || self.address_conflicts.iter().map(|(_, at)| *at);
        let (first_seen, last_seen) = (times().min()?, times().max()?);
        let mut details: Vec<SmolStr> =
            self.address_conflicts.iter().map(|(detail, _)| detail.clone()).collect();
        details.sort();
        details.truncate(EVIDENCE_MAX);
        Some(AddressConflicts { details, count: self.address_conflicts.len(), first_seen, last_seen })
    }
}

impl Digest {
    /// About how much memory it holds, in bytes, its own size included.
    pub fn memory_bytes(&self) -> usize {
        let identities = self.identities.as_ref().map_or(0, |i| size_of::<Identities>() + i.heap_bytes());
        let conflicts = self.address_conflicts.as_ref().map_or(0, |c| {
            size_of::<AddressConflicts>()
                + c.details.iter().map(|d| size_of::<SmolStr>() + d.len()).sum::<usize>()
        });
        size_of::<Self>() + size_of_val(&*self.vlans) + size_of_val(&*self.bindings) + identities + conflicts
    }
}
