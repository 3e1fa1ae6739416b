//! TEMPLATE: a made-up protocol ("WTP"), compiled and tested, to copy from. `cargo xtask new-protocol` does so.
//!
//! A real module opens with two or three lines: what the protocol is for in a hospital, what this module must not do,
//! where the standard is. A WTP message is `WT`, a kind byte, a 16-bit big-endian length and a device name.

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{parse, probe};

/// Longest name a message may carry, in bytes. Every bound that input can push against has a name and a unit.
pub const NAME_BYTES_MAX: usize = 64;

/// One message, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it asks or says.
    pub kind: Kind,
    /// The device's name for itself.
    pub name: &'a [u8],
}

/// The kinds of message, in the standard's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// "I am here".
    Hello,
    /// "I leave".
    Bye,
    /// A kind that the standard does not name: counted, never guessed.
    Other(u8),
}

impl Kind {
    /// The verb under which it is counted.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Hello => "HELLO",
            Self::Bye => "BYE",
            Self::Other(_) => "OTHER",
        }
    }
}
