//! What is measured: the sales, the requests into them, and the servers that answer.
//!
//! All peers speak the same calls, so one request goes to each of them unchanged.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    child::Served,
    drive::{Load, Shown},
    session::Bench,
};
use crate::failure::Failure;

/// Connections where the answer comes from memory: enough to keep two cores busy.
pub(super) const CONNECTIONS_READING: u32 = 64;
/// Connections where the answer waits for the disk: what shares one sync.
pub(super) const CONNECTIONS_WRITING: u32 = 256;

/// The sales of the bench: no one is called from `queue` and `door`, everyone from the others.
const SALES: [(&str, &str, u64); 4] = [
    ("queue", "0.001", 1_000_000),
    ("door", "0.001", 1_000_000),
    ("hot", "1000000.0", 1_000_000_000),
    ("gone", "1000000.0", 0),
];

/// An entry into a sale where one waits.
pub(super) fn enter(sale: &str) -> Load {
    Load {
        template: format!(
            "POST /v1/sales/{sale}/enter HTTP/1.1\r\nhost: bench\r\ncontent-length: 0\r\n\r\n"
        ),
        lines: None,
        connections: CONNECTIONS_WRITING,
        depth: 1,
        status: 202,
        core: None,
    }
}

/// The same with an idempotency key, as long as an anonymous entry's has to be.
pub(super) fn keyed(load: Load) -> Load {
    let line = "host: bench\r\nidempotency-key: entry-of-the-benchmark-{serial}\r\n";
    Load { template: load.template.replace("host: bench\r\n", line), ..load }
}

/// An entry into a sale where one is let in at once.
pub(super) fn admitted(sale: &str) -> Load {
    Load { status: 200, ..enter(sale) }
}

/// A look at one's place, of those with these tickets.
pub(super) fn position(tickets: PathBuf) -> Load {
    Load {
        template: "GET /v1/sales/queue/position HTTP/1.1\r\nhost: bench\r\n\
                   authorization: Bearer {line}\r\n\r\n"
            .to_owned(),
        lines: Some(tickets),
        connections: CONNECTIONS_READING,
        status: 200,
        ..enter("queue")
    }
}

