//! The tools that read the same capture, and how each is started.

use super::capture::Capture;
use super::measure::{self, Measured};
use crate::run::{cargo, first_line, installed, run, target_dir};
use crate::setup;
use anyhow::{Result, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

pub(super) const WARD: &str = "ward";
pub(super) const FLOOR: &str = "floor";

/// Which capture a tool is given: the large one, its head, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Big,
    Mid,
    Both,
}

/// A tool, ready to run.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) version: String,
    pub(super) reads: Reads,
    /// Program and arguments; `CAPTURE` and `SCRATCH` stand for paths.
    command: Vec<String>,
}

/// A tool as it is known here.
struct Known {
    name: &'static str,
    program: &'static str,
    package: &'static str,
    version: &'static [&'static str],
    reads: Reads,
    arguments: &'static [&'static str],
}

const KNOWN: &[Known] = &[
    Known {
        name: FLOOR,
        program: "release/pcapfloor",
        package: "",
        version: &[],
        reads: Reads::Both,
        arguments: &["CAPTURE"],
    },
    Known {
        name: WARD,
        program: "release/ward",
        package: "",
        version: &["--version"],
        reads: Reads::Both,
        arguments: &["scan", "--threads", "1", "--json", "CAPTURE"],
    },
    Known {
        name: "ward-all-cores",
        program: "release/ward",
        package: "",
        version: &["--version"],
        reads: Reads::Big,
        arguments: &["scan", "--json", "CAPTURE"],
    },
    Known {
        name: "ndpiReader",
        program: "ndpiReader",
        package: "libndpi-bin",
        version: &["-v"],
        reads: Reads::Both,
        arguments: &["-i", "CAPTURE", "-q"],
    },
    Known {
        name: "suricata",
        program: "suricata",
        package: "suricata",
        version: &["-V"],
        reads: Reads::Mid,
        arguments: &[
            "-r",
            "CAPTURE",
            "-l",
            "SCRATCH",
            "-k",
            "none",
            "--runmode",
            "single",
            "-S",
            "/dev/null",
        ],
    },
    Known {
        name: "tshark",
        program: "tshark",
        package: "tshark",
        version: &["-v"],
        reads: Reads::Mid,
        arguments: &[
            "-n",
            "-r",
            "CAPTURE",
            "-T",
            "fields",
            "-e",
            "frame.time_epoch",
            "-e",
            "ip.src",
            "-e",
            "ip.dst",
            "-e",
            "_ws.col.Protocol",
            "-e",
            "mqtt.topic",
            "-e",
            "dns.qry.name",
            "-e",
            "tls.handshake.extensions_server_name",
        ],
    },
];

/// Builds what is ours.
pub(super) fn build(root: &Path) -> Result<()> {
    let built =
        run(&mut cargo(root, &["build", "--quiet", "--release", "-p", "ward", "-p", "testkit", "--bins"]))?;
    ensure!(built.ok, "ward and its measuring tools do not build");
    Ok(())
}

/// The tools asked for (all when none is named) that can run here, and why the others cannot.
pub(super) fn ready(root: &Path, asked: &[String], install: bool) -> Result<(Vec<Tool>, Vec<String>)> {
    if let Some(unknown) = asked.iter().find(|name| KNOWN.iter().all(|known| known.name != name.as_str())) {
        let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
        anyhow::bail!("--tools {unknown}: there are {}", names.join(", "));
    }
    let (mut tools, mut left_out) = (Vec::new(), Vec::new());
    for known in KNOWN.iter().filter(|known| asked.is_empty() || asked.iter().any(|name| name == known.name))
    {
        match tool(root, known, install)? {
            Ok(tool) => tools.push(tool),
            Err(why) => left_out.push(format!("{}: {why}", known.name)),
        }
    }
    Ok((tools, left_out))
}

fn tool(root: &Path, known: &Known, install: bool) -> Result<Result<Tool, String>> {
    let own = target_dir(root).join(known.program);
    if !known.package.is_empty() && installed(known.program).is_none() && install {
        setup::install_package(known.package)?;
    }
    let program =
        if known.package.is_empty() { own.is_file().then_some(own) } else { installed(known.program) };
    let Some(program) = program else {
        return Ok(Err(match known.package {
            "" => format!("{} was not built", known.program),
            package => {
                format!("not installed; `--install` tries apt-get install {package} (also from backports)")
            }
        }));
    };
    let program = program.to_string_lossy().into_owned();
    let version = if known.version.is_empty() { String::new() } else { first_line(&program, known.version) };
    let arguments = known.arguments.iter().map(|argument| (*argument).to_owned());
    let command = std::iter::once(program).chain(arguments).collect();
    Ok(Ok(Tool { name: known.name, version, reads: known.reads, command }))
}

impl Tool {
    /// The command as the report shows it.
    pub(super) fn shown(&self) -> String {
        let name =
            |path: &String| Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (program, arguments) =
            self.command.split_first().map_or((String::new(), &[][..]), |(p, a)| (name(p), a));
        format!("{program} {}", arguments.join(" "))
    }

    /// Whether the tool's JSON states how many packets it read: without that, fast may mean that it read nothing.
    pub(super) fn reads_all(&self, capture: &Capture) -> Result<(), String> {
        let mut command = self.command.iter().map(|argument| match argument.as_str() {
            "CAPTURE" => capture.path.as_os_str().to_owned(),
            other => other.into(),
        });
        let output =
            Command::new(command.next().unwrap_or_default()).args(command).stdin(Stdio::null()).output();
        let output = output.map_err(|error| error.to_string())?;
        let complaint =
            String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or("").to_owned();
        let Ok(document) = serde_json::from_slice(&output.stdout) else {
            return Err(format!("no JSON document came out of `{}` ({complaint})", self.shown()));
        };
        if states(&document, capture.packets) {
            return Ok(());
        }
        Err(format!("its JSON does not state the {} packets of {}", capture.packets, capture.path.display()))
    }

    /// Reads a capture once.
    pub(super) fn run(&self, capture: &Path) -> Result<Measured> {
        let scratch = std::env::temp_dir().join(format!("ward-bench-{}", std::process::id()));
        std::fs::create_dir_all(&scratch)?;
        let place = |argument: &String| match argument.as_str() {
            "CAPTURE" => capture.to_string_lossy().into_owned(),
            "SCRATCH" => scratch.to_string_lossy().into_owned(),
            other => other.to_owned(),
        };
        let measured = measure::run(&self.command.iter().map(place).collect::<Vec<_>>());
        let _ = std::fs::remove_dir_all(&scratch);
        measured
    }
}

fn states(document: &Value, number: u64) -> bool {
    match document {
        Value::Number(found) => found.as_u64() == Some(number),
        Value::Array(items) => items.iter().any(|item| states(item, number)),
        Value::Object(fields) => fields.values().any(|value| states(value, number)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_found_wherever_it_stands() {
        let document = serde_json::json!({"coverage": [{"frames": 500_000}], "name": "500001"});
        assert!(states(&document, 500_000));
        assert!(!states(&document, 500_001));
    }
}
