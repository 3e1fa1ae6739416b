//! Arguments, verbs and exit codes (DESIGN: 0 done, whole · 1 partly read, or found something when asked to gate ·
//! 2 usage · 3 nothing done).

mod acting;
mod backup;
mod config;
mod decide;
mod demo;
mod devices;
mod doctor;
mod keys;
mod ledger;
mod listen;
mod reading;
mod retention;
mod scan;
mod stdin;
mod up;
mod witness;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Done, whole.
const DONE: u8 = 0;
/// Partly read, or found something when asked to gate.
const PARTLY: u8 = 1;
/// Wrong arguments.
const USAGE: u8 = 2;
/// Nothing done.
const NOTHING: u8 = 3;

/// Ward keeps watch over medical devices: which are there, who talks to whom, what needs you.
#[derive(Debug, Parser)]
#[command(name = "ward", version, about, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Scan(scan::Scan),
    Up(up::Up),
    Demo(demo::Demo),
    Config(config::Configuration),
    Doctor(doctor::Doctor),
    Devices(devices::Devices),
    Retention(retention::Retention),
    Ledger(ledger::Ledger),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Keys(keys::Keys),
    Listen(listen::ListenFor),
    Witness(witness::Witness),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(help_or_error) => {
            let _ = help_or_error.print();
            return ExitCode::from(if help_or_error.use_stderr() { USAGE } else { DONE });
        }
    };
    let outcome = match arguments.verb {
        Verb::Scan(scan) => scan.run(),
        Verb::Up(up) => up.run(),
        Verb::Demo(demo) => demo.run(),
        Verb::Config(config) => config.run(),
        Verb::Doctor(doctor) => doctor.run(),
        Verb::Devices(devices) => devices.run(),
        Verb::Retention(retention) => retention.run(),
        Verb::Ledger(ledger) => ledger.run(),
        Verb::Backup(backup) => backup.run(),
        Verb::Restore(restore) => restore.run(),
        Verb::Keys(keys) => keys.run(),
        Verb::Listen(listen) => listen.run(),
        Verb::Witness(witness) => witness.run(),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&error);
            ExitCode::from(NOTHING)
        }
    }
}

/// A reader who has seen enough (`| head`) is no failure.
fn written(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// One line on standard error.
#[expect(clippy::print_stderr, reason = "the command line speaks here")]
fn complain(error: &anyhow::Error) {
    eprintln!("ward: {}", printable(&format!("{error:#}")));
}

/// One line for people on standard error, which is where a platform talks.
#[expect(clippy::print_stderr, reason = "the command line speaks here")]
pub(crate) fn say(text: &str) {
    eprintln!("{}", printable(text));
}

/// `text` without what a terminal would obey: controls, and marks that turn the direction of text (Unicode TR 9). Line
/// ends stay: some errors list commands.
fn printable(text: &str) -> String {
    let obeyed = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if obeyed(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
