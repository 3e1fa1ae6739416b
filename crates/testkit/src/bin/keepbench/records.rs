//! Records of a simulated hospital through the core into a store on disk: at full speed, and as they come in real time.
//! The hospital is watched for a simulated hour first, so that what is known of it is there.

use crate::{KEY, Request, cost, restart, tell};
use anyhow::{Context as _, Result};
use cost::Cost;
use judge::inventory::SiteNetworks;
use model::{Record, SiteId, Timestamp};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::db::Cell;
use store::{Place, Store, block};
use testkit::simulation::{Plan, Simulation};
use trust::tlog::{Algorithm, Ed25519Signer};
use ward::bus::Delivery;
use ward::core::{Core, Settings};

/// Monday 2026-11-16, nine o'clock: the hospital is busy.
const START_S: u64 = 1_794_787_200 + 9 * 3_600;
/// Records of a micro-batch at full speed.
const BATCH: usize = 1_000;
/// How long a micro-batch is gathered in real time.
const WITHIN: Duration = Duration::from_millis(50);
/// Endpoints whose claims are looked through a second, as the core's thread does.
const LAPSE_PER_S: usize = 50;
/// By what a machine at full speed is taken to be ahead of real time: the allowance of rows that may wait goes by real time.
const AHEAD: f64 = 40.0;
const ORIGIN: &str = "ward.example/bench";
const SOURCE: &str = "bench:records";

/// A core, its source's number, and what signs its leaves.
pub(crate) struct Site {
    pub(crate) core: Core,
    signer: Ed25519Signer,
    signed: Instant,
    sequence: u64,
    pub(crate) now: Timestamp,
    accepts: Vec<(f64, bool)>,
}

impl Site {
    pub(crate) fn open(folder: &Path, settings: Settings, now: Timestamp) -> Result<Self> {
        let store = Store::open(Place::folder(folder, KEY), now)?;
        let catalog = ward::catalog::load(SiteNetworks::default())?;
        let core = Core::open(store, settings, catalog, now)?;
        let sequence = core.cursor(SOURCE).map_or(0, |cursor| cursor.sequence);
        let signer = Ed25519Signer::from_seed(ORIGIN, Algorithm::Ed25519, &KEY)?;
        Ok(Self { core, signer, signed: Instant::now(), sequence, now, accepts: Vec::new() })
    }

    /// Makes a micro-batch durable, and signs once a second, as the core's thread does.
    pub(crate) fn accept(&mut self, records: Vec<Record>) -> Result<Cost> {
        self.now = records.iter().map(|record| record.header().received_at).max().unwrap_or(self.now);
        self.sequence += records.len() as u64;
        let delivery = Delivery {
            source: Arc::from(SOURCE),
            last_sequence: self.sequence,
            records,
            position: format!("{{\"at\":{}}}", self.sequence),
            acknowledge: None,
        };
        let deliveries = [delivery];
        let looks = self.core.totals().looks;
        let ((), cost) = cost::of(|| {
            self.core.accept(&deliveries, self.now)?;
            Ok(())
        })?;
        self.accepts.push((cost.cpu_s, self.core.totals().looks > looks));
        let ((), signed) = cost::of(|| self.sign())?;
        Ok(Cost {
            wall_s: cost.wall_s + signed.wall_s,
            cpu_s: cost.cpu_s + signed.cpu_s,
            written: cost.written + signed.written,
        })
    }

    fn sign(&mut self) -> Result<()> {
        if self.signed.elapsed() >= Duration::from_secs(1) {
            self.signed = Instant::now();
            self.core.store().integrate(ORIGIN, &self.signer, self.now)?;
            self.core.lapse_some(LAPSE_PER_S, self.now)?;
        }
        Ok(())
    }
}

pub(crate) fn settings() -> Settings {
    Settings::new(SiteId(1), 7)
}

