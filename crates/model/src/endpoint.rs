//! Who spoke: an address means nothing without the domain and VLAN it was seen in (hospitals reuse 10/8).

use crate::MacAddr;
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr};

macro_rules! numbered_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
    };
}

numbered_id! {
    /// A hospital or clinic with one time zone. The name belongs to configuration.
    SiteId
}
numbered_id! {
    /// One listening point: an interface or a capture file.
    SensorId
}
numbered_id! {
    /// A routing realm in which IP addresses are unique; overlapping 10/8 networks get one each.
    DomainId
}

/// IEEE 802.1Q VLAN identifier, 1–4094. With QinQ the inner (customer) tag counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vlan(u16);

impl Vlan {
    /// `None` for 0 (priority tag only) and 4095 (reserved).
    pub const fn new(id: u16) -> Option<Self> {
        if id == 0 || id > 4094 { None } else { Some(Self(id)) }
    }

    /// The identifier, 1–4094.
    pub const fn id(self) -> u16 {
        self.0
    }
}

/// The address half of an [`EndpointKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// The link address: used wherever the sender is on the captured link.
    Mac(MacAddr),
    /// The network address: used behind a router, or where the capture has no link layer.
    Ip(IpAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => mac.fmt(f),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

/// The key of every record: (site, address domain, VLAN, MAC or IP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EndpointKey {
    /// Where the sensor stands.
    pub site: SiteId,
    /// The routing realm of `address`.
    pub domain: DomainId,
    /// The VLAN of the frame, when it was tagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<Vlan>,
    /// The address itself.
    pub address: Address,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_vlans_are_vlans() {
        assert_eq!(Vlan::new(0), None);
        assert_eq!(Vlan::new(4095), None);
        assert_eq!(Vlan::new(20).map(Vlan::id), Some(20));
    }
}
