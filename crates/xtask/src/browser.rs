//! The console in a real browser: Debian's Chromium walks through `ward demo` (interop/console).

use crate::run::{cargo, installed, run};
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// npm packages and their versions.
const PACKAGES: &[&str] = &["puppeteer-core@24.43.1", "axe-core@4.14.1"];
/// How long the demo may take until it says where it is, in a build without optimisation.
const DEMO_WITHIN: Duration = Duration::from_secs(60);
/// What the demo's line with its address begins with.
const URL: &str = "http://127.0.0.1:";

/// What became of the walk.
pub(crate) enum Walked {
    /// So many checks passed; none failed.
    Passed(u64),
    /// What is wrong first.
    Failed {
        /// Checks that passed.
        passed: u64,
        /// Checks that failed.
        failed: u64,
        /// The first of them.
        why: String,
    },
    /// It could not begin, because.
    Skipped(String),
}

/// Builds Ward, starts the demo, and walks. With `bless` the pictures of the guides are written anew.
pub(crate) fn walk(root: &Path, features: &[&str], bless: bool) -> Result<Walked> {
    let missing: Vec<&str> =
        ["chromium", "node", "npm"].into_iter().filter(|name| installed(name).is_none()).collect();
    if !missing.is_empty() {
        return Ok(Walked::Skipped(format!("no {}", missing.join(", "))));
    }
    let ground = root.join("target/interop/console");
    if !fetch_packages(&ground)? {
        return Ok(Walked::Skipped("the npm packages could not be fetched".into()));
    }
    let build = [&["build", "--quiet", "-p", "ward"], features].concat();
    if !run(&mut cargo(root, &build))?.ok {
        bail!("ward does not build");
    }
    let shots = ground.join("shots");
    if shots.exists() {
        std::fs::remove_dir_all(&shots)?;
    }
    let demo = Demo::start(&root.join("target/debug/ward"))?;
    let mut node = Command::new("node");
    node.arg(root.join("interop/console/walk.mjs")).arg(&demo.url);
    node.env("WARD_MODULES", &ground).env("WARD_SHOTS", &shots).env("WARD_DOCS", root.join("docs"));
    node.env("WARD_BINARY", root.join("target/debug/ward"));
    let ran = run(&mut node)?;
    drop(demo);
    let (fine, wrong): (Vec<_>, Vec<_>) = ran
        .output
        .lines()
        .filter(|line| line.starts_with("ok ") || line.starts_with("not ok "))
        .partition(|line| line.starts_with("ok "));
    if !ran.ok || !wrong.is_empty() {
        let why = wrong.first().copied().unwrap_or("the walk broke off").to_owned();
        return Ok(Walked::Failed { passed: fine.len() as u64, failed: wrong.len().max(1) as u64, why });
    }
    if bless {
        keep(&shots, &root.join("docs/images"))?;
    }
    Ok(Walked::Passed(fine.len() as u64))
}

fn fetch_packages(ground: &Path) -> Result<bool> {
    let stamp = ground.join("packages.txt");
    let wanted = PACKAGES.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(true);
    }
    std::fs::create_dir_all(ground)?;
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--ignore-scripts",
        "--loglevel=error",
        "--prefix",
    ]);
    let fetched = run(npm.arg(ground).args(PACKAGES))?.ok;
    if fetched {
        // Modules are resolved from a package.
        std::fs::write(ground.join("package.json"), "{}\n")?;
        std::fs::write(stamp, wanted)?;
    }
    Ok(fetched)
}

/// Pictures that the guides show, under the names that they have there.
fn keep(shots: &Path, images: &Path) -> Result<()> {
    std::fs::create_dir_all(images)?;
    for entry in std::fs::read_dir(shots)? {
        let entry = entry?;
        std::fs::copy(entry.path(), images.join(entry.file_name()))?;
    }
    Ok(())
}

/// The demo, ended when dropped.
struct Demo {
    process: Child,
    url: String,
}

impl Demo {
    fn start(binary: &PathBuf) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["demo", "--no-browser"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().context("ward demo")?;
        let Some(output) = process.stderr.take() else { bail!("no output of ward demo") };
        let started = Instant::now();
        let mut demo = Self { process, url: String::new() };
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some((_, rest)) = line.split_once(URL) {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                demo.url = format!("{URL}{port}/");
                return Ok(demo);
            }
            if started.elapsed() > DEMO_WITHIN {
                break;
            }
        }
        bail!("ward demo did not say where it listens")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
