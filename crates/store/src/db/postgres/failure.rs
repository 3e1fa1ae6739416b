//! What a failure of PostgreSQL means, by its code: who has to act. Messages hold the server's words, never the URL.

use crate::error::StoreError;
use ::postgres::Error;
use std::error::Error as _;

/// The cause of a failed statement or connection.
pub(super) fn failed(error: &Error) -> StoreError {
    if let Some(told) = error.as_db_error() {
        return by_code(told.code().code(), told.message());
    }
    let detail = words(error);
    if error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()) {
        return StoreError::Unreachable { detail };
    }
    StoreError::Ours { detail }
}

/// The same while connecting, where what is neither the server's nor the network's fault is in the URL.
pub(super) fn not_connected(error: &Error) -> StoreError {
    match failed(error) {
        StoreError::Ours { detail } => StoreError::Refused(format!(
            "PostgreSQL cannot be connected to ({detail}): correct the store's URL, see docs/operate/postgres.md"
        )),
        other => other,
    }
}

/// The client's words and their reasons.
fn words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        let reason_words = reason.to_string();
        if !words.ends_with(&reason_words) {
            words.push_str(": ");
            words.push_str(&reason_words);
        }
        source = reason.source();
    }
    words
}

/// By SQLSTATE. Whole classes first, then their exceptions would hide: exceptions stand above.
pub(super) fn by_code(code: &str, message: &str) -> StoreError {
    let detail = format!("PostgreSQL: {message} ({code})");
    match code {
        "53100" => StoreError::Full { detail },
        "25006" => StoreError::ReadOnly { detail },
        "28P01" | "28000" => StoreError::Refused(format!(
            "{detail}: check user and password in the store's URL, and the line for it in the server's pg_hba.conf"
        )),
        "3D000" | "3F000" => StoreError::Refused(format!(
            "{detail}: create it, and give Ward's role CREATE in it; see docs/operate/postgres.md"
        )),
        "42501" => StoreError::Refused(format!(
            "{detail}: give Ward's role CREATE on the schema; its tables must be its own"
        )),
        "22021" | "22P05" => StoreError::Refused(format!("{detail}: this text cannot be stored")),
        "54000" => StoreError::Refused(format!(
            "{detail}: a name, address or key this long cannot be stored in PostgreSQL"
        )),
        "XX001" | "XX002" | "58P01" => StoreError::Damaged { what: detail },
        // Overtaken by another transaction, waited too long for it, or ended by somebody: the same act may succeed later.
        "40001" | "40P01" | "40002" | "40003" | "55P03" | "57014" => StoreError::Unreachable { detail },
        _ => match code.get(..2) {
            // Connection, resources, operator, the server's system, a transaction that timed out.
            Some("08" | "53" | "57" | "58" | "25") => StoreError::Unreachable { detail },
            _ => StoreError::Ours { detail },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of appendix A of PostgreSQL 15's documentation.
    #[test]
    fn causes_are_told_apart() {
        let cause = |code: &str| match by_code(code, "words") {
            StoreError::Full { .. } => "full",
            StoreError::ReadOnly { .. } => "read-only",
            StoreError::Unreachable { .. } => "unreachable",
            StoreError::Refused(_) => "refused",
            StoreError::Damaged { .. } => "damaged",
            StoreError::Ours { .. } => "ours",
            _ => "another",
        };
        for (causes, codes) in [
            ("full", &["53100"][..]),
            ("read-only", &["25006"]),
            (
                "unreachable",
                &[
                    "08000", "08006", "57P01", "57P02", "57P03", "53300", "53200", "40001", "40P01", "58030",
                    "25P03",
                ],
            ),
            ("refused", &["28P01", "28000", "3D000", "42501", "22021", "54000"]),
            ("damaged", &["XX001", "XX002", "58P01"]),
            ("ours", &["42601", "42P01", "23505", "22003", "0A000", ""]),
        ] {
            for code in codes {
                assert_eq!(cause(code), causes, "{code}");
            }
        }
        assert!(by_code("53100", "no space").is_retryable() && !by_code("28P01", "no").is_retryable());
    }
}
