//! Sums of talks as pictures show them: zone by zone, and group by group. Made when asked for, kept while nothing changes.

use super::Range;
use super::held::Held;
use super::side::{NONE, Side, Sides};
use crate::inventory::{Inventory, Text};
use model::{DeviceId, TalkEnd};
use std::collections::HashMap;
use std::sync::Arc;

/// Bubbles of the map of all zones.
pub const BUBBLES_MAX: usize = 60;
/// Bubbles of the map of one zone.
pub const ZONE_BUBBLES_MAX: usize = 200;
/// Devices of a zone that are drawn one by one; where more talk, groups are.
pub const DEVICES_APART_MAX: usize = 120;
/// Connections that the map draws.
pub const EDGES_MAX: usize = 150;
/// Zones that the matrix and the map of all show apart, the largest; the others are one.
pub const SIDES_DRAWN_MAX: usize = 24;
/// Pictures kept.
const PICTURES_MAX: usize = 32;

/// How much was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Bytes, to one part in a thousand.
    pub bytes: u64,
    /// Talks: pairs of ends and services.
    pub talks: u32,
}

impl Sum {
    fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.talks = self.talks.saturating_add(1);
    }

    fn join(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.talks = self.talks.saturating_add(other.talks);
    }
}

/// Who asked whom, by zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The sides, each with how many devices it has: zones by name, then the others; those without devices and talks are left out.
    pub sides: Vec<(Side, usize)>,
    /// Row by row, clients down, servers across.
    cells: Vec<Sum>,
}

impl Matrix {
    /// What `client` said to `server`, by their places.
    pub fn cell(&self, client: usize, server: usize) -> Sum {
        self.cells.get(client * self.sides.len() + server).copied().unwrap_or_default()
    }

    /// Every cell in which something was said, by place.
    pub fn said(&self) -> impl Iterator<Item = (usize, usize, Sum)> + '_ {
        let width = self.sides.len().max(1);
        let cells = self.cells.iter().enumerate().filter(|(_, sum)| sum.talks > 0);
        cells.map(move |(at, sum)| (at / width, at % width, *sum))
    }

    /// The most bytes of a cell.
    pub fn most(&self) -> u64 {
        self.cells.iter().map(|sum| sum.bytes).max().unwrap_or(0)
    }
}

/// A bubble of the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bubble {
    /// Place of its side in [`Map::sides`].
    pub side: usize,
    /// What it is: a kind of device, the name of a device, or the side itself.
    pub label: Text,
    /// What addresses filter by to get these devices; `None`: the side itself, or the rest of it.
    pub group: Option<Text>,
    /// The device, where it is a single one.
    pub device: Option<DeviceId>,
    /// How many devices it stands for.
    pub devices: usize,
}

/// Bubbles and the strongest connections between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// The sides, in their order.
    pub sides: Vec<(Side, usize)>,
    /// By side.
    pub bubbles: Vec<Bubble>,
    /// Client, server (places of bubbles; they may be the same), how much; the most bytes first.
    pub edges: Vec<(usize, usize, Sum)>,
    /// Connections that are too weak to be drawn: how many, and their sum.
    pub left_out: (usize, Sum),
}

/// Pictures made already.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    sides: Option<((u64, u64, usize), Arc<Sides>)>,
    /// Revisions of network and inventory that the pictures are of.
    of: (u64, u64),
    matrices: HashMap<Range, Arc<Matrix>>,
    maps: HashMap<(Range, Option<Side>), Arc<Map>>,
}

impl Pictures {
    pub(super) fn sides(&mut self, held: &Held, inventory: &Inventory) -> Arc<Sides> {
        let of = (inventory.revision(), held.generation, held.ends.len());
        if let Some((made, sides)) = &self.sides
            && *made == of
        {
            return Arc::clone(sides);
        }
        let sides = Arc::new(Sides::new(held, inventory));
        self.sides = Some((of, Arc::clone(&sides)));
        sides
    }

