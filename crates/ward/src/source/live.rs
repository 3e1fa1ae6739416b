//! An interface that is listened on. The packets are seen by a process of its own (`ward listen`, [`super::hear`]): it has the right
//! to capture, then gives up every right, and a system-call filter keeps it from ever sending; it has no key and no store. This
//! half starts it, numbers what it says, and hands it to the core.
//!
//! One process for each interface: the filter that keeps a process from sending also keeps it from opening another socket, so
//! neither a second interface nor the HTTP server could live in it.

use super::hear::Said;
use super::outgoing::Outgoing;
use super::{Outlet, now};
use crate::config::{Config, Listen};
use crate::measure;
use model::{SiteId, Timestamp};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Longest line of the listening process, in bytes.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Lines read ahead.
const LINES_AHEAD: usize = 16;
/// How often the queue is tried and a stop noticed.
const TICK: Duration = Duration::from_millis(50);
/// How long the listening process may take to open its interface.
const OPEN_WITHIN: Duration = Duration::from_secs(30);
/// How long a listener may take to say the rest and hand it over after a stop.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);
/// A process that says nothing for this long is started anew: it speaks every second.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Waits before a process that ended is started again, growing from the first to the last.
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How an interface is listened on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program that listens: this one.
    pub program: PathBuf,
    /// The interface.
    pub listen: Listen,
    /// Site of the records.
    pub site: SiteId,
    /// Conversations alive at once, over all workers.
    pub flows_max: usize,
    /// Records kept while the queue is full, for each worker.
    pub pending_records: usize,
    /// Records of a delivery at most.
    pub batch_records: usize,
}

impl Settings {
    /// As the configuration has them for one of its interfaces.
    pub fn new(config: &Config, listen: &Listen) -> Self {
        Self {
            // Still this program when a newer one has been put in its place.
            program: PathBuf::from("/proc/self/exe"),
            listen: listen.clone(),
            site: config.site.id,
            flows_max: config.limits.flows_max,
            pending_records: config.limits.pending_records,
            batch_records: config.limits.batch_records,
        }
    }

    /// Name of the source of a worker, from 0.
    pub fn source(&self, worker: usize) -> String {
        format!("live:{}/{worker}", self.listen.interface)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let listen = &self.listen;
        command.arg("listen").args(["--interface", &listen.interface]);
        let numbers = [
            ("--workers", listen.workers.to_string()),
            ("--ring-bytes", listen.ring_bytes.to_string()),
            ("--site", self.site.0.to_string()),
            ("--sensor", listen.sensor.0.to_string()),
            ("--domain", listen.domain.0.to_string()),
            ("--flows-max", self.flows_max.to_string()),
        ];
        numbers.iter().for_each(|(flag, number)| {
            command.args([*flag, number.as_str()]);
        });
        if listen.own_interface {
            command.arg("--own-interface");
        }
        if listen.prepare_interface {
            command.arg("--prepare-interface");
        }
        // It needs nothing that Ward was given, and who gave it root.
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "SUDO_UID" || name == "SUDO_GID"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        // Ctrl-C is for Ward; the listener ends when Ward closes its input.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }
}

/// A worker of an interface begins to hear, at the start or again after a pause: from where its cursor stands until now nobody
/// listened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Name of the source.
    pub source: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// What is told that a worker begins to hear.
pub type OnStart = Arc<dyn Fn(Started) + Send + Sync>;

/// Why an interface is not listened on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The listening process could not be started.
    #[error(
        "{interface}: the listening process cannot be started: {source}; is the ward program still in its place?"
    )]
    Process {
        /// The interface.
        interface: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It could not open the interface: with the way out.
    #[error("{why}")]
    Refused {
        /// Its words.
        why: String,
    },
    /// It ended or fell silent before it began.
    #[error("{interface}: the listening process ended before it began ({how}); what it said is above")]
    Ended {
        /// The interface.
        interface: String,
        /// How.
        how: String,
    },
}

