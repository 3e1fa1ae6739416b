//! placeholder until merged
use model::MacAddr;
/// x
#[derive(Debug, Default)]
pub struct VendorRegistry;
impl VendorRegistry {
    /// x
    pub fn vendor(&self, _mac: MacAddr) -> Option<&str> { None }
}
