//! What was asked for on the command line.

use std::collections::BTreeMap;

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Seconds per target.
    pub(crate) seconds: u64,
    /// One target only.
    pub(crate) target: Option<String>,
    /// Another seed, other mutations.
    pub(crate) seed: u64,
    /// Targets at the same time.
    pub(crate) jobs: usize,
    /// Run these bytes only, to look at a finding.
    pub(crate) file: Option<String>,
    /// Write what mutation starts from into this folder, a folder per target.
    pub(crate) export: Option<String>,
    /// This process is the worker of that target.
    pub(crate) worker: Option<String>,
    /// The first input to run; each input follows from seed and number alone.
    pub(crate) from: u64,
    /// Write every input here before running it.
    pub(crate) trace: Option<String>,
}

impl Request {
    pub(crate) fn read(arguments: &[String]) -> Result<Self, String> {
        let mut named = BTreeMap::new();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let name = argument.strip_prefix("--").ok_or_else(|| format!("`{argument}`: what is it?"))?;
            if !["seconds", "target", "seed", "jobs", "file", "export", "worker", "from", "trace"]
                .contains(&name)
            {
                return Err(format!("--{name} is unknown"));
            }
            let value = rest.next().ok_or_else(|| format!("--{name} needs a value"))?;
            named.insert(name, value.clone());
        }
        let number = |name: &str, default: u64| match named.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| format!("--{name} {text}: not a whole number")),
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let known = |name: &String| fuzz::TARGETS.iter().any(|(target, _)| target == name);
        if let Some(name) =
            [named.get("target"), named.get("worker")].into_iter().flatten().find(|name| !known(name))
        {
            let targets: Vec<_> = fuzz::TARGETS.iter().map(|(target, _)| *target).collect();
            return Err(format!("{name} is no target; there are {}", targets.join(", ")));
        }
        Ok(Self {
            seconds: number("seconds", 2)?,
            seed: number("seed", 1)?,
            jobs: usize::try_from(number("jobs", cores as u64)?).unwrap_or(1).max(1),
            from: number("from", 0)?,
            target: named.get("target").cloned(),
            file: named.get("file").cloned(),
            export: named.get("export").cloned(),
            worker: named.get("worker").cloned(),
            trace: named.get("trace").cloned(),
        })
    }
}
