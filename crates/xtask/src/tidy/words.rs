//! Names and words that must not appear, each with its way out.

use super::source::{code_only, is_product, line_of, without_tests, word_places};
use super::tree::Tree;

/// File and folder names that say nothing.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "types", "misc", "manager", "service"];

/// Text that must not be in any tracked file. Split so that this file does not hold it.
const BANNED_TEXT: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine: say it relative to the project, or by a setting"),
    (concat!("/tmp/", "wt"), "a path of one machine: say it relative to the project, or by a setting"),
    (concat!("static.", "crates.io"), "the host of a package registry: name the package, not the host"),
    (concat!("registry.", "npmjs.org"), "the host of a package registry: name the package, not the host"),
    (concat!("pypi", ".org"), "the host of a package registry: name the package, not the host"),
    (concat!("deb.", "debian.org"), "the host of a package registry: name the package, not the host"),
];

/// Calls that must not be in the product, and what to write instead.
const BANNED_CALLS: &[(&str, &str)] = &[
    ("todo!", "return an error that says so, or leave it out"),
    ("unimplemented!", "return an error that says so, or leave it out"),
    ("dbg!", "remove it"),
    ("println!", "write to the `out: &mut impl Write` that the verb is given (crates/ward/src/cli)"),
    ("print!", "write to the `out: &mut impl Write` that the verb is given (crates/ward/src/cli)"),
    ("eprintln!", "return the error; crates/ward/src/cli prints it"),
    ("eprint!", "return the error; crates/ward/src/cli prints it"),
];

/// Where printing is the job.
const PRINTERS: &[&str] = &[
    "crates/ward/src/cli",
    "crates/ward/src/main.rs",
    "crates/xtask/",
    "crates/testkit/src/bin/",
    "fuzz/src/",
];

pub(crate) fn names(tree: &Tree) -> Vec<String> {
    let rooms = tree.files().filter(|file| file.starts_with("crates/") || file.starts_with("fuzz/"));
    rooms
        .filter_map(|file| {
            let part =
                file.split('/').find(|part| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or("")))?;
            Some(format!(
                "{file}: `{part}` says nothing: name it after what a hospital or protocol engineer calls it"
            ))
        })
        .collect()
}

pub(crate) fn text(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in tree.files().filter(|file| is_text(file)) {
        let text = tree.read(file);
        for (banned, why) in BANNED_TEXT {
            if let Some(at) = text.find(banned) {
                complaints.push(format!("{file}:{}: `{banned}` is {why}", line_of(&text, at)));
            }
        }
    }
    complaints
}

fn is_text(file: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        "rs", "toml", "md", "txt", "json", "yml", "yaml", "sh", "html", "css", "js", "csv", "tsv", "run",
        "lock",
    ];
    EXTENSIONS.iter().any(|extension| file.rsplit(['.', '/']).next() == Some(extension))
}

pub(crate) fn calls(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in tree.rust().filter(|file| file.contains("/src/") && is_product(file)) {
        let code = without_tests(&code_only(&tree.read(file)));
        let may_print = PRINTERS.iter().any(|printer| file.starts_with(printer));
        for (call, instead) in BANNED_CALLS.iter().filter(|(call, _)| !(may_print && call.contains("print")))
        {
            complaints.extend(
                word_places(&code, call)
                    .map(|at| format!("{file}:{}: `{call}`: {instead}", line_of(&code, at))),
            );
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::tree::planted;
    use super::*;

    #[test]
    fn an_empty_name_is_named() {
        let tree = planted(&[
            ("crates/wire/src/utils.rs", ""),
            ("crates/wire/src/common/mod.rs", ""),
            ("docs/common.md", ""),
        ]);
        assert_eq!(names(&tree).len(), 2, "{:?}", names(&tree));
    }

    #[test]
    fn a_machine_path_and_a_registry_host_are_named() {
        let path = format!("see {}shared", BANNED_TEXT[0].0);
        let host = format!("first\nget it from {}", BANNED_TEXT[3].0);
        let tree = planted(&[("docs/a.md", &path), (".ci/run", &host), ("docs/c.md", "see ../shared")]);
        let complaints = text(&tree);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(
            complaints[0].starts_with(".ci/run:2") && complaints[1].starts_with("docs/a.md:1"),
            "{complaints:?}"
        );
    }

    #[test]
    fn printing_is_for_those_who_print() {
        let prints = "fn f() { println!(\"x\"); }\n#[cfg(test)]\nmod tests { fn g() { println!(\"y\"); } }";
        let tree = planted(&[
            ("crates/sense/src/lib.rs", prints),
            ("crates/ward/src/cli/scan.rs", prints),
            ("crates/ward/src/capture/tests.rs", prints),
            ("crates/xtask/src/main.rs", "fn f() { println!(\"x\"); todo!() }"),
        ]);
        let complaints = calls(&tree);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("crates/sense/src/lib.rs:1: `println!`"), "{complaints:?}");
        assert!(complaints[1].starts_with("crates/xtask/src/main.rs:1: `todo!`"), "{complaints:?}");
    }
}