/// A purchase of one unit with one of these passes, each with a key of its own.
pub(super) fn purchase(sale: &str, passes: PathBuf) -> Load {
    let body = r#"{"items":[{"sku":"unit","quantity":1}]}"#;
    Load {
        template: format!(
            "POST /v1/sales/{sale}/purchase HTTP/1.1\r\nhost: bench\r\n\
             authorization: Bearer {{line}}\r\nidempotency-key: {{serial}}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
        lines: Some(passes),
        status: 201,
        ..enter(sale)
    }
}

impl Bench {
    /// A fresh `rushgate serve` on an empty data directory of this name.
    pub(super) fn serve(&self, data: &str) -> Result<Served, Failure> {
        self.serve_at(&self.scratch.join(data))
    }

    /// A `rushgate serve` on a data directory.
    pub(super) fn serve_at(&self, data: &Path) -> Result<Served, Failure> {
        self.serve_with(data, "")
    }

    /// The same with `more` behind the configuration that all servers have.
    pub(super) fn serve_with(&self, data: &Path, more: &str) -> Result<Served, Failure> {
        Served::start(&self.server, &Self::serve_args(data, more)?, &data.with_extension("log"))
    }

    /// A fresh node of many, the only one, and a Redis of its own; `None` if there is none, which has
    /// been said.
    pub(super) fn serve_node(
        &self,
        data: &str,
        appendfsync: &str,
    ) -> Result<Option<Served>, Failure> {
        if self.classic.is_none() {
            return Ok(None);
        }
        let (data, within) = (self.scratch.join(data), self.scratch.display().to_string());
        let args = ["--appendfsync", appendfsync, "--within", &within].map(str::to_owned);
        let redis = Served::start(&self.private_redis, &args, &data.with_extension("redis"))?;
        let shared = format!(
            "node = \"a\"\n[keys]\nsecret = \"{SECRET}\"\n[arbiter]\nkind = \"redis\"\n\
             [redis]\nurl = \"redis+unix://{}\"\n",
            redis.address
        );
        let args = Self::serve_args(&data, &shared)?;
        let served = Served::start(&self.server, &args, &data.with_extension("log"))?;
        Ok(Some(served.beside(redis)))
    }

    /// A fresh `rushgate serve` that may use this processor only.
    pub(super) fn serve_on(&self, core: u32, data: &str) -> Result<Served, Failure> {
        let data = self.scratch.join(data);
        let program = self.server.display().to_string();
        let mut args = vec!["-c".to_owned(), core.to_string(), program];
        args.extend(Self::serve_args(&data, "")?);
        Served::start(Path::new("taskset"), &args, &data.with_extension("log"))
    }

    /// With `more` behind the configuration that all servers have, which ends in `[server]`.
    fn serve_args(data: &Path, more: &str) -> Result<Vec<String>, Failure> {
        let config = data.with_extension("toml");
        write(&config, &(config_text() + more))?;
        let args = ["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--config"];
        let mut args: Vec<String> = args.map(str::to_owned).into();
        args.push(config.display().to_string());
        args.extend(["--data".to_owned(), data.display().to_string()]);
        Ok(args)
    }

    /// A bare hyper that says the same.
    pub(super) fn ceiling_for(&self, answer: &Shown) -> Result<Served, Failure> {
        self.fixed(&self.ceiling, answer)
    }

    /// A bare hyper that says the same and may use this processor only.
    pub(super) fn ceiling_on(&self, core: u32, answer: &Shown) -> Result<Served, Failure> {
        let program = self.ceiling.display().to_string();
        let mut args = vec!["-c".to_owned(), core.to_string(), program];
        args.extend(self.fixed_args(answer)?);
        Served::start(Path::new("taskset"), &args, &self.scratch.join("fixed.log"))
    }

    /// An nginx that says the same; `None` if there is none, which has been said.
    pub(super) fn nginx_for(&self, answer: &Shown) -> Result<Option<Served>, Failure> {
        self.nginx.as_deref().map(|nginx| self.fixed(nginx, answer)).transpose()
    }

    fn fixed(&self, program: &Path, answer: &Shown) -> Result<Served, Failure> {
        Served::start(program, &self.fixed_args(answer)?, &self.scratch.join("fixed.log"))
    }

    fn fixed_args(&self, answer: &Shown) -> Result<Vec<String>, Failure> {
        let body = self.scratch.join("body");
        write(&body, &answer.body)?;
        let mut args = vec!["--status".to_owned(), answer.status.to_string()];
        for header in &answer.headers {
            args.extend(["--header".to_owned(), header.clone()]);
        }
        args.extend(["--body".to_owned(), body.display().to_string()]);
        Ok(args)
    }

    /// The classic design with so many in its line, and their tickets; `None` if there is none,
    /// which has been said.
    pub(super) fn classic(
        &self,
        appendfsync: &str,
        waiting: u64,
    ) -> Result<Option<(Served, PathBuf)>, Failure> {
        let Some(classic) = &self.classic else { return Ok(None) };
        let tickets = self.scratch.join(format!("classic-tickets-{appendfsync}"));
        let (scratch, path) = (self.scratch.display(), tickets.display());
        let mut args = ["--reachable", "--appendfsync", appendfsync].map(str::to_owned).to_vec();
        args.extend(["--within".to_owned(), scratch.to_string()]);
        if waiting > 0 {
            args.extend(["--fill".to_owned(), waiting.to_string()]);
            args.extend(["--tickets".to_owned(), path.to_string()]);
        }
        let served = Served::start(classic, &args, &self.scratch.join("classic.log"))?;
        Ok(Some((served, tickets)))
    }
}

/// A secret of no use elsewhere: nodes of many must be given one.
const SECRET: &str = "a secret that only the bench's servers share";

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|source| Failure::Disk { path: path.to_owned(), source })
}

fn config_text() -> String {
    let sale = |(name, rate, total): (&str, &str, u64)| {
        format!(
            "[[sale]]\nid = \"{name}\"\ntitle = \"{name}\"\nidentity = \"anonymous\"\n\
             admission_per_second = {rate}\nactive_max = 1000000\nclaim_window_seconds = 86400\n\
             session_seconds = 86400\nidle_seconds = 86400\nhold_seconds = 86400\n\
             per_shopper_max = 1000000\n[[sale.offer]]\nsku = \"unit\"\ntotal = {total}\n\
             price = 100\ncurrency = \"EUR\"\n"
        )
    };
    SALES.map(sale).concat()
        + "[log]\nfilter = \"info\"\nformat = \"json\"\n[limits]\nexempt = [\"127.0.0.0/8\"]\n[server]\nstreams_max = 13000\n"
}
