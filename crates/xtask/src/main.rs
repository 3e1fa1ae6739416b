//! The project's own chores. `cargo xtask` alone lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod bench;
mod browser;
mod dist;
mod find;
mod licences;
mod long;
mod long_platform;
mod new_protocol;
mod options;
mod postgres;
mod run;
mod setup;
mod test;
mod tidy;

use anyhow::{Result, bail};
use options::Options;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test [--only step,…]      everything that must hold before a change lands
cargo xtask test --long [--part fuzz,kill,soak] what takes too long for every change; appends to docs/long-runs.md
                       [--minutes 3] [--target name] a fuzz target; [--kills 200] [--soak 15] minutes
cargo xtask tidy                      house rules: arrows, names, sizes, orphans, links
cargo xtask bless                     rewrites the scenarios' expect.txt; then read the difference
cargo xtask bless pictures            walks through the console and rewrites the pictures of the guides; then look at them
cargo xtask new-protocol <name>       copies the template into every room, and says what else is due
cargo xtask where <noun>              the files of a noun, room by room
cargo xtask dist                      the package: target/dist/ward-<version>-<triple>.tar.gz
cargo xtask bench keep [--quick]      records to durable rows and leaves, beside a plain file; writes docs/perf.md
cargo xtask bench show [--quick]      pages and lists for 100,000 devices, beside Datasette; writes docs/perf.md
cargo xtask bench scan [--quick]      Ward beside its peers on one capture; writes docs/perf.md
                       [--packets 5000000] [--window 600] [--rounds 3] [--tools floor,ward,…]
                       [--out folder] [--keep] [--install]
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = arguments.split_first().map_or(("", &[][..]), |(verb, rest)| (verb.as_str(), rest));
    match perform(verb, rest) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask {verb}: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// `true`: done and fine.
fn perform(verb: &str, rest: &[String]) -> Result<bool> {
    match verb {
        "test" => {
            let options =
                Options::read(rest, &["only", "minutes", "target", "part", "kills", "soak"], &["long"])?;
            if options.flag("long") { long::long(&options) } else { test::test(&options) }
        }
        "tidy" => Ok(tidy::run()? == 0),
        "bless" if rest == ["pictures"] => test::bless_pictures(),
        "bless" => test::bless(),
        "new-protocol" => new_protocol::new_protocol(Options::read(rest, &[], &[])?.word("protocol")?),
        "where" => find::find(Options::read(rest, &[], &[])?.word("noun")?),
        "dist" => dist::dist(),
        "bench" => bench::bench(&Options::read(rest, bench::VALUED, bench::FLAGS)?),
        "measure" => bench::measure(rest),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(true)
        }
        other => bail!("`{other}` is no verb; `cargo xtask` lists them"),
    }
}