    fn fresh(&mut self, held: &Held, inventory: &Inventory) {
        let of = (held.revision, inventory.revision());
        if self.of != of || self.maps.len() >= PICTURES_MAX {
            self.matrices.clear();
            self.maps.clear();
            self.of = of;
        }
    }

    pub(super) fn matrix(&mut self, held: &Held, inventory: &Inventory, range: Range) -> Arc<Matrix> {
        self.fresh(held, inventory);
        if let Some(matrix) = self.matrices.get(&range) {
            return Arc::clone(matrix);
        }
        let sides = self.sides(held, inventory);
        let matrix = Arc::new(matrix(held, &sides, range));
        self.matrices.insert(range, Arc::clone(&matrix));
        matrix
    }

    pub(super) fn map(
        &mut self,
        held: &Held,
        inventory: &Inventory,
        range: Range,
        zone: Option<&Side>,
    ) -> Arc<Map> {
        self.fresh(held, inventory);
        let key = (range, zone.cloned());
        if let Some(map) = self.maps.get(&key) {
            return Arc::clone(map);
        }
        let sides = self.sides(held, inventory);
        let map = Arc::new(match zone.and_then(|side| sides.place(side)) {
            Some(zone) => zone_map(held, &sides, inventory, range, zone),
            None => overview(held, &sides, range),
        });
        self.maps.insert(key, Arc::clone(&map));
        map
    }
}

/// Sums between groups of ends: `group` by end, `count` groups, row by row.
fn sums(held: &Held, range: Range, group: &[u16], count: usize) -> Vec<Sum> {
    let mut cells = vec![Sum::default(); count * count];
    for (pair, bytes) in held.said(range) {
        let of = |end: u32| group.get(end as usize).map_or(usize::from(NONE), |group| usize::from(*group));
        let (client, server) = (of(pair.key.client), of(pair.key.server));
        if client < count
            && server < count
            && let Some(cell) = cells.get_mut(client * count + server)
        {
            cell.add(bytes);
        }
    }
    cells
}

fn matrix(held: &Held, sides: &Sides, range: Range) -> Matrix {
    let count = sides.sides.len();
    let folded = sides.folded(SIDES_DRAWN_MAX);
    let fold = |side: u16| folded.get(usize::from(side)).copied().unwrap_or(side);
    let of_end: Vec<u16> = sides.of_end.iter().map(|(side, _)| fold(*side)).collect();
    let all = sums(held, range, &of_end, count);
    let at = |client: usize, server: usize| all.get(client * count + server).copied().unwrap_or_default();
    let is_heard = |side: usize| (0..count).any(|other| at(side, other).talks + at(other, side).talks > 0);
    let mut devices = vec![0; count];
    for (place, (_, own)) in (0u16..).zip(&sides.sides) {
        if let Some(all) = devices.get_mut(usize::from(fold(place))) {
            *all += own;
        }
    }
    let of = |place: usize| devices.get(place).copied().unwrap_or(0);
    let kept: Vec<usize> = (0..count).filter(|place| of(*place) > 0 || is_heard(*place)).collect();
    let cells = kept.iter().flat_map(|client| kept.iter().map(|server| at(*client, *server))).collect();
    let side = |place: &usize| sides.sides.get(*place).map(|(side, _)| (side.clone(), of(*place)));
    Matrix { sides: kept.iter().filter_map(side).collect(), cells }
}

