//! The program: what it says to a configuration, and whether the image's health check finds it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::files;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rushgate");

/// What a file leaves to the environment.
const SECRETS: [(&str, &str); 5] = [
    ("RUSHGATE__SERVER__NODE", "node-1"),
    ("RUSHGATE__KEYS__SECRET", "0123456789abcdef0123456789abcdef"),
    ("RUSHGATE__KEYS__OPERATOR", "an-operator-of-tests"),
    ("RUSHGATE__KEYS__BACKEND", "a-backend-of-tests"),
    ("RUSHGATE__PIPELINE__REDIS_URL", "redis://redis:6379"),
];

/// What `rushgate check` says to a configuration with these variables: its exit code and words.
pub(crate) fn check(config: &str, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rushgate.toml");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(PROGRAM);
    command.arg("check").arg("--config").arg(&file).envs(environment.iter().copied());
    let output = command.output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(words).unwrap())
}

/// Fails unless the program takes the configuration, given the secrets and these variables.
pub(crate) fn assert_accepted(name: &str, config: &str, environment: &[(&str, &str)]) {
    let (code, said) = check(config, &[&SECRETS[..], environment].concat());
    assert_eq!(code, Some(0), "{name}: {said}");
}

/// A node by itself, on a directory of its own.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    /// Where metrics and health are.
    pub(crate) ops: String,
    _directory: TempDir,
}

impl Node {
    pub(crate) fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
        command.arg("--data").arg(directory.path().join("data"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let ops = said["ops"].as_str().unwrap().to_owned();
        Self { child, ops, _directory: directory }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

#[test]
fn the_node_of_many_is_configured_as_the_program_understands() {
    let config = files::text("config/redis.toml");
    assert_accepted("config/redis.toml", &config, &[]);
}

#[test]
fn the_node_of_many_has_no_secret_that_everybody_knows() {
    let config: toml::Table = toml::from_str(&files::text("config/redis.toml")).unwrap();
    assert!(!config.contains_key("keys") || config["keys"].as_table().unwrap().is_empty());
}
