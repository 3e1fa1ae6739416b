//! Reports: a view that is written out on a schedule, and the copies that were made.
//!
//! Which pages can be written out stands in [`RENDERERS`]: a page that has a table adds its line there.

use super::Problem;
use super::endpoint::{Endpoint, JSON};
use super::query::{Asked, Told};
use super::rows::{self, Ended, ID, Placed, Rows, Written, act, media, scope, write};
use crate::house::{Concerns, House, LOCAL, Planned};
use crate::site_clock;
use crate::when::rfc3339;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use model::{Format, NAME_CHARS_MAX, PagePath, Report, Schedule, Timestamp, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::{Read as _, Write as _};
use store::db::Db;
use store::reports::{self, CopyRow, ReportRow};
use store::{Cursor, Page, StoreError};

/// Who makes copies by the schedule.
const MAKER: &str = "ward";
/// Bytes of a copy as it is read; as it is kept it is packed, and bounded by the store.
const COPY_BYTES_MAX: usize = 256 << 20;

/// Writes out a page's table by its query. Blocks.
pub(crate) type Renderer = fn(&House, &str, Format) -> Result<Written, Problem>;

/// The pages that can be written out. A page with a table of its own adds its line here, and its query must be that of its list
/// in the API.
pub(crate) const RENDERERS: &[(&str, Renderer)] = &[
    ("/tasks", write::<super::tasks::TasksAsked>),
    ("/exceptions", write::<super::exceptions::ExceptionsAsked>),
    ("/windows", write::<super::windows::WindowsAsked>),
    ("/edits", write::<super::edits::EditsAsked>),
    ("/devices", super::devices::write),
];

/// Which reports.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportsAsked {
    /// Whether those that were ended; only those that go on where it is left out.
    pub(crate) ended: Option<Ended>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<u32>,
}

/// A report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReportItem {
    /// Its number.
    pub(crate) id: i64,
    /// Its name.
    pub(crate) name: String,
    /// The page that it writes out.
    pub(crate) page: String,
    /// The page's state: what stands behind the `?`.
    pub(crate) query: String,
    /// `csv` or `json`.
    pub(crate) format: String,
    /// When, by the site's clock: `daily 06:00`, `weekly mon 06:00`, `monthly 1 06:00`.
    pub(crate) schedule: String,
    /// Who made it.
    pub(crate) created_by: String,
    /// When, RFC 3339.
    pub(crate) created_at: String,
    /// When its next copy is due.
    pub(crate) next_at: Option<String>,
    /// When it was ended.
    pub(crate) ended_at: Option<String>,
}

/// A report to be made or changed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportBody {
    /// Its name.
    #[schemars(length(min = 1, max = NAME_CHARS_MAX))]
    pub(crate) name: String,
    /// The page that it writes out, such as `/tasks`.
    #[schemars(length(max = 100), regex(pattern = PagePath::PATTERN))]
    pub(crate) page: String,
    /// The page's state: what stands behind the `?`.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub(crate) query: Option<String>,
    /// `csv` or `json`.
    #[schemars(regex(pattern = "^(csv|json)$"))]
    pub(crate) format: String,
    /// When, by the site's clock: `daily 06:00`, `weekly mon 06:00`, `monthly 1 06:00`.
    #[schemars(regex(pattern = Schedule::PATTERN))]
    pub(crate) schedule: String,
}

/// A copy of a report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CopyItem {
    /// Its number.
    pub(crate) id: i64,
    /// Of which report.
    pub(crate) report: i64,
    /// When it was made, RFC 3339.
    pub(crate) made_at: String,
    /// Rows in it.
    pub(crate) rows: i64,
}

impl ReportItem {
    pub(crate) fn of(row: &ReportRow) -> Self {
        let Report { view, format, schedule } = &row.report;
        Self {
            id: row.id,
            name: view.name.to_string(),
            page: view.page.as_str().to_owned(),
            query: view.query.as_str().to_owned(),
            format: format.name().to_owned(),
            schedule: schedule.to_string(),
            created_by: row.created_by.clone(),
            created_at: rfc3339(row.created_at),
            next_at: row.next_at.map(rfc3339),
            ended_at: row.ended_at.map(rfc3339),
        }
    }
}

impl CopyItem {
    pub(crate) fn of(row: &CopyRow) -> Self {
        Self { id: row.id, report: row.report, made_at: rfc3339(row.made_at), rows: row.rows }
    }
}

