//! The day of packets, as records.

use super::MIRROR;
use crate::capture::{self, Block, Progress};
use anyhow::{Context, Result};
use model::{Duration, Record, Timestamp};
use sense::{Config, Engine};

/// The one sample hospital (data/samples/README.md): made from real software, fictional, free to share.
pub const SAMPLE: &[u8] = include_bytes!("../../../../data/samples/st-brannocs.pcap.zst");
/// Its file's name.
pub const SAMPLE_NAME: &str = "st-brannocs.pcap.zst";
/// What it is.
pub(crate) const SAMPLE_README: &str = include_str!("../../../../data/samples/README.md");

/// The records of the day, the newest of them observed at `end`.
///
/// # Errors
/// When the sample cannot be read: it is damaged.
pub fn read(end: Timestamp, seed: u64) -> Result<Vec<Record>> {
    let mut capture = capture::open_reader(SAMPLE_NAME, Box::new(SAMPLE), Some(SAMPLE.len() as u64))
        .context("the sample that ships with Ward is damaged")?;
    let config = Config { sensor: MIRROR, seed, ..Config::default() };
    let (mut engine, mut block, mut records) = (Engine::new(config), Block::new(), Vec::new());
    while capture.next_block(&mut block).context("the sample that ships with Ward is damaged")?
        != Progress::End
    {
        block.frames().for_each(|frame| engine.frame(&frame));
        engine.drain_into(&mut records);
    }
    engine.finish(None);
    engine.drain_into(&mut records);
    let newest = records.iter().map(|record| record.header().observed_at).max().unwrap_or_default();
    let later = end.since(newest);
    for record in &mut records {
        shift(record, later);
    }
    Ok(records)
}

/// Moves a record to a later time, with all the times in it.
fn shift(record: &mut Record, later: Duration) {
    if let Record::Flow(flow) = record {
        flow.first_seen = flow.first_seen.plus(later);
    }
    let header = record.header_mut();
    header.observed_at = header.observed_at.plus(later);
    header.received_at = header.received_at.plus(later);
}
