//! What is wrong with a configuration: what, where, and what would be right. All the operator's to fix.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Bytes of a wrong value that a message repeats.
const QUOTED_BYTES_MAX: usize = 60;

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is larger than any configuration.
    #[error("{}: larger than {bytes_max} bytes: this is no configuration", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The bound.
        bytes_max: u64,
    },
    /// Not TOML.
    #[error("{place}: {what}")]
    Syntax {
        /// File and line.
        place: String,
        /// What the parser said.
        what: String,
    },
    /// A key that does not exist.
    #[error("{place}: there is no `{key}`{}", near(nearest))]
    UnknownKey {
        /// File and line, variable or flag.
        place: String,
        /// As it was written.
        key: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// A secret where a file's name belongs.
    #[error(
        "{place}: a secret does not belong into the configuration: write it into a file of mode 0600 and name that in `{instead}`"
    )]
    Secret {
        /// File and line, variable or flag.
        place: String,
        /// The key that takes a file.
        instead: &'static str,
    },
    /// A value that the key does not take.
    #[error("{place}: `{key}` is {found}; it takes {allowed}")]
    WrongValue {
        /// File and line, variable or flag.
        place: String,
        /// The key.
        key: String,
        /// What was given, quoted and capped.
        found: String,
        /// What would be right.
        allowed: String,
    },
    /// A key that must be there is not.
    #[error("{place}: `{key}` is missing: {why}")]
    Missing {
        /// Where it should be.
        place: String,
        /// The key.
        key: &'static str,
        /// Why it is needed.
        why: String,
    },
    /// Values that do not go together.
    #[error("{place}: {what}")]
    Conflict {
        /// File and line, variable or flag of one of them.
        place: String,
        /// What, and the way out.
        what: String,
    },
}

fn near(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(
        || "; `ward config default` shows what there is".to_owned(),
        |known| format!("; did you mean `{known}`?"),
    )
}

/// Everything that is wrong, in the order in which it was found: at least one.
#[derive(Debug)]
pub struct ConfigError(pub Vec<Fault>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// `text` in quotes, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    let mut end = text.len().min(QUOTED_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if end < text.len() { "…" } else { "" };
    format!("\"{}{cut}\"", text.get(..end).unwrap_or_default().escape_debug())
}