/// A listening process, open.
struct Process {
    child: Child,
    /// Closed to let it finish.
    input: Option<ChildStdin>,
    said: Receiver<Said>,
    workers: usize,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing to do when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn open(settings: &Settings) -> Result<Self, LiveError> {
        let interface = || settings.listen.interface.clone();
        let mut child = settings
            .command()
            .spawn()
            .map_err(|source| LiveError::Process { interface: interface(), source })?;
        let (send, said) = sync_channel(LINES_AHEAD);
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut process = Self { child, input, said, workers: 0 };
        if let Some(output) = output {
            let reader = std::thread::Builder::new().name("listener".to_owned());
            let reading = reader.spawn(move || read(output, &send));
            reading.map_err(|source| LiveError::Process { interface: interface(), source })?;
        }
        match process.said.recv_timeout(OPEN_WITHIN) {
            Ok(Said::Started { workers }) => {
                process.workers = workers;
                Ok(process)
            }
            Ok(Said::Failed { why }) => Err(LiveError::Refused { why }),
            Ok(_) => {
                Err(LiveError::Ended { interface: interface(), how: "it said something else".to_owned() })
            }
            Err(RecvTimeoutError::Timeout) => {
                Err(LiveError::Ended { interface: interface(), how: "it said nothing".to_owned() })
            }
            Err(RecvTimeoutError::Disconnected) => {
                let how =
                    process.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(LiveError::Ended { interface: interface(), how })
            }
        }
    }
}

/// Hands on what the process says, until it ends or says what is no line of ours.
fn read(output: ChildStdout, send: &SyncSender<Said>) {
    let mut output = BufReader::with_capacity(256 * 1024, output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {}
            _ => return,
        }
        let Ok(said) = serde_json::from_slice::<Said>(&line) else { return };
        if send.send(said).is_err() {
            return;
        }
    }
}

/// An interface that is listened on.
pub struct Live {
    settings: Settings,
    outlet: Outlet,
    on_start: OnStart,
    process: Option<Process>,
    workers: Vec<Worker>,
}

struct Worker {
    outgoing: Outgoing,
    counted: (u64, u64, u64),
}

impl Live {
    /// Starts the listening process; returns once the interface is open. Each worker goes on numbering behind its cursor.
    ///
    /// # Errors
    /// When the interface cannot be listened on as it is, with the way out.
    pub fn open(settings: Settings, outlet: Outlet, on_start: OnStart) -> Result<Self, LiveError> {
        let process = Process::open(&settings)?;
        let mut live = Self { settings, outlet, on_start, process: None, workers: Vec::new() };
        for worker in 0..process.workers.max(1) {
            let source: Arc<str> = live.settings.source(worker).into();
            let durable = (live.outlet.cursors)(&source).map_or(0, |(sequence, _)| sequence);
            let (most, batch) = (live.settings.pending_records, live.settings.batch_records);
            let outgoing = Outgoing::new(source, durable, most, batch);
            live.workers.push(Worker { outgoing, counted: (0, 0, 0) });
        }
        live.process = Some(process);
        Ok(live)
    }

    /// Listens until told to stop. A process that ends is started again, with growing pauses; the pause is told with the next start.
    pub fn run(mut self) {
        let mut again_after = AGAIN_AFTER.0;
        // What is open is always heard out, even when the stop came before.
        while self.process.is_some() || !self.outlet.is_stopped() {
            let process = match self.process.take() {
                Some(process) => process,
                None => match Process::open(&self.settings) {
                    Ok(process) => process,
                    Err(error) => {
                        tracing::error!(
                            interface = self.settings.listen.interface.as_str(),
                            error = %error,
                            retry_s = again_after.as_secs(),
                            "the interface is not listened on"
                        );
                        self.pause(again_after);
                        again_after = (again_after * 2).min(AGAIN_AFTER.1);
                        continue;
                    }
                },
            };
            let began = Instant::now();
            (0..self.workers.len()).for_each(|worker| self.begins(worker));
            self.listen(process);
            if self.outlet.is_stopped() {
                break;
            }
            if began.elapsed() > AGAIN_AFTER.1 {
                again_after = AGAIN_AFTER.0;
            }
            tracing::error!(
                interface = self.settings.listen.interface.as_str(),
                retry_s = again_after.as_secs(),
                "the listening process ended; it is started again"
            );
            self.pause(again_after);
            again_after = (again_after * 2).min(AGAIN_AFTER.1);
        }
        self.flush();
    }

