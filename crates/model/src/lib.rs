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
mod edit;
mod endpoint;
mod event;
mod exception;
mod fact;
mod finding;
mod flow;
mod note;
mod phi;
mod protocol;
mod record;
mod report;
mod tag;
mod talk;
mod task;
mod time;
mod view;
mod wall;
mod window;
mod words;
mod zone;

pub use about::{About, NotAbout};
pub use activity::{Activity, Role};
pub use address::{IpClass, MacAddr, classify_ip};
pub use attribute::Attribute;
pub use card::Card;
pub use coverage::{Coverage, Unparsed, UnparsedReason};
pub use device::{Claim, Conflict, Device, DeviceAddress, DeviceId, DeviceKey, NotADeviceId};
pub use edit::{CUSTOM_CHARS_MAX, CustomName, EDIT_DEVICES_MAX, EditChange, WORD_CHARS_MAX};
pub use endpoint::{Address, DomainId, EndpointKey, SensorId, SiteId, Vlan};
pub use event::{Event, EventKind};
pub use exception::{EXCEPTION_DAYS_MAX, Exception, RuleName};
pub use fact::Fact;
pub use finding::{Finding, FindingKind, Severity};
pub use flow::{Flow, FlowEnd, FlowSide, Transport};
pub use note::{NOTE_CHARS_MAX, Note};
pub use phi::Phi;
pub use protocol::Protocol;
pub use record::{Header, Record, SCHEMA_VERSION};
pub use report::{Format, Report, Schedule};
pub use tag::{TAG_CHARS_MAX, TAGS_MAX, Tag};
pub use talk::{Talk, TalkEnd};
pub use task::{Task, TaskState};
pub use time::{Duration, Timestamp};
pub use view::{PagePath, PageQuery, View};
pub use wall::{Wall, Weekday};
pub use window::{Hours, WINDOW_BYTES_MAX, Window};
pub use words::{Invalid, Line, NAME_CHARS_MAX, PERSON_CHARS_MAX, Prose, REASON_CHARS_MAX, TITLE_CHARS_MAX};
pub use zone::{
    AddressRange, DhcpScope, NotAZone, Subnet, ZONE_NAME_CHARS_MAX, ZONE_PURPOSE_CHARS_MAX, Zone, ZoneId,
    ZoneName, ZoneRule, ZoneSource, zone_purpose,
};
