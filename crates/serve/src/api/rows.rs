//! Lists of rows of the store, each in three forms from one definition: a page, all of it as CSV, all of it as JSON. Reports are
//! written by the same definition.

use super::endpoint::JSON;
use super::{
    CSV_PLAIN, Csv, EXPORT_ROWS_MAX, Endpoint, Listing, Problem, after, bounded, cursor, json_file, limit,
};
use crate::api::query::Asked;
use crate::house::{Concerns, House, Planned};
use axum::extract::{FromRequestParts, Query, RawPathParams, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use model::{Format, Invalid, Timestamp};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::db::Db;
use store::{Cursor, Page, Scope, Store, StoreError, Tx};

/// What is asked of a list: its query. The type of the query is the definition of the list.
pub(crate) trait Rows: DeserializeOwned + JsonSchema + Send + 'static {
    /// The query, understood.
    type Filter: Send + 'static;
    /// One row as it is answered.
    type Item: Serialize + JsonSchema + Send + 'static;
    /// The noun, in file names and documentation.
    const NOUN: &'static str;
    /// The columns of the CSV: fields of the item.
    const COLUMNS: &'static [&'static str];

    /// Understands the query.
    fn filter(&self, house: &House) -> Result<Self::Filter, Problem>;

    /// Which page is asked for: cursor and number of rows.
    fn place(&self) -> (Option<&str>, Option<u32>);

    /// Reads a page.
    fn read(
        house: &House,
        db: &mut Db,
        filter: &Self::Filter,
        after: Option<Cursor>,
        limit: usize,
    ) -> store::Result<Page<Self::Item>>;
}

