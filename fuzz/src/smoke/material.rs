//! What mutation starts from: a target's seeds, and the payloads of its scenarios' captures.

use std::path::{Path, PathBuf};
use testkit::capture_file::records;
use testkit::payload::payload;

/// Most payloads taken from captures.
const PAYLOADS_MAX: usize = 500;
/// Longest input, in bytes; longer ones are cut.
pub(super) const INPUT_BYTES_MAX: usize = 16 * 1024;

/// Inputs for `target`, sorted by name so that a run can be repeated. Never empty: the empty input is among them.
pub(super) fn inputs(home: &Path, target: &str) -> Vec<Vec<u8>> {
    let mut inputs = vec![Vec::new()];
    inputs.extend(files(&home.join("seeds").join(target)).iter().filter_map(|file| std::fs::read(file).ok()));
    inputs.extend(payloads(&home.join("../scenarios"), target).into_iter().take(PAYLOADS_MAX));
    inputs.iter_mut().for_each(|input| input.truncate(INPUT_BYTES_MAX));
    inputs
}

/// Writes every target's material to `folder/<target>/`, as libFuzzer wants it.
pub(crate) fn export(folder: &str) -> Result<bool, String> {
    for (target, _) in fuzz::TARGETS {
        let folder = Path::new(folder).join(target);
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(told)?;
        for (number, input) in inputs(&super::home(), target).iter().enumerate() {
            std::fs::write(folder.join(format!("material-{number:04}")), input).map_err(told)?;
        }
    }
    Ok(true)
}

fn payloads(scenarios: &Path, target: &str) -> Vec<Vec<u8>> {
    let ours = entries(scenarios).into_iter().filter(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{target}-"))
    });
    let captures = ours
        .flat_map(|folder| files(&folder))
        .filter(|file| file.file_stem().is_some_and(|stem| stem == "input"));
    let mut found = Vec::new();
    for capture in captures {
        let frames = std::fs::read(capture).ok().and_then(|bytes| records(&bytes)).unwrap_or_default();
        let mut stream = Vec::new();
        for payload in frames.iter().filter_map(payload) {
            stream.extend_from_slice(payload);
            found.push(payload.to_vec());
        }
        // Messages of a stream seldom end where segments do.
        found.push(stream);
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_file()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
