//! What became of one device, newest first: what it did, what was found, claimed, decided and written of it.
//!
//! Several tables in one order, so that a page of it goes on exactly behind the last line of the page before. It must not read a
//! table whole: each source is asked, by its index, for no more lines than the page has.

use crate::db::{Cell, Db, Row};
use crate::device_facts::Held;
use crate::devices::stored_id;
use crate::error::Result;
use crate::tx::{time, timestamp};
use model::{About, DeviceId, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

/// Addresses of the device that are asked for, the newest first.
pub const ADDRESSES_MAX: usize = 100;

/// What a line of it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something happened on the network.
    Event,
    /// A finding was opened or closed.
    Finding,
    /// Something was said of it for the first time, or is said no longer.
    Claim,
    /// An address became the device's, or ceased to be.
    Address,
    /// People decided, or took it back.
    Decision,
    /// Somebody wrote a note.
    Note,
    /// An edit of many devices, or its reversal.
    Edit,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Event, Self::Finding, Self::Claim, Self::Address, Self::Decision, Self::Note, Self::Edit];

    /// Its name in lists and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Finding => "finding",
            Self::Claim => "claim",
            Self::Address => "address",
            Self::Decision => "decision",
            Self::Note => "note",
            Self::Edit => "edit",
        }
    }
}

/// A place in the order: where the next page goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    at: i64,
    rank: u8,
    row: i64,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// Of what kind.
    pub kind: Kind,
    /// It ended then (was closed, taken back); `false`: it began.
    pub is_end: bool,
    /// Number of the row in its table.
    pub row: i64,
    /// The endpoint it is about, as tables name it; empty: the device.
    pub endpoint: String,
    /// The other side: an endpoint of an event, `device|other` of a decision. Empty: none.
    pub other: String,
    /// What: a kind of event or finding, an attribute, `merge` or `split`.
    pub name: String,
    /// In words: a value, a summary, a reason.
    pub detail: String,
    /// The protocol that said so, or who did it.
    pub by: String,
}

impl Moment {
    /// Its place in the order.
    pub fn place(&self) -> Place {
        Place { at: time(self.at), rank: rank(self.kind, self.is_end), row: self.row }
    }
}

/// Which lines are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of which device.
    pub device: DeviceId,
    /// Of this kind only.
    pub kind: Option<Kind>,
    /// Behind this place.
    pub after: Option<Place>,
    /// None that came later.
    pub until: Timestamp,
}

/// At most `limit` lines, newest first. `held` are the device's addresses over time.
///
/// # Errors
/// By cause.
pub fn page(db: &mut Db, site: SiteId, asked: &Asked, held: &[Held], limit: usize) -> Result<Vec<Moment>> {
    let mut moments = Vec::new();
    let about = About::Device(asked.device).to_string();
    for source in SOURCES.iter().filter(|source| asked.kind.is_none_or(|kind| kind == source.kind)) {
        let question = Question { site, asked, source, limit };
        match source.key {
            Key::Device => question.ask(db, Cell::Int(stored_id(asked.device)), ALWAYS, &mut moments)?,
            Key::About => question.ask(db, Cell::Text(&about), ALWAYS, &mut moments)?,
            Key::Endpoint => {
                question.ask(db, Cell::Text(&about), ALWAYS, &mut moments)?;
                for held in held.iter().take(ADDRESSES_MAX) {
                    let span = (time(held.true_from), held.true_to.map_or(i64::MAX, time));
                    question.ask(db, Cell::Text(&held.endpoint), span, &mut moments)?;
                }
            }
        }
    }
    moments.sort_by_key(|moment: &Moment| {
        let Place { at, rank, row } = moment.place();
        std::cmp::Reverse((at, rank, row))
    });
    moments.dedup_by_key(|moment| (moment.kind, moment.is_end, moment.row));
    moments.truncate(limit);
    Ok(moments)
}

/// From the first moment to behind the last.
const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);

/// What finds the rows of a device in a table.
#[derive(Clone, Copy)]
enum Key {
    /// Its number.
    Device,
    /// Its name as tasks and notes write it.
    About,
    /// Its addresses, each while it was the device's; and its name, for what people claim.
    Endpoint,
}

/// A table, and which of its columns say what.
struct Source {
    kind: Kind,
    is_end: bool,
    key: Key,
    table: &'static str,
    /// The condition on the key, `?2`.
    of: &'static str,
    /// The column with the time.
    at: &'static str,
    /// `endpoint, other, name, detail, by`.
    columns: &'static str,
    also: &'static str,
}

const CLAIM: &str = "endpoint, '', attribute, value, source";
const FINDING: &str = "'', '', kind, summary, protocol";
const DECISION: &str = "COALESCE(subject, ''), CAST(device AS TEXT) || '|' || CAST(COALESCE(other, 0) AS TEXT), \
                        kind, reason, decided_by";
