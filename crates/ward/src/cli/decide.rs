//! `ward devices merge|split|decisions|revert`: people's word on which endpoints are one device, written down with its reason and
//! reversible. By the ward that runs, if one does.

use super::acting::{Outcome, have_done};
use super::config::Given;
use super::reading::{self, Reading, cell, count, page, rfc3339, table};
use super::{DONE, PARTLY};
use crate::acts::{Asked, Decide};
use anyhow::Result;
use clap::{Args, Subcommand};
use judge::site::Decision;
use model::{Address, DeviceId};
use serde::Deserialize as _;
use serde_json::{Value, json};
use serve::control::Act;
use store::db::Cell;
use store::decisions::DecisionRow;
use store::endpoints;

/// Decisions listed when nobody says how many, and at most.
const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 10_000;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Merge(Merge),
    Split(Split),
    Decisions(Decisions),
    Revert(Revert),
}

/// Say that two devices are one. Nothing of either is lost: `revert` parts them again.
///
/// Exit code 0: done and heeded; 1: written but not heeded, or the outcome is not known; 2: wrong arguments; 3: nothing done.
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// One device, by its id in `ward devices`.
    #[arg(value_parser = parse_device)]
    one: DeviceId,
    /// The other.
    #[arg(value_parser = parse_device)]
    other: DeviceId,
    #[command(flatten)]
    why: Why,
}

/// Say that an endpoint is not this device's: it becomes one of its own.
///
/// Exit codes as for merge.
#[derive(Debug, Args)]
pub(super) struct Split {
    /// The device, by its id in `ward devices`.
    #[arg(value_parser = parse_device)]
    device: DeviceId,
    /// One of its endpoints: an address, or domain|address.
    #[arg(value_parser = parse_endpoint)]
    endpoint: String,
    #[command(flatten)]
    why: Why,
}

/// Take a decision back: devices part, or join, as the evidence says, under the ids they had.
///
/// Exit code 0: done; 1: the outcome is not known; 2: wrong arguments; 3: nothing done.
#[derive(Debug, Args)]
pub(super) struct Revert {
    /// Number of the decision in `ward devices decisions`.
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    decision: i64,
    #[command(flatten)]
    how: How,
}

