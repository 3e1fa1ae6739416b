//! Something worth a person's attention, with its why.

use crate::{DeviceId, Protocol, Timestamp};
use serde::{Deserialize, Serialize};

/// The kinds a one-shot scan can find. New kinds are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Patient data crossed the wire unencrypted.
    PhiInClear,
    /// Credentials crossed the wire unencrypted.
    CredentialsInClear,
    /// Two devices claim one address.
    DuplicateAddress,
    /// A protocol version with known weaknesses (SMB1, TLS 1.0, SNMP v1/v2c).
    WeakProtocol,
    /// A medical protocol or patient data left the site.
    LeavesSite,
    /// A device contradicts itself.
    Conflict,
    /// A device announces addresses under a link address that is not its own.
    AddressSpoofing,
    /// A device presents a certificate that is past its not-after.
    CertificateExpired,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// Whom it concerns.
    pub device: DeviceId,
    /// One sentence a clinical engineer understands.
    pub summary: String,
    /// The evidence: protocol fields and peers, never patient data.
    pub evidence: Vec<String>,
    /// The protocol that showed it.
    pub protocol: Protocol,
    /// First seen.
    pub first_seen: Timestamp,
    /// Last seen.
    pub last_seen: Timestamp,
}
