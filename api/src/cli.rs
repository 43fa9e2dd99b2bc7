//! The command line: `serve`, `check`, `verify`, `prune` and `keys`.
//!
//! Exit codes: 0 done, 1 failed, 2 the configuration or the command line is wrong; `serve`,
//! `verify` and `prune` say theirs.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use engine::certificate;

use crate::{
    config::{self, Config, Overrides},
    console::{complain, say},
    keys, serve,
    token::Role,
    verify,
};

/// A waiting room and stock counter for flash sales.
#[derive(Debug, Parser)]
#[command(name = "rushgate", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command, those of `serve`.
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; without a config file, run the demo sale.
    Serve(ServeArgs),
    /// Check a config file and print the resulting configuration, with secrets masked.
    Check {
        /// Config file, in TOML.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Audit a data directory that no server is using, and print the result as JSON.
    Verify {
        /// Data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Audit the journal in a data directory that no server is using, and remove its oldest segments. A
    /// certificate keeps what was proven of them; single events in them can no longer be looked up.
    Prune {
        /// Data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Also remove records that cannot be audited because the copy that the journal began with was lost.
        #[arg(long)]
        past_gap: bool,
    },
    /// Create keys for operators and backends.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
}

#[derive(Args, Debug)]
struct ServeArgs {
    /// Config file, in TOML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address for shoppers (port 0 picks a free port).
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address for metrics and health checks; keep it private.
    #[arg(long, value_name = "ADDR")]
    ops_listen: Option<String>,
    /// Data directory.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Name of this node, when several nodes share sales.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Rebuild sales that Redis has lost from what the nodes that run now know, although none of them was in
    /// touch with Redis when it lost them. Only if no other node has served since.
    #[arg(long)]
    rebuild_store: bool,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Print a new key, and its hash for the config file.
    New {
        /// Who will use the key.
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
    let Cli { command, serve } = Cli::parse();
    match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(args) => {
            let ServeArgs { config, listen, ops_listen, data, node, rebuild_store } = args;
            let overrides = Overrides { listen, ops_listen, data, node, rebuild_store };
            with_config(config.as_deref(), overrides, |config| serve::run(config, None))
        }
        Command::Check { config } => {
            with_config(Some(&config), Overrides::default(), |config| say(&config.to_text()))
        }
        Command::Verify { data } => verify::run(&data),
        Command::Prune { data, past_gap: false } => verify::prune(&data, certificate::prune),
        Command::Prune { data, past_gap: true } => {
            verify::prune(&data, certificate::prune_past_gap)
        }
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
    match config::load_alone(file, overrides) {
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
            complain(&format!("the system has no randomness for a new key: {error}"));
            ExitCode::FAILURE
        }
    }
}
