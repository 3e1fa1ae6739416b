//! Pages: their links lead somewhere, and the changelog is one that a person upgrading can read.

use super::source::line_of;
use super::tree::Tree;

const CHANGELOG: &str = "CHANGELOG.md";
/// Headings under a release.
const KINDS: &[&str] = &["Added", "Changed", "Fixed", "Removed", "Security", "Deprecated"];

pub(crate) fn links(tree: &Tree) -> Vec<String> {
    let pages = tree.files().filter(|file| file.ends_with(".md") && !file.starts_with("third_party/"));
    pages.flat_map(|page| broken(tree, page)).collect()
}

fn broken(tree: &Tree, page: &str) -> Vec<String> {
    let text = tree.read(page);
    let prose = without_code(&text);
    targets(&prose)
        .filter(|(_, target)| !leads_outside(target))
        .filter_map(|(at, target)| {
            let path = resolve(page, target)?;
            let there = tree.has(&path) || tree.root().join(&path).is_dir();
            (!there).then(|| format!("{page}:{}: the link to {target} leads nowhere", line_of(&prose, at)))
        })
        .collect()
}

/// Blanks fenced blocks and `code`, where brackets are not links.
fn without_code(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::with_capacity(text.len());
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        let code = fenced || fence;
        fenced ^= fence;
        for (part, span) in line.split('`').enumerate() {
            if !code && part % 2 == 0 {
                prose.push_str(span);
            }
        }
        prose.push('\n');
    }
    prose
}

/// Targets of `[text](target)` and `src="target"`, with their offsets.
fn targets(prose: &str) -> impl Iterator<Item = (usize, &str)> {
    let inline = prose.match_indices("](").filter_map(|(at, open)| {
        let target = prose.get(at + open.len()..)?.split([')', ' ', '\n']).next()?;
        Some((at, target))
    });
    let sources = prose.match_indices("src=\"").filter_map(|(at, open)| {
        let target = prose.get(at + open.len()..)?.split('"').next()?;
        Some((at, target))
    });
    inline.chain(sources)
}

fn leads_outside(target: &str) -> bool {
    target.starts_with('#') || target.contains("://") || target.starts_with("mailto:")
}

/// The tree path that `target` means on `page`; `None` when it leaves the tree.
fn resolve(page: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or(target);
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

pub(crate) fn changelog(tree: &Tree) -> Vec<String> {
    let text = tree.read(CHANGELOG);
    let mut complaints = Vec::new();
    if text.lines().next() != Some("# Changelog") {
        complaints.push(format!("{CHANGELOG}: begin with `# Changelog`"));
    }
    let mut newer: Option<Vec<u32>> = None;
    let mut releases = 0;
    for (number, line) in text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("## ") {
            releases += 1;
            match release(heading) {
                Some(version) if newer.as_ref().is_some_and(|newer| *newer <= version) => {
                    complaints.push(format!(
                        "{CHANGELOG}:{}: newest first: {heading} is below an older release",
                        number + 1
                    ));
                }
                Some(version) => newer = Some(version),
                None if heading == "Unreleased" && releases == 1 => {}
                None => complaints.push(format!(
                    "{CHANGELOG}:{}: `{heading}`: write `Unreleased` (first) or `1.2.3 (2026-12-31)`",
                    number + 1
                )),
            }
        } else if let Some(kind) = line.strip_prefix("### ").filter(|kind| !KINDS.contains(kind)) {
            complaints.push(format!("{CHANGELOG}:{}: `{kind}` is none of {}", number + 1, KINDS.join(", ")));
        }
    }
    if releases == 0 {
        complaints.push(format!(
            "{CHANGELOG}: no release: add `## Unreleased` and say what changes for a person upgrading"
        ));
    }
    complaints
}

/// `1.2.3 (2026-12-31)` → the version.
fn release(heading: &str) -> Option<Vec<u32>> {
    let (version, date) = heading.split_once(" (")?;
    let date: Vec<&str> = date.strip_suffix(')')?.split('-').collect();
    let digits = |part: &&str, n| part.len() == n && part.bytes().all(|byte| byte.is_ascii_digit());
    let dated = matches!(date.as_slice(), [y, m, d] if digits(y, 4) && digits(m, 2) && digits(d, 2));
    let version: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    version.filter(|version| dated && version.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::super::tree::planted;
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        let page = "[a](../README.md) [b](gone.md#x)\n`[c](code.md)`\n```\n[d](fenced.md)\n```\n[e](https://x.org) [f](guides/)\n\
                    [g](../../outside.md)\n[h](images/gone.png)";
        let tree = planted(&[
            ("README.md", "[docs](docs)"),
            ("docs/a.md", page),
            ("docs/guides/b.md", "[a](../a.md)"),
        ]);
        let complaints = links(&tree);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("docs/a.md:1: the link to gone.md"), "{complaints:?}");
        assert!(complaints[1].starts_with("docs/a.md:8: the link to images/gone.png"), "{complaints:?}");
    }

    #[test]
    fn the_changelog_has_a_form() {
        let good = "# Changelog\n\n## Unreleased\n\n### Added\n\n- x\n\n## 0.2.0 (2026-12-01)\n\n## 0.1.0 (2026-11-01)\n";
        assert_eq!(changelog(&planted(&[(CHANGELOG, good)])), Vec::<String>::new());
        let bad = "# Changes\n\n## 0.1.0 (2026-11-01)\n### New\n## 0.2.0 (2026-12-01)\n## v3\n";
        assert_eq!(changelog(&planted(&[(CHANGELOG, bad)])).len(), 4);
        assert_eq!(changelog(&planted(&[])).len(), 2);
    }
}
