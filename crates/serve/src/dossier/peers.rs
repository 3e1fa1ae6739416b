//! With whom a device talks, by device instead of by address: what the graph, its table and the API show.

use super::{Dossier, address};
use crate::house::House;
use model::{DeviceId, Timestamp};
use std::collections::BTreeMap;
use store::device_facts;
use store::device_talks::{self, Talked};

/// How far back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Range {
    /// 24 hours.
    #[default]
    Day,
    /// 7 days.
    Week,
}

impl Range {
    /// Its name in queries.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// What its name says; `None`: there is no such range.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Day, Self::Week].into_iter().find(|range| range.name() == name)
    }

    /// In words.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
        }
    }

    fn hours(self) -> i64 {
        match self {
            Self::Day => 24,
            Self::Week => 7 * 24,
        }
    }
}

/// A device or an address that the device talked with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// A device of the site.
    Device(DeviceId),
    /// An address that is no device's here.
    Address(String),
}

/// What it said with one peer over one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerTalk {
    pub(crate) peer: Peer,
    /// What the peer is called.
    pub(crate) name: String,
    /// Its zone, or its type, or that it is not of the site.
    pub(crate) group: String,
    pub(crate) protocol: String,
    pub(crate) transport: String,
    pub(crate) port: i64,
    /// The device asked, the peer answered.
    pub(crate) is_client: bool,
    pub(crate) bytes_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) flows: u64,
    /// The hour in which they last talked began then.
    pub(crate) last_hour: Timestamp,
}

impl PeerTalk {
    /// Bytes of both directions.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes_in.saturating_add(self.bytes_out)
    }
}

/// All talks of a device in a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Talking {
    /// By bytes, most first.
    pub(crate) talks: Vec<PeerTalk>,
    /// Services and peers that were not looked at, because there are too many.
    pub(crate) left_out: u64,
}

/// Reads with whom the device talked in the hours before `until`.
///
/// # Errors
/// As the store.
pub(crate) async fn talking(
    house: &House,
    dossier: &Dossier,
    range: Range,
    until: Timestamp,
) -> crate::Result<Talking> {
    let (site, endpoints, own) = (house.site.id, dossier.endpoints(), dossier.id);
    let read = house.read(move |db| {
        let end = i64::from(until.hour()) + 1;
        let hours = end - range.hours()..end;
        let talks = device_talks::of(db, site, &endpoints, hours.clone())?;
        let mut rows = talks.rows;
        if range == Range::Week {
            rows.extend(device_talks::of_days(db, site, &endpoints, hours)?);
        }
        let mut holders: BTreeMap<String, Option<DeviceId>> = BTreeMap::new();
        for talked in &rows {
            if !holders.contains_key(&talked.peer) {
                let at = hour(talked.last_hour);
                holders.insert(talked.peer.clone(), device_facts::holder(db, site, &talked.peer, at)?);
            }
        }
        Ok((rows, holders, talks.pairs_left_out))
    });
    let (rows, holders, left_out) = read.await?;
    let mut sums: BTreeMap<(Peer, String, String, i64, bool), PeerTalk> = BTreeMap::new();
    for talked in rows {
        let holder = holders.get(&talked.peer).copied().flatten();
        if holder != Some(own) {
            add(house, &mut sums, talked, holder);
        }
    }
    let mut talks: Vec<PeerTalk> = sums.into_values().collect();
    talks.sort_by(|a, b| b.bytes().cmp(&a.bytes()).then_with(|| a.peer.cmp(&b.peer)));
    Ok(Talking { talks, left_out })
}

fn add(
    house: &House,
    sums: &mut BTreeMap<(Peer, String, String, i64, bool), PeerTalk>,
    talked: Talked,
    holder: Option<DeviceId>,
) {
    let peer = holder.map_or_else(|| Peer::Address(address(&talked.peer).to_owned()), Peer::Device);
    let key = (peer, talked.protocol, talked.transport, talked.port, talked.is_client);
    let last_hour = hour(talked.last_hour);
    if let Some(sum) = sums.get_mut(&key) {
        sum.bytes_out = sum.bytes_out.saturating_add(talked.bytes_out);
        sum.bytes_in = sum.bytes_in.saturating_add(talked.bytes_in);
        sum.flows = sum.flows.saturating_add(talked.flows);
        sum.last_hour = sum.last_hour.max(last_hour);
        return;
    }
    let (name, group) = named(house, &key.0);
    let (peer, protocol, transport, port, is_client) = key.clone();
    let Talked { bytes_out, bytes_in, flows, .. } = talked;
    let talk = PeerTalk {
        peer,
        name,
        group,
        protocol,
        transport,
        port,
        is_client,
        bytes_out,
        bytes_in,
        flows,
        last_hour,
    };
    sums.insert(key, talk);
}

/// What a peer is called, and with whom it stands in the picture.
fn named(house: &House, peer: &Peer) -> (String, String) {
    match peer {
        Peer::Address(address) => (address.clone(), "No device of this site".into()),
        Peer::Device(device) => match house.inventory.get(*device) {
            None => (device.to_string(), "Not in the inventory now".into()),
            Some(entry) => {
                let of_kind = || entry.kind.as_ref().map(|kind| format!("Type {kind}"));
                let of_zone = entry.zone.as_ref().map(|zone| format!("Zone {zone}"));
                (entry.title().to_string(), of_zone.or_else(of_kind).unwrap_or_else(|| "No zone".into()))
            }
        },
    }
}

fn hour(hour: i64) -> Timestamp {
    Timestamp::from_secs(u64::try_from(hour).unwrap_or(0).saturating_mul(3_600))
}
