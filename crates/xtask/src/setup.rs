//! What the tests need from the machine, installed where that is possible, named where it is not.

use crate::run::{installed, run};
use anyhow::Result;
use std::process::Command;

/// A program and the Debian package that brings it.
const NEEDED: &[(&str, &str)] = &[("ip", "iproute2"), ("tcpdump", "tcpdump"), ("zstd", "zstd")];

/// Installs what is missing when we are root and there is apt-get; returns the packages that are still missing.
pub(crate) fn install() -> Result<Vec<&'static str>> {
    let missing = missing();
    if missing.is_empty() || !may_install() {
        return Ok(missing);
    }
    println!("installing {}", missing.join(" "));
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

fn missing() -> Vec<&'static str> {
    NEEDED.iter().filter(|(program, _)| installed(program).is_none()).map(|(_, package)| *package).collect()
}
