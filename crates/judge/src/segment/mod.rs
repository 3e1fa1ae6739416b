//! Which zone a device is in, which zones a network seems to have, and what a change of zones would do.
//!
//! Pure: rules and addresses in, verdicts and plans out. It must not move a device that a person placed: that is a claim of its
//! own, which whoever calls puts first.

mod change;
mod place;
mod propose;
#[cfg(test)]
mod tests;

pub use change::{Wanted, ZoneChange, apply, import};
pub use place::{Placement, Rules, Zoned};
pub use propose::{Evidence, Proposal, Relay, Seen, propose};

/// Most zones of a site.
pub const ZONES_MAX: usize = 1_000;
/// Most rules of a site, of all its zones together.
pub const RULES_MAX: usize = 10_000;
