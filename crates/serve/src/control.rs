//! The control routes: what an operator on this machine may have done, over a Unix socket that only this user can open.
//!
//! It must not be mounted on a TCP listener: whoever reaches it may do all of it. One JSON object a line comes back
//! (application/x-ndjson): any number of `{"progress": …}` and `{"working": seconds}`, then exactly one `{"done": …}` or
//! `{"failed": "…"}`. Without that last line the answer was cut off and the outcome is not known.

use crate::blocking::Blocking;
use crate::error::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use hyper::body::{Body as HttpBody, Frame};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

/// Name of the control socket within the store's folder.
pub const SOCKET_FILE: &str = "control.sock";
/// Seconds between two signs of life while an act says nothing.
pub const WORKING_S: u64 = 5;
/// Progress lines that wait to be sent; more are dropped: the next says more anyway.
const LINES_MAX: usize = 64;

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A backup of the store.
    Backup,
    /// A new key-encryption key.
    RotateKek,
    /// New data keys.
    RotateData,
    /// A checkpoint now, cosigned where witnesses answer.
    Checkpoint,
    /// The ledger verified against the rows.
    Verify,
    /// A word about devices: merge, split, or one taken back.
    Decide,
    /// A change of the retention policy.
    Policy,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Backup,
        Self::RotateKek,
        Self::RotateData,
        Self::Checkpoint,
        Self::Verify,
        Self::Decide,
        Self::Policy,
    ];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::RotateKek => "rotate-kek",
            Self::RotateData => "rotate-data",
            Self::Checkpoint => "checkpoint",
            Self::Verify => "verify",
            Self::Decide => "decide",
            Self::Policy => "policy",
        }
    }
}

/// Who does what is asked for.
pub trait Control: Send + Sync + 'static {
    /// What this Ward is and does at the moment. Quick; called from several threads at once.
    fn status(&self) -> Result<Value>;

    /// Does `act` with the request's JSON (null where it had none) and returns its outcome, or a sentence for the operator:
    /// what failed and the way out. Blocks for as long as it takes, on a thread of its own; acts that bear on each other wait for
    /// each other within. It goes on
    /// where whoever asked has gone. `progress` may be called as often as there is something to say; lines may get lost.
    fn act(&self, act: Act, arguments: Value, progress: &mut dyn FnMut(Value)) -> Result<Value, String>;
}

#[derive(Clone)]
struct Desk {
    control: Arc<dyn Control>,
    blocking: Blocking,
    /// Held while an act is under way; its name is in it.
    turn: Arc<Mutex<Option<Act>>>,
}

/// `GET /control/v1/status` and `POST /control/v1/<act>`.
pub fn routes(control: Arc<dyn Control>) -> Router {
    let desk = Desk { control, blocking: Blocking::new("Ward"), turn: Arc::default() };
    Router::new()
        .route("/control/v1/status", get(status))
        .route("/control/v1/{act}", post(act))
        .with_state(desk)
}

async fn status(State(desk): State<Desk>) -> Result<Json<Value>> {
    desk.blocking.run(move || desk.control.status()).await.map(Json)
}

async fn act(State(desk): State<Desk>, Path(name): Path<String>, body: Bytes) -> Response {
    let Some(act) = Act::ALL.into_iter().find(|act| act.name() == name) else {
        let names = Act::ALL.map(Act::name).join(", ");
        return refuse(StatusCode::NOT_FOUND, &format!("no such act; there are {names}"));
    };
    let arguments = match body.trim_ascii() {
        b"" => Ok(Value::Null),
        json => serde_json::from_slice(json),
    };
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => {
            return refuse(StatusCode::BAD_REQUEST, &format!("the arguments are not JSON: {error}"));
        }
    };
    let Ok(mut turn) = desk.turn.try_lock_owned() else {
        return refuse(StatusCode::CONFLICT, "another act is under way: wait for its end, then ask again");
    };
    *turn = Some(act);
    let (lines, answer) = mpsc::channel(LINES_MAX);
    tokio::spawn(perform(desk.control, act, arguments, turn, lines));
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::new(Lines(answer))).into_response()
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "failed": why }))).into_response()
}

/// Does the act and tells of it. `turn` is given back when the act has ended, whoever listens.
async fn perform(
    control: Arc<dyn Control>,
    act: Act,
    arguments: Value,
    turn: OwnedMutexGuard<Option<Act>>,
    lines: mpsc::Sender<Bytes>,
) {
    let (said, started) = (lines.clone(), Instant::now());
    let mut done = tokio::task::spawn_blocking(move || {
        let mut progress = |said_now: Value| drop(said.try_send(line(&json!({ "progress": said_now }))));
        let outcome = control.act(act, arguments, &mut progress);
        drop(turn);
        outcome
    });
    let mut working = tokio::time::interval(Duration::from_secs(WORKING_S));
    working.tick().await;
    let outcome = loop {
        tokio::select! {
            outcome = &mut done => break outcome,
            _ = working.tick() => drop(lines.try_send(line(&json!({ "working": started.elapsed().as_secs() })))),
        }
    };
    let last = match outcome {
        Ok(Ok(outcome)) => json!({ "done": outcome }),
        Ok(Err(why)) => json!({ "failed": why }),
        Err(error) => json!({ "failed": format!("{} broke off: {error}", act.name()) }),
    };
    tracing::info!(act = act.name(), done = last.get("done").is_some(), "a control act has ended");
    let _ = lines.send(line(&last)).await;
}

fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

/// A body of lines as they come.
pub(crate) struct Lines(pub(crate) mpsc::Receiver<Bytes>);

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