/// Bubbles of all zones: the largest groups, and per side one for the rest.
fn overview(held: &Held, sides: &Sides, range: Range) -> Map {
    let apart = BUBBLES_MAX.saturating_sub(sides.sides.len().min(BUBBLES_MAX / 2));
    let mut largest: Vec<usize> = (0..sides.groups.len()).collect();
    largest.sort_by_key(|at| std::cmp::Reverse(sides.groups.get(*at).map_or(0, |group| group.2)));
    largest.truncate(apart);
    largest.sort_by_key(|at| sides.groups.get(*at).map(|(side, name, _)| (*side, name.clone())));
    let folded = sides.folded(SIDES_DRAWN_MAX);
    let fold = |side: u16| folded.get(usize::from(side)).copied().unwrap_or(side);
    largest.retain(|at| sides.groups.get(*at).is_some_and(|(side, ..)| fold(*side) == *side));
    let mut drawing = Drawing::new(sides);
    let mut bubble_of: Vec<u16> = vec![NONE; sides.groups.len()];
    let rest = drawing.rest(&largest, fold);
    for at in largest {
        let Some((side, name, devices)) = sides.groups.get(at) else { continue };
        let place = drawing.add(*side, name.clone(), Some(name.clone()), *devices);
        if let Some(of) = bubble_of.get_mut(at) {
            *of = place;
        }
    }
    let of_rest: HashMap<u16, u16> = rest
        .into_iter()
        .map(|(side, (groups, devices))| {
            let label = if groups == 0 { drawing.title(side) } else { format!("{groups} more types").into() };
            (side, drawing.add(side, label, None, devices))
        })
        .collect();
    let of_end = sides.of_end.iter().map(|(side, group)| {
        let own = bubble_of.get(usize::from(*group)).copied().filter(|bubble| *bubble != NONE);
        own.or_else(|| of_rest.get(&fold(*side)).copied()).unwrap_or(NONE)
    });
    let mut map = drawing.finish(held, range, &of_end.collect::<Vec<u16>>());
    map.cut();
    map
}

/// Bubbles of one zone: its devices, or its groups where they are many; and one for each other side.
fn zone_map(held: &Held, sides: &Sides, inventory: &Inventory, range: Range, zone: u16) -> Map {
    let mut drawing = Drawing::new(sides);
    let mut of_end = vec![NONE; sides.of_end.len()];
    let within: Vec<usize> =
        (0..of_end.len()).filter(|at| sides.of_end.get(*at).is_some_and(|(side, _)| *side == zone)).collect();
    let mut of_group: HashMap<u16, u16> = HashMap::new();
    let mut groups: Vec<u16> =
        within.iter().filter_map(|at| sides.of_end.get(*at)).map(|(_, g)| *g).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.sort_by_key(|at| std::cmp::Reverse(sides.groups.get(usize::from(*at)).map_or(0, |group| group.2)));
    let room = ZONE_BUBBLES_MAX.saturating_sub(sides.sides.len() + 1);
    for group in groups.iter().take(room).filter(|_| within.len() > DEVICES_APART_MAX) {
        if let Some((_, name, devices)) = sides.groups.get(usize::from(*group)) {
            of_group.insert(*group, drawing.add(zone, name.clone(), Some(name.clone()), *devices));
        }
    }
    let mut rest = None;
    for at in within {
        let Some((_, group)) = sides.of_end.get(at) else { continue };
        let bubble = match (of_group.get(group), held.ends.get(at)) {
            (Some(bubble), _) => *bubble,
            (None, Some(TalkEnd::Device(device))) if of_group.is_empty() => {
                let label =
                    inventory.get(*device).map_or_else(|| device.to_string().into(), |entry| entry.title());
                let place = drawing.add(zone, label, None, 1);
                drawing.name(place, *device);
                place
            }
            _ => *rest.get_or_insert_with(|| drawing.add(zone, "others".into(), None, 0)),
        };
        if let Some(of) = of_end.get_mut(at) {
            *of = bubble;
        }
    }
    let mut of_side: HashMap<u16, u16> = HashMap::new();
    for (at, (side, _)) in sides.of_end.iter().enumerate().filter(|(_, (side, _))| *side != zone) {
        let place = *of_side.entry(*side).or_insert_with(|| {
            let devices = sides.sides.get(usize::from(*side)).map_or(0, |(_, devices)| *devices);
            let title = drawing.title(*side);
            drawing.add(*side, title, None, devices)
        });
        if let Some(of) = of_end.get_mut(at) {
            *of = place;
        }
    }
    let mut map = drawing.finish(held, range, &of_end);
    // Between other zones there is another picture.
    let zone = usize::from(zone);
    let side_of: Vec<usize> = map.bubbles.iter().map(|bubble| bubble.side).collect();
    let touches = |bubble: usize| side_of.get(bubble) == Some(&zone);
    map.edges.retain(|(client, server, _)| touches(*client) || touches(*server));
    map.cut();
    map
}

