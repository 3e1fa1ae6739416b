//! Signed and sealed things: what others can verify, and what only this site can open.
//!
//! Pure: no files, sockets, clock or randomness. Bytes, keys, times and entropy are passed in; the shells carry the results out.

pub mod tlog;
