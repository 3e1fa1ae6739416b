//! A protocol is whole or it is named here: parser, observer, tests, fuzz target, seeds, scenario, page.

use super::tree::Tree;

/// Compiled to be copied from; it is on no wire, so nothing is recorded or written about it.
const TEMPLATE: &str = "template";
/// What a scenario holds beside its input.
const SCENARIO_FILES: &[&str] = &["README.md", "expect.txt"];

pub(crate) fn protocols(tree: &Tree) -> Vec<String> {
    let targets = tree.read("fuzz/src/lib.rs");
    tree.folders("crates/wire/src/").iter().flat_map(|protocol| missing(tree, protocol, &targets)).collect()
}

fn missing(tree: &Tree, protocol: &str, targets: &str) -> Vec<String> {
    let mut due = vec![
        (format!("crates/wire/src/{protocol}/mod.rs"), "what it is, its limits, its message types"),
        (format!("crates/wire/src/{protocol}/parse.rs"), "bytes → message, and `probe`"),
        (format!("crates/wire/src/{protocol}/tests.rs"), "what it must read, refuse, and every prefix"),
        (format!("crates/sense/src/observe/{protocol}.rs"), "what its messages tell"),
        (format!("fuzz/src/{protocol}.rs"), "its fuzz target"),
    ];
    let is_real = protocol != TEMPLATE;
    if is_real {
        due.push((format!("docs/protocols/{protocol}.md"), "what Ward reads, what it leaves, its limits"));
    }
    let mut complaints: Vec<String> = due
        .iter()
        .filter(|(file, _)| !tree.has(file))
        .map(|(file, what)| {
            format!("{protocol}: {file} is missing ({what}); docs/guides/add-a-protocol.md has the steps")
        })
        .collect();
    if !targets.contains(&format!("(\"{protocol}\", {protocol}::run)")) {
        complaints
            .push(format!("{protocol}: add (\"{protocol}\", {protocol}::run) to TARGETS in fuzz/src/lib.rs"));
    }
    if is_real && tree.under(&format!("fuzz/seeds/{protocol}/")).next().is_none() {
        complaints
            .push(format!("{protocol}: no seeds: put 3 to 10 small messages in fuzz/seeds/{protocol}/"));
    }
    if is_real && !tree.folders("scenarios/").iter().any(|name| name.starts_with(&format!("{protocol}-"))) {
        complaints.push(format!("{protocol}: no scenario: record one as scenarios/{protocol}-<what>/"));
    }
    complaints
}

pub(crate) fn scenarios(tree: &Tree) -> Vec<String> {
    tree.folders("scenarios/").iter().flat_map(|name| incomplete(tree, name)).collect()
}

fn incomplete(tree: &Tree, name: &str) -> Vec<String> {
    let folder = format!("scenarios/{name}/");
    let mut complaints: Vec<String> = SCENARIO_FILES
        .iter()
        .filter(|file| !tree.has(&format!("{folder}{file}")))
        .map(|file| match *file {
            "expect.txt" => {
                format!("{folder}expect.txt is missing: `cargo xtask bless` writes it, then read it")
            }
            _ => format!(
                "{folder}{file} is missing: say what happens, where the input is from and its licence"
            ),
        })
        .collect();
    if !tree
        .under(&folder)
        .any(|file| file.strip_prefix(&folder).is_some_and(|file| file.starts_with("input.")))
    {
        complaints
            .push(format!("{folder}input.* is missing: a capture (input.pcap) or records (input.jsonl)"));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::tree::planted;
    use super::*;

    const WHOLE: &[(&str, &str)] = &[
        ("crates/wire/src/ntp/mod.rs", ""),
        ("crates/wire/src/ntp/parse.rs", ""),
        ("crates/wire/src/ntp/tests.rs", ""),
        ("crates/sense/src/observe/ntp.rs", ""),
        ("fuzz/src/ntp.rs", ""),
        ("fuzz/src/lib.rs", "(\"ntp\", ntp::run),"),
        ("fuzz/seeds/ntp/request", ""),
        ("docs/protocols/ntp.md", ""),
        ("scenarios/ntp-clock/README.md", ""),
        ("scenarios/ntp-clock/expect.txt", ""),
        ("scenarios/ntp-clock/input.pcap", ""),
    ];

    #[test]
    fn a_whole_protocol_passes_and_each_missing_part_is_named() {
        assert_eq!(protocols(&planted(WHOLE)), Vec::<String>::new());
        for gone in WHOLE.iter().map(|(path, _)| *path).filter(|path| !path.starts_with("scenarios/")) {
            let rest: Vec<_> = WHOLE.iter().copied().filter(|(path, _)| *path != gone).collect();
            let complaints = protocols(&planted(&rest));
            assert_eq!(complaints.len(), 1, "without {gone}: {complaints:?}");
        }
        let no_scenario: Vec<_> =
            WHOLE.iter().copied().filter(|(path, _)| !path.starts_with("scenarios/")).collect();
        assert_eq!(protocols(&planted(&no_scenario)).len(), 1);
    }

    #[test]
    fn a_half_scenario_is_named() {
        assert_eq!(scenarios(&planted(WHOLE)), Vec::<String>::new());
        let tree = planted(&[("scenarios/ntp-clock/expect.txt", ""), ("scenarios/README.md", "")]);
        let complaints = scenarios(&tree);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(
            complaints[0].contains("README.md is missing") && complaints[1].contains("input.* is missing")
        );
    }
}
