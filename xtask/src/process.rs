//! Calling other programs.
//!
//! Owns the child from start to end: its input is empty, its output passes straight through, and
//! it has a deadline, since a hung test in CI says nothing until someone looks. Refuses to
//! interpret what the program prints, except as JSON or text when asked to read it.
//!
//! Invariant: when a call returns, the child it started is gone; past the deadline, so are its
//! descendants.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::failure::Failure;

/// Long enough for a cold release build and every loom model on two cores, short enough that a
/// hang is reported within the hour.
const DEADLINE_DEFAULT: Duration = Duration::from_hours(1);

/// How often a running child is looked at: unnoticeable to a person, and 50 wake-ups a second.
const POLL: Duration = Duration::from_millis(20);

/// One program with its arguments, not yet started.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    program: OsString,
    args: Vec<OsString>,
    /// Added to the environment we were given.
    env: Vec<(String, OsString)>,
    directory: Option<PathBuf>,
    deadline: Duration,
}

impl Call {
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            directory: None,
            deadline: DEADLINE_DEFAULT,
        }
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The same, behind everything else that wants a processor.
    pub(crate) fn nice(mut self) -> Self {
        let args = ["-n", "19"].map(OsString::from).into_iter();
        let program = std::mem::replace(&mut self.program, "nice".into());
        self.args = args.chain([program]).chain(self.args).collect();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The directory to run in.
    pub(crate) fn within(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The command line as a person would type it.
    pub(crate) fn spelled(&self) -> String {
        let program = Path::new(&self.program).file_name().unwrap_or(&self.program);
        let env = self.env.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let args = self.args.iter().map(|arg| quoted(arg));
        env.chain([quoted(program)]).chain(args).collect::<Vec<_>>().join(" ")
    }

    /// Runs to the end with the output passed through, echoing the command line first.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        println!("$ {}", self.spelled());
        let mut child = self.command().spawn().map_err(|source| self.not_started(source))?;
        let status = self.wait(&mut child)?;
        if status.success() { Ok(()) } else { Err(self.failed(status)) }
    }

    /// Starts it with the output passed through, echoing the command line first.
    pub(crate) fn start(&self) -> Result<Running, Failure> {
        println!("$ {}", self.spelled());
        let child = self.command().spawn().map_err(|source| self.not_started(source))?;
        Ok(Running { call: self.clone(), child, started: now(), over: None })
    }

    /// Whether the program starts and exits with zero, without showing what it prints.
    pub(crate) fn succeeds(&self) -> bool {
        let quiet = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet.is_ok_and(|status| status.success())
    }

    /// What the program prints; what it says on standard error passes through.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Failure> {
        let output = self
            .command()
            .stderr(Stdio::inherit())
            .output()
            .map_err(|source| self.not_started(source))?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.failed(output.status)) }
    }

    /// What the program prints, as JSON.
    pub(crate) fn read_json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.read()?)
            .map_err(|e| Failure::Unexpected { call: self.spelled(), what: e.to_string() })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    fn wait(&self, child: &mut Child) -> Result<ExitStatus, Failure> {
        let started = now();
        loop {
            if let Some(status) = self.look(child, started)? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
    }

    /// How it ended, if it has; past the deadline it is ended.
    fn look(&self, child: &mut Child, started: Instant) -> Result<Option<ExitStatus>, Failure> {
        let ended = child.try_wait().map_err(|source| self.not_started(source))?;
        if ended.is_none() && started.elapsed() >= self.deadline {
            kill_with_descendants(child);
            return Err(Failure::Overran { call: self.spelled(), limit: self.deadline });
        }
        Ok(ended)
    }

    fn not_started(&self, source: std::io::Error) -> Failure {
        Failure::NotStarted { call: self.spelled(), source }
    }

    fn failed(&self, status: ExitStatus) -> Failure {
        Failure::Failed { call: self.spelled(), status }
    }
}

/// A program under way. Dropping it ends it with its descendants.
#[derive(Debug)]
pub(crate) struct Running {
    call: Call,
    child: Child,
    started: Instant,
    over: Option<ExitStatus>,
}

impl Running {
    /// Whether it has ended.
    pub(crate) fn is_over(&mut self) -> Result<bool, Failure> {
        self.over = self.call.look(&mut self.child, self.started)?;
        Ok(self.over.is_some())
    }

