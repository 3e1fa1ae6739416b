//! `ward scan`: captures or an interface in, one report out.

use super::stdin::StoppableInput;
use super::{DONE, PARTLY};
use crate::capture::{self, Counters, LiveOptions};
use crate::pipeline::{self, Setup};
use crate::report::{self, Document, Redactor, SourceRead};
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use judge::inventory::{Inventory, SiteNetworks, VendorRegistry};
use model::SensorId;
use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Columns when the output is no terminal.
const COLUMNS_DEFAULT: u16 = 100;
/// Narrowest and widest report.
const COLUMNS_MIN_MAX: (u16, u16) = (60, 240);

/// Set by the first Ctrl-C: finish with what was learnt. The second ends the program at once.
static STOP: AtomicBool = AtomicBool::new(false);

/// List the devices in captures, or on a mirror port, and what deserves attention.
///
/// Reads pcap and pcapng, also gzip or zstd; `-` is standard input. Nothing is ever sent. Exit code 0: all was read;
/// 1: part was read (or a finding, with --gate); 2: wrong arguments; 3: nothing done.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ward scan mirror.pcap\n  ward scan day1.pcapng.gz day2.pcapng.gz --html report.html\n  tcpdump -w - | ward scan -\n  ward scan -i mirror0 --prepare-interface --for 10m\n  ward scan mirror.pcap --redact --json > share.json"
)]
pub(super) struct Scan {
    /// Capture files; `-` for standard input.
    #[arg(value_name = "FILE", required_unless_present = "interface", conflicts_with = "interface")]
    files: Vec<PathBuf>,
    /// Listen on this interface (Linux) until Ctrl-C.
    #[arg(short, long, value_name = "IFACE")]
    interface: Option<String>,
    /// Stop listening after this long, such as 90s, 10m, 2h.
    #[arg(long = "for", value_name = "TIME", requires = "interface", conflicts_with = "files", value_parser = parse_span)]
    listen_for: Option<Duration>,
    /// Make the interface silent first: remove its addresses, switch off ARP and IPv6.
    #[arg(long, requires = "interface", conflicts_with = "files")]
    prepare_interface: bool,
    /// Listen on an interface this computer uses itself. Ward still sends nothing; the computer may.
    #[arg(long, requires = "interface", conflicts_with_all = ["prepare_interface", "files"])]
    own_interface: bool,
    #[command(flatten)]
    output: Output,
}

/// How the report is made and shown; the same for every verb that scans.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Write one JSON document to standard output (shape: docs/scan.schema.json).
    #[arg(long)]
    json: bool,
    /// Write one self-contained page to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Replace names, addresses and places by consistent pseudonyms, so that the report can be shared.
    #[arg(long)]
    redact: bool,
    /// Keep the pseudonyms' key in this file (made if missing), so that two redacted reports can be compared.
    #[arg(long, value_name = "FILE", requires = "redact")]
    redact_key: Option<PathBuf>,
    /// Public networks that belong to the site, such as 192.0.2.0/24. Private ones always do.
    #[arg(long, value_name = "CIDR", value_parser = parse_network)]
    site_net: Vec<(IpAddr, u8)>,
    /// Exit with 1 when there is any finding.
    #[arg(long)]
    gate: bool,
    /// Threads that work on a file; all cores by default.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Columns of the table; the terminal's width by default.
    #[arg(long, value_name = "N")]
    width: Option<u16>,
    /// No progress line.
    #[arg(short, long)]
    quiet: bool,
}

impl Output {
    /// Standard output carries a document for programs, and nothing else.
    pub(super) fn is_document(&self) -> bool {
        self.json
    }

    /// Somebody has said how a scan should be shown.
    pub(super) fn is_asked_for(&self) -> bool {
        let is_shaped = self.json || self.html.is_some() || self.redact || self.gate || self.quiet;
        is_shaped || !self.site_net.is_empty() || self.threads.is_some() || self.width.is_some()
    }
}

impl Scan {
    /// Runs the verb.
    pub(super) fn run(self) -> Result<u8> {
        stop_on_ctrl_c();
        let mut reading = Reading::start(&self.output)?;
        match &self.interface {
            Some(interface) => reading.listen(interface, &self)?,
            None => reading.files(&self.files)?,
        }
        reading.finish(&self.output)
    }
}

/// Scans a capture that is in memory.
pub(super) fn scan_bytes(name: &str, bytes: &'static [u8], output: &Output) -> Result<u8> {
    stop_on_ctrl_c();
    let mut reading = Reading::start(output)?;
    let capture = capture::open_reader(name, Box::new(bytes), Some(bytes.len() as u64))?;
    reading.one(name, capture)?;
    reading.finish(output)
}

