//! The `loadtest` program: parse, run, print.
//!
//! Exit codes: 0 every rule held, 1 a rule was broken, 2 nothing could be judged, 3 every rule
//! held but the generator was too late for its figures to be published.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use loadtest::{Cli, Found};

#[tokio::main]
async fn main() -> ExitCode {
    let (text, code) = match loadtest::run(Cli::parse()).await {
        Ok(found) => (found.to_string(), code(&found)),
        Err(error) => (format!("loadtest: {error}\n"), 2),
    };
    // A reader that closed the pipe has seen enough; the exit code still tells.
    let written = if code == 2 {
        io::stderr().write_all(text.as_bytes())
    } else {
        io::stdout().write_all(text.as_bytes())
    };
    drop(written);
    ExitCode::from(code)
}

fn code(found: &Found) -> u8 {
    match (found.passed(), found.is_generator_bound()) {
        (false, _) => 1,
        (true, true) => 3,
        (true, false) => 0,
    }
}
