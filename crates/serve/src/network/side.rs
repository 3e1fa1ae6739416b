//! The sides of a talk: a zone, what is in none, what is not of the site. And the groups within: what devices are.

use super::held::Held;
use crate::inventory::{Entry, Inventory, Text};
use model::{Address, DeviceId, IpClass, TalkEnd, classify_ip};
use std::collections::HashMap;

/// Zones told apart; devices of further ones, the smallest, are in "other zones".
pub const ZONES_APART_MAX: usize = 250;
/// Groups told apart over all zones; what is in further ones is "other devices" of its zone.
const GROUPS_MAX: usize = 4_000;
/// What a group is called whose devices do not say what they are.
pub const UNKNOWN_GROUP: &str = "unknown type";

/// Where an end of a talk stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// In this zone.
    Zone(Text),
    /// In one of the zones that are too many to be told apart.
    OtherZones,
    /// A device of the site in no zone.
    Unzoned,
    /// An address of the Internet.
    Outside,
    /// A private address that is no device Ward knows.
    Elsewhere,
    /// A group: multicast and broadcast.
    Groups,
}

impl Side {
    /// As addresses write it: `zone:ICU`, `unzoned`, `outside`, `elsewhere`, `groups`, `other-zones`.
    pub fn token(&self) -> String {
        match self {
            Self::Zone(name) => format!("zone:{name}"),
            Self::OtherZones => "other-zones".into(),
            Self::Unzoned => "unzoned".into(),
            Self::Outside => "outside".into(),
            Self::Elsewhere => "elsewhere".into(),
            Self::Groups => "groups".into(),
        }
    }

    /// The one that an address writes so.
    pub fn read(token: &str) -> Option<Self> {
        match token.strip_prefix("zone:") {
            Some("") => None,
            Some(name) => Some(Self::Zone(name.into())),
            None => [Self::OtherZones, Self::Unzoned, Self::Outside, Self::Elsewhere, Self::Groups]
                .into_iter()
                .find(|side| side.token() == token),
        }
    }

    /// Its name, for people.
    pub fn title(&self) -> Text {
        match self {
            Self::Zone(name) => name.clone(),
            Self::OtherZones => "Other zones".into(),
            Self::Unzoned => "Unzoned".into(),
            Self::Outside => "Internet".into(),
            Self::Elsewhere => "Unknown private addresses".into(),
            Self::Groups => "Multicast and broadcast".into(),
        }
    }

    /// Whether devices of the site stand there.
    pub fn has_devices(&self) -> bool {
        matches!(self, Self::Zone(_) | Self::OtherZones | Self::Unzoned)
    }
}

/// Which end of the network stands where.
#[derive(Debug, Default)]
pub struct Sides {
    /// The sides, zones by name first; each with how many devices it has.
    pub sides: Vec<(Side, usize)>,
    /// Groups: place of the side, what they are, how many devices.
    pub(super) groups: Vec<(u16, Text, usize)>,
    /// Side and group of each end.
    pub(super) of_end: Vec<(u16, u16)>,
}

/// Number for "in no group".
pub(super) const NONE: u16 = u16::MAX;

impl Sides {
    pub(super) fn new(held: &Held, inventory: &Inventory) -> Self {
        let mut sides = Self::default();
        sides.name(inventory);
        let of_device = sides.group(inventory);
        let place = |side: &Side| sides.place(side).unwrap_or(NONE);
        let others = [Side::Elsewhere, Side::Outside, Side::Groups].map(|side| place(&side));
        let [elsewhere, ..] = others;
        let of_end = held.ends.iter().map(|end| match end {
            TalkEnd::Device(device) => of_device.get(device).copied().unwrap_or((elsewhere, NONE)),
            TalkEnd::Address(address) => (address_side(address, others), NONE),
        });
        sides.of_end = of_end.collect();
        sides
    }

