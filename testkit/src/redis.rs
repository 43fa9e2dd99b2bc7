//! A private Redis: its own process, directory and unix socket, gone when it is dropped.
//!
//! Owns the server and a blocking [`Link`] to it, and what a test can do to it: kill it, start it
//! again on its files or without them, freeze it. The settings are those that favour Redis: no snapshots, no rewriting
//! of its log in the middle of a measurement, a unix socket instead of TCP, one thread that nothing
//! disturbs. Nothing listens on the network unless whoever starts it says so.

mod link;

use std::{
    env,
    fs::{self, File},
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Child,
};

use clap::ValueEnum;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use self::link::{Link, PIPELINE_MAX, Reply};
use crate::peer::{Program, wait_until_up};

/// Names the server that is started: `redis-server`, which is the default, or `valkey-server`.
pub const CHOICE: &str = "RUSHGATE_TEST_REDIS";

/// The server that this run is to have.
///
/// # Panics
///
/// If [`CHOICE`] names another.
pub fn server() -> Program {
    let chosen = env::var(CHOICE).unwrap_or_else(|_| "redis-server".to_owned());
    let known = ["redis-server", "valkey-server"].into_iter().find(|known| *known == chosen);
    let command = known.unwrap_or_else(|| {
        unreachable!("{CHOICE} is {chosen:?}; allowed: redis-server, valkey-server")
    });
    Program { command, package: command, end: "KILL" }
}

/// What Redis writes to disk, and when it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AppendFsync {
    /// Synced before the answer, as our journal is: one sync for all commands of a turn.
    Always,
    /// Synced once a second: the last second may be lost.
    Everysec,
    /// Written and never synced by Redis.
    No,
    /// Not even written.
    Off,
}

impl AppendFsync {
    const fn arguments(self) -> [&'static str; 4] {
        match self {
            Self::Always => ["--appendonly", "yes", "--appendfsync", "always"],
            Self::Everysec => ["--appendonly", "yes", "--appendfsync", "everysec"],
            Self::No => ["--appendonly", "yes", "--appendfsync", "no"],
            Self::Off => ["--appendonly", "no", "--appendfsync", "no"],
        }
    }
}

/// A running server. Dropping it kills it and removes its files.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    socket: PathBuf,
    /// What it was started with, to start it so again.
    arguments: Vec<String>,
    /// None once its names were removed.
    directory: Option<TempDir>,
}

impl Redis {
    /// Starts a server with its files in the system's directory for temporary ones.
    ///
    /// # Errors
    ///
    /// If it is not installed or does not come up; the error says why.
    pub fn start(appendfsync: AppendFsync) -> io::Result<Self> {
        Self::start_in(&env::temp_dir(), appendfsync)
    }

    /// As [`Self::start`], with its files below `parent`: the disk that is measured.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_in(parent: &Path, appendfsync: AppendFsync) -> io::Result<Self> {
        Self::start_with(parent, appendfsync, &[])
    }

    /// As [`Self::start_in`], with more of the server's own options, as `--port`.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_with(parent: &Path, appendfsync: AppendFsync, more: &[&str]) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("redis-").tempdir_in(parent)?;
        let quiet = ["--port", "0", "--databases", "1", "--loglevel", "warning"];
        let steady = ["--save", "", "--auto-aof-rewrite-percentage", "0"];
        let arguments = [&quiet[..], &steady, &appendfsync.arguments(), more].concat();
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let socket = directory.path().join("socket");
        let child = serve(directory.path(), &socket, &arguments)?;
        Ok(Self { child, socket, arguments, directory: Some(directory) })
    }

    /// Starts a sentinel with this configuration.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_sentinel(configuration: &str) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("sentinel-").tempdir()?;
        let (socket, file) = (directory.path().join("socket"), directory.path().join("conf"));
        fs::write(&file, configuration)?;
        let arguments = vec![file.display().to_string(), "--sentinel".to_owned()];
        let child = serve(directory.path(), &socket, &arguments)?;
        Ok(Self { child, socket, arguments, directory: Some(directory) })
    }

    /// `kill -9`: nothing of it gets to run any more. Its files stay.
    ///
    /// # Errors
    ///
    /// If it cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it again, on its files and its address, after [`Self::kill`].
    ///
    /// # Errors
    ///
    /// As [`Self::start`]; and if its files were removed.
    pub fn start_again(&mut self) -> io::Result<()> {
        let directory = self.directory.as_ref().ok_or(io::ErrorKind::NotFound)?;
        self.child = serve(directory.path(), &self.socket, &self.arguments)?;
        Ok(())
    }

    /// Starts it again on its address with nothing in it, after [`Self::kill`].
    ///
    /// # Errors
    ///
    /// As [`Self::start_again`].
    pub fn start_empty(&mut self) -> io::Result<()> {
        let directory = self.directory.as_ref().ok_or(io::ErrorKind::NotFound)?;
        for entry in directory.path().read_dir()? {
            let path = entry?.path();
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        self.start_again()
    }

    /// Stops it where it is: it holds its connections and says nothing.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Self::freeze`].
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Removes the names of its files and its socket: it goes on with what is open, accepts no new
    /// connections, and leaves nothing behind even if we are killed.
    ///
    /// # Errors
    ///
    /// If they cannot be removed.
    pub fn seclude(&mut self) -> io::Result<()> {
        self.directory.take().map_or(Ok(()), TempDir::close)
    }

    /// A connection to it.
    ///
    /// # Errors
    ///
    /// If it does not accept one.
    pub fn link(&self) -> io::Result<Link> {
        Ok(Link::over(UnixStream::connect(&self.socket)?))
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }
}

