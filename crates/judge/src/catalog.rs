//! What judgements lean on beside the records: registries and the site's own settings. Later capabilities add their
//! data here. Loading and validating is the caller's; nothing is read from disk here.

use crate::inventory::{SiteNetworks, VendorRegistry};

/// The knowledge a verdict is made with.
#[derive(Debug)]
pub struct Catalog {
    /// Who made which network interface.
    pub vendors: VendorRegistry,
    /// Public networks that are the site's own.
    pub networks: SiteNetworks,
    /// SHA-256 over everything the catalog was made of, computed by who loaded it; verdicts carry it.
    pub hash: [u8; 32],
}
