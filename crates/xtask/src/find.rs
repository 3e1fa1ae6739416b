//! `cargo xtask where <noun>`: the files of a noun, room by room.

use crate::tidy::{Tree, root};
use anyhow::Result;

pub(crate) fn find(noun: &str) -> Result<bool> {
    let tree = Tree::of(&root()?)?;
    let found = files_of(&tree, noun);
    let mut room = String::new();
    for file in &found {
        let its_room = room_of(file);
        if its_room != room {
            println!("{its_room}");
            room = its_room;
        }
        println!("  {file}");
    }
    if found.is_empty() {
        println!("no file is named after `{noun}`; `git grep -il {noun}` finds mentions");
    }
    Ok(!found.is_empty())
}

/// Files one of whose path parts is the noun, its plural, or begins with it and a dash (`scenarios/dns-names`).
fn files_of<'a>(tree: &'a Tree, noun: &str) -> Vec<&'a str> {
    let noun = noun.to_lowercase();
    let names = |part: &str| {
        let stem = part.split('.').next().unwrap_or(part).to_lowercase();
        stem == noun || stem == format!("{noun}s") || stem.split(['-', '_']).any(|word| word == noun)
    };
    tree.files().filter(|file| file.split('/').any(names)).collect()
}

fn room_of(file: &str) -> String {
    let mut parts = file.split('/');
    match (parts.next(), parts.next()) {
        (Some("crates"), Some(room)) => room.to_owned(),
        (Some(top), Some(_)) => top.to_owned(),
        _ => ".".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_noun_in_every_room_and_nothing_else() {
        let tree = Tree::of(&root().unwrap()).unwrap();
        let found = files_of(&tree, "dns");
        for file in ["crates/wire/src/dns/mod.rs", "crates/sense/src/observe/dns.rs", "fuzz/src/dns.rs"] {
            assert!(found.contains(&file), "{file} is not in {found:?}");
        }
        assert!(found.iter().all(|file| file.contains("dns") && !file.contains("mdns.rs")), "{found:?}");
        assert_eq!(room_of("crates/wire/src/dns/mod.rs"), "wire");
        assert_eq!(room_of("README.md"), ".");
    }
}
