//! Programs that run beside a test or a bench: found, started, and ended with it.
//!
//! A bench is killed as often as it ends, and a Redis or an nginx that outlived it would slow every
//! figure after. So they are started by `setpriv --pdeathsig`: the kernel sends them a signal when the
//! **thread** that started them ends, however it ends. Start them where they are used up.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Where programs are that may not be on the `PATH`.
const SYSTEM_DIRECTORIES: [&str; 3] = ["/usr/local/bin", "/usr/sbin", "/sbin"];

/// Long enough for a program to come up on a busy machine.
const START_MAX: Duration = Duration::from_secs(20);

/// Between two looks at whether it is up.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A program and the Debian package it comes in.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its command.
    pub command: &'static str,
    /// What to install for it.
    pub package: &'static str,
    /// The signal that ends it and all processes of its own, as `setpriv` names it.
    pub end: &'static str,
}

const SETPRIV: Program = Program { command: "setpriv", package: "util-linux", end: "KILL" };

impl Program {
    /// A call of the program that dies with the calling thread, its standard input closed.
    ///
    /// # Errors
    ///
    /// If the program is not installed; the error names the package.
    pub fn dying_with_us(self) -> io::Result<Command> {
        dying_with_us(&self.find()?, self.end)
    }

    fn find(self) -> io::Result<PathBuf> {
        let Self { command, package, .. } = self;
        let path = env::var_os("PATH").unwrap_or_default();
        let directories = env::split_paths(&path).chain(SYSTEM_DIRECTORIES.map(PathBuf::from));
        let found =
            directories.map(|directory| directory.join(command)).find(|path| path.is_file());
        found.ok_or_else(|| {
            let what = format!("{command} is not installed: it is in Debian's package {package}");
            io::Error::new(io::ErrorKind::NotFound, what)
        })
    }
}

/// A call of a program of our own that dies with the calling thread by `signal`, as `setpriv` names it,
/// its standard input closed. The process is the program's: `setpriv` becomes it.
///
/// # Errors
///
/// If `setpriv` is not installed; the error names its package.
pub fn dying_with_us(program: &Path, signal: &str) -> io::Result<Command> {
    let mut call = Command::new(SETPRIV.find()?);
    call.args(["--pdeathsig", signal, "--"]).arg(program).stdin(Stdio::null());
    Ok(call)
}

/// As [`dying_with_us`], as another user, whose groups it takes. Only root may.
///
/// # Errors
///
/// As [`dying_with_us`].
pub fn dying_with_us_as(user: &str, program: &Path, signal: &str) -> io::Result<Command> {
    let mut call = Command::new(SETPRIV.find()?);
    call.args(["--reuid", user, "--regid", user, "--init-groups", "--pdeathsig", signal, "--"]);
    call.arg(program).stdin(Stdio::null());
    Ok(call)
}

/// Waits until `is_up`; fails when the program has ended instead, or takes too long, with what it
/// left in `log`.
///
/// # Errors
///
/// As said, and those of asking for the child.
#[expect(clippy::disallowed_methods, reason = "a program's start takes real time")]
pub fn wait_until_up(
    child: &mut Child,
    log: &Path,
    mut is_up: impl FnMut() -> bool,
) -> io::Result<()> {
    let started = Instant::now();
    let told = |what: String| {
        let log = std::fs::read_to_string(log).unwrap_or_default();
        io::Error::other(format!("{what}; it said: {}", log.trim()))
    };
    while !is_up() {
        if let Some(status) = child.try_wait()? {
            return Err(told(format!("the program ended with {status}")));
        }
        if started.elapsed() > START_MAX {
            return Err(told(format!("the program was not up after {START_MAX:?}")));
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let nothing = Program { command: "no-such-program", package: "some-package", end: "KILL" };
        let error = nothing.dying_with_us().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let expected = "no-such-program is not installed: it is in Debian's package some-package";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_program_that_ends_at_once_is_told_with_what_it_said() {
        let log = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(log.path(), "bad option\n").unwrap();
        let mut child = Command::new("false").spawn().unwrap();
        let error = wait_until_up(&mut child, log.path(), || false).unwrap_err().to_string();
        assert!(error.contains("exit status: 1; it said: bad option"), "{error}");
    }
}
