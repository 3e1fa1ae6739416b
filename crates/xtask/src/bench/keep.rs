//! `cargo xtask bench keep`: what keeping costs, from records to durable rows and leaves, beside the least that a plain file and
//! a flush cost in the same run. The measuring is done by `keepbench` (crates/testkit); here are medians, ratios and the page.

use super::report;
use crate::options::Options;
use crate::run::{run, target_dir};
use crate::tidy;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const MARKERS: (&str, &str) = ("<!-- bench keep: begin -->", "<!-- bench keep: end -->");
/// Seconds of a day.
const DAY_S: f64 = 86_400.0;
const GB: f64 = 1e9;

/// All that was measured: each name with its rounds.
#[derive(Default)]
struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    /// Takes in what `keepbench` printed.
    fn take(&mut self, told: &str) {
        for line in told.lines() {
            if let Some((name, value)) = line.split_once('\t')
                && let Ok(value) = value.parse()
            {
                self.0.entry(name.to_owned()).or_default().push(value);
            }
        }
    }

    fn of(&self, name: &str) -> report::Spread {
        report::Spread::of(self.0.get(name).map_or(&[], Vec::as_slice))
    }

    fn median(&self, name: &str) -> f64 {
        self.of(name).median
    }
}

pub(super) fn keep(options: &Options) -> Result<bool> {
    let root = tidy::root()?;
    let quick = options.flag("quick");
    let rounds = options.number("rounds", if quick { 1 } else { 3 })?.max(1);
    let out = options.text("out").map_or_else(|| target_dir(&root).join("bench-keep"), PathBuf::from);
    ensure!(!out.exists(), "{} is there: remove it, or name another folder with --out", out.display());
    build(&root)?;
    let program = target_dir(&root).join("release/keepbench");
    let mut figures = Figures::default();
    let measured = parts(&out, quick, rounds).into_iter().try_for_each(|arguments| {
        println!("keepbench {}", arguments.join(" "));
        // One core, so that a figure is one core's.
        let told = run(Command::new("taskset").args(["-c", "0"]).arg(&program).args(&arguments))?;
        ensure!(told.ok, "keepbench {} failed", arguments.join(" "));
        figures.take(&told.output);
        Ok(())
    });
    std::fs::remove_dir_all(&out).with_context(|| format!("could not remove {}", out.display()))?;
    measured?;
    let page = page(&figures, rounds);
    println!("{page}");
    if quick {
        println!("a quick run: docs/perf.md stays as it is");
    } else {
        report::write_between(&root, MARKERS, &page)?;
    }
    Ok(true)
}

fn build(root: &Path) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "-p", "testkit", "--features", "keep", "--bin", "keepbench"]);
    ensure!(run(command.current_dir(root))?.ok, "keepbench could not be built");
    Ok(())
}

/// What is run, in this order.
fn parts(out: &Path, quick: bool, rounds: u64) -> Vec<Vec<String>> {
    let rounds = format!("rounds={rounds}");
    let sizes: &[&str] = if quick {
        &["warm=300", "batches=50", "settle=5", "live=10"]
    } else {
        &["warm=3600", "batches=200", "settle=20", "live=60"]
    };
    let rows = if quick { "rows=200000" } else { "rows=2000000" };
    let part = |name: &str, folder: &str, rest: &[&str]| {
        let mut arguments = vec![name.to_owned(), out.join(folder).to_string_lossy().into_owned()];
        arguments.extend(rest.iter().map(|word| (*word).to_owned()));
        arguments
    };
    vec![
        part("leaves", "leaves", &[&rounds, if quick { "batches=50" } else { "batches=300" }]),
        part("records", "records", &[sizes, &[rounds.as_str()]].concat()),
        part("memory", "records", &["views=256"]),
        part("memory", "records", &["views=16"]),
        part("memory", "records", &["views=8"]),
        part("verify", "verify", &[&rounds, rows]),
        part("leaves", "again", &[&rounds, if quick { "batches=50" } else { "batches=300" }]),
    ]
}

fn page(figures: &Figures, rounds: u64) -> String {
    let mut page = report::head(&format!("cargo xtask bench keep --rounds {rounds}"));
    page.push_str(
        "- one core (`taskset -c 0`), stores on disk, SQLCipher with a code a page, `synchronous=FULL`; processor time is user and \
         system of the whole process; median (least–most) of the rounds\n\n| what | measured | asked |\n|---|---|---|\n",
    );
    let rows =
        records(figures).into_iter().chain(ledger(figures)).chain(memory(figures)).chain(sizes(figures));
    for (what, measured, asked) in rows {
        page.push_str(&format!("| {what} | {measured} | {asked} |\n"));
    }
    page
}

