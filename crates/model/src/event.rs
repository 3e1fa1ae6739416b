//! Things that happened once.

use crate::{EndpointKey, Header, Protocol};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What happened. New kinds are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A login was tried or made (MQTT CONNECT, NTLM, HTTP Basic, SNMP).
    Login,
    /// A login was refused.
    LoginRefused,
    /// A DICOM association was asked for, accepted, rejected or aborted.
    Association,
    /// An exam was started or ended (DICOM MPPS), or images were moved.
    Exam,
    /// The peer answered with an error (HL7 AE/AR, DICOM failure status, MQTT refusal).
    ErrorReply,
    /// An address was leased or assigned (DHCP ACK).
    Lease,
    /// A verb that this endpoint pair had never used.
    NewVerb,
    /// Two link addresses claim one IP address (ARP, ND).
    AddressConflict,
}

/// One happening; never deduplicated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Version, origin and times.
    #[serde(flatten)]
    pub header: Header,
    /// Who did it.
    pub endpoint: EndpointKey,
    /// With whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<EndpointKey>,
    /// What.
    pub kind: EventKind,
    /// The protocol in which it happened.
    pub protocol: Protocol,
    /// Detail in the protocol's own terms; never patient data.
    pub detail: SmolStr,
}
