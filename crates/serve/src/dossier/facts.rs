//! What Ward believes of a device: as the inventory has it now, or put together from the tables for a moment of the past.

use crate::inventory::Entry;
use model::{Attribute, Conflict, DeviceId, Protocol, Timestamp};
use store::device_facts::Held;
use store::devices::{ClaimRow, DeviceRow};
use store::word::{ACCEPTED, ASSET, LOCATION, NAME, PERSON, REVIEW, TAG, ZONE};

/// What is believed. `None` and empty: nothing is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) key: String,
    pub(crate) name: Option<String>,
    pub(crate) vendor: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) asset: Option<String>,
    pub(crate) software: Option<String>,
    pub(crate) os: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) class: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) is_reviewed: bool,
    pub(crate) is_router: bool,
    pub(crate) behind: Option<DeviceId>,
    pub(crate) macs: Vec<String>,
    pub(crate) ips: Vec<String>,
    pub(crate) vlans: Vec<u16>,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) tags: Vec<String>,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) phi_in_clear: bool,
    pub(crate) first_seen: Timestamp,
    /// Not known of the past.
    pub(crate) last_seen: Option<Timestamp>,
}

impl Facts {
    /// As the inventory has it; the row knows what lists need not.
    pub(super) fn now(entry: &Entry, row: Option<&DeviceRow>) -> Self {
        let text = |text: &Option<crate::inventory::Text>| text.as_ref().map(ToString::to_string);
        Self {
            key: entry.key.to_string(),
            name: text(&entry.name),
            vendor: text(&entry.vendor),
            manufacturer: text(&entry.manufacturer),
            model: text(&entry.model),
            serial: text(&entry.serial),
            asset: text(&entry.asset),
            software: text(&entry.software),
            os: text(&entry.os),
            kind: text(&entry.kind),
            location: text(&entry.location),
            class: text(&entry.class),
            zone: text(&entry.zone),
            is_reviewed: entry.reviewed,
            is_router: entry.is_router,
            behind: entry.behind.or_else(|| row.and_then(|row| row.behind)),
            macs: entry.macs.iter().map(ToString::to_string).collect(),
            ips: entry.ips.iter().map(ToString::to_string).collect(),
            vlans: entry.vlans.clone(),
            protocols: entry.protocols.clone(),
            tags: entry.tags.iter().map(ToString::to_string).collect(),
            conflicts: entry.conflicts.clone(),
            phi_in_clear: entry.phi_in_clear,
            first_seen: entry.first_seen,
            last_seen: Some(entry.last_seen).filter(|seen| *seen != Timestamp::ZERO),
        }
    }

    /// As the tables had it at `at`: the row, the addresses that were its own then, and what people said.
    pub(super) fn then(row: &DeviceRow, held: &[Held], claims: &[ClaimRow], at: Timestamp) -> Self {
        let card = &row.card;
        let said = |attribute: &str| {
            let of_people = claims.iter().filter(|claim| claim.source == PERSON && holds(claim, at));
            of_people.filter(|claim| claim.attribute == attribute).map(|claim| claim.value.clone()).collect()
        };
        let word = |attribute: &str| -> Option<String> { Vec::pop(&mut said(attribute)) };
        let text = |text: &Option<smol_str::SmolStr>| text.as_ref().map(ToString::to_string);
        let its = held.iter().filter(|held| held.true_from <= at && held.true_to.is_none_or(|to| to > at));
        let addresses = its.map(|held| super::address(&held.endpoint).to_owned());
        let (macs, ips) = addresses.partition(|address| address.parse::<model::MacAddr>().is_ok());
        let mut tags: Vec<String> = said(TAG);
        tags.sort();
        Self {
            key: row.key.clone(),
            name: word(NAME).or_else(|| row.name.clone()),
            vendor: row.vendor.clone(),
            manufacturer: text(&card.manufacturer),
            model: text(&card.model),
            serial: text(&card.serial),
            asset: word(ASSET).or_else(|| text(&card.asset)),
            software: text(&card.software),
            os: text(&card.os),
            kind: text(&card.kind),
            location: word(LOCATION).or_else(|| text(&card.location)),
            class: row.class.clone(),
            zone: word(ZONE).or_else(|| row.zone.clone()),
            is_reviewed: word(REVIEW).as_deref().unwrap_or(&row.review) == ACCEPTED,
            is_router: row.router,
            behind: row.behind,
            macs,
            ips,
            vlans: card.vlans.clone(),
            protocols: card.protocols.clone(),
            tags,
            conflicts: card.conflicts.clone(),
            phi_in_clear: card.phi_in_clear,
            first_seen: row.first_seen,
            last_seen: None,
        }
    }

    /// What it is called: its name, else an address, else what names it.
    pub(crate) fn title(&self) -> &str {
        let address = self.ips.first().or(self.macs.first()).map(String::as_str);
        self.name.as_deref().or(address).unwrap_or(super::address(&self.key))
    }

    /// What it is, as far as known: maker and model, its own type, its class.
    pub(crate) fn what(&self) -> Option<String> {
        match (&self.manufacturer, &self.model) {
            (Some(maker), Some(model)) if !model.contains(maker.as_str()) => Some(format!("{maker} {model}")),
            (_, Some(model)) => Some(model.clone()),
            (Some(maker), None) => Some(format!("{maker} device")),
            (None, None) => self.kind.clone().or_else(|| self.class.clone()),
        }
    }

    /// A gateway speaks for it; it has no address of its own.
    pub(crate) fn is_equipment(&self) -> bool {
        self.key.starts_with("equipment|")
    }

    /// The conflict about `attribute`, if there is one.
    pub(crate) fn conflict(&self, attribute: Attribute) -> Option<&Conflict> {
        self.conflicts.iter().find(|conflict| conflict.attribute == attribute)
    }
}

/// Whether the claim was true at `at`.
fn holds(claim: &ClaimRow, at: Timestamp) -> bool {
    claim.true_from <= at && claim.true_to.is_none_or(|to| to > at)
}
