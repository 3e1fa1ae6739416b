//! A store with many devices, made through the core; and record files that keep coming while it is shown.

use crate::{Request, tell};
use anyhow::{Result, anyhow};
use model::{Attribute, EndpointKey, Record, SiteId, Timestamp};
use smol_str::SmolStr;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Store;
use testkit::simulation::{Plan, Simulation, write_jsonl};
use ward::bus::Delivery;
use ward::config::{self, Config, Flags};
use ward::up::{Ground, open_core_at};

/// Records of a batch while the store is made.
const BATCH: usize = 2_000;
/// Of so many records of traffic one is taken: lists need devices, not bytes.
const TRAFFIC_ONE_IN: u64 = 8;
/// Seconds since which all of it is known: so much of the past can be asked for, and has settled.
const KNOWN_SINCE_S: u64 = 900;
/// Rows of views a second while the store is made: no limit.
const VIEW_ROWS_PER_S: f64 = 1e9;

/// The configuration of the store in `folder`.
pub(crate) fn configuration(folder: &Path) -> Result<Config> {
    let flags = Flags {
        set: vec![
            "site.id=1".into(),
            "site.name=St Brannoc's".into(),
            "ledger.origin=ward.example/bench".into(),
            format!("keys.file={}", folder.join("kek").display()),
        ],
        store: Some(folder.join("store").display().to_string()),
        ..Flags::default()
    };
    config::parse(None, &[], &flags).map_err(|error| anyhow!("{error}"))
}

pub(crate) fn make(request: &Request) -> Result<()> {
    let folder = Path::new(&request.of);
    std::fs::create_dir_all(folder)?;
    let config = configuration(folder)?;
    let minutes = request.number("minutes", 30);
    let begun = Instant::now();
    let ground = Ground::open_or_create(&config)?;
    let now = Timestamp::from_secs(ward::up::now().as_secs().saturating_sub(KNOWN_SINCE_S));
    let start = Timestamp::from_secs(now.as_secs().saturating_sub(minutes * 60));
    let store = Store::open(ground.place.clone(), now)?;
    let mut core = open_core_at(&config, store, now)?;
    core.set_view_rows_per_s(VIEW_ROWS_PER_S);
    core.note_site(&config.site.name, &config.site.time_zone, now)?;
    let plan = Plan::new(1, SiteId(1), usize::try_from(request.number("devices", 100_000))?, start, 1);
    let mut told: HashSet<(EndpointKey, Attribute, SmolStr)> = HashSet::new();
    let mut traffic = 0;
    let until = Timestamp::from_secs(start.as_secs() + minutes * 60);
    let mut wanted =
        Simulation::new(plan)?.take_while(|record| record.header().received_at < until).filter(|record| {
            match record {
                Record::Fact(fact) => told.insert((fact.endpoint, fact.attribute, fact.value.clone())),
                Record::Activity(_) | Record::Flow(_) => {
                    traffic += 1;
                    traffic % TRAFFIC_ONE_IN == 0
                }
                Record::Event(_) | Record::Coverage(_) => true,
            }
        });
    let mut sequence = 0;
    loop {
        let records: Vec<Record> = wanted.by_ref().take(BATCH).collect();
        if records.is_empty() {
            break;
        }
        sequence += records.len() as u64;
        let delivery = Delivery {
            source: Arc::from("bench:make"),
            records,
            last_sequence: sequence,
            position: "{}".into(),
            acknowledge: None,
        };
        core.accept(&[delivery], now)?;
    }
    core.flush(now)?;
    core.store().integrate(&config.ledger.origin, &ground.signer(&config)?, now)?;
    tell("made records", sequence as f64);
    tell("made devices", core.devices() as f64);
    tell("made s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// A second's records every second, as so many devices make them.
pub(crate) fn feed(request: &Request) -> Result<()> {
    let folder = Path::new(&request.of);
    let start = ward::up::now();
    let plan = Plan::new(2, SiteId(1), usize::try_from(request.number("devices", 15_000))?, start, 1);
    let mut simulation = Simulation::new(plan)?.peekable();
    let begun = Instant::now();
    for second in 0..request.number("seconds", 60) {
        let until = Timestamp::from_secs(start.as_secs() + second + 1);
        let records: Vec<Record> =
            std::iter::from_fn(|| simulation.next_if(|record| record.header().received_at < until)).collect();
        let part = folder.join(format!("{second:06}"));
        std::fs::create_dir_all(&part)?;
        write_jsonl(records, &part, 1_000_000)?;
        for file in std::fs::read_dir(&part)? {
            let file = file?;
            let name = format!("{second:06}-{}", file.file_name().to_string_lossy());
            std::fs::rename(file.path(), folder.join(name))?;
        }
        std::fs::remove_dir(part)?;
        let due = begun + Duration::from_secs(second + 1);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}
