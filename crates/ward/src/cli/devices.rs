//! `ward devices`: the inventory as it is, as it was, and as it was known.

use super::config::Given;
use super::decide::Verb;
use super::reading::{self, Reading, Zone, cell, count, page, rfc3339, table};
use super::{DONE, USAGE};
use anyhow::{Result, anyhow};
use clap::Args;
use model::{SiteId, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use store::devices::{AsOf, ClaimRow, DeviceAt, PAGE_MAX, inventory};
use store::{Cursor, Page, Scope};

/// Devices listed when nobody says how many.
const LIMIT_DEFAULT: usize = 100;
/// How a moment is written.
const FORMS: &str = "write 2026-05-01 (the beginning of that day at the site), 2026-05-01T08:30 (the site's time) or \
                     2026-05-01T08:30:00Z";

/// List the devices of the site, as they are or as they were; decide which of them are one.
///
/// The list reads the store beside a `ward up` that runs, and changes nothing. Exit code 0: listed; 2: wrong arguments; 3: nothing could be
/// read.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  ward devices\n  ward devices --at 2026-05-01                the inventory as it was when that day began\n  ward devices --at 2026-05-01T08:30:00Z --known-at 2026-05-02\n                                              what was true then, by what Ward knew a day later\n  ward devices --limit 500 --json\n  ward devices merge d-00f1c2d3a4b5c6d7 d-8899aabbccddeeff --reason \"two ports of one monitor\""
)]
pub(super) struct Devices {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// What was true then: a date (when it began at the site), or a date and time (RFC 3339).
    #[arg(long, value_name = "WHEN", value_parser = parse_moment)]
    at: Option<Moment>,
    /// By what Ward knew then; alone: what it took for true then.
    #[arg(long, value_name = "WHEN", value_parser = parse_moment)]
    known_at: Option<Moment>,
    /// Number of the site [default: the configured one].
    #[arg(long, value_name = "N")]
    site: Option<u32>,
    /// How many devices at most, 1 to 500.
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT, value_parser = parse_limit)]
    limit: usize,
    /// Go on behind the list before, by the cursor that it ended with.
    #[arg(long, value_name = "CURSOR", value_parser = parse_cursor)]
    after: Option<Cursor>,
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

/// A moment as somebody writes it.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The same everywhere.
    Instant(jiff::Timestamp),
    /// By the site's clock.
    Local(jiff::civil::DateTime),
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    let instant = text.parse().map(Moment::Instant);
    instant.or_else(|_| text.parse().map(Moment::Local)).map_err(|_| format!("that is no date: {FORMS}"))
}

fn parse_limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(|| format!("write a number from 1 to {PAGE_MAX}"))
}

fn parse_cursor(text: &str) -> Result<Cursor, String> {
    Cursor::decode(text).map_err(|error| error.to_string())
}

impl Moment {
    fn timestamp(self, zone: &Zone) -> Result<Timestamp> {
        let instant = match self {
            Self::Instant(instant) => instant,
            Self::Local(local) => zone.instant(local)?,
        };
        let nanos = u64::try_from(instant.as_nanosecond()).ok().filter(|nanos| i64::try_from(*nanos).is_ok());
        nanos.map(Timestamp::from_nanos).ok_or_else(|| anyhow!("{instant} is before 1970: {FORMS}"))
    }
}

/// What `--json` writes.
#[derive(Serialize)]
struct Document<'a> {
    ward: &'static str,
    site: u32,
    /// Absent: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    true_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_at: Option<String>,
    devices: Vec<DeviceDocument<'a>>,
    /// For `--after`; absent at the end of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
struct DeviceDocument<'a> {
    id: String,
    key: &'a str,
    name: Option<&'a str>,
    maker_of_interface: Option<&'a str>,
    router: bool,
    behind: Option<String>,
    first_seen: String,
    known_from: String,
    endpoints: &'a [String],
    claims: Vec<ClaimDocument<'a>>,
}

#[derive(Serialize)]
struct ClaimDocument<'a> {
    endpoint: &'a str,
    attribute: &'a str,
    value: &'a str,
    source: &'a str,
    confidence: i64,
    true_from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    true_to: Option<String>,
    known_from: String,
}

/// Later than every row.
const STILL: Timestamp = Timestamp::from_nanos(i64::MAX.cast_unsigned());

