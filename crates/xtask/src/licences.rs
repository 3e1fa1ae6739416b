//! The crates that the product links, and under which terms.

use crate::run::{cargo, first_line};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A crate that ends up in the binary.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SPDX expression; empty when the crate names none.
    pub(crate) licence: String,
    /// The folder of its source.
    folder: PathBuf,
}

#[cfg(test)]
impl Linked {
    pub(crate) fn planted(name: &str, licence: &str) -> Self {
        Self { name: name.into(), version: "1.0.0".into(), licence: licence.into(), folder: PathBuf::new() }
    }
}

/// Every outside crate that `ward` links, by name.
pub(crate) fn linked(root: &Path) -> Result<Vec<Linked>> {
    // Of this platform only: the others' crates need not be on the machine.
    let host = first_line("rustc", &["--print", "host-tuple"]);
    let told = cargo(root, &["metadata", "--format-version", "1", "--locked", "--filter-platform", &host])
        .output()
        .context("could not run cargo metadata")?;
    ensure!(told.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&told.stderr).trim());
    Ok(reachable(&serde_json::from_slice(&told.stdout)?))
}

fn reachable(metadata: &Value) -> Vec<Linked> {
    let packages: BTreeMap<&str, &Value> = list(metadata, "packages").map(|p| (text(p, "id"), p)).collect();
    let nodes: BTreeMap<&str, &Value> = metadata
        .get("resolve")
        .map(|r| list(r, "nodes").map(|n| (text(n, "id"), n)).collect())
        .unwrap_or_default();
    let ward = packages
        .iter()
        .find(|(_, p)| text(p, "name") == "ward" && p.get("source").is_none_or(Value::is_null));
    let mut due: Vec<&str> = ward.map(|(id, _)| *id).into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = due.pop() {
        if seen.insert(id)
            && let Some(node) = nodes.get(id)
        {
            due.extend(list(node, "deps").filter(|dep| is_linked(dep)).map(|dep| text(dep, "pkg")));
        }
    }
    let outside = seen
        .into_iter()
        .filter_map(|id| packages.get(id))
        .filter(|p| p.get("source").is_some_and(Value::is_string));
    let mut linked: Vec<Linked> = outside.map(|package| crate_of(package)).collect();
    linked.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    linked
}

/// A normal dependency: neither for tests nor for build scripts only.
fn is_linked(dep: &Value) -> bool {
    list(dep, "dep_kinds").any(|kind| kind.get("kind").is_none_or(Value::is_null))
}

fn crate_of(package: &Value) -> Linked {
    Linked {
        name: text(package, "name").to_owned(),
        version: text(package, "version").to_owned(),
        licence: text(package, "license").to_owned(),
        folder: Path::new(text(package, "manifest_path")).parent().map(Path::to_path_buf).unwrap_or_default(),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The page that goes with the package: each crate, its terms, and the text of every licence and notice, once.
pub(crate) fn page(linked: &[Linked]) -> String {
    let mut page =
        "# Crates linked into this binary\n\n| crate | version | licence |\n|---|---|---|\n".to_owned();
    let mut texts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for Linked { name, version, licence, folder } in linked {
        page.push_str(&format!("| {name} | {version} | {licence} |\n"));
        for text in terms_in(folder) {
            texts.entry(text).or_default().push(name);
        }
    }
    for (text, names) in texts {
        page.push_str(&format!("\n## {}\n\n```text\n{}\n```\n", names.join(", "), text.trim()));
    }
    page
}

fn terms_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.is_file() && is_terms(path)).collect();
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

fn is_terms(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"].iter().any(|start| name.starts_with(start))
}

/// Whether an SPDX expression can be met with the `allowed` licences alone.
pub(crate) fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = either(&mut rest, allowed);
    met && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = both(rest, allowed);
    while let [word, after @ ..] = *rest
        && *word == "OR"
    {
        *rest = after;
        met |= both(rest, allowed);
    }
    met
}

fn both(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = one(rest, allowed);
    while let [word, after @ ..] = *rest
        && *word == "AND"
    {
        *rest = after;
        met &= one(rest, allowed);
    }
    met
}

fn one(rest: &mut &[&str], allowed: &[String]) -> bool {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let met = either(rest, allowed);
            if let [")", after @ ..] = *rest {
                *rest = after;
            }
            met
        }
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            allowed.contains(&format!("{licence} WITH {exception}"))
        }
        [licence, after @ ..] => {
            *rest = after;
            allowed.iter().any(|one| one == licence)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_licence_expressions() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned);
        for fine in [
            "MIT",
            "MIT/GPL-3.0",
            "GPL-2.0 OR MIT",
            "(MIT OR GPL-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert!(is_allowed(fine, &allowed), "{fine}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "(GPL-2.0 OR LGPL-2.1) AND MIT",
        ] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn follows_what_is_linked_only() {
        let metadata = serde_json::json!({
            "packages": [
                {"id": "w", "name": "ward", "source": null, "manifest_path": "/x/Cargo.toml"},
                {"id": "a", "name": "a", "version": "1", "license": "MIT", "source": "r", "manifest_path": "/a/Cargo.toml"},
                {"id": "b", "name": "b", "version": "1", "license": "MIT", "source": "r", "manifest_path": "/b/Cargo.toml"},
                {"id": "d", "name": "d", "version": "1", "license": "GPL-3.0", "source": "r", "manifest_path": "/d/Cargo.toml"}],
            "resolve": {"nodes": [
                {"id": "w", "deps": [{"pkg": "a", "dep_kinds": [{"kind": null}]}, {"pkg": "d", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": "build"}, {"kind": null}]}]}]}
        });
        let names: Vec<_> = reachable(&metadata).into_iter().map(|linked| linked.name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
