//! Long work: asked for here, done behind the page's back, its outcome asked for by number.
//!
//! Only what is safe to ask from a page: nothing here changes a key, a policy or a row.

use super::query::{Told, number};
use super::{CSV_PLAIN, Csv, Endpoint, Listing, Problem, json_file};
use crate::control::Act;
use crate::house::{House, LOCAL};
use crate::jobs::{Job, State as Stands};
use crate::when::rfc3339;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Component, Path as FilePath, PathBuf};

/// Bytes of a backup's path.
const PATH_BYTES_MAX: usize = 1_024;
/// How the name of a backup ends: a file that a page has made is none that another program would take for its own.
const BACKUP_ENDING: &str = "backup";

/// Work that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum JobAct {
    /// The ledger verified against every row.
    Verify,
    /// A checkpoint now, sent to witnesses.
    Checkpoint,
    /// A backup into a new file; `arguments.path` says which.
    Backup,
}

/// What is to be done.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobAsked {
    act: JobAct,
    /// For a backup only.
    arguments: Option<JobArguments>,
}

/// With what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct JobArguments {
    /// The new file of a backup: an absolute path on Ward's machine that ends with `.backup`, in a folder that is there.
    #[schemars(length(max = 1024), regex(pattern = r"^/.+\.backup$"))]
    path: String,
}

/// A piece of long work, and how it stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct JobTold {
    /// Its number, since Ward started.
    id: u64,
    /// `verify`, `checkpoint` or `backup`.
    act: &'static str,
    /// `running`, `done` or `failed`.
    state: &'static str,
    asked_by: String,
    /// RFC 3339.
    started_at: String,
    /// RFC 3339; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// What it said last of how far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Value>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Value>,
    /// Why it failed, and the way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

impl From<Job> for JobTold {
    fn from(job: Job) -> Self {
        let (state, ended_at, outcome, failed) = match job.state {
            Stands::Running => ("running", None, None, None),
            Stands::Done(at, outcome) => ("done", Some(at), Some(outcome), None),
            Stands::Failed(at, why) => ("failed", Some(at), None, Some(why)),
        };
        Self {
            id: job.number,
            act: job.kind,
            state,
            asked_by: job.asked_by,
            started_at: rfc3339(job.started_at),
            ended_at: ended_at.map(rfc3339),
            progress: job.progress,
            outcome,
            failed,
        }
    }
}

/// What there is.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get::<Listing<JobTold>>(
            "/api/v1/jobs",
            "listJobs",
            "jobs",
            "Long work since Ward started, newest first.",
            get(list),
        ),
        Endpoint::get::<Listing<JobTold>>(
            "/api/v1/jobs.json",
            "exportJobsJson",
            "jobs",
            "Long work since Ward started, as a JSON file.",
            get(as_json),
        ),
        Endpoint::new(
            "get",
            "/api/v1/jobs.csv",
            "exportJobsCsv",
            "jobs",
            "Long work since Ward started, as CSV.",
            get(as_csv),
        )
        .answering_text(200, CSV_PLAIN),
        Endpoint::new(
            "post",
            "/api/v1/jobs",
            "startJob",
            "jobs",
            "Starts long work, which goes on when whoever asked has gone.",
            post(start),
        )
        .taking::<JobAsked>()
        .answering::<JobTold>(202),
        Endpoint::get::<JobTold>(
            "/api/v1/jobs/{id}",
            "showJob",
            "jobs",
            "One piece of long work, and how it stands.",
            get(show),
        )
        .at(&[("id", "number of the job", "^[0-9]{1,18}$")]),
    ]
}

async fn list(State(house): State<House>) -> Listing<JobTold> {
    Listing::whole(told(&house))
}

async fn as_json(State(house): State<House>) -> Response {
    json_file(&house, "jobs", told(&house))
}

async fn as_csv(State(house): State<House>) -> Csv {
    let columns = ["id", "act", "state", "asked_by", "started_at", "ended_at", "failed"];
    let mut table = Csv::new(&house, "jobs", &columns);
    for job in told(&house) {
        let (id, ended_at) = (job.id.to_string(), job.ended_at.unwrap_or_default());
        let failed = job.failed.unwrap_or_default();
        table.row([id, job.act.into(), job.state.into(), job.asked_by, job.started_at, ended_at, failed]);
    }
    table
}