/// The list and its two files.
pub(crate) fn endpoints<Q: Rows>(
    [list, csv, json]: [&'static str; 3],
    [list_id, csv_id, json_id]: [&'static str; 3],
    [tag, summary]: [&'static str; 2],
) -> [Endpoint; 3] {
    let of_page =
        |State(house): State<House>, Asked(asked): Asked<Q>| async move { page(&house, asked).await };
    let as_csv = |State(house): State<House>, Asked(asked): Asked<Q>| async move {
        let items = whole(&house, asked).await?;
        Ok::<_, Problem>(table::<Q>(&house, &items))
    };
    let as_json = |State(house): State<House>, Asked(asked): Asked<Q>| async move {
        let items = whole(&house, asked).await?;
        Ok::<Response, Problem>(json_file(&house, Q::NOUN, items))
    };
    [
        Endpoint::get::<Listing<Q::Item>>(list, list_id, tag, summary, get(of_page)).asking::<Q>(),
        Endpoint::new("get", csv, csv_id, tag, "The whole list as CSV.", get(as_csv))
            .asking::<Q>()
            .answering_text(200, CSV_PLAIN),
        Endpoint::get::<Listing<Q::Item>>(json, json_id, tag, "The whole list as a JSON file.", get(as_json))
            .asking::<Q>(),
    ]
}

/// A page of the list.
pub(crate) async fn page<Q: Rows>(house: &House, asked: Q) -> Result<Listing<Q::Item>, Problem> {
    let filter = asked.filter(house)?;
    let (from, count) = asked.place();
    let (from, count) = (after::<i64>(from.filter(|from| !from.is_empty()))?.map(Cursor), limit(count)?);
    let of_house = house.clone();
    let page = house.read(move |db| Q::read(&of_house, db, &filter, from, count)).await?;
    Ok(Listing { items: page.items, next: page.next.map(|next| cursor(&next.0)), total: None })
}

/// The whole list.
pub(crate) async fn whole<Q: Rows>(house: &House, asked: Q) -> Result<Vec<Q::Item>, Problem> {
    let filter = asked.filter(house)?;
    let of_house = house.clone();
    let items = house.read(move |db| all::<Q>(&of_house, db, &filter)).await?;
    bounded(items.len())?;
    Ok(items)
}

/// All rows; one more than there may be where there are too many.
fn all<Q: Rows>(house: &House, db: &mut Db, filter: &Q::Filter) -> store::Result<Vec<Q::Item>> {
    let (mut items, mut from) = (Vec::new(), None);
    loop {
        let page = Q::read(house, db, filter, from, super::LIMIT_MAX as usize)?;
        items.extend(page.items);
        from = page.next;
        if from.is_none() || items.len() > EXPORT_ROWS_MAX {
            return Ok(items);
        }
    }
}

/// The list as CSV.
pub(crate) fn table<Q: Rows>(house: &House, items: &[Q::Item]) -> Csv {
    let mut table = Csv::new(house, Q::NOUN, Q::COLUMNS);
    for item in items {
        let fields = serde_json::to_value(item).unwrap_or_default();
        table.row(Q::COLUMNS.iter().map(|column| match fields.get(column) {
            None | Some(serde_json::Value::Null) => String::new(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }));
    }
    table
}

/// A list written out: rows, bytes.
pub(crate) type Written = (usize, Vec<u8>);

/// Writes out the list that `query` asks for. Blocks.
///
/// # Errors
/// [`Problem`] when the query is none of this list's, or by cause.
pub(crate) fn write<Q: Rows>(house: &House, query: &str, format: Format) -> Result<Written, Problem> {
    let filter = understood::<Q>(query)?.filter(house)?;
    let items = house.readers.read(|db| all::<Q>(house, db, &filter))?;
    bounded(items.len())?;
    let rows = items.len();
    let bytes = match format {
        Format::Csv => table::<Q>(house, &items).into_bytes(),
        Format::Json => serde_json::to_vec(&Listing::whole(items)).unwrap_or_default(),
    };
    Ok((rows, bytes))
}

/// Reads a query as this list's.
///
/// # Errors
/// [`Problem`] that names the field.
pub(crate) fn understood<Q: Rows>(query: &str) -> Result<Q, Problem> {
    let uri: Uri = format!("/?{query}").parse().map_err(|_| Problem::bad("query: it is none"))?;
    let asked = Query::<Q>::try_from_uri(&uri).map_err(|error| Problem::bad(error.body_text()))?;
    Ok(asked.0)
}

/// Has `plan` written.
///
/// # Errors
/// As the store's.
pub(crate) async fn act<T, F>(house: &House, plan: F) -> Result<T, Problem>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    F: FnOnce(&mut Store, Timestamp) -> Result<(T, Tx), StoreError> + Send + 'static,
{
    let planned = move |store: &mut Store, now| {
        let (answer, tx) = plan(store, now)?;
        Ok(Planned { tx: Some(tx), concerns: Concerns::Nothing, answer })
    };
    Ok(house.write(planned).await?)
}

/// What is seen until there is sign-in: the site.
pub(crate) fn scope(house: &House) -> Scope {
    Scope::site(house.site.id)
}

/// Whether rows that were ended are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ended {
    /// Those that stand.
    #[default]
    No,
    /// Those that were ended, withdrawn, deleted or taken back.
    Yes,
    /// All.
    All,
}

impl Ended {
    pub(crate) fn wanted(asked: Option<Self>) -> Option<bool> {
        match asked.unwrap_or_default() {
            Self::No => Some(false),
            Self::Yes => Some(true),
            Self::All => None,
        }
    }
}

/// What stands in the path, by its place.
pub(crate) struct Placed(Vec<String>);

impl Placed {
    /// The text at that place; empty where there is none.
    pub(crate) fn text(&self, place: usize) -> &str {
        self.0.get(place).map_or("", String::as_str)
    }

    /// The number of a row at that place.
    ///
    /// # Errors
    /// [`Problem`] 404 where it is none.
    pub(crate) fn number(&self, place: usize) -> Result<i64, Problem> {
        let number = self.text(place).parse().ok().filter(|number: &i64| *number > 0);
        number.ok_or_else(|| Problem::missing("there is nothing of that number: numbers are 1, 2, 3 …"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Placed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = RawPathParams::from_request_parts(parts, state).await;
        let named = named.map_err(|_| Problem::missing("there is nothing at this path"))?;
        Ok(Self(named.iter().map(|(_, value)| value.to_owned()).collect()))
    }
}

/// The number of a row in a path: name, meaning, pattern.
pub(crate) const ID: (&str, &str, &str) = ("id", "Its number.", "^[1-9][0-9]{0,17}$");

/// Text, or nothing where it is empty: what a form sends for a field that was left alone.
pub(crate) fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// What something is about.
///
/// # Errors
/// [`Problem`] 422 with how to write it.
pub(crate) fn about(text: &str) -> Result<model::About, Problem> {
    let invalid = |_| Invalid::new("about", model::NotAbout.to_string());
    text.parse().map_err(invalid).map_err(Problem::from)
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, invalid.to_string())
    }
}

/// The media type of a format.
pub(crate) fn media(format: Format) -> &'static str {
    match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Json => JSON,
    }
}
