//! DNS, mDNS and LLMNR: names of machines and of what they offer. In a hospital the answers on the local link are where
//! printers, cameras, workstations and many Linux-based devices say who they are. This module must not keep what people
//! look up: it hands out borrowed names and stores none.
//! Standards: RFC 1035, 2136 (update), 2782 (SRV), 4795 (LLMNR), 6762 (mDNS), 6763 (DNS-SD), 7766 (TCP).

mod name;
mod parse;
mod probe;
mod record;
#[cfg(test)]
mod tests;

pub use name::{Labels, Name};
pub use parse::{Questions, Records, parse, parse_tcp};
pub use probe::{probe, probe_tcp};
pub use record::{CharacterStrings, Data, Question, Record, RecordType, Section};

/// Longest name on the wire, in bytes, length octets and root included (RFC 1035 §2.3.4).
pub const NAME_BYTES_MAX: usize = 255;
/// Compression pointers followed in one name. Real chains are short; the bound keeps hostile ones cheap.
pub const POINTERS_MAX: usize = 32;
/// Questions and resource records walked in one message.
pub const ENTRIES_MAX: usize = 4096;
/// Over TCP, messages up to this many bytes are read whole; of longer ones (zone transfers) only header and questions.
pub const TCP_WHOLE_BYTES_MAX: usize = 4096;
/// Bytes of the header (RFC 1035 §4.1.1).
pub const HEADER_BYTES: usize = 12;

/// One message, borrowed from the datagram it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Identifier that pairs answers with questions.
    pub id: u16,
    /// The second 16 bits of the header.
    pub flags: Flags,
    /// How many entries the header announces: questions, answers, authority, additional.
    pub counts: [u16; 4],
    pub(crate) bytes: &'a [u8],
    pub(crate) records_at: usize,
}

impl<'a> Message<'a> {
    /// The questions (for an update: the zone).
    pub const fn questions(&self) -> Questions<'a> {
        Questions::new(self)
    }

    /// All resource records, in order, each with its section.
    pub const fn records(&self) -> Records<'a> {
        Records::new(self)
    }

    /// The verb under which it is counted: of a bounded set, and never a name that was asked for.
    pub fn verb(&self) -> &'static str {
        match (self.flags.opcode(), self.flags.is_response()) {
            (Opcode::Query, false) => {
                self.questions().next().map_or("QUERY NONE", |question| question.kind.query_verb())
            }
            (Opcode::Query, true) => response_verb(self.flags.rcode()),
            (Opcode::InverseQuery, _) => "IQUERY",
            (Opcode::Status, _) => "STATUS",
            (Opcode::Notify, false) => "NOTIFY",
            (Opcode::Notify, true) => "NOTIFY RESPONSE",
            (Opcode::Update, false) => "UPDATE",
            (Opcode::Update, true) => "UPDATE RESPONSE",
            (Opcode::StatefulOperation, _) => "DSO",
            (Opcode::Other(_), _) => "OTHER",
        }
    }
}

/// The flags and codes of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    /// QR: an answer.
    pub const fn is_response(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// OPCODE.
    pub const fn opcode(self) -> Opcode {
        match (self.0 >> 11) & 0xf {
            0 => Opcode::Query,
            1 => Opcode::InverseQuery,
            2 => Opcode::Status,
            4 => Opcode::Notify,
            5 => Opcode::Update,
            6 => Opcode::StatefulOperation,
            other => Opcode::Other(other as u8),
        }
    }

    /// AA: the answerer is responsible for the name. In LLMNR the same bit says "conflict" (RFC 4795 §2.1.1).
    pub const fn is_authoritative(self) -> bool {
        self.0 & 0x0400 != 0
    }

    /// TC: records were left out for want of room.
    pub const fn is_truncated(self) -> bool {
        self.0 & 0x0200 != 0
    }

    /// RA: the answerer resolves for others.
    pub const fn recursion_available(self) -> bool {
        self.0 & 0x0080 != 0
    }

    /// RCODE; 0 is success, 3 is "no such name".
    pub const fn rcode(self) -> u8 {
        (self.0 & 0xf) as u8
    }
}

/// What kind of message it is (RFC 6895 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// QUERY.
    Query,
    /// IQUERY, obsolete.
    InverseQuery,
    /// STATUS.
    Status,
    /// NOTIFY (RFC 1996).
    Notify,
    /// UPDATE (RFC 2136).
    Update,
    /// DSO (RFC 8490).
    StatefulOperation,
    /// Unassigned.
    Other(u8),
}

const fn response_verb(rcode: u8) -> &'static str {
    match rcode {
        0 => "RESPONSE NOERROR",
        1 => "RESPONSE FORMERR",
        2 => "RESPONSE SERVFAIL",
        3 => "RESPONSE NXDOMAIN",
        4 => "RESPONSE NOTIMP",
        5 => "RESPONSE REFUSED",
        9 => "RESPONSE NOTAUTH",
        _ => "RESPONSE OTHER",
    }
}
