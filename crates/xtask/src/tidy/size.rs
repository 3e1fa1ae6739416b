//! Ratchets: files, functions and the repository itself stay small. The list of exceptions may only shrink.

use super::source::{Function, code_only, functions};
use super::tree::Tree;
use std::collections::BTreeMap;

/// Longest source file, in lines.
const FILE_LINES_MAX: usize = 600;
/// Longest function, in lines.
const FUNCTION_LINES_MAX: usize = 70;
/// Largest tracked file, in bytes; sample captures are exempt.
const FILE_BYTES_MAX: usize = 2 * 1024 * 1024;
const SAMPLES: &str = "data/samples/";

/// What is larger and how large it may be: `[files] "path" = lines`, `[functions] "path::name" = lines`.
pub(super) const RATCHET: &str = "crates/xtask/ratchet.toml";

pub(crate) fn file_lines(tree: &Tree) -> Vec<String> {
    let sizes = tree.rust().map(|file| (file.to_owned(), tree.read(file).lines().count()));
    ratchet(tree, "files", FILE_LINES_MAX, sizes, "split it by what it does")
}

pub(crate) fn function_lines(tree: &Tree) -> Vec<String> {
    let sizes = tree.rust().flat_map(|file| {
        let found = functions(&code_only(&tree.read(file)));
        found.into_iter().map(move |Function { name, lines, .. }| (format!("{file}::{name}"), lines))
    });
    ratchet(tree, "functions", FUNCTION_LINES_MAX, sizes, "name its parts and make them functions")
}

fn ratchet(
    tree: &Tree,
    table: &str,
    max: usize,
    sizes: impl Iterator<Item = (String, usize)>,
    way_out: &str,
) -> Vec<String> {
    let mut largest: BTreeMap<String, usize> = BTreeMap::new();
    for (what, lines) in sizes {
        let seen = largest.entry(what).or_default();
        *seen = lines.max(*seen);
    }
    let excepted = exceptions(tree, table);
    let over = largest.iter().filter(|(_, lines)| **lines > max).filter_map(|(what, lines)| {
        let allowed = excepted.get(what).copied().unwrap_or(max);
        (*lines > allowed).then(|| format!("{what}: {lines} lines, {allowed} allowed: {way_out}"))
    });
    let stale = excepted.iter().filter_map(|(what, allowed)| match largest.get(what) {
        Some(lines) if *lines > max && lines < allowed => {
            Some(format!("{RATCHET}: \"{what}\" shrank to {lines} lines: lower its entry from {allowed}"))
        }
        Some(lines) if *lines > max => None,
        _ => Some(format!("{RATCHET}: \"{what}\" is no longer over {max} lines: remove its entry")),
    });
    over.chain(stale).collect()
}

fn exceptions(tree: &Tree, table: &str) -> BTreeMap<String, usize> {
    let listed: toml::Table = toml::from_str(&tree.read(RATCHET)).unwrap_or_default();
    let entries = listed.get(table).and_then(toml::Value::as_table).cloned().unwrap_or_default();
    entries
        .into_iter()
        .map(|(what, lines)| {
            (what, lines.as_integer().and_then(|lines| usize::try_from(lines).ok()).unwrap_or(0))
        })
        .collect()
}

pub(crate) fn file_bytes(tree: &Tree) -> Vec<String> {
    tree.files()
        .filter(|file| !file.starts_with(SAMPLES))
        .filter_map(|file| {
            let bytes = usize::try_from(std::fs::metadata(tree.root().join(file)).ok()?.len()).ok()?;
            (bytes > FILE_BYTES_MAX).then(|| {
                format!("{file}: {bytes} bytes, {FILE_BYTES_MAX} allowed: cut it down, or put a capture under {SAMPLES}")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::planted;
    use super::*;

    fn lines(n: usize) -> String {
        "// x\n".repeat(n)
    }

    #[test]
    fn a_long_file_is_named_and_its_exception_may_only_shrink() {
        let ratchet = "[files]\n\"b.rs\" = 700\n\"c.rs\" = 700\n\"d.rs\" = 700\n";
        let (fits, long) = (lines(FILE_LINES_MAX), lines(FILE_LINES_MAX + 1));
        let tree = planted(&[
            (RATCHET, ratchet),
            ("a.rs", &long),
            ("b.rs", &lines(700)),
            ("c.rs", &lines(650)),
            ("d.rs", &fits),
            ("e.rs", &fits),
        ]);
        let complaints = file_lines(&tree);
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[0].starts_with("a.rs: 601 lines"), "{complaints:?}");
        assert!(complaints[1].contains("\"c.rs\" shrank to 650"), "{complaints:?}");
        assert!(complaints[2].contains("\"d.rs\" is no longer"), "{complaints:?}");
    }

    #[test]
    fn a_long_function_is_named() {
        let long = format!("fn short() {{}}\nfn long() {{\n{}}}\n", lines(FUNCTION_LINES_MAX));
        let tree = planted(&[("a.rs", &long)]);
        let complaints = function_lines(&tree);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("a.rs::long: 72 lines"), "{complaints:?}");
    }

    #[test]
    fn a_heavy_file_is_named_unless_it_is_a_sample() {
        let heavy = "x".repeat(FILE_BYTES_MAX + 1);
        let tree = planted(&[("docs/big.html", &heavy), ("data/samples/big.pcap", &heavy), ("light", "x")]);
        let complaints = file_bytes(&tree);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("docs/big.html"), "{complaints:?}");
    }
}
