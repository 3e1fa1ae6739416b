//! What can be done about zones, for the API and for the console alike: read, propose, preview, change.

use super::Problem;
use crate::house::{Concerns, House, LOCAL, Planned};
use crate::inventory::Text;
use axum::http::StatusCode;
use judge::segment::{Evidence, Proposal, Relay, Rules, Seen, Wanted, ZoneChange, apply, import, propose};
use model::{DeviceId, Timestamp, Vlan, Zone, ZoneId, ZoneSource};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use store::StoreError;
use store::zones::{Act, SiteZones, dhcp_relays, plan_zone_changes};

/// DHCP relays that proposals look at.
const RELAYS_MAX: u32 = 1_000;
/// Seconds for which proposals of a large site are shown again.
const PROPOSED_S: u64 = 60;
/// Devices of a site whose proposals are made anew with every change.
const SMALL_SITE: usize = 2_000;

/// The zones and their rules.
pub(crate) async fn read(house: &House) -> Result<SiteZones, Problem> {
    let site = house.site.id;
    Ok(house.read(move |db| SiteZones::read(db, site)).await?)
}

/// Devices by zone, and those in none.
pub(crate) fn counts(house: &House) -> (HashMap<Text, usize>, usize) {
    let (mut counts, mut unzoned) = (HashMap::new(), 0);
    house.inventory.each(&mut |entry| match &entry.zone {
        Some(zone) => match counts.get_mut(zone) {
            Some(count) => *count += 1,
            None => drop(counts.insert(zone.clone(), 1)),
        },
        None => unzoned += 1,
    });
    (counts, unzoned)
}

/// Proposals made last, and of what.
#[derive(Debug, Default)]
pub(crate) struct Proposed(Mutex<Option<Made>>);

/// When, of which revision of the inventory, beside which zones, what.
type Made = (Timestamp, u64, Vec<Zone>, Arc<Vec<Proposal>>);

/// What seems to be missing.
pub(crate) async fn proposals(house: &House) -> Result<Arc<Vec<Proposal>>, Problem> {
    let zones = read(house).await?.nouns();
    let (now, revision) = (house.now(), house.inventory.revision());
    {
        let last = house.proposed.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, of, with, made)) = &*last {
            let is_fresh = *of == revision
                || house.inventory.len() > SMALL_SITE
                    && now.since(*at).as_nanos() < PROPOSED_S * 1_000_000_000;
            if *with == zones && is_fresh {
                return Ok(Arc::clone(made));
            }
        }
    }
    let site = house.site.id;
    let relays = house.read(move |db| dhcp_relays(db, site, RELAYS_MAX)).await?;
    // The relay's address is the first word of what it is told by.
    let relay = |(value, clients): (String, usize)| {
        let address = value.split_whitespace().next()?.parse().ok()?;
        Some(Relay { address, clients })
    };
    let relays: Vec<Relay> = relays.into_iter().filter_map(relay).collect();
    let (of, with) = (house.clone(), zones.clone());
    let made = house.blocking.run(move || {
        let rules = Rules::new(&with);
        let by_rule = |seen: &Seen| rules.zone_of(&seen.addresses, &seen.vlans).zone().is_some();
        // Whom a person placed, and no rule, is in no need of one.
        let devices = devices(&of).into_iter().filter(|(seen, zone)| zone.is_none() || by_rule(seen));
        let devices: Vec<Seen> = devices.map(|(seen, _)| seen).collect();
        Ok(propose(Evidence { devices: &devices, relays: &relays, zones: &with }))
    });
    let made = Arc::new(made.await?);
    let mut last = house.proposed.0.lock().unwrap_or_else(PoisonError::into_inner);
    *last = Some((now, revision, zones, Arc::clone(&made)));
    Ok(made)
}

/// Every device as far as zones go, and the zone it is in.
fn devices(house: &House) -> Vec<(Seen, Option<Text>)> {
    let mut devices = Vec::with_capacity(house.inventory.len());
    house.inventory.each(&mut |entry| {
        let seen = Seen {
            device: entry.id,
            name: entry.name.clone(),
            kind: entry.class.clone().or_else(|| entry.kind.clone()),
            addresses: entry.ips.clone(),
            vlans: entry.vlans.iter().filter_map(|id| Vlan::new(*id)).collect(),
            is_router: entry.is_router,
        };
        devices.push((seen, entry.zone.clone()));
    });
    devices
}

/// What a change of zones would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preview {
    /// The changes, in their order.
    pub(crate) changes: Vec<ZoneChange>,
    /// Devices that would move: from, to, how many, some of them.
    pub(crate) moves: Vec<Move>,
    /// Of which kind the document is.
    pub(crate) source: ZoneSource,
    /// Lines that are rightly no zone.
    pub(crate) skipped: usize,
}

/// From, to, how many devices, some of them.
type Move = (Option<Text>, Option<Text>, usize, Vec<DeviceId>);

