//! `cargo xtask test`: everything that must hold before a change lands, each step with its time and an honest answer.

use crate::options::Options;
use crate::run::{Ran, cargo, first_line, installed, run};
use crate::{browser, postgres, setup, tidy};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Seconds that the smoke run spends on each fuzz target.
const FUZZ_SMOKE_SECONDS: u64 = 2;

/// Tests that have a step of their own: those in a top-level module of that name, in any integration test.
const SCENARIOS: &str = "test(/^scenarios::/)";
const CORPUS: &str = "test(/^corpus::/)";

/// Engines and the like that the default build leaves out, and the tests do not.
const FEATURES: &[&str] = &["--features", "ward/postgres,ward/hsm"];
/// Makes a test that cannot run here fail instead of saying so.
const STRICT: &str = "WARD_TEST_STRICT";

/// A step's answer: "fine", "wrong" and "could not check, because".
enum Outcome {
    Passed { checks: u64 },
    Failed { passed: u64, failed: u64, why: String },
    Skipped { why: String },
}

struct Step {
    name: &'static str,
    run: fn(&Place) -> Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step { name: "machine", run: machine },
    Step { name: "format", run: format },
    Step { name: "clippy", run: clippy },
    Step { name: "tidy", run: house_rules },
    Step { name: "tests", run: tests },
    Step { name: "doc-tests", run: doc_tests },
    Step { name: "scenarios", run: scenarios },
    Step { name: "corpus", run: corpus },
    Step { name: "browser", run: console },
    Step { name: "fuzz", run: fuzz },
];

/// Where and how the steps run.
struct Place {
    root: PathBuf,
    ci: bool,
    nextest: bool,
}

/// Runs the steps; `true` when none failed.
pub(crate) fn test(options: &Options) -> Result<bool> {
    let only = options.list("only");
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != name.as_str())) {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        anyhow::bail!("--only {unknown}: no such step; there are {}", names.join(", "));
    }
    let place = Place {
        root: tidy::root()?,
        ci: std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1"),
        nextest: installed("cargo-nextest").is_some(),
    };
    let mut report = Vec::new();
    for step in STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)) {
        println!("\n=== {}", step.name);
        let start = Instant::now();
        let outcome = (step.run)(&place).unwrap_or_else(|error| failed_once(format!("{error:#}")));
        report.push((step.name, outcome, start.elapsed()));
    }
    Ok(print(&report))
}

/// Rewrites what the scenarios expect.
pub(crate) fn bless() -> Result<bool> {
    let root = tidy::root()?;
    let mut arguments = vec!["nextest", "run", "--workspace", "--no-fail-fast", "-E", SCENARIOS];
    if installed("cargo-nextest").is_none() {
        arguments = vec!["test", "--workspace", "scenarios"];
    }
    let ran = run(cargo(&root, &arguments).env("BLESS", "1"))?;
    println!("{}", first_line("git", &["diff", "--shortstat", "--", "scenarios"]));
    println!("blessed is not right: read `git diff scenarios` before you commit it");
    Ok(ran.ok)
}

fn print(report: &[(&str, Outcome, Duration)]) -> bool {
    println!("\n{:<12} {:>9}  result", "step", "time");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, outcome, took) in report {
        let result = match outcome {
            Outcome::Passed { checks } => {
                passed += checks;
                format!("passed ({checks})")
            }
            Outcome::Failed { passed: fine, failed: wrong, why } => {
                passed += fine;
                failed += wrong;
                format!("FAILED ({wrong} of {}): {why}", fine + wrong)
            }
            Outcome::Skipped { why } => {
                skipped += 1;
                format!("skipped: {why}")
            }
        };
        println!("{name:<12} {:>8.1}s  {result}", took.as_secs_f64());
    }
    let tail = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
    println!("\n{passed} passed, {failed} failed{tail}");
    failed == 0
}

fn failed_once(why: String) -> Outcome {
    Outcome::Failed { passed: 0, failed: 1, why }
}

fn one_check(ran: &Ran, why: &str) -> Outcome {
    if ran.ok { Outcome::Passed { checks: 1 } } else { failed_once(why.to_owned()) }
}