impl ReportBody {
    fn report(&self) -> Result<Report, Problem> {
        let view = View::new(&self.name, &self.page, self.query.as_deref().unwrap_or(""))?;
        let report = Report::new(view, &self.format, &self.schedule)?;
        let _ = renderer(report.view.page.as_str())?;
        Ok(report)
    }
}

impl Rows for ReportsAsked {
    type Filter = Option<bool>;
    type Item = ReportItem;
    const NOUN: &'static str = "reports";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "page",
        "query",
        "format",
        "schedule",
        "created_by",
        "created_at",
        "next_at",
        "ended_at",
    ];

    fn filter(&self, _: &House) -> Result<Option<bool>, Problem> {
        Ok(Ended::wanted(self.ended))
    }

    fn place(&self) -> (Option<&str>, Option<u32>) {
        (self.after.as_deref(), self.limit)
    }

    fn read(
        house: &House,
        db: &mut Db,
        ended: &Option<bool>,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<ReportItem>> {
        let page = reports::list(db, &scope(house), *ended, after, limit)?;
        Ok(Page { items: page.items.iter().map(ReportItem::of).collect(), next: page.next })
    }
}

/// Who writes out that page.
fn renderer(page: &str) -> Result<Renderer, Problem> {
    let found = RENDERERS.iter().find(|(known, _)| *known == page).map(|(_, renderer)| *renderer);
    found.ok_or_else(|| {
        let known: Vec<&str> = RENDERERS.iter().map(|(page, _)| *page).collect();
        model::Invalid::new("page", format!("cannot be written out: choose one of {}", known.join(", ")))
            .into()
    })
}

/// When the next copy is due after `now`.
fn next_at(house: &House, schedule: Schedule, now: Timestamp) -> Option<Timestamp> {
    let wall = site_clock::wall(&house.site.zone, now)?;
    // Where the wall's clock was put back, the next time by it may be past by the other; the one after is not.
    let next = schedule.next_after(wall);
    let times = [next, schedule.next_after(next)];
    times.into_iter().filter_map(|time| site_clock::instant(&house.site.zone, time)).find(|at| *at > now)
}

/// Has a report made. Its query is tried first: what cannot be written out now is refused now.
///
/// # Errors
/// [`Problem`] names the field.
pub(crate) async fn create(house: &House, body: ReportBody) -> Result<ReportItem, Problem> {
    let report = body.report()?;
    try_out(house, &report).await?;
    let of_house = house.clone();
    act(house, move |store, now| {
        let next_at = next_at(&of_house, report.schedule, now);
        let (row, tx) = reports::plan_create(store, (of_house.site.id, LOCAL, now), report, next_at)?;
        Ok((ReportItem::of(&row), tx))
    })
    .await
}

async fn try_out(house: &House, report: &Report) -> Result<Written, Problem> {
    let (of_house, render) = (house.clone(), renderer(report.view.page.as_str())?);
    let (query, format) = (report.view.query.as_str().to_owned(), report.format);
    house.blocking.run(move || Ok(render(&of_house, &query, format))).await?
}

/// Has a report ended; its copies stay.
///
/// # Errors
/// [`Problem`] where there is none that goes on.
pub(crate) async fn end(house: &House, id: i64) -> Result<ReportItem, Problem> {
    let _ = find(house, id).await?;
    let site = house.site.id;
    act(house, move |store, now| {
        let (row, tx) = reports::plan_end(store, site, LOCAL, now, id)?;
        Ok((ReportItem::of(&row), tx))
    })
    .await
}

/// Has a copy made now, whatever the schedule says.
///
/// # Errors
/// [`Problem`] where there is no such report, or it cannot be written out.
pub(crate) async fn copy_now(house: &House, id: i64) -> Result<CopyItem, Problem> {
    let row = find(house, id).await?;
    let of_house = house.clone();
    let written = try_out(house, &row.report).await?;
    let keep = move || packed(row.id, written).and_then(|copy| keep(&of_house, &row, LOCAL, Some(copy)));
    let made = house.blocking.run(move || Ok(keep())).await??;
    made.ok_or_else(|| Problem::missing("no copy was made"))
}

