//! Records → verdicts and plans. A folder per capability, each pure: state, input and `now` in, new state and effects out.
//!
//! No bytes of the wire, no SQL, no files, no clock here. Every verdict says why.

pub mod inventory;
