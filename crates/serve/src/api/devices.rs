//! The API of devices: the list with its filters, its counts, and the whole of it as a file. One query for all of them, and for the
//! page: [`crate::inventory::Query`].

use super::endpoint::JSON;
use super::{CSV_PLAIN, Day, EXPORT_ROWS_MAX, Endpoint, Problem, moment};
use crate::error::ServeError;
use crate::house::House;
use crate::inventory::{Column, Entry, FacetCounts, Inventory, Listed, Query, Wrong};
use crate::when::rfc3339;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, http::StatusCode};
use model::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

mod files;

pub(crate) use files::write;

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let tag = "devices";
    vec![
        Endpoint::get::<DeviceList>(
            "/api/v1/devices",
            "listDevices",
            tag,
            "A page of the devices that match, in order.",
            get(list),
        )
        .asking::<DevicesAsked>(),
        Endpoint::get::<FacetList>(
            "/api/v1/devices/facets",
            "countDevices",
            tag,
            "How many devices there are per value of each filter; each filter is counted as if it were not set.",
            get(facets),
        )
        .asking::<DevicesAsked>(),
        Endpoint::new(
            "get",
            "/api/v1/devices.csv",
            "exportDevicesCsv",
            tag,
            "All devices that match as CSV (RFC 4180), streamed, with the chosen columns.",
            get(files::csv),
        )
        .asking::<DevicesAsked>()
        .answering_text(200, CSV_PLAIN),
        Endpoint::new(
            "get",
            "/api/v1/devices.json",
            "exportDevicesJson",
            tag,
            "All devices that match as one JSON document, streamed.",
            get(files::json),
        )
        .asking::<DevicesAsked>()
        .answering::<DeviceList>(200),
    ]
}

/// What can be asked of the devices. Several values of one filter repeat its name, and are alternatives; filters and words all hold.
/// `unknown` (or `none`) as a value stands for devices without one.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes the query, which is read by the inventory's own code")]
struct DevicesAsked {
    /// Words that must all be found in names, makers, models, serial numbers, asset tags, tags, places, addresses or numbers of
    /// devices; any spelling of a MAC or IP address, the beginning of one, or a network (`10.20.0.0/16`).
    q: Option<String>,
    /// Whether it is known what they are: `known`, `in-doubt`, `unknown`.
    state: Vec<String>,
    /// Classes.
    class: Vec<String>,
    /// Zones.
    zone: Vec<String>,
    /// Severities of open findings: `critical`, `high`, `medium`, `low`, `none`.
    severity: Vec<String>,
    /// `accepted` or `unreviewed`.
    review: Vec<String>,
    /// Last seen within the `hour`, `day` or `week`, or `older` than a week.
    seen: Vec<String>,
    /// First seen `today`, within a `week`, a `month`, or since a date such as `2026-11-20`.
    new: Vec<String>,
    /// Types that devices announce.
    kind: Vec<String>,
    /// Makers, in the devices' own words.
    manufacturer: Vec<String>,
    /// Makers of the network interface.
    vendor: Vec<String>,
    /// Tags.
    tag: Vec<String>,
    /// VLANs, by number.
    vlan: Vec<String>,
    /// Protocols they took part in.
    protocol: Vec<String>,
    /// Whether they sent patient data in clear: `yes`, `no`.
    phi: Vec<String>,
    /// Whether they forward for others: `yes`, `no`.
    router: Vec<String>,
    /// The device that they are reached through, by its number.
    behind: Vec<String>,
    /// A column to sort by, with a minus before it for the other way round. What has no value is last both ways.
    sort: Option<String>,
    /// Columns of the file or page, by name.
    columns: Vec<String>,
    /// A moment of the past: a date (midnight of the site), a time of the site, or RFC 3339. What Ward knew then is listed;
    /// a device of which it learned later that it was there, by what is known now.
    at: Option<String>,
    /// `yes`: counts come with the list.
    facets: Option<String>,
    /// Devices of a page, from 1 to 500; 100 where it is left out.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
    /// How close rows stand on the page: `usual`, `compact`. Nothing to the API.
    density: Option<String>,
}

/// A page of devices.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DeviceList {
    /// The devices, in order.
    items: Vec<DeviceShown>,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many match, on all pages.
    total: u64,
    /// The moment that the list is of, RFC 3339, where it is not now.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
    /// Counts, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facets: Vec<FacetShown>,
}

