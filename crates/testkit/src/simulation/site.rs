//! Who is where: places (copies of the roster's entries), who stays at them from when to when, and under which addresses and
//! names. Every answer follows from the plan and the minute alone, so any moment can be asked in any order and nothing is kept.

use super::facts::{self, Said};
use super::plan::{Error, Plan};
use super::rhythm::{Curves, DAY_MINUTES, LocalMinute};
use super::roster::{Roster, Seen, Template};
use crate::random::scramble;
use model::{Address, DeviceKey, DomainId, EndpointKey, MacAddr, Vlan};
use smol_str::{SmolStr, format_smolstr};
use std::net::{IpAddr, Ipv4Addr};

/// Minutes between one device leaving a place and the next one coming.
const REPLACE_GAP_MINUTES: u64 = 120;
/// Visits a day at one place for guests.
const VISITS: u64 = 3;
/// When guests come: the first minute, and minutes from one visit to the next.
const VISITING_FROM: u64 = 600;
const VISIT_EVERY: u64 = 200;
/// Addresses of the pools, by last octet: carts (two halves that take turns), carts in their docks, guests.
const CART_POOL: u8 = 150;
const DOCK_POOL: u8 = 190;
const GUEST_POOL: u8 = 100;
const GUEST_POOL_SIZE: u64 = 24;
/// Carts wander between this many addresses in turn.
const CART_POOL_HALF: u8 = 16;
/// Every so many carts one has a dock.
const DOCK_EVERY: u64 = 4;
/// The network interface in a dock: a Realtek USB controller, as docks have.
const DOCK_OUI: [u8; 3] = [0x00, 0xe0, 0x4c];
/// Buildings after which VLAN numbers begin again.
const VLAN_BUILDINGS: u32 = 40;

/// A copy of one entry of the roster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) entry: u16,
    pub(super) building: u32,
}

/// Somebody at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    /// Who, counted from the first at that place.
    pub(super) generation: u32,
    /// Through the interface of the dock.
    pub(super) is_docked: bool,
    pub(super) ip: Ipv4Addr,
    /// The minute since which that one is there.
    pub(super) since: u64,
}

