//! A page of a list: what it holds, and where the next page starts. Keyset paging only: an offset skips rows when lists change.
//!
//! A cursor is the key of the last row shown, opaque to who carries it; it must not hold anything that the row itself did not say.

use super::Problem;
use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Rows of a page where nobody said how many.
pub(crate) const LIMIT_DEFAULT: u32 = 100;
/// Rows of a page at most.
pub(crate) const LIMIT_MAX: u32 = 1_000;
/// Rows of a whole table written out as CSV or JSON, at most: filters make it less.
pub(crate) const EXPORT_ROWS_MAX: usize = 250_000;
/// Characters of a cursor.
const CURSOR_CHARS_MAX: usize = 1_024;

/// Some rows, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub(crate) struct Listing<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// How many rows there are on all pages, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u64>,
}

impl<T> Listing<T> {
    /// All that there is.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        let total = Some(items.len() as u64);
        Self { items, next: None, total }
    }

    /// A page of at most `limit` rows out of `items`, which were asked for with one row more: whether there is a next page is
    /// known by that row. `key` gives what the next page starts after.
    pub(crate) fn page<K: Serialize>(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Self {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(|last| cursor(&key(last)));
        Self { items, next, total: None }
    }

    /// With how many there are on all pages.
    pub(crate) fn of(mut self, total: u64) -> Self {
        self.total = Some(total);
        self
    }
}

impl<T: Serialize> IntoResponse for Listing<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// How many rows were asked for, within bounds.
///
/// # Errors
/// [`Problem`] for none or too many.
pub(crate) fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    match asked.unwrap_or(LIMIT_DEFAULT) {
        limit @ 1..=LIMIT_MAX => Ok(limit as usize),
        other => Err(Problem::bad(format!("limit is {other}: it is a number from 1 to {LIMIT_MAX}"))),
    }
}

/// A cursor that holds `key`.
pub(crate) fn cursor(key: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

/// The key that a cursor holds.
///
/// # Errors
/// [`Problem`] where it is not one that this list gave.
pub(crate) fn after<K: DeserializeOwned>(asked: Option<&str>) -> Result<Option<K>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(asked).ok().filter(|_| asked.len() <= CURSOR_CHARS_MAX);
    let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let wrong =
        || Problem::bad("after is no cursor of this list: take it from next of the page before, unchanged");
    key.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let listing = Listing::page(vec![7_u64, 8, 9], 2, |row| *row);
        assert_eq!(listing.items, [7, 8]);
        assert_eq!(after::<u64>(listing.next.as_deref()).unwrap(), Some(8));
        assert_eq!(Listing::page(vec![7_u64, 8], 2, |row| *row).next, None);
        assert_eq!(after::<u64>(None).unwrap(), None);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for wrong in ["", "x", "%00", "bnVsbA", "IiI", &"A".repeat(5_000)] {
            assert_eq!(after::<u64>(Some(wrong)).unwrap_err().status, 400, "{wrong}");
        }
        assert_eq!((limit(None).unwrap(), limit(Some(1_000)).unwrap()), (100, 1_000));
        assert!(limit(Some(0)).is_err() && limit(Some(1_001)).is_err());
    }
}
