//! `cargo xtask new-protocol <name>`: the template, copied into every room under the new name.

use crate::tidy::root;
use anyhow::{Context as _, Result, bail, ensure};
use std::path::Path;

const SKELETON: &str = "\
# NAME

What it is in a hospital, and who speaks it.

| Ward reads | becomes |
|---|---|
| | |

**Not read, on purpose:**

**Recognised by:** the content of the first bytes (`wire::NAME::probe`); known false positives: none found.

**Limits:**

**Sources:**
";

pub(crate) fn new_protocol(name: &str) -> Result<bool> {
    let root = root()?;
    create(&root, name)?;
    println!("made {name}; still due (docs/guides/add-a-protocol.md has each step):");
    for due in [
        "crates/model/src/protocol.rs: its name in the list".to_owned(),
        format!("crates/wire/src/{name}/: the messages, their limits, the standard's clauses"),
        format!("crates/sense/src/observe/{name}.rs: facts, events and verbs"),
        "the place in crates/sense that picks the observer for a conversation".to_owned(),
        format!("fuzz/seeds/{name}/: 3 to 10 small real messages"),
        format!("scenarios/{name}-<what>/: README.md, input.pcap, then `cargo xtask bless`"),
        format!("docs/protocols/{name}.md: fill the page"),
        "CHANGELOG.md: a line for the person upgrading".to_owned(),
    ] {
        println!("  {due}");
    }
    println!("`cargo xtask tidy` says what is missing");
    Ok(true)
}

fn create(root: &Path, name: &str) -> Result<()> {
    let simple = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    ensure!(simple, "`{name}`: lower-case letters and digits, as the field writes it (`dhcpv4`)");
    let folder = root.join("crates/wire/src").join(name);
    ensure!(!folder.exists(), "crates/wire/src/{name} exists already");
    for file in ["mod.rs", "parse.rs", "tests.rs"] {
        copy(
            root,
            &format!("crates/wire/src/template/{file}"),
            &format!("crates/wire/src/{name}/{file}"),
            name,
        )?;
    }
    copy(root, "crates/sense/src/observe/template.rs", &format!("crates/sense/src/observe/{name}.rs"), name)?;
    copy(root, "fuzz/src/template.rs", &format!("fuzz/src/{name}.rs"), name)?;
    write(root, &format!("docs/protocols/{name}.md"), &SKELETON.replace("NAME", name))?;
    for list in ["crates/wire/src/lib.rs", "crates/sense/src/observe/mod.rs", "fuzz/src/lib.rs"] {
        add_line(root, list, &format!("pub mod {name};"), "pub mod ")?;
    }
    add_line(root, "fuzz/src/lib.rs", &format!("    (\"{name}\", {name}::run),"), "    (\"")
}

fn copy(root: &Path, from: &str, to: &str, name: &str) -> Result<()> {
    let text = std::fs::read_to_string(root.join(from)).with_context(|| format!("could not read {from}"))?;
    let mut capital = name.to_owned();
    if let Some(first) = capital.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    write(root, to, &text.replace("template", name).replace("Template", &capital).replace("TEMPLATE: ", ""))
}

fn write(root: &Path, to: &str, text: &str) -> Result<()> {
    let path = root.join(to);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder of {to}"))?;
    }
    std::fs::write(&path, text).with_context(|| format!("could not write {to}"))?;
    println!("{to}");
    Ok(())
}

/// Adds `line` to the run of lines that begin with `kind`, in alphabetical order.
fn add_line(root: &Path, file: &str, line: &str, kind: &str) -> Result<()> {
    let text = std::fs::read_to_string(root.join(file)).with_context(|| format!("could not read {file}"))?;
    let mut lines: Vec<&str> = text.lines().collect();
    let after = lines.iter().position(|have| have.starts_with(kind) && *have > line);
    let last = lines.iter().rposition(|have| have.starts_with(kind)).map(|at| at + 1);
    let Some(at) = after.or(last) else {
        bail!("{file}: no line begins with `{kind}`; add `{line}` by hand")
    };
    lines.insert(at, line);
    write(root, file, &(lines.join("\n") + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_every_file_and_registers_it_in_order() {
        let root = std::env::temp_dir().join(format!("ward-new-protocol-{}", std::process::id()));
        let given = [
            ("crates/wire/src/template/mod.rs", "//! TEMPLATE: x"),
            ("crates/wire/src/template/parse.rs", ""),
            ("crates/wire/src/template/tests.rs", ""),
            ("crates/sense/src/observe/template.rs", "pub struct Template; use wire::template::parse;"),
            ("fuzz/src/template.rs", ""),
            ("crates/wire/src/lib.rs", "mod error;\npub mod arp;\npub mod tls;\n\npub use error::Error;\n"),
            ("crates/sense/src/observe/mod.rs", "pub mod arp;\n"),
            ("fuzz/src/lib.rs", "pub mod tls;\npub const T: &[X] = &[\n    (\"tls\", tls::run),\n];\n"),
        ];
        for (path, text) in given {
            write(&root, path, text).unwrap();
        }
        create(&root, "bacnet").unwrap();
        let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(
            read("crates/wire/src/lib.rs"),
            "mod error;\npub mod arp;\npub mod bacnet;\npub mod tls;\n\npub use error::Error;\n"
        );
        assert_eq!(read("crates/sense/src/observe/mod.rs"), "pub mod arp;\npub mod bacnet;\n");
        assert!(read("fuzz/src/lib.rs").contains("[\n    (\"bacnet\", bacnet::run),\n    (\"tls\""));
        assert_eq!(read("crates/sense/src/observe/bacnet.rs"), "pub struct Bacnet; use wire::bacnet::parse;");
        assert!(read("docs/protocols/bacnet.md").starts_with("# bacnet"));
        assert!(create(&root, "bacnet").is_err() && create(&root, "Bac-Net").is_err());
        std::fs::remove_dir_all(&root).unwrap();
    }
}
