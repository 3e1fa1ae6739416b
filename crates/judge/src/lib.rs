//! Records → verdicts and plans. A folder per capability, each pure: state, input and `now` in, new state and effects out.
//!
//! [`step`] folds one record into what is known of one endpoint; [`site`] draws the devices of a whole site. No bytes of
//! the wire, no SQL, no files, no clock here. Every verdict says why.

pub mod catalog;
pub mod inventory;
pub mod segment;
pub mod site;
pub mod step;

pub use catalog::Catalog;

#[cfg(test)]
mod made_up;

/// Measurements, which run when asked for.
#[cfg(test)]
mod speed {
    mod tests;
}