/// The report of that number.
///
/// # Errors
/// [`Problem`] 404 where there is none.
pub(crate) async fn find(house: &House, id: i64) -> Result<ReportRow, Problem> {
    let site = house.site.id;
    let found = house.read(move |db| ReportRow::find(db, site, id)).await?;
    found.ok_or_else(|| Problem::missing(format!("there is no report {id}")))
}

/// The copies of a report, newest first.
///
/// # Errors
/// By cause.
pub(crate) async fn copies(house: &House, id: i64) -> Result<Vec<CopyItem>, Problem> {
    let site = house.site.id;
    let copies = house.read(move |db| reports::copies(db, site, id)).await?;
    Ok(copies.iter().map(CopyItem::of).collect())
}

/// Makes the copies that are due: for a timer. A report that cannot be written out is passed over until its next time, and named in
/// the error. Blocks.
///
/// # Errors
/// The first failure, after all others were made.
pub fn make_due(house: &House) -> Result<usize, StoreError> {
    let (site, now) = (house.site.id, house.now());
    let due = house.readers.read(|db| ReportRow::due(db, site, now))?;
    let (mut made, mut failed) = (0, None);
    for row in due {
        let render = renderer(row.report.view.page.as_str());
        let written =
            render.and_then(|render| render(house, row.report.view.query.as_str(), row.report.format));
        // What cannot be kept is passed over as what cannot be written: it would be tried again every minute.
        let (copy, why) = match written.and_then(|written| packed(row.id, written)) {
            Ok(copy) => (Some(copy), None),
            Err(problem) => (None, Some(problem.detail)),
        };
        let kept = keep(house, &row, MAKER, copy).map_err(|problem| problem.detail);
        made += usize::from(matches!(kept, Ok(Some(_))));
        failed = failed.or(why.or(kept.err()).map(|why| format!("report {} has no new copy: {why}", row.id)));
    }
    failed.map_or(Ok(made), |why| Err(StoreError::Refused(why)))
}

/// A copy as it is kept: rows, packed bytes.
type Copy = (i64, Vec<u8>);

/// Keeps a copy of the report as `row` has it, if there is one, and when the next is due by the schedule of the moment.
fn keep(house: &House, row: &ReportRow, by: &str, copy: Option<Copy>) -> Result<Option<CopyItem>, Problem> {
    let (of_house, id, report, by) = (house.clone(), row.id, row.report.clone(), by.to_owned());
    let answer = house.desk.write(Box::new(move |store, now| {
        let site = of_house.site.id;
        let known = ReportRow::find(store.db(), site, id)?;
        let known = known.ok_or_else(|| StoreError::Refused(format!("there is no report {id}")))?;
        if copy.is_some() && known.report != report {
            return Err(StoreError::Refused(format!(
                "report {id} was changed meanwhile: ask for a copy again"
            )));
        }
        let next_at = next_at(&of_house, known.report.schedule, now);
        let (copy, tx) = reports::plan_copy(store, (site, &by, now), id, copy, next_at)?;
        let answer = serde_json::to_value(copy.as_ref().map(CopyItem::of)).unwrap_or_default();
        Ok(Planned { tx: Some(tx), concerns: Concerns::Nothing, answer })
    }))?;
    Ok(serde_json::from_value(answer).unwrap_or_default())
}

fn packed(report: i64, (rows, bytes): Written) -> Result<Copy, Problem> {
    let broken = |error: std::io::Error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&bytes).map_err(broken)?;
    let packed = gzip.finish().map_err(broken)?;
    if bytes.len() > COPY_BYTES_MAX || packed.len() > reports::COPY_BYTES_MAX {
        let why = format!("report {report} is too large to be kept: filter its view by more");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    Ok((i64::try_from(rows).unwrap_or(i64::MAX), packed))
}

async fn made(
    State(house): State<House>,
    Told(body): Told<ReportBody>,
) -> Result<(StatusCode, Json<ReportItem>), Problem> {
    Ok((StatusCode::CREATED, Json(create(&house, body).await?)))
}

async fn one(State(house): State<House>, placed: Placed) -> Result<Json<ReportItem>, Problem> {
    Ok(Json(ReportItem::of(&find(&house, placed.number(0)?).await?)))
}

