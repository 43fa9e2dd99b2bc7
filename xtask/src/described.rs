//! Requests that are made up from `openapi.json`, sent at the real server.
//!
//! Owns which calls are asked with whose token, and for how long. What is made up and what counts as a
//! fault is schemathesis's: answers with a status, type, header or body that is not described, a 500,
//! what the description forbids and the server takes, a call that asks for no token. Every request
//! follows from the seed.
//!
//! Not counted is that a request the description allows is refused. Whether a sale is open, at this
//! version, or has the units, no schema can say.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use crate::{
    bench::child::Served,
    failure::Failure,
    nodes::http::{Client, Request},
    process::Call,
    project::Project,
};

/// What makes the requests up, from Python's package index.
const PACKAGE: &str = "schemathesis==4.32.5";

const SEED: &str = "7";

/// Requests made up for each call, beside its examples and the bounds of its parameters.
const EXAMPLES_MAX: &str = "20";

/// Installing it and all runs. They take half a minute on an idle machine.
const DEADLINE: Duration = Duration::from_mins(5);

/// How long the server may take for an answer that a run begins with.
const PATIENCE: Duration = Duration::from_secs(10);

const CONFIG: &str = r#"
[limits]
entries_per_second = 0
connects_per_second = 0
[[sale]]
id = "demo"
active_max = 100000
admission_per_second = 100000
per_shopper_max = 1000
[[sale.offer]]
sku = "sneaker-42"
total = 100000
price = 99000
currency = "KRW"
"#;

/// An event stream ends with the sale, or not at all.
const STREAM: &str = "/v1/sales/{sale}/stream";

/// Starts a server and asks it, with each kind of token in turn.
pub(crate) fn check(project: &Project) -> Result<(), Failure> {
    let program = install(project)?;
    project.cargo(["build", "--package=api", "--bin=rushgate"]).run()?;
    let scratch = project.target.join("described");
    drop(fs::remove_dir_all(&scratch));
    make(fs::create_dir_all(&scratch), &scratch)?;
    let server = serve(project, &scratch)?;
    let keys = read_json(&scratch.join("data/keys.json"))?;
    let key = |name: &str| keys[name].as_str().unwrap_or_default().to_owned();
    let place = enter(&server)?;
    let pass = place["pass"].as_str().unwrap_or_default();
    let ticket = place["ticket"].as_str().unwrap_or_default();
    let ask = |bearer: &str, more: &[&str]| run(&program, &server, bearer, more).run();
    ask(pass, &["--include-tag", "shoppers", "--exclude-path", STREAM])?;
    ask(ticket, &["--include-tag", "shoppers", "--exclude-path", STREAM])?;
    ask(&key("backend"), &["--include-tag", "backend"])?;
    // The last, for whoever has this key may end the sale.
    ask(&key("operator"), &[])
}

/// Has the package installed in a directory of the project's own; answers that. What cannot be
/// installed fails the step, so that nobody takes silence for success.
fn install(project: &Project) -> Result<PathBuf, Failure> {
    let directory = project.target.join("schemathesis").join(PACKAGE);
    if !directory.join("bin/schemathesis").is_file() {
        let target = directory.display().to_string();
        let pip = ["-m", "pip", "install", "--quiet", "--upgrade", "--target", &target, PACKAGE];
        project.call("python3", pip).deadline(DEADLINE).run()?;
    }
    Ok(directory)
}

fn run(program: &Path, server: &Served, bearer: &str, more: &[&str]) -> Call {
    let location = format!("http://{}/openapi.json", server.address);
    let authorization = format!("Authorization: Bearer {bearer}");
    Call::new(program.join("bin/schemathesis"))
        .args(["run", &location, "--seed", SEED, "--max-examples", EXAMPLES_MAX])
        .args(["--header", &authorization, "--workers", "1", "--warnings", "off"])
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(more)
        .env("PYTHONPATH", program)
        .within(program)
        .deadline(DEADLINE)
}

fn serve(project: &Project, scratch: &Path) -> Result<Served, Failure> {
    let config = scratch.join("config.toml");
    make(fs::write(&config, CONFIG), &config)?;
    let path = |path: &Path| path.display().to_string();
    let args = ["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--config"];
    let mut args: Vec<String> = args.map(str::to_owned).into();
    args.extend([path(&config), "--data".to_owned(), path(&scratch.join("data"))]);
    Served::start(&project.target.join("debug/rushgate"), &args, &scratch.join("server.log"))
}

/// Somebody who is let in.
fn enter(server: &Served) -> Result<Value, Failure> {
    let path = "/v1/sales/demo/enter";
    let unexpected = |what: String| Failure::Unexpected { call: path.to_owned(), what };
    let address: SocketAddr =
        server.address.parse().map_err(|_| unexpected("no address".into()))?;
    let answer = Client::new(address, PATIENCE).ask(&Request::post(path));
    let answer = answer.map_err(|error| unexpected(error.to_string()))?;
    let place: Value =
        serde_json::from_slice(&answer.body).map_err(|error| unexpected(error.to_string()))?;
    if place["state"] == "admitted" { Ok(place) } else { Err(unexpected(place.to_string())) }
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = make(fs::read(path), path)?;
    let what = |error: serde_json::Error| Failure::Unexpected {
        call: path.display().to_string(),
        what: error.to_string(),
    };
    serde_json::from_slice(&text).map_err(what)
}

fn make<T>(result: std::io::Result<T>, path: &Path) -> Result<T, Failure> {
    result.map_err(|source| Failure::Disk { path: path.to_owned(), source })
}
