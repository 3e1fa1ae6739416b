//! A worker runs one target's inputs until its time is up, and says how far it is.

use super::{HEARTBEAT_MS, INPUT_MS_MAX, Request, STUCK_MS, exit, home, material, mutate};
use fuzz::{TARGETS, Target};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The last panic's message; the default hook would print every one of them.
static PANIC: Mutex<String> = Mutex::new(String::new());
/// The input that is being run, and when it began, in milliseconds since the worker began.
static NUMBER: AtomicU64 = AtomicU64::new(0);
static BEGAN_MS: AtomicU64 = AtomicU64::new(0);

fn target(name: &str) -> Result<Target, String> {
    let found = TARGETS.iter().find(|(target, _)| *target == name);
    found.map(|(_, run)| *run).ok_or_else(|| format!("{name} is no target"))
}

/// The worker's life. `false`: an input broke the target and was written down.
pub(crate) fn work(request: &Request) -> Result<bool, String> {
    let name = request.worker.as_deref().unwrap_or("");
    let run = target(name)?;
    let inputs = material::inputs(&home(), name);
    listen_for_panics();
    let start = Instant::now();
    let end = start + Duration::from_secs(request.seconds);
    watch(start, name.to_owned(), inputs.clone(), request.seed);
    let mut number = request.from;
    loop {
        let input = mutate::input(&inputs, request.seed, number);
        NUMBER.store(number, Ordering::Relaxed);
        if let Some(trace) = &request.trace {
            std::fs::write(trace, &input).map_err(|error| format!("{trace}: {error}"))?;
        }
        let began = Instant::now();
        BEGAN_MS.store(began.duration_since(start).as_millis() as u64, Ordering::Relaxed);
        if let Some(why) = broken(run, &input) {
            report(name, &input, &why);
            return Ok(false);
        }
        number += 1;
        if Instant::now() >= end {
            break;
        }
    }
    println!("@{number}");
    Ok(true)
}

/// Runs the bytes of a file, with the whole story on a panic.
pub(crate) fn run_file(request: &Request, file: &str) -> Result<bool, String> {
    let name = request.target.as_deref().ok_or("--file needs --target")?;
    let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    target(name)?(&bytes);
    println!("{name}: fine on {} bytes", bytes.len());
    Ok(true)
}

/// Why the target is wrong on `input`: it panicked, or was slow three times (once may be the machine).
fn broken(run: Target, input: &[u8]) -> Option<String> {
    let limit = Duration::from_millis(INPUT_MS_MAX);
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        let start = Instant::now();
        if std::panic::catch_unwind(|| run(input)).is_err() {
            return Some(PANIC.lock().map_or_else(|_| "panicked".to_owned(), |message| message.clone()));
        }
        slowest = start.elapsed();
        if slowest <= limit {
            return None;
        }
    }
    Some(format!("took {} ms, three times over {INPUT_MS_MAX} ms", slowest.as_millis()))
}

fn listen_for_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if let Ok(mut message) = PANIC.lock() {
            *message = panic.to_string().replace('\n', " ");
        }
    }));
}

/// Says how far the worker is, and ends it when an input does not come back.
fn watch(start: Instant, name: String, inputs: Vec<Vec<u8>>, seed: u64) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(HEARTBEAT_MS));
            let number = NUMBER.load(Ordering::Relaxed);
            let began_ms = BEGAN_MS.load(Ordering::Relaxed);
            let now_ms = start.elapsed().as_millis() as u64;
            println!("@{number}");
            if now_ms.saturating_sub(began_ms) > STUCK_MS && NUMBER.load(Ordering::Relaxed) == number {
                let input = mutate::input(&inputs, seed, number);
                report(&name, &input, &format!("did not come back within {STUCK_MS} ms"));
                std::process::exit(exit::STUCK);
            }
        }
    });
}

fn report(name: &str, input: &[u8], why: &str) {
    let file = keep(name, input);
    println!("!{why} ({} bytes in {})", input.len(), file.display());
}

/// Writes the bytes to fuzz/crashes under a name that follows from them.
pub(super) fn keep(name: &str, input: &[u8]) -> PathBuf {
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let folder = home().join("crashes");
    let file = folder.join(format!("{name}-{hash:016x}"));
    if let Err(error) = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, input)) {
        eprintln!("could not write {}: {error}", file.display());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_told() {
        listen_for_panics();
        let why = broken(|data| assert!(data.len() < 3, "three is too many"), b"abc").unwrap();
        assert!(why.contains("three is too many"), "{why}");
        assert_eq!(broken(|_| {}, b"abc"), None);
    }

    #[test]
    fn a_slow_input_is_told() {
        let why = broken(|_| std::thread::sleep(Duration::from_millis(INPUT_MS_MAX + 50)), b"").unwrap();
        assert!(why.contains("three times"), "{why}");
    }
}
