//! One binary for every target: `WARD_FUZZ_TARGET` says which. fuzz/README.md has the commands.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("WARD_FUZZ_TARGET").unwrap_or_default();
    let found = fuzz::TARGETS.iter().find(|(target, _)| *target == name);
    found.map_or_else(|| panic!("WARD_FUZZ_TARGET={name}: no such target"), |(_, run)| *run)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
