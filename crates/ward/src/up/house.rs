//! The house that pages and API are given: the site as configured, what the core publishes, and the ways to read and to write.

use super::desk::CoreDesk;
use super::office::Office;
use crate::config::Config;
use crate::core::run::Handle;
use crate::zone_file;
use serve::House;
use serve::house::{SiteInfo, SourceInfo};
use serve::inventory::Inventory;
use serve::network::Network;
use serve::stream::Stream;
use serve::when::Zone;
use std::sync::Arc;
use store::Readers;

/// What the core fills and pages show.
#[derive(Clone, Default)]
pub(super) struct Rooms {
    pub(super) inventory: Arc<Inventory>,
    pub(super) network: Arc<Network>,
    pub(super) stream: Arc<Stream>,
}

/// The house over what runs.
pub(super) fn furnish(
    config: &Config,
    notice: Option<String>,
    rooms: Rooms,
    readers: &Arc<Readers>,
    core: &Handle,
    office: &Arc<Office>,
) -> House {
    let desk = Arc::new(CoreDesk(core.clone()));
    let Rooms { inventory, network, stream } = rooms;
    House::new(
        SiteInfo { notice, ..site(config) },
        (inventory, network),
        Arc::clone(readers),
        desk,
        office.clone(),
        stream,
    )
}

/// The site as configured.
pub(super) fn site(config: &Config) -> SiteInfo {
    let interfaces = config.listen.iter().map(|listen| ("interface", listen.interface.clone()));
    let folders = config.watch.iter().map(|watch| ("folder", watch.folder.display().to_string()));
    SiteInfo {
        id: config.site.id,
        name: config.site.name.clone(),
        zone: zone(&config.site.time_zone),
        notice: None,
        sources: interfaces.chain(folders).map(|(kind, name)| SourceInfo { kind, name }).collect(),
        origin: config.ledger.origin.clone(),
    }
}

/// The zone of that name; UTC where the system does not know it.
pub(super) fn zone(name: &str) -> Zone {
    zone_file::read(name).and_then(|bytes| Zone::tzif(name, &bytes)).unwrap_or(Zone::UTC)
}