    /// Waits for its end; fails if it says no.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        while !self.is_over()? {
            thread::sleep(POLL);
        }
        match self.over {
            Some(status) if !status.success() => Err(self.call.failed(status)),
            _ => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.over.is_none() {
            kill_with_descendants(&mut self.child);
        }
    }
}

/// The only reading of the clock in this crate; everything else is `elapsed`.
#[expect(
    clippy::disallowed_methods,
    reason = "chores run in real time; nothing here is ever simulated"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// `cargo test` does not take its test binaries with it, nor `loadtest` the server, so a child
/// killed alone would leave them holding ports and files.
fn kill_with_descendants(child: &mut Child) {
    let doomed = descendants(child.id(), &parents());
    // The parents first, so that none of them can restart what has just been killed.
    let killed = child.kill().and_then(|()| child.wait());
    if let Err(e) = killed {
        println!("could not kill process {}: {e}", child.id());
    }
    if !doomed.is_empty() {
        let pids = doomed.iter().map(u32::to_string);
        // One that ended by itself in the meantime makes `kill` fail, and that is as good.
        Call::new("sh").args(["-c", "kill -KILL \"$@\"", "kill"]).args(pids).succeeds();
    }
}

/// Every process with its parent, as `/proc` shows it now; empty where there is no `/proc`.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((pid, parent_in_stat(&stat)?))
        })
        .collect()
}

/// The fourth field of proc(5)'s `stat`. The second is the program's name in parentheses and may
/// itself hold spaces and parentheses, so fields are counted from the last one.
fn parent_in_stat(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}

fn descendants(ancestor: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = parents.iter().filter(|(pid, ppid)| *ppid == parent && !found.contains(pid));
        let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
        found.extend(children);
        next += 1;
    }
    found.split_off(1)
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_spelled_as_one_would_type_it() {
        let call =
            Call::new("/usr/bin/cargo").args(["test", "--workspace"]).env("RUSTFLAGS", "--cfg x");
        assert_eq!(call.spelled(), "RUSTFLAGS='--cfg x' cargo test --workspace");
    }

    #[test]
    fn a_failing_program_fails_the_call() {
        assert!(matches!(Call::new("false").run(), Err(Failure::Failed { .. })));
        assert!(matches!(Call::new("no-such-program").run(), Err(Failure::NotStarted { .. })));
        assert!(Call::new("true").run().is_ok());
    }

    #[test]
    fn a_hung_program_is_killed_with_its_descendants() {
        // The shell prints its child's id before it hangs, so that we can look for it afterwards.
        let directory = std::env::temp_dir().join(format!("xtask-hang-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let script = "sleep 300 & echo $! > pid; wait";
        let call = Call::new("sh").args(["-c", script]).within(&directory);
        let outcome = call.deadline(Duration::from_secs(1)).run();
        let sleeper = fs::read_to_string(directory.join("pid")).unwrap();
        fs::remove_dir_all(&directory).unwrap();

        assert!(matches!(outcome, Err(Failure::Overran { .. })));
        // A killed orphan may stay a zombie until init reaps it; its state is then Z.
        let stat = fs::read_to_string(format!("/proc/{}/stat", sleeper.trim()));
        assert!(stat.map_or(true, |stat| !stat.contains(") S ")), "the sleeper lives on");
    }

    #[test]
    fn a_program_under_way_is_seen_to_end_and_ends_when_dropped() {
        let mut short = Call::new("sh").args(["-c", "sleep 0.1; exit 3"]).start().unwrap();
        assert!(!short.is_over().unwrap());
        assert!(matches!(short.finish(), Err(Failure::Failed { .. })));
        let long = Call::new("sleep").args(["300"]).start().unwrap();
        let process = format!("/proc/{}", long.child.id());
        drop(long);
        assert!(!Path::new(&process).exists());
    }

    #[test]
    fn input_is_empty_rather_than_inherited() {
        assert_eq!(Call::new("cat").read().unwrap(), b"");
    }

    #[test]
    fn the_parent_is_found_behind_any_program_name() {
        assert_eq!(parent_in_stat("42 (a) b (c)) S 7 42 42 0"), Some(7));
        assert_eq!(parent_in_stat("nonsense"), None);
    }

    #[test]
    fn descendants_are_found_at_any_depth() {
        let parents = [(2, 1), (3, 2), (4, 3), (5, 1), (9, 8)];
        assert_eq!(descendants(2, &parents), [3, 4]);
        assert_eq!(descendants(9, &parents), [0; 0]);
    }
}
