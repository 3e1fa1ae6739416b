//! `cargo xtask test --long`: what takes too long for every change. Each run leaves a row in docs/long-runs.md.

use crate::options::Options;
use crate::run::{cargo, first_line, run};
use crate::tidy;
use anyhow::{Context as _, Result};
use std::path::Path;

const LOG: &str = "docs/long-runs.md";
/// Minutes per fuzz target when `--minutes` says nothing.
const MINUTES: u64 = 3;

pub(crate) fn long(options: &Options) -> Result<bool> {
    let root = tidy::root()?;
    let minutes = options.number("minutes", MINUTES)?;
    let seconds = (minutes * 60).to_string();
    // The date as a seed: every day searches elsewhere, and the row says where.
    let date = first_line("date", &["+%Y-%m-%d"]);
    let seed = date.replace('-', "");
    let mut arguments =
        vec!["run", "--quiet", "--release", "-p", "fuzz", "--", "--seconds", &seconds, "--seed", &seed];
    if let Some(target) = options.text("target") {
        arguments.extend(["--target", target]);
    }
    let ran = run(&mut cargo(&root, &arguments))?;
    let said = ran.output.lines().last().unwrap_or("").trim().to_owned();
    let what =
        format!("fuzz {}, {minutes} min each, seed {seed}", options.text("target").unwrap_or("all targets"));
    record(&root, &date, &what, if ran.ok { &said } else { "FAILED: see fuzz/crashes" })?;
    Ok(ran.ok)
}

/// Appends a row to the table at the end of the page.
fn record(root: &Path, date: &str, what: &str, result: &str) -> Result<()> {
    let commit = first_line("git", &["-C", &root.to_string_lossy(), "describe", "--always", "--dirty"]);
    let path = root.join(LOG);
    let mut page = std::fs::read_to_string(&path).with_context(|| format!("could not read {LOG}"))?;
    page.truncate(page.trim_end().len());
    page.push_str(&format!("\n| {date} | {commit} | {what} | {} |\n", result.replace('|', "/")));
    std::fs::write(&path, page).with_context(|| format!("could not write {LOG}"))
}
