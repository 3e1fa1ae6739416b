//! The columns that lists of devices can show and be sorted by.

use super::entry::{Entry, Text};
use super::facet::Facet;
use smol_str::format_smolstr;

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Best name.
    Name,
    /// First network address.
    Ip,
    /// First link address.
    Mac,
    /// What it says it is, in one line.
    Says,
    /// Class.
    Class,
    /// Type that it announces.
    Kind,
    /// Maker.
    Manufacturer,
    /// Model.
    Model,
    /// Zone.
    Zone,
    /// Where it is.
    Location,
    /// Known, in doubt, unknown.
    State,
    /// Open findings, worst first.
    Findings,
    /// Newest frame.
    LastSeen,
    /// First frame.
    FirstSeen,
    /// Accepted by somebody or not.
    Review,
    /// Tags.
    Tags,
    /// Serial number.
    Serial,
    /// Asset tag.
    Asset,
    /// Software and version.
    Software,
    /// Operating system.
    Os,
    /// Maker of its interface.
    Vendor,
    /// VLANs.
    Vlans,
    /// Protocols.
    Protocols,
    /// Patient data in clear.
    Phi,
    /// Forwards for others.
    Router,
    /// Reached through another.
    Behind,
}

/// How rows are put in order by a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By a text: the place of it among [`Column::TEXTS`].
    Text(usize),
    /// By the values of a facet.
    Facet(Facet),
    /// By the first network address.
    Ip,
    /// By a number that rows keep.
    Number(Number),
}

/// A number that rows keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Mac,
    Findings,
    FirstSeen,
    LastSeen,
}

impl Column {
    /// All, in the order of tables.
    pub const ALL: [Self; 26] = [
        Self::Name,
        Self::Ip,
        Self::Mac,
        Self::Says,
        Self::Class,
        Self::Kind,
        Self::Manufacturer,
        Self::Model,
        Self::Zone,
        Self::Location,
        Self::State,
        Self::Findings,
        Self::LastSeen,
        Self::FirstSeen,
        Self::Review,
        Self::Tags,
        Self::Serial,
        Self::Asset,
        Self::Software,
        Self::Os,
        Self::Vendor,
        Self::Vlans,
        Self::Protocols,
        Self::Phi,
        Self::Router,
        Self::Behind,
    ];

    /// Those that are shown where nobody chose.
    pub const DEFAULT: [Self; 7] =
        [Self::Name, Self::Ip, Self::Says, Self::Zone, Self::Findings, Self::Tags, Self::LastSeen];

    /// Columns of free text.
    pub(super) const TEXTS: [Self; 8] = [
        Self::Name,
        Self::Says,
        Self::Model,
        Self::Serial,
        Self::Asset,
        Self::Software,
        Self::Os,
        Self::Location,
    ];

