//! The API of the site: what is configured of it, and how many devices there are of which what is known.

use super::{Endpoint, Problem};
use crate::house::House;
use crate::inventory::Summary;
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::routing::get;
use schemars::JsonSchema;
use serde::Serialize;

/// The site.
#[derive(Debug, Serialize, JsonSchema)]
struct Site {
    /// Its number.
    id: u32,
    /// Its name.
    name: String,
    /// IANA name of its time zone.
    time_zone: String,
    /// Said where the data does not come from a hospital.
    notice: Option<String>,
    /// Version of Ward.
    ward: &'static str,
    /// The clock, RFC 3339.
    now: String,
    /// Name of the ledger.
    origin: String,
    /// Revision of the inventory that is counted: it grows with every change.
    revision: u64,
    /// Devices in numbers.
    counts: Summary,
    /// Where Ward listens and what it reads.
    sources: Vec<Source>,
}

/// A source as configured.
#[derive(Debug, Serialize, JsonSchema)]
struct Source {
    /// `interface` or `folder`.
    kind: &'static str,
    /// Its name or path.
    name: String,
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let summary = "The site, and how many devices there are of which what is known.";
    vec![Endpoint::get::<Site>("/api/v1/site", "getSite", "site", summary, get(site))]
}

async fn site(State(house): State<House>) -> Result<Json<Site>, Problem> {
    let now = house.now();
    let source = |source: &crate::house::SourceInfo| Source { kind: source.kind, name: source.name.clone() };
    Ok(Json(Site {
        id: house.site.id.0,
        name: house.site.name.clone(),
        time_zone: house.site.zone.time_zone().iana_name().unwrap_or("UTC").to_owned(),
        notice: house.site.notice.clone(),
        ward: env!("CARGO_PKG_VERSION"),
        now: rfc3339(now),
        origin: house.site.origin.clone(),
        revision: house.inventory.revision(),
        counts: Summary::of(&house.inventory, &house.site.zone, now),
        sources: house.site.sources.iter().map(source).collect(),
    }))
}
