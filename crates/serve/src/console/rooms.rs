//! The rooms in the left rail, in their order. A room appears when it works.

use crate::house::House;

/// A room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// What needs me.
    Now,
    /// Which devices are there.
    Devices,
    /// Who talks to whom.
    Network,
    /// That it is so.
    Prove,
    /// How Ward is set.
    Settings,
}

impl Room {
    /// All of them, in the order of the rail.
    pub(crate) const ALL: [Self; 5] = [Self::Now, Self::Devices, Self::Network, Self::Prove, Self::Settings];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::Devices => "Devices",
            Self::Network => "Network",
            Self::Prove => "Prove",
            Self::Settings => "Settings",
        }
    }

    /// Its first page.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Now => "/",
            Self::Devices => "/devices",
            Self::Network => "/network",
            Self::Prove => "/prove",
            Self::Settings => "/settings",
        }
    }

    /// The key after `g` that goes there.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Now => "n",
            Self::Devices => "d",
            Self::Network => "w",
            Self::Prove => "p",
            Self::Settings => "s",
        }
    }

    /// Its further pages, by name and path.
    pub(crate) fn pages(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Now => &[("Findings", "/findings"), ("Tasks", "/tasks")],
            Self::Devices => &[("Edits", "/edits")],
            Self::Network => &[("Zones", "/settings/zones")],
            Self::Prove => {
                &[("Entries", "/prove/entries"), ("Reports", "/reports"), ("Saved views", "/views")]
            }
            Self::Settings => &[
                ("What is stored", "/settings/stored"),
                ("Retention", "/settings/retention"),
                ("Mirror ports", "/help/mirror"),
            ],
        }
    }

    /// What is counted in the rail, where a number says something.
    pub(crate) fn count(self, house: &House) -> Option<u64> {
        match self {
            Self::Devices => Some(house.inventory.len() as u64),
            Self::Now | Self::Network | Self::Prove | Self::Settings => None,
        }
    }
}
