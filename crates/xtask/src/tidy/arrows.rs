//! Which room may use which (the arrows), and that every room is held to the workspace's lints.

use super::tree::Tree;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::process::Command;

/// A room and the rooms it may use. A dev-dependency may also be `testkit`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &["model"]),
    ("formats", &["model"]),
    ("sense", &["model", "wire"]),
    ("judge", &["model"]),
    ("trust", &["model"]),
    ("store", &["model", "judge", "trust"]),
    ("serve", &["model", "wire", "formats", "judge", "trust", "store"]),
    ("ward", &["model", "sense", "formats", "judge", "trust", "store", "serve"]),
    ("testkit", &["model", "wire", "formats", "sense", "judge", "trust", "store", "serve", "ward"]),
    ("xtask", &["model", "testkit"]),
    ("fuzz", &["model", "wire", "formats", "judge", "trust", "testkit"]),
];

/// Rooms that hold no I/O: neither in their sources (see `purity`) nor through a dependency.
pub(super) const PURE: &[&str] = &["model", "wire", "formats", "sense", "judge", "trust"];

/// Outside crates that bring sockets, files, a clock, a runtime or randomness of their own.
const IMPURE_CRATES: &[&str] = &[
    "async-nats",
    "async-std",
    "axum",
    "getrandom",
    "hyper",
    "libc",
    "mio",
    "nix",
    "postgres",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tungstenite",
    "ureq",
];

/// One dependency between packages, as `cargo metadata` tells it.
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    dev: bool,
}

pub(crate) fn arrows(tree: &Tree) -> Vec<String> {
    match metadata(tree) {
        Ok(metadata) => check(&metadata),
        Err(error) => vec![format!("{error:#}")],
    }
}

fn metadata(tree: &Tree) -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(tree.root())
        .output()
        .context("could not run cargo metadata")?;
    ensure!(told.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&told.stderr).trim());
    serde_json::from_slice(&told.stdout).context("cargo metadata did not answer in JSON")
}

fn check(metadata: &Value) -> Vec<String> {
    edges(metadata).iter().filter_map(complaint).chain(unknown_rooms(metadata)).collect()
}

fn edges(metadata: &Value) -> Vec<Edge<'_>> {
    let mut edges = Vec::new();
    for package in list(metadata, "packages") {
        for dependency in list(package, "dependencies") {
            let dev = text(dependency, "kind") == "dev";
            edges.push(Edge { from: text(package, "name"), to: text(dependency, "name"), dev });
        }
    }
    edges
}

fn complaint(edge: &Edge<'_>) -> Option<String> {
    let Edge { from, to, dev } = *edge;
    let is_room = ALLOWED.iter().any(|(room, _)| *room == to);
    if is_room {
        let allowed = ALLOWED.iter().find(|(room, _)| *room == from).map_or(&[][..], |(_, rooms)| rooms);
        let fine = allowed.contains(&to) || (dev && to == "testkit");
        return (!fine).then(|| {
            format!(
                "{from} uses {to}: the arrow does not exist. {from} may use {}; move the code, or change ALLOWED in \
                 crates/xtask/src/tidy/arrows.rs with a decision record",
                if allowed.is_empty() { "no other room".to_owned() } else { allowed.join(", ") }
            )
        });
    }
    (!dev && PURE.contains(&from) && IMPURE_CRATES.contains(&to)).then(|| {
        format!("{from} depends on {to}: {from} is pure (no I/O, clock or randomness); do that in ward and pass the result in")
    })
}

/// A package that no arrow mentions would escape the rule.
fn unknown_rooms(metadata: &Value) -> impl Iterator<Item = String> {
    list(metadata, "packages")
        .iter()
        .map(|package| text(package, "name"))
        .filter(|name| ALLOWED.iter().all(|(room, _)| room != name))
        .map(|name| format!("{name} has no arrows: add it to ALLOWED in crates/xtask/src/tidy/arrows.rs"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// `[lints] workspace = true` in every member, and `unsafe_code` refused by the workspace.
pub(crate) fn lints_inherited(tree: &Tree) -> Vec<String> {
    let members = tree.files().filter(|file| {
        file.ends_with("/Cargo.toml") && (file.starts_with("crates/") || *file == "fuzz/Cargo.toml")
    });
    let mut complaints: Vec<String> = members
        .filter(|file| {
            at(&manifest(tree, file), &["lints", "workspace"]).and_then(toml::Value::as_bool) != Some(true)
        })
        .map(|file| {
            format!("{file}: add `[lints]` with `workspace = true`; every crate is held to the same lints")
        })
        .collect();
    let workspace = manifest(tree, "Cargo.toml");
    let refused =
        at(&workspace, &["workspace", "lints", "rust", "unsafe_code"]).and_then(toml::Value::as_str);
    if !matches!(refused, Some("deny" | "forbid")) {
        complaints.push("Cargo.toml: [workspace.lints.rust] must have `unsafe_code = \"deny\"`".to_owned());
    }
    complaints
}

fn manifest(tree: &Tree, path: &str) -> toml::Value {
    toml::from_str(&tree.read(path)).unwrap_or(toml::Value::Boolean(false))
}

fn at<'a>(value: &'a toml::Value, keys: &[&str]) -> Option<&'a toml::Value> {
    keys.iter().try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use super::super::tree::planted;
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependencies: &[(&str, &str)]) -> Value {
        let kind = |kind: &str| if kind.is_empty() { Value::Null } else { json!(kind) };
        let list: Vec<_> = dependencies.iter().map(|(n, k)| json!({ "name": n, "kind": kind(k) })).collect();
        json!({ "name": name, "dependencies": list })
    }

    #[test]
    fn an_arrow_against_the_grain_is_named() {
        let planted =
            json!({ "packages": [package("wire", &[("model", ""), ("judge", "")]), package("judge", &[])] });
        let complaints = check(&planted);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("wire uses judge"), "{complaints:?}");
    }

    #[test]
    fn testkit_is_for_tests_only() {
        let planted = json!({ "packages": [package("sense", &[("testkit", "dev")]), package("ward", &[("testkit", "")])] });
        let complaints = check(&planted);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("ward uses testkit"), "{complaints:?}");
    }

    #[test]
    fn a_pure_room_brings_no_runtime_and_a_new_room_needs_arrows() {
        let complaints =
            check(&json!({ "packages": [package("judge", &[("tokio", "")]), package("attic", &[])] }));
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(
            complaints[0].starts_with("judge depends on tokio")
                && complaints[1].starts_with("attic has no arrows")
        );
    }

    #[test]
    fn a_crate_that_leaves_the_lints_is_named() {
        let tree = planted(&[
            ("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"allow\"\n"),
            ("crates/wire/Cargo.toml", "[lints]\nworkspace = true\n"),
            ("crates/sense/Cargo.toml", "[package]\nname = \"sense\"\n"),
        ]);
        let complaints = lints_inherited(&tree);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(
            complaints[0].starts_with("crates/sense/Cargo.toml") && complaints[1].contains("unsafe_code")
        );
    }
}
