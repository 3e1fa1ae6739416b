//! `cargo xtask bench show`: what pages, lists and streams cost for 100,000 devices while records keep coming, beside Datasette over
//! the same table in the same run. The measuring is done by `showbench` (crates/testkit); here are percentiles, ratios and the page.

use super::report;
use crate::options::Options;
use crate::run::{first_line, run, target_dir};
use crate::tidy;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const MARKERS: (&str, &str) = ("<!-- bench show: begin -->", "<!-- bench show: end -->");
/// The peer and its version.
const PEER: &[&str] = &["datasette==0.65.2", "sqlite-utils==3.39"];
/// What is asked of every page and list: milliseconds, and KiB as sent.
const P99_MS: f64 = 50.0;
const KIB_MAX: f64 = 200.0;
/// How long a server may take until it listens.
const UP_WITHIN: Duration = Duration::from_secs(120);

/// What is asked of Ward: pages, then lists.
const PATHS: &[&str] = &[
    "/",
    "/devices",
    "/devices?q=00-40-9d",
    "/devices?q=10.20.",
    "/devices?state=unknown&sort=-last-seen",
    "/network",
    "/network/talks",
    "/findings",
    "/tasks",
    "/exceptions",
    "/windows",
    "/reports",
    "/views",
    "/edits",
    "/prove",
    "/settings",
    "/settings/zones",
    "/api/v1/site",
    "/api/v1/devices?limit=100",
    "/api/v1/devices?limit=100&q=monitor&sort=name",
    "/api/v1/devices/facets",
    "/api/v1/findings?limit=100",
    "/api/v1/network/matrix",
    "/api/v1/network/talks?limit=100",
    "/api/v1/zones/proposals",
    "/api/v1/tasks?limit=100",
    "/api/v1/ledger/entries?limit=100",
];

/// The same of the device that talks most; `ID` is its id.
const OF_DEVICE: &[&str] = &["/devices/ID", "/api/v1/devices/ID", "/api/v1/devices/ID/timeline?limit=100"];
/// The list as it was at a minute that nobody asked for yet, and again; `MINUTE` is the minute.
const PAST: &str = "/devices?at=MINUTE";
/// Minutes that are asked for so, and how far back the newest of them lies.
const PAST_MINUTES: u64 = 5;
const PAST_BACK_S: u64 = 300;

/// The same question to both: a first page, a search, facets.
const BOTH: &[(&str, &str, &str)] = &[
    (
        "first page of the list",
        "/api/v1/devices?limit=100",
        "/bench/devices.json?_size=100&_shape=objects&_nocount=1",
    ),
    (
        "search",
        "/api/v1/devices?limit=100&q=monitor",
        "/bench/devices.json?_size=100&_shape=objects&_nocount=1&name__contains=monitor",
    ),
    ("first page with two facets, as HTML", "/devices", "/bench/devices?_size=100&_facet=vendor&_facet=zone"),
];

/// All that was measured: each name with its rounds.
#[derive(Default)]
struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    fn take(&mut self, prefix: &str, told: &str) {
        for line in told.lines() {
            if let Some((name, value)) = line.split_once('\t')
                && let Ok(value) = value.parse()
            {
                self.0.entry(format!("{prefix}{name}")).or_default().push(value);
            }
        }
    }

    /// The value below which a share of all is.
    fn at(&self, name: &str, share: f64) -> f64 {
        let mut values = self.0.get(name).cloned().unwrap_or_default();
        values.sort_by(f64::total_cmp);
        let place = (values.len() as f64 * share).ceil() as usize;
        values.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    fn median(&self, name: &str) -> f64 {
        self.at(name, 0.5)
    }
}

