//! Single talks: which device, which other, over what, how much, from when to when.

use super::Range;
use super::held::Held;
use super::side::{Side, Sides};
use crate::inventory::{Inventory, Text};
use model::{Address, DeviceId, Protocol, TalkEnd};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Which talks: each `None` is "any".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// Where who asked stands.
    pub from: Option<Side>,
    /// Where who answered stands.
    pub to: Option<Side>,
    /// What who asked is.
    pub from_group: Option<Text>,
    /// What who answered is.
    pub to_group: Option<Text>,
    /// One of the two is this device.
    pub device: Option<DeviceId>,
}

/// The last talk of the page before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkAfter(u64, TalkEnd, TalkEnd, Protocol, u16);

/// A talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talking {
    /// Who asked.
    pub client: TalkEnd,
    /// Who answered.
    pub server: TalkEnd,
    /// How the two are called.
    pub titles: [Text; 2],
    /// Where the two stand.
    pub sides: [Option<Side>; 2],
    /// Over what.
    pub protocol: Protocol,
    /// Port of the service; 0: none.
    pub port: u16,
    /// Bytes of both directions, to one part in a thousand.
    pub bytes: u64,
    /// The first hour and the newest, since 1970.
    pub hours: [u32; 2],
}

impl Talking {
    /// Where the next page goes on.
    pub fn after(&self) -> TalkAfter {
        TalkAfter(self.bytes, self.client, self.server, self.protocol, self.port)
    }
}

pub(super) fn talks(
    held: &Held,
    sides: &Sides,
    inventory: &Inventory,
    between: &Between,
    (range, after, limit): (Range, Option<&TalkAfter>, usize),
) -> Vec<Talking> {
    let wanted = Wanted::new(sides, between);
    let mut found: Vec<TalkAfter> = Vec::new();
    for (pair, bytes) in held.said(range) {
        if !wanted.has(pair.key.client, pair.key.server) {
            continue;
        }
        let ends = [pair.key.client, pair.key.server].map(|place| held.ends.get(place as usize).copied());
        let [Some(client), Some(server)] = ends else { continue };
        let is_named = |device| [client, server].contains(&TalkEnd::Device(device));
        let one = TalkAfter(bytes, client, server, pair.key.protocol, pair.key.port);
        let is_later = after.is_none_or(|after| order(after, &one) == Ordering::Less);
        if is_later && between.device.is_none_or(is_named) {
            found.push(one);
        }
        // Twice a page is kept, the better half of it again and again: many match, few are shown.
        if found.len() >= limit.max(512) * 2 {
            keep(&mut found, limit);
        }
    }
    keep(&mut found, limit);
    found.iter().filter_map(|one| drawn(held, sides, inventory, one)).collect()
}

fn keep(found: &mut Vec<TalkAfter>, limit: usize) {
    found.sort_unstable_by(order);
    found.truncate(limit);
}

/// The most bytes first, then by who and what.
fn order(a: &TalkAfter, b: &TalkAfter) -> Ordering {
    b.0.cmp(&a.0).then_with(|| (a.1, a.2, a.3, a.4).cmp(&(b.1, b.2, b.3, b.4)))
}

/// Which ends may be client and server, by their places.
struct Wanted<'s> {
    sides: &'s Sides,
    from: Option<Option<u16>>,
    to: Option<Option<u16>>,
    between: &'s Between,
}

impl<'s> Wanted<'s> {
    fn new(sides: &'s Sides, between: &'s Between) -> Self {
        let place = |side: &Option<Side>| side.as_ref().map(|side| sides.place(side));
        Self { sides, from: place(&between.from), to: place(&between.to), between }
    }

    fn has(&self, client: u32, server: u32) -> bool {
        self.is_at(client, self.from, self.between.from_group.as_ref())
            && self.is_at(server, self.to, self.between.to_group.as_ref())
    }

    fn is_at(&self, end: u32, wanted: Option<Option<u16>>, group: Option<&Text>) -> bool {
        let Some((side, of)) = self.sides.of_end.get(end as usize) else { return false };
        let name = || self.sides.groups.get(usize::from(*of)).map(|(_, name, _)| name);
        wanted.is_none_or(|wanted| wanted == Some(*side)) && group.is_none_or(|group| name() == Some(group))
    }
}

fn drawn(held: &Held, sides: &Sides, inventory: &Inventory, one: &TalkAfter) -> Option<Talking> {
    let TalkAfter(bytes, client, server, protocol, port) = one;
    let (pair, places) = held.find(*client, *server, *protocol, *port)?;
    let side = |place: u32| sides.of_end.get(place as usize).and_then(|(side, _)| sides.side(*side)).cloned();
    Some(Talking {
        client: *client,
        server: *server,
        titles: [client, server].map(|end| title(inventory, end)),
        sides: places.map(side),
        protocol: *protocol,
        port: *port,
        bytes: *bytes,
        hours: [pair.first, pair.newest],
    })
}

/// How an end is called.
fn title(inventory: &Inventory, end: &TalkEnd) -> Text {
    match end {
        TalkEnd::Device(device) => inventory
            .get(*device)
            .map_or_else(|| smol_str::format_smolstr!("{device}"), |entry| entry.title()),
        TalkEnd::Address(Address::Mac(mac)) => smol_str::format_smolstr!("{mac}"),
        TalkEnd::Address(Address::Ip(ip)) => smol_str::format_smolstr!("{ip}"),
    }
}
