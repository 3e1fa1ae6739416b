//! The API of the network: who talks to whom, zone by zone and talk by talk.

use super::query::Asked;
use super::{CSV_PLAIN, Csv, EXPORT_ROWS_MAX, Endpoint, Listing, Problem, after, bounded, json_file, limit};
use crate::house::House;
use crate::inventory::Text;
use crate::network::{Between, Matrix, Range, Side, TalkAfter, Talking};
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use model::{DeviceId, TalkEnd, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const TAG: &str = "network";

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let matrix = "Who talks to whom, by zone: every pair of zones between which something was heard.";
    let talks = "Talks, the most bytes first: which device, which other, over what, how much.";
    vec![
        Endpoint::get::<MatrixShown>(
            "/api/v1/network/matrix",
            "getNetworkMatrix",
            TAG,
            matrix,
            get(show_matrix),
        )
        .asking::<AskedMatrix>(),
        Endpoint::new(
            "get",
            "/api/v1/network/matrix.csv",
            "getNetworkMatrixCsv",
            TAG,
            "The same as CSV.",
            get(matrix_csv),
        )
        .asking::<AskedMatrix>()
        .answering_text(200, CSV_PLAIN),
        Endpoint::get::<MatrixShown>(
            "/api/v1/network/matrix.json",
            "getNetworkMatrixFile",
            TAG,
            "The same as a file.",
            get(show_matrix),
        )
        .asking::<AskedMatrix>(),
        Endpoint::get::<Listing<TalkShown>>(
            "/api/v1/network/talks",
            "listTalks",
            TAG,
            talks,
            get(list_talks),
        )
        .asking::<AskedTalks>(),
        Endpoint::new(
            "get",
            "/api/v1/network/talks.csv",
            "listTalksCsv",
            TAG,
            "The same whole, as CSV.",
            get(talks_csv),
        )
        .asking::<AskedTalks>()
        .answering_text(200, CSV_PLAIN),
        Endpoint::get::<Listing<TalkShown>>(
            "/api/v1/network/talks.json",
            "listTalksFile",
            TAG,
            "The same whole, as a file.",
            get(talks_json),
        )
        .asking::<AskedTalks>(),
    ]
}

/// Which matrix.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskedMatrix {
    /// `1h`, `24h` (when not said) or `7d`.
    range: Option<String>,
}

/// Which talks; what is not said is any.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskedTalks {
    /// `1h`, `24h` (when not said) or `7d`.
    range: Option<String>,
    /// Where who asks stands: `zone:NAME`, `unzoned`, `outside`, `elsewhere` or `groups`.
    from: Option<String>,
    /// Where who answers stands.
    to: Option<String>,
    /// What who asks is.
    from_group: Option<String>,
    /// What who answers is.
    to_group: Option<String>,
    /// Where one of the two stands.
    with: Option<String>,
    /// What the one is that stands there.
    group: Option<String>,
    /// One of the two is this device: `d-0123456789abcdef`.
    device: Option<String>,
    /// Rows of the page, 1 to 1000.
    limit: Option<u32>,
    /// Where the page goes on: `next` of the one before.
    after: Option<String>,
}

/// Who talks to whom, by zone.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NetworkMatrix")]
struct MatrixShown {
    /// The time it is of.
    range: String,
    /// Where devices and addresses stand.
    sides: Vec<SideShown>,
    /// Between which of them something was heard.
    cells: Vec<CellShown>,
    /// Reports of pairs for which there was no room in memory: they are not in the sums.
    dropped: u64,
}

/// A zone, or what is in none.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NetworkSide")]
struct SideShown {
    /// As queries write it.
    side: String,
    /// For people.
    title: String,
    /// Devices there.
    devices: usize,
}

/// What one side asked of another.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NetworkCell")]
struct CellShown {
    /// Who asks.
    from: String,
    /// Who answers.
    to: String,
    /// Bytes of both directions, to one part in a thousand.
    bytes: u64,
    /// Pairs of ends and services.
    talks: u32,
}

/// Two ends and a service.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Talk")]
struct TalkShown {
    /// Who asks: a device or an address.
    client: EndShown,
    /// Who answers.
    server: EndShown,
    /// Over what.
    protocol: &'static str,
    /// Port of the service; absent where the protocol has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// Bytes of both directions, to one part in a thousand.
    bytes: u64,
    /// The first hour in which it was heard.
    first_hour: String,
    /// The newest hour in which it was heard.
    last_hour: String,
}

/// An end of a talk.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TalkEnd")]
struct EndShown {
    /// The device; absent where the address is none's.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// Its name, or the address.
    title: String,
    /// Where it stands; absent where it is not in the inventory any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<String>,
}

impl From<&Talking> for TalkShown {
    fn from(talk: &Talking) -> Self {
        let [client, server] = &talk.titles;
        let [from, to] = &talk.sides;
        let hour = |hour: u32| rfc3339(Timestamp::from_secs(u64::from(hour) * 3_600));
        let [first, last] = talk.hours;
        Self {
            client: EndShown::new(&talk.client, client, from.as_ref()),
            server: EndShown::new(&talk.server, server, to.as_ref()),
            protocol: talk.protocol.name(),
            port: Some(talk.port).filter(|port| *port > 0),
            bytes: talk.bytes,
            first_hour: hour(first),
            last_hour: hour(last),
        }
    }
}

impl EndShown {
    fn new(end: &TalkEnd, title: &Text, side: Option<&Side>) -> Self {
        let device = if let TalkEnd::Device(device) = end { Some(device.to_string()) } else { None };
        Self { device, title: title.to_string(), side: side.map(Side::token) }
    }
}

