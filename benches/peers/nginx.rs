//! nginx as a ceiling: it says the same to everyone, as `ceiling` does, from the same arguments.
//!
//! Owns the configuration, written for speed: two workers as our two processors, each with its own
//! accept queue, no access log, connections that never have to be made again, an answer that is a
//! constant of the configuration. nginx adds `server` and `connection` headers that cannot be
//! switched off without a module; they are 40 bytes more than the ceiling sends.
//!
//! The launcher stays in front: it prints where nginx listens and which processes work, and nginx
//! dies with it. Processor time is the workers'.

#![forbid(unsafe_code)]

use std::{
    fs::{self, File},
    io::{self, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, ExitCode},
};

use benches::{
    fixed::FixedArguments,
    peer::{Program, wait_until_up},
};
use clap::Parser;
use serde_json::json;

/// Killed, it would leave its workers behind; told to stop, it stops them at once.
const NGINX: Program = Program { command: "nginx", package: "nginx", end: "TERM" };

/// As many as the processors of the machine that the published figures come from.
const WORKERS: usize = 2;

#[derive(Debug, Parser)]
#[command(about = "An nginx that gives every request the same answer")]
struct Options {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    #[command(flatten)]
    answer: FixedArguments,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(io::stderr(), "nginx_peer: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let address = free(options.listen)?;
    let prefix = tempfile::Builder::new().prefix("nginx-").tempdir()?;
    let (config, log) = (prefix.path().join("nginx.conf"), prefix.path().join("log"));
    fs::write(&config, configuration(address, prefix.path(), &options.answer)?)?;
    let mut nginx = NGINX
        .dying_with_us()?
        .arg("-p")
        .arg(prefix.path())
        .arg("-c")
        .arg(&config)
        // Before the configuration is read, nginx would log elsewhere.
        .args(["-e", "stderr"])
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?)
        .spawn()?;
    let workers = Workers::of(&nginx);
    wait_until_up(&mut nginx, &log, || {
        workers.pids().len() == WORKERS && TcpStream::connect(address).is_ok()
    })?;
    // Everything is read and open: nothing is left behind even if we are killed.
    prefix.close()?;
    let line = json!({
        "event": "listening",
        "public": address.to_string(),
        "nginx_pid": nginx.id(),
        "worker_pids": workers.pids(),
    });
    writeln!(io::stdout(), "{line}")?;
    io::stdout().flush()?;
    let status = nginx.wait()?;
    Err(io::Error::other(format!("nginx ended with {status}")))
}

/// nginx cannot pick a port by itself.
fn free(wanted: SocketAddr) -> io::Result<SocketAddr> {
    if wanted.port() != 0 {
        return Ok(wanted);
    }
    TcpListener::bind(wanted)?.local_addr()
}

/// The children of nginx's first process, which do the work.
struct Workers {
    children: String,
}

impl Workers {
    fn of(nginx: &Child) -> Self {
        let pid = nginx.id();
        Self { children: format!("/proc/{pid}/task/{pid}/children") }
    }

    fn pids(&self) -> Vec<u32> {
        let children = fs::read_to_string(&self.children).unwrap_or_default();
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }
}

fn configuration(
    address: SocketAddr,
    prefix: &Path,
    answer: &FixedArguments,
) -> io::Result<String> {
    let prefix = prefix.display();
    let body = String::from_utf8(answer.read_body()?).map_err(io::Error::other)?;
    let mut text = format!(
        "daemon off;\nworker_processes {WORKERS};\npid {prefix}/pid;\n\
         error_log stderr warn;\nworker_rlimit_nofile 16384;\n\
         events {{ worker_connections 8192; }}\n\
         http {{\n\
         access_log off;\nserver_tokens off;\n\
         keepalive_timeout 1h;\nkeepalive_requests 1000000000;\n\
         client_body_temp_path {prefix}/body;\nproxy_temp_path {prefix}/proxy;\n\
         fastcgi_temp_path {prefix}/fastcgi;\nuwsgi_temp_path {prefix}/uwsgi;\n\
         scgi_temp_path {prefix}/scgi;\n\
         geo $dollar {{ default \"$\"; }}\n\
         types {{ }}\n"
    );
    let (content_types, others): (Vec<_>, Vec<_>) =
        answer.headers.iter().partition(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let content_type = content_types.first().map_or("application/octet-stream", |(_, value)| value);
    let added = others.iter().map(|(name, value)| {
        let (name, value) = (quoted(name), quoted(value));
        format!("add_header {name} {value} always;\n")
    });
    text.push_str(
        &[
            format!("default_type {};\n", quoted(content_type)),
            format!("server {{\nlisten {address} reuseport backlog=4096;\nlocation / {{\n"),
            added.collect(),
            format!("return {} {};\n}}\n}}\n}}\n", answer.status, quoted(&body)),
        ]
        .concat(),
    );
    Ok(text)
}

/// A text as nginx reads it back: in quotes, with no variable in it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('\'', r"\'").replace('$', "${dollar}");
    format!("'{escaped}'")
}
