//! The program as a child process: started at free ports with a directory of its own, and ended
//! whatever becomes of the test.

use std::{
    fmt::Write as _,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde_json::Value;
use tempfile::TempDir;

use crate::{arbiter, client::Client};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_rushgate");

/// Runs the program and takes its parent's end as its own: the shared server belongs to a static,
/// and statics are never dropped. The shell's standard input closes when the test binary is gone;
/// its standard output is the program's alone, so that it ends when the program does.
const WATCHED: &str = r#""$@" & pid=$!; exec >&2; read -r _; kill -9 $pid; wait $pid; rm -rf "$0""#;

/// The configuration of a test's server: no sales but those a test makes.
pub(crate) const CONFIG: &str = r#"
[server]
# Written as an IPv6-mapped network: it must match the IPv4 peer all the same.
trusted_proxies = ["::ffff:127.0.0.2/128"]
[pages]
demo_payment = true
[log]
filter = "debug"
"#;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) client: Client,
    pub(crate) ops: Client,
    pub(crate) operator: String,
    pub(crate) backend: String,
    /// Where the doubles are asked what came to them, if they run.
    pub(crate) doubles: Option<Client>,
    /// The data directory.
    pub(crate) data: PathBuf,
    errors: PathBuf,
}

/// The server most tests share; each makes sales of its own.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start_for_all(CONFIG))
}

impl Server {
    /// A server of one test alone, on a directory the test owns.
    pub(crate) fn start(dir: &Path, config: &str) -> Self {
        Self::start_in(dir, config, &[])
    }

    /// The same, with more in its environment.
    pub(crate) fn start_in(dir: &Path, config: &str, environment: &[(&str, String)]) -> Self {
        Self::spawn(Command::new(PROGRAM), dir, config, environment)
    }

    /// A server for a static, which ends with this process and takes its directory along.
    pub(crate) fn start_for_all(config: &str) -> Self {
        let dir = TempDir::with_prefix("rushgate-contract-").unwrap().keep();
        let mut command = Command::new("sh");
        command.args(["-c", WATCHED]).arg(&dir).arg(PROGRAM).stdin(Stdio::piped());
        Self::spawn(command, &dir, config, &[])
    }

    fn spawn(
        mut command: Command,
        dir: &Path,
        config: &str,
        environment: &[(&str, String)],
    ) -> Self {
        let (file, errors) = (dir.join("config.toml"), dir.join("stderr.txt"));
        std::fs::write(&file, config).unwrap();
        command.arg("serve").arg("--config").arg(&file).arg("--data").arg(dir.join("data"));
        command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
        command.envs(arbiter::environment(dir, config)).envs(environment.iter().cloned());
        let log = File::options().create(true).append(true).open(&errors).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let line: Value = serde_json::from_str(&first).unwrap_or_else(|_| {
            let said = std::fs::read_to_string(&errors).unwrap();
            unreachable!("the first line is {first:?}; standard error: {said}")
        });
        assert_eq!(line["event"], "listening");
        let addr = |name: &str| line[name].as_str().unwrap().parse::<SocketAddr>().unwrap();
        let doubles = line.get("doubles").map(|_| addr("doubles"));
        let keys = std::fs::read_to_string(dir.join("data/keys.json")).unwrap();
        let keys: Value = serde_json::from_str(&keys).unwrap();
        let key = |name: &str| keys[name].as_str().unwrap().to_owned();
        Self {
            child,
            client: Client { addr: addr("public"), described: true },
            ops: Client { addr: addr("ops"), described: false },
            operator: key("operator"),
            backend: key("backend"),
            doubles: doubles.map(|addr| Client { addr, described: false }),
            data: dir.join("data"),
            errors,
        }
    }

    /// SIGKILL: nothing of the process gets to run any more.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGKILL, for a server that is lent for good. Once: the process's number is another's afterwards.
    pub(crate) fn strike(&self) {
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::KILL).unwrap();
        waitpid(Some(process), WaitOptions::empty()).unwrap();
    }

    /// All that was logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs the program to its end, with nothing of this process's own configuration around it.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// Starts the program, waits for its first line, and ends it.
pub(crate) fn first_line(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    if line.is_empty() {
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        write!(line, "nothing; standard error: {said}").unwrap();
    }
    line
}
