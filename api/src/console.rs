//! What the program says outside its log: to whoever started it.

use std::io::Write as _;
use std::process::ExitCode;

/// Writes to standard output. It fails only if the reader has gone away.
pub(crate) fn say(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes to standard error what stops the program, before or after logging is set up.
pub(crate) fn complain(text: &str) {
    // When standard error is closed, there is nowhere left to write to.
    drop(writeln!(std::io::stderr(), "rushgate: {text}"));
}

/// An error and all that caused it, in one line.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
