//! The command line and the configuration, as an operator's shell sees them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    client::{Client, get},
    process::{CONFIG, PROGRAM, Server, first_line, run},
};

/// A configuration file in a directory of its own.
fn file(text: &str) -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("rushgate.toml");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[test]
fn a_bad_configuration_exits_2_and_names_key_value_and_what_is_allowed() {
    let (_dir, path) = file(
        "[server]\nlisten = \"nowhere\"\nconnections_max = 0\ncolour = \"red\"\n\
         [keys]\nsecret = \"too short\"\n[[sale]]\nid = \"Bad\"\n",
    );
    for arguments in [["serve", "--config", &path], ["check", "--config", &path]] {
        let (code, out, said) = run(&arguments, &[]);
        assert_eq!((code, out.as_str()), (2, ""), "{said}");
        for part in [
            "server.listen: found \"nowhere\", allowed: an address and port",
            "server.connections_max: found 0, allowed: ",
            "server.colour: unknown key; known keys: listen, ",
            "keys.secret: found (hidden, 9 bytes), allowed: 32 to 1024 bytes",
            "sale[0].id: found \"Bad\", allowed: ",
        ] {
            assert!(said.contains(part), "{part} is not in\n{said}");
        }
        assert!(!said.contains("too short"));
    }
    let (_dir, path) = file(
        "[pipeline]
sink = []
",
    );
    for arguments in [["serve", "--config", &path], ["check", "--config", &path]] {
        let (code, out, said) = run(&arguments, &[]);
        assert_eq!((code, out.as_str()), (2, ""), "{said}");
        assert!(said.contains("pipeline.sink: found an empty list, allowed: log, "), "{said}");
    }
    let (code, _, said) = run(&["serve", "--config", "/nowhere/at-all.toml"], &[]);
    assert_eq!(code, 2);
    assert!(said.contains("/nowhere/at-all.toml"), "{said}");
    assert_eq!(run(&["serve", "--colour"], &[]).0, 2);
}

#[test]
fn check_prints_the_resolved_configuration_and_masks_every_secret() {
    let (_dir, path) = file(
        "[server]\nlisten = \"127.0.0.1:1\"\n[keys]\noperator = \"operator-operator-1\"\n\
         backend = [\"backend-backend-1\"]\nsecret = \"0123456789abcdef0123456789abcdef\"\n\
         [redis]\nurl = \"redis://user:hunter2@host:6379\"\n\
         [pipeline]\nsink = \"webhook\"\nwebhook_url = \"https://shop.example/hook\"\n\
         webhook_secret = \"webhook-secret-16\"\n",
    );
    let environment = [
        ("RUSHGATE__SERVER__OPS_LISTEN", "127.0.0.1:2"),
        ("RUSHGATE__KEYS__OPERATOR", "operator-from-outside"),
    ];
    let (code, out, said) = run(&["check", "--config", &path], &environment);
    assert_eq!(code, 0, "{said}");
    let resolved: toml::Table = toml::from_str(&out).unwrap();
    assert_eq!(resolved["server"]["listen"].as_str(), Some("127.0.0.1:1"));
    assert_eq!(resolved["server"]["ops_listen"].as_str(), Some("127.0.0.1:2"));
    for secret in ["operator-", "backend-backend", "0123456789abcdef", "hunter2", "webhook-secret"]
    {
        assert!(!out.contains(secret), "{secret} shows in\n{out}");
    }
    let unknown = run(&["check", "--config", &path], &[("RUSHGATE__SERVER__COLOUR", "red")]);
    assert_eq!(unknown.0, 2);
    assert!(unknown.2.contains("server.colour"), "{}", unknown.2);
}

#[test]
fn a_fresh_key_comes_with_the_hash_that_a_file_may_hold() {
    for (role, prefix) in [("operator", "rgo_"), ("backend", "rgb_")] {
        let (code, out, _) = run(&["keys", "new", "--role", role], &[]);
        assert_eq!(code, 0);
        let key = out.lines().find_map(|line| line.strip_prefix("key:  ")).unwrap();
        let hash = out.lines().find_map(|line| line.strip_prefix("hash: ")).unwrap();
        assert!(key.starts_with(prefix));
        assert_eq!(hash, format!("blake3:{}", blake3::hash(key.as_bytes()).to_hex()));
    }
    assert_eq!(run(&["keys", "new", "--role", "emperor"], &[]).0, 2);
}

