//! The console on St Brannoc's: a store of its own in a folder of its own, both gone at the end.

use super::{DAYS, History, day};
use crate::cli::say;
use crate::clock::now;
use crate::config::{Config, Flags};
use crate::source::given::Given;
use crate::up::{self, Extras, Running};
use anyhow::{Context, Result, anyhow};
use model::Record;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Records of a delivery.
const BATCH_RECORDS: usize = 5_000;
/// How long loading may take before we open the pages all the same.
const LOADED_WITHIN: Duration = Duration::from_secs(60);
/// How long what was drawn may take to be shown.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);
/// How often we look whether it is loaded.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Nothing of a demo is to be protected from growth of disk or ledger.
const VIEW_ROWS_PER_S: f64 = 1e6;

/// What somebody may want otherwise.
pub struct Wanted {
    /// Where to listen; port 0: a free one.
    pub http: String,
    /// Opens a browser where there is one.
    pub browser: bool,
}

/// Runs the console on St Brannoc's until `stop` is set.
///
/// # Errors
/// As the platform.
pub fn open(wanted: &Wanted, stop: &Arc<AtomicBool>) -> Result<()> {
    let begun = Instant::now();
    let folder =
        tempfile::Builder::new().prefix("ward-demo-").tempdir().context("no folder for the demo's store")?;
    let config = config(folder.path(), &wanted.http)?;
    let loaded = Arc::new(AtomicBool::new(false));
    let extras = extras(config.limits.batch_records, &loaded)?;
    up::run_with(config, extras, stop, &mut |running| {
        wait(&loaded, stop);
        // What was heard is drawn: nobody is shown half a hospital.
        running.core.call(|core| core.flush(now()))??;
        let drawn = Instant::now();
        while running.house.inventory.is_empty()
            && drawn.elapsed() < SHOWN_WITHIN
            && !stop.load(Ordering::Relaxed)
        {
            std::thread::sleep(LOOK_EVERY);
        }
        super::furnish(running.house)?;
        welcome(running, begun.elapsed(), wanted.browser)
    })
}

/// A configuration that nothing on this machine changes.
fn config(folder: &Path, http: &str) -> Result<Config> {
    let set = |key: &str, value: &Path| format!("{key}={}", value.display());
    let flags = Flags {
        set: vec![
            "site.name=St Brannoc's".into(),
            "site.time_zone=Europe/London".into(),
            "ledger.origin=stbrannoc.example/demo".into(),
            "log.level=error".into(),
            set("keys.file", &folder.join("demo.kek")),
        ],
        store: Some(folder.join("store").display().to_string()),
        http: Some(http.to_owned()),
        ..Flags::default()
    };
    crate::config::parse(None, &[], &flags).map_err(|error| anyhow!("{error}"))
}

fn extras(batch_records: usize, loaded: &Arc<AtomicBool>) -> Result<Extras> {
    let seed = getrandom::u64().map_err(|error| anyhow!("no entropy from the system: {error}"))?;
    let day = day::read(now(), seed)?;
    let history = History::of(&day).records();
    let told = Arc::clone(loaded);
    let given = |name: &str, records: Vec<Record>, durable: Box<dyn FnOnce() + Send>| Given {
        name: name.into(),
        records,
        batch_records: batch_records.max(BATCH_RECORDS),
        durable,
    };
    Ok(Extras {
        given: vec![
            given("demo:history", history, Box::new(|| {})),
            given("demo:day", day, Box::new(move || told.store(true, Ordering::Relaxed))),
        ],
        notice: Some(format!(
            "St Brannoc's is fictional. The last 24 hours are real packets of real software; the {DAYS} days before are simulated from them."
        )),
        view_rows_per_s: Some(VIEW_ROWS_PER_S),
    })
}

/// Until all is durable, or it takes too long, or it is time to stop.
fn wait(loaded: &AtomicBool, stop: &AtomicBool) {
    let begun = Instant::now();
    while !loaded.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) && begun.elapsed() < LOADED_WITHIN
    {
        std::thread::sleep(LOOK_EVERY);
    }
}

fn welcome(running: &Running<'_>, took: Duration, browser: bool) -> Result<()> {
    let url = running.url.context("the demo has no pages: --http is off")?;
    say(&format!(
        "St Brannoc's is open at {url}  ({:.1} s; only this machine can open it)\n\n\
         Ctrl-C ends it and removes its store. Next: `ward demo --scan` shows a scan of the same day in the terminal, `ward demo --samples DIR`\n\
         writes its files, `ward scan YOUR.pcap` reads your own.",
        took.as_secs_f64()
    ));
    if browser {
        open_browser(url);
    }
    Ok(())
}

/// Where there is a desktop. Not a failure where there is none: the address was said.
fn open_browser(url: &str) {
    let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if has_desktop {
        let quiet = std::process::Stdio::null;
        let _ = std::process::Command::new("xdg-open").arg(url).stdout(quiet()).stderr(quiet()).spawn();
    }
}
