//! DICOM upper layer and DIMSE commands: how scanners, workstations and archives move images and ask for worklists.
//!
//! Of data sets only the head is looked at, for the tags that name a device; the patient group (0010) is known by
//! presence only and pixels are passed over. Standards: DICOM PS3.5 (encoding), PS3.7 (DIMSE), PS3.8 (upper layer).

mod associate;
mod command;
mod dataset;
mod parse;
mod probe;
mod sop_class;
#[cfg(test)]
mod tests;

pub use associate::Items;
pub use command::command;
pub use dataset::data_set_head;
pub use parse::{parse, pdv};
pub use probe::{begins_pdus, probe};
pub use sop_class::sop_class_name;

/// Bytes of an A-ASSOCIATE PDU that are read; the items of a longer one are read as far as they are within.
pub const ASSOCIATE_BYTES_MAX: usize = 60 * 1024;
/// Largest A-ASSOCIATE PDU that is believed, in bytes.
pub const ASSOCIATE_LENGTH_MAX: usize = 1 << 20;
/// Items and sub-items that are walked in one A-ASSOCIATE PDU.
pub const ITEMS_MAX: usize = 4096;
/// Largest command set that is read, in bytes.
pub const COMMAND_BYTES_MAX: usize = 4 * 1024;
/// Bytes at the front of a data set in which device tags are sought.
pub const DATA_SET_HEAD_BYTES_MAX: usize = 4 * 1024;
/// Sequences within sequences that are walked in the head of a data set.
pub const SEQUENCE_DEPTH_MAX: u8 = 8;

/// One protocol data unit (PS3.8 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// A-ASSOCIATE-RQ.
    AssociateRq(Associate<'a>),
    /// A-ASSOCIATE-AC.
    AssociateAc(Associate<'a>),
    /// A-ASSOCIATE-RJ.
    AssociateRj(Rejection),
    /// P-DATA-TF: this many bytes of presentation data values follow, to be read with [`pdv`].
    PDataTf(usize),
    /// A-RELEASE-RQ.
    ReleaseRq,
    /// A-RELEASE-RP.
    ReleaseRp,
    /// A-ABORT, with its source (0 the service user, 2 the service provider) and reason.
    Abort {
        /// Who aborted.
        source: u8,
        /// Why, when the provider did.
        reason: u8,
    },
}

/// A request for an association, or its acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Associate<'a> {
    /// The application entity that is asked.
    pub called: &'a [u8],
    /// The application entity that asks.
    pub calling: &'a [u8],
    /// The variable items, as far as they are at hand.
    pub items: Items<'a>,
}

/// One presentation context, proposed or answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentationContext<'a> {
    /// Its identifier, an odd number.
    pub id: u8,
    /// In an answer: 0 accepted, else the reason for refusal.
    pub result: u8,
    /// The SOP class, in a proposal.
    pub abstract_syntax: &'a [u8],
    /// The first transfer syntax proposed, or the one accepted.
    pub transfer_syntax: &'a [u8],
}

/// User information (PS3.7 annex D).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserInformation<'a> {
    /// Implementation class UID.
    pub implementation_class_uid: &'a [u8],
    /// Implementation version name.
    pub implementation_version_name: &'a [u8],
    /// User identity type: 1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JWT. The identity itself is not read.
    pub user_identity: Option<u8>,
}

/// Why an association is rejected (PS3.8 §9.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// 1 permanent, 2 transient.
    pub result: u8,
    /// 1 service user, 2 and 3 service provider.
    pub source: u8,
    /// The reason, whose meaning depends on the source.
    pub reason: u8,
}

/// A presentation data value: a fragment of a command or data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdv<'a> {
    /// Presentation context identifier.
    pub context: u8,
    /// It is part of a command; otherwise of a data set.
    pub is_command: bool,
    /// It is the last fragment.
    pub is_last: bool,
    /// Bytes of the fragment in all.
    pub fragment_bytes: usize,
    /// As much of the fragment as is at hand.
    pub fragment: &'a [u8],
}

/// A command set, as far as Ward may know it. Error comments and instance UIDs are not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Command<'a> {
    /// (0000,0100).
    pub field: CommandField,
    /// (0000,0002) affected, or (0000,0003) requested SOP class UID.
    pub sop_class: &'a [u8],
    /// (0000,0600).
    pub move_destination: &'a [u8],
    /// (0000,0900), in a response.
    pub status: u16,
    /// (0000,0800) says that a data set follows.
    pub has_data_set: bool,
}