pub(super) fn show(options: &Options) -> Result<bool> {
    let root = tidy::root()?;
    let quick = options.flag("quick");
    let devices = options.number("devices", if quick { 10_000 } else { 100_000 })?;
    let rounds = options.number("rounds", if quick { 20 } else { 200 })?.max(1);
    let out = options.text("out").map_or_else(|| target_dir(&root).join("bench-show"), PathBuf::from);
    ensure!(!out.exists(), "{} is there: remove it, or name another folder with --out", out.display());
    build(&root)?;
    let measured = measure(&root, &out, devices, rounds, quick);
    std::fs::remove_dir_all(&out).with_context(|| format!("could not remove {}", out.display()))?;
    let figures = measured?;
    let page = page(&figures, devices, rounds);
    println!("{page}");
    if quick {
        println!("a quick run: docs/perf.md stays as it is");
    } else {
        report::write_between(&root, MARKERS, &page)?;
    }
    Ok(true)
}

fn build(root: &Path) -> Result<()> {
    for arguments in [
        &["build", "--release", "-p", "ward"][..],
        &["build", "--release", "-p", "testkit", "--features", "keep", "--bin", "showbench"],
    ] {
        ensure!(run(Command::new("cargo").args(arguments).current_dir(root))?.ok, "it could not be built");
    }
    Ok(())
}

fn measure(root: &Path, out: &Path, devices: u64, rounds: u64, quick: bool) -> Result<Figures> {
    let mut figures = Figures::default();
    let feed = out.join("feed");
    std::fs::create_dir_all(&feed)?;
    let bench = |arguments: &[&str], input: Option<String>| tool(root, "showbench", arguments, input);
    let place = out.to_string_lossy().into_owned();
    figures.take("", &bench(&["make", &place, &format!("devices={devices}")], None)?);
    let ward = Ward::start(root, out, &feed)?;
    figures.0.insert("start to first page s".into(), vec![ward.first_page_s]);
    let table = out.join("devices.csv");
    let begun = Instant::now();
    fetch(&format!("{}api/v1/devices.csv", ward.url), &table)?;
    figures.0.insert("csv s".into(), vec![begun.elapsed().as_secs_f64()]);
    figures.0.insert("csv MB".into(), vec![std::fs::metadata(&table)?.len() as f64 / 1e6]);
    let device = busiest(&ward.url, &out.join("talks.json"))?;
    let paths: Vec<String> = PATHS
        .iter()
        .map(|path| (*path).to_owned())
        .chain(OF_DEVICE.iter().map(|path| path.replace("ID", &device)))
        .collect();
    let seconds = format!("seconds={}", if quick { 120 } else { 1_200 });
    let mut feeding = Command::new(program(root, "showbench"))
        .args(["feed", &feed.to_string_lossy(), &seconds])
        .spawn()
        .context("showbench feed")?;
    let asked: Result<()> = (|| {
        let ask = |paths: &str, rounds: &str, cold: &str| {
            bench(&["ask", &ward.url, rounds, cold], Some(paths.to_owned()))
        };
        let often = format!("rounds={rounds}");
        let told = ask(&paths.join("\n"), &often, "cold=1")?;
        figures.take("ward ", &told.replace(&device, "ID"));
        let minutes = past_minutes()?;
        for minute in &minutes {
            let path = PAST.replace("MINUTE", minute);
            figures.take("new ", &ask(&path, "rounds=1", "cold=0")?.replace(minute, "MINUTE"));
        }
        if let Some(minute) = minutes.last() {
            let told = ask(&PAST.replace("MINUTE", minute), &often, "cold=1")?;
            figures.take("ward ", &told.replace(minute, "MINUTE"));
        }
        // While records come: an open page is told of them once a second.
        let pid = format!("pid={}", ward.process.id());
        figures.take(
            "",
            &bench(&["streams", &ward.url, &pid, if quick { "seconds=5" } else { "seconds=30" }], None)?,
        );
        if let Some(peer) = Peer::start(root, out, &table)? {
            let paths =
                |of: fn(&(&str, &str, &str)) -> String| BOTH.iter().map(of).collect::<Vec<_>>().join("\n");
            for _ in 0..3 {
                let rounds = format!("rounds={}", (rounds / 3).max(5));
                let ours = bench(&["ask", &ward.url, &rounds], Some(paths(|both| both.1.to_owned())))?;
                figures.take("both ward ", &ours);
                let theirs = bench(&["ask", &peer.url, &rounds], Some(paths(|both| both.2.to_owned())))?;
                figures.take("both peer ", &theirs);
            }
        }
        Ok(())
    })();
    let _ = feeding.kill();
    let _ = feeding.wait();
    asked?;
    Ok(figures)
}

