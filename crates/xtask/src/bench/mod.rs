//! `cargo xtask bench scan`: Ward beside its peers, one capture, one run, rounds interleaved, processor time of the whole
//! process. Figures are ratios to peers and to the floor; absolute ones belong to the machine and the hour.

mod capture;
mod keep;
mod measure;
mod protocols;
mod report;
mod show;
mod tools;

use crate::options::Options;
use crate::tidy;
use anyhow::{Result, bail, ensure};
use capture::Captures;
use report::Row;
use std::path::{Path, PathBuf};
use tools::Tool;

pub(crate) use measure::measure;

/// Options that take a value, and those that do not.
pub(crate) const VALUED: &[&str] = &["packets", "window", "out", "rounds", "tools", "devices"];
pub(crate) const FLAGS: &[&str] = &["keep", "quick", "install"];

/// What a run of the benchmark was asked for.
struct Request {
    packets: u64,
    window_s: u64,
    rounds: u64,
    out: PathBuf,
    tools: Vec<String>,
    keep: bool,
    install: bool,
    quick: bool,
}

impl Request {
    fn read(options: &Options) -> Result<Self> {
        let quick = options.flag("quick");
        let (packets, window_s) = if quick { (500_000, 60) } else { (5_000_000, 600) };
        let packets = options.number("packets", packets)?;
        Ok(Self {
            packets,
            window_s: options.number("window", window_s)?,
            rounds: options.number("rounds", if quick { 1 } else { 3 })?.max(1),
            out: options.text("out").map_or_else(|| capture::place(packets), PathBuf::from),
            tools: options.list("tools"),
            keep: options.flag("keep"),
            install: options.flag("install"),
            quick,
        })
    }

    /// The command that asks for the same.
    fn shown(&self) -> String {
        let mut shown = format!(
            "cargo xtask bench scan --packets {} --window {} --rounds {}",
            self.packets, self.window_s, self.rounds
        );
        if !self.tools.is_empty() {
            shown.push_str(&format!(" --tools {}", self.tools.join(",")));
        }
        shown
    }
}

/// Runs the named benchmark.
pub(crate) fn bench(options: &Options) -> Result<bool> {
    match options.word("benchmark")? {
        "scan" => scan(&Request::read(options)?),
        "protocols" => protocols::protocols(&Request::read(options)?),
        "keep" => keep::keep(options),
        "show" => show::show(options),
        other => bail!("`{other}` is no benchmark; there are `scan`, `protocols`, `keep` and `show`"),
    }
}

fn scan(request: &Request) -> Result<bool> {
    let root = tidy::root()?;
    tools::build(&root)?;
    let (mut tools, mut left_out) = tools::ready(&root, &request.tools, request.install)?;
    ensure!(!tools.is_empty(), "none of the tools can run: {}", left_out.join("; "));
    std::fs::create_dir_all(&request.out)?;
    let captures = capture::main_pair(&root, &request.out, request.packets, request.window_s)?;
    tools.retain(|tool| {
        let doubt =
            if tool.name.starts_with(tools::WARD) { tool.reads_all(captures.head()).err() } else { None };
        left_out.extend(doubt.iter().map(|why| format!("{}: {why}", tool.name)));
        doubt.is_none()
    });
    let rows = rounds(&tools, &captures, request.rounds)?;
    let about = captures.about()?;
    captures.remove(request.keep);
    let growth = growth(&root, request, &tools)?;
    // Stays when something of somebody is still in it.
    let _ = std::fs::remove_dir(&request.out);
    let page = report::page(&request.shown(), &about, &rows, &left_out, growth.as_ref());
    println!("{page}");
    if request.quick {
        println!("a quick run: docs/perf.md stays as it is");
    } else {
        report::write(&root, &page)?;
    }
    Ok(true)
}

/// Every tool once per round, so that a busy minute hits all of them.
fn rounds(tools: &[Tool], captures: &Captures, rounds: u64) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for round in 1..=rounds {
        for tool in tools {
            for capture in captures.for_tool(tool) {
                let measured = tool.run(&capture.path)?;
                println!("round {round}: {:<14} {:<4} {}", tool.name, capture.name, measured.shown(capture));
                match rows.iter_mut().find(|row| row.is(tool.name, capture.name)) {
                    Some(row) => row.runs.push(measured),
                    None => rows.push(Row::new(tool, capture, measured)),
                }
            }
        }
    }
    Ok(rows)
}

/// Memory on a capture and on one four times as long over the same hosts: what grows with time and should not.
fn growth(root: &Path, request: &Request, tools: &[Tool]) -> Result<Option<report::Growth>> {
    let Some(ward) = tools.iter().find(|tool| tool.name == tools::WARD) else { return Ok(None) };
    // Both longer than any flow lives idle, or the shorter one would not hold its share of live flows.
    let (short, window_s) = (request.packets, request.window_s);
    let mut kib = Vec::new();
    for times in [1, 4] {
        let capture = capture::single(root, &request.out, short * times, window_s * times)?;
        let measured = ward.run(&capture.path)?;
        println!("growth: {times} × {short} packets: {}", measured.shown(&capture));
        kib.push(measured);
        if !request.keep {
            let _ = std::fs::remove_file(&capture.path);
        }
    }
    let [short, long] = kib.as_slice() else { return Ok(None) };
    Ok(Some(report::Growth {
        short_kib: short.rss_kib,
        long_kib: long.rss_kib,
        failed: !(short.ok && long.ok),
    }))
}