/// A map in the making.
struct Drawing<'s> {
    sides: &'s Sides,
    bubbles: Vec<Bubble>,
}

impl<'s> Drawing<'s> {
    fn new(sides: &'s Sides) -> Self {
        Self { sides, bubbles: Vec::new() }
    }

    fn title(&self, side: u16) -> Text {
        self.sides.side(side).map(Side::title).unwrap_or_default()
    }

    fn add(&mut self, side: u16, label: Text, group: Option<Text>, devices: usize) -> u16 {
        self.bubbles.push(Bubble { side: usize::from(side), label, group, device: None, devices });
        u16::try_from(self.bubbles.len() - 1).unwrap_or(NONE)
    }

    fn name(&mut self, bubble: u16, device: DeviceId) {
        if let Some(bubble) = self.bubbles.get_mut(usize::from(bubble)) {
            bubble.device = Some(device);
        }
    }

    /// Per side, groups and devices that are not among those drawn apart; sides without groups are all rest.
    fn rest(&self, apart: &[usize], fold: impl Fn(u16) -> u16) -> Vec<(u16, (usize, usize))> {
        let mut rest: HashMap<u16, (usize, usize)> = HashMap::new();
        for (at, (side, _, devices)) in self.sides.groups.iter().enumerate() {
            if !apart.contains(&at) {
                let (groups, all) = rest.entry(fold(*side)).or_default();
                *groups += 1;
                *all += devices;
            }
        }
        for (at, (side, _)) in (0u16..).zip(&self.sides.sides) {
            if !side.has_devices() {
                rest.insert(at, (0, 0));
            }
        }
        let mut rest: Vec<_> = rest.into_iter().collect();
        rest.sort_unstable();
        rest
    }

    /// With the sums between bubbles, by side; bubbles that stand for no device and said nothing are left out.
    fn finish(self, held: &Held, range: Range, of_end: &[u16]) -> Map {
        let count = self.bubbles.len();
        let cells = sums(held, range, of_end, count);
        let cell = |a: usize, b: usize| cells.get(a * count + b).copied().unwrap_or_default();
        let is_heard =
            |one: usize| (0..count).any(|other| cell(one, other).talks + cell(other, one).talks > 0);
        let mut order: Vec<usize> = (0..count)
            .filter(|at| self.bubbles.get(*at).is_some_and(|bubble| bubble.devices > 0) || is_heard(*at))
            .collect();
        order.sort_by_key(|at| self.bubbles.get(*at).map_or(0, |bubble| bubble.side));
        let mut edges = Vec::new();
        for (client, a) in order.iter().enumerate() {
            for (server, b) in order.iter().enumerate() {
                let sum = cell(*a, *b);
                if sum.talks > 0 {
                    edges.push((client, server, sum));
                }
            }
        }
        let bubbles = order.iter().filter_map(|at| self.bubbles.get(*at).cloned()).collect();
        Map { sides: self.sides.sides.clone(), bubbles, edges, left_out: (0, Sum::default()) }
    }
}

impl Map {
    /// Keeps the strongest connections; the others are summed.
    fn cut(&mut self) {
        self.edges.sort_by(|a, b| b.2.bytes.cmp(&a.2.bytes).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
        for (_, _, sum) in self.edges.drain(EDGES_MAX.min(self.edges.len())..) {
            self.left_out.0 += 1;
            self.left_out.1.join(sum);
        }
    }
}
