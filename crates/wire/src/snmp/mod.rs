//! SNMP: printers, switches, UPS and many analysers say in clear what they are, where they stand and who made them.
//!
//! Reads versions, verbs and variables; a community string is a password and is never handed out, nor is a user's name.
//! Standards: RFC 1157 (v1), RFC 3416 (PDUs), RFC 3412 and 3414 (v3); BER in the subset of RFC 3417 §8.

mod ber;
mod oid;
mod parse;
mod pdu;
#[cfg(test)]
mod tests;

pub use oid::{OID_TEXT_BYTES_MAX, Oid};
pub use parse::{parse, probe};
pub use pdu::{Pdu, Value, VarBinds, Variable};

/// Most variables looked at in one message.
pub const VARIABLES_MAX: usize = 128;
/// Longest community that is accepted as one, in bytes.
pub const COMMUNITY_BYTES_MAX: usize = 255;

/// One message, borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Version of the message format.
    pub version: Version,
    /// What it asks or says; none when it is encrypted.
    pub pdu: Option<Pdu<'a>>,
}

impl Message<'_> {
    /// The verb under which it is counted.
    pub fn verb(&self) -> &'static str {
        self.pdu.map_or("ENCRYPTED", |pdu| pdu.operation.verb())
    }
}

/// Versions of the message format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// SNMPv1.
    V1,
    /// Community-based SNMPv2.
    V2c,
    /// SNMPv3.
    V3,
}

impl Version {
    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2c => "v2c",
            Self::V3 => "v3",
        }
    }
}

/// The operations (RFC 3416 §3, RFC 1157 §4.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reads named variables.
    Get,
    /// Reads what comes after named variables.
    GetNext,
    /// Reads much of what comes after named variables.
    GetBulk,
    /// Writes variables.
    Set,
    /// The answer to any of these.
    Response,
    /// Unasked news, of v1 or later.
    Trap,
    /// News that wants an answer.
    Inform,
    /// SNMPv3 engines about the messages themselves.
    Report,
}

impl Operation {
    /// The verb under which it is counted.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::GetNext => "GETNEXT",
            Self::GetBulk => "GETBULK",
            Self::Set => "SET",
            Self::Response => "RESPONSE",
            Self::Trap => "TRAP",
            Self::Inform => "INFORM",
            Self::Report => "REPORT",
        }
    }
}