/// The counts of all filters.
#[derive(Serialize, JsonSchema)]
struct FacetList {
    /// How many devices match.
    total: u64,
    /// The filters, with what they can be set to.
    facets: Vec<FacetShown>,
}

/// The counts of one filter.
#[derive(Serialize, JsonSchema)]
struct FacetShown {
    /// The name of its parameter.
    name: &'static str,
    /// What the page calls it.
    title: &'static str,
    /// Its values: a thousand at most, most devices first.
    values: Vec<FacetValueShown>,
    /// Values that are not listed.
    left_out: u64,
}

/// A value of a filter.
#[derive(Serialize, JsonSchema)]
struct FacetValueShown {
    /// As it is written in the query.
    value: String,
    /// Devices that have it.
    count: u32,
    /// Whether it is asked for.
    chosen: bool,
}

/// Open findings of a device.
#[derive(Serialize, JsonSchema)]
struct FindingsShown {
    /// Now.
    critical: u16,
    /// This week.
    high: u16,
    /// To be planned.
    medium: u16,
    /// Worth knowing.
    low: u16,
}

/// A device as lists show it. What is `null` is not known.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DeviceShown {
    /// Its number: `d-` and sixteen digits.
    id: String,
    /// What it is called in lists: its name, else its address.
    title: String,
    /// Its best name.
    name: Option<String>,
    /// Maker of its interface by the IEEE registry.
    vendor: Option<String>,
    /// What it says it is, in one line.
    says: Option<String>,
    /// Maker, in its own words.
    manufacturer: Option<String>,
    /// Model.
    model: Option<String>,
    /// Serial number.
    serial: Option<String>,
    /// Asset tag.
    asset: Option<String>,
    /// Software and its version.
    software: Option<String>,
    /// Operating system.
    os: Option<String>,
    /// Type that it announces.
    kind: Option<String>,
    /// Where it is.
    location: Option<String>,
    /// Its class.
    class: Option<String>,
    /// Its zone.
    zone: Option<String>,
    /// `known`, `in-doubt` or `unknown`: whether it is known what it is.
    state: &'static str,
    /// `accepted` or `unreviewed`.
    review: &'static str,
    /// It forwards for others.
    router: bool,
    /// The number of the device it is reached through.
    behind: Option<String>,
    /// Its link addresses.
    macs: Vec<String>,
    /// Its network addresses.
    ips: Vec<String>,
    /// VLANs it was seen in.
    vlans: Vec<u16>,
    /// Protocols it took part in.
    protocols: Vec<&'static str>,
    /// Tags.
    tags: Vec<String>,
    /// Open findings.
    findings: FindingsShown,
    /// It sent patient data in clear.
    phi_in_clear: bool,
    /// First frame, RFC 3339.
    first_seen: String,
    /// Newest frame, to the minute, RFC 3339; `null`: not kept for the moment asked for.
    last_seen: Option<String>,
}

impl From<&Entry> for DeviceShown {
    fn from(entry: &Entry) -> Self {
        let text = |text: &Option<crate::inventory::Text>| text.as_ref().map(ToString::to_string);
        let found = entry.findings;
        Self {
            id: entry.id.to_string(),
            title: entry.title().to_string(),
            name: text(&entry.name),
            vendor: text(&entry.vendor),
            says: text(&entry.says),
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
            state: match (entry.is_in_doubt(), entry.is_known()) {
                (true, _) => "in-doubt",
                (_, true) => "known",
                _ => "unknown",
            },
            review: if entry.reviewed { "accepted" } else { "unreviewed" },
            router: entry.is_router,
            behind: entry.behind.map(|device| device.to_string()),
            macs: entry.macs.iter().map(ToString::to_string).collect(),
            ips: entry.ips.iter().map(ToString::to_string).collect(),
            vlans: entry.vlans.clone(),
            protocols: entry.protocols.iter().map(|protocol| protocol.name()).collect(),
            tags: entry.tags.iter().map(ToString::to_string).collect(),
            findings: FindingsShown {
                critical: found.critical,
                high: found.high,
                medium: found.medium,
                low: found.low,
            },
            phi_in_clear: entry.phi_in_clear,
            first_seen: rfc3339(entry.first_seen),
            last_seen: Some(rfc3339(entry.last_seen)).filter(|time| !time.is_empty()),
        }
    }
}

