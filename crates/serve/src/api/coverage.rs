//! What was seen and what was missed: per sensor and hour, and when nobody listened.
//!
//! It must not round "could not look" to "nothing there": counters go out as they are, with what they cannot tell left absent.

use super::query::Asked;
use super::{CSV_PLAIN, Csv, Day, Endpoint, Listing, Problem, after, bounded, json_file, limit, maybe};
use crate::house::House;
use crate::when::rfc3339;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::seen::{Gap, SeenHour};

/// Kinds of what could not be read that are named in one row; the largest.
const UNREAD_NAMED_MAX: usize = 100;

/// What one sensor had counted by the end of an hour, since it started.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct HourTold {
    /// Number of the row; the list's key.
    id: i64,
    /// Number of the sensor.
    sensor: u32,
    /// Start of the hour, RFC 3339.
    hour: String,
    /// Frames handed over by the capture.
    frames: u64,
    /// Bytes of them.
    bytes: u64,
    /// Frames shorter than on the wire.
    cut_frames: u64,
    /// Frames that kernel or card dropped; absent where the source cannot tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_frames: Option<u64>,
    /// Frames seen twice.
    duplicate_frames: u64,
    /// Conversations seen.
    flows: u64,
    /// Those whose start was not seen.
    flows_without_start: u64,
    /// Those of which one direction only was seen.
    flows_one_sided: u64,
    /// Bytes within TCP streams that the capture never saw.
    gap_bytes: u64,
    /// What could not be read, largest first.
    unread: Vec<UnreadTold>,
}

/// What could not be read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct UnreadTold {
    protocol: String,
    reason: String,
    count: u64,
}

/// A time in which a source was not heard.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct GapTold {
    /// Number of the row; the list's key.
    id: i64,
    source: String,
    /// RFC 3339.
    from: String,
    /// RFC 3339.
    to: String,
    seconds: u64,
    reason: String,
}

/// Which rows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CoverageAsked {
    /// Only from then on: a date or a time.
    since: Option<String>,
    /// From next of the page before.
    after: Option<String>,
    /// Rows of a page; 100 where absent.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    hours_endpoints().into_iter().chain(gaps_endpoints()).collect()
}

fn hours_endpoints() -> Vec<Endpoint> {
    let (tag, path) = ("coverage", "/api/v1/coverage");
    vec![
        Endpoint::get::<Listing<HourTold>>(
            path,
            "listCoverage",
            tag,
            "What each sensor had seen and missed by the end of each hour, newest first.",
            get(hours),
        )
        .asking::<CoverageAsked>(),
        Endpoint::get::<Listing<HourTold>>(
            "/api/v1/coverage.json",
            "exportCoverageJson",
            tag,
            "What sensors have seen and missed, as a JSON file.",
            get(hours_json),
        )
        .asking::<CoverageAsked>(),
        Endpoint::new(
            "get",
            "/api/v1/coverage.csv",
            "exportCoverageCsv",
            tag,
            "What sensors have seen and missed, as CSV.",
            get(hours_csv),
        )
        .asking::<CoverageAsked>()
        .answering_text(200, CSV_PLAIN),
    ]
}

fn gaps_endpoints() -> Vec<Endpoint> {
    let (tag, path) = ("coverage", "/api/v1/coverage/gaps");
    vec![
        Endpoint::get::<Listing<GapTold>>(
            path,
            "listGaps",
            tag,
            "When a source was not heard, newest first.",
            get(gaps),
        )
        .asking::<CoverageAsked>(),
        Endpoint::get::<Listing<GapTold>>(
            "/api/v1/coverage/gaps.json",
            "exportGapsJson",
            tag,
            "When sources were not heard, as a JSON file.",
            get(gaps_json),
        )
        .asking::<CoverageAsked>(),
        Endpoint::new(
            "get",
            "/api/v1/coverage/gaps.csv",
            "exportGapsCsv",
            tag,
            "When sources were not heard, as CSV.",
            get(gaps_csv),
        )
        .asking::<CoverageAsked>()
        .answering_text(200, CSV_PLAIN),
    ]
}

impl CoverageAsked {
    fn since(&self, house: &House) -> Result<Timestamp, Problem> {
        Ok(maybe("since", self.since.as_deref(), &house.site.zone, Day::Starts)?.unwrap_or(Timestamp::ZERO))
    }
}

async fn hours(
    State(house): State<House>,
    Asked(asked): Asked<CoverageAsked>,
) -> Result<Listing<HourTold>, Problem> {
    let (since, before, limit) = (asked.since(&house)?, after(asked.after.as_deref())?, limit(asked.limit)?);
    let site = house.site.id;
    let rows = house.read(move |db| SeenHour::newest(db, site, before, since, limit + 1)).await?;
    Ok(Listing::page(rows.into_iter().map(HourTold::from).collect(), limit, |row| row.id))
}

async fn gaps(
    State(house): State<House>,
    Asked(asked): Asked<CoverageAsked>,
) -> Result<Listing<GapTold>, Problem> {
    let (since, before, limit) = (asked.since(&house)?, after(asked.after.as_deref())?, limit(asked.limit)?);
    let site = house.site.id;
    let rows = house.read(move |db| Gap::newest(db, site, before, since, limit + 1)).await?;
    Ok(Listing::page(rows.into_iter().map(GapTold::from).collect(), limit, |row| row.id))
}

