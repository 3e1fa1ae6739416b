//! What is asked of the list of devices: one form for the page, the API, files and saved views.
//!
//! As text it is the query of a URL: a filter with several values repeats its name (`zone=icu&zone=er`), as plain HTML forms send
//! it; values of one filter are alternatives, filters and words all hold. Empty values count as absent: forms send those too.
//! Nothing unknown is passed over: a filter that is mistyped would be no filter.

use super::column::Column;
use super::facet::{Facet, UNKNOWN};
use crate::error::quote;
use model::Protocol;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a page where nobody says how many.
pub const LIMIT_DEFAULT: usize = 100;
/// Rows of a page, at most.
pub const LIMIT_MAX: usize = 500;
/// Bytes of a query, at most.
pub const QUERY_BYTES_MAX: usize = 16_384;
/// Characters of the words searched for, at most.
pub const SEARCH_CHARS_MAX: usize = 200;
/// Values of one filter, at most.
pub const VALUES_MAX: usize = 64;
/// Characters of a value, at most.
pub const VALUE_CHARS_MAX: usize = 300;
/// Characters of a cursor, at most.
const CURSOR_CHARS_MAX: usize = 2_048;

/// Parameters beside the facets.
const OTHERS: [&str; 8] = ["q", "sort", "after", "limit", "columns", "density", "at", "facets"];

/// Why a query cannot be followed, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Words that must all be found.
    pub q: String,
    /// Values by facet.
    pub filters: BTreeMap<Facet, BTreeSet<SmolStr>>,
    /// What rows are sorted by.
    pub sort: Column,
    /// The other way round. Rows without a value are last both ways.
    pub descending: bool,
    /// Where the page before ended.
    pub after: Option<String>,
    /// Rows of a page.
    pub limit: usize,
    /// Columns to show; empty: the usual ones.
    pub columns: Vec<Column>,
    /// Rows close together.
    pub compact: bool,
    /// A moment of the past, as it was written.
    pub at: Option<String>,
    /// Whether values are to be counted.
    pub facets: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            q: String::new(),
            filters: BTreeMap::new(),
            sort: Column::Name,
            descending: false,
            after: None,
            limit: LIMIT_DEFAULT,
            columns: Vec::new(),
            compact: false,
            at: None,
            facets: false,
        }
    }
}

