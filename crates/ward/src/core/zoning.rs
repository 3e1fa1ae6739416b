//! The zones of the site and their rules, in memory: which zone the addresses of a device put it into.

use model::SiteId;
use std::net::IpAddr;
use store::StoreError;
use store::db::Db;

/// The rules in force.
#[derive(Default)]
pub(super) struct Zoning;

impl Zoning {
    /// Those of a site.
    pub(super) fn read(_db: &mut Db, _site: SiteId) -> Result<Self, StoreError> {
        Ok(Self)
    }

    /// The zone by rules; `None`: unzoned.
    pub(super) fn zone_of(&self, _ips: &[IpAddr], _vlans: &[u16]) -> Option<String> {
        None
    }
}
