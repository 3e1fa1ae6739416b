//! What became of devices between two moments: which appeared, which are gone, which are said to be something else.

use super::{Entry, Inventory};
use model::DeviceId;
use std::sync::Arc;

/// Devices by what became of them, each by number.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    /// Those that were not there then.
    pub appeared: Vec<Arc<Entry>>,
    /// Those that are not there any more, as they were.
    pub gone: Vec<Arc<Entry>>,
    /// Those of which something else is said, as they were and as they are.
    pub changed: Vec<(Arc<Entry>, Arc<Entry>)>,
}

/// What became of the devices of `then`, now.
pub fn differences(then: &Inventory, now: &Inventory) -> Differences {
    let (mut found, mut then, mut now) = (Differences::default(), by_number(then), by_number(now));
    loop {
        match (then.peek().map(|entry| entry.id), now.peek().map(|entry| entry.id)) {
            (None, None) => return found,
            (was, is) if is_first(was, is) => found.gone.extend(then.next()),
            (was, is) if is_first(is, was) => found.appeared.extend(now.next()),
            _ => found.changed.extend(then.next().zip(now.next()).filter(|(was, is)| is_other(was, is))),
        }
    }
}

fn by_number(inventory: &Inventory) -> std::iter::Peekable<std::vec::IntoIter<Arc<Entry>>> {
    inventory.entries().into_iter().peekable()
}

fn is_first(a: Option<DeviceId>, b: Option<DeviceId>) -> bool {
    a.is_some_and(|a| b.is_none_or(|b| a < b))
}

/// What it is, where it is, and what is wrong with it: not when it was seen.
fn is_other(was: &Entry, is: &Entry) -> bool {
    !names(was, is).is_empty()
}

impl Differences {
    /// What differs, in words.
    pub fn names(was: &Entry, is: &Entry) -> Vec<&'static str> {
        names(was, is)
    }
}

fn names(was: &Entry, is: &Entry) -> Vec<&'static str> {
    let compared = [
        ("name", was.name == is.name),
        ("maker", was.manufacturer == is.manufacturer),
        ("model", was.model == is.model),
        ("serial number", was.serial == is.serial),
        ("asset tag", was.asset == is.asset),
        ("software", (&was.software, &was.os) == (&is.software, &is.os)),
        ("class", was.class == is.class),
        ("zone", was.zone == is.zone),
        ("location", was.location == is.location),
        ("review", was.reviewed == is.reviewed),
        ("tags", was.tags == is.tags),
        ("addresses", (&was.macs, sorted(&was.ips)) == (&is.macs, sorted(&is.ips))),
        ("doubts", was.conflicts == is.conflicts),
        ("findings", was.findings == is.findings),
        ("patient data in clear", was.phi_in_clear == is.phi_in_clear),
    ];
    compared.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
}

fn sorted<T: Ord + Copy>(values: &[T]) -> Vec<T> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values
}
