//! What people at St Brannoc's have done in the console already: zones, tags, tasks, notes, an exception, views. By the same plans as
//! the pages, so that it can be undone there.

use super::{DAY, ZONES};
use anyhow::{Context as _, Result, anyhow};
use judge::segment::{Wanted, import};
use model::{About, DeviceId, Duration, EditChange, Exception, Note, Task, Timestamp, View, ZoneSource};
use serve::House;
use serve::house::{Concerns, Plan, Planned};
use serve::inventory::Entry;
use store::zones::{Act, SiteZones, plan_zone_changes};
use store::{Store, StoreError, Tx, edits, exceptions, notes, tasks, views};

/// Who did it.
const BY: &str = "demo:st-brannocs";

/// Devices by a piece of their names, with what people said of them: a tag, or that they have looked at it.
const SAID: &[(&str, &str, &str)] = &[
    ("vela500", "add-tag", "life-support"),
    ("vela500", "accept", ""),
    ("sentio", "add-tag", "bedside"),
    ("hd9", "add-tag", "dialysis"),
    ("coolkeep", "add-tag", "pharmacy"),
    ("ups-", "add-tag", "power"),
    ("wow", "add-tag", "cart"),
];

/// Does it.
///
/// # Errors
/// Those of the store, or of what ships with Ward.
pub(super) fn furnish(house: &House) -> Result<()> {
    zones(house)?;
    let entries = house.inventory.entries();
    for (piece, change, value) in SAID {
        say(house, &named(&entries, piece), change, value)?;
    }
    write_down(house, &entries)
}

fn named(entries: &[std::sync::Arc<Entry>], piece: &str) -> Vec<DeviceId> {
    let is_it = |entry: &Entry| entry.title().to_lowercase().contains(piece);
    entries.iter().filter(|entry| is_it(entry)).map(|entry| entry.id).collect()
}

fn zones(house: &House) -> Result<()> {
    let document = formats::zones::read(ZONES.as_bytes()).map_err(|error| anyhow!("{error}"))?;
    let site = house.site.id;
    write(house, Concerns::Zones, move |store, now| {
        let wanted: Vec<Wanted> = document
            .zones
            .iter()
            .map(|zone| Wanted {
                name: zone.name.clone(),
                purpose: zone.purpose.clone(),
                rules: zone.rules.clone(),
            })
            .collect();
        let held = SiteZones::read(store.db(), site)?;
        let changes = import(&held.nouns(), &wanted, ZoneSource::Csv).map_err(StoreError::Refused)?;
        plan_zone_changes(store, Act { site, by: BY, cause: "zones are imported", now }, &changes)
    })
}

fn say(house: &House, devices: &[DeviceId], change: &str, value: &str) -> Result<()> {
    if devices.is_empty() {
        return Ok(());
    }
    let change = EditChange::new(change, value).map_err(|error| anyhow!("{error}"))?;
    let (site, devices) = (house.site.id, devices.to_vec());
    write(house, Concerns::Devices(devices.clone()), move |store, now| {
        edits::plan_edit(store, (site, BY, now), change, &devices, None).map(|(_, _, tx)| tx)
    })
}

/// A task that is late and one that is due, a note, an exception that runs out soon, two views.
fn write_down(house: &House, entries: &[std::sync::Arc<Entry>]) -> Result<()> {
    let (site, now) = (house.site.id, house.now());
    let wrong = |error: model::Invalid| anyhow!("{error}");
    let of = |piece: &str| named(entries, piece).first().map_or(About::Site, |device| About::Device(*device));
    let late = Task::new(
        of("hd9"),
        "Ask the maker for HL7 over TLS",
        "Dialysis results cross the network in clear text.",
        "clinical engineering",
        Some(earlier(now, DAY)),
        "CHG-2041",
    );
    let due = Task::new(
        About::Site,
        "Ask the network team to mirror the maternity VLAN",
        "Until then nothing can be said of maternity.",
        "network team",
        Some(now.plus(Duration::from_secs(3 * 86_400))),
        "",
    );
    for task in [late.map_err(wrong)?, due.map_err(wrong)?] {
        write(house, Concerns::Nothing, move |store, now| {
            tasks::plan_create(store, site, BY, now, task).map(|(_, tx)| Some(tx))
        })?;
    }
    let note = Note::new(of("vela500"), "Battery replaced at the last inspection; next one in spring.")
        .map_err(wrong)?;
    write(house, Concerns::Nothing, move |store, now| {
        notes::plan_create(store, site, BY, now, note).map(|(_, tx)| Some(tx))
    })?;
    let expires = now.plus(Duration::from_secs(5 * 86_400));
    let people = ("biomedical engineering", "information security");
    let exception = Exception::new(
        of("ups-"),
        "weak-protocol",
        "SNMP v2c until the cards are replaced",
        people,
        expires,
        now,
    );
    let exception = exception.map_err(wrong)?;
    write(house, Concerns::Nothing, move |store, now| {
        exceptions::plan_create(store, site, BY, now, exception).map(|(_, tx)| Some(tx))
    })?;
    for (name, query) in [("Life support", "tag=life-support"), ("Patient data in clear", "phi=yes")] {
        let view = View::new(name, "/devices", query).map_err(wrong)?;
        write(house, Concerns::Nothing, move |store, now| {
            views::plan_create(store, site, BY, now, view).map(|(_, tx)| Some(tx))
        })?;
    }
    Ok(())
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_nanos(now.as_nanos().saturating_sub(by.as_nanos()))
}

/// Has one transaction written through the desk.
fn write(
    house: &House,
    concerns: Concerns,
    plan: impl FnOnce(&mut Store, Timestamp) -> Result<Option<Tx>, StoreError> + Send + 'static,
) -> Result<()> {
    let plan: Plan = Box::new(move |store, now| {
        Ok(Planned { tx: plan(store, now)?, concerns, answer: serde_json::Value::Null })
    });
    house.desk.write(plan).context("what people of the demo have done")?;
    Ok(())
}
