//! The image's recipe, as far as it can be tried without a container.

use std::process::Command;

use crate::{files, program};

const FILE: &str = "config/cluster/Dockerfile";

/// The instructions, each on one line, without comments.
fn instructions() -> Vec<String> {
    let text = files::text(FILE);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let whole = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    whole.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The words behind an instruction, wherever it stands.
fn all(instruction: &str) -> Vec<String> {
    let lines = instructions().into_iter();
    lines.filter_map(|line| Some(line.strip_prefix(instruction)?.trim().to_owned())).collect()
}

#[test]
fn what_is_copied_from_the_repository_is_there_and_not_ignored() {
    let ignored = files::text("config/cluster/Dockerfile.dockerignore");
    let copies = all("COPY ");
    let own = copies.iter().filter(|words| !words.starts_with("--from") && *words != ". .");
    let mut count = 0;
    for words in own {
        let source = words.split(' ').next().unwrap();
        assert!(files::path(source).is_file(), "{source}");
        let top = source.split('/').next().unwrap();
        assert!(ignored.lines().any(|line| line == format!("!{top}")), "{source} is ignored");
        count += 1;
    }
    assert_eq!(count, 2, "{copies:?}");
    let workspace: toml::Table = toml::from_str(&files::text("Cargo.toml")).unwrap();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        let top = format!("!{}", member.split('/').next().unwrap());
        assert!(ignored.lines().any(|line| line == top), "{member} is ignored");
    }
}

#[test]
fn the_compiler_is_the_one_that_the_workspace_asks_for() {
    let workspace: toml::Table = toml::from_str(&files::text("Cargo.toml")).unwrap();
    let wanted = workspace["workspace"]["package"]["rust-version"].as_str().unwrap();
    assert!(all("FROM ")[0].starts_with(&format!("rust:{wanted}-")));
}

#[test]
fn the_program_runs_as_nobody_in_particular_with_settings_it_knows() {
    assert_eq!(all("USER "), ["10001:10001"]);
    assert_eq!(all("VOLUME "), ["[\"/data\"]"]);
    let settings = all("ENV ").join(" ");
    let settings: Vec<(&str, &str)> =
        settings.split_whitespace().map(|pair| pair.split_once('=').unwrap()).collect();
    assert_eq!(settings.len(), 3);
    program::assert_accepted(FILE, &files::text("config/redis.toml"), &settings);
}

/// The command of `HEALTHCHECK`, with the script where it is here and the node where it is here.
#[test]
fn the_health_check_tells_a_node_that_answers_from_one_that_does_not() {
    let check = all("HEALTHCHECK ");
    let (_, command) = check[0].split_once("CMD ").unwrap();
    let words: Vec<String> = serde_json::from_str(command).unwrap();
    assert_eq!(words[..2], ["bash", "/usr/local/bin/healthcheck"]);
    let succeeds = |ops: &str, path: &str| {
        let script = files::path("config/cluster/healthcheck.sh");
        let mut call = Command::new("bash");
        call.arg(script).arg(ops).arg(path);
        call.output().unwrap().status.success()
    };
    let node = program::Node::start();
    let ops = node.ops.clone();
    assert!(succeeds(&ops, &words[3]));
    assert!(succeeds(&ops, "/readyz"));
    assert!(!succeeds(&ops, "/nowhere"));
    drop(node);
    assert!(!succeeds(&ops, &words[3]));
}
