//! The API before a judge of others': a Ward with data, its document, and schemathesis, which asks whatever the document allows
//! and much that it does not. It must not install anything outside of the build's folder.

use crate::run::{cargo, installed, run, target_dir};
use anyhow::{Context as _, Result, bail};
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The judges, by the versions that were read.
const JUDGES: &[&str] = &["schemathesis==4.32.5", "openapi-spec-validator==0.9.0"];
/// What schemathesis must not ask for. The stream never ends, and it waits for the end.
const UNASKED: &[&str] = &["listenToChanges"];
/// What is not held against us: a cursor, a date or a name may be of the right form and still name nothing, and then we refuse it.
const UNCHECKED: &str = "positive_data_acceptance";
/// Seconds of a run within `cargo xtask test`, and its examples for each operation.
pub(crate) const SHORT: Bounds = Bounds { seconds: 50, examples: 12, checks: "not_a_server_error" };
/// The same within `--long`, where nobody says otherwise.
pub(crate) const LONG: Bounds = Bounds { seconds: 900, examples: 300, checks: "all" };
/// Seconds that a Ward may take until it knows its devices.
const READY_S_MAX: u64 = 60;
/// Devices and minutes of the data.
const DEVICES: &str = "40";
const MINUTES: &str = "90";

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) seconds: u64,
    pub(crate) examples: u64,
    /// What is asked of each answer: for every change that no server error comes, in the long run everything.
    pub(crate) checks: &'static str,
}

/// How it came out.
pub(crate) enum Judged {
    Fine { line: String },
    Wrong(String),
    Unable(String),
}

/// Runs the judges against a Ward that is started for it.
pub(crate) fn api(root: &Path, bounds: Bounds) -> Result<Judged> {
    let folder = target_dir(root).join("interop");
    let judges = match judges(&folder)? {
        Ok(judges) => judges,
        Err(why) => return Ok(Judged::Unable(why)),
    };
    let document = root.join("openapi/ward.json");
    if !run(Command::new(judges.join("openapi-spec-validator")).arg(&document))?.ok {
        return Ok(Judged::Wrong("openapi/ward.json is no OpenAPI 3.1; see above".to_owned()));
    }
    let mut ward = Ward::start(root, &folder)?;
    let (seconds, examples) = (bounds.seconds.to_string(), bounds.examples.to_string());
    let mut command = Command::new(judges.join("schemathesis"));
    command.arg("--config-file").arg(root.join("openapi/schemathesis.toml")).arg("run");
    command.arg(&document).args([
        "--url",
        &ward.url,
        "--checks",
        bounds.checks,
        "--exclude-checks",
        UNCHECKED,
    ]);
    command.args([
        "--max-examples",
        &examples,
        "--max-time",
        &seconds,
        "--no-color",
        "--continue-on-failure",
    ]);
    // What it learns is not kept: the same commit asks the same.
    command.args(["--seed", "4", "--generation-database", "none", "--workers", "2"]);
    for operation in UNASKED {
        command.args(["--exclude-operation-id", operation]);
    }
    let ran = run(command.current_dir(&folder))?;
    let line = ran
        .output
        .lines()
        .rfind(|line| line.contains(" in "))
        .unwrap_or("")
        .trim_matches(['=', ' '])
        .to_owned();
    let has_asked = ran.output.lines().any(|line| line.contains("generated"));
    Ok(match (ran.ok, has_asked, ward.is_up()) {
        (_, _, false) => Judged::Wrong("ward ended while it was asked".to_owned()),
        (true, true, true) => Judged::Fine { line },
        (true, false, true) => Judged::Wrong("schemathesis has asked nothing".to_owned()),
        (false, _, true) => Judged::Wrong(format!("schemathesis: {line}; each failure above has its curl")),
    })
}

/// The folder of the judges' programs; `Err` says why they cannot be had here.
fn judges(folder: &Path) -> Result<Result<PathBuf, String>> {
    let venv = folder.join("venv");
    let programs = venv.join("bin");
    let wanted = JUDGES.join("\n");
    let noted = venv.join("judges.txt");
    if std::fs::read_to_string(&noted).is_ok_and(|noted| noted == wanted) {
        return Ok(Ok(programs));
    }
    let Some(python) = installed("python3") else { return Ok(Err("python3 is not installed".to_owned())) };
    std::fs::create_dir_all(folder)?;
    if !run(Command::new(python).args(["-m", "venv"]).arg(&venv))?.ok {
        return Ok(Err("python3 makes no virtual environment: install python3-venv".to_owned()));
    }
    let mut pip = Command::new(programs.join("pip"));
    if !run(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(JUDGES))?.ok {
        return Ok(Err("pip could not install schemathesis".to_owned()));
    }
    std::fs::write(noted, wanted)?;
    Ok(Ok(programs))
}

/// A Ward with a simulated site, stopped when dropped.
struct Ward {
    child: Child,
    url: String,
}

impl Ward {
    fn start(root: &Path, folder: &Path) -> Result<Self> {
        if !run(&mut cargo(
            root,
            &[
                "build",
                "--quiet",
                "-p",
                "ward",
                "-p",
                "testkit",
                "--bins",
                "--features",
                "ward/postgres,ward/hsm",
            ],
        ))?
        .ok
        {
            bail!("ward does not build");
        }
        let place = folder.join("ward");
        let _ = std::fs::remove_dir_all(&place);
        let (store, watched) = (place.join("store"), place.join("watched"));
        std::fs::create_dir_all(&watched)?;
        let built = target_dir(root).join("debug");
        let mut simulate = Command::new(built.join("simulate"));
        if !run(simulate.arg(&watched).args(["--devices", DEVICES, "--minutes", MINUTES]))?.ok {
            bail!("no records could be simulated");
        }
        // Freed at once; that another takes it before Ward does shows as a Ward that does not start.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let config = place.join("ward.toml");
        let text = format!(
            "[store]\nfolder = {store:?}\n[keys]\nkind = \"file\"\nfile = {:?}\n[http]\naddress = \"127.0.0.1:{port}\"\n[[watch]]\nfolder = {watched:?}\nsettle_s = 1\n",
            place.join("kek")
        );
        std::fs::write(&config, text)?;
        let log = std::fs::File::create(place.join("ward.log"))?;
        let mut command = Command::new(built.join("ward"));
        command
            .arg("up")
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command.spawn().context("ward does not start")?;
        let mut ward = Self { child, url: format!("http://127.0.0.1:{port}") };
        ward.wait(&place)?;
        Ok(ward)
    }

    /// Until it knows devices.
    fn wait(&mut self, place: &Path) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(READY_S_MAX);
        let known = |url: &str| {
            let metrics = Command::new("curl")
                .args(["--silent", "--max-time", "5", &format!("{url}/metrics")])
                .output();
            let text = metrics
                .map(|metrics| String::from_utf8_lossy(&metrics.stdout).into_owned())
                .unwrap_or_default();
            text.lines().any(|line| line.strip_prefix("ward_devices ").is_some_and(|devices| devices != "0"))
        };
        while !known(&self.url) {
            if !self.is_up() || Instant::now() > end {
                let mut log = String::new();
                let _ = std::fs::File::open(place.join("ward.log"))
                    .and_then(|mut file| file.read_to_string(&mut log));
                bail!("ward does not come to know its devices:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn is_up(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