fn program(root: &Path, name: &str) -> PathBuf {
    target_dir(root).join("release").join(name)
}

fn tool(root: &Path, name: &str, arguments: &[&str], input: Option<String>) -> Result<String> {
    let mut command = Command::new(program(root, name));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    println!("{name} {}", arguments.join(" "));
    let mut process = command.spawn().with_context(|| name.to_owned())?;
    if let Some(mut stdin) = process.stdin.take() {
        stdin.write_all(input.unwrap_or_default().as_bytes())?;
    }
    let output = process.wait_with_output()?;
    ensure!(output.status.success(), "{name} {} failed", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The device that talks most.
fn busiest(url: &str, file: &Path) -> Result<String> {
    fetch(&format!("{url}api/v1/network/talks?limit=100&range=7d"), file)?;
    let talks: serde_json::Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let items = talks.get("items").and_then(serde_json::Value::as_array).into_iter().flatten();
    let ends = items.flat_map(|talk| [talk.get("client"), talk.get("server")]).flatten();
    let device = ends.filter_map(|end| end.get("device")?.as_str()).next();
    Ok(device.context("no device talks: showbench make has made no flows")?.to_owned())
}

/// Minutes of the past that nobody has asked for yet, as addresses write them; the newest last.
fn past_minutes() -> Result<Vec<String>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let minutes = (0..PAST_MINUTES).rev().map(|minute| now - PAST_BACK_S - 60 * minute);
    let shown = |seconds| first_line("date", &["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:00Z"]);
    Ok(minutes.map(shown).collect())
}

fn fetch(url: &str, file: &Path) -> Result<()> {
    let mut curl = Command::new("curl");
    ensure!(run(curl.args(["-sSf", "-o"]).arg(file).arg(url))?.ok, "{url} could not be fetched");
    Ok(())
}

/// A platform, ended when dropped.
struct Ward {
    process: Child,
    url: String,
    first_page_s: f64,
}

impl Ward {
    fn start(root: &Path, out: &Path, feed: &Path) -> Result<Self> {
        let begun = Instant::now();
        let mut command = Command::new(program(root, "ward"));
        command
            .args(["up", "--http", "127.0.0.1:0", "--store"])
            .arg(out.join("store"))
            .arg("--watch")
            .arg(feed);
        for set in
            ["site.id=1", "ledger.origin=ward.example/bench", "site.name=St Brannoc's", "log.level=error"]
        {
            command.args(["--set", set]);
        }
        command.arg("--set").arg(format!("keys.file={}", out.join("kek").display()));
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("ward up")?;
        let said = process.stderr.take().context("no output of ward up")?;
        let mut ward = Self { process, url: String::new(), first_page_s: 0.0 };
        let mut lines = BufReader::new(said).lines();
        for line in lines.by_ref() {
            if let Some((_, rest)) = line?.split_once("http://127.0.0.1:") {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                ward.url = format!("http://127.0.0.1:{port}/");
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        ensure!(!ward.url.is_empty(), "ward up did not say where it listens");
        fetch(&ward.url, &out.join("first.html"))?;
        ward.first_page_s = begun.elapsed().as_secs_f64();
        Ok(ward)
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Datasette over the devices, ended when dropped.
struct Peer {
    process: Child,
    url: String,
}

impl Peer {
    /// `None` where it cannot be installed; that is said on the page.
    fn start(root: &Path, out: &Path, table: &Path) -> Result<Option<Self>> {
        let place = target_dir(root).join("interop/datasette");
        let python = place.join("bin/python");
        if !place.join("bin/datasette").exists() {
            let made = run(Command::new("python3").args(["-m", "venv"]).arg(&place))?.ok;
            let mut pip = Command::new(&python);
            if !made || !run(pip.args(["-m", "pip", "install", "--quiet"]).args(PEER))?.ok {
                println!("datasette cannot be installed here: no peer");
                return Ok(None);
            }
        }
        let database = out.join("bench.db");
        let mut insert = Command::new(place.join("bin/sqlite-utils"));
        insert.arg("insert").arg(&database).arg("devices").arg(table).args(["--csv", "--silent"]);
        ensure!(run(&mut insert)?.ok, "the peer's table could not be made");
        for column in ["vendor", "zone", "name"] {
            let mut index = Command::new(place.join("bin/sqlite-utils"));
            ensure!(
                run(index.arg("create-index").arg(&database).args(["devices", column]))?.ok,
                "no index on {column}"
            );
        }
        let port = free_port()?;
        let mut command = Command::new(place.join("bin/datasette"));
        command.arg("serve").arg(&database).args([
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "--setting",
            "facet_time_limit_ms",
            "5000",
        ]);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("datasette")?;
        let peer = Self { process, url: format!("http://127.0.0.1:{port}/") };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > UP_WITHIN {
                bail!("datasette does not listen");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(Some(peer))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A path's line of the table.
fn line(figures: &Figures, prefix: &str, path: &str) -> String {
    let last = format!("{prefix}last ms {path}");
    if figures.median(&last).is_nan() {
        return format!("| `{path}` | | | | not there yet |\n");
    }
    let (p99, kib) = (figures.at(&last, 0.99), figures.median(&format!("{prefix}bytes {path}")) / 1024.0);
    let verdict = if p99 < P99_MS && kib <= KIB_MAX { "met" } else { "missed" };
    format!(
        "| `{path}` | {:.1} | {p99:.1} | {kib:.0} | p99 < {P99_MS}, ≤ {KIB_MAX} KiB: {verdict} |\n",
        figures.median(&last)
    )
}

fn page(figures: &Figures, devices: u64, rounds: u64) -> String {
    let mut page = report::head(&format!("cargo xtask bench show --devices {devices} --rounds {rounds}"));
    page.push_str(&format!(
        "- {} devices in the store; records of 15,000 simulated devices keep coming; one connection over loopback, gzip; milliseconds \
         from the request's first byte to the answer's last, as the client sees them\n\n\
         | page or list | median ms | p99 ms | KiB sent | asked |\n|---|---:|---:|---:|---|\n",
        figures.median("made devices")
    ));
    for path in PATHS.iter().chain(OF_DEVICE).chain([&PAST]) {
        page.push_str(&line(figures, "ward ", path));
    }
    page.push_str(&format!(
        "\n`ID` is the device that talks most, `MINUTE` a minute that was asked for before. The first look at a minute: {:.0} ms at \
         the median of {PAST_MINUTES}. All devices as CSV: {:.1} MB in {:.2} s.\n",
        figures.median(&format!("new last ms {PAST}")),
        figures.median("csv MB"),
        figures.median("csv s"),
    ));
    page.push_str(
        "\n| the same question | Ward, median ms | Datasette, median ms | ratio |\n|---|---:|---:|---:|\n",
    );
    for (what, ours, theirs) in BOTH {
        let (ours, theirs) = (
            figures.median(&format!("both ward last ms {ours}")),
            figures.median(&format!("both peer last ms {theirs}")),
        );
        page.push_str(&format!("| {what} | {ours:.1} | {theirs:.1} | {:.2} |\n", ours / theirs));
    }
    page.push_str(&format!(
        "\n| what | measured | asked |\n|---|---:|---|\n| start to first page, s | {:.2} | < 2 |\n\
         | share of a core of {:.0} open consoles, streams live, records coming | {:.1} % | ≤ 10 % |\n| share of a core of serving without them | {:.1} % | |\n",
        figures.median("start to first page s"),
        figures.median("consoles"),
        figures.median("share of a core of the consoles") * 100.0,
        figures.median("share of a core alone") * 100.0,
    ));
    page
}
