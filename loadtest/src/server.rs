//! A server of the run's own: started, killed and started again.
//!
//! Owns the child process. Killing is SIGKILL: no goodbye, no flush, the closest to a power cut
//! that one machine can do to a process. The restarted server gets the same data and the same
//! port, and the crowd is not told.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::clock::{Clock, Stamp};
use crate::run::Run;

/// A server that has not said where it listens by now is not going to.
const START_MAX: Duration = Duration::from_secs(30);
/// How long a port may stay taken after its owner was killed.
const REBIND_MAX: Duration = Duration::from_secs(20);
/// A restarted server serves at least this long before it is killed again.
const LIFE_MIN: Duration = Duration::from_millis(400);

/// The keys of the API.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Keys {
    pub(crate) operator: String,
    pub(crate) backend: String,
}

impl Keys {
    /// The keys a server keeps in its data directory.
    pub(crate) fn read(data: &Path) -> Result<Self, String> {
        let path = data.join("keys.json");
        let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// How to start the server, the same each time.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    /// Host and port to listen on; port 0 is replaced by the one found at the first start.
    pub(crate) listen: String,
    pub(crate) data: PathBuf,
    /// Passed by environment; without them the server makes its own.
    pub(crate) keys: Option<Keys>,
    pub(crate) limits: Limits,
}

/// Whether the server limits what one address may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limits {
    /// As it does by itself.
    Kept,
    /// Not at all: a crowd of thousands comes from one address here.
    Off,
}

/// The first line the server prints.
#[derive(Debug, Deserialize)]
struct Listening {
    event: String,
    public: String,
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    launch: Launch,
    child: Child,
}

impl Server {
    /// Starts the server and waits until it listens.
    pub(crate) async fn start(mut launch: Launch) -> Result<Self, String> {
        if !launch.binary.is_file() {
            return Err(format!(
                "no server at {}: `cargo build --release -p api` makes it, --server PATH names it",
                launch.binary.display()
            ));
        }
        fs::create_dir_all(&launch.data)
            .map_err(|error| format!("{}: {error}", launch.data.display()))?;
        let (child, public) = spawn(&launch).await?;
        launch.listen = public;
        Ok(Self { launch, child })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.launch.listen
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.launch.data
    }

    /// Kills it and waits until the kernel has taken everything from it.
    async fn kill(&mut self) -> Result<(), String> {
        self.child.kill().await.map_err(|error| format!("the server cannot be killed: {error}"))
    }

    /// Starts it again on the same data and port.
    async fn restart(&mut self, clock: Clock) -> Result<(), String> {
        let deadline = clock.now().after(REBIND_MAX);
        loop {
            match spawn(&self.launch).await {
                Ok((child, _public)) => {
                    self.child = child;
                    return Ok(());
                }
                Err(error) if clock.now() >= deadline => return Err(error),
                Err(_not_yet) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn spawn(launch: &Launch) -> Result<(Child, String), String> {
    let log = log_path(&launch.data);
    let errors = File::options()
        .create(true)
        .append(true)
        .open(&log)
        .map_err(|error| format!("{}: {error}", log.display()))?;
    let mut command = Command::new(&launch.binary);
    command
        .args(["serve", "--listen", &launch.listen, "--ops-listen", "127.0.0.1:0", "--data"])
        .arg(&launch.data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .kill_on_drop(true);
    if launch.limits == Limits::Off {
        command.env("RUSHGATE__LIMITS__EXEMPT", "0.0.0.0/0,::/0");
    }
    if let Some(keys) = &launch.keys {
        command.env("RUSHGATE__KEYS__OPERATOR", &keys.operator);
        command.env("RUSHGATE__KEYS__BACKEND", &keys.backend);
    }
    let mut child =
        command.spawn().map_err(|error| format!("{}: {error}", launch.binary.display()))?;
    let output = child.stdout.take().ok_or("the server's output is not piped")?;
    let listening = tokio::time::timeout(START_MAX, first_line(output)).await;
    let line = listening
        .map_err(|_elapsed| format!("the server said nothing for {START_MAX:?}"))?
        .ok_or_else(|| format!("the server stopped while starting; see {}", log.display()))?;
    let listening: Listening = serde_json::from_str(&line)
        .map_err(|error| format!("the server's first line is not the promised JSON: {error}"))?;
    if listening.event != "listening" {
        return Err(format!("the server's first event is {}", listening.event));
    }
    Ok((child, listening.public))
}

/// Reads the first line and lets a task swallow the rest, so that the pipe never fills.
async fn first_line(output: impl AsyncRead + Unpin + Send + 'static) -> Option<String> {
    let mut lines = BufReader::new(output).lines();
    let line = lines.next_line().await.ok().flatten();
    drop(tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} }));
    line
}

/// The server's log, beside the data and not in it: the data directory is the server's alone.
pub(crate) fn log_path(data: &Path) -> PathBuf {
    let mut name = data.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".server.log");
    data.with_file_name(name)
}

/// One death.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Kill {
    /// When the signal was sent, in nanoseconds of the run.
    pub(crate) at: Stamp,
    /// When the next server listened.
    pub(crate) back: Stamp,
    /// Requests that were waiting for an answer.
    pub(crate) in_flight: usize,
    /// Requests answered since the kill before, or since the start.
    pub(crate) answered: u64,
}

