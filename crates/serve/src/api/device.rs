//! The API of one device: what is believed of it and why, its claims, addresses, talks, timeline and findings, and acts on it.

mod acts;
mod shapes;

use super::csv::CSV_PLAIN;
use super::findings::{FindingShown, shown as finding_shown};
use super::query::Asked;
use super::{Csv, Day, Endpoint, Listing, Problem, after, bounded, json_file, limit, maybe};
use crate::dossier::{self, Dossier, Found, Peer, PeerTalk, Word, address};
use crate::house::House;
use crate::when::rfc3339;
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use model::{DeviceId, Timestamp};
use shapes::{
    AddressShown, BeliefShown, ClaimShown, ConflictShown, DecisionMade, DeviceShown, KindQuery, LineShown,
    ListQuery, PastQuery, TalkShown, TalksQuery, TimelineQuery,
};
use std::collections::HashMap;
use store::decisions::DecisionRow;
use store::happenings::{FindingsAsked, KnownFinding};
use store::timeline::{self, Kind, Moment, Place};

/// Lines of a timeline that one file has at most.
const LINES_MAX: usize = 20_000;
/// What an id looks like.
const ID: &[(&str, &str, &str)] = &[("id", "The device.", "^d-[0-9a-f]{16}$")];
const NOUN: &str = "device";

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::get::<DeviceShown>(
            "/api/v1/devices/{id}",
            "getDevice",
            NOUN,
            "What is believed of a device and why, now or as it was known then.",
            get(one),
        )
        .at(ID)
        .asking::<PastQuery>(),
    ];
    all.extend(lists());
    all.extend(more_lists());
    all.extend(acts::endpoints());
    all
}

fn lists() -> Vec<Endpoint> {
    let list = |path, id, summary, handler| Endpoint::new("get", path, id, NOUN, summary, handler).at(ID);
    vec![
        list("/api/v1/devices/{id}/claims", "listDeviceClaims", "What is claimed of a device.", get(claims))
            .asking::<ListQuery>()
            .answering::<Listing<ClaimShown>>(200),
        list("/api/v1/devices/{id}/claims.csv", "exportDeviceClaims", "All claims, as CSV.", get(claims_csv))
            .asking::<PastQuery>()
            .answering_text(200, CSV_PLAIN),
        list(
            "/api/v1/devices/{id}/claims.json",
            "saveDeviceClaims",
            "All claims, as a file.",
            get(claims_json),
        )
        .asking::<PastQuery>()
        .answering::<Listing<ClaimShown>>(200),
        list(
            "/api/v1/devices/{id}/addresses",
            "listDeviceAddresses",
            "Its addresses over time.",
            get(addresses),
        )
        .asking::<ListQuery>()
        .answering::<Listing<AddressShown>>(200),
        list(
            "/api/v1/devices/{id}/addresses.csv",
            "exportDeviceAddresses",
            "Its addresses over time, as CSV.",
            get(addresses_csv),
        )
        .asking::<PastQuery>()
        .answering_text(200, CSV_PLAIN),
        list(
            "/api/v1/devices/{id}/addresses.json",
            "saveDeviceAddresses",
            "Its addresses over time, as a file.",
            get(addresses_json),
        )
        .asking::<PastQuery>()
        .answering::<Listing<AddressShown>>(200),
        list("/api/v1/devices/{id}/talks", "listDeviceTalks", "With whom it talks, by bytes.", get(talks))
            .asking::<TalksQuery>()
            .answering::<Listing<TalkShown>>(200),
        list(
            "/api/v1/devices/{id}/talks.csv",
            "exportDeviceTalks",
            "With whom it talks, as CSV.",
            get(talks_csv),
        )
        .asking::<TalksQuery>()
        .answering_text(200, CSV_PLAIN),
        list(
            "/api/v1/devices/{id}/talks.json",
            "saveDeviceTalks",
            "With whom it talks, as a file.",
            get(talks_json),
        )
        .asking::<TalksQuery>()
        .answering::<Listing<TalkShown>>(200),
    ]
}

