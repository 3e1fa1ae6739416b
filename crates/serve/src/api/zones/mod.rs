//! The API of zones: what there is, what is proposed, and changes of it.

mod acts;

pub(crate) use acts::{
    Preview, Proposed, accept, change, counts, import_document, name_of, preview, proposals, read,
};

use super::query::Told;
use super::{CSV_PLAIN, Csv, Endpoint, Listing, Problem, json_file};
use crate::house::House;
use crate::when::rfc3339;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use judge::segment::ZoneChange;
use model::{ZoneId, ZoneName, ZoneRule, ZoneSource, zone_purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::zones::{SiteZones, ZoneRow};

const TAG: &str = "zones";
const ZONE: (&str, &str, &str) = ("zone", "Number of the zone.", "^[1-9][0-9]{0,17}$");
const RULE: (&str, &str, &str) = ("rule", "Number of the rule.", "^[1-9][0-9]{0,17}$");

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    lists().into_iter().chain(changes_of_one()).chain(of_many()).collect()
}

fn lists() -> Vec<Endpoint> {
    vec![
        Endpoint::get::<Listing<ZoneShown>>(
            "/api/v1/zones",
            "listZones",
            TAG,
            "The zones and their rules.",
            get(list),
        ),
        Endpoint::new(
            "get",
            "/api/v1/zones.csv",
            "listZonesCsv",
            TAG,
            "The same as CSV, as it can be imported again.",
            get(csv),
        )
        .answering_text(200, CSV_PLAIN),
        Endpoint::get::<Listing<ZoneShown>>(
            "/api/v1/zones.json",
            "listZonesFile",
            TAG,
            "The same as a file.",
            get(json),
        ),
    ]
}

fn changes_of_one() -> Vec<Endpoint> {
    let (one, rule) = ("/api/v1/zones/{zone}", "/api/v1/zones/{zone}/rules/{rule}");
    vec![
        Endpoint::new("post", "/api/v1/zones", "createZone", TAG, "Makes a zone.", post(create))
            .taking::<NewZone>()
            .answering::<Changed>(200),
        Endpoint::get::<ZoneShown>(one, "getZone", TAG, "A zone.", get(show)).at(&[ZONE]),
        Endpoint::new("patch", one, "changeZone", TAG, "Changes name or purpose.", patch(edit))
            .at(&[ZONE])
            .taking::<ZoneEdit>()
            .answering::<Changed>(200),
        Endpoint::new("delete", one, "deleteZone", TAG, "Deletes a zone and its rules.", delete(remove))
            .at(&[ZONE])
            .answering::<Changed>(200),
        Endpoint::new(
            "post",
            "/api/v1/zones/{zone}/rules",
            "addZoneRule",
            TAG,
            "Adds a rule.",
            post(add_rule),
        )
        .at(&[ZONE])
        .taking::<RuleTold>()
        .answering::<Changed>(200),
        Endpoint::new("delete", rule, "removeZoneRule", TAG, "Removes a rule.", delete(remove_rule))
            .at(&[ZONE, RULE])
            .answering::<Changed>(200),
    ]
}

fn of_many() -> Vec<Endpoint> {
    vec![
        Endpoint::get::<Listing<ProposalShown>>(
            "/api/v1/zones/proposals",
            "listZoneProposals",
            TAG,
            "Zones that the network seems to have.",
            get(proposed),
        ),
        Endpoint::get::<Listing<ProposalShown>>(
            "/api/v1/zones/proposals.json",
            "listZoneProposalsFile",
            TAG,
            "The same as a file.",
            get(proposed_json),
        ),
        Endpoint::new(
            "get",
            "/api/v1/zones/proposals.csv",
            "listZoneProposalsCsv",
            TAG,
            "The same as CSV.",
            get(proposed_csv),
        )
        .answering_text(200, CSV_PLAIN),
        Endpoint::new(
            "post",
            "/api/v1/zones/proposals/accept",
            "acceptZoneProposal",
            TAG,
            "Makes what is proposed.",
            post(accept_one),
        )
        .taking::<Acceptance>()
        .answering::<Changed>(200),
        Endpoint::new(
            "post",
            "/api/v1/zones/import",
            "importZones",
            TAG,
            "Imports a CSV table or an export of NetBox, or shows what that would do.",
            post(import),
        )
        .taking::<Import>()
        .answering::<Imported>(200),
    ]
}