async fn changed(
    State(house): State<House>,
    placed: Placed,
    Told(body): Told<ReportBody>,
) -> Result<Json<ReportItem>, Problem> {
    let (id, report) = (placed.number(0)?, body.report()?);
    let _ = find(&house, id).await?;
    try_out(&house, &report).await?;
    let of_house = house.clone();
    let changed = act(&house, move |store, now| {
        let next_at = next_at(&of_house, report.schedule, now);
        let (row, tx) = reports::plan_change(store, (of_house.site.id, LOCAL, now), id, report, next_at)?;
        Ok((ReportItem::of(&row), tx))
    });
    Ok(Json(changed.await?))
}

async fn ended(State(house): State<House>, placed: Placed) -> Result<Json<ReportItem>, Problem> {
    Ok(Json(end(&house, placed.number(0)?).await?))
}

async fn copy_list(State(house): State<House>, placed: Placed) -> Result<Json<Vec<CopyItem>>, Problem> {
    let row = find(&house, placed.number(0)?).await?;
    Ok(Json(copies(&house, row.id).await?))
}

async fn copied(
    State(house): State<House>,
    placed: Placed,
    Asked(NoFields {}): Asked<NoFields>,
) -> Result<(StatusCode, Json<CopyItem>), Problem> {
    Ok((StatusCode::CREATED, Json(copy_now(&house, placed.number(0)?).await?)))
}

/// Nothing is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

async fn copy_file(State(house): State<House>, placed: Placed) -> Result<Response, Problem> {
    let (report, copy, site) = (find(&house, placed.number(0)?).await?, placed.number(1)?, house.site.id);
    let id = report.id;
    let data = house.read(move |db| reports::copy_data(db, site, id, copy)).await?;
    let data =
        data.ok_or_else(|| Problem::missing(format!("there is no copy {copy} of report {id}: old ones go")))?;
    let damaged = |why: String| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("copy {copy} is damaged: {why}"))
    };
    let mut bytes = Vec::new();
    let read = GzDecoder::new(data.as_slice()).take(COPY_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    if read.map_err(|error| damaged(error.to_string()))? > COPY_BYTES_MAX {
        return Err(damaged(format!("it has more than {COPY_BYTES_MAX} bytes")));
    }
    // The report may have had another format when the copy was made. No table begins with a brace: its columns have names.
    let format = if bytes.starts_with(b"{") { Format::Json } else { Format::Csv };
    let name = format!("attachment; filename=\"ward-report-{id}-{copy}.{}\"", format.name());
    Ok(([(CONTENT_TYPE, media(format).to_owned()), (CONTENT_DISPOSITION, name)], bytes).into_response())
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let (all, path, tag) = ("/api/v1/reports", "/api/v1/reports/{id}", "reports");
    let of_copies = "/api/v1/reports/{id}/copies";
    let list = rows::endpoints::<ReportsAsked>(
        [all, "/api/v1/reports.csv", "/api/v1/reports.json"],
        ["listReports", "reportsAsCsv", "reportsAsJson"],
        [tag, "Reports, newest first."],
    );
    let own = [
        Endpoint::new("post", all, "createReport", tag, "Makes a report.", post(made))
            .taking::<ReportBody>()
            .answering::<ReportItem>(201),
        Endpoint::get::<ReportItem>(path, "getReport", tag, "A report.", get(one)).at(&[ID]),
        Endpoint::new("put", path, "changeReport", tag, "Changes a report, as a whole.", put(changed))
            .at(&[ID])
            .taking::<ReportBody>()
            .answering::<ReportItem>(200),
        Endpoint::new("delete", path, "endReport", tag, "Ends a report; its copies stay.", delete(ended))
            .at(&[ID])
            .answering::<ReportItem>(200),
        Endpoint::get::<Vec<CopyItem>>(
            of_copies,
            "listCopies",
            tag,
            "The newest copies of a report.",
            get(copy_list),
        )
        .at(&[ID]),
        Endpoint::new("post", of_copies, "makeCopy", tag, "Makes a copy of a report now.", post(copied))
            .at(&[ID])
            .answering::<CopyItem>(201),
        Endpoint::new(
            "get",
            "/api/v1/reports/{id}/copies/{copy}",
            "getCopy",
            tag,
            "A copy of a report, in the report's format.",
            get(copy_file),
        )
        .at(&[ID, ("copy", "Number of the copy.", "^[1-9][0-9]{0,17}$")])
        .answering_text(200, "text/csv")
        .answering_text(200, JSON),
    ];
    list.into_iter().chain(own).collect()
}