impl Devices {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        if let Some(verb) = self.verb {
            return verb.run();
        }
        let mut reading = Reading::open(&self.given)?;
        let moments = self.moments(&reading.zone);
        let (at, asked) = match moments {
            Ok(moments) => moments,
            Err(error) => {
                super::complain(&error);
                return Ok(USAGE);
            }
        };
        let site = self.site.map_or(reading.config.site.id, SiteId);
        reading.db.begin()?;
        let found = inventory(&mut reading.db, &Scope::site(site), at, self.after, self.limit);
        reading.db.roll_back();
        let found = found?;
        if self.json {
            reading::document(&document(site, asked, &found))?;
        } else {
            page(|out| self.page(out, &reading, site, asked, &found))?;
        }
        Ok(DONE)
    }

    /// The moments to ask the store for, and those that were asked for.
    fn moments(&self, zone: &Zone) -> Result<(AsOf, [Option<Timestamp>; 2])> {
        let moment = |moment: Option<Moment>| moment.map(|moment| moment.timestamp(zone)).transpose();
        let (at, known) = (moment(self.at)?, moment(self.known_at)?);
        let true_at = at.or(known);
        let as_of = AsOf { true_at: true_at.unwrap_or(STILL), known_at: known.unwrap_or(STILL) };
        Ok((as_of, [true_at, known]))
    }

    fn page(
        &self,
        out: &mut dyn Write,
        reading: &Reading,
        site: SiteId,
        [true_at, known_at]: [Option<Timestamp>; 2],
        found: &Page<DeviceAt>,
    ) -> std::io::Result<()> {
        let zone = &reading.zone;
        let mut when = true_at.map_or_else(|| "now".to_owned(), |at| format!("at {}", zone.show(at)));
        if let Some(known_at) = known_at {
            when.push_str(&format!(", as known at {}", zone.show(known_at)));
        }
        if found.items.is_empty() {
            writeln!(out, "No device of site {} is known {when}.", site.0)?;
            let hint = match (self.after.is_some(), true_at.or(known_at)) {
                (true, _) => "The list ended before: begin it again without --after.",
                (_, Some(_)) => {
                    "Ward may not have watched yet: `ward devices` without a date lists what is there now."
                }
                _ => {
                    "`ward up` fills the store from mirror ports and folders; `ward config check` shows which, `ward doctor` \
                     whether they work. `ward demo` shows what a list looks like."
                }
            };
            return writeln!(out, "{hint}");
        }
        let mut rows = table(&["Name", "Address", "MAC", "Maker of interface", "First seen", "Claims", "Id"]);
        for item in &found.items {
            rows.add_row(row(item, zone));
        }
        writeln!(out, "DEVICES of site {} {when}\n{rows}\n", site.0)?;
        writeln!(out, "{} listed.", count(found.items.len() as u64, "device"))?;
        if let Some(next) = found.next {
            let next = next.encode();
            writeln!(
                out,
                "There are more: repeat the command with --after {next}, or list more with --limit {PAGE_MAX}."
            )?;
        }
        Ok(())
    }
}

fn row(item: &DeviceAt, zone: &Zone) -> Vec<String> {
    let addresses: BTreeSet<&str> = item
        .endpoints
        .iter()
        .map(|endpoint| endpoint.split_once('|').map_or(endpoint.as_str(), |(_, a)| a))
        .collect();
    let (macs, ips): (Vec<&str>, Vec<&str>) =
        addresses.into_iter().partition(|address| address.parse::<model::MacAddr>().is_ok());
    let name = item.device.name.as_deref().unwrap_or("–");
    let name = if item.device.router { format!("{name} (router)") } else { name.to_owned() };
    let ip = if ips.is_empty() && macs.is_empty() { "via gateway".to_owned() } else { first_of(&ips) };
    vec![
        cell(&name),
        cell(&ip),
        cell(&first_of(&macs)),
        cell(item.device.vendor.as_deref().unwrap_or("–")),
        zone.show(item.device.first_seen),
        item.claims.len().to_string(),
        item.device.device.to_string(),
    ]
}

/// The first, and how many more there are.
fn first_of(addresses: &[&str]) -> String {
    match addresses {
        [] => "–".to_owned(),
        [only] => (*only).to_owned(),
        [first, more @ ..] => format!("{first} +{}", more.len()),
    }
}

fn document(
    site: SiteId,
    [true_at, known_at]: [Option<Timestamp>; 2],
    found: &Page<DeviceAt>,
) -> Document<'_> {
    let devices = found.items.iter().map(|item| {
        let device = &item.device;
        DeviceDocument {
            id: device.device.to_string(),
            key: &device.key,
            name: device.name.as_deref(),
            maker_of_interface: device.vendor.as_deref(),
            router: device.router,
            behind: device.behind.map(|behind| behind.to_string()),
            first_seen: rfc3339(device.first_seen),
            known_from: rfc3339(device.known_from),
            endpoints: &item.endpoints,
            claims: item.claims.iter().map(claim).collect(),
        }
    });
    Document {
        ward: env!("CARGO_PKG_VERSION"),
        site: site.0,
        true_at: true_at.map(rfc3339),
        known_at: known_at.map(rfc3339),
        devices: devices.collect(),
        next: found.next.map(Cursor::encode),
    }
}

fn claim(claim: &ClaimRow) -> ClaimDocument<'_> {
    ClaimDocument {
        endpoint: &claim.endpoint,
        attribute: &claim.attribute,
        value: &claim.value,
        source: &claim.source,
        confidence: claim.confidence,
        true_from: rfc3339(claim.true_from),
        true_to: claim.true_to.map(rfc3339),
        known_from: rfc3339(claim.known_from),
    }
}