pub(crate) fn records(request: &Request) -> Result<()> {
    let devices = request.number("devices", 15_000);
    let plan = Plan::new(1, SiteId(1), usize::try_from(devices)?, Timestamp::from_secs(START_S), 1);
    let mut simulation = Simulation::new(plan)?.peekable();
    let store = request.folder.join("store");
    std::fs::create_dir_all(&store)?;
    let start = Timestamp::from_secs(START_S);
    let quick = Settings { view_rows_per_s: settings().view_rows_per_s * AHEAD, ..settings() };
    let mut site = Site::open(&store, quick, start)?;
    warm(&mut site, &mut simulation, request)?;
    tell_views(&site)?;
    for _ in 0..request.number("rounds", 3) {
        let batches = request.number("batches", 200);
        let ready: Vec<Record> = simulation.by_ref().take(usize::try_from(batches)? * BATCH).collect();
        tell_blocks(&ready)?;
        let floor = floor(request, &ready)?;
        let rows = site.core.totals().rows;
        let mut kept = Cost::default();
        for batch in ready.chunks(BATCH) {
            kept += site.accept(batch.to_vec())?;
        }
        let records = ready.len() as f64;
        tell("records/s", records / kept.wall_s);
        tell("records/s cpu", records / kept.cpu_s);
        tell("rows/s", (site.core.totals().rows - rows) as f64 / kept.wall_s);
        tell("bytes/record", kept.written / records);
        tell("file/s", records / floor.wall_s);
        tell("records to file", floor.wall_s / kept.wall_s);
    }
    restart::restarts(request, &mut site, &store)?;
    let now = site.now;
    drop(site);
    let mut site = Site::open(&store, settings(), now)?;
    live(&mut site, &mut simulation, request, &store)?;
    restart::leave(request, site, &store, simulation)
}

/// The simulated hour.
fn warm(site: &mut Site, simulation: &mut std::iter::Peekable<Simulation>, request: &Request) -> Result<()> {
    let seconds = request.number("warm", 3_600);
    let until = Timestamp::from_secs(START_S + seconds);
    let (mut records, mut kept) = (0usize, Cost::default());
    loop {
        let batch: Vec<Record> =
            std::iter::from_fn(|| simulation.next_if(|r| r.header().received_at < until))
                .take(BATCH)
                .collect();
        if batch.is_empty() {
            break;
        }
        records += batch.len();
        kept += site.accept(batch)?;
    }
    let rate = records as f64 / seconds as f64;
    tell("made/s", rate);
    tell("warm records", records as f64);
    tell("warm records/s", records as f64 / kept.wall_s);
    tell("warm rows", site.core.totals().rows as f64);
    Ok(())
}

fn tell_views(site: &Site) -> Result<()> {
    let devices = site.core.devices().max(1) as f64;
    let (hot, bytes, known) = site.core.views();
    tell("devices", devices);
    tell("endpoints hot", hot as f64);
    tell("endpoints", known as f64);
    tell("view bytes/device", (bytes + site.core.other_bytes()) as f64 / devices);
    tell("endpoint bytes/device", bytes as f64 / devices);
    tell("warm rss MiB", cost::memory()? / 1048576.0);
    let of = |looked: bool| {
        let all = site.accepts.iter().rev().filter(|(_, did)| *did == looked).map(|(cpu_s, _)| *cpu_s);
        let mut some: Vec<f64> = all.take(200).collect();
        some.sort_by(f64::total_cmp);
        some.get(some.len() / 2).copied().unwrap_or(0.0)
    };
    tell("site pass ms", (of(true) - of(false)) * 1e3);
    tell("looks", site.core.totals().looks as f64);
    Ok(())
}

/// The same blocks in a plain file, a flush a batch.
fn floor(request: &Request, records: &[Record]) -> Result<Cost> {
    let path = request.folder.join("floor.bin");
    let mut file = File::create(&path)?;
    let ((), cost) = cost::of(|| {
        for batch in records.chunks(BATCH) {
            file.write_all(&block::encode(batch)?)?;
            file.sync_data()?;
        }
        Ok(())
    })?;
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(cost)
}