/// A scan under way.
struct Reading {
    inventory: Inventory,
    vendors: VendorRegistry,
    sources: Vec<SourceRead>,
    failed: Vec<anyhow::Error>,
    seed: u64,
    threads: usize,
    quiet: bool,
    html: Option<std::fs::File>,
    redact_key: Option<[u8; 32]>,
}

impl Reading {
    fn start(output: &Output) -> Result<Self> {
        let seed = u64::from_le_bytes(entropy()?);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            // Both before anything is read, and before privileges are given up: a scan must not fail at its end.
            html: output.html.as_deref().map(create).transpose()?,
            redact_key: output.redact.then(|| redact_key(output.redact_key.as_deref())).transpose()?,
            inventory: Inventory::new(seed),
            vendors: VendorRegistry::load(crate::catalog::OUI)
                .context("the built-in MAC registry is damaged")?,
            sources: Vec::new(),
            failed: Vec::new(),
            seed,
            threads: output.threads.unwrap_or(cores).clamp(1, 64),
            quiet: output.quiet || !std::io::stderr().is_terminal(),
        })
    }

    /// Reads every file that can be read; fails only when none can.
    fn files(&mut self, files: &[PathBuf]) -> Result<()> {
        for file in files {
            let name = shown_name(file);
            if STOP.load(Ordering::Relaxed) {
                self.unread(name, "not read: stopped by Ctrl-C before it".to_owned());
                continue;
            }
            match open(file) {
                Ok(capture) => self.one(&name, capture)?,
                Err(error) => {
                    let told = error.to_string();
                    let why = told.strip_prefix(&format!("{}: ", file.display())).unwrap_or(&told);
                    self.unread(name, why.to_owned());
                    self.failed.push(error.into());
                }
            }
        }
        if STOP.load(Ordering::Relaxed) && self.sources.iter().all(|s| s.counters.frames == 0) {
            bail!("stopped by Ctrl-C before anything was read");
        }
        if self.failed.len() == files.len() {
            let first = self.failed.remove(0);
            self.failed.iter().for_each(super::complain);
            return Err(first);
        }
        Ok(())
    }

    /// A file that was asked for and not read: the report says so, or it would look whole.
    fn unread(&mut self, name: String, why: String) {
        let counters = Counters { partly_read: true, notes: vec![why], ..Counters::default() };
        self.sources.push(SourceRead { name, counters });
    }

    fn one(&mut self, name: &str, capture: Box<dyn capture::Capture>) -> Result<()> {
        let bar = Bar::new(name, self.quiet);
        let sensor = SensorId(self.sources.len() as u32 + 1);
        let mut progress = |counters: &Counters| bar.show(counters);
        let mut setup =
            Setup { threads: self.threads, seed: self.seed, stop: &STOP, progress: &mut progress };
        let counters = pipeline::read_file(capture, sensor, &mut self.inventory, &mut setup);
        bar.clear();
        let mut counters = counters.with_context(|| format!("reading `{name}`"))?;
        if STOP.load(Ordering::Relaxed) {
            counters.partly_read = true;
            counters.notes.push("stopped by Ctrl-C before its end".to_owned());
        }
        self.sources.push(SourceRead { name: name.to_owned(), counters });
        Ok(())
    }

    fn listen(&mut self, interface: &str, scan: &Scan) -> Result<()> {
        let options = LiveOptions {
            prepare_interface: scan.prepare_interface,
            own_interface: scan.own_interface,
            workers: self.threads,
            ..LiveOptions::default()
        };
        let captures = capture::open_live(interface, options)?;
        capture::drop_privileges()?;
        let bar = Bar::new(interface, self.quiet);
        let started = Instant::now();
        let mut progress = |counters: &Counters| {
            bar.show(counters);
            if scan.listen_for.is_some_and(|limit| started.elapsed() >= limit) {
                STOP.store(true, Ordering::Relaxed);
            }
        };
        let mut setup =
            Setup { threads: self.threads, seed: self.seed, stop: &STOP, progress: &mut progress };
        let (mut counters, error) = pipeline::listen(captures, &mut self.inventory, &mut setup);
        bar.clear();
        // Hours of listening are not thrown away because the interface went.
        if let Some(error) = error {
            counters.partly_read = true;
            counters.notes.push(format!("listening ended early: {error}"));
            self.failed.push(error.into());
        }
        self.sources.push(SourceRead { name: interface.to_owned(), counters });
        Ok(())
    }

    /// Draws the conclusions and writes the reports asked for.
    fn finish(self, output: &Output) -> Result<u8> {
        let networks = SiteNetworks::new(output.site_net.clone());
        let resolved = self.inventory.resolve(&networks, &self.vendors);
        let mut document = report::build(&resolved, &self.sources);
        if let Some(key) = self.redact_key {
            document = Redactor::new(key).redact(document);
        }
        write_out(&document, output)?;
        if let (Some(mut file), Some(path)) = (self.html, &output.html) {
            file.write_all(report::page(&document).as_bytes())
                .with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        self.failed.iter().for_each(super::complain);
        let is_partly = !self.failed.is_empty() || self.sources.iter().any(|s| s.counters.partly_read);
        let is_gated = output.gate && !document.findings.is_empty();
        // The program ends here: giving back millions of small pieces one by one would only take time.
        std::mem::forget((document, resolved, self.inventory));
        Ok(if is_partly || is_gated { PARTLY } else { DONE })
    }
}

