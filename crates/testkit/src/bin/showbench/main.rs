//! Measures what showing costs: answers of a running Ward over loopback, open consoles with their streams, and the store they need.
//! Prints `name<TAB>value` a line; `cargo xtask bench show` runs it and makes medians and ratios of the lines.
//! `showbench make FOLDER [devices=100000] [minutes=30]`, `showbench feed FOLDER [devices=15000] [seconds=60]`,
//! `showbench ask URL [rounds=200] [cold=1]` with paths on standard input, `showbench streams URL [consoles=200] [seconds=20] [pid=…]`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod ask;
mod make;
mod streams;

use anyhow::{Context as _, Result, bail};
use std::process::ExitCode;

/// What is asked for.
pub(crate) struct Request {
    /// A folder or an address.
    pub(crate) of: String,
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
            eprintln!("showbench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let part = arguments.next().context("which part?")?;
    let of = arguments.next().context("of what?")?;
    let mut numbers = Vec::new();
    for argument in arguments {
        let (name, number) =
            argument.split_once('=').with_context(|| format!("`{argument}` is not name=number"))?;
        let number = number.parse().with_context(|| format!("`{argument}`: not a number"))?;
        numbers.push((name.to_owned(), number));
    }
    let request = Request { of, numbers };
    match part.as_str() {
        "make" => make::make(&request),
        "feed" => make::feed(&request),
        "ask" => ask::ask(&request),
        "streams" => streams::streams(&request),
        other => bail!("`{other}` is no part"),
    }
}
