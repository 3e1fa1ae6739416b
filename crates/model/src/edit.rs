//! An edit of many devices at once: one change, said of each of them by a person, that can be taken back.

use crate::tag::Tag;
use crate::words::{Invalid, Line};
use std::fmt;
use std::str::FromStr;

/// Devices of one edit.
pub const EDIT_DEVICES_MAX: usize = 10_000;
/// Characters of a name, a place, an asset tag or a zone that a person gives.
pub const WORD_CHARS_MAX: usize = 200;
/// Characters of a custom field's name.
pub const CUSTOM_CHARS_MAX: usize = 40;

/// Name of a field of the hospital's own: `x-` and lower-case letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomName(String);

impl CustomName {
    /// What a name is made of, as a pattern for documentation.
    pub const PATTERN: &'static str = "^x-[a-z0-9-]{1,38}$";

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CustomName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let own = text.strip_prefix("x-").filter(|own| !own.is_empty() && own.bytes().all(fits));
        match own.filter(|_| text.len() <= CUSTOM_CHARS_MAX) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(Invalid::quoting(
                "field",
                text,
                "is no field of your own: write x- and letters (a to z), digits or -, such as x-cost-centre",
            )),
        }
    }
}

/// What is said of each device. For what has one value, `None` takes back what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditChange {
    /// It has this tag.
    AddTag(Tag),
    /// It has not this tag.
    RemoveTag(Tag),
    /// What it is called. Of one device only.
    Name(Option<Line<WORD_CHARS_MAX>>),
    /// Its zone, whatever its addresses say.
    Zone(Option<Line<WORD_CHARS_MAX>>),
    /// Where it is.
    Location(Option<Line<WORD_CHARS_MAX>>),
    /// Its asset tag.
    AssetId(Option<Line<WORD_CHARS_MAX>>),
    /// Somebody has looked at it and accepts it; `false` takes that back.
    Accept(bool),
    /// A field of the hospital's own.
    Custom(CustomName, Option<Line<WORD_CHARS_MAX>>),
}

impl EditChange {
    /// The kinds, as forms and the API name them; a custom field is named by itself.
    pub const KINDS: [&'static str; 8] =
        ["add-tag", "remove-tag", "name", "zone", "location", "asset-id", "accept", "unaccept"];

    /// The change of that kind with that value; for what has one value, an empty one takes back what was said.
    ///
    /// # Errors
    /// [`Invalid`] names the field.
    pub fn new(kind: &str, value: &str) -> Result<Self, Invalid> {
        let word = || Line::optional("value", value);
        Ok(match kind {
            "add-tag" => Self::AddTag(value.parse()?),
            "remove-tag" => Self::RemoveTag(value.parse()?),
            "name" => Self::Name(word()?),
            "zone" => Self::Zone(word()?),
            "location" => Self::Location(word()?),
            "asset-id" => Self::AssetId(word()?),
            "accept" => Self::Accept(nothing(value, true)?),
            "unaccept" => Self::Accept(nothing(value, false)?),
            custom if custom.starts_with("x-") => Self::Custom(custom.parse()?, word()?),
            other => {
                let why = format!(
                    "is no change: write one of {}, or x- and a name of your own",
                    Self::KINDS.join(", ")
                );
                return Err(Invalid::quoting("change", other, &why));
            }
        })
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        match self {
            Self::AddTag(_) => "add-tag",
            Self::RemoveTag(_) => "remove-tag",
            Self::Name(_) => "name",
            Self::Zone(_) => "zone",
            Self::Location(_) => "location",
            Self::AssetId(_) => "asset-id",
            Self::Accept(true) => "accept",
            Self::Accept(false) => "unaccept",
            Self::Custom(name, _) => name.as_str(),
        }
    }

    /// Its value; empty for none.
    pub fn value(&self) -> &str {
        match self {
            Self::AddTag(tag) | Self::RemoveTag(tag) => tag.as_str(),
            Self::Name(word)
            | Self::Zone(word)
            | Self::Location(word)
            | Self::AssetId(word)
            | Self::Custom(_, word) => word.as_ref().map_or("", Line::as_str),
            Self::Accept(_) => "",
        }
    }

    /// In words: `add tag icu`.
    pub fn words(&self) -> String {
        match (self.kind(), self.value()) {
            ("accept", _) => "accept as reviewed".to_owned(),
            ("unaccept", _) => "take back that it was reviewed".to_owned(),
            ("add-tag", tag) => format!("add tag {tag}"),
            ("remove-tag", tag) => format!("remove tag {tag}"),
            (kind, "") => format!("take back what was said of {kind}"),
            (kind, value) => format!("set {kind} to {value}"),
        }
    }
}

fn nothing(value: &str, accept: bool) -> Result<bool, Invalid> {
    match value.trim().is_empty() {
        true => Ok(accept),
        false => Err(Invalid::new("value", "is not needed here: leave it empty")),
    }
}

/// As the store keeps it: kind, `|`, value.
impl fmt::Display for EditChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.kind(), self.value())
    }
}

impl FromStr for EditChange {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (kind, value) = text.split_once('|').unwrap_or((text, ""));
        Self::new(kind, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_said_in_words() {
        let words = |kind, value| EditChange::new(kind, value).unwrap().words();
        assert_eq!(words("add-tag", "ICU"), "add tag icu");
        assert_eq!(words("zone", ""), "take back what was said of zone");
        assert_eq!(words("x-cost-centre", "4711"), "set x-cost-centre to 4711");
        for (kind, value) in [
            ("add-tag", ""),
            ("accept", "yes"),
            ("x-", "1"),
            ("x-A", "1"),
            ("colour", "red"),
            ("name", "a\nb"),
        ] {
            assert!(EditChange::new(kind, value).is_err(), "{kind} {value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn shown_and_read_is_the_same(kind in "(add-tag|remove-tag|name|zone|location|asset-id|accept|unaccept|x-[a-z]{1,3}|.{0,5})", value in "[A-Za-z| ]{0,8}|.{0,8}") {
            if let Ok(change) = EditChange::new(&kind, &value) {
                proptest::prop_assert_eq!(change.to_string().parse::<EditChange>().unwrap(), change);
            }
        }
    }
}
