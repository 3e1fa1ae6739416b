//! House rules as tests: each rule is a function from the tree to complaints, and every complaint says the way out.
//!
//! `cargo xtask tidy` prints them; `cargo nextest run -p xtask` runs them too, and runs each rule on a planted violation,
//! so that a rule that cannot fail is noticed.

mod arrows;
mod docs;
mod protocols;
mod purity;
mod size;
mod source;
mod third_party;
mod tree;
mod words;

pub(crate) use third_party::sha256_hex;
pub(crate) use tree::Tree;

use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// A house rule.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&Tree) -> Vec<String>,
}

macro_rules! rules {
    ($($name:ident: $check:path,)*) => {
        /// Every rule, in the order in which it is reported.
        pub(crate) const RULES: &[Rule] = &[$(Rule { name: stringify!($name), check: $check }),*];

        #[cfg(test)]
        mod the_house_keeps {
            $(#[test] fn $name() {
                let tree = super::Tree::of(&super::root().unwrap()).unwrap();
                let complaints = $check(&tree);
                assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
            })*
        }
    };
}

rules! {
    arrows: crate::tidy::arrows::arrows,
    lints_inherited: crate::tidy::arrows::lints_inherited,
    pure_rooms: crate::tidy::purity::pure_rooms,
    unsafe_code: crate::tidy::purity::unsafe_code,
    names: crate::tidy::words::names,
    text: crate::tidy::words::text,
    calls: crate::tidy::words::calls,
    file_lines: crate::tidy::size::file_lines,
    function_lines: crate::tidy::size::function_lines,
    file_bytes: crate::tidy::size::file_bytes,
    third_party: crate::tidy::third_party::assets,
    banned_crates: crate::tidy::third_party::banned_crates,
    crate_licences: crate::tidy::third_party::crate_licences,
    protocols: crate::tidy::protocols::protocols,
    scenarios: crate::tidy::protocols::scenarios,
    links: crate::tidy::docs::links,
    changelog: crate::tidy::docs::changelog,
}

/// The project's root.
pub(crate) fn root() -> Result<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(PathBuf::from).context("xtask is not in crates/xtask")
}

/// Prints what every rule has to say; the number of complaints.
pub(crate) fn run() -> Result<usize> {
    let tree = Tree::of(&root()?)?;
    let mut total = 0;
    for rule in RULES {
        let complaints = (rule.check)(&tree);
        total += complaints.len();
        if !complaints.is_empty() {
            println!("{} ({})", rule.name, complaints.len());
        }
        for complaint in complaints {
            println!("  {complaint}");
        }
    }
    println!("tidy: {} rules, {total} complaints", RULES.len());
    Ok(total)
}