/// The range that a request asks for.
pub(crate) fn range(asked: Option<&str>) -> Result<Range, Problem> {
    let Some(asked) = asked else { return Ok(Range::default()) };
    let wrong = || Problem::bad(format!("range is \"{}\": it is 1h, 24h or 7d", crate::error::quote(asked)));
    Range::read(asked).ok_or_else(wrong)
}

/// The side that a request asks for.
pub(crate) fn side(name: &str, asked: Option<&str>) -> Result<Option<Side>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    let known = "zone:NAME, unzoned, outside, elsewhere or groups";
    let wrong = || Problem::bad(format!("{name} is \"{}\": it is {known}", crate::error::quote(asked)));
    Side::read(asked).map(Some).ok_or_else(wrong)
}

impl AskedTalks {
    fn between(&self) -> Result<Between, Problem> {
        let text = |word: &Option<String>| word.as_deref().map(Text::from);
        let device = self.device.as_deref().map(str::parse::<DeviceId>).transpose();
        Ok(Between {
            from: side("from", self.from.as_deref())?,
            to: side("to", self.to.as_deref())?,
            from_group: text(&self.from_group),
            to_group: text(&self.to_group),
            with: side("with", self.with.as_deref())?,
            with_group: text(&self.group),
            device: device.map_err(|error| Problem::bad(error.to_string()))?,
        })
    }
}

async fn matrix(house: &House, asked: &AskedMatrix) -> Result<(Range, Arc<Matrix>), Problem> {
    let (range, of, now) = (range(asked.range.as_deref())?, house.clone(), house.now());
    let made = house.blocking.run(move || Ok(of.network.matrix(&of.inventory, range, now))).await?;
    Ok((range, made))
}

async fn show_matrix(
    State(house): State<House>,
    Asked(asked): Asked<AskedMatrix>,
) -> Result<Json<MatrixShown>, Problem> {
    let (range, matrix) = matrix(&house, &asked).await?;
    let sides = matrix.sides.iter().map(|(side, devices)| SideShown {
        side: side.token(),
        title: side.title().to_string(),
        devices: *devices,
    });
    Ok(Json(MatrixShown {
        range: range.token().into(),
        sides: sides.collect(),
        cells: cells(&matrix),
        dropped: house.network.holding().dropped,
    }))
}

fn cells(matrix: &Matrix) -> Vec<CellShown> {
    let token = |place: usize| matrix.sides.get(place).map(|(side, _)| side.token()).unwrap_or_default();
    let cell = |(client, server, sum): (usize, usize, crate::network::Sum)| CellShown {
        from: token(client),
        to: token(server),
        bytes: sum.bytes,
        talks: sum.talks,
    };
    matrix.said().map(cell).collect()
}

async fn matrix_csv(State(house): State<House>, Asked(asked): Asked<AskedMatrix>) -> Result<Csv, Problem> {
    let (_, matrix) = matrix(&house, &asked).await?;
    let mut csv = Csv::new(&house, "network-matrix", &["from", "to", "bytes", "talks"]);
    for cell in cells(&matrix) {
        csv.row([cell.from, cell.to, cell.bytes.to_string(), cell.talks.to_string()]);
    }
    Ok(csv)
}

async fn talks(house: &House, asked: &AskedTalks, limit: usize) -> Result<Vec<Talking>, Problem> {
    let (range, between) = (range(asked.range.as_deref())?, asked.between()?);
    let after = after::<TalkAfter>(asked.after.as_deref())?;
    let (of, now) = (house.clone(), house.now());
    let found = house
        .blocking
        .run(move || Ok(of.network.talks(&of.inventory, &between, (range, after.as_ref(), limit + 1), now)));
    Ok(found.await?)
}

async fn list_talks(
    State(house): State<House>,
    Asked(asked): Asked<AskedTalks>,
) -> Result<Listing<TalkShown>, Problem> {
    let limit = limit(asked.limit)?;
    let page = Listing::page(talks(&house, &asked, limit).await?, limit, Talking::after);
    Ok(Listing { items: page.items.iter().map(TalkShown::from).collect(), next: page.next, total: None })
}

async fn whole(house: &House, asked: &AskedTalks) -> Result<Vec<TalkShown>, Problem> {
    let talks = talks(house, asked, EXPORT_ROWS_MAX).await?;
    bounded(talks.len())?;
    Ok(talks.iter().map(TalkShown::from).collect())
}

async fn talks_json(
    State(house): State<House>,
    Asked(asked): Asked<AskedTalks>,
) -> Result<Response, Problem> {
    Ok(json_file(&house, "talks", whole(&house, &asked).await?))
}

async fn talks_csv(State(house): State<House>, Asked(asked): Asked<AskedTalks>) -> Result<Response, Problem> {
    let columns = [
        "client",
        "client_device",
        "client_side",
        "server",
        "server_device",
        "server_side",
        "protocol",
        "port",
        "bytes",
        "first_hour",
        "last_hour",
    ];
    let mut csv = Csv::new(&house, "talks", &columns);
    for talk in whole(&house, &asked).await? {
        let (a, b) = (talk.client, talk.server);
        csv.row([
            a.title,
            a.device.unwrap_or_default(),
            a.side.unwrap_or_default(),
            b.title,
            b.device.unwrap_or_default(),
            b.side.unwrap_or_default(),
            talk.protocol.to_owned(),
            talk.port.map(|port| port.to_string()).unwrap_or_default(),
            talk.bytes.to_string(),
            talk.first_hour,
            talk.last_hour,
        ]);
    }
    Ok(csv.into_response())
}
