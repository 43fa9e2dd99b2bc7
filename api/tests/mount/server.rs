//! The server under test: this very test binary, started again as a process of its own.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
    time::Duration,
};

use api::{
    config::{self, Overrides},
    mount::{Guest, GuestContext, MountOptions, MountService, Opened, Opening},
    serve,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{client::Told, service};

/// Names the directory of the server that this process is to be.
const DIRECTORY: &str = "RUSHGATE_TEST_MOUNT";

/// A sale for polls and entries.
const SALE: &str = r#"
[[sale]]
id = "demo"
opens_at = "2026-01-01T00:00:00Z"
closes_at = "2100-01-01T00:00:00Z"
identity = "anonymous"
[[sale.offer]]
sku = "sneaker-42"
total = 1000
price = 99000
currency = "KRW"
"#;

/// The bounds that a test may set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) requests_max: usize,
    pub(crate) body_bytes_max: u64,
    pub(crate) answer_ms: u64,
    pub(crate) body_ms: u64,
    pub(crate) request_timeout_ms: u64,
    pub(crate) drain_timeout_ms: u64,
    pub(crate) bodies_max: usize,
    pub(crate) frame_ms: u64,
    pub(crate) sending_ms: u64,
    pub(crate) streams_max: usize,
    pub(crate) trusted: &'static str,
    pub(crate) connections_per_peer: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        let MountOptions {
            requests_max, bodies_max, frame_timeout, sending_timeout, bounds, ..
        } = MountOptions::default();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap();
        Self {
            requests_max,
            body_bytes_max: bounds.body_bytes_max,
            answer_ms: ms(bounds.answer_timeout),
            body_ms: ms(bounds.body_timeout),
            request_timeout_ms: 10_000,
            drain_timeout_ms: 10_000,
            bodies_max,
            frame_ms: ms(frame_timeout),
            sending_ms: ms(sending_timeout),
            streams_max: 10_000,
            trusted: "",
            connections_per_peer: 0,
        }
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(crate) addr: SocketAddr,
    pub(crate) ops: SocketAddr,
    dir: TempDir,
}

impl Server {
    pub(crate) fn start(bounds: Bounds) -> Self {
        let dir = TempDir::with_prefix("rushgate-mount-").unwrap();
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n\
             request_timeout_ms = {}\ndrain_timeout_ms = {}\nstreams_max = {}\ntrusted_proxies = [{}]\n\
             [limits]\nconnections_per_peer = {}\nconnects_per_second = 0\n\
             [log]\nfilter = \"debug\"\n[data]\ndir = \"{}\"\n{SALE}",
            bounds.request_timeout_ms,
            bounds.drain_timeout_ms,
            bounds.streams_max,
            bounds.trusted,
            bounds.connections_per_peer,
            dir.path().join("data").display(),
        );
        fs::write(dir.path().join("config.toml"), config).unwrap();
        let Bounds { requests_max, body_bytes_max, answer_ms, body_ms, .. } = bounds;
        let Bounds { bodies_max, frame_ms, sending_ms, .. } = bounds;
        let (requests_max, bodies_max) = (requests_max as u64, bodies_max as u64);
        let told =
            [requests_max, body_bytes_max, answer_ms, body_ms, bodies_max, frame_ms, sending_ms];
        fs::write(dir.path().join("bounds.json"), serde_json::to_vec(&told).unwrap()).unwrap();
        let errors = fs::File::create(dir.path().join("stderr.txt")).unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["server::a_server_starts_answers_and_stops", "--exact", "--nocapture"]);
        command.env(DIRECTORY, dir.path()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let line = loop {
            let mut line = String::new();
            let count = output.read_line(&mut line).unwrap();
            let said = || fs::read_to_string(dir.path().join("stderr.txt")).unwrap();
            assert!(count > 0, "the server ended: {}", said());
            // The test harness says something before.
            if let Some(at) = line.find('{') {
                break serde_json::from_str::<Value>(&line[at..]).unwrap();
            }
        };
        let addr = |name: &str| line[name].as_str().unwrap().parse().unwrap();
        Self { child, output, addr: addr("public"), ops: addr("ops"), dir }
    }

    pub(crate) fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn ended_well(mut self) {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut said = String::new();
        while self.output.read_line(&mut said).unwrap() > 0 {}
        assert!(status.success(), "{said}\n{}", self.log());
    }

    /// All that was logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("stderr.txt")).unwrap()
    }

    /// The metrics now.
    pub(crate) async fn metrics(&self) -> String {
        Told::of(self.ops, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await
            .body
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the process that is the server does.
fn serve_in(directory: &Path) -> ExitCode {
    let config = config::load(Some(&directory.join("config.toml")), Overrides::default()).unwrap();
    let bounds: [u64; 7] =
        serde_json::from_slice(&fs::read(directory.join("bounds.json")).unwrap()).unwrap();
    let [requests_max, body_bytes_max, answer_ms, body_ms, bodies_max, frame_ms, sending_ms] =
        bounds;
    let mut options =
        MountOptions { requests_max: usize::try_from(requests_max).unwrap(), ..Default::default() };
    options.bodies_max = usize::try_from(bodies_max).unwrap();
    options.frame_timeout = Duration::from_millis(frame_ms);
    options.sending_timeout = Duration::from_millis(sending_ms);
    options.bounds.body_bytes_max = body_bytes_max;
    options.bounds.answer_timeout = Duration::from_millis(answer_ms);
    options.bounds.body_timeout = Duration::from_millis(body_ms);
    let guest = Guest {
        options,
        sink: None,
        open: Box::new(|context: GuestContext| -> Opening {
            Box::pin(async move {
                let service = MountService::new(service::router(context.draining));
                Ok(Opened { service, sink: None, finishing: None })
            })
        }),
    };
    serve::run(config, Some(guest))
}

#[test]
fn a_server_starts_answers_and_stops() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        let code = serve_in(Path::new(&directory));
        return assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start(Bounds::default());
    let told = runtime.block_on(Told::get(server.addr, "/hello"));
    assert_eq!((told.status, told.body.as_str()), (200, "hello"));
    server.terminate();
    server.ended_well();
}
