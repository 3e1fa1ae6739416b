//! The nouns of Ward: one file per noun, invariants in constructors.
//!
//! Nothing here reads a clock, a file or a socket, and nothing here knows bytes on a wire.
//! Names follow `docs/glossary.md`; a new noun starts there.

mod about;
mod activity;
mod address;
mod attribute;
mod card;
mod coverage;
mod device;
mod endpoint;
mod event;
mod fact;
mod finding;
mod flow;
mod phi;
mod protocol;
mod record;
mod talk;
mod time;
mod zone;

pub use about::{About, NotAbout};
pub use activity::{Activity, Role};
pub use address::{IpClass, MacAddr, classify_ip};
pub use attribute::Attribute;
pub use card::Card;
pub use coverage::{Coverage, Unparsed, UnparsedReason};
pub use device::{Claim, Conflict, Device, DeviceAddress, DeviceId, DeviceKey, NotADeviceId};
pub use endpoint::{Address, DomainId, EndpointKey, SensorId, SiteId, Vlan};
pub use event::{Event, EventKind};
pub use fact::Fact;
pub use finding::{Finding, FindingKind, Severity};
pub use flow::{Flow, FlowEnd, FlowSide, Transport};
pub use phi::Phi;
pub use protocol::Protocol;
pub use record::{Header, Record, SCHEMA_VERSION};
pub use talk::{Talk, TalkEnd};
pub use time::{Duration, Timestamp};
pub use zone::{
    AddressRange, DhcpScope, NotAZone, Subnet, ZONE_NAME_CHARS_MAX, ZONE_PURPOSE_CHARS_MAX, Zone, ZoneId,
    ZoneName, ZoneRule, ZoneSource, zone_purpose,
};