/// A zone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Zone")]
struct ZoneShown {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// What it is for; may be empty.
    purpose: String,
    /// `proposed`, `person`, `csv` or `netbox`.
    source: &'static str,
    /// Who made it.
    created_by: String,
    /// When.
    created_at: String,
    /// Devices in it.
    devices: usize,
    /// What is in it.
    rules: Vec<RuleShown>,
}

/// A rule of a zone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ZoneRule")]
struct RuleShown {
    /// Its number.
    id: i64,
    /// `vlan`, `subnet` or `dhcp-scope`.
    kind: &'static str,
    /// `20`, `10.20.0.0/16`, `10.0.1.10-10.0.1.99`.
    value: String,
    /// Where it comes from.
    source: &'static str,
}

/// A zone to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewZone {
    /// Its name: 1 to 64 characters, theirs alone.
    name: String,
    /// What it is for.
    #[serde(default)]
    purpose: String,
    /// What is in it.
    #[serde(default)]
    rules: Vec<RuleTold>,
}

/// A rule to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleTold {
    /// `vlan`, `subnet` or `dhcp-scope`.
    kind: String,
    /// `20`, `10.20.0.0/16`, `10.0.1.10-10.0.1.99`.
    value: String,
}

/// What is to be changed; what is not said stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ZoneEdit {
    /// Its new name.
    name: Option<String>,
    /// Its new purpose.
    purpose: Option<String>,
}

/// Which proposal is accepted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// The proposal's key.
    key: String,
    /// The name of the zone, where it should be another than proposed.
    name: Option<String>,
}

/// A document with zones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Import {
    /// The document: CSV with the columns name, purpose, vlan, subnet; or NetBox's prefixes or VLANs as CSV or JSON.
    document: String,
    /// Only say what it would do.
    #[serde(default)]
    dry_run: bool,
}

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ZonesChanged")]
struct Changed {
    /// In words, in their order.
    changes: Vec<String>,
}

/// What an import does.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ZonesImported")]
struct Imported {
    /// `csv` or `netbox`.
    source: &'static str,
    /// In words, in their order.
    changes: Vec<String>,
    /// Lines that are rightly no zone: containers and the like.
    skipped: usize,
    /// Devices that move between zones.
    moves: Vec<Moved>,
    /// Nothing was written.
    dry_run: bool,
}

/// Devices that move.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ZoneMove")]
struct Moved {
    /// From which zone; absent: they were in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Into which; absent: into none.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// How many.
    devices: usize,
}

/// A zone that the network seems to have.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ZoneProposal")]
struct ProposalShown {
    /// What names it, as long as it says the same.
    key: String,
    /// The zone that it would be added to; absent: a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<String>,
    /// The name proposed.
    name: String,
    /// The rules: kind and value.
    rules: Vec<String>,
    /// Devices in no zone now that would be in this one.
    devices: usize,
    /// Some of them.
    examples: Vec<String>,
    /// Why, in sentences.
    because: Vec<String>,
}

fn shown(house: &House, zones: &SiteZones) -> Vec<ZoneShown> {
    let (counts, _) = counts(house);
    let one = |zone: &ZoneRow| ZoneShown {
        id: zone.id.0,
        name: zone.name.to_string(),
        purpose: zone.purpose.clone(),
        source: zone.source.name(),
        created_by: zone.created_by.clone(),
        created_at: rfc3339(zone.created_at),
        devices: counts.get(zone.name.as_str()).copied().unwrap_or(0),
        rules: zones
            .rules_of(zone.id)
            .map(|row| RuleShown {
                id: row.id,
                kind: row.rule.kind(),
                value: row.rule.value(),
                source: row.source.name(),
            })
            .collect(),
    };
    zones.zones.iter().map(one).collect()
}

async fn list(State(house): State<House>) -> Result<Listing<ZoneShown>, Problem> {
    Ok(Listing::whole(shown(&house, &read(&house).await?)))
}

async fn json(State(house): State<House>) -> Result<Response, Problem> {
    Ok(json_file(&house, "zones", shown(&house, &read(&house).await?)))
}