/// The site as planned.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) plan: Plan,
    pub(super) roster: Roster,
    pub(super) curves: Curves,
    pub(super) places: Vec<Place>,
    /// Where each entry stands in the last, incomplete building.
    rest: Vec<Option<u32>>,
    complete: u32,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Site {
    pub(super) fn new(plan: Plan) -> Result<Self, Error> {
        plan.check()?;
        let roster = Roster::read()?;
        let (devices, entries) = (plan.devices, roster.devices);
        let complete = devices / entries;
        let chosen = chosen(&roster, devices % entries, complete == 0);
        let mut places = Vec::with_capacity(devices + devices / 25);
        let place = |entry: usize, building: usize| Place { entry: entry as u16, building: building as u32 };
        (0..complete).for_each(|b| places.extend((0..entries).map(|entry| place(entry, b))));
        let mut rest = vec![None; entries];
        for entry in chosen {
            if let Some(at) = rest.get_mut(entry) {
                *at = Some(places.len() as u32);
            }
            places.push(place(entry, complete));
        }
        if plan.churn.guests {
            let per_building = roster.templates.len() - entries;
            let guests = devices * per_building / entries;
            places.extend((0..guests).map(|g| place(entries + g % per_building, g / per_building)));
        }
        let start = plan.start.as_secs() / 60;
        let end = start + u64::from(plan.days) * DAY_MINUTES;
        let complete = complete as u32;
        Ok(Self { plan, roster, curves: Curves::new(), places, rest, complete, start, end })
    }

    pub(super) fn place(&self, slot: u32) -> Option<(&Place, &Template)> {
        let place = self.places.get(slot as usize)?;
        Some((place, self.roster.templates.get(usize::from(place.entry))?))
    }

    /// A number that follows from the seed, the site and `parts`.
    pub(super) fn hash(&self, parts: [u64; 3]) -> u64 {
        let own = self.plan.seed ^ scramble(0x517e ^ u64::from(self.plan.site.0));
        parts.into_iter().fold(own, |hash, part| scramble(hash.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ part))
    }

    pub(super) fn local(&self, minute: u64) -> LocalMinute {
        LocalMinute::new(minute, self.plan.utc_offset_s)
    }

    /// The place of another entry in the same building, or in the first where the building has none.
    pub(super) fn neighbour(&self, building: u32, entry: u16) -> Option<u32> {
        let in_building = |building: u32| {
            if building < self.complete {
                return Some(building * self.roster.devices as u32 + u32::from(entry));
            }
            self.rest.get(usize::from(entry)).copied().flatten().filter(|_| building == self.complete)
        };
        in_building(building).or_else(|| in_building(0))
    }

    /// Who is at a place in a minute; `None`: nobody.
    pub(super) fn stay(&self, slot: u32, minute: u64) -> Option<Stay> {
        let (place, template) = self.place(slot)?;
        match template.seen {
            Seen::Guest => return self.visit(slot, place, template, minute),
            Seen::SpokenFor(gateway) => {
                let (generation, since) = self.generation(slot, template, minute)?;
                let gateway = self.neighbour(place.building, gateway)?;
                let (place, template) = self.place(gateway)?;
                let ip = self.ip(place.building, template.vlan, template.octet);
                return Some(Stay { generation, is_docked: false, ip, since });
            }
            Seen::OnLink | Seen::Routed => {}
        }
        let (generation, since) = self.generation(slot, template, minute)?;
        let is_docked = self.is_docked(slot, template, minute);
        let octet = match template.pool {
            Some(number) if is_docked => DOCK_POOL + number,
            Some(number) => self.pooled(slot, place, number, minute).unwrap_or(template.octet),
            None => template.octet,
        };
        let ip = self.ip(place.building, template.vlan, octet);
        Some(Stay { generation, is_docked, ip, since })
    }

    /// Which of the devices that follow each other at a place is there, and since when.
    fn generation(&self, slot: u32, template: &Template, minute: u64) -> Option<(u32, u64)> {
        let days = u64::from(self.plan.churn.replace_days);
        if !template.is_movable || days == 0 {
            return Some((0, self.start));
        }
        let draw = self.hash([0xc4a1, u64::from(slot), 0]);
        // Half to one and a half times the mean, and not all at once.
        let period = days * DAY_MINUTES / 2 + draw % (days * DAY_MINUTES + 1);
        let lived = (minute - self.start.min(minute)) + scramble(draw) % period;
        let (generation, age) = (lived / period, lived % period);
        let is_first = generation == 0;
        if !is_first && age < REPLACE_GAP_MINUTES {
            return None;
        }
        let since = if is_first { self.start } else { minute - age + REPLACE_GAP_MINUTES };
        Some((generation as u32, since))
    }

    /// A visitor: some hours, another one each time.
    fn visit(&self, slot: u32, place: &Place, template: &Template, minute: u64) -> Option<Stay> {
        let local = self.local(minute);
        let visit = local.of_day.checked_sub(VISITING_FROM)? / VISIT_EVERY;
        if visit >= VISITS {
            return None;
        }
        let draw = self.hash([0x6e57, u64::from(slot), local.day * VISITS + visit]);
        let (from, minutes) = (VISITING_FROM + visit * VISIT_EVERY + draw % 60, 40 + (draw >> 32) % 90);
        if local.of_day < from || local.of_day >= from + minutes {
            return None;
        }
        let first_day = self.local(self.start).day;
        let generation = (local.day.saturating_sub(first_day)) * VISITS + visit;
        let taken = generation * 4 + u64::from(template.octet);
        let octet = GUEST_POOL + (taken % GUEST_POOL_SIZE) as u8;
        let ip = self.ip(place.building, template.vlan, octet);
        let since = (minute - (local.of_day - from)).max(self.start);
        Some(Stay { generation: generation as u32, is_docked: false, ip, since })
    }

    /// Docked in office hours.
    fn is_docked(&self, slot: u32, template: &Template, minute: u64) -> bool {
        if !self.plan.churn.docks || !template.has_dock {
            return false;
        }
        let local = self.local(minute);
        let has_dock = self.hash([0xd0c5, u64::from(slot), 0]).is_multiple_of(DOCK_EVERY);
        has_dock && local.kind == 0 && (540..690).contains(&local.of_day)
    }

    /// The last octet of a cart: half of the pool rests while the other is in use, and they change places in it.
    fn pooled(&self, slot: u32, place: &Place, number: u8, minute: u64) -> Option<u8> {
        let lease = u64::from(self.plan.churn.lease_hours) * 60;
        let stagger = self.hash([0x1ea5, u64::from(slot), 0]) % 120;
        // Not at midnight: at four in the morning, more or less.
        let epoch = (minute + DAY_MINUTES - 240 - stagger).checked_div(lease)?;
        let turn = self.hash([0x7042, u64::from(place.building), epoch]);
        let half = CART_POOL + (epoch % 2) as u8 * CART_POOL_HALF;
        Some(half + (u64::from(number).wrapping_add(turn % 8) % 8) as u8)
    }

    /// The address of a host in one of the networks of a building.
    pub(super) fn ip(&self, building: u32, vlan: u16, octet: u8) -> Ipv4Addr {
        let network = building * self.roster.vlans.len() as u32 + u32::from(vlan);
        Ipv4Addr::new(10, (network >> 8) as u8, network as u8, octet)
    }

    pub(super) fn vlan_id(&self, building: u32, vlan: u16) -> Option<Vlan> {
        let id = self.roster.vlans.get(usize::from(vlan))?;
        Vlan::new(id + (building % VLAN_BUILDINGS) as u16 * 100)
    }

    /// A number that no other device of the site has. It differs between sites too while a site has had fewer than
    /// 131,072 devices.
    fn number(&self, slot: u32, generation: u32) -> u32 {
        let at_site = u64::from(generation) * self.places.len() as u64 + u64::from(slot);
        let apart = at_site.wrapping_add(u64::from(self.plan.site.0) << 17);
        // An odd factor permutes the 24 bits; the seed moves them all.
        (apart.wrapping_mul(0x5d_1e35).wrapping_add(self.plan.seed) & 0x00ff_ffff) as u32
    }

    pub(super) fn mac(&self, slot: u32, stay: &Stay) -> MacAddr {
        let Some((_, template)) = self.place(slot) else { return MacAddr::ZERO };
        let [a, b, c] = if stay.is_docked { DOCK_OUI } else { template.oui };
        let [_, d, e, f] = self.number(slot, stay.generation).to_be_bytes();
        if template.seen == Seen::Guest {
            let made_up = self.hash([0x9ac, u64::from(slot), u64::from(stay.generation)]);
            let [a, b, c, ..] = made_up.to_be_bytes();
            return MacAddr::new([(a & 0xfc) | 0x02, b, c, d, e, f]);
        }
        MacAddr::new([a, b, c, d, e, f])
    }

    /// `s2-icu-mon-0123`: site, place in the roster, number.
    pub(super) fn host_name(&self, slot: u32, generation: u32) -> Option<SmolStr> {
        let (place, template) = self.place(slot)?;
        if template.stem.is_empty() || matches!(template.seen, Seen::SpokenFor(_)) {
            return None;
        }
        Some(format_smolstr!(
            "s{}-{}-{:04}",
            self.plan.site.0,
            template.stem,
            self.running(place, template, generation)
        ))
    }

    /// Number among the devices of its kind, from 1.
    fn running(&self, place: &Place, template: &Template, generation: u32) -> u32 {
        let buildings = self.complete + 1;
        let number = place.building * template.of_stem + template.in_stem + 1;
        number + generation * buildings * template.of_stem
    }

    pub(super) fn serial(&self, slot: u32, generation: u32) -> Option<SmolStr> {
        let (_, template) = self.place(slot)?;
        let prefix = Some(&template.serial_prefix).filter(|prefix| !prefix.is_empty())?;
        Some(format_smolstr!("{prefix}-{:08}", self.number(slot, generation)))
    }

    fn eui64(&self, slot: u32, generation: u32) -> Option<SmolStr> {
        let (_, template) = self.place(slot)?;
        let [a, b, c] = template.oui;
        Some(format_smolstr!("{a:02X}{b:02X}{c:02X}FFFE{:06X}", self.number(slot, generation)))
    }

    /// What names a device in an inventory.
    pub(super) fn key(&self, slot: u32, stay: &Stay) -> Option<DeviceKey> {
        let (_, template) = self.place(slot)?;
        let own = Stay { is_docked: false, ..*stay };
        Some(match template.seen {
            Seen::OnLink | Seen::Guest => DeviceKey::Address(Address::Mac(self.mac(slot, &own))),
            Seen::Routed => DeviceKey::Address(Address::Ip(IpAddr::V4(stay.ip))),
            Seen::SpokenFor(_) => DeviceKey::Equipment(self.eui64(slot, stay.generation)?),
        })
    }

    /// The words of a fact; `None` where this copy has nothing to say there.
    pub(super) fn said(&self, slot: u32, stay: &Stay, said: &Said) -> Option<SmolStr> {
        let (place, template) = self.place(slot)?;
        Some(match said {
            Said::Text(text) => text.clone(),
            Said::HostName => self.host_name(slot, stay.generation)?,
            Said::Numbered(name) => {
                format_smolstr!("{name}-{:04}", self.running(place, template, stay.generation))
            }
            Said::Serial => self.serial(slot, stay.generation)?,
            Said::Address => format_smolstr!("{}", stay.ip),
            Said::Equipment => {
                let (serial, eui64) =
                    (self.serial(slot, stay.generation)?, self.eui64(slot, stay.generation)?);
                format_smolstr!("{serial}^CALDER^{eui64}^EUI-64")
            }
            Said::Uuid => {
                let [a, b] = [1, 2]
                    .map(|half| self.hash([0x001d, u64::from(slot) << 8 | half, u64::from(stay.generation)]));
                let (a1, a2, a3) = (a >> 32, (a >> 16) & 0xffff, a & 0xfff);
                let (b1, b2) = ((b >> 48) & 0x3fff | 0x8000, b & 0xffff_ffff_ffff);
                format_smolstr!("urn:uuid:{a1:08x}-{a2:04x}-4{a3:03x}-{b1:04x}-{b2:012x}")
            }
            Said::Gateway(vlan) => format_smolstr!("{}", self.ip(place.building, *vlan, 1)),
            Said::Forwarded(ip) => format_smolstr!("{ip} hops=?"),
            Said::Domain => format_smolstr!("s{}.{}", self.plan.site.0, self.roster.domain),
        })
    }

    /// The key of a network address: without VLAN (docs/design/0003-endpoint-keys.md).
    pub(super) fn at_ip(&self, ip: Ipv4Addr) -> EndpointKey {
        let address = Address::Ip(IpAddr::V4(ip));
        EndpointKey { site: self.plan.site, domain: DomainId(0), vlan: None, address }
    }

    /// The key of the link address of a device.
    pub(super) fn at_mac(&self, slot: u32, stay: &Stay) -> Option<EndpointKey> {
        let (place, template) = self.place(slot)?;
        let address = Address::Mac(self.mac(slot, stay));
        let vlan = self.vlan_id(place.building, template.vlan);
        Some(EndpointKey { site: self.plan.site, domain: DomainId(0), vlan, address })
    }
}

/// Who stands in an incomplete building: an even share of all. A hospital of less than one building needs its router and the
/// servers that everybody asks first.
fn chosen(roster: &Roster, count: usize, is_first: bool) -> Vec<usize> {
    const NEEDED: [&str; 4] = [facts::CORE, "it-srv-infra", "icu-gateway", "lab-engine"];
    let mut first: Vec<usize> = if is_first {
        NEEDED.iter().filter_map(|stem| roster.entry(stem)).take(count).collect()
    } else {
        Vec::new()
    };
    let others: Vec<usize> = (0..roster.devices).filter(|entry| !first.contains(entry)).collect();
    let left = count - first.len();
    let share = |at: usize| at * left / others.len().max(1);
    let even = (0..others.len()).filter(|at| share(at + 1) > share(*at));
    first.extend(even.filter_map(|at| others.get(at).copied()));
    first
}