impl Query {
    /// Reads the query of a URL, without its question mark.
    ///
    /// # Errors
    /// [`Wrong`] for what is no query of this list.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(Wrong(format!("the query is longer than {QUERY_BYTES_MAX} bytes: filter by less")));
        }
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if !value.trim().is_empty() {
                query.take(&name, value.trim())?;
            } else if !is_parameter(&name) {
                return Err(unknown(&name));
            }
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        if let Some(facet) = Facet::named(name) {
            return self.filter(facet, value);
        }
        match name {
            "q" => self.q = capped("q", value, SEARCH_CHARS_MAX)?,
            "sort" => (self.sort, self.descending) = sort(value)?,
            "after" => self.after = Some(capped("after", value, CURSOR_CHARS_MAX)?),
            "limit" => self.limit = limit(value)?,
            "columns" => self.show(value)?,
            "density" => self.compact = one_of("density", value, &["usual", "compact"])? == "compact",
            "facets" => self.facets = one_of("facets", value, &["no", "yes"])? == "yes",
            "at" => self.at = Some(capped("at", value, 64)?),
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn filter(&mut self, facet: Facet, value: &str) -> Result<(), Wrong> {
        let value = if value == "none" { UNKNOWN } else { value };
        let known = facet.values();
        let is_date = facet == Facet::New && value.parse::<jiff::civil::Date>().is_ok();
        if !known.is_empty() && !is_date {
            one_of(facet.name(), value, known)?;
        }
        let is_vlan = || value.parse::<u16>().is_ok_and(|vlan| (1..=4094).contains(&vlan));
        if facet == Facet::Vlan && value != UNKNOWN && !is_vlan() {
            return Err(wrong("vlan", value, "a number from 1 to 4094, or unknown"));
        }
        let is_protocol = || Protocol::ALL.iter().any(|protocol| protocol.name() == value);
        if facet == Facet::Protocol && value != UNKNOWN && !is_protocol() {
            let known: Vec<_> = Protocol::ALL.iter().map(|protocol| protocol.name()).collect();
            return Err(wrong("protocol", value, &format!("one of {}, unknown", known.join(", "))));
        }
        if facet == Facet::Behind && value != UNKNOWN && value.parse::<model::DeviceId>().is_err() {
            return Err(wrong("behind", value, "the number of a device, d- and 16 digits, or unknown"));
        }
        let value = capped(facet.name(), value, VALUE_CHARS_MAX)?;
        let values = self.filters.entry(facet).or_default();
        values.insert(value.into());
        if values.len() > VALUES_MAX {
            return Err(Wrong(format!(
                "{} has more than {VALUES_MAX} values: filter by fewer",
                facet.name()
            )));
        }
        Ok(())
    }

    fn show(&mut self, value: &str) -> Result<(), Wrong> {
        let column = Column::named(value).ok_or_else(|| wrong("columns", value, &one_of_columns()))?;
        if !self.columns.contains(&column) {
            self.columns.push(column);
        }
        Ok(())
    }

    /// The columns to show.
    pub fn shown(&self) -> &[Column] {
        if self.columns.is_empty() { &Column::DEFAULT } else { &self.columns }
    }

    /// Whether it leaves nothing out.
    pub fn is_everything(&self) -> bool {
        self.q.trim().is_empty() && self.filters.is_empty()
    }

    /// Whether the value of the facet is asked for.
    pub fn has(&self, facet: Facet, value: &str) -> bool {
        self.filters.get(&facet).is_some_and(|values| values.contains(value))
    }

    /// The same from its first page, with the value of the facet, or without it where it is there.
    #[must_use]
    pub fn toggled(&self, facet: Facet, value: &str) -> Self {
        let mut query = self.from_start();
        let values = query.filters.entry(facet).or_default();
        if !values.remove(value) {
            values.insert(value.into());
        }
        query.filters.retain(|_, values| !values.is_empty());
        query
    }

    /// The same from its first page.
    #[must_use]
    pub fn from_start(&self) -> Self {
        Self { after: None, ..self.clone() }
    }

    /// Name and value of every parameter that is not as usual, in one order for equal queries.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.matching();
        if self.sort != Column::Name || self.descending {
            pairs.push(("sort", format!("{}{}", if self.descending { "-" } else { "" }, self.sort.name())));
        }
        pairs.extend(self.columns.iter().map(|column| ("columns", column.name().to_owned())));
        if self.compact {
            pairs.push(("density", "compact".into()));
        }
        pairs.extend(self.at.iter().map(|at| ("at", at.clone())));
        if self.limit != LIMIT_DEFAULT {
            pairs.push(("limit", self.limit.to_string()));
        }
        if self.facets {
            pairs.push(("facets", "yes".into()));
        }
        pairs.extend(self.after.iter().map(|after| ("after", after.clone())));
        pairs
    }

    fn matching(&self) -> Vec<(&'static str, String)> {
        let words = Some(self.q.clone()).filter(|q| !q.is_empty());
        let values = self
            .filters
            .iter()
            .flat_map(|(facet, values)| values.iter().map(|value| (facet.name(), value.to_string())));
        words.map(|q| ("q", q)).into_iter().chain(values).collect()
    }

    /// Which devices: the words and filters only, as the query of a URL.
    pub fn selection(&self) -> String {
        encode(&self.matching())
    }

    /// What its cursors are bound to: another list goes on elsewhere.
    pub(super) fn fingerprint(&self) -> String {
        let sort = format!("{}{}", if self.descending { "-" } else { "" }, self.sort.name());
        let at = self.at.as_deref().unwrap_or_default();
        let text = format!("{}\n{sort}\n{at}", self.selection());
        // FNV-1a: told apart, not proven.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}

/// As the query of a URL.
impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encode(&self.pairs()))
    }
}

