//! The knowledge built into the program, loaded.

use judge::Catalog;
use judge::inventory::vendor::LoadError;
use judge::inventory::{SiteNetworks, VendorRegistry};
use sha2::{Digest as _, Sha256};

/// The IEEE registry of link addresses (third_party/ieee-oui).
pub(crate) const OUI: &str = include_str!("../../../third_party/ieee-oui/oui.tsv");

/// The catalog of this build for a site with these networks of its own.
///
/// # Errors
/// When a built-in file is damaged.
pub fn load(networks: SiteNetworks) -> Result<Catalog, LoadError> {
    let vendors = VendorRegistry::load(OUI)?;
    Ok(Catalog { vendors, networks, hash: Sha256::digest(OUI).into() })
}