async fn all_hours(house: &House, asked: &CoverageAsked) -> Result<Vec<HourTold>, Problem> {
    let (since, before, at_most) = (asked.since(house)?, after(asked.after.as_deref())?, rows_max(asked)?);
    let site = house.site.id;
    let rows = house.read(move |db| SeenHour::newest(db, site, before, since, at_most)).await?;
    bounded(rows.len())?;
    Ok(rows.into_iter().map(HourTold::from).collect())
}

async fn all_gaps(house: &House, asked: &CoverageAsked) -> Result<Vec<GapTold>, Problem> {
    let (since, before, at_most) = (asked.since(house)?, after(asked.after.as_deref())?, rows_max(asked)?);
    let site = house.site.id;
    let rows = house.read(move |db| Gap::newest(db, site, before, since, at_most)).await?;
    bounded(rows.len())?;
    Ok(rows.into_iter().map(GapTold::from).collect())
}

/// As many as a file may have and one more, which tells that there are too many.
fn rows_max(asked: &CoverageAsked) -> Result<usize, Problem> {
    asked.limit.map_or(Ok(super::EXPORT_ROWS_MAX + 1), |asked| limit(Some(asked)))
}

async fn hours_json(
    State(house): State<House>,
    Asked(asked): Asked<CoverageAsked>,
) -> Result<Response, Problem> {
    Ok(json_file(&house, "coverage", all_hours(&house, &asked).await?))
}

async fn gaps_json(
    State(house): State<House>,
    Asked(asked): Asked<CoverageAsked>,
) -> Result<Response, Problem> {
    Ok(json_file(&house, "gaps", all_gaps(&house, &asked).await?))
}

async fn hours_csv(State(house): State<House>, Asked(asked): Asked<CoverageAsked>) -> Result<Csv, Problem> {
    let rows = all_hours(&house, &asked).await?;
    let columns = [
        "sensor",
        "hour",
        "frames",
        "bytes",
        "cut_frames",
        "dropped_frames",
        "duplicate_frames",
        "flows",
        "flows_without_start",
        "flows_one_sided",
        "gap_bytes",
        "unread",
    ];
    let mut table = Csv::new(&house, "coverage", &columns);
    for row in rows {
        let unread: u64 = row.unread.iter().map(|unread| unread.count).sum();
        let numbers = [
            row.cut_frames,
            row.duplicate_frames,
            row.flows,
            row.flows_without_start,
            row.flows_one_sided,
            row.gap_bytes,
            unread,
        ];
        let [cut, duplicate, flows, without_start, one_sided, gap, unread] =
            numbers.map(|number| number.to_string());
        let dropped = row.dropped_frames.map_or_else(String::new, |dropped| dropped.to_string());
        let [sensor, frames, bytes] =
            [row.sensor.into(), row.frames, row.bytes].map(|number: u64| number.to_string());
        table.row([
            sensor,
            row.hour,
            frames,
            bytes,
            cut,
            dropped,
            duplicate,
            flows,
            without_start,
            one_sided,
            gap,
            unread,
        ]);
    }
    Ok(table)
}

async fn gaps_csv(State(house): State<House>, Asked(asked): Asked<CoverageAsked>) -> Result<Csv, Problem> {
    let rows = all_gaps(&house, &asked).await?;
    let mut table = Csv::new(&house, "gaps", &["source", "from", "to", "seconds", "reason"]);
    for row in rows {
        table.row([row.source, row.from, row.to, row.seconds.to_string(), row.reason]);
    }
    Ok(table)
}

impl From<SeenHour> for HourTold {
    fn from(seen: SeenHour) -> Self {
        let unread = seen.counters.unparsed.iter().take(UNREAD_NAMED_MAX).map(|unparsed| UnreadTold {
            protocol: unparsed.protocol.name().to_owned(),
            reason: serde_json::to_value(unparsed.reason)
                .ok()
                .and_then(|word| Some(word.as_str()?.to_owned()))
                .unwrap_or_default(),
            count: unparsed.count,
        });
        let unread = unread.collect();
        let counters = seen.counters;
        Self {
            id: seen.id,
            sensor: seen.sensor.0,
            hour: rfc3339(Timestamp::from_secs(u64::from(seen.hour) * 3_600)),
            frames: counters.frames,
            bytes: counters.bytes,
            cut_frames: counters.cut_frames,
            dropped_frames: counters.dropped_frames,
            duplicate_frames: counters.duplicate_frames,
            flows: counters.flows,
            flows_without_start: counters.flows_without_start,
            flows_one_sided: counters.flows_one_sided,
            gap_bytes: counters.gap_bytes,
            unread,
        }
    }
}

impl From<Gap> for GapTold {
    fn from(gap: Gap) -> Self {
        Self {
            id: gap.id,
            source: gap.source,
            from: rfc3339(gap.from),
            to: rfc3339(gap.to),
            seconds: gap.to.since(gap.from).as_nanos() / 1_000_000_000,
            reason: gap.reason,
        }
    }
}
