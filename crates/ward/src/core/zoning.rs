//! The zones of the site and their rules, in memory: which zone the addresses of a device put it into. `judge::segment` decides.

use judge::segment::Rules;
use model::{SiteId, Vlan};
use std::net::IpAddr;
use store::StoreError;
use store::db::Db;
use store::zones::SiteZones;

/// The rules in force.
#[derive(Default)]
pub(super) struct Zoning {
    rules: Rules,
}

impl Zoning {
    /// Those of a site.
    pub(super) fn read(db: &mut Db, site: SiteId) -> Result<Self, StoreError> {
        Ok(Self { rules: Rules::new(&SiteZones::read(db, site)?.nouns()) })
    }

    /// The zone by rules; `None`: unzoned.
    pub(super) fn zone_of(&self, ips: &[IpAddr], vlans: &[u16]) -> Option<String> {
        if self.rules.is_empty() {
            return None;
        }
        let vlans: Vec<Vlan> = vlans.iter().filter_map(|vlan| Vlan::new(*vlan)).collect();
        self.rules.zone_of(ips, &vlans).zone().map(ToString::to_string)
    }
}
