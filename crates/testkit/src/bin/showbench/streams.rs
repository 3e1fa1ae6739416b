//! Many consoles that are open at once: what their streams cost the process that serves them.

use crate::{Request, tell};
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Ticks of the kernel's processor clock a second, on every Linux that Ward runs on.
const TICKS_PER_S: f64 = 100.0;
/// What the threads that serve are called: what the core takes to write records is not the consoles'.
const SERVING: &str = "(serve)";

pub(crate) fn streams(request: &Request) -> Result<()> {
    let (consoles, seconds) = (request.number("consoles", 200), request.number("seconds", 20));
    let pid = request.number("pid", 0);
    ensure!(pid > 0, "pid=… of the process that serves");
    let alone = over(pid, seconds, &mut || Ok(0))?;
    let host = request.of.trim_start_matches("http://").trim_end_matches('/');
    let mut open = Vec::new();
    for _ in 0..consoles {
        let mut stream = TcpStream::connect(host)?;
        let head =
            format!("GET /api/v1/stream HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        stream.set_nonblocking(true)?;
        open.push(stream);
    }
    let mut bytes = 0;
    let watched = over(pid, seconds, &mut || {
        let read = drain(&mut open)?;
        bytes += read;
        Ok(read)
    })?;
    ensure!(bytes > 0, "the streams said nothing");
    tell("consoles", consoles as f64);
    tell("share of a core alone", alone);
    tell("share of a core with consoles", watched);
    tell("share of a core of the consoles", watched - alone);
    tell("stream bytes a console and second", bytes as f64 / consoles as f64 / seconds as f64);
    Ok(())
}

/// Reads what has come; fails where a stream ended.
fn drain(open: &mut [TcpStream]) -> Result<u64> {
    let (mut bytes, mut buffer) = (0, [0; 4_096]);
    for stream in open {
        match stream.read(&mut buffer) {
            Ok(0) => anyhow::bail!("a stream ended"),
            Ok(read) => bytes += read as u64,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}

/// Share of a core that serving takes over some seconds.
fn over(pid: u64, seconds: u64, meanwhile: &mut dyn FnMut() -> Result<u64>) -> Result<f64> {
    let (begun, before) = (Instant::now(), ticks(pid)?);
    while begun.elapsed() < Duration::from_secs(seconds) {
        meanwhile()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    let since = |(thread, ticks): (&OsString, &f64)| ticks - before.get(thread).copied().unwrap_or(0.0);
    Ok(ticks(pid)?.iter().map(since).sum::<f64>() / TICKS_PER_S / begun.elapsed().as_secs_f64())
}

/// Processor time of each thread that serves, in ticks, user and system (proc(5), fields 14 and 15).
fn ticks(pid: u64) -> Result<BTreeMap<OsString, f64>> {
    let mut threads = BTreeMap::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?;
        // One that has ended meanwhile was one of many that only wait.
        let Ok(stat) = std::fs::read_to_string(thread.path().join("stat")) else { continue };
        if stat.contains(SERVING) {
            threads.insert(thread.file_name(), ticks_of(&stat)?);
        }
    }
    ensure!(!threads.is_empty(), "process {pid} has no threads that serve");
    Ok(threads)
}

fn ticks_of(stat: &str) -> Result<f64> {
    let (_, fields) = stat.rsplit_once(") ").context("stat has no name")?;
    let numbers: Vec<f64> =
        fields.split(' ').skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    ensure!(numbers.len() == 2, "stat has no times");
    Ok(numbers.iter().sum())
}
