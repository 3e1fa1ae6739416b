//! What can go wrong between Ward and those who ask, by who has to act.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::path::PathBuf;
use thiserror::Error;

/// Characters of an offending input that a message quotes.
const QUOTED_CHARS_MAX: usize = 96;

/// Failure of a listener or of what stands behind a route.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The operator asked for an address that may not be listened on. Not retryable.
    #[error("will not listen on \"{address}\": {why}")]
    Refused {
        /// The address, capped.
        address: String,
        /// The rule, and the way out.
        why: &'static str,
    },
    /// Somebody listens there already: most likely another ward. Retryable once it is gone.
    #[error("somebody listens on {address} already: stop that one first, or choose another address")]
    InUse {
        /// The address.
        address: String,
    },
    /// The system does not let us listen. The operator's to settle.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// What stands behind a route cannot answer now. Retryable.
    #[error("{what} cannot be reached now: {why}")]
    Unavailable {
        /// Which part: "the ledger".
        what: &'static str,
        /// Its words; for the log, not for the peer.
        why: String,
    },
    /// What stands behind a route is damaged or wrong. Not retryable.
    #[error("{what} is broken: {why}")]
    Broken {
        /// Which part.
        what: &'static str,
        /// Its words; for the log, not for the peer.
        why: String,
    },
    /// What was asked for cannot be done as it was asked. Whoever asked has to ask otherwise.
    #[error("{0}")]
    Asked(String),
    /// The metrics recorder of this process is set already.
    #[error("another metrics recorder is installed: install this one once, before any other")]
    Recorder,
}

/// Result of serve.
pub type Result<T, E = ServeError> = std::result::Result<T, E>;

impl ServeError {
    /// Whether the same request may succeed later without anybody changing it.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::InUse { .. } | Self::Unavailable { .. })
    }

    pub(crate) fn refused(address: &str, why: &'static str) -> Self {
        Self::Refused { address: quote(address), why }
    }

    pub(crate) fn listen(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Listen { address: PathBuf::from(path).display().to_string(), source }
    }
}

impl From<store::StoreError> for ServeError {
    fn from(error: store::StoreError) -> Self {
        let why = error.to_string();
        if matches!(error, store::StoreError::Refused(_)) {
            return Self::Asked(why);
        }
        match error.is_retryable() {
            true => Self::Unavailable { what: "the store", why },
            false => Self::Broken { what: "the store", why },
        }
    }
}

/// The peer learns which part fails and whether to come again; the cause is for the log.
impl IntoResponse for ServeError {
    fn into_response(self) -> Response {
        tracing::warn!(error = %self, "a request could not be answered");
        match self {
            Self::Unavailable { what, .. } => {
                let said = format!("{what} cannot be reached now; try again\n");
                (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "5")], said).into_response()
            }
            Self::Broken { what, .. } => {
                let said = format!("{what} is broken; the log says why\n");
                (StatusCode::INTERNAL_SERVER_ERROR, said).into_response()
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "the log says why\n").into_response(),
        }
    }
}

/// The start of an input, fit for one line.
pub(crate) fn quote(input: &str) -> String {
    let mut quoted: String = input.chars().take(QUOTED_CHARS_MAX).flat_map(char::escape_debug).collect();
    if input.chars().nth(QUOTED_CHARS_MAX).is_some() {
        quoted.push('…');
    }
    quoted
}
