//! Writes the mixed capture of the benchmark: `pcapmix OUT [--packets N] [--window S] [--seed N] [--hosts N] [--corpus DIR]
//! [--samples DIR] [--only CLASS] [--head N FILE]`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::process::ExitCode;
use testkit::capture_file::{ETHERNET, PcapWriter};
use testkit::mix::{CLASSES, Mixed, Plan, corpus, mix};

struct Request {
    out: PathBuf,
    plan: Plan,
    /// Captures to choose from by their names.
    corpus: Option<PathBuf>,
    /// Captures to take whole, conversation by conversation.
    samples: Option<PathBuf>,
    /// Only sessions of this class.
    only: Option<String>,
    /// The first so many packets, also as a file of their own.
    head: Option<(u64, PathBuf)>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match read(&arguments).and_then(|request| write(&request).map_err(|error| error.to_string())) {
        Ok(mixed) => {
            for ((class, _), (sessions, copies)) in CLASSES.iter().zip(&mixed.classes) {
                println!("{class}: {sessions} sessions, {copies} copies each");
            }
            println!("packets={} bytes={} sessions={}", mixed.packets, mixed.bytes, mixed.sessions);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("pcapmix: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(arguments: &[String]) -> Result<Request, String> {
    let (out, rest) = arguments.split_first().ok_or("say where to write")?;
    let plan = Plan { packets: 5_000_000, window_us: 600_000_000, host_sets: 8, seed: 1 };
    let mut request = Request { out: out.into(), plan, corpus: None, samples: None, only: None, head: None };
    let mut rest = rest.iter();
    while let Some(name) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{name} needs a value"));
        let number = |text: &String| text.parse::<u64>().map_err(|_| format!("{text}: not a whole number"));
        match name.as_str() {
            "--packets" => request.plan.packets = number(value()?)?,
            "--window" => request.plan.window_us = number(value()?)? * 1_000_000,
            "--seed" => request.plan.seed = number(value()?)?,
            "--hosts" => request.plan.host_sets = number(value()?)?,
            "--corpus" => request.corpus = Some(value()?.into()),
            "--only" => request.only = Some(value()?.clone()),
            "--samples" => request.samples = Some(value()?.into()),
            "--head" => request.head = Some((number(value()?)?, value()?.into())),
            _ => return Err(format!("{name} is unknown")),
        }
    }
    Ok(request)
}

fn write(request: &Request) -> io::Result<Mixed> {
    let mut sessions = corpus::medical();
    if let Some(folder) = &request.corpus {
        sessions.extend(corpus::from_folder(folder)?);
    }
    if let Some(folder) = &request.samples {
        sessions.extend(corpus::from_samples(folder)?);
    }
    if let Some(only) = &request.only {
        sessions.retain(|session| session.class() == only);
    }
    let open = |path| PcapWriter::new(BufWriter::with_capacity(1 << 20, File::create(path)?), ETHERNET);
    let mut out = open(&request.out)?;
    let mut head = match &request.head {
        Some((packets, path)) => Some((*packets, open(path)?)),
        None => None,
    };
    let mixed = mix(&sessions, request.plan, |at_us, bytes, wire_bytes| {
        if let Some((left @ 1.., head)) = &mut head {
            *left -= 1;
            head.write(at_us, bytes, wire_bytes)?;
        }
        out.write(at_us, bytes, wire_bytes)
    })?;
    out.finish()?;
    if let Some((_, head)) = head {
        head.finish()?;
    }
    Ok(mixed)
}
