//! The one roster (`testkit/hospital/roster.toml`) as templates: what each of its hundred devices is, where it stands, what it
//! says of itself and to whom it talks. The simulation adds nothing to the proportions; it only repeats them.

use super::facts::{self, Line};
use super::plan::Error;
use super::rhythm::{self, Rhythm};
use super::talk::{self, Peers, Service};
use serde::Deserialize;
use smol_str::SmolStr;
use std::net::Ipv4Addr;

const ROSTER: &str = include_str!("../../hospital/roster.toml");

#[derive(Deserialize)]
pub(super) struct File {
    hospital: HospitalRow,
    pub(super) vlan: Vec<VlanRow>,
    pub(super) device: Vec<Row>,
    guest: Vec<GuestRow>,
    peer: Vec<OutsideRow>,
    pub(super) exchange: Vec<ExchangeRow>,
}

#[derive(Deserialize)]
struct HospitalRow {
    domain: SmolStr,
}

#[derive(Deserialize)]
pub(super) struct VlanRow {
    pub(super) id: u16,
}

/// One `[[device]]`.
#[derive(Clone, Deserialize)]
pub(super) struct Row {
    pub(super) id: SmolStr,
    pub(super) class: SmolStr,
    pub(super) unit: SmolStr,
    pub(super) maker: SmolStr,
    pub(super) model: SmolStr,
    serial: SmolStr,
    #[serde(default)]
    pub(super) firmware: SmolStr,
    #[serde(default)]
    mac: Option<SmolStr>,
    vlan: u16,
    ip: Ipv4Addr,
    #[serde(default)]
    pub(super) behind: Option<SmolStr>,
    pub(super) protocols: Vec<SmolStr>,
    #[serde(default)]
    pub(super) dhcp: SmolStr,
    #[serde(default)]
    eui64: Option<SmolStr>,
    #[serde(default)]
    pub(super) ae_title: Option<SmolStr>,
    #[serde(default)]
    pub(super) hl7_application: Option<SmolStr>,
    #[serde(default)]
    pub(super) mqtt_client_id: Option<SmolStr>,
}

#[derive(Deserialize)]
struct GuestRow {
    hostname: SmolStr,
    vlan: u16,
    dhcp: SmolStr,
}

#[derive(Deserialize)]
struct OutsideRow {
    name: SmolStr,
    public: Ipv4Addr,
}

/// One `[[exchange]]`.
#[derive(Deserialize)]
pub(super) struct ExchangeRow {
    pub(super) from: Vec<SmolStr>,
    pub(super) to: Vec<SmolStr>,
    pub(super) service: SmolStr,
    pub(super) port: u16,
}

impl File {
    pub(super) fn entry(&self, id: &str) -> Option<u16> {
        self.device.iter().position(|row| row.id == id).and_then(|at| u16::try_from(at).ok())
    }

    /// The address of the outside peer whose name begins so.
    pub(super) fn outside(&self, name: &str) -> Vec<Ipv4Addr> {
        self.peer.iter().filter(|peer| peer.name.starts_with(name)).map(|peer| peer.public).collect()
    }

    pub(super) fn every_outside(&self) -> Vec<Ipv4Addr> {
        self.peer.iter().map(|peer| peer.public).collect()
    }
}

/// How a device is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// On the link: link address and network address.
    OnLink,
    /// Across a router, by its network address alone.
    Routed,
    /// Only spoken for, by the entry of the roster that is its gateway.
    SpokenFor(u16),
    /// On the link for some hours, with a link address made up by its system.
    Guest,
}

/// What all copies of one entry of the roster have in common.
#[derive(Debug)]
pub(super) struct Template {
    /// `icu-mon`: what names of its copies begin with.
    pub(super) stem: SmolStr,
    /// Copies of this stem in one building, and which of them it is, from 0.
    pub(super) of_stem: u32,
    pub(super) in_stem: u32,
    pub(super) class: SmolStr,
    pub(super) seen: Seen,
    /// Front half of the link address, or of the EUI-64.
    pub(super) oui: [u8; 3],
    pub(super) vlan: u16,
    pub(super) octet: u8,
    /// What serial numbers begin with.
    pub(super) serial_prefix: SmolStr,
    /// Leases by DHCP.
    pub(super) has_lease: bool,
    /// Carried about: replaced by another one now and then.
    pub(super) is_movable: bool,
    /// Gets other addresses from a pool, that others had before: place in the pool.
    pub(super) pool: Option<u8>,
    /// Has a dock with a network interface of its own.
    pub(super) has_dock: bool,
    pub(super) rhythm: Rhythm,
    pub(super) services: Vec<Service>,
    /// For drawing a service by weight: running sums in the background and at work.
    pub(super) background: Vec<u32>,
    pub(super) clinic: Vec<u32>,
    pub(super) facts: Vec<Line>,
    pub(super) dhcp_facts: Vec<Line>,
}

/// Templates of one building: the devices of the roster, then its guests.
#[derive(Debug)]
pub(super) struct Roster {
    pub(super) templates: Vec<Template>,
    /// How many of them are devices.
    pub(super) devices: usize,
    /// VLAN identifiers, in order: each building has one network for each.
    pub(super) vlans: Vec<u16>,
    pub(super) core: u16,
    pub(super) domain: SmolStr,
}

