//! Every metric of the process, in one table: what is not here is not measured. Names follow the Prometheus conventions:
//! `ward_`, base units, `_total` for what only grows. Labels take values from closed lists or from the configuration, never
//! from the wire: no host, address or person can end up in one. docs/operate/metrics.md lists exactly these (a test compares).

use metrics::{counter, gauge, histogram};
use model::Record;
use std::time::Duration;

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

impl Kind {
    /// Its name in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with unit.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What it says, one sentence.
    pub help: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
}

const fn total(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind: Kind::Counter, help, labels }
}

const fn level(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind: Kind::Gauge, help, labels }
}

const fn spread(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind: Kind::Histogram, help, labels }
}

/// All of them.
pub const ALL: &[Metric] = &[
    total("ward_records_received_total", "records that sources delivered", &["kind"]),
    total("ward_records_durable_total", "records that are durable", &["kind"]),
    total("ward_records_replayed_total", "records that came again and were known to be durable", &["kind"]),
    total(
        "ward_records_dropped_total",
        "records of a listener given up because the queue stayed full",
        &["source"],
    ),
    total("ward_deliveries_total", "deliveries taken from the queue", &[]),
    level("ward_queue_records", "records waiting for the core", &[]),
    total("ward_commits_total", "transactions committed", &[]),
    spread("ward_commit_seconds", "time a commit took, flush included", &[]),
    total("ward_rows_written_total", "rows written, by table", &["table"]),
    total("ward_leaves_written_total", "ledger leaves written", &[]),
    total("ward_commit_failures_total", "commits that failed, by cause", &["cause"]),
    level("ward_views_hot", "views of endpoints in memory", &[]),
    level("ward_views_bytes", "memory that hot views take", &[]),
    total("ward_views_evicted_total", "views put back into the store to make room", &[]),
    total("ward_site_passes_total", "judgements of the whole site", &[]),
    spread("ward_site_pass_seconds", "time a judgement of the whole site took", &[]),
    level("ward_devices", "devices of the site", &[]),
    total("ward_capture_frames_total", "frames captured or read from files", &["source"]),
    total("ward_capture_bytes_total", "bytes of these frames", &["source"]),
    total("ward_capture_dropped_frames_total", "frames that kernel or card lost", &["source"]),
    total("ward_files_total", "files of watched folders, by what became of them", &["outcome"]),
    total("ward_record_lines_broken_total", "lines of record files that are no record", &[]),
    total(
        "ward_live_gap_seconds_total",
        "time in which a listener heard nothing because it was not running",
        &["source"],
    ),
    level("ward_checkpoint_leaves", "leaves under the newest checkpoint", &[]),
    level("ward_checkpoint_age_seconds", "age of the newest checkpoint", &[]),
    total("ward_witness_answers_total", "answers of witnesses, cosigned or refused", &["witness", "answer"]),
    level("ward_outbox_due", "effects that wait to be performed", &[]),
    total("ward_outbox_failed_total", "effects that failed when they were tried", &["kind"]),
    total("ward_clock_set_back_total", "times that the clock was found before the newest leaf", &[]),
    total(
        "ward_retention_rows_deleted_total",
        "rows deleted because their time was over, by table",
        &["table"],
    ),
    level("ward_backup_age_seconds", "age of the newest backup; -1 while there is none", &[]),
    spread("ward_task_seconds", "time a timed task took", &["task"]),
    total("ward_task_failures_total", "runs of timed tasks that failed", &["task"]),
    level("ward_process_resident_bytes", "memory of the process", &[]),
];

/// Tells the recorder what each metric is. Call once it is installed.
pub fn describe_all() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

/// The value of the label `kind` for a record.
pub fn kind_of(record: &Record) -> &'static str {
    match record {
        Record::Fact(_) => "fact",
        Record::Event(_) => "event",
        Record::Activity(_) => "activity",
        Record::Flow(_) => "flow",
        Record::Coverage(_) => "coverage",
    }
}

/// What becomes of records on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A source delivered them.
    Received,
    /// They are durable.
    Durable,
    /// They were durable before.
    Replayed,
}

