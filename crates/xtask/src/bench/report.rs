//! The page: medians, spread, ratios; and its place in docs/perf.md.

use super::capture::Capture;
use super::measure::Measured;
use super::tools::{FLOOR, Tool, WARD};
use crate::run::first_line;
use anyhow::{Context as _, Result};
use std::path::Path;

const PAGE: &str = "docs/perf.md";
const BEGIN: &str = "<!-- bench scan: begin -->";
const END: &str = "<!-- bench scan: end -->";

/// A tool on a capture, over all rounds.
pub(super) struct Row {
    tool: &'static str,
    version: String,
    command: String,
    capture: Capture,
    pub(super) runs: Vec<Measured>,
}

/// Largest memory on a capture and on one four times as long.
pub(super) struct Growth {
    pub(super) short_kib: u64,
    pub(super) long_kib: u64,
    pub(super) failed: bool,
}

impl Row {
    pub(super) fn new(tool: &Tool, capture: &Capture, first: Measured) -> Self {
        Self {
            tool: tool.name,
            version: tool.version.clone(),
            command: tool.shown(),
            capture: capture.clone(),
            runs: vec![first],
        }
    }

    pub(super) fn is(&self, tool: &str, capture: &str) -> bool {
        self.tool == tool && self.capture.name == capture
    }

    fn failed(&self) -> Option<&Measured> {
        self.runs.iter().find(|run| !run.ok)
    }

    fn ns_per_packet(&self) -> Vec<f64> {
        let packets = self.capture.packets.max(1) as f64;
        self.runs.iter().map(|run| run.cpu_s() * 1e9 / packets).collect()
    }

    fn line(&self) -> String {
        if let Some(run) = self.failed() {
            return format!(
                "| {} | {} | failed: {} | | | | |\n",
                self.tool, self.capture.name, run.complaint
            );
        }
        let ns = Spread::of(&self.ns_per_packet());
        let cpu = Spread::of(&self.runs.iter().map(Measured::cpu_s).collect::<Vec<_>>());
        let wall = Spread::of(&self.runs.iter().map(|run| run.wall_s).collect::<Vec<_>>());
        let rss = Spread::of(&self.runs.iter().map(|run| run.rss_kib as f64 / 1024.0).collect::<Vec<_>>());
        let gbit_s = self.capture.bytes as f64 * 8.0 / cpu.median.max(1e-6) / 1e9;
        format!(
            "| {} | {} | {} | {:.0} ({:.0}–{:.0}) | {gbit_s:.2} | {:.1} | {:.0} |\n",
            self.tool, self.capture.name, cpu, ns.median, ns.least, ns.most, wall.median, rss.median
        )
    }
}

/// Median and extremes.
pub(super) struct Spread {
    least: f64,
    pub(super) median: f64,
    most: f64,
}

impl Spread {
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) && middle > 0 {
            (at(middle - 1) + at(middle)) / 2.0
        } else {
            at(middle)
        };
        Self { least: at(0), median, most: at(sorted.len().saturating_sub(1)) }
    }
}

impl Spread {
    /// In whole numbers; extremes only where there are several rounds that differ.
    pub(super) fn whole(&self) -> String {
        let shown = |value: f64| grouped(value.round());
        if self.least.round() == self.most.round() {
            return shown(self.median);
        }
        format!("{} ({}–{})", shown(self.median), shown(self.least), shown(self.most))
    }
}

/// With a comma every three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && value.is_finite() {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.least, self.most)
    }
}

/// The command, when and where.
pub(super) fn head(command: &str) -> String {
    format!(
        "`{command}`, {}, commit {}\n\n- machine: {}; {}; load average before the end {}\n",
        first_line("date", &["+%Y-%m-%d"]),
        commit(),
        first_line("uname", &["-srm"]),
        processor(),
        load()
    )
}

/// The whole block for the page.
pub(super) fn page(
    command: &str,
    about: &[String],
    rows: &[Row],
    left_out: &[String],
    growth: Option<&Growth>,
) -> String {
    let mut page = head(command);
    about.iter().for_each(|line| page.push_str(&format!("- {line}\n")));
    page.push_str(
        "- processor time is user and system of the whole process; median (least–most) of the rounds\n\n",
    );
    page.push_str("| tool | capture | CPU s | ns/packet CPU | Gbit/s of a core | wall s | peak RSS MiB |\n|---|---|---|---|---|---|---|\n");
    rows.iter().for_each(|row| page.push_str(&row.line()));
    page.push('\n');
    let ratios = ratios(rows);
    if !ratios.is_empty() {
        page.push_str("Ward's CPU divided by the other's, round by round, median (least–most):\n\n| ward to | capture | ratio |\n|---|---|---|\n");
        ratios.iter().for_each(|line| page.push_str(line));
        page.push('\n');
    }
    if let Some(growth) = growth {
        page.push_str(&growth.line());
    }
    let mut named: Vec<&str> = Vec::new();
    for row in rows {
        if !named.contains(&row.tool) {
            named.push(row.tool);
            let version = if row.version.is_empty() { String::new() } else { format!(" ({})", row.version) };
            page.push_str(&format!("- {}{version}: `{}`\n", row.tool, row.command));
        }
    }
    left_out.iter().for_each(|why| page.push_str(&format!("- left out: {why}\n")));
    page
}

