//! `cargo xtask test --long`: what takes too long for every change. Each run leaves a row in docs/long-runs.md.

use crate::options::Options;
use crate::run::{cargo, first_line, run, target_dir};
use crate::{interop, long_platform, tidy};
use anyhow::{Context as _, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

const LOG: &str = "docs/long-runs.md";
/// Minutes per fuzz target when `--minutes` says nothing.
const MINUTES: u64 = 3;
/// What cargo-fuzz would pass: count edges and compare operands.
const COVERAGE_FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";
/// libFuzzer's bounds: an input's seconds, the process's memory, an input's bytes.
const BOUNDS: &[&str] = &["-timeout=5", "-rss_limit_mb=1024", "-max_len=16384", "-print_final_stats=1"];

/// What a long run says of itself.
pub(crate) struct Report {
    pub(crate) what: String,
    pub(crate) result: String,
    pub(crate) fine: bool,
}

type Part = fn(&Path, &Options) -> Result<Report>;

/// The parts, in the order in which they run; `--part` picks some.
const PARTS: &[(&str, Part)] =
    &[("fuzz", fuzzed), ("api", judged), ("kill", long_platform::kills), ("soak", long_platform::soak)];

pub(crate) fn long(options: &Options) -> Result<bool> {
    let root = tidy::root()?;
    let picked = options.list("part");
    if let Some(unknown) = picked.iter().find(|part| PARTS.iter().all(|(name, _)| name != part)) {
        bail!("--part {unknown}: there are fuzz, api, kill and soak");
    }
    let mut fine = true;
    for (name, part) in PARTS {
        if picked.is_empty() || picked.iter().any(|picked| picked == name) {
            let report = part(&root, options)?;
            record(&root, &report)?;
            println!("{}: {}", report.what, report.result);
            fine &= report.fine;
        }
    }
    Ok(fine)
}

/// The API before schemathesis, for as long as `--minutes` says.
fn judged(root: &Path, options: &Options) -> Result<Report> {
    let minutes = options.number("minutes", interop::LONG.seconds / 60)?.max(1);
    let bounds = interop::Bounds { seconds: minutes * 60, ..interop::LONG };
    let (fine, result) = match interop::api(root, bounds)? {
        interop::Judged::Fine { line } => (true, line),
        interop::Judged::Wrong(why) | interop::Judged::Unable(why) => (false, format!("WRONG: {why}")),
    };
    Ok(Report { what: format!("schemathesis over the API, {minutes} min"), result, fine })
}

fn fuzzed(root: &Path, options: &Options) -> Result<Report> {
    let minutes = options.number("minutes", MINUTES)?.max(1);
    match build(root) {
        Ok(binary) => guided(root, &binary, minutes, options.text("target")),
        Err(error) => {
            println!(
                "libFuzzer cannot be built here ({error:#}): the stable mutator instead, without coverage"
            );
            unguided(root, minutes, options.text("target"))
        }
    }
}

fn build(root: &Path) -> Result<PathBuf> {
    let host = first_line("rustc", &["--print", "host-tuple"]);
    let folder = target_dir(root).join("libfuzzer");
    let arguments = [
        "build",
        "--release",
        "--manifest-path",
        "fuzz/libfuzzer/Cargo.toml",
        "--target",
        &host,
        "--target-dir",
        &folder.to_string_lossy(),
    ];
    let built = run(cargo(root, &arguments).env("RUSTFLAGS", COVERAGE_FLAGS))?;
    ensure!(built.ok, "the build failed; it needs a C++ compiler");
    Ok(folder.join(host).join("release/libfuzzer"))
}

/// libFuzzer on every target, as many at a time as there are cores.
fn guided(root: &Path, binary: &Path, minutes: u64, only: Option<&str>) -> Result<Report> {
    let corpus = target_dir(root).join("fuzz-corpus");
    let exported = run(&mut cargo(
        root,
        &["run", "--quiet", "-p", "fuzz", "--", "--export", &corpus.to_string_lossy()],
    ))?;
    ensure!(exported.ok, "the targets' material could not be written");
    std::fs::create_dir_all(root.join("fuzz/crashes")).context("could not make fuzz/crashes")?;
    let targets = targets(&corpus, only)?;
    let due = Mutex::new(targets.iter());
    let totals = Mutex::new((0_u64, Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(target) = due.lock().ok().and_then(|mut due| due.next()) {
                    let (runs, fine) = fuzz(root, binary, target, &corpus.join(target), minutes);
                    println!("{target:<14} {runs:>12} inputs  {}", if fine { "fine" } else { "WRONG" });
                    if let Ok(mut totals) = totals.lock() {
                        totals.0 += runs;
                        totals.1.extend((!fine).then(|| target.clone()));
                    }
                }
            });
        }
    });
    let (runs, wrong) = totals.into_inner().unwrap_or_default();
    let verdict =
        if wrong.is_empty() { "none wrong".to_owned() } else { format!("WRONG: {}", wrong.join(", ")) };
    Ok(Report {
        what: format!("libFuzzer, {} targets, {minutes} min each", targets.len()),
        result: format!("{runs} inputs, {verdict}"),
        fine: wrong.is_empty(),
    })
}

