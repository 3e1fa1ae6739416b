//! `cargo run -p fuzz -- --seconds 2`: every target on seeds and seeded mutations, on stable Rust.
//!
//! Each target runs in a process of its own with bounded memory, so a panic, an endless loop, a stack overflow and an
//! allocation without bound are all found the same way, and the bytes that did it are written to fuzz/crashes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

mod smoke;

use smoke::Request;
use std::process::ExitCode;

const USAGE: &str = "\
cargo run -p fuzz -- [--seconds 2 (per target)] [--target name] [--seed number] [--jobs cores]
cargo run -p fuzz -- --target name --file bytes     one input, with the whole story on a panic
cargo run -p fuzz -- --export folder                what mutation starts from, a folder per target";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = Request::read(&arguments).and_then(|request| match &request {
        Request { worker: Some(_), .. } => smoke::work(&request),
        Request { file: Some(file), .. } => smoke::run_file(&request, file),
        Request { export: Some(folder), .. } => smoke::export(folder),
        _ => smoke::supervise(&request),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
