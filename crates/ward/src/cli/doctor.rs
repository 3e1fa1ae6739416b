//! `ward doctor`: everything a run needs, looked at before it is needed.

use super::config::{Given, unsound};
use super::{DONE, NOTHING, PARTLY};
use crate::config::Config;
use crate::doctor::{self, Answer, Check, Options};
use crate::up::Ground;
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use std::io::Write;

/// Check everything that `ward up` needs, with the way out where something is wrong.
///
/// Exit code 0: nothing failed; 1: something did; 2: wrong arguments; 3: nothing could be checked.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    given: Given,
    /// Write one JSON document.
    #[arg(long)]
    json: bool,
    /// Ask witnesses over the network as well.
    #[arg(long)]
    online: bool,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Document<'a> {
    ward: &'static str,
    checks: &'a [Check],
}

impl Doctor {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        let (checks, code) = match self.given.load() {
            Ok(config) => {
                let open = |config: &Config| {
                    Ground::look(config).map(|ground| ground.place).map_err(|error| format!("{error:#}"))
                };
                let options =
                    Options { online: self.online, now: crate::source::now(), open_keyring: Some(&open) };
                let checks = doctor::examine(&config, &options);
                let code = code(&checks);
                (checks, code)
            }
            Err(error) => (
                vec![Check {
                    name: "configuration",
                    of: None,
                    answer: Answer::Failed,
                    detail: error.to_string(),
                    way_out: Some("nothing else can be checked before it is sound".to_owned()),
                }],
                unsound(&error),
            ),
        };
        let mut out = std::io::stdout().lock();
        let written = if self.json { document(&mut out, &checks) } else { page(&mut out, &checks) };
        super::written(written).context("cannot write to standard output")?;
        Ok(code)
    }
}

fn code(checks: &[Check]) -> u8 {
    let any = |answer| checks.iter().any(|check| check.answer == answer);
    if any(Answer::Failed) {
        PARTLY
    } else if any(Answer::Ok) || any(Answer::Warning) {
        DONE
    } else {
        NOTHING
    }
}

fn document(out: &mut impl Write, checks: &[Check]) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document { ward: env!("CARGO_PKG_VERSION"), checks })?;
    writeln!(out)
}

fn page(out: &mut impl Write, checks: &[Check]) -> std::io::Result<()> {
    for check in checks {
        let answer = match check.answer {
            Answer::Ok => "ok",
            Answer::Warning => "warning",
            Answer::Failed => "FAILED",
            Answer::CouldNotCheck => "could not check",
        };
        let name = match &check.of {
            Some(of) => format!("{} {}", check.name, super::printable(of)),
            None => check.name.to_owned(),
        };
        let detail = super::printable(&check.detail).replace('\n', "\n                  ");
        writeln!(out, "{answer:<16}  {name}: {detail}")?;
        if let Some(way_out) = &check.way_out {
            writeln!(
                out,
                "                  → {}",
                super::printable(way_out).trim().replace('\n', "\n                    ")
            )?;
        }
    }
    let count = |answer| checks.iter().filter(|check| check.answer == answer).count();
    writeln!(
        out,
        "\n{} ok, {} to look at, {} failed, {} could not be checked",
        count(Answer::Ok),
        count(Answer::Warning),
        count(Answer::Failed),
        count(Answer::CouldNotCheck)
    )
}
