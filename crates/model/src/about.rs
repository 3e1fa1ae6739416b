//! What a task, a note, an exception or a window is about.

use crate::DeviceId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What something is about, written `site`, `device|d-0123456789abcdef`, `finding|12` or `zone|3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// The site as a whole.
    Site,
    /// A device.
    Device(DeviceId),
    /// A finding, by its number.
    Finding(i64),
    /// A zone, by its number.
    Zone(i64),
}

/// The text is none of the forms that [`About`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAbout;

impl fmt::Display for NotAbout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write site, device|d-0123456789abcdef, finding|12 or zone|3")
    }
}

impl std::error::Error for NotAbout {}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site => f.write_str("site"),
            Self::Device(device) => write!(f, "device|{device}"),
            Self::Finding(number) => write!(f, "finding|{number}"),
            Self::Zone(number) => write!(f, "zone|{number}"),
        }
    }
}

impl FromStr for About {
    type Err = NotAbout;

    fn from_str(text: &str) -> Result<Self, NotAbout> {
        let number = |digits: &str| digits.parse().ok().filter(|number: &i64| *number > 0).ok_or(NotAbout);
        let about = match text.split_once('|') {
            None if text == "site" => Self::Site,
            Some(("device", id)) => Self::Device(id.parse().map_err(|_| NotAbout)?),
            Some(("finding", digits)) => Self::Finding(number(digits)?),
            Some(("zone", digits)) => Self::Zone(number(digits)?),
            _ => return Err(NotAbout),
        };
        // One spelling each, so that what is stored can be compared.
        Some(about).filter(|about| about.to_string() == text).ok_or(NotAbout)
    }
}

impl Serialize for About {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for About {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_each() {
        for text in ["site", "device|d-00f1c2d3a4b5c6d7", "finding|12", "zone|3"] {
            assert_eq!(text.parse::<About>().unwrap().to_string(), text);
        }
        for text in
            ["", "Site", "device", "device|12", "device|d-1", "finding|0", "finding|-1", "zone|+3", "zone|03"]
        {
            assert_eq!(text.parse::<About>(), Err(NotAbout), "{text:?}");
        }
    }
}
