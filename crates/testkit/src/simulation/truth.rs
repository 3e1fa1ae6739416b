//! What was really there, to compare an inventory with: found by asking the plan, not by watching the stream, so an error of the
//! stream does not hide itself. Sensor gaps are ignored: a device is there whether it is seen or not.

use super::Simulation;
use super::minute::{MINUTE, Planned};
use super::site::{Site, Stay};
use model::{DeviceKey, MacAddr, Timestamp};
use smol_str::SmolStr;
use std::net::IpAddr;

/// A device as it really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrueDevice {
    /// What names it in an inventory: its link address (not that of its dock), its network address behind a router, or the
    /// universal identifier that its gateway speaks of.
    pub key: DeviceKey,
    /// Its link addresses by first use; none behind a router or a gateway.
    pub macs: Vec<MacAddr>,
    /// Network addresses it has had, by last use: the last is the one of now. None behind a gateway.
    pub ips: Vec<IpAddr>,
    /// The name it gives itself.
    pub host_name: Option<SmolStr>,
    /// Its serial number; guests have none.
    pub serial: Option<SmolStr>,
    /// Class of the roster, or `guest`.
    pub class: SmolStr,
    /// When it first did something on its own account. Others may have spoken to it before.
    pub first_seen: Timestamp,
    /// When it last did something on its own account, up to the moment asked for.
    pub last_seen: Timestamp,
}

impl Simulation {
    /// Every device that had done something from the start to `at`, departed ones included, in the order of the roster; power
    /// dips apart, which make devices speak once more.
    pub fn truth(&self, at: Timestamp) -> Vec<TrueDevice> {
        let last = (at.as_nanos() / MINUTE).min(self.site.end.saturating_sub(1));
        let mut devices = Vec::new();
        for slot in 0..self.site.places.len() as u32 {
            let search = Search { site: &self.site, slot, at: at.as_nanos(), last };
            search.devices(&mut devices);
        }
        devices
    }

    /// Host names of everybody who is there at some time of the plan.
    pub fn hostnames(&self) -> impl Iterator<Item = SmolStr> + '_ {
        let site = &self.site;
        (0..site.places.len() as u32).flat_map(move |slot| {
            site.generations(slot).into_iter().filter_map(move |generation| site.host_name(slot, generation))
        })
    }
}

impl Site {
    /// Those who follow each other at a place within the plan.
    fn generations(&self, slot: u32) -> Vec<u32> {
        if self.is_settled(slot) {
            return vec![0];
        }
        // Nobody stays for less than half an hour.
        let mut found: Vec<u32> = (self.start..self.end)
            .step_by(30)
            .filter_map(|m| self.stay(slot, m))
            .map(|s| s.generation)
            .collect();
        found.dedup();
        found
    }

    fn is_settled(&self, slot: u32) -> bool {
        self.place(slot).is_none_or(|(_, template)| template.is_settled())
    }
}

struct Search<'s> {
    site: &'s Site,
    slot: u32,
    at: u64,
    last: u64,
}

impl Search<'_> {
    fn devices(&self, devices: &mut Vec<TrueDevice>) {
        let (site, slot) = (self.site, self.slot);
        if site.is_settled(slot) {
            let first = (site.start..=self.last).find_map(|minute| self.span(minute));
            let last = (site.start..=self.last).rev().find_map(|minute| self.span(minute));
            let stay = site.stay(slot, site.start);
            if let (Some((first, _)), Some((_, last)), Some(stay)) = (first, last, stay) {
                devices.extend(self.device(&stay, first, last));
            }
            return;
        }
        let mut current: Option<(u32, TrueDevice)> = None;
        for minute in site.start..=self.last {
            let Some(stay) = site.stay(slot, minute) else { continue };
            let Some((first, last)) = self.span(minute) else { continue };
            match &mut current {
                Some((generation, device)) if *generation == stay.generation => {
                    self.extend(device, &stay, last);
                }
                _ => {
                    devices.extend(current.take().map(|(_, device)| device));
                    current = self.device(&stay, first, last).map(|device| (stay.generation, device));
                }
            }
        }
        devices.extend(current.map(|(_, device)| device));
    }

    /// The first and last thing done in a minute, up to the moment asked for.
    fn span(&self, minute: u64) -> Option<(u64, u64)> {
        let mut planned: Vec<Planned> = Vec::new();
        self.site.plan_place(self.slot, &self.site.local(minute), false, &mut planned);
        let moments = || planned.iter().map(|planned| planned.at).filter(|at| *at <= self.at);
        Some((moments().min()?, moments().max()?))
    }

    fn device(&self, stay: &Stay, first: u64, last: u64) -> Option<TrueDevice> {
        let (site, slot) = (self.site, self.slot);
        let (_, template) = site.place(slot)?;
        let key = site.key(slot, stay)?;
        let (has_mac, has_ip) = match key {
            DeviceKey::Address(model::Address::Mac(_)) => (true, true),
            DeviceKey::Address(model::Address::Ip(_)) => (false, true),
            DeviceKey::Equipment(_) => (false, false),
        };
        Some(TrueDevice {
            key,
            macs: has_mac.then(|| site.mac(slot, stay)).into_iter().collect(),
            ips: has_ip.then_some(IpAddr::V4(stay.ip)).into_iter().collect(),
            host_name: site.host_name(slot, stay.generation),
            serial: site.serial(slot, stay.generation),
            class: template.class.clone(),
            first_seen: Timestamp::from_nanos(first),
            last_seen: Timestamp::from_nanos(last),
        })
    }

    fn extend(&self, device: &mut TrueDevice, stay: &Stay, last: u64) {
        device.last_seen = Timestamp::from_nanos(last);
        let (mac, ip) = (self.site.mac(self.slot, stay), IpAddr::V4(stay.ip));
        if !device.macs.is_empty() && !device.macs.contains(&mac) {
            device.macs.push(mac);
        }
        if device.ips.last().is_some_and(|known| *known != ip) {
            device.ips.retain(|known| *known != ip);
            device.ips.push(ip);
        }
    }
}
