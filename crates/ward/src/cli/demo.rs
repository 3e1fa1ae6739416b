//! `ward demo`: St Brannoc's hospital, without a network, root or a capture of your own.

use super::scan::{self, Output};
use crate::demo::{SAMPLE, SAMPLE_NAME, SAMPLE_README};
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;

/// Scan the sample hospital that ships with Ward and show what a scan finds.
///
/// St Brannoc's is fictional; its packets come from real software. No root, no network, no file of yours is touched.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ward demo\n  ward demo --html demo.html     a page to show to a colleague\n  ward demo --samples samples    then: ward scan samples/st-brannocs.pcap.zst"
)]
pub(super) struct Demo {
    /// Write the sample files into this folder instead of scanning them.
    #[arg(long, value_name = "DIR")]
    samples: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Demo {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        match &self.samples {
            Some(folder) => write_samples(folder),
            None => {
                let code = scan::scan_bytes("St Brannoc's (sample)", SAMPLE, &self.output)?;
                if !self.output.is_document() {
                    what_next();
                }
                Ok(code)
            }
        }
    }
}

/// Where a newcomer may go from here.
#[expect(clippy::print_stdout, reason = "the command line speaks here")]
fn what_next() {
    println!("\nSt Brannoc's is fictional; its packets are real. Next:");
    println!("  ward demo --html demo.html    the same as a page, with the evidence behind every line");
    println!(
        "  ward scan YOUR.pcap           your own capture; ward scan --help shows mirror ports and sharing"
    );
}

#[expect(clippy::print_stdout, reason = "the command line speaks here")]
fn write_samples(folder: &std::path::Path) -> Result<u8> {
    let shown = folder.display();
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{shown}`"))?;
    for (name, bytes) in [(SAMPLE_NAME, SAMPLE), ("README.md", SAMPLE_README.as_bytes())] {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
        println!("{}", path.display());
    }
    println!("\nNow try: ward scan {}", folder.join(SAMPLE_NAME).display());
    Ok(super::DONE)
}