fn machine(place: &Place) -> Result<Outcome> {
    println!("{}", first_line("uname", &["-srm"]));
    println!("{}", first_line("rustc", &["--version"]));
    if !place.nextest {
        println!("cargo-nextest is not installed: `cargo test` instead, slower and without time limits");
    }
    let missing = setup::install()?;
    if missing.is_empty() {
        return Ok(Outcome::Passed { checks: 1 });
    }
    let why = format!("tests that need them will say so; install: apt-get install {}", missing.join(" "));
    Ok(if place.ci { failed_once(why) } else { Outcome::Skipped { why } })
}

fn format(place: &Place) -> Result<Outcome> {
    Ok(one_check(&run(&mut cargo(&place.root, &["fmt", "--all", "--check"]))?, "run `cargo fmt`"))
}

fn clippy(place: &Place) -> Result<Outcome> {
    let arguments =
        [&["clippy", "--quiet", "--workspace", "--all-targets"], FEATURES, &["--", "-D", "warnings"]]
            .concat();
    Ok(one_check(&run(&mut cargo(&place.root, &arguments))?, "see the warnings above"))
}

fn house_rules(_place: &Place) -> Result<Outcome> {
    let complaints = tidy::run()?;
    let rules = u64::try_from(tidy::RULES.len())?;
    Ok(match complaints {
        0 => Outcome::Passed { checks: rules },
        n => failed_once(format!("{n} complaints, each with its way out above")),
    })
}

fn tests(place: &Place) -> Result<Outcome> {
    let server = postgres::Server::start();
    if let Err(error) = &server {
        println!("no PostgreSQL server: {error:#}; the tests on it will say that they could not run");
    }
    let ran = if place.nextest {
        run(served(&mut nextest_on(place, &format!("not ({SCENARIOS} | {CORPUS})")), server.as_ref().ok()))?
    } else {
        let arguments = [&["test", "--workspace", "--all-targets", "--no-fail-fast"], FEATURES].concat();
        run(served(&mut cargo(&place.root, &arguments), server.as_ref().ok()))?
    };
    let counts = if place.nextest { nextest_counts(&ran.output) } else { cargo_test_counts(&ran.output) };
    Ok(counted(&ran, counts))
}

/// Tells the tests where the server is, and to fail where there is none: a run of everything leaves nothing out.
fn served<'a>(command: &'a mut Command, server: Option<&postgres::Server>) -> &'a mut Command {
    if let Some(server) = server {
        command.env(postgres::VARIABLE, server.url());
    }
    command.env(STRICT, "1")
}

fn doc_tests(place: &Place) -> Result<Outcome> {
    let ran =
        run(&mut cargo(&place.root, &[&["test", "--quiet", "--workspace", "--doc"], FEATURES].concat()))?;
    let (passed, failed) = cargo_test_counts(&ran.output);
    if ran.ok && passed == 0 {
        return Ok(Outcome::Skipped { why: "no crate has a doc test".to_owned() });
    }
    Ok(counted(&ran, (passed, failed)))
}

fn scenarios(place: &Place) -> Result<Outcome> {
    if !place.nextest {
        return Ok(Outcome::Skipped {
            why: "ran with the tests (no cargo-nextest to pick them out)".to_owned(),
        });
    }
    nextest(place, SCENARIOS)
}

fn corpus(place: &Place) -> Result<Outcome> {
    let Some(corpus) = std::env::var_os("WARD_CORPUS") else {
        let beside = place.root.join("../shared/corpus");
        if place.ci && beside.is_dir() {
            return Ok(failed_once(
                "the corpus is beside the project but WARD_CORPUS is not set; see .ci/run".to_owned(),
            ));
        }
        return Ok(Outcome::Skipped { why: "WARD_CORPUS is not set to a folder of captures".to_owned() });
    };
    if !Path::new(&corpus).is_dir() {
        return Ok(failed_once(format!("WARD_CORPUS={} is not a folder", corpus.to_string_lossy())));
    }
    if !place.nextest {
        return Ok(Outcome::Skipped {
            why: "ran with the tests (no cargo-nextest to pick them out)".to_owned(),
        });
    }
    nextest(place, CORPUS)
}

fn fuzz(place: &Place) -> Result<Outcome> {
    let seconds = FUZZ_SMOKE_SECONDS.to_string();
    let ran = run(&mut cargo(&place.root, &["run", "--quiet", "-p", "fuzz", "--", "--seconds", &seconds]))?;
    Ok(one_check(&ran, "a target panicked, hung or ran out of memory; the bytes are in fuzz/crashes"))
}