/// (0000,0100): what is asked or answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandField(pub u16);

impl CommandField {
    /// Stores an instance.
    pub const C_STORE_RQ: Self = Self(0x0001);
    /// Asks for instances on this association.
    pub const C_GET_RQ: Self = Self(0x0010);
    /// Asks for instances to be sent elsewhere.
    pub const C_MOVE_RQ: Self = Self(0x0021);
    /// Changes an instance.
    pub const N_SET_RQ: Self = Self(0x0120);
    /// Makes an instance.
    pub const N_CREATE_RQ: Self = Self(0x0140);

    /// Whether it answers a request.
    pub const fn is_response(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// The verb under which it is counted (PS3.7 annex E).
    pub const fn verb(self) -> &'static str {
        match self.0 {
            0x0001 => "C-STORE-RQ",
            0x8001 => "C-STORE-RSP",
            0x0010 => "C-GET-RQ",
            0x8010 => "C-GET-RSP",
            0x0020 => "C-FIND-RQ",
            0x8020 => "C-FIND-RSP",
            0x0021 => "C-MOVE-RQ",
            0x8021 => "C-MOVE-RSP",
            0x0030 => "C-ECHO-RQ",
            0x8030 => "C-ECHO-RSP",
            0x0100 => "N-EVENT-REPORT-RQ",
            0x8100 => "N-EVENT-REPORT-RSP",
            0x0110 => "N-GET-RQ",
            0x8110 => "N-GET-RSP",
            0x0120 => "N-SET-RQ",
            0x8120 => "N-SET-RSP",
            0x0130 => "N-ACTION-RQ",
            0x8130 => "N-ACTION-RSP",
            0x0140 => "N-CREATE-RQ",
            0x8140 => "N-CREATE-RSP",
            0x0150 => "N-DELETE-RQ",
            0x8150 => "N-DELETE-RSP",
            0x0fff => "C-CANCEL-RQ",
            _ => "OTHER",
        }
    }
}

impl Command<'_> {
    /// The response says that the operation failed (PS3.7 annex C): neither success, pending, cancel nor warning.
    pub const fn has_failed(&self) -> bool {
        self.field.is_response()
            && !matches!(
                self.status,
                0x0000 | 0x0001 | 0x0107 | 0x0116 | 0xfe00 | 0xff00 | 0xff01 | 0xb000..=0xbfff
            )
    }
}

/// How a data set is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Implicit VR, little-endian.
    Implicit,
    /// Explicit VR, little-endian; also every encapsulated syntax.
    Explicit,
    /// Deflated or big-endian: not read.
    Unreadable,
}

impl Encoding {
    /// From a transfer syntax UID; `None` when it is not a standard one.
    pub fn of(transfer_syntax: &[u8]) -> Option<Self> {
        match transfer_syntax.strip_prefix(b"1.2.840.10008.1.2")? {
            b"" => Some(Self::Implicit),
            b".2" | b".1.99" => Some(Self::Unreadable),
            _ => Some(Self::Explicit),
        }
    }
}

/// What the head of a data set says of the device that made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataSetHead<'a> {
    /// (0008,0060) modality.
    pub modality: &'a [u8],
    /// (0008,0070) manufacturer.
    pub manufacturer: &'a [u8],
    /// (0008,1010) station name.
    pub station_name: &'a [u8],
    /// (0008,1090) manufacturer's model name.
    pub model: &'a [u8],
    /// (0018,1000) device serial number.
    pub serial_number: &'a [u8],
    /// (0018,1009) unique device identifier, within (0018,100A).
    pub udi: &'a [u8],
    /// (0018,1020) software versions.
    pub software_versions: &'a [u8],
    /// An element of the patient group (0010) is filled.
    pub has_patient: bool,
}

/// Without the padding of strings (PS3.5 §6.2): spaces and NUL.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_padding = |b: &u8| matches!(*b, b' ' | 0);
    let start = text.iter().position(|b| !is_padding(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !is_padding(b)).map_or(start, |at| at + 1);
    text.get(start..end).unwrap_or_default()
}
