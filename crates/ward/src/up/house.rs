//! The house that pages and API are given: the site as configured, what the core publishes, and the ways to read and to write.

use super::desk::CoreDesk;
use super::office::Office;
use crate::config::Config;
use crate::core::Rooms;
use crate::core::run::Handle;
use crate::zone_file;
use serve::House;
use serve::house::{SiteInfo, SourceInfo};
use serve::when::Zone;
use std::sync::Arc;
use store::Readers;

/// What the core fills and pages show, empty.
pub(super) fn rooms(config: &Config) -> Rooms {
    let zone = zone(&config.site.time_zone);
    Rooms { inventory: Arc::default(), network: Arc::default(), stream: Arc::default(), zone }
}

/// The house over what runs.
pub(super) fn furnish(
    config: &Config,
    rooms: Rooms,
    readers: &Arc<Readers>,
    core: &Handle,
    office: &Arc<Office>,
) -> House {
    let desk = Arc::new(CoreDesk(core.clone()));
    let Rooms { inventory, network, stream, zone } = rooms;
    House::new(site(config, zone), (inventory, network), Arc::clone(readers), desk, office.clone(), stream)
}

/// The site as configured.
fn site(config: &Config, zone: Zone) -> SiteInfo {
    let interfaces = config.listen.iter().map(|listen| ("interface", listen.interface.clone()));
    let folders = config.watch.iter().map(|watch| ("folder", watch.folder.display().to_string()));
    SiteInfo {
        id: config.site.id,
        name: config.site.name.clone(),
        zone,
        notice: None,
        sources: interfaces.chain(folders).map(|(kind, name)| SourceInfo { kind, name }).collect(),
        origin: config.ledger.origin.clone(),
    }
}

/// The zone of that name; UTC where the system does not know it.
fn zone(name: &str) -> Zone {
    zone_file::read(name).and_then(|bytes| Zone::tzif(name, &bytes)).unwrap_or(Zone::UTC)
}