type Line = (String, String, &'static str);

fn line(what: &str, measured: String, asked: &'static str) -> Line {
    (what.to_owned(), measured, asked)
}

fn records(figures: &Figures) -> Vec<Line> {
    let (f, of) = (figures, |name: &str| figures.of(name).whole());
    let made = f.median("made/s");
    vec![
        line("records/s that 15,000 simulated devices make, Monday 9 to 10", format!("{made:.0}"), ""),
        line("records/s, micro-batches of 1,000, durable (wall)", of("records/s"), "≥ 10,000"),
        line("the same by processor time", of("records/s cpu"), ""),
        line("times what the devices make", format!("{:.0}", f.median("records/s") / made), "≥ 20"),
        line("rows/s beside them", of("rows/s"), ""),
        line("bytes written a record, log and database", of("bytes/record"), ""),
        line("the same blocks in a plain file, a flush a batch: records/s", of("file/s"), ""),
        line("ratio to that file", f.of("records to file").to_string(), ""),
        line("real time, batches of 50 ms: records/s", of("live records/s"), ""),
        line("real time: share of a core", format!("{:.1} %", f.median("live cpu share") * 100.0), ""),
        line("real time: slowest batch, processor ms", of("live slowest ms"), ""),
        line(
            "real time: rows/s, commits/s",
            format!("{}, {}", of("live rows written/s"), of("live commits/s")),
            "",
        ),
        line("real time: bytes written/s", of("live bytes/s"), ""),
    ]
}

fn ledger(figures: &Figures) -> Vec<Line> {
    let (f, of) = (figures, |name: &str| figures.of(name).whole());
    let floor = "a plain file: hash, edge, signature and flush per 1,000 leaves of 256 bytes: leaves/s";
    vec![
        line(floor, of("floor/s"), ""),
        line(
            "the ledger: 1,000 commits with one flush, tiles, signed checkpoint: leaves/s",
            of("leaves/s"),
            "≥ 30,000",
        ),
        line("ratio to the file, round by round", f.of("leaves to floor").to_string(), "≥ 0.7"),
        line(
            "processor µs a leaf, file and ledger",
            format!("{}, {}", f.of("floor cpu us"), f.of("leaves cpu us")),
            "",
        ),
        line("`ledger verify`: rows", of("verify rows"), "≥ 2,000,000"),
        line("`ledger verify`: rows/s", of("verify rows/s"), "≥ 200,000"),
        line(
            "its seconds, and the engine's own checks on the same file",
            format!("{}, {}", f.of("verify s"), f.of("engine s")),
            "",
        ),
        line("ratio to the engine's checks, processor time", f.of("verify to engine").to_string(), ""),
        line("rows/s written when that store was filled (100 a transaction)", of("fill rows/s"), ""),
    ]
}

fn memory(figures: &Figures) -> Vec<Line> {
    let (f, of) = (figures, |name: &str| figures.of(name).whole());
    let mut lines = vec![
        line("devices found, endpoints", format!("{}, {}", of("devices"), of("endpoints")), ""),
        line("bytes a device of what is known in memory, after the hour", of("view bytes/device"), "≤ 6,144"),
        line("of these for endpoints", of("endpoint bytes/device"), ""),
        line("resident memory of the process then, MiB", of("warm rss MiB"), ""),
        line("a look at the whole site, processor ms", format!("{:.0}", f.median("site pass ms")), ""),
    ];
    for views in [256, 16, 8] {
        let name = |what: &str| of(&format!("views {views} {what}"));
        let told = format!(
            "{} MiB; {} endpoints, {:.1} MiB; {} written out; {} records/s",
            name("rss MiB"),
            name("hot"),
            f.median(&format!("views {views} bytes MiB")),
            name("evicted"),
            name("records/s"),
        );
        lines.push(line(&format!("views bound to {views} MiB, 200,000 records more: resident"), told, ""));
    }
    let killed = format!("{} ({} records replayed)", f.of("start killed s"), of("start killed replayed"));
    lines.push(line("start after a kill, seconds", killed, ""));
    lines.push(line("start after a clean stop, seconds", f.of("start clean s").to_string(), ""));
    lines
}

fn sizes(figures: &Figures) -> Vec<Line> {
    let f = figures;
    let mut lines = Vec::new();
    for size in [1_000, 55] {
        let of = |what: &str| f.of(&format!("block {size} {what}"));
        let told = format!(
            "{:.1} bytes, {:.0} ns, {:.0} ns",
            of("bytes/record").median,
            of("encode ns").median,
            of("decode ns").median
        );
        lines.push(line(&format!("blocks of {size} records: a record, encoding, decoding"), told, ""));
    }
    let day = |name: &str| f.median(name) * DAY_S / GB;
    let told = format!(
        "{:.2} GB; blocks {:.2}, leaves with their lists {:.2}; extrapolated from the minute in real time, nothing aged out",
        day("live file/s"),
        day("live blocks/s"),
        day("live leaves/s")
    );
    lines.push(line("what the store grows by in a day", told, ""));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_become_medians_on_the_page() {
        let mut figures = Figures::default();
        figures.take("records/s\t100000\nmade/s\t1000\nnoise\nrecords/s\t300000\nrecords/s\t200000\nleaves to floor\t0.5\n");
        let page = page(&figures, 3);
        assert!(page.contains("| 200,000 (100,000–300,000) | ≥ 10,000 |"), "{page}");
        assert!(page.contains("| times what the devices make | 200 | ≥ 20 |"), "{page}");
        assert!(page.contains("| 0.50 (0.50–0.50) | ≥ 0.7 |"), "{page}");
    }
}
