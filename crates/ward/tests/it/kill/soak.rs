//! A hospital's records that keep coming: memory stays flat, and in the end all of it is there. Seconds here; `WARD_SOAK_MINUTES`
//! makes it longer, and only then there is a warm-up to speak of.

use crate::up::{Files, Installation, records_once_each};
use std::time::{Duration, Instant};

/// How long when nobody says otherwise.
const SECONDS: u64 = 10;
const RECORDS_PER_FILE: usize = 5_000;
/// Files that are dropped and not yet read.
const AHEAD: usize = 3;
/// The most memory it may ever have. Views alone may take 256 MiB.
const RESIDENT_MAX: u64 = 1 << 30;
/// How much more the last third may have than the second, in percent of it.
const GROWTH_MAX: u64 = 15;

/// Resident memory of a process, bytes.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn memory_stays_flat_while_records_keep_coming() {
    let minutes: Option<u64> = std::env::var("WARD_SOAK_MINUTES").ok().map(|text| text.parse().unwrap());
    let long = Duration::from_secs(minutes.map_or(SECONDS, |minutes| minutes * 60));
    let (installation, mut files) = (Installation::new(""), Files::new(71, 500, RECORDS_PER_FILE));
    let running = installation.start();
    let (began, mut samples) = (Instant::now(), Vec::new());
    let mut done = 0;
    while began.elapsed() < long {
        let told = installation.told();
        while let Some((file, _)) = files.written.get(done) {
            if !told.iter().any(|line| line["file"] == file.as_str() && line["done"] == true) {
                break;
            }
            // As whoever put it there: what is done may go.
            std::fs::remove_file(installation.watched().join(file)).unwrap();
            done += 1;
        }
        while files.written.len() < done + AHEAD {
            files.drop_into(&installation.watched());
        }
        samples.push(resident(running.id()));
        std::thread::sleep(Duration::from_millis(200));
    }
    for (file, _) in &files.written[done..] {
        installation.wait_until_done(file);
    }
    let (_, took) = running.stop();
    let most = |samples: &[u64]| samples.iter().max().copied().unwrap_or(0);
    let (_, warm) = samples.split_at(samples.len() / 3);
    let (second, last) = warm.split_at(warm.len() / 2);
    let (second, last) = (most(second), most(last));
    let stored = records_once_each(&mut installation.db());
    assert_eq!(stored.values().map(|(count, _)| count).sum::<u64>(), files.records());
    let verified = installation.verify();
    let mib = |bytes: u64| bytes >> 20;
    let database = std::fs::metadata(installation.store().join(store::DATABASE_FILE)).unwrap().len();
    eprintln!(
        "soak: {} records in {long:?}, {} MiB resident at most, {} in the second third and {} in the last; \
         database {} MiB, {} leaves verify; stopped in {took:?}",
        files.records(),
        mib(most(&samples)),
        mib(second),
        mib(last),
        mib(database),
        verified.leaves
    );
    assert!(most(&samples) < RESIDENT_MAX, "{} MiB resident", mib(most(&samples)));
    if minutes.is_some() {
        assert!(
            last <= second + second * GROWTH_MAX / 100,
            "memory grows: {} MiB, then {} MiB",
            mib(second),
            mib(last)
        );
    }
}