fn more_lists() -> Vec<Endpoint> {
    let list = |path, id, summary, handler| Endpoint::new("get", path, id, NOUN, summary, handler).at(ID);
    vec![
        list(
            "/api/v1/devices/{id}/timeline",
            "listDeviceTimeline",
            "What became of it, newest first.",
            get(timeline),
        )
        .asking::<TimelineQuery>()
        .answering::<Listing<LineShown>>(200),
        list(
            "/api/v1/devices/{id}/timeline.csv",
            "exportDeviceTimeline",
            "What became of it, newest first, as CSV.",
            get(timeline_csv),
        )
        .asking::<KindQuery>()
        .answering_text(200, CSV_PLAIN),
        list(
            "/api/v1/devices/{id}/timeline.json",
            "saveDeviceTimeline",
            "What became of it, newest first, as a file.",
            get(timeline_json),
        )
        .asking::<KindQuery>()
        .answering::<Listing<LineShown>>(200),
        list("/api/v1/devices/{id}/findings", "listDeviceFindings", "Findings of a device.", get(findings))
            .asking::<ListQuery>()
            .answering::<Listing<FindingShown>>(200),
        list(
            "/api/v1/devices/{id}/findings.csv",
            "exportDeviceFindings",
            "Findings of a device, as CSV.",
            get(findings_csv),
        )
        .asking::<PastQuery>()
        .answering_text(200, CSV_PLAIN),
        list(
            "/api/v1/devices/{id}/findings.json",
            "saveDeviceFindings",
            "Findings of a device, as a file.",
            get(findings_json),
        )
        .asking::<PastQuery>()
        .answering::<Listing<FindingShown>>(200),
    ]
}

/// The device that a path names, in its one spelling.
pub(crate) struct This(DeviceId);

impl<S: Send + Sync> FromRequestParts<S> for This {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong =
            || Problem::bad("the path names no device: an id is written d- and 16 digits, 0 to 9 and a to f");
        let found = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let id = found.ok().and_then(|Path(mut names)| names.remove("id")).ok_or_else(wrong)?;
        crate::console::named_device_id(&id).map(Self).ok_or_else(wrong)
    }
}

async fn open(house: &House, id: DeviceId, at: Option<&str>) -> Result<Box<Dossier>, Problem> {
    let at = maybe("at", at, &house.site.zone, Day::Ends)?;
    match dossier::open(house, id, at.filter(|at| *at < house.now())).await? {
        Found::Here(dossier) => Ok(dossier),
        Found::Is(survivor) => Err(Problem::new(
            StatusCode::GONE,
            format!("{id} turned out to be {survivor}: ask for /api/v1/devices/{survivor}"),
        )),
        Found::NotYet(since) => Err(Problem::missing(format!(
            "{id} was not there then, as far as is known: it is since {}",
            rfc3339(since)
        ))),
        Found::Nowhere => {
            Err(Problem::missing(format!("there is no device {id}: /api/v1/devices lists those there are")))
        }
    }
}

async fn one(
    State(house): State<House>,
    This(id): This,
    asked: Asked<PastQuery>,
) -> Result<Json<DeviceShown>, Problem> {
    let dossier = open(&house, id, asked.0.at.as_deref()).await?;
    let facts = &dossier.facts;
    let beliefs = Word::ALL.map(|word| {
        let belief = dossier.belief(word);
        let (why, what_changes_it) = (belief.why(), word.what_changes_it().to_owned());
        BeliefShown { word: word.name().into(), value: belief.value.map(str::to_owned), why, what_changes_it }
    });
    let conflicts = facts.conflicts.iter().map(|conflict| ConflictShown {
        attribute: conflict.attribute.name().into(),
        chosen: conflict.chosen.to_string(),
        others: conflict.others.iter().map(ToString::to_string).collect(),
        reason: conflict.reason.to_string(),
    });
    Ok(Json(DeviceShown {
        id: id.to_string(),
        key: facts.key.clone(),
        title: facts.title().to_owned(),
        beliefs: beliefs.into(),
        conflicts: conflicts.collect(),
        tags: facts.tags.clone(),
        reviewed: facts.is_reviewed,
        router: facts.is_router,
        behind: facts.behind.map(|behind| behind.to_string()),
        macs: facts.macs.clone(),
        ips: facts.ips.clone(),
        vlans: facts.vlans.clone(),
        protocols: facts.protocols.iter().map(ToString::to_string).collect(),
        phi_in_clear: facts.phi_in_clear,
        findings: dossier.findings.len(),
        decisions: dossier.decisions.iter().map(|row| decision_made(id, row)).collect(),
        first_seen: rfc3339(facts.first_seen),
        last_seen: facts.last_seen.map(rfc3339),
    }))
}

