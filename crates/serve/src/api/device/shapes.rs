//! What goes over HTTP about one device: queries, bodies and answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// As it was known at a moment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastQuery {
    /// As it was known then: a date, or a time of the site, or RFC 3339. Left out: now.
    pub(super) at: Option<String>,
}

/// A page of a list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// As it was known then: a date, or a time of the site, or RFC 3339. Left out: now.
    pub(super) at: Option<String>,
    /// `next` of the page before.
    pub(super) after: Option<String>,
    /// Rows of the page, 1 to 1000.
    pub(super) limit: Option<u32>,
}

/// Which talks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TalksQuery {
    /// Up to then. Left out: up to now.
    pub(super) at: Option<String>,
    /// How far back: `24h` or `7d`.
    pub(super) range: Option<String>,
}

/// Which lines of a timeline, as a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KindQuery {
    /// None that came later.
    pub(super) at: Option<String>,
    /// Of this kind only: `event`, `finding`, `claim`, `address`, `decision`, `note` or `edit`.
    pub(super) kind: Option<String>,
}

/// Which lines of a timeline.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimelineQuery {
    /// None that came later.
    pub(super) at: Option<String>,
    /// Of this kind only: `event`, `finding`, `claim`, `address`, `decision`, `note` or `edit`.
    pub(super) kind: Option<String>,
    /// `next` of the page before.
    pub(super) after: Option<String>,
    /// Rows of the page, 1 to 1000.
    pub(super) limit: Option<u32>,
}

/// A device.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeviceShown {
    /// Its id.
    pub(super) id: String,
    /// What names it.
    pub(super) key: String,
    /// What it is called in lists.
    pub(super) title: String,
    /// What is believed of it, each with why.
    pub(super) beliefs: Vec<BeliefShown>,
    /// Claims that contradict each other.
    pub(super) conflicts: Vec<ConflictShown>,
    /// Tags that people gave it.
    pub(super) tags: Vec<String>,
    /// Somebody has looked at it and accepted it.
    pub(super) reviewed: bool,
    /// It forwards for others.
    pub(super) router: bool,
    /// It is reached through this device.
    pub(super) behind: Option<String>,
    /// Link addresses.
    pub(super) macs: Vec<String>,
    /// Network addresses.
    pub(super) ips: Vec<String>,
    /// VLANs in which it was seen.
    pub(super) vlans: Vec<u16>,
    /// Protocols in which it took part.
    pub(super) protocols: Vec<String>,
    /// Patient data was sent by it in clear.
    pub(super) phi_in_clear: bool,
    /// Open findings.
    pub(super) findings: usize,
    /// What people decided about it, newest first.
    pub(super) decisions: Vec<DecisionMade>,
    /// First frame.
    pub(super) first_seen: String,
    /// Newest frame, to the minute; not known of the past.
    pub(super) last_seen: Option<String>,
}

/// Something that is believed of a device.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BeliefShown {
    /// `name`, `manufacturer`, `model`, `serial` and the like.
    pub(super) word: String,
    /// The value; absent: unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    /// Why this value, or why none.
    pub(super) why: String,
    /// What would change it.
    pub(super) what_changes_it: String,
}

/// Claims that contradict each other.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConflictShown {
    /// What they disagree about.
    pub(super) attribute: String,
    /// The value that is shown.
    pub(super) chosen: String,
    /// The others.
    pub(super) others: Vec<String>,
    /// Why this one is shown.
    pub(super) reason: String,
}

/// A decision about a device.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DecisionMade {
    /// Its number.
    pub(super) number: i64,
    /// What was decided: `merge` or `split`.
    pub(super) kind: String,
    /// The other device, of a merge.
    pub(super) other: Option<String>,
    /// The address, of a split.
    pub(super) address: Option<String>,
    /// Why.
    pub(super) reason: String,
    /// Who.
    pub(super) by: String,
    /// When.
    pub(super) at: String,
    /// When it was taken back.
    pub(super) reverted_at: Option<String>,
}

/// What is claimed of a device.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ClaimShown {
    /// Number of the claim.
    pub(super) number: i64,
    /// What is claimed.
    pub(super) attribute: String,
    /// The value, in the words of who claims it.
    pub(super) value: String,
    /// The protocol that carried it, or `person`.
    pub(super) source: String,
    /// How much it weighs, of 100.
    pub(super) confidence: i64,
    /// The address of which it was said; absent: of the device.
    pub(super) address: Option<String>,
    /// True from here on.
    pub(super) true_from: String,
    /// True until here; absent: still.
    pub(super) true_to: Option<String>,
    /// Known to Ward from here on.
    pub(super) known_from: String,
}

/// An address that was a device's for a time.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct AddressShown {
    /// Number of the binding.
    pub(super) number: i64,
    /// The address.
    pub(super) address: String,
    /// `MAC`, `IPv4` or `IPv6`.
    pub(super) kind: String,
    /// True from here on.
    pub(super) true_from: String,
    /// True until here; absent: still.
    pub(super) true_to: Option<String>,
    /// Known to Ward from here on.
    pub(super) known_from: String,
}

/// What a device said with one peer over one service.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TalkShown {
    /// The peer, where it is a device of the site.
    pub(super) peer: Option<String>,
    /// What the peer is called, or its address.
    pub(super) peer_name: String,
    /// Zone or type of the peer.
    pub(super) group: String,
    /// The device asks and the peer answers.
    pub(super) is_client: bool,
    /// Over what.
    pub(super) protocol: String,
    /// `tcp`, `udp` and the like.
    pub(super) transport: String,
    /// Port of the service; 0: none.
    pub(super) port: i64,
    /// Bytes that the device sent.
    pub(super) bytes_sent: u64,
    /// Bytes that it received.
    pub(super) bytes_received: u64,
    /// Conversations.
    pub(super) conversations: u64,
    /// The last hour in which they talked began then.
    pub(super) last_hour: String,
}

/// A line of a timeline.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct LineShown {
    /// When.
    pub(super) at: String,
    /// `event`, `finding`, `claim`, `address`, `decision`, `note` or `edit`.
    pub(super) kind: String,
    /// It ended then; false: it began.
    pub(super) ended: bool,
    /// Number of what it is about, within its kind.
    pub(super) number: i64,
    /// The address it is about; absent: the device.
    pub(super) address: Option<String>,
    /// What: a kind of event or finding, an attribute, a decision.
    pub(super) what: String,
    /// In words: a value, a summary, a reason.
    pub(super) detail: String,
    /// The protocol that said so, or who did it.
    pub(super) by: String,
}

/// A tag to be put on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagTold {
    /// Letters a to z, digits, `-`, `_`, `.` and `:`; 1 to 40.
    pub(super) tag: String,
}

/// A decision to be made. Exactly one of the three.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum DecisionTold {
    /// Another device is this one.
    Merge {
        /// Its id.
        other: String,
        /// Why, 3 to 500 characters.
        reason: String,
    },
    /// An address is not this device's.
    Split {
        /// The address, or `domain|address`.
        address: String,
        /// Why, 3 to 500 characters.
        reason: String,
    },
    /// A decision no longer holds.
    Revert {
        /// Its number.
        decision: i64,
    },
}

/// Whether something has changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Changed {
    /// It has; false: it was so already.
    pub(super) changed: bool,
}

/// What became of a decision.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DecisionShown {
    /// Its number, by which it can be taken back.
    pub(super) decision: i64,
    /// The devices are drawn by it now.
    pub(super) heeded: bool,
    /// Decisions that cannot be followed any more, by number.
    pub(super) unheeded: Vec<i64>,
}
