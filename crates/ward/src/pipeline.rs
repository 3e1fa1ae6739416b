//! The straight line: capture → dissect → flow → probe, parse → observe → fold. One screen, read from top to bottom.
//!
//! A file is read by one thread and worked on by several, each with its share of the conversations; a live capture has
//! one thread per fan-out socket. Records meet in one inventory, which does not care about their order.

use crate::capture::{Block, Capture, CaptureError, Counters, Progress};
use crate::clock::now;
use judge::inventory::Inventory;
use model::{Record, SensorId};
use sense::{Config, Engine};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

/// Blocks read ahead of the slowest worker.
const BLOCKS_AHEAD: usize = 4;

/// What the pipeline needs to know beside its captures.
pub struct Setup<'a> {
    /// Threads that work on files; 1 means no other thread at all.
    pub threads: usize,
    /// Secret entropy for hash tables.
    pub seed: u64,
    /// Set by Ctrl-C: finish with what was learnt.
    pub stop: &'a AtomicBool,
    /// Called after every block with the totals so far.
    pub progress: &'a mut dyn FnMut(&Counters),
}

/// Reads one file or pipe to its end into `inventory`.
///
/// # Errors
/// Those of the capture; what was folded before stays in the inventory.
pub fn read_file(
    mut capture: Box<dyn Capture>,
    sensor: SensorId,
    inventory: &mut Inventory,
    setup: &mut Setup<'_>,
) -> Result<Counters, CaptureError> {
    let config = Config { sensor, seed: setup.seed, ..Config::default() };
    match setup.threads {
        0 | 1 => alone(capture.as_mut(), config, inventory, setup),
        threads => shared(capture.as_mut(), config, threads as u32, inventory, setup),
    }
}

fn alone(
    capture: &mut dyn Capture,
    config: Config,
    inventory: &mut Inventory,
    setup: &mut Setup<'_>,
) -> Result<Counters, CaptureError> {
    let (mut engine, mut block, mut records) = (Engine::new(config), Block::new(), Vec::new());
    while !setup.stop.load(Ordering::Relaxed) && capture.next_block(&mut block)? != Progress::End {
        block.frames().for_each(|frame| engine.frame(&frame));
        engine.drain_into(&mut records);
        records.drain(..).for_each(|record| inventory.fold(&record));
        (setup.progress)(&capture.counters());
    }
    let counters = capture.counters();
    engine.finish(counters.dropped);
    engine.drain_into(&mut records);
    records.iter().for_each(|record| inventory.fold(record));
    Ok(counters)
}