fn told(house: &House) -> Vec<JobTold> {
    house.jobs.all().into_iter().map(JobTold::from).collect()
}

async fn show(State(house): State<House>, Path(id): Path<String>) -> Result<Json<JobTold>, Problem> {
    let job = house.jobs.find(number("job", &id)?);
    let missing = || {
        Problem::missing(
            "there is no such job: they are forgotten when Ward stops, and the oldest when many follow",
        )
    };
    job.map(|job| Json(job.into())).ok_or_else(missing)
}

async fn start(State(house): State<House>, Told(asked): Told<JobAsked>) -> Result<Response, Problem> {
    let job = begin(&house, asked.act, asked.arguments.map(|arguments| arguments.path))?;
    let location = format!("/api/v1/jobs/{}", job.number);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(JobTold::from(job))).into_response())
}

/// Has one of the acts done that pages may ask for: `verify`, `checkpoint`, or `backup` into `path`.
///
/// # Errors
/// [`Problem`] where it is none of them, or one of the kind is under way.
pub(crate) fn start_named(house: &House, act: &str, path: Option<String>) -> Result<Job, Problem> {
    let act = serde_json::from_value(Value::String(act.to_owned()));
    begin(house, act.map_err(|_| Problem::bad("act is verify, checkpoint or backup"))?, path)
}

fn begin(house: &House, act: JobAct, path: Option<String>) -> Result<Job, Problem> {
    let refused = |why: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let (act, arguments) = match (act, path) {
        (JobAct::Backup, Some(path)) => (Act::Backup, json!({ "path": new_file(&path).map_err(refused)? })),
        (JobAct::Backup, None) => {
            return Err(refused("say where to: arguments.path is the new file of the backup"));
        }
        (_, Some(_)) => return Err(refused("only a backup takes arguments")),
        (JobAct::Verify, None) => (Act::Verify, Value::Null),
        (JobAct::Checkpoint, None) => (Act::Checkpoint, Value::Null),
    };
    let control = house.control.clone();
    let started = house
        .jobs
        .start(&house.desk, act.name(), LOCAL, move |progress| control.act(act, arguments, progress));
    started.map_err(|running| {
        let why = format!("job {} does that already: wait for its end, then ask again", running.number);
        Problem::new(StatusCode::CONFLICT, why)
    })
}

/// A place for a backup: whoever can reach the page can ask for it, so it never replaces a file, and never names one that another
/// program might read as its own.
fn new_file(path: &str) -> Result<PathBuf, &'static str> {
    let file = FilePath::new(path);
    let is_plain = file.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if path.len() > PATH_BYTES_MAX || !file.is_absolute() || !is_plain || path.contains('\0') {
        return Err("the path of a backup is absolute and without dots for folders: /media/usb/ward.backup");
    }
    if file.extension().is_none_or(|ending| ending != BACKUP_ENDING) {
        return Err("the name of a backup ends with .backup");
    }
    let folder = file.parent().filter(|folder| folder.parent().is_some() && folder.is_dir());
    if folder.is_none() {
        return Err("the folder of a backup has to be there, and is not the root of the machine");
    }
    // A link that leads nowhere is there as well.
    if file.symlink_metadata().is_ok() {
        return Err("there is such a file already: name a new one");
    }
    Ok(file.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_goes_into_a_new_file_of_a_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name).display().to_string();
        assert!(new_file(&inside("new.backup")).is_ok());
        std::fs::write(folder.path().join("old.backup"), "").unwrap();
        std::os::unix::fs::symlink("/nowhere", folder.path().join("link.backup")).unwrap();
        for wrong in [
            "",
            "new.backup",
            "/new.backup",
            "/no/such/folder/new.backup",
            &inside("new"),
            &inside("old.backup"),
            &inside("link.backup"),
            &inside("../new.backup"),
            &inside("cron.d"),
            &inside("\0.backup"),
        ] {
            assert!(new_file(wrong).is_err(), "{wrong}");
        }
    }
}