/// List decisions, newest first, also those that were taken back.
///
/// Exit code 0: listed; 2: wrong arguments; 3: nothing could be read.
#[derive(Debug, Args)]
pub(super) struct Decisions {
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(LIMIT_MAX)))]
    limit: u32,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct Why {
    /// Why, in 3 to 500 characters: it stays with the decision. No names of patients.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

fn parse_device(text: &str) -> Result<DeviceId, String> {
    let form = "a device's id is d- and 16 hexadecimal digits: `ward devices` shows it in its last column";
    if text.len() != 18 {
        return Err(form.to_owned());
    }
    DeviceId::deserialize(Value::from(text)).map_err(|_| form.to_owned())
}

fn parse_endpoint(text: &str) -> Result<String, String> {
    let is_address = text.parse::<model::MacAddr>().is_ok() || text.parse::<std::net::IpAddr>().is_ok();
    if is_address || endpoints::parse(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("write an address (192.0.2.7, 02:00:00:00:00:01), or domain|address (0|192.0.2.7)".to_owned())
}

impl Verb {
    pub(super) fn run(self) -> Result<u8> {
        match self {
            Self::Merge(Merge { one, other, why }) => {
                why.how.decide(Decide::Merge { a: one, b: other, reason: why.reason })
            }
            Self::Split(Split { device, endpoint, why }) => {
                why.how.decide(Decide::Split { device, endpoint, reason: why.reason })
            }
            Self::Revert(Revert { decision, how }) => how.decide(Decide::Revert { decision }),
            Self::Decisions(decisions) => decisions.run(),
        }
    }
}

impl How {
    fn decide(self, ask: Decide) -> Result<u8> {
        let config = self.given.load()?;
        let asked = Asked::by_os_user(ask);
        let arguments = serde_json::to_value(&asked)?;
        let outcome = have_done(&config, Act::Decide, &arguments, |core, now| asked.carry_out(core, now))?;
        let done = match outcome {
            Outcome::Done(done) => done,
            Outcome::Unknown(code) => return Ok(code),
        };
        let heeded = done.get("heeded").and_then(Value::as_bool).unwrap_or(false);
        let is_revert = matches!(asked.ask, Decide::Revert { .. });
        if self.json {
            reading::document(&done)?;
        } else {
            let number = done.get("decision").and_then(Value::as_i64).unwrap_or(0);
            let others = done.get("unheeded").and_then(Value::as_array).into_iter().flatten();
            let others: Vec<i64> =
                others.filter_map(Value::as_i64).filter(|other| *other != number).collect();
            page(|out| {
                writeln!(out, "{}", told(&asked, number, heeded))?;
                if !others.is_empty() {
                    let named: Vec<String> = others.iter().take(20).map(ToString::to_string).collect();
                    let named = named.join(", ");
                    writeln!(
                        out,
                        "Not followed any more, for they name what is not there: decisions {named}."
                    )?;
                }
                Ok(())
            })?;
        }
        Ok(if heeded || is_revert { DONE } else { PARTLY })
    }
}

fn told(asked: &Asked<Decide>, number: i64, heeded: bool) -> String {
    let by = &asked.by;
    let back = format!("`ward devices revert {number}` takes it back");
    match &asked.ask {
        Decide::Revert { .. } => {
            format!("Decision {number} is taken back by {by}; the devices are as the evidence says.")
        }
        _ if !heeded => format!(
            "Decision {number} by {by} is written down, but cannot be followed now: what it names has not been heard of. {back}."
        ),
        Decide::Merge { a, b, .. } => {
            format!("Decision {number} by {by}: {a} and {b} are one device. {back}.")
        }
        Decide::Split { device, endpoint, .. } => {
            format!("Decision {number} by {by}: {} is not of {device}. {back}.", cell(endpoint))
        }
    }
}

impl Decisions {
    fn run(self) -> Result<u8> {
        let mut reading = Reading::open(&self.how.given)?;
        let site = reading.config.site.id;
        reading.db.begin()?;
        let rows = DecisionRow::newest(&mut reading.db, site, self.limit);
        let total =
            reading.db.number("SELECT count(*) FROM decisions WHERE site = ?1", &[Cell::Int(site.0.into())]);
        reading.db.roll_back();
        let (rows, total) = (rows?, total?.unwrap_or(0).cast_unsigned());
        if self.how.json {
            let decisions: Vec<Value> = rows.iter().map(document).collect();
            let document = json!({
                "ward": env!("CARGO_PKG_VERSION"), "site": site.0, "total": total, "decisions": decisions,
            });
            reading::document(&document)?;
            return Ok(DONE);
        }
        page(|out| {
            if rows.is_empty() {
                return writeln!(
                    out,
                    "No decisions at site {}: devices are as the evidence says. `ward devices merge` and `split` decide.",
                    site.0
                );
            }
            let mut shown = table(&["No.", "Decision", "Reason", "By", "When", "Taken back"]);
            for row in &rows {
                let what = match &row.decision {
                    Decision::Merge { a, b } => format!("merge {a} {b}"),
                    Decision::Split { device, subject } => {
                        format!("split {device} {}", endpoints::text(subject))
                    }
                };
                shown.add_row([
                    row.id.to_string(),
                    what,
                    cell(&row.reason),
                    cell(&row.decided_by),
                    reading.zone.show(row.decided_at),
                    row.reverted_at.map_or_else(|| "–".to_owned(), |at| reading.zone.show(at)),
                ]);
            }
            writeln!(out, "DECISIONS at site {}\n{shown}\n", site.0)?;
            writeln!(out, "{} of {} listed.", rows.len(), count(total, "decision"))
        })?;
        Ok(DONE)
    }
}

fn document(row: &DecisionRow) -> Value {
    let mut document = match &row.decision {
        Decision::Merge { a, b } => json!({ "kind": "merge", "device": a, "other": b }),
        Decision::Split { device, subject } => {
            let address = match subject.address {
                Address::Mac(mac) => mac.to_string(),
                Address::Ip(ip) => ip.to_string(),
            };
            json!({ "kind": "split", "device": device, "endpoint": endpoints::text(subject), "address": address })
        }
    };
    if let Some(object) = document.as_object_mut() {
        object.insert("decision".into(), row.id.into());
        object.insert("reason".into(), row.reason.clone().into());
        object.insert("decided_by".into(), row.decided_by.clone().into());
        object.insert("decided_at".into(), rfc3339(row.decided_at).into());
        object.insert("reverted_at".into(), row.reverted_at.map(rfc3339).into());
    }
    document
}