fn decision_made(id: DeviceId, row: &DecisionRow) -> DecisionMade {
    let (kind, other, subject) = match &row.decision {
        judge::site::Decision::Merge { a, b } => ("merge", Some(if *a == id { b } else { a }), None),
        judge::site::Decision::Split { subject, .. } => ("split", None, Some(subject.address.to_string())),
    };
    DecisionMade {
        number: row.id,
        kind: kind.into(),
        other: other.map(ToString::to_string),
        address: subject,
        reason: row.reason.clone(),
        by: row.decided_by.clone(),
        at: rfc3339(row.decided_at),
        reverted_at: row.reverted_at.map(rfc3339),
    }
}

async fn all_claims(house: &House, id: DeviceId, at: Option<&str>) -> Result<Vec<ClaimShown>, Problem> {
    let dossier = open(house, id, at).await?;
    let mut rows: Vec<ClaimShown> = dossier.claims.rows.iter().map(claim_shown).collect();
    rows.sort_by_key(|claim| std::cmp::Reverse(claim.number));
    Ok(rows)
}

fn claim_shown(claim: &store::devices::ClaimRow) -> ClaimShown {
    let of_device = claim.endpoint.starts_with("device|");
    ClaimShown {
        number: claim.id,
        attribute: claim.attribute.clone(),
        value: claim.value.clone(),
        source: claim.source.clone(),
        confidence: claim.confidence,
        address: (!of_device).then(|| address(&claim.endpoint).to_owned()),
        true_from: rfc3339(claim.true_from),
        true_to: claim.true_to.map(rfc3339),
        known_from: rfc3339(claim.known_from),
    }
}

/// The page of `rows`, newest number first, that was asked for.
fn paged<T: Clone>(
    rows: Vec<T>,
    (after_asked, limit_asked): (Option<&str>, Option<u32>),
    number: impl Fn(&T) -> i64,
) -> Result<Listing<T>, Problem> {
    let (limit, total) = (limit(limit_asked)?, rows.len() as u64);
    let below = after::<i64>(after_asked)?.unwrap_or(i64::MAX);
    let rows = rows.into_iter().filter(|row| number(row) < below).take(limit + 1).collect();
    Ok(Listing::page(rows, limit, number).of(total))
}

async fn claims(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<ListQuery>,
) -> Result<Listing<ClaimShown>, Problem> {
    let rows = all_claims(&house, id, asked.at.as_deref()).await?;
    paged(rows, (asked.after.as_deref(), asked.limit), |claim| claim.number)
}

async fn claims_json(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<PastQuery>,
) -> Result<Response, Problem> {
    Ok(json_file(&house, "claims", all_claims(&house, id, asked.at.as_deref()).await?))
}

async fn claims_csv(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<PastQuery>,
) -> Result<Csv, Problem> {
    let columns =
        ["attribute", "value", "source", "confidence", "address", "true_from", "true_to", "known_from"];
    let mut csv = Csv::new(&house, "claims", &columns);
    for claim in all_claims(&house, id, asked.at.as_deref()).await? {
        csv.row([
            claim.attribute,
            claim.value,
            claim.source,
            claim.confidence.to_string(),
            claim.address.unwrap_or_default(),
            claim.true_from,
            claim.true_to.unwrap_or_default(),
            claim.known_from,
        ]);
    }
    Ok(csv)
}