/// Zones: from, to.
type FromTo = (Option<Text>, Option<Text>);

/// Devices named for a move.
const MOVED_SHOWN_MAX: usize = 5;

/// What importing `document` would do; nothing is written.
pub(crate) async fn preview(house: &House, document: String) -> Result<Preview, Problem> {
    let zones = read(house).await?.nouns();
    let of = house.clone();
    let made = house.blocking.run(move || Ok(previewed(&of, &zones, &document)));
    made.await?.map_err(|why| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why))
}

fn previewed(house: &House, zones: &[Zone], document: &str) -> Result<Preview, String> {
    let document = formats::zones::read(document.as_bytes()).map_err(|mistakes| mistakes.to_string())?;
    let wanted: Vec<Wanted> = document
        .zones
        .into_iter()
        .map(|record| Wanted { name: record.name, purpose: record.purpose, rules: record.rules })
        .collect();
    let changes = import(zones, &wanted, document.source)?;
    let mut after = zones.to_vec();
    changes.iter().try_for_each(|change| apply(&mut after, change))?;
    let (before, after) = (Rules::new(zones), Rules::new(&after));
    let mut moves: BTreeMap<FromTo, (usize, Vec<DeviceId>)> = BTreeMap::new();
    for (seen, zone) in devices(house) {
        let of = |rules: &Rules| rules.zone_of(&seen.addresses, &seen.vlans).zone().cloned();
        let (from, to) = (of(&before), of(&after));
        // Whom a person placed stays.
        if from != to && from == zone {
            let (count, some) = moves.entry((from, to)).or_default();
            *count += 1;
            if some.len() < MOVED_SHOWN_MAX {
                some.push(seen.device);
            }
        }
    }
    let moves = moves.into_iter().map(|((from, to), (count, some))| (from, to, count, some)).collect();
    Ok(Preview { changes, moves, source: document.source, skipped: document.skipped })
}

/// Makes the changes that `plan` wants of the zones as they are then; what was changed, in words.
pub(crate) async fn change(
    house: &House,
    cause: &'static str,
    plan: impl FnOnce(&SiteZones) -> Result<Vec<ZoneChange>, StoreError> + Send + 'static,
) -> Result<Vec<String>, Problem> {
    let site = house.site.id;
    let written = house.write(move |store, now| {
        let changes = plan(&SiteZones::read(store.db(), site)?)?;
        let act = Act { site, by: LOCAL, cause, now };
        let tx = plan_zone_changes(store, act, &changes)?;
        let answer: Vec<String> = changes.iter().map(ToString::to_string).collect();
        Ok(Planned { tx, concerns: Concerns::Zones, answer })
    });
    Ok(written.await?)
}

/// The changes that accepting a proposal makes, under `name` where somebody gave one.
pub(crate) async fn accept(house: &House, key: &str, name: Option<&str>) -> Result<Vec<String>, Problem> {
    let made = proposals(house).await?;
    let gone = || Problem::missing("this is not proposed any more: look at the proposals again");
    let proposal = made.iter().find(|one| one.key == key).cloned().ok_or_else(gone)?;
    let given = name.filter(|name| !name.trim().is_empty()).map(model::ZoneName::new).transpose();
    let given = given.map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    change(house, "accept a proposed zone", move |zones| {
        let name = given.unwrap_or(proposal.name);
        let is_there = zones.zones.iter().any(|zone| zone.name.folded() == name.folded());
        let source = ZoneSource::Proposed;
        let mut changes = Vec::new();
        if !is_there {
            changes.push(ZoneChange::Create { name: name.clone(), purpose: "".into(), source });
        }
        let add = |rule: &model::ZoneRule| ZoneChange::AddRule { zone: name.clone(), rule: *rule, source };
        changes.extend(proposal.rules.iter().map(add));
        Ok(changes)
    })
    .await
}

/// Imports `document` as it would be previewed at the moment of writing.
pub(crate) async fn import_document(house: &House, document: String) -> Result<Vec<String>, Problem> {
    let read = formats::zones::read(document.as_bytes());
    let document = read.map_err(|e| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, e.to_string()))?;
    change(house, "import zones", move |zones| {
        let wanted = document.zones.into_iter();
        let wanted: Vec<Wanted> =
            wanted.map(|r| Wanted { name: r.name, purpose: r.purpose, rules: r.rules }).collect();
        import(&zones.nouns(), &wanted, document.source).map_err(StoreError::Refused)
    })
    .await
}

/// The name of a zone, for a change.
pub(crate) fn name_of(zones: &SiteZones, id: ZoneId) -> Result<model::ZoneName, StoreError> {
    let found = zones.zone(id).map(|zone| zone.name.clone());
    found.ok_or_else(|| {
        StoreError::Refused("there is no such zone: it may have been deleted meanwhile".into())
    })
}
