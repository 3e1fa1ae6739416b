//! Measures what keeping costs: records to durable rows and leaves, the ledger alone, verification, memory, restarts, sizes.
//! Prints `name<TAB>value` a line, once a round; `cargo xtask bench keep` runs it, and makes medians and ratios of the lines.
//! `keepbench PART FOLDER [name=number…]`; parts: `records`, `memory`, `leaves`, `verify`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod cost;
mod leaves;
mod records;
mod restart;
mod verify;

use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;

/// Key of the stores here.
pub(crate) const KEY: [u8; 32] = [9; 32];

/// What is asked for.
pub(crate) struct Request {
    pub(crate) folder: PathBuf,
    numbers: Vec<(String, u64)>,
}

impl Request {
    /// The number called `name`, or `otherwise`.
    pub(crate) fn number(&self, name: &str, otherwise: u64) -> u64 {
        let named = self.numbers.iter().find(|(known, _)| known == name);
        named.map_or(otherwise, |(_, number)| *number)
    }
}

/// One line of the answer.
pub(crate) fn tell(name: &str, value: f64) {
    println!("{name}\t{value}");
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keepbench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let part = arguments.next().context("which part?")?;
    let folder = arguments.next().map(PathBuf::from).context("which folder?")?;
    let mut numbers = Vec::new();
    for argument in arguments {
        let (name, number) =
            argument.split_once('=').with_context(|| format!("`{argument}` is not name=number"))?;
        let number = number.parse().with_context(|| format!("`{argument}`: not a number"))?;
        numbers.push((name.to_owned(), number));
    }
    std::fs::create_dir_all(&folder)?;
    let request = Request { folder, numbers };
    match part.as_str() {
        "records" => records::records(&request),
        "memory" => restart::memory(&request),
        "leaves" => leaves::leaves(&request),
        "verify" => verify::verify(&request),
        other => bail!("`{other}` is no part"),
    }
}
