//! What people write in a field: one line, or several; bounded, and without characters that act instead of being read.
//!
//! It must not judge what the words mean. Control characters and bidirectional overrides (Unicode TR36 §3.2) are refused.

use serde::Serialize;
use std::fmt;

/// Characters of the name of a view, a report, a window.
pub const NAME_CHARS_MAX: usize = 100;
/// Characters of a person's name or account.
pub const PERSON_CHARS_MAX: usize = 100;
/// Characters of a title or a ticket.
pub const TITLE_CHARS_MAX: usize = 200;
/// Characters of a reason or a detail.
pub const REASON_CHARS_MAX: usize = 2_000;
/// Characters of an offending input that a message quotes.
const QUOTED_CHARS_MAX: usize = 40;

/// Something is not as it must be: which field, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The field, as forms and the API name it.
    pub field: &'static str,
    /// What is wrong, and what to write instead.
    pub why: String,
}

impl Invalid {
    /// `field` is wrong because of `why`.
    pub fn new(field: &'static str, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }

    /// `field` is wrong; its start is quoted before `why`.
    pub(crate) fn quoting(field: &'static str, text: &str, why: &str) -> Self {
        let mut shown: String = text.chars().take(QUOTED_CHARS_MAX).flat_map(char::escape_debug).collect();
        if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
            shown.push('…');
        }
        Self::new(field, format!("\"{shown}\" {why}"))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

impl std::error::Error for Invalid {}

/// One line of at least one and at most `MAX` characters, without blanks around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Line<const MAX: usize>(String);

/// Some lines of at least one and at most `MAX` characters together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Prose<const MAX: usize>(String);

impl<const MAX: usize> Line<MAX> {
    /// The line that somebody wrote into `field`.
    ///
    /// # Errors
    /// [`Invalid`] when it is empty, too long, or has characters that a line has not.
    pub fn new(field: &'static str, text: &str) -> Result<Self, Invalid> {
        checked(field, text.trim(), MAX, |_| false).map(|text| Self(text.to_owned()))
    }

    /// The line, or nothing where nothing but blanks was written.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn optional(field: &'static str, text: &str) -> Result<Option<Self>, Invalid> {
        if text.trim().is_empty() { Ok(None) } else { Self::new(field, text).map(Some) }
    }

    /// A line that was checked before it was stored.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Prose<MAX> {
    /// The text that somebody wrote into `field`; line ends become `\n`.
    ///
    /// # Errors
    /// [`Invalid`] when it is empty, too long, or has characters that text has not.
    pub fn new(field: &'static str, text: &str) -> Result<Self, Invalid> {
        // What a browser's text area sends.
        let text = text.replace("\r\n", "\n");
        checked(field, text.trim(), MAX, |c| matches!(c, '\n' | '\t')).map(|text| Self(text.to_owned()))
    }

    /// The text, or nothing where nothing but blanks was written.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn optional(field: &'static str, text: &str) -> Result<Option<Self>, Invalid> {
        if text.trim().is_empty() { Ok(None) } else { Self::new(field, text).map(Some) }
    }

    /// A text that was checked before it was stored.
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Display for Prose<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn checked<'t>(
    field: &'static str,
    text: &'t str,
    max: usize,
    allowed: fn(char) -> bool,
) -> Result<&'t str, Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(field, "is empty: write something"));
    }
    if text.chars().nth(max).is_some() {
        return Err(Invalid::new(field, format!("is longer than {max} characters: shorten it")));
    }
    if let Some(bad) = text.chars().find(|c| acts(*c) && !allowed(*c)) {
        let why = format!("has the character {}, which cannot be seen: leave it out", bad.escape_unicode());
        return Err(Invalid::new(field, why));
    }
    Ok(text)
}

/// Whether a character does something to its neighbours or to a terminal instead of being read.
pub(crate) fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_single_bounded_and_visible() {
        assert_eq!(Line::<5>::new("title", "  größe ").unwrap().as_str(), "größe");
        for text in ["", "   ", "123456", "a\nb", "a\0b", "a\u{202e}b", "\u{1b}[31m"] {
            let error = Line::<5>::new("title", text).unwrap_err();
            assert_eq!(error.field, "title", "{text:?}");
        }
        assert_eq!(Line::<5>::optional("title", " ").unwrap(), None);
        assert_eq!(Prose::<9>::new("body", "a\r\nb\tc\n").unwrap().as_str(), "a\nb\tc");
        assert!(Prose::<9>::new("body", "a\rb").is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_was_accepted_is_accepted_again(text in ".{0,12}") {
            if let Ok(line) = Line::<10>::new("x", &text) {
                proptest::prop_assert_eq!(Line::<10>::new("x", line.as_str()).unwrap(), line);
            }
            if let Ok(prose) = Prose::<10>::new("x", &text) {
                proptest::prop_assert_eq!(Prose::<10>::new("x", prose.as_str()).unwrap(), prose);
            }
        }
    }
}