fn console(place: &Place) -> Result<Outcome> {
    Ok(match browser::walk(&place.root, FEATURES, false)? {
        browser::Walked::Passed(checks) if checks > 0 => Outcome::Passed { checks },
        browser::Walked::Passed(_) => failed_once("the walk checked nothing".to_owned()),
        browser::Walked::Failed { passed, failed, why } => Outcome::Failed { passed, failed, why },
        browser::Walked::Skipped(why) if place.ci => failed_once(why),
        browser::Walked::Skipped(why) => Outcome::Skipped { why },
    })
}

/// Writes the pictures that the guides show anew.
pub(crate) fn bless_pictures() -> Result<bool> {
    let walked = browser::walk(&tidy::root()?, FEATURES, true)?;
    Ok(matches!(walked, browser::Walked::Passed(_)))
}

/// Runs the tests that `filter` picks. None found is a failure: a step that runs nothing must not pass.
fn nextest(place: &Place, filter: &str) -> Result<Outcome> {
    let ran = run(&mut nextest_on(place, filter))?;
    Ok(counted(&ran, nextest_counts(&ran.output)))
}

fn nextest_on(place: &Place, filter: &str) -> Command {
    let profile = if place.ci { "ci" } else { "default" };
    let arguments = [
        "nextest",
        "run",
        "--workspace",
        "--no-fail-fast",
        "--cargo-quiet",
        "--profile",
        profile,
        "-E",
        filter,
    ];
    cargo(&place.root, &[&arguments, FEATURES].concat())
}

fn counted(ran: &Ran, (passed, failed): (u64, u64)) -> Outcome {
    match (ran.ok, passed, failed) {
        (true, 1.., 0) => Outcome::Passed { checks: passed },
        (true, 0, 0) => failed_once("no test ran".to_owned()),
        (false, 0, 0) => {
            failed_once("no test ran; it does not build, or nothing matches; see above".to_owned())
        }
        (false, _, 0) => {
            Outcome::Failed { passed, failed: 1, why: "the runner failed; see above".to_owned() }
        }
        (..) => Outcome::Failed { passed, failed, why: "see above".to_owned() },
    }
}

/// Passed and failed of `Summary [ 0.3s] 41 tests run: 39 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
fn nextest_counts(output: &str) -> (u64, u64) {
    let Some(summary) = output.lines().rfind(|line| line.trim_start().starts_with("Summary [")) else {
        return (0, 0);
    };
    let failed = ["failed", "timed out", "exec failed"].map(|word| number_before(summary, word)).iter().sum();
    (number_before(summary, "passed"), failed)
}

/// Sums of every `test result: ok. 3 passed; 0 failed; …`.
fn cargo_test_counts(output: &str) -> (u64, u64) {
    let results = output.lines().filter(|line| line.starts_with("test result:"));
    results.fold((0, 0), |(passed, failed), line| {
        (passed + number_before(line, "passed"), failed + number_before(line, "failed"))
    })
}

/// The number that stands right before ` word` in one of the parts of `line`.
fn number_before(line: &str, word: &str) -> u64 {
    let parts = line.split([',', ';', ':', '.']);
    let found = parts.filter_map(|part| {
        let (number, rest) = part.trim().split_once(' ')?;
        let rest = rest.split(" (").next()?;
        (rest == word).then(|| number.parse::<u64>().ok()).flatten()
    });
    found.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_runners_say_of_themselves() {
        let summary = "    Summary [   0.296s] 41/42 tests run: 38 passed (2 slow, 1 leaky), 2 failed, 1 timed out, 4 skipped";
        assert_eq!(nextest_counts(&format!("noise\n{summary}\n")), (38, 3));
        assert_eq!(nextest_counts("error: no tests to run"), (0, 0));
        let two = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\nx\ntest result: FAILED. 2 passed; 1 failed; 0 ignored";
        assert_eq!(cargo_test_counts(two), (5, 1));
    }

    #[test]
    fn a_run_of_nothing_is_a_failure() {
        let ran = Ran { ok: true, output: String::new() };
        assert!(matches!(counted(&ran, (0, 0)), Outcome::Failed { failed: 1, .. }));
        assert!(matches!(counted(&ran, (3, 0)), Outcome::Passed { checks: 3 }));
        let broken = Ran { ok: false, output: String::new() };
        assert!(matches!(counted(&broken, (3, 0)), Outcome::Failed { passed: 3, failed: 1, .. }));
    }
}
