//! What devices can be told apart by: each facet, its values for a device, and the words for it.

use super::entry::{Entry, Text};
use model::Protocol;
use smol_str::format_smolstr;

/// A facet: a filter with counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// Known, in doubt, unknown.
    State,
    /// Its class.
    Class,
    /// Its zone.
    Zone,
    /// Severities of its open findings.
    Severity,
    /// Accepted by somebody or not.
    Review,
    /// When it was last seen.
    Seen,
    /// Since when it is there.
    New,
    /// Type that it announces.
    Kind,
    /// Maker, in its own words.
    Manufacturer,
    /// Maker of its interface.
    Vendor,
    /// Tags people gave it.
    Tag,
    /// VLANs it was seen in.
    Vlan,
    /// Protocols it took part in.
    Protocol,
    /// Whether it sent patient data in clear.
    Phi,
    /// Whether it forwards for others.
    Router,
    /// The device it is reached through.
    Behind,
}

/// The word in a query for devices that have no value; `none` is read as the same.
pub const UNKNOWN: &str = "unknown";

impl Facet {
    /// All, in the order pages show them.
    pub const ALL: [Self; 16] = [
        Self::State,
        Self::Class,
        Self::Zone,
        Self::Severity,
        Self::Review,
        Self::Seen,
        Self::New,
        Self::Kind,
        Self::Manufacturer,
        Self::Vendor,
        Self::Tag,
        Self::Vlan,
        Self::Protocol,
        Self::Phi,
        Self::Router,
        Self::Behind,
    ];

    /// Its name in queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Class => "class",
            Self::Zone => "zone",
            Self::Severity => "severity",
            Self::Review => "review",
            Self::Seen => "seen",
            Self::New => "new",
            Self::Kind => "kind",
            Self::Manufacturer => "manufacturer",
            Self::Vendor => "vendor",
            Self::Tag => "tag",
            Self::Vlan => "vlan",
            Self::Protocol => "protocol",
            Self::Phi => "phi",
            Self::Router => "router",
            Self::Behind => "behind",
        }
    }

    /// What pages call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::State => "Identity",
            Self::Class => "Class",
            Self::Zone => "Zone",
            Self::Severity => "Findings",
            Self::Review => "Review",
            Self::Seen => "Last seen",
            Self::New => "New since",
            Self::Kind => "Type",
            Self::Manufacturer => "Maker",
            Self::Vendor => "Interface maker",
            Self::Tag => "Tag",
            Self::Vlan => "VLAN",
            Self::Protocol => "Protocol",
            Self::Phi => "Patient data in clear",
            Self::Router => "Router",
            Self::Behind => "Behind",
        }
    }

    /// What pages call having no value.
    pub const fn nothing(self) -> &'static str {
        match self {
            Self::Zone => "unzoned",
            Self::Severity => "no open finding",
            Self::Tag => "no tag",
            Self::Vlan => "no VLAN seen",
            Self::Behind => "not behind another",
            _ => UNKNOWN,
        }
    }

    /// Having no value means that Ward does not know; for others it is an answer.
    pub const fn is_unknown_when_nothing(self) -> bool {
        !matches!(self, Self::Severity | Self::Tag | Self::Behind)
    }

    /// The only values it can have; empty: any.
    pub const fn values(self) -> &'static [&'static str] {
        match self {
            Self::State => &["known", "in-doubt", UNKNOWN],
            Self::Severity => &["critical", "high", "medium", "low", UNKNOWN],
            Self::Review => &["accepted", "unreviewed"],
            Self::Seen => &["hour", "day", "week", "older"],
            Self::New => &["today", "week", "month"],
            Self::Phi | Self::Router => &["yes", "no"],
            _ => &[],
        }
    }

    /// It depends on the clock, so that rows keep times instead of values.
    pub(super) const fn is_of_time(self) -> bool {
        matches!(self, Self::Seen | Self::New)
    }

    /// The facet of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|facet| facet.name() == name)
    }

    /// Its values for a device; none: nothing is known, or there is nothing.
    pub(super) fn of(self, entry: &Entry) -> Vec<Text> {
        let one = |text: &Option<Text>| text.iter().cloned().collect();
        let word = |word: &'static str| vec![Text::new_static(word)];
        let yes = |yes: bool| word(if yes { "yes" } else { "no" });
        match self {
            Self::State if entry.is_in_doubt() => word("in-doubt"),
            Self::State if entry.is_known() => word("known"),
            Self::State | Self::Seen | Self::New => Vec::new(),
            Self::Class => one(&entry.class),
            Self::Zone => one(&entry.zone),
            Self::Severity => severities(entry),
            Self::Review => word(if entry.reviewed { "accepted" } else { "unreviewed" }),
            Self::Kind => one(&entry.kind),
            Self::Manufacturer => one(&entry.manufacturer),
            Self::Vendor => one(&entry.vendor),
            Self::Tag => entry.tags.clone(),
            Self::Vlan => entry.vlans.iter().map(|vlan| format_smolstr!("{vlan}")).collect(),
            Self::Protocol => {
                entry.protocols.iter().map(|protocol| Text::new_static(protocol.name())).collect()
            }
            Self::Phi => yes(entry.phi_in_clear),
            Self::Router => yes(entry.is_router),
            Self::Behind => entry.behind.iter().map(|device| format_smolstr!("{device}")).collect(),
        }
    }

    /// Whether two states of a device have the same values, without making them.
    pub(super) fn is_same(self, a: &Entry, b: &Entry) -> bool {
        match self {
            Self::State => (a.is_in_doubt(), a.is_known()) == (b.is_in_doubt(), b.is_known()),
            Self::Class => a.class == b.class,
            Self::Zone => a.zone == b.zone,
            Self::Severity => a.findings == b.findings,
            Self::Review => a.reviewed == b.reviewed,
            Self::Seen | Self::New => true,
            Self::Kind => a.kind == b.kind,
            Self::Manufacturer => a.manufacturer == b.manufacturer,
            Self::Vendor => a.vendor == b.vendor,
            Self::Tag => a.tags == b.tags,
            Self::Vlan => a.vlans == b.vlans,
            Self::Protocol => a.protocols == b.protocols,
            Self::Phi => a.phi_in_clear == b.phi_in_clear,
            Self::Router => a.is_router == b.is_router,
            Self::Behind => a.behind == b.behind,
        }
    }

    /// How a value is written for people.
    pub fn label(self, value: &str) -> Text {
        match (self, value) {
            (_, UNKNOWN) => Text::new_static(self.nothing()),
            (Self::State, "in-doubt") => Text::new_static("in doubt"),
            (Self::Seen, "hour") => Text::new_static("within the hour"),
            (Self::Seen, "day") => Text::new_static("within a day"),
            (Self::Seen, "week") => Text::new_static("within a week"),
            (Self::Seen, "older") => Text::new_static("longer ago"),
            (Self::New, "today") => Text::new_static("today"),
            (Self::New, "week") => Text::new_static("within 7 days"),
            (Self::New, "month") => Text::new_static("within 30 days"),
            (Self::Protocol, name) => {
                let known = Protocol::ALL.iter().find(|protocol| protocol.name() == name);
                known.map_or_else(|| name.into(), |protocol| Text::new_static(protocol.title()))
            }
            _ => value.into(),
        }
    }
}

fn severities(entry: &Entry) -> Vec<Text> {
    let counts = [entry.findings.critical, entry.findings.high, entry.findings.medium, entry.findings.low];
    let named = model::Severity::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0);
    named.map(|(severity, _)| Text::new_static(severity.name())).collect()
}
