//! The `rushgate` binary: reads the command line and does what it says.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A crowd's answers are allocated on one thread and freed on another all the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    api::cli::run()
}
