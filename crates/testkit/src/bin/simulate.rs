//! Writes the records of simulated hospitals for a watched folder, or only counts them:
//! `simulate FOLDER|--count [--devices N] [--sites N] [--days N] [--minutes N] [--start SECONDS] [--seed N] [--sensors N]
//! [--per-file N] [--truth] [--hostnames]`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

use model::{Record, SiteId, Timestamp};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use testkit::simulation::{Fleet, Plan, write_jsonl};

/// 2026-11-16T00:00:00Z, the Monday of the roster's week.
const MONDAY_S: u64 = 1_794_787_200;

struct Request {
    folder: Option<PathBuf>,
    devices: usize,
    sites: u32,
    days: u32,
    minutes: Option<u64>,
    start_s: u64,
    seed: u64,
    sensors: u32,
    per_file: u64,
    truth: bool,
    hostnames: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match read(&arguments).and_then(|request| run(&request)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Result<Request, String> {
    let mut request = Request {
        folder: None,
        devices: 300,
        sites: 1,
        days: 1,
        minutes: None,
        start_s: MONDAY_S,
        seed: 1,
        sensors: 1,
        per_file: 10_000,
        truth: false,
        hostnames: false,
    };
    let mut is_count = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || -> Result<u64, String> {
            let text = rest.next().ok_or_else(|| format!("`{argument}` needs a number"))?;
            text.parse().map_err(|_| format!("`{argument} {text}`: not a number"))
        };
        let narrow = |number: u64| u32::try_from(number).map_err(|_| format!("`{number}` is too large"));
        match argument.as_str() {
            "--count" => is_count = true,
            "--truth" => request.truth = true,
            "--hostnames" => request.hostnames = true,
            "--devices" => request.devices = narrow(number()?)? as usize,
            "--sites" => request.sites = narrow(number()?)?,
            "--days" => request.days = narrow(number()?)?,
            "--minutes" => request.minutes = Some(number()?),
            "--start" => request.start_s = number()?,
            "--seed" => request.seed = number()?,
            "--sensors" => request.sensors = narrow(number()?)?,
            "--per-file" => request.per_file = number()?,
            folder if !folder.starts_with("--") => request.folder = Some(PathBuf::from(folder)),
            unknown => {
                return Err(format!("`{unknown}` is no option; see docs/guides/simulate-a-hospital.md"));
            }
        }
    }
    if request.folder.is_none() && !is_count {
        return Err("which folder? Or `--count` to write nothing".to_owned());
    }
    Ok(request)
}

fn run(request: &Request) -> Result<(), String> {
    let plans = (1..=request.sites).map(|site| Plan {
        sensors: request.sensors,
        ..Plan::new(
            request.seed,
            SiteId(site),
            request.devices,
            Timestamp::from_secs(request.start_s),
            request.days,
        )
    });
    let mut fleet = Fleet::new(plans).map_err(|error| error.to_string())?;
    let end = request.minutes.map_or(Timestamp::MAX, |m| Timestamp::from_secs(request.start_s + m * 60));
    let begun = Instant::now();
    let records = fleet.by_ref().take_while(|record: &Record| record.header().received_at < end);
    let count = match &request.folder {
        Some(folder) => {
            let written = write_jsonl(records, folder, request.per_file);
            written.map_err(|error| format!("{}: {error}", folder.display()))?.records
        }
        None => records.count() as u64,
    };
    let seconds = begun.elapsed().as_secs_f64();
    println!("records={count} seconds={seconds:.2} records_per_second={:.0}", count as f64 / seconds);
    for site in fleet.sites() {
        let (totals, now) = (site.totals(), site.now().min(end));
        println!(
            "site={} flows={} facts={} activities={} events={} bytes={} memory_bytes={}",
            site.plan().site.0,
            totals.flows,
            totals.facts,
            totals.activities,
            totals.events,
            totals.bytes,
            site.memory_bytes()
        );
        for (class, (places, totals)) in site.totals_by_class() {
            println!("  {class}: {places} places, {} records", totals.records());
        }
        if request.truth {
            site.truth(now).iter().for_each(|device| println!("{device:?}"));
        }
        if request.hostnames {
            site.hostnames().for_each(|name| println!("{name}"));
        }
    }
    Ok(())
}