async fn all_addresses(house: &House, id: DeviceId, at: Option<&str>) -> Result<Vec<AddressShown>, Problem> {
    let dossier = open(house, id, at).await?;
    let rows = dossier.held.rows.iter().map(|held| AddressShown {
        number: held.id,
        address: address(&held.endpoint).to_owned(),
        kind: crate::console::address_kind(&held.endpoint).into(),
        true_from: rfc3339(held.true_from),
        true_to: held.true_to.map(rfc3339),
        known_from: rfc3339(held.known_from),
    });
    let mut rows: Vec<AddressShown> = rows.collect();
    rows.sort_by_key(|held| std::cmp::Reverse(held.number));
    Ok(rows)
}

async fn addresses(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<ListQuery>,
) -> Result<Listing<AddressShown>, Problem> {
    let rows = all_addresses(&house, id, asked.at.as_deref()).await?;
    paged(rows, (asked.after.as_deref(), asked.limit), |held| held.number)
}

async fn addresses_json(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<PastQuery>,
) -> Result<Response, Problem> {
    Ok(json_file(&house, "addresses", all_addresses(&house, id, asked.at.as_deref()).await?))
}

async fn addresses_csv(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<PastQuery>,
) -> Result<Csv, Problem> {
    let mut csv = Csv::new(&house, "addresses", &["address", "kind", "true_from", "true_to", "known_from"]);
    for held in all_addresses(&house, id, asked.at.as_deref()).await? {
        csv.row([held.address, held.kind, held.true_from, held.true_to.unwrap_or_default(), held.known_from]);
    }
    Ok(csv)
}

async fn all_talks(house: &House, id: DeviceId, asked: &TalksQuery) -> Result<Vec<TalkShown>, Problem> {
    let range = crate::console::talk_range(asked.range.as_deref())?;
    let dossier = open(house, id, asked.at.as_deref()).await?;
    let until = dossier.at.unwrap_or(house.now());
    let talking = dossier::talking(house, &dossier, range, until).await?;
    Ok(talking.talks.into_iter().map(talk_shown).collect())
}

fn talk_shown(talk: PeerTalk) -> TalkShown {
    let peer = match &talk.peer {
        Peer::Device(device) => Some(device.to_string()),
        Peer::Address(_) => None,
    };
    TalkShown {
        peer,
        peer_name: talk.name,
        group: talk.group,
        is_client: talk.is_client,
        protocol: talk.protocol,
        transport: talk.transport,
        port: talk.port,
        bytes_sent: talk.bytes_out,
        bytes_received: talk.bytes_in,
        conversations: talk.flows,
        last_hour: rfc3339(talk.last_hour),
    }
}

async fn talks(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<TalksQuery>,
) -> Result<Listing<TalkShown>, Problem> {
    Ok(Listing::whole(all_talks(&house, id, &asked).await?))
}

async fn talks_json(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<TalksQuery>,
) -> Result<Response, Problem> {
    Ok(json_file(&house, "talks", all_talks(&house, id, &asked).await?))
}

async fn talks_csv(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<TalksQuery>,
) -> Result<Csv, Problem> {
    let columns = [
        "peer",
        "peer_name",
        "group",
        "asks",
        "protocol",
        "transport",
        "port",
        "bytes_sent",
        "bytes_received",
        "conversations",
        "last_hour",
    ];
    let mut csv = Csv::new(&house, "talks", &columns);
    for talk in all_talks(&house, id, &asked).await? {
        csv.row([
            talk.peer.unwrap_or_default(),
            talk.peer_name,
            talk.group,
            (if talk.is_client { "device" } else { "peer" }).to_owned(),
            talk.protocol,
            talk.transport,
            talk.port.to_string(),
            talk.bytes_sent.to_string(),
            talk.bytes_received.to_string(),
            talk.conversations.to_string(),
            talk.last_hour,
        ]);
    }
    Ok(csv)
}

async fn lines(
    house: &House,
    id: DeviceId,
    (at, kind, after): (Option<&str>, Option<&str>, Option<Place>),
    limit: usize,
) -> Result<Vec<Moment>, Problem> {
    let kind: Option<Kind> = crate::console::timeline_kind(kind)?;
    let dossier = open(house, id, at).await?;
    let until = dossier.at.unwrap_or(Timestamp::MAX);
    let asked = timeline::Asked { device: id, kind, after, until };
    let site = house.site.id;
    Ok(house.read(move |db| timeline::page(db, site, &asked, &dossier.held.rows, limit)).await?)
}

