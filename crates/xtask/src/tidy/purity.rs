//! What a pure room must not reach for, and where `unsafe` may stand.

use super::arrows::PURE;
use super::source::{code_only, is_product, line_of, without_tests, word_places};
use super::tree::Tree;

/// What the pure rooms must not name, and what to do instead.
const IMPURE: &[(&str, &str)] = &[
    ("std::fs", "take bytes; ward reads files"),
    ("std::process", "return an effect; ward/perform.rs carries it out"),
    ("std::env", "take a setting; ward reads the environment"),
    ("std::thread", "stay single-threaded; ward owns the threads"),
    ("TcpStream", "take bytes; ward owns sockets"),
    ("TcpListener", "take bytes; ward owns sockets"),
    ("UdpSocket", "take bytes; ward owns sockets"),
    ("SystemTime", "take `now: model::Timestamp`"),
    ("Instant", "take `now: model::Timestamp`"),
    ("RandomState", "take a seed"),
    ("tokio::", "return an effect; ward has the runtime"),
    ("libc::", "only ward/capture talks to the kernel"),
    ("rand::", "take entropy as bytes"),
    ("getrandom", "take entropy as bytes"),
];

/// The one place for `unsafe`: the kernel's capture ring.
const UNSAFE_HOME: &str = "crates/ward/src/capture";

pub(crate) fn pure_rooms(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for room in PURE {
        for file in tree.under(&format!("crates/{room}/src/")).filter(|file| is_product(file)) {
            let code = without_tests(&code_only(&tree.read(file)));
            for (word, instead) in IMPURE {
                complaints.extend(word_places(&code, word).map(|at| {
                    format!("{file}:{}: `{word}` in {room}, which is pure: {instead}", line_of(&code, at))
                }));
            }
        }
    }
    complaints
}

pub(crate) fn unsafe_code(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in tree.rust().filter(|file| !file.starts_with(UNSAFE_HOME)) {
        let code = code_only(&tree.read(file));
        complaints.extend(word_places(&code, "unsafe").map(|at| {
            format!(
                "{file}:{}: `unsafe` outside {UNSAFE_HOME}: use a safe crate, or move it there",
                line_of(&code, at)
            )
        }));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::tree::planted;
    use super::*;

    #[test]
    fn a_clock_in_a_pure_room_is_named_but_not_in_its_tests() {
        let source = "//! std::fs is fine in words\nfn f() { std::time::Instant::now(); }\n\
                      #[cfg(test)]\nmod tests { fn g() { std::fs::read(\"x\"); } }\n";
        let tree = planted(&[
            ("crates/judge/src/lib.rs", source),
            ("crates/judge/src/tests.rs", "use std::fs;"),
            ("crates/ward/src/main.rs", "use std::fs;"),
        ]);
        let complaints = pure_rooms(&tree);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("crates/judge/src/lib.rs:2: `Instant`"), "{complaints:?}");
    }

    #[test]
    fn unsafe_stands_in_one_place() {
        let tree = planted(&[
            ("crates/ward/src/capture/ring.rs", "unsafe { }"),
            ("crates/ward/src/capture.rs", "unsafe { }"),
            ("crates/wire/src/lib.rs", "// unsafe\n#![forbid(unsafe_code)]\nfn f() { unsafe { } }"),
        ]);
        let complaints = unsafe_code(&tree);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("crates/wire/src/lib.rs:3"), "{complaints:?}");
    }
}
