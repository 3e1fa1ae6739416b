//! `ward retention`: what is kept how long and why; changes of it, each checked whole before it is written.

use super::DONE;
use super::acting::{Outcome, have_done};
use super::config::Given;
use super::reading::{self, Reading, cell, page, table};
use crate::acts::Asked;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use serve::control::Act;
use std::io::Write;
use store::retention::{Amendment, Keep, LegalHold, Policy};

/// Show what is kept how long and why, or change it (docs/operate/retention.md).
///
/// Exit code 0: done; 1: the outcome is not known, see the log; 2: wrong arguments; 3: nothing done.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  ward retention\n  ward retention set flows 30\n  ward retention set findings 730 --reason \"outside the United States; works agreement 12\"\n  ward retention default flows\n  ward retention hold case-12 --from 2026-01-01 --to 2026-03-31 --reason \"letter of counsel of 2026-04-02\"\n  ward retention release case-12"
)]
pub(super) struct Retention {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Keep what a rule is about for this many days from now on; what is older goes with the next sweep, within the hour.
    Set {
        /// The rule.
        rule: String,
        /// Days.
        days: u32,
        /// Why; asked for below the legal minimum.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Keep what a rule is about as long as by default.
    Default {
        /// The rule.
        rule: String,
        #[command(flatten)]
        how: How,
    },
    /// Place a legal hold: whatever lies in these days stays, whatever the rules say.
    Hold {
        /// A name for it: letters, digits, -, _ and .
        name: String,
        /// First day, YYYY-MM-DD, UTC.
        #[arg(long, value_name = "DATE")]
        from: String,
        /// Last day; without it, until the hold is released.
        #[arg(long, value_name = "DATE")]
        to: Option<String>,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        how: How,
    },
    /// Lift a legal hold: what is past its time goes with the next sweep, within the hour.
    Release {
        /// Its name.
        name: String,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Debug, Args)]
struct How {
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    given: Given,
}

impl Retention {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        let (ask, how) = match self.verb {
            None => return show(&self.how, None),
            Some(Verb::Set { rule, days, reason, how }) => (Amendment::Set { rule, days, reason }, how),
            Some(Verb::Default { rule, how }) => (Amendment::Default { rule }, how),
            Some(Verb::Hold { name, from, to, reason, how }) => {
                (Amendment::Hold { name, from, to, reason }, how)
            }
            Some(Verb::Release { name, how }) => (Amendment::Release { name }, how),
        };
        let config = how.given.load()?;
        let asked = Asked::by_os_user(ask);
        let arguments = serde_json::to_value(&asked)?;
        let site = config.site.id;
        let done = have_done(&config, Act::Policy, &arguments, |core, now| asked.carry_out(core, site, now))?;
        match done {
            Outcome::Done(done) => show(&how, Some((&done, &asked.by))),
            Outcome::Unknown(code) => Ok(code),
        }
    }
}

/// The policy as it is now, after what was `done` and by whom.
fn show(how: &How, done: Option<(&Value, &str)>) -> Result<u8> {
    let mut reading = Reading::open(&how.given)?;
    let site = reading.config.site.id;
    let policy = Policy::read(&mut reading.db, site)?;
    let changed = done.map(|(done, by)| (done.get("changed").and_then(Value::as_bool).unwrap_or(false), by));
    if how.json {
        let mut document = json!({
            "ward": env!("CARGO_PKG_VERSION"),
            "site": site.0,
            "rules": policy.keeps().iter().map(rule).collect::<Vec<_>>(),
            "holds": policy.holds().iter().map(hold).collect::<Vec<_>>(),
        });
        if let (Some((changed, by)), Some(object)) = (changed, document.as_object_mut()) {
            object.insert("changed".into(), changed.into());
            object.insert("by".into(), by.into());
        }
        reading::document(&document)?;
        return Ok(DONE);
    }
    page(|out| {
        match changed {
            Some((true, by)) => writeln!(out, "Changed by {by}. The policy from now on:\n")?,
            Some((false, _)) => writeln!(out, "It is so already; nothing was written.\n")?,
            None => {}
        }
        told(out, site.0, &policy)
    })?;
    Ok(DONE)
}

fn told(out: &mut dyn Write, site: u32, policy: &Policy) -> std::io::Result<()> {
    let mut rows = table(&["Rule", "Days", "Default", "What", "Counted from", "Why"]);
    for keep in policy.keeps() {
        let why = match (keep.is_set, &keep.reason) {
            (true, Some(reason)) => format!("set: {reason}"),
            (true, None) => "set".to_owned(),
            (false, _) if keep.days != keep.rule.days => "default: as long as flows".to_owned(),
            (false, _) if keep.rule.minimum.is_some() => format!("default: {}", keep.rule.law),
            (false, _) => "default".to_owned(),
        };
        rows.add_row([
            keep.rule.name.to_owned(),
            keep.days.to_string(),
            keep.rule.days.to_string(),
            keep.rule.what.to_owned(),
            keep.rule.from.to_owned(),
            cell(&why),
        ]);
    }
    writeln!(out, "RETENTION at site {site}\n{rows}\n")?;
    writeln!(
        out,
        "The ledger keeps every leaf, for good; sealed values stay until their subject is shredded."
    )?;
    if policy.holds().is_empty() {
        return writeln!(out, "No legal hold.");
    }
    let mut rows = table(&["Hold", "From", "To", "Reason"]);
    for hold in policy.holds() {
        let to = hold.last_day().unwrap_or_else(|| "until it is released".to_owned());
        rows.add_row([cell(&hold.name), hold.first_day(), to, cell(&hold.reason)]);
    }
    writeln!(out, "\nLEGAL HOLDS: nothing from these days is deleted\n{rows}")
}

fn rule(keep: &Keep) -> Value {
    json!({
        "rule": keep.rule.name, "days": keep.days, "default": keep.rule.days, "changed": keep.is_set,
        "reason": keep.reason, "what": keep.rule.what, "from": keep.rule.from, "minimum": keep.rule.minimum,
        "law": keep.rule.minimum.map(|_| keep.rule.law),
    })
}

fn hold(hold: &LegalHold) -> Value {
    json!({ "hold": hold.name, "from": hold.first_day(), "to": hold.last_day(), "reason": hold.reason })
}
