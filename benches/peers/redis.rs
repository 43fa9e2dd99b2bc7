//! A Redis by itself, for a node of many: started as the peers start theirs, gone with this process.
//!
//! The first line on standard output says at which socket it is and which process it is.

#![forbid(unsafe_code)]

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    thread,
};

use benches::redis::{AppendFsync, Redis};
use clap::Parser;
use serde_json::json;

#[derive(Debug, Parser)]
#[command(about = "A private Redis at a unix socket")]
struct Options {
    /// When what it has written is durable.
    #[arg(long, value_enum)]
    appendfsync: AppendFsync,
    /// Where it keeps its files: the disk that is measured.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    within: PathBuf,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(io::stderr(), "private_redis: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let redis = Redis::start_in(&options.within, options.appendfsync)?;
    let socket = redis.socket();
    let line = json!({
        "event": "listening", "public": socket, "redis_socket": socket, "redis_pid": redis.pid(),
    });
    writeln!(io::stdout(), "{line}")?;
    io::stdout().flush()?;
    loop {
        // Until it is killed, and its Redis with it.
        thread::park();
    }
}