/// Counts records, by kind.
pub fn records<'r>(stage: Stage, records: impl IntoIterator<Item = &'r Record>) {
    let mut counts = [("fact", 0_u64), ("event", 0), ("activity", 0), ("flow", 0), ("coverage", 0)];
    for record in records {
        let kind = kind_of(record);
        counts.iter_mut().filter(|(name, _)| *name == kind).for_each(|(_, count)| *count += 1);
    }
    for (kind, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        match stage {
            Stage::Received => counter!("ward_records_received_total", "kind" => kind).increment(count),
            Stage::Durable => counter!("ward_records_durable_total", "kind" => kind).increment(count),
            Stage::Replayed => counter!("ward_records_replayed_total", "kind" => kind).increment(count),
        }
    }
}

/// A listener gave up records.
pub fn records_dropped(source: &str, count: u64) {
    counter!("ward_records_dropped_total", "source" => source.to_owned()).increment(count);
}

/// A delivery was taken; so many records wait behind it.
pub fn delivery(waiting: usize) {
    counter!("ward_deliveries_total").increment(1);
    queue(waiting);
}

/// Records waiting for the core.
pub fn queue(waiting: usize) {
    gauge!("ward_queue_records").set(waiting as f64);
}

/// Transactions were committed with one flush.
pub fn commit(transactions: u64, leaves: u64, took: Duration) {
    counter!("ward_commits_total").increment(transactions);
    counter!("ward_leaves_written_total").increment(leaves);
    histogram!("ward_commit_seconds").record(took.as_secs_f64());
}

/// Rows of a table were written.
pub fn rows_written(table: &'static str, rows: u64) {
    counter!("ward_rows_written_total", "table" => table).increment(rows);
}

/// A commit failed. `cause` is a word such as `full`, `read-only`, `unreachable`, `unsure`, `damaged`, `ours`.
pub fn commit_failed(cause: &'static str) {
    counter!("ward_commit_failures_total", "cause" => cause).increment(1);
}

/// Hot views: how many, their bytes, and how many were put back since the last call.
pub fn views(hot: usize, bytes: usize, evicted: u64) {
    gauge!("ward_views_hot").set(hot as f64);
    gauge!("ward_views_bytes").set(bytes as f64);
    counter!("ward_views_evicted_total").increment(evicted);
}

/// The site was judged.
pub fn site_pass(devices: usize, took: Duration) {
    counter!("ward_site_passes_total").increment(1);
    histogram!("ward_site_pass_seconds").record(took.as_secs_f64());
    gauge!("ward_devices").set(devices as f64);
}

/// More was captured by a source since the last call.
pub fn captured(source: &str, frames: u64, bytes: u64, dropped: u64) {
    counter!("ward_capture_frames_total", "source" => source.to_owned()).increment(frames);
    counter!("ward_capture_bytes_total", "source" => source.to_owned()).increment(bytes);
    counter!("ward_capture_dropped_frames_total", "source" => source.to_owned()).increment(dropped);
}

/// What became of a file of a watched folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Read to its end.
    Read,
    /// Read up to its damage.
    Partly,
    /// Not read at all.
    Refused,
    /// Changed after it was read.
    Changed,
}

/// A file came to its end, one way or another.
pub fn file(outcome: Outcome) {
    let outcome = match outcome {
        Outcome::Read => "read",
        Outcome::Partly => "partly",
        Outcome::Refused => "refused",
        Outcome::Changed => "changed",
    };
    counter!("ward_files_total", "outcome" => outcome).increment(1);
}

/// Lines of a record file could not be read.
pub fn lines_broken(lines: u64) {
    counter!("ward_record_lines_broken_total").increment(lines);
}

/// A listener was not running for this long.
pub fn live_gap(source: &str, seconds: u64) {
    counter!("ward_live_gap_seconds_total", "source" => source.to_owned()).increment(seconds);
}

/// The newest checkpoint.
pub fn checkpoint(leaves: u64, age: Duration) {
    gauge!("ward_checkpoint_leaves").set(leaves as f64);
    gauge!("ward_checkpoint_age_seconds").set(age.as_secs_f64());
}

