//! `ward up`: the platform, until it is told to stop.

use super::config::{Given, unsound};
use super::{DONE, USAGE};
use crate::{logging, up};
use anyhow::{Context, Result};
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Run the platform: listen, keep, and answer for it. Stops on Ctrl-C or SIGTERM.
#[derive(Debug, Args)]
pub(super) struct Up {
    #[command(flatten)]
    given: Given,
}

impl Up {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        let config = match self.given.load() {
            Ok(config) => config,
            Err(error) => {
                super::complain(&anyhow::anyhow!("{error}\n`ward config check` explains every value"));
                return Ok(unsound(&error).max(USAGE));
            }
        };
        logging::start(config.log).context("logs cannot be written")?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        ctrlc::set_handler(move || told.store(true, Ordering::Relaxed)).context("no handler for signals")?;
        up::run(config, &stop, &mut |greeting| {
            tracing::info!("ward is up");
            super::say(greeting);
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        })?;
        Ok(DONE)
    }
}
