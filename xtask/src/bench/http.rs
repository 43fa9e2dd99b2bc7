//! Requests a second, ours and a bare hyper's with the same bytes, in turns.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Bench,
    child::Served,
    drive::{Extent, Load, Report, Shown},
    median,
};
use crate::failure::Failure;

/// Connections where the answer comes from memory: enough to keep two cores busy.
const CONNECTIONS_READING: u32 = 64;
/// Connections where the answer waits for the disk: what shares one sync.
const CONNECTIONS_WRITING: u32 = 256;

/// Purchases of one turn, on a server of its own: fewer than the 65,536 orders after which the
/// outbox refuses more when the order log, which shares the disk, falls behind.
const PURCHASES: u64 = 60_000;
/// Shoppers who make them, one each: each purchase verifies another pass.
const BUYERS: u64 = PURCHASES;
/// Requests before the first turn.
const WARM_UP: u64 = 5_000;
/// Shoppers who find nothing left.
const LATE: u64 = 1_000;

/// Two sides of one call, turn by turn.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// The status of the answers and their bytes, ours.
    pub(super) status: u16,
    pub(super) connections: u32,
    pub(super) pairs: Vec<(Report, Report)>,
}

impl Figure {
    /// The median of one quantity, ours and the bare hyper's.
    pub(super) fn medians(&self, of: impl Fn(&Report) -> f64) -> (f64, f64) {
        let ours = median(self.pairs.iter().map(|(ours, _)| of(ours)));
        (ours, median(self.pairs.iter().map(|(_, ceiling)| of(ceiling))))
    }

    /// Our throughput as a share of the bare hyper's, pair by pair: the median, the least and the
    /// most. A wide span says that the machine had other things to do.
    pub(super) fn shares(&self) -> [f64; 3] {
        let shares = || self.pairs.iter().map(|(ours, ceiling)| ours.rps / ceiling.rps);
        let (least, most) = (shares().fold(f64::INFINITY, f64::min), shares().fold(0.0, f64::max));
        [median(shares()), least, most]
    }
}

/// The sales of the bench: nobody is called from `queue` and `door`, everyone from the others.
const SALES: [(&str, &str, u64); 4] = [
    ("queue", "0.001", 1_000_000),
    ("door", "0.001", 1_000_000),
    ("hot", "1000000.0", 1_000_000_000),
    ("gone", "1000000.0", 0),
];

/// Everything over HTTP that has a bare hyper beside it.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let server = bench.serve("http")?;
    bench.say(&format!("{} shoppers enter the line", bench.sizes.waiting));
    let tickets = bench.driver.collect(&server, &enter("queue"), bench.sizes.waiting, "ticket")?;
    let position = Load {
        template: "GET /v1/sales/queue/position HTTP/1.1\r\nhost: bench\r\n\
                   authorization: Bearer {line}\r\n\r\n"
            .to_owned(),
        lines: Some(tickets),
        connections: CONNECTIONS_READING,
        status: 200,
    };
    let late = bench.driver.collect(&server, &admitted("gone"), LATE, "pass")?;
    let refusal = Load { status: 409, connections: CONNECTIONS_READING, ..purchase("gone", late) };
    let figures = [
        ("position", position),
        ("sold out", refusal),
        ("enter", enter("door")),
        ("enter with a key", keyed(enter("door"))),
    ];
    let mut measured = Vec::new();
    for (name, load) in figures {
        measured.push(compare(bench, &server, name, &load)?);
    }
    drop(server);
    measured.push(purchases(bench)?);
    Ok(measured)
}

/// Ours and the bare hyper in turns.
fn compare(
    bench: &Bench,
    server: &Served,
    name: &'static str,
    load: &Load,
) -> Result<Figure, Failure> {
    // The first to enter an empty room is let in: the answer to copy is the one that most get.
    bench.driver.run(server, load, Extent::Requests(WARM_UP))?;
    let ceiling = bench.ceiling_for(&bench.driver.show(server, load)?)?;
    let extent = Extent::Seconds(bench.sizes.seconds);
    let mut pairs = Vec::new();
    for _ in 0..bench.sizes.pairs {
        let ours = bench.driver.run(server, load, extent)?;
        let theirs = bench.driver.run(&ceiling, load, extent)?;
        bench.say_pair(name, &ours, &theirs);
        pairs.push((ours, theirs));
    }
    Ok(Figure { name, status: load.status, connections: load.connections, pairs })
}

