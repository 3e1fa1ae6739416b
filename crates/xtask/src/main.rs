//! The project's own chores. `cargo xtask` alone lists them.

mod tidy;

fn main() -> std::process::ExitCode {
    match tidy::run() {
        Ok(0) => std::process::ExitCode::SUCCESS,
        _ => std::process::ExitCode::FAILURE,
    }
}
