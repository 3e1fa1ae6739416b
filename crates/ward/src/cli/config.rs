//! `ward config check|default`: what a run would go by, and why.

use super::{DONE, NOTHING, PARTLY};
use crate::config::{self, Config, ConfigError, Fault, Flags};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Which configuration: the same for every verb that needs one.
#[derive(Debug, Args)]
pub(super) struct Given {
    /// Configuration file [default: $WARD_CONFIG, else /etc/ward/ward.toml if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one value over file and environment; several times for several.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Folder of the store.
    #[arg(long, value_name = "DIR")]
    store: Option<String>,
    /// Listen on this interface; several times for several; replaces the list.
    #[arg(long, value_name = "IFACE")]
    listen: Vec<String>,
    /// Watch this folder; several times for several; replaces the list.
    #[arg(long, value_name = "DIR")]
    watch: Vec<String>,
    /// Address for health, metrics and ledger, or off.
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
}

impl Given {
    /// Reads and resolves it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        let flags = Flags {
            set: self.set.clone(),
            store: self.store.clone(),
            listen: self.listen.clone(),
            watch: self.watch.clone(),
            http: self.http.clone(),
        };
        config::load(self.config.as_deref(), &flags)
    }
}

/// Show what a run would go by.
#[derive(Debug, Args)]
pub(super) struct Configuration {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check file, environment and flags, and explain every value. Exit code 0: sound; 1: something is wrong; 3: cannot be read.
    Check {
        #[command(flatten)]
        given: Given,
        /// Write one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Print an annotated file with every key and its default.
    Default,
}

/// What `check --json` writes.
#[derive(Serialize)]
struct Checked {
    sound: bool,
    faults: Vec<String>,
    remarks: Vec<String>,
    values: Vec<config::Explained>,
}

impl Configuration {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        let mut out = std::io::stdout().lock();
        let (written, code) = match self.verb {
            Verb::Default => (out.write_all(config::EXAMPLE.as_bytes()), DONE),
            Verb::Check { given, json } => {
                let (checked, code) = check(&given);
                let written = if json { document(&mut out, &checked) } else { page(&mut out, &checked) };
                (written, code)
            }
        };
        super::written(written).context("cannot write to standard output")?;
        Ok(code)
    }
}

fn check(given: &Given) -> (Checked, u8) {
    match given.load() {
        Ok(config) => {
            let (values, remarks) = (config::explain(&config), config::remarks(&config));
            (Checked { sound: true, faults: Vec::new(), remarks, values }, DONE)
        }
        Err(error) => {
            let code = unsound(&error);
            let faults = error.0.iter().map(ToString::to_string).collect();
            (Checked { sound: false, faults, remarks: Vec::new(), values: Vec::new() }, code)
        }
    }
}

/// The exit code for a configuration that cannot be used.
pub(super) fn unsound(error: &ConfigError) -> u8 {
    let is_unread = |fault: &Fault| matches!(fault, Fault::Unreadable { .. } | Fault::TooLarge { .. });
    if error.0.iter().all(is_unread) { NOTHING } else { PARTLY }
}

fn document(out: &mut impl Write, checked: &Checked) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, checked)?;
    writeln!(out)
}

fn page(out: &mut impl Write, checked: &Checked) -> std::io::Result<()> {
    for fault in &checked.faults {
        writeln!(out, "wrong: {}", super::printable(fault))?;
    }
    for value in &checked.values {
        let shown = value.value.as_deref().unwrap_or("(not set)");
        writeln!(out, "{} = {}   [{}]", value.key, super::printable(shown), super::printable(&value.origin))?;
        write!(out, "    {}; takes {}", value.means, value.allowed)?;
        match &value.variable {
            Some(variable) => writeln!(out, "; {variable}")?,
            None => writeln!(out)?,
        }
    }
    for remark in &checked.remarks {
        writeln!(out, "note: {}", super::printable(remark))?;
    }
    Ok(())
}
