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

/// How much a finding matters, before anything is known of the device's clinical use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Plan it.
    Medium,
    /// This week.
    High,
    /// Now.
    Critical,
}

impl Severity {
    /// All, worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// Its name in lists and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl FindingKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 8] = [
        Self::PhiInClear,
        Self::CredentialsInClear,
        Self::DuplicateAddress,
        Self::WeakProtocol,
        Self::LeavesSite,
        Self::Conflict,
        Self::AddressSpoofing,
        Self::CertificateExpired,
    ];

    /// Its name in JSON and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PhiInClear => "phi-in-clear",
            Self::CredentialsInClear => "credentials-in-clear",
            Self::DuplicateAddress => "duplicate-address",
            Self::WeakProtocol => "weak-protocol",
            Self::LeavesSite => "leaves-site",
            Self::Conflict => "conflict",
            Self::AddressSpoofing => "address-spoofing",
            Self::CertificateExpired => "certificate-expired",
        }
    }

    /// How much it matters by itself; risk assessment weighs it with the device and its use.
    pub const fn severity(self) -> Severity {
        match self {
            Self::PhiInClear | Self::LeavesSite => Severity::High,
            Self::CredentialsInClear | Self::DuplicateAddress | Self::AddressSpoofing => Severity::Medium,
            Self::WeakProtocol | Self::Conflict | Self::CertificateExpired => Severity::Low,
        }
    }
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
