//! Documents ⇄ records: what others export and what we hand out. A module per document.
//!
//! Pure and bounded: bytes in, records or a list of what is wrong out, for any bytes. It must not know what Ward holds: whether a
//! record can be followed is for `judge` to say.
#![forbid(unsafe_code)]

pub mod zones;
