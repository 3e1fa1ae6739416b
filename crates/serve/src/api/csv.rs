//! A whole table as a file: CSV for spreadsheets (RFC 4180), JSON for programs.
//!
//! It must not write a cell that a spreadsheet takes for a formula: words in it come from the network (CWE-1236).

use super::Problem;
use super::listing::{EXPORT_ROWS_MAX, Listing};
use crate::house::House;
use crate::when::rfc3339;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;

/// Media type of what [`Csv`] writes.
pub(crate) const CSV: &str = "text/csv; charset=utf-8";
/// Media type of CSV in the API's description.
pub(crate) const CSV_PLAIN: &str = "text/csv";

/// A table that is being written.
pub(crate) struct Csv {
    name: String,
    rows: csv::Writer<Vec<u8>>,
}

impl Csv {
    /// A table with these columns, to be saved as `ward-<noun>-<date>.csv`.
    pub(crate) fn new(house: &House, noun: &str, columns: &[&str]) -> Self {
        let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let _ = rows.write_record(columns);
        Self { name: file_name(house, noun, "csv"), rows }
    }

    /// One more row: as many cells as there are columns. What is not known is an empty cell.
    pub(crate) fn row<'c>(&mut self, cells: impl IntoIterator<Item = impl Into<Cow<'c, str>>>) {
        // A row into memory fails only where it has another number of cells; the first such row ends up missing in a test.
        for cell in cells {
            let _ = self.rows.write_field(guarded(cell.into()).as_bytes());
        }
        let _ = self.rows.write_record(None::<&[u8]>);
    }
}

impl Csv {
    /// The table as it is kept or sent; empty where it could not be written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.rows.into_inner().unwrap_or_default()
    }
}

impl IntoResponse for Csv {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, CSV.to_owned()), (CONTENT_DISPOSITION, self.name)];
        match self.rows.into_inner() {
            Ok(bytes) => (headers, bytes).into_response(),
            Err(error) => {
                tracing::error!(%error, "a table could not be written");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the table could not be written")
                    .into_response()
            }
        }
    }
}

/// All rows as a JSON file: the same items as the list's pages.
pub(crate) fn json_file<T: Serialize>(house: &House, noun: &str, items: Vec<T>) -> Response {
    let headers = [(CONTENT_DISPOSITION, file_name(house, noun, "json"))];
    (headers, Json(Listing::whole(items))).into_response()
}

/// Refuses a table of more rows than one file may have.
///
/// # Errors
/// [`Problem`] that says to filter.
pub(crate) fn bounded(rows: usize) -> Result<(), Problem> {
    if rows <= EXPORT_ROWS_MAX {
        return Ok(());
    }
    let why =
        format!("more than {EXPORT_ROWS_MAX} rows: choose fewer with filters, or page through the list");
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why))
}

pub(super) fn file_name(house: &House, noun: &str, ending: &str) -> String {
    let now = rfc3339(house.now());
    let date = now.split('T').next().unwrap_or_default();
    format!("attachment; filename=\"ward-{noun}-{date}.{ending}\"")
}

/// Characters between cells where a spreadsheet takes other than commas: by its language, or for what is pasted.
const SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];

/// A cell that starts like a formula gets an apostrophe, unless it is a number; and so does what follows a separator within it.
pub(super) fn guarded(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.parse::<f64>().is_ok() || !cell.split(SEPARATORS).any(is_formula) && !cell.starts_with(SEPARATORS)
    {
        return cell;
    }
    let mut guarded = String::with_capacity(cell.len() + 8);
    if cell.starts_with(SEPARATORS) {
        guarded.push('\'');
    }
    for piece in cell.split_inclusive(SEPARATORS) {
        if is_formula(piece) {
            guarded.push('\'');
        }
        guarded.push_str(piece);
    }
    Cow::Owned(guarded)
}

fn is_formula(piece: &str) -> bool {
    let piece = piece.trim_start_matches([' ', '\u{a0}']);
    piece.starts_with(['=', '+', '-', '@', '|', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_a_number_is_a_number() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t1", " =1", "＝1", "=a;b"] {
            assert_eq!(guarded(formula.into()), format!("'{formula}"));
        }
        assert_eq!(
            guarded("pump;=HYPERLINK(1)".into()),
            "pump;'=HYPERLINK(1)",
            "other languages part cells so"
        );
        assert_eq!(guarded("a\t=1\n @x".into()), "a\t'=1\n' @x");
        for plain in ["-61", "+3.5", "pump-7", "", "a=b", "02:00:00:00:00:01", "a; b", "a\nb"] {
            assert_eq!(guarded(plain.into()), plain);
        }
    }
}