fn line_shown(moment: &Moment) -> LineShown {
    LineShown {
        at: rfc3339(moment.at),
        kind: moment.kind.name().into(),
        ended: moment.is_end,
        number: moment.row,
        address: Some(address(&moment.endpoint).to_owned())
            .filter(|address| !address.is_empty() && !moment.endpoint.starts_with("device|")),
        what: moment.name.clone(),
        detail: moment.detail.clone(),
        by: moment.by.clone(),
    }
}

async fn timeline(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<TimelineQuery>,
) -> Result<Listing<LineShown>, Problem> {
    let limit = limit(asked.limit)?;
    let after = after::<Place>(asked.after.as_deref())?;
    let moments = lines(&house, id, (asked.at.as_deref(), asked.kind.as_deref(), after), limit + 1).await?;
    let page = Listing::page(moments, limit, Moment::place);
    Ok(Listing { items: page.items.iter().map(line_shown).collect(), next: page.next, total: None })
}

async fn all_lines(house: &House, id: DeviceId, asked: &KindQuery) -> Result<Vec<LineShown>, Problem> {
    let asked = (asked.at.as_deref(), asked.kind.as_deref(), None);
    let moments = lines(house, id, asked, LINES_MAX + 1).await?;
    if moments.len() > LINES_MAX {
        let why = format!("more than {LINES_MAX} lines: choose a kind, or page through the list");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    Ok(moments.iter().map(line_shown).collect())
}

async fn timeline_json(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<KindQuery>,
) -> Result<Response, Problem> {
    Ok(json_file(&house, "timeline", all_lines(&house, id, &asked).await?))
}

async fn timeline_csv(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<KindQuery>,
) -> Result<Csv, Problem> {
    let columns = ["at", "kind", "ended", "number", "address", "what", "detail", "by"];
    let mut csv = Csv::new(&house, "timeline", &columns);
    for line in all_lines(&house, id, &asked).await? {
        csv.row([
            line.at,
            line.kind,
            line.ended.to_string(),
            line.number.to_string(),
            line.address.unwrap_or_default(),
            line.what,
            line.detail,
            line.by,
        ]);
    }
    Ok(csv)
}

async fn all_findings(
    house: &House,
    id: DeviceId,
    (at, before): (Option<&str>, Option<i64>),
    limit: usize,
) -> Result<Vec<KnownFinding>, Problem> {
    let dossier = open(house, id, at).await?;
    let asked = FindingsAsked { before, ..dossier.findings_asked() };
    let site = house.site.id;
    Ok(house.read(move |db| KnownFinding::list(db, site, &asked, limit)).await?)
}

async fn findings(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<ListQuery>,
) -> Result<Listing<FindingShown>, Problem> {
    let (limit, before) = (limit(asked.limit)?, after::<i64>(asked.after.as_deref())?);
    let rows = all_findings(&house, id, (asked.at.as_deref(), before), limit + 1).await?;
    let page = Listing::page(rows, limit, |known| known.row.id);
    Ok(Listing { items: page.items.iter().map(finding_shown).collect(), next: page.next, total: None })
}

async fn findings_json(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<PastQuery>,
) -> Result<Response, Problem> {
    let rows = all_findings(&house, id, (asked.at.as_deref(), None), super::EXPORT_ROWS_MAX + 1).await?;
    bounded(rows.len())?;
    Ok(json_file(&house, "findings", rows.iter().map(finding_shown).collect()))
}

async fn findings_csv(
    State(house): State<House>,
    This(id): This,
    Asked(asked): Asked<PastQuery>,
) -> Result<Response, Problem> {
    let rows = all_findings(&house, id, (asked.at.as_deref(), None), super::EXPORT_ROWS_MAX + 1).await?;
    bounded(rows.len())?;
    Ok(super::findings::csv(&house, &rows).into_response())
}
