//! A word that people give to devices, to find them again.

use crate::words::Invalid;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Characters of a tag.
pub const TAG_CHARS_MAX: usize = 40;
/// Tags that one device has at most.
pub const TAGS_MAX: usize = 32;

/// A tag: lower-case letters, digits, `-`, `_`, `.` and `:`, without blanks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// What a tag may be written as, as a pattern for documentation; upper case becomes lower case.
    pub const PATTERN: &'static str = "^[A-Za-z0-9_.:-]{1,40}$";

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let tag = text.trim().to_ascii_lowercase();
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.:".contains(&b);
        if (1..=TAG_CHARS_MAX).contains(&tag.len()) && tag.bytes().all(fits) {
            return Ok(Self(tag));
        }
        let why = "is no tag: write 1 to 40 letters (a to z), digits, - _ . or :, without blanks";
        Err(Invalid::quoting("tag", text, why))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_short_words() {
        assert_eq!(" ICU:Bed-3 ".parse::<Tag>().unwrap().as_str(), "icu:bed-3");
        for text in ["", " ", "a b", "größe", "a|b", "a,b", &"a".repeat(41)] {
            assert!(text.parse::<Tag>().is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn shown_and_read_is_the_same(text in ".{0,42}") {
            if let Ok(tag) = text.parse::<Tag>() {
                proptest::prop_assert_eq!(tag.to_string().parse::<Tag>().unwrap(), tag);
            }
        }
    }
}
