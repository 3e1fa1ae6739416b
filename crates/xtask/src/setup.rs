//! What the tests need from the machine, installed where that is possible, named where it is not.

use crate::postgres;
use crate::run::{installed, run};
use anyhow::Result;
use std::process::Command;

/// A program and the Debian package that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("chromium", "chromium"),
    ("curl", "curl"),
    ("ip", "iproute2"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("openssl", "openssl"),
    ("pkcs11-tool", "opensc"),
    ("promtool", "prometheus"),
    ("python3", "python3"),
    ("softhsm2-util", "softhsm2"),
    ("tcpdump", "tcpdump"),
    ("zstd", "zstd"),
];

/// Installs what is missing when we are root and there is apt-get; returns the packages that are still missing.
pub(crate) fn install() -> Result<Vec<&'static str>> {
    let missing = missing();
    if missing.is_empty() || !may_install() {
        return Ok(missing);
    }
    println!("installing {}", missing.join(" "));
    if missing.contains(&postgres::PACKAGE) {
        postgres::keep_package_quiet()?;
    }
    apt(&["update", "-q"])?;
    apt(&[&["install", "-q", "-y", "--no-install-recommends"][..], &missing].concat())?;
    Ok(self::missing())
}

/// Runs apt-get without questions.
pub(crate) fn apt(arguments: &[&str]) -> Result<bool> {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    Ok(run(&mut command)?.ok)
}

pub(crate) fn may_install() -> bool {
    nix::unistd::geteuid().is_root() && installed("apt-get").is_some()
}

/// Tries to install one package, from the distribution or from its backports.
pub(crate) fn install_package(package: &str) -> Result<bool> {
    if !may_install() {
        println!("{package} cannot be installed here: not root, or no apt-get");
        return Ok(false);
    }
    apt(&["update", "-q"])?;
    if apt(&["install", "-q", "-y", "--no-install-recommends", package])? {
        return Ok(true);
    }
    let Some((suite, source)) = backports() else { return Ok(false) };
    println!("adding {BACKPORTS} for {suite}");
    std::fs::write(BACKPORTS, source)?;
    apt(&["update", "-q"])?;
    apt(&["install", "-q", "-y", "--no-install-recommends", "-t", &suite, package])
}

const DEBIAN: &str = "/etc/apt/sources.list.d/debian.sources";
const BACKPORTS: &str = "/etc/apt/sources.list.d/ward-backports.sources";

/// The machine's own Debian source, turned to backports; `None` where it has none of that form.
fn backports() -> Option<(String, String)> {
    let sources = std::fs::read_to_string(DEBIAN).ok()?;
    let first = sources.split("\n\n").next()?;
    let suite = first.lines().find_map(|line| line.strip_prefix("Suites:"))?.split_whitespace().next()?;
    let backports = format!("{suite}-backports");
    let lines = first.lines().map(|line| {
        if line.starts_with("Suites:") { format!("Suites: {backports}") } else { line.to_owned() }
    });
    let source = lines.collect::<Vec<_>>().join("\n") + "\n";
    Some((backports, source))
}

fn missing() -> Vec<&'static str> {
    let needed = NEEDED.iter().filter(|(program, _)| installed(program).is_none());
    let server = postgres::programs().is_none().then_some(postgres::PACKAGE);
    needed.map(|(_, package)| *package).chain(server).collect()
}