fn create(path: &Path) -> Result<std::fs::File> {
    std::fs::File::create(path).with_context(|| format!("cannot write `{}`", path.display()))
}

fn write_out(document: &Document, output: &Output) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = if output.json {
        // Laid out for eyes only where eyes may be.
        let json = if std::io::stdout().is_terminal() {
            serde_json::to_writer_pretty(&mut out, document)
        } else {
            serde_json::to_writer(&mut out, document)
        };
        json.map_err(std::io::Error::from).and_then(|()| writeln!(out))
    } else {
        report::print(document, columns(output.width), &mut out)
    };
    match written.and_then(|()| out.flush()) {
        // The reader has seen enough (`| head`).
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

fn columns(asked: Option<u16>) -> u16 {
    let terminal = || console::Term::stdout().size_checked().map(|(_, columns)| columns);
    let (min, max) = COLUMNS_MIN_MAX;
    asked.or_else(terminal).unwrap_or(COLUMNS_DEFAULT).clamp(min, max)
}

/// Standard input is read so that Ctrl-C ends it.
fn open(file: &Path) -> Result<Box<dyn capture::Capture>, capture::CaptureError> {
    if file.as_os_str() == "-" && !std::io::stdin().is_terminal() {
        return capture::open_reader("standard input", Box::new(StoppableInput::start(&STOP)), None);
    }
    capture::open_file(file)
}

/// The name without its folder. Who made the file chose it: it may not steer the terminal.
fn shown_name(file: &Path) -> String {
    if file.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    let name = file.file_name().map_or_else(|| file.to_string_lossy(), |name| name.to_string_lossy());
    super::printable(&name)
}

fn stop_on_ctrl_c() {
    // A handler that cannot be set leaves the system's own: Ctrl-C then ends the program without a report.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(super::NOTHING));
        }
    });
}

fn entropy<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => bail!("the system gives no random bytes: {error}"),
    }
}

fn redact_key(path: Option<&Path>) -> Result<[u8; 32]> {
    let Some(path) = path else { return entropy() };
    let shown = path.display();
    match std::fs::read(path) {
        Ok(bytes) => <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
            anyhow::anyhow!(
                "`{shown}` is not a redaction key: it must hold 32 bytes; delete it to make a new one"
            )
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = entropy()?;
            write_private(path, &key).with_context(|| format!("cannot write `{shown}`"))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read `{shown}`")),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

fn parse_network(text: &str) -> Result<(IpAddr, u8), String> {
    let (address, bits) =
        text.split_once('/').ok_or("write a network as ADDRESS/BITS, such as 192.0.2.0/24")?;
    let address: IpAddr = address.parse().map_err(|_| format!("`{address}` is not an IP address"))?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits: u8 = bits.parse().map_err(|_| format!("`{bits}` is not a number of bits"))?;
    if bits > width {
        Err(format!("a prefix of {address} has at most {width} bits"))
    } else {
        Ok((address, bits))
    }
}

fn parse_span(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let number: u64 = digits.parse().map_err(|_| "write a time as 90s, 10m or 2h".to_owned())?;
    let seconds = match text.strip_prefix(digits) {
        Some("" | "s") => Some(number),
        Some("m") => number.checked_mul(60),
        Some("h") => number.checked_mul(3600),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(|| "write a time as 90s, 10m or 2h".to_owned())
}

/// The progress line: rate and time left for files, rate and drops for interfaces.
struct Bar(ProgressBar);

impl Bar {
    fn new(name: &str, quiet: bool) -> Self {
        let bar = ProgressBar::no_length();
        bar.set_draw_target(if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(8)
        });
        bar.set_prefix(name.to_owned());
        Self(bar)
    }

    fn show(&self, counters: &Counters) {
        if self.0.length().is_none()
            && let Some(total) = counters.source_bytes_total
        {
            let style = "{prefix} {wide_bar} {percent}% {msg}, {binary_bytes_per_sec}, {eta} left";
            self.0.set_style(
                ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            self.0.set_length(total);
        } else if self.0.length().is_none() {
            let style = "{prefix} {spinner} {msg}, {elapsed}";
            self.0.set_style(
                ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
        }
        self.0.set_position(counters.source_bytes_read);
        let lost = counters.dropped.filter(|n| *n > 0).map(|n| format!(", {n} lost")).unwrap_or_default();
        self.0.set_message(format!("{} packets{lost}", counters.frames));
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}