impl From<Wrong> for Problem {
    fn from(Wrong(why): Wrong) -> Self {
        Self::bad(why)
    }
}

/// A query of devices, out of the address.
pub(crate) struct Devices(pub(crate) Query);

impl<S: Send + Sync> FromRequestParts<S> for Devices {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(Query::parse(parts.uri.query().unwrap_or_default())?))
    }
}

/// The devices that a query is of: as they are, or as they were.
pub(crate) struct Asked {
    /// The devices.
    pub(crate) inventory: Arc<Inventory>,
    /// Their clock: what is "today" to them.
    pub(crate) now: Timestamp,
    /// The moment, where it is of the past.
    pub(crate) at: Option<Timestamp>,
}

impl Asked {
    /// Those of `query`.
    ///
    /// # Errors
    /// [`Problem`] for a moment of which nothing is known.
    pub(crate) async fn of(house: &House, query: &Query) -> Result<Self, Problem> {
        let Some(at) = &query.at else {
            return Ok(Self { inventory: Arc::clone(&house.inventory), now: house.now(), at: None });
        };
        let at = moment("at", at, &house.site.zone, Day::Starts)?.minute_start();
        Ok(Self { inventory: house.devices_at(at).await?, now: at, at: Some(at) })
    }

    /// The page.
    ///
    /// # Errors
    /// [`Problem`] for a cursor of another list.
    pub(crate) async fn list(&self, house: &House, query: &Query) -> Result<Listed, Problem> {
        let (inventory, now, zone, query) =
            (Arc::clone(&self.inventory), self.now, house.site.zone.clone(), query.clone());
        let listed = tokio::task::spawn_blocking(move || inventory.list(&query, now, &zone)).await;
        let stopped = |error: tokio::task::JoinError| ServeError::Unavailable {
            what: "the list of devices",
            why: error.to_string(),
        };
        Ok(listed.map_err(stopped)??)
    }

    /// All that match, in order.
    async fn matching(&self, house: &House, query: &Query) -> Result<Vec<Arc<Entry>>, Problem> {
        let (inventory, now, zone, query) =
            (Arc::clone(&self.inventory), self.now, house.site.zone.clone(), query.clone());
        let found = tokio::task::spawn_blocking(move || inventory.matching(&query, now, &zone)).await;
        let stopped = |error: tokio::task::JoinError| ServeError::Unavailable {
            what: "the list of devices",
            why: error.to_string(),
        };
        let found = found.map_err(stopped)?;
        if found.len() > EXPORT_ROWS_MAX {
            let why = format!(
                "more than {EXPORT_ROWS_MAX} devices: choose fewer with filters, or page through the list"
            );
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why));
        }
        Ok(found)
    }
}

async fn list(State(house): State<House>, Devices(query): Devices) -> Result<Json<DeviceList>, Problem> {
    let asked = Asked::of(&house, &query).await?;
    let listed = asked.list(&house, &query).await?;
    Ok(Json(DeviceList {
        items: listed.entries.iter().map(|entry| DeviceShown::from(&**entry)).collect(),
        next: listed.next,
        total: listed.total as u64,
        as_of: asked.at.map(rfc3339),
        facets: listed.facets.into_iter().map(facet_shown).collect(),
    }))
}

async fn facets(State(house): State<House>, Devices(query): Devices) -> Result<Json<FacetList>, Problem> {
    let query = Query { facets: true, limit: 1, ..query.from_start() };
    let listed = Asked::of(&house, &query).await?.list(&house, &query).await?;
    Ok(Json(FacetList {
        total: listed.total as u64,
        facets: listed.facets.into_iter().map(facet_shown).collect(),
    }))
}

fn facet_shown(counts: FacetCounts) -> FacetShown {
    let value = |value: crate::inventory::FacetValue| FacetValueShown {
        value: value.value.into(),
        count: value.count,
        chosen: value.chosen,
    };
    FacetShown {
        name: counts.facet.name(),
        title: counts.facet.title(),
        values: counts.values.into_iter().map(value).collect(),
        left_out: counts.left_out as u64,
    }
}