fn encode(pairs: &[(&'static str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn is_parameter(name: &str) -> bool {
    OTHERS.contains(&name) || Facet::named(name).is_some()
}

fn unknown(name: &str) -> Wrong {
    let facets: Vec<_> = Facet::ALL.iter().map(|facet| facet.name()).collect();
    let known = format!("{}, {}", OTHERS.join(", "), facets.join(", "));
    Wrong(format!("there is no parameter \"{}\" here: there are {known}", quote(name)))
}

fn wrong(name: &str, value: &str, is: &str) -> Wrong {
    Wrong(format!("{name} is \"{}\": it is {is}", quote(value)))
}

fn one_of<'v>(name: &str, value: &'v str, known: &[&str]) -> Result<&'v str, Wrong> {
    let is_known = known.contains(&value);
    let date = if name == "new" { ", or a date such as 2026-11-22" } else { "" };
    is_known.then_some(value).ok_or_else(|| wrong(name, value, &format!("one of {}{date}", known.join(", "))))
}

fn one_of_columns() -> String {
    let known: Vec<_> = Column::ALL.iter().map(|column| column.name()).collect();
    format!("one of {}", known.join(", "))
}

fn capped(name: &str, value: &str, chars_max: usize) -> Result<String, Wrong> {
    if value.chars().nth(chars_max).is_some() {
        return Err(wrong(name, value, &format!("at most {chars_max} characters")));
    }
    Ok(value.to_owned())
}

fn sort(value: &str) -> Result<(Column, bool), Wrong> {
    let (name, descending) = value.strip_prefix('-').map_or((value, false), |name| (name, true));
    let column = Column::named(name);
    column.map(|column| (column, descending)).ok_or_else(|| {
        wrong("sort", value, &format!("{}, with a minus before it for the other way", one_of_columns()))
    })
}

fn limit(value: &str) -> Result<usize, Wrong> {
    let number = value.parse().ok().filter(|number| (1..=LIMIT_MAX).contains(number));
    number.ok_or_else(|| wrong("limit", value, &format!("a number from 1 to {LIMIT_MAX}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_back_as_it_was_written() {
        for text in [
            "",
            "q=00%3A1a+pump&zone=icu&zone=er&vlan=20&sort=-last-seen&columns=name&columns=ip&density=compact&at=2026-11-01&limit=7&facets=yes&after=x",
            "state=in-doubt&severity=unknown&new=2026-11-20&tag=%22%3E%3Cscript%3E",
        ] {
            let query = Query::parse(text).unwrap();
            assert_eq!(Query::parse(&query.to_string()).unwrap(), query);
        }
        let query = Query::parse("zone=icu&q=a&zone=er&columns=ip&limit=3").unwrap();
        assert_eq!(query.selection(), "q=a&zone=er&zone=icu");
        assert_eq!(Query::parse("q=&zone=&limit=").unwrap(), Query::default(), "an empty form");
        assert!(Query::parse("severity=none").unwrap().has(Facet::Severity, UNKNOWN));
        assert_eq!(query.toggled(Facet::Zone, "er").toggled(Facet::Zone, "icu").selection(), "q=a");
    }

    #[test]
    fn what_is_no_query_is_refused_with_the_way_out() {
        for (text, says) in [
            ("zoen=icu", "there is no parameter \"zoen\""),
            ("zoen=", "manufacturer"),
            ("limit=0", "from 1 to 500"),
            ("limit=501", "from 1 to 500"),
            ("sort=colour", "last-seen"),
            ("columns=x", "one of name"),
            ("state=good", "in-doubt"),
            ("vlan=4095", "1 to 4094"),
            ("protocol=gopher", "dicom"),
            ("behind=me", "d- and 16"),
            ("new=soon", "a date"),
            ("seen=ever", "older"),
            ("density=dense", "compact"),
        ] {
            let Wrong(why) = Query::parse(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
        assert!(Query::parse(&format!("q={}", "a".repeat(201))).is_err());
        assert!(Query::parse(&"zone=a&".repeat(4_000)).is_err());
        let many: Vec<_> = (0..=VALUES_MAX).map(|n| format!("zone=z{n}")).collect();
        assert!(Query::parse(&many.join("&")).unwrap_err().0.contains("more than 64"));
    }
}