/// A line per rule, in the columns that the import reads.
async fn csv(State(house): State<House>) -> Result<Csv, Problem> {
    let mut csv = Csv::new(&house, "zones", &["name", "purpose", "vlan", "subnet", "devices", "source"]);
    for zone in shown(&house, &read(&house).await?) {
        let devices = zone.devices.to_string();
        let row = |vlan: &str, subnet: &str| {
            [
                zone.name.clone(),
                zone.purpose.clone(),
                vlan.into(),
                subnet.into(),
                devices.clone(),
                zone.source.into(),
            ]
        };
        for rule in &zone.rules {
            csv.row(if rule.kind == "vlan" { row(&rule.value, "") } else { row("", &rule.value) });
        }
        if zone.rules.is_empty() {
            csv.row(row("", ""));
        }
    }
    Ok(csv)
}

/// The number in a path.
fn number(text: &str) -> Result<i64, Problem> {
    let number = text.parse().ok().filter(|number: &i64| *number > 0 && number.to_string() == text);
    number.ok_or_else(|| Problem::missing("there is no such zone: /api/v1/zones lists them"))
}

async fn show(State(house): State<House>, Path(zone): Path<String>) -> Result<Json<ZoneShown>, Problem> {
    let id = number(&zone)?;
    let found = shown(&house, &read(&house).await?).into_iter().find(|one| one.id == id);
    found.map(Json).ok_or_else(|| Problem::missing("there is no such zone: /api/v1/zones lists them"))
}

fn wrong(error: &model::NotAZone) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
}

/// The changes that make a zone.
pub(crate) fn creation(
    name: &str,
    purpose: &str,
    rules: &[(&str, &str)],
) -> Result<Vec<ZoneChange>, Problem> {
    let name = ZoneName::new(name).map_err(|error| wrong(&error))?;
    let purpose = zone_purpose(purpose).map_err(|error| wrong(&error))?;
    let source = ZoneSource::Person;
    let mut changes = vec![ZoneChange::Create { name: name.clone(), purpose, source }];
    for (kind, value) in rules {
        let rule = ZoneRule::read(kind, value.trim()).map_err(|error| wrong(&error))?;
        changes.push(ZoneChange::AddRule { zone: name.clone(), rule, source });
    }
    Ok(changes)
}

async fn create(State(house): State<House>, Told(told): Told<NewZone>) -> Result<Json<Changed>, Problem> {
    let rules: Vec<(&str, &str)> = told.rules.iter().map(|rule| (&*rule.kind, &*rule.value)).collect();
    let changes = creation(&told.name, &told.purpose, &rules)?;
    Ok(Json(Changed { changes: change(&house, "make a zone", |_| Ok(changes)).await? }))
}

async fn edit(
    State(house): State<House>,
    Path(zone): Path<String>,
    Told(told): Told<ZoneEdit>,
) -> Result<Json<Changed>, Problem> {
    let id = ZoneId(number(&zone)?);
    Ok(Json(Changed { changes: edit_zone(&house, id, told.name.as_deref(), told.purpose.as_deref()).await? }))
}

/// Gives a zone another name or purpose.
pub(crate) async fn edit_zone(
    house: &House,
    id: ZoneId,
    name: Option<&str>,
    purpose: Option<&str>,
) -> Result<Vec<String>, Problem> {
    let name = name.map(ZoneName::new).transpose().map_err(|error| wrong(&error))?;
    let purpose = purpose.map(zone_purpose).transpose().map_err(|error| wrong(&error))?;
    change(house, "change a zone", move |zones| {
        let zone = name_of(zones, id)?;
        let known = zones.zone(id).map(|row| row.purpose.clone()).unwrap_or_default();
        let mut changes = Vec::new();
        if let Some(purpose) = purpose.filter(|purpose| *purpose != known) {
            changes.push(ZoneChange::Describe { zone: zone.clone(), purpose });
        }
        if let Some(to) = name.filter(|name| *name != zone) {
            changes.push(ZoneChange::Rename { zone, to });
        }
        Ok(changes)
    })
    .await
}

async fn remove(State(house): State<House>, Path(zone): Path<String>) -> Result<Json<Changed>, Problem> {
    let id = ZoneId(number(&zone)?);
    Ok(Json(Changed { changes: delete_zone(&house, id).await? }))
}

/// Deletes a zone and its rules.
pub(crate) async fn delete_zone(house: &House, id: ZoneId) -> Result<Vec<String>, Problem> {
    let plan = move |zones: &SiteZones| Ok(vec![ZoneChange::Delete { zone: name_of(zones, id)? }]);
    change(house, "delete a zone", plan).await
}

