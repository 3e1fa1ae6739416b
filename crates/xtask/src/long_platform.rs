//! The long runs of the platform: many kills, and a soak. Both are tests of crates/ward (`kill`), given more to do.

use crate::long::{Report, today};
use crate::options::Options;
use crate::run::{cargo, run};
use anyhow::Result;
use std::path::Path;

/// Kills when `--kills` says nothing.
const KILLS: u64 = 200;
/// Minutes of soak when `--soak` says nothing.
const SOAK_MINUTES: u64 = 15;

/// `kill -9` many times over.
pub(crate) fn kills(root: &Path, options: &Options) -> Result<Report> {
    let kills = options.number("kills", KILLS)?.max(1).to_string();
    // The date as a seed: every day kills elsewhere, and the row says where.
    let seed = today().replace('-', "");
    let test = "kill::kills_lose_nothing_that_was_acknowledged_and_change_nothing";
    let set = [("WARD_KILLS", &*kills), ("WARD_KILLS_SEED", &*seed)];
    test_alone(root, test, &set, &format!("kill -9, {kills} times"), "in all: ")
}

/// Simulated records for some time, and memory that must stay flat.
pub(crate) fn soak(root: &Path, options: &Options) -> Result<Report> {
    let minutes = options.number("soak", SOAK_MINUTES)?.max(1).to_string();
    let test = "kill::soak::memory_stays_flat_while_records_keep_coming";
    test_alone(root, test, &[("WARD_SOAK_MINUTES", &*minutes)], &format!("soak, {minutes} min"), "soak: ")
}

/// Runs one test with what it is given in variables; the result is its line that begins with `told`.
fn test_alone(root: &Path, test: &str, set: &[(&str, &str)], what: &str, told: &str) -> Result<Report> {
    // Not nextest, which ends what takes long.
    let arguments = ["test", "--quiet", "-p", "ward", "--test", "it", "--", "--exact", test, "--nocapture"];
    let ran = run(cargo(root, &arguments).envs(set.iter().copied()))?;
    let line = ran.output.lines().rev().find_map(|line| line.strip_prefix(told));
    let fine = ran.ok && line.is_some();
    let why =
        || ran.output.lines().find(|line| line.contains("panicked")).unwrap_or("it did not come to its end");
    let result = line.filter(|_| fine).map_or_else(|| format!("WRONG: {}", why()), str::to_owned);
    Ok(Report { what: what.to_owned(), result, fine })
}