/// A witness of the configuration answered.
pub fn witness(name: &str, cosigned: bool) {
    let answer = if cosigned { "cosigned" } else { "refused" };
    counter!("ward_witness_answers_total", "witness" => name.to_owned(), "answer" => answer).increment(1);
}

/// Effects that wait.
pub fn outbox_due(due: u64) {
    gauge!("ward_outbox_due").set(due as f64);
}

/// An effect failed. `kind` is the outbox's word for it.
pub fn outbox_failed(kind: &str) {
    counter!("ward_outbox_failed_total", "kind" => kind.to_owned()).increment(1);
}

/// The clock was found before the newest leaf.
pub fn clock_set_back() {
    counter!("ward_clock_set_back_total").increment(1);
}

/// Retention deleted rows.
pub fn retention(table: &'static str, rows: u64) {
    counter!("ward_retention_rows_deleted_total", "table" => table).increment(rows);
}

/// Age of the newest backup, if there is one.
pub fn backup(age: Option<Duration>) {
    gauge!("ward_backup_age_seconds").set(age.map_or(-1.0, |age| age.as_secs_f64()));
}

/// A timed task ran.
pub fn task(name: &'static str, took: Duration, failed: bool) {
    histogram!("ward_task_seconds", "task" => name).record(took.as_secs_f64());
    counter!("ward_task_failures_total", "task" => name).increment(u64::from(failed));
}

/// Memory of the process, where the system tells.
pub fn process() {
    if let Some(bytes) = resident_bytes() {
        gauge!("ward_process_resident_bytes").set(bytes as f64);
    }
}

/// Resident memory in bytes, by /proc/self/status.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Makes every series without labels, and those whose labels are known beforehand, visible at zero, so that "nothing
/// happened" can be told from "not measured".
pub fn begin(tables: &[&'static str], sources: &[String]) {
    for kind in ["fact", "event", "activity", "flow", "coverage"] {
        counter!("ward_records_received_total", "kind" => kind).absolute(0);
        counter!("ward_records_durable_total", "kind" => kind).absolute(0);
        counter!("ward_records_replayed_total", "kind" => kind).absolute(0);
    }
    for table in tables {
        rows_written(table, 0);
        retention(table, 0);
    }
    for source in sources {
        captured(source, 0, 0, 0);
        records_dropped(source, 0);
        live_gap(source, 0);
    }
    for outcome in ["read", "partly", "refused", "changed"] {
        counter!("ward_files_total", "outcome" => outcome).absolute(0);
    }
    for cause in ["full", "read-only", "unreachable", "unsure", "damaged", "ours"] {
        counter!("ward_commit_failures_total", "cause" => cause).absolute(0);
    }
    lines_broken(0);
    counter!("ward_clock_set_back_total").absolute(0);
    counter!("ward_views_evicted_total").absolute(0);
    backup(None);
    outbox_due(0);
    process();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        for (place, metric) in ALL.iter().enumerate() {
            assert!(metric.name.starts_with("ward_"), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(ALL.iter().skip(place + 1).all(|other| other.name != metric.name), "{}", metric.name);
        }
    }

    #[test]
    fn nothing_is_measured_that_is_not_in_the_table() {
        let source = include_str!("measure.rs");
        let macros = ["counter!(\"", "gauge!(\"", "histogram!(\""];
        let mut used: Vec<&str> = Vec::new();
        for part in macros.iter().flat_map(|name| source.split(name).skip(1)) {
            used.push(part.split('"').next().unwrap());
        }
        used.sort_unstable();
        used.dedup();
        used.retain(|name| name.starts_with("ward_"));
        let mut known: Vec<&str> = ALL.iter().map(|metric| metric.name).collect();
        known.sort_unstable();
        assert_eq!(used, known);
    }

    #[test]
    fn this_process_has_memory() {
        if cfg!(target_os = "linux") {
            assert!(resident_bytes().unwrap() > 100_000);
        }
    }
}
