//! A private PostgreSQL: its own processes, directory and unix socket, gone with the test.
//!
//! One server serves all tests of a process, each with a database of its own. It does not sync, as
//! nothing here survives the machine; [`Postgres::start_durable`] does, for tests that kill it. The
//! server refuses to run as root, so as root it runs as the user that Debian's package made.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Output},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;

use crate::peer::{self, wait_until_up};

/// Where Debian puts the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The programs that are called here.
const PROGRAMS: [&str; 5] = ["initdb", "postgres", "pg_isready", "createdb", "psql"];
/// Who runs it if we are root.
const OWNER: &str = "postgres";
/// What the names of its directories begin with.
const PREFIX: &str = "postgres-";
/// The superuser of every database.
const USER: &str = "rushgate";

/// A running server. Dropping it kills it and removes its files.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    programs: PathBuf,
    directory: TempDir,
    is_durable: bool,
    databases: AtomicU32,
}

impl Postgres {
    /// The server that all tests of this process share.
    ///
    /// # Panics
    ///
    /// If it is not installed or does not come up; the message says why.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| {
            remove_leftovers();
            // The server dies with the thread that starts it, and a test's thread ends early.
            #[expect(clippy::disallowed_methods, reason = "one message")]
            let (give, take) = mpsc::channel();
            thread::spawn(move || {
                drop(give.send(Self::start(false)));
                loop {
                    thread::park();
                }
            });
            let started = take.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
            started.unwrap_or_else(|error| unreachable!("no PostgreSQL for the tests: {error}"))
        })
    }

    /// A server of one's own that keeps what it acknowledged.
    ///
    /// # Errors
    ///
    /// If it is not installed or does not come up; the error says why.
    pub fn start_durable() -> io::Result<Self> {
        Self::start(true)
    }

    fn start(is_durable: bool) -> io::Result<Self> {
        let programs = programs()?;
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        if getuid().is_root() {
            let (user, group) = owner()?;
            chown(directory.path(), Some(user), Some(group))?;
        }
        let data = directory.path().join("data");
        let made = call(&programs.join("initdb"))?
            .args(["--auth", "trust", "--no-sync", "--no-instructions", "--encoding", "UTF8"])
            .args(["--locale", "C.UTF-8", "--username", USER, "--pgdata"])
            .arg(&data)
            .output()?;
        succeeded("initdb", &made)?;
        let child = serve(&programs, directory.path(), is_durable)?;
        Ok(Self { child, programs, directory, is_durable, databases: AtomicU32::new(0) })
    }

    /// A new, empty database, as a URL.
    ///
    /// # Errors
    ///
    /// If the server refuses.
    pub fn database(&self) -> io::Result<String> {
        // ORDERING: a number is all that is taken.
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let made = Command::new(self.programs.join("createdb"))
            .args(["--username", USER, "--host"])
            .arg(self.directory.path())
            .arg(&name)
            .output()?;
        succeeded("createdb", &made)?;
        Ok(format!("postgres:///{name}?host={}&user={USER}", self.directory.path().display()))
    }

    /// Ends it as a crash does: nothing is written any more, and all its processes are gone.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn kill(&mut self) -> io::Result<()> {
        // A postmaster that gets SIGKILL leaves its children behind; on SIGQUIT none shuts down cleanly.
        kill_process(Pid::from_child(&self.child), Signal::QUIT)?;
        self.child.wait().map(drop)
    }

    /// Starts it again on its files, after [`Self::kill`].
    ///
    /// # Errors
    ///
    /// If it does not come up.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.child = serve(&self.programs, self.directory.path(), self.is_durable)?;
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // One that has ended already has no process to be killed.
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.kill());
        }
    }
}

/// Removes the directories of shared servers whose tests have ended: a process that ends drops no
/// static.
fn remove_leftovers() {
    let entries = fs::read_dir(env::temp_dir()).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for directory in ours.map(|entry| entry.path()) {
        // Its first line is the server's process; without it the server is being made, or is gone.
        let Ok(lock) = fs::read_to_string(directory.join("data/postmaster.pid")) else { continue };
        let process = Path::new("/proc").join(lock.lines().next().unwrap_or_default());
        if !process.exists() {
            drop(fs::remove_dir_all(directory));
        }
    }
}

fn serve(programs: &Path, directory: &Path, is_durable: bool) -> io::Result<Child> {
    let log = directory.join("log");
    let fsync = if is_durable { "fsync=on" } else { "fsync=off" };
    let pages = if is_durable { "full_page_writes=on" } else { "full_page_writes=off" };
    let mut child = call(&programs.join("postgres"))?
        .arg("-D")
        .arg(directory.join("data"))
        .arg("-k")
        .arg(directory)
        .args(["-c", "listen_addresses=", "-c", "max_connections=400", "-c", fsync, "-c", pages])
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?)
        .spawn()?;
    let is_ready = || {
        let asked = Command::new(programs.join("pg_isready")).arg("-qh").arg(directory).status();
        asked.is_ok_and(|status| status.success())
    };
    wait_until_up(&mut child, &log, is_ready).map(|()| child)
}

/// A call of one of the server's programs, as a user that it accepts.
fn call(program: &Path) -> io::Result<Command> {
    if getuid().is_root() {
        peer::dying_with_us_as(OWNER, program, "QUIT")
    } else {
        peer::dying_with_us(program, "QUIT")
    }
}

/// Where the newest version's programs are: all of them, which a directory of links need not have.
fn programs() -> io::Result<PathBuf> {
    let has_all =
        |directory: &PathBuf| PROGRAMS.iter().all(|program| directory.join(program).is_file());
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten().map(|it| it.path());
    let number = |path: &PathBuf| {
        let name = path.parent().and_then(Path::file_name).and_then(OsStr::to_str);
        name.and_then(|name| name.parse::<u32>().ok())
    };
    let newest = versions.map(|path| path.join("bin")).filter(&has_all).max_by_key(number);
    let on_path = || env::split_paths(&env::var_os("PATH").unwrap_or_default()).find(&has_all);
    newest.or_else(on_path).ok_or_else(|| {
        let what = "PostgreSQL's server is not installed: it is in Debian's package postgresql";
        io::Error::new(io::ErrorKind::NotFound, what)
    })
}

/// The user and group that it runs as.
fn owner() -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.split(':').next() == Some(OWNER));
    let mut numbers = line.into_iter().flat_map(|line| line.split(':').skip(2)).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(user)), Some(Ok(group))) => Ok((user, group)),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "there is no user postgres")),
    }
}

fn succeeded(what: &str, output: &Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{what} failed: {}", said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_again_on_its_files_after_a_crash() {
        let mut server = Postgres::start_durable().unwrap();
        let url = server.database().unwrap();
        let psql = |server: &Postgres, sql: &str| {
            let output = Command::new(server.programs.join("psql"))
                .args(["-XAtq", &url, "-c", sql])
                .output()
                .unwrap();
            succeeded("psql", &output).unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        psql(&server, "CREATE TABLE kept (x INT); INSERT INTO kept VALUES (7)");
        server.kill().unwrap();
        server.start_again().unwrap();
        assert_eq!(psql(&server, "SELECT x FROM kept").trim(), "7");
        let directory = server.directory.path().to_owned();
        drop(server);
        assert!(!directory.exists());
    }
}
