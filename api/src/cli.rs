//! The command line: `serve`, `check`, `verify` and `keys`.
//!
//! Exit codes: 0 done, 1 failed, 2 the configuration or the command line is wrong; `serve` and
//! `verify` say theirs.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    config::{self, Config, Overrides, resolved_text},
    keys::{self, Role},
    serve, verify,
};

/// A waiting room and flash-sale engine.
#[derive(Debug, Parser)]
#[command(name = "rushgate", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; without a config, the demo sale with everything embedded.
    Serve(ServeArgs),
    /// Validate a config and print it resolved, secrets masked.
    Check {
        /// The config file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Audit a data directory that no server is using, and print what it proves.
    Verify {
        /// The data directory.
        #[arg(long)]
        data: PathBuf,
    },
    /// Make a key.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
}

#[derive(Args, Debug, Default)]
struct ServeArgs {
    /// The config file.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where shoppers come; port 0 picks a free one.
    #[arg(long)]
    listen: Option<String>,
    /// Where operations come; never public.
    #[arg(long)]
    ops_listen: Option<String>,
    /// The data directory.
    #[arg(long)]
    data: Option<String>,
    /// This node's name.
    #[arg(long)]
    node: Option<String>,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Print a fresh key, and the hash that a config may hold in its place.
    New {
        /// What the key allows.
        #[arg(long)]
        role: RoleName,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleName {
    Operator,
    Backend,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    match Cli::parse().command.unwrap_or_else(|| Command::Serve(ServeArgs::default())) {
        Command::Serve(args) => {
            let ServeArgs { config, listen, ops_listen, data, node } = args;
            let overrides = Overrides { listen, ops_listen, data, node };
            with_config(config.as_deref(), overrides, serve::run)
        }
        Command::Check { config } => {
            with_config(Some(&config), Overrides::default(), |config| say(&resolved_text(&config)))
        }
        Command::Verify { data } => verify::run(&data),
        Command::Keys { command: KeysCommand::New { role } } => new_key(match role {
            RoleName::Operator => Role::Operator,
            RoleName::Backend => Role::Backend,
        }),
    }
}

fn with_config(
    file: Option<&Path>,
    overrides: Overrides,
    act: impl FnOnce(Config) -> ExitCode,
) -> ExitCode {
    match config::load(file, overrides) {
        Ok(config) => act(config),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(2)
        }
    }
}

fn new_key(role: Role) -> ExitCode {
    match keys::fresh_key(role) {
        Ok(key) => say(&format!("key:  {key}\nhash: {}\n", keys::hashed_form(&key))),
        Err(error) => {
            complain(&format!("the system gives no randomness: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output; a reader that went away is the only way to fail.
pub(crate) fn say(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes to standard error what stops the program, before or after logging is there.
pub(crate) fn complain(text: &str) {
    // There is nobody left to tell when standard error is gone.
    drop(writeln!(std::io::stderr(), "rushgate: {text}"));
}
