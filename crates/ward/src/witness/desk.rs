//! The witness at work: for each request the head is read, judged and replaced under one lock, and on disk before the answer.
//!
//! It must not answer with a cosignature whose head is not durable. C2SP tlog-witness, add-checkpoint.

use super::error::WitnessError;
use super::evidence;
use super::rate::{Budget, Rates};
use super::state::{LOGS_MAX, State};
use serve::ServeError;
use serve::witness::{Answer, Witnessing};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use trust::tlog::witness::{Cosigned, TYPE_TEXT, origin_hash};
use trust::tlog::{AddCheckpoint, Ed25519Signer, KnownLog, NoteSigner as _, Outcome, Refusal};

/// Tells the time in seconds since 1970; 0 where the clock is not set.
pub(super) type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// A witness for the logs that it knows.
pub struct Desk {
    folder: PathBuf,
    signer: Ed25519Signer,
    // INVARIANT: at most LOGS_MAX.
    logs: BTreeMap<String, KnownLog>,
    /// Origins by what stands for them in paths.
    hashes: BTreeMap<String, String>,
    /// One lock over judging and keeping: two requests for one log cannot both follow from the same head.
    state: Mutex<State>,
    budget: Mutex<Budget>,
    clock: Clock,
}

impl Desk {
    /// Opens the witness's state in `folder`.
    ///
    /// # Errors
    /// [`WitnessError::Settings`] for two logs of one origin or too many, else as [`State::open`].
    pub fn open(
        folder: &Path,
        signer: Ed25519Signer,
        logs: Vec<KnownLog>,
        rates: Rates,
        clock: Clock,
    ) -> Result<Self, WitnessError> {
        if logs.len() > LOGS_MAX {
            return Err(WitnessError::Settings(format!(
                "{} logs; one witness has at most {LOGS_MAX}",
                logs.len()
            )));
        }
        let mut known = BTreeMap::new();
        for log in logs {
            let origin = log.origin.clone();
            if known.insert(origin.clone(), log).is_some() {
                return Err(WitnessError::Settings(format!("two logs have the origin {origin:?}")));
            }
        }
        let state = State::open(folder, signer.key())?;
        Ok(Self {
            folder: folder.to_path_buf(),
            signer,
            hashes: known.keys().map(|origin| (origin_hash(origin), origin.clone())).collect(),
            state: Mutex::new(state),
            budget: Mutex::new(Budget::new(rates, known.keys(), Instant::now())),
            logs: known,
            clock,
        })
    }

    /// The state, for tests that let the disk fail.
    #[doc(hidden)]
    pub fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held cannot have changed the head in memory without the file: `keep` puts it back by itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, body: &[u8]) -> Result<Answer, WitnessError> {
        if let Err(seconds) = self.budget().request(Instant::now()) {
            return Ok(later(seconds, "this witness is asked too much; come again later\n"));
        }
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let log = self.logs.get(request.origin());
        let mut state = self.state();
        let head = if log.is_some() { state.head(request.origin())? } else { None };
        match request.decide(log, head.as_ref(), &[&self.signer], (self.clock)())? {
            Outcome::Refuse(refusal) => {
                drop(state);
                self.remember(request.origin(), &refusal, body);
                Ok(refused(refusal))
            }
            Outcome::Cosign(cosigned) => self.keep(&mut state, *cosigned),
        }
    }

    fn keep(&self, state: &mut State, cosigned: Cosigned) -> Result<Answer, WitnessError> {
        if let Err(seconds) = self.budget().cosignature(&cosigned.origin, Instant::now()) {
            return Ok(later(seconds, "this log has asked for too many cosignatures; come again later\n"));
        }
        state.keep(&cosigned)?;
        Ok(Answer { status: 200, content_type: TYPE_TEXT, body: cosigned.body, retry_after_s: None })
    }

    /// A history that does not hold, under a signature that does, is worth keeping.
    fn remember(&self, origin: &str, refusal: &Refusal, body: &[u8]) {
        if refusal.status != 422 {
            return;
        }
        match evidence::keep(&self.folder, origin, body) {
            Ok(Some(path)) => {
                tracing::warn!(origin, path = %path.display(), "a log signed a history that does not follow; kept as evidence");
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(origin, %error, "evidence against a log could not be kept"),
        }
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witnessing for Desk {
    fn add_checkpoint(&self, body: &[u8]) -> Result<Answer, ServeError> {
        self.judge(body).map_err(served)
    }

    fn checkpoint(&self, origin_hash: &str) -> Result<Option<String>, ServeError> {
        let Some(origin) = self.hashes.get(origin_hash) else { return Ok(None) };
        self.state().note(origin).map_err(served)
    }

    fn about(&self) -> String {
        format!(
            "This is a witness (C2SP tlog-witness): for {} logs it cosigns checkpoints that follow from those it cosigned \
             before.\nIts verifier key: {}\n",
            self.logs.len(),
            self.signer.key()
        )
    }
}

fn refused(refusal: Refusal) -> Answer {
    let Refusal { status, content_type, body } = refusal;
    Answer { status, content_type, body, retry_after_s: None }
}

fn later(seconds: u32, why: &str) -> Answer {
    Answer { status: 429, content_type: TYPE_TEXT, body: why.to_owned(), retry_after_s: Some(seconds) }
}

fn served(error: WitnessError) -> ServeError {
    let why = error.to_string();
    match error.is_retryable() {
        true => ServeError::Unavailable { what: "the witness", why },
        false => ServeError::Broken { what: "the witness", why },
    }
}