const EDITED: &str = "(SELECT e.id AS id, i.site AS site, i.device AS device, e.edited_at AS edited_at, e.reason AS reason, \
                      e.change AS change, e.edited_by AS edited_by, e.reverted_at AS reverted_at, \
                      COALESCE(e.reverted_by, '') AS reverted_by \
                      FROM edit_items i JOIN edits e ON e.id = i.edit) x";

const fn source(
    (kind, is_end): (Kind, bool),
    (key, of): (Key, &'static str),
    table: &'static str,
    at: &'static str,
    columns: &'static str,
    also: &'static str,
) -> Source {
    Source { kind, is_end, key, table, of, at, columns, also }
}

const OF_DEVICE: (Key, &str) = (Key::Device, "device = ?2");
const OF_ENDPOINT: (Key, &str) = (Key::Endpoint, "endpoint = ?2");
const OF_EITHER: (Key, &str) = (Key::Device, "(device = ?2 OR other = ?2)");
const KNOWN: &str = "known_to IS NULL";

static SOURCES: [Source; 12] = [
    source(
        (Kind::Event, false),
        OF_ENDPOINT,
        "events",
        "happened_at",
        "endpoint, COALESCE(peer, ''), kind, detail, protocol",
        "1 = 1",
    ),
    source((Kind::Finding, false), OF_DEVICE, "findings", "first_seen", FINDING, "1 = 1"),
    source((Kind::Finding, true), OF_DEVICE, "findings", "known_to", FINDING, "1 = 1"),
    source((Kind::Claim, false), OF_ENDPOINT, "claims", "true_from", CLAIM, KNOWN),
    source((Kind::Claim, true), OF_ENDPOINT, "claims", "true_to", CLAIM, KNOWN),
    source((Kind::Address, false), OF_DEVICE, "bindings", "true_from", "endpoint, '', '', '', ''", KNOWN),
    source((Kind::Address, true), OF_DEVICE, "bindings", "true_to", "endpoint, '', '', '', ''", KNOWN),
    source((Kind::Decision, false), OF_EITHER, "decisions", "decided_at", DECISION, "1 = 1"),
    source((Kind::Decision, true), OF_EITHER, "decisions", "reverted_at", DECISION, "1 = 1"),
    source(
        (Kind::Note, false),
        (Key::About, "about = ?2"),
        "notes",
        "written_at",
        "'', '', '', body, written_by",
        "withdrawn_at IS NULL",
    ),
    source((Kind::Edit, false), OF_DEVICE, EDITED, "edited_at", "'', '', change, reason, edited_by", "1 = 1"),
    source(
        (Kind::Edit, true),
        OF_DEVICE,
        EDITED,
        "reverted_at",
        "'', '', change, reason, reverted_by",
        "1 = 1",
    ),
];

fn rank(kind: Kind, is_end: bool) -> u8 {
    kind as u8 * 2 + u8::from(is_end)
}

/// One source, asked for one key.
struct Question<'q> {
    site: SiteId,
    asked: &'q Asked,
    source: &'q Source,
    limit: usize,
}

impl Question<'_> {
    fn ask(&self, db: &mut Db, key: Cell<'_>, span: (i64, i64), moments: &mut Vec<Moment>) -> Result<()> {
        let Source { table, of, at, columns, also, .. } = self.source;
        let (latest, below) = self.behind();
        let sql = format!(
            "SELECT id, {at}, {columns} FROM {table} WHERE site = ?1 AND {of} AND {at} <= ?3 AND ({at} < ?3 OR id < ?4) \
             AND {at} >= ?5 AND {at} < ?6 AND {also} ORDER BY {at} DESC, id DESC LIMIT ?7"
        );
        let parameters = [
            Cell::Int(self.site.0.into()),
            key,
            Cell::Int(latest),
            Cell::Int(below),
            Cell::Int(span.0),
            Cell::Int(span.1),
            Cell::Int(i64::try_from(self.limit).unwrap_or(i64::MAX)),
        ];
        db.query(&sql, &parameters, &mut |row| {
            moments.push(self.read(row)?);
            Ok(())
        })
    }

    /// The latest time that is asked for, and below which number rows of exactly that time are.
    fn behind(&self) -> (i64, i64) {
        let until = time(self.asked.until);
        let Some(place) = self.asked.after.filter(|place| place.at <= until) else {
            return (until, i64::MAX);
        };
        let below = match rank(self.source.kind, self.source.is_end).cmp(&place.rank) {
            std::cmp::Ordering::Less => i64::MAX,
            std::cmp::Ordering::Equal => place.row,
            std::cmp::Ordering::Greater => i64::MIN,
        };
        (place.at, below)
    }

    fn read(&self, row: &Row<'_>) -> Result<Moment> {
        Ok(Moment {
            at: timestamp(row.int(1)?),
            kind: self.source.kind,
            is_end: self.source.is_end,
            row: row.int(0)?,
            endpoint: row.text(2)?.to_owned(),
            other: row.text(3)?.to_owned(),
            name: row.text(4)?.to_owned(),
            detail: row.text(5)?.to_owned(),
            by: row.text(6)?.to_owned(),
        })
    }
}
