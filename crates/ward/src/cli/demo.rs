//! `ward demo`: St Brannoc's hospital, without a network, root or a capture of your own.

use super::scan::{self, Output};
use crate::demo::{self, SAMPLE, SAMPLE_NAME, Wanted};
use crate::logging;
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Open the console on the sample hospital that ships with Ward.
///
/// St Brannoc's is fictional; its last day are packets of real software, the 28 days before are simulated from them and say so.
/// No root, no network, no file of yours is touched: it listens on this machine only, keeps its store in a folder of its own, and
/// removes it at the end (Ctrl-C).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ward demo                      the console, on a free port\n  ward demo --http 127.0.0.1:8080\n  ward demo --scan               a scan of the day, as a table in the terminal\n  ward demo --html demo.html     the same as a page to show to a colleague\n  ward demo --samples samples    the files, then: ward scan samples/st-brannocs.pcap.zst"
)]
pub(super) struct Demo {
    /// Write the sample files into this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["scan", "http", "no_browser"])]
    samples: Option<PathBuf>,
    /// Scan the day of packets and show what a scan finds; so do --json, --html and --redact.
    #[arg(long)]
    scan: bool,
    /// Where the console listens: a loopback address; port 0 is a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    http: String,
    /// Do not open a browser, only say the address.
    #[arg(long)]
    no_browser: bool,
    #[command(flatten)]
    output: Output,
}

impl Demo {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        match &self.samples {
            Some(folder) => write_samples(folder),
            None if self.scan || self.output.is_asked_for() => self.scan(),
            None => self.open(),
        }
    }

    fn scan(&self) -> Result<u8> {
        let code = scan::scan_bytes("St Brannoc's (sample)", SAMPLE, &self.output)?;
        if !self.output.is_document() {
            what_next();
        }
        Ok(code)
    }

    fn open(self) -> Result<u8> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        ctrlc::set_handler(move || told.store(true, Ordering::Relaxed)).context("no handler for signals")?;
        let errors = crate::config::Log {
            format: crate::config::LogFormat::Text,
            level: crate::config::LogLevel::Error,
        };
        logging::start(errors).context("logs cannot be written")?;
        demo::open(&Wanted { http: self.http, browser: !self.no_browser }, &stop)?;
        Ok(super::DONE)
    }
}

/// Where a newcomer may go from here.
#[expect(clippy::print_stdout, reason = "the command line speaks here")]
fn what_next() {
    println!("\nSt Brannoc's is fictional; its packets are real. Next:");
    println!("  ward demo                     the same hospital in the console");
    println!("  ward demo --html demo.html    the scan as a page, with the evidence behind every line");
    println!(
        "  ward scan YOUR.pcap           your own capture; ward scan --help shows mirror ports and sharing"
    );
}

#[expect(clippy::print_stdout, reason = "the command line speaks here")]
fn write_samples(folder: &std::path::Path) -> Result<u8> {
    let shown = folder.display();
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{shown}`"))?;
    for (name, bytes) in demo::FILES {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
        println!("{}", path.display());
    }
    println!("\nNow try: ward scan {}", folder.join(SAMPLE_NAME).display());
    Ok(super::DONE)
}