    fn begins(&mut self, worker: usize) {
        let Some(worker) = self.workers.get_mut(worker) else { return };
        worker.counted = (0, 0, 0);
        (self.on_start)(Started { source: Arc::clone(&worker.outgoing.source), at: now() });
    }

    /// Takes what a process says until it ends; a stop lets it finish first.
    fn listen(&mut self, mut process: Process) {
        let (mut stopped_at, mut heard_at): (Option<Instant>, _) = (None, Instant::now());
        loop {
            if self.outlet.is_stopped() && stopped_at.is_none() {
                stopped_at = Some(Instant::now());
                process.input = None;
            }
            if stopped_at.is_some_and(|at| at.elapsed() > FLUSH_WITHIN) || heard_at.elapsed() > SILENCE_MAX {
                return;
            }
            match process.said.recv_timeout(TICK) {
                Ok(said) => {
                    heard_at = Instant::now();
                    self.take(said);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.offer();
        }
    }

    fn take(&mut self, said: Said) {
        let interface = self.settings.listen.interface.as_str();
        match said {
            Said::Heard { worker, records, frames, bytes, dropped } => {
                let Some(worker) = self.workers.get_mut(worker) else { return };
                let before = std::mem::replace(&mut worker.counted, (frames, bytes, dropped));
                measure::captured(
                    &worker.outgoing.source,
                    frames.saturating_sub(before.0),
                    bytes.saturating_sub(before.1),
                    dropped.saturating_sub(before.2),
                );
                worker.outgoing.take(records);
            }
            Said::Lost { worker, why } => {
                tracing::error!(interface, worker, reason = why.as_str(), "the interface is gone or down");
            }
            Said::Again { worker } => {
                tracing::info!(interface, worker, "frames come again");
                let counted = self.workers.get(worker).map(|worker| worker.counted);
                self.begins(worker);
                if let (Some(worker), Some(counted)) = (self.workers.get_mut(worker), counted) {
                    worker.counted = counted;
                }
            }
            Said::Failed { why } => {
                tracing::error!(interface, reason = why.as_str(), "the listening process gave up");
            }
            Said::Started { .. } | Said::Ended { .. } => {}
        }
    }

    /// Whether nothing waits any more.
    fn offer(&mut self) -> bool {
        let (heard_until, mut done) = (now(), true);
        // Each has its turn, whatever became of the one before.
        for worker in &mut self.workers {
            done &= worker.outgoing.offer(&self.outlet, heard_until);
        }
        done
    }

    fn pause(&mut self, pause: Duration) {
        let began = Instant::now();
        while began.elapsed() < pause && !self.outlet.is_stopped() {
            self.offer();
            std::thread::sleep(TICK);
        }
    }

    /// The last records, while the core still takes them.
    fn flush(&mut self) {
        let began = Instant::now();
        while !self.offer() && began.elapsed() < FLUSH_WITHIN {
            std::thread::sleep(TICK);
        }
        for worker in &self.workers {
            let left = worker.outgoing.waiting() as u64;
            if left > 0 {
                measure::records_dropped(&worker.outgoing.source, left);
                tracing::error!(
                    source = &*worker.outgoing.source,
                    records = left,
                    "records were lost at the stop"
                );
            }
        }
    }
}