/// What blocks of full batches and of batches in real time take.
fn tell_blocks(records: &[Record]) -> Result<()> {
    for size in [BATCH, 55] {
        let mut blocks = Vec::new();
        let ((), encoded) = cost::of(|| {
            for batch in records.chunks(size) {
                blocks.push(block::encode(batch)?);
            }
            Ok(())
        })?;
        let ((), decoded) = cost::of(|| {
            for block in &blocks {
                std::hint::black_box(block::decode(block)?);
            }
            Ok(())
        })?;
        let (count, bytes) = (records.len() as f64, blocks.iter().map(Vec::len).sum::<usize>() as f64);
        tell(&format!("block {size} bytes/record"), bytes / count);
        tell(&format!("block {size} encode ns"), encoded.cpu_s * 1e9 / count);
        tell(&format!("block {size} decode ns"), decoded.cpu_s * 1e9 / count);
    }
    Ok(())
}

/// Real time: what comes in 50 ms is a batch.
fn live(
    site: &mut Site,
    simulation: &mut std::iter::Peekable<Simulation>,
    request: &Request,
    store: &Path,
) -> Result<()> {
    // After a start all cards are drawn once: that is not what runs all day.
    paced(site, simulation, request.number("settle", 20))?;
    site.core.store().db().empty_log()?;
    let before = sizes(site, store)?;
    let seconds = request.number("live", 60);
    let (records, cost) = paced(site, simulation, seconds)?;
    site.core.store().db().empty_log()?;
    let after = sizes(site, store)?;
    let wall = seconds as f64;
    tell("live records/s", records / wall);
    tell("live cpu share", cost.cpu_s / wall);
    tell("live bytes/s", cost.written / wall);
    tell("live slowest ms", site.accepts.iter().map(|(cpu_s, _)| cpu_s * 1e3).fold(0.0, f64::max));
    for (at, name) in ["file", "blocks", "leaves", "rows written", "commits"].into_iter().enumerate() {
        let grown = after.get(at).zip(before.get(at)).map_or(0.0, |(after, before)| after - before);
        tell(&format!("live {name}/s"), grown / wall);
    }
    Ok(())
}

/// Runs some seconds in real time; records and what keeping them cost.
fn paced(
    site: &mut Site,
    simulation: &mut std::iter::Peekable<Simulation>,
    seconds: u64,
) -> Result<(f64, Cost)> {
    let first = simulation.peek().context("the simulation has ended")?.header().received_at.as_nanos();
    let mut batches = Vec::new();
    for beat in 1..=seconds * 1_000 / WITHIN.as_millis() as u64 {
        let until = first + beat * WITHIN.as_nanos() as u64;
        let batch = std::iter::from_fn(|| simulation.next_if(|r| r.header().received_at.as_nanos() < until));
        batches.push(batch.collect::<Vec<Record>>());
    }
    site.accepts.clear();
    let (begun, mut due) = (Instant::now(), Duration::ZERO);
    let (mut records, mut kept) = (0, Cost::default());
    for batch in batches {
        due += WITHIN;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        records += batch.len();
        kept += site.accept(batch)?;
    }
    Ok((records as f64, kept))
}

/// Bytes of the file, of blocks and of leaves; rows and transactions written.
fn sizes(site: &mut Site, store: &Path) -> Result<[f64; 5]> {
    let file = cost::length(&store.join("store.db"));
    let totals = site.core.totals();
    let db = site.core.store().db();
    let mut sum = |sql: &str| db.number(sql, &[] as &[Cell<'_>]).map(|sum| sum.unwrap_or(0) as f64);
    let blocks = sum("SELECT sum(length(data)) FROM blocks")?;
    let leaves = sum("SELECT sum(length(data) + length(changes)) FROM leaves")?;
    Ok([file, blocks, leaves, totals.rows as f64, totals.commits as f64])
}
