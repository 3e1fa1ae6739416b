//! `ward listen`: the process behind `ward up` that sees packets. Nobody types it: it writes JSON lines for its parent and ends when
//! its input does.

use super::{DONE, NOTHING};
use crate::capture::{self, Capture, CaptureError, LiveOptions};
use crate::source::{Said, hear};
use anyhow::Result;
use clap::Args;
use model::{DomainId, SensorId, SiteId};
use std::io::{Read as _, Write as _};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set when the parent has closed our input, or is gone.
static STOP: AtomicBool = AtomicBool::new(false);

/// Listen for `ward up`: JSON lines on standard output until standard input ends.
#[derive(Debug, Args)]
#[command(hide = true)]
pub(super) struct ListenFor {
    #[arg(long)]
    interface: String,
    #[arg(long)]
    workers: usize,
    #[arg(long)]
    ring_bytes: usize,
    #[arg(long)]
    site: u32,
    #[arg(long)]
    sensor: u32,
    #[arg(long)]
    domain: u32,
    #[arg(long)]
    flows_max: usize,
    #[arg(long)]
    own_interface: bool,
    #[arg(long)]
    prepare_interface: bool,
}

impl ListenFor {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        let output = Mutex::new(std::io::stdout());
        let say = |said: Said| {
            let Ok(mut line) = serde_json::to_vec(&said) else { return false };
            line.push(b'\n');
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.write_all(&line).and_then(|()| output.flush()).is_ok()
        };
        let captures = match self.open() {
            Ok(captures) => captures,
            Err(error) => {
                say(Said::Failed { why: super::printable(&error.to_string()) });
                return Ok(NOTHING);
            }
        };
        // Only now: privileges are given up by the only thread.
        stop_when_input_ends();
        let mut seed = [0; 8];
        if let Err(error) = getrandom::fill(&mut seed) {
            say(Said::Failed { why: format!("the system gives no random bytes: {error}") });
            return Ok(NOTHING);
        }
        let config = sense::Config {
            site: SiteId(self.site),
            sensor: SensorId(self.sensor),
            domain: DomainId(self.domain),
            seed: u64::from_le_bytes(seed),
            flows_max: (self.flows_max / self.workers.max(1)).max(1),
            ..sense::Config::default()
        };
        if say(Said::Started { workers: captures.len() }) {
            hear(captures, config, &STOP, &say);
        }
        Ok(DONE)
    }

    fn open(&self) -> Result<Vec<Box<dyn Capture>>, CaptureError> {
        let options = LiveOptions {
            prepare_interface: self.prepare_interface,
            own_interface: self.own_interface,
            workers: self.workers,
            ring_bytes: self.ring_bytes,
        };
        let captures = capture::open_live(&self.interface, options)?;
        capture::drop_privileges()?;
        Ok(captures)
    }
}

fn stop_when_input_ends() {
    // The parent may be stopped by a signal to all: it decides when we end.
    let _ = ctrlc::set_handler(|| {});
    // Not joined: it waits for the parent, and ends with the process.
    std::thread::spawn(|| {
        let mut nothing = [0; 64];
        while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
        STOP.store(true, Ordering::Relaxed);
    });
}
