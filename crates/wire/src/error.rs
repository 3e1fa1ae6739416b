//! The one error of this crate: what is wrong and where.

/// Why bytes could not be read as a message. The peer erred, or the capture cut it; never retryable on the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end inside `what`, which begins `at` bytes in.
    #[error("{what} is cut off at byte {at}")]
    Truncated {
        /// The field or structure, in the standard's words.
        what: &'static str,
        /// Offset from the start of the message, in bytes.
        at: usize,
    },
    /// `what`, `at` bytes in, contradicts the standard or itself.
    #[error("{what} at byte {at} is not valid")]
    Malformed {
        /// The field or structure, in the standard's words.
        what: &'static str,
        /// Offset from the start of the message, in bytes.
        at: usize,
    },
    /// `what` is larger than the named bound allows.
    #[error("{what} is larger than {max}")]
    Limit {
        /// The field or structure, in the standard's words.
        what: &'static str,
        /// The bound, in the unit its constant names.
        max: usize,
    },
}