/// As [`compare`], with a fresh server for each turn of ours.
fn purchases(bench: &Bench) -> Result<Figure, Failure> {
    let name = "purchase, one hot SKU";
    let mut pairs = Vec::new();
    for turn in 0..bench.sizes.pairs {
        let server = bench.serve(&format!("hot-{turn}"))?;
        let passes = bench.driver.collect(&server, &admitted("hot"), BUYERS, "pass")?;
        let load = purchase("hot", passes);
        let ceiling = bench.ceiling_for(&bench.driver.show(&server, &load)?)?;
        let ours = bench.driver.run(&server, &load, Extent::Requests(PURCHASES))?;
        drop(server);
        let theirs = bench.driver.run(&ceiling, &load, Extent::Requests(PURCHASES * 2))?;
        bench.say_pair(name, &ours, &theirs);
        pairs.push((ours, theirs));
    }
    Ok(Figure { name, status: 201, connections: CONNECTIONS_WRITING, pairs })
}

/// An entry into a sale where one waits.
pub(super) fn enter(sale: &str) -> Load {
    Load {
        template: format!(
            "POST /v1/sales/{sale}/enter HTTP/1.1\r\nhost: bench\r\ncontent-length: 0\r\n\r\n"
        ),
        lines: None,
        connections: CONNECTIONS_WRITING,
        status: 202,
    }
}

/// The same with an idempotency key.
pub(super) fn keyed(load: Load) -> Load {
    let line = "host: bench\r\nidempotency-key: {serial}\r\n";
    Load { template: load.template.replace("host: bench\r\n", line), ..load }
}

/// An entry into a sale where one is let in at once.
fn admitted(sale: &str) -> Load {
    Load { status: 200, ..enter(sale) }
}

fn purchase(sale: &str, passes: PathBuf) -> Load {
    let body = r#"{"items":[{"sku":"unit","quantity":1}]}"#;
    Load {
        template: format!(
            "POST /v1/sales/{sale}/purchase HTTP/1.1\r\nhost: bench\r\n\
             authorization: Bearer {{line}}\r\nidempotency-key: {{serial}}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
        lines: Some(passes),
        connections: CONNECTIONS_WRITING,
        status: 201,
    }
}

impl Bench {
    /// A fresh `rushgate serve` on an empty data directory of this name.
    pub(super) fn serve(&self, data: &str) -> Result<Served, Failure> {
        self.serve_at(&self.scratch.join(data))
    }

    /// A `rushgate serve` on a data directory.
    pub(super) fn serve_at(&self, data: &Path) -> Result<Served, Failure> {
        let config = self.scratch.join("config.toml");
        write(&config, &config_text())?;
        let args = ["serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--config"];
        let mut args: Vec<String> = args.map(str::to_owned).into();
        args.push(config.display().to_string());
        args.extend(["--data".to_owned(), data.display().to_string()]);
        Served::start(&self.server, &args, &data.with_extension("log"))
    }

    fn ceiling_for(&self, answer: &Shown) -> Result<Served, Failure> {
        let body = self.scratch.join("body");
        write(&body, &answer.body)?;
        let mut args = vec!["--status".to_owned(), answer.status.to_string()];
        for header in &answer.headers {
            args.extend(["--header".to_owned(), header.clone()]);
        }
        args.extend(["--body".to_owned(), body.display().to_string()]);
        Served::start(&self.ceiling, &args, &self.scratch.join("ceiling.log"))
    }

    fn say_pair(&self, name: &str, ours: &Report, ceiling: &Report) {
        let (share, (ours, ceiling)) = (ours.rps / ceiling.rps, (ours.rps, ceiling.rps));
        self.say(&format!("{name}: {ours:.0}/s, bare hyper {ceiling:.0}/s, {share:.2}"));
    }
}

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
        + "[server]\nstreams_max = 13000\n[log]\nfilter = \"info\"\nformat = \"json\"\n"
}