impl Roster {
    pub(super) fn read() -> Result<Self, Error> {
        Self::parse(ROSTER)
    }

    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|error| Error::Roster(error.to_string()))?;
        let core = file
            .entry(facts::CORE)
            .ok_or_else(|| Error::Roster("no core switch to route between networks".to_owned()))?;
        let mut templates = Vec::with_capacity(file.device.len() + file.guest.len());
        for row in &file.device {
            templates.push(device(&file, row)?);
        }
        for (number, guest) in file.guest.iter().enumerate() {
            templates.push(visitor(&file, guest, number)?);
        }
        number_stems(&mut templates);
        number_pool(&mut templates);
        let (devices, vlans) = (file.device.len(), file.vlan.iter().map(|vlan| vlan.id).collect());
        Ok(Self { templates, devices, vlans, core, domain: file.hospital.domain })
    }

    pub(super) fn entry(&self, stem: &str) -> Option<usize> {
        self.templates.iter().position(|template| template.stem == stem)
    }
}

/// The networks beyond the router: what the sensors see of them is their addresses.
const ROUTED_UNIT: &str = "Home";
/// Classes that are carried about and identified by what goes with them.
const MOVABLE: [&str; 4] = [facts::CART, "sip-phone", "infusion-pump", "ultrasound"];

fn device(file: &File, row: &Row) -> Result<Template, Error> {
    let gateway = row.behind.as_ref().map(|id| {
        file.entry(id)
            .ok_or_else(|| Error::Roster(format!("`{}` is behind `{id}`, who is not there", row.id)))
    });
    let seen = match gateway.transpose()? {
        Some(gateway) => Seen::SpokenFor(gateway),
        None if row.unit == ROUTED_UNIT => Seen::Routed,
        None => Seen::OnLink,
    };
    let address = row.mac.as_ref().or(row.eui64.as_ref());
    let is_cart = row.class == facts::CART;
    let services = talk::services(file, row, seen);
    let (background, clinic) = talk::weights(&services);
    Ok(Template {
        stem: stem(&row.id),
        of_stem: 0,
        in_stem: 0,
        class: row.class.clone(),
        seen,
        oui: front(address.map_or("", SmolStr::as_str))
            .ok_or_else(|| Error::Roster(format!("`{}` has neither `mac` nor `eui64`", row.id)))?,
        vlan: vlan(file, row.vlan)?,
        octet: row.ip.octets()[3],
        serial_prefix: SmolStr::new(row.serial.split('-').next().unwrap_or_default()),
        has_lease: !row.dhcp.is_empty() && seen == Seen::OnLink,
        is_movable: MOVABLE.contains(&row.class.as_str()),
        pool: is_cart.then_some(0),
        has_dock: is_cart,
        rhythm: rhythm::of_class(&row.class),
        facts: facts::of(file, row, seen),
        dhcp_facts: facts::of_dhcp(&row.class, &row.dhcp),
        services,
        background,
        clinic,
    })
}

fn visitor(file: &File, guest: &GuestRow, number: usize) -> Result<Template, Error> {
    let services = talk::of_guest(file);
    let (background, clinic) = talk::weights(&services);
    Ok(Template {
        stem: guest.hostname.clone(),
        of_stem: 0,
        in_stem: 0,
        class: SmolStr::new_static("guest"),
        seen: Seen::Guest,
        oui: [0; 3],
        vlan: vlan(file, guest.vlan)?,
        octet: u8::try_from(number).unwrap_or_default(),
        serial_prefix: SmolStr::default(),
        has_lease: true,
        is_movable: false,
        pool: None,
        has_dock: false,
        rhythm: rhythm::of_class("guest"),
        facts: facts::of_guest(),
        dhcp_facts: facts::of_dhcp("guest", &guest.dhcp),
        services,
        background,
        clinic,
    })
}

/// The place of a VLAN among the networks of a building.
fn vlan(file: &File, id: u16) -> Result<u16, Error> {
    let at = file.vlan.iter().position(|vlan| vlan.id == id);
    at.and_then(|at| u16::try_from(at).ok())
        .ok_or_else(|| Error::Roster(format!("VLAN `{id}` is used but not listed")))
}

/// `icu-mon-1` is one of the `icu-mon`.
fn stem(id: &str) -> SmolStr {
    match id.rsplit_once('-') {
        Some((stem, number)) if number.bytes().all(|b| b.is_ascii_digit()) => SmolStr::new(stem),
        _ => SmolStr::new(id),
    }
}

/// The first three octets of a link address or EUI-64.
fn front(address: &str) -> Option<[u8; 3]> {
    let mut digits = address.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok());
    let mut octet = || Some((digits.next()? << 4) | digits.next()?);
    Some([octet()?, octet()?, octet()?])
}

fn number_stems(templates: &mut [Template]) {
    let stems: Vec<SmolStr> = templates.iter().map(|template| template.stem.clone()).collect();
    let count = |of: &[SmolStr], stem: &SmolStr| {
        u32::try_from(of.iter().filter(|known| *known == stem).count()).unwrap_or_default()
    };
    for (at, template) in templates.iter_mut().enumerate() {
        template.of_stem = count(&stems, &template.stem);
        template.in_stem = count(stems.get(..at).unwrap_or_default(), &template.stem);
    }
}

fn number_pool(templates: &mut [Template]) {
    let pooled = templates.iter_mut().filter_map(|template| template.pool.as_mut());
    (0..).zip(pooled).for_each(|(number, place)| *place = number);
}

impl Template {
    /// One device under one address for good.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_movable && self.pool.is_none() && self.seen != Seen::Guest
    }
}

impl Service {
    /// Entries of the roster that it is spoken with.
    pub(super) fn entries(&self) -> &[u16] {
        match &self.peers {
            Peers::Entries(entries) => entries,
            _ => &[],
        }
    }
}