    /// The sides there are: every zone that has devices, and those that are no zone.
    fn name(&mut self, inventory: &Inventory) {
        let mut zones: HashMap<Text, usize> = HashMap::new();
        let mut unzoned = 0;
        inventory.each(&mut |entry| match &entry.zone {
            Some(zone) => match zones.get_mut(zone) {
                Some(count) => *count += 1,
                None => drop(zones.insert(zone.clone(), 1)),
            },
            None => unzoned += 1,
        });
        let mut zones: Vec<(Text, usize)> = zones.into_iter().collect();
        zones.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let other: usize = zones.iter().skip(ZONES_APART_MAX).map(|(_, count)| count).sum();
        zones.truncate(ZONES_APART_MAX);
        zones.sort_by_cached_key(|(name, _)| (name.to_lowercase(), name.clone()));
        self.sides = zones.into_iter().map(|(name, count)| (Side::Zone(name), count)).collect();
        let rest = [(Side::OtherZones, other), (Side::Unzoned, unzoned)];
        self.sides.extend(rest);
        self.sides.extend([Side::Elsewhere, Side::Outside, Side::Groups].map(|side| (side, 0)));
    }

    fn group(&mut self, inventory: &Inventory) -> HashMap<DeviceId, (u16, u16)> {
        let zones: HashMap<Text, u16> = (0u16..)
            .zip(&self.sides)
            .filter_map(
                |(at, (side, _))| if let Side::Zone(name) = side { Some((name.clone(), at)) } else { None },
            )
            .collect();
        let place = |side: &Side| self.place(side).unwrap_or(NONE);
        let (unzoned, other) = (place(&Side::Unzoned), place(&Side::OtherZones));
        let mut of_device = HashMap::with_capacity(inventory.len());
        let mut known: HashMap<(u16, Text), u16> = HashMap::new();
        let groups = &mut self.groups;
        inventory.each(&mut |entry| {
            let side = entry.zone.as_ref().map_or(unzoned, |zone| zones.get(zone).copied().unwrap_or(other));
            let mut key = (side, what(entry));
            if groups.len() >= GROUPS_MAX && !known.contains_key(&key) {
                key.1 = "other devices".into();
            }
            let place = match known.get(&key) {
                Some(place) => *place,
                None => {
                    let place = u16::try_from(groups.len()).unwrap_or(NONE);
                    groups.push((key.0, key.1.clone(), 0));
                    known.insert(key, place);
                    place
                }
            };
            if let Some(group) = groups.get_mut(usize::from(place)) {
                group.2 += 1;
            }
            of_device.insert(entry.id, (side, place));
        });
        of_device
    }

    /// For each side the one it is shown as where at most `max` zones are shown apart: itself, or "other zones".
    pub(super) fn folded(&self, max: usize) -> Vec<u16> {
        let is_zone = |at: &u16| matches!(self.side(*at), Some(Side::Zone(_)));
        let all = 0..u16::try_from(self.sides.len()).unwrap_or(NONE);
        let mut zones: Vec<u16> = all.clone().filter(is_zone).collect();
        let devices = |at: u16| self.sides.get(usize::from(at)).map_or(0, |(_, devices)| *devices);
        zones.sort_by_key(|at| (std::cmp::Reverse(devices(*at)), *at));
        let other = self.place(&Side::OtherZones).unwrap_or(NONE);
        let mut folded: Vec<u16> = all.collect();
        for at in zones.into_iter().skip(max) {
            if let Some(shown) = folded.get_mut(usize::from(at)) {
                *shown = other;
            }
        }
        folded
    }

    /// Place of a side.
    pub fn place(&self, side: &Side) -> Option<u16> {
        self.sides.iter().position(|(one, _)| one == side).and_then(|at| u16::try_from(at).ok())
    }

    /// The side at a place.
    pub fn side(&self, place: u16) -> Option<&Side> {
        self.sides.get(usize::from(place)).map(|(side, _)| side)
    }
}

/// What a device is, in the words that tell most: class, announced type, maker.
pub(crate) fn what(entry: &Entry) -> Text {
    let words = [&entry.class, &entry.kind, &entry.manufacturer, &entry.vendor];
    words.into_iter().flatten().next().cloned().unwrap_or_else(|| UNKNOWN_GROUP.into())
}

fn address_side(address: &Address, [elsewhere, outside, groups]: [u16; 3]) -> u16 {
    match address {
        Address::Mac(mac) if mac.is_group() => groups,
        Address::Mac(_) => elsewhere,
        Address::Ip(ip) => match classify_ip(*ip) {
            IpClass::Group => groups,
            IpClass::Global => outside,
            _ => elsewhere,
        },
    }
}