#[test]
fn the_first_line_is_json_with_the_ports_that_were_picked() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let arguments = ["serve", "--data", data.to_str().unwrap()];
    let environment =
        [("RUSHGATE__SERVER__LISTEN", "127.0.0.1:0"), ("RUSHGATE__SERVER__OPS_LISTEN", "[::1]:0")];
    let line = first_line(&arguments, &environment);
    let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| unreachable!("{line}"));
    assert_eq!(line.as_object().unwrap().len(), 4);
    assert_eq!(line["event"], "listening");
    let hosts = [("public", "127.0.0.1:"), ("ops", "[::1]:"), ("doubles", "127.0.0.1:")];
    for (name, host) in hosts {
        let address = line[name].as_str().unwrap();
        assert!(address.starts_with(host) && !address.ends_with(":0"), "{address}");
    }
    for file in ["keys.json", "demo.json"] {
        let mode = fs::metadata(data.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn without_a_file_the_demo_sale_runs_and_keys_come_from_the_environment() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), include_str!("../../../config/demo.toml"));
    let status = server.client.tell(get("/v1/sales/demo")).await.is(200).json();
    assert_eq!((&status["state"], &status["offers"][0]["total"]), (&"open".into(), &1_000.into()));
    drop(server);
    let environment = [
        ("RUSHGATE__KEYS__OPERATOR", "operator-from-outside"),
        ("RUSHGATE__KEYS__BACKEND", "backend-from-outside"),
        ("RUSHGATE__KEYS__SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let data = dir.path().join("other");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--data"];
    let arguments = [&arguments[..], &[data.to_str().unwrap()]].concat();
    assert!(first_line(&arguments, &environment).contains("listening"));
    assert!(!data.join("keys.json").exists(), "with all keys given, none are made");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_says_why_it_does_not_start() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let data = dir.path().join("data");
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--ops-listen",
        "127.0.0.1:0",
        "--data",
        data.to_str().unwrap(),
    ];
    let (code, out, said) = run(&arguments, &[]);
    assert_eq!((code, out.as_str()), (1, ""), "{said}");
    let said = said.to_lowercase();
    assert!(said.contains("in use") || said.contains("another process"), "{said}");
    server.client.tell(get("/v1/sales")).await.is(200);
    let port = server.client.addr.to_string();
    let other = dir.path().join("other");
    let arguments = ["serve", "--listen", &port, "--data", other.to_str().unwrap()];
    let (code, out, said) = run(&arguments, &[("RUSHGATE__SERVER__OPS_LISTEN", "127.0.0.1:0")]);
    assert_eq!((code, out.as_str()), (1, ""), "{said}");
    assert!(said.contains(&port), "the address that is taken is named: {said}");
}

/// Standard error on a full disk, or a pipe that nobody reads any more.
#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let (reader, pipe) = std::io::pipe().unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut reader = Some(reader);
    for errors in [Stdio::from(full), Stdio::from(pipe)] {
        let dir = TempDir::new().unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--data"]);
        command.arg(dir.path().join("data")).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        drop(reader.take());
        let addr =
            serde_json::from_str::<Value>(&line).unwrap()["public"].as_str().unwrap().parse();
        let client = Client { addr: addr.unwrap(), described: true };
        for _ in 0..3 {
            // Refused, which the access log tells of.
            client.tell(get("/v1/admin/sales").bearer("wrong")).await.refuses(401, "unauthorized");
        }
        client.tell(get("/v1/sales")).await.is(200);
        assert_eq!(child.try_wait().unwrap(), None, "it runs on");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn options_without_a_command_are_those_of_serve() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let arguments = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--data"];
    let line = first_line(&[&arguments[..], &[data.to_str().unwrap()]].concat(), &[]);
    assert!(line.contains("\"event\":\"listening\""), "{line}");
    assert_eq!(run(&["--data", "x", "check", "--config", "y"], &[]).0, 2);
}

#[tokio::test]
async fn at_a_terminal_a_person_is_told_where_everything_is_and_stops_it_with_ctrl_c() {
    let (dir, path) = file("");
    let data = dir.path().join("data");
    let call = format!(
        "exec '{PROGRAM}' serve --config '{path}' --data '{}' --listen 127.0.0.1:0 --ops-listen \
         127.0.0.1:0",
        data.display()
    );
    let mut terminal = Command::new("script")
        .args(["-qec", &call, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` is there (Debian package bsdutils)");
    let mut screen = BufReader::new(terminal.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Ctrl+C") {
        assert!(screen.read_line(&mut text).unwrap() > 0, "it ended: {text}");
    }
    assert!(text.contains("Rushgate is running."), "{text}");
    assert!(!text.contains("\"event\""), "nothing for tools: {text}");
    let told = |what: &str| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.trim().strip_prefix(what)).unwrap();
        line.split_whitespace().next().unwrap().trim_end_matches('/').to_owned()
    };
    for (what, path) in [("Shoppers", "/v1/sales"), ("Metrics, health", "/healthz")] {
        let addr = told(what).strip_prefix("http://").unwrap().parse().unwrap();
        Client { addr, described: false }.tell(get(path)).await.is(200);
    }
    let keys: Value = serde_json::from_slice(&fs::read(data.join("keys.json")).unwrap()).unwrap();
    assert!(keys["operator"].is_string() && text.contains("keys.json"), "{text}");
    terminal.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    screen.read_to_string(&mut text).unwrap();
    assert!(terminal.wait().unwrap().success(), "{text}");
}

#[test]
fn a_journal_with_nothing_to_remove_is_left_as_it_is_and_its_directory_named() {
    let dir = TempDir::new().unwrap();
    Server::start(dir.path(), CONFIG).kill();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    let before = names();
    for more in [&[][..], &["--past-gap"]] {
        let (code, out, said) = run(&[&["prune", "--data", data], more].concat(), &[]);
        assert_eq!((code, out.as_str()), (1, ""), "{said}");
        assert!(said.contains(data) && said.contains("no two snapshots"), "{said}");
        assert_eq!(names(), before);
    }
}