/// The server and what was done to it.
#[derive(Debug)]
pub(crate) struct Killing {
    pub(crate) kills: Vec<Kill>,
    /// Why it did not come back, when it did not.
    pub(crate) trouble: Option<String>,
    /// Kept because dropping it ends it.
    _server: Server,
}

/// Kills `server` at each of `moments`, or as soon after as it has lived a little, and starts it
/// again, until `stopped`.
pub(crate) async fn kill_at(
    mut server: Server,
    run: Arc<Run>,
    moments: Vec<Stamp>,
    mut stopped: watch::Receiver<bool>,
) -> Killing {
    let mut kills: Vec<Kill> = Vec::new();
    let mut answered_before = 0;
    let mut born = Stamp::default();
    let mut trouble = None;
    for moment in moments {
        tokio::select! {
            () = run.clock.until(moment.max(born.after(LIFE_MIN))) => {}
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        let (at, in_flight) = (run.clock.now(), run.client.in_flight());
        let answered_now = run.measures.answered.get();
        run.measures.killed.add_one();
        let done = match server.kill().await {
            Ok(()) => server.restart(run.clock).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            run.server_lost.store(true, Ordering::Relaxed);
            trouble = Some(error);
            break;
        }
        born = run.clock.now();
        let answered = answered_now - answered_before;
        kills.push(Kill { at, back: born, in_flight, answered });
        answered_before = answered_now;
    }
    Killing { kills, trouble, _server: server }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(binary: &Path, data: &Path) -> Launch {
        let listen = "127.0.0.1:0".to_owned();
        let (binary, data, limits) = (binary.to_owned(), data.to_owned(), Limits::Off);
        Launch { binary, listen, data, keys: None, limits }
    }

    #[tokio::test]
    async fn a_missing_server_is_named_with_the_way_to_build_it() {
        let error = Server::start(launch(Path::new("/nowhere"), Path::new("/tmp"))).await;
        assert!(error.unwrap_err().contains("cargo build --release -p api"));
    }

    #[tokio::test]
    async fn a_server_is_killed_and_started_again_on_its_address() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let binary = dir.path().join("fake");
        let script = "#!/bin/sh\necho $3 >&2\necho '{\"event\":\"listening\",\
                      \"public\":\"127.0.0.1:7\",\"ops\":\"127.0.0.1:8\"}'\nexec sleep 60\n";
        fs::write(&binary, script).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let data = dir.path().join("data");

        let mut server = Server::start(launch(&binary, &data)).await.unwrap();
        assert_eq!(server.address(), "127.0.0.1:7");
        let first = server.child.id();
        server.kill().await.unwrap();
        server.restart(Clock::start()).await.unwrap();
        assert_ne!(server.child.id(), first);
        server.kill().await.unwrap();
        let log = fs::read_to_string(log_path(&data)).unwrap();
        assert_eq!(log, "127.0.0.1:0\n127.0.0.1:7\n", "the second start asks for the same port");
    }
}