impl Growth {
    fn line(&self) -> String {
        if self.failed {
            return "Growth: not measured, ward failed.\n\n".to_owned();
        }
        format!(
            "Growth: {} MiB, and {} MiB on a capture four times as long over the same hosts: × {:.2}.\n\n",
            self.short_kib / 1024,
            self.long_kib / 1024,
            self.long_kib as f64 / self.short_kib.max(1) as f64
        )
    }
}

/// Ward to every other tool on the same capture.
fn ratios(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    let wards = rows.iter().filter(|row| row.tool == WARD && row.failed().is_none());
    for ward in wards {
        let others = rows.iter().filter(|row| !row.tool.starts_with(WARD) && row.failed().is_none());
        for other in others.filter(|row| row.capture.name == ward.capture.name) {
            let pairs = ward.runs.iter().zip(&other.runs);
            let ratio = Spread::of(
                &pairs.map(|(ward, other)| ward.cpu_s() / other.cpu_s().max(1e-6)).collect::<Vec<_>>(),
            );
            let mark =
                if other.tool == FLOOR { " (reads, decodes, counts flows, touches every byte)" } else { "" };
            lines.push(format!("| {}{mark} | {} | {ratio} |\n", other.tool, ward.capture.name));
        }
    }
    lines
}

fn commit() -> String {
    first_line("git", &["describe", "--always", "--dirty"])
}

fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{} × {}", cores, name.unwrap_or_else(|| "unknown processor".to_owned()))
}

fn load() -> String {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// Puts the block between its markers in docs/perf.md.
pub(super) fn write(root: &Path, block: &str) -> Result<()> {
    write_between(root, (BEGIN, END), block)
}

/// Puts `block` between two markers of the page.
pub(super) fn write_between(root: &Path, (begin, end): (&str, &str), block: &str) -> Result<()> {
    let path = root.join(PAGE);
    let page = std::fs::read_to_string(&path).with_context(|| format!("could not read {PAGE}"))?;
    let page = replaced(&page, (begin, end), block)
        .with_context(|| format!("{PAGE}: the markers {begin} and {end} are missing"))?;
    std::fs::write(&path, page).with_context(|| format!("could not write {PAGE}"))?;
    println!("{PAGE} is up to date");
    Ok(())
}

fn replaced(page: &str, (begin, end): (&str, &str), block: &str) -> Option<String> {
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n\n{}\n\n{end}{after}", block.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn row(tool: &'static str, cpu_s: &[f64], ok: bool) -> Row {
        let run = |user_s: &f64| Measured {
            user_s: *user_s,
            system_s: 0.0,
            wall_s: 2.0,
            rss_kib: 51_200,
            ok,
            complaint: "bad flag".into(),
        };
        let capture = Capture { name: "mid", path: PathBuf::new(), packets: 1_000_000, bytes: 250_000_000 };
        Row {
            tool,
            version: "v1".into(),
            command: "x CAPTURE".into(),
            capture,
            runs: cpu_s.iter().map(run).collect(),
        }
    }

    #[test]
    fn medians_spread_and_ratios_are_right() {
        let rows = [row("ward", &[0.3, 0.2, 0.4], true), row("ndpiReader", &[1.5, 2.0, 1.6], true)];
        let page = page("cargo xtask bench scan", &[], &rows, &["tshark: not installed".to_owned()], None);
        assert!(
            page.contains("| ward | mid | 0.30 (0.20–0.40) | 300 (200–400) | 6.67 | 2.0 | 50 |"),
            "{page}"
        );
        assert!(page.contains("| ndpiReader | mid | 0.20 (0.10–0.25) |"), "{page}");
        assert!(page.contains("- left out: tshark: not installed"), "{page}");
    }

    #[test]
    fn a_failed_run_has_no_figures() {
        let rows = [row("ward", &[0.3], false), row("ndpiReader", &[1.5], true)];
        let page = page("x", &[], &rows, &[], Some(&Growth { short_kib: 1, long_kib: 1, failed: true }));
        assert!(page.contains("| ward | mid | failed: bad flag |"), "{page}");
        assert!(!page.contains("ward to") && page.contains("not measured"), "{page}");
    }

    #[test]
    fn the_block_goes_between_its_markers() {
        let page = format!("# Perf\n{BEGIN}\nold\n{END}\nrest\n");
        assert_eq!(
            replaced(&page, (BEGIN, END), "new\n").unwrap(),
            format!("# Perf\n{BEGIN}\n\nnew\n\n{END}\nrest\n")
        );
        assert_eq!(replaced("# Perf\n", (BEGIN, END), "new"), None);
    }
}