/// A server on a directory's files that answers at the socket.
fn serve(directory: &Path, socket: &Path, arguments: &[String]) -> io::Result<Child> {
    let log = directory.join("log");
    let mut child = server()
        .dying_with_us()?
        .args(arguments)
        .arg("--unixsocket")
        .arg(socket)
        .arg("--dir")
        .arg(directory)
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?)
        .spawn()?;
    let up = wait_until_up(&mut child, &log, || is_answering(socket));
    if up.is_err() {
        // It may be up and silent; whoever started it gets no handle to end it by.
        drop(child.kill().and_then(|()| child.wait()));
    }
    up.map(|()| child)
}

fn is_answering(socket: &Path) -> bool {
    let ping = |stream| Link::over(stream).call(&[b"PING"]);
    UnixStream::connect(socket).and_then(ping).is_ok_and(|reply| reply == Reply::bulk("PONG"))
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Killed and waited for, so that its directory can go. One that has ended already is gone.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_and_is_gone_when_dropped() {
        for appendfsync in AppendFsync::value_variants() {
            let redis = Redis::start(*appendfsync).unwrap();
            let mut link = redis.link().unwrap();
            assert_eq!(link.call(&[b"INCR", b"counter"]).unwrap(), Reply::Integer(1));
            let error = link.call(&[b"LPUSH", b"counter", b"x"]).unwrap_err().to_string();
            assert!(error.starts_with("WRONGTYPE"), "{error}");
            let (socket, process) = (redis.socket().to_owned(), format!("/proc/{}", redis.pid()));
            assert!(Path::new(&process).exists());
            drop(redis);
            assert!(!Path::new(&process).exists());
            assert!(!socket.exists());
        }
    }

    #[test]
    fn a_killed_server_starts_again_with_all_that_it_acknowledged() {
        let mut redis = Redis::start(AppendFsync::Always).unwrap();
        let mut link = redis.link().unwrap();
        assert_eq!(link.call(&[b"INCR", b"counter"]).unwrap(), Reply::Integer(1));
        redis.kill().unwrap();
        assert!(redis.link().is_err());
        redis.start_again().unwrap();
        let mut link = redis.link().unwrap();
        assert_eq!(link.call(&[b"INCR", b"counter"]).unwrap(), Reply::Integer(2));
        redis.freeze().unwrap();
        redis.thaw().unwrap();
        assert_eq!(link.call(&[b"INCR", b"counter"]).unwrap(), Reply::Integer(3));
    }

    #[test]
    fn a_server_that_starts_empty_has_forgotten_everything() {
        let mut redis = Redis::start(AppendFsync::Always).unwrap();
        let mut link = redis.link().unwrap();
        assert_eq!(link.call(&[b"INCR", b"counter"]).unwrap(), Reply::Integer(1));
        redis.kill().unwrap();
        redis.start_empty().unwrap();
        let mut link = redis.link().unwrap();
        assert_eq!(link.call(&[b"INCR", b"counter"]).unwrap(), Reply::Integer(1));
    }

    #[test]
    fn a_secluded_server_goes_on_without_its_files() {
        for appendfsync in AppendFsync::value_variants() {
            let mut redis = Redis::start(*appendfsync).unwrap();
            let mut link = redis.link().unwrap();
            redis.seclude().unwrap();
            assert!(!redis.socket().parent().unwrap().exists());
            for count in 1..=3 {
                assert_eq!(link.call(&[b"INCR", b"counter"]).unwrap(), Reply::Integer(count));
            }
            assert!(redis.link().is_err());
        }
    }

    #[test]
    fn a_filled_line_has_everyone_at_their_rank() {
        let redis = Redis::start(AppendFsync::Off).unwrap();
        let mut link = redis.link().unwrap();
        link.fill_line(b"line", 2_500, |number| format!("member {number}").into_bytes()).unwrap();
        assert_eq!(link.call(&[b"ZCARD", b"line"]).unwrap(), Reply::Integer(2_500));
        for number in [1, 1_000, 1_001, 2_500] {
            let member = format!("member {number}");
            let rank = link.call(&[b"ZRANK", b"line", member.as_bytes()]).unwrap();
            assert_eq!(rank, Reply::Integer(number - 1));
        }
        assert_eq!(link.call(&[b"ZRANK", b"line", b"nobody"]).unwrap(), Reply::Nil);
    }
}
