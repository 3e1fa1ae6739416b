//! Starts a worker per target, and finds the input of one that died without a word.

use super::{Request, WORKER_KIB_MAX, worker};
use fuzz::TARGETS;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;

/// How much longer than a heartbeat the search for a silent death may take, in seconds.
const SEARCH_SECONDS: u64 = 60;

/// What became of a target.
struct Answer {
    runs: u64,
    /// What is wrong, and where the bytes are.
    wrong: Option<String>,
}

/// Runs the targets, several at a time; `true` when none is wrong.
pub(crate) fn supervise(request: &Request) -> Result<bool, String> {
    let asked = |name: &str| request.target.as_deref().is_none_or(|target| target == name);
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).filter(|name| asked(name)).collect();
    println!(
        "{} targets, {} s each, {} at a time, seed {}",
        names.len(),
        request.seconds,
        request.jobs,
        request.seed
    );
    let due = Mutex::new(names.iter());
    let totals = Mutex::new((0_u64, 0_usize));
    std::thread::scope(|scope| {
        for _ in 0..request.jobs {
            scope.spawn(|| {
                while let Some(name) = due.lock().ok().and_then(|mut due| due.next()) {
                    let answer = ask(request, name);
                    let wrong = answer
                        .wrong
                        .as_ref()
                        .map_or_else(|| "fine".to_owned(), |wrong| format!("WRONG: {wrong}"));
                    println!("{name:<14} {:>10} inputs  {wrong}", answer.runs);
                    if let Ok(mut totals) = totals.lock() {
                        totals.0 += answer.runs;
                        totals.1 += usize::from(answer.wrong.is_some());
                    }
                }
            });
        }
    });
    let (runs, wrong) = totals.into_inner().unwrap_or_default();
    println!("{} targets, {runs} inputs, {wrong} wrong", names.len());
    Ok(wrong == 0)
}

fn ask(request: &Request, name: &str) -> Answer {
    let first = match worker(request, name, 0, None) {
        Ok(first) => first,
        Err(why) => return Answer { runs: 0, wrong: Some(why) },
    };
    if first.status.success() || first.finding.is_some() {
        return Answer { runs: first.runs, wrong: first.finding };
    }
    // Died without a word (stack, memory): go over the inputs since its last sign of life, each written down first.
    let trace = std::env::temp_dir().join(format!("ward-fuzz-{}-{name}", std::process::id()));
    let again = worker(request, name, first.runs, Some(&trace));
    let input = std::fs::read(&trace).unwrap_or_default();
    let _ = std::fs::remove_file(&trace);
    let wrong = match again {
        Ok(again) if again.status.success() => {
            format!("{}, not repeated from input {} of seed {}", first.status, first.runs, request.seed)
        }
        _ => format!("{} ({} bytes in {})", first.status, input.len(), worker::keep(name, &input).display()),
    };
    Answer { runs: first.runs, wrong: Some(wrong) }
}

/// What a worker left behind.
struct Left {
    runs: u64,
    finding: Option<String>,
    status: ExitStatus,
}

fn worker(request: &Request, name: &str, from: u64, trace: Option<&PathBuf>) -> Result<Left, String> {
    let this = std::env::current_exe().map_err(|error| format!("where am I? {error}"))?;
    let seconds = if trace.is_some() { SEARCH_SECONDS } else { request.seconds };
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -c 0; ulimit -v \"$0\"; exec \"$@\"", &WORKER_KIB_MAX.to_string()])
        .arg(this)
        .args(["--worker", name, "--seconds", &seconds.to_string()])
        .args(["--seed", &request.seed.to_string(), "--from", &from.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    if let Some(trace) = trace {
        command.arg("--trace").arg(trace);
    }
    let output = command.output().map_err(|error| format!("could not start a worker: {error}"))?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let runs =
        told.lines().filter_map(|line| line.strip_prefix('@')?.parse().ok()).next_back().unwrap_or(from);
    let finding = told.lines().find_map(|line| line.strip_prefix('!')).map(str::to_owned);
    Ok(Left { runs, finding, status: output.status })
}
