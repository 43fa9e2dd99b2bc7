//! The `loadtest` program: parse, run, print.
//!
//! Exit codes: 0 every rule held, 1 a rule was broken, 2 nothing could be judged.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use loadtest::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    let (text, code) = match loadtest::run(Cli::parse()).await {
        Ok(report) => (report.to_string(), ExitCode::from(u8::from(!report.passed))),
        Err(error) => (format!("loadtest: {error}\n"), ExitCode::from(2)),
    };
    // A reader that closed the pipe has seen enough; the exit code still tells.
    let written = if code == ExitCode::from(2) {
        io::stderr().write_all(text.as_bytes())
    } else {
        io::stdout().write_all(text.as_bytes())
    };
    drop(written);
    code
}