fn targets(corpus: &Path, only: Option<&str>) -> Result<Vec<String>> {
    let folders = std::fs::read_dir(corpus).context("could not list the targets")?.filter_map(Result::ok);
    let mut targets: Vec<String> =
        folders.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    targets.retain(|target| only.is_none_or(|only| only == target));
    targets.sort();
    ensure!(!targets.is_empty(), "no such target");
    Ok(targets)
}

/// Inputs run, and whether none broke the target.
fn fuzz(root: &Path, binary: &Path, target: &str, corpus: &Path, minutes: u64) -> (u64, bool) {
    let output = Command::new(binary)
        .env("WARD_FUZZ_TARGET", target)
        .args(BOUNDS)
        .arg(format!("-max_total_time={}", minutes * 60))
        .arg(format!("-artifact_prefix={}/fuzz/crashes/{target}-", root.display()))
        .arg(corpus)
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else { return (0, false) };
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let runs = told
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok());
    if !output.status.success() {
        told.lines()
            .rev()
            .take(30)
            .collect::<Vec<_>>()
            .iter()
            .rev()
            .for_each(|line| println!("  {target}: {line}"));
    }
    (runs.unwrap_or(0), output.status.success())
}

fn unguided(root: &Path, minutes: u64, only: Option<&str>) -> Result<Report> {
    let seconds = (minutes * 60).to_string();
    // The date as a seed: every day searches elsewhere, and the row says where.
    let seed = today().replace('-', "");
    let mut arguments =
        vec!["run", "--quiet", "--release", "-p", "fuzz", "--", "--seconds", &seconds, "--seed", &seed];
    arguments.extend(only.iter().flat_map(|target| ["--target", target]));
    let ran = run(&mut cargo(root, &arguments))?;
    Ok(Report {
        what: format!("stable mutator, {}, {minutes} min each, seed {seed}", only.unwrap_or("all targets")),
        result: ran.output.lines().last().unwrap_or("").trim().to_owned(),
        fine: ran.ok,
    })
}

pub(crate) fn today() -> String {
    first_line("date", &["+%Y-%m-%d"])
}

/// Appends a row to the table at the end of the page.
fn record(root: &Path, report: &Report) -> Result<()> {
    let commit = first_line("git", &["-C", &root.to_string_lossy(), "describe", "--always", "--dirty"]);
    let path = root.join(LOG);
    let mut page = std::fs::read_to_string(&path).with_context(|| format!("could not read {LOG}"))?;
    page.truncate(page.trim_end().len());
    let result = report.result.replace('|', "/");
    page.push_str(&format!("\n| {} | {commit} | {} | {result} |\n", today(), report.what));
    std::fs::write(&path, page).with_context(|| format!("could not write {LOG}"))
}