    /// Its name in queries and in heads of CSV.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Ip => "ip",
            Self::Mac => "mac",
            Self::Says => "says",
            Self::Class => "class",
            Self::Kind => "kind",
            Self::Manufacturer => "manufacturer",
            Self::Model => "model",
            Self::Zone => "zone",
            Self::Location => "location",
            Self::State => "state",
            Self::Findings => "findings",
            Self::LastSeen => "last-seen",
            Self::FirstSeen => "first-seen",
            Self::Review => "review",
            Self::Tags => "tags",
            Self::Serial => "serial",
            Self::Asset => "asset",
            Self::Software => "software",
            Self::Os => "os",
            Self::Vendor => "vendor",
            Self::Vlans => "vlans",
            Self::Protocols => "protocols",
            Self::Phi => "phi",
            Self::Router => "router",
            Self::Behind => "behind",
        }
    }

    /// What pages call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Name => "Device",
            Self::Ip => "IP address",
            Self::Mac => "MAC address",
            Self::Says => "What it says it is",
            Self::Class => "Class",
            Self::Kind => "Type",
            Self::Manufacturer => "Maker",
            Self::Model => "Model",
            Self::Zone => "Zone",
            Self::Location => "Location",
            Self::State => "Identity",
            Self::Findings => "Findings",
            Self::LastSeen => "Last seen",
            Self::FirstSeen => "First seen",
            Self::Review => "Review",
            Self::Tags => "Tags",
            Self::Serial => "Serial number",
            Self::Asset => "Asset tag",
            Self::Software => "Software",
            Self::Os => "Operating system",
            Self::Vendor => "Interface maker",
            Self::Vlans => "VLANs",
            Self::Protocols => "Protocols",
            Self::Phi => "Patient data in clear",
            Self::Router => "Router",
            Self::Behind => "Behind",
        }
    }

    /// The column of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// Newest and worst are asked for first.
    pub const fn begins_descending(self) -> bool {
        matches!(self, Self::Findings | Self::LastSeen | Self::FirstSeen)
    }

    pub(super) fn order(self) -> Order {
        if let Some(place) = Self::TEXTS.iter().position(|column| *column == self) {
            return Order::Text(place);
        }
        match self {
            Self::Mac => Order::Number(Number::Mac),
            Self::Findings => Order::Number(Number::Findings),
            Self::FirstSeen => Order::Number(Number::FirstSeen),
            Self::LastSeen => Order::Number(Number::LastSeen),
            Self::Class => Order::Facet(Facet::Class),
            Self::Kind => Order::Facet(Facet::Kind),
            Self::Manufacturer => Order::Facet(Facet::Manufacturer),
            Self::Zone => Order::Facet(Facet::Zone),
            Self::State => Order::Facet(Facet::State),
            Self::Review => Order::Facet(Facet::Review),
            Self::Tags => Order::Facet(Facet::Tag),
            Self::Vendor => Order::Facet(Facet::Vendor),
            Self::Vlans => Order::Facet(Facet::Vlan),
            Self::Protocols => Order::Facet(Facet::Protocol),
            Self::Phi => Order::Facet(Facet::Phi),
            Self::Router => Order::Facet(Facet::Router),
            Self::Behind => Order::Facet(Facet::Behind),
            _ => Order::Ip,
        }
    }

    /// The free text of a device in this column.
    pub(super) fn text(self, entry: &Entry) -> Option<&Text> {
        match self {
            Self::Name => entry.name.as_ref(),
            Self::Says => entry.says.as_ref(),
            Self::Model => entry.model.as_ref(),
            Self::Serial => entry.serial.as_ref(),
            Self::Asset => entry.asset.as_ref(),
            Self::Software => entry.software.as_ref(),
            Self::Os => entry.os.as_ref(),
            Self::Location => entry.location.as_ref(),
            _ => None,
        }
    }

    /// The cell as text for files: whole lists separated by blanks, times in RFC 3339, nothing where nothing is known.
    pub fn cell(self, entry: &Entry) -> Text {
        let joined = |words: &[String]| Text::from(words.join(" "));
        match self {
            Self::Ip => joined(&entry.ips.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Self::Mac => joined(&entry.macs.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Self::Findings => format_smolstr!("{}", entry.findings.total()),
            Self::FirstSeen => crate::when::rfc3339(entry.first_seen).into(),
            Self::LastSeen => crate::when::rfc3339(entry.last_seen).into(),
            Self::Tags => entry.tags.join(", ").into(),
            Self::State if !entry.is_in_doubt() && !entry.is_known() => {
                Text::new_static(super::facet::UNKNOWN)
            }
            _ => match self.order() {
                Order::Facet(facet) => facet.of(entry).join(" ").into(),
                _ => self.text(entry).cloned().unwrap_or_default(),
            },
        }
    }
}

impl Number {
    pub(super) fn of(self, entry: &Entry) -> u64 {
        match self {
            Self::Mac => entry
                .macs
                .first()
                .map_or(0, |mac| mac.octets().iter().fold(0, |n, o| (n << 8) | u64::from(*o))),
            Self::Findings => {
                let found = &entry.findings;
                let counts = [found.critical, found.high, found.medium, found.low];
                // No finding is a value, too: only 0 is none.
                1 + counts.iter().fold(0, |n, count| (n << 15) | u64::from((*count).min(0x7fff)))
            }
            Self::FirstSeen => entry.first_seen.as_nanos(),
            Self::LastSeen => entry.last_seen.as_nanos(),
        }
    }
}