fn shared(
    capture: &mut dyn Capture,
    config: Config,
    threads: u32,
    inventory: &mut Inventory,
    setup: &mut Setup<'_>,
) -> Result<Counters, CaptureError> {
    thread::scope(|scope| {
        let (done, records) = mpsc::sync_channel::<Vec<Record>>(BLOCKS_AHEAD * threads as usize);
        let (give_back, spare) = mpsc::channel::<Block>();
        let mut workers = Vec::new();
        for index in 0..threads {
            let (send, blocks) = mpsc::sync_channel::<Arc<Block>>(BLOCKS_AHEAD);
            let (done, give_back) = (done.clone(), give_back.clone());
            let config = Config { share: (index, threads), ..config };
            scope.spawn(move || work(config, &blocks, &done, &give_back));
            workers.push(send);
        }
        drop((done, give_back));
        let folding = scope.spawn(move || {
            for batch in records {
                batch.iter().for_each(|record| inventory.fold(record));
            }
        });
        let counters = loop {
            let mut block = spare.try_recv().unwrap_or_default();
            if setup.stop.load(Ordering::Relaxed) || capture.next_block(&mut block)? == Progress::End {
                break capture.counters();
            }
            let block = Arc::new(block);
            // A worker that is gone has panicked; the scope reports it.
            workers.iter().for_each(|worker| drop(worker.send(Arc::clone(&block))));
            (setup.progress)(&capture.counters());
        };
        drop(workers);
        match folding.join() {
            Ok(()) => Ok(counters),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// One worker's share of a file.
fn work(
    config: Config,
    blocks: &mpsc::Receiver<Arc<Block>>,
    done: &mpsc::SyncSender<Vec<Record>>,
    give_back: &mpsc::Sender<Block>,
) {
    let mut engine = Engine::new(config);
    for block in blocks {
        block.frames().for_each(|frame| engine.frame(&frame));
        send_records(&mut engine, done);
        if let Some(block) = Arc::into_inner(block) {
            let _ = give_back.send(block);
        }
    }
    engine.finish(None);
    send_records(&mut engine, done);
}

fn send_records(engine: &mut Engine, done: &mpsc::SyncSender<Vec<Record>>) {
    let mut records = Vec::new();
    engine.drain_into(&mut records);
    if !records.is_empty() {
        let _ = done.send(records);
    }
}

/// Listens on an interface through several fan-out sockets until `setup.stop` is set or a socket fails: the totals of all,
/// and the first error. What was heard until then is in the inventory.
pub fn listen(
    captures: Vec<Box<dyn Capture>>,
    inventory: &mut Inventory,
    setup: &mut Setup<'_>,
) -> (Counters, Option<CaptureError>) {
    let (stop, seed) = (setup.stop, setup.seed);
    thread::scope(|scope| {
        let (done, records) = mpsc::sync_channel::<(Vec<Record>, Counters, usize)>(64);
        let mut listeners = Vec::new();
        for (index, mut capture) in captures.into_iter().enumerate() {
            let done = done.clone();
            let config = Config { sensor: SensorId(index as u32 + 1), seed, ..Config::default() };
            listeners.push(scope.spawn(move || listen_on(capture.as_mut(), config, index, &done, stop)));
        }
        drop(done);
        let mut totals: Vec<Counters> = vec![Counters::default(); listeners.len()];
        for (batch, counters, index) in records {
            batch.iter().for_each(|record| inventory.fold(record));
            if let Some(total) = totals.get_mut(index) {
                *total = counters;
            }
            (setup.progress)(&sum(&totals));
        }
        let mut first_error = None;
        for listener in listeners {
            match listener.join() {
                Ok(result) => first_error = first_error.or(result.err()),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        (sum(&totals), first_error)
    })
}

fn listen_on(
    capture: &mut dyn Capture,
    config: Config,
    index: usize,
    done: &mpsc::SyncSender<(Vec<Record>, Counters, usize)>,
    stop: &AtomicBool,
) -> Result<(), CaptureError> {
    let (mut engine, mut block) = (Engine::new(config), Block::new());
    let mut result = Ok(());
    while !stop.load(Ordering::Relaxed) {
        match capture.next_block(&mut block) {
            Ok(Progress::More) => block.frames().for_each(|frame| engine.frame(&frame)),
            Ok(Progress::Idle) => engine.advance(now()),
            Ok(Progress::End) => break,
            Err(error) => {
                result = Err(error);
                // The other sockets of this interface are at their end as well.
                stop.store(true, Ordering::Relaxed);
                break;
            }
        }
        let mut records = Vec::new();
        engine.drain_into(&mut records);
        let _ = done.send((records, capture.counters(), index));
    }
    let counters = capture.counters();
    engine.finish(counters.dropped);
    let mut records = Vec::new();
    engine.drain_into(&mut records);
    let _ = done.send((records, counters, index));
    result
}

/// The totals of several captures of one source.
pub fn sum(parts: &[Counters]) -> Counters {
    let mut total = Counters::default();
    for part in parts {
        total.frames += part.frames;
        total.bytes += part.bytes;
        total.dropped = match (total.dropped, part.dropped) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        total.cut_frames += part.cut_frames;
        total.source_bytes_read += part.source_bytes_read;
        total.source_bytes_total = total.source_bytes_total.or(part.source_bytes_total);
        total.partly_read |= part.partly_read;
        total.notes.extend(part.notes.iter().cloned());
    }
    total
}
