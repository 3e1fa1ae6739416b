//! What an endpoint says it is.

use crate::{Attribute, EndpointKey, Header, Protocol};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// One statement about an endpoint. Deduplicated by the sensor and refreshed at least every 60 s while it is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Version, origin and times.
    #[serde(flatten)]
    pub header: Header,
    /// Whom it is about.
    pub endpoint: EndpointKey,
    /// What is said.
    pub attribute: Attribute,
    /// The value in the speaker's own words, at most `sense::FACT_VALUE_BYTES_MAX` bytes; control characters removed.
    pub value: SmolStr,
    /// The protocol that carried it.
    pub source: Protocol,
}
