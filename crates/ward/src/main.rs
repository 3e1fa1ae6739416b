//! The `ward` program: arguments in, exit code out. What each verb does is in `cli/`.

fn main() -> std::process::ExitCode {
    ward::cli::main()
}