async fn add_rule(
    State(house): State<House>,
    Path(zone): Path<String>,
    Told(told): Told<RuleTold>,
) -> Result<Json<Changed>, Problem> {
    let id = ZoneId(number(&zone)?);
    Ok(Json(Changed { changes: add_zone_rule(&house, id, &told.kind, &told.value).await? }))
}

/// Adds a rule to a zone.
pub(crate) async fn add_zone_rule(
    house: &House,
    id: ZoneId,
    kind: &str,
    value: &str,
) -> Result<Vec<String>, Problem> {
    let rule = ZoneRule::read(kind, value.trim()).map_err(|error| wrong(&error))?;
    change(house, "add a rule to a zone", move |zones| {
        let zone = name_of(zones, id)?;
        Ok(vec![ZoneChange::AddRule { zone, rule, source: ZoneSource::Person }])
    })
    .await
}

async fn remove_rule(
    State(house): State<House>,
    Path((zone, rule)): Path<(String, String)>,
) -> Result<Json<Changed>, Problem> {
    let (id, rule) = (ZoneId(number(&zone)?), number(&rule)?);
    Ok(Json(Changed { changes: remove_zone_rule(&house, id, rule).await? }))
}

/// Removes a rule from a zone.
pub(crate) async fn remove_zone_rule(house: &House, id: ZoneId, rule: i64) -> Result<Vec<String>, Problem> {
    change(house, "remove a rule of a zone", move |zones| {
        let zone = name_of(zones, id)?;
        let gone = || StoreError::Refused("there is no such rule: it may have been removed meanwhile".into());
        let row = zones.rules_of(id).find(|row| row.id == rule).ok_or_else(gone)?;
        Ok(vec![ZoneChange::RemoveRule { zone, rule: row.rule }])
    })
    .await
}

async fn proposed(State(house): State<House>) -> Result<Listing<ProposalShown>, Problem> {
    Ok(Listing::whole(shown_proposals(&house).await?))
}

async fn proposed_json(State(house): State<House>) -> Result<Response, Problem> {
    Ok(json_file(&house, "zone-proposals", shown_proposals(&house).await?))
}

async fn proposed_csv(State(house): State<House>) -> Result<Csv, Problem> {
    let columns = ["name", "into", "rules", "devices", "because", "examples", "key"];
    let mut csv = Csv::new(&house, "zone-proposals", &columns);
    for proposal in shown_proposals(&house).await? {
        csv.row([
            proposal.name,
            proposal.into.unwrap_or_default(),
            proposal.rules.join("; "),
            proposal.devices.to_string(),
            proposal.because.join(" "),
            proposal.examples.join("; "),
            proposal.key,
        ]);
    }
    Ok(csv)
}

async fn shown_proposals(house: &House) -> Result<Vec<ProposalShown>, Problem> {
    let made = proposals(house).await?;
    let one = |proposal: &judge::segment::Proposal| ProposalShown {
        key: proposal.key.to_string(),
        into: proposal.into.as_ref().map(ToString::to_string),
        name: proposal.name.to_string(),
        rules: proposal.rules.iter().map(ToString::to_string).collect(),
        devices: proposal.devices,
        examples: proposal.examples.iter().map(ToString::to_string).collect(),
        because: proposal.because.clone(),
    };
    Ok(made.iter().map(one).collect())
}

async fn accept_one(
    State(house): State<House>,
    Told(told): Told<Acceptance>,
) -> Result<Json<Changed>, Problem> {
    Ok(Json(Changed { changes: accept(&house, &told.key, told.name.as_deref()).await? }))
}

async fn import(State(house): State<House>, Told(told): Told<Import>) -> Result<Json<Imported>, Problem> {
    let Preview { changes, moves, source, skipped } = preview(&house, told.document.clone()).await?;
    let changes = match told.dry_run {
        true => changes.iter().map(ToString::to_string).collect(),
        false => import_document(&house, told.document).await?,
    };
    let word = |zone: Option<crate::inventory::Text>| zone.map(|zone| zone.to_string());
    let moves =
        moves.into_iter().map(|(from, to, devices, _)| Moved { from: word(from), to: word(to), devices });
    Ok(Json(Imported {
        source: source.name(),
        changes,
        skipped,
        moves: moves.collect(),
        dry_run: told.dry_run,
    }))
}
