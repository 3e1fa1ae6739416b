//! A page with its filters, saved under a name. The URL is the state, so a view is a path and a query.

use crate::words::{Invalid, Line, NAME_CHARS_MAX};
use std::fmt;

/// Characters of a path.
const PATH_CHARS_MAX: usize = 100;
/// Characters of a query.
const QUERY_CHARS_MAX: usize = 2_000;

/// Path of a page of the console: `/devices`. INVARIANT: it begins with one `/` and leads nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PagePath(String);

/// What follows the `?` of a page's address, without it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageQuery(String);

impl PagePath {
    /// What a path is made of, as a pattern for documentation.
    pub const PATTERN: &'static str = "^/([a-z0-9_-]+(/[a-z0-9_-]+)*)?$";

    /// The path of a page.
    ///
    /// # Errors
    /// [`Invalid`] when it is no path of this console.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
        };
        let fits = text.len() <= PATH_CHARS_MAX
            && text.strip_prefix('/').is_some_and(|rest| rest.is_empty() || rest.split('/').all(is_word));
        match fits {
            true => Ok(Self(text.to_owned())),
            false => Err(Invalid::quoting("page", text, "is no page: write its path, such as /devices")),
        }
    }

    /// A path that was checked before it was stored.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PageQuery {
    /// The query of a page, with or without its `?`.
    ///
    /// # Errors
    /// [`Invalid`] when it is too long or no query.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let text = text.strip_prefix('?').unwrap_or(text);
        if text.len() > QUERY_CHARS_MAX {
            let why = format!("is longer than {QUERY_CHARS_MAX} characters: filter by less");
            return Err(Invalid::new("query", why));
        }
        let fits = |b: u8| b.is_ascii_graphic() && !b"\"#<>?`{}\\^".contains(&b);
        if !text.bytes().all(fits) {
            let why = "is no query: copy what stands behind the ? of the page's address";
            return Err(Invalid::quoting("query", text, why));
        }
        Ok(Self(text.to_owned()))
    }

    /// A query that was checked before it was stored.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// The query, without `?`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its name.
    pub name: Line<NAME_CHARS_MAX>,
    /// The page.
    pub page: PagePath,
    /// Its state.
    pub query: PageQuery,
}

impl View {
    /// The view of that name.
    ///
    /// # Errors
    /// [`Invalid`] names the field.
    pub fn new(name: &str, page: &str, query: &str) -> Result<Self, Invalid> {
        Ok(Self { name: Line::new("name", name)?, page: PagePath::new(page)?, query: PageQuery::new(query)? })
    }

    /// Where it leads.
    pub fn address(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.page.as_str())?;
        if !self.query.as_str().is_empty() {
            write!(f, "?{}", self.query.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_leads_to_a_page_of_ours() {
        let view = View::new("ICU", "/devices", "?zone=icu&sort=-seen").unwrap();
        assert_eq!(view.address(), "/devices?zone=icu&sort=-seen");
        assert_eq!(View::new("Now", "/", "").unwrap().address(), "/");
        for page in
            ["", "devices", "//evil.example", "/\\evil", "/a//b", "/a/", "/a?b", "/A", "/../x", "/a b"]
        {
            assert!(PagePath::new(page).is_err(), "{page:?}");
        }
        for query in ["a b", "a#b", "<script>", "a\nb", "ä=1", &"a".repeat(2_001)] {
            assert!(PageQuery::new(query).is_err(), "{query:?}");
        }
    }
}
