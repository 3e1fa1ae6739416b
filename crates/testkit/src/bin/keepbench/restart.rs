//! How long a start takes, after a clean stop and after a kill, and what memory a bound on it gives.

use crate::records::{Site, settings};
use crate::{Request, cost, tell};
use anyhow::{Context as _, Result};
use model::{Record, Timestamp};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Instant;
use store::block;
use ward::core::Settings;

/// Records that the part `memory` works on.
const RECORDS_LEFT: usize = 200_000;
const BATCH: usize = 1_000;
const LEFT: &str = "left.blocks";
const KILLED: &str = "killed";

/// Starts on copies of what a kill leaves, and again after a clean stop of the same.
pub(crate) fn restarts(request: &Request, site: &mut Site, store: &Path) -> Result<()> {
    let copy = request.folder.join("copy");
    let now = site.now;
    for _ in 0..request.number("rounds", 3) {
        copied(store, &copy)?;
        let begun = Instant::now();
        let mut again = Site::open(&copy, settings(), now)?;
        tell("start killed s", begun.elapsed().as_secs_f64());
        tell("start killed replayed", again.core.totals().replayed as f64);
        again.core.flush(now)?;
        drop(again);
        let begun = Instant::now();
        let again = Site::open(&copy, settings(), now)?;
        tell("start clean s", begun.elapsed().as_secs_f64());
        tell("start clean replayed", again.core.totals().replayed as f64);
        drop(again);
        std::fs::remove_dir_all(&copy)?;
    }
    Ok(())
}

/// What a kill leaves: the database and its log.
fn copied(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for file in ["store.db", "store.db-wal"] {
        std::fs::copy(from.join(file), to.join(file)).with_context(|| format!("could not copy {file}"))?;
    }
    Ok(())
}

/// Leaves a store as after a kill, and the records that come next, for the part `memory`.
pub(crate) fn leave(
    request: &Request,
    mut site: Site,
    store: &Path,
    simulation: impl Iterator<Item = Record>,
) -> Result<()> {
    site.core.flush(site.now)?;
    copied(store, &request.folder.join(KILLED))?;
    drop(site);
    std::fs::remove_dir_all(store)?;
    let mut file = File::create(request.folder.join(LEFT))?;
    let records: Vec<Record> = simulation.take(RECORDS_LEFT).collect();
    for batch in records.chunks(BATCH) {
        let data = block::encode(batch)?;
        file.write_all(&(data.len() as u64).to_le_bytes())?;
        file.write_all(&data)?;
    }
    Ok(())
}

/// Memory of a process whose views may take `views` MiB, after more records.
pub(crate) fn memory(request: &Request) -> Result<()> {
    let views = request.number("views", 256);
    let bound = Settings { views_bytes_max: usize::try_from(views)? << 20, ..settings() };
    let copy = request.folder.join("copy");
    copied(&request.folder.join(KILLED), &copy)?;
    let mut site = Site::open(&copy, bound, Timestamp::ZERO)?;
    let mut file = File::open(request.folder.join(LEFT))?;
    let (mut length, mut records) = ([0u8; 8], 0);
    let begun = Instant::now();
    while file.read_exact(&mut length).is_ok() {
        let mut data = vec![0; usize::try_from(u64::from_le_bytes(length))?];
        file.read_exact(&mut data)?;
        let batch = block::decode(&data)?;
        records += batch.len();
        site.accept(batch)?;
    }
    tell(&format!("views {views} records/s"), records as f64 / begun.elapsed().as_secs_f64());
    tell(&format!("views {views} rss MiB"), cost::memory()? / 1048576.0);
    tell(&format!("views {views} hot"), site.core.views().0 as f64);
    tell(&format!("views {views} bytes MiB"), site.core.views().1 as f64 / 1048576.0);
    tell(&format!("views {views} evicted"), site.core.totals().evicted as f64);
    drop(site);
    Ok(std::fs::remove_dir_all(&copy)?)
}
